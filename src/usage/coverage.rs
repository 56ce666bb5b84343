//! The accounts: every record read is in exactly one of them, with a reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloudtrail::digested::Digested;
use crate::cloudtrail::event::Event;
use crate::cloudtrail::reader::FileSummary;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::usage::bounded;
use crate::usage::denial::Said;
use crate::usage::hours::Hours;
use crate::usage::ledger::period;
use crate::usage::resolve::{Meaning, Outcome, Resolved};

/// The most malformed records of one file that are listed one by one; all are counted.
const MAX_LISTED: usize = 10;

/// The most distinct reasons or names kept in one account; see [`bounded`].
const MAX_NAMES: usize = 10_000;

/// The reason of a duplicate.
pub const SEEN_BEFORE: &str = "eventID seen before";

/// What a set of log objects held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Log objects read.
    pub objects: u64,
    /// Bytes read, as stored.
    pub bytes_read: u64,
    /// Records found in them, readable or not: what a progress bar shows.
    pub events_read: u64,
    /// Records by outcome and reason. An unmapped record's reason is its call, a denied one's the policy or error code
    /// that refused it.
    pub outcomes: BTreeMap<Outcome, BTreeMap<String, u64>>,
    /// Messages of refused calls that name the action and the resource that the tables have.
    pub messages_agree: u64,
    /// Messages that name others, by what they say and the tables have.
    pub message_differences: BTreeMap<String, u64>,
    /// Records that the filter left out, in none of the outcomes.
    pub outside_filter: u64,
    /// Things that travel with records and are none, by kind: digests, S3 notifications, control messages.
    pub others: BTreeMap<String, u64>,
    /// The accounts of callers and recipients.
    pub accounts: BTreeSet<String>,
    /// The Regions.
    pub regions: BTreeSet<String>,
    /// The first and the last event, in seconds since 1970.
    pub seen: Option<(i64, i64)>,
    /// The services with data events, repeated ones too, and how many: for all others, data events are as good as off.
    pub data_event_sources: BTreeMap<String, u64>,
    /// How many records each account received in each Region and hour.
    pub hours: Hours,
    /// The times that digests cover, where a ledger was given any to verify its log objects.
    pub digested: Digested,
    /// Calls that only summaries tell of (`AwsAggregatedEvent`), by service and by what the summary is grouped by. One call
    /// is in a summary of each kind that the trail was told to write.
    pub aggregated_calls: BTreeMap<String, u64>,
    /// Records with an `addendum`, repeated ones too, by its reason.
    pub addenda: BTreeMap<String, u64>,
    /// Whether there were more events than are remembered to recognise repeated ones.
    pub forgetful: bool,
    /// The files with something wrong, and those without any record. Sorted once merged; two may have one name, as an
    /// archive's members can.
    pub files: Vec<FileProblem>,
}

/// What was wrong with one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileProblem {
    /// The file, as the summary names it.
    pub name: String,
    /// Why it could not be read to its end.
    pub damage: Option<String>,
    /// Whether it is whole but holds no record.
    pub no_records: bool,
    /// The number of malformed records.
    pub malformed: u64,
    /// The first of them, with their offsets in the decompressed content.
    pub listed: Vec<(u64, String)>,
}

impl FileProblem {
    /// A file with nothing wrong so far.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Notes a malformed record.
    pub fn malformed(&mut self, offset: u64, reason: &str) {
        self.malformed += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push((offset, reason.to_owned()));
        }
    }

    /// Whether some of the file could not be read, which makes the exit code 3.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.malformed > 0 || self.damage.is_some()
    }
}

impl Coverage {
    /// Records read: those in any outcome.
    #[must_use]
    pub fn read(&self) -> u64 {
        Outcome::ALL
            .iter()
            .map(|outcome| self.total(*outcome))
            .sum()
    }

    /// Records with this outcome.
    #[must_use]
    pub fn total(&self, outcome: Outcome) -> u64 {
        self.outcomes
            .get(&outcome)
            .map_or(0, |reasons| reasons.values().sum())
    }

    /// Whether some input could not be read.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.files.iter().any(FileProblem::is_unreadable)
    }

    /// Accounts for a record.
    pub fn count(&mut self, event: &Event<'_, '_>, resolved: &Resolved) {
        let Resolved { caller, meaning } = resolved;
        self.count_all(meaning, 1, event.event_time.map(|time| (time, time)));
        if meaning.outcome != Outcome::Malformed {
            self.note_places(event, &caller.principal);
            self.note_hour(event, &caller.principal);
            self.note_special(event, meaning.outcome);
        }
    }

    /// Notes the accounts, the Region and the source of a record of `caller`'s that is accounted for.
    pub fn note_places(&mut self, event: &Event<'_, '_>, caller: &Principal) {
        if caller.kind != PrincipalKind::Unknown {
            note(&mut self.accounts, Some(&caller.account));
        }
        self.note_place(event.recipient_account_id, event.aws_region);
    }

    /// Notes the account that received a record, and the Region.
    pub fn note_place(&mut self, account: Option<&str>, region: Option<&str>) {
        note(&mut self.accounts, account);
        note(&mut self.regions, region);
    }

    /// Notes what is told of other records, or of calls without records.
    fn note_special(&mut self, event: &Event<'_, '_>, outcome: Outcome) {
        if let Some(reason) = event.addendum {
            bounded::count(&mut self.addenda, reason, 1, MAX_NAMES);
        }
        if let Some(summary) = event.summary.filter(|_| outcome != Outcome::Duplicate) {
            let source = event.event_source.unwrap_or_default();
            let what = format!("{source} by {}", summary.dimension);
            bounded::count(&mut self.aggregated_calls, &what, summary.calls, MAX_NAMES);
        }
    }

    /// Notes when the trail had a record of `caller`'s, and whether that is a data event.
    fn note_hour(&mut self, event: &Event<'_, '_>, caller: &Principal) {
        if let (Some(region), Some(time)) = (event.aws_region, event.event_time) {
            let account = event.recipient_account_id.unwrap_or(&caller.account);
            let hour = time.div_euclid(3_600);
            self.hours.add(account, region.into(), hour, 1);
        }
        if let (Some("Data"), Some(source)) = (event.event_category, event.event_source) {
            self.count_data_events(source, 1);
        }
    }

    /// Counts data events of the service `source`.
    pub fn count_data_events(&mut self, source: &str, count: u64) {
        if !source.is_empty() && count > 0 {
            bounded::count(&mut self.data_event_sources, source, count, MAX_NAMES);
        }
    }

    /// Accounts for `count` records of the time `seen` that mean the same, but for their places.
    pub fn count_all(&mut self, meaning: &Meaning, count: u64, seen: Option<(i64, i64)>) {
        bounded::count(
            self.outcomes.entry(meaning.outcome).or_default(),
            &meaning.reason,
            count,
            MAX_NAMES,
        );
        if meaning.outcome == Outcome::Malformed {
            return;
        }
        match &meaning.message {
            _ if meaning.outcome != Outcome::Denied => {}
            Some(Said::TheSame) => self.messages_agree += count,
            Some(Said::Otherwise(text)) => {
                bounded::count(&mut self.message_differences, text, count, MAX_NAMES);
            }
            None => {}
        }
        self.seen = period(self.seen, seen);
    }

    /// Accounts for `count` events that were there before, as those that mean the same were accounted for.
    pub fn count_duplicates(&mut self, count: u64) {
        if count > 0 {
            let reasons = self.outcomes.entry(Outcome::Duplicate).or_default();
            bounded::count(reasons, SEEN_BEFORE, count, MAX_NAMES);
        }
    }

    /// Accounts for records that could not even be parsed.
    pub fn count_malformed(&mut self, count: u64) {
        self.count_malformed_as("not readable as a record", count);
    }

    /// Accounts for malformed records, by the reason.
    pub fn count_malformed_as(&mut self, reason: &str, count: u64) {
        if count > 0 {
            let reasons = self.outcomes.entry(Outcome::Malformed).or_default();
            bounded::count(reasons, reason, count, MAX_NAMES);
        }
    }

    /// Counts something that is no record.
    pub fn count_other(&mut self, kind: &str) {
        *self.others.entry(kind.to_owned()).or_default() += 1;
    }

    /// Accounts for a log object that was read to its end, or as far as it goes. `summary` is `None` where it could not
    /// even be opened.
    pub fn finish_object(&mut self, summary: Option<&FileSummary>, mut problem: FileProblem) {
        self.objects += 1;
        if let Some(summary) = summary {
            self.bytes_read += summary.bytes_in;
            self.events_read += summary.records + summary.malformed;
            self.count_malformed(summary.unlisted);
            problem.malformed += summary.unlisted;
            let nothing = summary.records == 0 && summary.malformed == 0;
            problem.no_records = nothing && summary.damage.is_none();
            if let Some(damage) = &summary.damage {
                problem.damage = Some(format!("{damage}; {}", damage.help()));
            }
        }
        if problem.no_records || problem.is_unreadable() {
            self.files.push(problem);
        }
    }

    /// Adds `other`'s accounts. Commutative and associative.
    pub fn merge(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes_read += other.bytes_read;
        self.events_read += other.events_read;
        for (outcome, reasons) in other.outcomes {
            let mine = self.outcomes.entry(outcome).or_default();
            for (reason, count) in reasons {
                bounded::count(mine, &reason, count, MAX_NAMES);
            }
        }
        self.messages_agree += other.messages_agree;
        for (text, count) in other.message_differences {
            bounded::count(&mut self.message_differences, &text, count, MAX_NAMES);
        }
        self.outside_filter += other.outside_filter;
        for (kind, count) in other.others {
            *self.others.entry(kind).or_default() += count;
        }
        for (mine, theirs) in [
            (&mut self.accounts, other.accounts),
            (&mut self.regions, other.regions),
        ] {
            for name in theirs {
                bounded::insert(mine, &name, MAX_NAMES);
            }
        }
        for (mine, theirs) in [
            (&mut self.data_event_sources, other.data_event_sources),
            (&mut self.aggregated_calls, other.aggregated_calls),
            (&mut self.addenda, other.addenda),
        ] {
            for (name, count) in theirs {
                bounded::count(mine, &name, count, MAX_NAMES);
            }
        }
        self.hours.merge(other.hours);
        self.digested.merge(other.digested);
        self.seen = period(self.seen, other.seen);
        self.forgetful |= other.forgetful;
        self.files.extend(other.files);
        self.files.sort();
    }
}

/// Counts data events before they go into the accounts. There are few services with any, so that looking through them takes
/// less than a table.
#[derive(Debug, Default)]
pub struct DataEvents(Vec<(String, u64)>);

/// The data events of so many services are counted before they go on.
const MAX_SERVICES: usize = 32;

impl DataEvents {
    /// Counts one of the service `source`.
    pub fn count(&mut self, source: &str, coverage: &mut Coverage) {
        let known = self.0.iter_mut().find(|(name, _)| name == source);
        if let Some((_, count)) = known {
            *count += 1;
            return;
        }
        if self.0.len() >= MAX_SERVICES {
            self.flush(coverage);
        }
        self.0.push((source.to_owned(), 1));
    }

    /// Adds what was counted to the accounts.
    pub fn flush(&mut self, coverage: &mut Coverage) {
        for (source, count) in self.0.drain(..) {
            coverage.count_data_events(&source, count);
        }
    }
}

fn note(set: &mut BTreeSet<String>, name: Option<&str>) {
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        bounded::insert(set, name, MAX_NAMES);
    }
}
