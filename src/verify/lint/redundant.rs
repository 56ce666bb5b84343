//! What another entry or another statement covers already. Decided by what patterns match, not by how they are written.

use std::collections::HashMap;

use crate::verify::context::Context;
use crate::verify::glob::Glob;
use crate::verify::lint::Findings;
use crate::verify::lint::checks::{self, Check};
use crate::verify::lint::grammar::{Condition, Entry, List, Policy, Statement};
use crate::verify::lint::pattern::{action_glob, has_variable, has_wildcard};
use crate::verify::lint::spot::{Spot, short};
use crate::verify::matcher::{Answer, Variables};
use crate::verify::resource::{ArnPattern, Subject};

/// How many characters of patterns are held against each other, each pair by the product of their lengths. Of AWS's 1,594
/// managed policies, the one that takes the most takes 14 million.
const BUDGET: usize = 1 << 26;

pub(crate) fn check(policy: &Policy<'_>, spot: &Spot, found: &mut Findings) {
    let mut judge = Judge { left: BUDGET };
    let statements: Vec<Compiled<'_, '_>> = policy.statements.iter().map(compile).collect();
    for statement in &statements {
        if let (Some(list), Some(patterns)) = (&statement.own.actions, &statement.actions) {
            judge.entries(list, patterns, checks::REDUNDANT_ACTION, found);
        }
        if let (Some(list), Some(patterns)) = (&statement.own.resources, &statement.resources) {
            judge.entries(list, patterns, checks::REDUNDANT_RESOURCE, found);
        }
    }
    judge.statements(&statements, found);
    if judge.left == 0 {
        found.add(
            checks::REDUNDANCY_NOT_JUDGED,
            spot,
            "the document is too large for all its entries to be compared with each other",
            "Split it into several documents.",
        );
    }
}

struct Compiled<'s, 'n> {
    own: &'s Statement<'n>,
    actions: Option<Vec<Pattern<'n>>>,
    resources: Option<Vec<Pattern<'n>>>,
    /// Operator and key in lower case, and the values, sorted.
    conditions: Vec<(String, String, Vec<&'n str>)>,
}

/// An entry, compiled.
struct Pattern<'n> {
    text: &'n str,
    set: Set,
}

enum Set {
    Actions(Glob),
    /// What it covers, and what covers it.
    Resources(ArnPattern, Subject),
    /// Nothing is known of it but its text.
    Text,
}

fn compile<'s, 'n>(own: &'s Statement<'n>) -> Compiled<'s, 'n> {
    let action = |entry: &Entry<'n>| Pattern {
        text: entry.text,
        set: Set::Actions(action_glob(entry.text)),
    };
    let list = |list: &List<'n>, pattern: fn(&Entry<'n>) -> Pattern<'n>| {
        list.entries.iter().map(pattern).collect::<Vec<_>>()
    };
    let mut conditions: Vec<_> = own.conditions.iter().map(line).collect();
    conditions.sort_unstable();
    Compiled {
        own,
        actions: own
            .actions
            .as_ref()
            .map(|l| l.entries.iter().map(action).collect()),
        resources: own.resources.as_ref().map(|l| list(l, resource)),
        conditions,
    }
}

/// A condition as far as it can be told from others.
fn line<'n>(condition: &Condition<'n>) -> (String, String, Vec<&'n str>) {
    let mut values: Vec<_> = condition.values.iter().map(|value| value.text).collect();
    values.sort_unstable();
    values.dedup();
    (
        condition.operator.to_ascii_lowercase(),
        condition.key.to_ascii_lowercase(),
        values,
    )
}

fn resource<'n>(entry: &Entry<'n>) -> Pattern<'n> {
    let text = entry.text;
    // A variable equals itself only, and so is compared as the text that it is. One with a default in which a star is no
    // wildcard could not.
    let comparable = !has_variable(text) || has_wildcard(text) == text.contains(['*', '?']);
    let compiled = ArnPattern::compile(text, Variables::Escapes);
    let set = match compiled.ok().filter(|_| comparable) {
        Some(pattern) => Set::Resources(pattern, Subject::new(text)),
        None => Set::Text,
    };
    Pattern { text, set }
}

/// Compares until its budget is spent.
struct Judge {
    left: usize,
}

impl Judge {
    /// Whether all that `inner` matches, `outer` matches. No where the budget is spent.
    fn covers(&mut self, outer: &Pattern<'_>, inner: &Pattern<'_>) -> bool {
        // Most pairs end here.
        let possible = match (&outer.set, &inner.set) {
            (Set::Actions(outer), Set::Actions(inner)) => {
                inner.prefix().starts_with(outer.prefix())
            }
            (Set::Resources(outer, _), Set::Resources(_, inner)) => {
                inner.prefix().starts_with(outer.prefix())
            }
            _ => return outer.text == inner.text,
        };
        let cost = if possible {
            outer.text.len().saturating_mul(inner.text.len()).max(1)
        } else {
            1
        };
        self.left = self.left.saturating_sub(cost);
        possible
            && self.left > 0
            && match (&outer.set, &inner.set) {
                (Set::Actions(outer), Set::Actions(inner)) => outer.covers(inner),
                (Set::Resources(outer, _), Set::Resources(_, inner)) => {
                    outer.covers(inner, &Context::complete(), Answer::No) == Answer::Yes
                }
                _ => false,
            }
    }

    /// Sections "Redundant action", "Redundant resource". Of entries that match the same, the first stays.
    fn entries(
        &mut self,
        list: &List<'_>,
        patterns: &[Pattern<'_>],
        check: &'static Check,
        found: &mut Findings,
    ) {
        let mut first: HashMap<&str, usize> = HashMap::new();
        // Only what has a wildcard matches more than itself.
        let wide: Vec<usize> = (0..patterns.len())
            .filter(|at| has_wildcard(patterns[*at].text))
            .collect();
        let folded: Vec<String> = patterns
            .iter()
            .map(|p| match p.set {
                Set::Actions(_) => p.text.to_ascii_lowercase(),
                _ => p.text.to_owned(),
            })
            .collect();
        for (at, pattern) in patterns.iter().enumerate() {
            if self.left == 0 {
                return;
            }
            let same = *first.entry(&folded[at]).or_insert(at);
            let covering = if same == at {
                wide.iter().copied().find(|&other| {
                    other != at
                        && folded[other] != folded[at]
                        && self.covers(&patterns[other], pattern)
                        && (other < at || !self.covers(pattern, &patterns[other]))
                })
            } else {
                Some(same)
            };
            if let Some(other) = covering {
                found.add(
                    check,
                    &list.entries[at].spot,
                    format!(
                        "`{}` is covered by `{}`",
                        short(pattern.text),
                        short(patterns[other].text)
                    ),
                    "Remove it.",
                );
            }
        }
    }

    /// Section "Redundant statement". Of statements that say the same, the first stays.
    fn statements(&mut self, statements: &[Compiled<'_, '_>], found: &mut Findings) {
        let whole = |(_, s): &(usize, &Compiled<'_, '_>)| {
            let whole = |list: &Option<List<'_>>| list.as_ref().is_some_and(|list| list.whole);
            s.own.effect.is_some() && whole(&s.own.actions) && whole(&s.own.resources)
        };
        let whole: Vec<_> = statements.iter().enumerate().filter(whole).collect();
        for (at, inner) in &whole {
            if self.left == 0 {
                return;
            }
            let covering = whole.iter().find(|(other, outer)| {
                other != at && self.says(outer, inner) && (other < at || !self.says(inner, outer))
            });
            if let Some((_, outer)) = covering {
                let line = outer.own.spot.place.line;
                found.add(
                    checks::REDUNDANT_STATEMENT,
                    &inner.own.spot,
                    format!("the statement in line {line} says all that this one says"),
                    "Remove it.",
                );
            }
        }
    }

    /// Whether `outer` has the effect of `inner` wherever `inner` has.
    fn says(&mut self, outer: &Compiled<'_, '_>, inner: &Compiled<'_, '_>) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
            && outer.own.effect == inner.own.effect
            && outer
                .conditions
                .iter()
                .all(|c| inner.conditions.binary_search(c).is_ok())
            && self.list(
                (&outer.own.actions, &outer.actions),
                (&inner.own.actions, &inner.actions),
            )
            && self.list(
                (&outer.own.resources, &outer.resources),
                (&inner.own.resources, &inner.resources),
            )
    }

    /// Whether the list `outer` takes in all that `inner` does.
    fn list<'n>(&mut self, outer: Side<'_, 'n>, inner: Side<'_, 'n>) -> bool {
        let ((Some(o), Some(outer)), (Some(i), Some(inner))) = (outer, inner) else {
            return false;
        };
        let mut each = |narrow: &[Pattern<'_>], wide: &[Pattern<'_>]| {
            !narrow.is_empty()
                && narrow
                    .iter()
                    .all(|n| wide.iter().any(|w| self.covers(w, n)))
        };
        match (o.negated, i.negated) {
            (false, false) => each(inner, outer),
            // It leaves out no more than the other does.
            (true, true) => each(outer, inner),
            // A list and the negation of another are not compared: few policies have both.
            _ => false,
        }
    }
}

/// The entries of an element as they are written, and compiled.
type Side<'s, 'n> = (&'s Option<List<'n>>, &'s Option<Vec<Pattern<'n>>>);
