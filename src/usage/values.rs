//! The values that calls told of condition keys, for who asks for keys by their names.
//!
//! Of each fact and key it is kept how many calls carried the key, with which values, and how many told that they did not. All
//! others told nothing. What belongs to one call together is not kept: that would be as many contexts as there are calls.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::usage::resolve::Meaning;
use crate::usage::told::{self, Asking, Told};

/// The most distinct values that are kept for one key of one fact, and the most bytes that they may have together.
pub const MAX_VALUES: usize = 100;
const MAX_BYTES: usize = 16 << 10;

/// Of the moment of a call only the hour of its day is kept, in two digits and UTC. Moments are as many as calls.
const MOMENT: &str = "aws:currenttime";

/// The keys of the tags that a request passes. Who asks for them is told the value of each tag too, as `aws:requesttag/…`.
const TAG_KEYS: &str = "aws:tagkeys";
const REQUEST_TAG: &str = "aws:requesttag/";

/// The most tags of which values are kept with one fact, the first in order. AWS has no more on a resource.
const MAX_TAGS: usize = 50;

/// The condition keys that are asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// In lower case.
    keys: Vec<Arc<str>>,
}

/// What one call told of keys: the values that it carried each with, none where it carried it not.
pub type Answers = Arc<[(Arc<str>, Told)]>;

impl Wanted {
    /// These keys, in any letter case. Of those that no record tells, nothing will be known.
    #[must_use]
    pub fn keys<'k>(names: impl IntoIterator<Item = &'k str>) -> Self {
        let names = names.into_iter().map(str::to_ascii_lowercase);
        let mut keys: Vec<Arc<str>> = names.map(Arc::from).collect();
        keys.sort();
        keys.dedup();
        Self { keys }
    }

    /// The same with one key more.
    #[must_use]
    pub fn and(mut self, name: &str) -> Self {
        self.keys.push(name.to_ascii_lowercase().into());
        self.keys.sort();
        self.keys.dedup();
        self
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Notes with each thing that a used call needed what `tell` tells of the keys.
    pub fn note(&self, meaning: &mut Meaning, tell: impl Fn(&str, Asking<'_>) -> Option<Told>) {
        if self.is_empty() {
            return;
        }
        told::in_contexts(meaning, |asking, context| {
            let answer = |key: &Arc<str>| {
                let told = tell(key, asking)?;
                let told = match &**key {
                    MOMENT => told.iter().filter_map(|moment| hour(moment)).collect(),
                    _ => told,
                };
                Some((key.clone(), told))
            };
            let mut answers: Vec<_> = self.keys.iter().filter_map(answer).collect();
            let tags = answers.iter().find(|(key, _)| &**key == TAG_KEYS);
            let tags = tags.map_or(Vec::new(), |(_, tags)| tags.clone());
            answers.extend(tags.iter().take(MAX_TAGS).filter_map(|tag| {
                let key = format!("{REQUEST_TAG}{}", tag.to_ascii_lowercase());
                let told = tell(&key, asking)?;
                Some((key.into(), told))
            }));
            match answers.is_empty() {
                true => context,
                false => context.answering(answers.into()),
            }
        });
    }
}

/// The hour of a moment in RFC 3339.
fn hour(moment: &str) -> Option<String> {
    moment.get(11..13).map(str::to_owned)
}

/// Some calls of a fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many.
    pub count: u64,
    /// The first and the last day (since 1970-01-01, UTC) of them, where they have times.
    pub days: Option<(u16, u16)>,
}

impl Calls {
    /// Adds other calls. Commutative and associative.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.days = match (self.days, other.days) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (a, b) => a.or(b),
        };
    }
}

/// What the calls of one fact told of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Those that carried it.
    pub with: Calls,
    /// Those that did not carry it.
    pub without: Calls,
    values: BTreeMap<Box<str>, Calls>,
    too_many: bool,
}

impl Answered {
    /// The values, sorted, each with the calls that carried it; `None` where there were too many to be kept.
    #[must_use]
    pub fn values(&self) -> Option<&BTreeMap<Box<str>, Calls>> {
        (!self.too_many).then_some(&self.values)
    }

    /// How many calls told whether they carried the key.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.with.count + self.without.count
    }

    fn count(&mut self, told: &Told, calls: Calls) {
        if told.is_empty() {
            return self.without.add(calls);
        }
        self.with.add(calls);
        if self.too_many {
            return;
        }
        let mut distinct: Vec<&str> = told.iter().map(String::as_str).collect();
        distinct.sort_unstable();
        distinct.dedup();
        for value in distinct {
            match self.values.get_mut(value) {
                Some(known) => known.add(calls),
                None => drop(self.values.insert(value.into(), calls)),
            }
        }
        self.bound();
    }

    fn absorb(&mut self, other: Self) {
        self.with.add(other.with);
        self.without.add(other.without);
        self.too_many |= other.too_many;
        for (value, calls) in other.values {
            self.values.entry(value).or_default().add(calls);
        }
        self.bound();
    }

    /// Whether it is too much is told by the set of all values, so that their order is of no matter.
    fn bound(&mut self) {
        let bytes = || self.values.keys().map(|value| value.len()).sum::<usize>();
        self.too_many = self.too_many || self.values.len() > MAX_VALUES || bytes() > MAX_BYTES;
        if self.too_many {
            self.values.clear();
        }
    }
}

/// What the used calls of one fact told of the keys that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<Arc<str>, Answered>);

impl Values {
    /// That nothing was told.
    pub(crate) const fn nothing() -> Self {
        Self(BTreeMap::new())
    }

    /// What was told of `key`, which is in lower case; `None`: nothing.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Answered> {
        self.0.get(key)
    }

    /// Whether nothing was told, or nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts calls that told the same.
    pub(crate) fn count(&mut self, answers: &Answers, calls: Calls) {
        for (key, told) in answers.iter() {
            match self.0.get_mut(key) {
                Some(answered) => answered.count(told, calls),
                None => self.0.entry(key.clone()).or_default().count(told, calls),
            }
        }
        self.bound();
    }

    /// A tag that is among the first of all is among the first of each part of them, so that none is lost on the way.
    fn bound(&mut self) {
        let tags = self
            .0
            .range::<str, _>((Bound::Included(REQUEST_TAG), Bound::Unbounded));
        let tags = tags
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(REQUEST_TAG));
        if self.0.len() > MAX_TAGS {
            let more: Vec<Arc<str>> = tags.skip(MAX_TAGS).cloned().collect();
            more.iter().for_each(|key| drop(self.0.remove(key)));
        }
    }

    /// Adds what other calls told. Commutative and associative.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (key, answered) in other.0 {
            self.0.entry(key).or_default().absorb(answered);
        }
        self.bound();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Answers, Calls, MAX_TAGS, MAX_VALUES, REQUEST_TAG, Values, Wanted};
    use crate::iam::action::Action;
    use crate::usage::context::ContextKeys;
    use crate::usage::resolve::{Basis, Meaning, Need, Outcome, Resources};
    use crate::usage::told::Told;

    fn told(key: &str, values: &[&str]) -> Answers {
        let values: Told = values.iter().map(|value| (*value).to_owned()).collect();
        Arc::new([(key.into(), values)])
    }

    fn on(day: u16) -> Calls {
        Calls {
            count: 1,
            days: Some((day, day)),
        }
    }

    #[test]
    fn calls_with_a_key_and_without_it_are_counted_by_value() {
        let mut values = Values::default();
        values.count(&told("k", &["a"]), on(3));
        values.count(&told("k", &["b", "a", "b"]), on(1));
        values.count(&told("k", &[]), on(9));
        let answered = values.get("k").unwrap();
        assert_eq!(answered.told(), 3);
        assert_eq!((answered.with.count, answered.with.days), (2, Some((1, 3))));
        assert_eq!(answered.without, on(9));
        let counts: Vec<_> = answered.values().unwrap().iter().collect();
        let twice = Calls {
            count: 2,
            days: Some((1, 3)),
        };
        assert_eq!(counts, [(&"a".into(), &twice), (&"b".into(), &on(1))]);
        assert_eq!(values.get("other"), None);
    }

    #[test]
    fn too_many_are_none_in_whatever_order_they_come() {
        let names: Vec<String> = (0..=MAX_VALUES).map(|number| number.to_string()).collect();
        let sum = |names: &[String]| {
            let mut values = Values::default();
            for (day, name) in (0..).zip(names) {
                values.count(&told("k", &[name]), on(day));
            }
            values
        };
        let (some, rest) = names.split_at(7);
        let mut one = sum(some);
        one.absorb(sum(rest));
        let mut other = sum(rest);
        other.absorb(sum(some));
        let all = names.len() as u64;
        for values in [&one, &other, &sum(&names)] {
            let answered = values.get("k").unwrap();
            assert_eq!((answered.with.count, answered.values()), (all, None));
        }
        assert_eq!(
            sum(rest).get("k").unwrap().values().unwrap().len(),
            rest.len()
        );
        // A few long ones are too many as well.
        let long: Vec<String> = (0..20)
            .map(|n| format!("{n}{}", "x".repeat(1000)))
            .collect();
        assert_eq!(sum(&long).get("k").unwrap().values(), None);
    }

    #[test]
    fn of_too_many_tags_the_first_are_kept_in_whatever_order_they_come() {
        let names: Vec<String> = (100..160).map(|n| format!("{REQUEST_TAG}{n}")).collect();
        let sum = |names: &[String]| {
            let mut values = Values::default();
            for name in names {
                values.count(&told(name, &["v"]), on(1));
            }
            values
        };
        let turned: Vec<String> = names.iter().rev().cloned().collect();
        let mut merged = sum(&turned[..7]);
        merged.absorb(sum(&turned[7..]));
        for values in [sum(&names), sum(&turned), merged] {
            let kept: Vec<&str> = values.0.keys().map(|key| &**key).collect();
            assert_eq!(kept, names[..MAX_TAGS]);
        }
    }

    #[test]
    fn used_calls_are_noted_with_the_hour_of_their_moment() {
        let mut meaning = Meaning {
            outcome: Outcome::Used,
            reason: "".into(),
            needs: [Need {
                action: Action::known("s3:GetObject"),
                resources: Resources::new(),
                basis: Basis::Event,
                context: ContextKeys::default(),
                told: true,
            }]
            .into(),
            loaded: None,
            message: None,
            notes: Vec::new(),
        };
        let wanted = Wanted::keys(["AWS:CurrentTime", "aws:userid", "aws:SourceIp"]);
        let tell = |key: &str, _: crate::usage::told::Asking<'_>| match key {
            "aws:currenttime" => Some(vec!["2026-03-01T10:00:00Z".to_owned()]),
            "aws:sourceip" => Some(Told::new()),
            _ => None,
        };
        let mut denied = meaning.clone();
        denied.outcome = Outcome::Denied;
        wanted.note(&mut denied, tell);
        assert_eq!(denied.needs[0].context.answers(), None);
        wanted.note(&mut meaning, tell);
        let answers = meaning.needs[0].context.answers().unwrap();
        assert_eq!(answers.len(), 2);
        assert_eq!(
            answers[0],
            ("aws:currenttime".into(), vec!["10".to_owned()])
        );
        assert_eq!(answers[1], ("aws:sourceip".into(), Told::new()));
    }
}
