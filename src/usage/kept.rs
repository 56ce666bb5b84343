//! What a ledger on disk takes of events beyond their sums: enough to know each of them again, and what it counts for.

use crate::iam::principal::Principal;
use crate::usage::resolve::Meaning;
use crate::usage::times::Times;

/// The hour of an event without a time.
pub const NO_HOUR: i32 = i32::MIN;

/// Calls that mean the same and were made in one Region, with the events that made them.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Who called.
    pub principal: Principal,
    /// What the calls mean.
    pub meaning: Meaning,
    /// When, and from where.
    pub times: Times,
    /// The events; as many as `times` counts.
    pub events: Vec<Mark>,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it was made, in seconds since 1970.
    pub time: Option<i64>,
    /// A hash of what makes it itself; see [`Seen::print`](crate::usage::seen::Seen::print).
    pub print: u64,
    /// Whether it is a correction, which counts in the place of the event with the same id.
    pub corrects: bool,
}

impl Mark {
    /// That of an event which is no correction.
    #[must_use]
    pub fn of(time: Option<i64>, print: u64) -> Self {
        Self {
            time,
            print,
            corrects: false,
        }
    }

    /// The hour since 1970 it was made in, and the second in it.
    #[must_use]
    pub fn hour(self) -> (i32, u16) {
        let Some(time) = self.time else {
            return (NO_HOUR, 0);
        };
        match i32::try_from(time.div_euclid(3600)) {
            Ok(hour) => (hour, time.rem_euclid(3600) as u16),
            Err(_) => (NO_HOUR, 0),
        }
    }
}
