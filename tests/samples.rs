//! The answers for the samples are known beforehand: `samples/needs.json` is written by the program that writes the
//! logs, out of its own knowledge of the workload.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Decision, Request, evaluate};
use trailfit::verify::policy::{Policy, parse};

use crate::program::{Run, Said, project};

fn generated() -> Said {
    let logs = project("samples/AWSLogs");
    Run::new()
        .args(["generate", logs.to_str().unwrap(), "--out", "out"])
        .code(0)
}

fn needs() -> Vec<Value> {
    let text = fs::read_to_string(project("samples/needs.json")).unwrap();
    let key: Value = serde_json::from_str(&text).unwrap();
    key["principals"].as_array().unwrap().clone()
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// The policies of each principal, from the index.
fn policies(said: &Said) -> BTreeMap<String, Vec<Value>> {
    let index = said.written("out/index.json");
    let entries = index["principals"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let files = strings(&entry["files"]).into_iter();
            let documents = files
                .map(|file| said.written(&format!("out/{file}")))
                .collect();
            (entry["principal"].as_str().unwrap().to_owned(), documents)
        })
        .collect()
}

fn one_or_many(value: &Value) -> Vec<&str> {
    value
        .as_str()
        .map_or_else(|| strings(value), |one| vec![one])
}

fn statements(documents: &[Value]) -> impl Iterator<Item = &Value> {
    documents
        .iter()
        .flat_map(|document| document["Statement"].as_array().unwrap())
}

#[test]
fn the_actions_of_each_policy_are_exactly_the_needed_ones() {
    let said = generated();
    let policies = policies(&said);
    for answer in needs() {
        let principal = answer["principal"].as_str().unwrap();
        let granted: BTreeSet<&str> = statements(&policies[principal])
            .flat_map(|statement| one_or_many(&statement["Action"]))
            .collect();
        let needed: BTreeSet<&str> = answer["needs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|need| need["action"].as_str().unwrap())
            .collect();
        let missing: Vec<_> = needed.difference(&granted).collect();
        let beyond: Vec<_> = granted.difference(&needed).collect();
        assert!(
            missing.is_empty() && beyond.is_empty(),
            "{principal}: missing {missing:?}, beyond {beyond:?}"
        );
    }
    assert_eq!(
        policies
            .values()
            .filter(|documents| !documents.is_empty())
            .count(),
        needs().len()
    );
}

#[test]
fn every_need_is_covered_and_nothing_refused_is_granted() {
    let said = generated();
    let documents = policies(&said);
    // Without condition keys: those that the policy asks for must be such as may be absent.
    let no_keys = Context::complete();
    for answer in needs() {
        let principal = answer["principal"].as_str().unwrap();
        let parsed: Vec<Policy> = documents[principal]
            .iter()
            .flat_map(|document| parse(&document.to_string()).unwrap())
            .collect();
        let attached: Vec<Attached<'_>> = parsed
            .iter()
            .map(|policy| Attached {
                principal: None,
                name: "generated",
                policy,
            })
            .collect();
        let decide = |action: &str, resource: &str| {
            let request = Request::new(principal, action, resource, &no_keys);
            evaluate(&request, &attached).decision
        };
        for need in answer["needs"].as_array().unwrap() {
            let action = need["action"].as_str().unwrap();
            for resource in strings(&need["resources"]) {
                assert_eq!(
                    decide(action, resource),
                    Decision::Allowed,
                    "{principal}: {action} on {resource}"
                );
            }
        }
        for passed in answer["passed"].as_array().unwrap() {
            for (service, expected) in [
                (passed["service"].as_str().unwrap(), Decision::Allowed),
                ("states.amazonaws.com", Decision::ImplicitlyDenied),
            ] {
                let key = Key::Known(vec![service.to_owned()]);
                let context = Context::complete().with("iam:PassedToService", key);
                let role = passed["role"].as_str().unwrap();
                let request = Request::new(principal, "iam:PassRole", role, &context);
                assert_eq!(evaluate(&request, &attached).decision, expected, "{role}");
            }
        }
        for action in strings(&answer["denied"]) {
            assert_ne!(
                decide(action, "*"),
                Decision::Allowed,
                "{principal}: {action}"
            );
            assert!(
                statements(&documents[principal])
                    .all(|s| !one_or_many(&s["Action"]).contains(&action)),
                "{principal}: {action}"
            );
        }
    }
}

#[test]
fn no_star_stands_where_the_samples_show_a_resource() {
    let said = generated();
    let policies = policies(&said);
    for answer in needs() {
        let principal = answer["principal"].as_str().unwrap();
        for statement in statements(&policies[principal]) {
            if !one_or_many(&statement["Resource"]).contains(&"*") {
                continue;
            }
            for action in one_or_many(&statement["Action"]) {
                let need = answer["needs"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|n| n["action"] == action)
                    .unwrap();
                assert_eq!(
                    strings(&need["resources"]),
                    ["*"],
                    "{principal}: {action} on *"
                );
            }
        }
    }
}

#[test]
fn every_record_is_accounted_for() {
    let said = generated();
    let events = &said.written("out/index.json")["coverage"]["events"];
    let text = fs::read_to_string(project("samples/needs.json")).unwrap();
    let key: Value = serde_json::from_str(&text).unwrap();
    let expected = |name: &str| key["counts"][name].as_u64().unwrap();
    for name in ["used", "denied", "inconclusive", "duplicate"] {
        assert_eq!(events[name], expected(name), "{name}");
    }
    // The called account's copy of a call across accounts is ignored, as it is no second call.
    assert_eq!(events["ignored"], expected("ignored") + expected("shared"));
    assert_eq!(events["unmapped"], 0);
    assert_eq!(events["malformed"], 0);
    assert_eq!(events["read"], expected("records"));
}

#[test]
fn the_policies_allow_all_that_was_used() {
    let said = generated();
    let logs = project("samples/AWSLogs");
    let out = said.folder.path().join("out");
    let args = [
        "verify",
        "--policy",
        out.to_str().unwrap(),
        logs.to_str().unwrap(),
        "--format",
        "json",
    ];
    let answer = Run::new().args(args).code(0).json();
    assert_eq!(answer["gaps"], serde_json::json!([]));
    assert_eq!(answer["excess"], serde_json::json!([]));
    assert_eq!(answer["events"], answer["allowed"]);
    assert!(answer["events"].as_u64().unwrap() > 2_000);
}
