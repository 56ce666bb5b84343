//! Where a history is cut into what is learned from and what is held against that.

/// Seconds of a day.
const DAY: i64 = 86_400;

/// More cuts than this are not made.
const MAX_CUTS: i64 = 200;

/// How long is learned from, how long is tested on, and how far one cut is from the next: in days, none of them 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// The days before a cut that are learned from.
    pub train: u32,
    /// The days behind a cut that are tested on.
    pub test: u32,
    /// The days between two cuts.
    pub step: u32,
}

/// One cut: what came `from` a time until `at` is learned from, what came from `at` until `to` is tested on. In seconds since
/// 1970, each the begin of a day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where learning begins.
    pub from: i64,
    /// The cut.
    pub at: i64,
    /// Where testing ends.
    pub to: i64,
}

/// The history is too short, or is to be cut too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncuttable {
    /// It has so many days, and needs so many.
    TooShort {
        /// Those it has, begun ones too.
        days: i64,
        /// Those it needs.
        needed: i64,
    },
    /// There would be so many cuts.
    TooMany {
        /// The number.
        cuts: i64,
        /// The most there may be.
        most: i64,
    },
}

/// The days from the first to the last event, begun ones too.
#[must_use]
pub fn days((first, last): (i64, i64)) -> i64 {
    last.div_euclid(DAY) - first.div_euclid(DAY) + 1
}

/// The cuts of a history from its first to its last event, in the order of time. The last test ends with the last day, and each
/// cut before is a step earlier, as long as there are enough days to learn from. Lengths that are not given are: half of the days
/// to learn from, a quarter to test on, and steps by which no day is tested on twice.
///
/// # Errors
/// Where not even one cut fits, or too many do.
pub fn cuts(
    seen: (i64, i64),
    train: Option<u32>,
    test: Option<u32>,
    step: Option<u32>,
) -> Result<(Lengths, Vec<Cut>), Uncuttable> {
    let days = days(seen);
    let part = |parts: i64| u32::try_from((days / parts).max(1)).unwrap_or(u32::MAX);
    let (train, test) = (train.unwrap_or(part(2)), test.unwrap_or(part(4)));
    let step = step.unwrap_or(test).max(1);
    let lengths = Lengths { train, test, step };
    let (train, test, step) = (i64::from(train), i64::from(test), i64::from(step));
    let needed = train + test;
    if days < needed {
        return Err(Uncuttable::TooShort { days, needed });
    }
    let count = (days - needed) / step + 1;
    if count > MAX_CUTS {
        let most = MAX_CUTS;
        return Err(Uncuttable::TooMany { cuts: count, most });
    }
    let end = seen.1.div_euclid(DAY) + 1;
    let cut = |back: i64| {
        let at = end - test - back * step;
        Cut {
            from: (at - train) * DAY,
            at: at * DAY,
            to: (at + test) * DAY,
        }
    };
    Ok((lengths, (0..count).rev().map(cut).collect()))
}

#[cfg(test)]
mod tests {
    use super::{Cut, DAY, Lengths, MAX_CUTS, Uncuttable, cuts};

    /// From some hour of the first to some hour of the last of so many days.
    fn history(days: i64) -> (i64, i64) {
        (100 * DAY + 7_000, (100 + days - 1) * DAY + 80_000)
    }

    #[test]
    fn the_last_test_ends_with_the_last_day() {
        let (lengths, found) = cuts(history(30), None, None, None).unwrap();
        let expected = Lengths {
            train: 15,
            test: 7,
            step: 7,
        };
        assert_eq!(lengths, expected);
        let of_day = |at: i64| Cut {
            from: (at - 15) * DAY,
            at: at * DAY,
            to: (at + 7) * DAY,
        };
        assert_eq!(found, [of_day(116), of_day(123)]);
        let (_, found) = cuts(history(30), Some(20), Some(5), Some(1)).unwrap();
        let days: Vec<i64> = found.iter().map(|cut| cut.at / DAY).collect();
        assert_eq!(days, [120, 121, 122, 123, 124, 125]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let short = |days, needed| Err(Uncuttable::TooShort { days, needed });
        assert_eq!(cuts(history(1), None, None, None), short(1, 2));
        assert_eq!(cuts(history(2), None, None, None).unwrap().1.len(), 1);
        assert_eq!(cuts(history(30), Some(30), Some(1), None), short(30, 31));
        let many = cuts(history(400), Some(10), Some(1), Some(1));
        let expected = Uncuttable::TooMany {
            cuts: 390,
            most: MAX_CUTS,
        };
        assert_eq!(many, Err(expected));
    }
}
