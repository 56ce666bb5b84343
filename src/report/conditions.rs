//! What conditions rest on, for scripts and for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::generate::observed::{self, MFA, SOURCE_IP, SOURCE_VPCE, Support};
use crate::iam::action::Action;
use crate::iam::condition::Block;
use crate::report::index::date;
use crate::report::summary::{grouped, many};
use crate::report::terminal;
use crate::usage::context::ContextKey;
use crate::usage::ledger::PrincipalUsage;
use crate::usage::values::Calls;

/// A condition of the policy with what it rests on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionEntry {
    /// The `Condition` block.
    pub condition: serde_json::Value,
    /// The actions that have it.
    pub actions: Vec<String>,
    /// How many uses satisfied it: all that there were. A call may use several of the actions and resources.
    pub uses: u64,
    /// On how many days.
    pub days: usize,
    /// The values.
    pub values: Vec<ValueEntry>,
    /// How many of the uses told that they did not carry the key, which an operator that ends in `IfExists` lets pass.
    pub without: u64,
    /// How many calls of these actions on these resources were refused, or failed without telling; what they carried is not known.
    pub refused: u64,
}

/// One value of a condition key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueEntry {
    /// The value.
    pub value: String,
    /// How many uses carried it.
    pub uses: u64,
    /// The day on which it was first seen; `null` where that is not known.
    pub first: Option<String>,
    /// The day on which it was last seen.
    pub last: Option<String>,
}

/// The conditions that are in the policy.
#[must_use]
pub fn entries(supports: &[Support]) -> Vec<ConditionEntry> {
    let written = supports.iter().filter(|support| support.doubt.is_none());
    let entry = |support: &Support| ConditionEntry {
        condition: block(support),
        actions: support.actions.iter().map(ToString::to_string).collect(),
        uses: support.uses,
        days: support.days,
        values: support.values.iter().map(ValueEntry::of).collect(),
        without: support.without,
        refused: support.refused,
    };
    written.map(entry).collect()
}

/// The `Condition` block.
#[must_use]
pub fn block(support: &Support) -> serde_json::Value {
    // A block of strings can always be a value.
    serde_json::to_value(Block(std::slice::from_ref(&support.condition))).unwrap_or_default()
}

impl ValueEntry {
    fn of((value, calls): &(String, Calls)) -> Self {
        Self {
            value: value.clone(),
            uses: calls.count,
            first: calls.days.and_then(|(first, _)| date(first)),
            last: calls.days.and_then(|(_, last)| date(last)),
        }
    }
}

/// What `supports` tell of conditions, a line each: those in the policy and, with the reason, those that it has not. To which
/// service a role was passed stands in every policy and is not told again.
#[must_use]
pub fn text(supports: &[Support], usage: &PrincipalUsage) -> String {
    let mut out = String::new();
    let passed = ContextKey::PassedToService.as_str();
    let shown = supports.iter();
    for support in shown.filter(|support| support.condition.key != passed) {
        let condition = &support.condition;
        let values = support
            .values
            .iter()
            .map(|(value, calls)| format!("{} ({})", terminal::safe(value), grouped(calls.count)));
        let values: Vec<String> = values.collect();
        let word = match &support.doubt {
            None => "condition",
            Some(_) => "offered, not written",
        };
        let _ = write!(
            out,
            "{word}: {} {} {}: all {} of {} on {}",
            condition.operator,
            terminal::safe(&condition.key),
            values.join(", "),
            many(support.uses, "use"),
            many(support.actions.len() as u64, "action"),
            many(support.days as u64, "day"),
        );
        let others = others(support, supports, usage);
        if !others.is_empty() {
            let _ = write!(out, "; not on {}", others.join(", "));
        }
        if let Some(doubt) = &support.doubt {
            let _ = write!(out, "; {}", terminal::safe(doubt));
        }
        out.push('\n');
    }
    if let Some(hours) = observed::hours(usage) {
        let hours = ranges(&hours);
        let _ = writeln!(
            out,
            "hours of use, UTC: {hours}; no condition, as IAM has no key for the hour of the day"
        );
    }
    out
}

/// The hours with uses, `08-11, 23`.
fn ranges(hours: &[u64; 24]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for hour in (0..24).filter(|hour| hours[*hour] > 0) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == hour => *last = hour,
            _ => ranges.push((hour, hour)),
        }
    }
    let text = ranges.iter().map(|(first, last)| match first == last {
        true => format!("{first:02}"),
        false => format!("{first:02}-{last:02}"),
    });
    text.collect::<Vec<_>>().join(", ")
}

/// What is not held to the key of `support`, where it is one of the principal's way to AWS: services, and actions of services that
/// are held to it otherwise.
fn others(support: &Support, supports: &[Support], usage: &PrincipalUsage) -> Vec<String> {
    let key = &*support.condition.key;
    if ![SOURCE_IP, SOURCE_VPCE, MFA].contains(&key) {
        return Vec::new();
    }
    let same = supports.iter().filter(|other| other.condition.key == key);
    let held: BTreeSet<&Action> = same.flat_map(|other| &other.actions).collect();
    let services: BTreeSet<&str> = held.iter().map(|action| action.service()).collect();
    let others = usage.used().map(|(action, ..)| action);
    let others = others.filter(|action| !held.contains(action));
    let others = others.map(|action| match services.contains(action.service()) {
        true => action.as_str(),
        false => action.service(),
    });
    let others: BTreeSet<&str> = others.collect();
    others.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn hours_that_follow_each_other_are_one_range() {
        let mut hours = [0; 24];
        assert_eq!(ranges(&hours), "");
        for hour in [0, 8, 9, 10, 22, 23] {
            hours[hour] = 3;
        }
        assert_eq!(ranges(&hours), "00, 08-10, 22-23");
    }
}
