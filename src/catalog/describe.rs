//! What the catalog knows of an action or of an event, as text for people.

use std::fmt::Write;

use crate::catalog::action::{self, AccessLevel, ActionFacts};
use crate::catalog::condition_key::{self, DataType};
use crate::catalog::operation::{self, Need, Operation, PassRole, When};
use crate::catalog::reasons;
use crate::catalog::resource::{self, Adapter, ResourceType, Source};
use crate::catalog::service;
use crate::catalog::visibility::{Logged, Visibility};

/// The text for `name`: an action (`s3:GetObject`) or an event with its source (`s3.amazonaws.com:ListObjects`, or
/// `s3:ListObjects`). A name that is both is described as both. `None` where the catalog knows neither.
#[must_use]
pub fn describe(name: &str) -> Option<String> {
    let (source, event) = name.split_once(':')?;
    let mut text = String::new();
    if let Some(facts) = action::find(name) {
        describe_action(&mut text, facts);
    }
    let operation = operation::find(source, event);
    // An action that is only checked beside a call has no event of its name.
    let is_call = match (operation, action::find(name)) {
        (Operation::Unknown, _) => false,
        (Operation::Needs(_), Some(facts)) => facts.visibility().logged != Logged::Never,
        _ => true,
    };
    if is_call {
        if !text.is_empty() {
            text.push('\n');
        }
        describe_event(&mut text, source, event, operation);
    }
    (!text.is_empty()).then_some(text)
}

/// One line. Writing to a string cannot fail.
fn line(text: &mut String, indent: usize, content: impl std::fmt::Display) {
    let _ = writeln!(text, "{:indent$}{content}", "");
}

fn describe_action(text: &mut String, facts: ActionFacts) {
    line(text, 0, format_args!("action {}", facts.action));
    line(
        text,
        2,
        format_args!("access level: {}", level_name(facts.level())),
    );
    let managed = if facts.permissions_management() {
        "yes"
    } else {
        "no"
    };
    line(text, 2, format_args!("permissions management: {managed}"));
    reason(text, 4, reasons::action(facts.action), "actions");
    if facts.resource_types().next().is_none() {
        line(text, 2, "resource types: none, takes * only");
    } else {
        line(text, 2, "resource types:");
    }
    for (name, required) in facts.resource_types() {
        let need = if required { "required" } else { "optional" };
        line(text, 4, format_args!("{name} ({need})"));
        reason(
            text,
            6,
            reasons::optional(facts.action, name),
            "optional_types",
        );
        if let Some(kind) = resource::find(facts.prefix(), name) {
            describe_formats(text, kind);
        }
        if let Some(why) = facts.untold(name) {
            line(text, 6, "in no record");
            reason(text, 8, Some(why), "untold");
        }
    }
    describe_keys(text, facts);
    describe_visibility(text, facts.visibility());
}

fn describe_keys(text: &mut String, facts: ActionFacts) {
    if facts.condition_keys().next().is_some() {
        line(text, 2, "condition keys:");
    }
    for key in facts.condition_keys() {
        let Some(known) = condition_key::find(key) else {
            line(text, 4, format_args!("{key} (unknown type)"));
            continue;
        };
        let types: Vec<_> = known.data_types().map(DataType::as_str).collect();
        let many = match known.multivalued {
            true => ", multivalued",
            false => "",
        };
        line(
            text,
            4,
            format_args!("{key} ({}{many})", types.join(" or ")),
        );
    }
}

fn describe_visibility(text: &mut String, visibility: Visibility) {
    let logged = match visibility.logged {
        Logged::Management => "management event".to_owned(),
        Logged::Data { resource_types } => {
            format!(
                "data event only, of {}",
                resource_types.replace(',', " or ")
            )
        }
        Logged::Never => "no event of its own".to_owned(),
        Logged::Unknown => "unknown".to_owned(),
    };
    let network = match visibility.network_activity {
        true => "; through a VPC endpoint a network activity event too",
        false => "",
    };
    line(text, 2, format_args!("in CloudTrail: {logged}{network}"));
    match visibility.logged {
        Logged::Unknown => line(text, 4, format_args!("reason: {}", visibility.reason)),
        _ => reason(text, 4, Some(visibility.reason), "visibility"),
    }
}

/// The reason of an override, and its file.
fn reason(text: &mut String, indent: usize, reason: Option<&str>, file: &str) {
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        let file = format_args!("mappings/overrides/{file}.tsv");
        line(text, indent, format_args!("reason: {reason} ({file})"));
    }
}

fn describe_formats(text: &mut String, kind: ResourceType) {
    for format in kind.formats() {
        line(text, 6, format);
    }
    reason(text, 8, reasons::format(kind.prefix, kind.name), "formats");
    let (mut shown, mut whys) = (Vec::new(), Vec::new());
    for format in kind.formats() {
        for variable in format.split("${").skip(1) {
            let variable = variable.split('}').next().unwrap_or("");
            if shown.contains(&variable) {
                continue;
            }
            shown.push(variable);
            let sources: Vec<_> = kind.sources(variable).map(source_text).collect();
            let ambient = ["Partition", "Region", "Account"].contains(&variable);
            match (sources.is_empty(), ambient) {
                (false, _) => line(
                    text,
                    8,
                    format_args!("{variable} from {}", sources.join(", ")),
                ),
                (true, true) => {}
                (true, false) => line(text, 8, format_args!("{variable} from no parameter")),
            }
            let why = reasons::binding(kind.prefix, kind.name, variable);
            whys.extend(why.filter(|why| !whys.contains(why)));
        }
    }
    for why in whys {
        reason(text, 8, Some(why), "bindings");
    }
}

fn source_text(source: Source) -> String {
    let mut text = match source.literal() {
        Some(default) => format!("nothing, which means {default}"),
        None => source.parameter.to_owned(),
    };
    if source.literal().is_none() && source.adapter != Adapter::Same {
        let _ = write!(text, " ({})", source.adapter.as_str());
    }
    if !source.noun.is_empty() {
        let _ = write!(text, " in calls named ...{}", source.noun);
    }
    text
}

fn describe_event(text: &mut String, source: &str, event: &str, operation: Operation) {
    let label = service::label(source);
    line(text, 0, format_args!("event {label}.amazonaws.com:{event}"));
    match operation {
        Operation::Needs(needs) => needs.iter().for_each(|need| describe_need(text, &need)),
        Operation::NoPermission { reason } => {
            line(text, 2, "needs no permission");
            self::reason(text, 4, Some(reason), "no_permission");
        }
        Operation::Unknown => {}
    }
    reason(text, 2, reasons::service(label), "services");
    match operation::pass_role(source, event) {
        PassRole::Known {
            service,
            parameters,
        } => describe_passed_role(text, service, parameters),
        PassRole::Never => line(text, 2, "passes no role"),
        PassRole::Unlisted if changes(operation) => {
            line(
                text,
                2,
                "a role in its request counts as passed: iam:PassRole",
            );
        }
        PassRole::Unlisted => {}
    }
    reason(
        text,
        4,
        operation::pass_role_reason(source, event),
        "passrole",
    );
    if operation::makes_service_linked_role(source, event) {
        line(
            text,
            2,
            "makes a service-linked role where there is none: iam:CreateServiceLinkedRole",
        );
    }
}

/// Whether the call does more than read.
fn changes(operation: Operation) -> bool {
    let reads = |need: Need| matches!(need.action.level(), AccessLevel::List | AccessLevel::Read);
    matches!(operation, Operation::Needs(needs) if !needs.iter().all(reads))
}

/// `services` and `parameters` as in [`PassRole::Known`].
fn describe_passed_role(text: &mut String, services: &str, parameters: &str) {
    let mut services = services.split(',');
    let to = match services.next() {
        None | Some("") => String::new(),
        Some(service) => format!(" to {service}"),
    };
    line(text, 2, format_args!("passes a role: iam:PassRole{to}"));
    for (parameter, service) in services.filter_map(|other| other.split_once('=')) {
        let service = match service {
            "" => "an unknown service",
            service => service,
        };
        line(text, 4, format_args!("the one in {parameter} to {service}"));
    }
    if !parameters.is_empty() {
        line(text, 4, format_args!("also by {parameters}"));
    }
}

fn describe_need(text: &mut String, need: &Need) {
    let when = match need.when {
        When::Always => String::new(),
        When::Present(parameter) => format!(" if {parameter} is given"),
        When::Absent(parameter) => format!(" unless {parameter} is given"),
        When::Equals(parameter, value) => format!(" if {parameter} is {value}"),
    };
    line(text, 2, format_args!("needs {}{when}", need.action.action));
    if let Some(template) = need.resource {
        line(text, 4, format_args!("on {template}"));
    }
    reason(text, 4, Some(need.reason), "operations");
}

fn level_name(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::List => "List",
        AccessLevel::Read => "Read",
        AccessLevel::Write => "Write",
        AccessLevel::Tagging => "Tagging",
        AccessLevel::PermissionsManagement => "Permissions management",
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    /// Whether the text has these lines, in this order.
    fn has(text: &str, lines: &[&str]) -> bool {
        let mut rest = text.lines().map(str::trim);
        lines.iter().all(|wanted| rest.any(|line| line == *wanted))
    }

    #[test]
    fn an_action_tells_its_level_types_formats_and_parameters() {
        let text = describe("s3:getobject").unwrap();
        assert!(
            has(
                &text,
                &[
                    "action s3:GetObject",
                    "access level: Read",
                    "object (optional)",
                    "arn:${Partition}:s3:::${BucketName}/${ObjectName}",
                    "BucketName from bucketName (bucket)",
                    "ObjectName from key",
                    "condition keys:",
                    "s3:ExistingObjectTag/<key> (String)",
                ]
            ),
            "{text}"
        );
        let text = describe("ec2:DescribeInstances").unwrap();
        assert!(
            has(&text, &["resource types: none, takes * only"]),
            "{text}"
        );
    }

    #[test]
    fn an_event_tells_its_needs_and_the_reason_and_file_of_an_override() {
        for name in ["s3.amazonaws.com:ListObjects", "s3:ListObjects"] {
            let text = describe(name).unwrap();
            assert!(
                has(
                    &text,
                    &["event s3.amazonaws.com:ListObjects", "needs s3:ListBucket"]
                ),
                "{text}"
            );
            assert!(
                text.contains("(mappings/overrides/operations.tsv)"),
                "{text}"
            );
            assert!(!text.contains("action s3:ListObjects"), "{text}");
        }
        let text = describe("lambda.amazonaws.com:CreateFunction20150331").unwrap();
        assert!(
            has(
                &text,
                &[
                    "needs lambda:CreateFunction",
                    "needs lambda:TagResource if tags is given",
                    "passes a role: iam:PassRole to lambda.amazonaws.com",
                ]
            ),
            "{text}"
        );
        let text = describe("ecs:RunTask").unwrap();
        assert!(
            has(
                &text,
                &[
                    "passes a role: iam:PassRole to ecs-tasks.amazonaws.com",
                    "the one in roleArn to ecs.amazonaws.com",
                ]
            ),
            "{text}"
        );
        let text = describe("access-analyzer:CreateAnalyzer").unwrap();
        assert!(
            has(
                &text,
                &["makes a service-linked role where there is none: iam:CreateServiceLinkedRole"]
            ),
            "{text}"
        );
        let text = describe("sts:GetCallerIdentity").unwrap();
        assert!(
            has(
                &text,
                &["action sts:GetCallerIdentity", "needs no permission"]
            ),
            "{text}"
        );
    }

    #[test]
    fn defaults_and_what_no_record_tells_are_said() {
        let text = describe("ecs:StopTask").unwrap();
        let wanted = "ClusterName from cluster (arn-last), nothing, which means default";
        assert!(has(&text, &["task (required)", wanted]), "{text}");
        let text = describe("athena:GetQueryExecution").unwrap();
        assert!(
            has(&text, &["in no record"]) && text.contains("reason: Amazon Athena API Reference"),
            "{text}"
        );
    }

    #[test]
    fn what_is_unknown_has_no_text() {
        for name in [
            "",
            "s3",
            "s3:",
            ":",
            "s3:FrobnicateBucket",
            "nope:GetObject",
        ] {
            assert_eq!(describe(name), None, "{name}");
        }
    }
}
