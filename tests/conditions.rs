//! The condition keys that records tell: carried to `map`, written into policies, offered in the index, known to `verify`.

use serde_json::{Value, json};

use crate::program::{Run, Said};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A record of a call that `via` made with the credentials of `role/app` or `user/ann`, or that they made themselves.
fn record(id: u32, who: &str, via: Option<&str>, call: (&str, &str), parameters: &Value) -> Value {
    let (kind, name) = who.split_once('/').unwrap();
    let mut identity = match kind {
        "user" => {
            json!({"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"), "userName": name})
        }
        _ => json!({
            "type": "AssumedRole", "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/run"),
            "sessionContext": {"sessionIssuer": {"arn": format!("arn:aws:iam::{ACCOUNT}:{who}")}},
        }),
    };
    identity["accountId"] = ACCOUNT.into();
    if let Some(via) = via {
        identity["invokedBy"] = via.into();
    }
    json!({
        "eventVersion": "1.11", "userIdentity": identity, "eventTime": "2026-09-01T10:00:00Z",
        "eventSource": format!("{}.amazonaws.com", call.0), "eventName": call.1, "awsRegion": "eu-central-1",
        "requestParameters": parameters, "eventID": format!("e-{id}"), "eventType": "AwsApiCall",
    })
}

fn decrypt(id: u32, who: &str, via: Option<&str>) -> Value {
    record(id, who, via, ("kms", "Decrypt"), &json!({"keyId": KEY}))
}

fn run(records: &[Value], args: &[&str]) -> Said {
    let log = json!({ "Records": records }).to_string();
    Run::new()
        .file("log.json", log)
        .args(args.iter().copied())
        .code(0)
}

/// The contexts of the first needs, as `map` shows them.
fn contexts(records: &[Value]) -> Vec<Value> {
    let said = run(records, &["map", "--quiet", "log.json"]);
    said.stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["needs"][0]["context"].clone())
        .collect()
}

fn index(records: &[Value]) -> Value {
    run(
        records,
        &["generate", "log.json", "--out", "out", "--quiet"],
    )
    .written("out/index.json")
}

#[test]
fn a_forwarded_call_tells_who_forwarded_it() {
    let dynamodb = Some("dynamodb.amazonaws.com");
    let found = contexts(&[
        decrypt(1, "user/ann", dynamodb),
        decrypt(2, "user/ann", Some("secretsmanager.amazonaws.com")),
        record(
            3,
            "user/ann",
            Some("cloudformation.amazonaws.com"),
            ("sqs", "ListQueues"),
            &json!({}),
        ),
        decrypt(4, "user/ann", None),
        // The console, an unnamed part of AWS, and a service that calls itself forward nothing.
        decrypt(5, "user/ann", Some("signin.amazonaws.com")),
        decrypt(6, "user/ann", Some("AWS Internal")),
        decrypt(7, "user/ann", Some("kms.amazonaws.com")),
        record(
            8,
            "user/ann",
            Some("autoscaling.amazonaws.com"),
            ("iam", "CreateServiceLinkedRole"),
            &json!({"aWSServiceName": "autoscaling.amazonaws.com"}),
        ),
    ]);
    assert_eq!(
        found,
        [
            json!({
                "aws:CalledVia": ["dynamodb.amazonaws.com"],
                "aws:ViaAWSService": ["true"],
                "kms:ViaService": ["dynamodb.eu-central-1.amazonaws.com"],
            }),
            json!({
                "aws:ViaAWSService": ["true"],
                "kms:ViaService": ["secretsmanager.eu-central-1.amazonaws.com"],
            }),
            json!({"aws:CalledVia": ["cloudformation.amazonaws.com"], "aws:ViaAWSService": ["true"]}),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            json!({
                "aws:ViaAWSService": ["true"],
                "iam:AWSServiceName": ["autoscaling.amazonaws.com"],
            }),
        ]
    );
}

#[test]
fn a_condition_is_offered_where_every_call_satisfied_it() {
    let s3 = Some("s3.amazonaws.com");
    let ec2 = Some("ec2.amazonaws.com");
    let own = |id| record(id, "role/app", None, ("sqs", "ListQueues"), &json!({}));
    let offer = |services: Value, certain: bool| {
        json!([{
            "actions": ["kms:Decrypt"], "resources": [KEY],
            "condition": {"StringEquals": {"kms:ViaService": services}}, "uses": 2, "certain": certain,
        }])
    };
    let in_s3 = offer(json!("s3.eu-central-1.amazonaws.com"), true);
    let perhaps = offer(json!("s3.eu-central-1.amazonaws.com"), false);
    let in_both = offer(
        json!([
            "ec2.eu-central-1.amazonaws.com",
            "s3.eu-central-1.amazonaws.com"
        ]),
        true,
    );
    for (records, expected) in [
        (
            vec![decrypt(1, "user/ann", s3), decrypt(2, "user/ann", s3)],
            in_s3,
        ),
        (
            vec![decrypt(1, "user/ann", s3), decrypt(2, "user/ann", ec2)],
            in_both,
        ),
        (
            vec![decrypt(1, "user/ann", s3), decrypt(2, "user/ann", None)],
            json!([]),
        ),
        // A role that only services call with may be a service role, whose calls carry no such key.
        (
            vec![decrypt(1, "role/app", s3), decrypt(2, "role/app", s3)],
            json!([]),
        ),
        (
            vec![
                decrypt(1, "role/app", s3),
                decrypt(2, "role/app", s3),
                own(3),
            ],
            perhaps,
        ),
    ] {
        assert_eq!(
            index(&records)["principals"][0]["offeredConditions"],
            expected
        );
    }
}

#[test]
fn verify_knows_the_keys_that_the_records_tell() {
    let policy = |operator: &str, key: &str, value: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}},
        }]})
    };
    let s3 = Some("s3.amazonaws.com");
    let pass = record(
        1,
        "user/ann",
        None,
        ("lambda", "CreateFunction20150331"),
        &json!({"functionName": "f", "role": "arn:aws:iam::111122223333:role/f"}),
    );
    let via = policy("StringLike", "kms:ViaService", "s3.*.amazonaws.com");
    let other = policy("StringLike", "kms:ViaService", "ec2.*.amazonaws.com");
    let passed = policy(
        "StringEqualsIfExists",
        "iam:PassedToService",
        "lambda.amazonaws.com",
    );
    for (name, record, policy, gaps) in [
        ("forwarded", decrypt(1, "user/ann", s3), &via, 0),
        (
            "forwarded by another",
            decrypt(1, "user/ann", s3),
            &other,
            1,
        ),
        // Not certain: it may be the service's own role.
        ("a role's", decrypt(1, "role/app", s3), &via, 1),
        ("not forwarded", decrypt(1, "user/ann", None), &via, 1),
        // CreateFunction carries no such key as far as the record tells; what is unknown is not passed.
        ("passed", pass, &passed, 1),
    ] {
        let said = Run::new()
            .file("log.json", json!({ "Records": [record] }).to_string())
            .file("policy.json", policy.to_string())
            .args([
                "verify",
                "--policy",
                "policy.json",
                "--format",
                "json",
                "log.json",
            ])
            .code(i32::from(gaps > 0));
        let found: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(
            found["gaps"].as_array().unwrap().len(),
            gaps,
            "{name}: {found}"
        );
    }
}

#[test]
fn a_role_in_another_partition_is_passed_without_a_condition() {
    let pass = |partition: &str| {
        let role = format!("arn:{partition}:iam::{ACCOUNT}:role/f");
        let parameters = json!({"functionName": "f", "role": role});
        let mut record = record(
            1,
            "user/ann",
            None,
            ("lambda", "CreateFunction20150331"),
            &parameters,
        );
        record["userIdentity"]["arn"] = format!("arn:{partition}:iam::{ACCOUNT}:user/ann").into();
        contexts(&[record]).remove(0)
    };
    assert_eq!(
        pass("aws"),
        json!({"iam:PassedToService": ["lambda.amazonaws.com"]})
    );
    assert_eq!(pass("aws-cn"), Value::Null);
}

#[test]
fn what_a_service_does_as_itself_is_nobodys_need() {
    let scaling = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    let mut linked = record(
        1,
        scaling,
        Some("autoscaling.amazonaws.com"),
        ("ec2", "DescribeSubnets"),
        &json!({}),
    );
    linked["userIdentity"]["arn"] =
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling")
            .into();
    let mut pathless = linked.clone();
    pathless["userIdentity"]["sessionContext"] = json!({});
    pathless["eventID"] = "e-2".into();
    let service = json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"});
    let mut own = decrypt(3, "user/ann", None);
    own["userIdentity"] = service;
    let said = run(&[linked, pathless, own], &["map", "--quiet", "log.json"]);
    let reasons: Vec<String> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| {
            format!(
                "{} {}",
                line["outcome"].as_str().unwrap(),
                line["reason"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "ignored service-linked-role",
            "ignored service-linked-role",
            "ignored service-identity"
        ]
    );
}

#[test]
fn messages_that_say_otherwise_than_the_tables_are_counted() {
    let refused = |id, message: &str| {
        let mut record = record(
            id,
            "user/ann",
            None,
            ("sqs", "DeleteQueue"),
            &json!({
                "queueUrl": format!("https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/orders"),
            }),
        );
        record["errorCode"] = "AccessDenied".into();
        record["errorMessage"] = format!(
            "User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: {message}"
        )
        .into();
        record
    };
    let queue = format!("arn:aws:sqs:eu-central-1:{ACCOUNT}:orders");
    let index = index(&[
        refused(1, &format!("sqs:DeleteQueue on resource: {queue}")),
        refused(2, "sqs:DeleteQueue"),
        refused(
            3,
            "sqs:DeleteQueue on resource: arn:aws:sqs:eu-central-1:111122223333:other",
        ),
        refused(4, "sqs:PurgeQueue"),
    ]);
    assert_eq!(
        index["coverage"]["refusalMessages"],
        json!({"agree": 2, "differ": 2, "differences": {
            format!("sqs:DeleteQueue on arn:aws:sqs:eu-central-1:{ACCOUNT}:other, where the tables have {queue}"): 1,
            "sqs:PurgeQueue, where the tables have sqs:DeleteQueue": 1,
        }})
    );
}

/// Who called, event source and name, parameters, response, error code.
type Call<'a> = (&'a str, &'a str, &'a str, Value, Value, Option<&'a str>);

/// The roles that one principal's policy may pass, as `role service`, after the other principals' calls.
fn passes(calls: &[Call<'_>]) -> Vec<String> {
    let records: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(id, (who, source, name, parameters, response, error))| {
            let mut record = record(id as u32, who, None, (source, name), parameters);
            record["responseElements"] = response.clone();
            if let Some(code) = error {
                record["errorCode"] = (*code).into();
            }
            record
        })
        .collect();
    let said = run(
        &records,
        &["generate", "log.json", "--principal", "*/ci", "--quiet"],
    );
    let policy: Value = serde_json::from_str(&said.stdout).unwrap();
    let mut out = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        if statement["Action"] != "iam:PassRole" {
            continue;
        }
        let service =
            statement["Condition"]["StringEqualsIfExists"]["iam:PassedToService"].as_str();
        let service = service.unwrap_or("").split('.').next().unwrap();
        let resources = match &statement["Resource"] {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        };
        out.extend(resources.iter().map(|role| {
            let name = role.as_str().unwrap().split(":role/").last().unwrap();
            format!("{name} {service}")
        }));
    }
    out.sort();
    out
}

#[test]
fn only_what_is_passed_is_granted() {
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let launch = (
        "role/ci",
        "ec2",
        "RunInstances",
        json!({"iamInstanceProfile": {"name": "web"}}),
        Value::Null,
        None,
    );
    let add = |name: &str, error| {
        let parameters = json!({"instanceProfileName": "web", "roleName": name});
        (
            "role/admin",
            "iam",
            "AddRoleToInstanceProfile",
            parameters,
            Value::Null,
            error,
        )
    };
    // What failed put no role anywhere.
    assert_eq!(
        passes(&[
            launch.clone(),
            add("web-role", None),
            add("admin-role", Some("LimitExceededException"))
        ]),
        ["web-role ec2"]
    );
    assert_eq!(passes(&[launch]), ["web ec2"]);
    let call =
        |source, name, parameters: Value| ("role/ci", source, name, parameters, Value::Null, None);
    let list = call("sqs", "ListQueues", json!({}));
    for (source, name, parameters, expected) in [
        (
            "elasticmapreduce",
            "RunJobFlow",
            json!({
                "serviceRole": "emr", "jobFlowRole": "emr-ec2",
                "instances": {"instanceGroups": [{"instanceRole": "MASTER"}, {"instanceRole": "CORE"}]},
            }),
            &["emr elasticmapreduce", "emr-ec2 ec2"][..],
        ),
        (
            "batch",
            "CreateComputeEnvironment",
            json!({"computeResources": {"instanceRole": "batch-ec2"}, "serviceRole": role("batch")}),
            &["batch batch", "batch-ec2 ec2"],
        ),
        (
            "codepipeline",
            "CreatePipeline",
            json!({"pipeline": {"roleArn": role("pipe"), "stages": [{"actions": [
                {"roleArn": role("assumed"), "configuration": {"RoleArn": role("stack")}},
            ]}]}}),
            &["pipe codepipeline", "stack cloudformation"],
        ),
        (
            "sns",
            "Subscribe",
            json!({"attributes": {"SubscriptionRoleArn": role("hose")}}),
            &["hose sns"],
        ),
        (
            "servicecatalog",
            "CreateConstraint",
            json!({"type": "LAUNCH", "parameters": json!({"RoleArn": role("launch")}).to_string()}),
            &["launch "],
        ),
        (
            "cloudformation",
            "CreateStack",
            json!({"stackName": "s", "roleARN": "arn:aws:iam::999999999999:role/x"}),
            &[],
        ),
        (
            "ec2",
            "AssociateEnclaveCertificateIamRole",
            json!({"roleArn": role("x")}),
            &[],
        ),
        (
            "sagemaker",
            "CreateTrainingJob",
            json!({"roleArn": role("train"), "hyperParameters": {"role": role("x")}}),
            &["train sagemaker"],
        ),
        (
            "redshift",
            "ModifyClusterIamRoles",
            json!({"addIamRoles": [role("in")], "removeIamRoles": [role("out")]}),
            &["in redshift"],
        ),
    ] {
        assert_eq!(
            passes(&[call(source, name, parameters), list.clone()]),
            expected,
            "{name}"
        );
    }
}
