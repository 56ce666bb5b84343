//! `trailfit simulate` as a user runs it, and the evaluator behind it on documents of all sizes.

use proptest::prelude::*;
use serde_json::{Value, json};
use trailfit::verify::authorize::{Policies, authorize};
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Request};
use trailfit::verify::policy::parse;

use crate::program::Run;

const USER: &str = "arn:aws:iam::111122223333:user/ann";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ci/build";
const OBJECT: &str = "arn:aws:s3:::data/a/1";

fn document(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn allow(sid: &str, action: &str) -> String {
    document(json!([{"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*"}]))
}

fn request(principal: &str, action: &str, resource: &str, context: Value) -> String {
    json!({"principal": principal, "action": action, "resource": resource, "context": context})
        .to_string()
        + "\n"
}

#[test]
fn each_request_is_answered_in_its_order() {
    let read = json!([
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/${aws:username, 'a'}/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]);
    let requests = [
        request(
            USER,
            "s3:GetObject",
            OBJECT,
            json!({"aws:SecureTransport": ["true"]}),
        ),
        request(
            USER,
            "S3:getobject",
            OBJECT,
            json!({"AWS:securetransport": false}),
        ),
        request(USER, "s3:PutObject", OBJECT, json!({})),
        request(
            USER,
            "s3:GetObject",
            OBJECT,
            json!({"aws:username": ["bob"]}),
        ),
    ];
    let said = Run::new()
        .file("p.json", document(read))
        .args(["simulate", "--policy", "p.json", "--requests", "-"])
        .stdin(requests.concat())
        .code(0);
    assert_eq!(said.stderr, "");
    assert_eq!(
        said.stdout,
        concat!(
            r#"{"decision":"allowed","matched":[{"policy":"p.json","statement":"Read"}],"#,
            r#""reason":"allowed by statement `Read` of `p.json`"}"#,
            "\n",
            r##"{"decision":"explicitlyDenied","matched":[{"policy":"p.json","statement":"#2"}],"##,
            r##""reason":"denied by statement `#2` of `p.json`"}"##,
            "\n",
            r#"{"decision":"implicitlyDenied","matched":[],"reason":"no statement allows `s3:PutObject`"}"#,
            "\n",
            r#"{"decision":"implicitlyDenied","matched":[],"#,
            r#""reason":"`s3:GetObject` is not allowed on `arn:aws:s3:::data/a/1`, only elsewhere"}"#,
            "\n",
        )
    );
}

#[test]
fn every_type_of_policy_has_its_say() {
    let resource = document(json!([{
        "Sid": "Session", "Effect": "Allow", "Principal": {"AWS": SESSION}, "Action": "s3:*", "Resource": "*",
    }]));
    let rcp = document(json!([{
        "Sid": "Https", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }]));
    let levels = format!("[{}, {}]", allow("Sqs", "sqs:*"), allow("S3", "s3:*"));
    let run = |arguments: &[&str], context: Value| {
        let said = Run::new()
            .file("identity.json", allow("Identity", "*"))
            .file("sqs.json", allow("Sqs", "sqs:*"))
            .file("all.json", allow("All", "*"))
            .file("level.json", &levels)
            .file("resource.json", &resource)
            .file("rcp.json", &rcp)
            .file(
                "requests.jsonl",
                request(SESSION, "s3:GetObject", OBJECT, context),
            )
            .args(["simulate", "--requests", "requests.jsonl"])
            .args(arguments.iter().copied())
            .code(0);
        let answer = said.json();
        let matched = answer["matched"].as_array().unwrap();
        let matched = matched.iter().map(|m| m["policy"].as_str().unwrap());
        let decision = answer["decision"].as_str().unwrap().to_owned();
        (decision, matched.collect::<Vec<_>>().join(" "))
    };
    let identity = ["--policy", "identity.json"];
    for (more, context, decision, matched) in [
        (&[][..], json!({}), "allowed", "identity.json"),
        (
            &["--boundary", "all.json"],
            json!({}),
            "allowed",
            "identity.json all.json",
        ),
        (
            &["--boundary", "sqs.json"],
            json!({}),
            "implicitlyDenied",
            "",
        ),
        (
            &["--session-policy", "sqs.json"],
            json!({}),
            "implicitlyDenied",
            "",
        ),
        (
            &["--session-policy", "sqs.json", "all.json"],
            json!({}),
            "allowed",
            "identity.json all.json",
        ),
        // A file is a level: of its documents one must allow, of several files each.
        (
            &["--scp", "all.json", "--scp", "level.json"],
            json!({}),
            "allowed",
            "identity.json all.json level.json",
        ),
        (
            &["--scp", "all.json", "sqs.json"],
            json!({}),
            "implicitlyDenied",
            "",
        ),
        // What the bucket grants to the session itself is not limited by its boundary.
        (
            &[
                "--boundary",
                "sqs.json",
                "--resource-policy",
                "resource.json",
            ],
            json!({}),
            "allowed",
            "resource.json",
        ),
        (
            &["--rcp", "rcp.json"],
            json!({"aws:SecureTransport": "false"}),
            "explicitlyDenied",
            "rcp.json",
        ),
        (
            &["--rcp", "rcp.json"],
            json!({}),
            "allowed",
            "identity.json",
        ),
        // Another account's bucket: its policy has to allow it too.
        (
            &[],
            json!({"aws:ResourceAccount": "444455556666"}),
            "implicitlyDenied",
            "",
        ),
        (
            &["--resource-policy", "resource.json"],
            json!({"aws:ResourceAccount": "444455556666"}),
            "allowed",
            "identity.json resource.json",
        ),
    ] {
        let arguments = [&identity[..], more].concat();
        let expected = (decision.to_owned(), matched.to_owned());
        assert_eq!(run(&arguments, context), expected, "{more:?}");
    }
}

#[test]
fn what_aws_does_not_document_is_taken_to_grant_less() {
    let several = json!({"aws:TagKeys": ["a", "b"]});
    let statement = |effect: &str| {
        json!({"Sid": "Tags", "Effect": effect, "Action": "s3:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:TagKeys": "a"}}})
    };
    for (statements, decision) in [
        (json!([statement("Allow")]), "implicitlyDenied"),
        (
            json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}, statement("Deny")]),
            "explicitlyDenied",
        ),
    ] {
        let said = Run::new()
            .file("p.json", document(statements))
            .args(["simulate", "--policy", "p.json", "--requests", "-"])
            .stdin(request(USER, "s3:GetObject", OBJECT, several.clone()))
            .code(0);
        let answer = said.json();
        assert_eq!(answer["decision"], decision);
        assert_eq!(
            answer["reason"],
            "statement `Tags` of `p.json` depends on `aws:tagkeys`, of which AWS does not say what it means here: taken \
             to grant less"
        );
    }
}

#[test]
fn a_line_that_is_no_request_is_named_and_the_others_are_answered() {
    let good = request(USER, "s3:GetObject", OBJECT, json!({}));
    let lines = [
        format!("\u{feff}{good}"),
        "\n".to_owned(),
        "{\"principal\": \"x\"\n".to_owned(),
        request("ann", "s3:GetObject", OBJECT, json!({})),
        request(USER, "s3:Get*", OBJECT, json!({})),
        request(USER, "s3:GetObject", "data/a/1", json!({})),
        request(
            USER,
            "s3:GetObject",
            OBJECT,
            json!({"a:b": ["c"], "A:B": ["d"]}),
        ),
        request(USER, "s3:GetObject", OBJECT, json!({"a:b": null})),
        good.trim_end().to_owned(),
    ];
    let said = Run::new()
        .file("p.json", allow("All", "*"))
        .file("requests.jsonl", lines.concat())
        .args([
            "simulate",
            "--policy",
            "p.json",
            "--requests",
            "requests.jsonl",
        ])
        .code(3);
    let errors = [
        "line 3: EOF while parsing an object at column 17",
        "line 4: principal `ann` is neither an ARN, nor a service such as `ec2.amazonaws.com`, nor `*`",
        "line 5: action `s3:Get*` is not one `service:name`",
        "line 6: resource `data/a/1` is neither an ARN nor `*`",
        "line 7: duplicate key `A:B`",
        "line 8: invalid type: null, expected a value or a list of values",
    ];
    let answers = said.json_lines();
    assert_eq!(answers.len(), 8);
    for at in [0, 7] {
        assert_eq!(answers[at]["decision"], "allowed", "{at}");
    }
    let stderr: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(stderr.len(), errors.len());
    for (at, expected) in errors.iter().enumerate() {
        let error = answers[at + 1]["error"].as_str().unwrap();
        assert!(error.starts_with(expected), "{error}");
        let told = stderr[at].strip_prefix("error: `requests.jsonl` ").unwrap();
        assert_eq!(told, error);
    }
}

#[test]
fn what_can_not_be_judged_by_ends_in_two() {
    let principal = json!([{"Sid": "P", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]);
    for (arguments, message) in [
        (
            &["--policy", "p.json"][..],
            "error: `p.json` is not an IAM policy: statement `P` has a `Principal`, which only resource policies and RCPs have\n",
        ),
        (
            &["--resource-policy", "all.json"],
            "error: `all.json` is not an IAM policy: statement `All` has no `Principal`, as this type of policy must\n",
        ),
        (
            &["--policy", "requests.jsonl"],
            "error: `requests.jsonl` is not an IAM policy: unknown element `principal`, expected one of `Version`, `Id`, `Statement` at line 1 column 2\n",
        ),
    ] {
        let said = Run::new()
            .file("p.json", document(principal.clone()))
            .file("all.json", allow("All", "*"))
            .file("requests.jsonl", r#"{"principal": "*"}"#)
            .args(["simulate", "--requests", "requests.jsonl"])
            .args(arguments.iter().copied())
            .code(2);
        assert_eq!(said.stderr, message);
    }
    let said = Run::new()
        .file("all.json", allow("All", "*"))
        .args([
            "simulate",
            "--policy",
            "all.json",
            "--requests",
            "none.jsonl",
        ])
        .code(2);
    assert!(said.stderr.starts_with("error: cannot read `none.jsonl`: "));
}

/// Parses `text` and, if it is a policy, judges by it as an identity policy and as a resource policy.
fn judge(text: &str) {
    let Ok(policies) = parse(text) else { return };
    let attach = |policy| Attached {
        principal: None,
        name: "p",
        policy,
    };
    let attached: Vec<Attached<'_>> = policies.iter().map(attach).collect();
    let policies = Policies {
        identity: &attached,
        resource: &attached,
        ..Policies::default()
    };
    let context = Context::partial().with("a:b", Key::Known(vec!["ab".repeat(50)]));
    let request = Request::new(SESSION, "s3:GetObject", "arn:aws:s3:::aab/*a*b", &context);
    let judgement = authorize(&request, &policies);
    let _ = (judgement.reason(&request), judgement.cautious());
}

/// A text of `length` bytes at most, that repeats `piece`.
fn fill(piece: &str, length: usize) -> String {
    piece.repeat(length / piece.len())
}

const MEGABYTE: usize = 1 << 20;

#[test]
fn a_megabyte_of_anything_is_judged_or_refused() {
    let room = MEGABYTE - 400;
    let statement = |resource: &str, condition: &str| {
        format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "s3:*", "Resource": "{resource}"{condition}}},
                "Version": "2012-10-17"}}"#
        )
    };
    for piece in ["*a", "?*", "${a:b}", "${", "${,", "\u{e4}:*"] {
        let long = fill(piece, room);
        judge(&statement(&format!("arn:aws:s3:::{long}"), ""));
        let condition = format!(r#", "Condition": {{"StringLike": {{"a:b": "{long}"}}}}"#);
        judge(&statement("*", &condition));
    }
    let small = r#"{"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "NotAction": "*", "NotResource": "*"},"#;
    let many = fill(small, room);
    judge(&format!(
        r#"{{"Statement": [{}]}}"#,
        &many[..many.len() - 1]
    ));
    for open in [
        "[",
        r#"{"Statement":"#,
        r#"{"PolicyVersion":"#,
        r#"{"Statement":{"Condition":"#,
    ] {
        judge(&fill(open, room));
        let closed = fill(open, room / 2);
        judge(&(closed.clone() + &fill("]", room / 2)));
        judge(&(closed + &fill("}", room / 2)));
    }
    let digits = fill("9", room);
    judge(&statement(
        "*",
        &format!(r#", "Condition": {{"NumericEquals": {{"a:b": {digits}}}}}"#),
    ));
    judge(&statement(
        "*",
        &format!(r#", "Condition": {{"DateEquals": {{"a:b": "{digits}"}}}}"#),
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Documents out of the grammar's own words, repeated to all sizes.
    #[test]
    fn no_document_makes_it_panic(
        element in prop::sample::select(vec!["Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal"]),
        effect in prop::sample::select(vec!["Allow", "Deny"]),
        operator in "(ForAllValues:|ForAnyValue:)?(String|Arn|Numeric|Date|Binary|Bool|IpAddress|Null)(Not)?(Equals|Like|LessThan)?(IfExists)?",
        value in prop_oneof![
            Just(json!(["a", "*", "${a:b}", "10.0.0.0/8", "2020-01-01", "true"])),
            "\\PC{0,40}".prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
        ],
        text in "[a-z0-9:/*?$\\{\\},' ]{0,30}",
        times in 1_usize..200,
    ) {
        let mut statement = json!({
            "Effect": effect, "Action": "s3:*", "Resource": "*", "Condition": {operator: {"a:b": value}},
        });
        let fields = statement.as_object_mut().unwrap();
        if element.ends_with("ction") {
            fields.remove("Action");
        } else if element.ends_with("source") {
            fields.remove("Resource");
        }
        let value = match element {
            "Principal" | "NotPrincipal" => json!({"AWS": text}),
            "Action" | "NotAction" => json!([format!("s3:{text}")]),
            _ => json!([format!("arn:aws:s3:::{}", text.repeat(times))]),
        };
        fields.insert(element.to_owned(), value);
        judge(&json!({"Version": "2012-10-17", "Statement": vec![statement; times]}).to_string());
    }
}
