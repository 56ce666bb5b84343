//! What was not used and follows from what was: whoever makes a thing will read it back, change, tag and destroy it.
//!
//! Inferred are the actions of the life that a granted action begins (see [`crate::catalog::lifecycle`]), on exactly the
//! resources that the beginning is granted on, as far as they are of the type that it makes. Where IAM decides before what is
//! made has a name (`kms:CreateKey`), on those of that type which the principal may write to already. So no resource is
//! granted that the policy does not name, but for `*` where reading takes none.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::action::{self, AccessLevel};
use crate::catalog::lifecycle::{Life, Step, begun_by};
use crate::catalog::resource;
use crate::generate::Part;
use crate::generate::generalise;
use crate::generate::minimise::{self, Facts, Grant, Wildcards};
use crate::generate::widening::{EXAMPLES, Widening};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::usage::format::Format;
use crate::usage::ledger::PrincipalUsage;

/// What [`complete`] infers.
pub(super) struct Completion {
    /// All of [`Part::Inferred`].
    pub(super) grants: Vec<Grant>,
    /// Each pair of `grants` is in one of these.
    pub(super) widened: Vec<Widening>,
    /// What could not be inferred.
    pub(super) notes: Vec<String>,
}

/// The rule's name in a [`Widening`].
const RULE: &str = "lifecycle";

/// Of each action, the resources that it is granted on, by the conditions.
type Granted<'g> = BTreeMap<&'g Action, BTreeMap<&'g [Condition], Vec<&'g ResourceArn>>>;

/// What was inferred of one step on one resource of one service, and from what.
#[derive(Default)]
struct Inferred<'g> {
    actions: BTreeSet<Action>,
    /// The actions that made it, with the calls.
    makers: BTreeMap<&'g Action, u64>,
    /// What they were used on.
    made: BTreeSet<&'g ResourceArn>,
}

#[derive(Default)]
struct Inferring<'g> {
    /// By service, resource and step.
    inferred: BTreeMap<(&'g str, ResourceArn, Step), Inferred<'g>>,
    grants: BTreeMap<Vec<Condition>, BTreeMap<Action, BTreeSet<ResourceArn>>>,
    /// The ends that IAM only allows on everything, with the actions that they end the work of.
    anything: BTreeMap<&'static str, BTreeSet<&'g Action>>,
    /// What made things that have no name yet when IAM decides, and of which none was written to later.
    nameless: BTreeSet<&'g Action>,
}

/// The rest of the lives that `grants` begin, as far as they do not grant it. Of actions that `usage` does not have as used,
/// nothing follows.
pub(super) fn complete(usage: &PrincipalUsage, grants: &[Grant]) -> Completion {
    let granted = granted(grants);
    let mut inferring = Inferring::default();
    for (maker, by_conditions) in &granted {
        for life in begun_by(maker.as_str()) {
            for (conditions, resources) in by_conditions {
                let conditions = inherited(conditions);
                inferring.follow(usage, &granted, maker, life, &conditions, resources);
            }
        }
    }
    inferring.finish()
}

fn granted(grants: &[Grant]) -> Granted<'_> {
    let mut granted = Granted::new();
    for grant in grants {
        for action in &grant.actions {
            let by_conditions = granted.entry(action).or_default();
            let resources = by_conditions.entry(&grant.conditions).or_default();
            resources.extend(&grant.resources);
        }
    }
    granted
}

/// Of the conditions that the beginning has, those that later calls of other actions can satisfy too: what is true of the
/// caller and its network, and not what a request to create says or passes.
fn inherited(conditions: &[Condition]) -> Vec<Condition> {
    const OF_THE_REQUEST: [&str; 3] = ["aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys"];
    let of_the_caller = |condition: &&Condition| {
        let key = condition.key;
        key.starts_with("aws:") && !OF_THE_REQUEST.iter().any(|start| key.starts_with(start))
    };
    conditions.iter().filter(of_the_caller).cloned().collect()
}

impl<'g> Inferring<'g> {
    /// Infers the steps of one life that `maker` began on `resources`.
    fn follow(
        &mut self,
        usage: &'g PrincipalUsage,
        granted: &Granted<'g>,
        maker: &'g Action,
        life: Life,
        conditions: &[Condition],
        resources: &[&'g ResourceArn],
    ) {
        let any = ResourceArn::any();
        let kind = Kind::of(maker, life);
        let mut made: Vec<&ResourceArn> = match &kind {
            Some(kind) => kind.closest(resources),
            None => resources.to_vec(),
        };
        if let (Some(kind), true) = (&kind, resources.iter().any(|resource| resource.is_any())) {
            made = kind.written(maker, granted);
            if made.is_empty() {
                self.nameless.insert(maker);
            }
        } else if made.is_empty() {
            // The resources are of another type: the image of an instance.
            return;
        }
        let found = Found::of(usage, maker, &made);
        for (step, facts) in life.steps() {
            let action = facts.to_action();
            if step == Step::DestroyAnything {
                if missing(granted, &action, conditions, &[&any])
                    .next()
                    .is_some()
                {
                    self.anything.entry(facts.action).or_default().insert(maker);
                }
                continue;
            }
            let bare = facts.resource_types().next().is_none();
            let targets: &[&ResourceArn] = if bare { &[&any] } else { &made };
            let targets: Vec<(usize, &ResourceArn)> =
                missing(granted, &action, conditions, targets).collect();
            for (place, target) in targets {
                let evidence = if bare {
                    &found.all
                } else {
                    &found.of_each[place]
                };
                self.add(step, maker, &action, target, evidence);
                let by_action = self.grants.entry(conditions.to_vec()).or_default();
                let resources = by_action.entry(action.clone()).or_default();
                resources.insert(target.clone());
            }
        }
    }

    fn add(
        &mut self,
        step: Step,
        maker: &'g Action,
        action: &Action,
        target: &ResourceArn,
        evidence: &[(&'g ResourceArn, u64)],
    ) {
        let key = (maker.service(), target.clone(), step);
        let inferred = self.inferred.entry(key).or_default();
        inferred.actions.insert(action.clone());
        let calls: u64 = evidence.iter().map(|(_, calls)| calls).sum();
        let known = inferred.makers.entry(maker).or_default();
        *known = (*known).max(calls);
        inferred
            .made
            .extend(evidence.iter().map(|(resource, _)| *resource));
    }

    fn finish(self) -> Completion {
        let mut grants = Vec::new();
        for (conditions, by_action) in &self.grants {
            let facts = by_action.iter().map(|(action, resources)| {
                let resources = resources.iter().map(|resource| (resource, ())).collect();
                let left = minimise::without_covered(resources).into_iter();
                (action, left.map(|(resource, ())| resource).collect())
            });
            let facts: Facts<'_> = facts.collect();
            grants.extend(minimise::grants(&facts, Part::Inferred, conditions));
        }
        let widened = self.inferred.iter();
        Completion {
            grants,
            widened: widened
                .map(|((_, resource, step), inferred)| inferred.told(resource, *step))
                .collect(),
            notes: self.notes(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (end, makers) in &self.anything {
            notes.push(format!(
                "{end} is not inferred, though it ends what {} began: IAM allows it on everything or not at all",
                listed(makers.iter().map(|maker| maker.as_str()))
            ));
        }
        if !self.nameless.is_empty() {
            notes.push(format!(
                "what {} made had no name yet when IAM decided, and nothing else was written to it: what destroys, changes and tags it is not inferred",
                listed(self.nameless.iter().map(|maker| maker.as_str()))
            ));
        }
        notes
    }
}

impl Inferred<'_> {
    fn told(&self, resource: &ResourceArn, step: Step) -> Widening {
        let makers = self.makers.iter();
        let makers = makers.map(|(maker, calls)| match calls {
            1 => format!("{maker} (1 call)"),
            _ => format!("{maker} ({calls} calls)"),
        });
        let to = match step {
            Step::Destroy | Step::DestroyAnything => "destroy",
            Step::Update => "change",
            Step::Tag => "tag",
            Step::ReadBack => "read back",
        };
        let more = match resource.as_str().contains(['*', '?']) {
            true => ", and whatever else the resource stands for",
            false => "",
        };
        let admits = format!(
            "{}, not used: to {to} what {} began{more}",
            listed(self.actions.iter().map(Action::as_str)),
            listed(makers),
        );
        let examples = self.made.iter().take(EXAMPLES);
        Widening {
            rule: RULE,
            actions: self.actions.iter().cloned().collect(),
            resource: resource.clone(),
            values: self.made.len(),
            // It was not used.
            days: 0,
            examples: examples.map(ToString::to_string).collect(),
            admits,
        }
    }
}

/// `a`, `a and b`, `a, b and 3 more`
fn listed<T: ToString>(names: impl Iterator<Item = T>) -> String {
    const SHOWN: usize = 6;
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    match names.as_slice() {
        [before @ .., last] if !before.is_empty() && names.len() <= SHOWN => {
            format!("{} and {last}", before.join(", "))
        }
        [one] => one.clone(),
        _ => {
            let shown = names.len().min(SHOWN - 1);
            format!(
                "{} and {} more",
                names[..shown].join(", "),
                names.len() - shown
            )
        }
    }
}

/// What a maker was used on, of each of some resources and in all, with the calls.
struct Found<'g> {
    of_each: Vec<Vec<(&'g ResourceArn, u64)>>,
    all: Vec<(&'g ResourceArn, u64)>,
}

impl<'g> Found<'g> {
    fn of(usage: &'g PrincipalUsage, maker: &Action, made: &[&ResourceArn]) -> Self {
        let texts = made.iter().map(|resource| resource.as_str());
        let places: BTreeMap<&str, usize> = texts.clone().zip(0..).collect();
        let wildcards = Wildcards::among(texts.enumerate());
        let mut found = Self {
            of_each: vec![Vec::new(); made.len()],
            all: Vec::new(),
        };
        let used = usage.facts.get(maker).into_iter().flatten();
        for (resource, tally) in used.filter(|(_, tally)| tally.used > 0) {
            let written = generalise::writable(resource);
            let text = written.as_ref().unwrap_or(resource).as_str();
            found.all.push((resource, tally.used));
            let own = places.get(text).copied();
            let covering = wildcards.covering(text).filter(|place| Some(*place) != own);
            for place in own.into_iter().chain(covering) {
                found.of_each[place].push((resource, tally.used));
            }
        }
        // What had no name is not what it was used on: all of it may be meant.
        for evidence in &mut found.of_each {
            if evidence.is_empty() {
                evidence.clone_from(&found.all);
            }
        }
        found
    }
}

/// The resource type that a life is of.
struct Kind {
    own: Vec<Format<'static>>,
    /// The formats of the other types that the same action makes.
    others: Vec<Format<'static>>,
}

impl Kind {
    /// `None` where the life is of no type.
    fn of(maker: &Action, life: Life) -> Option<Self> {
        let own = life.resource_type?;
        let others = begun_by(maker.as_str()).filter_map(|life| life.resource_type);
        let others = others.filter(|other| *other != own);
        Some(Self {
            own: formats(maker.service(), own),
            others: others
                .flat_map(|other| formats(maker.service(), other))
                .collect(),
        })
    }

    /// Those of `resources` that are of the type, and of none closer that the action makes too: an application load balancer
    /// has the format of a classic one as well.
    fn closest<'g>(&self, resources: &[&'g ResourceArn]) -> Vec<&'g ResourceArn> {
        let fit = |formats: &[Format<'_>], text: &str| {
            formats.iter().filter_map(|format| format.fits(text)).max()
        };
        let is_of_it = |resource: &&&ResourceArn| {
            let text = resource.as_str();
            let own = fit(&self.own, text);
            own.is_some() && own >= fit(&self.others, text)
        };
        resources.iter().filter(is_of_it).copied().collect()
    }

    /// The resources of the type that actions of the same service are granted to do more than read on.
    fn written<'g>(&self, maker: &Action, granted: &Granted<'g>) -> Vec<&'g ResourceArn> {
        let own_service = granted
            .iter()
            .filter(|(action, _)| action.service() == maker.service());
        let writing = own_service.filter(|(action, _)| {
            let level = action::find(action.as_str()).map(|facts| facts.level());
            level.is_some_and(|level| !matches!(level, AccessLevel::List | AccessLevel::Read))
        });
        let resources = writing.flat_map(|(_, by_conditions)| by_conditions.values().flatten());
        let resources: BTreeSet<&ResourceArn> = resources.copied().collect();
        let resources: Vec<&ResourceArn> = resources.into_iter().collect();
        self.closest(&resources)
    }
}

fn formats(prefix: &str, kind: &str) -> Vec<Format<'static>> {
    let found = resource::find(prefix, kind);
    found
        .into_iter()
        .flat_map(|kind| kind.formats())
        .map(Format::parse)
        .collect()
}

/// Those of `targets`, with their places, that `action` is not granted on yet under `conditions` or fewer.
fn missing<'t>(
    granted: &Granted<'_>,
    action: &Action,
    conditions: &[Condition],
    targets: &[&'t ResourceArn],
) -> impl Iterator<Item = (usize, &'t ResourceArn)> {
    let mut left: Vec<(usize, &ResourceArn)> = targets.iter().copied().enumerate().collect();
    for (held, resources) in granted.get(action).into_iter().flatten() {
        if !held.iter().all(|each| conditions.contains(each)) {
            continue;
        }
        let exact: BTreeSet<&str> = resources.iter().map(|each| each.as_str()).collect();
        let texts = resources.iter().map(|each| each.as_str());
        let wildcards = Wildcards::among(texts.enumerate());
        left.retain(|(_, target)| {
            let text = target.as_str();
            !exact.contains(text) && wildcards.covering(text).next().is_none()
        });
    }
    left.into_iter()
}
