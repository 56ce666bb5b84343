//! Which findings of the other linters are right, by AWS's documentation, and what trailfit has to say to them.
//!
//! `README.md` has a row for each of the reasons in here that came up.

use serde_json::Value;
use trailfit::catalog::action::{self, ActionFacts};
use trailfit::catalog::arn;
use trailfit::catalog::condition_key::{self, DataType};
use trailfit::catalog::resource;

/// What becomes of a finding.
pub(crate) enum Verdict {
    /// It is right: trailfit must have a finding of one of these names.
    Right(&'static [&'static str]),
    /// It is not, or it is advice and no defect.
    Wrong(&'static str),
}

use Verdict::{Right, Wrong};

/// Faults of the grammar.
const GRAMMAR: &[&str] = &[
    "DATA_TYPE_MISMATCH",
    "DUPLICATE_POLICY_ELEMENT",
    "EMPTY_ARRAY_ACTION",
    "EMPTY_ARRAY_RESOURCE",
    "EMPTY_SID_VALUE",
    "INVALID_CONDITION_OPERATOR",
    "INVALID_EFFECT",
    "INVALID_POLICY_ELEMENT",
    "INVALID_VERSION",
    "MISSING_ACTION",
    "MISSING_EFFECT",
    "MISSING_RESOURCE",
    "MISSING_STATEMENT",
    "UNIQUE_SIDS_REQUIRED",
    "UNSUPPORTED_ELEMENT_COMBINATION",
    "UNSUPPORTED_PRINCIPAL",
    "UNSUPPORTED_SID",
];

/// Faults of an action's name.
const ACTION: &[&str] = &[
    "DATA_TYPE_MISMATCH",
    "INVALID_ACTION",
    "INVALID_SERVICE_IN_ACTION",
    "VARIABLE_UNSUPPORTED_IN_ELEMENT",
    "WILDCARD_IN_SERVICE_NAME",
];

/// Faults of a resource's name.
const RESOURCE: &[&str] = &[
    "ARN_ACCOUNT_NOT_ALLOWED",
    "ARN_REGION_NOT_ALLOWED",
    "DATA_TYPE_MISMATCH",
    "EMPTY_ARRAY_RESOURCE",
    "INVALID_ARN_ACCOUNT",
    "INVALID_ARN_PREFIX",
    "INVALID_ARN_REGION",
    "INVALID_ARN_RESOURCE",
    "INVALID_ARN_SERVICE_CASE",
    "INVALID_PARTITION",
    "INVALID_SERVICE",
    "MISSING_ARN_ACCOUNT",
    "MISSING_ARN_FIELD",
    "MISSING_ARN_REGION",
    "MISSING_BRACE_IN_VARIABLE",
    "MISSING_QUOTE_IN_VARIABLE",
    "MISSING_RESOURCE",
    "UNSUPPORTED_RESOURCE_FOR_ACTION",
    "UNSUPPORTED_SPACE_IN_VARIABLE",
    "VARIABLE_UNSUPPORTED_IN_ELEMENT",
];

/// Faults of a condition key.
const CONDITION_KEY: &[&str] = &[
    "DEPRECATED_GLOBAL_CONDITION_KEY",
    "INVALID_CONDITION_KEY_FORMAT",
    "INVALID_GLOBAL_CONDITION_KEY",
    "INVALID_SERVICE",
    "INVALID_SERVICE_CONDITION_KEY",
    "MISSING_TAG_KEY_IN_CONDITION",
    "UNLISTED_CONDITION_KEY_FOR_ACTION",
    "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    "UNSUPPORTED_GLOBAL_CONDITION_KEY",
];

/// Values that are not of the type they should be of.
const TYPE: &[&str] = &[
    "INVALID_CONDITION_DATA_TYPE",
    "INVALID_DATE_VALUE",
    "INVALID_KMS_KEY_VALUE",
    "INVALID_VARIABLE_FOR_OPERATOR",
    "TYPE_MISMATCH",
    "TYPE_MISMATCH_BOOLEAN",
    "TYPE_MISMATCH_DATE",
    "TYPE_MISMATCH_IP_RANGE",
    "TYPE_MISMATCH_NUMBER",
    "TYPE_MISMATCH_STRING",
];

const KNOWN_ACTION: &str = "the action is in the Service Authorization Reference";
const NEGATED: &str = "NotAction and NotResource taken for Action and Resource";

/// Of a finding of parliament about `statement`, which is null where it is about the document.
pub(crate) fn parliament(finding: &Value, statement: &Value) -> Verdict {
    let detail = finding["detail"].as_str().unwrap_or_default();
    match finding["issue"].as_str().unwrap() {
        "MALFORMED_JSON" => Right(&["DUPLICATE_POLICY_ELEMENT", "JSON_SYNTAX_ERROR"]),
        "MALFORMED" | "INVALID_SID" | "DUPLICATE_SID" | "INVALID_VERSION" | "UNKNOWN_OPERATOR"
        | "UNKNOWN_PRINCIPAL" => Right(GRAMMAR),
        "EXCEPTION" => Right(ACTION),
        "NO_VERSION" => Right(&["MISSING_VERSION"]),
        "OLD_VERSION" => Right(&["OLD_VERSION"]),
        "UNKNOWN_PREFIX" => match detail.strip_prefix("Unknown prefix ").unwrap() {
            prefix if action::all_of(prefix).next().is_some() => Wrong(KNOWN_ACTION),
            _ => Right(ACTION),
        },
        "UNKNOWN_ACTION" => match actions_of(detail.strip_prefix("Unknown action ").unwrap()) {
            actions if actions.is_empty() => Right(ACTION),
            _ => Wrong(KNOWN_ACTION),
        },
        "INVALID_ARN" => resource_name(finding["value"].as_str().unwrap_or_default()),
        "RESOURCE_MISMATCH" => {
            let listed = finding["detail"].as_array().unwrap();
            let names: Vec<_> = listed
                .iter()
                .filter_map(|one| one["action"].as_str())
                .collect();
            mismatch(&names, statement)
        }
        "UNKNOWN_CONDITION_FOR_ACTION" => {
            let named = detail.strip_prefix("Unknown condition ").unwrap();
            let (key, action) = named.split_once(" for action ").unwrap();
            unknown_key(key, action, statement)
        }
        "MISMATCHED_TYPE" => mismatched_type(detail, statement),
        "MISMATCHED_TYPE_OPERATION_TO_NULL" => Right(TYPE),
        "MISMATCHED_TYPE_BUT_USABLE" => Wrong("a string operator on a key of ARNs"),
        "BAD_PATTERN_FOR_MFA" if statement["Effect"] == "Deny" => {
            Right(&["MFA_DENIAL_WITHOUT_IF_EXISTS"])
        }
        "BAD_PATTERN_FOR_MFA" => Wrong("aws:MultiFactorAuthPresent in what allows"),
        "RESOURCE_STAR" | "RESOURCE_EFFECTIVELY_STAR" => Wrong("all resources of an action"),
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION" => Wrong("a bucket's policy without its objects"),
        other => panic!("parliament has a finding {other}"),
    }
}

/// Of a finding of cfn-lint.
pub(crate) fn cfn_lint(finding: &Value, statement: &Value) -> Verdict {
    let detail = finding["detail"].as_str().unwrap_or_default();
    // What the message is about stands first, in quotes.
    let value = detail.split('\'').nth(1).unwrap_or_default();
    match finding["issue"].as_str().unwrap() {
        "E0000" => Right(&["DUPLICATE_POLICY_ELEMENT", "JSON_SYNTAX_ERROR"]),
        "E3510" if detail.contains("does not match '^(arn:") => resource_name(value),
        "E3510" => Right(GRAMMAR),
        "W2511" => Right(&["OLD_VERSION"]),
        "W3037" if detail.contains("is not a valid action") => Right(ACTION),
        // A service or a name, in small letters.
        "W3037" => {
            let unknown = |action: &String| {
                let (prefix, name) = action.split_once(':').unwrap_or((action, ""));
                let meant = [prefix, name]
                    .iter()
                    .any(|part| part.eq_ignore_ascii_case(value));
                meant && actions_of(action).is_empty()
            };
            match texts(statement, &["Action", "NotAction"])
                .iter()
                .any(unknown)
            {
                true => Right(ACTION),
                false => Wrong(KNOWN_ACTION),
            }
        }
        "I3510" => mismatch(&[value], statement),
        other => panic!("cfn-lint has a finding {other}"),
    }
}

/// The texts under the elements, one or a list.
fn texts(statement: &Value, elements: &[&str]) -> Vec<String> {
    let values = elements.iter().map(|element| &statement[*element]);
    let texts = values.flat_map(|value| match value {
        Value::Array(values) => values.iter().collect(),
        value => vec![value],
    });
    texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// The actions that a pattern of one service matches.
fn actions_of(pattern: &str) -> Vec<ActionFacts> {
    let Some((prefix, name)) = pattern.split_once(':') else {
        return Vec::new();
    };
    if !name.contains(['*', '?']) {
        return action::find(pattern).into_iter().collect();
    }
    let name = name.to_lowercase();
    let own = |facts: &ActionFacts| facts.action[prefix.len() + 1..].to_lowercase();
    let matches = |facts: &ActionFacts| meet(&name, &own(facts));
    action::all_of(prefix).filter(matches).collect()
}

/// Whether some text matches both patterns.
fn meet(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let plain = |text: &[u8]| {
        text.iter()
            .position(|byte| matches!(byte, b'*' | b'?'))
            .unwrap_or(text.len())
    };
    // Most differ before a wildcard.
    let same = plain(a).min(plain(b));
    if a[..same] != b[..same] {
        return false;
    }
    let (a, b) = (&a[same..], &b[same..]);
    // Row by row: whether the rests of `a` and `b` from here on meet.
    let mut below = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            let star = |text: &[u8], at: usize| text.get(at) == Some(&b'*');
            let ends = i == a.len() && j == b.len();
            let skips = star(a, i) && below[j] || star(b, j) && row[j + 1];
            let takes = match (a.get(i), b.get(j)) {
                (Some(b'*'), Some(_)) => row[j + 1],
                (Some(_), Some(b'*')) => below[j],
                (Some(x), Some(y)) => (x == y || *x == b'?' || *y == b'?') && below[j + 1],
                _ => false,
            };
            row[j] = ends || skips || takes;
        }
        below = row;
    }
    below[0]
}

/// With `*` in the place of each `${…}`.
fn starred(text: &str) -> String {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('*');
        out += part.split_once('}').map_or("", |(_, rest)| rest);
    }
    out
}

/// Whether the action takes some of what the resource stands for. One without resource types takes `*`, but a refusal may
/// name `arn:aws:ssm:eu-central-1:111122223333:*`: all of the service will do.
fn takes(facts: ActionFacts, resource: &str) -> bool {
    if resource == "*" {
        return true;
    }
    let resource = starred(resource);
    let fields: Vec<&str> = resource.splitn(6, ':').collect();
    let mut types = facts.resource_types().peekable();
    if types.peek().is_none() {
        return fields.len() == 6 && meet(fields[2], facts.prefix()) && fields[5] == "*";
    }
    types.any(|(name, _)| {
        let kind = resource::find(facts.prefix(), name).unwrap();
        kind.formats().any(|format| {
            let format = starred(format);
            // A short one is completed with `*`.
            let formats = format.splitn(6, ':').zip(&fields);
            formats.into_iter().all(|(format, own)| meet(format, own))
        })
    })
}

/// Whether it is right that no resource of the statement is one for the actions, which were taken out of the statement's
/// patterns.
fn mismatch(names: &[&str], statement: &Value) -> Verdict {
    if !statement["NotAction"].is_null() || !statement["NotResource"].is_null() {
        return Wrong(NEGATED);
    }
    let resources = texts(statement, &["Resource"]);
    let patterns = texts(statement, &["Action"]);
    let idle = |pattern: &&String| {
        let actions = actions_of(pattern);
        !actions.is_empty()
            && !actions
                .iter()
                .any(|facts| resources.iter().any(|resource| takes(*facts, resource)))
    };
    let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let meant = |pattern: &&String| {
        let pattern = pattern.to_lowercase();
        names.iter().any(|name| meet(&pattern, name))
    };
    match patterns.iter().filter(meant).any(|pattern| idle(&pattern)) {
        true => Right(RESOURCE),
        false => Wrong("one of several actions or resource types has no resource"),
    }
}

/// Whether an ARN is wrong that a linter takes for wrong.
fn resource_name(resource: &str) -> Verdict {
    let Some(parts) = trailfit::iam::arn::ArnParts::parse(resource) else {
        return Right(RESOURCE);
    };
    if [parts.partition, parts.service, parts.region, parts.account]
        .concat()
        .contains("${")
    {
        return Right(&["VARIABLE_BEFORE_ARN_RESOURCE"]);
    }
    let wild = |field: &str| field.contains(['*', '?']);
    let partition = arn::is_partition(parts.partition) || wild(parts.partition);
    let region =
        parts.region.is_empty() || wild(parts.region) || arn::partition(parts.region).is_some();
    let digits = parts.account.len() == 12 && parts.account.bytes().all(|b| b.is_ascii_digit());
    let account =
        parts.account.is_empty() || wild(parts.account) || parts.account == "aws" || digits;
    match partition && region && account && !parts.resource.is_empty() {
        true => Wrong("a partition, a Region, `aws` or a wildcard in an ARN"),
        false => Right(RESOURCE),
    }
}

/// Whether it is right that requests for the action never have the key.
fn unknown_key(key: &str, action: &str, statement: &Value) -> Verdict {
    if !statement["NotAction"].is_null() {
        return Wrong(NEGATED);
    }
    let Some(known) = condition_key::find(key) else {
        return match condition_key::is_of_identity_provider(key) {
            true => Wrong("a key of an identity provider"),
            false => Right(CONDITION_KEY),
        };
    };
    let prefix = key.split(':').next().unwrap_or_default();
    if !known.global && !action::all_of(prefix).any(|facts| known.supported_by(facts)) {
        return Wrong("a key that the reference defines, and lists with no action");
    }
    let operators = statement["Condition"].as_object().unwrap().iter();
    let mut of_key = operators.filter(|(_, keys)| !keys[key].is_null());
    let holds_without = |operator: &String| {
        operator.starts_with("ForAllValues:")
            || operator.ends_with("IfExists")
            || operator.contains("Not")
    };
    if of_key.all(|(operator, _)| holds_without(operator)) {
        return Wrong("ForAllValues, IfExists and negated operators hold where the key is missing");
    }
    let patterns = texts(statement, &["Action"]);
    let mut meant = patterns
        .iter()
        .filter(|pattern| meet(&pattern.to_lowercase(), &action.to_lowercase()));
    let never = |pattern: &String| {
        let actions = actions_of(pattern);
        !actions.iter().any(|facts| known.supported_by(*facts))
    };
    match meant.any(never) || known.deprecated() {
        true => Right(CONDITION_KEY),
        false => Wrong("the reference has the key for the action, or for another of its pattern"),
    }
}

/// `Type mismatch: KEY|OPERATOR requires a value of type T but given …`
fn mismatched_type(detail: &str, statement: &Value) -> Verdict {
    let named = detail.strip_prefix("Type mismatch: ").unwrap();
    let (name, rest) = named.split_once(" requires a value of type ").unwrap();
    let (kind, given) = rest.split_once(" but given ").unwrap();
    if !name.contains(':') || name.contains("Value:") {
        return match operator_mismatches(name, statement) {
            true => Right(TYPE),
            false => Wrong("the reference has another type for the key, or none in particular"),
        };
    }
    let values: Vec<&str> = given.split('\'').skip(1).step_by(2).collect();
    let fits = |value: &&str| match kind {
        "Arn" | "ARN" => value.starts_with("arn:"),
        "Numeric" | "Long" => value.parse::<f64>().is_ok(),
        _ => false,
    };
    match !values.is_empty() && values.iter().all(fits) {
        true => Wrong("its patterns know no short ARNs and no fractions"),
        false => Right(TYPE),
    }
}

/// Whether a key under the operator is of another type, by the catalog.
fn operator_mismatches(operator: &str, statement: &Value) -> bool {
    let base = operator
        .rsplit(':')
        .next()
        .unwrap_or(operator)
        .to_ascii_lowercase();
    let kind = [
        ("string", DataType::String),
        ("arn", DataType::Arn),
        ("numeric", DataType::Numeric),
        ("date", DataType::Date),
        ("bool", DataType::Bool),
        ("ipaddress", DataType::IpAddress),
        ("notipaddress", DataType::IpAddress),
    ];
    let kind = kind
        .into_iter()
        .find(|(name, _)| base.starts_with(name))
        .unwrap()
        .1;
    let keys = statement["Condition"][operator].as_object().unwrap();
    // A tag or a field of an encryption context may hold an ARN.
    let free = |key: &str| kind == DataType::Arn && key.contains(['<', '{']);
    keys.keys()
        .filter_map(|key| condition_key::find(key))
        .filter(|known| !free(known.key))
        .any(|known| !known.data_types().any(|own| own == kind))
}
