//! The month's records, and the account kept of them while they are made: what each principal truly needed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::call::{Call, Outcome};
use crate::caller::{Caller, Principal};
use crate::moment::Moment;
use crate::rng::Rng;

/// How many records there were of each kind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) used: u64,
    pub(crate) denied: u64,
    pub(crate) inconclusive: u64,
    pub(crate) ignored: u64,
    pub(crate) duplicate: u64,
    pub(crate) shared: u64,
}

impl Counts {
    pub(crate) fn records(self) -> u64 {
        self.used + self.denied + self.inconclusive + self.ignored + self.duplicate + self.shared
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.used += other.used;
        self.denied += other.denied;
        self.inconclusive += other.inconclusive;
        self.ignored += other.ignored;
        self.duplicate += other.duplicate;
        self.shared += other.shared;
    }
}

/// What one principal did.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) needs: BTreeMap<&'static str, BTreeSet<String>>,
    /// The roles that it passed, with the services they were passed to.
    pub(crate) passed: BTreeSet<(&'static str, &'static str)>,
    pub(crate) denied: BTreeSet<&'static str>,
    pub(crate) counts: Counts,
}

/// A record and the file it goes to.
pub(crate) struct Entry {
    pub(crate) account: &'static str,
    /// The folder below the account: `CloudTrail` or `CloudTrail-Insight`.
    pub(crate) folder: &'static str,
    pub(crate) region: &'static str,
    pub(crate) delivered: Moment,
    pub(crate) record: Value,
    principal: Option<Principal>,
}

/// The month.
pub(crate) struct Account {
    pub(crate) rng: Rng,
    pub(crate) entries: Vec<Entry>,
    pub(crate) principals: BTreeMap<Principal, Usage>,
    /// The records that belong to no principal with permissions.
    pub(crate) unattributed: Counts,
    /// Calls that were allowed and yet need nothing: each is a mistake in the workload's description.
    pub(crate) unexplained: Vec<String>,
}

impl Account {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            entries: Vec::new(),
            principals: BTreeMap::new(),
            unattributed: Counts::default(),
            unexplained: Vec::new(),
        }
    }

    /// `caller` makes `call`.
    pub(crate) fn record(&mut self, caller: &Caller, call: Call) {
        let event_id = self.rng.uuid();
        let record = call.record(caller, &event_id, &mut self.rng);
        let mut nobody = Usage::default();
        let usage = match caller.principal {
            Some(principal) => self.principals.entry(principal).or_default(),
            None => &mut nobody,
        };
        match call.outcome {
            Outcome::Used(needs) => {
                usage.counts.used += 1;
                if needs.is_empty() {
                    self.unexplained.push(record.to_string());
                }
                usage.passed.extend(call.passed);
                for (action, resource) in needs {
                    usage.needs.entry(action).or_default().insert(resource);
                }
            }
            Outcome::Denied(action) => {
                usage.counts.denied += 1;
                usage.denied.insert(action);
            }
            Outcome::Inconclusive => usage.counts.inconclusive += 1,
            Outcome::Ignored => usage.counts.ignored += 1,
            Outcome::Shared => usage.counts.shared += 1,
        }
        if caller.principal.is_none() {
            self.unattributed.add(nobody.counts);
        }
        self.entries.push(Entry {
            account: caller.account,
            folder: "CloudTrail",
            region: call.region,
            delivered: call.at.delivery(),
            record,
            principal: caller.principal,
        });
    }

    /// A record that is no call at all.
    pub(crate) fn insight(
        &mut self,
        account: &'static str,
        region: &'static str,
        delivered: Moment,
        record: Value,
    ) {
        self.unattributed.ignored += 1;
        self.entries.push(Entry {
            account,
            folder: "CloudTrail-Insight",
            region,
            delivered,
            record,
            principal: None,
        });
    }

    /// What CloudTrail does not promise: order, punctuality, and that a record comes once only.
    pub(crate) fn disturb(&mut self) {
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            if entry.folder != "CloudTrail" {
                continue;
            }
            let later = entry.delivered.plus(4 * 3_600).min(Moment::LAST);
            match index % 149 {
                37 => entry.delivered = later,
                101 => {
                    let copy = Entry {
                        delivered: later,
                        record: entry.record.clone(),
                        ..*entry
                    };
                    let counts = match copy.principal {
                        Some(principal) => {
                            &mut self.principals.entry(principal).or_default().counts
                        }
                        None => &mut self.unattributed,
                    };
                    counts.duplicate += 1;
                    self.entries.push(copy);
                }
                _ => {}
            }
        }
    }

    /// The counts of all records.
    pub(crate) fn counts(&self) -> Counts {
        let mut all = self.unattributed;
        for usage in self.principals.values() {
            all.add(usage.counts);
        }
        all
    }
}
