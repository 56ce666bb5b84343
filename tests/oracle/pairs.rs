//! Random policies and requests out of real action names, from a seed.

use serde_json::{Map, Value, json};

use crate::{Expected, Question, trailfit};

pub(crate) const PRINCIPAL: &str = "arn:aws:iam::111122223333:user/team/ann";

/// Actions with the resources that they can be asked about.
pub(crate) const ACTIONS: &[(&str, &[&str])] = &[
    ("s3:GetObject", OBJECTS),
    ("s3:GetObjectTagging", OBJECTS),
    ("s3:PutObject", OBJECTS),
    ("s3:DeleteObject", OBJECTS),
    ("s3:ListBucket", BUCKETS),
    ("s3:GetBucketLocation", BUCKETS),
    ("s3:ListAllMyBuckets", &["*"]),
    ("sqs:SendMessage", QUEUES),
    ("sqs:ReceiveMessage", QUEUES),
    (
        "sns:Publish",
        &[
            "arn:aws:sns:eu-west-1:111122223333:jobs",
            "arn:aws:sns:us-east-1:111122223333:alerts",
        ],
    ),
    ("ec2:StartInstances", INSTANCES),
    ("ec2:TerminateInstances", INSTANCES),
    (
        "ec2:DeleteVolume",
        &["arn:aws:ec2:eu-west-1:111122223333:volume/vol-0a1"],
    ),
    ("ec2:DescribeInstances", &["*"]),
    ("dynamodb:GetItem", TABLES),
    ("dynamodb:PutItem", TABLES),
    ("dynamodb:ListTables", &["*"]),
    (
        "lambda:InvokeFunction",
        &["arn:aws:lambda:eu-west-1:111122223333:function:resize"],
    ),
    (
        "logs:PutLogEvents",
        &[
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/resize:log-stream:2024/01/[$LATEST]0a1",
        ],
    ),
    ("iam:GetRole", ROLES),
    ("iam:PassRole", ROLES),
    ("sts:AssumeRole", ROLES),
    (
        "kms:Decrypt",
        &["arn:aws:kms:eu-west-1:111122223333:key/0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4"],
    ),
    (
        "secretsmanager:GetSecretValue",
        &["arn:aws:secretsmanager:eu-west-1:111122223333:secret:db/main-AbCdEf"],
    ),
    (
        "ssm:GetParameter",
        &["arn:aws:ssm:eu-west-1:111122223333:parameter/app/db/url"],
    ),
    (
        "ecr:PutImage",
        &["arn:aws:ecr:eu-west-1:111122223333:repository/team/app"],
    ),
];
const OBJECTS: &[&str] = &[
    "arn:aws:s3:::reports/2024/may.csv",
    "arn:aws:s3:::reports/ann/notes (1).txt",
    "arn:aws:s3:::reports-archive/2023/a:b.csv",
    "arn:aws:s3:::builds/app.zip",
];
const ROLES: &[&str] = &[
    "arn:aws:iam::111122223333:role/ci",
    "arn:aws:iam::111122223333:role/team/ci-deploy",
];
const BUCKETS: &[&str] = &[
    "arn:aws:s3:::reports",
    "arn:aws:s3:::reports-archive",
    "arn:aws:s3:::builds",
];
const QUEUES: &[&str] = &[
    "arn:aws:sqs:eu-west-1:111122223333:jobs",
    "arn:aws:sqs:us-east-1:111122223333:jobs-dead",
];
const INSTANCES: &[&str] = &[
    "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1",
    "arn:aws:ec2:us-east-1:111122223333:instance/i-0b2",
];
const TABLES: &[&str] = &[
    "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
    "arn:aws:dynamodb:eu-west-1:111122223333:table/orders-old",
];

/// Condition keys with one value, and what a request may carry under them.
pub(crate) const KEYS: &[(&str, Kind, &[&str])] = &[
    ("aws:username", Kind::Text, &["ann", "Ann", "bob"]),
    (
        "aws:PrincipalTag/team",
        Kind::Text,
        &["blue", "Blue-2", "red"],
    ),
    (
        "aws:RequestedRegion",
        Kind::Text,
        &["eu-west-1", "eu-west-2", "us-east-1"],
    ),
    (
        "aws:MultiFactorAuthAge",
        Kind::Number,
        &["0", "30", "3600", "3600.5"],
    ),
    (
        "aws:TokenIssueTime",
        Kind::Date,
        &[
            "2024-01-01T00:00:00Z",
            "2024-06-30T12:00:00Z",
            "2024-06-30T12:00:01Z",
        ],
    ),
    ("aws:MultiFactorAuthPresent", Kind::Bool, &["true", "false"]),
    (
        "aws:SourceIp",
        Kind::Ip,
        &[
            "203.0.113.7",
            "203.0.113.200",
            "198.51.100.1",
            "2001:db8::7",
        ],
    ),
    (
        "aws:SourceArn",
        Kind::Arn,
        &[
            "arn:aws:sns:eu-west-1:111122223333:jobs",
            "arn:aws:s3:::reports",
            "arn:aws:sns:us-east-1:999999999999:a:b",
        ],
    ),
];

/// What a policy may compare an address with.
const NETWORKS: &[&str] = &[
    "203.0.113.0/24",
    "203.0.113.128/25",
    "203.0.113.7/32",
    "198.51.100.0/23",
    "2001:db8::/32",
    "2001:db8::7/128",
];

/// What the values of a key are.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Number,
    Date,
    Bool,
    Ip,
    Arn,
}

/// splitmix64: the same numbers on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    /// Yes in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// `count` pairs of policies and a request about one resource, and for a tenth of them a family of resources besides,
/// asked about as members.
pub(crate) fn questions(seed: u64, count: usize) -> Vec<Question> {
    let mut random = Random(seed);
    let mut out = Vec::new();
    for index in 0..count {
        let source = format!("seed {seed}, pair {index}");
        let (action, resources) = random.pick(ACTIONS);
        let resource = random.pick(resources);
        let policies: Vec<Value> = (0..1 + random.below(2))
            .map(|_| policy(&mut random, action, resource))
            .collect();
        let context = context(&mut random);
        let line = |resource: &str| {
            json!({
                "policies": policies,
                "request": {"principal": PRINCIPAL, "action": action, "resource": resource, "context": context},
            })
        };
        let asked = line(resource);
        let expected = Expected::Exactly(trailfit(&asked));
        out.push(Question {
            source: source.clone(),
            line: asked,
            expected,
        });
        if resource != "*" && random.chance(10) {
            let family = starred(&mut random, resource);
            let whole = trailfit(&line(&family));
            for _ in 0..4 {
                let member = member(&mut random, &family);
                let expected = match whole.as_str() {
                    "allowed" => Expected::AllowedAsFamily,
                    "explicitlyDenied" => break,
                    _ => Expected::NotDeniedAsFamily,
                };
                out.push(Question {
                    source: format!("{source}, one of {family}, which is {whole}"),
                    line: line(&member),
                    expected,
                });
            }
        }
    }
    out
}

pub(crate) fn policy(random: &mut Random, action: &str, resource: &str) -> Value {
    let statements: Vec<Value> = (0..1 + random.below(3))
        .map(|_| statement(random, action, resource))
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A statement that has a good chance to speak of `action` and `resource`.
pub(crate) fn statement(random: &mut Random, action: &str, resource: &str) -> Value {
    let mut out = Map::new();
    let effect = if random.chance(70) { "Allow" } else { "Deny" };
    out.insert("Effect".into(), effect.into());
    let negated = random.chance(12);
    let actions: Vec<String> = (0..1 + random.below(2))
        .map(|_| {
            let near = random.chance(if negated { 30 } else { 80 });
            let action = if near { action } else { random.pick(ACTIONS).0 };
            action_pattern(random, action)
        })
        .collect();
    out.insert(
        if negated { "NotAction" } else { "Action" }.into(),
        json!(actions),
    );
    let negated = random.chance(12);
    let resources: Vec<String> = (0..1 + random.below(2))
        .map(|_| {
            let near = random.chance(if negated { 30 } else { 80 });
            let resource = if near {
                resource
            } else {
                random.pick(random_resources(action))
            };
            resource_pattern(random, resource, negated)
        })
        .collect();
    out.insert(
        if negated { "NotResource" } else { "Resource" }.into(),
        json!(resources),
    );
    if random.chance(40) {
        let mut condition = Map::new();
        for _ in 0..1 + random.below(2) {
            let (operator, key, values) = condition_line(random);
            condition.insert(operator, json!({ (key): values }));
        }
        out.insert("Condition".into(), condition.into());
    }
    Value::Object(out)
}

fn random_resources(action: &str) -> &'static [&'static str] {
    let service = action.split(':').next().unwrap_or_default();
    let same = ACTIONS.iter().rev().find(|(a, _)| a.starts_with(service));
    same.map_or(OBJECTS, |(_, resources)| resources)
}

pub(crate) fn action_pattern(random: &mut Random, action: &str) -> String {
    let (service, name) = action.split_once(':').unwrap();
    match random.below(8) {
        0 => "*".to_owned(),
        1 => format!("{service}:*"),
        2 => format!("{service}:{}*", &name[..1 + random.below(name.len() - 1)]),
        3 => format!("{service}:*{}", &name[random.below(name.len())..]),
        4 => action.to_ascii_lowercase(),
        5 => {
            let at = random.below(name.len());
            format!("{service}:{}?{}", &name[..at], &name[at + 1..])
        }
        _ => action.to_owned(),
    }
}

/// Where the part of `resource` begins in which a wildcard may stand: behind the resource's type.
fn free_part(resource: &str) -> usize {
    let start = resource
        .match_indices(':')
        .nth(4)
        .map_or(0, |(at, _)| at + 1);
    if resource.starts_with("arn:aws:s3:::") {
        return start;
    }
    resource[start..]
        .find([':', '/'])
        .map_or(start, |at| start + at + 1)
}

/// A pattern made from `resource`; for `NotResource` neither a short ARN nor a variable, of which the judges differ.
pub(crate) fn resource_pattern(random: &mut Random, resource: &str, negated: bool) -> String {
    if resource == "*" || random.chance(15) {
        return "*".to_owned();
    }
    let mut out = match random.below(7) {
        0..=2 => starred(random, resource),
        3 => {
            let start = free_part(resource);
            let at = start + random.below(resource.len() - start);
            format!("{}?{}", &resource[..at], &resource[at + 1..])
        }
        4 if !negated => {
            let fields: Vec<&str> = resource.split(':').take(3 + random.below(3)).collect();
            fields.join(":") + if random.chance(50) { ":*" } else { "" }
        }
        5 if !negated && resource.contains("ann/") => {
            return resource.replace("ann/", "${aws:username}/");
        }
        5 if !negated => {
            let start = free_part(resource);
            return format!("{}${{aws:PrincipalTag/team, 'x'}}*", &resource[..start]);
        }
        _ => resource.to_owned(),
    };
    if random.chance(30) {
        out = out.replacen("eu-west-1", "*", 1);
    }
    if random.chance(20) {
        out = out.replacen(":111122223333:", ":*:", 1);
    }
    if random.chance(5) {
        out = out.replacen("111122223333", "999999999999", 1);
    }
    out
}

/// `resource` with a run of its characters turned into a star.
fn starred(random: &mut Random, resource: &str) -> String {
    let start = free_part(resource);
    let from = start + random.below(resource.len() - start);
    let to = if random.chance(50) {
        resource.len()
    } else {
        from + random.below(resource.len() - from + 1)
    };
    format!("{}*{}", &resource[..from], &resource[to..])
}

/// `family` with something in the place of its star.
fn member(random: &mut Random, family: &str) -> String {
    let run: String = (0..random.below(6))
        .map(|_| random.pick(&['a', 'x', '/', '-', '2', '4', '.']))
        .collect();
    family.replacen('*', &run, 1)
}

/// An operator, a key and values. No operator is paired with a key of another type.
pub(crate) fn condition_line(random: &mut Random) -> (String, &'static str, Vec<String>) {
    if random.chance(20) {
        let operator = random.pick(&[
            "ForAllValues:StringEquals",
            "ForAllValues:StringLike",
            "ForAllValues:StringNotEquals",
            "ForAllValues:StringEqualsIgnoreCase",
            "ForAnyValue:StringEquals",
            "ForAnyValue:StringLike",
            "ForAnyValue:StringNotEquals",
        ]);
        let values = random.pick(&[
            &["Owner"][..],
            &["Owner", "Stage"],
            &["O*", "Stage"],
            &["cost"],
        ]);
        return (operator.to_owned(), "aws:TagKeys", owned(values));
    }
    let (key, kind, values) = random.pick(KEYS);
    if random.chance(10) {
        return (
            "Null".to_owned(),
            key,
            owned(&[random.pick(&["true", "false"])]),
        );
    }
    let operators: &[&str] = match kind {
        Kind::Text => &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        Kind::Number => &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        Kind::Date => &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        Kind::Bool => &["Bool"],
        Kind::Ip => &["IpAddress", "NotIpAddress"],
        Kind::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    };
    let operator = random.pick(operators);
    let wanted: Vec<String> = (0..1 + random.below(2))
        .map(|_| {
            let value = random.pick(values);
            match kind {
                Kind::Text if operator.ends_with("Like") && random.chance(70) => {
                    let at = random.below(value.len());
                    format!("{}{}", &value[..at], random.pick(&["*", "?", "*?"]))
                }
                Kind::Ip => random.pick(NETWORKS).to_owned(),
                Kind::Arn => arn_value(random, value),
                _ => value.to_owned(),
            }
        })
        .collect();
    let if_exists = if random.chance(25) { "IfExists" } else { "" };
    (format!("{operator}{if_exists}"), key, wanted)
}

fn arn_value(random: &mut Random, value: &str) -> String {
    match random.below(4) {
        0 => value.replacen("111122223333", "*", 1),
        1 => value.replacen("eu-west-1", "eu-*", 1),
        2 => format!("{}*", &value[..value.len() - 1 - random.below(3)]),
        _ => value.to_owned(),
    }
}

fn owned(values: &[&str]) -> Vec<String> {
    values.iter().map(|v| (*v).to_owned()).collect()
}

pub(crate) fn context(random: &mut Random) -> Value {
    let mut out = Map::new();
    for (key, _, values) in KEYS {
        if random.chance(60) {
            out.insert((*key).to_owned(), json!([random.pick(values)]));
        }
    }
    if random.chance(60) {
        let tags = random.pick(&[
            &["Owner"][..],
            &["Owner", "Stage"],
            &["owner"],
            &["Other", "Stage"],
        ]);
        out.insert("aws:TagKeys".to_owned(), json!(tags));
    }
    out.into()
}
