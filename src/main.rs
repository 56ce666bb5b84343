//! The binary: turns an outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailfit::cli::main()
}
