//! Statements that hang on `aws:ResourceTag` where the action has no such key.

use crate::catalog::action::ActionFacts;
use crate::catalog::condition_key;
use crate::iam::policy::Effect;
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Condition, Policy, Statement};
use crate::verify::lint::lookup::Lookup;
use crate::verify::operator::Operator;

pub(crate) fn check<'n>(policy: &Policy<'n>, lookup: &mut Lookup<'n>, found: &mut Findings) {
    for statement in &policy.statements {
        let tag = |condition: &&Condition<'_>| {
            Operator::parse(condition.operator).is_some_and(Operator::binds)
                && condition_key::find(condition.key)
                    .is_some_and(|key| key.key.starts_with("aws:ResourceTag/"))
        };
        // One is enough for the statement to be without effect.
        if let Some(condition) = statement.conditions.iter().find(tag) {
            check_tag(statement, condition, lookup, found);
        }
    }
}

/// Sections "Allow with unsupported tag condition key for service", "Deny with …", and both with NotAction.
fn check_tag<'n>(
    statement: &Statement<'n>,
    condition: &Condition<'n>,
    lookup: &mut Lookup<'n>,
    found: &mut Findings,
) {
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
        let facts = lookup.actions(entry.text);
        if !lookup.spend(facts.len()) {
            return;
        }
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
