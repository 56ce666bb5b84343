//! `trailfit compare`: does one set of policies allow anything that another does not?

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::policies::{Loaded, Principals, attached, levels, load};
use crate::cli::{Ending, Format, output};
use crate::error::Result;
use crate::report::summary::many;
use crate::report::terminal;
use crate::verify::compare::{Answer, Comparison, Side, Witness, compare};
use crate::verify::evaluate::Attached;

/// Does NEW allow anything that OLD does not? Exit 0: no; 1: yes, with a request that shows it; 3: it can not be decided.
///
/// Decided for all requests, by what the policies say: any action, on `*` or any ARN, with any values of the condition keys. A
/// FILE holds one policy document or an array of them.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The identity policies of the old side; any of them may allow.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    old: Vec<PathBuf>,

    /// The identity policies of the new side.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    new: Vec<PathBuf>,

    /// The permissions boundary of the old side.
    #[arg(long, value_name = "FILE")]
    old_boundary: Option<PathBuf>,

    /// The permissions boundary of the new side.
    #[arg(long, value_name = "FILE")]
    new_boundary: Option<PathBuf>,

    /// The SCPs of one level of the old side's organization. Each FILE is a level, and each level must allow.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    old_scp: Vec<PathBuf>,

    /// The SCPs of one level of the new side's organization, likewise.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    new_scp: Vec<PathBuf>,

    /// The form of the answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// The files of one side.
struct Files {
    identity: Vec<Loaded>,
    boundary: Vec<Loaded>,
    scps: Vec<Loaded>,
}

impl Files {
    fn load(identity: &[PathBuf], boundary: Option<&PathBuf>, scps: &[PathBuf]) -> Result<Self> {
        let read = |path: &PathBuf| load(path, Principals::Implied);
        Ok(Self {
            identity: identity.iter().map(read).collect::<Result<_>>()?,
            boundary: boundary.into_iter().map(read).collect::<Result<_>>()?,
            scps: scps.iter().map(read).collect::<Result<_>>()?,
        })
    }

    fn attached(&self) -> Policies<'_> {
        Policies {
            identity: attached(&self.identity),
            boundary: attached(&self.boundary),
            scps: levels(&self.scps),
        }
    }
}

/// The policies of one side.
struct Policies<'f> {
    identity: Vec<Attached<'f>>,
    boundary: Vec<Attached<'f>>,
    scps: Vec<Vec<Attached<'f>>>,
}

impl Policies<'_> {
    fn side(&self) -> Side<'_> {
        Side {
            identity: &self.identity,
            boundary: &self.boundary,
            scps: &self.scps,
        }
    }
}

/// The answer as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered<'a> {
    answer: &'static str,
    witness: Option<&'a Witness<'a>>,
    actions: &'a [&'static str],
    undecided: &'a [String],
}

/// Runs the command.
///
/// # Errors
/// Where a policy file is none, or stdout takes no more.
pub fn run(arguments: &Arguments) -> Result<Ending> {
    let old = Files::load(
        &arguments.old,
        arguments.old_boundary.as_ref(),
        &arguments.old_scp,
    )?;
    let new = Files::load(
        &arguments.new,
        arguments.new_boundary.as_ref(),
        &arguments.new_scp,
    )?;
    let (old, new) = (old.attached(), new.attached());
    let comparison = compare(&old.side(), &new.side());
    output::print(&match arguments.format {
        Format::Json => json(&comparison),
        Format::Text => text(&comparison),
    })?;
    Ok(match comparison.answer {
        Answer::No => Ending::Done,
        Answer::Yes(_) => Ending::Negative,
        Answer::Undecided => Ending::Undecided,
    })
}

fn json(comparison: &Comparison<'_>) -> String {
    let (answer, witness) = match &comparison.answer {
        Answer::No => ("no", None),
        Answer::Yes(witness) => ("yes", Some(&**witness)),
        Answer::Undecided => ("undecided", None),
    };
    let answered = Answered {
        answer,
        witness,
        actions: &comparison.actions,
        undecided: &comparison.undecided,
    };
    serde_json::to_string_pretty(&answered).unwrap_or_default() + "\n"
}

/// How many actions the text names.
const NAMED: usize = 10;

fn text(comparison: &Comparison<'_>) -> String {
    let mut out = String::new();
    match &comparison.answer {
        Answer::No => out.push_str("no: NEW allows nothing that OLD does not\n"),
        Answer::Undecided => out.push_str("undecided: NEW may allow something that OLD does not\n"),
        Answer::Yes(witness) => describe(witness, &mut out),
    }
    if comparison.actions.len() > 1 {
        let count = many(comparison.actions.len() as u64, "action");
        let named: Vec<&str> = comparison.actions.iter().take(NAMED).copied().collect();
        let named = named.join(", ");
        let more = if comparison.actions.len() > NAMED {
            ", ..."
        } else {
            ""
        };
        let _ = writeln!(out, "more is allowed of {count}: {named}{more}");
    }
    for reason in &comparison.undecided {
        let _ = writeln!(out, "undecided: {}", terminal::safe(reason));
    }
    out
}

fn describe(witness: &Witness<'_>, out: &mut String) {
    let safe = terminal::safe;
    let _ = writeln!(
        out,
        "yes: NEW allows `{}` on `{}`",
        safe(&witness.action),
        safe(&witness.resource)
    );
    if witness.future_action {
        out.push_str("  an action that AWS does not have today, made up to fit the patterns\n");
    }
    for (key, values) in &witness.context {
        let _ = writeln!(
            out,
            "  with `{}`: `{}`",
            safe(key),
            safe(&values.join("`, `"))
        );
    }
    for by in &witness.allowed_by {
        let _ = writeln!(out, "  allowed by {}", safe(&by.to_string()));
    }
    let _ = writeln!(out, "  not by OLD: {}", safe(&witness.refused));
}
