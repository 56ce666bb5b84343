//! What stands behind each statement of a plan: which uses it allows, and which rules made its patterns.
//!
//! Worked out afterwards, from the documents and the usage: whatever wrote a statement, this is what it allows of what was
//! used.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::generate::minimise::Wildcards;
use crate::generate::widening::Widening;
use crate::generate::{Part, Plan, generalise};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::pattern::covers;
use crate::iam::policy::Statement;
use crate::usage::ledger::{PrincipalUsage, Tally};
use crate::usage::origin::{Networks, Regions};

/// The most events named for a statement.
const SAMPLES: usize = 5;

/// The most used resources named for a pattern.
const EXAMPLES: usize = 3;

/// A statement, with the uses that it allows by action and resource; conditions are not asked. What several statements allow
/// counts for each of them.
#[derive(Clone, Debug)]
pub struct Explanation<'p> {
    /// The statement's document, counted from 0.
    pub document: usize,
    /// The statement.
    pub statement: &'p Statement,
    /// What it is in the policy for.
    pub part: Part,
    /// How often something was used that it allows. A call may use several things.
    pub uses: u64,
    /// The same by action: for each of the statement's that was used.
    pub actions: BTreeMap<&'p Action, u64>,
    /// The days with such a use, since 1970-01-01, UTC.
    pub days: BTreeSet<u16>,
    /// The first and the last, in seconds since 1970; `None` where no record tells a time.
    pub seen: Option<(i64, i64)>,
    /// The ids of a few events, from the first to the last.
    pub samples: Vec<&'p str>,
    /// The Regions of the calls.
    pub regions: Regions,
    /// The kinds of networks that they came from.
    pub networks: Networks,
    /// The services that forwarded calls.
    pub via: BTreeSet<&'p str>,
    /// The statement's resources, in its order.
    pub resources: Vec<Explained<'p>>,
}

/// A resource of a statement.
#[derive(Clone, Debug)]
pub struct Explained<'p> {
    /// As the statement has it.
    pub resource: &'p ResourceArn,
    /// How often it was used by the statement's actions.
    pub uses: u64,
    /// How many distinct resources were; a pattern that calls were decided on as it stands is none.
    pub used: usize,
    /// A few of them, from the first in order to the last.
    pub examples: Vec<&'p str>,
    /// What made it more than what was used.
    pub widened: Vec<&'p Widening>,
}

/// The statements of `plan`, in order, with what they allow of `usage`.
#[must_use]
pub fn explain<'p>(usage: &'p PrincipalUsage, plan: &'p Plan) -> Vec<Explanation<'p>> {
    let mut behind: Vec<Behind<'p>> = Vec::new();
    for (document, (policy, parts)) in plan.documents.iter().zip(&plan.parts).enumerate() {
        let statements = policy.statements.iter().zip(parts);
        behind.extend(statements.map(|(statement, part)| Behind::of(document, statement, *part)));
    }
    let allowing = Allowing::of(&behind);
    for (action, resources) in &usage.facts {
        let places = allowing.places(action, &behind);
        if places.is_empty() {
            continue;
        }
        let found = Found::among(&places, &behind);
        for (resource, tally) in resources.iter().filter(|(_, tally)| tally.used > 0) {
            let mut last = None;
            for (at, of) in found.covering(resource) {
                // By several of its resources, a statement allows a use but once.
                if last.replace(at) != Some(at) {
                    behind[at].add(action, tally);
                }
                let pattern = &behind[at].explanation.statement.resources[of];
                behind[at].resources[of].add(pattern, resource, tally);
            }
        }
    }
    let mut widened: HashMap<&ResourceArn, Vec<&Widening>> = HashMap::new();
    for widening in &plan.widened {
        widened
            .entry(&widening.resource)
            .or_default()
            .push(widening);
    }
    behind
        .into_iter()
        .map(|each| each.explained(&widened))
        .collect()
}

/// An explanation in the making.
struct Behind<'p> {
    explanation: Explanation<'p>,
    /// When and with which event each fact was first used.
    events: Vec<(i64, &'p str)>,
    resources: Vec<Uses<'p>>,
}

/// The uses of a resource in the making.
#[derive(Clone, Default)]
struct Uses<'p> {
    uses: u64,
    resources: Vec<&'p str>,
}

impl<'p> Uses<'p> {
    fn add(&mut self, pattern: &ResourceArn, resource: &'p ResourceArn, tally: &Tally) {
        self.uses += tally.used;
        // What is decided on `snapshot/*`, because there is no id yet, names no snapshot.
        if resource != pattern || !is_pattern(pattern) {
            self.resources.push(resource.as_str());
        }
    }
}

/// Whether it has a wildcard, which the literal `${*}` is not.
fn is_pattern(resource: &ResourceArn) -> bool {
    let literal = resource.as_str().replace("${*}", "").replace("${?}", "");
    literal.contains(['*', '?'])
}

impl<'p> Behind<'p> {
    fn of(document: usize, statement: &'p Statement, part: Part) -> Self {
        Self {
            resources: vec![Uses::default(); statement.resources.len()],
            events: Vec::new(),
            explanation: Explanation {
                document,
                statement,
                part,
                uses: 0,
                actions: BTreeMap::new(),
                days: BTreeSet::new(),
                seen: None,
                samples: Vec::new(),
                regions: Regions::default(),
                networks: Networks::default(),
                via: BTreeSet::new(),
                resources: Vec::new(),
            },
        }
    }

    fn add(&mut self, action: &'p Action, tally: &'p Tally) {
        let all = &mut self.explanation;
        all.uses += tally.used;
        *all.actions.entry(action).or_default() += tally.used;
        all.days.extend(&tally.days);
        if let Some((first, last)) = tally.seen {
            let seen = all.seen.get_or_insert((first, last));
            *seen = (seen.0.min(first), seen.1.max(last));
        }
        all.regions.absorb(&tally.regions);
        all.networks.absorb(tally.networks);
        all.via.extend(tally.via.iter().map(|service| &**service));
        if let Some(id) = &tally.sample_event_id {
            let first = tally.seen.map_or(i64::MAX, |(first, _)| first);
            self.events.push((first, id.as_str()));
        }
    }

    fn explained(self, widened: &HashMap<&ResourceArn, Vec<&'p Widening>>) -> Explanation<'p> {
        let mut all = self.explanation;
        let actions = &all.statement.actions;
        let allows = |action: &Action| {
            let mut own = actions.iter();
            own.any(|own| covers(own.as_str(), action.as_str()))
        };
        let is_ours = |widening: &&&Widening| widening.actions.iter().any(allows);
        let resources = all.statement.resources.iter().zip(self.resources);
        all.resources = resources
            .map(|(resource, mut uses)| {
                uses.resources.sort_unstable();
                uses.resources.dedup();
                let widened = widened.get(resource).into_iter().flatten();
                Explained {
                    resource,
                    uses: uses.uses,
                    used: uses.resources.len(),
                    examples: few(&uses.resources, EXAMPLES).copied().collect(),
                    widened: widened.filter(is_ours).copied().collect(),
                }
            })
            .collect();
        all.samples = spread(self.events);
        all
    }
}

/// The ids of a few events, by the time.
fn spread(mut events: Vec<(i64, &str)>) -> Vec<&str> {
    events.sort_unstable();
    let mut seen = BTreeSet::new();
    events.retain(|(_, id)| seen.insert(*id));
    few(&events, SAMPLES).map(|(_, id)| *id).collect()
}

/// At most `count` of `items`: the first, the last, and some at equal distances.
fn few<T>(items: &[T], count: usize) -> impl Iterator<Item = &T> {
    let last = items.len().saturating_sub(1);
    let count = count.min(items.len());
    (0..count).map(move |nth| &items[nth * last / (count - 1).max(1)])
}

/// Which statements name an action.
struct Allowing<'p> {
    exact: HashMap<&'p str, Vec<usize>>,
    patterns: Vec<(&'p str, usize)>,
}

impl<'p> Allowing<'p> {
    fn of(behind: &[Behind<'p>]) -> Self {
        let mut allowing = Self {
            exact: HashMap::new(),
            patterns: Vec::new(),
        };
        for (at, each) in behind.iter().enumerate() {
            for action in each
                .explanation
                .statement
                .actions
                .iter()
                .map(Action::as_str)
            {
                match action.contains(['*', '?']) {
                    true => allowing.patterns.push((action, at)),
                    false => allowing.exact.entry(action).or_default().push(at),
                }
            }
        }
        allowing
    }

    /// The statements that allow `action`, each with its resources, by their places.
    fn places(&self, action: &Action, behind: &[Behind<'p>]) -> Vec<(usize, usize)> {
        let exact = self.exact.get(action.as_str()).into_iter().flatten();
        let patterns = self.patterns.iter();
        let patterns = patterns.filter(|(pattern, _)| covers(pattern, action.as_str()));
        let mut statements: Vec<usize> =
            exact.copied().chain(patterns.map(|(_, at)| *at)).collect();
        statements.sort_unstable();
        statements.dedup();
        let resources = statements
            .into_iter()
            .flat_map(|at| (0..behind[at].resources.len()).map(move |of| (at, of)));
        resources.collect()
    }
}

/// Resources of statements, to be found by what they cover.
struct Found<'a, 'p> {
    places: &'a [(usize, usize)],
    exact: HashMap<&'p str, Vec<usize>>,
    wildcards: Wildcards<'p>,
}

impl<'a, 'p> Found<'a, 'p> {
    fn among(places: &'a [(usize, usize)], behind: &[Behind<'p>]) -> Self {
        let text = |(at, of): &(usize, usize)| {
            let statement = behind[*at].explanation.statement;
            statement.resources[*of].as_str()
        };
        let mut exact: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, each) in places.iter().enumerate() {
            exact.entry(text(each)).or_default().push(place);
        }
        Self {
            places,
            exact,
            wildcards: Wildcards::among(places.iter().map(text).enumerate()),
        }
    }

    /// Those that cover `resource`, in order, each once.
    fn covering(&self, resource: &ResourceArn) -> Vec<(usize, usize)> {
        let written = generalise::writable(resource);
        let text = written.as_ref().unwrap_or(resource).as_str();
        let mut places: Vec<usize> = self.wildcards.covering(text).collect();
        places.extend(self.exact.get(text).into_iter().flatten());
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| self.places[place]).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::{explain, few};
    use crate::generate::options::{Options, Resources};
    use crate::generate::quota::{Quota, Target};
    use crate::generate::{Part, plan};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::pattern::covers;
    use crate::usage::ledger::{PrincipalUsage, Tally};
    use crate::usage::origin::Network;

    fn usage(facts: &[(&str, &str, u64, u16)]) -> PrincipalUsage {
        let mut usage = PrincipalUsage::default();
        for (action, resource, used, day) in facts {
            let time = i64::from(*day) * 86_400;
            let tally: &mut Tally = usage
                .facts
                .entry(Action::parse(action).unwrap())
                .or_default()
                .entry(ResourceArn::from_pattern(*resource))
                .or_default();
            tally.used = *used;
            tally.seen = Some((time, time + 60));
            tally.days = [*day][..].into();
            tally.sample_event_id = Some(format!("e-{day}").as_str().into());
            tally.regions.count(&"eu-west-1".into(), *used);
            tally.networks.insert(Network::Public);
            tally.via.insert("athena.amazonaws.com".into());
        }
        usage
    }

    #[test]
    fn a_statement_is_explained_by_what_it_allows() {
        let keys: Vec<String> = (1..=9)
            .map(|day| format!("arn:aws:s3:::b/2026-09-0{day}.csv"))
            .collect();
        let mut facts: Vec<(&str, &str, u64, u16)> = Vec::new();
        for (day, key) in (100..).zip(&keys) {
            facts.push(("s3:GetObject", key, 2, day));
            facts.push(("s3:GetObjectTagging", key, 1, day));
        }
        facts.push(("s3:ListBucket", "arn:aws:s3:::b", 5, 120));
        let usage = usage(&facts);
        let plan = plan(&usage, &Options::default());
        let explained = explain(&usage, &plan);
        let objects = explained.iter().find(|each| each.uses == 27).unwrap();
        assert_eq!((objects.document, objects.part), (0, Part::Recurring));
        assert_eq!(objects.actions[&Action::known("s3:GetObject")], 18);
        assert_eq!(objects.days.len(), 9);
        assert_eq!(objects.seen, Some((100 * 86_400, 108 * 86_400 + 60)));
        assert_eq!(
            objects.samples,
            ["e-100", "e-102", "e-104", "e-106", "e-108"]
        );
        assert_eq!(
            objects.regions.iter().collect::<Vec<_>>(),
            [("eu-west-1", 27)]
        );
        assert_eq!(
            objects.networks.iter().collect::<Vec<_>>(),
            [Network::Public]
        );
        assert!(objects.via.contains("athena.amazonaws.com"));
        let [pattern] = objects.resources.as_slice() else {
            unreachable!("one pattern");
        };
        assert_eq!(
            (pattern.resource.as_str(), pattern.uses, pattern.used),
            ("arn:aws:s3:::b/*.csv", 27, 9)
        );
        assert_eq!(pattern.examples, [&keys[0], &keys[4], &keys[8]]);
        let rules: Vec<_> = pattern
            .widened
            .iter()
            .map(|each| (each.rule, each.values))
            .collect();
        assert_eq!(rules, [("dated-name", 9)]);
        let bucket = explained.iter().find(|each| each.uses == 5).unwrap();
        assert!(bucket.resources[0].widened.is_empty());
    }

    #[test]
    fn what_is_decided_on_a_pattern_names_no_resource() {
        let all = "arn:aws:ec2:eu-west-1::snapshot/*";
        let one = "arn:aws:ec2:eu-west-1::snapshot/snap-0aaaaaaaaaaaaaaaa";
        let usage = usage(&[
            ("ec2:CreateTags", all, 3, 100),
            ("ec2:CreateTags", one, 1, 101),
        ]);
        let plan = plan(&usage, &Options::default());
        let explained = explain(&usage, &plan);
        let snapshots = &explained[0].resources[0];
        assert_eq!(
            (snapshots.resource.as_str(), snapshots.uses, snapshots.used),
            (all, 4, 1)
        );
        assert_eq!(snapshots.examples, [one]);
    }

    /// A quadratic step would take minutes.
    #[test]
    fn thousands_of_statements_and_keys_are_no_burden() {
        let keys: Vec<String> = (0..20_000)
            .map(|i| format!("arn:aws:s3:::b/{i:0>60}"))
            .collect();
        let facts = keys.iter().flat_map(|key| {
            ["s3:GetObject", "s3:PutObject"].map(|action| (action, key.as_str(), 1, 100))
        });
        let usage = usage(&facts.collect::<Vec<_>>());
        let resources = Resources::Exact;
        let plan = plan(
            &usage,
            &Options {
                resources,
                ..Options::default()
            },
        );
        assert!(plan.documents.len() > 100);
        let explained = explain(&usage, &plan);
        assert_eq!(explained.iter().map(|each| each.uses).sum::<u64>(), 40_000);
    }

    #[test]
    fn a_few_are_the_first_the_last_and_some_between() {
        let of = |items: &[u8], count| few(items, count).copied().collect::<Vec<u8>>();
        assert!(of(&[], 3).is_empty());
        assert_eq!(of(&[1], 3), [1]);
        assert_eq!(of(&[1, 2], 3), [1, 2]);
        assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7, 8], 3), [1, 4, 8]);
        assert_eq!(of(&[1, 2], 1), [1]);
    }

    proptest! {
        /// The same, found by looking at each fact, action and resource.
        #[test]
        fn every_use_is_counted_where_it_is_allowed(
            facts in prop::collection::vec((0..3_usize, 0..8_usize, 1..9_u64, 100..160_u16), 1..40),
            exact in prop::bool::ANY,
        ) {
            const ACTIONS: [&str; 3] = ["ec2:CreateTags", "ec2:AttachVolume", "ec2:DeleteVolume"];
            const VOLUMES: &str = "arn:aws:ec2:eu-west-1:111122223333:volume/";
            let names = ["*", "vol-0aaaaaaaaaaaaaaaa", "vol-0bbbbbbbbbbbbbbbb", "vol-0cccccccccccccccc", "\u{2192}", "?", "a", "b"];
            let names = names.map(|name| format!("{VOLUMES}{name}"));
            let facts: Vec<(&str, &str, u64, u16)> = facts
                .iter()
                .map(|(action, name, used, day)| (ACTIONS[*action], names[*name].as_str(), *used, *day))
                .collect();
            let usage = usage(&facts);
            let resources = if exact { Resources::Exact } else { Resources::Balanced };
            let options = Options { resources, quota: Some(Quota { characters: 400, ..Target::Role.quota() }), ..Options::default() };
            let plan = plan(&usage, &options);
            let explained = explain(&usage, &plan);
            let statements: usize = plan.documents.iter().map(|each| each.statements.len()).sum();
            assert_eq!(explained.len(), statements);
            let written = |resource: &ResourceArn| resource.as_str().replace('\u{2192}', "?");
            for each in &explained {
                let allowed = |action: &Action, resource: &ResourceArn| {
                    let text = written(resource);
                    let mut own = each.statement.resources.iter();
                    each.statement.actions.contains(action) && own.any(|own| covers(own.as_str(), &text))
                };
                let uses: u64 = usage.used().filter(|(a, r, _)| allowed(a, r)).map(|(.., tally)| tally.used).sum();
                assert_eq!(each.uses, uses);
                assert!(uses > 0, "{:?} stands for nothing", each.statement);
                for of in &each.resources {
                    let used = usage.used().filter(|(_, r, _)| *r != of.resource || !super::is_pattern(r));
                    let used = used.filter(|(a, r, _)| {
                        each.statement.actions.contains(a) && covers(of.resource.as_str(), &written(r))
                    });
                    let used: std::collections::BTreeSet<_> = used.map(|(_, r, _)| r).collect();
                    assert_eq!(of.used, used.len(), "{}", of.resource);
                }
            }
        }
    }
}
