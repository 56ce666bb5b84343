//! `Condition`: operators and keys. Values are judged in [`super::value`] and [`super::address`].

use crate::catalog::condition_key::{self, Availability, ConditionKeyFacts, DataType};
use crate::iam::policy::Effect;
use crate::verify::condition::SetOperator;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Condition, Policy, Statement};
use crate::verify::lint::lookup::Lookup;
use crate::verify::lint::pattern::{self, action_glob};
use crate::verify::lint::{Findings, address, value};
use crate::verify::operator::{Operator, Test};

pub(crate) fn check(policy: &Policy<'_>, lookup: &mut Lookup<'_>, found: &mut Findings) {
    for statement in &policy.statements {
        for condition in &statement.conditions {
            check_condition(statement, condition, lookup, found);
        }
        pairs(statement, found);
    }
}

/// Section "Invalid condition operator".
fn check_condition(
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    lookup: &mut Lookup<'_>,
    found: &mut Findings,
) {
    let key = known_key(condition, found);
    let Some(operator) = Operator::parse(condition.operator) else {
        found.add(
            checks::INVALID_CONDITION_OPERATOR,
            &condition.operator_spot,
            format!("there is no condition operator `{}`", condition.operator),
            "Write one of the condition operators, such as `StringEquals`.",
        );
        return;
    };
    null(operator, condition, found);
    value::check(operator, condition, key, lookup, found);
    address::check(operator, condition, found);
    empty(operator, condition, found);
    if let Some(key) = key {
        types(operator, condition, key, found);
        counts(operator, condition, key, found);
        trust(condition, key, found);
    }
    always(operator, condition, key, found);
    prefix(statement, operator, condition, found);
    mfa(statement, operator, condition, found);
}

/// Sections "Null with if exists", "Null with qualifier".
fn null(operator: Operator, condition: &Condition<'_>, found: &mut Findings) {
    if operator.test != Test::Null {
        return;
    }
    if operator.if_exists {
        let message = "`Null` asks whether the key is there, and takes no `IfExists`";
        let fix = "Write `Null`.";
        found.add(
            checks::NULL_WITH_IF_EXISTS,
            &condition.operator_spot,
            message,
            fix,
        );
    }
    if operator.set.is_some() {
        let message = "`Null` asks whether the key is there, and takes no set operator";
        let fix = "Write `Null`.";
        found.add(
            checks::NULL_WITH_QUALIFIER,
            &condition.operator_spot,
            message,
            fix,
        );
    }
}

/// What is known of the key. Sections "Invalid condition key format", "Invalid global condition key", "Invalid service
/// condition key", "Invalid service", "Missing tag key in condition".
fn known_key(condition: &Condition<'_>, found: &mut Findings) -> Option<ConditionKeyFacts> {
    let key = condition.key;
    let mut say = |check, message: String, fix: &str| {
        found.add(check, &condition.spot, message, fix);
    };
    if let Some(facts) = condition_key::find(key) {
        return Some(facts);
    }
    if condition_key::is_of_identity_provider(key) {
        return None;
    }
    let parts = key.split_once(':');
    let Some((prefix, _)) = parts.filter(|(prefix, name)| !prefix.is_empty() && !name.is_empty())
    else {
        let message = format!("the condition key `{key}` is not `service:name`");
        say(
            checks::INVALID_CONDITION_KEY_FORMAT,
            message,
            "Write it like `aws:SourceIp`.",
        );
        return None;
    };
    let open = key.trim_end_matches('/');
    if condition_key::find(&format!("{open}/x")).is_some() {
        let message = format!("`{key}` does not say which tag");
        let fix = format!("Write it like `{open}/team`.");
        say(checks::MISSING_TAG_KEY_IN_CONDITION, message, &fix);
    } else if prefix.eq_ignore_ascii_case("aws") {
        let message = format!("there is no condition key `{key}`");
        let fix = "Write one of the global condition context keys.";
        say(checks::INVALID_GLOBAL_CONDITION_KEY, message, fix);
    } else if pattern::is_service(prefix) {
        let message = format!("`{prefix}` has no condition key `{key}`");
        let fix = "Write a condition key of the Service Authorization Reference.";
        say(checks::INVALID_SERVICE_CONDITION_KEY, message, fix);
    } else {
        let message = format!("there is no service `{prefix}` to have the condition key `{key}`");
        let fix = "Write a condition key of the Service Authorization Reference.";
        say(checks::INVALID_SERVICE, message, fix);
    }
    None
}

/// Sections "Type mismatch", "String like operator with ARN condition keys".
fn types(
    operator: Operator,
    condition: &Condition<'_>,
    key: ConditionKeyFacts,
    found: &mut Findings,
) {
    let Condition {
        operator: name,
        key: written,
        ..
    } = condition;
    let names: Vec<_> = key.data_types().map(DataType::as_str).collect();
    let names = names.join(" or ");
    // A tag or a field of an encryption context may hold an ARN, and AWS's own policies compare them as such.
    let free = operator.test == Test::Arn && key.key.contains(['<', '{']);
    if !names.is_empty() && !free && !key.data_types().any(|kind| operator.test.suits(kind)) {
        found.add(
            checks::TYPE_MISMATCH,
            &condition.spot,
            format!("`{written}` is of the type {names}, which `{name}` does not compare"),
            "Use an operator of the key's type.",
        );
    } else if operator.test == Test::StringLike
        && key.data_types().any(|kind| kind == DataType::Arn)
    {
        found.add(
            checks::STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS,
            &condition.spot,
            format!("`{written}` is an ARN, of which a wildcard under `{name}` takes several fields at once"),
            "Use an ARN operator such as `ArnLike`.",
        );
    }
}

/// The keys that the Service Authorization Reference calls lists, and the service's own page compares without a set operator.
/// Source: Amazon EventBridge User Guide, "Using IAM policy conditions in Amazon EventBridge".
const SINGLE_IN_USE: [&str; 2] = ["events:detail-type", "events:source"];

/// Sections "ForAllValues with single valued key", "Missing qualifier".
fn counts(
    operator: Operator,
    condition: &Condition<'_>,
    key: ConditionKeyFacts,
    found: &mut Findings,
) {
    let written = condition.key;
    if operator.set == Some(SetOperator::ForAllValues)
        && !key.multivalued
        && operator.test != Test::Null
    {
        found.add(
            checks::FORALLVALUES_WITH_SINGLE_VALUED_KEY,
            &condition.spot,
            format!(
                "`{written}` has one value at most, and `ForAllValues` holds where it has none"
            ),
            "Remove `ForAllValues:`.",
        );
    }
    let single = SINGLE_IN_USE.contains(&key.key);
    if operator.set.is_none() && key.multivalued && !single && operator.test != Test::Null {
        found.add(
            checks::MISSING_QUALIFIER,
            &condition.spot,
            format!(
                "`{written}` may have several values, and `{}` compares one",
                condition.operator
            ),
            "Put `ForAnyValue:` or `ForAllValues:` before the operator.",
        );
    }
}

/// Sections "Deprecated global condition key", "Untrustworthy condition key".
fn trust(condition: &Condition<'_>, key: ConditionKeyFacts, found: &mut Findings) {
    let written = condition.key;
    if key.deprecated() {
        found.add(
            checks::DEPRECATED_GLOBAL_CONDITION_KEY,
            &condition.spot,
            format!("`{written}` is deprecated"),
            "Use `aws:PrincipalArn`, or `aws:SourceArn` for calls by a service.",
        );
    }
    // Source: IAM User Guide, "AWS global condition context keys", aws:referer and aws:UserAgent.
    if matches!(key.key, "aws:referer" | "aws:UserAgent") {
        found.add(
            checks::UNTRUSTWORTHY_CONDITION_KEY,
            &condition.spot,
            format!("`{written}` is what the caller writes into the request"),
            "Do not let access hang on it.",
        );
    }
}

/// Sections "Empty array condition", and those with ForAllValues, ForAnyValue, IfExists.
fn empty(operator: Operator, condition: &Condition<'_>, found: &mut Findings) {
    if !condition.is_empty {
        return;
    }
    let check = match (operator.set, operator.if_exists) {
        (Some(SetOperator::ForAllValues), _) => checks::EMPTY_ARRAY_CONDITION_FORALLVALUES,
        (Some(SetOperator::ForAnyValue), _) => checks::EMPTY_ARRAY_CONDITION_FORANYVALUE,
        (None, true) => checks::EMPTY_ARRAY_CONDITION_IFEXISTS,
        (None, false) => checks::EMPTY_ARRAY_CONDITION,
    };
    // What the evaluator makes of it: no value matches, and so a negated operator holds for each.
    let holds = match (missing(operator), operator.negated) {
        _ if operator.test == Test::Null => "never holds",
        (true, true) => "always holds",
        (true, false) => "holds only where the key is missing",
        (false, true) => "holds only where the key is there",
        (false, false) => "never holds",
    };
    let message = format!("`{}` has no values, and {holds}", condition.key);
    let fix = "Give values; to ask whether the key is missing, use `Null`.";
    found.add(check, &condition.spot, message, fix);
}

/// Whether a condition holds where the key is missing.
fn missing(operator: Operator) -> bool {
    match operator.set {
        Some(SetOperator::ForAllValues) => true,
        Some(SetOperator::ForAnyValue) => operator.if_exists,
        None => operator.if_exists || operator.negated,
    }
}

/// Sections "Equivalent to null false", "Equivalent to null true", "Redundant key due to wildcard in condition", "Redundant
/// statement due to wildcard in condition".
fn always(
    operator: Operator,
    condition: &Condition<'_>,
    key: Option<ConditionKeyFacts>,
    found: &mut Findings,
) {
    let any = |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'*');
    let like = matches!(operator.test, Test::StringLike | Test::Arn);
    if !like || !condition.values.iter().any(|value| any(value.text)) {
        return;
    }
    // What the condition says where the key is missing, and where it is there.
    let missing = missing(operator);
    let there = !operator.negated;
    // Keys that are in every request are never missing.
    let never_missing = key.is_some_and(|key| key.availability() == Availability::Always);
    let name = condition.key;
    let (check, message, fix) = match (missing && !never_missing, there) {
        (true, true) => (
            checks::REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION,
            format!("the condition on `{name}` holds always"),
            "Remove it.".to_owned(),
        ),
        (false, true) if never_missing => (
            checks::REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION,
            format!("the condition on `{name}` holds always, as the key is in every request"),
            "Remove it.".to_owned(),
        ),
        (false, true) => (
            checks::EQUIVALENT_TO_NULL_FALSE,
            format!("the condition on `{name}` holds wherever the key is there"),
            format!("Write `\"Null\": {{\"{name}\": \"false\"}}`."),
        ),
        (true, false) => (
            checks::EQUIVALENT_TO_NULL_TRUE,
            format!("the condition on `{name}` holds only where the key is missing"),
            format!("Write `\"Null\": {{\"{name}\": \"true\"}}`."),
        ),
        (false, false) => (
            checks::REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION,
            format!("the condition on `{name}` never holds, so that the statement does nothing"),
            "Remove the statement, or correct the condition.".to_owned(),
        ),
    };
    found.add(check, &condition.spot, message, fix);
}

/// Section "S3 prefix in negative context".
fn prefix(
    statement: &Statement<'_>,
    operator: Operator,
    condition: &Condition<'_>,
    found: &mut Findings,
) {
    let text = matches!(operator.test, Test::String | Test::StringLike);
    let listed = match statement.effect {
        Some(Effect::Allow) => operator.negated,
        Some(Effect::Deny) => !operator.negated,
        None => false,
    };
    if text && listed && condition.key.eq_ignore_ascii_case("s3:prefix") {
        found.add(
            checks::S3_PREFIX_IN_NEGATIVE_CONTEXT,
            &condition.spot,
            "the prefixes that are kept away can still be listed by a shorter prefix",
            "List the prefixes that may be used: `StringLike` with Allow, or `StringNotLike` with Deny.",
        );
    }
}

/// A name of our own.
/// Source: IAM User Guide, "AWS global condition context keys", aws:MultiFactorAuthPresent: never in requests with long-term
/// credentials.
fn mfa(
    statement: &Statement<'_>,
    operator: Operator,
    condition: &Condition<'_>,
    found: &mut Findings,
) {
    let mut values = condition.values.iter();
    if statement.effect == Some(Effect::Deny)
        && operator.test == Test::Bool
        && !operator.if_exists
        && condition
            .key
            .eq_ignore_ascii_case("aws:MultiFactorAuthPresent")
        && values.any(|value| value.text.eq_ignore_ascii_case("false"))
    {
        found.add(
            checks::MFA_DENIAL_WITHOUT_IF_EXISTS,
            &condition.spot,
            "a request with a long-term access key does not have the key, and so is not denied",
            "Use `BoolIfExists`.",
        );
    }
}

/// Sections "Missing paired condition keys", "DynamoDB attributes without select".
fn pairs(statement: &Statement<'_>, found: &mut Findings) {
    if statement.effect != Some(Effect::Allow) {
        return;
    }
    let has = |key: &str| {
        let mut conditions = statement.conditions.iter();
        conditions.find(|condition| condition.key.eq_ignore_ascii_case(key))
    };
    // Source: IAM User Guide, "AWS global condition context keys", aws:VpcSourceIp: addresses of two VPCs may be the same.
    if let Some(condition) = has("aws:VpcSourceIp")
        && has("aws:SourceVpc").is_none()
        && has("aws:SourceVpce").is_none()
    {
        found.add(
            checks::MISSING_PAIRED_CONDITION_KEYS,
            &condition.spot,
            "an address in `aws:VpcSourceIp` may be one of any VPC",
            "Add a condition on `aws:SourceVpc` or `aws:SourceVpce`.",
        );
    }
    if let Some(condition) = has("dynamodb:Attributes")
        && has("dynamodb:Select").is_none()
        && DYNAMODB_READS
            .iter()
            .any(|action| allows(statement, action))
    {
        found.add(
            checks::DYNAMODB_ATTRIBUTES_WITHOUT_SELECT,
            &condition.spot,
            "a read that names no attributes carries no `dynamodb:Attributes`, and returns them all",
            "Add `\"StringEqualsIfExists\": {\"dynamodb:Select\": \"SPECIFIC_ATTRIBUTES\"}`.",
        );
    }
}

/// Actions that return the attributes of items.
/// Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon DynamoDB".
const DYNAMODB_READS: [&str; 4] = [
    "dynamodb:batchgetitem",
    "dynamodb:getitem",
    "dynamodb:query",
    "dynamodb:scan",
];

/// Whether the statement's actions take in `action`, which is in lower case.
fn allows(statement: &Statement<'_>, action: &str) -> bool {
    statement.actions.as_ref().is_some_and(|list| {
        let named = |text: &str| action_glob(text).matches(action);
        list.negated != list.entries.iter().any(|entry| named(entry.text))
    })
}
