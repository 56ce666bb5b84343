//! `trailfit catalog`: what the catalog knows of an action or an event.

use clap::Args;

use crate::catalog::describe;
use crate::cli::{Ending, output, usage_error};
use crate::error::Result;
use crate::report::terminal;

/// Show what the catalog knows of an action (`s3:GetObject`) or an event (`s3.amazonaws.com:ListObjects`).
#[derive(Args, Debug)]
pub struct Arguments {
    /// `prefix:Action`, or `eventSource:eventName`.
    #[arg(value_name = "ACTION|EVENT", required = true)]
    names: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Where a name is unknown, or stdout takes no more.
pub fn run(arguments: &Arguments) -> Result<Ending> {
    let mut texts = Vec::new();
    for name in &arguments.names {
        match describe::describe(name) {
            Some(text) => texts.push(text),
            None => {
                let name = terminal::safe(name);
                return usage_error(format!(
                    "the catalog knows neither an action nor an event `{name}`\n\
                     help: an action is written `s3:GetObject`, an event `s3.amazonaws.com:ListObjects`"
                ));
            }
        }
    }
    output::print(&texts.join("\n"))?;
    Ok(Ending::Done)
}
