//! `trailfit verify` as a user runs it.

use serde_json::{Value, json};

use crate::program::Run;

fn log() -> String {
    let event = |id: &str, name: &str, key: &str| {
        json!({
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333", "userName": "ann"},
            "eventTime": "2026-09-01T10:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": name,
            "awsRegion": "eu-central-1", "requestParameters": {"bucketName": "data", "key": key},
            "eventID": id, "eventType": "AwsApiCall",
        })
    };
    json!({"Records": [event("e-1", "GetObject", "a/1"), event("e-2", "PutObject", "a/2"), event("e-3", "PutObject", "a/2")]}).to_string()
}

fn policy(actions: Value, resource: &str) -> String {
    let statement =
        json!({"Sid": "Data", "Effect": "Allow", "Action": actions, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

#[test]
fn a_policy_that_allows_all_is_proved() {
    let said = Run::new()
        .file("log.json", log())
        .file(
            "policy.json",
            policy(
                json!(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
                "arn:aws:s3:::data/a/*",
            ),
        )
        .args([
            "verify",
            "--policy",
            "policy.json",
            "log.json",
            "--format",
            "json",
            "--quiet",
        ])
        .code(0);
    let answer = said.json();
    assert_eq!(
        (&answer["events"], &answer["allowed"], &answer["gaps"]),
        (&json!(3), &json!(3), &json!([]))
    );
    assert_eq!(
        answer["excess"],
        json!([{"policy": "policy.json", "statement": "Data", "action": "s3:DeleteObject", "resource": "arn:aws:s3:::data/a/*"}])
    );
}

#[test]
fn a_gap_is_named_and_ends_in_one() {
    let said = Run::new()
        .file("log.json", log())
        .file(
            "policy.json",
            policy(json!("s3:GetObject"), "arn:aws:s3:::data/a/*"),
        )
        .args([
            "verify",
            "--policy",
            "policy.json",
            "log.json",
            "--format",
            "json",
            "--quiet",
        ])
        .code(1);
    let answer = said.json();
    assert_eq!(
        (&answer["events"], &answer["allowed"]),
        (&json!(3), &json!(1))
    );
    let gap = &answer["gaps"][0];
    assert_eq!(answer["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(gap["principal"], "arn:aws:iam::111122223333:user/ann");
    assert_eq!(gap["action"], "s3:PutObject");
    assert_eq!(gap["resource"], "arn:aws:s3:::data/a/2");
    assert_eq!(
        (&gap["events"], &gap["sampleEventId"]),
        (&json!(2), &json!("e-2"))
    );
}

#[test]
fn a_file_that_is_no_policy_stops_the_run() {
    let said = Run::new()
        .file("log.json", log())
        .file("policy.json", r#"{"Statement": [{"Effect": "Maybe"}]}"#)
        .args(["verify", "--policy", "policy.json", "log.json"])
        .code(2);
    assert!(
        said.stderr
            .starts_with("error: `policy.json` is not an IAM policy: "),
        "{}",
        said.stderr
    );
    assert_eq!(said.stdout, "");
}
