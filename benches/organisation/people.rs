//! People on call, behind one permission set in three accounts: quiet for days, then they look everywhere and mend something.

use serde_json::{Value, json};

use crate::aws::{
    by_name, ecs_service, function, items, list_objects, log_group, object, plain_call, queue,
};
use crate::call::Call;
use crate::moment::Moment;
use crate::organisation::Organisation;
use crate::rng::Rng;
use crate::who::{DATA, FRANKFURT, IRELAND, Kind, SHOP, TOOLS, Who};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0";
const PEOPLE: [(&str, &str); 4] = [
    ("maria.lopez@example.com", "203.0.113.61"),
    ("jonas.brandt@example.com", "203.0.113.62"),
    ("aiko.tanaka@example.com", "203.0.113.77"),
    ("samir.haddad@example.com", "203.0.113.80"),
];

pub(crate) fn run(organisation: &mut Organisation) {
    for (account, region, things) in [
        (
            SHOP,
            FRANKFURT,
            &[
                "orders",
                "invoices",
                "storefront",
                "fulfilment",
                "pricing",
                "profile",
                "search",
                "mail",
            ][..],
        ),
        (
            DATA,
            IRELAND,
            &["enrichment", "ingest", "lake", "reports", "clicks"][..],
        ),
        (
            TOOLS,
            FRANKFURT,
            &["runner", "registry", "design-system"][..],
        ),
    ] {
        let suffix = Rng::new(account.bytes().map(u64::from).sum()).hex(16);
        let name = format!("AWSReservedSSO_OnCall_{suffix}");
        let path = "aws-reserved/sso.amazonaws.com/eu-central-1/";
        let mut who = Who::role(Kind::OnCall, account, region, path, &name);
        who.agent = BROWSER;
        on_call(organisation, &who, things);
    }
}

fn on_call(organisation: &mut Organisation, set: &Who, things: &[&str]) {
    let mut rng = organisation.rng(&format!("on call {}", set.account));
    let instances: Vec<String> = (0..6).map(|_| format!("i-0{}", rng.hex(16))).collect();
    let busy = if set.account == SHOP { 30 } else { 15 };
    for day in 0..organisation.days {
        let (person, address) = PEOPLE[day as usize / 7 % PEOPLE.len()];
        // A look at the start of a shift on most days, an incident on some.
        let glance = day % 7 < 5 && rng.chance(60);
        if glance {
            let at = Moment::new(day, 8, rng.below(50) as u32);
            let who = set.session(&mut rng, person, at, address);
            look(organisation, &who, at, &mut rng);
        }
        if rng.chance(busy) {
            let hour = rng.below(24) as u32;
            let at = Moment::new(day, hour, rng.below(20) as u32);
            let who = set.session(&mut rng, person, at, address);
            look(organisation, &who, at, &mut rng);
            let thing = rng.pick(things).to_owned();
            investigate(organisation, &who, at.plus(120), &thing, &mut rng);
            if rng.chance(55) {
                mend(
                    organisation,
                    &who,
                    at.plus(900),
                    &thing,
                    &instances,
                    &mut rng,
                );
            }
            if rng.chance(10) {
                let call = plain_call("iam", "ListUsers", "iam:ListUsers").denied(&who);
                organisation.record(&who, at.plus(1_500), call);
            }
        }
    }
}

/// The consoles' start pages.
fn look(organisation: &mut Organisation, who: &Who, at: Moment, rng: &mut Rng) {
    let alarms = by_name("monitoring", "DescribeAlarms")
        .parameters(json!({ "maxRecords": 100 }))
        .needs(
            "cloudwatch:DescribeAlarms",
            who.arn("cloudwatch", "alarm:*"),
        );
    let calls = [
        alarms,
        plain_call("monitoring", "GetMetricData", "cloudwatch:GetMetricData"),
        plain_call("ec2", "DescribeInstances", "ec2:DescribeInstances"),
        plain_call(
            "ec2",
            "DescribeInstanceStatus",
            "ec2:DescribeInstanceStatus",
        ),
        plain_call(
            "elasticloadbalancing",
            "DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancers",
        ),
        plain_call(
            "elasticloadbalancing",
            "DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetGroups",
        ),
        plain_call("ecs", "ListClusters", "ecs:ListClusters"),
        plain_call("lambda", "ListFunctions20150331", "lambda:ListFunctions"),
        plain_call("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        plain_call(
            "autoscaling",
            "DescribeAutoScalingGroups",
            "autoscaling:DescribeAutoScalingGroups",
        ),
        plain_call("cloudtrail", "LookupEvents", "cloudtrail:LookupEvents"),
    ];
    for (later, call) in (0..).zip(calls) {
        if rng.chance(60) {
            organisation.record(who, at.plus(later * 7), call);
        }
    }
}

/// What somebody looks at who wants to know what is wrong with `thing`.
fn investigate(organisation: &mut Organisation, who: &Who, at: Moment, thing: &str, rng: &mut Rng) {
    let group = match rng.below(3) {
        0 => format!("/ecs/<{thing}>"),
        1 => format!("/aws/lambda/<{thing}>"),
        _ => format!("/acme/<{thing}>/access"),
    };
    let any = format!("<{thing}>");
    let filter = Call::read("logs", "FilterLogEvents")
        .parameters(json!({ "logGroupName": group, "filterPattern": "ERROR" }))
        .needs(
            "logs:FilterLogEvents",
            who.arn("logs", &format!("log-group:{group}:*")),
        );
    let insights = Call::read("logs", "StartQuery")
        .parameters(json!({ "logGroupNames": [group], "startTime": at.epoch() - 3_600, "endTime": at.epoch(), "queryString": "fields @message" }))
        .needs("logs:StartQuery", who.arn("logs", &format!("log-group:{group}:*")));
    let calls = [
        filter,
        insights,
        by_name("logs", "GetQueryResults")
            .parameters(json!({ "queryId": rng.uuid() }))
            .needs(
                "logs:GetQueryResults",
                who.arn("logs", &format!("log-group:{group}:*")),
            ),
        ecs_service(
            who,
            "DescribeServices",
            "ecs:DescribeServices",
            "production",
            &any,
        ),
        function(
            who,
            "GetFunctionConfiguration20150331v2",
            "lambda:GetFunctionConfiguration",
            &any,
        ),
        items(who, "Scan", "dynamodb:Scan", &any, Value::Null),
        by_name("dynamodb", "DescribeTable")
            .parameters(json!({ "tableName": thing }))
            .needs(
                "dynamodb:DescribeTable",
                who.arn("dynamodb", &format!("table/{any}")),
            ),
        queue(
            who,
            "GetQueueAttributes",
            "sqs:GetQueueAttributes",
            &format!("<{thing}-work>"),
        ),
        list_objects(who, &format!("acme-<{thing}>"), "incoming/"),
        object(
            who,
            "GetObject",
            &format!("acme-<{thing}>"),
            &format!("<incoming/{}.json>", rng.uuid()),
        ),
        plain_call("rds", "DescribeEvents", "rds:DescribeEvents"),
    ];
    for (later, call) in (0..).zip(calls) {
        if rng.chance(35) {
            organisation.record(who, at.plus(later * 40), call);
        }
    }
}

/// What somebody does about it.
fn mend(
    organisation: &mut Organisation,
    who: &Who,
    at: Moment,
    thing: &str,
    instances: &[String],
    rng: &mut Rng,
) {
    let any = format!("<{thing}>");
    let instance = &instances[rng.below(instances.len() as u64) as usize];
    let task = rng.hex(32);
    let call = match rng.below(8) {
        0 | 1 => ecs_service(
            who,
            "UpdateService",
            "ecs:UpdateService",
            "production",
            &any,
        ),
        2 => Call::write("ecs", "StopTask")
            .parameters(json!({ "cluster": "production", "task": task, "reason": "stuck" }))
            .needs(
                "ecs:StopTask",
                who.arn("ecs", &format!("task/production/<{task}>")),
            ),
        3 => Call::write("ec2", "RebootInstances")
            .parameters(json!({ "instancesSet": { "items": [{ "instanceId": instance }] } }))
            .needs(
                "ec2:RebootInstances",
                who.arn("ec2", &format!("instance/<{instance}>")),
            ),
        4 => queue(
            who,
            "PurgeQueue",
            "sqs:PurgeQueue",
            &format!("<{thing}-work>"),
        ),
        5 => function(
            who,
            "UpdateFunctionConfiguration20150331v2",
            "lambda:UpdateFunctionConfiguration",
            &any,
        ),
        6 => Call::write("ssm", "StartSession")
            .parameters(json!({ "target": instance }))
            .needs(
                "ssm:StartSession",
                who.arn("ec2", &format!("instance/<{instance}>")),
            ),
        _ => log_group(
            who,
            "PutRetentionPolicy",
            "logs:PutRetentionPolicy",
            &format!("/ecs/<{thing}>"),
        ),
    };
    organisation.record(who, at, call);
}
