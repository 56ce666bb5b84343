//! What was not used and follows from what was: whoever makes a thing will read it back, change, tag and destroy it.
//!
//! Inferred are the actions of the life that a granted action begins (see [`crate::catalog::lifecycle`]), on exactly the
//! resources that the beginning is granted on, as far as they are of the type that it makes. Where IAM decides before what is
//! made has a name (`kms:CreateKey`), nothing tells which it is, and what was written to may be another's. So no resource is
//! granted that the policy does not name, but for `*` where reading takes none.
//!
//! A principal that was seen to destroy one thing of a kind has shown what it does with its like: of the others, only what
//! it was seen to do is inferred, and nothing of what has ended. Nor is any other reading than that seen, where some was.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::action::ActionFacts;
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
use crate::usage::ledger::{PrincipalUsage, Tally};

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
    /// The actions that made it, with the calls: the most on one resource.
    makers: BTreeMap<&'g Action, u64>,
    /// What they were used on.
    made: BTreeSet<&'g ResourceArn>,
    days: BTreeSet<u16>,
}

#[derive(Default)]
struct Inferring<'g> {
    /// By service, resource and step.
    inferred: BTreeMap<(&'g str, ResourceArn, Step), Inferred<'g>>,
    grants: BTreeMap<Vec<Condition>, BTreeMap<Action, BTreeSet<ResourceArn>>>,
    /// What is too much to infer, with the word for what it does, why it is too much, and the actions that it does so to the
    /// work of.
    refused: BTreeMap<(&'static str, &'static str, &'static str), BTreeSet<&'g Action>>,
    /// What made things that have no name yet when IAM decides.
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
        let key = &condition.key;
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
        if kind.is_some() && resources.iter().any(|resource| resource.is_any()) {
            made.retain(|resource| !resource.is_any());
            self.nameless.insert(maker);
        } else if made.is_empty() {
            // The resources are of another type: the image of an instance.
            return;
        }
        // Where it was seen to end what it made, the rest of the life was seen too, and whatever has ended needs nothing more.
        let ends = life.steps().filter(|(step, _)| *step == Step::Destroy);
        let ends: Vec<Action> = ends.map(|(_, facts)| facts.to_action()).collect();
        let seen_whole = ends.iter().any(|end| granted.contains_key(end));
        for end in &ends {
            let left = missing(granted, end, conditions, &made);
            made = left.map(|(_, resource)| resource).collect();
        }
        if seen_whole && made.is_empty() {
            return;
        }
        // Creating and reading back are done in one go: where some reading was seen, it was all.
        let seen_reading = seen(granted, life, Step::reads);
        let found = Found::of(usage, maker, &made);
        for (step, facts) in life.steps() {
            let action = facts.to_action();
            let shown = seen_whole || seen_reading && step == Step::ReadBack;
            if shown && !granted.contains_key(&action) {
                continue;
            }
            let bare = step == Step::DestroyAnything || facts.resource_types().next().is_none();
            let targets: &[&ResourceArn] = if bare { &[&any] } else { &made };
            let targets: Vec<(usize, &ResourceArn)> =
                missing(granted, &action, conditions, targets).collect();
            for (place, target) in targets {
                if let Some(reason) = too_much(step, facts, target) {
                    let refused = (facts.action, does(step), reason);
                    self.refused.entry(refused).or_default().insert(maker);
                    continue;
                }
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
        evidence: &[(&'g ResourceArn, &'g Tally)],
    ) {
        let key = (maker.service(), target.clone(), step);
        let inferred = self.inferred.entry(key).or_default();
        inferred.actions.insert(action.clone());
        // One call may have several resources, so the sum over these may be more than there were.
        let calls = evidence.iter().map(|(_, tally)| tally.used);
        let calls = calls.max().unwrap_or(0);
        let known = inferred.makers.entry(maker).or_default();
        *known = (*known).max(calls);
        inferred
            .made
            .extend(evidence.iter().map(|(resource, _)| *resource));
        let days = evidence.iter().flat_map(|(_, tally)| &tally.days);
        inferred.days.extend(days);
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
        for ((action, does, reason), makers) in &self.refused {
            notes.push(format!(
                "{action} is not inferred, though it {does} what {} began: {reason}",
                listed(makers.iter().map(|maker| maker.as_str()))
            ));
        }
        if !self.nameless.is_empty() {
            notes.push(format!(
                "what {} made had no name yet when IAM decided: what destroys, changes and tags it is not inferred",
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
            Step::Look => "read, before it is destroyed,",
            Step::ReadBack => "read back",
        };
        // A log group's ARN ends with `:*`, and so does a family of task definitions: that is one of them.
        let one = resource.parts().map_or("*", |parts| parts.resource);
        let one = one.strip_suffix(":*").unwrap_or(one);
        let more = match one.contains(['*', '?']) {
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
            pattern: None,
            resource: resource.clone(),
            values: self.made.len(),
            days: self.days.len(),
            examples: examples.map(ToString::to_string).collect(),
            admits,
        }
    }
}

/// Why an action is not inferred on `target`, where it is not.
fn too_much(step: Step, facts: ActionFacts, target: &ResourceArn) -> Option<&'static str> {
    if target.is_any() && !step.reads() {
        return Some("it would be granted on everything");
    }
    let on_many = target.as_str().contains(['*', '?']);
    (on_many && facts.escalates().is_some()).then_some(
        "it can lead to more permissions, and would be granted on a resource with a wildcard",
    )
}

/// What a step does to what was made, in a word.
fn does(step: Step) -> &'static str {
    match step {
        Step::Destroy | Step::DestroyAnything => "ends",
        Step::Update => "changes",
        Step::Tag => "tags",
        Step::Look | Step::ReadBack => "reads",
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

/// What a maker was used on, of each of some resources and in all.
struct Found<'g> {
    of_each: Vec<Vec<(&'g ResourceArn, &'g Tally)>>,
    all: Vec<(&'g ResourceArn, &'g Tally)>,
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
            found.all.push((resource, tally));
            let own = places.get(text).copied();
            let covering = wildcards.covering(text).filter(|place| Some(*place) != own);
            for place in own.into_iter().chain(covering) {
                found.of_each[place].push((resource, tally));
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
}

fn formats(prefix: &str, kind: &str) -> Vec<Format<'static>> {
    let found = resource::find(prefix, kind);
    found
        .into_iter()
        .flat_map(|kind| kind.formats())
        .map(Format::parse)
        .collect()
}

/// Whether an action of such a step is granted, on whatever.
fn seen(granted: &Granted<'_>, life: Life, is_such: fn(Step) -> bool) -> bool {
    let mut steps = life.steps();
    steps.any(|(step, facts)| is_such(step) && granted.contains_key(&facts.to_action()))
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::{Strategy, prop, proptest};

    use super::listed;
    use crate::generate::options::{ActionWildcards, Conditions, OneOff, Options, Resources};
    use crate::generate::quota::{Quota, Target};
    use crate::generate::{Part, Plan, plan};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::usage::ledger::{PrincipalUsage, Tally};

    const COMPLETE: Options = Options {
        resources: Resources::Exact,
        one_off: OneOff::Separate,
        lifecycle: true,
        quota: Some(Quota {
            characters: 1_000,
            ..Target::Role.quota()
        }),
        action_wildcards: ActionWildcards::Never,
        conditions: Conditions::Passed,
    };

    fn usage(facts: &[(&str, &str)]) -> PrincipalUsage {
        let mut usage = PrincipalUsage::default();
        for (action, resource) in facts {
            let tally: &mut Tally = usage
                .facts
                .entry(Action::parse(action).unwrap())
                .or_default()
                .entry(ResourceArn::from_pattern(*resource))
                .or_default();
            tally.used += 1;
        }
        usage
    }

    /// The names of the actions inferred on each resource.
    fn inferred(plan: &Plan) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (document, parts) in plan.documents.iter().zip(&plan.parts) {
            let statements = document.statements.iter().zip(parts);
            for (statement, _) in statements.filter(|(_, part)| **part == Part::Inferred) {
                for resource in &statement.resources {
                    let actions = statement.actions.iter().map(Action::name);
                    found.entry(resource.as_str()).or_default().extend(actions);
                }
            }
        }
        found
    }

    /// Every action with every resource of the documents.
    fn granted(plan: &Plan) -> BTreeSet<(String, String)> {
        let statements = plan.documents.iter().flat_map(|d| &d.statements);
        let pairs = statements.flat_map(|s| {
            let each = |a: &Action| {
                let action = a.to_string();
                let with = move |r: &ResourceArn| (action.clone(), r.to_string());
                s.resources.iter().map(with).collect::<Vec<_>>()
            };
            s.actions.iter().flat_map(each).collect::<Vec<_>>()
        });
        pairs.collect()
    }

    #[test]
    fn who_makes_a_role_may_unmake_it_and_nothing_else() {
        let role = "arn:aws:iam::111122223333:role/ci/web";
        let facts = usage(&[
            ("iam:CreateRole", role),
            ("iam:AttachRolePolicy", role),
            ("iam:PassRole", "arn:aws:iam::111122223333:role/ci/other"),
            ("iam:GetRole", role),
        ]);
        let plan = plan(&facts, &COMPLETE);
        let inferred = inferred(&plan);
        assert_eq!(inferred.keys().copied().collect::<Vec<_>>(), [role]);
        // Neither what grants (PutRolePolicy, UpdateAssumeRolePolicy), nor what lifts a boundary, nor what is granted already.
        assert_eq!(
            inferred[role],
            BTreeSet::from([
                "DeleteRole",
                "DetachRolePolicy",
                "GetRolePolicy",
                "ListAttachedRolePolicies",
                "ListInstanceProfilesForRole",
                "ListRolePolicies",
                "TagRole",
                "UntagRole",
                "UpdateRole",
                "UpdateRoleDescription",
            ])
        );
        let destroy = &plan.widened[0];
        assert_eq!(
            (destroy.rule, destroy.resource.as_str()),
            ("lifecycle", role)
        );
        assert_eq!(
            destroy.admits,
            "iam:DeleteRole and iam:DetachRolePolicy, not used: to destroy what iam:AttachRolePolicy (1 call) and iam:CreateRole (1 call) began"
        );
        assert_eq!(
            (destroy.values, &destroy.examples),
            (1, &vec![role.to_owned()])
        );
    }

    #[test]
    fn the_resources_are_those_of_the_type_that_is_made() {
        let ec2 = |rest: &str| format!("arn:aws:ec2:eu-west-1:111122223333:{rest}");
        let (instances, subnet) = (ec2("instance/*"), ec2("subnet/subnet-0a"));
        let classic = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/old";
        let network = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/new/*";
        let facts = usage(&[
            ("ec2:RunInstances", &instances),
            ("ec2:RunInstances", &subnet),
            ("ec2:RunInstances", "arn:aws:ec2:eu-west-1::image/ami-0a"),
            ("elasticloadbalancing:CreateLoadBalancer", classic),
            ("elasticloadbalancing:CreateLoadBalancer", network),
        ]);
        let plan = plan(&facts, &COMPLETE);
        let inferred = inferred(&plan);
        assert!(inferred[&*instances].contains("TerminateInstances"));
        assert!(inferred["*"].contains("DescribeInstances"));
        assert!(!inferred.contains_key(&*subnet), "{inferred:?}");
        assert!(inferred[classic].contains("SetLoadBalancerPoliciesOfListener"));
        assert!(inferred[network].contains("DeleteLoadBalancer"));
        assert!(!inferred[network].contains("SetLoadBalancerPoliciesOfListener"));
    }

    #[test]
    fn who_was_seen_to_destroy_one_destroys_the_others_alike() {
        let queue = |name: &str| format!("arn:aws:sqs:eu-west-1:111122223333:{name}");
        let (ended, alive) = (queue("ended"), queue("alive"));
        let mut facts = vec![
            ("sqs:CreateQueue", ended.as_str()),
            ("sqs:CreateQueue", &alive),
            ("sqs:TagQueue", &ended),
            ("sqs:DeleteQueue", &ended),
        ];
        let seen = plan(&usage(&facts), &COMPLETE);
        let expected = BTreeMap::from([(&*alive, BTreeSet::from(["DeleteQueue", "TagQueue"]))]);
        assert_eq!(inferred(&seen), expected);
        facts.remove(1);
        assert!(inferred(&plan(&usage(&facts), &COMPLETE)).is_empty());
    }

    #[test]
    fn of_what_has_no_name_yet_only_reading_is_inferred_whatever_was_written_to() {
        let key = "arn:aws:kms:eu-west-1:111122223333:key/3f2504e0-4f89-11d3-9a0c-0305e82c3301";
        // Access level Write, all of them: that does not make the key one that was made here.
        for written in [
            None,
            Some("kms:GenerateDataKey"),
            Some("kms:EnableKeyRotation"),
        ] {
            let mut facts = vec![("kms:CreateKey", "*")];
            facts.extend(written.map(|action| (action, key)));
            let plan = plan(&usage(&facts), &COMPLETE);
            assert_eq!(inferred(&plan).keys().collect::<Vec<_>>(), [&"*"]);
            assert!(inferred(&plan)["*"].iter().all(|a| a.starts_with("List")));
            assert_eq!(
                plan.notes[0],
                "what kms:CreateKey made had no name yet when IAM decided: what destroys, changes and tags it is not inferred"
            );
        }
    }

    #[test]
    fn an_end_that_iam_allows_on_everything_only_is_told_and_not_inferred() {
        let task = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:*";
        let note = "ecs:DeregisterTaskDefinition is not inferred, though it ends what ecs:RegisterTaskDefinition began: it would be granted on everything";
        let mut facts = vec![("ecs:RegisterTaskDefinition", task)];
        let told = plan(&usage(&facts), &COMPLETE);
        assert!(inferred(&told)["*"].contains("DescribeTaskDefinition"));
        assert!(
            !granted(&told)
                .iter()
                .any(|(a, _)| a == "ecs:DeregisterTaskDefinition")
        );
        assert_eq!(told.notes, [note]);
        facts.push(("ecs:DeregisterTaskDefinition", "*"));
        assert!(plan(&usage(&facts), &COMPLETE).notes.is_empty());
    }

    #[test]
    fn nothing_but_reading_is_inferred_on_everything() {
        let told = plan(&usage(&[("aoss:CreateAccessPolicy", "*")]), &COMPLETE);
        let on_everything = inferred(&told).remove("*").unwrap_or_default();
        assert!(!on_everything.contains("DeleteAccessPolicy"));
        assert!(!on_everything.contains("UpdateAccessPolicy"));
        let note = "aoss:DeleteAccessPolicy is not inferred, though it ends what aoss:CreateAccessPolicy began: it would be granted on everything";
        assert!(told.notes.iter().any(|n| n == note), "{:?}", told.notes);
    }

    #[test]
    fn what_leads_to_more_permissions_is_inferred_on_no_wildcard() {
        let instance = |name: &str| format!("arn:aws:ec2:eu-west-1:111122223333:instance/{name}");
        let (one, all) = (instance("i-0a"), instance("*"));
        let modified = |resource: &str| {
            let told = plan(&usage(&[("ec2:RunInstances", resource)]), &COMPLETE);
            let inferred = inferred(&told);
            assert!(inferred[resource].contains("TerminateInstances"));
            let note = "ec2:ModifyInstanceAttribute is not inferred, though it changes what ec2:RunInstances began: it can lead to more permissions, and would be granted on a resource with a wildcard";
            let noted = told.notes.iter().any(|n| n == note);
            (
                inferred[resource].contains("ModifyInstanceAttribute"),
                noted,
            )
        };
        assert_eq!(modified(&one), (true, false));
        assert_eq!(modified(&all), (false, true));
    }

    #[test]
    fn a_call_on_several_resources_is_one_call() {
        let instance = |name: &str| format!("arn:aws:ec2:eu-west-1:111122223333:instance/{name}");
        let (one, other) = (instance("i-0a"), instance("i-0b"));
        let facts = [
            ("ec2:RunInstances", one.as_str()),
            ("ec2:RunInstances", &other),
        ];
        let told = plan(&usage(&facts), &COMPLETE);
        let everything = told.widened.iter().find(|w| w.resource.is_any()).unwrap();
        let said = &everything.admits;
        assert!(said.contains("ec2:RunInstances (1 call) began"), "{said}");
    }

    #[test]
    fn work_on_data_makes_nothing() {
        let facts = usage(&[
            ("s3:PutObject", "arn:aws:s3:::b/k"),
            (
                "dynamodb:PutItem",
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t",
            ),
            (
                "logs:CreateLogStream",
                "arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:s",
            ),
        ]);
        let (with, without) = (
            plan(&facts, &COMPLETE),
            plan(
                &facts,
                &Options {
                    lifecycle: false,
                    ..COMPLETE
                },
            ),
        );
        assert_eq!(with, without);
    }

    #[test]
    fn long_lists_are_cut() {
        let names = |count: usize| listed((0..count).map(|n| n.to_string()));
        assert_eq!(names(1), "0");
        assert_eq!(names(2), "0 and 1");
        assert_eq!(names(6), "0, 1, 2, 3, 4 and 5");
        assert_eq!(names(8), "0, 1, 2, 3, 4 and 3 more");
    }

    fn facts() -> impl Strategy<Value = Vec<(&'static str, String)>> {
        const ACTIONS: [(&str, &str); 9] = [
            ("sqs:CreateQueue", "arn:aws:sqs:eu-west-1:111122223333:"),
            ("sqs:DeleteQueue", "arn:aws:sqs:eu-west-1:111122223333:"),
            ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:"),
            ("s3:CreateBucket", "arn:aws:s3:::"),
            ("s3:GetBucketTagging", "arn:aws:s3:::"),
            ("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/"),
            ("kms:CreateKey", ""),
            ("kms:TagResource", "arn:aws:kms:eu-west-1:111122223333:key/"),
            ("ec2:CreateVpc", "arn:aws:ec2:eu-west-1:111122223333:vpc/"),
        ];
        let fact = (0..ACTIONS.len(), "[a-c]{1,2}|\\*").prop_map(|(at, name)| {
            let (action, before) = ACTIONS[at];
            match before {
                "" => (action, "*".to_owned()),
                _ => (action, format!("{before}{name}")),
            }
        });
        prop::collection::vec(fact, 0..12)
    }

    proptest! {
        #[test]
        fn whatever_is_granted_was_used_or_is_listed(facts in facts()) {
            let facts: Vec<(&str, &str)> = facts.iter().map(|(a, r)| (*a, r.as_str())).collect();
            let usage = usage(&facts);
            let plan_with = plan(&usage, &COMPLETE);
            let plan_without = plan(&usage, &Options { lifecycle: false, ..COMPLETE });
            let (with, without) = (granted(&plan_with), granted(&plan_without));
            assert!(without.is_subset(&with));
            let listed: BTreeSet<(String, String)> = plan_with
                .widened
                .iter()
                .flat_map(|w| w.actions.iter().map(|a| (a.to_string(), w.resource.to_string())))
                .collect();
            let named: BTreeSet<&str> = facts.iter().map(|(_, r)| *r).collect();
            for (action, resource) in with.difference(&without) {
                assert!(listed.contains(&(action.clone(), resource.clone())), "{action} on {resource}");
                assert!(resource == "*" || named.contains(resource.as_str()), "{resource}");
                assert!(!facts.contains(&(action, resource)), "{action} on {resource}");
            }
        }
    }
}
