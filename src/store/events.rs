//! Adds events to a ledger, hour by hour.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};

use crate::error::Result;
use crate::store::hours::{Packed, counted, pack, unpack};
use crate::store::write::Writer;
use crate::usage::kept::NO_HOUR;

/// About how many events of the hours that are asked for are held in memory, 8 bytes each.
const MAX_KNOWN: usize = 8 << 20;

/// So many events are held until they are written, 24 bytes each.
const MAX_HELD: usize = 1 << 18;

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

impl Writer {
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

    /// Holds events until they are written: when the transaction ends, or when there are many.
    pub(super) fn hold(&mut self, events: impl IntoIterator<Item = (i32, Packed)>) -> Result<()> {
        self.events.extend(events);
        match self.events.len() >= MAX_HELD {
            true => self.write_events(),
            false => Ok(()),
        }
    }

    /// Writes the events of the transaction.
    pub(super) fn write_events(&mut self) -> Result<()> {
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
            let all = events.len();
            // One that could not be remembered while it was read may be there twice.
            events.dedup_by_key(|event| event.print);
            let repeated = events.len() < all;
            for event in old.iter_mut().chain(&mut new).chain(&mut events) {
                event.call = self.moved.now(event.call);
            }
            if repeated || events.iter().any(|event| event.corrects) {
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

    /// Adds events to `hour` as those of calls that are there, and to these calls' counts. None of those is added that is
    /// there already.
    pub(super) fn add_events(
        &mut self,
        hour: i32,
        events: impl Iterator<Item = Packed>,
    ) -> Result<()> {
        const COUNT: &str = "UPDATE call SET count = count + ? WHERE id = ?";
        let known = self.known(hour)?;
        let mut counts: HashMap<u32, u64> = HashMap::new();
        let mut new = Vec::new();
        for event in events.filter(|event| known.binary_search(&event.print).is_err()) {
            *counts.entry(self.moved.now(event.call)).or_default() += 1;
            new.push((hour, event));
        }
        self.store.sql(|sql| {
            let mut update = sql.prepare_cached(COUNT)?;
            for (call, count) in counts {
                update.execute(params![count, call])?;
            }
            Ok(())
        })?;
        self.hold(new)
    }
}
