//! Names for statements that a person reads and that survive a change in usage.

use std::collections::{BTreeMap, BTreeSet};

use crate::generate::layout::Layout;
use crate::generate::minimise::Grant;
use crate::generate::shapes::has_identifier;
use crate::iam::arn::ResourceArn;

/// The most characters of the parts of a Sid: the service, what is done, to what, and the number.
const SERVICE: usize = 20;
const DEED: usize = 36;
const SUBJECT: usize = 24;
const ORDINAL: usize = 8;
/// The longest Sid that [`sids`] makes.
pub(super) const LONGEST: usize = SERVICE + DEED + SUBJECT + ORDINAL;

/// Verbs that change nothing. It only names statements, so a wrong guess grants nothing.
const READING: &[&str] = &[
    "BatchGet",
    "BatchCheck",
    "Check",
    "Describe",
    "Download",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Read",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Validate",
    "View",
];

/// A Sid for each grant, unique among them: the service, what is done and to what, as in `S3ReadArtifacts`, and a number
/// only where two would be the same. Letters and digits only, as the IAM policy grammar demands.
pub(super) fn sids(grants: &[Grant]) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = Vec::with_capacity(grants.len());
    for grant in grants {
        let base = base(grant);
        // Counted on from the last of the same name, so that thousands of them do not each start at two.
        let ordinal = last.entry(base.clone()).or_insert(0);
        *ordinal += 1;
        let mut sid = base.clone();
        while *ordinal > 1 || taken.contains(&sid) {
            sid = format!("{base}{ordinal}");
            if !taken.contains(&sid) {
                break;
            }
            *ordinal += 1;
        }
        taken.insert(sid.clone());
        out.push(sid);
    }
    out
}

fn base(grant: &Grant) -> String {
    let service = grant.actions.first().map_or("", |a| a.service());
    let (deed, anything) = match grant.actions.as_slice() {
        [one] => (camel(one.name(), DEED), ""),
        many => {
            let reads = |name: &str| READING.iter().any(|verb| name.starts_with(verb));
            let reading = many.iter().filter(|a| reads(a.name())).count();
            let deed = match reading {
                0 => "Write",
                n if n == many.len() => "Read",
                _ => "ReadWrite",
            };
            (deed.to_owned(), "All")
        }
    };
    let subject = match grant.resources.as_slice() {
        [one] if one.is_any() => anything.to_owned(),
        resources => camel(subject(resources), SUBJECT),
    };
    // Not `DeleteVpcVpc`.
    let subject = match (deed.ends_with(&subject), passed_to(grant)) {
        (true, Some(service)) => format!("To{}", camel(service, SUBJECT - 2)),
        (true, None) => String::new(),
        (false, _) => subject,
    };
    format!("{}{deed}{subject}", camel(service, SERVICE))
}

/// The one service that roles may be passed to: `ecs-tasks`.
fn passed_to(grant: &Grant) -> Option<&str> {
    let mut conditions = grant.conditions.iter();
    let services = conditions.find(|condition| condition.key == "iam:PassedToService")?;
    match services.values.as_slice() {
        [one] => one.split('.').next(),
        _ => None,
    }
}

/// What the resources have in common: their name, or their type, or nothing.
fn subject(resources: &[ResourceArn]) -> &str {
    let shared = |label: fn(&ResourceArn) -> &str| {
        let mut labels = resources.iter().map(label);
        let first = labels.next().unwrap_or("");
        if labels.all(|other| other == first) {
            first
        } else {
            ""
        }
    };
    match shared(name) {
        "" => shared(kind),
        name => name,
    }
}

/// The bucket of an object; of other resources the last word of the name that is neither a wildcard nor generated.
fn name(resource: &ResourceArn) -> &str {
    let Some(parts) = resource.parts() else {
        return "";
    };
    if parts.service == "s3" && parts.account.is_empty() {
        let bucket = parts.resource.split('/').next().unwrap_or("");
        return bucket.trim_end_matches(['*', '?', '-']);
    }
    let Some(layout) = Layout::of(resource) else {
        return "";
    };
    // Only up to the next colon: what follows is a version, an alias, a stream.
    let end = (layout.first..layout.components.len())
        .skip(1)
        .find(|&i| layout.text.as_bytes()[layout.components[i].start - 1] == b':')
        .unwrap_or(layout.components.len());
    (layout.first..end)
        .rev()
        .map(|i| layout.component(i))
        .map(|name| name.find(['*', '?']).map_or(name, |at| &name[..at]))
        .find(|name| {
            name.contains(|c: char| c.is_ascii_alphabetic())
                && !has_identifier(name)
                && name.len() > 1
        })
        .unwrap_or("")
}

/// `instance` in `instance/i-…`.
fn kind(resource: &ResourceArn) -> &str {
    resource
        .parts()
        .map(|parts| parts.resource.trim_start_matches('/'))
        .and_then(|r| r.find(['/', ':']).map(|at| &r[..at]))
        .unwrap_or("")
}

/// `text` with each word's first letter upper-cased and all but letters and digits left out: as many whole words as
/// `longest` allows, but at least the start of the first one. An upper-case letter behind a lower-case one starts a word.
fn camel(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for run in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut start = 0;
        for end in 1..=run.len() {
            let hump = run.as_bytes()[end - 1].is_ascii_lowercase()
                && run.as_bytes().get(end).is_some_and(u8::is_ascii_uppercase);
            if !hump && end < run.len() {
                continue;
            }
            let word = &run[start..end];
            let fits = out.len() + word.len() <= longest;
            if !fits && !out.is_empty() {
                return out;
            }
            let word = if fits { word } else { &word[..longest] };
            out.push_str(&word[..1].to_ascii_uppercase());
            out.push_str(&word[1..]);
            start = end;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, sids};
    use crate::generate::Part;
    use crate::generate::minimise::Grant;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;

    fn grant(actions: &[&str], resources: &[&str]) -> Grant {
        Grant {
            actions: actions.iter().map(|a| Action::parse(a).unwrap()).collect(),
            resources: resources
                .iter()
                .map(|r| ResourceArn::from_pattern(*r))
                .collect(),
            conditions: Vec::new(),
            part: Part::Recurring,
        }
    }

    #[test]
    fn a_sid_says_service_deed_and_subject() {
        for (actions, resources, expected) in [
            (&["ec2:DescribeVpcs"][..], &["*"][..], "Ec2DescribeVpcs"),
            (
                &["ec2:DescribeVpcs", "ec2:GetConsoleOutput"],
                &["*"],
                "Ec2ReadAll",
            ),
            (
                &["s3:GetObject", "s3:GetObjectTagging"],
                &[
                    "arn:aws:s3:::acme-artifacts/a/*",
                    "arn:aws:s3:::acme-artifacts/b",
                ],
                "S3ReadAcmeArtifacts",
            ),
            (
                &["s3:GetObject"],
                &["arn:aws:s3:::one/a", "arn:aws:s3:::two/b"],
                "S3GetObject",
            ),
            (
                &["ec2:StartInstances", "ec2:StopInstances"],
                &["arn:aws:ec2:eu-west-1:111122223333:instance/*"],
                "Ec2WriteInstance",
            ),
            (
                &["ec2:DeleteVpc"],
                &["arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0"],
                "Ec2DeleteVpc",
            ),
            (
                &["s3:PutAnalyticsConfigurationForEveryBucketThere"],
                &["arn:aws:s3:::a-bucket-with-a-name-of-many-words"],
                "S3PutAnalyticsConfigurationForEveryABucketWithANameOfMany",
            ),
            (
                &["dynamodb:GetItem", "dynamodb:PutItem"],
                &["arn:aws:dynamodb:eu-west-1:111122223333:table/orders"],
                "DynamodbReadWriteOrders",
            ),
            (
                &["kms:Decrypt"],
                &["arn:aws:kms:eu-west-1:111122223333:key/3f2504e0-4f89-11d3-9a0c-0305e82c3301"],
                "KmsDecryptKey",
            ),
            (
                &["logs:CreateLogStream"],
                &["arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/resize:*"],
                "LogsCreateLogStreamResize",
            ),
            (
                &["iam:PassRole"],
                &["arn:aws:iam::111122223333:role/ci/deploy"],
                "IamPassRoleDeploy",
            ),
            (
                &["execute-api:Invoke"],
                &["arn:aws:execute-api:eu-west-1:111122223333:a1b2/prod/GET/orders"],
                "ExecuteApiInvokeOrders",
            ),
        ] {
            assert_eq!(sids(&[grant(actions, resources)]), [expected]);
        }
    }

    #[test]
    fn sids_are_unique_plain_and_short() {
        let long = "arn:aws:iam::1:role/".to_owned() + &"VeryLong".repeat(20);
        let deed = "a-service-prefix-of-length:".to_owned() + &"DoSomething".repeat(11);
        let grants = vec![grant(&[&deed], &[&long]); 300];
        let sids = sids(&grants);
        let distinct: std::collections::BTreeSet<_> = sids.iter().collect();
        assert_eq!(distinct.len(), 300);
        assert!(
            sids.iter().all(|sid| {
                sid.len() <= LONGEST && sid.bytes().all(|b| b.is_ascii_alphanumeric())
            })
        );
    }
}
