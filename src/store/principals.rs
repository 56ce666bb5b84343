//! What a ledger has of each principal besides its calls: names, and how its resources are cut.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use crate::error::Result;
use crate::iam::principal::Principal;
use crate::store::write::{OfAction, Writer};
use crate::usage::bounded;
use crate::usage::cut::Cut;
use crate::usage::ledger::{MAX_ACCESS_KEYS, MAX_SESSIONS};
use crate::usage::sketch::Sketch;

impl Writer {
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
    pub(super) fn write_sketches(&self) -> Result<()> {
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
}
