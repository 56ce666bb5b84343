//! trailfit's evaluator against evaluators that are not trailfit's, run as outside processes.
//!
//! Not part of `cargo test`: it needs Node.js and Python. `tests/oracle/run.sh` installs what it needs and runs it;
//! `README.md` beside it tells which questions are not asked, and why.

// A harness that can not go on should stop where it stands.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod cases;
mod layers;
mod managed;
mod pairs;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use trailfit::verify::authorize::{Policies, authorize};
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Request};
use trailfit::verify::policy::{Policy, parse};

/// A question for every judge: documents, a request, and what a judge has to answer.
pub(crate) struct Question {
    /// Where it comes from.
    pub(crate) source: String,
    /// `{"policies", "request"}`, and perhaps `boundary`, `session`, `scps`, `rcps` and `resource`, as `judge.mjs` reads it.
    pub(crate) line: Value,
    /// What every judge must say.
    pub(crate) expected: Expected,
}

/// What a judge has to answer.
#[derive(Debug)]
pub(crate) enum Expected {
    /// This.
    Exactly(String),
    /// `allowed`, because a family of resources that this one belongs to is.
    AllowedAsFamily,
    /// Anything but `explicitlyDenied`, because a family of resources that this one belongs to is not denied.
    NotDeniedAsFamily,
}

impl Expected {
    fn admits(&self, answer: &str) -> bool {
        match self {
            Self::Exactly(expected) => answer == expected,
            Self::AllowedAsFamily => answer == "allowed",
            Self::NotDeniedAsFamily => answer != "explicitlyDenied",
        }
    }
}

/// What trailfit says to `line`.
pub(crate) fn trailfit(line: &Value) -> String {
    let identity = documents(&line["policies"]);
    let boundary = documents(&line["boundary"]);
    let session = documents(&line["session"]);
    let levels = line["scps"].as_array().map_or(&[][..], |levels| levels);
    let levels: Vec<Vec<Policy>> = levels.iter().map(documents).collect();
    let rcps = documents(&line["rcps"]);
    let resource = documents(&line["resource"]);
    let scps: Vec<Vec<Attached<'_>>> = levels.iter().map(|level| attach(level)).collect();
    let policies = Policies {
        identity: &attach(&identity),
        boundary: &attach(&boundary),
        session: &attach(&session),
        scps: &scps,
        rcps: &attach(&rcps),
        resource: &attach(&resource),
    };
    let request = &line["request"];
    let text = |key: &str| request[key].as_str().unwrap();
    let mut context = Context::complete();
    for (key, values) in request["context"].as_object().unwrap() {
        let values = values.as_array().unwrap().iter();
        let values = values.map(|v| v.as_str().unwrap().to_owned()).collect();
        context.set(key, Key::Known(values));
    }
    let request = Request::new(
        text("principal"),
        text("action"),
        text("resource"),
        &context,
    );
    authorize(&request, &policies).decision.as_str().to_owned()
}

/// A document, a list of them, or none.
fn documents(value: &Value) -> Vec<Policy> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(documents) => documents.iter().flat_map(documents_of).collect(),
        document => documents_of(document),
    }
}

fn documents_of(document: &Value) -> Vec<Policy> {
    parse(&document.to_string()).unwrap()
}

fn attach(policies: &[Policy]) -> Vec<Attached<'_>> {
    let attach = |policy| Attached {
        principal: None,
        name: "policy",
        policy,
    };
    policies.iter().map(attach).collect()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The answers of the judge that `command` starts, one for each question.
fn ask(command: &mut Command, questions: &[Question]) -> Vec<Value> {
    let mut judge = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    for question in questions {
        lines += &format!("{}\n", question.line);
    }
    let mut input = judge.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = judge.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{command:?} failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(answers.len(), questions.len(), "{command:?} lost a line");
    answers
}

#[test]
#[ignore = "needs Node.js and Python: run tests/oracle/run.sh"]
fn every_judge_says_the_same() {
    let seed = std::env::var("TRAILFIT_ORACLE_SEED").map_or(1, |seed| seed.parse().unwrap());
    let count =
        std::env::var("TRAILFIT_ORACLE_PAIRS").map_or(4_000, |count| count.parse().unwrap());
    let mut questions = cases::questions();
    // The answers to the pairs are trailfit's own; to the cases it is held like the others.
    let own: Vec<Value> = questions
        .iter()
        .map(|question| json!({"decision": trailfit(&question.line)}))
        .collect();
    questions.extend(managed::questions());
    questions.extend(pairs::questions(seed, count));
    questions.extend(layers::questions(seed, count));
    let here = root().join("oracle");
    let simulate = ask(Command::new("node").arg(here.join("judge.mjs")), &questions);
    let ministack = ask(
        Command::new("python3")
            .arg(here.join("judge_ministack.py"))
            .env("PYTHONPATH", here.join("python_modules")),
        &questions,
    );

    let (mut passed, mut failed) = (0, 0);
    let mut tally: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for (name, answers) in [
        ("trailfit", own),
        ("iam-simulate", simulate),
        ("ministack", ministack),
    ] {
        for (question, answer) in questions.iter().zip(answers) {
            if let Some(why) = answer["skip"].as_str() {
                *tally
                    .entry((name, format!("not asked: {why}")))
                    .or_default() += 1;
                continue;
            }
            let said = answer["decision"].as_str().unwrap_or_default();
            *tally.entry((name, said.to_owned())).or_default() += 1;
            if question.expected.admits(said) {
                passed += 1;
            } else {
                failed += 1;
                println!(
                    "{}: {name} says {answer}, it should be {:?}\n  {}",
                    question.source, question.expected, question.line
                );
            }
        }
    }
    for ((name, said), count) in &tally {
        println!("{name}: {count} × {said}");
    }
    println!("{passed} passed, {failed} failed");
    assert_eq!(failed, 0);
    assert!(passed > 0);
}

/// The text of a file below `tests/`.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
