//! `--resources` as a user sees it.

use serde_json::{Value, json};

use crate::program::{Run, call_of_role, morning};

/// A call of the role `deploy` on a day of 2026 counted from 1 January.
fn call(day: i64, service: &str, name: &str, parameters: &Value) -> Value {
    let id = format!("{name}-{day}-{parameters}");
    call_of_role("deploy", (&id, &morning(day)), (service, name), parameters)
}

/// Two months of a role that has a queue for each preview, writes to three others every day and reads a tenant's file when
/// there is a new one.
fn log() -> String {
    let mut records = Vec::new();
    for day in 0..60 {
        for name in ["mail", "orders", "returns"] {
            let url = format!("https://sqs.eu-central-1.amazonaws.com/111122223333/{name}");
            records.push(call(day, "sqs", "SendMessage", &json!({"queueUrl": url})));
        }
    }
    for (preview, day) in [(142, 5), (155, 19), (160, 33), (171, 50)] {
        let name = format!("preview-{preview}");
        let url = format!("https://sqs.eu-central-1.amazonaws.com/111122223333/{name}");
        records.push(call(day, "sqs", "CreateQueue", &json!({"queueName": name})));
        records.push(call(
            day + 3,
            "sqs",
            "DeleteQueue",
            &json!({"queueUrl": url}),
        ));
    }
    for (day, tenant) in [(3, "lima"), (20, "oslo"), (41, "quito")] {
        let key = format!("tenants/{tenant}/settings.json");
        let parameters = json!({"bucketName": "config", "key": key});
        records.push(call(day, "s3", "GetObject", &parameters));
    }
    json!({ "Records": records }).to_string()
}

/// What `action` is granted, with `--resources` as given, and what was said on stderr.
fn granted(setting: &str, action: &str) -> (Vec<String>, String) {
    let said = Run::new()
        .file("log.json", log())
        .args(["generate", "log.json", "--resources", setting])
        .code(0);
    let policy = said.json();
    let list = |value: &Value| match value {
        Value::Array(all) => all.iter().map(|v| v.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    };
    let statements = policy["Statement"].as_array().unwrap().iter();
    let of_action = statements.filter(|s| list(&s["Action"]).iter().any(|a| a == action));
    let mut found: Vec<String> = of_action.flat_map(|s| list(&s["Resource"])).collect();
    found.sort();
    (found, said.stderr)
}

#[test]
fn a_list_stays_and_what_the_role_creates_gets_its_stem() {
    let queue = |name: &str| format!("arn:aws:sqs:eu-central-1:111122223333:{name}");
    let list = ["mail", "orders", "returns"].map(queue);
    for setting in ["exact", "balanced", "broad"] {
        assert_eq!(granted(setting, "sqs:SendMessage").0, list, "{setting}");
    }
    let (exact, said) = granted("exact", "sqs:DeleteQueue");
    assert_eq!(
        exact,
        ["142", "155", "160", "171"].map(|n| queue(&format!("preview-{n}")))
    );
    assert!(!said.contains("widened"), "{said}");
    for action in ["sqs:CreateQueue", "sqs:DeleteQueue"] {
        let (balanced, said) = granted("balanced", action);
        assert_eq!(balanced, [queue("preview-*")]);
        assert!(
            said.contains(
                "widened by own-creations: arn:aws:sqs:eu-central-1:111122223333:preview-* stands for 4 values on 8 days: \
                 every other name in this place, now and later, `/` included\n"
            ),
            "{said}"
        );
    }
}

#[test]
fn broad_takes_less_evidence_than_balanced() {
    let tenant = |name: &str| format!("arn:aws:s3:::config/tenants/{name}/settings.json");
    let (balanced, _) = granted("balanced", "s3:GetObject");
    assert_eq!(balanced, ["lima", "oslo", "quito"].map(tenant));
    assert_eq!(granted("broad", "s3:GetObject").0, [tenant("*")]);
}

#[test]
fn the_index_tells_on_how_many_days_a_wildcard_was_used() {
    let said = Run::new()
        .file("log.json", log())
        .args(["generate", "log.json", "--out", "out", "--quiet"])
        .code(0);
    let index = std::fs::read_to_string(said.folder.path().join("out/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let widened = &index["principals"][0]["widened"];
    assert_eq!(
        *widened,
        json!([{
            "rule": "own-creations",
            "actions": ["sqs:CreateQueue", "sqs:DeleteQueue"],
            "resource": "arn:aws:sqs:eu-central-1:111122223333:preview-*",
            "values": 4,
            "days": 8,
            "examples": [
                "arn:aws:sqs:eu-central-1:111122223333:preview-142",
                "arn:aws:sqs:eu-central-1:111122223333:preview-155",
                "arn:aws:sqs:eu-central-1:111122223333:preview-160",
            ],
            "admits": "every other name in this place, now and later, `/` included",
        }])
    );
}
