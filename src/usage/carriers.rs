//! What carries roles: a call that launches an instance passes the role in the instance profile it names, and one that
//! starts a task those in the task definition. Only the calls that made the carrier show which roles are in it, so
//! until all events are in, a fact of `iam:PassRole` has the carrier in the place of the role.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::arn::{ResourceArn, last_component};
use crate::usage::ledger::{Facts, Ledger, add_tally};
use crate::usage::passrole::PASS_ROLE;

/// The roles that each carrier was seen with, each kind of carrier by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carriers {
    profiles: Roles,
    task_definitions: Roles,
    /// Whether there were more than are remembered.
    cut: bool,
}

type Roles = BTreeMap<ResourceArn, BTreeSet<ResourceArn>>;

/// The most carriers of a kind that are remembered, the first in order.
const MAX_CARRIERS: usize = 10_000;

/// The most roles that are remembered of a carrier, likewise.
const MAX_ROLES: usize = 100;

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

/// Learns from a call that succeeded what a carrier holds. When it did is not kept: a profile's role may have been taken
/// out again since, and any that it held may have been passed.
pub(crate) fn learn(carriers: &mut Carriers, loaded: &Loaded) {
    let (known, cut) = match kind(&loaded.carrier) {
        Some(Kind::InstanceProfile) => (&mut carriers.profiles, &mut carriers.cut),
        Some(Kind::TaskDefinition) => (&mut carriers.task_definitions, &mut carriers.cut),
        None => return,
    };
    let roles = known.entry(same(&loaded.carrier)).or_default();
    roles.extend(loaded.roles.iter().cloned());
    bound(roles, MAX_ROLES, cut);
    bound_carriers(known, cut);
}

pub(crate) fn merge(carriers: &mut Carriers, other: Carriers) {
    carriers.cut |= other.cut;
    for (known, others) in [
        (&mut carriers.profiles, other.profiles),
        (&mut carriers.task_definitions, other.task_definitions),
    ] {
        for (carrier, roles) in others {
            let known = known.entry(carrier).or_default();
            known.extend(roles);
            bound(known, MAX_ROLES, &mut carriers.cut);
        }
        bound_carriers(known, &mut carriers.cut);
    }
}

/// Keeping the first in order gives the same carriers whatever the order of events: one that went had that many before
/// it, and would go again.
fn bound_carriers(known: &mut Roles, cut: &mut bool) {
    while known.len() > MAX_CARRIERS {
        *cut = true;
        known.pop_last();
    }
}

fn bound(roles: &mut BTreeSet<ResourceArn>, max: usize, cut: &mut bool) {
    while roles.len() > max {
        *cut = true;
        roles.pop_last();
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

/// The roles in `carrier`, and how sure they are.
fn roles(carriers: &Carriers, carrier: &ResourceArn) -> (BTreeSet<ResourceArn>, Shown) {
    let shown = match kind(carrier) {
        Some(Kind::InstanceProfile) => {
            carriers.profiles.get(&same(carrier)).cloned().map(|roles| {
                // It holds one at a time.
                let several = roles.len() > 1;
                (roles, several)
            })
        }
        Some(Kind::TaskDefinition) => in_task_definition(&carriers.task_definitions, carrier),
        None => None,
    };
    match shown {
        Some((roles, true)) => (roles, Shown::Several),
        Some((roles, false)) => (roles, Shown::Surely),
        None => (guess(carrier).into_iter().collect(), Shown::Not),
    }
}

/// The roles in a task definition, and whether those of several revisions. One that is named without its revision is the
/// newest, so any of its revisions may have been meant.
fn in_task_definition(
    known: &Roles,
    carrier: &ResourceArn,
) -> Option<(BTreeSet<ResourceArn>, bool)> {
    if let Some(roles) = known.get(carrier) {
        return Some((roles.clone(), false));
    }
    let family = format!("{carrier}:");
    let revisions: Vec<&BTreeSet<ResourceArn>> = known
        .range(ResourceArn::from_pattern(family.as_str())..)
        .take_while(|(revision, _)| revision.as_str().starts_with(&family))
        .map(|(_, roles)| roles)
        .collect();
    let all: BTreeSet<ResourceArn> = revisions.iter().copied().flatten().cloned().collect();
    let several = revisions.iter().any(|roles| **roles != all);
    (!revisions.is_empty()).then_some((all, several))
}

/// How sure the roles in a carrier are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// The trail shows them.
    Surely,
    /// The trail shows several sets, of which the call passed one.
    Several,
    /// The trail does not show them.
    Not,
}

/// What was put in the place of a carrier.
#[derive(Clone, Debug)]
pub(crate) struct Unloaded {
    /// The roles; a guess where the trail shows none.
    pub(crate) roles: Vec<ResourceArn>,
    shown: Shown,
}

/// Puts the roles in the place of the carriers in all facts of `iam:PassRole`. Returns what was put in the place of what.
pub(crate) fn settle(ledger: &mut Ledger) -> BTreeMap<ResourceArn, Unloaded> {
    let mut unloaded = BTreeMap::new();
    for usage in ledger.principals.values_mut() {
        for facts in [&mut usage.facts, &mut usage.refused] {
            unload(facts, &ledger.carriers, &mut unloaded);
        }
    }
    unloaded
}

fn unload(facts: &mut Facts, carriers: &Carriers, unloaded: &mut BTreeMap<ResourceArn, Unloaded>) {
    let Some(passed) = facts.get_mut(&PASS_ROLE) else {
        return;
    };
    let found = passed.keys().filter(|resource| kind(resource).is_some());
    for carrier in found.cloned().collect::<Vec<_>>() {
        let (roles, shown) = roles(carriers, &carrier);
        if let Some(tally) = passed.remove(&carrier) {
            for role in &roles {
                add_tally(passed, role.clone(), tally.clone());
            }
        }
        let roles = roles.into_iter().collect();
        unloaded.insert(carrier, Unloaded { roles, shown });
    }
    if passed.is_empty() {
        facts.remove(&PASS_ROLE);
    }
}

/// What a reader must know of the roles that were put in the place of `carrier`, as they are now.
pub(crate) fn note(
    carriers: &Carriers,
    carrier: &ResourceArn,
    unloaded: &Unloaded,
    roles: &[ResourceArn],
) -> Option<String> {
    let names: Vec<&str> = roles.iter().map(ResourceArn::as_str).collect();
    let names = names.join(", ");
    let trail = match carriers.cut {
        true => {
            "of more instance profiles and task definitions than are remembered, the first in order do not show"
        }
        false => "the trail does not show",
    };
    match (unloaded.shown, kind(carrier)?) {
        (Shown::Surely, _) => None,
        (Shown::Not, Kind::InstanceProfile) => Some(format!(
            "iam:PassRole on {names} is a guess by its name: {trail} the role in {carrier}, which was handed over"
        )),
        (Shown::Not, Kind::TaskDefinition) => Some(format!(
            "started tasks of {carrier}; {trail} the roles in it, so iam:PassRole on those roles is not in the policy"
        )),
        (Shown::Several, Kind::InstanceProfile) => Some(format!(
            "iam:PassRole is granted on each role that {carrier} held in the time of the trail: {names}"
        )),
        (Shown::Several, Kind::TaskDefinition) => Some(format!(
            "started tasks of the newest revision of {carrier}; iam:PassRole is granted on the roles of all revisions that the trail shows: {names}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Loaded;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::context::ContextKeys;
    use crate::usage::identity::Caller;
    use crate::usage::ledger::Ledger;
    use crate::usage::passrole::PASS_ROLE;
    use crate::usage::resolve::{Basis, Meaning, Need, Outcome, Resolved};
    use crate::usage::times::Times;

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
                access_key: None,
            },
            meaning: Meaning {
                outcome: Outcome::Used,
                reason: "".into(),
                needs: [Need {
                    action: PASS_ROLE,
                    resources: passed.iter().map(|rest| arn(rest)).collect(),
                    basis: Basis::PassedRole,
                    context: ContextKeys::default(),
                    told: true,
                }]
                .into(),
                loaded: loaded.map(|(carrier, roles)| Loaded {
                    carrier: arn(carrier),
                    roles: roles.iter().map(|rest| arn(rest)).collect(),
                }),
                message: None,
                notes: Vec::new(),
            },
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
                // Any of the revisions may have been meant.
                1,
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
            ledger.add(resolved(passed, None), Times::once(None, None));
            for (carrier, roles) in *loads {
                ledger.add(
                    resolved(roles, Some((carrier, roles))),
                    Times::once(None, None),
                );
            }
            ledger.settle();
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
