//! Whether tomorrow will bring another value: what the days tell on which the values of a place were used.
//!
//! The question is asked of the past: **how much of what was used in the second half of the time would a list made at half time
//! have missed?** A list that is complete misses nothing, however long it is and however rarely its names are used; where
//! names come and go it misses some, also where each stays for weeks. Knows nothing of what a value looks like.

use std::collections::BTreeSet;

/// A shorter time, in days, tells nothing of what comes and goes.
pub(super) const SHORTEST: u16 = 6;

/// The first and the last day on which something was used, since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Span {
    /// That of `days`, which are sorted; `None` where there are none.
    pub(super) fn of(days: &[u16]) -> Option<Self> {
        let (first, last) = (*days.first()?, *days.last()?);
        Some(Self { first, last })
    }

    /// That of both.
    pub(super) fn join(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (a, b) else {
            return a.or(b);
        };
        Some(Self {
            first: a.first.min(b.first),
            last: a.last.max(b.last),
        })
    }
}

/// What a list made at half time would have missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turnover {
    /// The values used in the second half.
    pub(super) used: usize,
    /// Those of them that were not used before.
    pub(super) new: usize,
    /// On how many days of the second half new ones came.
    pub(super) days: usize,
    /// From the first to the last day on which one came, in days of the whole time.
    pub(super) coming: u16,
}

/// The turnover of a place whose values were used in these spans, where the principal was last seen on day `end`. The time
/// begins when the place was first used. `None` where some value has no time, or the time is too short to tell.
pub(super) fn turnover(
    spans: impl Iterator<Item = Option<Span>> + Clone,
    end: Option<u16>,
) -> Option<Turnover> {
    let end = end?;
    let mut first = end;
    for span in spans.clone() {
        first = first.min(span?.first);
    }
    if end - first < SHORTEST {
        return None;
    }
    let half = first + (end - first) / 2;
    let last = spans.clone().flatten().map(|span| span.first).max();
    let later = spans.flatten().filter(|span| span.last > half);
    let new = later.clone().filter(|span| span.first > half);
    let days: BTreeSet<u16> = new.clone().map(|span| span.first).collect();
    Some(Turnover {
        used: later.count(),
        new: new.count(),
        days: days.len(),
        coming: last.unwrap_or(first) - first,
    })
}

#[cfg(test)]
mod tests {
    use super::{Span, turnover};

    fn of(spans: &[(u16, u16)], end: u16) -> Option<(usize, usize, usize, u16)> {
        let spans = spans.iter();
        let spans = spans.map(|&(first, last)| Some(Span { first, last }));
        turnover(spans, Some(end)).map(|t| (t.used, t.new, t.days, t.coming))
    }

    #[test]
    fn a_list_misses_nothing_and_what_comes_and_goes_is_missed() {
        // The same names every day, and some only now and then.
        assert_eq!(
            of(&[(0, 30), (0, 30), (2, 29), (9, 9)], 30),
            Some((3, 0, 0, 9))
        );
        // One a day.
        let daily: Vec<_> = (0..30).map(|day| (day, day)).collect();
        assert_eq!(of(&daily, 29), Some((15, 15, 15, 29)));
        // Each stays for two weeks.
        let long: Vec<_> = (0..8).map(|i| (i * 14, i * 14 + 13)).collect();
        assert_eq!(of(&long, 111), Some((4, 4, 4, 98)));
        // Set up in the first days, and never again.
        assert_eq!(of(&[(0, 0), (1, 1), (2, 2)], 30), Some((0, 0, 0, 2)));
        // All new ones at once.
        assert_eq!(of(&[(0, 30), (20, 30), (20, 30)], 30), Some((3, 2, 1, 20)));
    }

    #[test]
    fn too_short_a_time_tells_nothing() {
        assert_eq!(of(&[(10, 10), (15, 15)], 15), None);
        assert_eq!(of(&[(10, 10), (16, 16)], 16), Some((1, 1, 1, 6)));
        let untimed = [Some(Span { first: 1, last: 1 }), None];
        assert_eq!(turnover(untimed.into_iter(), Some(90)), None);
        assert_eq!(turnover([].into_iter(), None), None);
    }
}
