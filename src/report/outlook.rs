//! What the next days are likely to bring, in words and for scripts.

use serde::Serialize;

use crate::report::summary::{grouped, many};
use crate::usage::ledger::PrincipalUsage;
use crate::usage::novelty::{self, CONFIDENCE, MIN_DAYS, Novelty, Outlook};

/// How many days ahead a report looks.
pub const HORIZON: u16 = 14;

/// [`Outlook`] as JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlookEntry {
    /// The days on which the principal used something.
    pub active_days: usize,
    /// The days from the first of them to the last of the input.
    pub span_days: usize,
    /// How many days ahead it looks.
    pub horizon_days: u16,
    /// How many times in a hundred an interval is to hold what it speaks of, if days stay as they were.
    pub confidence: u32,
    /// Of actions.
    pub actions: NoveltyEntry,
    /// Of pairs of an action and a resource, before anything is generalised.
    pub pairs: NoveltyEntry,
    /// The same in words.
    pub words: String,
}

/// [`Novelty`] as JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NoveltyEntry {
    /// The distinct things seen.
    pub seen: usize,
    /// The chance that the next thing of a day is new.
    pub chance_of_new: Interval,
    /// How many new things the days ahead are to bring.
    pub new: Interval,
}

/// An estimate between its ends.
#[derive(Clone, Debug, Serialize)]
pub struct Interval {
    /// The low end.
    pub low: f64,
    /// The estimate.
    pub estimate: f64,
    /// The high end.
    pub high: f64,
}

impl OutlookEntry {
    /// The entry of what is likely to come after `usage`, of an input whose last event was at `end`, in seconds since 1970; `None`
    /// where there are too few days to tell.
    #[must_use]
    pub fn of(usage: &PrincipalUsage, end: Option<i64>) -> Option<Self> {
        let outlook = novelty::outlook(usage, end, HORIZON)?;
        Some(Self {
            active_days: outlook.active_days,
            span_days: outlook.span_days,
            horizon_days: outlook.horizon_days,
            confidence: CONFIDENCE,
            actions: NoveltyEntry::of(&outlook.actions),
            pairs: NoveltyEntry::of(&outlook.pairs),
            words: words(Some(&outlook)),
        })
    }
}

impl NoveltyEntry {
    fn of(novelty: &Novelty) -> Self {
        let [low, estimate, high] = novelty.chance.map(|share| digits(share, 4));
        Self {
            seen: novelty.seen,
            chance_of_new: Interval {
                low,
                estimate,
                high,
            },
            new: Interval {
                low: novelty.low as f64,
                estimate: digits(novelty.expected, 1),
                high: novelty.high as f64,
            },
        }
    }
}

/// A number with so many digits behind the point: more say nothing, and may differ between machines.
pub(crate) fn digits(number: f64, count: i32) -> f64 {
    let scale = 10f64.powi(count);
    (number * scale).round() / scale
}

/// The outlook in a sentence without its end; what is to be said of `None`, too.
#[must_use]
pub fn words(outlook: Option<&Outlook>) -> String {
    let Some(outlook) = outlook else {
        return format!(
            "too few days with calls to tell what the next will bring: {MIN_DAYS} are needed"
        );
    };
    let weeks = match outlook.horizon_days {
        14 => "two more weeks".to_owned(),
        days => many(u64::from(days), "more day"),
    };
    let [_, chance, _] = outlook.actions.chance;
    format!(
        "{weeks} would likely add {} and, before anything is generalised, {} (seen: {} and {}, on {}); the chance that the next action of a day is new is {}",
        range(&outlook.actions, "new action"),
        range(&outlook.pairs, "new pair of action and resource"),
        grouped(outlook.actions.seen as u64),
        grouped(outlook.pairs.seen as u64),
        many(outlook.active_days as u64, "active day"),
        percent(chance, &outlook.actions),
    )
}

/// `1 to 3 new actions`
fn range(novelty: &Novelty, noun: &str) -> String {
    // What has the plural's letter is the word before `of`.
    let (word, rest) = noun.split_once(" of ").unwrap_or((noun, ""));
    let counted = |count: u64| match rest {
        "" => many(count, word),
        rest => format!("{} of {rest}", many(count, word)),
    };
    match (novelty.low, novelty.high) {
        (0, 0) => format!("no {noun}"),
        (0, high) => format!("at most {}", counted(high)),
        (low, high) if low == high => counted(high),
        (low, high) => format!("{} to {}", grouped(low), counted(high)),
    }
}

/// `0.4 % (0.1 to 0.9 %)`
fn percent(share: f64, novelty: &Novelty) -> String {
    let [low, _, high] = novelty.chance;
    let tenths = |share: f64| format!("{:.1}", share * 100.0);
    if share == 0.0 {
        // Rounded up: it is below nothing less.
        let high = (high * 1000.0).ceil().max(1.0) / 10.0;
        return format!("below {high:.1} %");
    }
    format!(
        "{} % ({} to {} %)",
        tenths(share),
        tenths(low),
        tenths(high)
    )
}

#[cfg(test)]
mod tests {
    use super::{digits, percent, words};
    use crate::usage::novelty::{Novelty, Outlook};

    fn novelty(seen: usize, low: u64, high: u64) -> Novelty {
        Novelty {
            seen,
            chance: [0.001, 0.0042, 0.009],
            expected: 1.0,
            low,
            high,
        }
    }

    #[test]
    fn an_outlook_is_told_in_words() {
        for (actions, pairs, expected) in [
            (
                (1, 3),
                (10, 1_200),
                "two more weeks would likely add 1 to 3 new actions and, before anything is generalised, 10 to 1,200 new pairs of action and resource (seen: 40 and 900, on 12 active days)",
            ),
            (
                (0, 1),
                (2, 2),
                "two more weeks would likely add at most 1 new action and, before anything is generalised, 2 new pairs of action and resource (seen: 40 and 900, on 12 active days)",
            ),
            (
                (0, 0),
                (0, 0),
                "two more weeks would likely add no new action and, before anything is generalised, no new pair of action and resource (seen: 40 and 900, on 12 active days)",
            ),
        ] {
            let outlook = Outlook {
                active_days: 12,
                span_days: 16,
                horizon_days: 14,
                actions: novelty(40, actions.0, actions.1),
                pairs: novelty(900, pairs.0, pairs.1),
            };
            let told = words(Some(&outlook));
            let chance =
                "; the chance that the next action of a day is new is 0.4 % (0.1 to 0.9 %)";
            assert_eq!(told, format!("{expected}{chance}"));
        }
        assert!(words(None).contains("7 are needed"));
    }

    #[test]
    fn a_chance_of_nothing_is_below_what_it_may_be() {
        for (high, expected) in [
            (0.0, "below 0.1 %"),
            (0.0004, "below 0.1 %"),
            (0.0123, "below 1.3 %"),
        ] {
            let none = Novelty {
                chance: [0.0, 0.0, high],
                ..novelty(1, 0, 0)
            };
            assert_eq!(percent(0.0, &none), expected);
        }
    }

    #[test]
    fn digits_behind_the_point_are_cut() {
        assert_eq!(digits(0.123_456, 4), 0.1235);
        assert_eq!(digits(2.0 / 3.0, 1), 0.7);
    }
}
