//! `trailfit map`: one JSON line a record.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;

use clap::Args;
use serde::Serialize;

use crate::cli::input::{Input, Sorted};
use crate::cli::{Ending, output, usage_error};
use crate::error::Result;
use crate::iam::arn::ResourceArn;
use crate::pipeline::{self, Judged, Record};
use crate::report::terminal;
use crate::usage::carriers;
use crate::usage::passrole::PASS_ROLE;
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
#[serde(rename_all = "camelCase")]
struct NeedEntry<'r> {
    action: &'r str,
    resources: Vec<Cow<'r, str>>,
    basis: &'static str,
    /// The condition keys that the record tells.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<&'static str, [&'r str; 1]>,
    /// What the passed roles are in, where the record does not name them: the role of an instance profile in `resources`
    /// is a guess by its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    carried_by: Vec<&'r str>,
}

impl<'r> NeedEntry<'r> {
    fn of(need: &'r Need) -> Self {
        let (carriers, named): (Vec<&ResourceArn>, Vec<&ResourceArn>) = need
            .resources
            .iter()
            .partition(|resource| carriers::kind(resource).is_some() && need.action == PASS_ROLE);
        let guesses = carriers
            .iter()
            .filter_map(|carrier| carriers::guess(carrier));
        let guesses = guesses.map(|role| Cow::Owned(role.as_str().to_owned()));
        let named = named
            .iter()
            .map(|resource| Cow::Borrowed(resource.as_str()));
        Self {
            action: need.action.as_str(),
            resources: named.chain(guesses).collect(),
            basis: need.basis.as_str(),
            context: need
                .context
                .iter()
                .map(|(key, value)| (key.as_str(), [value]))
                .collect(),
            carried_by: carriers.iter().map(|carrier| carrier.as_str()).collect(),
        }
    }
}

/// Runs the command on one thread, as the lines come in the order of the input.
///
/// # Errors
/// Where an input does not exist, or stdout takes no more.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let Sorted { ledgers, objects } = arguments.input.sorted()?;
    if let Some(ledger) = ledgers.first() {
        return usage_error(format!(
            "`{}` is a ledger, which holds no records\nhelp: give the logs themselves",
            terminal::safe(&ledger.display().to_string())
        ));
    }
    let filter = arguments.input.filter();
    let mut out = output::stdout();
    let mut failed = None;
    let coverage = pipeline::map(&objects, &filter, &mut |record| {
        if wanted(&arguments.input, &record) {
            failed = write_line(&mut out, &record).err();
        }
        match failed {
            None => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(()),
        }
    });
    let written = failed.map_or_else(|| out.flush(), Err);
    written.map_err(output::stdout_error)?;
    if !quiet {
        arguments.input.tell_summary(&coverage);
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
            outcome: resolved.meaning.outcome.as_str(),
            reason: &resolved.meaning.reason,
            needs: resolved.meaning.needs.iter().map(NeedEntry::of).collect(),
        },
        Record::Malformed { reason } => Line {
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
