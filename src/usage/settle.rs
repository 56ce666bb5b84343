//! What no single record tells, put right once all of them are in: roles that were seen without their paths, what stands for
//! the roles in it, resources that were named without theirs.

use std::collections::BTreeMap;

use crate::iam::action::Action;
use crate::iam::arn::{ResourceArn, last_component};
use crate::iam::principal::Principal;
use crate::usage::carriers::{self, Unloaded};
use crate::usage::ledger::{Facts, Ledger, add_tally};
use crate::usage::passrole::PASS_ROLE;
use crate::usage::paths;

impl Ledger {
    /// Puts right what single records cannot tell, from all of them. To be called once, when all events are in; returns
    /// what was moved where.
    pub fn settle(&mut self) -> Settled {
        let principals = self.join_paths();
        let passed = self.passed_carriers();
        let carriers = carriers::settle(self);
        let settled = Settled {
            principals,
            carriers,
            paths: paths::settle(self),
        };
        for (principal, carrier) in passed {
            if let Some(unloaded) = settled.carriers.get(&carrier)
                && let Some(usage) = self.principals.get_mut(&principal)
            {
                let roles = settled.resources(&PASS_ROLE, carrier.clone());
                if let Some(note) = carriers::note(&self.carriers, &carrier, unloaded, &roles) {
                    usage.note(&note);
                }
            }
        }
        settled
    }

    /// Moves what [`Ledger::settle`] moved in a ledger that has all of this one and more.
    pub fn settle_as(&mut self, settled: &Settled) {
        for (principal, mut usage) in std::mem::take(&mut self.principals) {
            for facts in [&mut usage.facts, &mut usage.refused] {
                settled.move_resources(facts);
            }
            let principal = settled.principal(principal);
            let joined = self.principals.entry(principal).or_default();
            joined.join(usage);
        }
    }

    /// Who handed over what carries roles.
    fn passed_carriers(&self) -> Vec<(Principal, ResourceArn)> {
        let passed = self.principals.iter().flat_map(|(principal, usage)| {
            let resources = usage.facts.get(&PASS_ROLE).into_iter().flatten();
            let carriers = resources.filter(|(resource, _)| carriers::kind(resource).is_some());
            carriers.map(|(carrier, _)| (principal.clone(), carrier.clone()))
        });
        passed.collect()
    }

    /// Joins each role that was seen without its path (some records have only the assumed-role ARN) to the same role
    /// seen with it. Role names are unique in an account whatever the path, so the two are one.
    fn join_paths(&mut self) -> BTreeMap<Principal, Principal> {
        let pathless: Vec<Principal> = self
            .principals
            .keys()
            .filter(|p| p.arn.contains(":role/") && p.arn.matches('/').count() == 1)
            .cloned()
            .collect();
        let mut joined = BTreeMap::new();
        for principal in pathless {
            let first = Principal {
                arn: String::new(),
                ..principal.clone()
            };
            // Principals of one account, kind and name stand together. The first in order is taken, should the role
            // have been made anew under another path.
            let with_path = self
                .principals
                .range(first..)
                .map(|(p, _)| p)
                .take_while(|p| p.kind == principal.kind && p.name == principal.name)
                .take_while(|p| p.account == principal.account)
                .find(|p| {
                    p.arn != principal.arn
                        && last_component(&p.arn) == last_component(&principal.arn)
                })
                .cloned();
            if let Some(target) = with_path
                && let Some(usage) = self.principals.remove(&principal)
            {
                self.principals
                    .entry(target.clone())
                    .or_default()
                    .join(usage);
                joined.insert(principal, target);
            }
        }
        joined
    }
}

/// What [`Ledger::settle`] moved.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    principals: BTreeMap<Principal, Principal>,
    /// What carried roles, and the roles that were put in its place.
    carriers: BTreeMap<ResourceArn, Unloaded>,
    paths: BTreeMap<(Action, ResourceArn), ResourceArn>,
}

impl Settled {
    /// The principal that `principal`'s usage was joined to; itself where it was not.
    #[must_use]
    pub fn principal(&self, principal: Principal) -> Principal {
        self.principals
            .get(&principal)
            .cloned()
            .unwrap_or(principal)
    }

    fn move_resources(&self, facts: &mut Facts) {
        for (action, resources) in facts.iter_mut().filter(|(a, _)| a.service() == "iam") {
            for (resource, tally) in std::mem::take(resources) {
                for to in self.resources(action, resource) {
                    add_tally(resources, to, tally.clone());
                }
            }
        }
        facts.retain(|_, resources| !resources.is_empty());
    }

    /// The resources that `action`'s calls on `resource` were moved to; itself where they were not.
    #[must_use]
    pub fn resources(&self, action: &Action, resource: ResourceArn) -> Vec<ResourceArn> {
        let moved = |resource: ResourceArn| {
            let fact = (action.clone(), resource);
            self.paths.get(&fact).cloned().unwrap_or(fact.1)
        };
        match self.carriers.get(&resource) {
            Some(unloaded) if *action == PASS_ROLE => {
                unloaded.roles.iter().cloned().map(moved).collect()
            }
            _ => vec![moved(resource)],
        }
    }
}
