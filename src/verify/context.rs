//! What is known of a request besides its action and resource: the condition keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::verify::json::{Entries, Many, Scalar};

/// The condition keys of one request. The names of keys are compared without regard to case.
/// Source: IAM User Guide, "IAM JSON policy elements: Condition".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    keys: BTreeMap<Box<str>, Key>,
    rest: Key,
}

/// What is known of one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The request carries it with these values; none is the same as [`Key::Absent`].
    Known(Vec<String>),
    /// The request carries it with these values, and perhaps with others; none is the same as [`Key::Unknown`].
    Holding(Vec<String>),
    /// The request does not carry it.
    Absent,
    /// The source (a log) can not tell.
    Unknown,
}

impl Context {
    /// A context that names every key the request carries: a key that is not named is absent.
    #[must_use]
    pub fn complete() -> Self {
        Self {
            keys: BTreeMap::new(),
            rest: Key::Absent,
        }
    }

    /// A context that names some keys only: of a key that is not named, nothing is known.
    #[must_use]
    pub fn partial() -> Self {
        Self {
            keys: BTreeMap::new(),
            rest: Key::Unknown,
        }
    }

    /// The same with `name` set to `key`.
    #[must_use]
    pub fn with(mut self, name: &str, key: Key) -> Self {
        self.set(name, key);
        self
    }

    /// Sets `name` to `key`.
    pub fn set(&mut self, name: &str, key: Key) {
        let key = match key {
            Key::Known(values) if values.is_empty() => Key::Absent,
            Key::Holding(values) if values.is_empty() => Key::Unknown,
            key => key,
        };
        self.keys.insert(name.to_ascii_lowercase().into(), key);
    }

    /// The keys that were named, in lower case, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Key)> {
        self.keys.iter().map(|(name, key)| (&**name, key))
    }

    /// Whether `name`, which is in lower case, was named.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.keys.contains_key(name)
    }

    /// What is known of `name`, which is in lower case.
    pub(crate) fn get(&self, name: &str) -> &Key {
        self.keys.get(name).unwrap_or(&self.rest)
    }
}

/// A complete context, from `{"aws:SourceIp": ["203.0.113.7"], "aws:TagKeys": ["a", "b"]}`. A value may stand without its
/// list, a number or boolean without quotes; a key given twice, in whatever case, is refused.
impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Entries(keys) = Entries::<Many<Scalar>>::deserialize(deserializer)?;
        let keys = keys.into_iter();
        Ok(
            keys.fold(Self::complete(), |context, (name, Many(values))| {
                let values = values.into_iter().map(|Scalar(value)| value);
                context.with(&name, Key::Known(values.collect()))
            }),
        )
    }
}
