//! Actions that can be a step to more permissions than their caller has.

use crate::catalog::action::{AccessLevel, ActionFacts};
use crate::catalog::table::{Key, Table, columns};

/// By hand: actions that run code as a role, hand out credentials or read secrets.
const ESCALATING: Table = Table(include_str!("../../mappings/overrides/escalating.tsv"));

/// The services that say who may do what: whatever changes something there can be such a step.
const OF_IDENTITIES: [&str; 7] = [
    "iam",
    "identity-sync",
    "identitystore",
    "organizations",
    "sso",
    "sso-directory",
    "sts",
];

impl ActionFacts {
    /// Why whoever may do this can come to more permissions, by their own or another's; `None` where nothing known says so.
    #[must_use]
    pub fn escalates(self) -> Option<&'static str> {
        if self.permissions_management() {
            return Some("it grants or changes permissions");
        }
        let reads = matches!(self.level(), AccessLevel::List | AccessLevel::Read);
        if OF_IDENTITIES.contains(&self.prefix()) && (!reads || self.prefix() == "sts") {
            return Some("it changes who may do what");
        }
        let line = ESCALATING.row(Key::Whole(self.action))?;
        let [_, reason] = columns(line);
        Some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::ESCALATING;
    use crate::catalog::action::find;
    use crate::catalog::table::columns;

    #[test]
    fn what_leads_to_more_permissions_is_known() {
        for (action, expected) in [
            ("iam:PassRole", true),
            ("iam:AttachRolePolicy", true),
            ("iam:GetRole", false),
            ("sts:GetSessionToken", true),
            ("lambda:UpdateFunctionCode", true),
            ("ssm:GetParameter", true),
            ("ssm:DescribeParameters", false),
            ("s3:GetObject", false),
            ("s3:PutBucketPolicy", true),
            ("athena:CreatePresignedNotebookUrl", true),
            ("codeconnections:GetConnectionToken", true),
            ("elasticmapreduce:GetOnClusterAppUIPresignedURL", true),
            ("quicksight:GetAuthCode", true),
        ] {
            let found = find(action).unwrap().escalates();
            assert_eq!(found.is_some(), expected, "{action}: {found:?}");
        }
    }

    #[test]
    fn every_row_names_an_action_once_and_has_a_reason() {
        let mut last = String::new();
        for line in ESCALATING.all() {
            let [action, reason] = columns(line);
            let facts = find(action).unwrap();
            assert_eq!(facts.action, action);
            assert!(
                !facts.permissions_management() && !reason.is_empty(),
                "{line}"
            );
            assert!(last < action.to_lowercase(), "{line}");
            last = action.to_lowercase();
        }
    }
}
