//! What all commands that read logs have in common: the inputs, the filters, the threads.

use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};

use crate::cli::progress::Bar;
use crate::cli::{ledgers, tell};
use crate::error::{Error, Result};
use crate::iam::arn::escape;
use crate::iam::pattern::covers;
use crate::iam::principal::Principal;
use crate::pipeline::{self, Progress};
use crate::report::summary;
use crate::source::aws;
use crate::source::files::{self, LogObject};
use crate::source::layout::Scope;
use crate::source::lookup;
use crate::store::file::Store;
use crate::store::write::Writer;
use crate::usage::coverage::Coverage;
use crate::usage::filter::Filter;
use crate::usage::sum::Sum;
use crate::usage::values::Wanted;
use crate::verify::asked::{Asked, Asks};

/// The inputs and filters of a command.
#[derive(Args, Clone, Debug)]
pub struct Input {
    /// Files, folders (walked), `s3://bucket/prefix`, `lookup-events://` (the account's event history), ledgers, or `-` for
    /// stdin. What a file holds is told from its bytes.
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<String>,

    /// Only events from this time on: RFC 3339, a date, or a number of days ago such as `90d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,

    /// Only events before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,

    /// Only principals whose ARN matches, with `*` and `?` as wildcards. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub principal: Vec<String>,

    /// Only callers of this account. May be repeated.
    #[arg(long, value_name = "ID")]
    pub account: Vec<String>,

    /// Only events of this Region. May be repeated.
    #[arg(long, value_name = "REGION")]
    pub region: Vec<String>,

    /// How many threads read; by default one a core.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// Ask this server instead of AWS's own.
    #[arg(long, value_name = "URL", help_heading = "AWS")]
    pub endpoint_url: Option<String>,

    /// The profile whose credentials and Region are used, of the AWS configuration files.
    #[arg(long, value_name = "NAME", help_heading = "AWS")]
    pub profile: Option<String>,

    /// Pay for what is read of a bucket whose requesters pay.
    #[arg(long, help_heading = "AWS")]
    pub request_payer: bool,

    /// Whether digests in S3 are among the log objects.
    #[arg(skip)]
    pub digests: bool,
}

impl Input {
    /// The inputs, by what they are.
    ///
    /// # Errors
    /// Where an input does not exist or is of a kind that cannot be read.
    pub fn sorted(&self) -> Result<Sorted> {
        let is_ledger = |input: &&String| ledgers::is_one(Path::new(input));
        let (ledgers, logs): (Vec<_>, Vec<_>) = self.inputs.iter().partition(is_ledger);
        let logs: Vec<String> = logs.into_iter().cloned().collect();
        Ok(Sorted {
            ledgers: ledgers.into_iter().map(PathBuf::from).collect(),
            objects: files::list(&logs, &self.scope())?,
        })
    }

    /// Whether a ledger, or an export of one, is among the inputs.
    #[must_use]
    pub fn has_ledger(&self) -> bool {
        self.inputs
            .iter()
            .any(|input| ledgers::is_one(Path::new(input)))
    }

    /// What of the inputs is to be listed: what the filter on events leaves.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let filter = self.filter();
        Scope {
            from: filter.from,
            to: filter.to,
            accounts: filter.accounts,
            regions: filter.regions,
            digests: self.digests,
            aws: aws::Options {
                endpoint_url: self.endpoint_url.clone(),
                profile: self.profile.clone(),
                request_payer: self.request_payer,
            },
        }
    }

    /// The filter on events. Principals are not part of it: see [`Input::selects`].
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter {
            from: self.from.map(whole_second),
            to: self.to.map(whole_second),
            accounts: self.account.iter().cloned().collect(),
            regions: self.region.iter().cloned().collect(),
        }
    }

    /// Whether the principal was asked for.
    #[must_use]
    pub fn selects(&self, principal: &Principal) -> bool {
        self.principal.is_empty()
            || self
                .principal
                .iter()
                .any(|glob| covers(glob, &escape(&principal.arn)))
    }

    /// How many threads work.
    #[must_use]
    pub fn threads(&self) -> NonZeroUsize {
        self.threads
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }

    /// Reads everything. Of the ledger only the principals asked for are left; the accounts cover all that was read.
    /// Unless `quiet`, the summary goes to stderr, and progress to a terminal.
    ///
    /// The sum is not taken apart in the end: the process ends with the command, and then all memory is free at once.
    ///
    /// # Errors
    /// As [`Input::sorted`], and where no principal matches.
    pub fn collect(&self, quiet: bool) -> Result<ManuallyDrop<Sum>> {
        self.collect_values(quiet, &Wanted::default())
    }

    /// As [`Input::collect`], where each fact has what its used calls told of the keys that are `wanted`, see
    /// [`Contexts::told`](crate::usage::context::Contexts::told).
    ///
    /// # Errors
    /// As [`Input::collect`].
    pub fn collect_values(&self, quiet: bool, wanted: &Wanted) -> Result<ManuallyDrop<Sum>> {
        self.select(self.read(quiet, false, Asks::Values(wanted))?)
    }

    /// As [`Input::collect`], with the calls that needed several things beside the ledger, and with the classes of the
    /// contexts that `asked` tells apart.
    ///
    /// # Errors
    /// As [`Input::collect`].
    pub fn collect_asked(&self, quiet: bool, asked: &Asked<'_>) -> Result<ManuallyDrop<Sum>> {
        self.select(self.read(quiet, true, Asks::Classes(asked))?)
    }

    /// Leaves the principals asked for.
    fn select(&self, mut sum: Sum) -> Result<ManuallyDrop<Sum>> {
        let principals = &mut sum.ledger.principals;
        principals.retain(|principal, _| self.selects(principal));
        match self.principal.is_empty() || !principals.is_empty() {
            true => Ok(ManuallyDrop::new(sum)),
            false => Err(Error::Usage(
                "no principal matches\nhelp: `trailfit principals INPUT` lists those in the logs"
                    .to_owned(),
            )),
        }
    }

    fn read(&self, quiet: bool, joint: bool, asks: Asks<'_>) -> Result<Sum> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(Error::Usage("--from is not before --to".to_owned()));
        }
        let Sorted { ledgers, objects } = self.sorted()?;
        let (threads, filter) = (self.threads_for(&objects), self.filter());
        let progress = Arc::new(Progress::default());
        let bar = Bar::show(&progress, objects.len() as u64, quiet);
        let sum = match ledgers.as_slice() {
            [] => match asks {
                _ if asks.is_empty() => {
                    pipeline::collect(&objects, &filter, joint, threads, &progress)
                }
                Asks::Classes(asked) => {
                    pipeline::collect_asked(&objects, &filter, asked, threads, &progress)
                }
                Asks::Values(wanted) => {
                    pipeline::collect_values(&objects, &filter, wanted, threads, &progress)
                }
            },
            [ledger] if objects.is_empty() => {
                let ledger = ledgers::open(ledger)?;
                ledger.sum(&filter, joint, asks)?.settled()
            }
            _ => {
                let store = self.one_ledger(&ledgers, objects, &progress)?;
                store.sum(&filter, joint, asks)?.settled()
            }
        };
        drop(bar);
        if !quiet {
            self.tell_summary(&sum.coverage);
        }
        Ok(sum)
    }

    /// Reads all that was [sorted](Input::sorted) into a ledger that is gone with what is returned; of a ledger alone, opens that. Of
    /// the filters, those on events are to be applied when it is [summed up](Store::sum).
    ///
    /// # Errors
    /// Where a ledger cannot be read or written.
    pub fn ledger(&self, sorted: Sorted, quiet: bool) -> Result<Store> {
        let Sorted { ledgers, objects } = sorted;
        if let ([ledger], true) = (ledgers.as_slice(), objects.is_empty()) {
            return ledgers::open(ledger);
        }
        let progress = Arc::new(Progress::default());
        let bar = Bar::show(&progress, objects.len() as u64, quiet);
        let store = self.one_ledger(&ledgers, objects, &progress);
        drop(bar);
        store
    }

    /// One ledger of all of these: what is in several of them counts once.
    fn one_ledger(
        &self,
        ledgers: &[PathBuf],
        objects: Vec<LogObject>,
        progress: &Progress,
    ) -> Result<Store> {
        let mut writer = Writer::new(Store::temporary()?);
        for ledger in ledgers {
            ledgers::merge(&mut writer, &ledgers::open(ledger)?)?;
        }
        let how = ledgers::How {
            threads: self.threads_for(&objects),
            progress,
            most: ledgers::MOST,
            hashed: None,
        };
        ledgers::add(&mut writer, objects, how)?;
        Ok(writer.into_store())
    }

    /// How many threads read `objects`. Those that wait for what comes slowly take nothing from those that work.
    pub(crate) fn threads_for(&self, objects: &[LogObject]) -> NonZeroUsize {
        let slow = objects.iter().filter(|object| object.is_slow()).count();
        self.threads().saturating_add(slow)
    }

    /// The accounts to stderr, with what the kinds of input can not show.
    pub(crate) fn tell_summary(&self, coverage: &Coverage) {
        tell(&summary::text(coverage));
        if self
            .inputs
            .iter()
            .any(|input| input.starts_with(lookup::SCHEME))
        {
            tell(&format!("note: {}\n", lookup::BLIND_SPOTS));
        }
    }
}

/// What the inputs are.
pub struct Sorted {
    /// Ledgers, and exports of ledgers.
    pub ledgers: Vec<PathBuf>,
    /// The log objects in all others.
    pub objects: Vec<LogObject>,
}

/// The first whole second not before `time`: events have whole seconds.
fn whole_second(time: Timestamp) -> i64 {
    time.as_second() + i64::from(time.subsec_nanosecond() > 0)
}

/// RFC 3339, a date (its first moment, UTC), or `90d`: that many days before now.
fn time(text: &str) -> std::result::Result<Timestamp, String> {
    if let Some(days) = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok())
    {
        return Span::new()
            .try_hours(i64::from(days) * 24)
            .and_then(|span| Timestamp::now().checked_sub(span))
            .map_err(|_| "too many days".to_owned());
    }
    let by_date = || {
        let date: Date = text.parse().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<Timestamp>()
        .ok()
        .or_else(by_date)
        .ok_or_else(|| "not a time: give RFC 3339, a date such as 2026-09-01, or 90d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_in_every_spelling() {
        assert_eq!(
            time("2026-09-01").unwrap().to_string(),
            "2026-09-01T00:00:00Z"
        );
        assert_eq!(
            time("2026-09-01T12:00:00+02:00").unwrap().to_string(),
            "2026-09-01T10:00:00Z"
        );
        let day = time("1d").unwrap().as_second() - time("2d").unwrap().as_second();
        assert!((86_399..=86_401).contains(&day));
        for bad in [
            "",
            "yesterday",
            "d",
            "99999999999999999d",
            "-5d",
            "2026-13-01",
        ] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
