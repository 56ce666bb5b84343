//! Calls that needed several things at once.
//!
//! A ledger counts each fact by itself: a call that needs `ecs:RegisterTaskDefinition` and `iam:PassRole` on two roles is
//! in three of its tallies. To tell calls from needs, these calls are kept beside it where that matters.

use std::collections::BTreeMap;

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::principal::Principal;
use crate::usage::carriers;
use crate::usage::context::ContextKeys;
use crate::usage::ledger::Ledger;
use crate::usage::resolve::{Meaning, Need, Outcome};
use crate::usage::settle::Settled;

/// One thing that a call needed, and what its record tells of the condition keys.
type Fact = (Action, ResourceArn, ContextKeys);

/// The used calls with several needs, and how often each was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joint {
    calls: BTreeMap<(Principal, Vec<Fact>), u64>,
}

impl Joint {
    /// Counts calls that mean the same, if they were used and needed more than one thing.
    pub fn add(&mut self, principal: &Principal, meaning: &Meaning, count: u64) {
        let needs: usize = meaning.needs.iter().map(|need| need.resources.len()).sum();
        // What carries a role may turn out to hold several.
        let carries = |need: &Need| {
            need.resources
                .iter()
                .any(|each| carriers::kind(each).is_some())
        };
        if meaning.outcome != Outcome::Used || needs < 2 && !meaning.needs.iter().any(carries) {
            return;
        }
        let facts = meaning.needs.iter().flat_map(|need| {
            let resources = need.resources.iter();
            resources.map(|resource| (need.action.clone(), resource.clone(), need.context.clone()))
        });
        let call = (principal.clone(), facts.collect());
        *self.calls.entry(call).or_default() += count;
    }

    /// Adds `other`'s calls. Commutative and associative.
    pub fn merge(&mut self, other: Self) {
        for (call, count) in other.calls {
            *self.calls.entry(call).or_default() += count;
        }
    }

    /// The same calls with their principals and facts as `ledger` has them since it was settled.
    #[must_use]
    pub fn settled(self, ledger: &Ledger, settled: &Settled) -> Self {
        let mut out = Self::default();
        for ((principal, facts), count) in self.calls {
            let principal = settled.principal(principal);
            let usage = ledger.principals.get(&principal);
            let facts = facts.into_iter().flat_map(|(action, resource, context)| {
                let settle = |resource| {
                    let kept = usage.map(|usage| usage.kept(&action, &resource));
                    (action.clone(), kept.unwrap_or(resource), context.clone())
                };
                let resources = settled.resources(&action, resource).into_iter();
                resources.map(settle).collect::<Vec<Fact>>()
            });
            let call = (principal, facts.collect());
            *out.calls.entry(call).or_default() += count;
        }
        out
    }

    /// By how much the sum of the tallies of those facts that `hit` names is greater than the number of calls that needed
    /// one of them.
    pub fn surplus(
        &self,
        hit: impl Fn(&Principal, &Action, &ResourceArn, &ContextKeys) -> bool,
    ) -> u64 {
        let surplus = |((principal, facts), count): (&(Principal, Vec<Fact>), &u64)| {
            let hits = facts
                .iter()
                .filter(|(action, resource, context)| hit(principal, action, resource, context));
            (hits.count() as u64).saturating_sub(1) * count
        };
        self.calls.iter().map(surplus).sum()
    }
}
