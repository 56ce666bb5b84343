//! `iam:PassRole`: no event shows it, so it is read off the calls that hand a role to a service.
//!
//! Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".

use crate::catalog::action::AccessLevel;
use crate::catalog::operation::{Need as Row, PassRole};
use crate::iam::action::Action;
use crate::iam::arn::{ArnParts, ResourceArn, escape, last_component};
use crate::usage::request::Leaf;
use crate::usage::resolve::{Basis, Need};
use crate::usage::resource::Request;

/// The action that no event shows.
pub const PASS_ROLE: Action = Action::known("iam:PassRole");

/// What a call handed over besides roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Instance profiles, by name.
    pub profiles: Vec<String>,
    /// What the record does not show, in words for a person.
    pub notes: Vec<String>,
}

/// Adds `iam:PassRole` on every role that `request` hands over to `needs`, and what else it hands over to `passed`.
pub fn infer(
    listed: PassRole,
    request: &Request<'_, '_, '_>,
    rows: &[Row],
    needs: &mut Vec<Need>,
    passed: &mut Passed,
) {
    let (known, parameters) = match listed {
        PassRole::Never => return,
        PassRole::Known { parameters, .. } => (true, parameters),
        PassRole::Unlisted => (false, ""),
    };
    // A call that only reads passes nothing.
    let reads = |row: &Row| matches!(row.action.level(), AccessLevel::List | AccessLevel::Read);
    if !known && rows.iter().all(reads) {
        return;
    }
    let leaves = request.parameters.leaves();
    let mut roles: Vec<ResourceArn> = leaves
        .iter()
        .filter_map(|leaf| match listing(parameters, leaf.name) {
            Some(passed) => passed.then(|| role_arn(leaf, false, request))?,
            None if is_role_name(leaf.name) => role_arn(leaf, known, request),
            None => None,
        })
        .collect();
    roles.sort();
    roles.dedup();
    let names_no_role = roles.is_empty();
    if !names_no_role {
        needs.push(Need {
            action: PASS_ROLE,
            resources: roles,
            basis: Basis::PassedRole,
            told: true,
        });
    }
    // A profile has the name or the ARN in it; the role in the profile is in no request but `AddRoleToInstanceProfile`.
    let profiles = request.parameters.at("iamInstanceProfile").into_iter();
    passed
        .profiles
        .extend(profiles.map(|profile| last_component(profile).to_owned()));
    passed.profiles.sort();
    passed.profiles.dedup();
    // Amazon ECS checks the roles of the task definition too, unless the call puts others in their place.
    // Source: Amazon ECS Developer Guide, "IAM roles for Amazon ECS".
    if known && names_no_role {
        let definitions = request.parameters.at("taskDefinition").into_iter();
        passed.notes.extend(definitions.map(|definition| {
            format!(
                "started tasks of the task definition {definition}; the record does not show the roles in it, so iam:PassRole on those roles is not in the policy"
            )
        }));
    }
}

/// What the table says of the parameter `name`: its role is passed, is not, or nothing.
fn listing(parameters: &str, name: &str) -> Option<bool> {
    parameters
        .split(',')
        .find_map(|listed| match listed.strip_prefix('!') {
            Some(listed) => listed.eq_ignore_ascii_case(name).then_some(false),
            None => listed.eq_ignore_ascii_case(name).then_some(true),
        })
}

/// `roleArn`, `executionRoleArn`, `role`, `serviceRole`, `iamRoleArn`, …
fn is_role_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix('s').unwrap_or(&name);
    name.ends_with("role") || name.ends_with("rolearn") || name.ends_with("rolename")
}

/// The role's ARN in policy syntax. A plain name counts only where the call is known to pass a role (ECS takes
/// `taskRoleArn: "web"`): such a role has no path.
fn role_arn(leaf: &Leaf<'_>, known: bool, request: &Request<'_, '_, '_>) -> Option<ResourceArn> {
    if let Some(arn) = ArnParts::parse(leaf.value) {
        let is_role = arn.service == "iam" && arn.resource.starts_with("role/");
        return is_role.then(|| ResourceArn::from_pattern(escape(leaf.value)));
    }
    let is_name = leaf
        .value
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b));
    (known && is_name).then(|| {
        let name = leaf.value.trim_start_matches('/');
        let text = format!(
            "arn:{}:iam::{}:role/{name}",
            request.partition, request.account
        );
        ResourceArn::from_pattern(text)
    })
}
