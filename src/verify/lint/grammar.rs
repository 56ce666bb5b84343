//! The shape of a document: which elements there are, of which JSON type. What has the right shape is handed on.
//!
//! Source of the grammar: IAM User Guide, "Grammar of the IAM JSON policy language".

use std::collections::{HashMap, HashSet};

use crate::iam::policy::{Effect, MANAGED_POLICY_QUOTA};
use crate::verify::document::{Member, Node, Value};
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::spot::{Spot, short};
use crate::verify::policy::{POLICY_ELEMENTS, STATEMENT_ELEMENTS};

/// The policy of a document, as far as it has the right shape.
pub(crate) struct Policy<'n> {
    /// Whether its Version knows policy variables.
    pub(crate) variables: bool,
    pub(crate) statements: Vec<Statement<'n>>,
}

/// A statement, as far as it has the right shape.
pub(crate) struct Statement<'n> {
    pub(crate) spot: Spot,
    pub(crate) effect: Option<Effect>,
    pub(crate) actions: Option<List<'n>>,
    pub(crate) resources: Option<List<'n>>,
    pub(crate) conditions: Vec<Condition<'n>>,
}

/// `Action` or `Resource`, or its negation.
pub(crate) struct List<'n> {
    pub(crate) negated: bool,
    pub(crate) spot: Spot,
    pub(crate) entries: Vec<Entry<'n>>,
    /// Whether all that the element holds are strings, and so in `entries`.
    pub(crate) whole: bool,
}

/// A string in a list.
pub(crate) struct Entry<'n> {
    pub(crate) spot: Spot,
    pub(crate) text: &'n str,
}

/// One operator with one key.
pub(crate) struct Condition<'n> {
    /// Of the key.
    pub(crate) spot: Spot,
    /// Of the operator.
    pub(crate) operator_spot: Spot,
    pub(crate) operator: &'n str,
    pub(crate) key: &'n str,
    /// Whether it has no values at all, not even of a wrong type.
    pub(crate) is_empty: bool,
    pub(crate) values: Vec<Scalar<'n>>,
}

/// A value of a condition.
pub(crate) struct Scalar<'n> {
    pub(crate) spot: Spot,
    pub(crate) value: &'n Value,
    pub(crate) text: &'n str,
}

/// Whether an object has an element of a policy, if only in another case of letters, or nothing at all. A template for
/// CloudFormation has not.
pub(crate) fn is_policy(node: &Node) -> bool {
    let known = |member: &Member| {
        let mut elements = POLICY_ELEMENTS.iter();
        elements.any(|element| element.eq_ignore_ascii_case(&member.key))
    };
    node.members()
        .is_none_or(|members| members.is_empty() || members.iter().any(known))
}

/// The policy in `node`; says what has not the right shape.
pub(crate) fn read<'n>(node: &'n Node, spot: &Spot, found: &mut Findings) -> Policy<'n> {
    let mut policy = Policy {
        variables: false,
        statements: Vec::new(),
    };
    let Some(elements) = elements(node, spot, "a policy document", POLICY_ELEMENTS, found) else {
        return policy;
    };
    match elements.get("Version") {
        Some(version) => policy.variables = version_is_current(version, spot, found),
        None => found.add(
            checks::MISSING_VERSION,
            spot,
            "without `Version` the document is of Version 2008-10-17, which knows no policy variables",
            "Add `\"Version\": \"2012-10-17\"`.",
        ),
    }
    if let Some(id) = elements.get("Id") {
        text(&id.node, &spot.below("Id", &id.node), "`Id`", found);
    }
    let Some(statement) = elements.get("Statement") else {
        let message = "the document has no `Statement`";
        found.add(checks::MISSING_STATEMENT, spot, message, "Add a statement.");
        return policy;
    };
    let list = spot.below("Statement", &statement.node);
    let items = items(&statement.node, &list);
    if items.is_empty() {
        let message = "`Statement` is empty";
        found.add(
            checks::MISSING_STATEMENT,
            &list,
            message,
            "Add a statement.",
        );
    }
    let mut sids = HashMap::new();
    for (item, at) in items {
        let read = read_statement(item, at, &mut sids, found);
        policy.statements.extend(read);
    }
    size(node, spot, found);
    policy
}

/// Section "Invalid version", and a name of our own.
fn version_is_current(version: &Member, spot: &Spot, found: &mut Findings) -> bool {
    let spot = spot.below("Version", &version.node);
    match text(&version.node, &spot, "`Version`", found) {
        Some("2012-10-17") => true,
        None => false,
        Some("2008-10-17") => {
            let message = "Version 2008-10-17 knows no policy variables";
            found.add(checks::OLD_VERSION, &spot, message, "Write `2012-10-17`.");
            false
        }
        Some(other) => {
            found.add(
                checks::INVALID_VERSION,
                &spot,
                format!("there is no Version `{other}` of the policy language"),
                "Write `2012-10-17`.",
            );
            false
        }
    }
}

fn read_statement<'n>(
    node: &'n Node,
    spot: Spot,
    sids: &mut HashMap<&'n str, u32>,
    found: &mut Findings,
) -> Option<Statement<'n>> {
    let elements = elements(node, &spot, "a statement", STATEMENT_ELEMENTS, found)?;
    if let Some(member) = elements.get("Sid") {
        sid(member, &spot, sids, found);
    }
    for name in ["Principal", "NotPrincipal"] {
        if let Some(member) = elements.get(name) {
            found.add(
                checks::UNSUPPORTED_PRINCIPAL,
                &spot.below(name, &member.node).at(member.place),
                format!("an identity policy has no `{name}`: it speaks of whom it is attached to"),
                format!("Remove `{name}`."),
            );
        }
    }
    let effect = effect(elements.get("Effect").copied(), &spot, found);
    let [actions, resources] =
        ["Action", "Resource"].map(|name| list(&elements, name, &spot, found));
    let conditions = elements
        .get("Condition")
        .map(|member| conditions(member, &spot, found));
    Some(Statement {
        effect,
        actions,
        resources,
        conditions: conditions.unwrap_or_default(),
        spot,
    })
}

/// Sections "Unique Sids required", "Unsupported Sid", "Empty Sid value".
fn sid<'n>(
    member: &'n Member,
    spot: &Spot,
    sids: &mut HashMap<&'n str, u32>,
    found: &mut Findings,
) {
    let spot = spot.below("Sid", &member.node);
    let Some(sid) = text(&member.node, &spot, "`Sid`", found) else {
        return;
    };
    if sid.is_empty() {
        let fix = "Remove `Sid`, or give it a value.";
        found.add(checks::EMPTY_SID_VALUE, &spot, "`Sid` is empty", fix);
    } else if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
        found.add(
            checks::UNSUPPORTED_SID,
            &spot,
            format!("the Sid `{sid}` has other characters than letters and digits"),
            "Use the letters A to Z and a to z and digits only.",
        );
    }
    if let Some(line) = sids.insert(sid, spot.place.line)
        && !sid.is_empty()
    {
        found.add(
            checks::UNIQUE_SIDS_REQUIRED,
            &spot,
            format!("the statement in line {line} has the Sid `{sid}` too"),
            "Give each statement a Sid of its own, or none.",
        );
    }
}

/// Sections "Missing effect", "Invalid effect".
fn effect(member: Option<&Member>, spot: &Spot, found: &mut Findings) -> Option<Effect> {
    let fix = "Write `Allow` or `Deny`.";
    let Some(member) = member else {
        let message = "the statement has no `Effect`";
        found.add(checks::MISSING_EFFECT, spot, message, fix);
        return None;
    };
    let spot = spot.below("Effect", &member.node);
    match text(&member.node, &spot, "`Effect`", found)? {
        "Allow" => Some(Effect::Allow),
        "Deny" => Some(Effect::Deny),
        other => {
            let message = format!("there is no effect `{other}`; the case of letters counts");
            found.add(checks::INVALID_EFFECT, &spot, message, fix);
            None
        }
    }
}

/// Sections "Missing action", "Missing resource", "Unsupported element combination", "Empty array action", "Empty array
/// resource".
fn list<'n>(
    elements: &HashMap<&'n str, &'n Member>,
    name: &str,
    spot: &Spot,
    found: &mut Findings,
) -> Option<List<'n>> {
    let negation = format!("Not{name}");
    let (missing, empty) = match name {
        "Action" => (checks::MISSING_ACTION, checks::EMPTY_ARRAY_ACTION),
        _ => (checks::MISSING_RESOURCE, checks::EMPTY_ARRAY_RESOURCE),
    };
    let (negated, member) = match (elements.get(name), elements.get(&*negation)) {
        (Some(_), Some(member)) => {
            found.add(
                checks::UNSUPPORTED_ELEMENT_COMBINATION,
                &spot.below(&negation, &member.node).at(member.place),
                format!("the statement has both `{name}` and `{negation}`"),
                "Remove one of the two.",
            );
            return None;
        }
        (Some(member), None) => (false, member),
        (None, Some(member)) => (true, member),
        (None, None) => {
            let message = format!("the statement has neither `{name}` nor `{negation}`");
            found.add(missing, spot, message, format!("Add `{name}`."));
            return None;
        }
    };
    let spot = spot.below(&member.key, &member.node);
    let what = format!("an entry of `{}`", member.key);
    let items = items(&member.node, &spot);
    if items.is_empty() {
        // Source: the messages of CreatePolicy, "Policy statement must contain actions." and "… resources.".
        let message = format!("`{}` has no entry, which IAM refuses", member.key);
        let fix = match negated {
            false => "Add entries, or remove the statement.",
            true => "Add entries; for all but none, write `*` without `Not`.",
        };
        found.add(empty, &spot, message, fix);
    }
    let count = items.len();
    let entries = items.into_iter().filter_map(|(item, at)| {
        let text = text(item, &at, &what, found)?;
        Some(Entry { spot: at, text })
    });
    let entries: Vec<_> = entries.collect();
    Some(List {
        negated,
        whole: entries.len() == count,
        entries,
        spot,
    })
}

/// Sections "Empty object condition", "Duplicate keys with different case", "Data type mismatch".
fn conditions<'n>(member: &'n Member, spot: &Spot, found: &mut Findings) -> Vec<Condition<'n>> {
    let spot = spot.below("Condition", &member.node);
    let mut out = Vec::new();
    for (operator, at) in members(&member.node, &spot, "`Condition`", found) {
        let what = format!("`{}`", short(&operator.key));
        for (key, key_at) in members(&operator.node, &at, &what, found) {
            let values = items(&key.node, &key_at)
                .into_iter()
                .filter_map(|(item, spot)| scalar(item, spot, found));
            out.push(Condition {
                is_empty: key.node.items().is_empty(),
                values: values.collect(),
                spot: key_at.at(key.place),
                operator_spot: at.at(operator.place),
                operator: &operator.key,
                key: &key.key,
            });
        }
    }
    out
}

fn scalar<'n>(node: &'n Node, spot: Spot, found: &mut Findings) -> Option<Scalar<'n>> {
    let text = match &node.value {
        Value::String(text) | Value::Number(text) => text,
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        _ => {
            let expected = "a string, a number or a boolean";
            wrong_type(node, &spot, "the value of a condition", expected, found);
            return None;
        }
    };
    Some(Scalar {
        spot,
        value: &node.value,
        text,
    })
}

/// The members of an object by name. Sections "Invalid policy element", "Data type mismatch".
fn elements<'n>(
    node: &'n Node,
    spot: &Spot,
    what: &str,
    known: &[&str],
    found: &mut Findings,
) -> Option<HashMap<&'n str, &'n Member>> {
    let Some(members) = node.members() else {
        wrong_type(node, spot, what, "an object", found);
        return None;
    };
    let mut out = HashMap::new();
    for member in members {
        let at = spot.below(&member.key, &member.node).at(member.place);
        if !known.contains(&&*member.key) {
            let alike = known.iter().find(|k| k.eq_ignore_ascii_case(&member.key));
            let fix = match alike {
                Some(known) => format!("Write `{known}`: the case of letters counts."),
                None => "Remove it.".to_owned(),
            };
            let message = format!("{what} has no element `{}`", member.key);
            found.add(checks::INVALID_POLICY_ELEMENT, &at, message, fix);
        } else if out.contains_key(&*member.key) {
            twice(member, &at, found);
        } else {
            out.insert(&*member.key, member);
        }
    }
    Some(out)
}

/// The members of an object in which the case of keys does not count, each with its place.
fn members<'n>(
    node: &'n Node,
    spot: &Spot,
    what: &str,
    found: &mut Findings,
) -> Vec<(&'n Member, Spot)> {
    let Some(members) = node.members() else {
        wrong_type(node, spot, what, "an object", found);
        return Vec::new();
    };
    if members.is_empty() {
        let message = format!("{what} is empty");
        found.add(checks::EMPTY_OBJECT_CONDITION, spot, message, "Remove it.");
    }
    let mut seen = HashSet::new();
    let mut folded = HashSet::new();
    for member in members {
        let at = spot.below(&member.key, &member.node).at(member.place);
        let new = folded.insert(member.key.to_ascii_lowercase());
        if !seen.insert(&*member.key) {
            twice(member, &at, found);
        } else if !new {
            found.add(
                checks::DUPLICATE_KEYS_WITH_DIFFERENT_CASE,
                &at,
                format!(
                    "`{}` is there already in another case of letters, which does not count",
                    member.key
                ),
                "Put the values of both under one of them.",
            );
        }
    }
    let place = |member: &'n Member| (member, spot.below(&member.key, &member.node));
    members.iter().map(place).collect()
}

fn twice(member: &Member, spot: &Spot, found: &mut Findings) {
    found.add(
        checks::DUPLICATE_POLICY_ELEMENT,
        spot,
        format!("`{}` is given twice", member.key),
        "Put the values of both in one.",
    );
}

/// The entries of an array, each with its place; of any other value, the value itself.
fn items<'n>(node: &'n Node, spot: &Spot) -> Vec<(&'n Node, Spot)> {
    let items = node.items().iter().enumerate();
    let place = |(at, item)| match node.value {
        Value::Array(_) => (item, spot.entry(at, item)),
        _ => (item, spot.clone()),
    };
    items.map(place).collect()
}

fn text<'n>(node: &'n Node, spot: &Spot, what: &str, found: &mut Findings) -> Option<&'n str> {
    if node.text().is_none() {
        wrong_type(node, spot, what, "a string", found);
    }
    node.text()
}

/// Section "Data type mismatch".
fn wrong_type(node: &Node, spot: &Spot, what: &str, expected: &str, found: &mut Findings) {
    let message = format!("{what} must be {expected}, not {}", node.value.kind());
    let fix = format!("Write {expected}.");
    found.add(checks::DATA_TYPE_MISMATCH, spot, message, fix);
}

/// Section "Policy size exceeds identity policy quota".
fn size(node: &Node, spot: &Spot, found: &mut Findings) {
    let size = characters(node);
    if size > MANAGED_POLICY_QUOTA {
        found.add(
            checks::POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA,
            spot,
            format!(
                "the document has {size} characters without white space, of the {MANAGED_POLICY_QUOTA} that a managed policy may have"
            ),
            "Split it into several documents.",
        );
    }
}

/// The characters of a value as IAM counts them: without the white space between tokens.
/// Source: IAM User Guide, "IAM and AWS STS quotas".
fn characters(node: &Node) -> usize {
    let quoted = |text: &str| serde_json::to_string(text).map_or(0, |text| text.chars().count());
    let commas = |count: usize| count.saturating_sub(1);
    match &node.value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(text) => text.len(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            2 + commas(items.len()) + items.iter().map(characters).sum::<usize>()
        }
        Value::Object(members) => {
            let each = |member: &Member| quoted(&member.key) + 1 + characters(&member.node);
            2 + commas(members.len()) + members.iter().map(each).sum::<usize>()
        }
    }
}
