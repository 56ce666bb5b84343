//! What a ledger has of each principal besides its calls: names, and how its resources are cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::ValueEnum as _;
use ring::digest;
use rusqlite::{OptionalExtension as _, params};

use crate::error::{Error, Result};
use crate::iam::principal::Principal;
use crate::store::read;
use crate::store::write::{OfAction, Writer};
use crate::usage::bounded;
use crate::usage::cut::Cut;
use crate::usage::ledger::{MAX_ACCESS_KEYS, MAX_SESSIONS};

/// How the ids of access keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AccessKeys {
    /// Their first four characters and their last four.
    Masked,
    /// The first 16 hexadecimal digits of their SHA-256.
    Hashed,
    /// As the log has them.
    Whole,
}

impl AccessKeys {
    /// The name in a ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Hashed => "hashed",
            Self::Whole => "whole",
        }
    }

    /// `id` as it is kept. What is kept already stays as it is.
    #[must_use]
    pub fn keep(self, id: &str) -> String {
        let whole = id.starts_with("AKIA") && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match self {
            Self::Masked if whole && id.len() > 8 => {
                format!(
                    "{}{}{}",
                    &id[..4],
                    "*".repeat(id.len() - 8),
                    &id[id.len() - 4..]
                )
            }
            Self::Hashed if whole => {
                let hash = digest::digest(&digest::SHA256, id.as_bytes());
                hash.as_ref()[..8]
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect()
            }
            _ => id.to_owned(),
        }
    }
}

impl Writer {
    /// Has the ids of access keys kept so from now on, if the ledger does not say how yet; without a `choice`, masked.
    ///
    /// # Errors
    /// Where the ledger says otherwise than `choice`, or cannot be written.
    pub fn choose(
        &mut self,
        choice: Option<AccessKeys>,
        waiting: &mut dyn FnMut(&Path),
    ) -> Result<()> {
        const INSERT: &str = "INSERT INTO setting VALUES ('access_keys', ?) ON CONFLICT DO NOTHING";
        if self.said()?.is_none() {
            let name = choice.unwrap_or(AccessKeys::Masked).as_str();
            self.store.begin(waiting)?;
            self.store
                .sql(|sql| sql.execute(INSERT, [name]))
                .inspect_err(|_| self.store.roll_back())?;
            self.store.commit(waiting)?;
        }
        let said = self.said()?.unwrap_or_default();
        let known = AccessKeys::value_variants().iter();
        let known = known.copied().find(|each| each.as_str() == said);
        self.access_keys = known.ok_or_else(|| self.damaged("a setting"))?;
        match choice.is_none_or(|choice| choice == self.access_keys) {
            true => Ok(()),
            false => Err(Error::Usage(format!(
                "this ledger was begun with --access-keys {said}, and stays so"
            ))),
        }
    }

    /// How the ledger says that the ids of access keys are kept.
    fn said(&self) -> Result<Option<String>> {
        const QUERY: &str = "SELECT value FROM setting WHERE name = 'access_keys'";
        self.store.sql(|sql| {
            let said = sql.query_row(QUERY, [], |row| row.get(0));
            said.optional()
        })
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
            let cuts: Option<BTreeMap<OfAction, Cut>> = self.store.sql(|sql| {
                let mut query = sql.prepare_cached(QUERY)?;
                let rows = query.query_map([principal], |row| {
                    let of = (row.get(0)?, row.get(1)?);
                    Ok(read::cut(row, 2)?.map(|cut| (of, cut)))
                })?;
                rows.collect()
            })?;
            let cuts = cuts.ok_or_else(|| self.damaged("a sketch"))?;
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
        let keys: BTreeSet<String> = keys.iter().map(|id| self.access_keys.keep(id)).collect();
        let add = |old: &str, more: &BTreeSet<String>, max| {
            let mut all: BTreeSet<String> = serde_json::from_str(old)?;
            more.iter()
                .for_each(|name| bounded::insert(&mut all, name, max));
            serde_json::to_string(&all)
        };
        let new = add(&old.0, sessions, MAX_SESSIONS)
            .and_then(|sessions| Ok((sessions, add(&old.1, &keys, MAX_ACCESS_KEYS)?)));
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

#[cfg(test)]
mod tests {
    use super::AccessKeys;

    #[test]
    fn a_key_is_kept_as_was_chosen_and_once_kept_stays() {
        for (how, kept) in [
            (AccessKeys::Whole, "AKIAIOSFODNN7EXAMPLE"),
            (AccessKeys::Masked, "AKIA************MPLE"),
            (AccessKeys::Hashed, "1a5d44a2dca19669"),
        ] {
            assert_eq!(how.keep("AKIAIOSFODNN7EXAMPLE"), kept);
            assert_eq!(how.keep(kept), kept);
        }
    }
}
