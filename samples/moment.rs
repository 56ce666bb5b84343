//! Times in the one month that the samples cover.

use std::fmt;

const DAY: u32 = 86_400;

/// Seconds since 2026-09-01T00:00:00Z. Everything happens in that month, so no calendar is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u32);

impl Moment {
    /// The last second of the month.
    pub(crate) const LAST: Self = Self(30 * DAY - 1);

    /// `day` counts from 1.
    pub(crate) fn new(day: u32, hour: u32, minute: u32) -> Self {
        Self((day - 1) * DAY + hour * 3_600 + minute * 60)
    }

    pub(crate) fn plus(self, seconds: u32) -> Self {
        Self(self.0 + seconds)
    }

    pub(crate) fn day(self) -> u32 {
        self.0 / DAY + 1
    }

    /// When the log file that holds this moment is delivered: five minutes after the end of its four hours, within the
    /// month. CloudTrail delivers about every five minutes; longer files keep the samples small.
    pub(crate) fn delivery(self) -> Self {
        const WINDOW: u32 = 4 * 3_600;
        Self((self.0 / WINDOW + 1) * WINDOW + 300).min(Self::LAST)
    }

    /// Milliseconds since 1970, as CloudWatch Logs and EC2 write times.
    pub(crate) fn millis(self) -> u64 {
        const START: u64 = 1_788_220_800; // 2026-09-01T00:00:00Z
        (START + u64::from(self.0)) * 1_000
    }

    /// `2026/09/07`, as in the paths of log files and in the names of Lambda's log streams.
    pub(crate) fn path(self) -> String {
        format!("2026/09/{:02}", self.day())
    }

    /// `2026-09-07`
    pub(crate) fn date(self) -> String {
        format!("2026-09-{:02}", self.day())
    }

    /// `20260907T0405Z`, as in the names of log files.
    pub(crate) fn compact(self) -> String {
        let (hour, minute, _) = self.clock();
        format!("202609{:02}T{hour:02}{minute:02}Z", self.day())
    }

    fn clock(self) -> (u32, u32, u32) {
        let second = self.0 % DAY;
        (second / 3_600, second / 60 % 60, second % 60)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = self.clock();
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}Z", self.date())
    }
}

/// Whether the day is a Saturday or Sunday; 2026-09-01 is a Tuesday.
pub(crate) fn is_weekend(day: u32) -> bool {
    matches!(day % 7, 5 | 6)
}

/// Whether the day is a Monday.
pub(crate) fn is_monday(day: u32) -> bool {
    day.is_multiple_of(7)
}

#[cfg(test)]
mod tests {
    use super::{Moment, is_monday, is_weekend};

    #[test]
    fn times_are_written_in_each_of_their_forms() {
        let at = Moment::new(7, 4, 5).plus(9);
        assert_eq!(at.to_string(), "2026-09-07T04:05:09Z");
        assert_eq!(at.compact(), "20260907T0405Z");
        assert_eq!(at.path(), "2026/09/07");
        assert_eq!(at.millis(), 1_788_753_909_000);
    }

    #[test]
    fn a_file_is_delivered_after_its_four_hours_and_within_the_month() {
        assert_eq!(Moment::new(7, 4, 5).delivery(), Moment::new(7, 8, 5));
        assert_eq!(Moment::new(30, 23, 0).delivery(), Moment::LAST);
    }

    #[test]
    fn weeks_begin_where_the_calendar_says() {
        assert!(is_weekend(5) && is_weekend(6) && !is_weekend(7));
        assert!(is_monday(7) && !is_monday(8));
    }
}
