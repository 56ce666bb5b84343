//! `trailfit principals`: who is in the logs.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use crate::cli::input::Input;
use crate::cli::{Ending, Format, output};
use crate::error::Result;
use crate::iam::principal::Principal;
use crate::report::terminal;
use crate::usage::ledger::PrincipalUsage;
use crate::usage::resolve::Outcome;

/// List who is in the logs, with events by outcome.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,

    /// The form of the list.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'l> {
    principal: &'l str,
    #[serde(rename = "type")]
    kind: &'static str,
    account: &'l str,
    name: &'l str,
    events: u64,
    used: u64,
    denied: u64,
    actions: usize,
    sessions: Vec<&'l str>,
}

impl<'l> Entry<'l> {
    fn of((principal, usage): (&'l Principal, &'l PrincipalUsage)) -> Self {
        let mut actions: Vec<_> = usage.used().map(|(action, _, _)| action).collect();
        actions.dedup();
        let events = |outcome| usage.events.get(&outcome).copied().unwrap_or(0);
        Self {
            principal: &principal.arn,
            kind: principal.kind.as_str(),
            account: &principal.account,
            name: &principal.name,
            events: usage.total_events(),
            used: events(Outcome::Used),
            denied: events(Outcome::Denied),
            actions: actions.len(),
            sessions: usage.sessions.iter().map(String::as_str).collect(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Where an input does not exist, or stdout takes no more.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let sum = arguments.input.collect(quiet)?;
    let entries: Vec<Entry<'_>> = sum.ledger.principals.iter().map(Entry::of).collect();
    let text = match arguments.format {
        Format::Json => serde_json::to_string_pretty(&entries).unwrap_or_default() + "\n",
        Format::Text => table(&entries),
    };
    output::print(&text)?;
    Ok(Ending::of_input(sum.coverage.is_unreadable()))
}

fn table(entries: &[Entry<'_>]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:>8} {:>8} {:>8} {:>8}  {:<20} PRINCIPAL",
        "EVENTS", "USED", "DENIED", "ACTIONS", "TYPE"
    );
    for entry in entries {
        let _ = writeln!(
            out,
            "{:>8} {:>8} {:>8} {:>8}  {:<20} {}",
            entry.events,
            entry.used,
            entry.denied,
            entry.actions,
            entry.kind,
            terminal::safe(entry.principal),
        );
    }
    out
}
