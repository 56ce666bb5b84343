//! The tags that a request passes, as the condition keys `aws:RequestTag/…` and `aws:TagKeys` have them.
//!
//! Source: IAM User Guide, "AWS global condition context keys", `aws:RequestTag/tag-key` and `aws:TagKeys`. Which actions have them is
//! told by the Service Authorization Reference, action by action: only the few calls are known here of which it is sure that all
//! they need is asked for with these tags.

use simd_json::prelude::*;

use crate::cloudtrail::event::Json;
use crate::iam::action::Action;
use crate::usage::opaque::is_redacted;
use crate::usage::told::{Told, member};

const REQUEST_TAG: &str = "aws:requesttag/";
const TAG_KEYS: &str = "aws:tagkeys";

/// The actions with both keys, the parameter that holds the tags, and the names of a tag's key and value.
/// Source: Service Authorization Reference, the services' tables of actions; their API references for the parameters.
const CALLS: [(&str, &str, [&str; 2]); 11] = [
    ("ec2:CreateTags", "tagSet", ["key", "value"]),
    ("iam:CreatePolicy", "tags", ["key", "value"]),
    ("iam:CreateRole", "tags", ["key", "value"]),
    ("iam:CreateUser", "tags", ["key", "value"]),
    ("iam:TagRole", "tags", ["key", "value"]),
    ("iam:TagUser", "tags", ["key", "value"]),
    ("kms:CreateKey", "tags", ["tagKey", "tagValue"]),
    ("kms:TagResource", "tags", ["tagKey", "tagValue"]),
    ("secretsmanager:CreateSecret", "tags", ["key", "value"]),
    ("secretsmanager:TagResource", "tags", ["key", "value"]),
    ("sts:AssumeRole", "tags", ["key", "value"]),
];

/// Whether some record may tell `key`, which is in lower case.
#[must_use]
pub fn is_told(key: &str) -> bool {
    key == TAG_KEYS || key.starts_with(REQUEST_TAG)
}

/// What the parameters of a call (source and name) tell of `key`, where it needed the `action` of the same name; `None`: nothing.
pub(crate) fn tell(
    key: &str,
    (source, name): (&str, &str),
    parameters: Json<'_, '_>,
    action: &Action,
) -> Option<Told> {
    let row = CALLS.iter().find(|(known, ..)| action.as_str() == *known)?;
    let (_, parameter, [tag_key, tag_value]) = row;
    let (service, own) = action.as_str().split_once(':')?;
    if own != name || source.strip_suffix(".amazonaws.com")? != service {
        return None;
    }
    // Without the parameter the call may have passed none, or its service may not log them. Those that come of a session before
    // are not the request's own, and whether the keys have them, AWS does not say.
    let list = member(parameters, parameter)?;
    if member(parameters, "incomingTransitiveTags").is_some() {
        return None;
    }
    // EC2 wraps its lists.
    let list = member(list, "items").unwrap_or(list).as_array()?;
    let mut tags: Vec<(&str, &str)> = Vec::new();
    for tag in &list {
        // A tag without a value has an empty one.
        let value = member(tag, tag_value).map_or(Some(""), |value| value.into_string())?;
        let tag = (member(tag, tag_key)?.into_string()?, value);
        if is_redacted(tag.0.as_bytes()) || !tag.1.is_empty() && is_redacted(tag.1.as_bytes()) {
            return None;
        }
        tags.push(tag);
    }
    // As without the parameter.
    if tags.is_empty() {
        return None;
    }
    let keys = tags.iter().map(|(key, _)| (*key).to_owned());
    let Some(wanted) = key.strip_prefix(REQUEST_TAG) else {
        return Some(keys.collect());
    };
    let mut values = tags
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(wanted));
    let value = values.next().map(|(_, value)| (*value).to_owned());
    // Which of two that differ in letter case is meant, AWS does not say.
    values.next().is_none().then(|| value.into_iter().collect())
}
