//! `trailfit ingest`: what is new in the logs goes into a ledger.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

use crate::cli::input::Input;
use crate::cli::integrity::{self, Integrity};
use crate::cli::progress::Bar;
use crate::cli::{Ending, ledgers, tell, usage_error};
use crate::cloudtrail::digest::Sha256;
use crate::cloudtrail::integrity::Content;
use crate::error::Result;
use crate::pipeline::Progress;
use crate::pipeline::keep::Hashed;
use crate::report::{self, summary};
use crate::source::files::LogObject;
use crate::store::principals::AccessKeys;

/// Add what is new in the logs to a ledger, which then answers in their place.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,

    /// The ledger; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,

    /// Commit to the ledger after so many log objects, and not only after some 128 MiB of them.
    #[arg(long, value_name = "N")]
    commit_every: Option<NonZeroUsize>,

    /// How the ids of long-term access keys are kept: chosen when a ledger is made, `masked` without a choice.
    #[arg(long, value_enum, value_name = "HOW")]
    access_keys: Option<AccessKeys>,

    #[command(flatten)]
    integrity: Integrity,
}

/// Runs the command.
///
/// # Errors
/// Where an input does not exist, or the ledger cannot be written: it then has what was read before, and the command can be
/// run again.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let mut input = arguments.input.clone();
    input.digests = arguments.integrity.verify_digests;
    let input = &input;
    fits(input)?;
    let mut inputs = input.sorted()?;
    let checker = arguments.integrity.checker(&mut inputs.objects, input)?;
    let (mut writer, others) =
        ledgers::open_to_add(&arguments.ledger, &inputs.ledgers, arguments.access_keys)?;
    for other in others {
        ledgers::merge(&mut writer, &other)?;
    }
    let (objects, known) = ledgers::new_and_known(&writer, inputs.objects)?;
    let checker = match checker {
        Some((mut checker, digests)) => {
            ledgers::add_digests(&mut writer, &checker, &digests)?;
            integrity::find_renamed(&mut checker, &known, input);
            Some(Mutex::new(checker))
        }
        None => None,
    };
    let ids = ids(&objects, checker.is_some());
    let progress = Arc::new(Progress::default());
    let hashed = &|object: &LogObject, hash: Option<Sha256>| {
        if let Some(checker) = &checker {
            let content = hash.map_or(Content::Unreadable, Content::Hash);
            let mut checker = checker.lock().unwrap_or_else(PoisonError::into_inner);
            checker.found(&object.name, content);
        }
    };
    let coverage = {
        let _bar = Bar::show(&progress, objects.len() as u64, quiet);
        let how = ledgers::How {
            threads: input.threads_for(&objects),
            progress: &progress,
            most: arguments
                .commit_every
                .map_or(ledgers::MOST, NonZeroUsize::get),
            hashed: checker.as_ref().map(|_| hashed as &Hashed<'_>),
        };
        ledgers::add(&mut writer, objects, how)?
    };
    if !quiet {
        if !known.is_empty() {
            tell(&format!(
                "{} in the ledger already\n",
                summary::many(known.len() as u64, "log object")
            ));
        }
        input.tell_summary(&coverage);
    }
    if let Some(checker) = checker {
        let checker = checker.into_inner().unwrap_or_else(PoisonError::into_inner);
        let findings = checker.finish(integrity::asked_for(input));
        let wrong = findings.logs.iter().filter_map(|(name, _)| ids.get(name));
        ledgers::read_again(&mut writer, wrong)?;
        if !quiet || !findings.is_sound() {
            tell(&report::integrity::text(&findings));
        }
        if !findings.is_sound() {
            return Ok(Ending::Negative);
        }
    }
    Ok(Ending::of_input(coverage.is_unreadable()))
}

/// Refuses filters that a ledger does not know.
fn fits(input: &Input) -> Result<()> {
    if !input.principal.is_empty() {
        return usage_error(
            "a ledger keeps all principals\nhelp: give --principal to the command that reads it",
        );
    }
    let filter = input.filter();
    let chooses = filter.from.is_some() || filter.to.is_some();
    let chooses = chooses || !filter.accounts.is_empty() || !filter.regions.is_empty();
    let mut inputs = input.inputs.iter();
    match chooses && !inputs.any(|input| input.contains("://")) {
        true => usage_error(
            "--from, --to, --account and --region choose what is listed in AWS; a file is ingested whole\nhelp: give them to the command that reads the ledger",
        ),
        false => Ok(()),
    }
}

/// The ids of log objects by their names, if they are `asked` for.
fn ids(objects: &[LogObject], asked: bool) -> BTreeMap<String, String> {
    let ids = objects.iter().filter(|_| asked);
    ids.map(|object| (object.name.clone(), object.id().to_owned()))
        .collect()
}
