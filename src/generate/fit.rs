//! A plan that fits what AWS takes, by what costs a reader least: first statements that are grouped as a person would, then
//! moves that are exact, and only then, where they help and are not forbidden, action wildcards.

use std::collections::BTreeMap;

use crate::generate::Part;
use crate::generate::minimise::{self, Facts, Grant, Grouping};
use crate::generate::options::ActionWildcards;
use crate::generate::quota::Quota;
use crate::generate::split::{self, Split};
use crate::generate::widening::Widening;
use crate::generate::wildcard::{self, Candidate};
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::iam::policy::PolicyDocument;

/// Facts that may share statements.
pub(super) struct Group<'f> {
    pub(super) part: Part,
    pub(super) conditions: Vec<Condition>,
    pub(super) facts: Facts<'f>,
}

/// Documents, and what to tell about them.
#[derive(Default)]
pub(super) struct Fitted {
    pub(super) split: Split,
    /// What action wildcards admit.
    pub(super) widened: Vec<Widening>,
    /// How many documents there are more than the quota takes.
    pub(super) excess: usize,
}

/// How statements are made, in the order of what it costs a reader: which facts may share one, whether those of several services
/// on any resource do, and what to say of it.
const LADDER: [(Grouping, bool, &str); 3] = [
    (Grouping::ServiceAndAccess, false, ""),
    (
        Grouping::Service,
        false,
        "reading and writing of a service share statements, because the quota forces it",
    ),
    (
        Grouping::Service,
        true,
        "reading and writing of a service share statements, and so do actions of several services on any resource, because the quota forces it",
    ),
];

/// The grants that allow the pairs of `groups`, by service and access.
pub(super) fn as_a_person_would(groups: &[Group<'_>]) -> Vec<Grant> {
    grants(groups, Grouping::ServiceAndAccess)
}

/// The documents that allow the pairs of `groups`, and what was `inferred` from them. Where they do not fit `quota`, they are those that come nearest without
/// widening for it, and a note says by how much.
pub(super) fn fit(
    groups: &[Group<'_>],
    inferred: &[Grant],
    quota: Quota,
    wildcards: ActionWildcards,
) -> Fitted {
    let mut best = Fitted::default();
    let mut before: Option<Vec<Grant>> = None;
    let mut joint = None;
    for (grouping, joined, note) in LADDER {
        let mut grants = grants(groups, grouping);
        grants.extend_from_slice(inferred);
        minimise::order(&mut grants);
        if joined {
            grants = anywhere_at_once(grants);
        }
        // Where nothing was there to be joined, nothing is told.
        if before.as_ref() == Some(&grants) {
            continue;
        }
        let candidates = candidates(&grants, wildcards == ActionWildcards::Always);
        let mut found = widened(&grants, &wildcard::worth_it(&candidates), quota);
        if before.is_none() || found.excess < best.excess {
            found.split.notes.extend(told(note));
            best = found;
        }
        joint = told(note);
        if best.excess == 0 {
            return best;
        }
        before = Some(grants);
    }
    let grants = before.unwrap_or_default();
    let candidates = candidates(&grants, wildcards != ActionWildcards::Never);
    match fewest_wildcards(&grants, &candidates, quota) {
        Some(mut fitted) => {
            fitted.split.notes.extend(joint);
            fitted
        }
        None => best,
    }
}

fn told(note: &str) -> Option<String> {
    (!note.is_empty()).then(|| note.to_owned())
}

fn candidates(grants: &[Grant], wanted: bool) -> Vec<Candidate> {
    match wanted {
        true => wildcard::candidates(grants),
        false => Vec::new(),
    }
}

fn grants(groups: &[Group<'_>], grouping: Grouping) -> Vec<Grant> {
    let each = |group: &Group<'_>| {
        minimise::grouped(&group.facts, group.part, &group.conditions, grouping)
    };
    let mut grants: Vec<Grant> = groups.iter().flat_map(each).collect();
    minimise::order(&mut grants);
    grants
}

/// The grants, with those on any resource as one, whatever their services.
fn anywhere_at_once(grants: Vec<Grant>) -> Vec<Grant> {
    let (anywhere, mut rest): (Vec<Grant>, Vec<Grant>) = grants
        .into_iter()
        .partition(|grant| grant.resources.iter().all(ResourceArn::is_any));
    let mut joined: BTreeMap<(Part, Vec<Condition>), Grant> = BTreeMap::new();
    for grant in anywhere {
        match joined.get_mut(&(grant.part, grant.conditions.clone())) {
            Some(first) => first.actions.extend(grant.actions),
            None => {
                joined.insert((grant.part, grant.conditions.clone()), grant);
            }
        }
    }
    rest.extend(joined.into_values().map(|mut grant| {
        grant.actions.sort();
        grant.actions.dedup();
        grant
    }));
    minimise::order(&mut rest);
    rest
}

/// How many amounts of characters to save are tried.
const TRIES: u32 = 10;

/// The grants with the wildcards that make them fit and admit least; `None` where none do.
fn fewest_wildcards(grants: &[Grant], candidates: &[Candidate], quota: Quota) -> Option<Fitted> {
    let saving = |characters: usize| {
        let taken = wildcard::lightest(candidates, characters)?;
        Some(widened(grants, &taken, quota)).filter(|fitted| fitted.excess == 0)
    };
    let all = wildcard::shortest(candidates);
    let mut most = wildcard::saved(&all);
    let mut best = widened(grants, &all, quota);
    if best.excess > 0 {
        return None;
    }
    // How much must be saved depends on how the rest goes into documents.
    let mut least = 0_usize;
    for _ in 0..TRIES {
        let middle = least.midpoint(most);
        match saving(middle) {
            Some(fitted) => (most, best) = (middle, fitted),
            None => least = middle,
        }
    }
    best.split
        .notes
        .push("actions are written with wildcards, because the quota forces it".to_owned());
    Some(best)
}

/// The documents of the grants with these wildcards.
fn widened(grants: &[Grant], taken: &[&Candidate], quota: Quota) -> Fitted {
    let (mut grants, widened) = match taken {
        [] => (grants.to_vec(), Vec::new()),
        _ => wildcard::applied(grants, taken),
    };
    minimise::order(&mut grants);
    let mut split = split::documents(grants, quota);
    let documents = split.documents.len();
    let size = split.documents.iter().map(PolicyDocument::size).sum();
    split.notes.extend(quota.excess(documents, size));
    if documents > 0 {
        let notes = quota.target.notes().iter();
        split.notes.extend(notes.map(|note| (*note).to_owned()));
    }
    Fitted {
        excess: documents.saturating_sub(quota.documents),
        split,
        widened,
    }
}
