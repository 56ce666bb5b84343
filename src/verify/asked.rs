//! What policies ask of a request besides its action and resource, and which requests they do not tell apart.
//!
//! Logs hold millions of contexts: addresses, times. Policies ask few questions of them. So of each context only the answers are
//! kept, its class, and all requests of one class are judged as the one of them whose context is the first in order. How many
//! classes there are is a matter of the policies, unless one compares with a variable: then the values themselves tell the
//! classes apart.
//!
//! The time of a record is not quite the one that IAM saw, see `MARGIN`.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::{size_of, size_of_val};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::catalog::condition_key;
use crate::usage::context::Class;
use crate::usage::resolve::Meaning;
use crate::usage::told::{self, Asking, Told};
use crate::usage::values::{Values, Wanted};
use crate::verify::condition::{Condition, Test, date};
use crate::verify::context::{Context, Key};
use crate::verify::policy::Policy;

/// The most classes that are told apart, and the most bytes that they may take together, as [`size`] reckons them.
const MAX_CLASSES: usize = 1 << 16;
const MAX_BYTES: usize = 64 << 20;

/// A key with more values, or one with more bytes, is taken for unknown. AWS has no longer ones: a resource has 50 tags, an object's
/// key 1,024 bytes.
const MAX_VALUES: usize = 50;
const MAX_VALUE: usize = 1024;

/// By how many seconds IAM may have decided on a call before the time of its record, which is the one at which it was completed:
/// as long as the longest call of a function takes. A long upload may take longer.
/// Source: CloudTrail User Guide, "CloudTrail record contents", `eventTime`; Lambda Developer Guide, "Lambda quotas".
const MARGIN: i64 = 15 * 60;

/// The most contexts that are made of what is told of a fact key by key.
const MAX_SPREAD: usize = 4096;

/// The keys of the time. Of what is told key by key, they have the hour and no moment.
const TIMES: [&str; 2] = ["aws:currenttime", "aws:epochtime"];

/// The condition keys that some policies ask for and a record may tell, and the classes of contexts that were seen.
#[derive(Debug, Default)]
pub struct Asked<'p> {
    /// By their names, in lower case.
    keys: BTreeMap<String, Questions<'p>>,
    classes: Mutex<Classes>,
    too_many: AtomicBool,
}

/// What is to be known of the contexts of used calls.
#[derive(Clone, Copy, Debug)]
pub enum Asks<'k> {
    /// What policies ask of them.
    Classes(&'k Asked<'k>),
    /// The values of keys.
    Values(&'k Wanted),
}

impl Asks<'_> {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self {
            Self::Classes(asked) => asked.is_empty(),
            Self::Values(wanted) => wanted.is_empty(),
        }
    }

    /// Notes it with what a used call needed; `tell` tells the values that a need's request carried a key with.
    pub fn note(self, meaning: &mut Meaning, tell: impl Fn(&str, Asking<'_>) -> Option<Told>) {
        match self {
            Self::Classes(asked) => asked.classify(meaning, tell),
            Self::Values(wanted) => wanted.note(meaning, tell),
        }
    }
}

/// The classes that were seen.
#[derive(Debug, Default)]
struct Classes {
    by_answers: BTreeMap<Class, Example>,
    /// The sum of what the largest context of each class takes. So whether it is too much hangs on the contexts alone, and not
    /// on their order.
    bytes: usize,
}

/// A class by one of its contexts.
#[derive(Debug)]
struct Example {
    /// The first one in order: what is known of [`Asked::keys`], in their order.
    told: Vec<Key>,
    /// What the largest one takes.
    largest: usize,
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
        keys.retain(|name, _| told::is_told(name));
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

    /// Puts the contexts of what used calls needed into their classes, where `tell` tells the values that a need's request carried a
    /// key with.
    pub fn classify(&self, meaning: &mut Meaning, tell: impl Fn(&str, Asking<'_>) -> Option<Told>) {
        if self.is_empty() {
            return;
        }
        told::in_contexts(meaning, |asking, context| {
            match self.class(|key| tell(key, asking)) {
                Some(class) => context.within(class),
                None => context,
            }
        });
    }

    /// The class of a context of which `tell` tells a key's values, none of a key that is absent; `None` where it tells nothing
    /// of any key.
    fn class(&self, tell: impl Fn(&str) -> Option<Told>) -> Option<Class> {
        let told = self.keys().map(|key| match tell(key) {
            None => Key::Unknown,
            Some(values) if values.is_empty() => Key::Absent,
            Some(values) if values.len() > MAX_VALUES => Key::Unknown,
            Some(values) if values.iter().any(|value| value.len() > MAX_VALUE) => Key::Unknown,
            Some(values) => Key::Known(values),
        });
        let mut told: Vec<Key> = told.collect();
        for ((name, questions), key) in self.keys.iter().zip(&mut told) {
            if TIMES.contains(&&**name) && !questions.have_one_answer_around(key) {
                *key = Key::Unknown;
            }
        }
        if told.iter().all(|key| *key == Key::Unknown) {
            return None;
        }
        let mut answers = Vec::new();
        for ((name, questions), key) in self.keys.iter().zip(&told) {
            questions.answer(name, key, &mut answers);
        }
        let class = self.classes().add(&answers, told);
        if class.is_none() {
            self.too_many.store(true, Ordering::Relaxed);
        }
        class
    }

    /// `known`, and what is known of the contexts of `class`.
    pub(crate) fn context(&self, known: &Context, class: &Class) -> Context {
        let classes = self.classes();
        let example = classes.by_answers.get(class);
        let told = example.into_iter().flat_map(|example| &example.told);
        let told = self
            .keys()
            .zip(told)
            .filter(|(_, key)| **key != Key::Unknown);
        told.fold(known.clone(), |context, (name, key)| {
            context.with(name, key.clone())
        })
    }

    /// The contexts that `calls` of one fact may have had, of which `values` are told key by key: one for each answer to what is
    /// asked of the keys, in all combinations, as it is not told which values went together. Of what would be more than
    /// `MAX_SPREAD` combinations, nothing is known.
    pub(crate) fn spread(&self, known: &Context, values: &Values, calls: u64) -> Vec<Context> {
        let mut contexts = vec![known.clone()];
        for (name, questions) in &self.keys {
            // Nor is it told which values of a key with several came together.
            let several = condition_key::find(name).is_none_or(|facts| facts.multivalued);
            let Some(answered) = values.get(name) else {
                continue;
            };
            if several || TIMES.contains(&&**name) {
                continue;
            }
            let mut keys: BTreeMap<Vec<u8>, Key> = BTreeMap::new();
            let mut add = |key: Key| {
                let mut answers = Vec::new();
                questions.answer(name, &key, &mut answers);
                keys.entry(answers).or_insert(key);
            };
            if answered.without.count > 0 {
                add(Key::Absent);
            }
            let told = answered.values();
            if answered.told() < calls || told.is_none() {
                add(Key::Unknown);
            }
            for value in told.into_iter().flatten().map(|(value, _)| value) {
                add(Key::Known(vec![value.to_string()]));
            }
            if contexts.len() * keys.len() > MAX_SPREAD {
                continue;
            }
            let with = |context: &Context| {
                let keys = keys.values();
                let with = keys.map(|key| context.clone().with(name, key.clone()));
                with.collect::<Vec<_>>()
            };
            contexts = contexts.iter().flat_map(with).collect();
        }
        contexts
    }

    fn classes(&self) -> MutexGuard<'_, Classes> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Classes {
    /// Adds a context to its class; `None` where there is no room for it.
    fn add(&mut self, answers: &[u8], told: Vec<Key>) -> Option<Class> {
        let bytes = size(answers, &told);
        let largest = self.by_answers.get(answers).map_or(0, |old| old.largest);
        let more = bytes.saturating_sub(largest);
        let is_new = largest == 0;
        if is_new && self.by_answers.len() >= MAX_CLASSES || self.bytes + more > MAX_BYTES {
            return None;
        }
        self.bytes += more;
        if is_new {
            let largest = bytes;
            self.by_answers
                .insert(answers.into(), Example { told, largest });
        } else if let Some(example) = self.by_answers.get_mut(answers) {
            example.largest = bytes.max(largest);
            if told < example.told {
                example.told = told;
            }
        }
        let known = self.by_answers.get_key_value(answers);
        known.map(|(class, _)| class.clone())
    }
}

/// About how many bytes a class with this context takes, more than none.
fn size(answers: &[u8], told: &[Key]) -> usize {
    let values = told.iter().flat_map(|key| match key {
        Key::Known(values) => &values[..],
        _ => &[],
    });
    let texts: usize = values.map(|value| size_of::<String>() + value.len()).sum();
    size_of::<(Class, Example)>() + answers.len() + size_of_val(told) + texts
}

impl Questions<'_> {
    /// Whether all that is asked of the time is answered alike, whenever within [`MARGIN`] before `key` IAM decided. What is no
    /// moment is answered alike by all.
    fn have_one_answer_around(&self, key: &Key) -> bool {
        let done = match key {
            Key::Known(values) => values.first().and_then(|value| date(value)),
            _ => None,
        };
        let Some(done) = done.map(Timestamp::as_second) else {
            return true;
        };
        // The record leaves out fractions of the second.
        let around = done - MARGIN..=done + 1;
        let is_apart = |condition: &Condition| match &condition.test {
            Test::Null(_) => true,
            Test::Date(_, bounds) => {
                let mut bounds = bounds.iter().flatten();
                bounds.all(|bound| !around.contains(&bound.as_second()))
            }
            Test::Number(_, bounds) => {
                let around = *around.start() as f64..=*around.end() as f64;
                bounds.iter().flatten().all(|bound| !around.contains(bound))
            }
            // Texts of times.
            _ => false,
        };
        !self.by_value && self.conditions.iter().all(|each| is_apart(each))
    }

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Asked, MAX_BYTES, MAX_CLASSES, MAX_VALUE, MAX_VALUES};
    use crate::verify::context::{Context, Key};
    use crate::verify::evaluate::{Attached, Request, evaluate};
    use crate::verify::policy::{Policy, parse};

    const ANN: &str = "arn:aws:iam::111122223333:user/ann";

    fn policy(statements: &[String]) -> Policy {
        let statements = statements.join(",");
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        parse(&text).unwrap().remove(0)
    }

    fn statement(effect: &str, resource: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect": "{effect}", "Action": "s3:*", "Resource": "arn:aws:s3:::{resource}", "Condition": {{{condition}}}}}"#
        )
    }

    fn keys<'a>(asked: &'a Asked<'_>) -> Vec<&'a str> {
        asked.keys().collect()
    }

    #[test]
    fn only_what_a_record_may_tell_is_asked_for() {
        let policy = policy(&[
            statement("Allow", "b", r#""Bool": {"AWS:SecureTransport": "true"}"#),
            statement(
                "Allow",
                "${aws:userid}/*",
                r#""Null": {"aws:PrincipalTag/a": "true"}"#,
            ),
            statement(
                "Deny",
                "*",
                r#""StringNotLike": {"aws:UserAgent": "${aws:SourceIp}", "aws:SourceVpce": "${aws:SourceVpc, 'x'}"}"#,
            ),
            statement(
                "Allow",
                "*",
                r#""StringEquals": {"aws:RequestTag/Team": "web"}"#,
            ),
        ]);
        let asked = Asked::by([&policy]);
        let expected = [
            "aws:requesttag/team",
            "aws:securetransport",
            "aws:sourceip",
            "aws:sourcevpc",
            "aws:sourcevpce",
            "aws:userid",
        ];
        assert_eq!(keys(&asked), expected);
        let by_value: Vec<&str> = asked.keys_by_value().collect();
        assert_eq!(
            by_value,
            [
                "aws:sourceip",
                "aws:sourcevpc",
                "aws:sourcevpce",
                "aws:userid"
            ]
        );
        assert!(Asked::by([]).is_empty());
    }

    #[test]
    fn addresses_and_times_without_number_make_few_classes() {
        let policy = policy(&[
            statement(
                "Allow",
                "*",
                r#""IpAddress": {"aws:SourceIp": ["10.0.0.0/9", "10.3.0.0/16"]}"#,
            ),
            statement(
                "Deny",
                "*",
                r#""DateLessThan": {"aws:CurrentTime": "1970-01-01T12:00:00Z"}"#,
            ),
        ]);
        let asked = Asked::by([&policy]);
        // Before noon, surely after it, and in between, where it is not known.
        let tell = |number: u32| {
            move |key: &str| {
                Some(vec![match key {
                    "aws:sourceip" => format!("10.{}.0.1", number % 250),
                    _ => (number * 10).to_string(),
                }])
            }
        };
        let classes = (1000..9000).map(|number| asked.class(tell(number)).unwrap());
        let classes: std::collections::BTreeSet<_> = classes.collect();
        assert_eq!((classes.len(), asked.classes().by_answers.len()), (6, 6));
        assert_eq!(asked.class(|_| None), None);
        assert_eq!(asked.class(|_| Some(vec!["x".repeat(2000)])), None);
        assert_eq!(asked.class(|_| Some(vec!["x".to_owned(); 51])), None);
    }

    #[test]
    fn more_classes_than_are_kept_are_said() {
        let policy = policy(&[statement(
            "Allow",
            "${aws:userid}",
            r#""Null": {"aws:SourceIp": "true"}"#,
        )]);
        let asked = Asked::by([&policy]);
        let tell = |number: usize| {
            move |key: &str| (key == "aws:userid").then(|| vec![number.to_string()])
        };
        assert!((0..MAX_CLASSES).all(|number| asked.class(tell(number)).is_some()));
        assert!(!asked.is_too_much());
        assert_eq!(asked.class(tell(MAX_CLASSES)), None);
        assert!(asked.is_too_much());
        assert!(asked.class(tell(7)).is_some());
    }

    #[test]
    fn more_bytes_than_are_kept_are_said_in_whatever_order_they_come() {
        let policy = policy(&[statement(
            "Allow",
            "${aws:userid}",
            r#""Null": {"aws:TagKeys": "true"}"#,
        )]);
        // Each class is once seen with little, once with much that makes no difference.
        let much = |number: usize, tags: usize| {
            move |key: &str| {
                Some(match key {
                    "aws:userid" => vec![number.to_string()],
                    _ => vec!["x".repeat(MAX_VALUE); tags],
                })
            }
        };
        let most = MAX_BYTES / (MAX_VALUE * MAX_VALUES);
        for (classes, too_much) in [(most - 60, false), (most + 1, true)] {
            for tags in [[1, MAX_VALUES], [MAX_VALUES, 1]] {
                let asked = Asked::by([&policy]);
                for tags in tags {
                    for number in 0..classes {
                        asked.class(much(number, tags));
                    }
                }
                assert_eq!(asked.is_too_much(), too_much, "{classes} {tags:?}");
                assert!(asked.classes().bytes <= MAX_BYTES);
            }
        }
    }

    #[test]
    fn the_time_is_known_where_no_bound_is_near() {
        let hour = |time: &str| format!("2026-03-01T{time}:00Z");
        for (condition, near) in [
            (
                r#""DateLessThan": {"aws:CurrentTime": "2026-03-01T10:00:00Z"}"#,
                true,
            ),
            (
                r#""DateEquals": {"aws:CurrentTime": ["2026-03-01T08:00:00Z", "2026-03-01T09:50:00Z"]}"#,
                true,
            ),
            (
                r#""DateLessThan": {"aws:CurrentTime": "2026-03-01T09:45:00Z"}"#,
                true,
            ),
            (
                r#""DateLessThan": {"aws:CurrentTime": "2026-03-01T10:00:01Z"}"#,
                true,
            ),
            (
                r#""DateLessThan": {"aws:CurrentTime": "2026-03-01T09:44:59Z"}"#,
                false,
            ),
            (
                r#""DateGreaterThan": {"aws:CurrentTime": "2026-03-01T10:00:02Z"}"#,
                false,
            ),
            (r#""StringLike": {"aws:CurrentTime": "2026-*"}"#, true),
            (
                r#""StringEquals": {"aws:username": "${aws:CurrentTime}"}"#,
                true,
            ),
            (r#""Null": {"aws:CurrentTime": "false"}"#, false),
            (
                r#""NumericLessThan": {"aws:EpochTime": "1772358900"}"#,
                true,
            ),
            (
                r#""NumericLessThan": {"aws:EpochTime": "1772358299"}"#,
                false,
            ),
            (r#""DateLessThan": {"aws:EpochTime": "1772358900"}"#, true),
        ] {
            let policy = policy(&[statement("Allow", "*", condition)]);
            let asked = Asked::by([&policy]);
            let class = asked.class(|key| {
                Some(vec![match key {
                    "aws:currenttime" => hour("10:00"),
                    _ => "1772359200".to_owned(),
                }])
            });
            assert_eq!(class.is_none(), near, "{condition}");
        }
    }

    fn condition() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            r#""IpAddress": {"aws:SourceIp": "203.0.113.0/24"}"#,
            r#""NotIpAddress": {"aws:SourceIp": ["203.0.113.0/25", "198.51.100.7"]}"#,
            r#""IpAddressIfExists": {"aws:SourceIp": "198.51.100.0/24"}"#,
            r#""StringEquals": {"aws:SourceIp": "${aws:userid}"}"#,
            r#""StringLike": {"aws:userid": "AIDA*"}"#,
            r#""StringNotEquals": {"aws:userid": "${aws:SourceVpce, 'AIDAX'}"}"#,
            r#""Null": {"aws:SourceVpce": "true"}"#,
            r#""StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}"#,
            r#""Bool": {"aws:SourceVpce": "true"}"#,
            r#""NumericLessThan": {"aws:EpochTime": "5000"}"#,
            r#""DateGreaterThan": {"aws:EpochTime": "3000"}"#,
            r#""ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}"#,
            r#""ForAllValues:StringLike": {"aws:TagKeys": ["a*", "${aws:username}"]}"#,
            r#""StringEquals": {"aws:TagKeys": "a"}"#,
            r#""StringEquals": {"aws:PrincipalTag/x": "y"}"#,
            r#""StringEquals": {"aws:username": "ann"}"#,
        ])
        .prop_map(str::to_owned)
    }

    fn told() -> impl Strategy<Value = Vec<Option<Vec<String>>>> {
        let one = |values: &'static [&'static str]| {
            let values = prop::sample::select(values);
            let some = values.prop_map(|value| Some(vec![value.to_owned()]));
            prop_oneof![2 => Just(None), 2 => Just(Some(Vec::new())), 6 => some].boxed()
        };
        let many = prop::collection::vec(prop::sample::select(vec!["a", "ab", "b", "ann"]), 0..3);
        let many = many.prop_map(|values| Some(values.into_iter().map(str::to_owned).collect()));
        vec![
            one(&[
                "203.0.113.7",
                "203.0.113.200",
                "198.51.100.7",
                "198.51.100.8",
                "AIDAX",
                "odd",
            ]),
            one(&["AIDAX", "AIDAY", "203.0.113.7"]),
            one(&["vpce-1", "vpce-2", "true", "AIDAX"]),
            one(&["1000", "4000", "4001", "7000", "odd"]),
            many.boxed(),
        ]
    }

    const TOLD: [&str; 5] = [
        "aws:sourceip",
        "aws:userid",
        "aws:sourcevpce",
        "aws:epochtime",
        "aws:tagkeys",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// All requests of a class are judged as each of them by itself, for the same reason.
        #[test]
        fn what_one_class_holds_is_judged_alike(
            statements in prop::collection::vec(
                (prop::sample::select(vec!["Allow", "Allow", "Deny"]),
                 prop::sample::select(vec!["*", "b/*", "${aws:userid}/*", "b/${aws:SourceVpce, 'vpce-2'}"]),
                 prop::collection::vec(condition(), 0..3)), 1..5),
            contexts in prop::collection::vec(told(), 1..30),
            resource in prop::sample::select(vec!["b/x", "b/vpce-2", "AIDAX/y"]),
        ) {
            let statements: Vec<String> = statements
                .into_iter()
                .map(|(effect, resource, mut conditions)| {
                    // An operator may not stand there twice.
                    conditions.sort();
                    conditions.dedup_by_key(|each| each.split(':').take(2).collect::<String>());
                    let operators: Vec<&str> = conditions.iter().map(|c| c.split('"').nth(1).unwrap()).collect();
                    let fits = operators.windows(2).all(|pair| pair[0] != pair[1]);
                    let conditions = if fits { conditions.join(",") } else { conditions[0].clone() };
                    statement(effect, resource, &conditions)
                })
                .collect();
            let policy = policy(&statements);
            let attached = [Attached { principal: None, name: "p", policy: &policy }];
            let asked = Asked::by([&policy]);
            let known = Context::partial().with("aws:username", Key::Known(vec!["ann".into()]));
            let classes: Vec<_> = contexts
                .iter()
                .map(|told| asked.class(|key| told[TOLD.iter().position(|name| *name == key)?].clone()))
                .collect();
            for (told, class) in contexts.iter().zip(&classes) {
                let by_class = match class {
                    Some(class) => asked.context(&known, class),
                    None => known.clone(),
                };
                let by_itself = TOLD.iter().zip(told).fold(known.clone(), |context, (name, told)| match told {
                    Some(values) => context.with(name, Key::Known(values.clone())),
                    None => context,
                });
                let arn = format!("arn:aws:s3:::{resource}");
                let judged = [&by_class, &by_itself].map(|context| {
                    let request = Request::new(ANN, "s3:GetObject", &arn, context);
                    let judgement = evaluate(&request, &attached);
                    let reason = judgement.reason(&request);
                    (judgement.decision, reason)
                });
                prop_assert_eq!(&judged[0], &judged[1], "{:?}", told);
            }
        }
    }
}
