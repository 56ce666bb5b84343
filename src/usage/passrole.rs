//! `iam:PassRole`: no event shows it, so it is read off the calls that hand a role to a service.
//!
//! Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".

use crate::catalog::action::AccessLevel;
use crate::catalog::operation::{Need as Row, PassRole};
use crate::iam::action::Action;
use crate::iam::arn::{ArnParts, ResourceArn, escape};
use crate::usage::carriers::{self, Kind, Loaded};
use crate::usage::context::{ContextKey, ContextKeys};
use crate::usage::request::Leaf;
use crate::usage::resolve::{Basis, Need};
use crate::usage::resource::Request;

/// The action that no event shows.
pub const PASS_ROLE: Action = Action::known("iam:PassRole");

/// Who takes the role out of an instance profile.
const EC2: &str = "ec2.amazonaws.com";

/// Parameters that name an instance profile, as an ARN, a name, or an object around either. Source: the API References
/// of Amazon EC2 (`RunInstances`), Amazon EMR (`RunJobFlow`) and AWS Batch (`ComputeResource`).
const PROFILE_PARAMETERS: [&str; 3] = ["iamInstanceProfile", "instanceRole", "jobFlowRole"];

/// Adds `iam:PassRole` on every role that `request` hands over to `needs`, and on what carries roles (see
/// [`carriers`]). Returns what the call itself put roles into.
pub fn infer(
    listed: PassRole,
    request: &Request<'_, '_, '_>,
    rows: &[Row],
    needs: &mut Vec<Need>,
) -> Option<Loaded> {
    if listed == PassRole::Never {
        return None;
    }
    // A call that only reads passes nothing.
    let known = listed != PassRole::Unlisted;
    let reads = |row: &Row| matches!(row.action.level(), AccessLevel::List | AccessLevel::Read);
    if !known && rows.iter().all(reads) {
        return None;
    }
    let mut passed: Vec<(&str, ResourceArn)> = request
        .parameters
        .leaves()
        .iter()
        .filter_map(|leaf| {
            let role = match listing(listed, leaf.name) {
                Some(true) => role_arn(leaf, false, request),
                Some(false) => None,
                None if is_role_name(leaf.name) && !names_profile(leaf) => {
                    role_arn(leaf, known, request)
                }
                None => None,
            };
            Some((listed.service_of(leaf.name).unwrap_or_default(), role?))
        })
        .collect();
    for (path, place) in listed_paths(listed) {
        let service = listed.service_of(path);
        for value in request.parameters.at(path) {
            let leaf = Leaf {
                name: path,
                depth: 1,
                value,
            };
            let found = match place {
                Place::Role => role_arn(&leaf, true, request).map(|role| (service, role)),
                Place::Profile => profile(request, value).map(|profile| (Some(EC2), profile)),
            };
            passed.extend(found.map(|(service, role)| (service.unwrap_or_default(), role)));
        }
    }
    let mut roles: Vec<ResourceArn> = passed.iter().map(|(_, role)| role.clone()).collect();
    roles.sort();
    passed.extend(profiles(request).map(|profile| (EC2, profile)));
    if listing(listed, "taskDefinition") == Some(true) && !replaces_task_roles(request) {
        let definition = task_definition(request);
        passed.extend(definition.map(|definition| ("ecs-tasks.amazonaws.com", definition)));
    }
    passed.sort();
    passed.dedup();
    for same in passed.chunk_by(|(a, _), (b, _)| a == b) {
        let resources: Vec<ResourceArn> = same.iter().map(|(_, role)| role.clone()).collect();
        needs.push(Need {
            action: PASS_ROLE,
            told: resources.iter().all(|role| carriers::kind(role).is_none()),
            resources,
            basis: Basis::PassedRole,
            context: passed_to(same[0].0, request),
        });
    }
    loaded(request, roles)
}

/// The service as `iam:PassedToService` has it. In partitions other than AWS's own two with plain names some services
/// have names of their own (`ec2.amazonaws.com.cn`), which the table does not know.
fn passed_to(service: &str, request: &Request<'_, '_, '_>) -> ContextKeys {
    let keys = ContextKeys::default();
    match service.is_empty() || !matches!(&*request.partition, "aws" | "aws-us-gov") {
        true => keys,
        false => keys.with(ContextKey::PassedToService, service),
    }
}

fn names_profile(leaf: &Leaf<'_>) -> bool {
    let named = PROFILE_PARAMETERS
        .iter()
        .any(|name| name.eq_ignore_ascii_case(leaf.name));
    named && !leaf.value.contains(":role/")
}

/// The instance profiles in the request; where it names a launch template in their place, those that the response shows
/// on the instances.
fn profiles<'r>(request: &'r Request<'_, '_, '_>) -> impl Iterator<Item = ResourceArn> + 'r {
    let requested = PROFILE_PARAMETERS
        .iter()
        .flat_map(|name| request.parameters.below(name))
        .filter(|value| !value.contains(":role/"));
    let shown = || {
        request
            .response
            .at("instancesSet.items.iamInstanceProfile.arn")
    };
    let mut names: Vec<&str> = requested.collect();
    if names.is_empty() && request.call == "RunInstances" {
        names = shown();
    }
    names
        .into_iter()
        .filter_map(|value| profile(request, value))
}

fn profile(request: &Request<'_, '_, '_>, value: &str) -> Option<ResourceArn> {
    let arn = match ArnParts::parse(value) {
        Some(_) => ResourceArn::from_pattern(escape(value)),
        None => entity(request, "instance-profile", value),
    };
    (carriers::kind(&arn) == Some(Kind::InstanceProfile)).then_some(arn)
}

/// What stands at a path that the table lists.
enum Place {
    Role,
    Profile,
}

/// The paths among the table's parameters: into what holds text of the caller's own choosing, which is not searched
/// for names (`parameters.AutomationAssumeRole`). Behind an `@` is an instance profile.
fn listed_paths(listed: PassRole) -> impl Iterator<Item = (&'static str, Place)> {
    let parameters = match listed {
        PassRole::Known { parameters, .. } => parameters,
        PassRole::Never | PassRole::Unlisted => "",
    };
    parameters
        .split(',')
        .filter(|listed| listed.contains(['.', '@']))
        .map(|listed| match listed.strip_prefix('@') {
            Some(path) => (path, Place::Profile),
            None => (listed, Place::Role),
        })
}

/// Whether the call puts both roles of the task definition aside for others.
fn replaces_task_roles(request: &Request<'_, '_, '_>) -> bool {
    ["taskRoleArn", "executionRoleArn"]
        .iter()
        .all(|name| !request.parameters.below(name).is_empty())
}

/// The revision of the task definition that was started, from the response where the request leaves it out.
/// Source: Amazon ECS Developer Guide, "IAM roles for Amazon ECS".
fn task_definition(request: &Request<'_, '_, '_>) -> Option<ResourceArn> {
    let started = request.response.at("tasks.taskDefinitionArn");
    let requested = request.parameters.at("taskDefinition");
    let name = *started.first().or(requested.first())?;
    Some(match ArnParts::parse(name) {
        Some(_) => ResourceArn::from_pattern(escape(name)),
        None => {
            let (partition, region, account) =
                (&request.partition, &request.region, &request.account);
            ResourceArn::from_pattern(format!(
                "arn:{partition}:ecs:{region}:{account}:task-definition/{}",
                escape(name)
            ))
        }
    })
}

/// What the call put `roles` into: the two calls that show what a carrier holds.
fn loaded(request: &Request<'_, '_, '_>, roles: Vec<ResourceArn>) -> Option<Loaded> {
    let carrier = match request.call {
        "AddRoleToInstanceProfile" => {
            let name = *request.parameters.at("instanceProfileName").first()?;
            entity(request, "instance-profile", name)
        }
        "RegisterTaskDefinition" => {
            let arn = *request
                .response
                .at("taskDefinition.taskDefinitionArn")
                .first()?;
            ResourceArn::from_pattern(escape(arn))
        }
        _ => return None,
    };
    Some(Loaded { carrier, roles })
}

fn entity(request: &Request<'_, '_, '_>, kind: &str, name: &str) -> ResourceArn {
    let (partition, account) = (&request.partition, &request.account);
    let name = escape(name.trim_start_matches('/'));
    ResourceArn::from_pattern(format!("arn:{partition}:iam::{account}:{kind}/{name}"))
}

/// What the table says of the parameter `name`: its role is passed, is not, or nothing.
fn listing(listed: PassRole, name: &str) -> Option<bool> {
    let PassRole::Known { parameters, .. } = listed else {
        return None;
    };
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
    (known && is_name).then(|| entity(request, "role", leaf.value))
}
