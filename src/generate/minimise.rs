//! Fewer words for the same permissions. Nothing here widens or narrows: each move is exact.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::generate::Part;
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

/// What a statement costs beside its actions and resources, about: braces, keys, `Allow` and a Sid.
const STATEMENT_COST: usize = 80;

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
    /// The distinct lengths of the keys above.
    lengths: BTreeSet<(usize, usize)>,
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
        Self { by_ends, lengths }
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
    if wildcards.lengths.is_empty() {
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

/// The grants for `part` that allow exactly the pairs of `facts` under `conditions`, in canonical [`order`].
///
/// Actions of one service that share a resource, directly or through others, form a group. Within a group either each
/// action stands once, with all its resources, or each resource once, with all its actions, whichever is shorter:
/// a change in one group leaves the statements of all others as they are.
pub(super) fn grants(facts: &Facts<'_>, part: Part, conditions: &[Condition]) -> Vec<Grant> {
    let mut grants = Vec::new();
    for service in facts.chunk_by(|(a, _), (b, _)| a.service() == b.service()) {
        let numbered = Numbered::of(service);
        for group in numbered.groups() {
            let by_action = numbered.actions_with_equal_resources(&group);
            // Where there is one action, the other way comes to the same.
            let found = match group.len() {
                1 => by_action,
                _ => {
                    let by_resource = numbered.resources_with_equal_actions(&group);
                    match numbered.cost(&by_resource) < numbered.cost(&by_action) {
                        true => by_resource,
                        false => by_action,
                    }
                }
            };
            let found = found.into_iter().filter(|pair| !pair.resources.is_empty());
            grants.extend(found.map(|pair| numbered.grant(pair, part, conditions)));
        }
    }
    order(&mut grants);
    grants
}

/// By part, then by service, then by actions.
pub(super) fn order(grants: &mut [Grant]) {
    grants.sort_by(|a, b| {
        let blocks = (a.part, service(a)).cmp(&(b.part, service(b)));
        blocks.then_with(|| a.cmp(b))
    });
}

/// The service of a grant's actions: they share one.
fn service(grant: &Grant) -> &str {
    grant.actions.first().map_or("", Action::service)
}

/// Actions of one service with their resources by number, so that the texts are looked at once.
struct Numbered<'f> {
    actions: Vec<&'f Action>,
    /// Of each action.
    uses: Vec<Vec<usize>>,
    resources: Vec<&'f ResourceArn>,
}

/// A grant, as the places of its actions and the numbers of its resources.
struct Pair {
    actions: Vec<usize>,
    resources: Vec<usize>,
}

impl<'f> Numbered<'f> {
    fn of(facts: &'f [(&'f Action, Vec<&'f ResourceArn>)]) -> Self {
        let mut numbers: HashMap<&ResourceArn, usize> = HashMap::new();
        let mut resources = Vec::new();
        let mut number = |resource: &'f ResourceArn| {
            *numbers.entry(resource).or_insert_with(|| {
                resources.push(resource);
                resources.len() - 1
            })
        };
        let uses = facts
            .iter()
            .map(|(_, resources)| resources.iter().map(|resource| number(resource)).collect())
            .collect();
        Self {
            actions: facts.iter().map(|(action, _)| *action).collect(),
            uses,
            resources,
        }
    }

    /// The actions that are connected by shared resources.
    fn groups(&self) -> Vec<Vec<usize>> {
        // A forest: each action points to one of its group, the first to itself.
        let mut leader: Vec<usize> = (0..self.actions.len()).collect();
        fn find(leader: &mut [usize], mut at: usize) -> usize {
            while leader[at] != at {
                leader[at] = leader[leader[at]];
                at = leader[at];
            }
            at
        }
        let mut first_user: Vec<Option<usize>> = vec![None; self.resources.len()];
        for (at, resources) in self.uses.iter().enumerate() {
            for &resource in resources {
                let user = *first_user[resource].get_or_insert(at);
                let (a, b) = (find(&mut leader, user), find(&mut leader, at));
                leader[a.max(b)] = a.min(b);
            }
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in 0..self.actions.len() {
            groups.entry(find(&mut leader, at)).or_default().push(at);
        }
        groups.into_values().collect()
    }

    /// Each action once: those with the same resources share a grant.
    fn actions_with_equal_resources(&self, group: &[usize]) -> Vec<Pair> {
        let mut by_resources: BTreeMap<&[usize], Vec<usize>> = BTreeMap::new();
        for &action in group {
            by_resources
                .entry(&self.uses[action])
                .or_default()
                .push(action);
        }
        let pairs = by_resources.into_iter().map(|(resources, actions)| Pair {
            actions,
            resources: resources.to_vec(),
        });
        pairs.collect()
    }

    /// Each resource once: those with the same actions share a grant.
    fn resources_with_equal_actions(&self, group: &[usize]) -> Vec<Pair> {
        let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &action in group {
            for &resource in &self.uses[action] {
                users.entry(resource).or_default().push(action);
            }
        }
        let mut by_actions: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (resource, actions) in users {
            by_actions.entry(actions).or_default().push(resource);
        }
        let pairs = by_actions
            .into_iter()
            .map(|(actions, resources)| Pair { actions, resources });
        pairs.collect()
    }

    /// About how many characters the grants take.
    fn cost(&self, pairs: &[Pair]) -> usize {
        let quoted = |text: &str| text.len() + 3;
        pairs
            .iter()
            .map(|pair| {
                let actions = pair.actions.iter().map(|&a| self.actions[a].as_str());
                let resources = pair.resources.iter().map(|&r| self.resources[r].as_str());
                STATEMENT_COST + actions.chain(resources).map(quoted).sum::<usize>()
            })
            .sum()
    }

    fn grant(&self, pair: Pair, part: Part, conditions: &[Condition]) -> Grant {
        let resources = pair.resources.iter().map(|&r| self.resources[r]);
        let mut resources: Vec<&ResourceArn> = resources.collect();
        resources.sort_unstable();
        Grant {
            actions: pair
                .actions
                .iter()
                .map(|&a| self.actions[a].clone())
                .collect(),
            resources: resources.into_iter().cloned().collect(),
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
                        assert!(found.insert(pair), "written twice");
                    }
                }
            }
            assert_eq!(found, wanted);
        }
    }
}
