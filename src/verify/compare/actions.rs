//! Actions by classes: those that the same statements speak of need to be asked about once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
}

impl Class {
    /// The rules of a side that speak of its actions.
    pub(super) fn of(&self, rules: &Rules<'_>, side: &Layers) -> Layers {
        let action = Glob::literal(self.action.to_ascii_lowercase());
        side.filtered(|rule| speaks_of(rules.rules[rule].statement, &action))
    }
}

/// The classes of all known actions: one at first, divided by each list of actions in turn.
pub(super) fn known(rules: &Rules<'_>) -> Vec<Class> {
    let actions: Vec<&'static str> = action::all().map(|facts| facts.action).collect();
    let lower: Vec<String> = actions.iter().map(|a| a.to_ascii_lowercase()).collect();
    let mut class_of = vec![0_usize; actions.len()];
    let mut count = 1;
    let lists = rules.rules.iter().map(|rule| {
        let items = rule.statement.actions.items.iter();
        items.map(|item| &item.glob).collect::<BTreeSet<&Glob>>()
    });
    // That a list is negated divides them no other way.
    for list in lists.collect::<BTreeSet<_>>() {
        let mut divided: HashMap<usize, usize> = HashMap::new();
        let named: BTreeSet<usize> = list
            .iter()
            .flat_map(|glob| matching(glob, &lower))
            .collect();
        for action in named {
            let class = divided.entry(class_of[action]).or_insert_with(|| {
                count += 1;
                count - 1
            });
            class_of[action] = *class;
        }
    }
    let mut classes: BTreeMap<usize, Vec<&'static str>> = BTreeMap::new();
    for (class, action) in class_of.into_iter().zip(actions) {
        classes.entry(class).or_default().push(action);
    }
    let mut classes: Vec<Class> = classes
        .into_values()
        .map(|known| Class {
            action: known[0].to_owned(),
            known,
        })
        .collect();
    classes.sort_by(|a, b| a.action.cmp(&b.action));
    classes
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

/// The classes of the actions that the catalog does not know. `None` where there are too many to tell.
pub(super) fn unknown(rules: &Rules<'_>, steps: &mut u64) -> Option<Vec<Class>> {
    use Token::{Char, OneInField, StarInField};
    let any = [OneInField, StarInField, Char(':'), OneInField, StarInField];
    let is_known = |name: &str| action::find(name).is_some();
    // Patterns that the same statements have are one to them.
    let mut rules_of: HashMap<&Glob, BTreeSet<usize>> = HashMap::new();
    for (place, rule) in rules.rules.iter().enumerate() {
        for item in &rule.statement.actions.items {
            if !(item.glob.is_literal() && is_known(&item.text)) {
                rules_of.entry(&item.glob).or_default().insert(place);
            }
        }
    }
    let mut groups: BTreeMap<BTreeSet<usize>, Vec<Tape>> = BTreeMap::new();
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
        let found = classes(Tape::of(&any), &tapes, &set_aside, steps)?;
        let before = set_aside.len();
        let names = found.values().filter(|name| is_known(name));
        set_aside.extend(names.map(|name| Tape::new(&Glob::literal(&**name), false)));
        if set_aside.len() == before {
            let classes = found.into_values().map(|action| Class {
                action,
                known: Vec::new(),
            });
            return Some(classes.collect());
        }
    }
    None
}
