//! From when and where the logs hold records, and where some may be missing.

use serde::Serialize;

use crate::usage::hours::Hours;

/// An account's records in one Region.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceEntry {
    /// The account that received them.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The first hour with a record, RFC 3339.
    pub first_hour: String,
    /// The last.
    pub last_hour: String,
    /// How many hours have records.
    pub hours_with_records: u64,
    /// How many there are from the first to the last, both included.
    pub hours: u64,
    /// Long silences where there is hardly any other.
    pub gaps: Vec<GapEntry>,
}

/// Hours without a record.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GapEntry {
    /// When they begin, RFC 3339.
    pub from: String,
    /// When they end.
    pub to: String,
    /// How many they are.
    pub hours: u64,
}

/// The entries of `hours`, by account and Region.
#[must_use]
pub fn entries(hours: &Hours) -> Vec<PlaceEntry> {
    let mut places: Vec<(&str, &str, Vec<i64>)> = Vec::new();
    for (account, region, hour, _) in hours.iter() {
        match places.last_mut() {
            Some(last) if (last.0, last.1) == (account, region) => last.2.push(hour),
            _ => places.push((account, region, vec![hour])),
        }
    }
    let entry = |(account, region, seen): (&str, &str, Vec<i64>)| {
        let (first, last) = (*seen.first()?, *seen.last()?);
        let gap = |(from, to): (i64, i64)| GapEntry {
            from: rfc3339(from),
            to: rfc3339(to),
            hours: (to - from) as u64,
        };
        Some(PlaceEntry {
            account: account.to_owned(),
            region: region.to_owned(),
            first_hour: rfc3339(first),
            last_hour: rfc3339(last),
            hours_with_records: seen.len() as u64,
            hours: (last - first + 1) as u64,
            gaps: gaps(&seen).into_iter().map(gap).collect(),
        })
    };
    places.into_iter().filter_map(entry).collect()
}

/// An hour since 1970 as a time.
fn rfc3339(hour: i64) -> String {
    let time = jiff::Timestamp::from_second(hour * 3_600);
    time.map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

/// A silence is long from so many hours on.
const LONG: i64 = 3;

/// So many hours must have records for a silence to mean anything.
const ENOUGH: usize = 48;

/// One long silence in so many hours, two weeks, may be chance: with more, nights are quiet there, or weekends.
const RARELY: i64 = 14 * 24;

/// The silences that may be missing records, each from its first hour to the one behind its last: the long ones among the
/// hours `seen`, which are sorted, where there are few of these, and where nine in ten of all other hours have records. Most accounts are
/// quiet at times, and nothing is to be read into that.
fn gaps(seen: &[i64]) -> Vec<(i64, i64)> {
    let silences = seen.windows(2).map(|pair| (pair[0] + 1, pair[1]));
    let long: Vec<(i64, i64)> = silences.filter(|(from, to)| to - from >= LONG).collect();
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        return Vec::new();
    };
    let hours = last - first + 1;
    let quiet: i64 = long.iter().map(|(from, to)| to - from).sum();
    let is_rare = long.len() as i64 <= (hours / RARELY).max(1);
    let is_busy = seen.len() >= ENOUGH && seen.len() as i64 * 10 >= (hours - quiet) * 9;
    if is_rare && is_busy { long } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::{GapEntry, PlaceEntry, entries, gaps};
    use crate::usage::hours::Hours;

    #[test]
    fn only_silences_that_are_out_of_the_ordinary_are_gaps() {
        let hours =
            |keep: &dyn Fn(i64) -> bool| -> Vec<i64> { (0..720).filter(|h| keep(*h)).collect() };
        for (what, seen, expected) in [
            ("always on", hours(&|_| true), vec![]),
            (
                "off for a day",
                hours(&|h| !(100..124).contains(&h)),
                vec![(100, 124)],
            ),
            (
                "off for half of it",
                hours(&|h| !(300..660).contains(&h)),
                vec![(300, 660)],
            ),
            (
                "two hours only",
                hours(&|h| !(100..102).contains(&h)),
                vec![],
            ),
            ("off at night", hours(&|h| h % 24 >= 8), vec![]),
            ("off at weekends", hours(&|h| h / 24 % 7 < 5), vec![]),
            ("a job each hour of some", hours(&|h| h % 3 == 0), vec![]),
            ("hardly anything", vec![0, 1, 2, 3, 700], vec![]),
            ("nothing", vec![], vec![]),
        ] {
            assert_eq!(gaps(&seen), expected, "{what}");
        }
    }

    #[test]
    fn a_place_tells_from_when_to_when() {
        let mut hours = Hours::default();
        for hour in (0..60).chain(70..80) {
            hours.add("111122223333", "eu-west-1".into(), hour, 2);
        }
        hours.add("111122223333", "us-east-1".into(), 7, 1);
        let gap = GapEntry {
            from: "1970-01-03T12:00:00Z".into(),
            to: "1970-01-03T22:00:00Z".into(),
            hours: 10,
        };
        let place = |region: &str, first: &str, last: &str, with, hours, gaps| PlaceEntry {
            account: "111122223333".into(),
            region: region.into(),
            first_hour: first.into(),
            last_hour: last.into(),
            hours_with_records: with,
            hours,
            gaps,
        };
        let expected = [
            place(
                "eu-west-1",
                "1970-01-01T00:00:00Z",
                "1970-01-04T07:00:00Z",
                70,
                80,
                vec![gap],
            ),
            place(
                "us-east-1",
                "1970-01-01T07:00:00Z",
                "1970-01-01T07:00:00Z",
                1,
                1,
                vec![],
            ),
        ];
        assert_eq!(entries(&hours), expected);
    }
}
