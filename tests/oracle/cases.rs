//! The case folders: policies written by trailfit or by hand, and requests with the answer known beforehand.

use std::fs;

use serde_json::{Value, json};

use crate::{Expected, Question, read, root};

/// Each line of each `tests/cases/*/requests.jsonl`, against the `policy.json` beside it.
pub(crate) fn questions() -> Vec<Question> {
    let Ok(folders) = fs::read_dir(root().join("cases")) else {
        return Vec::new();
    };
    let mut folders: Vec<_> = folders.map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    let mut out = Vec::new();
    for folder in folders {
        let requests = folder.join("requests.jsonl");
        if !requests.exists() {
            continue;
        }
        let policies: Value = serde_json::from_str(&read(&folder.join("policy.json"))).unwrap();
        let policies = match policies {
            Value::Array(documents) => documents,
            document => vec![document],
        };
        for (index, text) in read(&requests).lines().enumerate() {
            let source = format!("{}:{}", requests.display(), index + 1);
            let mut request: Value = serde_json::from_str(text).unwrap();
            let fields = request.as_object_mut().unwrap();
            let expect = fields.remove("expect").unwrap();
            let expect = expect.as_str().unwrap().to_owned();
            fields.entry("context").or_insert_with(|| json!({}));
            let line = json!({"policies": policies.clone(), "request": request});
            out.push(Question {
                source,
                line,
                expected: Expected::Exactly(expect),
            });
        }
    }
    out
}
