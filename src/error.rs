//! The one error type: what stops a run, or an input that could not be read.
//!
//! What is merely noticed in a log (an unmapped call, a malformed record) is a value that reaches the report, not an
//! error.

use std::io;
use std::path::PathBuf;

use parquet::errors::ParquetError;
use rusqlite::ErrorCode;

/// Why a run, or the reading of one input, had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened or read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The path as the user gave it, or as the walk found it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A result could not be written.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The path that was being written; `-` is stdout.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A policy file is not a policy.
    #[error("`{path}` is not an IAM policy: {reason}")]
    Policy {
        /// The file, as the user gave it.
        path: PathBuf,
        /// Where and why, in one line.
        reason: String,
    },
    /// A generated policy does not allow what it was generated from: a bug in trailfit, or nothing that fits allows it.
    #[error("the policy of `{principal}` is not proved, so nothing was written: {reason}")]
    Unproved {
        /// The principal's ARN.
        principal: String,
        /// What is not allowed, and why.
        reason: String,
    },
    /// A ledger could not be read or written.
    #[error("ledger `{path}`: {source}")]
    Ledger {
        /// The file, as the user gave it.
        path: PathBuf,
        /// What is wrong.
        source: LedgerError,
    },
    /// The arguments fit together wrongly or name nothing.
    #[error("{0}")]
    Usage(String),
}

/// What is wrong with a ledger. What was in it is still there: a change is made whole or not at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file is something else.
    #[error("not a ledger of trailfit's\nhelp: `trailfit ingest INPUT --ledger FILE` makes one")]
    None,
    /// A newer trailfit wrote it.
    #[error(
        "written by a newer trailfit, as version {found} of a ledger\nhelp: read it with that trailfit, or ingest the logs again"
    )]
    Version {
        /// The version that the file has.
        found: i32,
    },
    /// It holds what no trailfit writes.
    #[error("damaged: {what}\nhelp: ingest the logs again, to a new file")]
    Damaged {
        /// What is not as it should be.
        what: &'static str,
    },
    /// An export of a ledger has a line that is none.
    #[error(
        "line {number} is not one of a ledger's export\nhelp: `trailfit ledger export LEDGER` writes one"
    )]
    Line {
        /// The line's number, from 1.
        number: u64,
    },
    /// A Parquet file is none that was made of a ledger, or is damaged.
    #[error(
        "not a ledger's export as it was written: {0}\nhelp: `trailfit ledger export LEDGER --format parquet` writes one"
    )]
    Parquet(ParquetError),
    /// The same file was to be read and to be added to.
    #[error("cannot be added to itself")]
    Itself,
    /// What SQLite said.
    #[error("{0}{help}", help = sqlite_help(.0))]
    Sqlite(rusqlite::Error),
}

/// What a user can do about an error of SQLite's.
fn sqlite_help(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "\nhelp: what was read last is not in it; free some space and run the command again"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "\nhelp: the file and its folder must be there, and writable to add to it"
        }
        Some(ErrorCode::DatabaseCorrupt) => "\nhelp: ingest the logs again, to a new file",
        _ => "",
    }
}

/// A result whose error is [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;
