//! A ledger against policies: what was used and is not granted, what is granted and was not used.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde::Serialize;

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::policy::Effect;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::usage::context::{ContextKey, ContextKeys};
use crate::usage::joint::Joint;
use crate::usage::ledger::{Ledger, PrincipalUsage, Tally};
use crate::verify::asked::Asked;
use crate::verify::context::{Context, Key};
use crate::verify::evaluate::{Attached, Decision, Request, evaluate};
use crate::verify::glob::Glob;
use crate::verify::grants::Grants;
use crate::verify::owner::by_owner;
use crate::verify::policy::Statement;
use crate::verify::reach::{action_places, resource_places, touch};
use crate::verify::resource::Subject;

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// The used calls that were replayed.
    pub events: u64,
    /// Those of them that the policies surely allow.
    pub allowed: u64,
    /// Used calls of principals to which no identity policy can be attached, which were not replayed.
    pub unjudged: u64,
    /// What was used and is not surely allowed, by principal, action and resource.
    pub gaps: Vec<Gap>,
    /// What is allowed and was not used, in the order of the policies.
    pub excess: Vec<Excess>,
}

/// Something that was used and is not surely allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Who used it.
    pub principal: String,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// How many calls.
    pub events: u64,
    /// The `eventID` of one of them.
    pub sample_event_id: Option<String>,
    /// Why it is not allowed.
    pub reason: String,
    /// Whether it is surely not allowed. Else it depends on `unknown_keys`.
    pub certain: bool,
    /// The condition keys, in lower case and sorted, whose values are not known and would decide.
    pub unknown_keys: Vec<String>,
    /// The sets of condition keys that the records of the calls told.
    #[serde(skip)]
    pub contexts: Vec<ContextKeys>,
}

/// An action and a resource of an allowing statement that together match nothing that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Excess {
    /// [`Attached::name`].
    pub policy: String,
    /// The statement's `Sid`, or `#` and its place in the document, counted from 1.
    pub statement: String,
    /// As the policy writes it; a `NotAction` is one entry, its list behind a `!`.
    pub action: String,
    /// As the policy writes it; a `NotResource` is one entry, its list behind a `!`.
    pub resource: String,
}

/// Replays every used fact of `ledger` against `policies`. `joint` has the calls of the same log that needed several
/// things; without them a call counts once for each.
///
/// The condition keys that follow from the principal are known, those that the ledger carries (the service that a role is
/// passed to or that forwarded the call), and those that were `asked` for and told when the ledger was summed up. All others are
/// unknown, and a call that is allowed only under a condition on such a key is a gap that is not certain.
#[must_use]
pub fn replay(
    ledger: &Ledger,
    joint: &Joint,
    policies: &[Attached<'_>],
    asked: &Asked<'_>,
) -> Replay {
    let mut out = Replay {
        events: 0,
        allowed: 0,
        unjudged: 0,
        gaps: Vec::new(),
        excess: Vec::new(),
    };
    let mut by_principal: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (index, attached) in policies.iter().enumerate() {
        let indexes = by_principal.entry(attached.principal).or_default();
        indexes.push(index);
    }
    let mut used: Vec<Vec<Grid>> = policies
        .iter()
        .map(|attached| attached.policy.statements.iter().map(Grid::new).collect())
        .collect();
    for (principal, usage) in &ledger.principals {
        if !principal.kind.takes_identity_policy() {
            out.unjudged += usage.used().map(|(_, _, tally)| tally.used).sum::<u64>();
            continue;
        }
        let mut indexes: Vec<usize> = [None, Some(&*principal.arn)]
            .iter()
            .filter_map(|key| by_principal.get(key))
            .flatten()
            .copied()
            .collect();
        indexes.sort_unstable();
        let attached: Vec<Attached<'_>> = indexes.iter().map(|index| policies[*index]).collect();
        let judge = Judge {
            principal,
            usage,
            policies: &attached,
            asked,
        };
        judge.replay(&mut out, |request| {
            for index in &indexes {
                let statements = &policies[*index].policy.statements;
                for (statement, grid) in statements.iter().zip(&mut used[*index]) {
                    touch(statement, request, |action, resource| {
                        grid.mark(action, resource);
                    });
                }
            }
        });
    }
    for (attached, grids) in policies.iter().zip(&used) {
        out.excess.extend(untouched(attached, grids));
    }
    count_calls(&mut out, ledger, joint);
    out
}

/// Makes numbers of calls of the numbers of needs.
fn count_calls(out: &mut Replay, ledger: &Ledger, joint: &Joint) {
    let mut gaps: BTreeSet<(&str, &str, &str, &ContextKeys)> = BTreeSet::new();
    for gap in &out.gaps {
        let facts = gap.contexts.iter();
        gaps.extend(facts.map(|keys| (&*gap.principal, &*gap.action, &*gap.resource, keys)));
    }
    let judged = |principal: &Principal| {
        principal.kind.takes_identity_policy() && ledger.principals.contains_key(principal)
    };
    let surplus = joint.surplus(|principal, _, _, _| judged(principal));
    let none = ContextKeys::default();
    let surplus_in_gaps = joint.surplus(|principal, action, resource, context| {
        let usage = ledger.principals.get(principal);
        let resources = usage.and_then(|usage| usage.facts.get(action));
        let tally = resources.and_then(|resources| resources.get(resource));
        let is_kept = tally.is_some_and(|tally| !tally.contexts.is_cut());
        let context = if is_kept { context } else { &none };
        let fact = (&*principal.arn, action.as_str(), resource.as_str(), context);
        judged(principal) && gaps.contains(&fact)
    });
    let needs_in_gaps: u64 = out.gaps.iter().map(|gap| gap.events).sum();
    out.events -= surplus.min(out.events);
    out.allowed = out.events - (needs_in_gaps - surplus_in_gaps.min(needs_in_gaps)).min(out.events);
}

/// The first used fact of `principal` that `policies`, all of which are attached to it, do not surely allow.
#[must_use]
pub fn first_gap(
    principal: &Principal,
    usage: &PrincipalUsage,
    policies: &[Attached<'_>],
) -> Option<Gap> {
    let asked = Asked::by(policies.iter().map(|attached| attached.policy));
    let judge = Judge {
        principal,
        usage,
        policies,
        asked: &asked,
    };
    let mut found = None;
    let _ = judge.all(|fact, allowed| {
        found = (!allowed).then(|| fact.gap(policies));
        match found {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    });
    found
}

/// Tells `judged` of all that `principal` used whether `policies`, all of which are attached to it, surely allow it.
pub(crate) fn each_fact(
    principal: &Principal,
    usage: &PrincipalUsage,
    policies: &[Attached<'_>],
    mut judged: impl FnMut(&Fact<'_>, bool),
) {
    let asked = Asked::by(policies.iter().map(|attached| attached.policy));
    let judge = Judge {
        principal,
        usage,
        policies,
        asked: &asked,
    };
    let _ = judge.all(|fact, allowed| {
        judged(fact, allowed);
        ControlFlow::Continue(())
    });
}

/// The used calls of one action on one resource whose records told the same keys.
pub(crate) struct Fact<'a> {
    principal: &'a Principal,
    pub(crate) action: &'a Action,
    pub(crate) resource: &'a ResourceArn,
    pub(crate) tally: &'a Tally,
    keys: &'a ContextKeys,
    context: &'a Context,
    pub(crate) events: u64,
}

impl<'a> Fact<'a> {
    pub(crate) fn request(&self) -> Request<'a> {
        let (action, resource) = (self.action.as_str(), self.resource.as_str());
        Request::new(&self.principal.arn, action, resource, self.context)
    }

    fn gap(&self, attached: &[Attached<'_>]) -> Gap {
        let request = self.request();
        let judgement = evaluate(&request, attached);
        let unknown_keys = match &judgement.decision {
            Decision::Undecided { keys } => Some(keys.clone()),
            _ => None,
        };
        Gap {
            principal: self.principal.arn.clone(),
            action: self.action.as_str().to_owned(),
            resource: self.resource.as_str().to_owned(),
            events: self.events,
            sample_event_id: self.sample().map(str::to_owned),
            reason: if attached.is_empty() {
                "no policy is attached to the principal".to_owned()
            } else {
                judgement.reason(&request)
            },
            certain: unknown_keys.is_none(),
            unknown_keys: unknown_keys.unwrap_or_default(),
            contexts: vec![self.keys.clone()],
        }
    }

    /// The id of one of the calls. Of those that told no keys it is known only where the smallest of all ids is theirs.
    fn sample(&self) -> Option<&'a str> {
        let mut samples = self.tally.contexts.samples();
        if !self.keys.is_empty() {
            return samples.find(|(keys, _)| *keys == self.keys)?.1;
        }
        let smallest = self.tally.sample_event_id.as_ref().map(|id| id.as_str());
        smallest.filter(|id| samples.all(|(_, sample)| sample != Some(id)))
    }
}

/// Adds a gap to those before it, to the one that is the same but for what its calls told if there is one.
fn add_gap(gaps: &mut Vec<Gap>, gap: Gap) {
    let same_fact = |other: &Gap| {
        other.resource == gap.resource
            && other.action == gap.action
            && other.principal == gap.principal
    };
    let mut of_fact = gaps.iter_mut().rev().take_while(|other| same_fact(other));
    let same = of_fact.find(|other| {
        other.reason == gap.reason
            && other.certain == gap.certain
            && other.unknown_keys == gap.unknown_keys
    });
    let Some(same) = same else {
        return gaps.push(gap);
    };
    same.events += gap.events;
    let samples = [same.sample_event_id.take(), gap.sample_event_id];
    same.sample_event_id = samples.into_iter().flatten().min();
    same.contexts.extend(gap.contexts);
}

/// The judgement on all that one principal used, whose policies these are.
struct Judge<'a> {
    principal: &'a Principal,
    usage: &'a PrincipalUsage,
    policies: &'a [Attached<'a>],
    asked: &'a Asked<'a>,
}

impl Judge<'_> {
    /// Judges every used fact, and hands each request to `seen`.
    fn replay(&self, out: &mut Replay, mut seen: impl FnMut(&Request<'_>)) {
        let _ = self.all(|fact, allowed| {
            seen(&fact.request());
            out.events += fact.events;
            if !allowed {
                add_gap(&mut out.gaps, fact.gap(self.policies));
            }
            ControlFlow::Continue(())
        });
    }

    /// Tells `judged` of every used fact whether the policies surely allow it.
    fn all(&self, mut judged: impl FnMut(&Fact<'_>, bool) -> ControlFlow<()>) -> ControlFlow<()> {
        let (principal, attached) = (self.principal, self.policies);
        let known = known_keys(principal);
        let none = ContextKeys::default();
        for (action, resources) in &self.usage.facts {
            let grants = Grants::of(
                &Glob::literal(action.as_str().to_ascii_lowercase()),
                attached,
            );
            for (resource, tally) in resources.iter().filter(|(_, tally)| tally.used > 0) {
                let subject = Subject::new(resource.as_str());
                let without = tally.used - tally.contexts.total();
                let calls = tally.contexts.iter().chain([(&none, without)]);
                for (keys, events) in calls.filter(|(_, events)| *events > 0) {
                    let told = self.told_keys(&known, keys);
                    let context = told.as_ref().unwrap_or(&known);
                    let fact = |context| Fact {
                        principal,
                        action,
                        resource,
                        tally,
                        keys,
                        context,
                        events,
                    };
                    let allows = |context: &Context| {
                        let (action, resource) = (action.as_str(), resource.as_str());
                        let evaluated = |context: &Context| {
                            let request = Request::new(&principal.arn, action, resource, context);
                            evaluate(&request, attached).decision == Decision::Allowed
                        };
                        let allows = |context: &Context| {
                            grants.cover(&subject, context) || evaluated(context)
                        };
                        allows(context)
                            || by_owner(resource, context)
                                .is_some_and(|contexts| contexts.iter().all(allows))
                    };
                    if tally.contexts.told().is_empty() {
                        judged(&fact(context), allows(context))?;
                        continue;
                    }
                    let contexts = self
                        .asked
                        .spread(context, tally.contexts.told(), tally.used);
                    let refused = contexts.iter().find(|context| !allows(context));
                    judged(&fact(refused.unwrap_or(context)), refused.is_none())?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// `known` and the keys that a record told; `None` where it told none.
    ///
    /// Of the services in `aws:CalledVia` a record names only one: there may be others. Of a role it is not certain
    /// that the call was forwarded: a service that was given the role calls like this too, and then none of the keys is there.
    fn told_keys(&self, known: &Context, keys: &ContextKeys) -> Option<Context> {
        let certain = |key: ContextKey| match key {
            ContextKey::AwsServiceName | ContextKey::PassedToService => true,
            ContextKey::CalledVia | ContextKey::ViaAwsService | ContextKey::ViaService => {
                self.principal.kind != PrincipalKind::Role
            }
        };
        if keys.is_empty() {
            return None;
        }
        let known = match keys.class() {
            Some(class) => self.asked.context(known, class),
            None => known.clone(),
        };
        let told = keys.iter().filter(|(key, _)| certain(*key));
        Some(told.fold(known, |context, (key, value)| {
            let values = vec![value.to_owned()];
            let told = match key {
                ContextKey::CalledVia => Key::Holding(values),
                _ => Key::Known(values),
            };
            context.with(key.as_str(), told)
        }))
    }
}

/// The pairs of an action and a resource that `attached` allows and that `grids`, one for each statement, were not
/// marked with.
fn untouched<'a>(
    attached: &'a Attached<'_>,
    grids: &'a [Grid],
) -> impl Iterator<Item = Excess> + 'a {
    let statements = attached.policy.statements.iter().zip(grids);
    statements
        .filter(|(statement, _)| statement.effect == Effect::Allow)
        .flat_map(|(statement, grid)| {
            grid.untouched().map(|(action, resource)| Excess {
                policy: attached.name.to_owned(),
                statement: statement.label.to_string(),
                action: action_text(statement, action),
                resource: resource_text(statement, resource),
            })
        })
}

/// The condition keys whose values follow from the principal.
/// Source: IAM User Guide, "AWS global condition context keys" and the table of principal key values in "IAM policy
/// elements: Variables and tags".
pub(crate) fn known_keys(principal: &Principal) -> Context {
    let known = |value: &str| Key::Known(vec![value.to_owned()]);
    let mut context = Context::partial();
    if !principal.account.is_empty() {
        context.set("aws:PrincipalAccount", known(&principal.account));
    }
    let is_user = match principal.kind {
        PrincipalKind::User => true,
        PrincipalKind::Role | PrincipalKind::PermissionSet => false,
        _ => return context,
    };
    if is_user || has_path(&principal.arn) {
        context.set("aws:PrincipalArn", known(&principal.arn));
    }
    context.set("aws:PrincipalIsAWSService", known("false"));
    context.set("aws:PrincipalServiceName", Key::Absent);
    context.set("aws:PrincipalServiceNamesList", Key::Absent);
    if is_user {
        context.set("aws:PrincipalType", known("User"));
        context.set("aws:username", known(&principal.name));
        // Only sessions of roles have them.
        context.set("aws:FederatedProvider", Key::Absent);
        context.set("aws:SourceIdentity", Key::Absent);
        context.set("aws:Ec2InstanceSourceVpc", Key::Absent);
        context.set("aws:Ec2InstanceSourcePrivateIPv4", Key::Absent);
    } else {
        context.set("aws:PrincipalType", known("AssumedRole"));
        context.set("aws:username", Key::Absent);
    }
    context
}

/// Whether the ARN of a role has a path. One without may be that of a role which has none, or be made of a session's, which
/// leaves the path out: then only a record can tell it.
fn has_path(arn: &str) -> bool {
    arn.matches('/').count() > 1
}

/// Which pairs of an action and a resource of one statement were used.
struct Grid {
    resources: usize,
    touched: Vec<bool>,
}

impl Grid {
    fn new(statement: &Statement) -> Self {
        let resources = resource_places(statement);
        Self {
            resources,
            touched: vec![false; action_places(statement) * resources],
        }
    }

    fn mark(&mut self, action: usize, resource: usize) {
        self.touched[action * self.resources + resource] = true;
    }

    fn untouched(&self) -> impl Iterator<Item = (usize, usize)> {
        let places = self.touched.iter().enumerate().filter(|(_, hit)| !**hit);
        places.map(|(place, _)| (place / self.resources, place % self.resources))
    }
}

fn action_text(statement: &Statement, place: usize) -> String {
    let listed = &statement.actions;
    if listed.negated {
        let all: Vec<&str> = listed.items.iter().map(|i| &*i.text).collect();
        return format!("!{}", all.join(" "));
    }
    listed.items[place].text.to_string()
}

fn resource_text(statement: &Statement, place: usize) -> String {
    match &statement.resources {
        None => "*".to_owned(),
        Some(listed) if listed.negated => {
            let all: Vec<&str> = listed.items.iter().map(|i| &*i.text).collect();
            format!("!{}", all.join(" "))
        }
        Some(listed) => listed.items[place].text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Excess, Gap, Replay, replay};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::context::{ContextKey, ContextKeys};
    use crate::usage::joint::Joint;
    use crate::usage::ledger::{Ledger, Tally};
    use crate::verify::asked::Asked;
    use crate::verify::evaluate::Attached;
    use crate::verify::policy::{Policy, parse};

    const CI: &str = "arn:aws:iam::111122223333:role/path/ci";
    const ANN: &str = "arn:aws:iam::111122223333:user/ann";

    fn ledger(facts: &[(&str, &'static str, &str, u64)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (arn, action, resource, used) in facts {
            let kind = match arn.split(['/', ':']).nth(5) {
                Some("role") => PrincipalKind::Role,
                Some("user") => PrincipalKind::User,
                _ => PrincipalKind::AwsService,
            };
            let principal = Principal {
                account: "111122223333".into(),
                kind,
                name: arn.rsplit('/').next().unwrap().into(),
                arn: (*arn).into(),
            };
            let usage = ledger.principals.entry(principal).or_default();
            let resources = usage.facts.entry(Action::known(action)).or_default();
            let tally = Tally {
                used: *used,
                denied: 3,
                sample_event_id: Some("e1".into()),
                ..Tally::default()
            };
            resources.insert(ResourceArn::from_pattern(*resource), Box::new(tally));
        }
        ledger
    }

    fn policy(statements: &str) -> Policy {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        parse(&text).unwrap().remove(0)
    }

    fn gap(principal: &str, action: &str, resource: &str, events: u64, reason: &str) -> Gap {
        Gap {
            principal: principal.into(),
            action: action.into(),
            resource: resource.into(),
            events,
            sample_event_id: Some("e1".into()),
            reason: reason.into(),
            certain: true,
            unknown_keys: Vec::new(),
            contexts: vec![ContextKeys::default()],
        }
    }

    #[test]
    fn every_used_fact_is_a_request_and_denied_ones_are_not() {
        let ledger = ledger(&[
            (CI, "s3:GetObject", "arn:aws:s3:::b/x", 5),
            (CI, "s3:PutObject", "arn:aws:s3:::b/x", 2),
            (CI, "s3:DeleteObject", "arn:aws:s3:::b/x", 0),
            (ANN, "s3:GetObject", "arn:aws:s3:::b/home/ann/x", 7),
            (
                "lambda.amazonaws.com",
                "s3:GetObject",
                "arn:aws:s3:::b/x",
                11,
            ),
        ]);
        let ci = policy(
            r#"{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:List*"],
                "Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::c/*"]}"#,
        );
        let homes = policy(
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/home/${aws:username}/*"},
               {"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"},
               {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#,
        );
        let found = replay(
            &ledger,
            &Joint::default(),
            &[
                Attached {
                    principal: Some(CI),
                    name: "ci.json",
                    policy: &ci,
                },
                Attached {
                    principal: None,
                    name: "homes.json",
                    policy: &homes,
                },
            ],
            &Asked::default(),
        );
        let excess = |policy: &str, statement: &str, action: &str, resource: &str| Excess {
            policy: policy.into(),
            statement: statement.into(),
            action: action.into(),
            resource: resource.into(),
        };
        let expected = Replay {
            events: 14,
            allowed: 12,
            unjudged: 11,
            gaps: vec![gap(
                CI,
                "s3:PutObject",
                "arn:aws:s3:::b/x",
                2,
                "`s3:PutObject` is not allowed on `arn:aws:s3:::b/x`, only elsewhere",
            )],
            excess: vec![
                excess("ci.json", "Read", "s3:GetObject", "arn:aws:s3:::c/*"),
                excess("ci.json", "Read", "s3:List*", "arn:aws:s3:::b/*"),
                excess("ci.json", "Read", "s3:List*", "arn:aws:s3:::c/*"),
                excess("homes.json", "#2", "!iam:* s3:*", "*"),
            ],
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn what_the_ledger_can_not_tell_is_a_gap_that_says_so() {
        let ledger = ledger(&[
            (ANN, "s3:GetObject", "arn:aws:s3:::b/x", 1),
            (CI, "s3:GetObject", "arn:aws:s3:::b/x", 1),
        ]);
        let office = policy(
            r#"{"Sid": "Office", "Effect": "Allow", "Action": "s3:*", "Resource": "*",
                "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#,
        );
        let attached = Attached {
            principal: Some(ANN),
            name: "office.json",
            policy: &office,
        };
        let found = replay(&ledger, &Joint::default(), &[attached], &Asked::default());
        let on = "arn:aws:s3:::b/x";
        assert_eq!(
            found.gaps,
            [
                Gap {
                    certain: false,
                    unknown_keys: vec!["aws:sourceip".into()],
                    ..gap(
                        ANN,
                        "s3:GetObject",
                        on,
                        1,
                        "statement `Office` of `office.json` depends on `aws:sourceip`",
                    )
                },
                gap(
                    CI,
                    "s3:GetObject",
                    on,
                    1,
                    "no policy is attached to the principal"
                ),
            ]
        );
        assert_eq!((found.allowed, found.excess), (0, Vec::new()));
    }

    #[test]
    fn keys_that_follow_from_the_principal_are_known() {
        let facts = [
            (ANN, "s3:GetObject", "arn:aws:s3:::b/x", 1),
            (CI, "s3:GetObject", "arn:aws:s3:::b/x", 1),
        ];
        for (condition, allowed) in [
            (
                r#"{"StringEquals": {"aws:PrincipalAccount": "111122223333"}}"#,
                &[ANN, CI][..],
            ),
            (
                r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/path/*"}}"#,
                &[CI],
            ),
            (r#"{"StringEquals": {"aws:PrincipalType": "User"}}"#, &[ANN]),
            (r#"{"StringLike": {"aws:username": "*"}}"#, &[ANN]),
            (r#"{"Null": {"aws:username": "true"}}"#, &[CI]),
        ] {
            let policy = policy(&format!(
                r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {condition}}}"#
            ));
            let attached = Attached {
                principal: None,
                name: "p",
                policy: &policy,
            };
            let found = replay(
                &ledger(&facts),
                &Joint::default(),
                &[attached],
                &Asked::default(),
            );
            let gaps: Vec<_> = found.gaps.iter().map(|g| g.principal.as_str()).collect();
            let expected: Vec<_> = [ANN, CI]
                .into_iter()
                .filter(|p| !allowed.contains(p))
                .collect();
            assert_eq!(gaps, expected, "{condition}");
        }
    }

    #[test]
    fn the_path_of_a_role_may_be_unknown() {
        let ci = "arn:aws:iam::111122223333:role/ci";
        let policy = policy(
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*",
                "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ci"}}}"#,
        );
        let attached = Attached {
            principal: None,
            name: "p",
            policy: &policy,
        };
        let ledger = ledger(&[(ci, "s3:GetObject", "arn:aws:s3:::b/x", 1)]);
        let found = replay(&ledger, &Joint::default(), &[attached], &Asked::default());
        let gaps: Vec<_> = found
            .gaps
            .iter()
            .map(|gap| (gap.certain, &*gap.unknown_keys))
            .collect();
        assert_eq!(gaps, [(false, &["aws:principalarn".to_owned()][..])]);
    }

    #[test]
    fn a_sample_is_one_of_the_calls_in_the_gap_or_none() {
        let mut ledger = ledger(&[(ANN, "iam:PassRole", CI, 3)]);
        let usage = ledger.principals.values_mut().next().unwrap();
        let tallies = usage.facts.values_mut().flat_map(|each| each.values_mut());
        for tally in tallies {
            let told =
                |service: &str| ContextKeys::default().with(ContextKey::PassedToService, service);
            tally.contexts.count(&told("ecs-tasks"), 1, Some("e1"));
            tally.contexts.count(&told("lambda"), 1, Some("e7"));
        }
        let policy = policy(
            r#"{"Sid": "Pass", "Effect": "Allow", "Action": "iam:*", "Resource": "*",
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2"}}}"#,
        );
        let attached = Attached {
            principal: None,
            name: "p",
            policy: &policy,
        };
        let found = replay(&ledger, &Joint::default(), &[attached], &Asked::default());
        let gaps = found.gaps.iter();
        let gaps: Vec<_> = gaps
            .map(|gap| (gap.events, gap.sample_event_id.as_deref(), gap.certain))
            .collect();
        assert_eq!(gaps, [(2, Some("e1"), true), (1, None, false)]);
    }

    #[test]
    fn the_json_has_the_promised_keys_in_order() {
        let found = replay(
            &ledger(&[(CI, "s3:GetObject", "arn:aws:s3:::b/x", 1)]),
            &Joint::default(),
            &[],
            &Asked::default(),
        );
        assert_eq!(
            serde_json::to_string(&found).unwrap(),
            format!(
                r#"{{"events":1,"allowed":0,"unjudged":0,"gaps":[{{"principal":"{CI}","action":"s3:GetObject",{}}}],"excess":[]}}"#,
                r#""resource":"arn:aws:s3:::b/x","events":1,"sampleEventId":"e1","reason":"no policy is attached to the principal","certain":true,"unknownKeys":[]"#
            )
        );
    }
}
