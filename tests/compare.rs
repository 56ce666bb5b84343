//! `trailfit compare` as a user runs it.

use serde_json::{Value, json};

use crate::program::{Run, Said};

fn document(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn read(resource: &str) -> String {
    document(
        json!({"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}),
    )
}

#[track_caller]
fn compare(old: &str, new: &str, args: &str, code: i32) -> Said {
    Run::new()
        .file("old.json", old)
        .file("new.json", new)
        .args(["compare", "--old", "old.json", "--new", "new.json"])
        .args(args.split_whitespace())
        .code(code)
}

#[test]
fn what_is_no_wider_is_a_no() {
    let said = compare(&read("arn:aws:s3:::b/*"), &read("arn:aws:s3:::b/k"), "", 0);
    assert_eq!(said.stdout, "no: NEW allows nothing that OLD does not\n");
    let said = compare(&read("*"), &read("*"), "--format json", 0);
    assert_eq!(
        said.json(),
        json!({"answer": "no", "witness": null, "actions": [], "undecided": []})
    );
}

#[test]
fn what_is_wider_has_a_witness_that_simulate_confirms() {
    let old = read("arn:aws:s3:::b/k");
    let new = document(json!([
        {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*",
         "Condition": {"StringEquals": {"aws:sourcevpce": ["vpce-1"]}}},
    ]));
    let said = compare(&old, &new, "", 1);
    assert_eq!(
        said.stdout.lines().take(4).collect::<Vec<_>>(),
        [
            "yes: NEW allows `s3:GetObject` on `arn:aws:s3:::b/x`",
            "  with `aws:SourceVpce`: `vpce-1`",
            "  allowed by statement `#1` of `new.json`",
            "  not by OLD: `s3:GetObject` is not allowed on `arn:aws:s3:::b/x`, only elsewhere",
        ]
    );
    let said = compare(&old, &new, "--format json", 1);
    let answer = said.json();
    assert!(
        answer["actions"]
            .as_array()
            .unwrap()
            .contains(&json!("s3:GetObjectAcl"))
    );
    let mut request = answer["witness"].clone();
    request["principal"] = json!("arn:aws:iam::111122223333:role/any");
    for (policy, decision) in [("old.json", "implicitlyDenied"), ("new.json", "allowed")] {
        let said = Run::new()
            .file("old.json", &old)
            .file("new.json", &new)
            .args(["simulate", "--policy", policy, "--requests", "-"])
            .stdin(request.to_string())
            .code(0);
        assert_eq!(said.json()["decision"], decision);
    }
}

#[test]
fn an_action_that_aws_does_not_have_is_told_apart() {
    let all =
        |action: &str| document(json!({"Effect": "Allow", "Action": action, "Resource": "*"}));
    let said = compare(&all("sns:Publish"), &all("sns:Publish*"), "", 1);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert!(
        lines[0].starts_with("yes: NEW allows `sns:publish"),
        "{lines:?}"
    );
    assert_eq!(
        lines[1],
        "  an action that AWS does not have today, made up to fit the patterns"
    );
}

#[test]
fn boundaries_and_scps_of_both_sides_count() {
    let all = document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let run = |args: &str, code| {
        Run::new()
            .file("all.json", &all)
            .file("read.json", read("*"))
            .args(args.split_whitespace())
            .code(code)
    };
    run(
        "compare --old read.json --new all.json --new-boundary read.json",
        0,
    );
    run(
        "compare --old read.json --new all.json --new-scp all.json read.json",
        0,
    );
    run(
        "compare --old all.json --new all.json --old-boundary read.json",
        1,
    );
    let said = run(
        "compare --old all.json --old-scp read.json --new all.json",
        1,
    );
    assert!(
        said.stdout
            .contains("not by OLD: the SCPs in `read.json` do not allow it: no statement allows `"),
        "{}",
        said.stdout
    );
}

#[test]
fn what_can_not_be_told_is_undecided() {
    // No page says what an address that is none matches.
    let to = |address: &str| {
        document(
            json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
                        "Condition": {"IpAddress": {"aws:SourceIp": address}}}),
        )
    };
    let said = compare(&to("10.0.0.0/8"), &to("ten"), "", 3);
    assert_eq!(
        said.stdout,
        "undecided: NEW may allow something that OLD does not\n\
         undecided: whether `s3:GetObject` on `arn:aws:s3:::x/x` is allowed anew: by NEW, statement `#1` of `new.json` depends on `aws:sourceip`\n"
    );
}

#[test]
fn policies_with_a_principal_are_refused() {
    let named = document(
        json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}),
    );
    let said = compare(&read("*"), &named, "", 2);
    assert!(
        said.stderr.contains("`new.json`") && said.stderr.contains("has a `Principal`"),
        "{}",
        said.stderr
    );
}
