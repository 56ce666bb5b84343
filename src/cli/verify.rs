//! `trailfit verify`: would these policies have allowed what was used?

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::input::Input;
use crate::cli::policies::{not_a_policy, parse, read};
use crate::cli::{Ending, Format, output, tell, usage_error};
use crate::error::Result;
use crate::report::index::Written;
use crate::report::summary::{grouped, many};
use crate::report::terminal;
use crate::usage::joint::Joint;
use crate::usage::told;
use crate::verify::asked::Asked;
use crate::verify::evaluate::Attached;
use crate::verify::policy::Policy;
use crate::verify::replay::{self, Gap, Replay};

/// Replay every used event against policies: exit 1 where one would not have been allowed.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,

    /// A policy document, taken to be attached to every principal; or what `generate --out` wrote (the folder or its
    /// index.json), where each policy counts for its own principal. May be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    policy: Vec<PathBuf>,

    /// The form of the answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// A policy, the name it is reported under, and whose it is; `None`: everybody's.
pub(super) struct Loaded {
    pub(super) principal: Option<String>,
    pub(super) name: String,
    pub(super) policy: Policy,
}

/// Runs the command.
///
/// # Errors
/// Where an input does not exist, a policy file is none, or stdout takes no more.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let mut policies = Vec::new();
    for path in &arguments.policy {
        load(path, &mut policies)?;
    }
    let asked = Asked::by(policies.iter().map(|loaded| &loaded.policy));
    let sum = arguments.input.collect_asked(quiet, &asked)?;
    if asked.is_too_much() {
        return usage_error(too_much(&asked));
    }
    if !quiet && arguments.input.has_ledger() {
        tell_unkept(&asked);
    }
    let none = Joint::default();
    let joint = sum.joint.as_ref().unwrap_or(&none);
    let attached: Vec<Attached<'_>> = policies
        .iter()
        .map(|loaded| Attached {
            principal: loaded.principal.as_deref(),
            name: &loaded.name,
            policy: &loaded.policy,
        })
        .collect();
    let replay = replay::replay(&sum.ledger, joint, &attached, &asked);
    output::print(&match arguments.format {
        Format::Json => serde_json::to_string_pretty(&replay).unwrap_or_default() + "\n",
        Format::Text => text(&replay),
    })?;
    if !replay.gaps.is_empty() {
        return Ok(Ending::Negative);
    }
    Ok(Ending::of_input(sum.coverage.is_unreadable()))
}

/// Adds the policies of a file, or of what `generate --out` wrote.
///
/// # Errors
/// Where one cannot be read, or is none.
pub(super) fn load(path: &Path, policies: &mut Vec<Loaded>) -> Result<()> {
    let index_path = if path.is_dir() {
        path.join("index.json")
    } else {
        path.to_owned()
    };
    let text = read(&index_path)?;
    let Ok(index) = serde_json::from_str::<Written>(&text) else {
        return add(
            &index_path,
            &text,
            None,
            &index_path.display().to_string(),
            policies,
        );
    };
    let folder = index_path.parent().unwrap_or(Path::new("."));
    for entry in index.principals {
        for file in entry.files {
            // Only files below the folder: an index from elsewhere must not reach out of it.
            if !output::is_below(&file) {
                return Err(not_a_policy(
                    &index_path,
                    format!("it names `{file}`, which is not below its folder"),
                ));
            }
            let path = folder.join(&file);
            add(
                &path,
                &read(&path)?,
                Some(&entry.principal),
                &file,
                policies,
            )?;
        }
    }
    Ok(())
}

fn add(
    path: &Path,
    text: &str,
    principal: Option<&str>,
    name: &str,
    policies: &mut Vec<Loaded>,
) -> Result<()> {
    let parsed = parse(path, text)?;
    policies.extend(parsed.into_iter().map(|policy| Loaded {
        principal: principal.map(str::to_owned),
        name: name.to_owned(),
        policy,
    }));
    Ok(())
}

/// Why the contexts could not be told apart, and what to do about it.
fn too_much(asked: &Asked<'_>) -> String {
    let keys: Vec<&str> = asked.keys_by_value().collect();
    let why = match keys.is_empty() {
        true => String::new(),
        false => format!(
            "they compare `{}` with a variable or use it as one; ",
            terminal::safe(&keys.join("`, `"))
        ),
    };
    format!(
        "the policies tell more contexts of calls apart than can be kept\n\
         help: {why}verify a shorter time, or fewer statements"
    )
}

/// Says which keys that the policies ask for a ledger does not keep.
fn tell_unkept(asked: &Asked<'_>) {
    let keys: Vec<&str> = asked.keys().filter(|key| !told::is_kept(key)).collect();
    if !keys.is_empty() {
        let keys = terminal::safe(&keys.join("`, `")).into_owned();
        tell(&format!(
            "note: a ledger does not tell `{keys}` of each call; what depends on that is not certain, unless logs alone are given\n"
        ));
    }
}

fn text(replay: &Replay) -> String {
    let mut out = String::new();
    let (certain, open): (Vec<&Gap>, Vec<&Gap>) = replay.gaps.iter().partition(|gap| gap.certain);
    for gap in certain {
        write_gap("gap", gap, &mut out);
    }
    if !open.is_empty() {
        let paragraph = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(
            out,
            "{paragraph}not certain, as the input does not tell the condition keys:"
        );
    }
    for gap in &open {
        write_gap("gap?", gap, &mut out);
    }
    if !open.is_empty() {
        out.push('\n');
    }
    let mut unused: BTreeMap<&str, usize> = BTreeMap::new();
    for excess in &replay.excess {
        *unused.entry(&excess.policy).or_default() += 1;
    }
    for (policy, count) in unused {
        let pairs = many(count as u64, "pair");
        let policy = terminal::safe(policy);
        let _ = writeln!(
            out,
            "unused: `{policy}` grants {pairs} of action and resource that no event used"
        );
    }
    let _ = write!(
        out,
        "{} of {} allowed, {}",
        grouped(replay.allowed),
        many(replay.events, "used event"),
        many(replay.gaps.len() as u64, "gap"),
    );
    let _ = match open.len() {
        0 => writeln!(out),
        open => writeln!(out, ", {} of them not certain", grouped(open as u64)),
    };
    out
}

fn write_gap(word: &str, gap: &Gap, out: &mut String) {
    let _ = writeln!(
        out,
        "{word}: {} {} on {}: {}, {}",
        terminal::safe(&gap.principal),
        gap.action,
        terminal::safe(&gap.resource),
        many(gap.events, "call"),
        terminal::safe(&gap.reason),
    );
}
