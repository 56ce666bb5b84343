//! What of a request's texts matters before any of them is read.

use memchr::memchr2_iter;

/// What tells one value of a parameter of the top level from others as long as [`Parameters`](crate::usage::request::Parameters) did not note that it was
/// looked into: one text that is a leaf is then like another, if both begin as ARNs do or none does; what is the caller's own is like
/// anything else of its kind, and where members are sought at any depth, `below`, only if it can hold none of [`FOUND_BELOW`].
/// `value` is in JSON, and so is what is returned; `is_plain` says that it is a string without escapes.
#[inline]
pub(crate) fn opaque<'v>(name: &[u8], value: &'v [u8], is_plain: bool, below: bool) -> &'v [u8] {
    let may_hold = |value| below && may_hold_found_below(value);
    let is_opaque = match value.first() {
        Some(b'"') if is_plain => {
            let text = &value[1..value.len() - 1];
            if text.starts_with(ARN.as_bytes()) {
                return &value[..=ARN.len()];
            }
            !text.is_empty() && !is_redacted(text)
        }
        Some(b'{') => is_the_callers_own(name, true) && !may_hold(value),
        Some(b'[') => is_the_callers_own(name, false) && !may_hold(value),
        _ => false,
    };
    if is_opaque { &value[..1] } else { value }
}

/// What an ARN begins with.
pub(crate) const ARN: &str = "arn:";

/// The names that [`Parameters::below`](crate::usage::request::Parameters::below) is asked for.
pub(crate) const FOUND_BELOW: [&str; 3] = ["iamInstanceProfile", "taskRoleArn", "executionRoleArn"];

/// Whether JSON may have a member of a name in [`FOUND_BELOW`], in any letter case.
fn may_hold_found_below(bytes: &[u8]) -> bool {
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

pub(crate) fn is_among(name: &[u8], names: &[&str]) -> bool {
    let mut names = names.iter();
    names.any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

/// What holds text of the caller's own choosing, which names no resource whatever it says: tags, filters, and free maps
/// such as an item of DynamoDB, an encryption context, a function's environment.
pub(crate) fn is_the_callers_own(name: &[u8], is_object: bool) -> bool {
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
pub(crate) fn is_redacted(value: &[u8]) -> bool {
    match value.first() {
        Some(b'H') => value.starts_with(b"HIDDEN_DUE_TO_SECURITY_REASONS"),
        Some(b'<') => value == b"<sensitiveDataRemoved>",
        Some(b'*') => value.iter().all(|b| *b == b'*'),
        Some(_) => false,
        None => true,
    }
}
