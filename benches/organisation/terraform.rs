//! Terraform roles: a workflow plans on working days, which reads all that the state knows of, and applies some of the plans.
//! Each team's things carry the team's name; every other week brings a new one, and some are taken down.

use serde_json::{Value, json};

use crate::aws::{bucket, by_name, items, list_objects, object};
use crate::call::Call;
use crate::moment::{Moment, is_weekend};
use crate::organisation::Organisation;
use crate::rng::Rng;
use crate::who::{DATA, FRANKFURT, GLOBAL, IRELAND, Kind, SHOP, TOOLS, Who};

/// The provider's calls for one type of thing: event and action.
struct Type {
    source: &'static str,
    /// How a call names the thing: a parameter's name, and what it holds.
    named: (&'static str, Name),
    /// The ARN behind service, Region and account.
    service: &'static str,
    prefix: &'static str,
    create: &'static [(&'static str, &'static str)],
    read: &'static [(&'static str, &'static str)],
    update: &'static [(&'static str, &'static str)],
    delete: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy)]
enum Name {
    Plain,
    Url,
    Arn,
}

const QUEUE: Type = Type {
    source: "sqs",
    named: ("queueUrl", Name::Url),
    service: "sqs",
    prefix: "",
    create: &[("CreateQueue", "sqs:CreateQueue")],
    read: &[
        ("GetQueueAttributes", "sqs:GetQueueAttributes"),
        ("ListQueueTags", "sqs:ListQueueTags"),
    ],
    update: &[
        ("SetQueueAttributes", "sqs:SetQueueAttributes"),
        ("TagQueue", "sqs:TagQueue"),
    ],
    delete: &[("DeleteQueue", "sqs:DeleteQueue")],
};
const TOPIC: Type = Type {
    source: "sns",
    named: ("topicArn", Name::Arn),
    service: "sns",
    prefix: "",
    create: &[("CreateTopic", "sns:CreateTopic")],
    read: &[("GetTopicAttributes", "sns:GetTopicAttributes")],
    update: &[("SetTopicAttributes", "sns:SetTopicAttributes")],
    delete: &[("DeleteTopic", "sns:DeleteTopic")],
};
const TABLE: Type = Type {
    source: "dynamodb",
    named: ("tableName", Name::Plain),
    service: "dynamodb",
    prefix: "table/",
    create: &[("CreateTable", "dynamodb:CreateTable")],
    read: &[
        ("DescribeTable", "dynamodb:DescribeTable"),
        (
            "DescribeContinuousBackups",
            "dynamodb:DescribeContinuousBackups",
        ),
        ("DescribeTimeToLive", "dynamodb:DescribeTimeToLive"),
    ],
    update: &[
        ("UpdateTable", "dynamodb:UpdateTable"),
        ("UpdateTimeToLive", "dynamodb:UpdateTimeToLive"),
    ],
    delete: &[("DeleteTable", "dynamodb:DeleteTable")],
};
const FUNCTION: Type = Type {
    source: "lambda",
    named: ("functionName", Name::Plain),
    service: "lambda",
    prefix: "function:",
    create: &[("CreateFunction20150331", "lambda:CreateFunction")],
    read: &[
        ("GetFunction20150331v2", "lambda:GetFunction"),
        (
            "ListVersionsByFunction20150331",
            "lambda:ListVersionsByFunction",
        ),
        ("GetPolicy20150331v2", "lambda:GetPolicy"),
    ],
    update: &[
        ("UpdateFunctionCode20150331v2", "lambda:UpdateFunctionCode"),
        (
            "UpdateFunctionConfiguration20150331v2",
            "lambda:UpdateFunctionConfiguration",
        ),
    ],
    delete: &[("DeleteFunction20150331", "lambda:DeleteFunction")],
};
const ROLE: Type = Type {
    source: "iam",
    named: ("roleName", Name::Plain),
    service: "iam",
    prefix: "role/",
    create: &[
        ("CreateRole", "iam:CreateRole"),
        ("PutRolePolicy", "iam:PutRolePolicy"),
    ],
    read: &[
        ("GetRole", "iam:GetRole"),
        ("ListRolePolicies", "iam:ListRolePolicies"),
        ("ListAttachedRolePolicies", "iam:ListAttachedRolePolicies"),
    ],
    update: &[
        ("PutRolePolicy", "iam:PutRolePolicy"),
        ("TagRole", "iam:TagRole"),
    ],
    delete: &[
        (
            "ListInstanceProfilesForRole",
            "iam:ListInstanceProfilesForRole",
        ),
        ("DeleteRolePolicy", "iam:DeleteRolePolicy"),
        ("DeleteRole", "iam:DeleteRole"),
    ],
};
const LOG_GROUP: Type = Type {
    source: "logs",
    named: ("logGroupName", Name::Plain),
    service: "logs",
    prefix: "log-group:",
    create: &[
        ("CreateLogGroup", "logs:CreateLogGroup"),
        ("PutRetentionPolicy", "logs:PutRetentionPolicy"),
    ],
    read: &[("DescribeMetricFilters", "logs:DescribeMetricFilters")],
    update: &[("PutRetentionPolicy", "logs:PutRetentionPolicy")],
    delete: &[("DeleteLogGroup", "logs:DeleteLogGroup")],
};
const REPOSITORY: Type = Type {
    source: "ecr",
    named: ("repositoryName", Name::Plain),
    service: "ecr",
    prefix: "repository/",
    create: &[("CreateRepository", "ecr:CreateRepository")],
    read: &[
        ("GetRepositoryPolicy", "ecr:GetRepositoryPolicy"),
        ("GetLifecyclePolicy", "ecr:GetLifecyclePolicy"),
    ],
    update: &[
        ("PutLifecyclePolicy", "ecr:PutLifecyclePolicy"),
        ("SetRepositoryPolicy", "ecr:SetRepositoryPolicy"),
    ],
    delete: &[("DeleteRepository", "ecr:DeleteRepository")],
};
const RULE: Type = Type {
    source: "events",
    named: ("name", Name::Plain),
    service: "events",
    prefix: "rule/",
    create: &[("PutRule", "events:PutRule")],
    read: &[("DescribeRule", "events:DescribeRule")],
    update: &[
        ("PutRule", "events:PutRule"),
        ("DisableRule", "events:DisableRule"),
        ("EnableRule", "events:EnableRule"),
    ],
    delete: &[("DeleteRule", "events:DeleteRule")],
};
const BUCKET: Type = Type {
    source: "s3",
    named: ("bucketName", Name::Plain),
    service: "s3",
    prefix: "",
    create: &[
        ("CreateBucket", "s3:CreateBucket"),
        (
            "PutBucketPublicAccessBlock",
            "s3:PutBucketPublicAccessBlock",
        ),
        ("PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ],
    read: &[
        ("GetBucketPolicy", "s3:GetBucketPolicy"),
        ("GetBucketAcl", "s3:GetBucketAcl"),
        ("GetBucketVersioning", "s3:GetBucketVersioning"),
        ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("GetBucketLifecycle", "s3:GetLifecycleConfiguration"),
    ],
    update: &[
        ("PutBucketPolicy", "s3:PutBucketPolicy"),
        ("PutBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ],
    delete: &[("DeleteBucket", "s3:DeleteBucket")],
};

impl Type {
    fn call(&self, who: &Who, (event, action): (&'static str, &'static str), thing: &str) -> Call {
        if self.source == "s3" {
            return bucket(who, event, action, thing);
        }
        let mut parameters = match (event, self.named) {
            ("CreateQueue", _) => json!({ "queueName": thing }),
            ("CreateTopic", _) => json!({ "name": thing }),
            (_, (name, Name::Plain)) => one(name, thing.to_owned()),
            (_, (name, Name::Arn)) => one(name, self.arn(who, thing)),
            (_, (name, Name::Url)) => {
                let url = format!(
                    "https://sqs.{}.amazonaws.com/{}/{thing}",
                    who.region, who.account
                );
                one(name, url)
            }
        };
        if event.ends_with("RolePolicy") {
            parameters["policyName"] = json!("inline");
        }
        let mut call = by_name(self.source, event);
        if event.starts_with("CreateFunction") {
            let role = who.role_arn(thing);
            parameters["role"] = json!(role);
            call = call.passes(role, "lambda.amazonaws.com");
        }
        if self.source == "iam" {
            call = call.region(GLOBAL);
        }
        call.parameters(parameters)
            .needs(action, self.arn(who, thing))
    }

    fn arn(&self, who: &Who, thing: &str) -> String {
        match self.service {
            "iam" => who.role_arn(thing),
            "s3" => format!("arn:aws:s3:::{thing}"),
            "logs" => who.arn("logs", &format!("log-group:{thing}:*")),
            service => who.arn(service, &format!("{}{thing}", self.prefix)),
        }
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let sides = [self.create, self.read, self.update, self.delete];
        sides.into_iter().flatten().copied()
    }
}

fn one(name: &str, value: String) -> Value {
    let mut parameters = json!({});
    parameters[name] = json!(value);
    parameters
}

/// What new things are called, in no order.
const WORDS: [&str; 20] = [
    "retry",
    "audit",
    "digest",
    "archive",
    "refunds",
    "quotes",
    "alerts",
    "loyalty",
    "bulk",
    "partners",
    "replay",
    "preview",
    "translations",
    "labels",
    "stock",
    "returns",
    "vouchers",
    "reviews",
    "wishlist",
    "geo",
];

pub(crate) fn run(organisation: &mut Organisation) {
    let teams: [(&str, &'static str, &'static str, &[Type]); 3] = [
        (
            "payments",
            SHOP,
            FRANKFURT,
            &[QUEUE, TABLE, FUNCTION, ROLE, LOG_GROUP],
        ),
        (
            "insight",
            DATA,
            IRELAND,
            &[BUCKET, TABLE, TOPIC, ROLE, RULE],
        ),
        (
            "platform",
            TOOLS,
            FRANKFURT,
            &[REPOSITORY, ROLE, LOG_GROUP, TOPIC],
        ),
    ];
    for (team, account, region, types) in teams {
        let rng = organisation.rng(&format!("terraform {team}"));
        work(
            organisation,
            team,
            Who::role(
                Kind::Terraform,
                account,
                region,
                "ci/",
                &format!("terraform-{team}"),
            ),
            types,
            rng,
        );
    }
}

/// How a team names a thing of a type.
fn name(team: &str, word: &str, kind: &Type) -> String {
    match kind.service {
        "s3" => format!("acme-{team}-<{word}>"),
        "logs" => format!("/acme/{team}/<{word}>"),
        _ => format!("{team}-<{word}>"),
    }
}

fn work(organisation: &mut Organisation, team: &str, role: Who, types: &[Type], mut rng: Rng) {
    let mut words = WORDS.to_vec();
    // A shuffle: which words come is the seed's doing.
    for last in (1..words.len()).rev() {
        words.swap(last, rng.below(last as u64 + 1) as usize);
    }
    entitle(organisation, team, &role, types);
    // What there is: word and type.
    let mut things: Vec<(&str, &Type)> = Vec::new();
    let mut coming = words.into_iter();
    for word in coming.by_ref().take(3) {
        things.extend(types.iter().map(|kind| (word, kind)));
    }
    let state = format!("acme-terraform-{}", role.account);
    for day in (0..organisation.days).filter(|day| !is_weekend(*day)) {
        let at = Moment::new(day, 9, rng.below(50) as u32);
        let run = format!("tf-{team}-{}", rng.below(1_000_000_000));
        let address = format!("198.51.100.{}", 10 + rng.below(200));
        let mut who = role.session(&mut rng, &run, at, &address);
        who.agent = "APN/1.0 HashiCorp/1.0 Terraform/1.13.1 (+https://www.terraform.io) terraform-provider-aws/6.11.0";
        if day == 0 {
            set_up(organisation, &who, at, &state);
        }
        let applies = rng.chance(35);
        let key = format!("{team}/production.tfstate");
        organisation.record(&who, at, Call::read("sts", "GetCallerIdentity").free());
        organisation.record(&who, at, list_objects(&who, &state, "env:/"));
        let lock = json!({ "LockID": format!("{state}/{key}") });
        organisation.record(
            &who,
            at,
            items(
                &who,
                "PutItem",
                "dynamodb:PutItem",
                "terraform-locks",
                lock.clone(),
            ),
        );
        organisation.record(&who, at.plus(1), object(&who, "GetObject", &state, &key));
        for (word, kind) in &things {
            for read in kind.read {
                organisation.record(
                    &who,
                    at.plus(5),
                    kind.call(&who, *read, &name(team, word, kind)),
                );
            }
        }
        if applies {
            apply(
                organisation,
                &who,
                at.plus(60),
                team,
                &mut things,
                types,
                &mut coming,
                &mut rng,
            );
            organisation.record(&who, at.plus(200), object(&who, "PutObject", &state, &key));
        }
        organisation.record(
            &who,
            at.plus(210),
            items(
                &who,
                "DeleteItem",
                "dynamodb:DeleteItem",
                "terraform-locks",
                lock,
            ),
        );
    }
}

/// A team's role may need all of a type's calls on whatever has the team's name.
fn entitle(organisation: &mut Organisation, team: &str, role: &Who, types: &[Type]) {
    for kind in types {
        for (_, action) in kind.all() {
            organisation.entitle(role, action, &kind.arn(role, &name(team, "any", kind)));
        }
        if kind.service == "lambda" {
            organisation.entitle(
                role,
                "iam:PassRole",
                &role.role_arn(&format!("{team}-<any>")),
            );
        }
    }
}

/// What is done once: the bucket of the state and the table of its locks.
fn set_up(organisation: &mut Organisation, who: &Who, at: Moment, state: &str) {
    for (event, action) in BUCKET.create {
        organisation.record(who, at, bucket(who, event, action, state).once());
    }
    let call = TABLE.call(who, TABLE.create[0], "terraform-locks");
    organisation.record(who, at, call.once());
    let vpc = Call::write("ec2", "CreateVpc")
        .parameters(json!({ "cidrBlock": "10.20.0.0/16", "instanceTenancy": "default" }))
        .response(json!({ "vpc": { "vpcId": "vpc-0a1b2c3d4e5f60718" } }))
        .needs("ec2:CreateVpc", who.arn("ec2", "vpc/*"));
    organisation.record(who, at, vpc.once());
}

/// Something changes; one time in four something new comes, one in ten something goes.
#[expect(clippy::too_many_arguments, reason = "a team's whole state")]
fn apply<'a>(
    organisation: &mut Organisation,
    who: &Who,
    at: Moment,
    team: &str,
    things: &mut Vec<(&'a str, &'a Type)>,
    types: &'a [Type],
    coming: &mut impl Iterator<Item = &'a str>,
    rng: &mut Rng,
) {
    for _ in 0..1 + rng.below(3) {
        let (word, kind) = things[rng.below(things.len() as u64) as usize];
        let update = kind.update[rng.below(kind.update.len() as u64) as usize];
        organisation.record(who, at, kind.call(who, update, &name(team, word, kind)));
    }
    if rng.chance(25)
        && let Some(word) = coming.next()
    {
        // Roles first: what is created may pass them.
        let mut order: Vec<&Type> = types.iter().collect();
        order.sort_by_key(|kind| kind.service != "iam");
        for kind in order {
            for create in kind.create {
                organisation.record(
                    who,
                    at.plus(20),
                    kind.call(who, *create, &name(team, word, kind)),
                );
            }
            for read in kind.read {
                organisation.record(
                    who,
                    at.plus(40),
                    kind.call(who, *read, &name(team, word, kind)),
                );
            }
            things.push((word, kind));
        }
    }
    if rng.chance(10) && things.len() > types.len() {
        let place = rng.below(things.len() as u64) as usize;
        let (word, kind) = things.remove(place);
        for delete in kind.delete {
            organisation.record(
                who,
                at.plus(80),
                kind.call(who, *delete, &name(team, word, kind)),
            );
        }
    }
}
