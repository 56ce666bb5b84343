//! From when and where there are records: how many an account received in each Region and hour.
//!
//! Counted are records as they were delivered, repeated ones too: each shows that the trail was logging. Which of two
//! deliveries comes first is a matter of chance, and this must not depend on it.

use std::collections::BTreeMap;

use crate::usage::origin::{Region, same};

/// The most days that are kept, of all accounts and Regions: the first ones, in the order of account, Region and day. Each
/// takes about 130 bytes; this is a year of 40 accounts in 17 Regions.
const MAX_DAYS: usize = 1 << 18;

/// A longer text is no account's id, which has 12 digits.
const MAX_ACCOUNT: usize = 64;

/// Records by hour of the day.
type Day = [u32; 24];

/// An account and a Region.
type Place = (Box<str>, Region);

/// The records of each account, Region and hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// By days since 1970.
    places: BTreeMap<Place, BTreeMap<u16, Box<Day>>>,
    /// How many days all places have.
    days: usize,
    /// Whether days were left out.
    cut: bool,
}

impl Hours {
    /// Adds `records` of the `hour` since 1970. What tells no account or Region, or has no hour that 16 bits of days hold, is left out.
    pub fn add(&mut self, account: &str, region: Region, hour: i64, records: u32) {
        if let Some((day, hour)) = split(hour) {
            let mut counts = [0; 24];
            counts[hour] = records;
            self.add_day(account, region, day, &counts);
        }
    }

    fn add_day(&mut self, account: &str, region: Region, day: u16, counts: &Day) {
        if account.is_empty() || account.len() > MAX_ACCOUNT || region == Region::default() {
            return;
        }
        let days = self.places.entry((account.into(), region)).or_default();
        let mut new = false;
        let mine = days.entry(day).or_insert_with(|| {
            new = true;
            Box::default()
        });
        for (mine, more) in mine.iter_mut().zip(counts) {
            *mine = mine.saturating_add(*more);
        }
        self.days += usize::from(new);
        self.bound(MAX_DAYS);
    }

    fn bound(&mut self, max: usize) {
        while self.days > max
            && let Some(mut last) = self.places.last_entry()
        {
            last.get_mut().pop_last();
            if last.get().is_empty() {
                last.remove();
            }
            self.days -= 1;
            self.cut = true;
        }
    }

    /// Adds `other`'s records. Commutative and associative.
    pub fn merge(&mut self, other: Self) {
        if self.days == 0 {
            let cut = self.cut;
            *self = other;
            self.cut |= cut;
            return;
        }
        for ((account, region), days) in other.places {
            for (day, counts) in days {
                self.add_day(&account, region, day, &counts);
            }
        }
        self.cut |= other.cut;
    }

    /// The hours with records, by account, Region and hours since 1970, with how many records each has.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, i64, u32)> {
        self.places.iter().flat_map(|((account, region), days)| {
            days.iter().flat_map(move |(day, counts)| {
                let hours = counts.iter().enumerate();
                let seen = hours.filter(|(_, records)| **records > 0);
                seen.map(move |(hour, records)| {
                    let hour = i64::from(*day) * 24 + hour as i64;
                    (&**account, region.as_str(), hour, *records)
                })
            })
        })
    }

    /// Whether there were too many to be kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Notes that some were left out before.
    pub fn set_cut(&mut self) {
        self.cut = true;
    }
}

/// The day of an hour, and which hour of it.
fn split(hour: i64) -> Option<(u16, usize)> {
    let day = u16::try_from(hour.div_euclid(24)).ok()?;
    Some((day, hour.rem_euclid(24) as usize))
}

/// Counts records that come one after the other from the same place and day, as those of one log object do, so that
/// the table is not looked into for each.
#[derive(Debug, Default)]
pub struct Counter {
    account: String,
    region: Region,
    /// When the day begins, in seconds since 1970.
    start: i64,
    counts: Day,
}

impl Counter {
    /// Counts a record of `time` in seconds since 1970; into `hours` goes what was counted of another place or day.
    #[inline]
    pub fn count(&mut self, account: &str, region: &Region, time: i64, hours: &mut Hours) {
        let since = time.wrapping_sub(self.start);
        let known =
            (0..86_400).contains(&since) && same(account, &self.account) && *region == self.region;
        let hour = match known {
            true => since as usize / 3_600,
            false => match self.turn_to(account, *region, time, hours) {
                Some(hour) => hour,
                None => return,
            },
        };
        self.counts[hour] = self.counts[hour].saturating_add(1);
    }

    /// Begins to count for another place or day; which hour of it `time` is in.
    fn turn_to(
        &mut self,
        account: &str,
        region: Region,
        time: i64,
        hours: &mut Hours,
    ) -> Option<usize> {
        let (day, hour) = split(time.div_euclid(3_600))?;
        self.flush(hours);
        self.start = i64::from(day) * 86_400;
        account.clone_into(&mut self.account);
        self.region = region;
        Some(hour)
    }

    /// Adds what was counted to `hours`.
    pub fn flush(&mut self, hours: &mut Hours) {
        let counts = std::mem::take(&mut self.counts);
        if counts != Day::default() {
            // It was made of 16 bits.
            let day = (self.start / 86_400) as u16;
            hours.add_day(&self.account, self.region, day, &counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Counter, Hours};

    fn all(hours: &Hours) -> Vec<(String, String, i64, u32)> {
        let hours = hours.iter();
        let owned =
            hours.map(|(account, region, hour, n)| (account.into(), region.into(), hour, n));
        owned.collect()
    }

    #[test]
    fn an_hour_is_what_its_records_tell() {
        let mut hours = Hours::default();
        hours.add("1", "r".into(), 49, 2);
        hours.add("1", "r".into(), 49, u32::MAX);
        hours.add("1", "r".into(), -1, 1);
        hours.add("1", "r".into(), 24 * 65_536, 1);
        hours.add("", "r".into(), 1, 1);
        hours.add(&"1".repeat(100), "r".into(), 1, 1);
        hours.add("0", "s".into(), 7, 1);
        hours.add("0", "".into(), 7, 1);
        let expected = [
            ("0".into(), "s".into(), 7, 1),
            ("1".into(), "r".into(), 49, u32::MAX),
        ];
        assert_eq!(all(&hours), expected);
    }

    proptest! {
        /// However records are dealt to tables, and counted one by one or not, bounded on the way or not.
        #[test]
        fn merging_knows_no_order(
            records in prop::collection::vec((0..3u8, 0..3u8, 0..200i64), 0..60),
            turn in 0..60usize,
            max in 1..12usize,
        ) {
            let mut whole = Hours::default();
            for (account, region, hour) in &records {
                whole.add(&account.to_string(), region.to_string().as_str().into(), *hour, 1);
            }
            whole.bound(max);
            let (mut one, mut two) = (Hours::default(), Hours::default());
            let mut counters = [Counter::default(), Counter::default()];
            for (at, (account, region, hour)) in records.iter().enumerate().rev() {
                let first = (at + turn) % 3 == 0;
                let part = if first { &mut one } else { &mut two };
                let (account, region) = (account.to_string(), region.to_string());
                counters[usize::from(first)].count(&account, &region.as_str().into(), hour * 3_600 + 59, part);
                part.bound(max);
            }
            counters[1].flush(&mut one);
            counters[0].flush(&mut two);
            let mut other_way = two.clone();
            other_way.merge(one.clone());
            other_way.bound(max);
            one.merge(two);
            one.bound(max);
            prop_assert_eq!(&one, &whole);
            prop_assert_eq!(&other_way, &whole);
        }
    }
}
