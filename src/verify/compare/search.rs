//! Is there a request for one action that NEW allows and OLD does not?
//!
//! NEW has to allow it: a statement of each layer applies, no denying one does. OLD has to fail: a layer of which no
//! statement applies, or a denying one that does. That a statement applies is a list of [`Literal`]s, that it does not a
//! [`Clause`] of their negations. So the search goes through what has to hold, decides clauses that are decided already,
//! branches on the others, and asks for a resource and for keys where nothing is left to decide.

use std::collections::BTreeMap;

use crate::verify::compare::keys::Solved;
use crate::verify::compare::rules::{Ground, Layers, Resources, Rules};
use crate::verify::compare::subject::{Place, Relation, Subject};
use crate::verify::compare::words::{Tape, Word};
use crate::verify::context::Key;

/// How many literals, and places of patterns, all searches of one comparison may look at together.
pub(super) const MAX_STEPS: u64 = 1 << 23;

/// How many more requests a search for one action looks at to find a shorter one than the first.
const MAX_STEPS_TO_SHORTEN: u32 = 32;

/// A part of what makes a statement apply, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Literal {
    /// The resource is in this list.
    In(usize),
    /// It is not.
    Out(usize),
    /// The condition holds.
    Holds(usize),
    /// It does not.
    Fails(usize),
}

/// Of these, one has to be true.
type Clause = Vec<Literal>;

/// A request that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether the resource is of a kind that the action can be asked about.
    pub(super) plausible: bool,
    pub(super) resource: String,
    /// By the places of the keys.
    pub(super) keys: BTreeMap<usize, Key>,
}

impl Found {
    /// What it has for a key, whose name is in lower case.
    pub(super) fn value(&self, rules: &Rules<'_>, key: &str) -> Option<&Key> {
        let place = rules
            .conditions
            .iter()
            .position(|condition| *condition.lookup == *key)?;
        self.keys.get(&rules.key_of[place])
    }

    /// The plainest request is the least: a plausible one, with few keys, short.
    pub(super) fn rank(&self) -> (bool, usize, usize, &str) {
        let keys = self.keys.values().filter(|key| **key != Key::Absent);
        (
            !self.plausible,
            keys.count(),
            self.resource.len(),
            &self.resource,
        )
    }
}

/// What a search came to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The plainest request found. In a generous world, one that may be it.
    pub(super) found: Option<Found>,
    /// Something could not be told, or took too long: that nothing was found proves nothing.
    pub(super) open: bool,
}

/// One action's question.
#[derive(Clone, Copy)]
pub(super) struct Question<'q> {
    /// The rules that speak of the action.
    pub(super) old: &'q Layers,
    pub(super) new: &'q Layers,
    /// The formats of the resources that the action is known to take.
    pub(super) formats: &'q [Tape],
    /// Whether it is asked about `*`.
    pub(super) without_resource: bool,
    /// Whether what is found in a strict world is what was asked for; the evaluator says so.
    pub(super) confirm: &'q dyn Fn(&Found) -> bool,
}

/// What was decided so far.
#[derive(Clone, Default)]
struct Decided {
    inside: Vec<usize>,
    outside: Vec<usize>,
    keys: BTreeMap<usize, Vec<(usize, bool)>>,
}

impl Decided {
    fn len(&self) -> usize {
        self.inside.len() + self.outside.len() + self.keys.values().map(Vec::len).sum::<usize>()
    }
}

/// Answers `question`.
pub(super) fn search(
    ground: &mut Ground<'_, '_>,
    question: &Question<'_>,
    steps: &mut u64,
) -> Outcome {
    let resources = std::mem::take(&mut ground.resources);
    let mut search = Search {
        rules: ground.rules,
        resources: &resources,
        subject: Subject::Star,
        relations: Vec::new(),
        outcome: Outcome {
            found: None,
            open: false,
        },
        steps_to_shorten: MAX_STEPS_TO_SHORTEN,
        gave_up: false,
        ground,
        question,
        steps,
    };
    for star in [question.without_resource, !question.without_resource] {
        for rule in &question.new.allows[0] {
            search.by_statement(*rule, star);
        }
    }
    let outcome = search.outcome;
    ground.resources = resources;
    outcome
}

struct Search<'s, 'r, 'p> {
    rules: &'r Rules<'p>,
    resources: &'s [Resources],
    ground: &'s mut Ground<'r, 'p>,
    question: &'s Question<'s>,
    subject: Subject<'s>,
    /// Of the lists, to the subject, as far as they were asked for.
    relations: Vec<Option<Relation>>,
    outcome: Outcome,
    steps: &'s mut u64,
    steps_to_shorten: u32,
    /// A resource took too long to find, or the steps are used up.
    gave_up: bool,
}

impl Search<'_, '_, '_> {
    /// Goes through the requests that the first layer of NEW allows by `rule`.
    fn by_statement(&mut self, rule: usize, star: bool) {
        let of = &self.rules.rules[rule];
        let resources = &self.resources[of.list];
        if star || of.left_out || resources.any {
            let subject = if star { Subject::Star } else { Subject::Any };
            return self.about(subject, rule, &self.applies(rule));
        }
        let conditions = self.applies(rule).split_off(1);
        for glob in &resources.sure {
            self.about(Subject::Of(glob), rule, &conditions);
        }
        // In a strict world there are none.
        for pattern in &resources.possible {
            self.about(Subject::Varying(pattern), rule, &conditions);
        }
    }
}

impl<'s> Search<'s, '_, '_> {
    /// Goes through the requests about `subject` of which `literals` are true, so that `rule` applies.
    fn about(&mut self, subject: Subject<'s>, rule: usize, literals: &[Literal]) {
        self.subject = subject;
        self.relations.clear();
        self.relations.resize(self.resources.len(), None);
        let mut decided = Decided::default();
        if !self.finished() && self.decide_all(&mut decided, literals) {
            self.by_layers(&mut vec![rule], &decided);
        }
    }

    /// Chooses a statement of each other layer of NEW.
    fn by_layers(&mut self, chosen: &mut Vec<usize>, decided: &Decided) {
        let Some(layer) = self.question.new.allows.get(chosen.len()) else {
            return self.by_failures(chosen, decided);
        };
        for rule in layer {
            let mut decided = decided.clone();
            if !self.finished() && self.decide_all(&mut decided, &self.applies(*rule)) {
                chosen.push(*rule);
                self.by_layers(chosen, &decided);
                chosen.pop();
            }
        }
    }

    /// Chooses how OLD fails. What both sides say alike is no way to.
    fn by_failures(&mut self, chosen: &[usize], decided: &Decided) {
        let question = self.question;
        let rules = &self.rules.rules;
        let among = |list: &[usize], rule: &usize| {
            list.iter()
                .any(|other| rules[*other].meaning == rules[*rule].meaning)
        };
        let not_denied: Vec<Clause> = question
            .new
            .denies
            .iter()
            .map(|deny| self.fails(*deny))
            .collect();
        for layer in &question.old.allows {
            if !layer.iter().any(|rule| among(chosen, rule)) {
                let not_allowed = layer.iter().map(|rule| self.fails(*rule));
                let clauses: Vec<Clause> = not_allowed.chain(not_denied.clone()).collect();
                self.settle(decided.clone(), &clauses);
            }
        }
        for deny in question
            .old
            .denies
            .iter()
            .filter(|deny| !among(&question.new.denies, deny))
        {
            let mut decided = decided.clone();
            if self.decide_all(&mut decided, &self.applies(*deny)) {
                self.settle(decided, &not_denied);
            }
        }
    }

    /// What has to be true for a statement to apply; its resources come first.
    fn applies(&self, rule: usize) -> Vec<Literal> {
        let rule = &self.rules.rules[rule];
        let resources = match rule.left_out {
            false => Literal::In(rule.list),
            true => Literal::Out(rule.list),
        };
        let conditions = rule.conditions.iter().map(|place| Literal::Holds(*place));
        std::iter::once(resources).chain(conditions).collect()
    }

    /// What has to be true for it not to apply.
    fn fails(&self, rule: usize) -> Clause {
        self.applies(rule)
            .into_iter()
            .map(Literal::negated)
            .collect()
    }

    /// Decides clauses until nothing is left to decide.
    fn settle(&mut self, decided: Decided, clauses: &[Clause]) {
        let mut open = vec![(decided, (0..clauses.len()).collect::<Vec<usize>>())];
        while let Some((mut decided, left)) = open.pop() {
            if self.finished() {
                return;
            }
            let Some(left) = self.propagate(&mut decided, clauses, left) else {
                continue;
            };
            let least = left.iter().min_by_key(|(_, clause)| clause.len());
            let Some((least, clause)) = least else {
                self.conclude(&decided);
                continue;
            };
            let others = left
                .iter()
                .map(|(place, _)| *place)
                .filter(|place| place != least);
            let others: Vec<usize> = others.collect();
            // The first literal is to be tried first.
            for literal in clause.iter().rev() {
                let mut decided = decided.clone();
                *self.steps = self
                    .steps
                    .saturating_sub((others.len() + decided.len()) as u64);
                if self.decide_all(&mut decided, &[*literal]) {
                    open.push((decided, others.clone()));
                }
            }
        }
    }

    /// Decides what only one literal of a clause is left for, and what follows from that. What is left then are the clauses
    /// that can become true in several ways, by their places and without what is false of them. `None` where one is false.
    fn propagate(
        &mut self,
        decided: &mut Decided,
        clauses: &[Clause],
        mut left: Vec<usize>,
    ) -> Option<Vec<(usize, Clause)>> {
        loop {
            let mut several = Vec::new();
            for place in &left {
                let Some(clause) = self.reduce(decided, &clauses[*place]) else {
                    continue;
                };
                match clause[..] {
                    [] => return None,
                    [only] => self.decide(decided, only),
                    _ => several.push((*place, clause)),
                }
            }
            if several.len() == left.len() {
                return Some(several);
            }
            left = several.into_iter().map(|(place, _)| place).collect();
        }
    }

    /// What is left of a clause without what is false; `None` where it is true.
    fn reduce(&mut self, decided: &Decided, clause: &Clause) -> Option<Clause> {
        let mut left = Vec::new();
        for literal in clause {
            match self.truth(decided, *literal) {
                Some(true) => return None,
                Some(false) => {}
                None => left.push(*literal),
            }
        }
        Some(left)
    }

    /// Decides that these are true. False where one can not be.
    fn decide_all(&mut self, decided: &mut Decided, literals: &[Literal]) -> bool {
        literals.iter().all(|literal| {
            let truth = self.truth(decided, *literal);
            if truth.is_none() {
                self.decide(decided, *literal);
            }
            truth != Some(false)
        })
    }

    /// Decides that a literal which can be true is.
    fn decide(&self, decided: &mut Decided, literal: Literal) {
        match literal {
            Literal::In(list) => decided.inside.push(list),
            Literal::Out(list) => decided.outside.push(list),
            Literal::Holds(place) => self.asked(decided, place).push((place, true)),
            Literal::Fails(place) => self.asked(decided, place).push((place, false)),
        }
    }

    fn asked<'d>(&self, decided: &'d mut Decided, place: usize) -> &'d mut Vec<(usize, bool)> {
        decided.keys.entry(self.rules.key_of[place]).or_default()
    }

    /// Whether a literal is true or false, given what was decided; `None` where it can be either.
    fn truth(&mut self, decided: &Decided, literal: Literal) -> Option<bool> {
        *self.steps = self.steps.saturating_sub(1);
        match literal {
            Literal::In(list) => self.is_in(decided, list),
            Literal::Out(list) => self.is_in(decided, list).map(|is_in| !is_in),
            Literal::Holds(place) => self.holds(decided, place, true),
            Literal::Fails(place) => self.holds(decided, place, false),
        }
    }

    fn is_in(&mut self, decided: &Decided, list: usize) -> Option<bool> {
        let relation = match self.relations[list] {
            Some(relation) => relation,
            None => {
                let relation = self.subject.relation(&self.resources[list]);
                self.relations[list] = Some(relation);
                relation
            }
        };
        match relation {
            Relation::Within => Some(true),
            Relation::Apart => Some(false),
            Relation::Across if decided.inside.contains(&list) => Some(true),
            Relation::Across if decided.outside.contains(&list) => Some(false),
            Relation::Across => None,
        }
    }

    fn holds(&mut self, decided: &Decided, place: usize, wanted: bool) -> Option<bool> {
        let none = Vec::new();
        let asked = decided.keys.get(&self.rules.key_of[place]).unwrap_or(&none);
        if let Some((_, holds)) = asked.iter().find(|(other, _)| *other == place) {
            return Some(*holds == wanted);
        }
        let mut with = asked.clone();
        with.push((place, wanted));
        if *self.ground.solve(&with, self.steps) == Solved::No {
            return Some(false);
        }
        // In a strict world a condition may neither hold nor fail, so that it has to be asked for.
        if self.ground.world.generous {
            with.pop();
            with.push((place, !wanted));
            return (*self.ground.solve(&with, self.steps) == Solved::No).then_some(true);
        }
        None
    }

    /// Nothing is left to decide: is there a request?
    fn conclude(&mut self, decided: &Decided) {
        self.steps_to_shorten = match self.outcome.found {
            Some(_) => self.steps_to_shorten.saturating_sub(1),
            None => self.steps_to_shorten,
        };
        let generous = self.ground.world.generous;
        let mut keys = BTreeMap::new();
        for (key, asked) in &decided.keys {
            match self.ground.solve(asked, self.steps) {
                Solved::Yes(value) => {
                    keys.insert(*key, value.clone());
                }
                Solved::No => return,
                Solved::Open => {
                    self.outcome.open = true;
                    if !generous {
                        return;
                    }
                }
            }
        }
        let Some((resource, plausible)) = self.resource(decided) else {
            return;
        };
        let found = Found {
            plausible,
            resource,
            keys,
        };
        let better = |best: &Found| found.rank() < best.rank();
        if self.outcome.found.as_ref().is_none_or(better)
            && (generous || (self.question.confirm)(&found))
        {
            self.outcome.found = Some(found);
        }
    }

    /// A resource as it was decided, and whether the action is known to take such.
    fn resource(&mut self, decided: &Decided) -> Option<(String, bool)> {
        let of = |list: &usize| &self.resources[*list];
        let inside: Vec<&Resources> = decided.inside.iter().map(of).collect();
        let outside: Vec<&Resources> = decided.outside.iter().map(of).collect();
        match self
            .subject
            .resource(&inside, &outside, self.question.formats, self.steps)
        {
            Place::Star => Some(("*".to_owned(), self.question.without_resource)),
            Place::Arn(Word::Found(resource), plausible) => Some((written(&resource), plausible)),
            Place::Arn(Word::None, _) => None,
            Place::Arn(Word::TooMany, _) => {
                self.gave_up = true;
                None
            }
        }
    }

    /// Whether the search is to end.
    fn finished(&mut self) -> bool {
        self.gave_up |= *self.steps == 0;
        self.outcome.open |= self.gave_up;
        let found = self.outcome.found.is_some();
        self.gave_up || found && (self.ground.world.generous || self.steps_to_shorten == 0)
    }
}

/// A resource as requests write it: characters that mean something else there in `${…}`.
fn written(resource: &str) -> String {
    let mut out = String::with_capacity(resource.len());
    for (at, c) in resource.char_indices() {
        match c {
            '*' | '?' => out.extend(["${", &resource[at..=at], "}"]),
            '$' if resource[at..].starts_with("${") => out.push_str("${$}"),
            c => out.push(c),
        }
    }
    out
}

impl Literal {
    fn negated(self) -> Self {
        match self {
            Self::In(list) => Self::Out(list),
            Self::Out(list) => Self::In(list),
            Self::Holds(place) => Self::Fails(place),
            Self::Fails(place) => Self::Holds(place),
        }
    }
}
