//! What policies ask of a request besides its action and resource, and which requests they do not tell apart.
//!
//! Logs hold millions of contexts: addresses, times. Policies ask few questions of them. So of each context only the answers are
//! kept, its class, and all requests of one class are judged as the one of them whose context is the first in order. How many
//! classes there are is a matter of the policies, unless one compares with a variable: then the values themselves tell the
//! classes apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::usage::context::Class;
use crate::usage::told::is_told;
use crate::verify::condition::Condition;
use crate::verify::context::{Context, Key};
use crate::verify::policy::Policy;

/// The most classes that are told apart, of some hundred bytes each.
const MAX_CLASSES: usize = 1 << 16;

/// The condition keys that some policies ask for and a record may tell, and the classes of contexts that were seen.
#[derive(Debug, Default)]
pub struct Asked<'p> {
    /// By their names, in lower case.
    keys: BTreeMap<String, Questions<'p>>,
    /// One context of each class: what is known of `keys`, in their order.
    classes: Mutex<BTreeMap<Class, Vec<Key>>>,
    too_many: AtomicBool,
}

/// What is asked of one key.
#[derive(Debug, Default)]
struct Questions<'p> {
    conditions: Vec<&'p Condition>,
    /// Whether the key is a variable somewhere, or compared with one, so that its value matters.
    by_value: bool,
}

impl<'p> Asked<'p> {
    /// What `policies` ask for. Keys that no record tells are not among it.
    #[must_use]
    pub fn by(policies: impl IntoIterator<Item = &'p Policy>) -> Self {
        let mut keys: BTreeMap<String, Questions<'p>> = BTreeMap::new();
        let mut variables: BTreeSet<String> = BTreeSet::new();
        let unknown = Context::partial();
        for statement in policies.into_iter().flat_map(|policy| &policy.statements) {
            let resources = statement.resources.iter().flat_map(|listed| &listed.items);
            variables.extend(
                resources
                    .flat_map(|each| each.open_variables(&unknown))
                    .map(str::to_owned),
            );
            for condition in &statement.conditions {
                let name = condition.key.to_ascii_lowercase();
                let known = Context::partial().with(&name, Key::Absent);
                let others = condition
                    .open_keys(&known)
                    .into_iter()
                    .filter(|key| *key != name);
                let others: Vec<String> = others.map(str::to_owned).collect();
                let questions = keys.entry(name).or_default();
                questions.conditions.push(condition);
                questions.by_value |= !others.is_empty();
                variables.extend(others);
            }
        }
        for name in variables {
            keys.entry(name).or_default().by_value = true;
        }
        keys.retain(|name, _| is_told(name));
        Self {
            keys,
            ..Self::default()
        }
    }

    /// Whether nothing is asked for that a record may tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys, in lower case, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// The keys whose values matter, and not only what a few conditions say of them.
    pub fn keys_by_value(&self) -> impl Iterator<Item = &str> {
        let by_value = self.keys.iter().filter(|(_, questions)| questions.by_value);
        by_value.map(|(name, _)| name.as_str())
    }

    /// Whether there were more classes than are told apart, so that nothing is known of some contexts.
    #[must_use]
    pub fn is_too_much(&self) -> bool {
        self.too_many.load(Ordering::Relaxed)
    }

    /// The class of a context of which `tell` tells a key's values, none of a key that is absent; `None` where it tells nothing
    /// of any key.
    pub fn class(&self, tell: impl Fn(&str) -> Option<Vec<String>>) -> Option<Class> {
        let told = self.keys().map(|key| match tell(key) {
            None => Key::Unknown,
            Some(values) if values.is_empty() => Key::Absent,
            Some(values) => Key::Known(values),
        });
        let told: Vec<Key> = told.collect();
        if told.iter().all(|key| *key == Key::Unknown) {
            return None;
        }
        let mut answers = Vec::new();
        for ((name, questions), key) in self.keys.iter().zip(&told) {
            questions.answer(name, key, &mut answers);
        }
        let mut classes = self.classes();
        if let Some(first) = classes.get_mut(&*answers) {
            if told < *first {
                *first = told;
            }
        } else if classes.len() < MAX_CLASSES {
            classes.insert(answers.as_slice().into(), told);
        } else {
            self.too_many.store(true, Ordering::Relaxed);
        }
        classes
            .get_key_value(&*answers)
            .map(|(class, _)| class.clone())
    }

    /// `known`, and what is known of the contexts of `class`.
    pub(crate) fn context(&self, known: &Context, class: &Class) -> Context {
        let classes = self.classes();
        let told = classes.get(class).into_iter().flatten();
        let told = self
            .keys()
            .zip(told)
            .filter(|(_, key)| **key != Key::Unknown);
        told.fold(known.clone(), |context, (name, key)| {
            context.with(name, key.clone())
        })
    }

    fn classes(&self) -> MutexGuard<'_, BTreeMap<Class, Vec<Key>>> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Questions<'_> {
    /// Writes down all that is to be known of `key`, which is the one called `name`, so that what is written for different
    /// keys one after another can be read in one way only.
    fn answer(&self, name: &str, key: &Key, answers: &mut Vec<u8>) {
        const UNKNOWN: u8 = 0;
        const ANSWERED: u8 = 1;
        const VALUES: u8 = 2;
        match key {
            Key::Unknown => answers.push(UNKNOWN),
            _ if !self.by_value => {
                answers.push(ANSWERED);
                let context = Context::partial().with(name, key.clone());
                let holds = self
                    .conditions
                    .iter()
                    .map(|each| each.holds(&context) as u8);
                answers.extend(holds);
            }
            key => {
                let values: &[String] = match key {
                    Key::Known(values) => values,
                    _ => &[],
                };
                answers.push(VALUES);
                answers.extend((values.len() as u64).to_le_bytes());
                for value in values {
                    answers.extend((value.len() as u64).to_le_bytes());
                    answers.extend(value.as_bytes());
                }
            }
        }
    }
}
