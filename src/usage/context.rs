//! The condition keys of a request that its record tells: what a statement's `Condition` could be held to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::usage::times::Times;
use crate::usage::values::{Answers, Calls, Values};

/// A condition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContextKey {
    /// `aws:CalledVia`, multi-valued: a service that called with the principal's credentials. The record names one of
    /// them; there may be more.
    CalledVia,
    /// `aws:ViaAWSService`: whether any service did.
    ViaAwsService,
    /// `iam:AWSServiceName`: the service that a service-linked role is for.
    AwsServiceName,
    /// `iam:PassedToService`: the service that a role is passed to.
    PassedToService,
    /// `kms:ViaService`: the service and Region that used a key with the principal's credentials.
    ViaService,
}

impl ContextKey {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CalledVia,
        Self::ViaAwsService,
        Self::AwsServiceName,
        Self::PassedToService,
        Self::ViaService,
    ];

    /// The key as AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CalledVia => "aws:CalledVia",
            Self::ViaAwsService => "aws:ViaAWSService",
            Self::AwsServiceName => "iam:AWSServiceName",
            Self::PassedToService => "iam:PassedToService",
            Self::ViaService => "kms:ViaService",
        }
    }

    /// The keys that tell that a service forwarded the call.
    pub const FORWARDING: [Self; 3] = [Self::CalledVia, Self::ViaAwsService, Self::ViaService];

    /// Whether the key is one of [`Self::FORWARDING`].
    #[must_use]
    pub fn tells_forwarding(self) -> bool {
        Self::FORWARDING.contains(&self)
    }
}

/// What tells the contexts of requests apart that are asked for more than [`ContextKey`]s: contexts with one class are alike in
/// all that was asked. What it says is the matter of who asked.
pub type Class = Arc<[u8]>;

/// The keys of one request with their values; each key once. Most requests tell none, which takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextKeys(Option<Box<Keys>>);

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Keys {
    told: Vec<(ContextKey, Box<str>)>,
    class: Option<Class>,
    answers: Option<Answers>,
}

impl ContextKeys {
    /// Whether there is no key, nor a class, nor an answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The same with `key`, whose value is replaced where it is there already.
    #[must_use]
    pub fn with(mut self, key: ContextKey, value: impl Into<Box<str>>) -> Self {
        let told = &mut self.0.get_or_insert_default().told;
        match told.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => told[at].1 = value.into(),
            Err(at) => told.insert(at, (key, value.into())),
        }
        self
    }

    /// The same in `class`.
    #[must_use]
    pub fn within(mut self, class: Class) -> Self {
        self.0.get_or_insert_default().class = Some(class);
        self
    }

    /// The class, where anything was asked for and told.
    #[must_use]
    pub fn class(&self) -> Option<&Class> {
        self.0.as_ref()?.class.as_ref()
    }

    /// The same with what the call told of keys that were asked for by name.
    #[must_use]
    pub fn answering(mut self, answers: Answers) -> Self {
        self.0.get_or_insert_default().answers = Some(answers);
        self
    }

    /// What the call told of keys that were asked for by name.
    #[must_use]
    pub fn answers(&self) -> Option<&Answers> {
        self.0.as_ref()?.answers.as_ref()
    }

    /// The same without what the call told of keys that were asked for by name.
    fn without_answers(&self) -> Cow<'_, Self> {
        match &self.0 {
            Some(keys) if keys.answers.is_some() => Cow::Owned(match keys.class {
                None if keys.told.is_empty() => Self::default(),
                _ => Self(Some(Box::new(Keys {
                    told: keys.told.clone(),
                    class: keys.class.clone(),
                    answers: None,
                }))),
            }),
            _ => Cow::Borrowed(self),
        }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: ContextKey) -> Option<&str> {
        self.iter()
            .find_map(|(own, value)| (own == key).then_some(value))
    }

    /// The keys, sorted, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (ContextKey, &str)> {
        let told = self.0.iter().flat_map(|keys| &keys.told);
        told.map(|(key, value)| (*key, &**value))
    }
}

/// The most distinct sets of keys that are kept for one fact.
const MAX_CONTEXTS: usize = 32;

/// The keys that the used calls of one fact told, and how many calls told each set of them. Most facts' calls told none, which
/// takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts(Option<Box<Counts>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    counts: BTreeMap<ContextKeys, Count>,
    /// Whether there were more than [`MAX_CONTEXTS`]; then none is kept, whatever comes later.
    too_many: bool,
    /// What was asked for by name. It is kept apart: calls have as many addresses and times as there are calls.
    told: Values,
}

/// The calls that told one set of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Count {
    calls: u64,
    /// The smallest `eventID` of them.
    sample: Option<Box<str>>,
}

impl Count {
    fn add(&mut self, calls: u64, sample: Option<&str>) {
        self.calls += calls;
        if let Some(id) = sample
            && self.sample.as_deref().is_none_or(|old| id < old)
        {
            self.sample = Some(id.into());
        }
    }
}

impl Counts {
    fn bound(&mut self) {
        self.too_many |= self.counts.len() > MAX_CONTEXTS;
        if self.too_many {
            self.counts.clear();
        }
    }
}

impl Contexts {
    /// Counts what calls told of keys that were asked for by name.
    pub(crate) fn tell(&mut self, keys: &ContextKeys, times: &Times) {
        if let Some(answers) = keys.answers() {
            let days = times.days.first().zip(times.days.last());
            let calls = Calls {
                count: times.count,
                days: days.map(|(first, last)| (*first, *last)),
            };
            self.0.get_or_insert_default().told.count(answers, calls);
        }
    }

    /// What the calls told of the keys that were asked for by name.
    #[must_use]
    pub fn told(&self) -> &Values {
        static NOTHING: Values = Values::nothing();
        self.0.as_ref().map_or(&NOTHING, |known| &known.told)
    }

    /// Counts calls, of which `sample` is the smallest `eventID`, by all that they told but for what was asked for by name.
    pub(crate) fn count(&mut self, keys: &ContextKeys, calls: u64, sample: Option<&str>) {
        let keys = &*keys.without_answers();
        if keys.is_empty() || self.is_cut() {
            return;
        }
        let known = self.0.get_or_insert_default();
        if let Some(count) = known.counts.get_mut(keys) {
            count.add(calls, sample);
        } else {
            let count = known.counts.entry(keys.clone()).or_default();
            count.add(calls, sample);
            known.bound();
        }
    }

    /// Adds `other`'s calls. Commutative and associative.
    pub(crate) fn absorb(&mut self, other: Self) {
        let Some(other) = other.0 else { return };
        let known = self.0.get_or_insert_default();
        known.told.absorb(other.told);
        known.too_many |= other.too_many;
        for (keys, count) in other.counts {
            let own = known.counts.entry(keys).or_default();
            own.add(count.calls, count.sample.as_deref());
        }
        known.bound();
    }

    fn counts(&self) -> impl Iterator<Item = (&ContextKeys, &Count)> {
        self.0.iter().flat_map(|known| &known.counts)
    }

    /// The distinct sets of keys, sorted, with the number of calls that told each. Calls that told none are not among
    /// them.
    pub fn iter(&self) -> impl Iterator<Item = (&ContextKeys, u64)> {
        self.counts().map(|(keys, count)| (keys, count.calls))
    }

    /// The sets of keys, sorted, each with an `eventID` of a call that told it.
    pub fn samples(&self) -> impl Iterator<Item = (&ContextKeys, Option<&str>)> {
        self.counts()
            .map(|(keys, count)| (keys, count.sample.as_deref()))
    }

    /// Whether there were too many to be kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.0.as_ref().is_some_and(|known| known.too_many)
    }

    /// The number of calls that told any key.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts().map(|(_, count)| count.calls).sum()
    }

    /// The values of `key`, sorted and distinct, if each of `calls` calls told one.
    #[must_use]
    pub fn values(&self, key: ContextKey, calls: u64) -> Option<Vec<&str>> {
        let mut told = 0;
        let mut values = Vec::new();
        for (keys, count) in self.iter() {
            if let Some(value) = keys.get(key) {
                told += count;
                values.push(value);
            }
        }
        values.sort_unstable();
        values.dedup();
        (told == calls && calls > 0).then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::{ContextKey, ContextKeys, Contexts, MAX_CONTEXTS};

    fn to(service: &str) -> ContextKeys {
        ContextKeys::default().with(ContextKey::PassedToService, service)
    }

    fn contexts(services: &[&str]) -> Contexts {
        let mut contexts = Contexts::default();
        for service in services {
            contexts.count(&to(service), 1, None);
        }
        contexts
    }

    #[test]
    fn a_key_has_values_only_where_every_call_told_one() {
        let contexts = contexts(&["lambda", "ecs-tasks", "lambda"]);
        let key = ContextKey::PassedToService;
        assert_eq!(contexts.values(key, 3), Some(vec!["ecs-tasks", "lambda"]));
        assert_eq!(contexts.values(key, 4), None);
        assert_eq!(contexts.values(ContextKey::CalledVia, 3), None);
        assert_eq!(Contexts::default().values(key, 0), None);
    }

    #[test]
    fn too_many_are_none_in_whatever_order_they_come() {
        let names: Vec<String> = (0..=MAX_CONTEXTS).map(|i| format!("s{i}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let (some, rest) = all.split_at(3);
        let mut merged = contexts(some);
        merged.absorb(contexts(rest));
        let mut turned = contexts(rest);
        turned.absorb(contexts(some));
        let mut after = contexts(&all);
        after.count(&to("s1"), 1, None);
        for contexts in [merged, turned, contexts(&all), after] {
            assert_eq!((contexts.total(), contexts.is_cut()), (0, true));
        }
        assert_eq!(contexts(&all[1..]).total(), MAX_CONTEXTS as u64);
    }
}
