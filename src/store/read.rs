//! Sums up a ledger: what reading the logs that went into it would have given.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Row;

use crate::error::{LedgerError, Result};
use crate::iam::action::Action;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::store::file::Store;
use crate::store::hours::{Packed, counted, unpack};
use crate::store::object::{Detail, HourSeen, Object};
use crate::store::what::What;
use crate::store::write::OfAction;
use crate::usage::coverage::{Coverage, FileProblem};
use crate::usage::cut::Cut;
use crate::usage::filter::Filter;
use crate::usage::kept::NO_HOUR;
use crate::usage::origin::{Network, Region};
use crate::usage::sketch::Sketch;
use crate::usage::sum::Sum;
use crate::usage::times::{EventId, Times};
use crate::usage::told;
use crate::verify::asked::Asks;

/// A row of the ledger: calls that mean the same.
pub(super) struct Call {
    pub(super) id: u32,
    pub(super) principal: i64,
    pub(super) what: What,
    pub(super) times: Times,
}

impl Store {
    /// Sums up the events that `filter` admits, not [settled](Sum::settled) yet, with those calls that needed several things where
    /// `joint` says so, and with what is `asked` of their contexts.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or holds what no trailfit writes.
    pub fn sum(&self, filter: &Filter, joint: bool, asked: Asks<'_>) -> Result<Sum> {
        let mut sum = Sum::new(joint);
        let mut principals = HashMap::new();
        self.each_principal(&mut |id, principal, sessions, keys| {
            principals.insert(id, (principal, sessions, keys));
            Ok(())
        })?;
        let times = match (filter.from, filter.to) {
            (None, None) => None,
            range => Some(self.times_in(range)?),
        };
        let (mut events, mut admitted) = (0, 0);
        let mut callers = BTreeSet::new();
        self.each_call(&mut |call| {
            // Whatever is summed up below is a part of it.
            events = u64::checked_add(events, call.times.count)
                .ok_or_else(|| self.damaged("how many events there are"))?;
            let principal = principals.get(&call.principal);
            let (principal, ..) =
                principal.ok_or_else(|| self.damaged("the principal of a call"))?;
            let times = match &times {
                Some(times) => times.get(&call.id).map(|times| times.of(&call.times)),
                None => Some(call.times),
            };
            let region = Some(call.what.region.as_str()).filter(|region| !region.is_empty());
            let admits = filter.admits_place(region, &principal.account);
            // Of some calls all events were corrected.
            if let Some(mut times) = times.filter(|times| admits && times.count > 0) {
                admitted = u64::checked_add(admitted, times.count)
                    .filter(|admitted| *admitted <= events)
                    .ok_or_else(|| self.damaged("how many events there are"))?;
                callers.insert(call.principal);
                let meaning = call.what.meaning();
                let (mut meaning, region, via) =
                    meaning.ok_or_else(|| self.damaged("what a call means"))?;
                let name = region.as_str();
                asked.note(&mut meaning, |key, asking| told::kept(key, name, asking));
                times.regions.count(&region, times.count);
                times.via = via;
                sum.add(principal, [(meaning, times)]);
            }
            Ok(())
        })?;
        let all = events == admitted;
        for (id, (principal, sessions, keys)) in &principals {
            if all || callers.contains(id) {
                sum.ledger.add_names(principal, sessions, keys);
            }
        }
        // What was added above is cut already, and was not to be counted among what was whole.
        self.each_cut(&mut |id, (used, action), cut| {
            let principal = principals.get(&id).zip(Action::parse(&action));
            let ((principal, ..), action) = principal.ok_or_else(|| self.damaged("an action"))?;
            if all || callers.contains(&id) {
                sum.ledger.note_cut(principal, used, action, cut);
            }
            Ok(())
        })?;
        let repeated = self.add_objects(&mut sum.coverage, events)?;
        match all {
            true => sum.coverage.count_duplicates(repeated),
            // When and by whom these were made is not kept.
            false => sum.coverage.outside_filter = events - admitted + repeated,
        }
        Ok(sum)
    }

    /// Hands out the principals with their rows' numbers, the names of their sessions and the ids of their access keys.
    pub(super) fn each_principal(
        &self,
        each: &mut dyn FnMut(i64, Principal, BTreeSet<String>, BTreeSet<String>) -> Result<()>,
    ) -> Result<()> {
        const QUERY: &str =
            "SELECT id, account, type, name, arn, sessions, access_keys FROM principal ORDER BY id";
        self.each(QUERY, &mut |row| {
            let (sessions, keys): (String, String) = (row.get(5)?, row.get(6)?);
            let (id, principal) = (row.get(0)?, principal(row, 1)?);
            let names = |text: &str| serde_json::from_str(text).ok();
            let found = principal.and_then(|one| Some((one, names(&sessions)?, names(&keys)?)));
            Ok(match found {
                Some((principal, sessions, keys)) => each(id, principal, sessions, keys),
                None => Err(self.damaged("a principal")),
            })
        })
    }

    /// Hands out what is cut, with the rows' numbers of the principals.
    pub(super) fn each_cut(
        &self,
        each: &mut dyn FnMut(i64, OfAction, Cut) -> Result<()>,
    ) -> Result<()> {
        const QUERY: &str =
            "SELECT principal, used, action, depth, sketch FROM action WHERE depth IS NOT NULL";
        self.each(QUERY, &mut |row| {
            let (principal, of) = (row.get(0)?, (row.get(1)?, row.get(2)?));
            Ok(match cut(row, 3)? {
                Some(cut) => each(principal, of, cut),
                None => Err(self.damaged("a sketch")),
            })
        })
    }

    /// Hands out all calls.
    pub(super) fn each_call(&self, each: &mut dyn FnMut(Call) -> Result<()>) -> Result<()> {
        const QUERY: &str = "SELECT id, principal, what, count, first, last, days, sample, networks FROM call ORDER BY id";
        self.each(QUERY, &mut |row| {
            Ok(match call(row)? {
                Some(call) => each(call),
                None => Err(self.damaged("a call")),
            })
        })
    }

    /// When the calls were made that have events in a time, by their rows' numbers.
    fn times_in(&self, (from, to): (Option<i64>, Option<i64>)) -> Result<HashMap<u32, InTime>> {
        let (from, to) = (from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX));
        let mut calls: HashMap<u32, InTime> = HashMap::new();
        self.each_hour(&mut |hour, events| {
            let start = i64::from(hour) * 3600;
            // Events without a time are in no time.
            if hour == NO_HOUR || start >= to || start.saturating_add(3600) <= from {
                return Ok(());
            }
            let events: Vec<Packed> = events.collect();
            for event in counted(&events) {
                let time = start + i64::from(event.second);
                if time >= from && time < to {
                    calls.entry(event.call).or_default().add(time);
                }
            }
            Ok(())
        })?;
        Ok(calls)
    }

    /// Hands out the hours in their order, with their events.
    pub(super) fn each_hour(
        &self,
        each: &mut dyn FnMut(i32, &mut dyn Iterator<Item = Packed>) -> Result<()>,
    ) -> Result<()> {
        self.each("SELECT hour, events FROM hour ORDER BY hour", &mut |row| {
            let (hour, events): (_, Vec<u8>) = (row.get(0)?, row.get(1)?);
            Ok(match unpack(&events) {
                Some(mut events) => each(hour, &mut events),
                None => Err(self.damaged("the events of an hour")),
            })
        })
    }

    /// Hands out the log objects, sorted by their ids.
    pub(super) fn each_object(&self, each: &mut dyn FnMut(Object) -> Result<()>) -> Result<()> {
        const QUERY: &str =
            "SELECT id, version, size, records, malformed, detail FROM object ORDER BY id";
        self.each(QUERY, &mut |row| {
            let detail: String = row.get(5)?;
            let object = Object {
                id: row.get(0)?,
                version: row.get(1)?,
                size: row.get(2)?,
                records: row.get(3)?,
                malformed: row.get(4)?,
                detail: Detail::default(),
            };
            let detail = serde_json::from_str(&detail).ok();
            let object = detail.map(|detail| Object { detail, ..object });
            Ok(match object.filter(Object::adds_up) {
                Some(object) => each(object),
                None => Err(self.damaged("what is told of a log object")),
            })
        })
    }

    /// Accounts for the log objects, in which were `events` distinct ones. Returns how many were repeated.
    fn add_objects(&self, coverage: &mut Coverage, events: u64) -> Result<u64> {
        let (mut records, mut malformed) = (0, 0);
        self.each_object(&mut |object| {
            if let Some(digest) = object.detail.digest {
                let period = (digest.from, digest.to);
                coverage
                    .digested
                    .add(&digest.account, &digest.region, period);
                return Ok(());
            }
            records += object.records;
            malformed += object.malformed;
            coverage.objects += 1;
            coverage.bytes_read += object.size;
            coverage.events_read += object.records;
            let detail = object.detail;
            for seen in &detail.hours {
                let HourSeen {
                    account,
                    region,
                    hour,
                    records,
                } = seen;
                coverage
                    .hours
                    .add(account, region.as_str().into(), *hour, *records);
            }
            for account in &detail.accounts {
                coverage.note_place(Some(account), None);
            }
            for region in &detail.regions {
                coverage.note_place(None, Some(region));
            }
            for (reason, count) in &detail.reasons {
                coverage.count_malformed_as(reason, *count);
            }
            for (source, count) in &detail.data_events {
                coverage.count_data_events(source, *count);
            }
            for (mine, theirs) in [
                (&mut coverage.others, detail.others),
                (&mut coverage.aggregated_calls, detail.aggregated_calls),
                (&mut coverage.addenda, detail.addenda),
            ] {
                for (name, count) in theirs {
                    *mine.entry(name).or_default() += count;
                }
            }
            let problem = FileProblem {
                name: object.id,
                damage: detail.damage,
                no_records: detail.no_records,
                malformed: object.malformed,
                listed: detail.listed,
            };
            if problem.no_records || problem.is_unreadable() {
                coverage.files.push(problem);
            }
            Ok(())
        })?;
        Ok(records.saturating_sub(malformed + events))
    }

    /// Hands out the rows of a query, until one is refused.
    pub(super) fn each(
        &self,
        query: &str,
        each: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<Result<()>>,
    ) -> Result<()> {
        self.sql(|sql| {
            let mut query = sql.prepare(query)?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                if let Err(error) = each(row)? {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })?
    }

    pub(super) fn damaged(&self, what: &'static str) -> crate::error::Error {
        self.error(LedgerError::Damaged { what })
    }
}

/// When calls were made in a time that was asked for.
#[derive(Default)]
struct InTime(Times);

impl InTime {
    fn add(&mut self, time: i64) {
        self.0
            .add(Some(time), None, &Region::default(), Network::Unknown);
    }

    /// With what is known of all times only.
    fn of(&self, all: &Times) -> Times {
        let mut times = self.0.clone();
        times.sample_event_id = all.sample_event_id.clone();
        times.networks = all.networks;
        times
    }
}

/// The call in a row of a query for all that it has; `None` where that is not what trailfit writes.
pub(super) fn call(row: &Row<'_>) -> rusqlite::Result<Option<Call>> {
    let what: String = row.get(2)?;
    let (days, networks): (String, String) = (row.get(6)?, row.get(8)?);
    let sample: Option<String> = row.get(7)?;
    let (id, principal) = (row.get(0)?, row.get(1)?);
    let mut times = Times::default();
    times.count = row.get(3)?;
    times.seen = Option::zip(row.get(4)?, row.get(5)?);
    times.sample_event_id = sample.as_deref().map(EventId::from);
    let parsed = || {
        let names: Vec<String> = serde_json::from_str(&networks).ok()?;
        let networks = Network::ALL.into_iter();
        let networks = networks.filter(|each| names.iter().any(|name| name == each.as_str()));
        times.networks = networks.collect();
        times.days = serde_json::from_str(&days).ok()?;
        Some(Call {
            id,
            principal,
            what: serde_json::from_str(&what).ok()?,
            times,
        })
    };
    Ok(parsed())
}

/// How resources are cut, by the depth at column `at` and the sketch behind it; `None` where that is none.
pub(super) fn cut(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Cut>> {
    let (depth, sketch): (_, Vec<u8>) = (row.get(at)?, row.get(at + 1)?);
    let sketch = Sketch::from_registers(&sketch);
    Ok(sketch.map(|resources| Cut { depth, resources }))
}

/// The principal whose fields begin at column `at`; `None` where its type is none.
pub(super) fn principal(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Principal>> {
    let kind: String = row.get(at + 1)?;
    let kind = PrincipalKind::ALL
        .into_iter()
        .find(|each| each.as_str() == kind);
    let (account, name, arn) = (row.get(at)?, row.get(at + 2)?, row.get(at + 3)?);
    Ok(kind.map(|kind| Principal {
        account,
        kind,
        name,
        arn,
    }))
}

/// The principal of a row's number.
pub(super) fn principal_of(store: &Store, id: i64) -> Result<Principal> {
    const QUERY: &str = "SELECT account, type, name, arn FROM principal WHERE id = ?";
    let found = store.sql(|sql| {
        sql.prepare_cached(QUERY)?
            .query_row([id], |row| principal(row, 0))
    })?;
    found.ok_or_else(|| store.damaged("a principal"))
}
