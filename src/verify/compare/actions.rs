//! Actions by classes: those that the same statements speak of need to be asked about once.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::catalog::action;
use crate::verify::compare::rules::{Layers, Rules};
use crate::verify::compare::words::{Tape, classes};
use crate::verify::glob::{Glob, Token};
use crate::verify::reach::speaks_of;

/// Actions that the same statements speak of.
#[derive(Debug)]
pub(super) struct Class {
    /// One of them: a known one in AWS's spelling, an unknown one in lower case.
    pub(super) action: String,
    /// Those that the catalog knows, sorted; none for actions that AWS does not have today.
    pub(super) known: Vec<&'static str>,
    /// The statements of both sides that speak of them.
    pub(super) old: Layers,
    pub(super) new: Layers,
}

/// The classes of the known actions that each layer of `new` allows something of.
pub(super) fn known(rules: &Rules<'_>, old: &Layers, new: &Layers) -> Vec<Class> {
    let actions: Vec<&'static str> = action::all().map(|facts| facts.action).collect();
    let lower: Vec<String> = actions
        .iter()
        .map(|action| action.to_ascii_lowercase())
        .collect();
    let mut found: HashMap<&Glob, Vec<usize>> = HashMap::new();
    let mut speaking: Vec<Vec<usize>> = vec![Vec::new(); actions.len()];
    for (place, rule) in rules.rules.iter().enumerate() {
        let listed = &rule.statement.actions;
        let mut named: Vec<usize> = Vec::new();
        for pattern in &listed.items {
            let found = found.entry(&pattern.glob);
            named.extend(&*found.or_insert_with(|| matching(&pattern.glob, &lower)));
        }
        if listed.negated {
            let named: HashSet<usize> = named.into_iter().collect();
            named_by(
                place,
                (0..lower.len()).filter(|a| !named.contains(a)),
                &mut speaking,
            );
        } else {
            named_by(place, named.into_iter(), &mut speaking);
        }
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (action, rules) in speaking.into_iter().enumerate() {
        groups.entry(rules).or_default().push(action);
    }
    let groups = groups.into_iter().map(|(speaking, members)| {
        let known: Vec<&'static str> = members.iter().map(|action| actions[*action]).collect();
        class(known[0].to_owned(), known, &speaking, old, new)
    });
    let mut classes: Vec<Class> = groups.filter(Class::may_be_allowed).collect();
    classes.sort_by(|a, b| a.action.cmp(&b.action));
    classes
}

/// Adds `rule` to what speaks of `actions`, once.
fn named_by(rule: usize, actions: impl Iterator<Item = usize>, speaking: &mut [Vec<usize>]) {
    for action in actions {
        if speaking[action].last() != Some(&rule) {
            speaking[action].push(rule);
        }
    }
}

/// The places of those of `lower`, which is sorted, that `glob` matches.
fn matching(glob: &Glob, lower: &[String]) -> Vec<usize> {
    let prefix = glob.prefix();
    let start = lower.partition_point(|action| **action < *prefix);
    let near = lower[start..]
        .iter()
        .take_while(|action| action.starts_with(prefix));
    let matching = near.enumerate().filter(|(_, action)| glob.matches(action));
    matching.map(|(place, _)| start + place).collect()
}

/// How often names that AWS has already are set aside to find others.
const MAX_ROUNDS: usize = 16;

/// The classes of the actions that the catalog does not know, so far as `new` may allow something of them. `None` where
/// there are too many to tell.
pub(super) fn unknown(rules: &Rules<'_>, old: &Layers, new: &Layers) -> Option<Vec<Class>> {
    use Token::{Char, OneInField, StarInField};
    let any = [OneInField, StarInField, Char(':'), OneInField, StarInField];
    let is_known = |name: &str| action::find(name).is_some();
    // Patterns that the same statements have are one to them.
    let mut rules_of: HashMap<&Glob, Vec<usize>> = HashMap::new();
    for (place, rule) in rules.rules.iter().enumerate() {
        for item in &rule.statement.actions.items {
            if !(item.glob.is_literal() && is_known(&item.text)) {
                rules_of.entry(&item.glob).or_default().push(place);
            }
        }
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<Tape>> = BTreeMap::new();
    for (glob, rules) in rules_of {
        let group = groups.entry(rules).or_default();
        group.push(Tape::new(glob, false));
    }
    let mut tapes: Vec<Vec<Tape>> = groups.into_values().collect();
    for group in &mut tapes {
        group.sort();
    }
    let mut set_aside: Vec<Tape> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let found = classes(Tape::of(&any), &tapes, &set_aside)?;
        let before = set_aside.len();
        let names = found.values().filter(|name| is_known(name));
        set_aside.extend(names.map(|name| Tape::new(&Glob::literal(&**name), false)));
        if set_aside.len() > before {
            continue;
        }
        let mut out: BTreeMap<(Layers, Layers), String> = BTreeMap::new();
        for name in found.into_values() {
            let glob = Glob::literal(&*name);
            let speaks = |rule: usize| speaks_of(rules.rules[rule].statement, &glob);
            let layers = (old.filtered(speaks), new.filtered(speaks));
            let least = out.entry(layers).or_insert_with(|| name.clone());
            if (name.len(), &name) < (least.len(), least) {
                *least = name;
            }
        }
        let classes = out.into_iter().map(|((old, new), action)| Class {
            action,
            known: Vec::new(),
            old,
            new,
        });
        return Some(classes.filter(Class::may_be_allowed).collect());
    }
    None
}

fn class(
    action: String,
    known: Vec<&'static str>,
    speaking: &[usize],
    old: &Layers,
    new: &Layers,
) -> Class {
    let speaks = |rule: usize| speaking.binary_search(&rule).is_ok();
    Class {
        action,
        known,
        old: old.filtered(speaks),
        new: new.filtered(speaks),
    }
}

impl Class {
    /// Whether each layer of NEW has a statement that allows something of it.
    fn may_be_allowed(&self) -> bool {
        !self.new.allows.iter().any(Vec::is_empty)
    }
}
