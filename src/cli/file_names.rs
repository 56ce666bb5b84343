//! Which file below the folder is whose.

use std::collections::BTreeSet;

use crate::cli::output;
use crate::cli::permission_sets::ProvedSet;
use crate::cli::proved::Proved;
use crate::iam::principal::Principal;

/// Gives each document its path below the folder, and what explains them theirs, if that is wanted.
pub(super) fn name_files(proved: &mut [Proved<'_>], sets: &mut [ProvedSet], explain: bool) {
    // All first documents have their names before any second one, so that `deploy-2.json` is the role `deploy-2`'s if
    // there is one, and not the second part of `deploy`'s.
    let mut taken = BTreeSet::new();
    let stems: Vec<String> = proved
        .iter()
        .map(|each| free_name(&mut taken, stem(each.principal)))
        .collect();
    let set_stems: Vec<String> = sets
        .iter()
        .map(|set| {
            let stem = format!("permission-set/{}", output::file_name(&set.name));
            free_name(&mut taken, stem)
        })
        .collect();
    for (each, stem) in proved.iter_mut().zip(stems) {
        each.entry.files = paths(&mut taken, &stem, each.texts.len());
        if explain && !each.texts.is_empty() {
            // There may be a role `deploy.explain`.
            let stem = free_name(&mut taken, format!("{stem}.explain"));
            each.entry.explanations = vec![format!("{stem}.txt"), format!("{stem}.json")];
        }
    }
    for (set, stem) in sets.iter_mut().zip(set_stems) {
        set.entry.files = paths(&mut taken, &stem, set.texts.len());
    }
}

/// The paths of the documents whose first one has this `stem`.
fn paths(taken: &mut BTreeSet<String>, stem: &str, documents: usize) -> Vec<String> {
    let stems = (0..documents).map(|at| match at {
        0 => stem.to_owned(),
        at => free_name(taken, format!("{stem}-{}", at + 1)),
    });
    stems.map(|stem| format!("{stem}.json")).collect()
}

/// `<account>/<kind>/<name>`
fn stem(principal: &Principal) -> String {
    // An account's id out of a log may be anything: `index.json`, or the name of another folder.
    let account = match principal.account.as_str() {
        id if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => id,
        _ => "unknown-account",
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
