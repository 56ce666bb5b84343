//! Times in the four months that the organisation lives.

use std::fmt;

const DAY: u32 = 86_400;

/// The months from June 2026 on, with their days.
const MONTHS: [(u32, u32); 4] = [(6, 30), (7, 31), (8, 31), (9, 30)];

/// The most days that these months hold.
pub(crate) const MOST_DAYS: u32 = 122;

/// Seconds since 2026-06-01T00:00:00Z, a Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u32);

impl Moment {
    /// `day` counts from 0.
    pub(crate) fn new(day: u32, hour: u32, minute: u32) -> Self {
        Self(day * DAY + hour * 3_600 + minute * 60)
    }

    pub(crate) fn plus(self, seconds: u64) -> Self {
        Self(self.0 + seconds as u32)
    }

    pub(crate) fn day(self) -> u32 {
        self.0 / DAY
    }

    pub(crate) fn hour(self) -> u32 {
        self.0 % DAY / 3_600
    }

    /// The month and the day in it, from 1.
    fn calendar(self) -> (u32, u32) {
        let mut rest = self.day();
        for (month, days) in MONTHS {
            if rest < days {
                return (month, rest + 1);
            }
            rest -= days;
        }
        (10, rest + 1)
    }

    /// `2026-06-07`
    pub(crate) fn date(self) -> String {
        let (month, day) = self.calendar();
        format!("2026-{month:02}-{day:02}")
    }

    /// `2026/06/07`
    pub(crate) fn path(self) -> String {
        self.date().replace('-', "/")
    }

    /// `20260607`
    pub(crate) fn compact(self) -> String {
        self.date().replace('-', "")
    }

    /// `2026-06`
    pub(crate) fn month(self) -> String {
        let (month, _) = self.calendar();
        format!("2026-{month:02}")
    }

    /// Seconds since 1970.
    pub(crate) fn epoch(self) -> u64 {
        const START: u64 = 1_780_272_000; // 2026-06-01T00:00:00Z
        START + u64::from(self.0)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.0 % DAY;
        let (minute, rest) = (second / 60 % 60, second % 60);
        write!(
            f,
            "{}T{:02}:{minute:02}:{rest:02}Z",
            self.date(),
            self.hour()
        )
    }
}

/// Whether the day is a Saturday or Sunday.
pub(crate) fn is_weekend(day: u32) -> bool {
    day % 7 >= 5
}

#[cfg(test)]
mod tests {
    use super::{MOST_DAYS, Moment, is_weekend};

    #[test]
    fn times_are_written_in_each_of_their_forms() {
        let at = Moment::new(36, 4, 5).plus(9);
        assert_eq!(at.to_string(), "2026-07-07T04:05:09Z");
        assert_eq!(
            (
                at.path().as_str(),
                at.compact().as_str(),
                at.month().as_str()
            ),
            ("2026/07/07", "20260707", "2026-07")
        );
        assert_eq!(at.epoch(), 1_783_397_109);
        assert_eq!(Moment::new(MOST_DAYS - 1, 0, 0).date(), "2026-09-30");
    }

    #[test]
    fn weeks_begin_where_the_calendar_says() {
        assert!(!is_weekend(4) && is_weekend(5) && is_weekend(6) && !is_weekend(7));
    }
}
