//! `iam:PassRole`: no event shows it, so it is read off the calls that hand a role to a service.
//!
//! Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".

use crate::catalog::action::AccessLevel;
use crate::catalog::operation::PassRole;
use crate::iam::action::Action;
use crate::iam::arn::{ArnParts, ResourceArn, escape};
use crate::usage::carriers::{self, Kind, Loaded};
use crate::usage::context::{ContextKey, ContextKeys};
use crate::usage::kind::Row;
use crate::usage::request::before;
use crate::usage::resolve::{Basis, Need, Needs, Resources};
use crate::usage::resource::Request;

/// The action that no event shows.
pub const PASS_ROLE: Action = Action::known("iam:PassRole");

/// Who takes the role out of an instance profile.
const EC2: &str = "ec2.amazonaws.com";

/// Who takes the roles out of a task definition.
const ECS_TASKS: &str = "ecs-tasks.amazonaws.com";

/// What a call hands over: a role or what carries roles, and the service that gets it, where the tables say.
type Passed = (Option<&'static str>, ResourceArn);

/// Adds `iam:PassRole` on every role that `request` hands over to `needs`, and on what carries roles (see
/// [`carriers`]). Returns what the call itself put roles into.
pub fn infer(
    listed: PassRole,
    request: &Request<'_, '_, '_>,
    rows: &[Row],
    needs: &mut Needs,
) -> Option<Loaded> {
    if listed == PassRole::Never {
        return None;
    }
    // A call that only reads passes nothing.
    let known = listed != PassRole::Unlisted;
    let reads = |row: &Row| {
        matches!(
            row.need.action.level(),
            AccessLevel::List | AccessLevel::Read
        )
    };
    if !known && rows.iter().all(reads) {
        return None;
    }
    let mut passed = by_path(listed, request);
    if !parameters(listed).starts_with('=') {
        passed.extend(by_name(listed, request));
    }
    let roles = passed.iter().map(|(_, role)| role);
    let mut roles: Vec<ResourceArn> = roles
        .filter(|role| carriers::kind(role).is_none())
        .cloned()
        .collect();
    roles.sort();
    passed.extend(profiles(request).map(|profile| (Some(EC2), profile)));
    if listing(listed, "taskDefinition") == Some(true) && !replaces_task_roles(request) {
        let definition = task_definition(request);
        passed.extend(definition.map(|definition| (Some(ECS_TASKS), definition)));
    }
    passed.sort();
    passed.dedup();
    for same in passed.chunk_by(|(a, _), (b, _)| a == b) {
        let resources: Resources = same.iter().map(|(_, role)| role.clone()).collect();
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

/// The table's parameters of the call.
fn parameters(listed: PassRole) -> &'static str {
    match listed {
        PassRole::Known { parameters, .. } => parameters,
        PassRole::Never | PassRole::Unlisted => "",
    }
}

/// The roles in the parameters that are named like one, or that the table names.
fn by_name(listed: PassRole, request: &Request<'_, '_, '_>) -> Vec<Passed> {
    let known = listed != PassRole::Unlisted;
    let leaves = request.parameters.leaves().iter();
    let passed = leaves.filter_map(|leaf| {
        let role = match listing(listed, leaf.name) {
            Some(true) => role_arn(request.parameters.value(leaf), false, request),
            Some(false) => None,
            None if is_role_name(leaf.name) => {
                role_arn(request.parameters.value(leaf), known, request)
            }
            None => None,
        };
        Some((listed.service_of(leaf.name), role?))
    });
    passed.collect()
}

/// What stands at the paths that the table lists: into what holds text of the caller's own choosing, which is not
/// searched for names (`parameters.AutomationAssumeRole`), and where one name means two things.
fn by_path(listed: PassRole, request: &Request<'_, '_, '_>) -> Vec<Passed> {
    let parameters = parameters(listed);
    let paths = parameters
        .strip_prefix('=')
        .unwrap_or(parameters)
        .split(',');
    let mut passed = Vec::new();
    for path in paths.filter(|path| path.contains(['.', '@', '|'])) {
        let service = listed.service_of(path);
        if let Some(path) = path.strip_prefix('@') {
            let profiles = request.parameters.at(path).into_iter();
            let profiles = profiles.filter_map(|value| profile(request, value));
            passed.extend(profiles.map(|profile| (Some(EC2), profile)));
        } else if let Some(path) = path.strip_suffix("|json") {
            let texts = request.parameters.at(path).into_iter();
            let documents = texts.filter_map(|text| serde_json::from_str(text).ok());
            for document in documents {
                roles_in(&document, request, &mut |role| passed.push((service, role)));
            }
        } else {
            let roles = request.parameters.at(path).into_iter();
            let roles = roles.filter_map(|value| role_arn(value, true, request));
            passed.extend(roles.map(|role| (service, role)));
        }
    }
    passed
}

/// The roles in the members of a JSON text that are named like one.
fn roles_in(
    document: &serde_json::Value,
    request: &Request<'_, '_, '_>,
    found: &mut impl FnMut(ResourceArn),
) {
    match document {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                let role = value.as_str().filter(|_| is_role_name(name));
                match role.and_then(|role| role_arn(role, true, request)) {
                    Some(role) => found(role),
                    None => roles_in(value, request, found),
                }
            }
        }
        serde_json::Value::Array(list) => {
            list.iter()
                .for_each(|value| roles_in(value, request, found));
        }
        _ => {}
    }
}

/// The service as `iam:PassedToService` has it. In partitions other than AWS's own two with plain names some services
/// have names of their own (`ec2.amazonaws.com.cn`), which the table does not know.
fn passed_to(service: Option<&str>, request: &Request<'_, '_, '_>) -> ContextKeys {
    let plain_names = matches!(&*request.partition, "aws" | "aws-us-gov");
    match service.filter(|_| plain_names) {
        Some(service) => ContextKeys::default().with(ContextKey::PassedToService, service),
        None => ContextKeys::default(),
    }
}

/// The instance profiles in the request; where it names a launch template in their place, those that the response shows
/// on the instances.
fn profiles<'r>(request: &'r Request<'_, '_, '_>) -> impl Iterator<Item = ResourceArn> + 'r {
    let mut names = request.parameters.below("iamInstanceProfile");
    if names.is_empty() && request.call == "RunInstances" {
        let path = "instancesSet.items.iamInstanceProfile.arn";
        names = request.response.at(path);
    }
    names
        .into_iter()
        .filter_map(|value| profile(request, value))
}

fn profile(request: &Request<'_, '_, '_>, value: &str) -> Option<ResourceArn> {
    let arn = arn_or(value, || entity(request, "instance-profile", value));
    (carriers::kind(&arn) == Some(Kind::InstanceProfile)).then_some(arn)
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
    let requested = *request.parameters.at("taskDefinition").first()?;
    let shown = [
        "tasks.taskDefinitionArn",
        "service.taskDefinition",
        "taskSet.taskDefinition",
    ];
    let shown = shown
        .iter()
        .find_map(|path| request.response.at(path).first().copied());
    let name = shown.unwrap_or(requested);
    Some(arn_or(name, || {
        let (partition, region, account) = (&request.partition, &request.region, &request.account);
        ResourceArn::from_pattern(format!(
            "arn:{partition}:ecs:{region}:{account}:task-definition/{}",
            escape(name)
        ))
    }))
}

/// `value` itself where it is an ARN, else what `named` makes of the name that it is.
fn arn_or(value: &str, named: impl FnOnce() -> ResourceArn) -> ResourceArn {
    match ArnParts::parse(value) {
        Some(_) => ResourceArn::from_pattern(escape(value)),
        None => named(),
    }
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
    parameters(listed)
        .split(',')
        .find_map(|listed| match listed.strip_prefix('!') {
            Some(listed) => listed.eq_ignore_ascii_case(name).then_some(false),
            None => listed.eq_ignore_ascii_case(name).then_some(true),
        })
}

/// `roleArn`, `executionRoleArn`, `role`, `serviceRole`, `iamRoleArn`, …
fn is_role_name(name: &str) -> bool {
    let name = before(name, "s").unwrap_or(name);
    let mut ends = ["role", "rolearn", "rolename"].iter();
    ends.any(|end| before(name, end).is_some())
}

/// The role's ARN in policy syntax. A plain name counts only where the call is known to pass a role (ECS takes
/// `taskRoleArn: "web"`): such a role has no path. A role of another account cannot be passed, whatever a policy says.
/// Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
fn role_arn(value: &str, known: bool, request: &Request<'_, '_, '_>) -> Option<ResourceArn> {
    if let Some(arn) = ArnParts::parse(value) {
        let own = request.caller.account.is_empty() || arn.account == request.caller.account;
        let is_role = arn.service == "iam" && arn.resource.starts_with("role/") && own;
        return is_role.then(|| ResourceArn::from_pattern(escape(value)));
    }
    let is_name = value
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b));
    (known && is_name).then(|| entity(request, "role", value))
}
