//! The one error type: what stops a run, or an input that could not be read.
//!
//! What is merely noticed in a log (an unmapped call, a malformed record) is a value that reaches the report, not an
//! error.

use std::io;
use std::path::PathBuf;

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
    /// A generated policy does not allow what it was generated from: a bug in trailfit, and nothing is written.
    #[error("the policy of `{principal}` is not proved, so nothing was written: {reason}")]
    Unproved {
        /// The principal's ARN.
        principal: String,
        /// What is not allowed, and why.
        reason: String,
    },
    /// The arguments fit together wrongly or name nothing.
    #[error("{0}")]
    Usage(String),
}

/// A result whose error is [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;
