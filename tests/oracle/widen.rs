//! The newest version of every AWS managed policy against itself, and against itself with one action more, one resource more
//! and one condition less.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trailfit::verify::context::Context;
use trailfit::verify::evaluate::{Decision, Request, evaluate};

use crate::compare::compared;
use crate::pairs::PRINCIPAL;
use crate::{Outcome, attach, count, documents_of, managed, seed};

/// Actions to add: the first that a policy does not speak of.
const ACTIONS: [&str; 4] = [
    "braket:CancelJob",
    "sqs:SendMessage",
    "kms:Decrypt",
    "iam:CreateUser",
];

/// A resource to add, that AWS knows nothing of.
const RESOURCE: &str = "arn:aws:s3:::trailfit-widened/*";

/// A change of a policy, and whether it allows anything new, where that is plain to see.
struct Change {
    what: &'static str,
    document: Value,
    widens: Option<bool>,
}

#[test]
#[ignore = "needs Node.js and Python: run tests/oracle/run.sh"]
fn managed_policies_widened_are_found() {
    // Every so many of them, beginning at another one for each seed.
    let step = count("TRAILFIT_ORACLE_MANAGED_STEP", 10);
    let documents = managed::documents();
    let chosen = documents.iter().skip(seed() as usize % step).step_by(step);
    let mut outcome = Outcome::default();
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    let mut slowest = (Duration::ZERO, String::new());
    for (name, document) in chosen {
        for change in changes(document) {
            let pair =
                json!({"old": {"policies": [document]}, "new": {"policies": [change.document]}});
            let start = Instant::now();
            let answer = compared(&pair);
            slowest = slowest.max((start.elapsed(), format!("{name}, {}", change.what)));
            let said = answer["answer"].as_str().unwrap();
            let meant = match change.widens {
                Some(true) => "widened",
                Some(false) => "not widened",
                None => "perhaps widened",
            };
            *tally
                .entry(format!("{}, {meant}: {said}", change.what))
                .or_default() += 1;
            // What a variable has to stand for may not be found.
            let right = said == "undecided" && pair.to_string().contains("${")
                || change
                    .widens
                    .is_none_or(|widens| said == if widens { "yes" } else { "no" });
            outcome.add(right, || {
                format!("{name}, {}: trailfit says {answer}\n  {pair}", change.what)
            });
            if said == "yes" {
                let allows = |side: &Value| allows(&side["policies"][0], &answer["request"]);
                outcome.add(allows(&pair["new"]) && !allows(&pair["old"]), || {
                    format!("{name}, {}: no witness: {answer}\n  {pair}", change.what)
                });
            }
        }
    }
    for (said, count) in tally {
        println!("{count} × {said}");
    }
    println!("slowest: {slowest:?}");
    outcome.end();
}

/// Whether an identity policy allows a request, by its own.
fn allows(document: &Value, request: &Value) -> bool {
    let policies = documents_of(document);
    let text = |key: &str| request[key].as_str().unwrap();
    let context: Context = serde_json::from_value(request["context"].clone()).unwrap();
    let request = Request::new(PRINCIPAL, text("action"), text("resource"), &context);
    evaluate(&request, &attach(&policies)).decision == Decision::Allowed
}

fn changes(document: &Value) -> Vec<Change> {
    let mut out = vec![Change {
        what: "the same",
        document: document.clone(),
        widens: Some(false),
    }];
    let statements = list(&document["Statement"]);
    let allows = |at: &usize| statements[*at]["Effect"] == "Allow";
    let places: Vec<usize> = (0..statements.len()).filter(allows).collect();
    let find = |make: fn(&[Value], usize) -> Option<Change>| {
        let made: Vec<Change> = places
            .iter()
            .filter_map(|at| make(&statements, *at))
            .collect();
        // One of which it is plain, if there is one.
        let plain = made.iter().position(|change| change.widens.is_some());
        made.into_iter().nth(plain.unwrap_or(0))
    };
    out.extend(find(with_action));
    out.extend(find(with_own_action));
    out.extend(find(with_resource));
    out.extend(find(with_own_resource));
    out.extend(find(without_condition));
    out
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn texts(value: &Value) -> Vec<String> {
    let texts = list(value).into_iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// `statements` with a change of the one at `at`.
fn changed(statements: &[Value], at: usize, change: impl FnOnce(&mut Value)) -> Value {
    let mut statements = statements.to_vec();
    change(&mut statements[at]);
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn added(statements: &[Value], at: usize, element: &str, text: &str) -> Value {
    changed(statements, at, |statement| {
        let mut texts = texts(&statement[element]);
        texts.push(text.to_owned());
        statement[element] = json!(texts);
    })
}

/// Whether a statement speaks of some action that `pattern` matches.
fn speaks_of(statement: &Value, pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let meets = |text: &String| meet(text.to_lowercase().as_bytes(), pattern.as_bytes());
    match statement.get("NotAction") {
        // Nothing but what it names is surely not meant.
        Some(not) => !texts(not).iter().any(|text| covers(text, &pattern)),
        None => texts(&statement["Action"]).iter().any(meets),
    }
}

/// Whether `text`, with its wildcards, surely matches all of `pattern`.
fn covers(text: &str, pattern: &str) -> bool {
    let text = text.to_lowercase();
    text == pattern
        || text
            .strip_suffix('*')
            .is_some_and(|stem| pattern.starts_with(stem))
}

/// Whether two texts with `*` and `?` match some string in common.
fn meet(a: &[u8], b: &[u8]) -> bool {
    let one = |(a, b): (u8, u8)| a == b || a == b'?' || b == b'?';
    match (a, b) {
        ([], []) => true,
        ([b'*', rest @ ..], _) if meet(rest, b) => true,
        (_, [b'*', rest @ ..]) if meet(a, rest) => true,
        ([b'*', ..], [_, rest @ ..]) => meet(a, rest),
        ([_, rest @ ..], [b'*', ..]) => meet(rest, b),
        ([x, a @ ..], [y, b @ ..]) => one((*x, *y)) && meet(a, b),
        _ => false,
    }
}

/// An action of the statement at `at` that no other statement speaks of.
fn own_action(statements: &[Value], at: usize) -> Option<String> {
    let others = || {
        statements
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
    };
    texts(statements[at].get("Action")?)
        .into_iter()
        .find(|action| !others().any(|(_, other)| speaks_of(other, action)))
}

fn with_action(statements: &[Value], at: usize) -> Option<Change> {
    statements[at].get("Action")?;
    let silent = |action: &&&str| {
        !statements
            .iter()
            .any(|statement| speaks_of(statement, action))
    };
    let unknown = ACTIONS.iter().find(silent);
    let everything = statements.iter().any(|statement| {
        statement["Action"] == "*"
            && statement["Resource"] == "*"
            && statement.get("Condition").is_none()
    });
    let denies = statements
        .iter()
        .any(|statement| statement["Effect"] == "Deny");
    Some(Change {
        what: "an action more",
        document: added(statements, at, "Action", unknown.unwrap_or(&ACTIONS[0])),
        widens: match unknown {
            Some(_) => Some(true),
            None => (everything && !denies).then_some(false),
        },
    })
}

fn with_own_action(statements: &[Value], at: usize) -> Option<Change> {
    let actions = texts(statements[at].get("Action")?);
    let action = actions.iter().find(|action| action.contains(':'))?;
    let covered = action.replace('*', "Any?Thing").to_uppercase();
    Some(Change {
        what: "an action that it has",
        document: added(statements, at, "Action", &covered),
        widens: Some(false),
    })
}

fn with_resource(statements: &[Value], at: usize) -> Option<Change> {
    let resources = texts(statements[at].get("Resource")?);
    let meets = |text: &String| meet(text.as_bytes(), RESOURCE.as_bytes());
    if resources.iter().any(meets) {
        return None;
    }
    Some(Change {
        what: "a resource more",
        document: added(statements, at, "Resource", RESOURCE),
        widens: own_action(statements, at).map(|_| true),
    })
}

fn with_own_resource(statements: &[Value], at: usize) -> Option<Change> {
    let resources = texts(statements[at].get("Resource")?);
    let starred = resources
        .iter()
        .find(|text| text.ends_with('*') && text.split(':').count() > 5)?;
    let covered = starred.strip_suffix('*')?.to_owned() + "some/*thing?";
    Some(Change {
        what: "a resource that it has",
        document: added(statements, at, "Resource", &covered),
        widens: Some(false),
    })
}

fn without_condition(statements: &[Value], at: usize) -> Option<Change> {
    let conditions = statements[at].get("Condition")?.as_object()?;
    let (operator, keys) = conditions.iter().next()?;
    let (key, _) = keys.as_object()?.iter().next()?;
    let document = changed(statements, at, |statement| {
        let keys = statement["Condition"][operator].as_object_mut().unwrap();
        keys.remove(key);
        if keys.is_empty() {
            statement["Condition"]
                .as_object_mut()
                .unwrap()
                .remove(operator);
        }
    });
    // What else the statement says has to leave the key free.
    let rest = document["Statement"][at].to_string().to_lowercase();
    let free = !rest.contains(&key.to_lowercase());
    let plain = free && own_action(statements, at).is_some();
    Some(Change {
        what: "a condition less",
        document,
        widens: plain.then_some(true),
    })
}
