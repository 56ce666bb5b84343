//! What of a request's texts matters before any of them is read.

use memchr::memchr2_iter;

/// What tells one value of a parameter of the top level from others as long as [`Parameters`](crate::usage::request::Parameters) did not note that it was
/// looked into: one text that is a leaf is then like another, if both begin as ARNs do or none does, and what is no leaf
/// like nothing. `value` is in JSON, and so is what is returned.
#[inline]
pub(crate) fn opaque<'v>(name: &str, value: &'v str) -> &'v str {
    let is_opaque = match value.as_bytes().first() {
        Some(b'"') => {
            let text = &value[1..value.len() - 1];
            if text.starts_with(ARN) && !text.as_bytes().contains(&b'\\') {
                return &value[..=ARN.len()];
            }
            !text.is_empty() && !text.as_bytes().contains(&b'\\') && !is_redacted(text)
        }
        Some(b'{') => is_the_callers_own(name, true) && !may_hold_found_below(value),
        Some(b'[') => is_the_callers_own(name, false) && !may_hold_found_below(value),
        _ => false,
    };
    if is_opaque { &value[..1] } else { value }
}

/// What an ARN begins with.
pub(crate) const ARN: &str = "arn:";

/// The names that [`Parameters::below`](crate::usage::request::Parameters::below) is asked for.
pub(crate) const FOUND_BELOW: [&str; 3] = ["iamInstanceProfile", "taskRoleArn", "executionRoleArn"];

/// Whether JSON may have a member of a name in [`FOUND_BELOW`], in any letter case.
fn may_hold_found_below(json: &str) -> bool {
    let bytes = json.as_bytes();
    let begins = |at: usize, name: &str| {
        let text = bytes.get(at..at + name.len());
        let begins = bytes
            .get(at)
            .is_some_and(|first| first.eq_ignore_ascii_case(&name.as_bytes()[0]));
        begins && text.is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()))
    };
    // A name stands behind a quote, if nothing in it is escaped.
    let mut spots = memchr2_iter(b'"', b'\\', bytes);
    spots.any(|at| bytes[at] == b'\\' || FOUND_BELOW.iter().any(|name| begins(at + 1, name)))
}

pub(crate) fn is_among(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// What holds text of the caller's own choosing, which names no resource whatever it says: tags, filters, and free maps
/// such as an item of DynamoDB, an encryption context, a function's environment.
pub(crate) fn is_the_callers_own(name: &str, is_object: bool) -> bool {
    const FREE_TEXT: [&str; 12] = [
        "tags",
        "tagset",
        "tag",
        "taglist",
        "tagkeys",
        "filters",
        "filter",
        "filterset",
        "tagspecifications",
        "tagspecificationset",
        "tagspecification",
        "clienttoken",
    ];
    const FREE_MAP: [&str; 18] = [
        "attributes",
        "clientcontext",
        "encryptioncontext",
        "environment",
        "exclusivestartkey",
        "expressionattributenames",
        "expressionattributevalues",
        "hyperparameters",
        "input",
        "item",
        "key",
        "labels",
        "messageattributes",
        "metadata",
        "parameters",
        "payload",
        "userdata",
        "variables",
    ];
    is_among(name, &FREE_TEXT) || (is_object && is_among(name, &FREE_MAP))
}

/// Whether AWS has replaced the value. Source: the values seen in logs; there is no documented list.
pub(crate) fn is_redacted(value: &str) -> bool {
    match value.as_bytes().first() {
        Some(b'H') => value.starts_with("HIDDEN_DUE_TO_SECURITY_REASONS"),
        Some(b'<') => value == "<sensitiveDataRemoved>",
        Some(b'*') => value.bytes().all(|b| b == b'*'),
        Some(_) => false,
        None => true,
    }
}
