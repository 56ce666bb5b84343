//! `generate --complete lifecycle` as a user runs it.

use serde_json::{Value, json};

use crate::program::{Run, call_of_role};

const QUEUE: &str = "arn:aws:sqs:eu-central-1:111122223333:orders";

fn event(id: u32, day: u32, name: &str, parameters: Value) -> Value {
    let time = format!("2026-09-{day:02}T10:00:00Z");
    call_of_role(
        "deploy",
        (&format!("e-{id}"), &time),
        ("sqs", name),
        &parameters,
    )
}

/// A role that makes a queue on two days, and the day on which it deletes it.
fn logs() -> String {
    let url = json!({"queueUrl": "https://sqs.eu-central-1.amazonaws.com/111122223333/orders"});
    let events = [
        event(1, 1, "CreateQueue", json!({"queueName": "orders"})),
        event(2, 2, "CreateQueue", json!({"queueName": "orders"})),
        event(3, 20, "DeleteQueue", url),
    ];
    json!({ "Records": events }).to_string()
}

fn generate(arguments: &[&str]) -> Run {
    let train = ["generate", "logs.json", "--to", "2026-09-10"];
    let all = train.into_iter().chain(arguments.iter().copied());
    Run::new().file("logs.json", logs()).args(all)
}

#[test]
fn what_is_inferred_stands_by_itself_and_is_listed() {
    let said = generate(&["--complete", "lifecycle"]).code(0);
    let policy: Value = serde_json::from_str(&said.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements[0]["Action"], "sqs:CreateQueue");
    let mut inferred: Vec<(&Value, &Value)> = statements[1..]
        .iter()
        .flat_map(|s| match &s["Action"] {
            Value::Array(actions) => actions.iter().map(|a| (a, &s["Resource"])).collect(),
            one => vec![(one, &s["Resource"])],
        })
        .collect();
    inferred.sort_by_key(|(action, _)| action.as_str());
    assert_eq!(
        inferred,
        [
            (&json!("sqs:DeleteQueue"), &json!(QUEUE)),
            (&json!("sqs:GetQueueAttributes"), &json!(QUEUE)),
            (&json!("sqs:GetQueueUrl"), &json!(QUEUE)),
            (&json!("sqs:ListQueueTags"), &json!(QUEUE)),
            (&json!("sqs:ListQueues"), &json!("*")),
            (&json!("sqs:TagQueue"), &json!(QUEUE)),
            (&json!("sqs:UntagQueue"), &json!(QUEUE)),
        ]
    );
    let listed: Vec<&str> = said
        .stderr
        .lines()
        .filter(|line| line.starts_with("widened by"))
        .collect();
    assert_eq!(
        listed,
        [
            "widened by lifecycle: * stands for 1 value on 2 days: sqs:ListQueues, not used: to read back what sqs:CreateQueue (2 calls) began, and whatever else the resource stands for".to_owned(),
            format!("widened by lifecycle: {QUEUE} stands for 1 value on 2 days: sqs:DeleteQueue, not used: to destroy what sqs:CreateQueue (2 calls) began"),
            format!("widened by lifecycle: {QUEUE} stands for 1 value on 2 days: sqs:GetQueueAttributes, not used: to read, before it is destroyed, what sqs:CreateQueue (2 calls) began"),
            format!("widened by lifecycle: {QUEUE} stands for 1 value on 2 days: sqs:TagQueue and sqs:UntagQueue, not used: to tag what sqs:CreateQueue (2 calls) began"),
            format!("widened by lifecycle: {QUEUE} stands for 1 value on 2 days: sqs:GetQueueUrl and sqs:ListQueueTags, not used: to read back what sqs:CreateQueue (2 calls) began"),
        ]
    );
}

#[test]
fn the_deletion_of_later_is_allowed_only_where_lifecycles_are_completed() {
    for (complete, code) in [(&["--complete", "lifecycle"][..], 0), (&[], 1)] {
        let made = generate(&[&["--out", "policies"], complete].concat()).code(0);
        Run::within(made.folder)
            .args([
                "verify",
                "--policy",
                "policies",
                "logs.json",
                "--from",
                "2026-09-10",
            ])
            .code(code);
    }
}

#[test]
fn the_index_lists_what_was_inferred_with_its_actions() {
    let said = generate(&["--complete", "lifecycle", "--out", "policies"]).code(0);
    let index = std::fs::read_to_string(said.folder.path().join("policies/index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let widened = &index["principals"][0]["widened"][1];
    assert_eq!(widened["rule"], "lifecycle");
    assert_eq!(widened["actions"], json!(["sqs:DeleteQueue"]));
    assert_eq!(widened["resource"], QUEUE);
    assert_eq!(widened["examples"], json!([QUEUE]));
}
