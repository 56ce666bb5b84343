//! Conditions from evidence: what every observed call would have satisfied.
//!
//! Only `iam:PassedToService` is written into policies. What scopes forwarded calls is offered beside them, for a person
//! to add: a call that the user makes directly tomorrow would be refused.

use std::collections::BTreeMap;

use crate::generate::Part;
use crate::generate::minimise::{self, Facts, Grant};
use crate::iam::condition::Condition;
use crate::iam::principal::PrincipalKind;
use crate::usage::context::{ContextKey, ContextKeys};
use crate::usage::ledger::{PrincipalUsage, Tally};

/// The conditions that the policy has for this fact: the services that the role was passed to, where each call tells one.
///
/// `IfExists`, because some services do not send the key, and which they are AWS does not say.
/// Source: IAM User Guide, "IAM and AWS STS condition context keys", iam:PassedToService.
pub(super) fn written(tally: &Tally) -> Vec<Condition> {
    if tells_nothing(tally) {
        return Vec::new();
    }
    let key = ContextKey::PassedToService;
    let services = tally.contexts.values(key, tally.used);
    let condition = services.map(|services| condition("StringEqualsIfExists", key, &services));
    condition.into_iter().collect()
}

/// A condition that would have allowed every observed call of `actions` on `resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// As they were used; sorted.
    pub grant: Grant,
    /// How many uses it is true of: all that there were.
    pub uses: u64,
    /// Whether calls like these are sure to carry the keys. Not of a role: a service that was given the role as its own calls
    /// like this too, and its calls carry none.
    pub certain: bool,
}

/// The conditions that every observed call of some actions satisfied, because a service forwarded all of them, or because
/// they made one service's service-linked role.
///
/// A role whose calls were all made by services was most likely given to them as their own; to it, what tells of forwarding
/// is not offered at all.
#[must_use]
pub fn offers(usage: &PrincipalUsage, kind: PrincipalKind) -> Vec<Offer> {
    let forwarding = kind != PrincipalKind::Role || calls_itself(usage);
    let mut facts: BTreeMap<Vec<Condition>, Facts<'_>> = BTreeMap::new();
    for (action, resource, tally) in usage.used() {
        let conditions = satisfied(tally, forwarding);
        if !conditions.is_empty() {
            minimise::add(facts.entry(conditions).or_default(), action, resource);
        }
    }
    let grants = facts
        .iter()
        .flat_map(|(conditions, facts)| minimise::grants(facts, Part::Recurring, conditions));
    let mut grants: Vec<Grant> = grants.collect();
    minimise::order(&mut grants);
    let uses = |grant: &Grant| {
        let pairs = grant.actions.iter().flat_map(|action| {
            grant
                .resources
                .iter()
                .map(move |resource| (action, resource))
        });
        pairs
            .filter_map(|(action, resource)| usage.facts.get(action)?.get(resource))
            .map(|tally| tally.used)
            .sum()
    };
    grants
        .into_iter()
        .map(|grant| Offer {
            uses: uses(&grant),
            certain: kind != PrincipalKind::Role || !tells_forwarding(&grant.conditions),
            grant,
        })
        .collect()
}

fn tells_forwarding(conditions: &[Condition]) -> bool {
    let forwarding = ContextKey::FORWARDING.map(ContextKey::as_str);
    conditions
        .iter()
        .any(|condition| forwarding.contains(&&*condition.key))
}

/// Whether some call was surely not made by a service. Where too many keys were told to be kept, none is sure.
fn calls_itself(usage: &PrincipalUsage) -> bool {
    let forwarded = |keys: &ContextKeys| keys.iter().any(|(key, _)| key.tells_forwarding());
    usage.used().any(|(_, _, tally)| {
        let by_services = tally.contexts.iter().filter(|(keys, _)| forwarded(keys));
        !tally.contexts.is_cut() && tally.used > by_services.map(|(_, count)| count).sum()
    })
}

/// Whether no call of a fact told a key, as is so of most facts.
fn tells_nothing(tally: &Tally) -> bool {
    tally.contexts.iter().next().is_none()
}

/// What all calls of a fact satisfied, sorted; without what tells of forwarding, unless `forwarding` says so.
pub(super) fn satisfied(tally: &Tally, forwarding: bool) -> Vec<Condition> {
    if tells_nothing(tally) {
        return Vec::new();
    }
    let values = |key: ContextKey| {
        let counts = forwarding || !key.tells_forwarding();
        counts.then(|| tally.contexts.values(key, tally.used))?
    };
    let of = |operator, key| Some(condition(operator, key, &values(key)?));
    let mut out: Vec<Condition> = [
        of("ForAnyValue:StringEquals", ContextKey::CalledVia),
        of("StringEquals", ContextKey::AwsServiceName),
        of("StringEquals", ContextKey::ViaService),
    ]
    .into_iter()
    .flatten()
    .collect();
    // Which service it was says more than that it was one.
    if out.is_empty() {
        out.extend(of("Bool", ContextKey::ViaAwsService));
    }
    out.sort();
    out
}

fn condition(operator: &'static str, key: ContextKey, values: &[&str]) -> Condition {
    Condition {
        operator,
        key: key.as_str().into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}
