//! `Action` and `NotAction`: is there such an action?

use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Entry, Policy};
use crate::verify::lint::pattern::{self, has_variable, has_wildcard};
use crate::verify::lint::{Findings, variable};

pub(crate) fn check(policy: &Policy<'_>, found: &mut Findings) {
    let lists = policy.statements.iter().flat_map(|s| &s.actions);
    for entry in lists.flat_map(|list| &list.entries) {
        check_entry(entry, found);
    }
}

/// Sections "Invalid action", "Invalid service in action", "Wildcard in service name".
fn check_entry(entry: &Entry<'_>, found: &mut Findings) {
    let text = entry.text;
    if text == "*" {
        return;
    }
    if has_variable(text) {
        variable::unsupported(entry, found);
        return;
    }
    let parts = text.split_once(':');
    let Some((prefix, name)) =
        parts.filter(|(prefix, name)| !prefix.is_empty() && !name.is_empty())
    else {
        let message = format!("the action `{text}` is not `service:name`");
        let fix = "Write it like `s3:GetObject`.";
        found.add(checks::INVALID_ACTION, &entry.spot, message, fix);
        return;
    };
    if has_wildcard(prefix) {
        wildcard_service(prefix, entry, found);
    } else if !pattern::is_service(prefix) {
        found.add(
            checks::INVALID_SERVICE_IN_ACTION,
            &entry.spot,
            format!("there is no service `{prefix}`"),
            "Write the service's prefix in the Service Authorization Reference.",
        );
    } else if pattern::actions(text).is_empty() {
        let message = match has_wildcard(name) {
            true => format!("`{prefix}` has no action like `{name}`"),
            false => format!("`{prefix}` has no action `{name}`"),
        };
        let fix = "Write an action of the Service Authorization Reference, or remove it.";
        found.add(checks::INVALID_ACTION, &entry.spot, message, fix);
    }
}

/// Section "Wildcard in service name".
pub(crate) fn wildcard_service(service: &str, entry: &Entry<'_>, found: &mut Findings) {
    found.add(
        checks::WILDCARD_IN_SERVICE_NAME,
        &entry.spot,
        format!("the service `{service}` has a wildcard, and stands for services to come too"),
        "Name each service.",
    );
}
