//! Fewer words for the same permissions. Nothing here widens or narrows: each move is exact.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::iam::pattern::covers;

/// Each of the actions on each of the resources: a statement without its name. Both are sorted and not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The actions.
    pub actions: Vec<Action>,
    /// The resources.
    pub resources: Vec<ResourceArn>,
    /// What must all hold; sorted.
    pub conditions: Vec<Condition>,
}

/// What a statement costs beside its actions and resources, about: braces, keys, `Allow` and a Sid.
const STATEMENT_COST: usize = 80;

/// Patterns with a wildcard, to be found by what they could cover. A pattern covers a text only where its text before
/// the first wildcard starts that text and its text behind the last one ends it, so only those are ever compared.
pub(super) struct Wildcards<'a> {
    by_ends: HashMap<(&'a str, &'a str), Vec<&'a str>>,
    /// The distinct lengths of the keys above.
    lengths: BTreeSet<(usize, usize)>,
}

impl<'a> Wildcards<'a> {
    /// The patterns of `patterns` that have a wildcard.
    pub(super) fn among(patterns: impl Iterator<Item = &'a ResourceArn>) -> Self {
        let mut by_ends: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
        let mut lengths = BTreeSet::new();
        for pattern in patterns {
            if let Some((head, tail)) = literal_ends(pattern.as_str()) {
                by_ends
                    .entry((head, tail))
                    .or_default()
                    .push(pattern.as_str());
                lengths.insert((head.len(), tail.len()));
            }
        }
        Self { by_ends, lengths }
    }

    /// The patterns that cover `text`, itself among them where it is one.
    pub(super) fn covering<'s>(
        &'s self,
        text: &'s str,
    ) -> impl Iterator<Item = &'a str> + use<'s, 'a> {
        self.lengths
            .iter()
            .filter_map(move |&(head, tail)| {
                let tail_at = text.len().checked_sub(tail)?;
                self.by_ends.get(&(text.get(..head)?, text.get(tail_at..)?))
            })
            .flatten()
            .copied()
            .filter(move |pattern| covers(pattern, text))
    }
}

/// What stands before the first wildcard and behind the last; `None` where there is no wildcard. The literal `${*}` is
/// none.
fn literal_ends(pattern: &str) -> Option<(&str, &str)> {
    let mut wildcards = pattern
        .match_indices(['*', '?'])
        .map(|(at, _)| at)
        .filter(|&at| !(pattern[..at].ends_with("${") && pattern[at + 1..].starts_with('}')));
    let first = wildcards.next()?;
    let last = wildcards.next_back().unwrap_or(first);
    Some((&pattern[..first], &pattern[last + 1..]))
}

/// `resources` without those that another one covers.
pub(super) fn without_covered<T>(resources: BTreeMap<ResourceArn, T>) -> BTreeMap<ResourceArn, T> {
    let mut dropped: BTreeSet<&str> = BTreeSet::new();
    let wildcards = Wildcards::among(resources.keys());
    for resource in resources.keys() {
        // Only a pattern that is still there counts, or two that cover each other would both go.
        let covered = wildcards
            .covering(resource.as_str())
            .any(|by| by != resource.as_str() && !dropped.contains(by));
        if covered {
            dropped.insert(resource.as_str());
        }
    }
    let dropped: BTreeSet<ResourceArn> =
        dropped.into_iter().map(ResourceArn::from_pattern).collect();
    let mut kept = resources;
    kept.retain(|resource, _| !dropped.contains(resource));
    kept
}

/// The grants that allow exactly the pairs of `facts` under `conditions`, in canonical [`order`].
///
/// Actions of one service that share a resource, directly or through others, form a group. Within a group either each
/// action stands once, with all its resources, or each resource once, with all its actions, whichever is shorter:
/// a change in one group leaves the statements of all others as they are.
pub(super) fn grants(
    facts: &BTreeMap<Action, BTreeSet<ResourceArn>>,
    conditions: &[Condition],
) -> Vec<Grant> {
    let mut grants: Vec<Grant> = groups(facts)
        .into_iter()
        .flat_map(|group| {
            let by_action = actions_with_equal_resources(&group, facts);
            let by_resource = resources_with_equal_actions(&group, facts);
            if cost(&by_resource) < cost(&by_action) {
                by_resource
            } else {
                by_action
            }
        })
        .map(|grant| Grant {
            conditions: conditions.to_vec(),
            ..grant
        })
        .collect();
    order(&mut grants);
    grants
}

/// By service, then by actions.
pub(super) fn order(grants: &mut [Grant]) {
    grants.sort_by(|a, b| service(a).cmp(service(b)).then_with(|| a.cmp(b)));
}

/// The service of a grant's actions: they share one.
fn service(grant: &Grant) -> &str {
    grant.actions.first().map_or("", Action::service)
}

/// The actions of one service that are connected by shared resources.
fn groups(facts: &BTreeMap<Action, BTreeSet<ResourceArn>>) -> Vec<Vec<&Action>> {
    let actions: Vec<&Action> = facts.keys().collect();
    // A forest: each action points to one of its group, the first to itself.
    let mut leader: Vec<usize> = (0..actions.len()).collect();
    fn find(leader: &mut [usize], mut at: usize) -> usize {
        while leader[at] != at {
            leader[at] = leader[leader[at]];
            at = leader[at];
        }
        at
    }
    let mut first_user: HashMap<(&str, &ResourceArn), usize> = HashMap::new();
    for (at, (action, resources)) in facts.iter().enumerate() {
        for resource in resources {
            let user = *first_user.entry((action.service(), resource)).or_insert(at);
            let (a, b) = (find(&mut leader, user), find(&mut leader, at));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Vec<&Action>> = BTreeMap::new();
    for (at, action) in actions.into_iter().enumerate() {
        groups
            .entry(find(&mut leader, at))
            .or_default()
            .push(action);
    }
    groups.into_values().collect()
}

/// Each action once: those with the same resources share a grant.
fn actions_with_equal_resources(
    group: &[&Action],
    facts: &BTreeMap<Action, BTreeSet<ResourceArn>>,
) -> Vec<Grant> {
    let mut by_resources: BTreeMap<&BTreeSet<ResourceArn>, Vec<Action>> = BTreeMap::new();
    for action in group {
        by_resources
            .entry(&facts[*action])
            .or_default()
            .push((*action).clone());
    }
    by_resources
        .into_iter()
        .filter(|(resources, _)| !resources.is_empty())
        .map(|(resources, actions)| Grant {
            actions,
            resources: resources.iter().cloned().collect(),
            conditions: Vec::new(),
        })
        .collect()
}

/// Each resource once: those with the same actions share a grant.
fn resources_with_equal_actions(
    group: &[&Action],
    facts: &BTreeMap<Action, BTreeSet<ResourceArn>>,
) -> Vec<Grant> {
    let mut users: BTreeMap<&ResourceArn, Vec<&Action>> = BTreeMap::new();
    for action in group {
        for resource in &facts[*action] {
            users.entry(resource).or_default().push(action);
        }
    }
    let mut by_actions: BTreeMap<Vec<&Action>, Vec<ResourceArn>> = BTreeMap::new();
    for (resource, actions) in users {
        by_actions
            .entry(actions)
            .or_default()
            .push(resource.clone());
    }
    by_actions
        .into_iter()
        .map(|(actions, resources)| Grant {
            actions: actions.into_iter().cloned().collect(),
            resources,
            conditions: Vec::new(),
        })
        .collect()
}

/// About how many characters the grants take.
fn cost(grants: &[Grant]) -> usize {
    let quoted = |text: &str| text.len() + 3;
    grants
        .iter()
        .map(|grant| {
            let actions = grant.actions.iter().map(|a| quoted(a.as_str()));
            let resources = grant.resources.iter().map(|r| quoted(r.as_str()));
            STATEMENT_COST + actions.chain(resources).sum::<usize>()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::{Strategy, prop, proptest};

    use super::{Grant, grants, literal_ends, without_covered};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;

    fn facts(pairs: &[(&str, &[&str])]) -> BTreeMap<Action, BTreeSet<ResourceArn>> {
        pairs
            .iter()
            .map(|(action, resources)| {
                let resources = resources.iter().map(|r| ResourceArn::from_pattern(*r));
                (Action::parse(action).unwrap(), resources.collect())
            })
            .collect()
    }

    fn shown(grants: &[Grant]) -> Vec<String> {
        let join = |list: &[String]| list.join(",");
        grants
            .iter()
            .map(|g| {
                let actions: Vec<String> = g.actions.iter().map(ToString::to_string).collect();
                let resources: Vec<String> = g.resources.iter().map(ToString::to_string).collect();
                format!("{} on {}", join(&actions), join(&resources))
            })
            .collect()
    }

    #[test]
    fn a_read_and_a_delete_of_other_folders_stay_apart() {
        let facts = facts(&[
            ("s3:GetObject", &["arn:aws:s3:::b/a/*"]),
            ("s3:DeleteObject", &["arn:aws:s3:::b/b/*"]),
            ("s3:PutObject", &["arn:aws:s3:::b/a/*"]),
            ("ec2:DescribeVpcs", &["*"]),
            ("s3:ListAllMyBuckets", &["*"]),
        ]);
        assert_eq!(
            shown(&grants(&facts, &[])),
            [
                "ec2:DescribeVpcs on *",
                "s3:DeleteObject on arn:aws:s3:::b/b/*",
                "s3:GetObject,s3:PutObject on arn:aws:s3:::b/a/*",
                "s3:ListAllMyBuckets on *",
            ]
        );
    }

    #[test]
    fn shared_resources_are_written_once_where_that_is_shorter() {
        let long: Vec<String> = (0..5).map(|i| format!("arn:aws:s3:::b/{i:0>60}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let facts = facts(&[("s3:GetObject", &long), ("s3:PutObject", &long[1..])]);
        let found = grants(&facts, &[]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].resources.len() + found[1].resources.len(), 5);
    }

    #[test]
    fn literal_ends_are_the_text_around_the_wildcards() {
        for (pattern, expected) in [
            ("a*b?c", Some(("a", "c"))),
            ("*", Some(("", ""))),
            ("a${*}b", None),
            ("a${*}b*", Some(("a${*}b", ""))),
            ("plain", None),
        ] {
            assert_eq!(literal_ends(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn of_two_patterns_that_cover_each_other_one_stays() {
        let set = |texts: &[&str]| {
            let texts = texts.iter().map(|t| (ResourceArn::from_pattern(*t), ()));
            without_covered(texts.collect())
                .into_keys()
                .map(|r| r.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(set(&["a*", "a**"]).len(), 1);
        assert_eq!(set(&["a*", "ab", "a?", "b", "*b"]), ["*b", "a*"]);
        assert_eq!(set(&["a", "*", "arn:x"]), ["*"]);
    }

    /// A matcher of its own: does `pattern` (only `*`, `?` and letters) match `text`?
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                matches(&pattern[1..], text) || !text.is_empty() && matches(pattern, &text[1..])
            }
            (Some(b'?'), Some(_)) => matches(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) if p == t => matches(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn what_is_allowed_is_the_same_before_and_after(
            pairs in prop::collection::vec(("[A-D]", "[ab*?]{1,4}"), 1..24),
        ) {
            let mut before: BTreeMap<Action, BTreeMap<ResourceArn, ()>> = BTreeMap::new();
            for (action, pattern) in &pairs {
                before
                    .entry(Action::parse(&format!("s3:{action}")).unwrap())
                    .or_default()
                    .insert(ResourceArn::from_pattern(pattern.as_str()), ());
            }
            let small: BTreeMap<Action, BTreeSet<ResourceArn>> = before
                .into_iter()
                .map(|(action, set)| (action, without_covered(set).into_keys().collect()))
                .collect();
            let grants = grants(&small, &[]);
            // The universe: every text of up to five letters.
            let mut universe: Vec<String> = vec![String::new()];
            let mut from = 0;
            for _ in 0..5 {
                let to = universe.len();
                for i in from..to {
                    for letter in ["a", "b", "c"] {
                        universe.push(format!("{}{letter}", universe[i]));
                    }
                }
                from = to;
            }
            for action in ["A", "B", "C", "D"] {
                let name = format!("s3:{action}");
                for text in &universe {
                    let used = pairs
                        .iter()
                        .any(|(a, p)| a == action && matches(p.as_bytes(), text.as_bytes()));
                    let granted = grants.iter().any(|g| {
                        g.actions.iter().any(|a| a.as_str() == name)
                            && g.resources
                                .iter()
                                .any(|r| matches(r.as_str().as_bytes(), text.as_bytes()))
                    });
                    assert_eq!(used, granted, "{name} on {text}");
                }
            }
        }

        #[test]
        fn no_pair_appears_that_was_not_there(
            sets in prop::collection::btree_map("[A-E]", prop::collection::btree_set("[a-f]", 1..5), 1..5)
                .prop_map(|sets| sets.into_iter().collect::<Vec<_>>()),
        ) {
            let mut wanted = BTreeSet::new();
            let mut facts: BTreeMap<Action, BTreeSet<ResourceArn>> = BTreeMap::new();
            for (action, resources) in &sets {
                for resource in resources {
                    wanted.insert((format!("x:{action}"), resource.clone()));
                    facts
                        .entry(Action::parse(&format!("x:{action}")).unwrap())
                        .or_default()
                        .insert(ResourceArn::from_pattern(resource.as_str()));
                }
            }
            let mut found = BTreeSet::new();
            for grant in grants(&facts, &[]) {
                for action in &grant.actions {
                    for resource in &grant.resources {
                        let pair = (action.to_string(), resource.to_string());
                        assert!(found.insert(pair), "written twice");
                    }
                }
            }
            assert_eq!(found, wanted);
        }
    }
}
