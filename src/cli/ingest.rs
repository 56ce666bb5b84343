//! `trailfit ingest`: what is new in the logs goes into a ledger.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::input::Input;
use crate::cli::progress::Bar;
use crate::cli::{Ending, ledgers, tell, usage_error};
use crate::error::Result;
use crate::pipeline::Progress;
use crate::report::summary;

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
}

/// Runs the command.
///
/// # Errors
/// Where an input does not exist, or the ledger cannot be written: it then has what was read before, and the command can be
/// run again.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let input = &arguments.input;
    if !input.principal.is_empty() {
        return usage_error(
            "a ledger keeps all principals\nhelp: give --principal to the command that reads it",
        );
    }
    let inputs = input.sorted()?;
    let (mut writer, others) = ledgers::open_to_add(&arguments.ledger, &inputs.ledgers)?;
    for other in others {
        ledgers::merge(&mut writer, &other)?;
    }
    let found = inputs.objects.len() as u64;
    let objects = ledgers::new_objects(&writer, inputs.objects)?;
    let known = found - objects.len() as u64;
    let progress = Arc::new(Progress::default());
    let coverage = {
        let _bar = Bar::show(&progress, objects.len() as u64, quiet);
        let how = ledgers::How {
            threads: input.threads_for(&objects),
            progress: &progress,
            most: arguments.commit_every.map_or(usize::MAX, NonZeroUsize::get),
        };
        ledgers::add(&mut writer, objects, how)?
    };
    if !quiet {
        if known > 0 {
            tell(&format!(
                "{} in the ledger already\n",
                summary::many(known, "log object")
            ));
        }
        input.tell_summary(&coverage);
    }
    Ok(Ending::of_input(coverage.is_unreadable()))
}
