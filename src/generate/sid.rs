//! Names for statements that a person reads and that survive a change in usage.
//!
//! `S3ReadArtifacts`: the service, what is done, and to what. The subject is what all resources have in common: a name, the words
//! that their names begin with, a folder, or else their type. Where several statements would have one name, each is told by the
//! first thing beside it in which they differ: the folder above, the whole path, the Region, … So a statement's Sid follows from
//! the statement, and changes with no other one, but for those that would be called the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::action::AccessLevel;
use crate::generate::Part;
use crate::generate::facts;
use crate::generate::layout::Layout;
use crate::generate::minimise::Grant;
use crate::generate::shapes::{has_identifier, is_ec2_id};
use crate::iam::action::Action;
use crate::iam::arn::{ArnParts, ResourceArn};

/// The most characters of the parts of a Sid: what it is for, the service, what is done, to what, and the number.
const PART: usize = 8;
const SERVICE: usize = 20;
const DEED: usize = 36;
const SUBJECT: usize = 32;
/// … where a plain one is not enough.
const LONG_SUBJECT: usize = 40;
const ORDINAL: usize = 8;
/// The longest Sid that [`sids`] makes.
pub(super) const LONGEST: usize = PART + SERVICE + DEED + LONG_SUBJECT + ORDINAL;

/// The most characters of an identifier.
const ID: usize = 8;

/// The fewest letters and digits that names must begin with together to be called by that.
const STEM: usize = 3;

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

/// A Sid for each grant, unique among them. Letters and digits only, as the IAM policy grammar demands. A number stands behind it
/// only where nothing else tells two grants apart.
pub(super) fn sids(grants: &[Grant]) -> Vec<String> {
    let names: &[Names] = &grants.iter().map(Names::of).collect::<Vec<_>>();
    let mut sids: Vec<String> = names.iter().map(|names| names.with(&names.plain)).collect();
    let mut alike: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, sid) in sids.iter().enumerate() {
        alike.entry(sid).or_default().push(at);
    }
    let mut told: Vec<(usize, String)> = Vec::new();
    for group in alike.values().filter(|group| group.len() > 1) {
        let aspects: Vec<_> = group.iter().map(|&at| names[at].aspects()).collect();
        let by = |aspect: usize| {
            let members = group.iter().zip(&aspects);
            members.map(move |(&at, aspects)| names[at].told(&aspects[aspect]))
        };
        let different = |aspect: &usize| by(*aspect).collect::<BTreeSet<String>>().len();
        // The first of those that tell most of them apart.
        let best = (0..ASPECTS).rev().max_by_key(different);
        let best = best.filter(|aspect| different(aspect) > 1);
        if let Some(aspect) = best {
            told.extend(group.iter().copied().zip(by(aspect)));
        }
    }
    for (at, sid) in told {
        sids[at] = sid;
    }
    numbered(sids.into_iter())
}

/// `names`, with a number behind each that was there before.
fn numbered(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for name in names {
        // Counted on from the last of the same name, so that thousands of them do not each start at two.
        let ordinal = last.entry(name.clone()).or_insert(0);
        *ordinal += 1;
        let mut sid = name.clone();
        while *ordinal > 1 || taken.contains(&sid) {
            sid = format!("{name}{ordinal}");
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

/// What a grant is called.
struct Names<'g> {
    grant: &'g Grant,
    shared: Shared<'g>,
    /// What it is for, the service, what is done.
    head: String,
    /// To what.
    plain: String,
}

const ASPECTS: usize = 10;

impl<'g> Names<'g> {
    fn of(grant: &'g Grant) -> Self {
        let part = match grant.part {
            Part::Recurring => "",
            Part::OneOff => "OneOff",
            Part::Inferred => "Inferred",
        };
        let service = grant.actions.first().map_or("", Action::service);
        let service = match grant.actions.iter().all(|a| a.service() == service) {
            true => camel(service, SERVICE),
            false => "Services".to_owned(),
        };
        let deed = deed(&grant.actions);
        let shared = Shared::of(&grant.resources);
        let plain = plain(grant, &shared, &deed);
        Self {
            head: format!("{part}{service}{deed}"),
            // Not `DeleteVpcVpc`.
            plain: match deed.ends_with(&plain) || service == plain {
                true => String::new(),
                false => plain,
            },
            grant,
            shared,
        }
    }

    fn with(&self, subject: &str) -> String {
        format!("{}{subject}", self.head)
    }

    /// The name by one of the aspects, or the plain one.
    fn told(&self, aspect: &str) -> String {
        match aspect {
            "" => self.with(&self.plain),
            subject => self.with(subject),
        }
    }

    /// To what, by more of it or by what stands beside it, the plainest first; empty where there is none.
    fn aspects(&self) -> [String; ASPECTS] {
        aspects(self.grant, &self.shared)
    }
}

/// What is done: the one action, or the kind of access that several give.
fn deed(actions: &[Action]) -> String {
    if let [one] = actions {
        return camel(one.name(), DEED);
    }
    let levels: BTreeSet<AccessLevel> = actions.iter().map(level).collect();
    let has = |level| levels.contains(&level);
    let reads = has(AccessLevel::List) || has(AccessLevel::Read);
    let changes = match () {
        () if has(AccessLevel::PermissionsManagement) => "Manage",
        () if has(AccessLevel::Write) => "Write",
        () if has(AccessLevel::Tagging) => "Tag",
        () => "",
    };
    format!("{}{changes}", if reads { "Read" } else { "" })
}

/// The access level, or a guess by the name.
fn level(action: &Action) -> AccessLevel {
    let reads = || READING.iter().any(|verb| action.name().starts_with(verb));
    match facts::of(action) {
        Some(facts) => facts.level(),
        None if reads() => AccessLevel::Read,
        None => AccessLevel::Write,
    }
}

/// What it is done to, if a statement on that alone can be told by it.
fn plain(grant: &Grant, shared: &Shared<'_>, deed: &str) -> String {
    match grant.resources.as_slice() {
        [one] if one.is_any() && grant.actions.len() == 1 => return String::new(),
        [one] if one.is_any() => return "All".to_owned(),
        _ => {}
    }
    // Roles come and go; what they are passed to stays.
    if let Some(service) = passed_to(grant) {
        return format!("To{}", camel(service, SUBJECT - 2));
    }
    match shared.label() {
        label if label.is_empty() => shared.kinds(deed),
        label => label,
    }
}

/// What else may tell it from others.
fn aspects(grant: &Grant, shared: &Shared<'_>) -> [String; ASPECTS] {
    let label = match shared.label() {
        label if label.is_empty() => camel(shared.kind, SUBJECT),
        label => label,
    };
    let beside = |more: &str| match camel(more, LONG_SUBJECT - label.len()) {
        more if more.is_empty() => String::new(),
        more => format!("{label}{more}"),
    };
    let first = grant
        .resources
        .first()
        .map(ResourceArn::as_str)
        .unwrap_or_default();
    let and_more = match grant.resources.as_slice() {
        [first, _, ..] => Shared::of(std::slice::from_ref(first)).last(),
        _ => "",
    };
    let and_more = match camel(and_more, SUBJECT) {
        first if first.is_empty() => first,
        first => format!("{first}AndMore"),
    };
    let conditions = grant.conditions.iter().map(|condition| &*condition.key);
    let conditions = conditions
        .filter_map(|key| key.split_once(':'))
        .map(|(_, key)| key);
    let conditions = conditions.collect::<Vec<_>>().join("-");
    // The beginning of what alone tells two keys apart.
    let id = first
        .rsplit(['/', ':'])
        .find(|id| !id.is_empty())
        .unwrap_or("");
    let id = match id.split_once('-') {
        Some((_, id_of_kind)) if is_ec2_id(id) => id_of_kind,
        _ => id,
    };
    let id: String = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(ID)
        .collect();
    let id = match first.ends_with('*') {
        true => "Any",
        false => &id,
    };
    [
        shared.with_parent(),
        camel(&shared.path(), LONG_SUBJECT),
        beside(shared.last()),
        and_more,
        beside(shared.kind),
        beside(shared.region),
        beside(shared.account),
        beside(&conditions),
        beside(id),
        beside(grant.actions.last().map_or("", Action::name)),
    ]
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

/// Services whose resources are known by the first part of their names, the bucket or the table, and not by the last.
const BY_FIRST: &[&str] = &["dynamodb", "s3"];

/// Services whose resources are known by their whole path.
const BY_PATH: &[&str] = &["secretsmanager", "ssm"];

/// What resources have in common.
struct Shared<'a> {
    service: &'a str,
    region: &'a str,
    account: &'a str,
    /// `instance` in `instance/i-…`.
    kind: &'a str,
    /// The parts that all names begin with, and then the words that the next part of all begins with.
    names: Vec<&'a str>,
    /// Whether there is more than one, or a pattern for more.
    several: bool,
}

impl<'a> Shared<'a> {
    fn of(resources: &'a [ResourceArn]) -> Self {
        let parts: Vec<_> = resources.iter().map(ResourceArn::parts).collect();
        let field = |field: fn(&ArnParts<'a>) -> &'a str| {
            let mut fields = parts.iter().map(|parts| parts.as_ref().map_or("", field));
            let first = fields.next().unwrap_or("");
            if fields.all(|other| other == first) {
                first
            } else {
                ""
            }
        };
        let mut paths = resources.iter().map(path);
        let mut names = paths.next().unwrap_or_default();
        for path in paths {
            let same = names.iter().zip(&path).take_while(|(a, b)| a == b).count();
            if same < names.len() {
                let stem = path
                    .get(same)
                    .map_or("", |other| common_words(names[same], other));
                names.truncate(same);
                names.extend((!stem.is_empty()).then_some(stem));
            }
            if names.is_empty() {
                break;
            }
        }
        Self {
            service: field(|parts| parts.service),
            region: field(|parts| parts.region),
            account: field(|parts| parts.account),
            kind: field(kind),
            names,
            several: resources.len() > 1
                || resources
                    .iter()
                    .any(|each| each.as_str().contains(['*', '?'])),
        }
    }

    /// What a person would call the resources; empty where they have no name in common.
    fn label(&self) -> String {
        let names = match self.service {
            service if BY_FIRST.contains(&service) => self.names.first().copied(),
            service if BY_PATH.contains(&service) => return camel(&self.path(), SUBJECT),
            _ => self.names.last().copied(),
        };
        camel(names.unwrap_or(""), SUBJECT)
    }

    /// The same with the part of the name beside it.
    fn with_parent(&self) -> String {
        let names = match self.names.as_slice() {
            [first, second, ..] if BY_FIRST.contains(&self.service) => [*first, *second],
            [.., first, second] => [*first, *second],
            _ => return String::new(),
        };
        camel(&names.join("-"), LONG_SUBJECT)
    }

    fn path(&self) -> String {
        self.names.join("-")
    }

    fn last(&self) -> &'a str {
        self.names.last().copied().unwrap_or("")
    }

    /// `Instances`, or nothing where `deed` says that.
    fn kinds(&self, deed: &str) -> String {
        let kind = camel(self.kind, SUBJECT - 2);
        match self.several {
            _ if deed.contains(&kind) => String::new(),
            true => plural(kind),
            false => kind,
        }
    }
}

fn plural(noun: String) -> String {
    match noun.as_bytes() {
        [.., b'a' | b'e' | b'o' | b'u', b'y'] => noun + "s",
        [rest @ .., b'y'] => format!("{}ies", &noun[..rest.len()]),
        [.., b's' | b'x'] | [.., b'c' | b's', b'h'] => noun + "es",
        _ => noun + "s",
    }
}

/// The parts of a resource's name that are neither wildcards nor generated: bucket and folders, cluster and service.
fn path(resource: &ResourceArn) -> Vec<&str> {
    let Some(parts) = resource.parts() else {
        return Vec::new();
    };
    let literal = |name: &'_ str| name.find(['*', '?']).unwrap_or(name.len());
    if parts.service == "s3" && parts.account.is_empty() {
        let names = parts.resource.split('/');
        let names = names.map(|name| &name[..literal(name)]);
        return names.filter(|name| !name.is_empty()).collect();
    }
    let Some(layout) = Layout::of(resource) else {
        return Vec::new();
    };
    // Only up to the next colon: what follows is a version, an alias, a stream.
    let end = (layout.first..layout.components.len())
        .skip(1)
        .find(|&i| layout.text.as_bytes()[layout.components[i].start - 1] == b':')
        .unwrap_or(layout.components.len());
    let names = (layout.first..end).map(|i| &resource.as_str()[layout.components[i].clone()]);
    let names = names.map(|name| &name[..literal(name)]);
    names
        .filter(|name| {
            name.contains(|c: char| c.is_ascii_alphabetic())
                && !has_identifier(name)
                && name.len() > 1
        })
        .collect()
}

/// `instance` in `instance/i-…`.
fn kind<'a>(parts: &ArnParts<'a>) -> &'a str {
    let text = parts.resource.trim_start_matches('/');
    match text.find(['/', ':']) {
        Some(_) if parts.service == "s3" && parts.account.is_empty() => "object",
        None if parts.service == "s3" && parts.account.is_empty() => "bucket",
        end => &text[..end.unwrap_or(0)],
    }
}

/// The whole words that both begin with, if these are long enough to tell anything.
fn common_words<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let letter = |text: &str, at: usize| text.as_bytes().get(at).copied().unwrap_or(b'-');
    let ends = |text: &str, at: usize| {
        let (before, behind) = (letter(text, at - 1), letter(text, at));
        !before.is_ascii_alphanumeric()
            || !behind.is_ascii_alphanumeric()
            || before.is_ascii_lowercase() && behind.is_ascii_uppercase()
    };
    let fits = |at: &usize| a.is_char_boundary(*at) && ends(a, *at) && ends(b, *at);
    let end = (1..=same).rev().find(fits).unwrap_or(0);
    let stem = a[..end].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let letters = stem.bytes().filter(u8::is_ascii_alphanumeric).count();
    if letters < STEM { "" } else { stem }
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
    use proptest::prelude::{prop, proptest};

    use super::{LONGEST, common_words, sids};
    use crate::generate::Part;
    use crate::generate::minimise::Grant;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::condition::Condition;

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
                "Ec2WriteInstances",
            ),
            (
                &["ec2:DeleteVpc"],
                &["arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0"],
                "Ec2DeleteVpc",
            ),
            (
                &["s3:PutAnalyticsConfigurationForEveryBucketThere"],
                &["arn:aws:s3:::a-bucket-with-a-name-of-many-words"],
                "S3PutAnalyticsConfigurationForEveryABucketWithANameOfManyWords",
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
                &["iam:CreateRole", "iam:PutRolePolicy"],
                &["arn:aws:iam::111122223333:role/ci/deploy"],
                "IamManageDeploy",
            ),
            (
                &["iam:TagPolicy", "iam:TagRole"],
                &[
                    "arn:aws:iam::111122223333:policy/deploy",
                    "arn:aws:iam::111122223333:role/deploy",
                ],
                "IamTagDeploy",
            ),
            (
                &["logs:CreateLogGroup"],
                &[
                    "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/order-processor:*",
                    "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/order-reconciler:*",
                ],
                "LogsCreateLogGroupOrder",
            ),
            (
                &["ecs:DescribeServices", "ecs:UpdateService"],
                &[
                    "arn:aws:ecs:eu-west-1:111122223333:service/production/api",
                    "arn:aws:ecs:eu-west-1:111122223333:service/production/web",
                ],
                "EcsReadWriteProduction",
            ),
            (
                &["ecr:InitiateLayerUpload", "ecr:PutImage"],
                &[
                    "arn:aws:ecr:eu-west-1:111122223333:repository/api",
                    "arn:aws:ecr:eu-west-1:111122223333:repository/web",
                ],
                "EcrWriteRepositories",
            ),
            (
                &["secretsmanager:GetSecretValue"],
                &["arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/orders/db-??????"],
                "SecretsmanagerGetSecretValueProdOrdersDb",
            ),
            (
                &["cloudwatch:DescribeAlarms"],
                &["arn:aws:cloudwatch:eu-west-1:111122223333:alarm:*"],
                "CloudwatchDescribeAlarms",
            ),
            (
                &["dynamodb:Query"],
                &[
                    "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
                    "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/by-day",
                ],
                "DynamodbQueryOrders",
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
    fn a_sid_says_what_the_statement_is_for() {
        let queue = ["arn:aws:sqs:eu-west-1:111122223333:orders"];
        let of = |part| Grant {
            part,
            ..grant(&["sqs:CreateQueue"], &queue)
        };
        assert_eq!(
            sids(&[of(Part::Recurring), of(Part::OneOff), of(Part::Inferred)]),
            [
                "SqsCreateQueueOrders",
                "OneOffSqsCreateQueueOrders",
                "InferredSqsCreateQueueOrders"
            ]
        );
    }

    #[test]
    fn a_role_is_passed_to_a_service() {
        let passed = Grant {
            conditions: vec![Condition {
                operator: "StringEqualsIfExists",
                key: "iam:PassedToService".into(),
                values: vec!["ecs-tasks.amazonaws.com".to_owned()],
            }],
            ..grant(&["iam:PassRole"], &["arn:aws:iam::111122223333:role/web"])
        };
        assert_eq!(sids(&[passed]), ["IamPassRoleToEcsTasks"]);
    }

    #[test]
    fn what_would_be_called_the_same_is_told_by_more_of_its_name() {
        let get = &["s3:GetObject", "s3:GetObjectTagging"];
        for (of, expected) in [
            (
                [
                    grant(get, &["arn:aws:s3:::data/in/*"]),
                    grant(get, &["arn:aws:s3:::data/out/*"]),
                ],
                ["S3ReadDataIn", "S3ReadDataOut"],
            ),
            (
                [
                    grant(get, &["arn:aws:s3:::data/a/b/c/d/*"]),
                    grant(get, &["arn:aws:s3:::data/a/b/c/e/*"]),
                ],
                ["S3ReadDataABCD", "S3ReadDataABCE"],
            ),
            (
                [
                    grant(
                        &["sqs:SendMessage"],
                        &["arn:aws:sqs:eu-west-1:111122223333:jobs"],
                    ),
                    grant(
                        &["sqs:SendMessage"],
                        &["arn:aws:sqs:us-east-1:111122223333:jobs"],
                    ),
                ],
                ["SqsSendMessageJobsEuWest1", "SqsSendMessageJobsUsEast1"],
            ),
            (
                [
                    grant(
                        &["ecr:PutImage"],
                        &[
                            "arn:aws:ecr:eu-west-1:111122223333:repository/api",
                            "arn:aws:ecr:eu-west-1:111122223333:repository/web",
                        ],
                    ),
                    grant(
                        &["ecr:PutImage"],
                        &[
                            "arn:aws:ecr:eu-west-1:111122223333:repository/docs",
                            "arn:aws:ecr:eu-west-1:111122223333:repository/jobs",
                        ],
                    ),
                ],
                ["EcrPutImageApiAndMore", "EcrPutImageDocsAndMore"],
            ),
            (
                [
                    grant(
                        &["kms:Decrypt", "kms:Encrypt"],
                        &[
                            "arn:aws:kms:eu-west-1:111122223333:key/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                        ],
                    ),
                    grant(
                        &["kms:Decrypt", "kms:GenerateDataKey"],
                        &[
                            "arn:aws:kms:eu-west-1:111122223333:key/4f2504e0-4f89-11d3-9a0c-1305e82c3301",
                        ],
                    ),
                ],
                ["KmsWriteKey3f2504e0", "KmsWriteKey4f2504e0"],
            ),
            (
                [
                    grant(
                        &["ec2:CreateSnapshot", "ec2:CreateTags"],
                        &["arn:aws:ec2:eu-west-1::snapshot/*"],
                    ),
                    grant(
                        &["ec2:CopySnapshot", "ec2:DeleteSnapshot"],
                        &[
                            "arn:aws:ec2:eu-west-1::snapshot/snap-0aaaaaaaaaaaaaaaa",
                            "arn:aws:ec2:eu-west-1::snapshot/snap-0bbbbbbbbbbbbbbbb",
                        ],
                    ),
                ],
                ["Ec2WriteSnapshotAny", "Ec2WriteSnapshot0aaaaaaa"],
            ),
            (
                [
                    grant(get, &["arn:aws:s3:::data/in/*"]),
                    grant(get, &["arn:aws:s3:::other/in/*"]),
                ],
                ["S3ReadData", "S3ReadOther"],
            ),
        ] {
            assert_eq!(sids(&of), expected);
            // Their order does not matter.
            let [a, b] = of;
            assert_eq!(sids(&[b, a]), [expected[1], expected[0]]);
        }
    }

    #[test]
    fn names_are_called_by_the_words_they_begin_with() {
        for (a, b, expected) in [
            ("order-processor", "order-reconciler", "order"),
            ("OrderProcessor", "OrderReconciler", "Order"),
            ("preview-142", "preview-143", "preview"),
            ("orders", "orders-api", "orders"),
            ("order", "orders", ""),
            ("db-a", "db-b", ""),
            ("\u{e9}t\u{e9}-a", "\u{e9}t\u{ea}-a", ""),
        ] {
            assert_eq!(common_words(a, b), expected, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn sids_are_unique_and_follow_from_the_grants(
            shapes in prop::collection::vec((0..3_usize, prop::collection::vec(0..9_usize, 1..4), prop::bool::ANY), 1..12),
        ) {
            const ACTIONS: [&[&str]; 3] = [&["s3:GetObject", "s3:GetObjectAcl"], &["s3:PutObject"], &["s3:GetObject"]];
            const KEYS: [&str; 9] = ["a/b/c", "a/b/d", "a/*", "b", "b/*/c", "long-name/with/é", "long-name/x", "", "*"];
            let grants: Vec<Grant> = shapes
                .iter()
                .map(|(actions, keys, one_off)| {
                    let keys: Vec<String> = keys.iter().map(|key| format!("arn:aws:s3:::{}", KEYS[*key])).collect();
                    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                    let part = if *one_off { Part::OneOff } else { Part::Recurring };
                    Grant { part, ..grant(ACTIONS[*actions], &keys) }
                })
                .collect();
            let found = sids(&grants);
            let distinct: std::collections::BTreeSet<&String> = found.iter().collect();
            assert_eq!(distinct.len(), grants.len());
            assert!(found.iter().all(|sid| sid.len() <= LONGEST && sid.bytes().all(|b| b.is_ascii_alphanumeric())));
            // Another service's statements rename none.
            let mut more = vec![grant(&["sqs:SendMessage"], &["arn:aws:sqs:eu-west-1:111122223333:a"]); 2];
            more.extend(grants);
            assert_eq!(sids(&more)[2..], found);
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
