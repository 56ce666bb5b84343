//! Many names that share a stem.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Names that share a stem, as indices into the list that was asked about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family<'a> {
    /// What every member starts with; it may be empty.
    pub(super) stem: &'a str,
    /// Sorted.
    pub(super) members: Vec<usize>,
}

/// Groups `names` (distinct) by stem: the longest stems first, so that each family is as narrow as it can be.
///
/// A stem is a prefix of a name that ends at one of `cuts(index)`. It makes a family where more than `enough(stem)`
/// names start with it; a family that was found under a longer stem counts as one name, and is swallowed where the
/// shorter stem makes a family too. Names in no family are not returned. Depends on the set of names alone.
pub(super) fn families<'a>(
    names: &[&'a str],
    cuts: impl Fn(usize) -> Vec<usize>,
    enough: impl Fn(&str) -> usize,
) -> Vec<Family<'a>> {
    let mut by_stem: BTreeMap<(Reverse<usize>, &'a str), Vec<usize>> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        for cut in cuts(index) {
            let stem = name.get(..cut).unwrap_or(name);
            by_stem
                .entry((Reverse(stem.len()), stem))
                .or_default()
                .push(index);
        }
    }
    // To which family each name belongs; at first each is alone.
    let mut owner: Vec<usize> = (0..names.len()).collect();
    let mut found: BTreeMap<usize, Family<'a>> = BTreeMap::new();
    for ((_, stem), members) in by_stem {
        let count = members
            .iter()
            .map(|&i| owner[i])
            .collect::<BTreeSet<_>>()
            .len();
        if count > enough(stem) {
            let id = names.len() + found.len();
            for &i in &members {
                owner[i] = id;
            }
            found.insert(id, Family { stem, members });
        }
    }
    found
        .into_iter()
        .filter(|(id, family)| family.members.iter().any(|&i| owner[i] == *id))
        .map(|(_, family)| family)
        .collect()
}

/// The extension that all of `rests` end with, its dot included: `.json`; empty where there is none.
pub(super) fn common_extension<'a>(mut rests: impl Iterator<Item = &'a str>) -> &'a str {
    let Some(first) = rests.next() else {
        return "";
    };
    let extension = first
        .rfind('.')
        .map(|dot| &first[dot..])
        .filter(|e| (2..=8).contains(&e.len()) && e[1..].bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or_default();
    if rests.all(|rest| rest.ends_with(extension)) {
        extension
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::{common_extension, families};

    fn at_dashes(name: &str) -> Vec<usize> {
        let dashes = name.match_indices('-').map(|(at, _)| at + 1);
        std::iter::once(0).chain(dashes).collect()
    }

    fn stems(names: &[&str], enough: usize) -> Vec<(String, usize)> {
        families(names, |i| at_dashes(names[i]), |_| enough)
            .into_iter()
            .map(|family| (family.stem.to_owned(), family.members.len()))
            .collect()
    }

    #[test]
    fn the_longest_stem_that_is_large_enough_wins() {
        let names = ["a-x-1", "a-x-2", "a-x-3", "a-y-1", "b-1", "b-2"];
        assert_eq!(
            stems(&names, 2),
            [("a-x-".into(), 3), (String::new(), 6)]
                .into_iter()
                .skip(1)
                .collect::<Vec<_>>()
        );
        assert_eq!(stems(&names[..4], 2), [("a-x-".into(), 3)]);
        assert_eq!(stems(&names, 6), []);
    }

    #[test]
    fn an_extension_is_kept_where_all_have_it() {
        for (names, expected) in [
            (vec!["a.json", "b.json"], ".json"),
            (vec!["a.json", "b.txt"], ""),
            (vec!["a.tar.gz", "b.gz"], ".gz"),
            (vec!["a", "b"], ""),
            (vec!["v1.", "v2."], ""),
            (vec![], ""),
        ] {
            assert_eq!(common_extension(names.iter().copied()), expected);
        }
    }
}
