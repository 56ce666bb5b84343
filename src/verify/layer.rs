//! What the policies of one type say of a request, and the decision that follows from several such layers.

use std::collections::BTreeSet;

use crate::iam::policy::Effect;
use crate::verify::caller::Named;
use crate::verify::evaluate::{Attached, Decision, Judgement, Matched, Request};
use crate::verify::matcher::Answer;
use crate::verify::policy::Statement;
use crate::verify::reach::{Reach, fits_action, open_keys, reach};

/// What the policies of one type say of a request.
pub(crate) struct Layer<'p> {
    allows: Vec<Found<'p>>,
    denies: Vec<Found<'p>>,
    /// What came closest to allowing it.
    near: Option<Near<'p>>,
}

/// A statement that applies to the request, or may apply.
struct Found<'p> {
    matched: Matched<'p>,
    statement: &'p Statement,
    /// [`Answer::Yes`] or [`Answer::Unknown`].
    applies: Answer,
    named: Named,
}

/// How an allowing statement failed to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Near<'p> {
    Resource,
    Part(Matched<'p>),
    Condition(Matched<'p>, &'p str),
}

impl<'p> Layer<'p> {
    /// What identity policies say, those of `policies` that are attached to the request's principal.
    pub(crate) fn of_identity(request: &Request<'_>, policies: &[Attached<'p>]) -> Self {
        Self::read(request, policies, |statement| {
            if statement.principals.is_none() {
                return (Answer::Yes, Named::Directly);
            }
            request.caller.meets(statement, false)
        })
    }

    /// What resource policies or RCPs say, whose statements name principals.
    pub(crate) fn of_resource(
        request: &Request<'_>,
        policies: &[Attached<'p>],
        bounded: bool,
    ) -> Self {
        Self::read(request, policies, |statement| {
            request.caller.meets(statement, bounded)
        })
    }

    /// `meets` tells whether a statement speaks of the caller, and how closely it names them.
    fn read(
        request: &Request<'_>,
        policies: &[Attached<'p>],
        meets: impl Fn(&Statement) -> (Answer, Named),
    ) -> Self {
        let mut out = Self {
            allows: Vec::new(),
            denies: Vec::new(),
            near: None,
        };
        for attached in policies {
            if attached.principal.is_some_and(|p| p != request.caller.name) {
                continue;
            }
            for statement in &attached.policy.statements {
                if !fits_action(statement, request) {
                    continue;
                }
                let (speaks, named) = meets(statement);
                if speaks == Answer::No {
                    continue;
                }
                let matched = Matched {
                    policy: attached.name,
                    statement: &statement.label,
                };
                let applies = match reach(statement, request) {
                    Reach::Full => speaks,
                    Reach::Open => Answer::Unknown,
                    missed if statement.effect == Effect::Allow => {
                        out.miss(&missed, matched);
                        continue;
                    }
                    _ => continue,
                };
                let found = Found {
                    matched,
                    statement,
                    applies,
                    named,
                };
                match statement.effect {
                    Effect::Allow => out.allows.push(found),
                    Effect::Deny => out.denies.push(found),
                }
            }
        }
        out
    }

    /// Remembers what came closest: a condition before a part of the resource before a mere action.
    fn miss(&mut self, missed: &Reach<'p>, matched: Matched<'p>) {
        match missed {
            Reach::Unmet(key) => self.near = Some(Near::Condition(matched, key)),
            Reach::Part if !matches!(self.near, Some(Near::Condition(..))) => {
                self.near = Some(Near::Part(matched));
            }
            Reach::Action if self.near.is_none() => self.near = Some(Near::Resource),
            _ => {}
        }
    }

    /// Whether a statement that names the caller at least this closely allows the request.
    pub(crate) fn allows(&self, closely: Named) -> Answer {
        Answer::any(self.named(closely).map(|found| found.applies))
    }

    fn named(&self, closely: Named) -> impl Iterator<Item = &Found<'p>> {
        self.allows.iter().filter(move |f| f.named >= closely)
    }

    fn denies(&self) -> Answer {
        Answer::any(self.denies.iter().map(|found| found.applies))
    }
}

/// The judgement, where the layers that have to allow the request do (`allow`), and `layers` are all that have a say.
///
/// `grounds` are the layers that an allowed request owes it to, and how closely their statements have to name the caller.
pub(crate) fn conclude<'p>(
    request: &Request<'_>,
    allow: Answer,
    layers: &[&Layer<'p>],
    grounds: &[(&Layer<'p>, Named)],
    lack: impl FnOnce() -> Option<Lack<'p>>,
) -> Judgement<'p> {
    let deny = Answer::any(layers.iter().map(|layer| layer.denies()));
    let denies = || layers.iter().flat_map(|layer| &layer.denies);
    let sure = |found: &&Found<'p>| found.applies == Answer::Yes;
    let (decision, matched) = match (deny, allow) {
        (Answer::Yes, _) => {
            let matched = denies().filter(sure).map(|found| found.matched);
            (Decision::ExplicitlyDenied, matched.collect())
        }
        (_, Answer::No) => (Decision::ImplicitlyDenied, Vec::new()),
        (Answer::No, Answer::Yes) => {
            let grounds = grounds
                .iter()
                .flat_map(|(layer, named)| layer.named(*named));
            let matched = grounds.filter(sure).map(|found| found.matched);
            (Decision::Allowed, matched.collect())
        }
        _ => {
            let allows = layers.iter().flat_map(|layer| &layer.allows);
            let allows = allows.filter(|_| allow == Answer::Unknown);
            let open: Vec<&Found<'p>> = denies().chain(allows).filter(|f| !sure(f)).collect();
            let keys: BTreeSet<String> = open
                .iter()
                .flat_map(|found| open_keys(found.statement, request.context))
                .collect();
            let keys = keys.into_iter().collect();
            let matched = open.iter().map(|found| found.matched).collect();
            (Decision::Undecided { keys }, matched)
        }
    };
    Judgement {
        lack: (decision == Decision::ImplicitlyDenied)
            .then(lack)
            .flatten(),
        may_be_denied: deny == Answer::Unknown,
        decision,
        matched,
    }
}

/// What a request that is implicitly denied lacks: the first layer, in IAM's order, that has to allow it and does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lack<'p> {
    of: Lacking<'p>,
    near: Option<Near<'p>>,
}

/// The layer that a [`Lack`] is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacking<'p> {
    Identity,
    Boundary,
    Session,
    /// The SCPs of one level, by the name of the first.
    ServiceControl(&'p str),
    Resource,
    /// There is no resource policy where only one could allow it.
    NoResourcePolicy,
}

impl<'p> Lack<'p> {
    pub(crate) fn of(of: Lacking<'p>, layer: &Layer<'p>) -> Self {
        let near = layer.near;
        Self { of, near }
    }

    /// Why the request is denied, in one line.
    pub(crate) fn reason(&self, request: &Request<'_>) -> String {
        let (action, resource) = (request.action, request.resource);
        let near = match self.near {
            Some(Near::Condition(by, key)) => {
                format!("{by} allows it only under a condition on `{key}`, which is not met")
            }
            Some(Near::Part(by)) => format!("{by} allows it on a part of `{resource}` only"),
            Some(Near::Resource) => {
                format!("`{action}` is not allowed on `{resource}`, only elsewhere")
            }
            None if self.of == Lacking::Resource => {
                format!(
                    "no statement allows `{action}` to `{}`",
                    request.caller.name
                )
            }
            None => format!("no statement allows `{action}`"),
        };
        match self.of {
            Lacking::Identity => near,
            Lacking::Boundary => format!("the permissions boundary does not allow it: {near}"),
            Lacking::Session => format!("the session policy does not allow it: {near}"),
            Lacking::ServiceControl(name) => {
                format!("the SCPs in `{name}` do not allow it: {near}")
            }
            Lacking::Resource => format!("the resource policy does not allow it: {near}"),
            Lacking::NoResourcePolicy if request.caller.account.is_empty() => format!(
                "only a resource policy can allow it to `{}`, and there is none",
                request.caller.name
            ),
            Lacking::NoResourcePolicy => format!(
                "the resource is account `{}`'s, so a resource policy has to allow it too, and there is none",
                request.owner()
            ),
        }
    }
}
