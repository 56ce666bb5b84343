//! The values of a condition: are they of the operator's type, and does each of them count?

use std::borrow::Cow;
use std::collections::HashSet;

use crate::catalog::arn;
use crate::catalog::condition_key::{ConditionKeyFacts, DataType};
use crate::verify::condition::{Compare, date, number};
use crate::verify::document::Value;
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Condition, Scalar};
use crate::verify::lint::lookup::Lookup;
use crate::verify::lint::pattern::{self, has_variable, has_wildcard, is_plain};
use crate::verify::lint::spot::short;
use crate::verify::matcher::Variables;
use crate::verify::operator::{Operator, Test};
use crate::verify::resource::ArnPattern;

pub(crate) fn check(
    operator: Operator,
    condition: &Condition<'_>,
    key: Option<ConditionKeyFacts>,
    lookup: &mut Lookup<'_>,
    found: &mut Findings,
) {
    json_types(condition, found);
    one_boolean(operator, condition, found);
    bounds(operator, condition, found);
    repeated(operator, condition, lookup, found);
    for value in &condition.values {
        if has_variable(value.text) && !operator.test.takes_variables() {
            variable(condition, value, found);
            continue;
        }
        typed(operator, condition, value, found);
        literal_wildcard(operator, condition, value, found);
        if matches!(operator.test, Test::String | Test::StringLike) {
            if lookup.spend(value.text.len() * 8) {
                region(operator, condition, value, found);
            }
            network(operator, condition, value, found);
            service(operator, condition, value, found);
        }
        if !key_of_kms(condition, value, found) {
            arn_value(operator, condition, key, value, found);
        }
        account(operator, condition, value, found);
    }
}

/// Section "Invalid condition data type".
fn json_types(condition: &Condition<'_>, found: &mut Findings) {
    let [first, rest @ ..] = &condition.values[..] else {
        return;
    };
    let kind = |value: &Scalar<'_>| value.value.kind();
    if let Some(other) = rest.iter().find(|value| kind(value) != kind(first)) {
        found.add(
            checks::INVALID_CONDITION_DATA_TYPE,
            &other.spot,
            format!(
                "{} among values of which the first is {}",
                kind(other),
                kind(first)
            ),
            "Write all values as strings.",
        );
    }
}

/// Section "Invalid condition multiple Boolean".
fn one_boolean(operator: Operator, condition: &Condition<'_>, found: &mut Findings) {
    if matches!(operator.test, Test::Bool | Test::Null) && condition.values.len() > 1 {
        found.add(
            checks::INVALID_CONDITION_MULTIPLE_BOOLEAN,
            &condition.spot,
            format!(
                "`{}` under `{}` has {} values",
                condition.key,
                condition.operator,
                condition.values.len()
            ),
            "Give one value, `true` or `false`.",
        );
    }
}

/// Section "Invalid variable for operator".
fn variable(condition: &Condition<'_>, value: &Scalar<'_>, found: &mut Findings) {
    found.add(
        checks::INVALID_VARIABLE_FOR_OPERATOR,
        &value.spot,
        format!(
            "`{}` compares no texts, and so takes no policy variable",
            condition.operator
        ),
        "Write a value, or use an operator for strings or ARNs.",
    );
}

/// Sections "Type mismatch Boolean", "Type mismatch date", "Type mismatch number", "Type mismatch string", "Invalid date
/// value".
fn typed(operator: Operator, condition: &Condition<'_>, value: &Scalar<'_>, found: &mut Findings) {
    let Scalar { text, spot, .. } = value;
    let name = condition.operator;
    match operator.test {
        Test::Bool | Test::Null if !is_boolean(text) => {
            let message = format!("`{text}` under `{name}` is neither `true` nor `false`");
            let fix = "Write `true` or `false`.";
            found.add(checks::TYPE_MISMATCH_BOOLEAN, spot, message, fix);
        }
        Test::Date(_) if date(text).is_none() => {
            let message = format!("`{text}` under `{name}` is no date");
            let fix = "Write it like `2026-01-31T00:00:00Z`.";
            found.add(checks::TYPE_MISMATCH_DATE, spot, message, fix);
        }
        Test::Date(_) => {
            let seconds = text.strip_prefix('-').unwrap_or(text);
            if seconds.len() != 4 && seconds.bytes().all(|b| b.is_ascii_digit()) {
                let message = format!("`{text}` is a date in seconds since 1970");
                let fix = "Write it like `2026-01-31T00:00:00Z`.";
                found.add(checks::INVALID_DATE_VALUE, spot, message, fix);
            }
        }
        Test::Numeric(_) if number(text).is_none() => {
            let message = format!("`{text}` under `{name}` is no number");
            found.add(
                checks::TYPE_MISMATCH_NUMBER,
                spot,
                message,
                "Write a number.",
            );
        }
        Test::Binary if !is_base64(text) => {
            let message = format!("`{text}` under `{name}` is not Base64");
            let fix = "Write the value in Base64.";
            found.add(checks::TYPE_MISMATCH_STRING, spot, message, fix);
        }
        _ => {}
    }
}

fn is_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// RFC 4648, section 4.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    text.len().is_multiple_of(4) && text.len() - body.len() <= 2 && body.bytes().all(inside)
}

/// Section "Wildcard without like operator".
fn literal_wildcard(
    operator: Operator,
    condition: &Condition<'_>,
    value: &Scalar<'_>,
    found: &mut Findings,
) {
    if operator.test == Test::String && has_wildcard(value.text) {
        found.add(
            checks::WILDCARD_WITHOUT_LIKE_OPERATOR,
            &value.spot,
            format!(
                "`{}` under `{}` is no pattern: `*` and `?` stand for themselves",
                value.text, condition.operator
            ),
            "Use `StringLike` or `StringNotLike` for a pattern.",
        );
    }
}

/// The value as the operator compares it.
fn text_of<'n>(operator: Operator, value: &Scalar<'n>) -> Cow<'n, str> {
    match operator.fold {
        true => Cow::Owned(value.text.to_ascii_lowercase()),
        false => Cow::Borrowed(value.text),
    }
}

/// Section "Invalid Region".
fn region(operator: Operator, condition: &Condition<'_>, value: &Scalar<'_>, found: &mut Findings) {
    let keys = ["aws:RequestedRegion", "ec2:Region"];
    if !keys
        .iter()
        .any(|key| key.eq_ignore_ascii_case(condition.key))
        || has_variable(value.text)
    {
        return;
    }
    let glob = pattern::glob(&text_of(operator, value));
    if !arn::regions().any(|region| glob.matches(region)) {
        found.add(
            checks::INVALID_REGION,
            &value.spot,
            format!("there is no Region `{}`", value.text),
            "Write a Region's code, such as `eu-central-1`.",
        );
    }
}

/// Sections "Invalid vpc format", "Invalid vpce format".
fn network(
    operator: Operator,
    condition: &Condition<'_>,
    value: &Scalar<'_>,
    found: &mut Findings,
) {
    let (check, start) = match condition.key {
        key if key.eq_ignore_ascii_case("aws:SourceVpc") => (checks::INVALID_VPC_FORMAT, "vpc-"),
        key if key.eq_ignore_ascii_case("aws:SourceVpce") => (checks::INVALID_VPCE_FORMAT, "vpce-"),
        _ => return,
    };
    let text = &*text_of(operator, value);
    let id = |id: &str| matches!(id.len(), 8 | 17) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_plain(text) && !text.strip_prefix(start).is_some_and(id) {
        let message = format!("`{text}` is not `{start}` and 8 or 17 letters and digits");
        let fix = format!("Write an id like `{start}1a2b3c4d`.");
        found.add(check, &value.spot, message, fix);
    }
}

/// The keys whose values are service principals.
/// Source: IAM User Guide, "AWS global condition context keys" and "IAM condition context keys"; AWS KMS Developer Guide,
/// `kms:ViaService`.
const SERVICE_KEYS: [&str; 8] = [
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "iam:AWSServiceName",
    "iam:PassedToService",
    "kms:ViaService",
];

/// Section "Invalid service principal format".
fn service(
    operator: Operator,
    condition: &Condition<'_>,
    value: &Scalar<'_>,
    found: &mut Findings,
) {
    let of_service = |key: &&str| key.eq_ignore_ascii_case(condition.key);
    let text = &*text_of(operator, value);
    if !SERVICE_KEYS.iter().any(of_service) || !is_plain(text) {
        return;
    }
    // Partitions have domains of their own, so that no list of endings is held against it.
    let label = |part: &str| {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !part.is_empty() && part.bytes().all(inside)
    };
    if text.split('.').count() < 3 || !text.split('.').all(label) {
        found.add(
            checks::INVALID_SERVICE_PRINCIPAL_FORMAT,
            &value.spot,
            format!("`{text}` is no service principal"),
            "Write it in small letters, like `lambda.amazonaws.com`.",
        );
    }
}

/// Section "Invalid kms key value".
fn key_of_kms(condition: &Condition<'_>, value: &Scalar<'_>, found: &mut Findings) -> bool {
    // Source: Service Authorization Reference, Amazon S3: its type is ARN.
    let key = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    let text = value.text;
    if !condition.key.eq_ignore_ascii_case(key)
        || !is_plain(text)
        || matches!(value.value, Value::Bool(_))
    {
        return false;
    }
    let fields = pattern::fields(text);
    let is_key = matches!(fields[..], ["arn", _, "kms", _, _, key] if key.starts_with("key/"));
    if !is_key {
        found.add(
            checks::INVALID_KMS_KEY_VALUE,
            &value.spot,
            format!("`{text}` is no ARN of a KMS key"),
            "Write it like `arn:aws:kms:region:account:key/id`.",
        );
    }
    !is_key
}

/// A name of our own: what can be equal to no ARN.
fn arn_value(
    operator: Operator,
    condition: &Condition<'_>,
    key: Option<ConditionKeyFacts>,
    value: &Scalar<'_>,
    found: &mut Findings,
) {
    let text = value.text;
    let only_arns = |key: ConditionKeyFacts| key.data_types().all(|kind| kind == DataType::Arn);
    let is_none = match operator.test {
        // A variable at the start may be the whole ARN.
        Test::Arn => {
            !text.starts_with("${") && ArnPattern::compile_condition(text, Variables::All).is_none()
        }
        Test::String => {
            let untyped =
                key.is_none_or(|key| key.data_types().next().is_none() || !only_arns(key));
            !untyped && is_plain(text) && !text.starts_with("arn:")
        }
        _ => false,
    };
    if is_none {
        found.add(
            checks::TYPE_MISMATCH_ARN,
            &value.spot,
            format!(
                "`{text}` under `{}` of `{}` is no ARN of six fields",
                condition.operator, condition.key
            ),
            "Write it like `arn:partition:service:region:account:resource`.",
        );
    }
}

/// The keys whose values are account ids.
/// Source: IAM User Guide, "AWS global condition context keys"; AWS KMS Developer Guide, `kms:CallerAccount`; Service
/// Authorization Reference, Amazon S3.
const ACCOUNT_KEYS: [&str; 6] = [
    "aws:PrincipalAccount",
    "aws:ResourceAccount",
    "aws:SourceAccount",
    "aws:VpceAccount",
    "kms:CallerAccount",
    "s3:ResourceAccount",
];

/// A name of our own.
fn account(
    operator: Operator,
    condition: &Condition<'_>,
    value: &Scalar<'_>,
    found: &mut Findings,
) {
    let text = value.text;
    let of_account = |key: &&str| key.eq_ignore_ascii_case(condition.key);
    let compared = matches!(operator.test, Test::String | Test::StringLike) && is_plain(text);
    let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if compared && !digits && ACCOUNT_KEYS.iter().any(of_account) {
        found.add(
            checks::INVALID_ACCOUNT_VALUE,
            &value.spot,
            format!("the account `{text}` is not twelve digits"),
            "Write the account's twelve digits, in quotes.",
        );
    }
}

/// Section "Redundant condition value num".
fn bounds(operator: Operator, condition: &Condition<'_>, found: &mut Findings) {
    let least = match operator.test {
        Test::Numeric(Compare::Greater | Compare::GreaterOrEqual) => true,
        Test::Numeric(Compare::Less | Compare::LessOrEqual) => false,
        _ => return,
    };
    if condition.values.len() < 2 {
        return;
    }
    found.add(
        checks::REDUNDANT_CONDITION_VALUE_NUM,
        &condition.spot,
        format!(
            "of the values of `{}` only the {} counts",
            condition.key,
            if least { "least" } else { "greatest" }
        ),
        "Remove the others.",
    );
}

/// A value that is there twice, or that a pattern beside it covers.
fn repeated(
    operator: Operator,
    condition: &Condition<'_>,
    lookup: &mut Lookup<'_>,
    found: &mut Findings,
) {
    let like = operator.test == Test::StringLike;
    let patterns: Vec<_> = condition
        .values
        .iter()
        .filter(|value| like && has_wildcard(value.text) && !has_variable(value.text))
        .map(|value| (value.text, pattern::glob(value.text)))
        .collect();
    let mut seen = HashSet::new();
    for value in &condition.values {
        let text = value.text;
        let plain = !has_wildcard(text) && !has_variable(text);
        let mut covering = patterns.iter().take(if plain { patterns.len() } else { 0 });
        if !lookup.spend(if plain { patterns.len() } else { 1 }) {
            return;
        }
        let covering = covering
            .find(|(other, glob)| {
                *other != text
                    && text.starts_with(glob.prefix())
                    && lookup.spend(other.len().saturating_mul(text.len()))
                    && glob.matches(text)
            })
            .map(|(other, _)| *other);
        let by = match covering {
            Some(other) => other,
            None if seen.insert(text) => continue,
            None => text,
        };
        found.add(
            checks::REDUNDANT_CONDITION_VALUE,
            &value.spot,
            format!("`{}` is covered by the value `{}`", short(text), short(by)),
            "Remove it.",
        );
    }
}
