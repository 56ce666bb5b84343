//! How likely it is that what comes next was not seen before, and how much of it there will be.
//!
//! The sampling unit is a day on which the principal did something: the calls of one day hang together, days much less. What was
//! seen on one day only tells of what was not seen yet: Good, "The population frequencies of species and the estimation of
//! population parameters", Biometrika 40 (1953), and for presence by sampling unit Chao and Jost, "Coverage-based rarefaction
//! and extrapolation", Ecology 93 (2012). How many new things more days bring is never more on average than days ahead by days seen
//! for each thing seen once (Good and Toulmin, Biometrika 43, 1956; Efron and Thisted, Biometrika 63, 1976), and by the
//! estimate of Chao for what there is at all, which is a lower bound, about what Colwell et al., Journal of Plant Ecology 5
//! (2012), extrapolate. Things that come new in bursts (a release) are allowed for by their dispersion over the days, as in
//! Wedderburn's quasi-likelihood, Biometrika 61 (1974).
//!
//! All of this takes the days to come to be like the days seen. Nothing can tell of a change of plan.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::usage::ledger::PrincipalUsage;
use crate::usage::times::{Days, join};

/// Fewer active days than this tell too little.
pub const MIN_DAYS: usize = 7;

/// How many times in a hundred the intervals are to hold what they speak of.
pub const CONFIDENCE: u32 = 80;

/// The standard normal distribution is below this 90 times in 100.
const Z: f64 = 1.281_551_565_5;

/// What the next days are likely to bring.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// The days on which the principal used something.
    pub active_days: usize,
    /// The days from the first of them to the last of the input.
    pub span_days: usize,
    /// How many days ahead it looks.
    pub horizon_days: u16,
    /// Of actions.
    pub actions: Novelty,
    /// Of pairs of an action and a resource, before anything is generalised.
    pub pairs: Novelty,
}

/// How much of one kind of things is likely to be new.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Novelty {
    /// The distinct things seen.
    pub seen: usize,
    /// Of all the distinct things of a day, added up over the days, the share that is new: the chance that the next thing is, if a
    /// thing counts once a day however often it is called. Low end, estimate, high end.
    pub chance: [f64; 3],
    /// How many things that were not seen before the days ahead are expected to bring.
    pub expected: f64,
    /// At least so many, likely.
    pub low: u64,
    /// At most so many, likely.
    pub high: u64,
}

/// What the next `horizon_days` are likely to bring `usage`; `None` where it was used on fewer than [`MIN_DAYS`] days.
///
/// `end` is the last time of which the input tells, in seconds since 1970: whoever did nothing from some day on until then is
/// expected to do less. `None` takes the principal's last day for it.
#[must_use]
pub fn outlook(usage: &PrincipalUsage, end: Option<i64>, horizon_days: u16) -> Option<Outlook> {
    let mut active = Days::new();
    let (mut actions, mut pairs) = (Vec::new(), Vec::new());
    for resources in usage.facts.values() {
        let mut of_action = Days::new();
        let used = resources.values().filter(|tally| tally.used > 0);
        for tally in used.filter(|tally| !tally.days.is_empty()) {
            join(&mut of_action, &tally.days);
            pairs.push(tally.days.as_slice());
        }
        join(&mut active, &of_action);
        actions.push(of_action);
    }
    let (first, last) = (*active.first()?, *active.last()?);
    let end = end.and_then(|seconds| u16::try_from(seconds.div_euclid(86_400)).ok());
    let last = end.map_or(last, |end| end.max(last));
    let span_days = usize::from(last - first) + 1;
    if active.len() < MIN_DAYS {
        return None;
    }
    let ahead = f64::from(horizon_days) * active.len() as f64 / span_days as f64;
    let actions = actions.iter().filter(|days| !days.is_empty());
    Some(Outlook {
        active_days: active.len(),
        span_days,
        horizon_days,
        actions: novelty(actions.map(SmallVec::as_slice), active.len(), ahead),
        pairs: novelty(pairs.into_iter(), active.len(), ahead),
    })
}

/// What so many active days `ahead` bring after so many `active` ones, on which each thing was seen on these days.
fn novelty<'d>(things: impl Iterator<Item = &'d [u16]>, active: usize, ahead: f64) -> Novelty {
    let (mut seen, mut twice, mut all) = (0, 0, 0);
    // How many things were seen on this day only.
    let mut once: BTreeMap<u16, f64> = BTreeMap::new();
    for days in things {
        seen += 1;
        all += days.len();
        match days {
            [day] => *once.entry(*day).or_default() += 1.0,
            [_, _] => twice += 1,
            _ => {}
        }
    }
    let (active, twice, all) = (active as f64, f64::from(twice), all as f64);
    // Of nothing, the sum would be -0.
    let singles = once.values().fold(0.0, |sum, count| sum + count);
    let dispersion = dispersion(&once, active);
    let at_most = ahead / active;
    // Chao's estimate of what there is besides, free of bias, and how much of it comes within the days ahead.
    let unseen =
        (active - 1.0) / active * singles * (singles - 1.0).max(0.0) / (2.0 * (twice + 1.0));
    let expected = match unseen > 0.0 {
        true => unseen * (1.0 - (1.0 - singles / (active * unseen + singles)).powf(ahead)),
        false => 0.0,
    };
    let at_least = if singles > 0.0 {
        expected / singles
    } else {
        0.0
    };
    Novelty {
        seen,
        chance: chance(singles, twice, dispersion, all, unseen),
        expected,
        low: quantile(singles, dispersion, at_least, false),
        high: quantile(singles, dispersion, at_most, true),
    }
}

/// How much more unevenly things come that come once than if each came on any of the days: 1 where it is no more.
fn dispersion(once: &BTreeMap<u16, f64>, active: f64) -> f64 {
    let sum: f64 = once.values().sum();
    let squares: f64 = once.values().map(|count| count * count).sum();
    if sum == 0.0 {
        return 1.0;
    }
    let variance = (squares - sum * sum / active) / (active - 1.0);
    (variance / (sum / active)).max(1.0)
}

/// Good and Turing's estimate with its interval: things seen once, of `all`, where about so many are `unseen` at least.
fn chance(singles: f64, twice: f64, dispersion: f64, all: f64, unseen: f64) -> [f64; 3] {
    // How many things are seen once varies, and so does what is left to see.
    let (mean, variance) = (
        singles + 0.5,
        (singles + 0.5) * dispersion + 2.0 * (twice + 1.0),
    );
    let (shape, scale) = (mean * mean / variance, variance / mean);
    let end = |z: f64| (gamma(shape, z) * scale / all).clamp(0.0, 1.0);
    // Of so few that are expected, there may be none: that is so more than ten times in a hundred.
    let few = unseen < -(0.1f64.ln()) * dispersion;
    let low = if few { 0.0 } else { end(-Z) };
    let estimate = singles / all;
    [low.min(estimate), estimate, end(Z).max(estimate)]
}

/// The quantile of the gamma distribution of this shape where the normal distribution has `z`.
/// Source: Wilson and Hilferty, "The distribution of chi-square", PNAS 17 (1931).
fn gamma(shape: f64, z: f64) -> f64 {
    let ninth = 1.0 / (9.0 * shape);
    shape * (1.0 - ninth + z * ninth.sqrt()).max(0.0).powi(3)
}

/// The number that new things stay at or below 90 times in 100, or above; `each` of those seen once stands for so many.
///
/// Where `singles` were seen, their mean is distributed as the gamma distribution of `singles + 1/2` (by Jeffreys' prior), and so
/// the new ones as the negative binomial. `dispersion` things come at a time.
fn quantile(singles: f64, dispersion: f64, each: f64, upper: bool) -> u64 {
    /// From so many on the normal distribution is close, and probabilities may be too small for numbers.
    const MANY: f64 = 200.0;
    let shape = singles / dispersion + 0.5;
    let (mean, z) = (shape * each, if upper { Z } else { -Z });
    let bursts = if shape > MANY {
        (mean + z * (mean * (1.0 + each)).sqrt()).max(0.0)
    } else {
        let level = if upper { 0.9 } else { 0.1 };
        let ratio = each / (1.0 + each);
        let (mut count, mut here) = (0.0, (1.0 + each).powf(-shape));
        let mut below = here;
        // Far behind the 90th part in 100 of all, whatever the shape.
        let last = 10.0 * (mean + 10.0) * (1.0 + each);
        while below < level && count < last {
            here *= ratio * (count + shape) / (count + 1.0);
            count += 1.0;
            below += here;
        }
        count
    };
    let things = bursts * dispersion;
    (if upper { things.ceil() } else { things.floor() }) as u64
}

#[cfg(test)]
mod tests {
    use super::{CONFIDENCE, Novelty, novelty, outlook};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::usage::ledger::{PrincipalUsage, Tally};

    /// Sebastiano Vigna's splitmix64.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// A world whose chances are known: things that come with some chance on each day, and bursts of things that come once.
    struct World {
        name: &'static str,
        chances: Vec<f64>,
        /// The chance of a burst on a day, and how many things it brings.
        burst: (f64, usize),
    }

    /// Runs `days` days and `ahead` more. Returns what is told after the first, how many things were new then, and what share of
    /// the next day's things is new on average.
    fn run(world: &World, random: &mut Random, days: u16, ahead: u16) -> (Novelty, u64, f64) {
        let mut seen: Vec<Vec<u16>> = vec![Vec::new(); world.chances.len()];
        let mut new = 0;
        for day in 0..days + ahead {
            for (days, chance) in seen.iter_mut().zip(&world.chances) {
                if random.next() < *chance {
                    days.push(day);
                }
            }
            if random.next() < world.burst.0 {
                match day < days {
                    true => seen.extend(vec![vec![day]; world.burst.1]),
                    false => new += world.burst.1 as u64,
                }
            }
        }
        let behind = |of: &&Vec<u16>| of.first().is_some_and(|day| *day >= days);
        new += seen.iter().filter(behind).count() as u64;
        let bursts = world.burst.0 * world.burst.1 as f64;
        let unseen: f64 = seen
            .iter()
            .zip(&world.chances)
            .filter(|(of, _)| of.first().is_none_or(|day| *day >= days))
            .map(|(_, chance)| chance)
            .sum();
        let share = (unseen + bursts) / (world.chances.iter().sum::<f64>() + bursts);
        for of in &mut seen {
            of.retain(|day| *day < days);
        }
        let seen = seen.iter().filter(|of| !of.is_empty());
        let told = novelty(seen.map(Vec::as_slice), usize::from(days), f64::from(ahead));
        (told, new, share)
    }

    #[test]
    fn the_intervals_hold_as_often_as_they_say() {
        let zipf = |count: usize| {
            (1..=count)
                .map(|rank| (1.0 / rank as f64).min(1.0))
                .collect()
        };
        let with_rare = |rare: usize, chance: f64| {
            let mut chances = vec![0.9; 40];
            chances.extend(vec![chance; rare]);
            chances
        };
        let worlds = [
            World {
                name: "all alike",
                chances: vec![0.05; 60],
                burst: (0.0, 0),
            },
            World {
                name: "daily and rare",
                chances: with_rare(100, 0.01),
                burst: (0.0, 0),
            },
            World {
                name: "daily only",
                chances: with_rare(0, 0.0),
                burst: (0.0, 0),
            },
            World {
                name: "monthly jobs",
                chances: with_rare(12, 1.0 / 30.0),
                burst: (0.0, 0),
            },
            World {
                name: "Zipf",
                chances: zipf(500),
                burst: (0.0, 0),
            },
            World {
                name: "ever new",
                chances: with_rare(0, 0.0),
                burst: (1.0, 3),
            },
            World {
                name: "bursts",
                chances: with_rare(20, 0.02),
                burst: (0.15, 6),
            },
        ];
        const TRIALS: u32 = 400;
        let mut random = Random(7);
        let mut wrong = Vec::new();
        for world in &worlds {
            for days in [10, 20, 60] {
                let (mut counts_held, mut shares_held) = (0, 0);
                for _ in 0..TRIALS {
                    let (told, new, share) = run(world, &mut random, days, 10);
                    counts_held += u32::from((told.low..=told.high).contains(&new));
                    let [low, estimate, high] = told.chance;
                    assert!(low <= estimate && estimate <= high && told.low <= told.high);
                    shares_held += u32::from(low <= share + 1e-12 && share <= high + 1e-12);
                }
                let held = [counts_held, shares_held].map(|held| held * 100 / TRIALS);
                // Four hundred trials are off by less than 5. What comes in bursts cannot be known from ten days, of which one in five
                // times none has a burst: then they hold 75 times in 100.
                let off = if days == 10 { 8 } else { 5 };
                if held.iter().any(|held| *held < CONFIDENCE - off) {
                    wrong.push((world.name, days, held));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    fn usage(facts: &[(&'static str, &str, &[u16])]) -> PrincipalUsage {
        let mut usage = PrincipalUsage::default();
        for (action, resource, days) in facts {
            let tally = Tally {
                used: days.len() as u64,
                days: (*days).into(),
                ..Tally::default()
            };
            let resources = usage.facts.entry(Action::known(action)).or_default();
            resources.insert(ResourceArn::from_pattern(*resource), Box::new(tally));
        }
        usage
    }

    #[test]
    fn an_outlook_counts_actions_and_pairs_over_the_days_that_were_worked_on() {
        let (every, once): (Vec<u16>, [u16; 1]) = ((0..20).step_by(2).collect(), [6]);
        let told = outlook(
            &usage(&[
                ("s3:GetObject", "arn:aws:s3:::b/1", &every),
                ("s3:GetObject", "arn:aws:s3:::b/2", &once),
                ("s3:PutObject", "arn:aws:s3:::b/2", &[18]),
            ]),
            None,
            14,
        )
        .unwrap();
        assert_eq!((told.active_days, told.span_days), (10, 19));
        assert_eq!((told.actions.seen, told.pairs.seen), (2, 3));
        // One of the eleven actions of all days was new, and two of the twelve pairs.
        let [_, action, _] = told.actions.chance;
        let [_, pair, _] = told.pairs.chance;
        assert!((action - 1.0 / 11.0).abs() < 1e-12 && (pair - 2.0 / 12.0).abs() < 1e-12);
        assert!(told.actions.high >= 1 && told.pairs.high >= told.actions.high);
    }

    #[test]
    fn who_has_fallen_silent_is_expected_to_bring_less() {
        let every: Vec<u16> = (0..20).collect();
        let names: Vec<String> = (0..20).map(|key| format!("arn:aws:s3:::b/{key}")).collect();
        let facts = names.iter().zip(every.chunks(1));
        let facts: Vec<_> = facts
            .map(|(name, days)| ("s3:GetObject", &**name, days))
            .collect();
        let usage = usage(&facts);
        let told = |end: Option<i64>| outlook(&usage, end, 14).unwrap();
        let (at_once, silent) = (told(Some(20 * 86_400 - 1)), told(Some(100 * 86_400 - 1)));
        assert_eq!((at_once.span_days, silent.span_days), (20, 100));
        assert_eq!(silent.active_days, 20);
        assert!(silent.pairs.expected < at_once.pairs.expected / 3.0);
        assert!(silent.pairs.high < at_once.pairs.high);
        // Without an end, and with one before the last day, it is the last day.
        assert_eq!(told(None), at_once);
        assert_eq!(told(Some(5 * 86_400)), at_once);
        assert_eq!(told(Some(i64::MAX)), at_once);
    }

    #[test]
    fn too_few_days_tell_nothing() {
        let days: Vec<u16> = (0..6).collect();
        let few = usage(&[("s3:GetObject", "arn:aws:s3:::b/1", &days)]);
        assert_eq!(outlook(&few, None, 14), None);
        assert_eq!(outlook(&PrincipalUsage::default(), None, 14), None);
    }
}
