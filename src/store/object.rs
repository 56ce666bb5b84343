//! The log objects that a ledger was made of.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::store::write::{Writer, json};

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
    /// Whether it is to be read again: that may be otherwise next time, or it was not as its digest says.
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

/// More of anything than this is in no log object.
const MOST: u64 = 1 << 40;

impl Object {
    /// Whether its numbers can be added to those of others.
    pub(super) fn adds_up(&self) -> bool {
        let Detail {
            data_events,
            aggregated_calls,
            addenda,
            reasons,
            others,
            ..
        } = &self.detail;
        let counts = [data_events, aggregated_calls, addenda, reasons, others];
        let mut counts = counts.into_iter().flat_map(BTreeMap::values);
        counts.all(|count| *count <= MOST)
            && [self.records, self.malformed, self.size / MOST]
                .iter()
                .all(|number| *number <= MOST)
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Writer {
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

    /// Has a log object taken for one that was not read to its end.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn read_again(&mut self, id: &str) -> Result<()> {
        const UPDATE: &str =
            "UPDATE object SET detail = json_set(detail, '$.again', json('true')) WHERE id = ?";
        self.store
            .sql(|sql| sql.prepare_cached(UPDATE)?.execute([id]))?;
        Ok(())
    }
}
