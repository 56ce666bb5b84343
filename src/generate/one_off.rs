//! Calls that set something up once, and are left to a choice: [`OneOff`](crate::generate::options::OneOff).
//!
//! One sentence says which they are: **calls that make or configure something, made in the first week of the principal's
//! activity only, and on one day only where they name the same resource, where the principal was still active more than five
//! weeks later, and on ten days or more after that week.** Five weeks, because what is done once a month would have been seen
//! again; ten days, because what runs every other week tells as little in five weeks as a log of a few days does.
//!
//! "Only" is asked of the action on all resources of a kind together, refused calls too: a role that makes a preview stack
//! every month sets nothing up. Calls that read are none, nor calls on data (data events), nor what changes, starts or removes
//! something that is there, nor what the principal undoes too.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::action::AccessLevel;
use crate::catalog::visibility::Logged;
use crate::generate::generalise::{self, Patterns};
use crate::generate::minimise::Wildcards;
use crate::generate::{Allowed, Part, Plan, facts};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::usage::context::ContextKey;
use crate::usage::ledger::{PrincipalUsage, Tally};
use crate::usage::passrole::PASS_ROLE;

/// The days at the beginning of a principal's activity in which it may set things up.
const BEGINNING: u16 = 7;
/// The days without such a call that make it one-off. The last Fridays of two months are five weeks apart at most.
const SILENCE: u16 = 36;
/// The days of activity that must follow the beginning.
const ACTIVE_DAYS: usize = 10;

/// The verbs that make or configure something, each with the one that undoes it. Names only choose what is set apart: a wrong
/// guess grants nothing more, and, but where one-off calls are dropped, nothing less.
const SETS_UP: &[(&str, &str)] = &[
    ("Activate", "Deactivate"),
    ("Add", "Remove"),
    ("Allocate", "Release"),
    ("Associate", "Disassociate"),
    ("Attach", "Detach"),
    ("Authorize", "Revoke"),
    ("Create", "Delete"),
    ("Enable", "Disable"),
    ("Put", "Delete"),
    ("Register", "Deregister"),
    ("Set", ""),
    ("Subscribe", "Unsubscribe"),
    ("Tag", "Untag"),
];

/// What is made again and again by its nature, be it once a year.
const RENEWED: &[&str] = &[
    "AccessKey",
    "AlarmState",
    "Backup",
    "Certificate",
    "Credential",
    "DesiredCapacity",
    "Export",
    "Grant",
    "Image",
    "Invalidation",
    "Job",
    "Password",
    "Report",
    "SecretValue",
    "Session",
    "Snapshot",
    "Token",
    "Version",
];

/// What is done again when something fails or turns up, whatever its verb.
const KEPT: &[&str] = &[
    "config:PutEvaluations",
    "ec2:AssociateAddress",
    "ec2:AttachVolume",
    "elasticloadbalancing:RegisterTargets",
    "ssm:PutParameter",
];

/// A fact that was used to set something up, it seems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUp {
    /// The action.
    pub action: Action,
    /// The resource it was used on.
    pub resource: ResourceArn,
    /// How often.
    pub uses: u64,
    /// The day, since 1970-01-01, UTC.
    pub day: u16,
    /// The id of an event that used it.
    pub sample_event_id: Option<String>,
    /// Whether the policy allows it all the same.
    pub granted: bool,
}

/// The one-off facts of `usage`, sorted; all as granted. `active` as [`PrincipalUsage::active`] gives it.
pub(super) fn found(usage: &PrincipalUsage, active: Option<(u16, u16)>) -> Vec<SetUp> {
    let Some(beginning) = Beginning::of(usage, active) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (action, resources) in &usage.facts {
        // What was cut has lost the days of single resources.
        if usage.cut.contains_key(action) || !sets_up(action) || is_undone(usage, action) {
            continue;
        }
        let mut kinds: BTreeMap<_, bool> = BTreeMap::new();
        let refused = usage.refused.get(action).into_iter().flatten();
        for (resource, tally) in resources.iter().chain(refused) {
            let passes = kinds.entry(kind(resource)).or_insert(true);
            *passes &= beginning.has_all(tally);
        }
        let of_kind = resources
            .iter()
            .filter(|(resource, _)| kinds[&kind(resource)]);
        found.extend(of_kind.filter_map(|(resource, tally)| one_off(action, resource, tally)));
    }
    let passed = passed(usage, &beginning, &found);
    found.extend(passed);
    found.sort_by(|a, b| (&a.action, &a.resource).cmp(&(&b.action, &b.resource)));
    found
}

/// The roles that were passed to a service on the one day on which something of that service was set up. Others may be
/// passed every day.
fn passed(usage: &PrincipalUsage, beginning: &Beginning, set_up: &[SetUp]) -> Vec<SetUp> {
    let services: BTreeSet<(u16, &str)> = set_up
        .iter()
        .map(|fact| (fact.day, fact.action.service()))
        .collect();
    let Some(roles) = usage.facts.get(&PASS_ROLE).filter(|_| !services.is_empty()) else {
        return Vec::new();
    };
    let found = roles.iter().filter_map(|(role, tally)| {
        let passed = beginning
            .has_all(tally)
            .then(|| one_off(&PASS_ROLE, role, tally))??;
        let to = tally
            .contexts
            .values(ContextKey::PassedToService, tally.used)?;
        let set_up = |service: &&str| {
            let name = service.split('.').next().unwrap_or_default();
            services.contains(&(passed.day, name))
        };
        to.iter().all(set_up).then_some(passed)
    });
    found.collect()
}

/// The first days of a principal that lived on for long.
struct Beginning {
    /// The first day behind it.
    end: u16,
    /// The last day that leaves [`SILENCE`] behind it.
    latest: u16,
}

impl Beginning {
    /// `None` where too little is known of what came later.
    fn of(usage: &PrincipalUsage, active: Option<(u16, u16)>) -> Option<Self> {
        let (first, last) = active?;
        let latest = last
            .checked_sub(SILENCE)
            .filter(|latest| *latest >= first)?;
        let end = first.saturating_add(BEGINNING);
        let mut later: BTreeSet<u16> = BTreeSet::new();
        for (.., tally) in usage.used() {
            later.extend(tally.days.iter().filter(|day| **day >= end));
            if later.len() >= ACTIVE_DAYS {
                return Some(Self { end, latest });
            }
        }
        None
    }

    /// Whether all calls were made in it, so far as their days are known.
    fn has_all(&self, tally: &Tally) -> bool {
        tally
            .days
            .last()
            .is_some_and(|day| *day < self.end && *day <= self.latest)
    }
}

/// The fact, if it was used on one day.
fn one_off(action: &Action, resource: &ResourceArn, tally: &Tally) -> Option<SetUp> {
    let [day] = tally.days[..] else {
        return None;
    };
    (tally.used > 0).then(|| SetUp {
        action: action.clone(),
        resource: resource.clone(),
        uses: tally.used,
        day,
        sample_event_id: tally
            .sample_event_id
            .as_ref()
            .map(|id| id.as_str().to_owned()),
        granted: true,
    })
}

/// Whether the action makes or configures something that then stays.
fn sets_up(action: &Action) -> bool {
    let name = action.name();
    let Some((verb, _)) = SETS_UP.iter().find(|(verb, _)| name.starts_with(verb)) else {
        return false;
    };
    // `Settle` is no `Set`, and `Versioning` no `Version`.
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_lowercase());
    let renews = |word: &str| {
        let mut rests = name
            .match_indices(word)
            .map(|(at, _)| &name[at + word.len()..]);
        rests.any(|rest| ends(rest.strip_prefix('s').unwrap_or(rest)))
    };
    if KEPT.contains(&action.as_str()) {
        return false;
    }
    if !ends(&name[verb.len()..]) || RENEWED.iter().any(|word| renews(word)) {
        return false;
    }
    facts::of(action).is_some_and(|facts| {
        !matches!(facts.level(), AccessLevel::List | AccessLevel::Read)
            && facts.visibility().logged == Logged::Management
    })
}

/// Whether the principal also used the action that undoes this one: without it, it could undo and not do again.
fn is_undone(usage: &PrincipalUsage, action: &Action) -> bool {
    let (service, name) = (action.service(), action.name());
    let mut undone = SETS_UP.iter().filter_map(|(verb, undoes)| {
        let rest = name.strip_prefix(verb)?;
        Action::parse(&format!("{service}:{undoes}{rest}")).filter(|_| !undoes.is_empty())
    });
    undone.any(|undoes| usage.facts.contains_key(&undoes) || usage.refused.contains_key(&undoes))
}

/// Service and type of a resource.
fn kind(resource: &ResourceArn) -> (&str, &str) {
    let Some(parts) = resource.parts() else {
        return ("", "");
    };
    let text = parts.resource.trim_start_matches('/');
    let end = text.find(['/', ':']);
    match parts.service {
        // Keys and buckets have no type.
        "s3" if parts.account.is_empty() => ("s3", end.map_or("bucket", |_| "object")),
        service => (service, end.map_or("", |end| &text[..end])),
    }
}

/// `patterns`, whose calls all satisfy `conditions`, without what the `recurring` ones allow. Each action stays, if with
/// nothing.
pub(super) fn without_allowed<'u>(
    mut patterns: Patterns<'u>,
    conditions: &[Condition],
    recurring: &[Allowed<'u>],
) -> Patterns<'u> {
    let weaker = |theirs: &&Allowed<'u>| {
        let mut theirs_all = theirs.conditions.iter();
        theirs.part == Part::Recurring && theirs_all.all(|condition| conditions.contains(condition))
    };
    for Allowed {
        patterns: allowed, ..
    } in recurring.iter().filter(weaker)
    {
        for (action, granted) in &mut patterns {
            let Ok(at) = allowed.binary_search_by_key(action, |(action, _)| action) else {
                continue;
            };
            let allowed = &allowed[at].1;
            let texts = allowed.iter().map(|(resource, _)| resource.as_str());
            let wildcards = Wildcards::among(texts.enumerate());
            granted.retain(|(resource, _)| {
                let exact = allowed.binary_search_by_key(&resource, |(resource, _)| resource);
                exact.is_err() && wildcards.covering(resource.as_str()).next().is_none()
            });
        }
    }
    patterns
}

/// Marks those of `found` as not granted that `left_out` has, in the same order.
pub(super) fn mark(found: &mut [SetUp], left_out: &Patterns<'_>) {
    let left_out: BTreeSet<(&Action, &ResourceArn)> = left_out
        .iter()
        .flat_map(|(action, granted)| {
            granted
                .iter()
                .map(move |(resource, _)| (*action, &**resource))
        })
        .collect();
    for fact in found {
        let written = generalise::writable(&fact.resource);
        let resource = written.as_ref().unwrap_or(&fact.resource);
        fact.granted &= !left_out.contains(&(&fact.action, resource));
    }
}

/// What to tell of those of `found` that are not granted.
pub(super) fn note(found: &[SetUp]) -> Option<String> {
    let left_out = found.iter().filter(|fact| !fact.granted).count();
    (left_out > 0).then(|| {
        let uses = if left_out == 1 { "use" } else { "uses" };
        format!(
            "{left_out} one-off {uses} not granted, as `--one-off drop` asks: `trailfit verify` over the same events calls each a gap"
        )
    })
}

/// What `plan` was to allow of `usage`: all but the one-off facts that it does not grant.
#[must_use]
pub fn granted<'u>(usage: &'u PrincipalUsage, plan: &Plan) -> Cow<'u, PrincipalUsage> {
    let mut dropped = plan.one_off.iter().filter(|fact| !fact.granted).peekable();
    if dropped.peek().is_none() {
        return Cow::Borrowed(usage);
    }
    let mut rest = usage.clone();
    for SetUp {
        action, resource, ..
    } in dropped
    {
        if let Some(resources) = rest.facts.get_mut(action) {
            resources.remove(resource);
        }
    }
    Cow::Owned(rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{Strategy, prop, proptest};

    use super::{found, granted, sets_up};
    use crate::generate::options::{OneOff, Options};
    use crate::generate::{Part, Plan, plan};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::pattern::covers;
    use crate::usage::context::{ContextKey, ContextKeys};
    use crate::usage::ledger::{Facts, PrincipalUsage, Tally};

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:resize";
    const OTHER: &str = "arn:aws:lambda:eu-west-1:111122223333:function:rotate";
    const ROLE: &str = "arn:aws:iam::111122223333:role/resize";

    fn add(facts: &mut Facts, action: &str, resource: &str, days: &[u16], used: bool) {
        let tally = facts
            .entry(Action::parse(action).unwrap())
            .or_default()
            .entry(ResourceArn::from_pattern(resource))
            .or_default();
        **tally = Tally {
            used: if used { days.len() as u64 } else { 0 },
            denied: if used { 0 } else { days.len() as u64 },
            days: days.into(),
            ..Tally::default()
        };
    }

    /// A role that reads `days`, and what else it did.
    fn usage(days: impl Iterator<Item = u16>, others: &[(&str, &str, &[u16])]) -> PrincipalUsage {
        let mut usage = PrincipalUsage::default();
        let days: Vec<u16> = days.collect();
        add(
            &mut usage.facts,
            "lambda:GetFunction",
            FUNCTION,
            &days,
            true,
        );
        for (action, resource, days) in others {
            add(&mut usage.facts, action, resource, days, true);
        }
        usage
    }

    fn names(usage: &PrincipalUsage) -> Vec<String> {
        let found = found(usage, usage.active());
        found
            .iter()
            .map(|fact| format!("{} {}", fact.action, fact.resource))
            .collect()
    }

    #[test]
    fn what_is_made_once_at_the_beginning_of_a_long_life_is_one_off() {
        let create = "lambda:CreateFunction";
        type Other = (&'static str, &'static str, &'static [u16]);
        let daily = |last: u16| (100..=last).collect::<Vec<u16>>();
        let each = |step: usize| (100..=160).step_by(step).collect::<Vec<u16>>();
        let cases: [(&str, Vec<u16>, &[Other], usize); 12] = [
            ("a long life", daily(160), &[(create, FUNCTION, &[101])], 1),
            (
                "of just over five weeks",
                daily(136),
                &[(create, FUNCTION, &[100])],
                1,
            ),
            (
                "one day too short",
                daily(135),
                &[(create, FUNCTION, &[100])],
                0,
            ),
            (
                "long enough for the first days only",
                daily(140),
                &[(create, FUNCTION, &[105])],
                0,
            ),
            (
                "not at the beginning",
                daily(190),
                &[(create, FUNCTION, &[107])],
                0,
            ),
            (
                "the month after, again",
                daily(190),
                &[(create, FUNCTION, &[101, 132])],
                0,
            ),
            ("twice", daily(160), &[(create, FUNCTION, &[101, 102])], 0),
            (
                "of two, on two days",
                daily(160),
                &[(create, FUNCTION, &[101]), (create, OTHER, &[102])],
                2,
            ),
            (
                "another one later",
                daily(160),
                &[(create, FUNCTION, &[101]), (create, OTHER, &[140])],
                0,
            ),
            (
                "a weekly life of two months",
                each(7),
                &[(create, FUNCTION, &[100])],
                0,
            ),
            ("every fifth day", each(5), &[(create, FUNCTION, &[100])], 1),
            (
                "an update",
                daily(160),
                &[("lambda:UpdateFunctionCode", FUNCTION, &[101])],
                0,
            ),
        ];
        for (what, days, others, expected) in cases {
            let found = names(&usage(days.into_iter(), others));
            assert_eq!(found.len(), expected, "{what}: {found:?}");
        }
        assert_eq!(names(&PrincipalUsage::default()), Vec::<String>::new());
    }

    #[test]
    fn what_was_tried_again_and_refused_recurs() {
        let mut usage = usage(100..=160, &[("lambda:CreateFunction", FUNCTION, &[101])]);
        add(
            &mut usage.refused,
            "lambda:CreateFunction",
            OTHER,
            &[150],
            false,
        );
        assert_eq!(names(&usage), Vec::<String>::new());
    }

    #[test]
    fn only_what_makes_something_that_stays_sets_up() {
        for (action, expected) in [
            ("s3:CreateBucket", true),
            ("s3:PutBucketVersioning", true),
            ("iam:AttachRolePolicy", true),
            ("iam:TagRole", true),
            ("ec2:CreateTags", true),
            ("states:CreateStateMachine", true),
            ("s3:PutObject", false),
            ("dynamodb:PutItem", false),
            ("events:PutEvents", false),
            ("s3:GetObject", false),
            ("ec2:CreateSnapshots", false),
            ("iam:CreateAccessKey", false),
            ("iam:CreatePolicyVersion", false),
            ("secretsmanager:PutSecretValue", false),
            ("iam:DeleteRole", false),
            ("ec2:RebootInstances", false),
            ("nosuch:CreateThing", false),
        ] {
            assert_eq!(
                sets_up(&Action::parse(action).unwrap()),
                expected,
                "{action}"
            );
        }
    }

    #[test]
    fn a_role_is_passed_once_where_what_takes_it_is_made_once() {
        for (service, day, expected) in [
            ("lambda.amazonaws.com", 101, 2),
            ("lambda.amazonaws.com", 102, 1),
            ("ecs-tasks.amazonaws.com", 101, 1),
        ] {
            let mut usage = usage(
                100..=160,
                &[
                    ("lambda:CreateFunction", FUNCTION, &[101]),
                    ("iam:PassRole", ROLE, &[day]),
                    (
                        "iam:PassRole",
                        "arn:aws:iam::111122223333:role/daily",
                        &[101, 140],
                    ),
                ],
            );
            let roles = usage.facts.get_mut(&Action::known("iam:PassRole")).unwrap();
            for tally in roles.values_mut() {
                let keys = ContextKeys::default().with(ContextKey::PassedToService, service);
                tally.contexts.count(&keys, tally.used, None);
            }
            assert_eq!(names(&usage).len(), expected, "{service} {day}");
        }
    }

    fn with(usage: &PrincipalUsage, one_off: OneOff) -> Plan {
        let options = Options {
            one_off,
            ..Options::default()
        };
        plan(usage, &options)
    }

    /// Each action with each resource of the statements of `part`, or of all.
    fn pairs(plan: &Plan, part: Option<Part>) -> BTreeSet<(String, String)> {
        let statements = plan.documents.iter().zip(&plan.parts);
        let statements =
            statements.flat_map(|(document, parts)| document.statements.iter().zip(parts));
        let of_part = statements.filter(|(_, of)| part.is_none_or(|part| part == **of));
        of_part
            .flat_map(|(statement, _)| {
                let each = |action: &Action| {
                    let resources = statement.resources.iter();
                    let pairs = resources.map(|r| (action.to_string(), r.to_string()));
                    pairs.collect::<Vec<_>>()
                };
                statement.actions.iter().flat_map(each).collect::<Vec<_>>()
            })
            .collect()
    }

    fn allows(pairs: &BTreeSet<(String, String)>, action: &Action, resource: &ResourceArn) -> bool {
        pairs
            .iter()
            .any(|(a, r)| a == action.as_str() && covers(r, resource.as_str()))
    }

    #[test]
    fn one_off_calls_stand_apart_or_are_left_out() {
        let tagged = "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0";
        let usage = usage(
            100..=160,
            &[
                ("lambda:CreateFunction", FUNCTION, &[101]),
                ("ec2:CreateTags", tagged, &[101]),
                ("ec2:CreateTags", "*", &[120]),
            ],
        );
        let set_up = ("lambda:CreateFunction".to_owned(), FUNCTION.to_owned());
        let separate = with(&usage, OneOff::Separate);
        assert_eq!(
            pairs(&separate, Some(Part::OneOff)),
            BTreeSet::from([set_up.clone()])
        );
        assert_eq!(separate.documents[0].statements.len(), 3);
        let keep = with(&usage, OneOff::Keep);
        assert_eq!(pairs(&keep, Some(Part::OneOff)), BTreeSet::new());
        assert_eq!(pairs(&keep, None), pairs(&separate, None));
        assert_eq!(keep.one_off, separate.one_off);
        let drop = with(&usage, OneOff::Drop);
        assert!(!pairs(&drop, None).contains(&set_up));
        let left_out: Vec<_> = drop
            .one_off
            .iter()
            .map(|fact| (fact.action.as_str(), fact.granted))
            .collect();
        assert_eq!(
            left_out,
            [("ec2:CreateTags", true), ("lambda:CreateFunction", false)]
        );
        assert_eq!(drop.notes.len(), keep.notes.len() + 1);
        assert_eq!(
            granted(&usage, &drop).used().count(),
            usage.used().count() - 1
        );
        assert_eq!(*granted(&usage, &separate), usage);
    }

    type Fact = (usize, usize, Vec<u16>);

    fn history() -> impl Strategy<Value = Vec<Fact>> {
        let days = prop::collection::btree_set(
            prop::sample::select(vec![100_u16, 101, 103, 120, 150]),
            1..3,
        );
        let fact = (
            0..4_usize,
            0..6_usize,
            days.prop_map(|days| days.into_iter().collect()),
        );
        prop::collection::vec(fact, 0..12)
    }

    fn of(history: &[Fact]) -> PrincipalUsage {
        const ACTIONS: [&str; 4] = [
            "ec2:CreateTags",
            "ec2:AttachVolume",
            "ec2:DeleteVolume",
            "ec2:DescribeVolumes",
        ];
        const RESOURCES: [&str; 6] = [
            "*",
            "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0aaaaaaaaaaaaaaaa",
            "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0bbbbbbbbbbbbbbbb",
            "arn:aws:ec2:eu-west-1:111122223333:volume/*",
            "arn:aws:ec2:eu-west-1:111122223333:instance/i-0aaaaaaaaaaaaaaaa",
            "arn:aws:ec2:eu-west-1:111122223333:instance/\u{2192}",
        ];
        let mut usage = usage(100..=160, &[]);
        for (action, resource, days) in history {
            add(
                &mut usage.facts,
                ACTIONS[*action],
                RESOURCES[*resource],
                days,
                true,
            );
        }
        usage
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_only_one_off_facts_are_dropped(history in history()) {
            let usage = of(&history);
            for how in [OneOff::Keep, OneOff::Separate, OneOff::Drop] {
                let plan = with(&usage, how);
                let all = pairs(&plan, None);
                let rest = granted(&usage, &plan);
                assert!(how == OneOff::Drop || *rest == usage);
                for (action, resource, _) in rest.used() {
                    let written = super::generalise::writable(resource);
                    assert!(allows(&all, action, written.as_ref().unwrap_or(resource)), "{action} on {resource}");
                }
                // What is said not to be granted is not.
                for fact in plan.one_off.iter().filter(|fact| !fact.granted) {
                    let written = super::generalise::writable(&fact.resource);
                    assert!(!allows(&all, &fact.action, written.as_ref().unwrap_or(&fact.resource)), "{fact:?}");
                }
            }
        }

        #[test]
        fn what_stands_apart_is_one_off_and_allowed_by_nothing_else(history in history()) {
            let usage = of(&history);
            let separate = with(&usage, OneOff::Separate);
            let recurring = pairs(&separate, Some(Part::Recurring));
            for (action, resource) in pairs(&separate, Some(Part::OneOff)) {
                let action = Action::parse(&action).unwrap();
                assert!(!allows(&recurring, &action, &ResourceArn::from_pattern(resource.as_str())));
                let written = |used: &ResourceArn| super::generalise::writable(used).unwrap_or_else(|| used.clone());
                let is_listed = separate.one_off.iter().any(|fact| {
                    fact.action == action && written(&fact.resource).as_str() == resource
                });
                assert!(is_listed, "{action} on {resource}");
            }
            // Dropping takes the statements apart away, and nothing else.
            let drop = with(&usage, OneOff::Drop);
            assert_eq!(pairs(&drop, None), recurring);
        }
    }
}
