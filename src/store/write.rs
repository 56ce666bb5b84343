//! Adds to a ledger: transactions, and what calls mean.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{LedgerError, Result};
use crate::iam::principal::Principal;
use crate::store::bound;
use crate::store::events::Moved;
use crate::store::file::Store;
use crate::store::hours::Packed;
use crate::store::principals::AccessKeys;
use crate::store::what::What;
use crate::usage::cut::{Cut, MAX_RESOURCES};
use crate::usage::kept::Kept;
use crate::usage::ledger::period;
use crate::usage::times::{Days, Times, join};

/// Which of a principal's actions: whether its calls were authorised, and its name.
pub(super) type OfAction = (bool, String);

/// Adds to a ledger, one transaction after another.
#[derive(Debug)]
pub struct Writer {
    pub(super) store: Store,
    /// The most resources of an action that are kept apart.
    pub(super) max: usize,
    pub(super) access_keys: AccessKeys,
    pub(super) principals: HashMap<Principal, i64>,
    /// How a principal's resources are cut.
    pub(super) cuts: HashMap<i64, BTreeMap<OfAction, Cut>>,
    /// The calls that became others when they were cut, and the hours they were made in.
    pub(super) moved: Moved,
    /// Those that are not written yet, with their hours.
    pub(super) events: Vec<(i32, Packed)>,
    /// Those of the hours that were asked for, and how many they are.
    pub(super) known: HashMap<i32, Arc<[u64]>>,
    pub(super) held: usize,
}

/// When calls were made, as a row has it.
#[derive(Clone, Debug, Default)]
pub(super) struct When {
    pub(super) count: u64,
    pub(super) seen: Option<(i64, i64)>,
    pub(super) days: Days,
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
            access_keys: AccessKeys::Whole,
            principals: HashMap::new(),
            cuts: HashMap::new(),
            moved: Moved::default(),
            events: Vec::new(),
            known: HashMap::new(),
            held: 0,
        }
    }

    /// As [`Writer::new`], with another bound on the resources of an action that are kept apart.
    #[cfg(test)]
    pub(crate) fn with_max(store: Store, max: usize) -> Self {
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

    /// Ends the transaction, once no other process reads the ledger; `waiting` is told where that takes long.
    ///
    /// # Errors
    /// Where the file cannot be written; then nothing of the transaction is in it.
    pub fn commit(&mut self, waiting: &mut dyn FnMut(&Path)) -> Result<()> {
        let written = self.write_events().and_then(|()| self.write_sketches());
        written.inspect_err(|_| self.store.roll_back())?;
        self.store.commit(waiting)
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
