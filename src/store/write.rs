//! Adds to a ledger: what calls mean, the events that made them, and the log objects they were in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{LedgerError, Result};
use crate::iam::principal::Principal;
use crate::store::bound;
use crate::store::file::Store;
use crate::store::hours::{Packed, counted, pack, unpack};
use crate::store::what::What;
use crate::usage::bounded;
use crate::usage::cut::{Cut, MAX_RESOURCES};
use crate::usage::kept::{Kept, NO_HOUR};
use crate::usage::ledger::{MAX_ACCESS_KEYS, MAX_SESSIONS, period};
use crate::usage::sketch::Sketch;
use crate::usage::times::{Times, join};

/// About how many events of the hours that are asked for are held in memory, 8 bytes each.
const MAX_KNOWN: usize = 8 << 20;

/// So many events are held until they are written, 24 bytes each.
const MAX_HELD: usize = 1 << 20;

/// A log object that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// What it is known by wherever trailfit runs.
    pub id: String,
    /// What changes with its content.
    pub version: String,
    /// Bytes, as stored.
    pub size: u64,
    /// Records found in it.
    pub records: u64,
    /// Those that could not be read.
    pub malformed: u64,
    /// What else there is to say.
    #[serde(flatten)]
    pub detail: Detail,
}

/// What else a log object has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// The accounts of callers and recipients in it that no log object told of that was read before in the same run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<String>,
    /// Likewise the Regions.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<String>,
    /// The hours that its records tell of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<HourSeen>,
    /// Its data events, by service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data_events: BTreeMap<String, u64>,
    /// Calls that only summaries in it tell of, by service and what they are grouped by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aggregated_calls: BTreeMap<String, u64>,
    /// Records with an addendum, by its reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addenda: BTreeMap<String, u64>,
    /// Records that could not be read, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, u64>,
    /// Things in it that are no records, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, u64>,
    /// Why it could not be read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// Whether that may be otherwise next time, so that it is to be read again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub again: bool,
    /// Whether it is whole but holds no record.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_records: bool,
    /// The first malformed records, with their offsets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<(u64, String)>,
    /// What it covers, where it is a digest: then it is no log object, and has nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Box<DigestSeen>>,
}

/// The time that a digest covers, which was held against its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestSeen {
    /// The account whose log objects it lists.
    pub account: String,
    /// The Region.
    pub region: String,
    /// From when on, in seconds since 1970.
    pub from: i64,
    /// Until when.
    pub to: i64,
}

/// Records of one account, Region and hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourSeen {
    /// The account that received them.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The hour since 1970.
    pub hour: i64,
    /// How many.
    pub records: u32,
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// Which of a principal's actions: whether its calls were authorised, and its name.
pub(super) type OfAction = (bool, String);

/// Adds to a ledger, one transaction after another.
#[derive(Debug)]
pub struct Writer {
    pub(super) store: Store,
    /// The most resources of an action that are kept apart.
    pub(super) max: usize,
    principals: HashMap<Principal, i64>,
    /// How a principal's resources are cut.
    pub(super) cuts: HashMap<i64, BTreeMap<OfAction, Cut>>,
    /// The calls that became others when they were cut, and the hours they were made in.
    pub(super) moved: Moved,
    events: Vec<(i32, Packed)>,
    known: HashMap<i32, Arc<[u64]>>,
    held: usize,
}

/// Calls that became others.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) calls: HashMap<u32, u32>,
    pub(super) hours: Option<(i64, i64)>,
}

impl Moved {
    /// What `call` is now.
    pub(super) fn now(&self, mut call: u32) -> u32 {
        while let Some(next) = self.calls.get(&call) {
            call = *next;
        }
        call
    }
}

/// When calls were made, as a row has it.
#[derive(Clone, Debug, Default)]
pub(super) struct When {
    pub(super) count: u64,
    pub(super) seen: Option<(i64, i64)>,
    pub(super) days: Vec<u16>,
    pub(super) sample: Option<String>,
    pub(super) networks: BTreeSet<String>,
}

impl When {
    pub(super) fn of(times: &Times, count: u64) -> Self {
        Self {
            count,
            seen: times.seen,
            days: times.days.clone(),
            sample: times
                .sample_event_id
                .as_ref()
                .map(|id| id.as_str().to_owned()),
            networks: times
                .networks
                .iter()
                .map(|network| network.as_str().to_owned())
                .collect(),
        }
    }

    /// Adds `other`. But for the count, adding the same again changes nothing.
    pub(super) fn absorb(&mut self, other: Self) {
        self.count += other.count;
        self.seen = period(self.seen, other.seen);
        join(&mut self.days, &other.days);
        self.sample = match (self.sample.take(), other.sample) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.networks.extend(other.networks);
    }
}

impl Writer {
    /// Adds to `store`.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            max: MAX_RESOURCES,
            principals: HashMap::new(),
            cuts: HashMap::new(),
            moved: Moved::default(),
            events: Vec::new(),
            known: HashMap::new(),
            held: 0,
        }
    }

    /// As [`Writer::new`], with another bound on the resources of an action that are kept apart.
    #[must_use]
    pub fn with_max(store: Store, max: usize) -> Self {
        Self {
            max,
            ..Self::new(store)
        }
    }

    /// Begins a transaction: what follows is in the ledger once it is [committed](Self::commit), all of it or nothing. While
    /// it lasts no other process can begin one; `waiting` is told where another is in one for long.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn begin(&mut self, waiting: &mut dyn FnMut(&Path)) -> Result<()> {
        self.forget();
        self.store.begin(waiting)
    }

    /// Ends the transaction.
    ///
    /// # Errors
    /// Where the file cannot be written; then nothing of the transaction is in it.
    pub fn commit(&mut self) -> Result<()> {
        let written = self.write_events().and_then(|()| self.write_sketches());
        written.inspect_err(|_| self.store.roll_back())?;
        self.store.commit()
    }

    /// Ends the transaction and undoes it.
    pub fn roll_back(&mut self) {
        self.store.roll_back();
        self.forget();
    }

    /// The ledger, to be read.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }

    /// Another process may have changed anything since.
    fn forget(&mut self) {
        self.principals.clear();
        self.cuts.clear();
        self.moved = Moved::default();
        self.events.clear();
        self.known.clear();
        self.held = 0;
    }

    /// Whether a log object was read in this version.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn has(&self, id: &str, version: &str, size: u64) -> Result<bool> {
        const QUERY: &str = "SELECT 1 FROM object WHERE id = ? AND version = ? AND size = ? AND detail ->> 'again' IS NULL";
        if version.is_empty() {
            return Ok(false);
        }
        self.store.sql(|sql| {
            let mut query = sql.prepare_cached(QUERY)?;
            query.exists(params![id, version, size])
        })
    }

    /// Notes that a log object was read.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add_object(&mut self, object: &Object) -> Result<()> {
        const INSERT: &str = "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?)";
        let detail = json(&object.detail);
        let Object {
            id,
            version,
            size,
            records,
            malformed,
            ..
        } = object;
        self.store.sql(|sql| {
            let mut insert = sql.prepare_cached(INSERT)?;
            insert.execute(params![id, version, size, records, malformed, detail])
        })?;
        Ok(())
    }

    /// The prints of the events of `hour`, sorted: those that were there when the transaction began or, where they were not asked
    /// for before, when they are.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn known(&mut self, hour: i32) -> Result<Arc<[u64]>> {
        if let Some(known) = self.known.get(&hour) {
            return Ok(known.clone());
        }
        let events = self.hour(hour)?;
        let prints: Arc<[u64]> = events.iter().map(|event| event.print).collect();
        self.held += prints.len();
        if self.held > MAX_KNOWN {
            self.known.clear();
            self.held = prints.len();
        }
        self.known.insert(hour, prints.clone());
        Ok(prints)
    }

    /// The events of `hour`.
    pub(super) fn hour(&self, hour: i32) -> Result<Vec<Packed>> {
        let bytes = self.store.sql(|sql| {
            let mut query = sql.prepare_cached("SELECT events FROM hour WHERE hour = ?")?;
            let bytes = query.query_row([hour], |row| row.get::<_, Vec<u8>>(0));
            bytes.optional()
        })?;
        let bytes = bytes.unwrap_or_default();
        let events = unpack(&bytes).map(Iterator::collect);
        events.ok_or_else(|| self.damaged("the events of an hour"))
    }

    pub(super) fn damaged(&self, what: &'static str) -> crate::error::Error {
        self.store.error(LedgerError::Damaged { what })
    }

    /// Adds calls with events that are not in the ledger yet.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn keep(&mut self, calls: &[Kept]) -> Result<()> {
        let (none, mut grown) = (BTreeSet::new(), BTreeMap::new());
        for kept in calls {
            let what = What::of(&kept.meaning, &kept.times);
            let when = When::of(&kept.times, kept.events.len() as u64);
            let call = self.add_call(&kept.principal, what, when, &none, &mut grown)?;
            let packed = kept.events.iter().map(|mark| {
                let (hour, second) = mark.hour();
                let event = Packed {
                    print: mark.print,
                    call,
                    second,
                    corrects: mark.corrects,
                };
                (hour, event)
            });
            self.hold(packed)?;
        }
        bound::bound(self, grown)
    }

    /// Adds calls that mean the same, whose resources are whole but for those of the actions in `cut`. Returns the row's number.
    /// What the ledger did not have is noted in `grown`.
    pub(super) fn add_call(
        &mut self,
        principal: &Principal,
        mut what: What,
        when: When,
        cut: &BTreeSet<OfAction>,
        grown: &mut BTreeMap<(i64, OfAction), u64>,
    ) -> Result<u32> {
        const INSERT: &str = "INSERT INTO call (key, principal, what, count, first, last, days, sample, networks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let id = self.principal(principal)?;
        let (used, cuts) = (what.used(), self.cuts(id)?);
        if !cuts.is_empty() {
            for need in &what.needs {
                let of = (used, need.action.clone());
                if let Some(known) = cuts.get_mut(&of).filter(|_| !cut.contains(&of)) {
                    let resources = need.resources.iter();
                    resources.for_each(|resource| known.resources.insert(resource));
                }
            }
            what.cut(|action| Some(cuts.get(&(used, action.to_owned()))?.depth));
        }
        let text = json(&what);
        let key = key(principal, &text);
        if let Some(row) = self.row(&key)? {
            self.absorb(row, when)?;
            return self.number(row);
        }
        for need in &what.needs {
            let action = (id, (used, need.action.clone()));
            *grown.entry(action).or_default() += need.resources.len() as u64;
        }
        let (first, last) = when.seen.unzip();
        let days = json(&when.days);
        let networks = json(&when.networks);
        let row = self.store.sql(|sql| {
            let mut insert = sql.prepare_cached(INSERT)?;
            insert.insert(params![
                key,
                id,
                text,
                when.count,
                first,
                last,
                days,
                when.sample,
                networks
            ])
        })?;
        self.number(row)
    }

    fn number(&self, row: i64) -> Result<u32> {
        u32::try_from(row).map_err(|_| self.damaged("more than four thousand million calls"))
    }

    /// The row of the calls with this key.
    pub(super) fn row(&self, key: &[u8; 16]) -> Result<Option<i64>> {
        self.store.sql(|sql| {
            let mut query = sql.prepare_cached("SELECT id FROM call WHERE key = ?")?;
            query.query_row([key], |row| row.get(0)).optional()
        })
    }

    /// When the calls of a row were made.
    pub(super) fn when(&self, row: i64) -> Result<When> {
        const QUERY: &str =
            "SELECT count, first, last, days, sample, networks FROM call WHERE id = ?";
        let (days, networks): (String, String);
        let mut when = When::default();
        (days, networks) = self.store.sql(|sql| {
            let mut query = sql.prepare_cached(QUERY)?;
            query.query_row([row], |row| {
                when.count = row.get(0)?;
                when.seen = Option::zip(row.get(1)?, row.get(2)?);
                when.sample = row.get(4)?;
                Ok((row.get(3)?, row.get(5)?))
            })
        })?;
        let damaged = |_| self.damaged("when a call was made");
        when.days = serde_json::from_str(&days).map_err(damaged)?;
        when.networks = serde_json::from_str(&networks).map_err(damaged)?;
        Ok(when)
    }

    /// Adds calls to a row.
    pub(super) fn absorb(&self, row: i64, more: When) -> Result<()> {
        const UPDATE: &str = "UPDATE call SET count = ?, first = ?, last = ?, days = ?, sample = ?, networks = ? WHERE id = ?";
        let mut when = self.when(row)?;
        when.absorb(more);
        let (first, last) = when.seen.unzip();
        let days = json(&when.days);
        let networks = json(&when.networks);
        self.store.sql(|sql| {
            let mut update = sql.prepare_cached(UPDATE)?;
            update.execute(params![
                when.count,
                first,
                last,
                days,
                when.sample,
                networks,
                row
            ])
        })?;
        Ok(())
    }

    /// The number of `principal`, which is added where it is new.
    pub(super) fn principal(&mut self, principal: &Principal) -> Result<i64> {
        const INSERT: &str = "INSERT INTO principal (account, type, name, arn) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
        const QUERY: &str =
            "SELECT id FROM principal WHERE account = ? AND type = ? AND name = ? AND arn = ?";
        if let Some(id) = self.principals.get(principal) {
            return Ok(*id);
        }
        let Principal {
            account,
            kind,
            name,
            arn,
        } = principal;
        let fields = params![account, kind.as_str(), name, arn];
        let id = self.store.sql(|sql| {
            sql.prepare_cached(INSERT)?.execute(fields)?;
            sql.prepare_cached(QUERY)?
                .query_row(fields, |row| row.get(0))
        })?;
        self.principals.insert(principal.clone(), id);
        Ok(id)
    }

    /// What of a principal's is cut, and how.
    pub(super) fn cuts(&mut self, principal: i64) -> Result<&mut BTreeMap<OfAction, Cut>> {
        const QUERY: &str = "SELECT used, action, depth, sketch FROM action WHERE principal = ? AND depth IS NOT NULL";
        if !self.cuts.contains_key(&principal) {
            let mut cuts = BTreeMap::new();
            let mut whole = true;
            self.store.sql(|sql| {
                let mut query = sql.prepare_cached(QUERY)?;
                let mut rows = query.query([principal])?;
                while let Some(row) = rows.next()? {
                    let sketch: Vec<u8> = row.get(3)?;
                    let sketch = Sketch::from_registers(&sketch);
                    whole &= sketch.is_some();
                    let cut = Cut {
                        depth: row.get(2)?,
                        resources: sketch.unwrap_or_default(),
                    };
                    cuts.insert((row.get(0)?, row.get(1)?), cut);
                }
                Ok(())
            })?;
            if !whole {
                return Err(self.damaged("a sketch"));
            }
            self.cuts.insert(principal, cuts);
        }
        Ok(self.cuts.entry(principal).or_default())
    }

    /// Writes how many resources there were of the actions that are cut.
    fn write_sketches(&self) -> Result<()> {
        const UPDATE: &str = "UPDATE action SET sketch = ?1 WHERE principal = ?2 AND used = ?3 AND action = ?4 AND sketch <> ?1";
        for (principal, cuts) in &self.cuts {
            for ((used, action), cut) in cuts {
                let sketch = cut.resources.registers();
                self.store.sql(|sql| {
                    let mut update = sql.prepare_cached(UPDATE)?;
                    update.execute(params![sketch, principal, used, action])
                })?;
            }
        }
        Ok(())
    }

    /// Adds names of sessions of `principal`'s, and ids of access keys.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add_names(
        &mut self,
        principal: &Principal,
        sessions: &BTreeSet<String>,
        keys: &BTreeSet<String>,
    ) -> Result<()> {
        const QUERY: &str = "SELECT sessions, access_keys FROM principal WHERE id = ?";
        const UPDATE: &str = "UPDATE principal SET sessions = ?, access_keys = ? WHERE id = ?";
        if sessions.is_empty() && keys.is_empty() {
            return Ok(());
        }
        let id = self.principal(principal)?;
        let old: (String, String) = self.store.sql(|sql| {
            let mut query = sql.prepare_cached(QUERY)?;
            query.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        })?;
        let add = |old: &str, more: &BTreeSet<String>, max| {
            let mut all: BTreeSet<String> = serde_json::from_str(old)?;
            more.iter()
                .for_each(|name| bounded::insert(&mut all, name, max));
            serde_json::to_string(&all)
        };
        let new = add(&old.0, sessions, MAX_SESSIONS)
            .and_then(|sessions| Ok((sessions, add(&old.1, keys, MAX_ACCESS_KEYS)?)));
        let new = new.map_err(|_| self.damaged("the names of a principal"))?;
        if new != old {
            let (sessions, keys) = new;
            self.store.sql(|sql| {
                let mut update = sql.prepare_cached(UPDATE)?;
                update.execute(params![sessions, keys, id])
            })?;
        }
        Ok(())
    }

    /// Holds events until they are written: when the transaction ends, or when there are many.
    pub(super) fn hold(&mut self, events: impl IntoIterator<Item = (i32, Packed)>) -> Result<()> {
        self.events.extend(events);
        match self.events.len() >= MAX_HELD {
            true => self.write_events(),
            false => Ok(()),
        }
    }

    /// Writes the events of the transaction.
    fn write_events(&mut self) -> Result<()> {
        const INSERT: &str = "INSERT OR REPLACE INTO hour VALUES (?, ?)";
        const COUNT: &str = "UPDATE call SET count = count + ? WHERE id = ?";
        let mut new = std::mem::take(&mut self.events);
        new.sort_unstable();
        let mut hours: BTreeMap<i32, Vec<Packed>> = BTreeMap::new();
        for (hour, event) in new {
            hours.entry(hour).or_default().push(event);
        }
        for hour in self.moved_hours()? {
            hours.entry(hour).or_default();
        }
        let mut corrected: HashMap<u32, i64> = HashMap::new();
        for (hour, mut new) in hours {
            let mut old = self.hour(hour)?;
            let mut events = [&old[..], &new[..]].concat();
            events.sort_unstable();
            for event in old.iter_mut().chain(&mut new).chain(&mut events) {
                event.call = self.moved.now(event.call);
            }
            if events.iter().any(|event| event.corrects) {
                let mut count = |event: &Packed, by| {
                    *corrected.entry(event.call).or_default() += by;
                };
                // All of them were counted as they came.
                counted(&events).for_each(|event| count(event, 1));
                counted(&old).chain(&new).for_each(|event| count(event, -1));
            }
            let bytes = pack(&events);
            self.store
                .sql(|sql| sql.prepare_cached(INSERT)?.execute(params![hour, bytes]))?;
        }
        self.store.sql(|sql| {
            let mut update = sql.prepare_cached(COUNT)?;
            for (call, by) in corrected.into_iter().filter(|(_, by)| *by != 0) {
                update.execute(params![by, call])?;
            }
            Ok(())
        })
    }

    /// The hours that may have events of calls that became others.
    fn moved_hours(&self) -> Result<Vec<i32>> {
        const QUERY: &str = "SELECT hour FROM hour WHERE hour BETWEEN ? AND ? OR hour = ?";
        if self.moved.calls.is_empty() {
            return Ok(Vec::new());
        }
        let (first, last) = self.moved.hours.unwrap_or((0, -1));
        let (first, last) = (first.div_euclid(3600), last.div_euclid(3600));
        self.store.sql(|sql| {
            let mut query = sql.prepare_cached(QUERY)?;
            let rows = query.query_map(params![first, last, NO_HOUR], |row| row.get(0))?;
            rows.collect()
        })
    }
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    // What is written has no keys but texts.
    serde_json::to_string(value).unwrap_or_default()
}

/// What calls are known by, of `principal` and with this text.
pub(super) fn key(principal: &Principal, what: &str) -> [u8; 16] {
    let Principal {
        account,
        kind,
        name,
        arn,
    } = principal;
    let fields = [account, kind.as_str(), name, arn, what];
    xxh3_128(fields.join("\0").as_bytes()).to_be_bytes()
}
