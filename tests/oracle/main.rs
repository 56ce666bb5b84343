//! trailfit's evaluator against evaluators that are not trailfit's, run as outside processes.
//!
//! Not part of `cargo test`: it needs Node.js and Python. `tests/oracle/run.sh` installs what it needs and runs it;
//! `README.md` beside it tells which questions are not asked, and why.

// A harness that can not go on should stop where it stands.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod cases;
mod compare;
mod layers;
mod lint;
mod lint_generated;
mod lint_rules;
mod managed;
mod pairs;
mod respell;
mod widen;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
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
    /// Anything but `allowed`.
    NotAllowed,
    /// Anything but `explicitlyDenied`, because a family of resources that this one belongs to is not denied.
    NotDeniedAsFamily,
}

impl Expected {
    fn admits(&self, answer: &str) -> bool {
        match self {
            Self::Exactly(expected) => answer == expected,
            Self::AllowedAsFamily => answer == "allowed",
            Self::NotAllowed => answer != "allowed" && !answer.is_empty(),
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

pub(crate) fn documents_of(document: &Value) -> Vec<Policy> {
    parse(&document.to_string()).unwrap()
}

pub(crate) fn attach(policies: &[Policy]) -> Vec<Attached<'_>> {
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
fn ask(command: &mut Command, questions: &[&Value]) -> Vec<Value> {
    let mut judge = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    for question in questions {
        lines += &format!("{question}\n");
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

/// What came of all questions.
#[derive(Default)]
pub(crate) struct Outcome {
    passed: usize,
    failed: usize,
}

impl Outcome {
    /// Counts an answer; where it is wrong, says what is.
    pub(crate) fn add(&mut self, right: bool, wrong: impl FnOnce() -> String) {
        if right {
            self.passed += 1;
        } else {
            self.failed += 1;
            println!("{}", wrong());
        }
    }

    pub(crate) fn end(self) {
        println!("{} passed, {} failed", self.passed, self.failed);
        assert_eq!(self.failed, 0);
        assert!(self.passed > 0);
    }
}

pub(crate) fn seed() -> u64 {
    std::env::var("TRAILFIT_ORACLE_SEED").map_or(1, |seed| seed.parse().unwrap())
}

/// How many questions the variable asks for.
pub(crate) fn count(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |count| count.parse().unwrap())
}

#[test]
#[ignore = "needs Node.js and Python: run tests/oracle/run.sh"]
fn every_judge_says_the_same() {
    let (seed, count) = (seed(), count("TRAILFIT_ORACLE_PAIRS", 4_000));
    let mut questions = cases::questions();
    // The answers to the pairs are trailfit's own; to the cases it is held like the others.
    let mut outcome = Outcome::default();
    hold_trailfit_to(&questions, &mut outcome);
    questions.extend(managed::questions());
    questions.extend(pairs::questions(seed, count));
    questions.extend(layers::questions(seed, count));
    ask_all(&questions, &mut outcome);
    outcome.end();
}

/// Puts `questions` to trailfit.
pub(crate) fn hold_trailfit_to(questions: &[Question], outcome: &mut Outcome) {
    for question in questions {
        let said = trailfit(&question.line);
        outcome.add(question.expected.admits(&said), || {
            format!(
                "{}: trailfit says {said}, it should be {:?}\n  {}",
                question.source, question.expected, question.line
            )
        });
    }
}

/// Puts `questions` to the judges that are not trailfit's.
pub(crate) fn ask_all(questions: &[Question], outcome: &mut Outcome) {
    let here = root().join("oracle");
    let lines: Vec<&Value> = questions.iter().map(|question| &question.line).collect();
    let simulate = ask(Command::new("node").arg(here.join("judge.mjs")), &lines);
    let ministack = ask(
        Command::new("python3")
            .arg(here.join("judge_ministack.py"))
            .env("PYTHONPATH", here.join("python_modules")),
        &lines,
    );
    let mut tally: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for (name, answers) in [("iam-simulate", simulate), ("ministack", ministack)] {
        for (question, answer) in questions.iter().zip(answers) {
            if let Some(why) = answer["skip"].as_str() {
                let why = format!("not asked: {why}");
                *tally.entry((name, why)).or_default() += 1;
                continue;
            }
            let said = answer["decision"].as_str().unwrap_or_default();
            *tally.entry((name, said.to_owned())).or_default() += 1;
            outcome.add(question.expected.admits(said), || {
                format!(
                    "{}: {name} says {answer}, it should be {:?}\n  {}",
                    question.source, question.expected, question.line
                )
            });
        }
    }
    for ((name, said), count) in &tally {
        println!("{name}: {count} × {said}");
    }
}

/// The text of a file below `tests/`.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
