//! `trailfit generate`: logs in, proved policies out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::input::Input;
use crate::cli::tailor::Tailor;
use crate::cli::{Ending, output, own_policy, parallel, tell, usage_error};
use crate::error::{Error, Result};
use crate::generate::options::Options;
use crate::generate::{self, Plan, explain, one_off};
use crate::iam::policy::PolicyDocument;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::report::conditions;
use crate::report::index::{
    CoverageEntry, Index, PrincipalEntry, SetUpEntry, WideningEntry, Written,
};
use crate::report::outlook;
use crate::report::summary::many;
use crate::report::{self, terminal};
use crate::usage::coverage::Coverage;
use crate::usage::ledger::{Ledger, PrincipalUsage};
use crate::usage::sum::Sum;
use crate::verify::evaluate::Attached;
use crate::verify::{policy, replay};

/// Write the least-privilege policy of each principal, proved against the events it came from.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,

    /// Write an index and the policies of all principals below this folder. Without it, exactly one principal must
    /// match, and its policy goes to stdout.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    tailor: Tailor,

    /// Say of each statement why it is there: how often and when it was used, with events and resources as examples, and
    /// the rules behind its patterns. On stderr, or with --out in files beside the policies.
    #[arg(long)]
    explain: bool,

    /// Print the least-privilege policy of trailfit itself, for reading these INPUTs (without any: a template), and read
    /// nothing.
    #[arg(long, conflicts_with_all = ["out", "principal", "explain"])]
    own_policy: bool,
}

/// What conditions cannot rest on a ledger.
const UNKEPT: &str = "note: a ledger does not tell addresses, VPC endpoints, MFA, prefixes and hours of calls: no conditions are written on these, unless logs alone are given\n";

/// Runs the command.
///
/// # Errors
/// Where an input does not exist, not exactly one principal matches without `--out`, a policy is not proved, or a file
/// cannot be written. Only in the last case may some policies be written already, each of them whole, and then the index
/// is as it was.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    if arguments.own_policy {
        return own_policy::run(&arguments.input, quiet);
    }
    let wanted = arguments.tailor.wanted();
    let mut sum = arguments.input.collect_values(quiet, &wanted)?;
    if !quiet && !wanted.is_empty() && arguments.input.has_ledger() {
        tell(UNKEPT);
    }
    let Sum {
        ledger, coverage, ..
    } = &mut *sum;
    ledger
        .principals
        .retain(|principal, _| principal.kind.takes_identity_policy());
    if arguments.out.is_none() && ledger.principals.len() != 1 {
        return not_one(ledger);
    }
    let used: Vec<_> = ledger.principals.iter().collect();
    let threads = arguments.input.threads();
    let proved = parallel::map(&used, threads, |(principal, usage)| {
        let options = arguments.tailor.options(principal.kind);
        Proved::of(principal, usage, ledger.created.of(principal), &options)
    });
    // As the ledger, they are not taken apart in the end.
    let mut proved = ManuallyDrop::new(proved.into_iter().collect::<Result<Vec<_>>>()?);
    match &arguments.out {
        Some(folder) => {
            name_files(&mut proved, arguments.explain);
            write(folder, coverage, &proved, threads)?;
            if !quiet {
                let documents = proved.iter().map(|each| each.texts.len() as u64);
                tell(&format!(
                    "wrote {} for {} to `{}`, each proved against its events\n",
                    many(documents.sum(), "policy document"),
                    many(proved.len() as u64, "principal"),
                    folder.display()
                ));
                let one_off = proved.iter().map(|each| each.plan.one_off.as_slice());
                tell(&report::one_off::summary(one_off));
            }
        }
        None => {
            for each in proved.iter() {
                let options = arguments.tailor.options(each.principal.kind);
                print(each, &options, quiet)?;
                if arguments.explain {
                    let [text, _] = each.explained();
                    tell(&format!("\n{text}"));
                }
            }
        }
    }
    Ok(Ending::of_input(coverage.is_unreadable()))
}

/// Writes the documents, what explains them, and the index that names all.
fn write(
    folder: &Path,
    coverage: &Coverage,
    proved: &[Proved<'_>],
    threads: NonZeroUsize,
) -> Result<()> {
    let old = index_of(folder);
    let explaining = proved
        .iter()
        .filter(|each| !each.entry.explanations.is_empty());
    let explaining: Vec<_> = explaining.collect();
    let explained = parallel::map(&explaining, threads, |each| each.explained());
    let documents = proved
        .iter()
        .flat_map(|each| each.entry.files.iter().zip(&each.texts));
    let explanations = explaining.iter().flat_map(|each| &each.entry.explanations);
    let explanations = explanations.zip(explained.iter().flatten());
    let files: BTreeMap<&String, &String> = documents.chain(explanations).collect();
    let listed: Vec<_> = files.iter().collect();
    let written = parallel::map(&listed, threads, |(name, text)| {
        output::replace(&folder.join(name), text)
    });
    written.into_iter().collect::<Result<()>>()?;
    // The index comes last: it never names a file that is not there yet.
    let index = Index {
        coverage: CoverageEntry::of(coverage),
        principals: proved.iter().map(|each| &each.entry).collect(),
    };
    let text = serde_json::to_string_pretty(&index).unwrap_or_default() + "\n";
    output::replace(&folder.join("index.json"), &text)?;
    // What an earlier run wrote for principals that are not there any more would be attached by mistake.
    for name in old.iter().filter(|name| !files.contains_key(*name)) {
        let _ = fs::remove_file(folder.join(name));
    }
    Ok(())
}

/// The files that the index in `folder`, if there is one, says were written below it.
fn index_of(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("index.json")).unwrap_or_default();
    let Ok(old) = serde_json::from_str::<Written>(&text) else {
        return Vec::new();
    };
    let entries = old.principals.into_iter();
    let files = entries.flat_map(|entry| entry.files.into_iter().chain(entry.explanations));
    files.filter(|name| output::is_below(name)).collect()
}

/// The error of a choice that is none, with the principals there are.
fn not_one(ledger: &Ledger) -> Result<Ending> {
    const SHOWN: usize = 10;
    let count = ledger.principals.len();
    if count == 0 {
        return usage_error(
            "no principal matches\nhelp: `trailfit principals INPUT` lists those in the logs",
        );
    }
    let mut message = format!(
        "{count} principals match, and without --out there must be one\nhelp: choose one with --principal, or give --out DIR for all:"
    );
    for principal in ledger.principals.keys().take(SHOWN) {
        message.push_str("\n  ");
        message.push_str(&terminal::safe(&principal.arn));
    }
    if count > SHOWN {
        message.push_str(&format!("\n  and {} more", count - SHOWN));
    }
    usage_error(message)
}

/// A principal's policy, which allows what it used.
struct Proved<'l> {
    principal: &'l Principal,
    usage: &'l PrincipalUsage,
    plan: Plan,
    /// The documents as they are written.
    texts: Vec<String>,
    /// All but the names of the files.
    entry: PrincipalEntry,
}

impl<'l> Proved<'l> {
    fn of(
        principal: &'l Principal,
        usage: &'l PrincipalUsage,
        created: Option<i64>,
        options: &Options,
    ) -> Result<Self> {
        let plan = generate::plan(usage, options);
        let texts: Vec<String> = plan.documents.iter().map(PolicyDocument::to_json).collect();
        prove(principal, &one_off::granted(usage, &plan), &texts)?;
        let mut entry = PrincipalEntry::of(principal, usage, created);
        entry.sizes = plan.documents.iter().map(PolicyDocument::size).collect();
        entry.widened = plan.widened.iter().map(WideningEntry::of).collect();
        entry.one_off = plan.one_off.iter().map(SetUpEntry::of).collect();
        entry.support(&plan.supports);
        entry.notes.extend(plan.notes.iter().cloned());
        entry.notes.extend(notes(principal));
        Ok(Self {
            principal,
            usage,
            plan,
            texts,
            entry,
        })
    }
}

impl Proved<'_> {
    /// Why each statement is there: in words, and for programs.
    fn explained(&self) -> [String; 2] {
        let (principal, usage, files) = (self.principal, self.usage, &self.entry.files);
        let statements = explain::explain(usage, &self.plan);
        let entry = report::explain::entry(principal, usage, &statements, files);
        [
            report::explain::text(principal, usage, &statements, files),
            serde_json::to_string_pretty(&entry).unwrap_or_default() + "\n",
        ]
    }
}

/// Replays what the principal used against the documents as they will be written, read back from their text by the
/// evaluator, which shares no code with the generator.
fn prove(principal: &Principal, usage: &PrincipalUsage, documents: &[String]) -> Result<()> {
    let unproved = |reason: String| Error::Unproved {
        principal: principal.arn.clone(),
        reason,
    };
    let mut policies = Vec::new();
    for document in documents {
        policies.extend(policy::parse(document).map_err(|error| unproved(error.to_string()))?);
    }
    let attached: Vec<Attached<'_>> = policies
        .iter()
        .map(|policy| Attached {
            principal: Some(&principal.arn),
            name: "generated",
            policy,
        })
        .collect();
    match replay::first_gap(principal, usage, &attached) {
        Some(gap) => Err(unproved(format!(
            "{} on {}: {}",
            gap.action, gap.resource, gap.reason
        ))),
        None => Ok(()),
    }
}

/// Gives each document its path below the folder, and what explains them theirs, if that is wanted.
fn name_files(proved: &mut [Proved<'_>], explain: bool) {
    // All first documents have their names before any second one, so that `deploy-2.json` is the role `deploy-2`'s if
    // there is one, and not the second part of `deploy`'s.
    let mut taken = BTreeSet::new();
    let stems: Vec<String> = proved
        .iter()
        .map(|each| free_name(&mut taken, stem(each.principal)))
        .collect();
    for (each, stem) in proved.iter_mut().zip(stems) {
        let paths = (0..each.texts.len()).map(|at| match at {
            0 => stem.clone(),
            at => free_name(&mut taken, format!("{stem}-{}", at + 1)),
        });
        each.entry.files = paths.map(|path| format!("{path}.json")).collect();
        if explain && !each.texts.is_empty() {
            // There may be a role `deploy.explain`.
            let stem = free_name(&mut taken, format!("{stem}.explain"));
            each.entry.explanations = vec![format!("{stem}.txt"), format!("{stem}.json")];
        }
    }
}

/// `<account>/<kind>/<name>`
fn stem(principal: &Principal) -> String {
    let account = match principal.account.as_str() {
        "" => "unknown-account".to_owned(),
        account => output::file_name(account),
    };
    format!(
        "{account}/{}/{}",
        principal.kind.as_str(),
        output::file_name(&principal.name)
    )
}

/// `wanted`, or with a number behind `~` where that is taken: a permission set made anew has another role of the same
/// name. Names that differ in letter case only are one to some file systems.
fn free_name(taken: &mut BTreeSet<String>, wanted: String) -> String {
    let mut name = wanted.clone();
    let mut number = 2;
    while !taken.insert(name.to_lowercase()) {
        name = format!("{wanted}~{number}");
        number += 1;
    }
    name
}

/// What a reader must know about the kind of principal.
fn notes(principal: &Principal) -> Vec<String> {
    let mut notes = Vec::new();
    if principal.kind == PrincipalKind::Root {
        notes.push(
            "no identity policy limits the root user; this shows what it was used for".to_owned(),
        );
    }
    if principal.is_service_linked() {
        notes.push(
            "a service-linked role: AWS keeps its policy, which cannot be replaced".to_owned(),
        );
    }
    notes
}

/// One principal's policy on stdout; what it widens and what a reader must know on stderr.
fn print(proved: &Proved<'_>, options: &Options, quiet: bool) -> Result<()> {
    let Proved {
        principal,
        usage,
        plan,
        texts,
        entry,
    } = proved;
    let text = match texts.as_slice() {
        [] => {
            return usage_error(format!(
                "`{}` used nothing that a policy could allow",
                terminal::safe(&principal.arn)
            ));
        }
        [one] => Cow::Borrowed(one),
        _ => Cow::Owned(serde_json::to_string_pretty(&plan.documents).unwrap_or_default() + "\n"),
    };
    output::print(&text)?;
    if quiet {
        return Ok(());
    }
    let mut message = format!(
        "{}: {}, {}, proved against {}\n",
        terminal::safe(&principal.arn),
        many(plan.documents.len() as u64, "document"),
        many(entry.sizes.iter().sum::<usize>() as u64, "character"),
        many(usage.total_events(), "event"),
    );
    for widening in &plan.widened {
        message.push_str(&format!(
            "widened by {}: {} stands for {}{}: {}\n",
            widening.rule,
            terminal::safe(widening.resource.as_str()),
            many(widening.values as u64, "value"),
            match widening.days {
                0 => String::new(),
                days => format!(" on {}", many(days as u64, "day")),
            },
            terminal::safe(&widening.admits),
        ));
    }
    message.push_str(&report::one_off::text(&plan.one_off, options.one_off));
    message.push_str(&conditions::text(&plan.supports, usage));
    let outlook = entry.outlook.as_ref();
    let outlook = outlook.map_or_else(|| outlook::words(None), |outlook| outlook.words.clone());
    message.push_str(&format!("outlook: {outlook}\n"));
    for note in &entry.notes {
        message.push_str(&format!("note: {}\n", terminal::safe(note)));
    }
    tell(&message);
    Ok(())
}
