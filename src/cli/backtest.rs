//! `trailfit backtest`: would the policies of the past have fit what came then?

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;

use crate::cli::input::Input;
use crate::cli::tailor::Tailor;
use crate::cli::verify::{Loaded, load};
use crate::cli::{Ending, Format, output, parallel, tell, usage_error};
use crate::error::{Error, Result};
use crate::generate;
use crate::generate::options::{Options, Resources};
use crate::iam::policy::PolicyDocument;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::pipeline::{self, Progress};
use crate::report::backtest::{Backtest, Fit, NotTrained, Outlooks, PrincipalEntry, Sums};
use crate::report::backtest_text;
use crate::report::outlook::OutlookEntry;
use crate::report::summary::{grouped, many};
use crate::source::files::LogObject;
use crate::store::file::Store;
use crate::usage::filter::Filter;
use crate::usage::ledger::{Ledger, PrincipalUsage};
use crate::usage::novelty;
use crate::usage::settle::Settled;
use crate::usage::sum::Sum;
use crate::usage::told;
use crate::usage::values::Wanted;
use crate::verify::asked::{Asked, Asks};
use crate::verify::backtest::baseline::Baseline;
use crate::verify::backtest::cuts::{Cut, Lengths, Uncuttable, cuts, days};
use crate::verify::backtest::score;
use crate::verify::backtest::universe::Universe;
use crate::verify::evaluate::Attached;
use crate::verify::policy::{self, Policy};

/// Cut the events in time: would policies made of what came before have fit what came then?
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,

    /// Make policies from so many days before each cut; by default half of all.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    train: Option<u32>,

    /// Hold them against so many days after it; by default a quarter of all.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    test: Option<u32>,

    /// So many days from one cut to the next; by default those of --test.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    step: Option<u32>,

    /// How many times as much as an unused grant a denied need counts, in the F-score.
    #[arg(long, value_name = "B", default_value = "2", value_parser = beta)]
    beta: f64,

    /// What is granted at present, to be held against the same: a policy document, taken to be attached to every principal, or
    /// what `generate --out` wrote. May be repeated.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,

    #[command(flatten)]
    tailor: Tailor,

    /// The form of the answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// A number above 0 that is not too large to be squared.
fn beta(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let number = number.filter(|beta| (0.01..=100.0).contains(beta));
    number.ok_or_else(|| "not a number from 0.01 to 100".to_owned())
}

/// The settings that policies are made by, with their names in JSON.
const SETTINGS: [(&str, Resources); 3] = [
    ("exact", Resources::Exact),
    ("balanced", Resources::Balanced),
    ("broad", Resources::Broad),
];

/// The name of the grants of `--policy` in JSON.
const PRESENT: &str = "present";

/// Runs the command.
///
/// # Errors
/// Where an input does not exist, a policy file is none, the time of the events is too short, or stdout takes no more.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let mut present = Vec::new();
    for path in &arguments.policy {
        load(path, &mut present)?;
    }
    let history = History::read(arguments, &present, quiet)?;
    let chosen: BTreeSet<&Principal> = history
        .whole
        .principals
        .keys()
        .filter(|p| p.kind.takes_identity_policy() && arguments.input.selects(p))
        .collect();
    if chosen.is_empty() {
        return usage_error(
            "no principal matches\nhelp: `trailfit principals INPUT` lists those in the logs",
        );
    }
    let tester = Tester {
        tailor: &arguments.tailor,
        present: &present,
        universes: universes(&history.whole, &chosen),
    };
    let mut found: BTreeMap<Principal, Sums> = BTreeMap::new();
    let mut not_trained = NotTrained::default();
    for cut in &history.cuts {
        let (train, test) = (
            history.part(cut.from, cut.at)?,
            history.part(cut.at, cut.to)?,
        );
        let runs: Vec<Run<'_>> = chosen.iter().map(|p| Run::of(p, &train, &test)).collect();
        for run in runs.iter().filter(|run| !run.is_trained()) {
            not_trained.add(run.later);
        }
        let runs: Vec<&Run<'_>> = runs.iter().filter(|run| run.is_trained()).collect();
        let results = parallel::map(&runs, arguments.input.threads(), |run| {
            tester.test(run, cut.at, history.lengths.test)
        });
        for (run, result) in runs.iter().zip(results) {
            found
                .entry(run.principal.clone())
                .or_default()
                .add(&result?);
        }
    }
    let report = history.report(found, not_trained, arguments.beta);
    let setting = arguments.tailor.options(PrincipalKind::Role).resources;
    let setting = SETTINGS.iter().find(|(_, each)| *each == setting);
    let setting = setting.map_or("", |(name, _)| name);
    output::print(&match arguments.format {
        Format::Json => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
        Format::Text => backtest_text::text(&report, setting, !history.wanted.is_empty()),
    })?;
    Ok(Ending::of_input(history.unreadable))
}

/// What is not known of a ledger.
const UNKEPT: &str = "note: of each call's context a ledger, or what came on stdin, tells the Region and the services in between alone: no conditions on anything else are made, and what present grants allow only under such ones counts as denied; logs in files or in S3 tell more\n";

/// The condition keys of which the values are to be known: those that conditions are made of, and those that the `present`
/// policies ask for. And whether a ledger does not tell some of them.
fn wanted(tailor: &Tailor, present: &[Loaded]) -> (Wanted, bool) {
    let (own, asked) = (
        tailor.wanted(),
        Asked::by(present.iter().map(|loaded| &loaded.policy)),
    );
    let unkept = !own.is_empty() || asked.keys().any(|key| !told::is_kept(key));
    (asked.keys().fold(own, Wanted::and), unkept)
}

/// Where the events of a part of the time are taken from.
enum Events {
    /// A ledger, which answers quickly.
    Ledger(Store),
    /// The logs, which are read again each time: of each call's context they tell what a ledger does not keep.
    Logs(Vec<LogObject>),
}

impl Events {
    /// `unkept` says whether a ledger would not tell all that is `wanted`.
    fn of(input: &Input, wanted: &Wanted, unkept: bool, quiet: bool) -> Result<Self> {
        let sorted = input.sorted()?;
        // What comes on stdin comes once.
        let again = sorted.ledgers.is_empty() && !input.inputs.iter().any(|name| name == "-");
        if again && !wanted.is_empty() {
            return Ok(Self::Logs(sorted.objects));
        }
        if unkept && !quiet {
            tell(UNKEPT);
        }
        input.ledger(sorted, quiet).map(Self::Ledger)
    }

    /// Sums up the events that `filter` admits, not settled yet.
    fn sum(&self, input: &Input, filter: &Filter, wanted: &Wanted) -> Result<Sum> {
        match self {
            Self::Ledger(store) => store.sum(filter, false, Asks::Values(wanted)),
            Self::Logs(objects) => {
                let (threads, progress) = (input.threads_for(objects), Progress::default());
                let sum = pipeline::sum_values(objects, filter, wanted, threads, &progress);
                Ok(sum)
            }
        }
    }
}

/// What was read, and where it is cut.
struct History<'a> {
    input: &'a Input,
    events: Events,
    filter: Filter,
    wanted: Wanted,
    /// All of it.
    whole: Ledger,
    settled: Settled,
    seen: (i64, i64),
    lengths: Lengths,
    cuts: Vec<Cut>,
    unreadable: bool,
}

impl<'a> History<'a> {
    fn read(arguments: &'a Arguments, present: &[Loaded], quiet: bool) -> Result<Self> {
        let input = &arguments.input;
        let (wanted, unkept) = wanted(&arguments.tailor, present);
        let events = Events::of(input, &wanted, unkept, quiet)?;
        let filter = input.filter();
        let mut whole = events.sum(input, &filter, &Wanted::default())?;
        let settled = whole.ledger.settle();
        if !quiet {
            input.tell_summary(&whole.coverage);
        }
        let Some(seen) = whole.coverage.seen else {
            return usage_error("there is no event with a time, so there is nothing to cut");
        };
        let Arguments {
            train, test, step, ..
        } = arguments;
        match cuts(seen, *train, *test, *step) {
            Ok((lengths, cuts)) => Ok(Self {
                input,
                events,
                filter,
                wanted,
                whole: whole.ledger,
                settled,
                seen,
                lengths,
                cuts,
                unreadable: whole.coverage.is_unreadable(),
            }),
            Err(Uncuttable::TooShort { days, needed }) => usage_error(format!(
                "the events are of {}, and a backtest with these lengths needs {}\nhelp: give more logs, or smaller --train and --test; each is at least one day",
                many(days.unsigned_abs(), "day"),
                grouped(needed.unsigned_abs()),
            )),
            Err(Uncuttable::TooMany { cuts, most }) => usage_error(format!(
                "these lengths make {cuts} cuts, and {most} are the most\nhelp: give a larger --step"
            )),
        }
    }

    /// What was used in a part of the time, its principals and resources as all of it shows them.
    fn part(&self, from: i64, to: i64) -> Result<Ledger> {
        let filter = Filter {
            from: Some(self.filter.from.map_or(from, |own| own.max(from))),
            to: Some(self.filter.to.map_or(to, |own| own.min(to))),
            ..self.filter.clone()
        };
        let part = self.events.sum(self.input, &filter, &self.wanted)?;
        let mut part = part.ledger;
        part.settle_as(&self.settled);
        Ok(part)
    }

    fn report(
        &self,
        found: BTreeMap<Principal, Sums>,
        not_trained: NotTrained,
        beta: f64,
    ) -> Backtest {
        let starts: Vec<i64> = self.cuts.iter().map(|cut| cut.at).collect();
        let days = days(self.seen);
        let mut report = Backtest::new(self.seen, days, self.lengths, &starts, beta);
        report.not_trained = not_trained;
        for (principal, mut sums) in found {
            report.all.add(&sums);
            sums.finish(beta);
            let usage = self.whole.principals.get(&principal);
            report.principals.push(PrincipalEntry {
                outlook: usage.and_then(|usage| OutlookEntry::of(usage, Some(self.seen.1))),
                kind: principal.kind.as_str(),
                principal: principal.arn,
                account: principal.account,
                sums,
            });
        }
        report.all.finish(beta);
        report
    }
}

/// The universes of the accounts of the principals that are tested.
fn universes(whole: &Ledger, chosen: &BTreeSet<&Principal>) -> BTreeMap<String, Universe> {
    let accounts: BTreeSet<&str> = chosen.iter().map(|p| p.account.as_str()).collect();
    let of_account = |account: &str| {
        let own = whole.principals.iter();
        let own = own.filter(|(principal, _)| principal.account == account);
        Universe::new(own.map(|(_, usage)| usage))
    };
    let universes = accounts.into_iter();
    universes
        .map(|account| (account.to_owned(), of_account(account)))
        .collect()
}

/// One principal at one cut.
struct Run<'l> {
    principal: &'l Principal,
    before: Option<&'l PrincipalUsage>,
    later: Option<&'l PrincipalUsage>,
}

impl<'l> Run<'l> {
    fn of(principal: &'l Principal, train: &'l Ledger, test: &'l Ledger) -> Self {
        Self {
            principal,
            before: train.principals.get(principal),
            later: test.principals.get(principal),
        }
    }

    /// Whether there is anything to make a policy of.
    fn is_trained(&self) -> bool {
        self.before
            .is_some_and(|usage| usage.used().next().is_some())
    }
}

/// What all runs need.
struct Tester<'p> {
    tailor: &'p Tailor,
    present: &'p [Loaded],
    universes: BTreeMap<String, Universe>,
}

impl Tester<'_> {
    fn test(&self, run: &Run<'_>, at: i64, test_days: u32) -> Result<Sums> {
        let principal = run.principal;
        let none = PrincipalUsage::default();
        let (before, later) = (run.before.unwrap_or(&none), run.later.unwrap_or(&none));
        let Some(universe) = self.universes.get(&principal.account) else {
            return Ok(Sums::default());
        };
        let mut sums = Sums {
            outlooks: outlooks(before, later, at, test_days),
            ..Sums::default()
        };
        let mut add = |name: &'static str, policies: &[&Policy]| {
            let attached: Vec<Attached<'_>> = policies
                .iter()
                .map(|policy| Attached {
                    principal: None,
                    name,
                    policy,
                })
                .collect();
            let mut fit = Fit::new(name);
            fit.add_run(&score(principal, &attached, later, universe), at);
            sums.policies.push(fit);
        };
        for (name, resources) in SETTINGS {
            let options = Options {
                resources,
                ..self.tailor.options(principal.kind)
            };
            let plan = generate::plan(before, &options);
            let texts = plan.documents.iter().map(PolicyDocument::to_json);
            let policies = compile(principal, texts)?;
            add(name, &policies.iter().collect::<Vec<_>>());
        }
        for baseline in Baseline::ALL {
            let policies = compile(principal, baseline.document(before))?;
            add(baseline.as_str(), &policies.iter().collect::<Vec<_>>());
        }
        if !self.present.is_empty() {
            let own = self.present.iter();
            let own = own.filter(|loaded| {
                let of = loaded.principal.as_deref();
                of.is_none_or(|arn| arn == principal.arn)
            });
            add(
                PRESENT,
                &own.map(|loaded| &loaded.policy).collect::<Vec<_>>(),
            );
        }
        Ok(sums)
    }
}

/// The policies in these texts, which were made for `principal`.
fn compile(principal: &Principal, texts: impl IntoIterator<Item = String>) -> Result<Vec<Policy>> {
    let mut policies = Vec::new();
    for text in texts {
        let parsed = policy::parse(&text).map_err(|error| Error::Unproved {
            principal: principal.arn.clone(),
            reason: error.to_string(),
        });
        policies.extend(parsed?);
    }
    Ok(policies)
}

/// Whether what could be told at the cut, which is `at` this time, of the days after it was so.
fn outlooks(before: &PrincipalUsage, later: &PrincipalUsage, at: i64, test_days: u32) -> Outlooks {
    let horizon = u16::try_from(test_days).unwrap_or(u16::MAX);
    let Some(outlook) = novelty::outlook(before, Some(at - 1), horizon) else {
        return Outlooks::default();
    };
    let known = |action, resource| {
        let resources = before.facts.get(action);
        resources.is_some_and(|resources| resources.contains_key(resource))
    };
    let new = later
        .used()
        .filter(|(action, resource, _)| !known(action, resource));
    let pairs = new.count() as u64;
    let actions = later
        .facts
        .keys()
        .filter(|action| !before.facts.contains_key(action));
    let actions = actions.count() as u64;
    let holds = |told: &novelty::Novelty, new| u64::from((told.low..=told.high).contains(&new));
    Outlooks {
        told: 1,
        actions_held: holds(&outlook.actions, actions),
        pairs_held: holds(&outlook.pairs, pairs),
    }
}
