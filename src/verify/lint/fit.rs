//! Whether the actions and the resources of a statement go together.

use crate::catalog::action::ActionFacts;
use crate::catalog::{condition_key, resource};
use crate::iam::arn::ArnParts;
use crate::verify::glob::Glob;
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Entry, List, Policy, Statement};
use crate::verify::lint::operator::Operator;
use crate::verify::lint::pattern::{self, has_wildcard};

pub(crate) fn check(policy: &Policy<'_>, found: &mut Findings) {
    for statement in &policy.statements {
        keys(statement, found);
        if let (Some(actions), Some(resources)) = (&statement.actions, &statement.resources)
            && !actions.negated
            && !resources.negated
        {
            resources_of(actions, resources, found);
        }
    }
}

/// Section "Unsupported action for condition key".
fn keys(statement: &Statement<'_>, found: &mut Findings) {
    let Some(actions) = statement.actions.as_ref().filter(|list| !list.negated) else {
        return;
    };
    for condition in &statement.conditions {
        let binds = Operator::parse(condition.operator).is_some_and(Operator::binds);
        let Some(key) = condition_key::find(condition.key).filter(|_| binds) else {
            continue;
        };
        if key.global {
            continue;
        }
        for entry in actions
            .entries
            .iter()
            .filter(|entry| !has_wildcard(entry.text))
        {
            let facts = pattern::actions(entry.text);
            if facts.first().is_some_and(|facts| !key.supported_by(*facts)) {
                found.add(
                    checks::UNSUPPORTED_ACTION_FOR_CONDITION_KEY,
                    &entry.spot,
                    format!("`{}` never has a value for `{}`", entry.text, condition.key),
                    "Move it to a statement without the condition.",
                );
            }
        }
    }
}

/// A resource of the statement.
struct Resource<'e, 'n> {
    entry: &'e Entry<'n>,
    /// Service and resource part of an ARN; `None` where it is `*`.
    arn: Option<(Glob, Glob)>,
    used: bool,
}

fn resources_of(actions: &List<'_>, resources: &List<'_>, found: &mut Findings) {
    let mut resources: Vec<Resource<'_, '_>> = resources.entries.iter().map(read).collect();
    let mut known = !resources.is_empty();
    for entry in &actions.entries {
        let facts = pattern::actions(entry.text);
        // What is not known may take any resource.
        known &= !facts.is_empty() || entry.text.is_empty();
        let mut fits = false;
        for facts in &facts {
            for resource in &mut resources {
                let takes = takes(*facts, resource);
                resource.used |= takes;
                fits |= takes;
            }
        }
        if let ([facts], false, false) = (&facts[..], fits, resources.is_empty())
            && !has_wildcard(entry.text)
        {
            let types: Vec<_> = facts
                .resource_types()
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            let (message, fix) = match types.is_empty() {
                true => (
                    "`*` only".to_owned(),
                    "Give it a statement with the resource `*`.",
                ),
                false => (
                    types.join(", "),
                    "Add a resource of one of these types, or remove the action.",
                ),
            };
            found.add(
                checks::UNSUPPORTED_RESOURCE_FOR_ACTION,
                &entry.spot,
                format!(
                    "no resource of the statement is one for `{}`, which takes {message}",
                    entry.text
                ),
                fix,
            );
        }
    }
    for resource in resources.iter().filter(|resource| known && !resource.used) {
        found.add(
            checks::RESOURCE_WITHOUT_ACTION,
            &resource.entry.spot,
            format!("no action of the statement takes `{}`", resource.entry.text),
            "Remove it, or add the actions that it is for.",
        );
    }
}

fn read<'e, 'n>(entry: &'e Entry<'n>) -> Resource<'e, 'n> {
    let arn = match pattern::fields(entry.text)[..] {
        [_, _, service, _, _, resource] => Some((pattern::glob(service), pattern::glob(resource))),
        _ => None,
    };
    Resource {
        entry,
        arn,
        used: false,
    }
}

/// Whether the action takes some of the resource.
fn takes(facts: ActionFacts, resource: &Resource<'_, '_>) -> bool {
    let Some((service, own)) = &resource.arn else {
        return true;
    };
    let mut types = facts.resource_types().peekable();
    if types.peek().is_none() {
        // IAM asks for `*`. What AWS's own policies write in its place, such as `arn:aws:s3:::*`, is let be.
        return own.matches("*") && service.matches(facts.prefix());
    }
    types.any(|(name, _)| {
        let Some(kind) = resource::find(facts.prefix(), name) else {
            return true;
        };
        let mut formats = kind.formats().filter_map(ArnParts::parse);
        formats.any(|format| {
            service.meets(&pattern::format_glob(format.service))
                && own.meets(&pattern::format_glob(format.resource))
        })
    })
}
