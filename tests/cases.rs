//! The case folders: `events.json` with the arguments in `args` (one a line) gives exactly `policy.json`, and that
//! policy answers `requests.jsonl` as expected. Any other tool can judge them too; `tests/oracle` has two that do.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Request, evaluate};
use trailfit::verify::policy::parse;

use crate::program::{Run, project};

fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(project("tests/cases")).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 9);
    folders
}

#[test]
fn the_events_give_the_policy() {
    for folder in folders() {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let args = read("args");
        let events = folder.join("events.json");
        let said = Run::new()
            .args(["generate", "--quiet", events.to_str().unwrap()])
            .args(args.lines())
            .code(0);
        assert_eq!(said.stdout, read("policy.json"), "{}", folder.display());
    }
}

#[test]
fn the_policy_answers_as_expected() {
    for folder in folders() {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let policies = parse(&read("policy.json")).unwrap();
        let attached: Vec<Attached<'_>> = policies
            .iter()
            .map(|policy| Attached {
                principal: None,
                name: "policy.json",
                policy,
            })
            .collect();
        for line in read("requests.jsonl").lines() {
            let asked: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| asked[key].as_str().unwrap().to_owned();
            let (principal, action, resource) =
                (text("principal"), text("action"), text("resource"));
            let keys = asked["context"].as_object().unwrap();
            let context = keys
                .iter()
                .fold(Context::complete(), |context, (key, values)| {
                    let values = values.as_array().unwrap().iter();
                    let values = values.map(|value| value.as_str().unwrap().to_owned());
                    context.with(key, Key::Known(values.collect()))
                });
            let request = Request::new(&principal, &action, &resource, &context);
            let decision = evaluate(&request, &attached).decision;
            assert_eq!(
                decision.as_str(),
                text("expect"),
                "{}: {line}",
                folder.display()
            );
        }
    }
}
