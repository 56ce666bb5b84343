//! The condition keys of a request that its record tells: what a statement's `Condition` could be held to.

use std::collections::BTreeMap;

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

/// The keys of one request with their values; each key once. Most requests tell none, which takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextKeys(Vec<(ContextKey, Box<str>)>);

impl ContextKeys {
    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same with `key`, whose value is replaced where it is there already.
    #[must_use]
    pub fn with(mut self, key: ContextKey, value: impl Into<Box<str>>) -> Self {
        match self.0.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.0.insert(at, (key, value.into())),
        }
        self
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: ContextKey) -> Option<&str> {
        self.iter()
            .find_map(|(own, value)| (own == key).then_some(value))
    }

    /// The keys, sorted, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (ContextKey, &str)> {
        self.0.iter().map(|(key, value)| (*key, &**value))
    }
}

/// The most distinct sets of keys that are kept for one fact.
const MAX_CONTEXTS: usize = 32;

/// The keys that the used calls of one fact told, and how many calls told each set of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    counts: BTreeMap<ContextKeys, u64>,
    /// Whether there were more than [`MAX_CONTEXTS`]; then none is kept, whatever comes later.
    too_many: bool,
}

impl Contexts {
    /// Counts calls.
    pub(crate) fn count(&mut self, keys: &ContextKeys, calls: u64) {
        if keys.is_empty() || self.too_many {
            return;
        }
        if let Some(count) = self.counts.get_mut(keys) {
            *count += calls;
        } else {
            self.counts.insert(keys.clone(), calls);
            self.bound();
        }
    }

    /// Adds `other`'s calls. Commutative and associative.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.too_many |= other.too_many;
        for (keys, count) in other.counts {
            *self.counts.entry(keys).or_default() += count;
        }
        self.bound();
    }

    fn bound(&mut self) {
        self.too_many |= self.counts.len() > MAX_CONTEXTS;
        if self.too_many {
            self.counts.clear();
        }
    }

    /// The distinct sets of keys, sorted, with the number of calls that told each. Calls that told none are not among
    /// them.
    pub fn iter(&self) -> impl Iterator<Item = (&ContextKeys, u64)> {
        self.counts.iter().map(|(keys, count)| (keys, *count))
    }

    /// Whether there were too many to be kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.too_many
    }

    /// The number of calls that told any key.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
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
            contexts.count(&to(service), 1);
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
        after.count(&to("s1"), 1);
        for contexts in [merged, turned, contexts(&all), after] {
            assert_eq!((contexts.total(), contexts.too_many), (0, true));
        }
        assert_eq!(contexts(&all[1..]).total(), MAX_CONTEXTS as u64);
    }
}
