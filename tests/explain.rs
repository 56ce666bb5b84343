//! What `trailfit generate` says of a policy, and of calls that set something up, as a user sees it.

use serde_json::{Value, json};

use crate::program::{Run, Said, call_of_role, morning};

/// A call of `role` on a day of 2026 counted from 1 January.
fn call(role: &str, day: i64, service: &str, name: &str, parameters: Value) -> Value {
    let id = format!("{role}-{name}-{day}");
    let mut call = call_of_role(role, (&id, &morning(day)), (service, name), &parameters);
    call["sourceIPAddress"] = json!("198.51.100.7");
    call
}

/// Sixty days of releases of a role that made its bucket and its repository on the first two.
fn log(role: &str) -> String {
    let bucket = json!({"bucketName": "artifacts"});
    let mut records = vec![
        call(role, 0, "s3", "CreateBucket", bucket.clone()),
        call(role, 0, "s3", "PutBucketVersioning", bucket),
        call(
            role,
            1,
            "ecr",
            "CreateRepository",
            json!({"repositoryName": "web"}),
        ),
    ];
    for day in 0..60 {
        let key = format!("web/build-2026-{:02}-{:02}.zip", day / 28 + 1, day % 28 + 1);
        let object = json!({"bucketName": "artifacts", "key": key});
        records.push(call(role, day, "s3", "PutObject", object));
    }
    json!({ "Records": records }).to_string()
}

fn generate(more: &[&str]) -> Said {
    let args = ["generate", "log.json"]
        .into_iter()
        .chain(more.iter().copied());
    Run::new()
        .file("log.json", log("deploy"))
        .args(args)
        .code(0)
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
            "events": 1, "day": "2026-01-02", "sampleEventId": "deploy-CreateRepository-1", "granted": false,
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

#[test]
fn each_statement_is_explained_on_stderr() {
    let said = generate(&["--explain", "--quiet"]);
    let part = said.stderr.split("\n\n").nth(1).unwrap();
    assert_eq!(
        part,
        "S3PutObjectArtifacts\n  \
           allows    s3:PutObject 60\n  \
           on        arn:aws:s3:::artifacts/web/build-*.zip\n              \
                       stands for 60 resources used, such as\n                \
                         arn:aws:s3:::artifacts/web/build-2026-01-01.zip\n                \
                         arn:aws:s3:::artifacts/web/build-2026-02-02.zip\n                \
                         arn:aws:s3:::artifacts/web/build-2026-03-04.zip\n              \
                       dated-name: any text in the place of the date, `/` included\n  \
           because   60 uses on 60 of 60 active days, 2026-01-01T10:00:00Z to 2026-03-01T10:00:00Z\n  \
           in        eu-central-1 60\n  \
           from      public addresses\n  \
           events    deploy-PutObject-0, deploy-PutObject-14, deploy-PutObject-29, deploy-PutObject-44,\n            \
                     deploy-PutObject-59"
    );
    assert!(
        said.stderr
            .contains("  one-off: set something up once, it seems\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn explanations_stand_beside_the_policies_and_go_with_them() {
    let said = generate(&["--explain", "--out", "policies"]);
    let entry = &said.written("policies/index.json")["principals"][0];
    let files = [
        "111122223333/role/deploy.explain.txt",
        "111122223333/role/deploy.explain.json",
    ];
    assert_eq!(entry["explanations"], json!(files));
    let text = std::fs::read_to_string(said.folder.path().join("policies").join(files[0])).unwrap();
    assert!(text.starts_with("arn:aws:iam::111122223333:role/deploy: 63 events, active on 60 days\n\ndocument 1 of 1: 111122223333/role/deploy.json\n"), "{text}");
    let value = said.written(&format!("policies/{}", files[1]));
    assert_eq!(value["activeDays"], 60);
    let statement = &value["statements"][0];
    assert_eq!(
        statement["resources"][0],
        json!({
            "resource": "arn:aws:s3:::artifacts/web/build-*.zip",
            "uses": 60,
            "used": 60,
            "examples": [
                "arn:aws:s3:::artifacts/web/build-2026-01-01.zip",
                "arn:aws:s3:::artifacts/web/build-2026-02-02.zip",
                "arn:aws:s3:::artifacts/web/build-2026-03-04.zip",
            ],
            "rules": [{"rule": "dated-name", "values": 60, "admits": "any text in the place of the date, `/` included"}],
        })
    );
    assert_eq!(statement["file"], "111122223333/role/deploy.json");
    assert_eq!(statement["part"], "recurring");
    assert_eq!(statement["regions"], json!({"eu-central-1": 60}));
    assert_eq!(value["statements"][1]["part"], "oneOff");
    let again = Run::within(said.folder)
        .args(["generate", "log.json", "--out", "policies"])
        .code(0);
    assert_eq!(
        again.written("policies/index.json")["principals"][0]["explanations"],
        json!([])
    );
    for file in files {
        assert!(
            !again.folder.path().join("policies").join(file).exists(),
            "{file}"
        );
    }
}

#[test]
fn no_explanation_takes_the_name_of_a_policy() {
    let said = Run::new()
        .file("a.json", log("deploy"))
        .file("b.json", log("deploy.explain"))
        .args([
            "generate",
            "a.json",
            "b.json",
            "--explain",
            "--out",
            "policies",
        ])
        .code(0);
    let index = said.written("policies/index.json");
    let mut names: Vec<&str> = Vec::new();
    for entry in index["principals"].as_array().unwrap() {
        for list in ["files", "explanations"] {
            names.extend(
                entry[list]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|name| name.as_str().unwrap()),
            );
        }
    }
    let distinct: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!((names.len(), distinct.len()), (6, 6), "{names:?}");
}
