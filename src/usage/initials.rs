//! What names begin with.

/// What some names begin with: to tell quickly, and most often, that a name is none of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Initials(u32);

impl Initials {
    /// One bit for each letter; all for what is none, as [`same_name`](crate::usage::request::same_name) may look beyond it.
    fn of(name: &str) -> u32 {
        match name.bytes().next() {
            Some(letter) if letter.is_ascii_alphabetic() => 1 << (letter & 0x1f),
            _ => u32::MAX,
        }
    }

    /// Adds a name.
    pub(crate) fn add(&mut self, name: &str) {
        self.0 |= Self::of(name);
    }

    /// False where [`same_name`](crate::usage::request::same_name) takes none of the names for `name`.
    pub(crate) fn may_have(self, name: &str) -> bool {
        self.0 & Self::of(name) != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Initials;
    use crate::usage::request::same_name;

    proptest! {
        #[test]
        fn no_name_is_missed(names in prop::collection::vec("[a-cA-CsS_0-9-]{0,3}", 0..4), sought in "[a-cA-CsS_0-9-]{0,3}") {
            let mut initials = Initials::default();
            names.iter().for_each(|name| initials.add(name));
            let named = names.iter().any(|name| same_name(name, &sought));
            prop_assert!(!named || initials.may_have(&sought), "{names:?} {sought}");
        }
    }
}
