//! Adds one ledger to another: the union of their events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::error::Result;
use crate::iam::principal::Principal;
use crate::store::bound;
use crate::store::file::Store;
use crate::store::hours::Packed;
use crate::store::write::{OfAction, When, Writer};

impl Writer {
    /// Adds all of `other`. What both have counts once.
    ///
    /// # Errors
    /// Where `other` cannot be read, or this one not written.
    pub fn merge(&mut self, other: &Store) -> Result<()> {
        let mut principals: HashMap<i64, Principal> = HashMap::new();
        other.each_principal(&mut |id, principal, sessions, keys| {
            self.add_names(&principal, &sessions, &keys)?;
            principals.insert(id, principal);
            Ok(())
        })?;
        let named = |id: i64| {
            let principal = principals.get(&id);
            principal.ok_or_else(|| other.damaged("the principal of a call"))
        };
        let mut cuts: HashMap<i64, BTreeSet<OfAction>> = HashMap::new();
        other.each_cut(&mut |id, of, cut| {
            cuts.entry(id).or_default().insert(of.clone());
            let id = self.principal(named(id)?)?;
            bound::cut(self, id, &of, cut.depth, &cut.resources)
        })?;
        let (mut calls, none) = (HashMap::new(), BTreeSet::new());
        let mut grown = BTreeMap::new();
        other.each_call(&mut |call| {
            // Its events are counted below.
            let when = When::of(&call.times, 0);
            let principal = named(call.principal)?;
            let cut = cuts.get(&call.principal).unwrap_or(&none);
            let now = self.add_call(principal, call.what, when, cut, &mut grown)?;
            calls.insert(call.id, now);
            Ok(())
        })?;
        bound::bound(self, grown)?;
        other.each_hour(&mut |hour, events| {
            let events = events.filter_map(|event| {
                let call = *calls.get(&event.call)?;
                Some(Packed { call, ..event })
            });
            self.add_events(hour, events)
        })?;
        other.each_object(&mut |object| {
            const QUERY: &str =
                "SELECT length(version), version, detail ->> 'again' IS NULL, records
                FROM object WHERE id = ?";
            // Of two versions the later one: of a file, that is the greater number. And of two readings of one, that which came
            // to its end, or further.
            let version = (
                object.version.len() as i64,
                object.version.clone(),
                !object.detail.again,
                object.records,
            );
            let known: Vec<(i64, String, bool, u64)> = self.store.sql(|sql| {
                let mut query = sql.prepare_cached(QUERY)?;
                let rows = query.query_map([&object.id], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
                rows.collect()
            })?;
            match known.first() {
                Some(known) if *known >= version => Ok(()),
                _ => self.add_object(&object),
            }
        })
    }
}
