//! A made-up organisation, four months of its CloudTrail logs, and what each of its principals truly needs.
//!
//! ```text
//! cargo run --release --example organisation -- write DIR [--seed 1] [--days 120] [--train 90]
//! ```
//!
//! writes the log files below `DIR/AWSLogs` and the answer key to `DIR/truth.json`. The same arguments give the same files.
//!
//! ```text
//! cargo run --release --example organisation -- table docs/tailor.md [--seeds 5] [--refused FILE]
//! ```
//!
//! measures several organisations, and writes the tables between the marks in that file; what the policies refuse goes to
//! FILE, a line each.
//!
//! What writes the logs knows nothing of trailfit: what IAM checks stands beside the calls, written down from AWS's
//! documentation, and each principal behaves as its kind does, not as a rule would have it.

mod aws;
mod call;
mod containers;
mod files;
mod grants;
mod machines;
mod moment;
mod organisation;
mod people;
mod pipelines;
mod releases;
#[path = "../../samples/rng.rs"]
mod rng;
mod score;
mod services;
mod table;
mod terraform;
#[cfg(test)]
mod tests;
mod users;
mod who;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::moment::MOST_DAYS;
use crate::organisation::Organisation;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("error: {error}\n").as_bytes(),
            );
            ExitCode::from(2)
        }
    }
}

fn run(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut folder = None;
    let mut refused = None;
    let (mut seed, mut seeds, mut days, mut train) = (1, 5, 120, 90);
    let mut arguments = arguments.peekable();
    let command = arguments.next();
    while let Some(argument) = arguments.next() {
        let mut number = || -> Result<u64, Box<dyn Error>> {
            let value = arguments
                .next()
                .ok_or(format!("`{argument}` needs a number"))?;
            Ok(value.parse()?)
        };
        match argument.as_str() {
            "--seed" => seed = number()?,
            "--seeds" => seeds = number()?,
            "--refused" => refused = arguments.next().map(PathBuf::from),
            "--days" => days = number()? as u32,
            "--train" => train = number()? as u32,
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    if days > MOST_DAYS || train >= days {
        return Err(format!("--days is at most {MOST_DAYS}, and --train is less").into());
    }
    match (command.as_deref(), folder) {
        (Some("write"), Some(folder)) => {
            files::write(&folder, seed, &organisation(seed, days, train))
        }
        (Some("table"), Some(file)) => table::write(&file, seeds, days, train, refused.as_deref()),
        _ => Err("give `write DIR` or `table FILE`".into()),
    }
}

/// All that happens in `days` days.
fn organisation(seed: u64, days: u32, train: u32) -> Organisation {
    let mut organisation = Organisation::new(seed, days, train);
    services::run(&mut organisation);
    releases::run(&mut organisation);
    terraform::run(&mut organisation);
    pipelines::run(&mut organisation);
    people::run(&mut organisation);
    machines::run(&mut organisation);
    users::run(&mut organisation);
    organisation
}
