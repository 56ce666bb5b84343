//! `Action` and `NotAction`: is there such an action?

use crate::catalog::action::{self, ActionFacts};
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Entry, Policy};
use crate::verify::lint::lookup::Lookup;
use crate::verify::lint::pattern::{self, has_variable, has_wildcard};
use crate::verify::lint::{Findings, variable};

pub(crate) fn check<'n>(policy: &Policy<'n>, lookup: &mut Lookup<'n>, found: &mut Findings) {
    let lists = policy.statements.iter().flat_map(|s| &s.actions);
    let mut guesses = MAX_GUESSES;
    for entry in lists.flat_map(|list| &list.entries) {
        check_entry(entry, lookup, &mut guesses, found);
    }
}

/// For so many unknown actions of a document the nearest known one is looked for.
const MAX_GUESSES: usize = 20;

/// Sections "Invalid action", "Invalid service in action", "Wildcard in service name".
fn check_entry<'n>(
    entry: &Entry<'n>,
    lookup: &mut Lookup<'n>,
    guesses: &mut usize,
    found: &mut Findings,
) {
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
    } else if lookup.actions(text).is_empty() && !lookup.is_spent() {
        let message = match has_wildcard(name) {
            true => format!("`{prefix}` has no action like `{name}`"),
            false => format!("`{prefix}` has no action `{name}`"),
        };
        let meant = (*guesses > 0).then(|| nearest(prefix, name)).flatten();
        *guesses = guesses.saturating_sub(1);
        let fix = match meant {
            Some(action) => format!("Did you mean `{action}`?"),
            None => {
                "Write an action of the Service Authorization Reference, or remove it.".to_owned()
            }
        };
        found.add(checks::INVALID_ACTION, &entry.spot, message, fix);
    }
}

/// The action of the service whose name is the least slips away, a quarter of its letters at most.
fn nearest(prefix: &str, name: &str) -> Option<&'static str> {
    let bound = name.len() / 4;
    if name.len() > 64 || has_wildcard(name) {
        return None;
    }
    let near = |facts: ActionFacts| {
        let (_, own) = facts.action.split_once(':')?;
        if own.len().abs_diff(name.len()) > bound {
            return None;
        }
        let slips = distance(own, name);
        (slips <= bound).then_some((slips, facts.action))
    };
    let (_, action) = action::all_of(prefix).filter_map(near).min()?;
    Some(action)
}

/// How many letters have to be put in, taken out or replaced to make `b` of `a`, whatever their case.
fn distance(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
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

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn slips_are_counted_and_the_least_wins() {
        for (a, b, slips) in [
            ("", "", 0),
            ("Get", "get", 0),
            ("Get", "Gte", 2),
            ("Put", "Puts", 1),
            ("", "ab", 2),
        ] {
            assert_eq!(distance(a, b), slips, "{a} {b}");
            assert_eq!(distance(b, a), slips, "{b} {a}");
        }
        assert_eq!(nearest("s3", "GetObjects"), Some("s3:GetObject"));
        assert_eq!(
            nearest("ec2", "DescribeInstance"),
            Some("ec2:DescribeInstances")
        );
        assert_eq!(nearest("s3", "Frobnicate"), None);
        assert_eq!(nearest("s3", "Get"), None);
    }
}
