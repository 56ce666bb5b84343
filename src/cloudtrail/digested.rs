//! The times of which digests tell.

use std::collections::BTreeMap;

const HOUR: i64 = 3600;

/// The times that digests cover, by account and Region. A set: the order in which it was told of them is of no matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digested {
    /// Sorted, and none touches the next.
    periods: BTreeMap<(String, String), Vec<(i64, i64)>>,
}

/// A time without digests for an account's Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// From when on, in seconds since 1970.
    pub from: i64,
    /// Until when.
    pub to: i64,
}

impl Digested {
    /// Adds the period of a digest, in seconds since 1970.
    pub fn add(&mut self, account: &str, region: &str, (start, end): (i64, i64)) {
        let place = (account.to_owned(), region.to_owned());
        let periods = self.periods.entry(place).or_default();
        // Those that it touches become one with it.
        let first = periods.partition_point(|period| period.1 < start);
        let behind = periods.partition_point(|period| period.0 <= end);
        let touched = &periods[first..behind.max(first)];
        let start = touched.first().map_or(start, |period| period.0.min(start));
        let end = touched.last().map_or(end, |period| period.1.max(end));
        periods.splice(first..behind.max(first), [(start, end)]);
    }

    /// Adds what `other` has.
    pub fn merge(&mut self, other: Self) {
        for ((account, region), periods) in other.periods {
            for period in periods {
                self.add(&account, &region, period);
            }
        }
    }

    /// Whether digests cover all of a period.
    #[must_use]
    pub fn covers(&self, account: &str, region: &str, (from, to): (i64, i64)) -> bool {
        let place = (account.to_owned(), region.to_owned());
        let mut periods = self.periods.get(&place).into_iter().flatten();
        periods.any(|&(start, end)| start <= from && to <= end)
    }

    /// The times without digests, between the first and the last digest of all, sorted. Regions have their digests at different
    /// minutes of the hour, so one that begins later than another, or ends earlier, by less than an hour has no gap there.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let all = || self.periods.values().flatten();
        let first = all().map(|&(start, _)| start).min().unwrap_or_default();
        let last = all().map(|&(_, end)| end).max().unwrap_or_default();
        let mut gaps = Vec::new();
        for ((account, region), periods) in &self.periods {
            let mut gap = |from: i64, to: i64, least: i64| {
                if to - from >= least {
                    gaps.push(Gap {
                        account: account.clone(),
                        region: region.clone(),
                        from,
                        to,
                    });
                }
            };
            let mut covered_to = first;
            for (at, &(start, end)) in periods.iter().enumerate() {
                gap(covered_to, start, if at == 0 { HOUR } else { 1 });
                covered_to = end;
            }
            gap(covered_to, last, HOUR);
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Digested, HOUR};

    fn of(periods: &[(i64, i64)]) -> Digested {
        let mut digested = Digested::default();
        for &period in periods {
            digested.add("1", "eu-west-1", period);
        }
        digested
    }

    #[test]
    fn gaps_are_what_lies_between() {
        let gaps = |periods: &[(i64, i64)], other: (i64, i64)| -> Vec<(String, i64, i64)> {
            let mut digested = of(periods);
            digested.add("1", "us-east-1", other);
            let gaps = digested.gaps().into_iter();
            gaps.map(|gap| (gap.region, gap.from, gap.to)).collect()
        };
        let ireland = |from, to| ("eu-west-1".to_owned(), from, to);
        assert_eq!(
            gaps(&[(0, HOUR), (HOUR, 2 * HOUR)], (60, 2 * HOUR + 60)),
            []
        );
        assert_eq!(
            gaps(&[(0, HOUR), (HOUR + 5, 2 * HOUR)], (0, 2 * HOUR)),
            [ireland(HOUR, HOUR + 5)]
        );
        assert_eq!(
            gaps(&[(HOUR, 2 * HOUR)], (0, 3 * HOUR)),
            [ireland(0, HOUR), ireland(2 * HOUR, 3 * HOUR)]
        );
        assert_eq!(Digested::default().gaps(), []);
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_seconds(
            periods in prop::collection::vec((0..40i64, 0..9i64), 0..12),
            cut in any::<prop::sample::Index>(),
            asked in (0..40i64, 1..9i64),
        ) {
            let periods: Vec<_> = periods.into_iter().map(|(start, length)| (start, start + length)).collect();
            let whole = of(&periods);
            let (a, b) = periods.split_at(cut.index(periods.len() + 1));
            let mut merged = of(b);
            merged.merge(of(a));
            prop_assert_eq!(&merged, &whole);
            let (from, to) = (asked.0, asked.0 + asked.1);
            let each = (from..to).all(|second| periods.iter().any(|&(start, end)| start <= second && second < end));
            prop_assert_eq!(whole.covers("1", "eu-west-1", (from, to)), each);
        }
    }
}
