//! Names that share a stem.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::generate::bar::{Proof, Value};
use crate::generate::shapes;
use crate::generate::turnover::Span;

/// Names that share a stem, as indices into the list that was asked about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family<'a> {
    /// What every member starts with; it may be empty.
    pub(super) stem: &'a str,
    /// Sorted.
    pub(super) members: Vec<usize>,
    /// Why there will be others.
    pub(super) proof: Proof,
}

/// A name of [`families`].
pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) span: Option<Span>,
    pub(super) created: bool,
    /// Where what looks made up by a machine begins, if anything does.
    pub(super) made_up: Option<usize>,
    /// Where a stem may end.
    pub(super) cuts: Vec<usize>,
}

/// Groups `names` (distinct) by stem: the longest stems first, so that each family is as narrow as it can be.
///
/// A stem is a prefix of a name that ends at one of its cuts. It makes a family where `proof(stem, members, values)` says so
/// of the values under it, or else of those of them that are created; a family that was found under a longer stem is one value, and is swallowed where the shorter stem
/// makes a family too. Names in no family are not returned. Depends on the set of names alone.
pub(super) fn families<'a>(
    names: &[Name<'a>],
    proof: impl Fn(&str, &[usize], &[Value]) -> Option<Proof>,
) -> Vec<Family<'a>> {
    let mut by_stem: BTreeMap<(Reverse<usize>, &'a str), Vec<usize>> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        for &cut in &name.cuts {
            let stem = name.text.get(..cut).unwrap_or(name.text);
            by_stem
                .entry((Reverse(stem.len()), stem))
                .or_default()
                .push(index);
        }
    }
    // To which family each name belongs; at first each is alone.
    let mut owner: Vec<usize> = (0..names.len()).collect();
    let mut found: Vec<(Family<'a>, Value)> = Vec::new();
    for ((_, stem), members) in by_stem {
        if members.len() < 2 {
            continue;
        }
        let value = |owner: usize| match names.get(owner) {
            Some(name) => Value {
                span: name.span,
                created: name.created,
                made_up: name.made_up == Some(stem.len()),
            },
            None => found[owner - names.len()].1,
        };
        let judged = |members: Vec<usize>| {
            let owners: BTreeSet<usize> = members.iter().map(|&i| owner[i]).collect();
            let values: Vec<Value> = owners.into_iter().map(value).collect();
            let proof = proof(stem, &members, &values)?;
            Some((members, values, proof))
        };
        let own = || {
            let own = members.iter().copied().filter(|&i| names[i].created);
            let own: Vec<usize> = own.collect();
            (own.len() < members.len()).then(|| judged(own)).flatten()
        };
        let Some((members, values, proof)) = judged(members.clone()).or_else(own) else {
            continue;
        };
        let id = names.len() + found.len();
        for &i in &members {
            owner[i] = id;
        }
        let together = Value {
            span: values.iter().map(|v| v.span).fold(None, Span::join),
            created: values.iter().all(|v| v.created),
            made_up: false,
        };
        let family = Family {
            stem,
            members,
            proof,
        };
        found.push((family, together));
    }
    let alive: BTreeSet<usize> = owner.into_iter().collect();
    let found = (names.len()..).zip(found);
    found
        .filter(|(id, _)| alive.contains(id))
        .map(|(_, (family, _))| family)
        .collect()
}

/// The words that all `rests` end with, from a separator on: `.json`, `-prod.json`; empty where there are none. What looks made up
/// is none of them: tomorrow's is another.
pub(super) fn common_tail<'a>(mut rests: impl Iterator<Item = &'a str>) -> &'a str {
    let Some(first) = rests.next() else {
        return "";
    };
    let made_up = shapes::made_up(first).map_or(0, |range| range.end);
    let from = made_up.max(first.len().saturating_sub(TAIL));
    let same = |a: &str, b: &str| {
        let pairs = a.bytes().rev().zip(b.bytes().rev());
        pairs.take_while(|(a, b)| a == b).count()
    };
    let shared = rests.map(|rest| same(first, rest)).min().unwrap_or(0);
    let from = from.max(first.len() - shared);
    let separators = first.bytes().enumerate().skip(from);
    let mut separators = separators.filter(|(_, b)| matches!(b, b'-' | b'_' | b'.'));
    let tail = separators.next().map_or("", |(at, _)| &first[at..]);
    let speaks = tail.bytes().any(|b| b.is_ascii_alphabetic());
    if speaks { tail } else { "" }
}

/// The longest tail that is kept.
const TAIL: usize = 32;

#[cfg(test)]
mod tests {
    use super::{Name, common_tail, families};
    use crate::generate::bar::Proof;

    fn at_dashes(name: &str) -> Vec<usize> {
        let dashes = name.match_indices('-').map(|(at, _)| at + 1);
        std::iter::once(0).chain(dashes).collect()
    }

    fn stems(names: &[&str], more_than: usize) -> Vec<(String, usize)> {
        let name = |text: &'static str| Name {
            text,
            span: None,
            created: false,
            made_up: None,
            cuts: at_dashes(text),
        };
        let names: Vec<&'static str> = names
            .iter()
            .map(|name| &*Box::leak((*name).to_owned().into_boxed_str()))
            .collect();
        let names: Vec<Name<'_>> = names.into_iter().map(name).collect();
        families(&names, |_, _, values| {
            (values.len() > more_than).then_some(Proof::Many)
        })
        .into_iter()
        .map(|family| (family.stem.to_owned(), family.members.len()))
        .collect()
    }

    #[test]
    fn the_longest_stem_that_is_large_enough_wins() {
        let names = ["a-x-1", "a-x-2", "a-x-3", "a-y-1", "b-1", "b-2"];
        assert_eq!(stems(&names, 2), [(String::new(), 6)]);
        assert_eq!(stems(&names[..4], 2), [("a-x-".into(), 3)]);
        assert_eq!(stems(&names, 6), []);
    }

    #[test]
    fn what_all_end_with_is_kept() {
        for (rests, expected) in [
            (vec!["a.json", "b.json"], ".json"),
            (vec!["a.json", "b.txt"], ""),
            (vec!["a.tar.gz", "b.gz"], ".gz"),
            (vec!["a-prod.zip", "b-prod.zip"], "-prod.zip"),
            (vec!["xa-prod", "ya-prod"], "-prod"),
            (vec!["x-2026-09-01", "y-2026-09-01"], ""),
            (vec!["x-2026-09-01.gz", "y-2026-09-01.gz"], ".gz"),
            (vec!["a", "b"], ""),
            (vec!["1.", "2."], ""),
            (vec!["1.5", "2.5"], ""),
            (vec![], ""),
        ] {
            assert_eq!(common_tail(rests.iter().copied()), expected, "{rests:?}");
        }
    }
}
