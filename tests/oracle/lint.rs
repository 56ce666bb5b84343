//! `trailfit lint` against two linters that are not trailfit's, run as outside processes: what they rightly find is
//! found, and each of our own cases has its finding.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use trailfit::verify::lint::lint;

use crate::lint_rules::{self, Verdict};
use crate::{Outcome, ask, count, lint_generated, managed, read, root, seed};

/// A policy for every linter.
pub(crate) struct Policy {
    /// Where it comes from.
    pub(crate) source: String,
    pub(crate) text: String,
}

/// A policy with one defect.
struct Case {
    /// The defect, in a few words.
    defect: String,
    /// The name of trailfit's finding.
    code: String,
    /// The statement that has it; `None` where the document has.
    statement: Option<u64>,
    text: String,
}

fn cases() -> Vec<Case> {
    let lines = read(&root().join("oracle/lint_cases.jsonl"));
    let cases = lines.lines().map(|line| {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        Case {
            defect: text("defect"),
            code: text("code"),
            statement: case["statement"].as_u64(),
            text: match &case["document"] {
                Value::Null => text("text"),
                document => document.to_string(),
            },
        }
    });
    cases.collect()
}

/// A finding of trailfit.
struct Own {
    code: &'static str,
    /// `None` for one about the document.
    statement: Option<u64>,
}

fn own(text: &str) -> Vec<Own> {
    let findings = lint(text).into_iter().map(|finding| {
        let mut path = finding.pointer.split('/').skip(1);
        let statement = (path.next() == Some("Statement"))
            // The only statement need not be in a list.
            .then(|| path.next().map_or(0, |number| number.parse().unwrap_or(0)));
        Own {
            code: finding.check.code,
            statement,
        }
    });
    findings.collect()
}

/// Whether `found` has one of the names at the statement, or about the whole document. Two statements with one `Sid`
/// are found at either.
fn has(found: &[Own], codes: &[&str], statement: Option<u64>) -> bool {
    found.iter().any(|own| {
        let whole = own.statement.is_none() || own.code == "UNIQUE_SIDS_REQUIRED";
        let there = whole || statement.is_none() || own.statement == statement;
        there && codes.contains(&own.code)
    })
}

/// The statement of that number; null without a number.
fn statement_of(document: &Value, number: Option<u64>) -> &Value {
    match (number, &document["Statement"]) {
        (None, _) => &Value::Null,
        (Some(number), Value::Array(statements)) => &statements[number as usize],
        (Some(_), statement) => statement,
    }
}

fn linter(name: &str) -> Command {
    let here = root().join("oracle");
    let mut command = Command::new("python3");
    command
        .args(["-W", "ignore"])
        .arg(here.join(name))
        .env("PYTHONPATH", here.join("python_modules"));
    command
}

/// The cases in which neither linter finds anything and none fails, as a table for people.
fn what_all_miss(cases: &[Case], parliament: &[Value], cfn_lint: &[Value]) -> String {
    let silent = |answer: &Value| answer["findings"].as_array().is_some_and(Vec::is_empty);
    let mut table = "| defect | finding |\n|---|---|\n".to_owned();
    for ((case, parliament), cfn_lint) in cases.iter().zip(parliament).zip(cfn_lint) {
        if silent(parliament) && silent(cfn_lint) {
            table += &format!("| {} | `{}` |\n", case.defect, case.code);
        }
    }
    table
}

#[test]
#[ignore = "needs Python: run tests/oracle/run.sh"]
fn what_other_linters_rightly_find_is_found() {
    let cases = cases();
    let of_case = |case: &Case| Policy {
        source: case.defect.clone(),
        text: case.text.clone(),
    };
    let mut policies: Vec<Policy> = cases.iter().map(of_case).collect();
    let managed = managed::documents().into_iter();
    policies.extend(managed.map(|(source, document)| Policy {
        source,
        text: document.to_string(),
    }));
    policies.extend(lint_generated::policies(
        seed(),
        count("TRAILFIT_ORACLE_LINTED", 300),
    ));
    let lines = policies
        .iter()
        .map(|policy| json!({"document": policy.text}));
    let lines: Vec<Value> = lines.collect();
    let lines: Vec<&Value> = lines.iter().collect();
    let (found, parliament, cfn_lint) = thread::scope(|scope| {
        let cfn_lint = scope.spawn(|| ask(&mut linter("judge_cfn_lint.py"), &lines));
        let parliament = scope.spawn(|| ask(&mut linter("judge_parliament.py"), &lines));
        let found: Vec<Vec<Own>> = policies.iter().map(|policy| own(&policy.text)).collect();
        (found, parliament.join().unwrap(), cfn_lint.join().unwrap())
    });

    let mut outcome = Outcome::default();
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    let mut tell = |what: String| *tally.entry(what).or_default() += 1;
    for (case, found) in cases.iter().zip(&found) {
        let passed = has(found, &[&case.code], case.statement);
        outcome.add(passed, || {
            format!("trailfit has no {}: {}", case.code, case.text)
        });
    }
    let table = what_all_miss(&cases, &parliament, &cfn_lint);
    let told = read(&root().join("../docs/lint.md")).contains(&table);
    outcome.add(told, || {
        format!("docs/lint.md should have the table\n{table}")
    });
    type Rule = fn(&Value, &Value) -> Verdict;
    let judges: [(&str, &[Value], Rule); 2] = [
        ("parliament", &parliament, lint_rules::parliament),
        ("cfn-lint", &cfn_lint, lint_rules::cfn_lint),
    ];
    for (name, answers, rule) in judges {
        for ((policy, answer), found) in policies.iter().zip(answers).zip(&found) {
            if let Some(error) = answer["error"].as_str() {
                tell(format!("{name} fails: {error}"));
            }
            let document: Value = serde_json::from_str(&policy.text).unwrap_or_default();
            for finding in answer["findings"].as_array().into_iter().flatten() {
                let statement = finding["statement"].as_u64();
                match rule(finding, statement_of(&document, statement)) {
                    Verdict::Wrong(why) => tell(format!("{name} is wrong: {why}")),
                    Verdict::Right(codes) => {
                        outcome.add(has(found, codes, statement), || {
                            format!(
                                "{}: {name} alone finds {finding}\n  {}",
                                policy.source, policy.text
                            )
                        });
                    }
                }
            }
        }
    }
    for (what, count) in &tally {
        println!("{what}: {count}");
    }
    outcome.end();
}
