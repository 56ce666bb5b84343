//! What each principal did on what: the flat `fact` rows of an export, which follow from its `call` rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::error::Result;
use crate::store::export::Name;
use crate::store::read::Call;
use crate::store::write::When;

/// The calls of one principal that needed an action on a resource, in one Region and with one outcome. What is empty is left
/// out of its JSON.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "kind", rename = "fact", rename_all = "camelCase")]
pub(super) struct Fact<'f> {
    #[serde(flatten)]
    pub(super) name: &'f Name,
    pub(super) action: &'f str,
    pub(super) resource: &'f str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) region: &'f str,
    pub(super) outcome: &'f str,
    pub(super) count: u64,
    /// In seconds since 1970, as is `last_seen`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub(super) first_seen: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub(super) last_seen: Option<i64>,
    /// Since 1970-01-01.
    #[serde(skip_serializing_if = "<[u16]>::is_empty", serialize_with = "dates")]
    pub(super) days: &'f [u16],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sample_event_id: Option<&'f str>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) via: &'f BTreeSet<Box<str>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) networks: &'f BTreeSet<String>,
}

/// The facts of a ledger.
#[derive(Default)]
pub(super) struct Facts(BTreeMap<Key, (When, BTreeSet<Box<str>>)>);

/// What tells a fact from others, and their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// The principal's place among all.
    principal: usize,
    action: String,
    resource: String,
    region: String,
    outcome: String,
}

impl Facts {
    /// Adds calls of the principal at a place. What they needed twice counts once.
    pub(super) fn add(&mut self, principal: usize, call: Call) {
        let when = When::of(&call.times, call.times.count);
        if when.count == 0 {
            // All events of these calls were corrected.
            return;
        }
        let needs = call.what.needs.iter();
        let pairs: BTreeSet<(&str, &str)> = needs
            .flat_map(|need| {
                let resources = need.resources.iter();
                resources.map(|resource| (need.action.as_str(), resource.as_str()))
            })
            .collect();
        for (action, resource) in pairs {
            let key = Key {
                principal,
                action: action.to_owned(),
                resource: resource.to_owned(),
                region: call.what.region.clone(),
                outcome: call.what.outcome.clone(),
            };
            let (known, via) = self.0.entry(key).or_default();
            known.absorb(when.clone());
            via.extend(call.what.via.clone());
        }
    }

    /// Hands out the facts in their order. `names` are the principals by their places.
    pub(super) fn each(
        &self,
        names: &[Name],
        each: &mut dyn FnMut(Fact<'_>) -> Result<()>,
    ) -> Result<()> {
        for (key, (when, via)) in &self.0 {
            let Some(name) = names.get(key.principal) else {
                continue;
            };
            each(Fact {
                name,
                action: &key.action,
                resource: &key.resource,
                region: &key.region,
                outcome: &key.outcome,
                count: when.count,
                first_seen: when.seen.map(|(first, _)| first),
                last_seen: when.seen.map(|(_, last)| last),
                days: &when.days,
                sample_event_id: when.sample.as_deref(),
                via,
                networks: &when.networks,
            })?;
        }
        Ok(())
    }
}

/// RFC 3339; `None` of a time in no year that this has a text for.
pub(super) fn rfc3339(seconds: i64) -> Option<String> {
    Some(Timestamp::from_second(seconds).ok()?.to_string())
}

fn time<S: Serializer>(
    seconds: &Option<i64>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    seconds.and_then(rfc3339).serialize(serializer)
}

fn dates<S: Serializer>(days: &[u16], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let date = |day: &u16| Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(*day));
    // All days of sixteen bits have a date.
    serializer.collect_seq(
        days.iter()
            .filter_map(|day| Some(date(day).ok()?.to_string())),
    )
}

#[cfg(test)]
mod tests {
    use super::Facts;
    use crate::store::export::Name;
    use crate::store::read::Call;
    use crate::usage::times::Times;

    #[test]
    fn what_a_call_needs_twice_counts_once() {
        let what = serde_json::from_str(
            r#"{"outcome": "used", "needs": [
                {"action": "iam:PassRole", "resources": ["a", "b"], "basis": "passed-role", "told": true},
                {"action": "iam:PassRole", "resources": ["b"], "basis": "passed-role", "told": true,
                 "context": {"iam:PassedToService": "ec2.amazonaws.com"}}]}"#,
        );
        let call = Call {
            id: 1,
            principal: 1,
            what: what.unwrap(),
            times: Times::once(Some(86_400), Some("e")),
        };
        let mut facts = Facts::default();
        facts.add(0, call);
        let name = Name {
            principal: "p".to_owned(),
            kind: "user".to_owned(),
            account: "1".to_owned(),
            name: "p".to_owned(),
        };
        let mut found = Vec::new();
        facts
            .each(&[name], &mut |fact| {
                found.push((fact.resource.to_owned(), fact.count, fact.days.to_owned()));
                Ok(())
            })
            .unwrap();
        assert_eq!(
            found,
            [("a".to_owned(), 1, vec![1]), ("b".to_owned(), 1, vec![1])]
        );
    }
}
