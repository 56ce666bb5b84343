//! Statements that hang on `aws:ResourceTag` where the action has no such key.

use crate::catalog::action::ActionFacts;
use crate::catalog::condition_key;
use crate::iam::policy::Effect;
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Condition, Policy, Statement};
use crate::verify::lint::operator::Operator;
use crate::verify::lint::pattern;

pub(crate) fn check(policy: &Policy<'_>, found: &mut Findings) {
    for statement in &policy.statements {
        let tag = |condition: &&Condition<'_>| {
            Operator::parse(condition.operator).is_some_and(Operator::binds)
                && condition_key::find(condition.key)
                    .is_some_and(|key| key.key.starts_with("aws:ResourceTag/"))
        };
        // One is enough for the statement to be without effect.
        if let Some(condition) = statement.conditions.iter().find(tag) {
            check_tag(statement, condition, found);
        }
    }
}

/// Sections "Allow with unsupported tag condition key for service", "Deny with …", and both with NotAction.
fn check_tag(statement: &Statement<'_>, condition: &Condition<'_>, found: &mut Findings) {
    let (Some(effect), Some(actions)) = (statement.effect, &statement.actions) else {
        return;
    };
    let (check, every, effect) = match effect {
        Effect::Allow => (
            checks::ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
            checks::ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
            "allowed",
        ),
        Effect::Deny => (
            checks::DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
            checks::DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
            "denied",
        ),
    };
    if actions.negated {
        found.add(
            every,
            &condition.spot,
            format!(
                "many actions have no `{}`, and are never {effect} by this statement",
                condition.key
            ),
            "Use `Action`, and name actions that have the key.",
        );
        return;
    }
    for entry in &actions.entries {
        let facts = pattern::actions(entry.text);
        // Which of the resources that an action takes have tags, the tables do not tell; where it takes none, there are none.
        let untagged = |facts: &ActionFacts| {
            let mut keys = facts.condition_keys();
            facts.resource_types().next().is_none()
                && !keys.any(|key| key.starts_with("aws:ResourceTag/"))
        };
        if !facts.is_empty() && facts.iter().all(untagged) {
            found.add(
                check,
                &entry.spot,
                format!("`{}` takes no resource that could have the tag, and is never {effect} by this statement", entry.text),
                "Move it to a statement without the condition.",
            );
        }
    }
}
