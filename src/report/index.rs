//! `index.json`: what `trailfit generate --out` wrote, for scripts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::generate::conditions::{self, Offer};
use crate::generate::observed::{self, Support};
use crate::generate::one_off::SetUp;
use crate::generate::quota::Quota;
use crate::generate::widening::Widening;
use crate::iam::action::Action;
use crate::iam::condition::Block;
use crate::iam::principal::Principal;
use crate::report::conditions::{ConditionEntry, block, entries};
use crate::report::hours::{self, PlaceEntry};
use crate::report::integrity::{self, GapEntry};
use crate::report::outlook::OutlookEntry;
use crate::report::people::People;
use crate::report::permission_set::SetEntry;
use crate::report::summary;
use crate::usage::coverage::Coverage;
use crate::usage::ledger::PrincipalUsage;
use crate::usage::resolve::Outcome;

/// The whole file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Index<'a> {
    /// What was read.
    pub coverage: CoverageEntry,
    /// One entry a principal, sorted.
    pub principals: Vec<&'a PrincipalEntry>,
    /// One entry a permission set, sorted by name.
    pub permission_sets: Vec<&'a SetEntry>,
}

/// What was read, and what could not be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverageEntry {
    /// The records by outcome, and their sum as `read`.
    pub events: BTreeMap<&'static str, u64>,
    /// The same by reason.
    pub reasons: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// The messages of refused calls that name an action, compared with the tables. The message is always taken.
    pub refusal_messages: RefusalMessages,
    /// Records that the filter left out.
    pub outside_filter: u64,
    /// Things that are no records, by kind.
    pub not_calls: BTreeMap<String, u64>,
    /// Log objects read, and those of them that could not be read whole.
    pub log_objects: u64,
    /// Those of them with a part that could not be read.
    pub unreadable_objects: u64,
    /// The first event, RFC 3339; `null` where none has a time.
    pub first_event: Option<String>,
    /// The last event.
    pub last_event: Option<String>,
    /// Accounts of callers and recipients.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// The services with data events in the input. For any other service, use of its data cannot be seen.
    pub data_events: Vec<String>,
    /// How many data events of each there are, repeated ones too.
    pub data_event_counts: BTreeMap<String, u64>,
    /// Calls that only summaries tell of, by service and by what the summary is grouped by.
    pub aggregated_calls: BTreeMap<String, u64>,
    /// Records with an addendum, by its reason.
    pub addenda: BTreeMap<String, u64>,
    /// From when and where there are records, by account and Region.
    pub places: Vec<PlaceEntry>,
    /// Whether there were too many places and days for `places` to have all.
    pub places_left_out: bool,
    /// The times without digests, of a ledger whose log objects were held against some; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub digest_gaps: Vec<GapEntry>,
}

/// How the messages of refused calls compare with the tables.
#[derive(Debug, Serialize)]
pub struct RefusalMessages {
    /// Those that name the action and the resource of the tables.
    pub agree: u64,
    /// Those that name others.
    pub differ: u64,
    /// What these say, and how often.
    pub differences: BTreeMap<String, u64>,
}

/// One principal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalEntry {
    /// Its ARN.
    pub principal: String,
    /// `user`, `role`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its account.
    pub account: String,
    /// All its events, whatever their outcome.
    pub events: u64,
    /// The number of distinct actions it used.
    pub actions: usize,
    /// The number of distinct resources it used, before anything was generalised.
    pub resources: usize,
    /// What its policy is written for: `role`.
    pub target: &'static str,
    /// How many documents may be attached there.
    pub documents_allowed: usize,
    /// Whether there are no more.
    pub fits: bool,
    /// Why there are no documents, where they could not be proved to allow what was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unproved: Option<String>,
    /// The policy documents, relative to the folder of the index.
    pub files: Vec<String>,
    /// What says why each statement is in them, likewise; empty unless that was asked for.
    pub explanations: Vec<String>,
    /// The characters of each document without white space, as IAM counts them.
    pub sizes: Vec<usize>,
    /// Everything that the policy grants beyond the calls seen.
    pub widened: Vec<WideningEntry>,
    /// What was used to set something up once, it seems, and whether the policy grants it.
    pub one_off: Vec<SetUpEntry>,
    /// The policy's conditions, with what they rest on.
    pub conditions: Vec<ConditionEntry>,
    /// Conditions that all calls seen would have satisfied and that the policy does not have.
    pub offered_conditions: Vec<OfferEntry>,
    /// How many uses there were in each hour of the day, UTC, where that was asked for. No policy can hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<[u64; 24]>,
    /// What the next two weeks are likely to bring, if they are like those before; `null` where there are too few days to tell.
    pub outlook: Option<OutlookEntry>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Names of role sessions, the first in order.
    pub sessions: Vec<String>,
    /// When it was last made, RFC 3339, where the input shows that. Before that, nothing of it can have been seen.
    pub created: Option<String>,
    /// The actions with more resources than are kept apart.
    pub cut: Vec<CutEntry>,
    /// Who used what, where that was asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
}

/// An action that was used on more resources than are kept apart.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CutEntry {
    /// The action.
    pub action: String,
    /// How many distinct resources it was used on, estimated: within 3.3 % of it 95 times in 100.
    pub resources: u64,
    /// The same in words.
    pub about: String,
    /// How many patterns and names they were cut to.
    pub kept: usize,
}

/// A condition that could be added to the grant of these actions on these resources, as they were used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferEntry {
    /// The actions.
    pub actions: Vec<String>,
    /// The resources; none where it is all that the actions were used on.
    pub resources: Vec<String>,
    /// The `Condition` block.
    pub condition: serde_json::Value,
    /// How many uses it is true of: all that there were. A call may use several of the actions and resources.
    pub uses: u64,
    /// Whether calls like these are sure to carry the keys. `false` of a role: if a service was given it as its own, the
    /// service's calls look the same in the log and carry none.
    pub certain: bool,
    /// Why it was not written, where conditions were to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One generalisation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WideningEntry {
    /// The rule's name.
    pub rule: String,
    /// The actions whose resources were generalised.
    pub actions: Vec<String>,
    /// The pattern of actions, where these were widened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The pattern granted.
    pub resource: String,
    /// How many resources it stands for.
    pub values: usize,
    /// On how many distinct days these were used.
    pub days: usize,
    /// Some of them.
    pub examples: Vec<String>,
    /// What it newly allows, in words.
    pub admits: String,
}

/// A use that set something up once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetUpEntry {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// How often it was used.
    pub events: u64,
    /// The day, as in `2026-09-01`, UTC.
    pub day: Option<String>,
    /// The id of one of the events.
    pub sample_event_id: Option<String>,
    /// Whether the policy allows it.
    pub granted: bool,
}

/// What reading an index back needs of it: which file is whose.
#[derive(Debug, Deserialize)]
pub struct Written {
    /// The principals, in the order of the index.
    pub principals: Vec<WrittenPrincipal>,
    /// The permission sets; none in an index of before there were any.
    #[serde(default, rename = "permissionSets")]
    pub permission_sets: Vec<WrittenSet>,
}

/// One principal of an index that is read back.
#[derive(Debug, Deserialize)]
pub struct WrittenPrincipal {
    /// Its ARN.
    pub principal: String,
    /// Its documents, relative to the folder of the index.
    pub files: Vec<String>,
    /// What explains them, likewise.
    #[serde(default)]
    pub explanations: Vec<String>,
}

/// One permission set of an index that is read back.
#[derive(Debug, Deserialize)]
pub struct WrittenSet {
    /// Its documents, relative to the folder of the index.
    pub files: Vec<String>,
}

impl CoverageEntry {
    /// The entry of `coverage`.
    #[must_use]
    pub fn of(coverage: &Coverage) -> Self {
        let mut events: BTreeMap<&'static str, u64> = Outcome::ALL
            .iter()
            .map(|outcome| (outcome.as_str(), coverage.total(*outcome)))
            .collect();
        events.insert("read", coverage.read());
        let reasons = coverage.outcomes.iter().map(|(outcome, reasons)| {
            let named = reasons.iter().filter(|(reason, _)| !reason.is_empty());
            let named = named
                .map(|(reason, count)| (reason.clone(), *count))
                .collect();
            (outcome.as_str(), named)
        });
        Self {
            events,
            reasons: reasons.collect(),
            refusal_messages: RefusalMessages {
                agree: coverage.messages_agree,
                differ: coverage.message_differences.values().sum(),
                differences: coverage.message_differences.clone(),
            },
            outside_filter: coverage.outside_filter,
            not_calls: coverage.others.clone(),
            log_objects: coverage.objects,
            unreadable_objects: coverage
                .files
                .iter()
                .filter(|file| file.is_unreadable())
                .count() as u64,
            first_event: coverage.seen.and_then(|(first, _)| rfc3339(first)),
            last_event: coverage.seen.and_then(|(_, last)| rfc3339(last)),
            accounts: coverage.accounts.iter().cloned().collect(),
            regions: coverage.regions.iter().cloned().collect(),
            data_events: coverage.data_event_sources.keys().cloned().collect(),
            data_event_counts: coverage.data_event_sources.clone(),
            aggregated_calls: coverage.aggregated_calls.clone(),
            addenda: coverage.addenda.clone(),
            places: hours::entries(&coverage.hours),
            places_left_out: coverage.hours.is_cut(),
            digest_gaps: integrity::entries(&coverage.digested),
        }
    }
}

/// A time in seconds since 1970.
pub(crate) fn rfc3339(seconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.to_string())
}

/// A day since 1970-01-01 as `2026-09-01`.
pub(crate) fn date(day: u16) -> Option<String> {
    let time = jiff::Timestamp::from_second(i64::from(day) * 86_400).ok()?;
    Some(time.strftime("%F").to_string())
}

impl PrincipalEntry {
    /// The entry of a principal, which was `created` then, in seconds since 1970; without its documents, that are to fit
    /// `quota`. The last event of the input was at `end`, in seconds too.
    #[must_use]
    pub fn of(
        principal: &Principal,
        usage: &PrincipalUsage,
        created: Option<i64>,
        end: Option<i64>,
        quota: Quota,
    ) -> Self {
        let facts = usage.used().map(|(action, resource, _)| (action, resource));
        let (mut actions, mut resources): (Vec<_>, Vec<_>) = facts.unzip();
        actions.dedup();
        resources.sort();
        resources.dedup();
        Self {
            principal: principal.arn.clone(),
            kind: principal.kind.as_str(),
            account: principal.account.clone(),
            events: usage.total_events(),
            actions: actions.len(),
            resources: resources.len(),
            target: quota.target.as_str(),
            documents_allowed: quota.documents,
            fits: true,
            unproved: None,
            files: Vec::new(),
            explanations: Vec::new(),
            sizes: Vec::new(),
            widened: Vec::new(),
            one_off: Vec::new(),
            conditions: Vec::new(),
            offered_conditions: conditions::offers(usage, principal.kind)
                .iter()
                .map(OfferEntry::of)
                .collect(),
            hours: observed::hours(usage),
            outlook: OutlookEntry::of(usage, end),
            notes: usage.notes.iter().cloned().collect(),
            sessions: usage.sessions.iter().cloned().collect(),
            created: created.and_then(rfc3339),
            cut: CutEntry::all(usage),
            people: None,
        }
    }
}

impl PrincipalEntry {
    /// Adds what conditions rest on, those that are written and those that are not.
    pub fn support(&mut self, supports: &[Support]) {
        self.conditions = entries(supports);
        self.offered_conditions
            .retain(|offer| !is_written(offer, supports));
        // That services forwarded calls is offered in any case, with the resources.
        let doubted = supports.iter().filter(|support| {
            support.doubt.is_some() && !observed::is_forwarding(&support.condition)
        });
        let doubted = doubted.map(OfferEntry::doubted);
        self.offered_conditions.extend(doubted);
    }
}

/// Whether the policy has all that is offered, with all the actions.
fn is_written(offer: &OfferEntry, supports: &[Support]) -> bool {
    let has = |(operator, keys): (&String, &serde_json::Value)| {
        let written = supports.iter().filter(|support| {
            let actions = support.actions.iter().map(Action::as_str);
            let actions: Vec<&str> = actions.collect();
            support.doubt.is_none()
                && support.condition.operator == operator
                && offer.actions.iter().all(|own| actions.contains(&&**own))
        });
        let written: Vec<serde_json::Value> = written.map(block).collect();
        let mut keys = keys.as_object().into_iter().flatten();
        keys.all(|(key, values)| written.iter().any(|block| block[operator][key] == *values))
    };
    let blocks = offer.condition.as_object();
    blocks.is_some_and(|blocks| blocks.iter().all(has))
}

impl CutEntry {
    fn all(usage: &PrincipalUsage) -> Vec<Self> {
        let cut = usage.cut.iter();
        let entry = cut.map(|(action, cut)| {
            let resources = cut.resources.estimate();
            Self {
                action: action.to_string(),
                resources,
                about: format!("about {}", summary::rounded(resources)),
                kept: usage.facts.get(action).map_or(0, BTreeMap::len),
            }
        });
        entry.collect()
    }
}

impl OfferEntry {
    fn of(offer: &Offer) -> Self {
        let grant = &offer.grant;
        Self {
            actions: grant.actions.iter().map(ToString::to_string).collect(),
            resources: grant.resources.iter().map(ToString::to_string).collect(),
            // A block of strings can always be a value.
            condition: serde_json::to_value(Block(&grant.conditions)).unwrap_or_default(),
            uses: offer.uses,
            certain: offer.certain,
            reason: None,
        }
    }

    /// The entry of a condition that rests on too little.
    fn doubted(support: &Support) -> Self {
        Self {
            actions: support.actions.iter().map(ToString::to_string).collect(),
            resources: Vec::new(),
            condition: block(support),
            uses: support.uses,
            certain: true,
            reason: support.doubt.clone(),
        }
    }
}

impl SetUpEntry {
    /// The entry of `fact`.
    #[must_use]
    pub fn of(fact: &SetUp) -> Self {
        Self {
            action: fact.action.to_string(),
            resource: fact.resource.to_string(),
            events: fact.uses,
            day: date(fact.day),
            sample_event_id: fact.sample_event_id.clone(),
            granted: fact.granted,
        }
    }
}

impl WideningEntry {
    /// The entry of `widening`.
    #[must_use]
    pub fn of(widening: &Widening) -> Self {
        Self {
            rule: widening.rule.to_string(),
            actions: widening.actions.iter().map(ToString::to_string).collect(),
            pattern: widening.pattern.as_ref().map(ToString::to_string),
            resource: widening.resource.to_string(),
            values: widening.values,
            days: widening.days,
            examples: widening.examples.clone(),
            admits: widening.admits.clone(),
        }
    }
}
