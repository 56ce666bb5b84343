//! The command line: one file per command. A command reads as its data flow and ends in an exit code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Result};
use crate::report::terminal;

pub mod backtest;
pub mod catalog;
pub mod compare;
mod file_names;
pub mod generate;
pub mod ingest;
pub mod input;
pub mod integrity;
pub mod ledger;
mod ledgers;
pub mod lint;
pub mod map;
pub mod output;
pub mod own_policy;
mod paint;
mod parallel;
mod permission_sets;
mod policies;
pub mod principals;
pub mod progress;
mod proved;
mod shown;
pub mod simulate;
pub mod tailor;
pub mod verify;

/// Least privilege from observed use: reads CloudTrail logs, writes the IAM policies that fit, and proves them.
#[derive(Debug, Parser)]
#[command(name = "trailfit", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Print results and errors only: no summary, no progress.
    #[arg(long, short, global = true)]
    quiet: bool,

    /// Whether messages are coloured.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: clap::ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(generate::Arguments),
    Backtest(backtest::Arguments),
    Ingest(ingest::Arguments),
    Ledger(ledger::Arguments),
    Map(map::Arguments),
    Verify(verify::Arguments),
    Simulate(simulate::Arguments),
    Compare(compare::Arguments),
    Lint(lint::Arguments),
    Principals(principals::Arguments),
    Catalog(catalog::Arguments),
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done.
    Done,
    /// Done, and the answer is no: a gap, new access, drift.
    Negative,
    /// Done, but some input was unreadable.
    Unreadable,
    /// Done, and the answer can not be told.
    Undecided,
}

impl Ending {
    /// The ending of a command that has nothing to answer, by whether all input could be read.
    #[must_use]
    pub fn of_input(unreadable: bool) -> Self {
        if unreadable {
            Self::Unreadable
        } else {
            Self::Done
        }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // `generate --own-policy` says of no INPUT too what trailfit itself may do.
    let parsed = Arguments::command()
        .mut_subcommand("generate", |generate| {
            generate.mut_arg("inputs", |inputs| {
                inputs.required(false).required_unless_present("own_policy")
            })
        })
        .try_get_matches_from(args)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            // Asking for help or the version is no failure.
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    paint::choose(arguments.color);
    let quiet = arguments.quiet;
    let ended = match arguments.command {
        Command::Generate(command) => generate::run(&command, quiet),
        Command::Backtest(command) => backtest::run(&command, quiet),
        Command::Ingest(command) => ingest::run(&command, quiet),
        Command::Ledger(command) => ledger::run(&command),
        Command::Map(command) => map::run(&command, quiet),
        Command::Verify(command) => verify::run(&command, quiet),
        Command::Simulate(command) => simulate::run(&command),
        Command::Compare(command) => compare::run(&command),
        Command::Lint(command) => lint::run(&command, quiet),
        Command::Principals(command) => principals::run(&command, quiet),
        Command::Catalog(command) => catalog::run(&command),
    };
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Negative) => ExitCode::from(1),
        Ok(Ending::Unreadable | Ending::Undecided) => ExitCode::from(3),
        // Whoever reads the output has had enough of it, as `head` has.
        Err(Error::Write { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Line by line: the messages' own line breaks stay, what a log put into them does not reach the terminal.
            let message = format!("error: {error}");
            let lines: Vec<_> = message.lines().map(terminal::safe).collect();
            tell(&(lines.join("\n") + "\n"));
            ExitCode::from(2)
        }
    }
}

/// Writes `text` to stderr. Where stderr is closed there is nobody left to tell.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr()
        .lock()
        .write_all(paint::message(text).as_bytes());
}

/// An error about how the command was called.
pub(crate) fn usage_error<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Usage(message.into()))
}
