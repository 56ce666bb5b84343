//! `s3:GetObject`: a service prefix and a name.

use std::borrow::Cow;
use std::fmt;

/// An IAM action as AWS spells it, `prefix:Name`.
///
/// IAM compares actions without regard to case; this type keeps AWS's spelling and compares exactly, because every
/// action that trailfit writes comes out of the catalog and so has one spelling only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action(Cow<'static, str>);

impl Action {
    /// An action out of the embedded tables: `s3:GetObject`.
    #[must_use]
    pub const fn known(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Every action whose text starts with `prefix`, which is out of the embedded tables: `s3:Get*`. No text out of a log
    /// lives for ever, so none can become one.
    #[must_use]
    pub fn starting_with(prefix: &'static str) -> Self {
        Self(Cow::Owned(format!("{prefix}*")))
    }

    /// An action out of a log (the message of a denied call). `None` where the text is not `prefix:Name` with a name
    /// of letters, digits, `-` and `_` only, so that nothing from a log can reach a policy as a wildcard.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (service, name) = text.split_once(':')?;
        let word = |s: &str| {
            !s.is_empty()
                && s.len() <= 128
                && s.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        (word(service) && word(name)).then(|| Self(Cow::Owned(text.to_owned())))
    }

    /// The whole action, `s3:GetObject`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The service prefix, `s3`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.colon().map_or("", |colon| &self.0[..colon])
    }

    /// The name behind the prefix, `GetObject`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.colon().map_or("", |colon| &self.0[colon + 1..])
    }

    /// Where the colon is: not far, which takes less to look at byte by byte than to search.
    fn colon(&self) -> Option<usize> {
        self.0.bytes().position(|b| b == b':')
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Action;

    #[test]
    fn parse_takes_a_plain_action_and_nothing_else() {
        let action = Action::parse("execute-api:Invoke").unwrap();
        assert_eq!((action.service(), action.name()), ("execute-api", "Invoke"));
        for bad in [
            "",
            "s3",
            "s3:",
            ":Get",
            "s3:*",
            "s3:Get Object",
            "a:b:c",
            "s3:Get\u{e9}",
        ] {
            assert_eq!(Action::parse(bad), None, "{bad}");
        }
    }
}
