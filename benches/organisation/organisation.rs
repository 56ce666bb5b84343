//! The records of all accounts, and what each principal truly needs, kept while they are made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::call::{Call, Verdict, pattern, plain};
use crate::moment::Moment;
use crate::rng::Rng;
use crate::who::{Kind, Who};

/// One thing that IAM checked: `(action, resource)`.
pub(crate) type Need = (&'static str, String);

/// How often something was needed in a period.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) calls: u64,
    /// Whether nobody could have foreseen it from the days before the cut.
    pub(crate) new: bool,
}

/// What one principal does, as its author knows it.
pub(crate) struct Truth {
    pub(crate) kind: Kind,
    pub(crate) account: &'static str,
    /// What was needed before the cut.
    pub(crate) trained: BTreeMap<Need, Times>,
    /// What is needed after it.
    pub(crate) tested: BTreeMap<Need, Times>,
    /// What it truly needs: actions with patterns, without what was for set-up only.
    pub(crate) patterns: BTreeSet<Need>,
    /// Those of the patterns that had a call before the cut.
    pub(crate) shown: BTreeSet<Need>,
    /// The roles that it passes, with the services that they are passed to.
    pub(crate) passed: BTreeSet<(String, &'static str)>,
    /// The actions that were refused.
    pub(crate) denied: BTreeSet<&'static str>,
    pub(crate) records: u64,
}

/// A log file, by account, Region and day of delivery.
type File = (&'static str, &'static str, u32);

/// The organisation.
pub(crate) struct Organisation {
    seed: u64,
    pub(crate) days: u32,
    /// How many of the days are before the cut.
    pub(crate) train: u32,
    pub(crate) files: BTreeMap<File, Vec<String>>,
    pub(crate) principals: BTreeMap<String, Truth>,
    /// For what is not the principals' doing: ids, and what deliveries suffer.
    delivery: Rng,
}

impl Organisation {
    pub(crate) fn new(seed: u64, days: u32, train: u32) -> Self {
        let mut organisation = Self {
            seed,
            days,
            train,
            files: BTreeMap::new(),
            principals: BTreeMap::new(),
            delivery: Rng::new(0),
        };
        organisation.delivery = organisation.rng("delivery");
        organisation
    }

    /// A source of chance of `name`'s own, so that a change of one principal's ways changes no other's.
    pub(crate) fn rng(&self, name: &str) -> Rng {
        let start = Rng::new(self.seed).next();
        let mixed = name.bytes().fold(start, |sum, byte| {
            sum.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)
        });
        Rng::new(mixed)
    }

    /// The day that is `percent` of the way to the cut.
    pub(crate) fn part(&self, percent: u32) -> u32 {
        self.train * percent / 100
    }

    /// Whether the rare monthly jobs run on `day`.
    pub(crate) fn is_monthly(day: u32) -> bool {
        day % 30 == 5
    }

    fn truth(&mut self, who: &Who) -> &mut Truth {
        let truth = || Truth {
            kind: who.kind,
            account: who.account,
            trained: BTreeMap::new(),
            tested: BTreeMap::new(),
            patterns: BTreeSet::new(),
            shown: BTreeSet::new(),
            passed: BTreeSet::new(),
            denied: BTreeSet::new(),
            records: 0,
        };
        self.principals
            .entry(who.principal.clone())
            .or_insert_with(truth)
    }

    /// `who` may need `action` on the marked `resource` any day, whether it does or not.
    pub(crate) fn entitle(&mut self, who: &Who, action: &'static str, resource: &str) {
        self.truth(who).patterns.insert((action, pattern(resource)));
    }

    /// `who` makes `call`.
    pub(crate) fn record(&mut self, who: &Who, at: Moment, call: Call) {
        if at.day() >= self.days {
            return;
        }
        // What is throttled is called again by the SDK.
        if call.verdict == Verdict::Allowed && self.delivery.below(400) == 0 {
            self.put(who, at, &call.throttled());
        }
        self.put(who, at.plus(1), &call);
    }

    fn put(&mut self, who: &Who, at: Moment, call: &Call) {
        let before = at.day() < self.train;
        let truth = self.truth(who);
        truth.records += 1;
        if call.verdict == Verdict::Allowed {
            let passed = call.passed.iter();
            truth
                .passed
                .extend(passed.map(|(role, service)| (plain(role), *service)));
        }
        for (action, resource) in &call.needs {
            match call.verdict {
                Verdict::Silent => {}
                Verdict::Denied => {
                    truth.denied.insert(action);
                }
                Verdict::Allowed => {
                    let needed = (*action, plain(resource));
                    let period = if before {
                        &mut truth.trained
                    } else {
                        &mut truth.tested
                    };
                    let first = Times {
                        calls: 0,
                        new: true,
                    };
                    let times = period.entry(needed).or_insert(first);
                    times.calls += 1;
                    times.new &= who.unforeseen;
                    let pattern = (*action, pattern(resource));
                    if before {
                        truth.shown.insert(pattern.clone());
                    }
                    if !call.once {
                        truth.patterns.insert(pattern);
                    }
                }
            }
        }
        let record = call.record(who, at, &mut self.delivery);
        self.deliver(who.account, call.region.unwrap_or(who.region), at, &record);
    }

    /// CloudTrail does not promise that a record is punctual, nor that it comes once only.
    fn deliver(&mut self, account: &'static str, region: &'static str, at: Moment, record: &Value) {
        let mut day = at.day();
        if self.delivery.below(100) == 0 {
            day += 1;
        }
        let text = record.to_string();
        if self.delivery.below(200) == 0 {
            let later = self.files.entry((account, region, day + 1)).or_default();
            later.push(text.clone());
        }
        let file = self.files.entry((account, region, day)).or_default();
        file.push(text);
    }
}
