//! Actions as patterns, `s3:Get*`, where they save characters: the one step that widens actions.
//!
//! A pattern ends at the end of a word, never right behind the service. What it admits beside the actions that were used is
//! weighed by access level, and so is what AWS adds later. No pattern takes in an action that grants permissions or can lead to more,
//! used or not: those stand by their names.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::action::{self, AccessLevel, ActionFacts};
use crate::generate::minimise::Grant;
use crate::generate::widening::{EXAMPLES, Widening};
use crate::generate::{Part, facts};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;

/// How much worse it is to admit an action of this level, in characters that must be saved for it.
const fn weight(level: AccessLevel) -> usize {
    match level {
        AccessLevel::List => 1,
        AccessLevel::Read => 2,
        AccessLevel::Tagging => 10,
        AccessLevel::Write | AccessLevel::PermissionsManagement => 20,
    }
}

/// One pattern in one of the grants, in the place of the actions behind its prefix.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    grant: usize,
    /// `s3:Get`
    prefix: &'static str,
    /// The characters that it saves.
    saved: usize,
    /// What it admits beside weighs, and one more of the worst behind it, for what AWS adds.
    weight: usize,
    /// The place of the first candidate that does not lie behind this one: those between cannot be taken with it.
    end: usize,
}

/// The patterns that make the grants shorter and admit nothing dangerous, each before those that lie behind it.
pub(super) fn candidates(grants: &[Grant]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for (grant, actions) in grants.iter().map(|grant| &grant.actions).enumerate() {
        let mut shared: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
        for facts in actions.iter().filter_map(facts::of) {
            for prefix in prefixes(facts.action) {
                shared.entry(prefix).or_default().push(facts.action);
            }
        }
        // Sorted, so that what lies behind a prefix follows it.
        for (prefix, stands) in shared {
            let before: usize = stands.iter().map(|action| action.len() + 3).sum();
            let saved = before.saturating_sub(prefix.len() + 4);
            if stands.len() > 1
                && saved > 0
                && let Some(weight) = weight_of(prefix, &stands)
            {
                found.push(Candidate {
                    grant,
                    prefix,
                    saved,
                    weight,
                    end: 0,
                });
            }
        }
    }
    for at in 0..found.len() {
        let (grant, prefix) = (found[at].grant, found[at].prefix);
        let behind = |other: &Candidate| other.grant == grant && other.prefix.starts_with(prefix);
        let behind = found[at..].iter().position(|other| !behind(other));
        found[at].end = behind.map_or(found.len(), |length| at + length);
    }
    found
}

/// What the pattern weighs that stands for these actions; `None` where it takes in what is dangerous.
fn weight_of(prefix: &'static str, stands: &[&str]) -> Option<usize> {
    let (mut more, mut worst) = (0, 0);
    for facts in admitted(prefix) {
        if facts.escalates().is_some() {
            return None;
        }
        match stands.contains(&facts.action) {
            true => worst = worst.max(weight(facts.level())),
            false => more += weight(facts.level()),
        }
    }
    Some(more + worst)
}

/// The candidates that together save most beyond what they weigh.
pub(super) fn worth_it(candidates: &[Candidate]) -> Vec<&Candidate> {
    winning(candidates, |candidate| {
        candidate.saved.saturating_sub(candidate.weight)
    })
}

/// The candidates that together save most, whatever they weigh.
pub(super) fn shortest(candidates: &[Candidate]) -> Vec<&Candidate> {
    winning(candidates, |candidate| candidate.saved)
}

/// The candidates that together gain most.
fn winning(candidates: &[Candidate], gain: fn(&Candidate) -> usize) -> Vec<&Candidate> {
    // Of each place, what is won by it and those behind it.
    let mut won = vec![0; candidates.len() + 1];
    for (at, candidate) in candidates.iter().enumerate().rev() {
        won[at] = won[at + 1].max(gain(candidate) + won[candidate.end]);
    }
    let mut taken = Vec::new();
    let mut at = 0;
    while let Some(candidate) = candidates.get(at) {
        at = match won[at] > won[at + 1] {
            true => {
                taken.push(candidate);
                candidate.end
            }
            false => at + 1,
        };
    }
    taken
}

/// The characters that these save.
pub(super) fn saved(taken: &[&Candidate]) -> usize {
    taken.iter().map(|candidate| candidate.saved).sum()
}

/// The most entries of the table of [`lightest`].
const MAX_ENTRIES: usize = 1 << 21;

/// The candidates that weigh least of those that save `wanted` characters, reckoned in units of a few characters where there are
/// many; `None` where none save so much, or there are too many to tell.
pub(super) fn lightest(candidates: &[Candidate], wanted: usize) -> Option<Vec<&Candidate>> {
    let most = (MAX_ENTRIES / (candidates.len() + 1)).checked_sub(1)?;
    let unit = wanted.div_ceil(most.max(1)).max(1);
    let width = wanted.div_ceil(unit) + 1;
    // Of each place and number of units, what it weighs to save them by the candidates from there on.
    let mut least = vec![usize::MAX; (candidates.len() + 1) * width];
    least[candidates.len() * width] = 0;
    let with = |least: &[usize], candidate: &Candidate, units: usize| {
        let rest = units.saturating_sub(candidate.saved / unit);
        least[candidate.end * width + rest].saturating_add(candidate.weight)
    };
    for (at, candidate) in candidates.iter().enumerate().rev() {
        for units in 0..width {
            let without = least[(at + 1) * width + units];
            least[at * width + units] = without.min(with(&least, candidate, units));
        }
    }
    let (mut at, mut units) = (0, width - 1);
    if least[units] == usize::MAX {
        return None;
    }
    let mut taken = Vec::new();
    while let Some(candidate) = candidates.get(at) {
        if with(&least, candidate, units) < least[(at + 1) * width + units] {
            taken.push(candidate);
            (at, units) = (candidate.end, units.saturating_sub(candidate.saved / unit));
        } else {
            at += 1;
        }
    }
    Some(taken)
}

/// `s3:Get` and `s3:GetObject` of `s3:GetObject`.
fn prefixes(action: &'static str) -> impl Iterator<Item = &'static str> {
    let name = action.find(':').map_or(action.len(), |colon| colon + 1);
    let letters = action.as_bytes();
    let ends = (name + 1..=action.len()).filter(move |&end| {
        let upper = |at: usize| letters.get(at).is_some_and(u8::is_ascii_uppercase);
        let lower = |at: usize| letters.get(at).is_some_and(u8::is_ascii_lowercase);
        end == letters.len() || upper(end) && (!upper(end - 1) || lower(end + 1))
    });
    ends.map(move |end| &action[..end])
}

/// All actions that `prefix` and a `*` admit today.
fn admitted(prefix: &'static str) -> impl Iterator<Item = ActionFacts> {
    let service = prefix.split(':').next().unwrap_or("");
    action::all_of(service).filter(move |facts| stands_behind(prefix, facts.action))
}

/// Whether `prefix` and a `*` admit the action: IAM compares without regard to letter case.
fn stands_behind(prefix: &str, action: &str) -> bool {
    let start = action.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The grants with these patterns written, and what that admits. Grants that came to the same actions are one.
pub(super) fn applied(grants: &[Grant], taken: &[&Candidate]) -> (Vec<Grant>, Vec<Widening>) {
    let mut patterns: Vec<Vec<&'static str>> = vec![Vec::new(); grants.len()];
    for candidate in taken {
        patterns[candidate.grant].push(candidate.prefix);
    }
    type Key<'g> = (Part, &'g [Condition], Vec<Action>);
    let mut joined: BTreeMap<Key<'_>, BTreeSet<&ResourceArn>> = BTreeMap::new();
    let mut used: Used<'_> = BTreeMap::new();
    for (grant, patterns) in grants.iter().zip(&patterns) {
        let plain = grant.actions.iter().filter(|action| {
            let behind = |prefix: &&str| stands_behind(prefix, action.as_str());
            !patterns.iter().any(behind)
        });
        let patterns_written = patterns.iter().map(|prefix| Action::starting_with(prefix));
        let mut actions: Vec<Action> = plain.cloned().chain(patterns_written).collect();
        actions.sort();
        let key = (grant.part, grant.conditions.as_slice(), actions);
        joined.entry(key).or_default().extend(&grant.resources);
        for prefix in patterns {
            for resource in &grant.resources {
                let stands = grant.actions.iter();
                let stands = stands.filter(|action| stands_behind(prefix, action.as_str()));
                let key = (resource, *prefix, grant.part, grant.conditions.as_slice());
                used.entry(key).or_default().extend(stands);
            }
        }
    }
    let joined = joined
        .into_iter()
        .map(|((part, conditions, actions), resources)| Grant {
            actions,
            resources: resources.into_iter().cloned().collect(),
            conditions: conditions.to_vec(),
            part,
        });
    (joined.collect(), widenings(&used))
}

/// A pattern on a resource, in one part and under the same conditions: what is granted under others is not granted here.
type Place<'g> = (&'g ResourceArn, &'static str, Part, &'g [Condition]);

/// By place the actions that were used.
type Used<'g> = BTreeMap<Place<'g>, BTreeSet<&'g Action>>;

/// What the patterns admit on each of the resources.
fn widenings(used: &Used<'_>) -> Vec<Widening> {
    let widening = |((resource, prefix, _, _), stands): (&Place<'_>, &BTreeSet<&Action>)| {
        let more: Vec<ActionFacts> = admitted(prefix)
            .filter(|facts| !stands.contains(&facts.to_action()))
            .collect();
        let examples = stands.iter().take(EXAMPLES);
        Widening {
            rule: "action-wildcard",
            admits: admits(&more),
            actions: more.iter().map(|facts| facts.to_action()).collect(),
            pattern: Some(Action::starting_with(prefix)),
            resource: (*resource).clone(),
            values: stands.len(),
            days: 0,
            examples: examples.map(|action| action.to_string()).collect(),
        }
    };
    used.iter().map(widening).collect()
}

/// What more is admitted, in words.
fn admits(more: &[ActionFacts]) -> String {
    let changes = more
        .iter()
        .filter(|facts| !matches!(facts.level(), AccessLevel::List | AccessLevel::Read));
    let changes = match changes.count() {
        0 => "none of which changes anything".to_owned(),
        1 => "one of which changes something".to_owned(),
        many => format!("{many} of which change something"),
    };
    match more.len() {
        0 => "no other action today, and those of this name that AWS adds".to_owned(),
        1 => format!("one other action today, {changes}, and those of this name that AWS adds"),
        many => {
            format!("{many} other actions today, {changes}, and those of this name that AWS adds")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Candidate, applied, candidates, lightest, prefixes, saved, shortest, worth_it};
    use crate::catalog::action;
    use crate::generate::Part;
    use crate::generate::minimise::Grant;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::condition::Condition;

    fn grant(actions: &[&str], resource: &str) -> Grant {
        Grant {
            actions: actions.iter().map(|a| Action::parse(a).unwrap()).collect(),
            resources: vec![ResourceArn::from_pattern(resource)],
            conditions: Vec::new(),
            part: Part::Recurring,
        }
    }

    /// The actions of each grant with all patterns that make it shorter.
    fn shortened(grants: &[Grant]) -> Vec<Vec<String>> {
        let candidates = candidates(grants);
        let (grants, _) = applied(grants, &shortest(&candidates));
        let actions = |grant: &Grant| grant.actions.iter().map(ToString::to_string).collect();
        grants.iter().map(actions).collect()
    }

    #[test]
    fn a_prefix_ends_with_a_word() {
        for (action, expected) in [
            (
                "s3:GetObjectAcl",
                &["s3:Get", "s3:GetObject", "s3:GetObjectAcl"][..],
            ),
            (
                "rds:DescribeDBInstances",
                &["rds:Describe", "rds:DescribeDB", "rds:DescribeDBInstances"],
            ),
            ("apigateway:GET", &["apigateway:GET"]),
        ] {
            assert_eq!(prefixes(action).collect::<Vec<_>>(), expected, "{action}");
        }
    }

    #[test]
    fn what_is_dangerous_stands_by_its_name() {
        for (actions, expected) in [
            // Secrets.
            (
                &[
                    "secretsmanager:GetRandomPassword",
                    "secretsmanager:GetResourcePolicy",
                ][..],
                &["secretsmanager:GetR*"][..0],
            ),
            // Whoever may pass a role, or change a policy.
            (
                &["s3:PutObject", "s3:PutObjectTagging"],
                &["s3:PutObject*"][..0],
            ),
            (&["s3:ListBucket", "s3:ListBucketVersions"], &["s3:List*"]),
            (
                &[
                    "ec2:DescribeVpcs",
                    "ec2:DescribeSubnets",
                    "ec2:RunInstances",
                ],
                &["ec2:Describe*", "ec2:RunInstances"],
            ),
            // No word in common.
            (
                &["s3:GetObject", "s3:ListBucket"],
                &["s3:GetObject", "s3:ListBucket"],
            ),
        ] {
            let found = shortened(&[grant(actions, "*")]).concat();
            let expected: Vec<&str> = match expected {
                [] => actions.to_vec(),
                some => some.to_vec(),
            };
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_pattern_admits_what_is_dangerous_or_all() {
        let services = [
            "cloudformation",
            "ec2",
            "iam",
            "kms",
            "lambda",
            "organizations",
            "s3",
            "secretsmanager",
            "ssm",
            "sts",
        ];
        let of_all = services.into_iter().flat_map(action::all_of);
        let mut actions: Vec<Action> = of_all.map(|facts| facts.to_action()).collect();
        actions.sort();
        let grant = Grant {
            actions,
            ..grant(&[], "*")
        };
        let grants = [grant];
        let candidates = candidates(&grants);
        let (grants, widened) = applied(&grants, &shortest(&candidates));
        let patterns: Vec<&str> = grants[0]
            .actions
            .iter()
            .filter_map(|action| action.as_str().strip_suffix('*'))
            .collect();
        assert!(patterns.len() > 100);
        let dangerous: BTreeSet<&str> = action::all()
            .filter(|facts| facts.escalates().is_some())
            .map(|facts| facts.action)
            .collect();
        for pattern in patterns {
            assert!(!pattern.ends_with(':'), "{pattern}");
            let service = pattern.split(':').next().unwrap();
            for facts in action::all_of(service) {
                let takes = facts
                    .action
                    .to_lowercase()
                    .starts_with(&pattern.to_lowercase());
                assert!(!takes || !dangerous.contains(facts.action), "{pattern}");
            }
        }
        // All of them were used.
        assert!(widened.iter().all(|widening| widening.actions.is_empty()));
    }

    #[test]
    fn grants_that_come_to_the_same_are_one_and_each_resource_says_what_it_admits() {
        let grants = [
            grant(&["ec2:DescribeVpcs", "ec2:DescribeSubnets"], "a"),
            grant(&["ec2:DescribeVpcs", "ec2:DescribeImages"], "b"),
        ];
        let candidates = candidates(&grants);
        let (found, widened) = applied(&grants, &shortest(&candidates));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].actions.len(), found[0].resources.len()), (1, 2));
        let describing = action::all_of("ec2")
            .filter(|facts| facts.action.starts_with("ec2:Describe"))
            .count();
        for (widening, own) in widened
            .iter()
            .zip(["ec2:DescribeSubnets", "ec2:DescribeImages"])
        {
            assert_eq!(
                (widening.values, widening.actions.len()),
                (2, describing - 2)
            );
            assert!(
                !widening
                    .actions
                    .contains(&Action::known("ec2:DescribeVpcs"))
            );
            assert!(!widening.actions.contains(&Action::parse(own).unwrap()));
        }
    }

    #[test]
    fn what_was_used_under_other_conditions_is_newly_admitted_under_these() {
        let under = |key: &'static str, actions: &[&str]| Grant {
            conditions: vec![Condition {
                operator: "StringEquals",
                key: key.into(),
                values: vec!["a".to_owned()],
            }],
            ..grant(actions, "*")
        };
        let grants = [
            under(
                "aws:SourceVpc",
                &["sns:ListTopics", "sns:ListSubscriptions"],
            ),
            under(
                "aws:SourceVpce",
                &["sns:ListTopics", "sns:ListPhoneNumbersOptedOut"],
            ),
        ];
        let candidates = candidates(&grants);
        let (_, widened) = applied(&grants, &shortest(&candidates));
        let admitting = |action: &str| {
            let action = Action::parse(action).unwrap();
            let found = widened.iter().filter(|w| w.actions.contains(&action));
            found.count()
        };
        assert_eq!(widened.len(), 2);
        assert_eq!(admitting("sns:ListSubscriptions"), 1);
        assert_eq!(admitting("sns:ListPhoneNumbersOptedOut"), 1);
        assert_eq!(admitting("sns:ListTopics"), 0);
    }

    #[test]
    fn what_admits_least_is_taken_of_what_saves_enough() {
        // All that list something in SNS, and two of the many that describe something in EC2.
        let few: Vec<&str> = action::all_of("sns")
            .map(|facts| facts.action)
            .filter(|action| action.starts_with("sns:List"))
            .collect();
        let grants = [
            grant(&["ec2:DescribeVpcs", "ec2:DescribeSubnets"], "*"),
            grant(&few, "*"),
        ];
        let candidates = candidates(&grants);
        let taken = |found: Vec<&Candidate>| -> Vec<&str> {
            found.iter().map(|candidate| candidate.prefix).collect()
        };
        assert_eq!(
            taken(lightest(&candidates, 10).unwrap()),
            ["sns:ListSubscriptions"]
        );
        assert_eq!(taken(worth_it(&candidates)), ["sns:List"]);
        let most = saved(&shortest(&candidates));
        let both = ["ec2:Describe", "sns:List"];
        assert_eq!(taken(lightest(&candidates, most).unwrap()), both);
        assert!(lightest(&candidates, most + 1).is_none());
        assert!(lightest(&candidates, 0).unwrap().is_empty());
    }
}
