//! What carries roles: a call that launches an instance passes the role in the instance profile it names, and one that
//! starts a task those in the task definition. Only the calls that made the carrier show which roles are in it, so
//! until all events are in, a fact of `iam:PassRole` has the carrier in the place of the role.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::arn::{ResourceArn, last_component};
use crate::usage::ledger::{Facts, Ledger};
use crate::usage::passrole::PASS_ROLE;

/// The roles that each carrier was seen with.
pub type Carriers = BTreeMap<ResourceArn, BTreeSet<ResourceArn>>;

/// The most carriers that are remembered, the first in order.
const MAX_CARRIERS: usize = 10_000;

/// A carrier, and the roles that a call put into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The instance profile, or the revision of a task definition.
    pub carrier: ResourceArn,
    /// None where a task definition was registered without any.
    pub roles: Vec<ResourceArn>,
}

/// What kind of carrier an ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An instance profile. It has one role, and nothing but its name tells what that may be called.
    InstanceProfile,
    /// A task definition of Amazon ECS, with or without its revision.
    TaskDefinition,
}

/// The kind of carrier that `resource` is; `None` for a role.
#[must_use]
pub fn kind(resource: &ResourceArn) -> Option<Kind> {
    let parts = resource.parts()?;
    match parts.service {
        "iam" if parts.resource.starts_with("instance-profile/") => Some(Kind::InstanceProfile),
        "ecs" if parts.resource.starts_with("task-definition/") => Some(Kind::TaskDefinition),
        _ => None,
    }
}

/// The role of the same name as an instance profile, which is the one in it wherever the console made both. A guess, and
/// to be marked as one.
#[must_use]
pub fn guess(carrier: &ResourceArn) -> Option<ResourceArn> {
    let parts = carrier.parts()?;
    let name = last_component(parts.resource);
    (kind(carrier)? == Kind::InstanceProfile).then(|| {
        let (partition, account) = (parts.partition, parts.account);
        ResourceArn::from_pattern(format!("arn:{partition}:iam::{account}:role/{name}"))
    })
}

/// Learns from a used call what a carrier holds. A profile's role may have been taken out again since; any that it held
/// may have been passed.
pub(crate) fn learn(carriers: &mut Carriers, loaded: &Loaded) {
    let roles = carriers.entry(same(&loaded.carrier)).or_default();
    roles.extend(loaded.roles.iter().cloned());
    bound(carriers);
}

pub(crate) fn merge(carriers: &mut Carriers, other: Carriers) {
    for (carrier, roles) in other {
        carriers.entry(carrier).or_default().extend(roles);
    }
    bound(carriers);
}

/// Keeping the first in order gives the same carriers whatever the order of events: one that went had that many before
/// it, and would go again.
fn bound(carriers: &mut Carriers) {
    while carriers.len() > MAX_CARRIERS {
        carriers.pop_last();
    }
}

/// The carrier as all calls name it: a profile without its path, which most leave out.
fn same(carrier: &ResourceArn) -> ResourceArn {
    match (kind(carrier), carrier.parts()) {
        (Some(Kind::InstanceProfile), Some(parts)) => ResourceArn::from_pattern(format!(
            "arn:{}:iam::{}:instance-profile/{}",
            parts.partition,
            parts.account,
            last_component(parts.resource)
        )),
        _ => carrier.clone(),
    }
}

/// The roles in `carrier`, as far as the trail shows them. A task definition that is named without its revision is the
/// newest one, so any of its revisions may have been meant.
fn roles<'c>(carriers: &'c Carriers, carrier: &ResourceArn) -> Option<Vec<&'c ResourceArn>> {
    let own = same(carrier);
    if let Some(roles) = carriers.get(&own) {
        return Some(roles.iter().collect());
    }
    let family = format!("{own}:");
    let revisions = carriers
        .range(ResourceArn::from_pattern(family.as_str())..)
        .take_while(|(revision, _)| revision.as_str().starts_with(&family));
    let revisions: Vec<_> = revisions.map(|(_, roles)| roles).collect();
    let known = kind(carrier) == Some(Kind::TaskDefinition) && !revisions.is_empty();
    known.then(|| {
        let roles: BTreeSet<&ResourceArn> = revisions.into_iter().flatten().collect();
        roles.into_iter().collect()
    })
}

/// Puts the roles in the place of the carriers in all facts of `iam:PassRole`, and a note where the trail does not show
/// them. Returns what was put in the place of what.
pub(crate) fn settle(ledger: &mut Ledger) -> BTreeMap<ResourceArn, Vec<ResourceArn>> {
    let mut settled = BTreeMap::new();
    for usage in ledger.principals.values_mut() {
        move_roles(&mut usage.refused, &ledger.carriers, &mut settled);
        for carrier in move_roles(&mut usage.facts, &ledger.carriers, &mut settled) {
            usage.note(&unknown(&carrier));
        }
    }
    settled
}

/// Returns the carriers whose roles the trail does not show.
fn move_roles(
    facts: &mut Facts,
    carriers: &Carriers,
    settled: &mut BTreeMap<ResourceArn, Vec<ResourceArn>>,
) -> Vec<ResourceArn> {
    let Some(passed) = facts.get_mut(&PASS_ROLE) else {
        return Vec::new();
    };
    let found: Vec<ResourceArn> = passed
        .keys()
        .filter(|resource| kind(resource).is_some())
        .cloned()
        .collect();
    let mut unknown = Vec::new();
    for carrier in found {
        let known = roles(carriers, &carrier);
        let roles: Vec<ResourceArn> = match &known {
            Some(roles) => roles.iter().copied().cloned().collect(),
            None => guess(&carrier).into_iter().collect(),
        };
        if let Some(tally) = passed.remove(&carrier) {
            for role in &roles {
                let passed = passed.entry(role.clone()).or_default();
                passed.absorb(tally.clone());
            }
        }
        if known.is_none() {
            unknown.push(carrier.clone());
        }
        settled.insert(carrier, roles);
    }
    if passed.is_empty() {
        facts.remove(&PASS_ROLE);
    }
    unknown
}

fn unknown(carrier: &ResourceArn) -> String {
    match guess(carrier) {
        Some(role) => format!(
            "iam:PassRole on {role} is a guess by its name: the trail does not show the role in {carrier}, which was handed over"
        ),
        None => format!(
            "started tasks of {carrier}; the trail does not show the roles in it, so iam:PassRole on those roles is not in the policy"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Loaded, settle};
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::context::ContextKeys;
    use crate::usage::identity::Caller;
    use crate::usage::ledger::Ledger;
    use crate::usage::passrole::PASS_ROLE;
    use crate::usage::resolve::{Basis, Need, Outcome, Resolved};

    fn arn(rest: &str) -> ResourceArn {
        let service = if rest.starts_with("task-") {
            "ecs:eu-west-1"
        } else {
            "iam:"
        };
        ResourceArn::from_pattern(format!("arn:aws:{service}:111122223333:{rest}"))
    }

    fn resolved(passed: &[&str], loaded: Option<(&str, &[&str])>) -> Resolved {
        Resolved {
            caller: Caller {
                principal: Principal {
                    account: "111122223333".into(),
                    kind: PrincipalKind::User,
                    name: "ann".into(),
                    arn: "arn:aws:iam::111122223333:user/ann".into(),
                },
                session: None,
            },
            outcome: Outcome::Used,
            reason: "".into(),
            needs: vec![Need {
                action: PASS_ROLE,
                resources: passed.iter().map(|rest| arn(rest)).collect(),
                basis: Basis::PassedRole,
                context: ContextKeys::default(),
                told: true,
            }],
            loaded: loaded.map(|(carrier, roles)| Loaded {
                carrier: arn(carrier),
                roles: roles.iter().map(|rest| arn(rest)).collect(),
            }),
            message: None,
            notes: Vec::new(),
        }
    }

    /// (what was passed, what calls put into a carrier, the roles that count as passed and how often, notes)
    type Case<'a> = (
        &'a [&'a str],
        &'a [(&'a str, &'a [&'a str])],
        &'a [(&'a str, u64)],
        usize,
    );

    #[test]
    fn the_roles_that_the_trail_shows_in_a_carrier_are_passed() {
        let cases: &[Case<'_>] = &[
            (
                &[
                    "instance-profile/web-profile",
                    "instance-profile/path/web-profile",
                ],
                &[("instance-profile/path/web-profile", &["role/web"])],
                &[("role/web", 3)],
                0,
            ),
            // Nothing shows the role: its name is guessed, and the guess is marked.
            (
                &["instance-profile/path/other"],
                &[],
                &[("role/other", 1)],
                1,
            ),
            (
                &["task-definition/api:2"],
                &[
                    ("task-definition/api:1", &["role/old"]),
                    ("task-definition/api:2", &["role/api", "role/run"]),
                ],
                // Registering a task definition passes its roles too.
                &[("role/api", 2), ("role/old", 1), ("role/run", 2)],
                0,
            ),
            (
                &["task-definition/api"],
                &[
                    ("task-definition/api:1", &["role/old"]),
                    ("task-definition/api:2", &["role/api"]),
                    ("task-definition/apiary:1", &["role/bees"]),
                ],
                &[("role/api", 2), ("role/bees", 1), ("role/old", 2)],
                0,
            ),
            // A task definition without roles passes none; of one that nothing shows, nothing can be guessed.
            (
                &["task-definition/api:1"],
                &[("task-definition/api:1", &[])],
                &[],
                0,
            ),
            (&["task-definition/api:9"], &[], &[], 1),
        ];
        for (passed, loads, expected, notes) in cases {
            let mut ledger = Ledger::default();
            ledger.add(&resolved(passed, None), None, None);
            for (carrier, roles) in *loads {
                ledger.add(&resolved(roles, Some((carrier, roles))), None, None);
            }
            settle(&mut ledger);
            let usage = ledger.principals.into_values().next().unwrap();
            let found: BTreeMap<_, _> = usage.facts.get(&PASS_ROLE).into_iter().flatten().collect();
            let found: Vec<(String, u64)> = found
                .into_iter()
                .map(|(role, tally)| (role.to_string(), tally.used))
                .collect();
            let expected: Vec<(String, u64)> = expected
                .iter()
                .map(|(role, used)| (arn(role).to_string(), *used))
                .collect();
            assert_eq!((found, usage.notes.len()), (expected, *notes), "{passed:?}");
        }
    }
}
