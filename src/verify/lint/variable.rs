//! Policy variables.
//!
//! Source of the grammar: IAM User Guide, "IAM policy elements: Variables and tags".

use crate::catalog::condition_key;
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Entry, Policy};
use crate::verify::lint::pattern::{self, has_variable};
use crate::verify::lint::spot::Spot;

pub(crate) fn check(policy: &Policy<'_>, found: &mut Findings) {
    for statement in &policy.statements {
        let resources = statement.resources.iter().flat_map(|list| &list.entries);
        for entry in resources {
            check_text(entry.text, &entry.spot, policy.variables, found);
            if policy.variables {
                check_fields(entry, found);
            }
        }
        for value in statement.conditions.iter().flat_map(|c| &c.values) {
            check_text(value.text, &value.spot, policy.variables, found);
        }
    }
}

fn check_text(text: &str, spot: &Spot, supported: bool, found: &mut Findings) {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("${") {
        let Some((inside, after)) = behind.split_once('}') else {
            if supported {
                unclosed(spot, found);
            }
            return;
        };
        rest = after;
        if !supported {
            old_version(inside, spot, found);
            return;
        }
        check_variable(inside, spot, found);
    }
}

/// A name of our own.
/// Source: IAM User Guide, "IAM policy elements: Variables and tags": in the resource part of an ARN only.
fn check_fields(entry: &Entry<'_>, found: &mut Findings) {
    if let [fields @ .., _] = &pattern::fields(entry.text)[..]
        && let Some(field) = fields.iter().find(|field| has_variable(field))
    {
        found.add(
            checks::VARIABLE_BEFORE_ARN_RESOURCE,
            &entry.spot,
            format!(
                "`{field}` stands before the fifth colon, where AWS promises no policy variables"
            ),
            "Use variables in the last part of the ARN only, or in a condition.",
        );
    }
}

/// Section "Missing brace in variable".
fn unclosed(spot: &Spot, found: &mut Findings) {
    found.add(
        checks::MISSING_BRACE_IN_VARIABLE,
        spot,
        "a policy variable begins with `${` and is not closed",
        "Add `}`; for the characters themselves write `${$}{`.",
    );
}

/// Section "Variable unsupported in version".
fn old_version(inside: &str, spot: &Spot, found: &mut Findings) {
    found.add(
        checks::VARIABLE_UNSUPPORTED_IN_VERSION,
        spot,
        format!("`${{{inside}}}` is plain text to a document that is not of Version 2012-10-17"),
        "Write `\"Version\": \"2012-10-17\"`.",
    );
}

/// Sections "Empty variable", "Missing quote in variable", "Unsupported space in variable", "Invalid global condition key".
fn check_variable(inside: &str, spot: &Spot, found: &mut Findings) {
    if let "*" | "?" | "$" = inside {
        return;
    }
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (inside, None),
    };
    let quoted = |text: &str| text.len() > 1 && text.starts_with('\'') && text.ends_with('\'');
    if key.trim().is_empty() {
        let message = "a policy variable names no key";
        let fix = "Name a condition key between `${` and `}`.";
        found.add(checks::EMPTY_VARIABLE, spot, message, fix);
    } else if key.contains(char::is_whitespace) {
        let message = format!("the key `{key}` of a policy variable has a space");
        let fix = "Remove the space.";
        found.add(checks::UNSUPPORTED_SPACE_IN_VARIABLE, spot, message, fix);
    } else if key.to_ascii_lowercase().starts_with("aws:") && condition_key::find(key).is_none() {
        let message =
            format!("there is no condition key `{key}` for a policy variable to stand for");
        let fix = "Write one of the global condition context keys.";
        found.add(checks::INVALID_GLOBAL_CONDITION_KEY, spot, message, fix);
    } else if let Some(facts) = condition_key::find(key) {
        // Source: IAM User Guide, "IAM policy elements: Variables and tags": single-valued keys can be variables.
        if facts.multivalued {
            let message = format!("`{key}` may have several values, and so is no policy variable");
            let fix = "Use the key in a condition.";
            found.add(checks::MULTIVALUED_VARIABLE, spot, message, fix);
        }
    } else if !condition_key::is_of_identity_provider(key) {
        let message =
            format!("no condition key `{key}` is known for a policy variable to stand for");
        let fix = "Write a condition key, such as `aws:username`.";
        found.add(checks::UNKNOWN_VARIABLE, spot, message, fix);
    }
    if default.is_some_and(|default| !quoted(default)) {
        let message = "the default of a policy variable is not between single quotes";
        let fix = "Write it like `${aws:PrincipalTag/team, 'none'}`.";
        found.add(checks::MISSING_QUOTE_IN_VARIABLE, spot, message, fix);
    }
}

/// Section "Variable unsupported in element".
pub(crate) fn unsupported(entry: &Entry<'_>, found: &mut Findings) {
    found.add(
        checks::VARIABLE_UNSUPPORTED_IN_ELEMENT,
        &entry.spot,
        format!(
            "`{}` has a policy variable, which actions do not know",
            entry.text
        ),
        "Name the actions.",
    );
}
