//! What each principal used, summed up.
//!
//! A ledger is a set: adding the same facts in another order, or over several ledgers that are merged afterwards, gives
//! the same ledger. Its size depends on the number of distinct facts, never on the number of events, and
//! [`MAX_RESOURCES`] and [`MAX_SESSIONS`] bound the facts of one principal.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::principal::Principal;
use crate::usage::bounded;
use crate::usage::carriers::{self, Carriers};
use crate::usage::context::Contexts;
use crate::usage::created::Created;
use crate::usage::cut::{self, Cut, Cuts, MAX_RESOURCES, floor};
use crate::usage::origin::{self, Networks, Regions};
use crate::usage::resolve::{Meaning, Need, Outcome, Resolved};
use crate::usage::times::{Days, EventId, Times, join};

/// The most session names kept for one principal: the first ones in alphabetical order.
pub const MAX_SESSIONS: usize = 100;

/// The most long-term access keys kept for one principal, likewise. A user has two at a time.
pub const MAX_ACCESS_KEYS: usize = 100;

/// The most notes kept for one principal, likewise.
const MAX_NOTES: usize = 100;

/// How often one fact (a principal's action on a resource) was seen, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls whose authorisation was passed.
    pub used: u64,
    /// Calls that were refused.
    pub denied: u64,
    /// Calls that failed before or without authorisation.
    pub inconclusive: u64,
    /// The first and the last call, in seconds since 1970, where any event had a time.
    pub seen: Option<(i64, i64)>,
    /// The distinct days (since 1970-01-01, UTC) with a call, sorted.
    pub days: Days,
    /// The smallest `eventID` seen, as a sample.
    pub sample_event_id: Option<EventId>,
    /// The condition keys that the used calls told.
    pub contexts: Contexts,
    /// The Regions that calls were made in.
    pub regions: Regions,
    /// The kinds of networks that calls came from.
    pub networks: Networks,
    /// The services that forwarded calls, see [`crate::usage::keys::service_of`]. `contexts` tells of those only that IAM
    /// tells a policy.
    pub via: BTreeSet<Box<str>>,
}

/// Every resource that an action was called on. What is known of each stands apart, so that little moves where another one
/// comes in between.
pub type Tallies = BTreeMap<ResourceArn, Box<Tally>>;

/// Every action with every resource it was called on.
pub type Facts = BTreeMap<Action, Tallies>;

/// One principal's usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalUsage {
    /// What was used: every action with every resource it was called on.
    pub facts: Facts,
    /// The actions of `facts` whose resources were cut, and how.
    pub cut: Cuts,
    /// What was tried and refused, or failed without telling. Kept apart, so that no number of refused calls can touch
    /// what is granted.
    pub refused: Facts,
    /// As `cut`, of `refused`.
    pub refused_cut: Cuts,
    /// Events by outcome, whether they needed anything or not.
    pub events: BTreeMap<Outcome, u64>,
    /// Session names, the first [`MAX_SESSIONS`] in order.
    pub sessions: BTreeSet<String>,
    /// The ids of long-term access keys that signed its calls, whatever became of these, as the log has them: the first
    /// [`MAX_ACCESS_KEYS`] in order.
    pub access_keys: BTreeSet<String>,
    /// What the trail could not show about this principal, in words.
    pub notes: BTreeSet<String>,
}

/// The usage of all principals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Sorted, so that everything made from it is byte-stable.
    pub principals: BTreeMap<Principal, PrincipalUsage>,
    /// The roles in instance profiles and task definitions, as far as the trail shows them.
    pub carriers: Carriers,
    /// When roles and users were made, as far as the trail shows it.
    pub created: Created,
}

/// The time from the first to the last of two periods.
pub(crate) fn period(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (a, b) => a.or(b),
    }
}

impl Tally {
    fn count(&mut self, outcome: Outcome, times: &Times) {
        match outcome {
            Outcome::Used => self.used += times.count,
            Outcome::Denied => self.denied += times.count,
            Outcome::Inconclusive => self.inconclusive += times.count,
            Outcome::Ignored | Outcome::Unmapped | Outcome::Malformed | Outcome::Duplicate => {}
        }
    }

    fn see(&mut self, times: &Times) {
        self.seen = period(self.seen, times.seen);
        join(&mut self.days, &times.days);
        self.regions.absorb(&times.regions);
        self.networks.absorb(times.networks);
        if let Some(via) = &times.via
            && !self.via.contains(via)
        {
            origin::add_via(&mut self.via, [via.clone()]);
        }
        EventId::keep_least(&mut self.sample_event_id, times.sample_event_id.as_ref());
    }

    /// Adds `other`'s calls. Commutative and associative.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.used += other.used;
        self.denied += other.denied;
        self.inconclusive += other.inconclusive;
        self.seen = period(self.seen, other.seen);
        join(&mut self.days, &other.days);
        EventId::keep_least(&mut self.sample_event_id, other.sample_event_id.as_ref());
        self.contexts.absorb(other.contexts);
        self.regions.absorb(&other.regions);
        self.networks.absorb(other.networks);
        origin::add_via(&mut self.via, other.via);
    }
}

/// Adds calls on `resource` to those in `tallies`.
pub(crate) fn add_tally(tallies: &mut Tallies, resource: ResourceArn, tally: Box<Tally>) {
    match tallies.entry(resource) {
        Entry::Vacant(new) => {
            new.insert(tally);
        }
        Entry::Occupied(known) => known.into_mut().absorb(*tally),
    }
}

impl PrincipalUsage {
    /// All events of the principal, whatever their outcome.
    #[must_use]
    pub fn total_events(&self) -> u64 {
        self.events.values().sum()
    }

    /// The facts that a policy must allow.
    pub fn used(&self) -> impl Iterator<Item = (&Action, &ResourceArn, &Tally)> {
        self.facts.iter().flat_map(|(action, resources)| {
            let used = resources.iter().filter(|(_, tally)| tally.used > 0);
            used.map(move |(resource, tally)| (action, resource, &**tally))
        })
    }

    /// The first and the last day of what a policy must allow, since 1970-01-01; `None` where no call has a time.
    #[must_use]
    pub fn active(&self) -> Option<(u16, u16)> {
        let periods = self.used().filter_map(|(.., Tally { days, .. })| {
            // They are sorted.
            Some((*days.first()?, *days.last()?))
        });
        periods.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
    }

    /// The resource that a used call of `action` on `resource` is counted under.
    #[must_use]
    pub fn kept(&self, action: &Action, resource: &ResourceArn) -> ResourceArn {
        cut::kept(&self.cut, action, resource)
    }

    fn add(&mut self, need: Need, outcome: Outcome, times: &Times, max: usize) {
        let (facts, cuts) = match outcome {
            Outcome::Used => (&mut self.facts, &mut self.cut),
            _ => (&mut self.refused, &mut self.refused_cut),
        };
        if need.resources.is_empty() {
            return;
        }
        let resources = facts.entry(need.action.clone()).or_default();
        let mut known = cuts.get_mut(&need.action);
        for resource in need.resources {
            let key = match &mut known {
                Some(known) => {
                    known.resources.insert(resource.as_str());
                    cut::cut(&resource, known.depth)
                }
                None => resource,
            };
            let tally = resources.entry(key).or_default();
            tally.count(outcome, times);
            tally.see(times);
            if outcome == Outcome::Used {
                let sample = times.sample_event_id.as_ref().map(EventId::as_str);
                tally.contexts.count(&need.context, times.count, sample);
                tally.contexts.tell(&need.context, times);
            }
        }
        if resources.len() > max {
            let floor = match outcome {
                Outcome::Used => floor(&need.action),
                _ => 0,
            };
            cut::bound(facts, cuts, &need.action, floor, max);
        }
    }

    /// Adds `other`'s usage, as if the two were one principal's. Commutative and associative.
    pub(crate) fn join(&mut self, other: Self) {
        self.absorb(other, MAX_RESOURCES);
    }

    /// Adds `other`'s usage. Commutative and associative.
    fn absorb(&mut self, other: Self, max: usize) {
        cut::absorb(
            &mut self.facts,
            &mut self.cut,
            (other.facts, other.cut),
            floor,
            max,
        );
        cut::absorb(
            &mut self.refused,
            &mut self.refused_cut,
            (other.refused, other.refused_cut),
            |_| 0,
            max,
        );
        for (outcome, count) in other.events {
            *self.events.entry(outcome).or_default() += count;
        }
        for session in other.sessions {
            bounded::insert(&mut self.sessions, &session, MAX_SESSIONS);
        }
        for key in other.access_keys {
            bounded::insert(&mut self.access_keys, &key, MAX_ACCESS_KEYS);
        }
        for note in other.notes {
            self.note(&note);
        }
    }

    pub(crate) fn note(&mut self, note: &str) {
        bounded::insert(&mut self.notes, note, MAX_NOTES);
    }
}

/// Whether an event with this outcome counts for nothing.
fn is_nothing(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Duplicate | Outcome::Malformed)
}

/// The usage of `principal`, which is cloned only where it is new.
fn usage_of<'p>(
    principals: &'p mut BTreeMap<Principal, PrincipalUsage>,
    principal: &Principal,
) -> Option<&'p mut PrincipalUsage> {
    if !principals.contains_key(principal) {
        principals.insert(principal.clone(), PrincipalUsage::default());
    }
    principals.get_mut(principal)
}

impl Ledger {
    /// Counts one event, which was made `times`: its outcome, its session, its access key, and for each need the fact it is.
    /// Of a duplicate nothing counts but the key, which need not be the one of the event that it repeats.
    pub fn add(&mut self, resolved: Resolved, times: Times) {
        self.name(&resolved);
        let Resolved { caller, meaning } = resolved;
        self.add_all(&caller.principal, [(meaning, times)]);
    }

    /// Keeps the names that an event tells of its caller: its session's, and its access key's, also of a duplicate.
    pub fn name(&mut self, resolved: &Resolved) {
        let Resolved { caller, meaning } = resolved;
        let session = caller.session.as_deref();
        let session = session.filter(|_| !is_nothing(meaning.outcome));
        let key = caller.access_key.as_deref();
        let key = key.filter(|_| meaning.outcome != Outcome::Malformed);
        self.add_names(&caller.principal, session, key);
    }

    /// Counts events of `principal`, those that mean the same together, with when they were made.
    pub fn add_all(
        &mut self,
        principal: &Principal,
        events: impl IntoIterator<Item = (Meaning, Times)>,
    ) {
        let mut events = events
            .into_iter()
            .filter(|(meaning, _)| !is_nothing(meaning.outcome))
            .peekable();
        if events.peek().is_none() {
            return;
        }
        let Some(usage) = usage_of(&mut self.principals, principal) else {
            return;
        };
        for (meaning, times) in events {
            let outcome = meaning.outcome;
            *usage.events.entry(outcome).or_default() += times.count;
            for note in &meaning.notes {
                usage.note(note);
            }
            if let Some(loaded) = &meaning.loaded {
                carriers::learn(&mut self.carriers, loaded);
            }
            if matches!(outcome, Outcome::Ignored | Outcome::Unmapped) {
                continue;
            }
            self.created.learn(&meaning, &times);
            for need in meaning.needs {
                usage.add(need, outcome, &times, MAX_RESOURCES);
            }
        }
    }

    /// Notes that the resources of `principal`'s `action` are cut, of used calls or of refused ones, as they were before they
    /// were added.
    pub fn note_cut(&mut self, principal: &Principal, used: bool, action: Action, cut: Cut) {
        if let Some(usage) = usage_of(&mut self.principals, principal) {
            let cuts = match used {
                true => &mut usage.cut,
                false => &mut usage.refused_cut,
            };
            cuts.insert(action, cut);
        }
    }

    /// Keeps the names of sessions in which `principal` made calls that count, and the ids of the access keys that signed them.
    pub fn add_names(
        &mut self,
        principal: &Principal,
        sessions: impl IntoIterator<Item: AsRef<str>>,
        keys: impl IntoIterator<Item: AsRef<str>>,
    ) {
        let mut sessions = sessions.into_iter().peekable();
        let mut keys = keys.into_iter().peekable();
        if sessions.peek().is_none() && keys.peek().is_none() {
            return;
        }
        let Some(usage) = usage_of(&mut self.principals, principal) else {
            return;
        };
        for session in sessions {
            bounded::insert(&mut usage.sessions, session.as_ref(), MAX_SESSIONS);
        }
        for key in keys {
            bounded::insert(&mut usage.access_keys, key.as_ref(), MAX_ACCESS_KEYS);
        }
    }

    /// Adds `other`'s usage. Commutative and associative.
    pub fn merge(&mut self, other: Self) {
        for (principal, usage) in other.principals {
            self.principals
                .entry(principal)
                .or_default()
                .absorb(usage, MAX_RESOURCES);
        }
        carriers::merge(&mut self.carriers, other.carriers);
        self.created.absorb(other.created);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, PrincipalUsage};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::context::ContextKeys;
    use crate::usage::cut::{MAX_RESOURCES, bound};
    use crate::usage::identity::Caller;
    use crate::usage::origin::Network;
    use crate::usage::resolve::{Basis, Meaning, Need, Outcome, Resolved};
    use crate::usage::sketch::Sketch;
    use crate::usage::times::Times;
    use proptest::prelude::{ProptestConfig, any, proptest};

    fn arn(resource: &str) -> ResourceArn {
        ResourceArn::from_pattern(format!("arn:aws:s3:::{resource}"))
    }

    fn role(arn: &str) -> Principal {
        Principal {
            account: "111122223333".into(),
            kind: PrincipalKind::Role,
            name: "deploy".into(),
            arn: arn.into(),
        }
    }

    fn resolved(principal: Principal, outcome: Outcome, resource: &str) -> Resolved {
        Resolved {
            caller: Caller {
                principal,
                session: Some("s".into()),
                access_key: None,
            },
            meaning: Meaning {
                outcome,
                reason: "".into(),
                needs: [Need {
                    action: Action::known("s3:GetObject"),
                    resources: [arn(resource)].into(),
                    basis: Basis::Event,
                    context: ContextKeys::default(),
                    told: true,
                }]
                .into(),
                loaded: None,
                message: None,
                notes: Vec::new(),
            },
        }
    }

    #[test]
    fn outcomes_are_counted_apart() {
        let mut ledger = Ledger::default();
        for (outcome, time) in [
            (Outcome::Used, 86_400),
            (Outcome::Denied, 3 * 86_400),
            (Outcome::Inconclusive, 2 * 86_400),
            (Outcome::Used, 90_000),
        ] {
            let principal = role("arn:aws:iam::111122223333:role/deploy");
            ledger.add(
                resolved(principal, outcome, "b/k"),
                Times::once(Some(time), Some("id")),
            );
        }
        let usage = ledger.principals.values().next().unwrap();
        let action = Action::known("s3:GetObject");
        let tally = &usage.facts[&action][&arn("b/k")];
        assert_eq!((tally.used, tally.denied, tally.inconclusive), (2, 0, 0));
        assert_eq!(tally.seen, Some((86_400, 90_000)));
        assert_eq!(*tally.days, [1]);
        let tally = &usage.refused[&action][&arn("b/k")];
        assert_eq!((tally.used, tally.denied, tally.inconclusive), (0, 1, 1));
        assert_eq!(*tally.days, [2, 3]);
        assert_eq!(usage.total_events(), 4);
    }

    #[test]
    fn refused_calls_cut_nothing_that_is_granted() {
        let mut ledger = Ledger::default();
        let principal = || role("arn:aws:iam::111122223333:role/deploy");
        ledger.add(
            resolved(principal(), Outcome::Used, "mine/a/b"),
            Times::once(None, None),
        );
        for n in 0..=MAX_RESOURCES {
            ledger.add(
                resolved(principal(), Outcome::Denied, &format!("b{n}/k")),
                Times::once(None, None),
            );
        }
        let usage = ledger.principals.values().next().unwrap();
        let used: Vec<_> = usage
            .used()
            .map(|(_, resource, _)| resource.clone())
            .collect();
        assert_eq!(used, [arn("mine/a/b")]);
        assert!(usage.refused[&Action::known("s3:GetObject")].len() <= MAX_RESOURCES);
    }

    #[test]
    fn what_carries_authority_and_what_a_bucket_is_called_are_never_cut() {
        for (action, resources, expected) in [
            (
                "s3:GetObject",
                ["a/x/1", "b/x/1", "c/x/1"],
                ["a/*", "b/*", "c/*"],
            ),
            (
                "sts:AssumeRole",
                ["role/a/1", "role/b/1", "role/c/1"],
                ["role/a/1", "role/b/1", "role/c/1"],
            ),
        ] {
            let mut usage = PrincipalUsage::default();
            for resource in resources {
                let need = Need {
                    action: Action::known(action),
                    resources: [arn(resource)].into(),
                    basis: Basis::Event,
                    context: ContextKeys::default(),
                    told: true,
                };
                usage.add(need, Outcome::Used, &Times::once(None, None), 2);
            }
            let used: Vec<_> = usage
                .used()
                .map(|(_, resource, _)| resource.clone())
                .collect();
            assert_eq!(used, expected.map(arn), "{action}");
        }
    }

    #[test]
    fn a_role_without_its_path_joins_the_one_with_it() {
        let mut ledger = Ledger::default();
        let with_path = role("arn:aws:iam::111122223333:role/ci/deploy");
        for principal in [
            role("arn:aws:iam::111122223333:role/deploy"),
            with_path.clone(),
        ] {
            ledger.add(
                resolved(principal, Outcome::Used, "b/k"),
                Times::once(None, None),
            );
        }
        ledger.settle();
        assert_eq!(ledger.principals.len(), 1);
        assert_eq!(ledger.principals[&with_path].total_events(), 2);
    }

    #[test]
    fn a_part_is_settled_as_the_whole_is() {
        let (with_path, without) = (
            role("arn:aws:iam::111122223333:role/ci/deploy"),
            role("arn:aws:iam::111122223333:role/deploy"),
        );
        let on = |principal: &Principal, action: &'static str, resource: &str| {
            let mut resolved = resolved(principal.clone(), Outcome::Used, "b/k");
            let need = &mut resolved.meaning.needs[0];
            need.action = Action::known(action);
            need.resources = [ResourceArn::from_pattern(resource)].into();
            let mut ledger = Ledger::default();
            ledger.add(resolved, Times::once(None, None));
            ledger
        };
        let profile = "arn:aws:iam::111122223333:instance-profile/web";
        let mut part = on(&without, "iam:PassRole", profile);
        part.merge(on(
            &without,
            "iam:GetRole",
            "arn:aws:iam::111122223333:role/deploy",
        ));
        let mut whole = part.clone();
        whole.merge(on(
            &with_path,
            "iam:GetUser",
            "arn:aws:iam::111122223333:user/ann",
        ));
        whole.merge(on(
            &with_path,
            "iam:CreateUser",
            "arn:aws:iam::111122223333:user/x/ann",
        ));
        let settled = whole.settle();
        part.settle_as(&settled);
        let facts = |ledger: &Ledger| -> Vec<String> {
            let used = ledger.principals.iter().flat_map(|(principal, usage)| {
                let used = usage.used();
                used.map(move |(action, resource, _)| format!("{principal} {action} {resource}"))
            });
            used.filter(|fact| !fact.contains("User")).collect()
        };
        assert_eq!(facts(&part), facts(&whole));
        let deploy = "arn:aws:iam::111122223333:role/ci/deploy";
        let expected = [
            format!("{deploy} iam:GetRole {deploy}"),
            format!("{deploy} iam:PassRole arn:aws:iam::111122223333:role/web"),
        ];
        assert_eq!(facts(&part), expected);
    }

    /// A role that writes object after object: each run reads some, and what it found is added to what there was.
    #[test]
    fn a_role_with_ever_new_objects_stays_small_and_its_objects_are_counted() {
        const RUNS: usize = 120;
        const KEYS: usize = 250;
        const MAX: usize = 40;
        let action = Action::known("s3:PutObject");
        let mut kept = PrincipalUsage::default();
        for run in 0..RUNS {
            let mut usage = PrincipalUsage::default();
            for key in 0..KEYS {
                // The last of a run is the first of the next.
                let number = run * (KEYS - 1) + key;
                let need = Need {
                    action: action.clone(),
                    resources: [arn(&format!(
                        "b{}/logs/{}/{number}",
                        number % 3,
                        number / 9
                    ))]
                    .into(),
                    basis: Basis::Event,
                    context: ContextKeys::default(),
                    told: true,
                };
                usage.add(need, Outcome::Used, &Times::once(None, None), MAX);
                assert!(usage.facts[&action].len() <= MAX);
            }
            kept.absorb(usage, MAX);
            assert!(kept.facts[&action].len() <= MAX);
        }
        let places: Vec<_> = kept
            .used()
            .map(|(_, resource, tally)| (resource.clone(), tally.used))
            .collect();
        let each = (RUNS * KEYS / 3) as u64;
        assert_eq!(places.iter().map(|(_, used)| used).sum::<u64>(), 3 * each);
        let places: Vec<_> = places.into_iter().map(|(resource, _)| resource).collect();
        assert_eq!(places, ["b0/logs/*", "b1/logs/*", "b2/logs/*"].map(arn));
        let (found, there) = (
            kept.cut[&action].resources.estimate() as f64,
            (RUNS * (KEYS - 1) + 1) as f64,
        );
        assert!((found - there).abs() / there < 0.05, "{found} of {there}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However the events are dealt to ledgers and in whatever order, the merged ledger is the same; and bounding
        /// the resources on the way gives what bounding them at the end does.
        #[test]
        fn merging_knows_no_order(
            events in proptest::collection::vec((0..4u8, 0..4u8, 0..4u8, any::<bool>(), 0..2_000_000i64), 1..60),
            turn in 0..60usize,
        ) {
            let action = Action::known("s3:GetObject");
            let add = |ledger: &mut Ledger, event: &(u8, u8, u8, bool, i64)| {
                let (a, b, c, used, time) = *event;
                let outcome = if used { Outcome::Used } else { Outcome::Denied };
                let principal = role("arn:aws:iam::111122223333:role/deploy");
                let id = format!("{time}");
                let mut times = Times::once(Some(time), Some(&id));
                times.regions.count(&format!("r{a}").as_str().into(), 1);
                times.via = (b == 0).then(|| format!("{c}.amazonaws.com").into());
                times.networks = [Network::ALL[usize::from(c)]].into_iter().collect();
                let mut resolved = resolved(principal, outcome, &format!("{a}/{b}/{c}"));
                resolved.caller.access_key = (c == 1).then(|| format!("AKIA{a}"));
                ledger.add(resolved, times);
            };
            let bound = |usage: &mut PrincipalUsage| {
                bound(&mut usage.facts, &mut usage.cut, &action, 1, 5);
                bound(&mut usage.refused, &mut usage.refused_cut, &action, 0, 5);
            };

            let mut whole = Ledger::default();
            events.iter().for_each(|event| add(&mut whole, event));
            // What is cut is counted as if all of it had been there.
            let used: Vec<String> = whole.principals.values().flat_map(|usage| {
                usage.facts.values().flatten().map(|(resource, _)| resource.as_str().to_owned())
            }).collect();
            whole.principals.values_mut().for_each(bound);

            let (mut one, mut two) = (Ledger::default(), Ledger::default());
            for (at, event) in events.iter().enumerate().rev() {
                let part = if (at + turn) % 3 == 0 { &mut one } else { &mut two };
                add(part, event);
                part.principals.values_mut().for_each(bound);
            }
            let mut other_way = two.clone();
            other_way.merge(one.clone());
            other_way.principals.values_mut().for_each(bound);
            one.merge(two);
            one.principals.values_mut().for_each(bound);
            assert_eq!(one, whole);
            assert_eq!(other_way, whole);
            for cut in whole.principals.values().flat_map(|usage| usage.cut.values()) {
                let mut sketch = Sketch::default();
                used.iter().for_each(|resource| sketch.insert(resource));
                assert_eq!(cut.resources, sketch);
            }
        }
    }
}
