//! Binary search over the lines of a sorted, embedded TSV file.
//!
//! The lines are sorted by their lower-cased first column, as `mappings/generate.py` writes them and a test checks for
//! the files kept by hand. Lines that start with `#` stand first: `#` sorts before every character a key starts with.

use std::cmp::Ordering;

use memchr::{memchr, memrchr};

/// A sorted table, one row a line.
#[derive(Clone, Copy)]
pub(crate) struct Table(pub(crate) &'static str);

/// What to look for in the first column, without regard to letter case.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// `monitoring`, `s3:GetObject`
    Whole(&'a str),
    /// `s3` and `GetObject` for `s3:GetObject`, so that a lookup need not join them.
    Pair(&'a str, &'a str),
}

impl Key<'_> {
    fn cmp(self, column: &str) -> Ordering {
        let (first, rest) = match self {
            Key::Whole(whole) => (whole, None),
            Key::Pair(service, name) => (service, Some(name)),
        };
        let colon = rest.map_or("", |_| ":").bytes();
        let key = first.bytes().chain(colon).chain(rest.unwrap_or("").bytes());
        key.map(|b| b.to_ascii_lowercase())
            .cmp(column.bytes().map(|b| b.to_ascii_lowercase()))
    }
}

impl Table {
    /// Every row whose first column is `key`.
    pub(crate) fn rows<'k>(self, key: Key<'k>) -> impl Iterator<Item = &'static str> + use<'k> {
        self.from(key)
            .take_while(move |line| key.cmp(first_column(line)) == Ordering::Equal)
    }

    /// The one row whose first column is `key`; the first where there are several.
    pub(crate) fn row(self, key: Key<'_>) -> Option<&'static str> {
        self.rows(key).next()
    }

    /// The rows whose first column is `key`, as one text; empty where there are none.
    pub(crate) fn text(self, key: Key<'_>) -> &'static str {
        let rest = self.rest(key);
        let length = rest
            .split_inclusive('\n')
            .take_while(|line| key.cmp(first_column(line)) == Ordering::Equal)
            .map(str::len)
            .sum();
        &rest[..length]
    }

    /// The rows from the first whose first column is not less than `key`, to the end.
    pub(crate) fn from(self, key: Key<'_>) -> impl Iterator<Item = &'static str> + use<> {
        self.rest(key).lines()
    }

    fn rest(self, key: Key<'_>) -> &'static str {
        let text = self.0;
        let (mut low, mut high) = (0, text.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let bytes = text.as_bytes();
            let start = memrchr(b'\n', &bytes[..middle]).map_or(0, |newline| newline + 1);
            let end = memchr(b'\n', &bytes[start..]).map_or(text.len(), |newline| start + newline);
            let line = &text[start..end];
            if key.cmp(first_column(line)) == Ordering::Greater {
                low = start + line.len() + 1;
            } else {
                high = start;
            }
        }
        text.get(low..).unwrap_or("")
    }

    /// Every row, in the file's order.
    pub(crate) fn all(self) -> impl Iterator<Item = &'static str> {
        self.0.lines().filter(|line| !line.starts_with('#'))
    }
}

/// The row's columns; those missing at its end are empty.
pub(crate) fn columns<const N: usize>(line: &'static str) -> [&'static str; N] {
    let mut fields = line.split('\t');
    std::array::from_fn(|_| fields.next().unwrap_or(""))
}

pub(crate) fn first_column(line: &str) -> &str {
    memchr(b'\t', line.as_bytes()).map_or(line, |tab| &line[..tab])
}

#[cfg(test)]
mod tests {
    use super::{Key, Table, columns};

    const FRUIT: Table =
        Table("# header\napple\t1\nApple:Red\t2\nAPPLE:red\t3\nfig\t4\nfig:x\t5\n");

    #[test]
    fn rows_finds_all_rows_of_a_key_in_any_case_and_no_others() {
        let found = |key| {
            FRUIT
                .rows(key)
                .map(|line| columns::<2>(line)[1])
                .collect::<String>()
        };
        assert_eq!(found(Key::Whole("Apple")), "1");
        assert_eq!(found(Key::Whole("apple:red")), "23");
        assert_eq!(found(Key::Pair("apple", "Red")), "23");
        assert_eq!(found(Key::Whole("fig")), "4");
        assert_eq!(found(Key::Pair("fig", "x")), "5");
        for absent in ["", "#", "a", "fi", "figs", "zebra", "fig:"] {
            assert_eq!(found(Key::Whole(absent)), "", "{absent}");
        }
    }

    #[test]
    fn from_starts_at_the_first_row_not_less() {
        assert_eq!(FRUIT.from(Key::Whole("b")).next(), Some("fig\t4"));
        assert_eq!(FRUIT.from(Key::Whole("z")).next(), None);
        assert_eq!(Table("").from(Key::Whole("z")).next(), None);
    }

    /// FNV-1a, as `mappings/generate.py` computes it.
    fn fnv1a(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// After a change of the scripts or the overrides, `python3 mappings/generate.py` has to run again.
    #[test]
    fn the_generated_tables_are_not_stale() {
        let mappings = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
        let sums = std::fs::read_to_string(mappings.join("generated/CHECKSUMS")).unwrap();
        assert!(sums.lines().count() > 10);
        for line in sums.lines() {
            let (name, sum) = line.split_once('\t').unwrap();
            let found = fnv1a(&std::fs::read(mappings.join(name)).unwrap());
            assert_eq!(
                format!("{found:016x}"),
                sum,
                "{name} has changed since the tables were generated"
            );
        }
    }

    #[test]
    fn every_table_is_sorted_by_its_lower_cased_key() {
        let mappings = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
        for folder in ["generated", "overrides"] {
            for entry in std::fs::read_dir(mappings.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "tsv") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let keys: Vec<_> = text
                        .lines()
                        .map(|line| super::first_column(line).to_lowercase())
                        .collect();
                    assert!(keys.is_sorted(), "{}", path.display());
                    assert!(
                        text.starts_with('#') && text.ends_with('\n'),
                        "{}",
                        path.display()
                    );
                }
            }
        }
    }
}
