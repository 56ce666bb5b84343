//! `trailfit ledger`: what can be done with ledgers as files.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::{Ending, ledgers, output, usage_error};
use crate::error::Result;
use crate::store::file::Store;
use crate::store::{export, parquet};

/// Add ledgers up, or write one in a form that other programs read.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add ledgers, or exports of them, to one: as if all that they were made of had been ingested into it.
    Merge {
        /// Ledgers, and exports of ledgers.
        #[arg(value_name = "LEDGER", required = true)]
        ledgers: Vec<PathBuf>,

        /// The ledger to add to; it is made where there is none.
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
    },
    /// Write a ledger row by row, in a fixed order. What is written can be given as an INPUT to any command.
    Export {
        /// The ledger.
        #[arg(value_name = "LEDGER")]
        ledger: PathBuf,

        /// The form.
        #[arg(long, value_enum, default_value = "jsonl")]
        format: Form,

        /// Write to this file, and not to stdout.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// JSON, one row a line.
    Jsonl,
    /// A Parquet table of the same rows.
    Parquet,
}

/// Runs the command.
///
/// # Errors
/// Where a ledger cannot be read, or the result not written.
pub fn run(arguments: &Arguments) -> Result<Ending> {
    match &arguments.command {
        Command::Merge { ledgers, ledger } => {
            let (mut writer, others) = ledgers::open_to_add(ledger, ledgers, None)?;
            for other in others {
                ledgers::merge(&mut writer, &other)?;
            }
        }
        Command::Export {
            ledger,
            format,
            out,
        } => export(ledger, *format, out.as_deref())?,
    }
    Ok(Ending::Done)
}

fn export(ledger: &Path, form: Form, out: Option<&Path>) -> Result<()> {
    let write = |store: &Store, out: &mut (dyn Write + Send)| match form {
        Form::Jsonl => export::jsonl(store, out),
        Form::Parquet => parquet::write(store, out),
    };
    if form == Form::Parquet && out.is_none() && io::stdout().is_terminal() {
        return usage_error("Parquet is not for a terminal\nhelp: give --out FILE");
    }
    let store = ledgers::open(ledger)?;
    let Some(path) = out else {
        let mut stdout = BufWriter::new(io::stdout());
        write(&store, &mut stdout)?;
        return stdout.flush().map_err(output::stdout_error);
    };
    output::replace_with(path, |file| write(&store, file))
}
