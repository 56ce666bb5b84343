//! Two sides as the search reads them: statements, lists of resources and conditions by number, the same ones once.

use std::collections::{HashMap, HashSet};

use crate::iam::policy::Effect;
use crate::verify::compare::Side;
use crate::verify::compare::keys::{Asked, Solved, World};
use crate::verify::condition::Condition;
use crate::verify::glob::{Glob, Token};
use crate::verify::matcher::{Filled, Piece};
use crate::verify::policy::Statement;
use crate::verify::resource::ArnPattern;

/// A statement.
pub(super) struct Rule<'p> {
    pub(super) statement: &'p Statement,
    /// The place of its list of resources in [`Rules::lists`].
    pub(super) list: usize,
    /// Whether it speaks of what its list leaves out: `NotResource`.
    pub(super) left_out: bool,
    /// The places of its conditions in [`Rules::conditions`], sorted.
    pub(super) conditions: Vec<usize>,
    /// The same for rules that say the same of the same resources under the same conditions, whatever their actions.
    pub(super) meaning: usize,
}

/// The rules of one side by their places, or those of them that speak of one action.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Layers {
    /// What each layer allows: a request needs one of each.
    pub(super) allows: Vec<Vec<usize>>,
    /// What is denied, by whatever layer.
    pub(super) denies: Vec<usize>,
}

impl Layers {
    /// All its rules.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.allows.iter().flatten().chain(&self.denies).copied()
    }

    /// Those of its rules that `keep` names.
    pub(super) fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        let filter =
            |rules: &Vec<usize>| rules.iter().copied().filter(|rule| keep(*rule)).collect();
        Self {
            allows: self.allows.iter().map(filter).collect(),
            denies: filter(&self.denies),
        }
    }
}

/// All statements of both sides.
#[derive(Default)]
pub(super) struct Rules<'p> {
    pub(super) rules: Vec<Rule<'p>>,
    pub(super) lists: Vec<List<'p>>,
    pub(super) conditions: Vec<&'p Condition>,
    /// The place of each condition's key among all keys.
    pub(super) key_of: Vec<usize>,
    lists_by_text: HashMap<String, Vec<usize>>,
    keys: HashMap<&'p str, (usize, Vec<usize>)>,
    meanings: HashMap<(Effect, usize, bool, Vec<usize>), usize>,
}

/// The resources that a statement lists, sorted by their text.
#[derive(PartialEq)]
pub(super) struct List<'p> {
    pub(super) patterns: Vec<&'p ArnPattern>,
    /// Whether the wide reading of them counts, too: where they refuse.
    widely: bool,
}

impl<'p> Rules<'p> {
    /// Adds the statements of a side.
    pub(super) fn add(&mut self, side: &Side<'p>) -> Layers {
        let mut layers = Layers::default();
        for policies in side.layers() {
            let mut allows = Vec::new();
            for statement in policies.iter().flat_map(|each| &each.policy.statements) {
                let rule = self.add_statement(statement);
                match statement.effect {
                    Effect::Allow => allows.push(rule),
                    Effect::Deny => layers.denies.push(rule),
                }
            }
            layers.allows.push(allows);
        }
        layers
    }

    fn add_statement(&mut self, statement: &'p Statement) -> usize {
        let left_out = statement
            .resources
            .as_ref()
            .is_some_and(|listed| listed.negated);
        let listed = statement.resources.iter().flat_map(|listed| &listed.items);
        let list = self.intern_list(List {
            patterns: listed.collect(),
            widely: (statement.effect == Effect::Deny) != left_out,
        });
        let conditions = statement.conditions.iter();
        let mut conditions: Vec<usize> = conditions.map(|c| self.intern_condition(c)).collect();
        conditions.sort_unstable();
        conditions.dedup();
        let next = self.meanings.len();
        let meaning = (statement.effect, list, left_out, conditions.clone());
        let meaning = *self.meanings.entry(meaning).or_insert(next);
        self.rules.push(Rule {
            statement,
            list,
            left_out,
            conditions,
            meaning,
        });
        self.rules.len() - 1
    }

    fn intern_list(&mut self, mut list: List<'p>) -> usize {
        list.patterns.sort_by(|a, b| a.text.cmp(&b.text));
        list.patterns.dedup();
        let text: Vec<&str> = list.patterns.iter().map(|pattern| &*pattern.text).collect();
        // The same text may mean something else in a policy of the older version: so the patterns are compared.
        let alike = self.lists_by_text.entry(text.join("\n")).or_default();
        if let Some(place) = alike.iter().find(|place| self.lists[**place] == list) {
            return *place;
        }
        alike.push(self.lists.len());
        self.lists.push(list);
        self.lists.len() - 1
    }

    fn intern_condition(&mut self, condition: &'p Condition) -> usize {
        let next_key = self.keys.len();
        let (key, alike) = self
            .keys
            .entry(&condition.lookup)
            .or_insert((next_key, Vec::new()));
        if let Some(place) = alike
            .iter()
            .find(|place| self.conditions[**place] == condition)
        {
            return *place;
        }
        alike.push(self.conditions.len());
        self.key_of.push(*key);
        self.conditions.push(condition);
        self.conditions.len() - 1
    }

    /// What the lists stand for in `world`.
    pub(super) fn resources_in(&self, world: &World) -> Vec<Resources> {
        let patterns = self.lists.iter().flat_map(|list| &list.patterns);
        let mut letters = Letters {
            used: patterns.flat_map(|pattern| pattern.text.chars()).collect(),
            of: HashMap::new(),
        };
        let lists = self.lists.iter();
        lists
            .map(|list| Resources::of(list, world, &mut letters))
            .collect()
    }
}

/// A pattern with an unknown variable.
#[derive(Clone, Debug)]
pub(super) struct Varying {
    /// All that it may match.
    pub(super) glob: Glob,
    /// The pattern itself, its variables as letters of their own.
    itself: Glob,
}

impl Varying {
    /// Whether what this one matches is matched by `other`, too, whatever the values of the variables.
    pub(super) fn implies(&self, other: &Self) -> bool {
        // What stands for one character stands for a letter here, but not for every value.
        let single = |token| matches!(token, Token::One | Token::OneInField);
        self.itself == other.itself
            || !other.itself.all_tokens().any(single) && other.itself.covers(&self.itself)
    }
}

/// Letters that stand for variables and that no pattern holds.
struct Letters<'p> {
    used: HashSet<char>,
    of: HashMap<&'p Piece, char>,
}

impl<'p> Letters<'p> {
    /// The tokens that stand for a piece. A variable's letter has a colon behind it, as its value may hold one: so what takes
    /// no colon does not take the variable.
    fn tokens(&mut self, piece: &'p Piece) -> Vec<Token> {
        if let Piece::Is(token) = piece {
            return vec![*token];
        }
        let letter = self.of.get(piece).copied().or_else(|| {
            let letter = ('\u{f0000}'..).find(|letter| !self.used.contains(letter))?;
            self.used.insert(letter);
            self.of.insert(piece, letter);
            Some(letter)
        });
        letter.into_iter().chain([':']).map(Token::Char).collect()
    }
}

/// What a list of resources stands for.
#[derive(Debug, Default)]
pub(super) struct Resources {
    /// Everything, `*` too.
    pub(super) any: bool,
    /// Besides, what these match.
    pub(super) sure: Vec<Glob>,
    /// Besides, something of what these match.
    pub(super) possible: Vec<Varying>,
}

impl Resources {
    fn of<'p>(list: &List<'p>, world: &World, letters: &mut Letters<'p>) -> Self {
        let mut out = Self::default();
        for pattern in &list.patterns {
            out.any |= pattern.any;
            for reading in pattern.readings(list.widely) {
                match reading.filled(&world.context) {
                    Filled::Exactly(glob) => out.sure.push(glob),
                    Filled::Among(glob) => {
                        let pieces = reading.pieces().iter();
                        let tokens = pieces.flat_map(|piece| letters.tokens(piece));
                        let itself = Glob::new(tokens.collect());
                        out.possible.push(Varying { glob, itself });
                    }
                    // What follows from it for the list's negation, the evaluator says.
                    Filled::Nothing => {}
                }
            }
        }
        out
    }
}

/// The policies in one world, and what was found out about keys in it.
pub(super) struct Ground<'r, 'p> {
    pub(super) rules: &'r Rules<'p>,
    pub(super) world: World,
    pub(super) resources: Vec<Resources>,
    solved: HashMap<Vec<(usize, bool)>, Solved>,
}

impl<'r, 'p> Ground<'r, 'p> {
    pub(super) fn new(rules: &'r Rules<'p>, world: World) -> Self {
        Self {
            rules,
            resources: rules.resources_in(&world),
            world,
            solved: HashMap::new(),
        }
    }

    /// The value of a key of which these conditions hold or fail.
    pub(super) fn solve(&mut self, asked: &[(usize, bool)], steps: &mut u64) -> &Solved {
        let mut sorted = asked.to_vec();
        sorted.sort_unstable();
        let (rules, world) = (self.rules, &self.world);
        self.solved.entry(sorted).or_insert_with_key(|asked| {
            let asked = asked
                .iter()
                .map(|(place, wanted)| (rules.conditions[*place], *wanted));
            world.solve(&asked.collect::<Vec<Asked<'_>>>(), steps)
        })
    }
}
