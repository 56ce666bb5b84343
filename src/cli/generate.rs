//! `trailfit generate`: logs in, proved policies out.

use std::collections::BTreeMap;
use std::fs;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::file_names;
use crate::cli::input::Input;
use crate::cli::permission_sets::{self, PermissionSets, ProvedSet};
use crate::cli::proved::{Proved, or_without};
use crate::cli::shown;
use crate::cli::tailor::Tailor;
use crate::cli::{Ending, output, own_policy, parallel, tell, usage_error};
use crate::error::Result;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::report::index::{CoverageEntry, Index, Written};
use crate::report::people;
use crate::report::summary::many;
use crate::report::{self, terminal};
use crate::usage::coverage::Coverage;
use crate::usage::created::Created;
use crate::usage::ledger::PrincipalUsage;
use crate::usage::people::SESSION_KEY;
use crate::usage::sum::Sum;
use crate::usage::values::Wanted;

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

    /// What is made of the roles of one permission set of IAM Identity Center. Without it, merge with --out, unless --for asks
    /// for anything but a permission set's policy, and apart else.
    #[arg(long, value_enum, value_name = "HOW")]
    permission_sets: Option<PermissionSets>,

    /// Tell who used what: by the names of the sessions of roles, in the index, or beside the policy. Each record is then read
    /// whole, which takes longer; a ledger does not tell it.
    #[arg(long)]
    people: bool,

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

impl Arguments {
    /// The condition keys whose values the records are asked for: those `wanted` for conditions, and the session's.
    fn asked(&self, wanted: &Wanted) -> Wanted {
        match self.people {
            true => wanted.clone().and(SESSION_KEY),
            false => wanted.clone(),
        }
    }

    /// Whether each permission set has a policy, which is its inline policy.
    fn merges(&self) -> Result<bool> {
        let fits = self.tailor.fits_permission_sets();
        match self.permission_sets {
            Some(PermissionSets::Merge) if !fits => usage_error(
                "--permission-sets merge writes the inline policies of permission sets, and --for asks for something else\nhelp: leave out --for, or give --permission-sets apart for each role's own",
            ),
            Some(how) => Ok(how == PermissionSets::Merge),
            None => Ok(fits && self.out.is_some()),
        }
    }

    /// The policies of permission sets to stdout.
    fn print_sets(&self, used: &[(&Principal, &PrincipalUsage)], quiet: bool) -> Result<()> {
        if self.explain {
            return usage_error(
                "a permission set's policy is not explained, but those of its roles are\nhelp: give --out DIR, or one role with --principal and without --permission-sets",
            );
        }
        let options = self.tailor.options(PrincipalKind::PermissionSet);
        let sets = self.sets(used)?;
        sets.iter()
            .try_for_each(|set| shown::print_set(set, &options, quiet))
    }

    /// The policy of each permission set in `used`.
    fn sets(&self, used: &[(&Principal, &PrincipalUsage)]) -> Result<Vec<ProvedSet>> {
        let options = self.tailor.options(PrincipalKind::PermissionSet);
        let goes_on = self.out.is_some();
        let mut sets = permission_sets::proved(used, &options, self.input.threads(), goes_on)?;
        if self.people {
            permission_sets::tell_people(&mut sets, used);
        }
        Ok(sets)
    }

    /// The policy of each principal in `used`, in an input that `coverage` accounts for.
    fn prove<'l>(
        &self,
        used: &[(&'l Principal, &'l PrincipalUsage)],
        created: &Created,
        coverage: &Coverage,
    ) -> Result<Vec<Proved<'l>>> {
        let end = coverage.seen.map(|(_, last)| last);
        let proved = parallel::map(used, self.input.threads(), |(principal, usage)| {
            let options = self.tailor.options(principal.kind);
            let times = (created.of(principal), end);
            let proved = Proved::of(principal, usage, times, &options);
            or_without(proved, self.out.is_some(), |reason| {
                Proved::without(principal, usage, times, &options, reason)
            })
        });
        let mut proved = proved.into_iter().collect::<Result<Vec<_>>>()?;
        if self.people {
            for each in &mut proved {
                each.entry.people = Some(people::people(&[(each.principal, each.usage)]));
            }
        }
        Ok(proved)
    }
}

/// Runs the command. With `--out`, what is not proved is not written, and the ending is negative.
///
/// # Errors
/// Where an input does not exist, not exactly one principal matches without `--out`, its policy is not proved, or a file
/// cannot be written. Only in the last case may some policies be written already, each of them whole, and then the index
/// is as it was.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    if arguments.own_policy {
        return own_policy::run(&arguments.input, quiet);
    }
    let merges = arguments.merges()?;
    let wanted = arguments.tailor.wanted();
    let asked = arguments.asked(&wanted);
    let mut sum = arguments.input.collect_values(quiet, &asked)?;
    if !quiet && !wanted.is_empty() && arguments.input.has_ledger() {
        tell(UNKEPT);
    }
    let Sum {
        ledger, coverage, ..
    } = &mut *sum;
    ledger
        .principals
        .retain(|principal, _| principal.kind.takes_identity_policy());
    let used: Vec<_> = ledger.principals.iter().collect();
    if arguments.out.is_none() {
        let one_set = permission_sets::is_one(&used);
        if merges && one_set {
            arguments.print_sets(&used, quiet)?;
            return Ok(Ending::of_input(coverage.is_unreadable()));
        }
        if used.len() != 1 {
            return not_one(&used, one_set);
        }
    }
    let threads = arguments.input.threads();
    // As the ledger, they are not taken apart in the end.
    let mut proved = ManuallyDrop::new(arguments.prove(&used, &ledger.created, coverage)?);
    match &arguments.out {
        Some(folder) => {
            let mut sets = match merges {
                true => arguments.sets(&used)?,
                false => Vec::new(),
            };
            file_names::name_files(&mut proved, &mut sets, arguments.explain);
            write(folder, coverage, &proved, &sets, threads)?;
            if !quiet {
                tell_written(folder, &proved, &sets);
                let one_off = proved.iter().map(|each| each.plan.one_off.as_slice());
                tell(&report::one_off::summary(one_off));
            }
            if tell_unproved(&proved, &sets) {
                return Ok(Ending::Negative);
            }
        }
        None => {
            for each in proved.iter() {
                let options = arguments.tailor.options(each.principal.kind);
                shown::print(each, &options, quiet)?;
                if arguments.explain {
                    let [text, _] = each.explained();
                    tell(&format!("\n{text}"));
                }
            }
        }
    }
    Ok(Ending::of_input(coverage.is_unreadable()))
}

/// Says what is not written, as it is not proved; whether there is anything.
fn tell_unproved(proved: &[Proved<'_>], sets: &[ProvedSet]) -> bool {
    let of_principals = proved.iter().filter_map(|each| {
        let reason = each.entry.unproved.as_ref()?;
        Some((format!("`{}`", each.principal.arn), reason))
    });
    let of_sets = sets.iter().filter_map(|set| {
        let reason = set.entry.unproved.as_ref()?;
        Some((format!("the permission set `{}`", set.name), reason))
    });
    let mut any = false;
    for (whose, reason) in of_principals.chain(of_sets) {
        any = true;
        let text =
            format!("error: the policy of {whose} is not proved, so it was not written: {reason}");
        tell(&format!("{}\n", terminal::safe(&text)));
    }
    any
}

/// Says how much was written.
fn tell_written(folder: &Path, proved: &[Proved<'_>], sets: &[ProvedSet]) {
    let proved = proved.iter().filter(|each| each.entry.unproved.is_none());
    let sets = sets.iter().filter(|set| set.entry.unproved.is_none());
    let of_principals = proved.clone().map(|each| each.texts.len() as u64);
    let of_sets = sets.clone().map(|set| set.texts.len() as u64);
    let principals = many(proved.count() as u64, "principal");
    let whom = match sets.count() as u64 {
        0 => principals,
        count => format!("{principals} and {}", many(count, "permission set")),
    };
    tell(&format!(
        "wrote {} for {whom} to `{}`, each proved against its events\n",
        many(of_principals.chain(of_sets).sum(), "policy document"),
        folder.display()
    ));
}

/// Writes the documents, what explains them, and the index that names all.
fn write(
    folder: &Path,
    coverage: &Coverage,
    proved: &[Proved<'_>],
    sets: &[ProvedSet],
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
    let of_sets = sets
        .iter()
        .flat_map(|set| set.entry.files.iter().zip(&set.texts));
    let documents = documents.chain(of_sets);
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
        permission_sets: sets.iter().map(|set| &set.entry).collect(),
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
    let of_sets = old.permission_sets.into_iter().flat_map(|set| set.files);
    let files = files.chain(of_sets);
    files.filter(|name| output::is_below(name)).collect()
}

/// The error of a choice that is none, with the principals there are.
fn not_one(used: &[(&Principal, &PrincipalUsage)], one_set: bool) -> Result<Ending> {
    const SHOWN: usize = 10;
    let count = used.len();
    if count == 0 {
        return usage_error(
            "no principal matches\nhelp: `trailfit principals INPUT` lists those in the logs",
        );
    }
    let merge = match one_set {
        true => "write one policy for the permission set of all with --permission-sets merge, ",
        false => "",
    };
    let mut message = format!(
        "{count} principals match, and without --out there must be one\nhelp: choose one with --principal, {merge}or give --out DIR for all:"
    );
    for (principal, _) in used.iter().take(SHOWN) {
        message.push_str("\n  ");
        message.push_str(&terminal::safe(&principal.arn));
    }
    if count > SHOWN {
        message.push_str(&format!("\n  and {} more", count - SHOWN));
    }
    usage_error(message)
}
