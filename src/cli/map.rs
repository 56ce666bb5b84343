//! `trailfit map`: one JSON line a record.

use std::io::Write;
use std::ops::ControlFlow;

use clap::Args;
use serde::Serialize;

use crate::cli::input::Input;
use crate::cli::output;
use crate::cli::{Ending, tell};
use crate::error::Result;
use crate::pipeline::{self, Judged, Record, Seen, Worker};
use crate::report::summary;
use crate::usage::coverage::Coverage;
use crate::usage::resolve::{Need, Outcome};

/// Show what every record needed: one JSON line a record, in the order of the input.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'r> {
    event_id: Option<&'r str>,
    event_source: Option<&'r str>,
    event_name: Option<&'r str>,
    principal: Option<&'r str>,
    outcome: &'static str,
    reason: &'r str,
    needs: Vec<NeedEntry<'r>>,
}

#[derive(Serialize)]
struct NeedEntry<'r> {
    action: &'r str,
    resources: Vec<&'r str>,
    basis: &'static str,
}

impl<'r> NeedEntry<'r> {
    fn of(need: &'r Need) -> Self {
        Self {
            action: need.action.as_str(),
            resources: need
                .resources
                .iter()
                .map(|resource| resource.as_str())
                .collect(),
            basis: need.basis.as_str(),
        }
    }
}

/// Runs the command on one thread, as the lines come in the order of the input.
///
/// # Errors
/// Where an input does not exist, or stdout takes no more.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let objects = arguments.input.objects()?;
    let filter = arguments.input.filter();
    let seen = Seen::default();
    let mut coverage = Coverage::default();
    let mut worker = Worker::default();
    let mut out = output::stdout();
    let mut failed = None;
    for object in &objects {
        pipeline::read_object(
            object,
            &mut worker,
            &filter,
            &seen,
            &mut coverage,
            &mut |record| {
                if wanted(&arguments.input, &record) {
                    failed = write_line(&mut out, &record).err();
                }
                match failed {
                    None => ControlFlow::Continue(()),
                    Some(_) => ControlFlow::Break(()),
                }
            },
        );
        if failed.is_some() {
            break;
        }
    }
    let written = failed.map_or_else(|| out.flush(), Err);
    written.map_err(output::stdout_error)?;
    if !quiet {
        tell(&summary::text(&coverage));
    }
    Ok(Ending::of_input(coverage.is_unreadable()))
}

fn wanted(input: &Input, record: &Record<'_, '_, '_>) -> bool {
    match record {
        Record::Event(Judged { resolved, .. }) => input.selects(&resolved.caller.principal),
        Record::Malformed { .. } => true,
    }
}

fn write_line(out: &mut impl Write, record: &Record<'_, '_, '_>) -> std::io::Result<()> {
    let line = match record {
        Record::Event(Judged { event, resolved }) => Line {
            event_id: event.event_id,
            event_source: event.event_source,
            event_name: event.event_name,
            principal: Some(resolved.caller.principal.arn.as_str()),
            outcome: resolved.outcome.as_str(),
            reason: &resolved.reason,
            needs: resolved.needs.iter().map(NeedEntry::of).collect(),
        },
        Record::Malformed { reason, .. } => Line {
            event_id: None,
            event_source: None,
            event_name: None,
            principal: None,
            outcome: Outcome::Malformed.as_str(),
            reason,
            needs: Vec::new(),
        },
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
