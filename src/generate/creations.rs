//! What a principal creates itself: tomorrow it will create others, and give them other names.

use foldhash::HashSet;

use crate::catalog::action::{AccessLevel, ActionFacts};
use crate::generate::facts;
use crate::generate::layout::Layout;
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::usage::ledger::PrincipalUsage;

/// What the names of actions that create begin with; what follows is the kind of what they create. `Put` replaces what is
/// there as a whole.
const VERBS: [&str; 8] = [
    "Allocate", "Copy", "Create", "Import", "Launch", "Put", "Register", "Run",
];

/// What an action's name calls the kind of what it creates, where the ARN calls it otherwise.
/// Source: the ARN formats of the Service Authorization Reference.
const OTHER_NAMES: [(&str, &str, &str); 7] = [
    ("cloudformation", "changeset", "stack"),
    ("ec2", "address", "elasticip"),
    ("rds", "dbinstance", "db"),
    ("rds", "dbparametergroup", "pg"),
    ("rds", "dbsecuritygroup", "secgrp"),
    ("rds", "dbsubnetgroup", "subgrp"),
    ("rds", "optiongroup", "og"),
];

/// What a principal created.
#[derive(Debug, Default)]
pub(super) struct Creations<'u> {
    /// The ARNs of what it named itself, without what AWS adds behind the name.
    named: HashSet<&'u str>,
    /// Kinds whose names AWS chooses, as ARNs up to the name.
    kinds: HashSet<&'u str>,
}

impl<'u> Creations<'u> {
    /// By the used actions of `usage` whose name says that they create what they were used on.
    pub(super) fn of(usage: &'u PrincipalUsage) -> Self {
        let mut out = Self::default();
        for (action, resources) in &usage.facts {
            let Some(kind) = created_kind(action) else {
                continue;
            };
            let used = resources.iter().filter(|(_, tally)| tally.used > 0);
            for (resource, tally) in used {
                out.learn(action.service(), &kind, resource, tally.used);
            }
        }
        out
    }

    fn learn(&mut self, service: &str, kind: &str, resource: &'u ResourceArn, calls: u64) {
        let Some(layout) = Layout::of(resource) else {
            return;
        };
        if !is_kind(service, kind, &layout) {
            return;
        }
        let start = layout.components[layout.first].start;
        if layout.component(layout.first) == "*" {
            if calls < RECURS {
                return;
            }
            self.kinds.insert(&layout.text[..start]);
        } else {
            self.named.insert(without_suffix(layout.text));
        }
    }

    /// Whether the principal created the resource, or what it belongs to (the stack of a change set, the log group of a
    /// stream).
    pub(super) fn has(&self, layout: &Layout<'_>) -> bool {
        let bare = without_suffix(layout.text);
        let mut ends = layout.components[layout.first..].iter();
        // The last component ends with the text.
        self.kinds
            .contains(&layout.text[..layout.components[layout.first].start])
            || ends.any(|c| self.named.contains(&layout.text[..c.end]))
            || bare.len() < layout.text.len() && self.named.contains(bare)
            || secret(layout).is_some_and(|name| self.named.contains(name))
    }
}

/// So often at least is a kind created whose names are not known yet: of one that was created once, others are not the
/// principal's.
const RECURS: u64 = 3;

/// The kind of thing that `action` creates, in lower case and without a plural's `s`; `None` where it creates nothing.
fn created_kind(action: &Action) -> Option<String> {
    let name = action.name();
    let kind = VERBS.iter().find_map(|verb| name.strip_prefix(verb))?;
    let reads = [AccessLevel::List, AccessLevel::Read];
    let writes = |facts: ActionFacts| !reads.contains(&facts.level());
    let creates =
        kind.starts_with(|c: char| c.is_ascii_uppercase()) && facts::of(action).is_some_and(writes);
    creates.then(|| singular(kind))
}

/// `name` in lower case, letters and digits only, without a plural's `s`.
fn singular(name: &str) -> String {
    let mut text: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    text.make_ascii_lowercase();
    if text.ends_with('s') {
        text.pop();
    }
    text
}

/// Whether a resource of the ARN's type is what a service's action calls `kind`: `CreateSnapshot` creates the snapshot, not the
/// volume.
fn is_kind(service: &str, kind: &str, layout: &Layout<'_>) -> bool {
    if layout.is_untyped() {
        // The one kind there is: queues, topics.
        return ["queue", "topic"].contains(&kind);
    }
    if layout.sole.is_none() {
        return kind == "object";
    }
    let of_arn = singular(&layout.text[layout.kind.clone()]);
    let other = OTHER_NAMES.iter();
    let mut other = other.filter(|(of, called, _)| *of == service && *called == kind);
    match other.next() {
        Some((.., name)) => of_arn == *name,
        None => kind.ends_with(&of_arn),
    }
}

/// `text` without what AWS adds behind a name: the `:*` of a log group, the `/*` of a stack, the `-??????` of a secret.
fn without_suffix(text: &str) -> &str {
    let suffixes = [":*", "/*", "-??????"];
    let bare = suffixes.iter().find_map(|suffix| text.strip_suffix(suffix));
    bare.unwrap_or(text)
}

/// The ARN of a secret up to the end of the name that its creator gave it.
/// Source: Secrets Manager User Guide: the ARN ends with a hyphen and six random characters.
fn secret<'a>(layout: &Layout<'a>) -> Option<&'a str> {
    let suffix = layout.text.len().checked_sub(7)?;
    let name = layout.text.get(..suffix)?;
    (layout.service == "secretsmanager" && layout.text[suffix..].starts_with('-')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::Creations;
    use crate::generate::layout::Layout;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::usage::ledger::{PrincipalUsage, Tally};

    #[test]
    fn a_kind_is_ones_own_only_where_it_is_created_again_and_again() {
        for (calls, expected) in [(1, false), (3, true)] {
            let group = "arn:aws:ec2:eu-west-1:111122223333:security-group/";
            let mut usage = PrincipalUsage::default();
            let tally = Tally {
                used: calls,
                ..Tally::default()
            };
            let action = Action::known("ec2:CreateSecurityGroup");
            let groups = usage.facts.entry(action).or_default();
            groups.insert(
                ResourceArn::from_pattern(format!("{group}*")),
                Box::new(tally),
            );
            let other = ResourceArn::from_pattern(format!("{group}sg-0123456789abcdef0"));
            let other = Layout::of(&other).unwrap();
            assert_eq!(Creations::of(&usage).has(&other), expected);
        }
    }

    #[test]
    fn who_creates_a_thing_creates_that_and_no_other() {
        let arn =
            |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:111122223333:{rest}");
        for (action, used, resource, expected) in [
            (
                "sqs:CreateQueue",
                arn("sqs", "preview-1"),
                arn("sqs", "preview-1"),
                true,
            ),
            (
                "sqs:SendMessage",
                arn("sqs", "preview-1"),
                arn("sqs", "preview-1"),
                false,
            ),
            (
                "lambda:CreateFunction",
                arn("lambda", "function:f"),
                arn("lambda", "function:f:live"),
                true,
            ),
            (
                "cloudformation:CreateChangeSet",
                arn("cloudformation", "stack/app/*"),
                arn("cloudformation", "stack/app/3f2504e0"),
                true,
            ),
            (
                "ec2:CreateSnapshot",
                arn("ec2", "volume/vol-1"),
                arn("ec2", "volume/vol-1"),
                false,
            ),
            (
                "ec2:CreateRouteTable",
                arn("ec2", "route-table/*"),
                arn("ec2", "route-table/rtb-1"),
                true,
            ),
            (
                "ec2:CreateRouteTable",
                arn("ec2", "vpc/vpc-1"),
                arn("ec2", "vpc/vpc-1"),
                false,
            ),
            (
                "rds:CreateDBInstance",
                arn("rds", "db:d"),
                arn("rds", "db:d"),
                true,
            ),
            (
                "rds:CreateDBInstance",
                arn("rds", "subgrp:d"),
                arn("rds", "subgrp:d"),
                false,
            ),
            (
                "secretsmanager:CreateSecret",
                arn("secretsmanager", "secret:a/b-??????"),
                arn("secretsmanager", "secret:a/b-xY12zW"),
                true,
            ),
            (
                "logs:CreateLogGroup",
                arn("logs", "log-group:/a/b:*"),
                arn("logs", "log-group:/a/b:log-stream:x"),
                true,
            ),
            (
                "s3:PutObject",
                "arn:aws:s3:::b/k".into(),
                "arn:aws:s3:::b/k".into(),
                true,
            ),
            (
                "s3:PutObject",
                "arn:aws:s3:::b/k".into(),
                "arn:aws:s3:::b/l".into(),
                false,
            ),
        ] {
            let mut usage = PrincipalUsage::default();
            let tally = Tally {
                used: 3,
                ..Tally::default()
            };
            usage
                .facts
                .entry(Action::known(action))
                .or_default()
                .insert(ResourceArn::from_pattern(used), Box::new(tally));
            let resource = ResourceArn::from_pattern(resource);
            assert_eq!(
                Creations::of(&usage).has(&Layout::of(&resource).unwrap()),
                expected,
                "{action} {resource}"
            );
        }
    }
}
