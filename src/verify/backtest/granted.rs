//! How much of a universe some policies grant, without asking about each pair.
//!
//! Whether a statement speaks of an action and how it fits a resource is all that tells two pairs apart for the evaluator. So the
//! actions are put together that the same statements speak of, and the resources that the same statements fit; the evaluator
//! judges one pair for all of their kind.

use std::collections::{BTreeMap, HashMap};

use crate::catalog::action::AccessLevel;
use crate::iam::policy::Effect;
use crate::iam::principal::Principal;
use crate::verify::backtest::universe::{ACTIONS, Amount, NO_TYPES, Universe};
use crate::verify::context::Context;
use crate::verify::evaluate::{Attached, Decision, Request, evaluate};
use crate::verify::matcher::Answer;
use crate::verify::policy::Statement;
use crate::verify::reach::fits_resource;
use crate::verify::replay::known_keys;
use crate::verify::resource::Subject;

/// How statements fit a resource, those that do not fit left out: places of statements, sorted.
type Fitting = Vec<(usize, Answer)>;

/// The resources that the same statements fit, and that are of the same types.
struct Class {
    /// Which of the fittings.
    fitting: usize,
    count: u64,
    /// One of them.
    sample: usize,
}

/// The policies of one principal, against a universe.
struct Counter<'a> {
    principal: &'a Principal,
    policies: &'a [Attached<'a>],
    universe: &'a Universe,
    statements: Vec<&'a Statement>,
    context: Context,
    /// The first is that of resources in no list, the second that of `*` itself.
    fittings: Vec<Fitting>,
    /// The classes of resources of each fit.
    classes: Vec<Vec<Class>>,
    /// The fitting of each resource that a statement fits by more than a `*`.
    listed: HashMap<usize, usize>,
    /// What was decided of the actions that the same statements speak of, by the part of the fitting that concerns these.
    decided: HashMap<(Vec<usize>, Fitting), bool>,
}

/// How many pairs of `universe` the policies, all of which are attached to `principal`, grant: those that they allow, or may
/// allow under a condition.
#[must_use]
pub(super) fn granted(
    principal: &Principal,
    policies: &[Attached<'_>],
    universe: &Universe,
) -> Amount {
    let statements = policies.iter().flat_map(|each| &each.policy.statements);
    let mut counter = Counter {
        principal,
        policies,
        universe,
        statements: statements.collect(),
        context: known_keys(principal),
        fittings: Vec::new(),
        classes: Vec::new(),
        listed: HashMap::new(),
        decided: HashMap::new(),
    };
    counter.fit_resources();
    counter.count()
}

impl Counter<'_> {
    /// How each statement fits the resources of no list: what a `*` says of all.
    fn base(&self) -> Fitting {
        let any = |statement: &&Statement| match &statement.resources {
            None => true,
            Some(listed) => !listed.negated && listed.items.iter().any(|pattern| pattern.any),
        };
        let statements = self.statements.iter().enumerate();
        statements
            .filter(|(_, statement)| any(statement))
            .map(|(at, _)| (at, Answer::Yes))
            .collect()
    }

    /// Finds the resources that statements fit, and the classes that they make.
    fn fit_resources(&mut self) {
        let base = self.base();
        let mut fitting: BTreeMap<usize, Fitting> = BTreeMap::new();
        for (at, statement) in self.statements.iter().enumerate() {
            if base.iter().any(|(any, _)| *any == at) {
                continue;
            }
            for (resource, answer) in self.fitted(statement) {
                let of_resource = fitting.entry(resource).or_default();
                match of_resource.last_mut() {
                    Some((last, known)) if *last == at => *known = (*known).max(answer),
                    _ => of_resource.push((at, answer)),
                }
            }
        }
        let mut numbers: HashMap<Fitting, usize> = HashMap::from([(base.clone(), 0)]);
        let star = Subject::new("*");
        let of_star = |(at, statement): (usize, &&Statement)| {
            (at, fits_resource(statement, &star, &self.context))
        };
        let of_star = self.statements.iter().enumerate().map(of_star);
        let of_star = of_star
            .filter(|(_, answer)| *answer != Answer::No)
            .collect();
        self.fittings.extend([base.clone(), of_star]);
        let mut classes: Vec<BTreeMap<usize, Class>> = Vec::new();
        classes.resize_with(self.universe.of_fit.len(), BTreeMap::new);
        for (resource, mut own) in fitting {
            own.extend(&base);
            own.sort_unstable();
            let next = self.fittings.len();
            let number = *numbers.entry(own).or_insert_with_key(|own| {
                self.fittings.push(own.clone());
                next
            });
            self.listed.insert(resource, number);
            let fit = self.universe.resources[resource].fit;
            let class = classes[fit].entry(number).or_insert(Class {
                fitting: number,
                count: 0,
                sample: resource,
            });
            class.count += 1;
        }
        for (fit, classes) in classes.into_iter().enumerate() {
            let mut classes: Vec<Class> = classes.into_values().collect();
            let all = &self.universe.of_fit[fit];
            let listed: u64 = classes.iter().map(|class| class.count).sum();
            let other = all.iter().find(|at| !self.listed.contains_key(at));
            if let Some(sample) = other {
                classes.push(Class {
                    fitting: 0,
                    count: all.len() as u64 - listed,
                    sample: *sample,
                });
            }
            self.classes.push(classes);
        }
    }

    /// The resources that a statement fits, a resource perhaps more than once.
    fn fitted(&self, statement: &Statement) -> Vec<(usize, Answer)> {
        let resources = &self.universe.resources;
        let mut out = Vec::new();
        let listed = statement.resources.as_ref();
        let Some(listed) = listed.filter(|l| !l.negated && statement.effect == Effect::Allow)
        else {
            let answers = resources.iter().enumerate().map(|(at, resource)| {
                let answer = fits_resource(statement, &resource.subject, &self.context);
                (at, answer)
            });
            out.extend(answers.filter(|(_, answer)| *answer != Answer::No));
            return out;
        };
        for pattern in &listed.items {
            // All that it covers begins like it, up to what is written otherwise where it is meant as it is.
            let prefix = pattern.prefix();
            let prefix = &prefix[..prefix.find(['*', '?', '$']).unwrap_or(prefix.len())];
            let start = resources.partition_point(|resource| *resource.text < *prefix);
            let behind = resources[start..].iter().enumerate();
            let begins = behind.take_while(|(_, resource)| resource.text.starts_with(prefix));
            for (at, resource) in begins {
                let answer = pattern.covers(&resource.subject, &self.context, Answer::No);
                if answer != Answer::No {
                    out.push((start + at, answer));
                }
            }
        }
        out
    }

    /// The statements that speak of each action, for each action that one speaks of.
    fn speaking(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut out: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, statement) in self.statements.iter().enumerate() {
            let listed = &statement.actions;
            let patterns = listed.items.iter();
            let mut actions: Vec<usize> = patterns
                .flat_map(|pattern| ACTIONS.matching(pattern))
                .collect();
            actions.sort_unstable();
            actions.dedup();
            if listed.negated {
                let all = 0..ACTIONS.facts.len();
                actions = all
                    .filter(|action| actions.binary_search(action).is_err())
                    .collect();
            }
            for action in actions {
                out.entry(action).or_default().push(at);
            }
        }
        out
    }

    fn count(&mut self) -> Amount {
        /// The actions of which the same statements speak, and that take the same types: how many of each level, and one of
        /// them.
        type Alike = BTreeMap<(Vec<usize>, usize), (BTreeMap<AccessLevel, u64>, usize)>;
        let mut amount = Amount::default();
        let mut alike = Alike::new();
        let universe = self.universe;
        for (action, speaking) in self.speaking() {
            let (level, set) = ACTIONS.facts[action];
            for resource in universe.odd.get(&action).into_iter().flatten() {
                let fitting = self.listed.get(resource).copied().unwrap_or(0);
                if self.grants(
                    &speaking,
                    fitting,
                    action,
                    &universe.resources[*resource].text,
                ) {
                    amount.count(level, 1);
                }
            }
            let (levels, _) = alike
                .entry((speaking, set))
                .or_insert_with(|| (BTreeMap::new(), action));
            *levels.entry(level).or_default() += 1;
        }
        let classes = std::mem::take(&mut self.classes);
        for ((speaking, set), (levels, action)) in alike {
            let mut resources = 0;
            if set == NO_TYPES {
                resources = u64::from(self.grants(&speaking, 1, action, "*"));
            }
            for class in universe.fits_of_set[set]
                .iter()
                .flat_map(|fit| &classes[*fit])
            {
                let sample = &universe.resources[class.sample].text;
                if self.grants(&speaking, class.fitting, action, sample) {
                    resources += class.count;
                }
            }
            for (level, actions) in levels {
                amount.count(level, actions * resources);
            }
        }
        amount
    }

    /// Whether a pair is granted: its action is one that these statements speak of, and its resource has this fitting.
    fn grants(
        &mut self,
        speaking: &[usize],
        fitting: usize,
        action: usize,
        resource: &str,
    ) -> bool {
        let fitting = self.fittings[fitting].iter();
        let concerned = fitting.filter(|(at, _)| speaking.binary_search(at).is_ok());
        let concerned: Fitting = concerned.copied().collect();
        let allows = |(at, _): &(usize, Answer)| self.statements[*at].effect == Effect::Allow;
        if !concerned.iter().any(allows) {
            return false;
        }
        let key = (speaking.to_vec(), concerned);
        if let Some(decided) = self.decided.get(&key) {
            return *decided;
        }
        let action = ACTIONS.spelt[action];
        let request = Request::new(&self.principal.arn, action, resource, &self.context);
        let decision = evaluate(&request, self.policies).decision;
        let granted = matches!(decision, Decision::Allowed | Decision::Undecided { .. });
        self.decided.insert(key, granted);
        granted
    }
}
