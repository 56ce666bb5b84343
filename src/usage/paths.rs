//! The paths of IAM entities: `role/service-role/report` is asked for by its name alone.
//!
//! A request names a role, user, group or instance profile without its path, and so the resource was taken to be
//! `role/report`. Where the same trail shows the entity's whole ARN (it called, it was created, assumed or passed), that
//! is its ARN. Names are unique in an account whatever the path, so no other entity can be meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::action::Action;
use crate::iam::arn::{ArnParts, ResourceArn, escape, last_component};
use crate::usage::ledger::{Ledger, add_tally};

/// The actions whose resource is a whole ARN in the record, or is given with its path. (`iam:PassRole` is too, but for the
/// few calls that name the role alone; there a path tells, and no path does not.)
const WHOLE: [&str; 5] = [
    "iam:CreateGroup",
    "iam:CreateInstanceProfile",
    "iam:CreateRole",
    "iam:CreateUser",
    "sts:AssumeRole",
];

/// Rewrites each IAM resource without a path whose whole ARN, with a path, the ledger shows elsewhere. Left as it is
/// where the ledger shows the entity without a path too, or with several. Returns what was moved where.
pub(crate) fn settle(ledger: &mut Ledger) -> BTreeMap<(Action, ResourceArn), ResourceArn> {
    let mut all_moved = BTreeMap::new();
    let mut known: BTreeMap<String, BTreeSet<ResourceArn>> = BTreeMap::new();
    let mut learn = |arn: &ResourceArn| {
        if let Some(name) = pathless(arn.as_str()) {
            known.entry(name).or_default().insert(arn.clone());
        }
    };
    for (principal, usage) in &ledger.principals {
        if principal.kind.takes_identity_policy() {
            learn(&ResourceArn::from_pattern(escape(&principal.arn)));
        }
        for (action, resources) in &usage.facts {
            let passed = action.as_str() == "iam:PassRole";
            if WHOLE.contains(&action.as_str()) || passed {
                let tell = resources
                    .keys()
                    .filter(|arn| !passed || arn.as_str().matches('/').count() > 1);
                tell.for_each(&mut learn);
            }
        }
    }
    for usage in ledger.principals.values_mut() {
        for (action, resources) in &mut usage.facts {
            if action.service() != "iam" || WHOLE.contains(&action.as_str()) {
                continue;
            }
            let moved: Vec<(ResourceArn, ResourceArn)> = resources
                .keys()
                .filter_map(|resource| {
                    let arns = known.get(resource.as_str())?;
                    let only = arns.first().filter(|_| arns.len() == 1)?;
                    (only != resource).then(|| (resource.clone(), only.clone()))
                })
                .collect();
            for (from, to) in moved {
                if let Some(tally) = resources.remove(&from) {
                    add_tally(resources, to.clone(), tally);
                }
                all_moved.insert((action.clone(), from), to);
            }
        }
    }
    all_moved
}

/// The ARN of an IAM entity as it would be with the path `/`; `None` for what is none, and for a pattern.
fn pathless(arn: &str) -> Option<String> {
    let parts = ArnParts::parse(arn)?;
    let (kind, path_and_name) = parts.resource.split_once('/')?;
    let entity = matches!(kind, "role" | "user" | "group" | "instance-profile");
    if parts.service != "iam" || !entity || arn.contains(['*', '?']) {
        return None;
    }
    let name = last_component(path_and_name);
    Some(format!(
        "arn:{}:iam::{}:{kind}/{name}",
        parts.partition, parts.account
    ))
}

#[cfg(test)]
mod tests {
    use super::settle;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::ledger::{Ledger, PrincipalUsage, Tally};
    use std::collections::BTreeMap;

    /// The resources of `iam:GetRole` on `role/report` once `others` are in the ledger too.
    fn settled(others: &[(&'static str, &str)]) -> Vec<String> {
        let arn =
            |path: &str| ResourceArn::from_pattern(format!("arn:aws:iam::111122223333:{path}"));
        let used = Tally {
            used: 1,
            ..Tally::default()
        };
        let mut usage = PrincipalUsage::default();
        for (action, path) in others.iter().chain(&[("iam:GetRole", "role/report")]) {
            let resources = usage.facts.entry(Action::known(action)).or_default();
            resources.insert(arn(path), Box::new(used.clone()));
        }
        let principal = Principal {
            account: "111122223333".into(),
            kind: PrincipalKind::User,
            name: "ann".into(),
            arn: "arn:aws:iam::111122223333:user/ann".into(),
        };
        let mut ledger = Ledger {
            principals: BTreeMap::from([(principal, usage)]),
            ..Ledger::default()
        };
        settle(&mut ledger);
        let usage = ledger.principals.into_values().next().unwrap();
        let resources = usage.facts[&Action::known("iam:GetRole")].keys();
        resources
            .map(|r| r.as_str().split_once("3333:").unwrap().1.to_owned())
            .collect()
    }

    #[test]
    fn a_path_that_the_trail_shows_is_taken() {
        for (others, expected) in [
            (&[][..], "role/report"),
            (
                &[("iam:PassRole", "role/service-role/report")],
                "role/service-role/report",
            ),
            (&[("iam:CreateRole", "role/report")], "role/report"),
            (
                &[
                    ("iam:CreateRole", "role/report"),
                    ("sts:AssumeRole", "role/x/report"),
                ],
                "role/report",
            ),
            (
                &[
                    ("iam:PassRole", "role/x/report"),
                    ("sts:AssumeRole", "role/y/report"),
                ],
                "role/report",
            ),
            // A user is no role.
            (&[("iam:CreateUser", "user/x/report")], "role/report"),
            // Only what has the whole ARN tells.
            (&[("iam:DeleteRole", "role/x/report")], "role/report"),
        ] {
            assert_eq!(settled(others), [expected], "{others:?}");
        }
    }
}
