//! What `trailfit generate` says of a policy, and of calls that set something up, as a user sees it.

use serde_json::{Value, json};

use crate::program::{Run, Said};

/// A call of the role `deploy` on a day of 2026 counted from 1 January.
fn call(day: i64, service: &str, name: &str, parameters: Value) -> Value {
    let time = jiff::Timestamp::from_second(1_767_225_600 + day * 86_400 + 36_000).unwrap();
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/deploy/run",
            "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {
                "type": "Role", "arn": "arn:aws:iam::111122223333:role/deploy",
                "accountId": "111122223333", "userName": "deploy",
            }},
        },
        "eventTime": time.to_string(),
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": parameters,
        "eventID": format!("{name}-{day}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// Sixty days of releases of a role that made its bucket and its repository on the first two.
fn log() -> String {
    let mut records = vec![
        call(0, "s3", "CreateBucket", json!({"bucketName": "artifacts"})),
        call(
            0,
            "s3",
            "PutBucketVersioning",
            json!({"bucketName": "artifacts"}),
        ),
        call(
            1,
            "ecr",
            "CreateRepository",
            json!({"repositoryName": "web"}),
        ),
    ];
    for day in 0..60 {
        let key = format!("web/build-2026-{:02}-{:02}.zip", day / 28 + 1, day % 28 + 1);
        records.push(call(
            day,
            "s3",
            "PutObject",
            json!({"bucketName": "artifacts", "key": key}),
        ));
    }
    json!({ "Records": records }).to_string()
}

fn generate(more: &[&str]) -> Said {
    let args = ["generate", "log.json"]
        .into_iter()
        .chain(more.iter().copied());
    Run::new().file("log.json", log()).args(args).code(0)
}

fn actions(said: &Said) -> Vec<String> {
    let document = said.json();
    let statements = document["Statement"].as_array().unwrap().iter();
    statements.map(|each| each["Action"].to_string()).collect()
}

#[test]
fn set_up_stands_apart_at_the_end() {
    let said = generate(&[]);
    let actions = actions(&said);
    assert_eq!(actions[0], r#""s3:PutObject""#);
    assert_eq!(actions[1], r#""ecr:CreateRepository""#);
    assert_eq!(actions.len(), 3, "{actions:?}");
    assert!(
        said.stderr.contains(
            "one-off: ecr:CreateRepository on arn:aws:ecr:eu-central-1:111122223333:repository/web, on 2026-01-02 only: granted apart\n"
        ),
        "{}",
        said.stderr
    );
}

#[test]
fn set_up_that_is_dropped_is_listed_and_a_gap() {
    let said = generate(&["--one-off", "drop", "--out", "policies"]);
    assert!(
        said.stderr
            .contains("one-off: 3 uses of 1 principal, 3 not granted, `oneOff` in index.json\n"),
        "{}",
        said.stderr
    );
    let entry = &said.written("policies/index.json")["principals"][0];
    assert_eq!(
        entry["oneOff"][0],
        json!({
            "action": "ecr:CreateRepository",
            "resource": "arn:aws:ecr:eu-central-1:111122223333:repository/web",
            "events": 1, "day": "2026-01-02", "sampleEventId": "CreateRepository-1", "granted": false,
        })
    );
    assert_eq!(entry["oneOff"].as_array().unwrap().len(), 3);
    let note = entry["notes"][0].as_str().unwrap();
    assert!(note.starts_with("3 one-off uses not granted"), "{note}");
    let verified = Run::within(said.folder)
        .args([
            "verify", "--policy", "policies", "log.json", "--format", "json", "--quiet",
        ])
        .code(1);
    let gaps = &verified.json()["gaps"];
    let gaps: Vec<&Value> = gaps
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| &gap["action"])
        .collect();
    assert_eq!(
        gaps,
        [
            "ecr:CreateRepository",
            "s3:CreateBucket",
            "s3:PutBucketVersioning"
        ]
    );
}

#[test]
fn set_up_may_be_kept() {
    let said = generate(&["--one-off", "keep"]);
    assert_eq!(actions(&said)[0], r#""ecr:CreateRepository""#);
    assert!(
        said.stderr
            .contains("on 2026-01-02 only: granted like all others\n"),
        "{}",
        said.stderr
    );
}
