//! Whether the actions and the resources of a statement go together.

use std::collections::{HashMap, HashSet};

use crate::catalog::action::{self, ActionFacts};
use crate::catalog::condition_key;
use crate::catalog::resource::{self, ResourceType};
use crate::iam::arn::ArnParts;
use crate::verify::lint::Findings;
use crate::verify::lint::arn;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::{Condition, Entry, List, Policy, Statement};
use crate::verify::lint::lookup::Lookup;
use crate::verify::lint::pattern::{self, has_wildcard, is_plain};
use crate::verify::operator::Operator;

pub(crate) fn check<'n>(policy: &Policy<'n>, lookup: &mut Lookup<'n>, found: &mut Findings) {
    for statement in &policy.statements {
        keys(statement, lookup, found);
        unlisted_keys(statement, lookup, found);
        if let (Some(actions), Some(resources)) = (&statement.actions, &statement.resources)
            && !actions.negated
            && !resources.negated
        {
            resources_of(actions, resources, lookup, found);
        }
    }
}

/// The keys of which AWS says for which actions requests have them. Of others the Service Authorization Reference does not
/// list all actions: AWS's own policies use `deadline:FarmMembershipLevels` with many that it leaves out.
/// Source: IAM User Guide, "IAM condition context keys", "Available keys for IAM".
const KEYS_OF_FEW_ACTIONS: [&str; 5] = [
    "iam:AssociatedResourceArn",
    "iam:AWSServiceName",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
];

/// Section "Unsupported action for condition key".
fn keys<'n>(statement: &Statement<'n>, lookup: &mut Lookup<'n>, found: &mut Findings) {
    let Some(actions) = statement.actions.as_ref().filter(|list| !list.negated) else {
        return;
    };
    for name in KEYS_OF_FEW_ACTIONS {
        let mut conditions = statement.conditions.iter();
        let bound = conditions.any(|condition| {
            condition.key.eq_ignore_ascii_case(name)
                && Operator::parse(condition.operator).is_some_and(Operator::binds)
        });
        let Some(key) = condition_key::find(name).filter(|_| bound) else {
            continue;
        };
        let plain = actions
            .entries
            .iter()
            .filter(|entry| !has_wildcard(entry.text));
        for entry in plain {
            let facts = lookup.actions(entry.text);
            if facts.first().is_some_and(|facts| !key.supported_by(*facts)) {
                found.add(
                    checks::UNSUPPORTED_ACTION_FOR_CONDITION_KEY,
                    &entry.spot,
                    format!("`{}` never has a value for `{name}`", entry.text),
                    "Move it to a statement without the condition.",
                );
            }
        }
    }
}

/// So many conditions of a statement are held against its actions.
const MAX_KEYS: usize = 250;

/// A name of our own, and no error, as the reference is not complete.
fn unlisted_keys<'n>(statement: &Statement<'n>, lookup: &mut Lookup<'n>, found: &mut Findings) {
    let Some(actions) = statement.actions.as_ref().filter(|list| !list.negated) else {
        return;
    };
    let of_service = |condition: &Condition<'_>| {
        let binds = Operator::parse(condition.operator).is_some_and(Operator::binds);
        let key = condition_key::find(condition.key).filter(|key| binds && !key.global)?;
        let (prefix, _) = key.key.split_once(':')?;
        let certain = KEYS_OF_FEW_ACTIONS.contains(&key.key);
        // Of some keys the reference lists no action at all.
        let listed = !certain && action::all_of(prefix).any(|facts| lists(facts, key.key));
        listed.then_some(key.key)
    };
    let conditions = statement.conditions.iter().take(MAX_KEYS);
    // The service with the most actions has near a thousand.
    if !lookup.spend(conditions.len() << 10) {
        return;
    }
    let keys: HashSet<&str> = conditions.filter_map(of_service).collect();
    let mut keys: Vec<&str> = keys.into_iter().collect();
    keys.sort_unstable();
    for entry in &actions.entries {
        if keys.is_empty() || has_wildcard(entry.text) {
            continue;
        }
        if !lookup.spend(keys.len() * 8) {
            return;
        }
        let facts = lookup.actions(entry.text);
        let Some(facts) = facts.first() else { continue };
        // Without one of its keys the statement is nothing to the action; so one is enough to tell.
        if let Some(key) = keys.iter().find(|key| !lists(*facts, key)) {
            found.add(
                checks::UNLISTED_CONDITION_KEY_FOR_ACTION,
                &entry.spot,
                format!("by the Service Authorization Reference, requests for `{}` have no `{key}`", entry.text),
                "Move the action to a statement without the condition, if the request does not have the key.",
            );
        }
    }
}

/// Whether the reference lists the key with the action. Of a key for tags it may write any tag.
fn lists(facts: ActionFacts, key: &str) -> bool {
    let family = |key: &'_ str| key.find(['/', '$', '<']).unwrap_or(key.len());
    let own = &key[..family(key)];
    facts
        .condition_keys()
        .any(|listed| listed[..family(listed)].eq_ignore_ascii_case(own))
}

/// A resource type: service prefix and name.
type Type = (&'static str, &'static str);

/// The ARNs of the resource types that a statement's actions take.
#[derive(Default)]
struct Formats {
    known: HashSet<Type>,
    /// By the service in the ARN.
    of_service: HashMap<&'static str, Vec<(Type, &'static str)>>,
    /// Those of any service.
    others: Vec<(Type, &'static str)>,
}

impl Formats {
    fn add(&mut self, facts: ActionFacts) {
        for (name, _) in facts.resource_types() {
            let kind = (facts.prefix(), name);
            if !self.known.insert(kind) {
                continue;
            }
            let formats = resource::find(facts.prefix(), name);
            let formats = formats.into_iter().flat_map(ResourceType::formats);
            for format in formats.filter_map(ArnParts::parse) {
                let entry = (kind, format.resource);
                match is_plain(format.service) {
                    true => self
                        .of_service
                        .entry(format.service)
                        .or_default()
                        .push(entry),
                    false => self.others.push(entry),
                }
            }
            let more = arn::more_formats_of(facts.prefix(), name).map(|format| (kind, format));
            self.of_service
                .entry(facts.prefix())
                .or_default()
                .extend(more);
        }
    }

    fn of(&self, service: &str) -> impl Iterator<Item = &(Type, &'static str)> {
        let own = self.of_service.get(service).into_iter().flatten();
        own.chain(&self.others)
    }
}

/// Names of our own: do actions and resources go together, by the Service Authorization Reference?
fn resources_of<'n>(
    actions: &List<'n>,
    resources: &List<'n>,
    lookup: &mut Lookup<'n>,
    found: &mut Findings,
) {
    let mut formats = Formats::default();
    // The services of actions that take `*` only.
    let mut without_types = HashSet::new();
    let mut all_known = actions.whole;
    let mut entries = HashSet::new();
    for entry in &actions.entries {
        if !entries.insert(entry.text) {
            continue;
        }
        let facts = lookup.actions(entry.text);
        if !lookup.spend(facts.len() * 16) {
            return;
        }
        all_known &= !facts.is_empty();
        for facts in facts.iter().copied() {
            formats.add(facts);
            if facts.resource_types().next().is_none() {
                without_types.insert(facts.prefix());
            }
        }
    }
    let mut met = HashSet::new();
    // The services of resources such as `arn:aws:s3:::*`, which AWS's own policies write in the place of `*`.
    let mut bare = HashSet::new();
    let mut open = resources.entries.is_empty() || !resources.whole;
    for entry in &resources.entries {
        let Some((service, name)) = service_and_name(entry.text) else {
            open = true;
            continue;
        };
        let own = pattern::glob(name);
        let mut used = false;
        for (kind, format) in formats.of(service) {
            if lookup.fits(format, name, &own) {
                used = true;
                met.insert(*kind);
            }
        }
        if lookup.is_spent() {
            return;
        }
        if own.matches("*") {
            bare.insert(service);
            used |= without_types.contains(service);
        }
        if !used && all_known {
            found.add(
                checks::RESOURCE_WITHOUT_ACTION,
                &entry.spot,
                format!("no action of the statement takes `{}`", entry.text),
                "Remove it, or add the actions that it is for.",
            );
        }
    }
    if !open {
        for entry in &actions.entries {
            let fits = |kind: &Type| met.contains(kind);
            unfit(entry, &bare, fits, lookup, found);
        }
    }
}

/// The service and the resource part of an ARN of one service.
fn service_and_name(text: &str) -> Option<(&str, &str)> {
    match pattern::fields(text)[..] {
        [_, _, service, _, _, name] => is_plain(service).then_some((service, name)),
        _ => None,
    }
}

/// Whether none of the entry's actions takes any resource of the statement.
fn unfit<'n>(
    entry: &Entry<'n>,
    bare: &HashSet<&str>,
    fits: impl Fn(&Type) -> bool,
    lookup: &mut Lookup<'n>,
    found: &mut Findings,
) {
    let all = lookup.actions(entry.text);
    if !lookup.spend(all.len() * 16) {
        return;
    }
    let types = |facts: &ActionFacts| -> Vec<Type> {
        let prefix = facts.prefix();
        facts
            .resource_types()
            .map(|(name, _)| (prefix, name))
            .collect()
    };
    let idle = |facts: &ActionFacts| {
        let types = types(facts);
        let whole = types.is_empty() && bare.contains(facts.prefix());
        !whole && !types.iter().any(&fits)
    };
    if all.is_empty() || !all.iter().all(idle) {
        return;
    }
    let names = match &all[..] {
        [facts] => types(facts),
        _ => Vec::new(),
    };
    let names: Vec<_> = names.iter().map(|(_, name)| format!("`{name}`")).collect();
    let (takes, fix) = match (&all[..], &names[..]) {
        ([_], []) => (
            ", which takes `*` only".to_owned(),
            "Give it a statement with the resource `*`.",
        ),
        ([_], names) => (
            format!(", which takes {}", names.join(", ")),
            "Add a resource of one of these types, or remove the action.",
        ),
        _ => (
            String::new(),
            "Add resources that these actions take, or remove it.",
        ),
    };
    found.add(
        checks::UNSUPPORTED_RESOURCE_FOR_ACTION,
        &entry.spot,
        format!(
            "no resource of the statement is one for `{}`{takes}",
            entry.text
        ),
        fix,
    );
}
