//! Statements that let roles be passed, or service-linked roles be created, beyond what anyone lists.
//!
//! Sections "Pass role with …" and "Create SLR with …", twelve of one pattern: how the action comes in, and how the
//! resources are left open.

use crate::iam::policy::Effect;
use crate::verify::lint::Findings;
use crate::verify::lint::checks::{self, Check};
use crate::verify::lint::grammar::{List, Policy, Statement};
use crate::verify::lint::pattern::{self, action_glob, glob, has_wildcard};
use crate::verify::lint::spot::Spot;
use crate::verify::operator::Operator;

/// An action that should name its resources.
struct Power {
    /// In AWS's spelling.
    action: &'static str,
    /// The condition keys that limit it otherwise, the one to recommend first.
    keys: &'static [&'static str],
    /// What is open then.
    what: &'static str,
    /// By how the action comes in (by name, by a wildcard, by `NotAction`), with `Resource` and with `NotResource`.
    checks: [[&'static Check; 2]; 3],
}

const POWERS: [Power; 2] = [
    Power {
        action: "iam:PassRole",
        keys: &["iam:PassedToService", "iam:AssociatedResourceArn"],
        what: "any role can be passed to any service",
        checks: [
            [
                checks::PASS_ROLE_WITH_STAR_IN_RESOURCE,
                checks::PASS_ROLE_WITH_NOT_RESOURCE,
            ],
            [
                checks::PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE,
                checks::PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE,
            ],
            [
                checks::PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION,
                checks::PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE,
            ],
        ],
    },
    Power {
        action: "iam:CreateServiceLinkedRole",
        keys: &["iam:AWSServiceName"],
        what: "service-linked roles can be created for any service",
        checks: [
            [
                checks::CREATE_SLR_WITH_STAR_IN_RESOURCE,
                checks::CREATE_SLR_WITH_NOT_RESOURCE,
            ],
            [
                checks::CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE,
                checks::CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE,
            ],
            [
                checks::CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION,
                checks::CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE,
            ],
        ],
    },
];

pub(crate) fn check(policy: &Policy<'_>, found: &mut Findings) {
    for statement in &policy.statements {
        for power in &POWERS {
            check_power(power, statement, found);
        }
    }
}

fn check_power(power: &Power, statement: &Statement<'_>, found: &mut Findings) {
    let (Some(Effect::Allow), Some(actions), Some(resources)) =
        (statement.effect, &statement.actions, &statement.resources)
    else {
        return;
    };
    let Some((way, spot)) = way_in(power, actions) else {
        return;
    };
    let open = resources
        .entries
        .iter()
        .any(|entry| is_every_role(entry.text));
    if !resources.negated && (!open || limited(power, statement)) {
        return;
    }
    let check = power.checks[way][usize::from(resources.negated)];
    let resources = if resources.negated {
        "NotResource"
    } else {
        "Resource"
    };
    found.add(
        check,
        spot,
        format!("with this `{resources}`, {}", power.what),
        match resources {
            "Resource" => format!(
                "Name the roles in `Resource`, or add a condition on `{}`.",
                power.keys[0]
            ),
            _ => "Name the roles in `Resource`.".to_owned(),
        },
    );
}

/// How the action comes in, and where: 0 by its name, 1 by a wildcard, 2 by `NotAction`.
fn way_in<'l>(power: &Power, actions: &'l List<'_>) -> Option<(usize, &'l Spot)> {
    let action = power.action.to_ascii_lowercase();
    let mut entries = actions.entries.iter();
    if actions.negated {
        let left_out = entries.any(|entry| action_glob(entry.text).matches(&action));
        return (!left_out).then_some((2, &actions.spot));
    }
    let named = entries.find(|entry| entry.text.eq_ignore_ascii_case(power.action));
    if let Some(entry) = named {
        return Some((0, &entry.spot));
    }
    let mut entries = actions.entries.iter();
    let wild = entries.find(|e| has_wildcard(e.text) && action_glob(e.text).matches(&action))?;
    Some((1, &wild.spot))
}

/// Whether the resource takes in roles of whatever name.
fn is_every_role(resource: &str) -> bool {
    let role = pattern::fields(resource);
    match role[..] {
        [_, _, _, _, _, name] => {
            // Names that nobody lists, one with a path.
            let names = ["role/\u{1}", "role/\u{1}/\u{2}"];
            let all = |name: &str| names.iter().all(|role| glob(name).matches(role));
            all(name) && glob(role[2]).matches("iam")
        }
        _ => !resource.is_empty() && resource.bytes().all(|b| b == b'*'),
    }
}

/// Whether a condition names what for.
fn limited(power: &Power, statement: &Statement<'_>) -> bool {
    statement.conditions.iter().any(|condition| {
        let binds = Operator::parse(condition.operator).is_some_and(Operator::binds);
        let open = condition
            .values
            .iter()
            .any(|value| value.text.starts_with('*'));
        let mut keys = power.keys.iter();
        binds && !open && keys.any(|key| condition.key.eq_ignore_ascii_case(key))
    })
}
