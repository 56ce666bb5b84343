//! A backtest as JSON: what policies of the past would have refused and granted.

use serde::Serialize;

use crate::catalog::action::AccessLevel;
use crate::report::outlook::{OutlookEntry, digits};
use crate::usage::ledger::PrincipalUsage;
use crate::verify::backtest::cuts::Lengths;
use crate::verify::backtest::universe::weight;
use crate::verify::backtest::{Score, share};

/// The whole of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backtest {
    /// The first day with events.
    pub first_day: String,
    /// The last.
    pub last_day: String,
    /// How many days they span.
    pub days: i64,
    /// The days before a cut from which policies are made.
    pub train_days: u32,
    /// The days after a cut that they are held against.
    pub test_days: u32,
    /// The days between two cuts.
    pub step_days: u32,
    /// The days that begin with a cut.
    pub cuts: Vec<String>,
    /// In `fBeta`, recall counts so many times as much as precision.
    pub beta: f64,
    /// What a pair weighs by its action's access level.
    pub weights: Weights,
    /// All principals together.
    pub all: Sums,
    /// What no policy was made for, as nothing was used before the cut.
    pub not_trained: NotTrained,
    /// Each principal, sorted.
    pub principals: Vec<PrincipalEntry>,
}

/// [`weight`] of each level.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Weights {
    list: u64,
    read: u64,
    tagging: u64,
    write: u64,
    permissions_management: u64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            list: weight(AccessLevel::List),
            read: weight(AccessLevel::Read),
            tagging: weight(AccessLevel::Tagging),
            write: weight(AccessLevel::Write),
            permissions_management: weight(AccessLevel::PermissionsManagement),
        }
    }
}

/// Principals that were used after a cut and not before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NotTrained {
    /// How many, at all cuts together.
    pub runs: u64,
    /// Their calls, each counted once for each thing it needed.
    pub calls: u64,
}

impl NotTrained {
    /// Counts a principal with what it used after a cut, if anything.
    pub fn add(&mut self, later: Option<&PrincipalUsage>) {
        let used = later.into_iter().flat_map(PrincipalUsage::used);
        let calls: u64 = used.map(|(_, _, tally)| tally.used).sum();
        self.runs += u64::from(calls > 0);
        self.calls += calls;
    }
}

/// One principal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalEntry {
    /// Its ARN.
    pub principal: String,
    /// `user`, `role`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its account.
    pub account: String,
    /// How its policies did.
    #[serde(flatten)]
    pub sums: Sums,
    /// What is likely to come after all that was seen; `null` where there are too few days to tell.
    pub outlook: Option<OutlookEntry>,
}

/// What was found at all cuts.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sums {
    /// For each way to make a policy, in a fixed order.
    pub policies: Vec<Fit>,
    /// How often the outlook at the cut held what came.
    pub outlooks: Outlooks,
}

/// How often outlooks held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlooks {
    /// How many there were.
    pub told: u64,
    /// Those of which the number of new actions was within the interval.
    pub actions_held: u64,
    /// Those of which the number of new pairs was.
    pub pairs_held: u64,
}

impl Outlooks {
    /// Adds `other`'s.
    pub fn add(&mut self, other: Self) {
        self.told += other.told;
        self.actions_held += other.actions_held;
        self.pairs_held += other.pairs_held;
    }
}

/// How policies that were made in one way did, at all cuts and for all principals that are counted here.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    /// The way: a setting of `--resources`, or a baseline.
    pub policy: &'static str,
    /// A run is one principal at one cut.
    pub runs: u64,
    /// The runs in which anything was used after the cut.
    pub runs_with_calls: u64,
    /// The whole days from the cut to the first call that would have been denied, of the runs with one, sorted.
    pub days_to_first_denial: Vec<i64>,
    /// What would have been denied.
    #[serde(flatten)]
    pub shares: Shares,
    /// What the others are made of.
    #[serde(skip)]
    pub score: Score,
}

/// A [`Score`] as JSON.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shares {
    under_privilege: UnderPrivilege,
    over_privilege: OverPrivilege,
    precision: Option<f64>,
    recall: Option<f64>,
    f_beta: Option<f64>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct UnderPrivilege {
    calls: u64,
    calls_denied: u64,
    share_of_calls: Option<f64>,
    needs: u64,
    needs_denied: u64,
    needs_undecided: u64,
    share_of_needs: Option<f64>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct OverPrivilege {
    granted: u64,
    unused: u64,
    universe: u64,
    share: Option<f64>,
    weighted_unused: u64,
    weighted_universe: u64,
    weighted_share: Option<f64>,
}

impl Shares {
    /// [`Score::f_beta`].
    #[must_use]
    pub fn f_beta(&self) -> Option<f64> {
        self.f_beta
    }
}

/// So many digits of a share behind the point.
const DIGITS: i32 = 6;

impl Fit {
    /// Of policies made in this way, before any run.
    #[must_use]
    pub fn new(policy: &'static str) -> Self {
        Self {
            policy,
            runs: 0,
            runs_with_calls: 0,
            days_to_first_denial: Vec::new(),
            shares: Shares::default(),
            score: Score::default(),
        }
    }

    /// The runs with calls of which none would have been denied.
    #[must_use]
    pub fn clean_runs(&self) -> u64 {
        // A denial has no day where the call has no time, and what has none is in no run.
        self.runs_with_calls - self.days_to_first_denial.len() as u64
    }

    /// Adds the run of a cut `at` this time, in seconds since 1970.
    pub fn add_run(&mut self, score: &Score, at: i64) {
        self.runs += 1;
        self.runs_with_calls += u64::from(score.calls > 0);
        let days = score
            .first_denial
            .map(|time| (time - at).div_euclid(86_400));
        self.days_to_first_denial.extend(days);
        self.days_to_first_denial.sort_unstable();
        self.score.add(score);
    }

    /// Adds the runs of `other`.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.runs_with_calls += other.runs_with_calls;
        self.days_to_first_denial
            .extend(&other.days_to_first_denial);
        self.days_to_first_denial.sort_unstable();
        self.score.add(&other.score);
    }

    /// Works out the shares, once all runs are in.
    pub fn finish(&mut self, beta: f64) {
        let (score, unused) = (&self.score, self.score.unused());
        let round = |share: Option<f64>| share.map(|share| digits(share, DIGITS));
        self.shares = Shares {
            under_privilege: UnderPrivilege {
                calls: score.calls,
                calls_denied: score.calls_denied,
                share_of_calls: round(share(score.calls_denied, score.calls)),
                needs: score.needs,
                needs_denied: score.needs_denied,
                needs_undecided: score.needs_undecided,
                share_of_needs: round(share(score.needs_denied, score.needs)),
            },
            over_privilege: OverPrivilege {
                granted: score.granted.pairs,
                unused: unused.pairs,
                universe: score.universe.pairs,
                share: round(share(unused.pairs, score.universe.pairs)),
                weighted_unused: unused.weighted,
                weighted_universe: score.universe.weighted,
                weighted_share: round(share(unused.weighted, score.universe.weighted)),
            },
            precision: round(score.precision()),
            recall: round(score.recall()),
            f_beta: round(score.f_beta(beta)),
        };
    }
}

impl Sums {
    /// Adds `other`'s, way by way.
    pub fn add(&mut self, other: &Self) {
        for fit in &other.policies {
            match self
                .policies
                .iter_mut()
                .find(|own| own.policy == fit.policy)
            {
                Some(own) => own.add(fit),
                None => self.policies.push(fit.clone()),
            }
        }
        self.outlooks.add(other.outlooks);
    }

    /// Works out the shares, once all runs are in.
    pub fn finish(&mut self, beta: f64) {
        self.policies.iter_mut().for_each(|fit| fit.finish(beta));
    }
}

impl Backtest {
    /// The frame, without what was found.
    #[must_use]
    pub fn new(seen: (i64, i64), days: i64, lengths: Lengths, cuts: &[i64], beta: f64) -> Self {
        Self {
            first_day: day(seen.0),
            last_day: day(seen.1),
            days,
            train_days: lengths.train,
            test_days: lengths.test,
            step_days: lengths.step,
            cuts: cuts.iter().map(|at| day(*at)).collect(),
            beta,
            weights: Weights::default(),
            all: Sums::default(),
            not_trained: NotTrained::default(),
            principals: Vec::new(),
        }
    }
}

/// `2026-09-16`, of a time in seconds since 1970.
fn day(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds);
    time.map_or_else(|_| "?".to_owned(), |time| time.strftime("%F").to_string())
}
