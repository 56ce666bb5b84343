//! Fewer words for the same permissions. Nothing here widens or narrows: each move is exact.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt as _};

use crate::generate::Part;
use crate::generate::access::Access;
use crate::generate::cover::{self, Block, Table};
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
    /// What it is granted for.
    pub part: Part,
}

/// What a statement costs beside its actions, resources and conditions, about: braces, brackets, keys, `Allow` and a Sid.
const STATEMENT_COST: usize = 80;

/// What a condition costs beside its operator, key and values, about: braces and quotes, and its part of `Condition`.
const CONDITION_COST: usize = 20;

/// What a principal was granted or used: each action with its resources, both sorted, each once.
pub(super) type Facts<'u> = Vec<(&'u Action, Vec<&'u ResourceArn>)>;

/// Adds the next fact in order.
pub(super) fn add<'u>(facts: &mut Facts<'u>, action: &'u Action, resource: &'u ResourceArn) {
    match facts.last_mut() {
        Some((last, resources)) if *last == action => resources.push(resource),
        _ => facts.push((action, vec![resource])),
    }
}

/// Patterns with a wildcard, to be found by what they could cover. A pattern covers a text only where its text before
/// the first wildcard starts that text and its text behind the last one ends it, so only those are ever compared.
pub(super) struct Wildcards<'a> {
    by_ends: HashMap<(&'a str, &'a str), Vec<Wildcard<'a>>>,
    /// The distinct lengths of the keys above; sorted.
    lengths: Vec<(usize, usize)>,
}

/// A pattern of [`Wildcards`].
struct Wildcard<'a> {
    place: usize,
    text: &'a str,
    /// How much of the text need not be looked at where its ends fit.
    plain: usize,
}

impl<'a> Wildcards<'a> {
    /// The patterns of `patterns` that have a wildcard, each with its place.
    pub(super) fn among(patterns: impl Iterator<Item = (usize, &'a str)>) -> Self {
        let mut by_ends: HashMap<(&str, &str), Vec<Wildcard<'_>>> = HashMap::new();
        let mut lengths = BTreeSet::new();
        for (place, text) in patterns {
            if let Some((head, tail)) = literal_ends(text) {
                let plain = if head.contains('$') { 0 } else { head.len() };
                by_ends
                    .entry((head, tail))
                    .or_default()
                    .push(Wildcard { place, text, plain });
                lengths.insert((head.len(), tail.len()));
            }
        }
        let lengths = lengths.into_iter().collect();
        Self { by_ends, lengths }
    }

    /// Whether none of them has a wildcard.
    pub(super) fn is_empty(&self) -> bool {
        self.by_ends.is_empty()
    }

    /// The places of the patterns that cover `text`, its own among them where it is one.
    pub(super) fn covering<'s>(
        &'s self,
        text: &'s str,
    ) -> impl Iterator<Item = usize> + use<'s, 'a> {
        self.lengths
            .iter()
            .filter_map(move |&(head, tail)| {
                let tail_at = text.len().checked_sub(tail)?;
                self.by_ends.get(&(text.get(..head)?, text.get(tail_at..)?))
            })
            .flatten()
            .filter(move |by| covers(&by.text[by.plain..], &text[by.plain..]))
            .map(|by| by.place)
    }
}

/// What stands before the first wildcard and behind the last; `None` where there is no wildcard. The literal `${*}` is
/// none.
fn literal_ends(pattern: &str) -> Option<(&str, &str)> {
    let mut wildcards = memchr::memchr2_iter(b'*', b'?', pattern.as_bytes())
        .filter(|&at| !(pattern[..at].ends_with("${") && pattern[at + 1..].starts_with('}')));
    let first = wildcards.next()?;
    let last = wildcards.next_back().unwrap_or(first);
    Some((&pattern[..first], &pattern[last + 1..]))
}

/// `resources`, sorted, without those that another one covers.
pub(super) fn without_covered<R: Borrow<ResourceArn>, T>(resources: Vec<(R, T)>) -> Vec<(R, T)> {
    let texts: Vec<&str> = resources
        .iter()
        .map(|(resource, _)| resource.borrow().as_str())
        .collect();
    let wildcards = Wildcards::among(texts.iter().copied().enumerate());
    if wildcards.is_empty() {
        return resources;
    }
    let mut dropped = vec![false; texts.len()];
    for (place, text) in texts.iter().enumerate() {
        // Only a pattern that is still there counts, or two that cover each other would both go.
        dropped[place] = wildcards
            .covering(text)
            .any(|by| by != place && !dropped[by]);
    }
    let left = resources.into_iter().zip(dropped);
    left.filter_map(|(resource, dropped)| (!dropped).then_some(resource))
        .collect()
}

/// Which facts may share a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grouping {
    /// Those of one service and one kind of access.
    ServiceAndAccess,
    /// Those of one service.
    Service,
}

/// The grants for `part` that allow exactly the pairs of `facts` under `conditions`, grouped by service and access, in
/// canonical [`order`].
pub(super) fn grants(facts: &Facts<'_>, part: Part, conditions: &[Condition]) -> Vec<Grant> {
    grouped(facts, part, conditions, Grouping::ServiceAndAccess)
}

/// The same in groups of another kind. A change in one group leaves the statements of all others as they are.
pub(super) fn grouped(
    facts: &Facts<'_>,
    part: Part,
    conditions: &[Condition],
    grouping: Grouping,
) -> Vec<Grant> {
    let mut groups: BTreeMap<(&str, Option<Access>), Facts<'_>> = BTreeMap::new();
    for (action, resources) in facts.iter().filter(|(_, resources)| !resources.is_empty()) {
        let access = match grouping {
            Grouping::ServiceAndAccess => Some(Access::of(action)),
            Grouping::Service => None,
        };
        let group = groups.entry((action.service(), access)).or_default();
        group.push((action, resources.clone()));
    }
    let frame = frame(conditions);
    let mut grants = Vec::new();
    for group in groups.values() {
        let numbered = Numbered::of(group, frame);
        let blocks = cover::cover(&numbered.table).into_iter();
        grants.extend(blocks.map(|block| numbered.grant(block, part, conditions)));
    }
    order(&mut grants);
    grants
}

/// By part, then by service, then by kind of access, then by actions.
pub(super) fn order(grants: &mut [Grant]) {
    grants.sort_by(|a, b| {
        let blocks = (a.part, service(a)).cmp(&(b.part, service(b)));
        let access = |grant: &Grant| grant.actions.first().map(Access::of);
        blocks
            .then_with(|| access(a).cmp(&access(b)))
            .then_with(|| a.cmp(b))
    });
}

/// The service of a grant's first action.
fn service(grant: &Grant) -> &str {
    grant.actions.first().map_or("", Action::service)
}

/// The characters of a text in a list: quotes and a comma.
fn listed(text: &str) -> usize {
    text.len() + 3
}

/// About how many characters a statement takes beside its actions and resources.
fn frame(conditions: &[Condition]) -> usize {
    let conditions: usize = conditions
        .iter()
        .map(|condition| {
            let values = condition.values.iter().map(|value| listed(value));
            CONDITION_COST + condition.operator.len() + condition.key.len() + values.sum::<usize>()
        })
        .sum();
    STATEMENT_COST + conditions
}

/// The facts of a group by number, so that the texts are looked at once.
struct Numbered<'f> {
    actions: Vec<&'f Action>,
    resources: Vec<&'f ResourceArn>,
    /// The actions as its rows, the resources as its columns.
    table: Table,
}

impl<'f> Numbered<'f> {
    fn of(facts: &Facts<'f>, frame: usize) -> Self {
        let mut resources: Vec<&ResourceArn> = facts
            .iter()
            .flat_map(|(_, used)| used.iter().copied())
            .collect();
        resources.sort_unstable();
        resources.dedup();
        let numbers: HashMap<&ResourceArn, usize> = resources
            .iter()
            .enumerate()
            .map(|(at, r)| (*r, at))
            .collect();
        let marks = facts.iter().map(|(_, used)| {
            let mut columns: Vec<usize> = used.iter().map(|resource| numbers[resource]).collect();
            columns.sort_unstable();
            columns
        });
        let table = Table {
            marks: marks.collect(),
            rows: facts
                .iter()
                .map(|(action, _)| listed(action.as_str()))
                .collect(),
            columns: resources
                .iter()
                .map(|resource| listed(resource.as_str()))
                .collect(),
            frame,
        };
        Self {
            actions: facts.iter().map(|(action, _)| *action).collect(),
            resources,
            table,
        }
    }

    fn grant(&self, block: Block, part: Part, conditions: &[Condition]) -> Grant {
        let actions = block.rows.into_iter().map(|row| self.actions[row].clone());
        let resources = block
            .columns
            .into_iter()
            .map(|column| self.resources[column].clone());
        Grant {
            actions: actions.collect(),
            resources: resources.collect(),
            conditions: conditions.to_vec(),
            part,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::{Strategy, prop, proptest};

    use super::{Facts, Grant, literal_ends, without_covered};
    use crate::generate::Part;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::condition::Condition;

    fn facts(pairs: &[(&str, &[&str])]) -> BTreeMap<Action, BTreeSet<ResourceArn>> {
        pairs
            .iter()
            .map(|(action, resources)| {
                let resources = resources.iter().map(|r| ResourceArn::from_pattern(*r));
                (Action::parse(action).unwrap(), resources.collect())
            })
            .collect()
    }

    fn grants(
        facts: &BTreeMap<Action, BTreeSet<ResourceArn>>,
        conditions: &[Condition],
    ) -> Vec<Grant> {
        let facts: Facts<'_> = facts
            .iter()
            .map(|(action, resources)| (action, resources.iter().collect()))
            .collect();
        super::grants(&facts, Part::Recurring, conditions)
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
                "s3:GetObject on arn:aws:s3:::b/a/*",
                "s3:ListAllMyBuckets on *",
                "s3:DeleteObject on arn:aws:s3:::b/b/*",
                "s3:PutObject on arn:aws:s3:::b/a/*",
            ]
        );
    }

    #[test]
    fn shared_resources_are_written_once_where_that_is_shorter() {
        let long: Vec<String> = (0..5).map(|i| format!("arn:aws:s3:::b/{i:0>60}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let facts = facts(&[("s3:GetObject", &long), ("s3:GetObjectTagging", &long[1..])]);
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
            let texts: BTreeSet<&str> = texts.iter().copied().collect();
            let texts = texts.iter().map(|t| (ResourceArn::from_pattern(*t), ()));
            without_covered(texts.collect())
                .into_iter()
                .map(|(r, ())| r.to_string())
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
                .map(|(action, set)| {
                    let left = without_covered(set.into_iter().collect());
                    (action, left.into_iter().map(|(resource, ())| resource).collect())
                })
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
                        found.insert(pair);
                    }
                }
            }
            assert_eq!(found, wanted);
        }
    }
}
