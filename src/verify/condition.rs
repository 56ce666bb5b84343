//! The `Condition` element: operators, set operators, `IfExists`, over keys that may not be known.
//!
//! Source of every rule here: IAM User Guide, "IAM JSON policy elements: Condition operators", "Conditions with
//! multiple context keys or values" and "Set operators for multivalued context keys". Where those pages leave open
//! what happens (a value of the wrong type, several values under an operator for one), the answer is
//! [`Answer::Unknown`] and not a guess.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::verify::context::{Context, Key};
use crate::verify::matcher::{Answer, Pattern, Syntax, Variables, fold_text};
use crate::verify::operator::{self, Operator};
use crate::verify::resource::{ArnPattern, Subject};

/// One line of a `Condition` element: an operator, a key, its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// The key as the policy writes it.
    pub(crate) key: Box<str>,
    /// The key in lower case.
    pub(crate) lookup: Box<str>,
    pub(crate) set: Option<SetOperator>,
    if_exists: bool,
    pub(crate) negated: bool,
    pub(crate) test: Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetOperator {
    ForAllValues,
    ForAnyValue,
}

/// The operator's base and its values. `None` stands for a value that is not of the operator's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Text { fold: bool, values: Vec<Pattern> },
    Bool(Vec<Pattern>),
    Arn(Vec<Option<ArnPattern>>),
    Number(Compare, Vec<Option<f64>>),
    Date(Compare, Vec<Option<Timestamp>>),
    Binary(Vec<Box<str>>),
    Ip(Vec<Option<Network>>),
    Null(Vec<Option<bool>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

impl Condition {
    /// The condition, or why `operator` is none that IAM knows.
    pub(crate) fn compile(
        operator: &str,
        key: &str,
        values: &[&str],
        variables: Variables,
    ) -> Result<Self, String> {
        let known = Operator::parse(operator)
            .ok_or_else(|| format!("unknown condition operator `{operator}`"))?;
        let Operator {
            mut set,
            negated,
            if_exists,
            ..
        } = known;
        let mut test = compile_test(known, values, variables);
        if let Test::Null(wanted) = &mut test {
            if if_exists {
                return Err(format!("`{operator}`: `Null` takes no `IfExists`"));
            }
            // Source: IAM User Guide, "IAM policy validation check reference", "Null with qualifier": the one holds
            // always, the other never.
            match set.take() {
                Some(SetOperator::ForAllValues) => *wanted = vec![Some(true), Some(false)],
                Some(SetOperator::ForAnyValue) => wanted.clear(),
                None => {}
            }
        }
        if key.is_empty() {
            return Err(format!("empty condition key under `{operator}`"));
        }
        Ok(Self {
            key: key.into(),
            lookup: key.to_ascii_lowercase().into(),
            set,
            if_exists,
            negated,
            test,
        })
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, context: &Context) -> Answer {
        let (values, all) = match context.get(&self.lookup) {
            Key::Unknown => return Answer::Unknown,
            Key::Absent => (&[][..], true),
            Key::Known(values) => (&values[..], true),
            Key::Holding(values) => (&values[..], false),
        };
        if let Test::Null(wanted) = &self.test {
            let absent = values.is_empty();
            // IAM User Guide, "Multivalued context key examples", says of `Null` beside `ForAllValues` that it tells keys with
            // empty values from others; no page says so of keys with one value.
            if !absent && values.iter().all(String::is_empty) {
                return Answer::Unknown;
            }
            return Answer::any(
                wanted
                    .iter()
                    .map(|w| w.map_or(Answer::Unknown, |w| Answer::from(w == absent))),
            );
        }
        // "... or if the context key value resolves to a null dataset, such as an empty string" (set operators only).
        let empty = values.is_empty() || self.set.is_some() && values.iter().all(String::is_empty);
        match self.set {
            Some(SetOperator::ForAllValues) if empty => Answer::Yes,
            // The pages on `ForAnyValue` (no) and on `IfExists` (yes) both speak of the missing key.
            Some(SetOperator::ForAnyValue) if empty && self.if_exists => Answer::Unknown,
            Some(SetOperator::ForAnyValue) if empty => Answer::No,
            None if empty => Answer::from(self.if_exists || self.negated),
            Some(SetOperator::ForAllValues) => {
                let others = Some(Answer::Unknown).filter(|_| !all);
                let known = values.iter().map(|v| self.holds_for(v, context));
                Answer::all(known.chain(others))
            }
            Some(SetOperator::ForAnyValue) => {
                let others = Some(Answer::Unknown).filter(|_| !all);
                let known = values.iter().map(|v| self.holds_for(v, context));
                Answer::any(known.chain(others))
            }
            None => match values {
                [value] if all => self.holds_for(value, context),
                // A key with several values needs a set operator; no page says what happens without one.
                _ => Answer::Unknown,
            },
        }
    }

    /// Whether it holds for one value of the key. Several values of the policy are alternatives; under a negated
    /// operator, none of them may match.
    pub(crate) fn holds_for(&self, value: &str, context: &Context) -> Answer {
        let matched = self.matches(value, context);
        if self.negated { !matched } else { matched }
    }

    fn matches(&self, value: &str, context: &Context) -> Answer {
        // A variable without a value matches nothing; under a negated operator no page says whether that makes the
        // condition true or the statement invalid.
        let unfilled = if self.negated {
            Answer::Unknown
        } else {
            Answer::No
        };
        match &self.test {
            Test::Text { fold, values } => {
                let value = if *fold {
                    Cow::Owned(fold_text(value))
                } else {
                    Cow::Borrowed(value)
                };
                any(values, |p| p.matches(&value, context, unfilled))
            }
            Test::Bool(values) => {
                let value = match value {
                    _ if value.eq_ignore_ascii_case("true") => "true",
                    _ if value.eq_ignore_ascii_case("false") => "false",
                    _ => return Answer::Unknown,
                };
                any(values, |p| p.matches(value, context, unfilled))
            }
            Test::Arn(values) => {
                let subject = Subject::literal(value);
                any_typed(values, |p| p.covers(&subject, context, unfilled))
            }
            Test::Number(compare, values) => match number(value) {
                Some(value) => any_typed(values, |n| {
                    let order = value.partial_cmp(n);
                    order.map_or(Answer::Unknown, |o| Answer::from(compare.holds(o)))
                }),
                None => Answer::Unknown,
            },
            Test::Date(compare, values) => match date(value) {
                Some(value) => any_typed(values, |d| Answer::from(compare.holds(value.cmp(d)))),
                None => Answer::Unknown,
            },
            Test::Binary(values) => any(values, |v| {
                Answer::from(v.trim_end_matches('=') == value.trim_end_matches('='))
            }),
            Test::Ip(values) => match value.parse::<IpAddr>() {
                Ok(value) => any_typed(values, |n| Answer::from(n.contains(value))),
                Err(_) => Answer::Unknown,
            },
            Test::Null(_) => Answer::Unknown,
        }
    }

    /// The keys that variables in its values name, in lower case.
    pub(crate) fn variables(&self) -> Vec<&str> {
        match &self.test {
            Test::Text { values, .. } | Test::Bool(values) => {
                values.iter().flat_map(Pattern::variables).collect()
            }
            Test::Arn(values) => {
                let patterns = values.iter().flatten();
                patterns
                    .flat_map(|value| value.narrow.variables())
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// The keys (in lower case) that the condition reads and of which `context` lacks a usable value.
    pub(crate) fn open_keys<'a>(&'a self, context: &'a Context) -> Vec<&'a str> {
        let mut out = Vec::new();
        match (&self.test, context.get(&self.lookup)) {
            (_, Key::Unknown | Key::Holding(_)) => out.push(&*self.lookup),
            (Test::Text { values, .. } | Test::Bool(values), _) => {
                out.extend(values.iter().flat_map(|p| p.open_variables(context)));
            }
            (Test::Arn(values), _) => {
                out.extend(
                    values
                        .iter()
                        .flatten()
                        .flat_map(|p| p.open_variables(context)),
                );
            }
            _ => {}
        }
        if out.is_empty() {
            out.push(&*self.lookup);
        }
        out
    }
}

fn any<T>(values: &[T], test: impl Fn(&T) -> Answer) -> Answer {
    Answer::any(values.iter().map(test))
}

fn any_typed<T>(values: &[Option<T>], test: impl Fn(&T) -> Answer) -> Answer {
    Answer::any(
        values
            .iter()
            .map(|v| v.as_ref().map_or(Answer::Unknown, &test)),
    )
}

/// What `operator` tests, with these values.
fn compile_test(operator: Operator, values: &[&str], variables: Variables) -> Test {
    let patterns = |wildcards, fold| -> Vec<Pattern> {
        let syntax = Syntax {
            wildcards,
            variables,
        };
        let compile = |v: &&str| Pattern::compile(v, syntax, fold);
        values.iter().map(compile).collect()
    };
    let fold = operator.fold;
    match operator.test {
        operator::Test::String => Test::Text {
            fold,
            values: patterns(false, fold),
        },
        operator::Test::StringLike => Test::Text {
            fold,
            values: patterns(true, fold),
        },
        operator::Test::Arn => {
            let compile = |v: &&str| ArnPattern::compile_condition(v, variables);
            Test::Arn(values.iter().map(compile).collect())
        }
        operator::Test::Numeric(compare) => {
            Test::Number(compare, values.iter().map(|v| number(v)).collect())
        }
        operator::Test::Date(compare) => {
            Test::Date(compare, values.iter().map(|v| date(v)).collect())
        }
        operator::Test::Bool => Test::Bool(patterns(false, true)),
        operator::Test::Binary => Test::Binary(values.iter().map(|v| (*v).into()).collect()),
        operator::Test::IpAddress => Test::Ip(values.iter().map(|v| Network::parse(v)).collect()),
        operator::Test::Null => {
            let wanted = |v: &&str| match v.to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            };
            Test::Null(values.iter().map(wanted).collect())
        }
    }
}

/// An integer or decimal number: a sign, digits, one point.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'));
    let value: f64 = plain.then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}

/// A moment in one of the ISO 8601 forms that the W3C note lists (a year, a month, a day, a minute, a second, with
/// fractions), or in seconds since 1970. Four digits are a year. A form without an offset is taken as UTC.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let day = |year: &str, month: &str| {
        let date = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    if text.len() == 4 && digits(text) {
        return day(text, "1");
    }
    if digits(text.strip_prefix('-').unwrap_or(text)) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    if let Some((year, month)) = text.split_once('-')
        && year.len() == 4
        && month.len() == 2
        && digits(year)
        && digits(month)
    {
        return day(year, month);
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let local = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let local: jiff::civil::DateTime = local.parse().ok()?;
    // The last 26 hours of the year 9999, which policies name as the end of time, are one moment here.
    let zoned = local.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    zoned
        .ok()
        .or((local.year() == 9999).then_some(Timestamp::MAX))
}

/// Addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    /// How many.
    pub(crate) bits: u32,
}

impl Network {
    /// `203.0.113.0/24`, `2001:db8::/32`; without a length, the one address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
            None => width,
        };
        (bits <= width).then_some(Self { address, bits })
    }

    pub(crate) fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let differ = a.to_bits() ^ b.to_bits();
                differ.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let differ = a.to_bits() ^ b.to_bits();
                differ.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, date, number};
    use crate::verify::context::{Context, Key};
    use crate::verify::matcher::{Answer, Variables};

    use Answer::{No, Unknown, Yes};

    /// `operator` over `policy` values (separated by `|`) where the request's key has `request` values.
    fn check(operator: &str, policy: &str, request: &[&str]) -> Answer {
        let values: Vec<&str> = policy.split('|').collect();
        let condition = Condition::compile(operator, "aws:Key", &values, Variables::All).unwrap();
        let context = Context::complete()
            .with("aws:username", Key::Known(vec!["Ann".into()]))
            .with(
                "AWS:key",
                Key::Known(request.iter().map(|s| (*s).to_owned()).collect()),
            );
        condition.holds(&context)
    }

    fn check_absent(operator: &str, policy: &str) -> Answer {
        check(operator, policy, &[])
    }

    /// IAM User Guide, "IAM JSON policy elements: Condition operators", section by section.
    #[test]
    fn each_operator_compares_as_its_table_says() {
        for (operator, policy, request, expected) in [
            ("StringEquals", "a", "a", Yes),
            ("StringEquals", "a", "A", No),
            ("StringEquals", "b|a", "a", Yes),
            ("StringEquals", "a*", "ab", No),
            ("StringEquals", "a*", "a*", Yes),
            ("StringEquals", "${*}", "*", Yes),
            ("StringEquals", "${aws:username}", "Ann", Yes),
            ("StringEquals", "", "", Yes),
            ("StringNotEquals", "a|b", "b", No),
            ("StringNotEquals", "a|b", "c", Yes),
            ("StringEqualsIgnoreCase", "ÄB", "äb", Yes),
            ("StringEqualsIgnoreCase", "${aws:username}", "ANN", Yes),
            ("StringNotEqualsIgnoreCase", "AB", "ab", No),
            ("StringLike", "a*c?", "abbcd", Yes),
            ("StringLike", "a*c?", "abbc", No),
            ("StringLike", "A*", "ab", No),
            ("StringLike", "*", "", Yes),
            ("StringLike", "home/${aws:username}/*", "home/Ann/x", Yes),
            ("StringNotLike", "a*", "ab", No),
            ("StringNotLike", "a*", "b", Yes),
            ("NumericEquals", "10", "10.0", Yes),
            ("NumericNotEquals", "10", "10", No),
            ("NumericLessThan", "10", "9.5", Yes),
            ("NumericLessThan", "10", "10", No),
            ("NumericLessThanEquals", "10", "10", Yes),
            ("NumericGreaterThan", "-1", "0", Yes),
            ("NumericGreaterThanEquals", "3600", "3599", No),
            ("DateEquals", "2020-01-01T00:00:00Z", "1577836800", Yes),
            ("DateNotEquals", "2020-01-01", "2020-01-01T00:00Z", No),
            (
                "DateLessThan",
                "2020-07-01T00:00:00Z",
                "2020-06-30T23:59:59Z",
                Yes,
            ),
            ("DateLessThanEquals", "2020-01", "2020", Yes),
            (
                "DateGreaterThan",
                "2020-01-01T01:00:00+01:00",
                "2020-01-01T00:00:00.5Z",
                Yes,
            ),
            (
                "DateGreaterThanEquals",
                "1577836800",
                "2019-12-31T23:59:59Z",
                No,
            ),
            ("Bool", "true", "true", Yes),
            ("Bool", "false", "true", No),
            (
                "BinaryEquals",
                "QmluYXJ5VmFsdWVJbkJhc2U2NA==",
                "QmluYXJ5VmFsdWVJbkJhc2U2NA==",
                Yes,
            ),
            ("BinaryEquals", "QmluYXJ5", "qmluYXJ5", No),
            ("IpAddress", "203.0.113.0/24", "203.0.113.255", Yes),
            ("IpAddress", "203.0.113.0/24", "203.0.114.0", No),
            ("IpAddress", "203.0.113.7", "203.0.113.7", Yes),
            ("IpAddress", "203.0.113.7", "203.0.113.8", No),
            ("IpAddress", "0.0.0.0/0", "8.8.8.8", Yes),
            ("IpAddress", "0.0.0.0/0", "2001:db8::1", No),
            (
                "IpAddress",
                "2001:DB8:1234:5678::/64",
                "2001:db8:1234:5678:ffff::1",
                Yes,
            ),
            (
                "IpAddress",
                "203.0.113.0/24|2001:db8::/32",
                "2001:db9::1",
                No,
            ),
            ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", No),
            ("NotIpAddress", "203.0.113.0/24", "2001:db8::1", Yes),
            (
                "ArnEquals",
                "arn:aws:sns:*:111122223333:t?",
                "arn:aws:sns:eu-west-1:111122223333:t1",
                Yes,
            ),
            // The page's own example of what `StringLike` matches and an ARN operator does not.
            (
                "ArnLike",
                "arn:aws:someservice:*:111122223333:finance/*",
                "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
                No,
            ),
            (
                "StringLike",
                "arn:aws:someservice:*:111122223333:finance/*",
                "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
                Yes,
            ),
            (
                "ArnNotLike",
                "arn:aws:iam::*:role/a*",
                "arn:aws:iam::111122223333:role/ab",
                No,
            ),
            (
                "ArnNotEquals",
                "arn:aws:iam::*:role/a*",
                "arn:aws:iam::111122223333:role/b",
                Yes,
            ),
            ("Null", "false", "x", Yes),
            ("Null", "true", "x", No),
            // Operators are read without regard to case.
            ("stringequals", "a", "a", Yes),
        ] {
            assert_eq!(
                check(operator, policy, &[request]),
                expected,
                "{operator} {policy} {request}"
            );
        }
    }

    /// The same page, its note on absent keys, and "...IfExists condition operators".
    #[test]
    fn an_absent_key_fails_positive_operators_and_passes_negated_ones() {
        for (operator, policy, expected) in [
            ("StringEquals", "a", No),
            ("StringLike", "*", No),
            ("StringNotEquals", "a", Yes),
            ("StringNotLike", "*", Yes),
            ("NumericLessThan", "1", No),
            ("NumericNotEquals", "1", Yes),
            ("DateGreaterThan", "2020", No),
            ("Bool", "true", No),
            ("IpAddress", "10.0.0.0/8", No),
            ("NotIpAddress", "10.0.0.0/8", Yes),
            ("ArnLike", "*", No),
            ("ArnNotLike", "*", Yes),
            ("StringEqualsIfExists", "a", Yes),
            ("StringNotEqualsIfExists", "a", Yes),
            ("BoolIfExists", "true", Yes),
            ("Null", "true", Yes),
            ("Null", "false", No),
            ("ForAllValues:StringEquals", "a", Yes),
            ("ForAllValues:StringNotEquals", "a", Yes),
            ("ForAnyValue:StringEquals", "a", No),
            ("ForAnyValue:StringNotEquals", "a", No),
            ("ForAnyValue:StringEqualsIfExists", "a", Unknown),
        ] {
            assert_eq!(
                check_absent(operator, policy),
                expected,
                "{operator} {policy}"
            );
        }
    }

    /// IAM User Guide, "Set operators for multivalued context keys".
    #[test]
    fn set_operators_range_over_the_values_of_the_request() {
        for (operator, policy, request, expected) in [
            ("ForAllValues:StringEquals", "a|b|c", &["a", "b"][..], Yes),
            ("ForAllValues:StringEquals", "a|b", &["a", "x"], No),
            ("ForAllValues:StringLike", "a*", &["ab", "ac"], Yes),
            ("ForAllValues:StringNotEquals", "a", &["b", "c"], Yes),
            ("ForAllValues:StringNotEquals", "a", &["a", "c"], No),
            ("ForAnyValue:StringEquals", "a|b", &["x", "b"], Yes),
            ("ForAnyValue:StringEquals", "a|b", &["x", "y"], No),
            ("ForAnyValue:StringNotEquals", "a", &["a", "b"], Yes),
            ("ForAnyValue:StringNotEquals", "a", &["a"], No),
            ("ForAllValues:StringEquals", "a", &[""], Yes),
            ("ForAnyValue:StringEquals", "a|", &[""], No),
            // No page says what an operator for one value makes of several.
            ("StringEquals", "a", &["a", "b"], Unknown),
        ] {
            assert_eq!(
                check(operator, policy, request),
                expected,
                "{operator} {policy} {request:?}"
            );
        }
    }

    #[test]
    fn what_is_not_known_stays_open() {
        let context = Context::partial().with("aws:TagKeys", Key::Known(vec!["a".into()]));
        let holds = |operator: &str, key: &str, value: &str| {
            let condition = Condition::compile(operator, key, &[value], Variables::All).unwrap();
            let keys: Vec<_> = condition
                .open_keys(&context)
                .into_iter()
                .map(str::to_owned)
                .collect();
            (condition.holds(&context), keys)
        };
        let open = |key: &str| (Unknown, vec![key.to_owned()]);
        assert_eq!(
            holds("StringEquals", "aws:SourceVpce", "v"),
            open("aws:sourcevpce")
        );
        assert_eq!(holds("StringNotEqualsIfExists", "s3:x", "v"), open("s3:x"));
        assert_eq!(holds("Null", "aws:SourceIp", "true"), open("aws:sourceip"));
        assert_eq!(
            holds("ForAllValues:StringEquals", "aws:TagKeys", "${aws:userid}"),
            open("aws:userid")
        );
        // A value of the wrong type is no comparison.
        assert_eq!(check("NumericEquals", "ten", &["10"]), Unknown);
        assert_eq!(check("NumericEquals", "10", &["ten"]), Unknown);
        assert_eq!(check("IpAddress", "10.0.0.0/33", &["10.0.0.1"]), Unknown);
        assert_eq!(
            check(
                "NotIpAddress",
                "10.0.0.0/8",
                &["cloudformation.amazonaws.com"]
            ),
            Unknown
        );
        assert_eq!(check("DateLessThan", "soon", &["2020"]), Unknown);
        assert_eq!(check("Bool", "true", &["yes"]), Unknown);
        // One good value that matches is enough for a positive operator.
        assert_eq!(check("NumericEquals", "ten|10", &["10"]), Yes);
        assert_eq!(check("StringNotEquals", "${aws:userid}", &["x"]), Unknown);
        assert_eq!(check("StringEquals", "${aws:userid}", &["x"]), No);
    }

    #[test]
    fn some_values_of_a_key_tell_what_no_other_can_change() {
        let held = vec!["a".to_owned(), "b".to_owned()];
        let context = Context::partial().with("k", Key::Holding(held));
        for (operator, value, expected) in [
            ("ForAnyValue:StringEquals", "b", Yes),
            ("ForAnyValue:StringEquals", "c", Unknown),
            ("ForAnyValue:StringNotEquals", "c", Yes),
            ("ForAllValues:StringEquals", "a", No),
            ("ForAllValues:StringLike", "*", Unknown),
            ("StringEquals", "a", Unknown),
            ("StringEqualsIfExists", "a", Unknown),
            ("Null", "true", No),
            ("Null", "false", Yes),
        ] {
            let condition = Condition::compile(operator, "k", &[value], Variables::All).unwrap();
            assert_eq!(condition.holds(&context), expected, "{operator} {value}");
        }
    }

    /// IAM User Guide, "IAM policy validation check reference", "Null with qualifier".
    #[test]
    fn null_with_a_set_operator_is_the_same_for_every_request() {
        for wanted in ["true", "false"] {
            for request in [&[][..], &["a"], &["a", "b"]] {
                assert_eq!(check("ForAllValues:Null", wanted, request), Yes);
                assert_eq!(check("ForAnyValue:Null", wanted, request), No);
            }
        }
    }

    #[test]
    fn unknown_operators_are_refused() {
        for operator in [
            "StringMatches",
            "ForSomeValues:StringEquals",
            "NullIfExists",
            "IfExists",
            "",
        ] {
            let compiled = Condition::compile(operator, "k", &[], Variables::All);
            assert!(compiled.is_err(), "{operator}");
        }
    }

    #[test]
    fn numbers_and_dates_are_not_guessed() {
        for bad in ["", "inf", "NaN", "1e1", "0x10", "1,5", "1 ", "1-1", "."] {
            assert_eq!(number(bad), None, "{bad}");
        }
        for bad in [
            "",
            "-",
            "20-01",
            "2020-13",
            "2020-1",
            "2020-01-32",
            "99999999999999999999",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
