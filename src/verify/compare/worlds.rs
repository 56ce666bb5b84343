//! What the variables of policies may stand for: the worlds in which a comparison is looked at.
//!
//! A search that takes variables for unknown can prove that nothing new is allowed. What it finds may be there or not: so
//! it is looked for again in worlds in which the variables have values, and what is found there is certain.

use std::collections::BTreeSet;

use crate::verify::compare::keys::World;
use crate::verify::compare::rules::Rules;
use crate::verify::compare::search::Found;
use crate::verify::condition::Test;
use crate::verify::context::{Context, Key};
use crate::verify::glob::Token;
use crate::verify::matcher::{Filled, Pattern, Piece};

/// In how many worlds a request is looked for.
pub(super) const MAX_WORLDS: usize = 64;

/// How many of the values that conditions have for a key are tried for a variable.
const MAX_CONSTANTS: usize = 4;

/// The world in which nothing is known of variables.
pub(super) fn generous() -> World {
    World {
        context: Context::partial(),
        generous: true,
    }
}

/// The keys that variables of `rules` name, in lower case.
pub(super) fn variables(rules: &Rules<'_>, of: &[usize]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for rule in of.iter().map(|rule| &rules.rules[*rule]) {
        let patterns = rules.lists[rule.list].patterns.iter();
        out.extend(
            patterns
                .flat_map(|pattern| pattern.narrow.variables())
                .map(str::to_owned),
        );
        let conditions = rule.conditions.iter().map(|place| rules.conditions[*place]);
        out.extend(conditions.flat_map(|c| c.variables()).map(str::to_owned));
    }
    out
}

/// Worlds in which each of `variables` has a value, or none: the one that the request which may be it has; those that would make
/// the resources of the rules in `of` match its resource; values that no policy names, each another or all the same; such as
/// conditions on the key have; and absence.
pub(super) fn strict(
    rules: &Rules<'_>,
    of: &[usize],
    variables: &BTreeSet<String>,
    maybe: Option<&Found>,
) -> Vec<World> {
    let choices: Vec<Vec<Key>> = variables
        .iter()
        .enumerate()
        .map(|(place, key)| {
            let mut values = match maybe.and_then(|maybe| maybe.value(rules, key)) {
                Some(Key::Known(values)) if values.len() == 1 => values.clone(),
                _ => Vec::new(),
            };
            values.extend(
                maybe
                    .iter()
                    .flat_map(|maybe| fitting(rules, of, key, &maybe.resource)),
            );
            values.push(format!("zq{place}"));
            values.extend(constants(rules, key));
            values.push("zq".to_owned());
            let mut seen = BTreeSet::new();
            values.retain(|value| seen.insert(value.clone()));
            let values = values.into_iter().map(|value| Key::Known(vec![value]));
            values.chain([Key::Absent]).collect()
        })
        .collect();
    let count = choices
        .iter()
        .map(Vec::len)
        .try_fold(1_usize, usize::checked_mul);
    let worlds = (0..count.unwrap_or(MAX_WORLDS).min(MAX_WORLDS)).map(|mut number| {
        let mut context = Context::complete();
        for (key, choices) in variables.iter().zip(&choices) {
            context.set(key, choices[number % choices.len()].clone());
            number /= choices.len();
        }
        World {
            context,
            generous: false,
        }
    });
    worlds.collect()
}

/// The first texts that conditions on `key` compare with.
fn constants(rules: &Rules<'_>, key: &str) -> Vec<String> {
    let conditions = rules
        .conditions
        .iter()
        .filter(|condition| *condition.lookup == *key);
    let patterns = conditions.flat_map(|condition| match &condition.test {
        Test::Text { values, .. } => values.as_slice(),
        _ => &[],
    });
    let context = Context::partial();
    let texts = patterns.filter_map(|pattern| match pattern.filled(&context) {
        Filled::Exactly(glob) if glob.is_literal() => Some(glob.prefix().to_owned()),
        _ => None,
    });
    texts.take(MAX_CONSTANTS).collect()
}

/// The values of `key` with which a pattern of `of` that begins with plain text and this variable matches `resource`.
fn fitting(rules: &Rules<'_>, of: &[usize], key: &str, resource: &str) -> Vec<String> {
    let lists = of.iter().map(|rule| &rules.lists[rules.rules[*rule].list]);
    let patterns = lists.flat_map(|list| &list.patterns);
    let mut found: Vec<String> = patterns
        .filter_map(|pattern| value_in(&pattern.narrow, key, resource))
        .collect();
    found.sort();
    found.dedup();
    found.truncate(MAX_CONSTANTS);
    found
}

fn value_in(pattern: &Pattern, key: &str, text: &str) -> Option<String> {
    let mut pieces = pattern.pieces().iter();
    let mut rest = text;
    loop {
        match pieces.next()? {
            Piece::Is(Token::Char(c)) => rest = rest.strip_prefix(*c)?,
            Piece::Is(_) => return None,
            Piece::Variable { key: own, .. } if **own != *key => return None,
            Piece::Variable { .. } => break,
        }
    }
    let behind: String = pieces
        .map_while(|piece| match piece {
            Piece::Is(Token::Char(c)) => Some(*c),
            _ => None,
        })
        .collect();
    let end = if behind.is_empty() {
        rest.len()
    } else {
        rest.find(&behind)?
    };
    Some(rest[..end].to_owned()).filter(|value| !value.is_empty())
}
