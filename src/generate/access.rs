//! What actions do, as a person would sort them and as it takes more or less evidence to widen them.

use crate::catalog::action::{AccessLevel, ActionFacts};
use crate::generate::facts;
use crate::iam::action::Action;

/// The access levels of the Service Authorization Reference, as far as a reader tells them apart. The order is the order of
/// the statements of a service, and of the risk in what was not used yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Access {
    /// List and Read.
    Read,
    /// Write and Tagging.
    Write,
    /// Permissions management.
    Permissions,
}

impl Access {
    /// What `action` does. One that the catalog does not know may change something.
    pub(super) fn of(action: &Action) -> Self {
        match facts::of(action).map(ActionFacts::level) {
            Some(AccessLevel::List | AccessLevel::Read) => Self::Read,
            Some(AccessLevel::PermissionsManagement) => Self::Permissions,
            Some(AccessLevel::Write | AccessLevel::Tagging) | None => Self::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Access;
    use crate::iam::action::Action;

    #[test]
    fn levels_that_a_reader_takes_for_one_are_one() {
        for (action, expected) in [
            ("s3:ListBucket", Access::Read),
            ("s3:GetObject", Access::Read),
            ("s3:PutObject", Access::Write),
            ("ec2:CreateTags", Access::Write),
            ("s3:PutBucketPolicy", Access::Permissions),
            ("nobody:KnowsThis", Access::Write),
        ] {
            assert_eq!(Access::of(&Action::known(action)), expected, "{action}");
        }
    }
}
