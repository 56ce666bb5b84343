//! The roles in instance profiles: a call that launches an instance passes the role in the profile it names, and only
//! `AddRoleToInstanceProfile` shows which role that is.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::action::Action;
use crate::iam::arn::{ResourceArn, last_component};
use crate::usage::ledger::{Ledger, PrincipalUsage};
use crate::usage::passrole::PASS_ROLE;
use crate::usage::resolve::{Outcome, Resolved};

/// The roles of each instance profile, by account and the profile's name.
pub type Roles = BTreeMap<(String, String), BTreeSet<ResourceArn>>;

/// The most profiles that are remembered of one principal, the first in order.
pub(crate) const MAX_PROFILES: usize = 1_000;

/// Learns from a used `AddRoleToInstanceProfile`. The role may have been taken out again since; a profile holds one at a
/// time, and any that it held may have been passed.
pub(crate) fn learn(roles: &mut Roles, resolved: &Resolved) {
    if resolved.outcome != Outcome::Used {
        return;
    }
    let on = |name: &str| {
        let needs = resolved
            .needs
            .iter()
            .filter(move |need| need.action.as_str() == name);
        needs.flat_map(|need| &need.resources).collect::<Vec<_>>()
    };
    for profile in on("iam:AddRoleToInstanceProfile") {
        let Some(parts) = profile.parts() else {
            continue;
        };
        let name = last_component(parts.resource);
        let key = (parts.account.to_owned(), name.to_owned());
        let passed = on("iam:PassRole").into_iter().cloned();
        roles.entry(key).or_default().extend(passed);
    }
}

/// Makes `iam:PassRole` of every profile handed over whose roles are known, and a note of any other.
pub(crate) fn settle(ledger: &mut Ledger) {
    let roles = std::mem::take(&mut ledger.roles);
    for (principal, usage) in &mut ledger.principals {
        for (profile, tally) in std::mem::take(&mut usage.profiles) {
            match roles.get(&(principal.account.clone(), profile.clone())) {
                Some(known) => {
                    for role in known {
                        let resources = usage.facts.entry(PASS_ROLE).or_default();
                        resources
                            .entry(role.clone())
                            .or_default()
                            .absorb(tally.clone());
                    }
                }
                None => note(usage, &profile),
            }
        }
    }
    ledger.roles = roles;
}

fn note(usage: &mut PrincipalUsage, profile: &str) {
    usage.note(&format!(
        "handed over the instance profile {profile}; the trail does not show the role in it, so iam:PassRole on that role is not in the policy"
    ));
}

/// Stands for the roles in `profile` until the ledger is settled.
pub(crate) fn placeholder(profile: &str) -> (Action, ResourceArn) {
    (
        PASS_ROLE,
        ResourceArn::from_pattern(format!("instance-profile/{profile}")),
    )
}

/// The profile that a [`placeholder`] is for.
pub(crate) fn of_placeholder(resource: &ResourceArn) -> Option<&str> {
    resource.as_str().strip_prefix("instance-profile/")
}

#[cfg(test)]
mod tests {
    use super::settle;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::identity::Caller;
    use crate::usage::ledger::Ledger;
    use crate::usage::resolve::{Basis, Need, Outcome, Resolved};

    fn resolved(needs: &[(&'static str, &str)], profiles: &[&str]) -> Resolved {
        let need = |(action, path): &(&'static str, &str)| Need {
            action: Action::known(action),
            resources: vec![ResourceArn::from_pattern(format!(
                "arn:aws:iam::111122223333:{path}"
            ))],
            basis: Basis::Event,
            told: true,
        };
        Resolved {
            caller: Caller {
                principal: Principal {
                    account: "111122223333".into(),
                    kind: PrincipalKind::User,
                    name: "ann".into(),
                    arn: "arn:aws:iam::111122223333:user/ann".into(),
                },
                session: None,
            },
            outcome: Outcome::Used,
            reason: "".into(),
            needs: needs.iter().map(need).collect(),
            profiles: profiles.iter().map(|name| (*name).to_owned()).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_role_in_a_profile_is_passed_where_the_trail_shows_it() {
        let added = [
            (
                "iam:AddRoleToInstanceProfile",
                "instance-profile/web-profile",
            ),
            ("iam:PassRole", "role/web"),
        ];
        let mut ledger = Ledger::default();
        ledger.add(&resolved(&[], &["web-profile", "other"]), None, None);
        ledger.add(&resolved(&added, &[]), None, None);
        settle(&mut ledger);
        let usage = ledger.principals.values().next().unwrap();
        let passed: Vec<_> = usage.facts[&Action::known("iam:PassRole")].iter().collect();
        assert_eq!(passed.len(), 1);
        assert_eq!(passed[0].0.as_str(), "arn:aws:iam::111122223333:role/web");
        assert_eq!(passed[0].1.used, 2);
        assert!(
            usage
                .notes
                .iter()
                .any(|note| note.contains("instance profile other"))
        );
        assert!(!usage.notes.iter().any(|note| note.contains("web-profile")));
    }
}
