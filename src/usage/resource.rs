//! Which resources an action was used on.
//!
//! For each resource type of the action, in this order: an ARN among the parameters that has the type's format; an ARN
//! of `resources[]` that has it; the type's format with its variables filled from parameters by name. A required type
//! that none of these fills keeps its format with `*` for what is unknown, which is what IAM itself compares with when
//! the resource does not exist yet (`CreateVolume` is decided on `volume/*`). An optional type that is not in the
//! request narrows nothing.

use std::borrow::Cow;
use std::cell::Cell;

use crate::catalog::operation::{self, When};
use crate::cloudtrail::event::{Event, Resource};
use crate::iam::arn::{ArnParts, ResourceArn, escape};
use crate::iam::principal::Principal;
use crate::usage::context::ContextKeys;
use crate::usage::kind::{Kind, Row};
use crate::usage::like::Marks;
use crate::usage::request::{Leaf, Parameters, before, same_name};
use crate::usage::resolve::{Basis, Need, Needs};
use crate::usage::template;

/// One request: what its record says about resources.
pub struct Request<'e, 't, 'a> {
    /// `aws`, `aws-cn`, …
    pub partition: Cow<'e, str>,
    /// The event's Region in policy syntax, `*` where it has none.
    pub region: Cow<'e, str>,
    /// The caller's account in policy syntax, `*` where the record does not tell.
    pub account: Cow<'e, str>,
    /// The parameters.
    pub parameters: Parameters<'t, 'a>,
    /// What the response shows.
    pub(crate) response: Parameters<'t, 'a>,
    /// Whether the record holds all of the request, so that what is not in it was not given. Parameters are null where
    /// there are none, and also where the call was refused or failed.
    pub(crate) whole: bool,
    /// The event's name without a date.
    pub(crate) call: &'e str,
    pub(crate) caller: &'e Principal,
    named: &'e [Resource<'a>],
    /// Whether `named` was looked at.
    looked: Cell<bool>,
}

/// What was found for one resource type.
struct Found {
    arns: Vec<ResourceArn>,
    /// Where: by an ARN of the request, by an ARN of `resources[]`, or by names.
    by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Arn,
    Field,
    Names,
}

impl<'e, 't, 'a> Request<'e, 't, 'a> {
    /// The request of `event`, made by `caller`, with `marks` in the place of some texts.
    #[must_use]
    pub fn of(event: &'e Event<'t, 'a>, caller: &'e Principal, marks: Option<&'a Marks>) -> Self {
        let text = |text: Option<&'e str>| match text.filter(|text| !text.is_empty()) {
            Some(text) => escape(text),
            None => Cow::Borrowed("*"),
        };
        let own = Some(caller.account.as_str()).filter(|account| !account.is_empty());
        let partition = match ArnParts::parse(&caller.arn) {
            Some(arn) => escape(arn.partition),
            None => Cow::Borrowed(partition_of(event.aws_region.unwrap_or_default())),
        };
        Self {
            partition,
            region: text(event.aws_region),
            account: text(own.or(event.recipient_account_id)),
            parameters: Parameters::of(event.request_parameters, marks),
            response: Parameters::by_path_only(event.response_elements),
            whole: event.request_parameters.is_some()
                || (event.error_code.is_none() && event.aws_region.is_some()),
            call: operation::plain_name(event.event_name.unwrap_or_default()),
            caller,
            named: &event.resources,
            looked: Cell::new(false),
        }
    }

    /// The ARNs of `resources[]`.
    fn named(&self) -> impl Iterator<Item = &'a str> + 'e {
        self.looked.set(true);
        self.named.iter().map(|resource| resource.arn)
    }

    /// Whether `resources[]` was looked at.
    pub(crate) fn looked_at_resources(&self) -> bool {
        self.looked.get()
    }

    /// The needs of those `rows` that this request triggers.
    #[must_use]
    pub fn needs(&self, rows: &[Row]) -> Needs {
        let triggered = rows.iter().filter(|row| self.triggers(row.need.when));
        let needs: Needs = triggered
            .filter_map(|row| match &row.template {
                Some(template) => Some(Need {
                    action: row.need.action.to_action(),
                    resources: template::fill(template, self)?.into_iter().collect(),
                    basis: row.basis,
                    context: ContextKeys::default(),
                    told: true,
                }),
                None => Some(self.need(row, row.basis)),
            })
            .collect();
        if !needs.is_empty() {
            return needs;
        }
        // A record without its parameters, as refused calls often are, fills no template: then the action's own resource
        // types say what is known, which is the account and the Region.
        let unconditional = |row: &&Row| matches!(row.need.when, When::Always | When::Absent(_));
        rows.iter()
            .filter(unconditional)
            .map(|row| Need {
                told: false,
                ..self.need(row, Basis::Event)
            })
            .collect()
    }

    fn triggers(&self, when: When) -> bool {
        match when {
            When::Always => true,
            When::Present(path) => self.parameters.has(path),
            When::Absent(path) => self.parameters.lacks(path),
            When::Equals(path, wanted) => {
                let texts = self.parameters.at(path);
                texts.iter().any(|text| operation::same_text(wanted, text))
            }
        }
    }

    /// The row's action on the resources that the request names.
    fn need(&self, row: &Row, basis: Basis) -> Need {
        let types = &row.kinds;
        let any_required = types.iter().any(|kind| kind.required);
        let named_type = self.named_type(types);
        let mut resources = Vec::new();
        let mut unfilled = Vec::new();
        let mut by_arn = Vec::new();
        let mut by_field = false;
        for kind in types {
            if named_type.is_some_and(|named| named.name != kind.name) && !kind.required {
                continue;
            }
            match self.find(kind, types) {
                Some(found) => {
                    resources.extend(found.arns);
                    by_field |= found.by == By::Field;
                    if found.by != By::Names {
                        by_arn.push(kind);
                    }
                }
                None if kind.required => unfilled.push(kind),
                None => {}
            }
        }
        // The reference marks as required each of the types that a call may name (a listener of an application, a
        // gateway or a network load balancer). Where an ARN names one, it is that one and no other of its like; what
        // is unlike may be what the call makes (the association of a document). Alternatives that are not alike are in
        // `mappings/overrides/optional_types.tsv`.
        unfilled.retain(|kind| !by_arn.iter().any(|other| alike(kind, other)));
        let mut told = unfilled.is_empty();
        resources.extend(unfilled.iter().flat_map(|kind| self.unfilled(kind)));
        if resources.is_empty() && !any_required {
            // S3 marks all types as optional, since a call names a bucket or an access point; it always names one.
            let s3 = |name| {
                let mut kinds = types.iter();
                kinds.find(|kind| kind.prefix == "s3" && kind.name == name)
            };
            match s3("object").or_else(|| s3("bucket")) {
                Some(kind) => {
                    resources = self.unfilled(kind);
                    told = false;
                }
                None => {
                    resources.push(ResourceArn::any());
                    told &= self.whole || types.is_empty();
                }
            }
        }
        resources.sort();
        resources.dedup();
        let basis = if by_field && basis == Basis::Event {
            Basis::ResourcesField
        } else {
            basis
        };
        Need {
            action: row.need.action.to_action(),
            resources: resources.into_iter().collect(),
            basis,
            context: ContextKeys::default(),
            told,
        }
    }

    /// The one of `types` that the request itself names as the type of its resource: `resourceType` of the tagging calls
    /// of Systems Manager is `Parameter`, and then `resourceId` is no document's. It matters for optional types only.
    fn named_type<'k>(&self, types: &'k [Kind]) -> Option<&'k Kind> {
        if types.iter().all(|kind| kind.required) {
            return None;
        }
        let named = *self.parameters.at("resourceType").first()?;
        let letters = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|c| c.to_ascii_lowercase()).collect()
        };
        let named = letters(named);
        types.iter().find(|kind| letters(kind.name) == named)
    }

    fn find(&self, kind: &Kind, among: &[Kind]) -> Option<Found> {
        let names = || {
            let arns = self.by_names(kind)?;
            Some(Found {
                arns,
                by: By::Names,
            })
        };
        if kind.prefix == "s3" {
            // S3 names the bucket and the key in every request, whereas `resources[]` also holds the prefix of a listing
            // and the parameters the source of a copy.
            match kind.name {
                "bucket" | "object" => return names(),
                "accesspoint" | "accesspointobject" => {
                    return self.access_point(kind).or_else(names);
                }
                _ => {}
            }
        }
        // CloudWatch Logs takes a log group's ARN with or without the `:*` that IAM checks. And a list may hold names beside
        // ARNs: none of either must be lost.
        if (kind.prefix == "logs" || self.mixes_names_and_arns(kind))
            && let Some(found) = names()
        {
            return Some(found);
        }
        let leaves = self.parameters.leaves().iter();
        let values = leaves
            .filter(|leaf| leaf.is_arn && names_a_resource(leaf, kind))
            .map(|leaf| self.parameters.value(leaf));
        if let Some(arns) = pick(kind, among, values) {
            return Some(Found { arns, by: By::Arn });
        }
        let values = self.named();
        if let Some(arns) = pick(kind, among, values) {
            return Some(Found {
                arns,
                by: By::Field,
            });
        }
        names()
    }

    /// Whether one parameter bound to the type holds both: `services` of `DescribeServices` may.
    fn mixes_names_and_arns(&self, kind: &Kind) -> bool {
        let is_arn = |leaf: &Leaf<'a>| leaf.is_arn;
        // The elements of one list stand side by side.
        let mut lists = self.parameters.leaves().chunk_by(|a, b| a.name == b.name);
        lists.any(|list| {
            let mixed = || list.iter().any(is_arn) && !list.iter().all(is_arn);
            list.len() > 1 && mixed() && kind.is_bound(list[0].name)
        })
    }

    /// The access point that an S3 request went through: its ARN stands in the place of the bucket's name, or the name is
    /// an alias and `resources[]` tells the ARN.
    fn access_point(&self, kind: &Kind) -> Option<Found> {
        let bucket = *self.parameters.at("bucketName").first()?;
        let is_arn = |text: &str| {
            ArnParts::parse(text).is_some_and(|arn| arn.resource.starts_with("accesspoint/"))
        };
        let arn = match bucket {
            arn if is_arn(arn) => arn,
            alias if alias.ends_with("-s3alias") => self.named().find(|arn| is_arn(arn))?,
            _ => return None,
        };
        let mut text = escape(arn).into_owned();
        if kind.name == "accesspointobject" {
            text.push_str("/object/");
            text.push_str(&escape(self.parameters.at("key").first()?));
        }
        Some(Found {
            arns: vec![ResourceArn::from_pattern(text)],
            by: By::Names,
        })
    }
}

/// Whether two types' ARNs start with the same word and go on with the same variables, as `listener/app/…` and
/// `listener/net/…` do, and a table and its stream do not.
fn alike(a: &Kind, b: &Kind) -> bool {
    fn shape(kind: &Kind) -> Option<(&'static str, Vec<&'static str>)> {
        let form = kind.forms.first()?;
        let resource = form.text.splitn(6, ':').nth(5)?;
        let variables = form.format.variables().collect();
        Some((resource.split(['/', ':']).next()?, variables))
    }
    shape(a).is_some() && shape(a) == shape(b)
}

/// Whether an ARN in this parameter can be the resource of the call: the parameter is bound to the type, or its name says
/// that it holds an ARN. In a description, an image's tag or a message an ARN is only text.
fn names_a_resource(leaf: &Leaf<'_>, kind: &Kind) -> bool {
    let name = leaf.name;
    let says_arn = || {
        let mut ends = ["arn", "arns", "arnlist", "identifier", "identifiers"].iter();
        ends.any(|end| before(name, end).is_some())
    };
    let of_any_type = || {
        let names = [
            "resource",
            "resources",
            "resourceid",
            "resourceids",
            "resourcename",
        ];
        names.iter().any(|other| name.eq_ignore_ascii_case(other))
    };
    // SageMaker's clusterName may be an ARN, whose id is no name.
    let of_type = || same_name(before(name, "name").unwrap_or(name), kind.name);
    says_arn() || of_any_type() || of_type() || kind.is_bound(name)
}

/// Those ARNs among `values` that have `kind`'s format and no closer fitting one of another type of the same action.
fn pick<'v>(
    kind: &Kind,
    among: &[Kind],
    values: impl Iterator<Item = &'v str>,
) -> Option<Vec<ResourceArn>> {
    let arns: Vec<ResourceArn> = values
        // A shard iterator of DynamoDB begins with the stream's ARN and goes on behind a `|`.
        .filter(|value| value.starts_with("arn:") && !value.contains('|'))
        .filter(|arn| {
            let own = kind.fits(arn);
            own.is_some() && among.iter().all(|other| other.fits(arn) <= own)
        })
        .map(|arn| ResourceArn::from_pattern(escape(arn)))
        .collect();
    (!arns.is_empty()).then_some(arns)
}

/// The partition that a Region belongs to. Source: AWS General Reference, "ARNs", and botocore's `partitions.json`.
#[must_use]
pub fn partition_of(region: &str) -> &'static str {
    match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        r if r.starts_with("us-isob-") => "aws-iso-b",
        r if r.starts_with("us-isof-") => "aws-iso-f",
        r if r.starts_with("us-iso-") => "aws-iso",
        r if r.starts_with("eu-isoe-") => "aws-iso-e",
        r if r.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use crate::cloudtrail::event::Event;
    use crate::usage::memo::Memo;
    use crate::usage::resolve::{Outcome, resolve};

    /// The outcome and the resources of the first need of a user's call, whose `fields` are source, name, error and
    /// parameters in JSON.
    fn resources(fields: &str) -> (Outcome, Vec<String>) {
        let mut text = format!(
            r#"{{"awsRegion": "eu-west-1", "userIdentity": {{"type": "IAMUser", "accountId": "111122223333",
                "arn": "arn:aws:iam::111122223333:user/ann", "userName": "ann"}}, {fields}}}"#
        )
        .into_bytes();
        let tape = simd_json::to_tape(&mut text).unwrap();
        let event = Event::from_value(tape.as_value()).unwrap();
        let resolved = resolve(&event, &mut Memo::default());
        let found = resolved.meaning.needs[0].resources.iter();
        let found = found.map(|arn| arn.as_str().to_owned()).collect();
        (resolved.meaning.outcome, found)
    }

    #[test]
    fn a_default_of_the_service_holds_where_the_whole_request_is_known() {
        let cluster =
            r#""eventSource": "ecs.amazonaws.com", "eventName": "ListContainerInstances", "#;
        let arn = |name| vec![format!("arn:aws:ecs:eu-west-1:111122223333:cluster/{name}")];
        for (rest, outcome, name) in [
            (
                r#""requestParameters": {"cluster": "prod"}"#,
                Outcome::Used,
                "prod",
            ),
            (
                r#""requestParameters": {"maxResults": 5}"#,
                Outcome::Used,
                "default",
            ),
            // Null where there are none, but also where the call failed.
            (r#""requestParameters": null"#, Outcome::Used, "default"),
            (
                r#""requestParameters": null, "errorCode": "AccessDenied""#,
                Outcome::Denied,
                "*",
            ),
            (
                r#""requestParameters": null, "errorCode": "ThrottlingException""#,
                Outcome::Inconclusive,
                "*",
            ),
        ] {
            let found = resources(&format!("{cluster}{rest}"));
            assert_eq!(found, (outcome, arn(name)), "{rest}");
        }
    }

    #[test]
    fn an_arn_rules_out_the_other_types_of_its_like_only() {
        let balancer = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/n/1a";
        let found = resources(&format!(
            r#""eventSource": "elasticloadbalancing.amazonaws.com", "eventName": "SetSubnets",
            "requestParameters": {{"loadBalancerArn": "{balancer}", "subnets": ["subnet-1a2b3c4d"]}}"#
        ));
        assert_eq!(found.1, [balancer]);
        // The association is what the call makes.
        let found = resources(
            r#""eventSource": "ssm.amazonaws.com", "eventName": "CreateAssociation", "requestParameters": {
            "name": "arn:aws:ssm:eu-west-1:111122223333:document/patch", "instanceId": "i-0dbc91f429e48eeed"}"#,
        );
        let association = "arn:aws:ssm:eu-west-1:111122223333:association/*".to_owned();
        assert!(found.1.contains(&association), "{found:?}");
    }

    #[test]
    fn a_failed_call_without_its_parameters_grants_no_wildcard() {
        let call = r#""eventSource": "rds.amazonaws.com", "eventName": "DescribeDBInstances", "#;
        for (rest, outcome) in [
            (r#""requestParameters": null"#, Outcome::Used),
            (
                r#""requestParameters": {}, "errorCode": "DBInstanceNotFound""#,
                Outcome::Used,
            ),
            (
                r#""requestParameters": null, "errorCode": "DBInstanceNotFound""#,
                Outcome::Inconclusive,
            ),
        ] {
            let found = resources(&format!("{call}{rest}"));
            assert_eq!(found, (outcome, vec!["*".to_owned()]), "{rest}");
        }
    }

    #[test]
    fn an_id_of_ec2_is_told_by_its_look_or_by_its_parameter() {
        let call = r#""eventSource": "ec2.amazonaws.com", "eventName": "GetPasswordData", "#;
        for (id, resource) in [
            ("i-0dbc91f429e48eeed", "i-0dbc91f429e48eeed"),
            ("i-EXAMPLE", "i-EXAMPLE"),
            ("i-", "*"),
            ("vol-0dbc91f429e48eeed", "*"),
        ] {
            let found = resources(&format!(
                r#"{call}"requestParameters": {{"instanceId": "{id}"}}"#
            ));
            let arn = format!("arn:aws:ec2:eu-west-1:111122223333:instance/{resource}");
            assert_eq!(found.1, [arn], "{id}");
        }
    }
}
