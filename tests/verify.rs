//! `trailfit verify` as a user runs it.

use serde_json::{Value, json};

use crate::program::Run;

fn log() -> String {
    let event = |id: &str, name: &str, key: &str| {
        json!({
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333", "userName": "ann"},
            "eventTime": "2026-09-01T10:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": name,
            "awsRegion": "eu-central-1", "requestParameters": {"bucketName": "data", "key": key},
            "eventID": id, "eventType": "AwsApiCall",
        })
    };
    json!({"Records": [event("e-1", "GetObject", "a/1"), event("e-2", "PutObject", "a/2"), event("e-3", "PutObject", "a/2")]}).to_string()
}

fn policy(actions: Value, resource: &str) -> String {
    let statement =
        json!({"Sid": "Data", "Effect": "Allow", "Action": actions, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

#[test]
fn a_policy_that_allows_all_is_proved() {
    let said = Run::new()
        .file("log.json", log())
        .file(
            "policy.json",
            policy(
                json!(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
                "arn:aws:s3:::data/a/*",
            ),
        )
        .args([
            "verify",
            "--policy",
            "policy.json",
            "log.json",
            "--format",
            "json",
            "--quiet",
        ])
        .code(0);
    let answer = said.json();
    assert_eq!(
        (&answer["events"], &answer["allowed"], &answer["gaps"]),
        (&json!(3), &json!(3), &json!([]))
    );
    assert_eq!(
        answer["excess"],
        json!([{"policy": "policy.json", "statement": "Data", "action": "s3:DeleteObject", "resource": "arn:aws:s3:::data/a/*"}])
    );
}

#[test]
fn a_gap_is_named_and_ends_in_one() {
    let said = Run::new()
        .file("log.json", log())
        .file(
            "policy.json",
            policy(json!("s3:GetObject"), "arn:aws:s3:::data/a/*"),
        )
        .args([
            "verify",
            "--policy",
            "policy.json",
            "log.json",
            "--format",
            "json",
            "--quiet",
        ])
        .code(1);
    let answer = said.json();
    assert_eq!(
        (&answer["events"], &answer["allowed"]),
        (&json!(3), &json!(1))
    );
    let gap = &answer["gaps"][0];
    assert_eq!(answer["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(gap["principal"], "arn:aws:iam::111122223333:user/ann");
    assert_eq!(gap["action"], "s3:PutObject");
    assert_eq!(gap["resource"], "arn:aws:s3:::data/a/2");
    assert_eq!(
        (&gap["events"], &gap["sampleEventId"]),
        (&json!(2), &json!("e-2"))
    );
}

#[test]
fn a_file_that_is_no_policy_stops_the_run() {
    let said = Run::new()
        .file("log.json", log())
        .file("policy.json", r#"{"Statement": [{"Effect": "Maybe"}]}"#)
        .args(["verify", "--policy", "policy.json", "log.json"])
        .code(2);
    assert!(
        said.stderr
            .starts_with("error: `policy.json` is not an IAM policy: "),
        "{}",
        said.stderr
    );
    assert_eq!(said.stdout, "");
}

/// A record of Ann's call with her long-term key, from the internet, with `changes` made to its fields.
fn record(id: &str, changes: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11", "eventType": "AwsApiCall", "eventCategory": "Management", "eventID": id,
        "eventTime": "2026-09-01T10:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.7", "userAgent": "cli",
        "requestParameters": {"bucketName": "data", "key": "a"}, "responseElements": null,
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/ann",
            "accountId": "111122223333", "accessKeyId": "AKIAXXXXXXXXXXXXXXXX", "userName": "ann"},
    });
    for (name, change) in changes.as_object().unwrap() {
        match (&mut record[name], change) {
            (Value::Object(old), Value::Object(new)) => old.extend(new.clone()),
            (old, new) => *old = new.clone(),
        }
    }
    record
}

fn session(mfa: &str) -> Value {
    json!({"accessKeyId": "ASIAXXXXXXXXXXXXXXXX",
        "sessionContext": {"attributes": {"creationDate": "2026-09-01T09:00:00Z", "mfaAuthenticated": mfa}}})
}

/// Calls from everywhere, all the same but for their contexts.
fn calls() -> String {
    let records = [
        record("office", json!({})),
        record("home", json!({"sourceIPAddress": "198.51.100.9"})),
        record(
            "endpoint",
            json!({"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1"}),
        ),
        record("hidden", json!({"sourceIPAddress": "10.0.0.7"})),
        record("mfa", json!({"userIdentity": session("true")})),
        record("no-mfa", json!({"userIdentity": session("false")})),
        record("ireland", json!({"awsRegion": "eu-west-1"})),
        record("night", json!({"eventTime": "2026-09-01T23:00:00Z"})),
        record(
            "forwarded",
            json!({"sourceIPAddress": "athena.amazonaws.com",
                "userIdentity": {"invokedBy": "athena.amazonaws.com"}}),
        ),
    ];
    json!({"Records": records}).to_string()
}

fn under(effect: &str, condition: &Value) -> Value {
    json!({"Sid": "If", "Effect": effect, "Action": "s3:*", "Resource": "*", "Condition": condition})
}

/// Verifies `calls` against `statements`; the allowed ones, and for each gap its number of events, its sample, whether it is
/// certain, and the keys.
#[track_caller]
fn verify(input: &str, statements: &[Value], code: i32) -> (u64, Vec<(u64, String, bool, String)>) {
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let run = Run::new()
        .file("log.json", calls())
        .file("policy.json", policy.to_string());
    let run = match input {
        "ledger" => Run::within(
            run.args(["ingest", "log.json", "--ledger", "ledger", "--quiet"])
                .code(0)
                .folder,
        ),
        _ => run,
    };
    let args = [
        "verify",
        "--policy",
        "policy.json",
        input,
        "--format",
        "json",
        "--quiet",
    ];
    let answer = run.args(args).code(code).json();
    assert_eq!(answer["events"], json!(9));
    let gaps = answer["gaps"].as_array().unwrap().iter().map(|gap| {
        let keys: Vec<&str> = gap["unknownKeys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap())
            .collect();
        (
            gap["events"].as_u64().unwrap(),
            gap["sampleEventId"].as_str().unwrap().to_owned(),
            gap["certain"].as_bool().unwrap(),
            keys.join(" "),
        )
    });
    (answer["allowed"].as_u64().unwrap(), gaps.collect())
}

/// (a condition, how many calls it surely allows, the gaps)
type Case<'a> = (Value, u64, &'a [(u64, &'a str, bool, &'a str)]);

#[track_caller]
fn check(input: &str, cases: &[Case<'_>]) {
    for (condition, allowed, gaps) in cases {
        let found = verify(input, &[under("Allow", condition)], 1);
        let mut gaps: Vec<(u64, String, bool, String)> = gaps
            .iter()
            .map(|(events, sample, certain, keys)| {
                (*events, (*sample).into(), *certain, (*keys).into())
            })
            .collect();
        gaps.sort();
        let mut found = found;
        found.1.sort();
        assert_eq!(found, (*allowed, gaps), "{condition}");
    }
}

/// The sample is the first of the calls' ids in order.
#[test]
fn each_call_is_judged_in_its_own_context() {
    check(
        "log.json",
        &[
            (
                json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
                5,
                // From another address, and through an endpoint, where there is no such key.
                &[
                    (2, "endpoint", true, ""),
                    (2, "forwarded", false, "aws:sourceip"),
                ],
            ),
            (
                json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
                1,
                &[
                    (6, "home", true, ""),
                    (2, "forwarded", false, "aws:sourcevpce"),
                ],
            ),
            (
                json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}),
                0,
                &[
                    (6, "home", true, ""),
                    (3, "endpoint", false, "aws:sourcevpc"),
                ],
            ),
            (
                json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
                1,
                &[
                    (7, "endpoint", true, ""),
                    (1, "forwarded", false, "aws:multifactorauthpresent"),
                ],
            ),
            (
                json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
                7,
                &[
                    (1, "no-mfa", true, ""),
                    (1, "forwarded", false, "aws:multifactorauthpresent"),
                ],
            ),
            (
                json!({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}),
                8,
                &[(1, "ireland", true, "")],
            ),
            (
                json!({"DateLessThan": {"aws:CurrentTime": "2026-09-01T20:00:00Z"}}),
                8,
                &[(1, "night", true, "")],
            ),
            (
                // The other calls were done ten minutes later, and may have begun before.
                json!({"DateGreaterThan": {"aws:CurrentTime": "2026-09-01T09:50:00Z"}}),
                1,
                &[(8, "endpoint", false, "aws:currenttime")],
            ),
            (
                json!({"NumericLessThan": {"aws:EpochTime": "1788292800"}}),
                8,
                &[(1, "night", true, "")],
            ),
            (
                json!({"Bool": {"aws:ViaAWSService": "false"}}),
                8,
                &[(1, "forwarded", true, "")],
            ),
            (
                json!({"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}),
                1,
                &[(8, "endpoint", true, "")],
            ),
            (
                // Other services may be in it.
                json!({"ForAnyValue:StringEquals": {"aws:CalledVia": "dynamodb.amazonaws.com"}}),
                0,
                &[
                    (8, "endpoint", true, ""),
                    (1, "forwarded", false, "aws:calledvia"),
                ],
            ),
            (
                json!({"StringEquals": {"aws:PrincipalTag/team": "web"}}),
                0,
                &[(9, "endpoint", false, "aws:principaltag/team")],
            ),
        ],
    );
}

#[test]
fn a_ledger_tells_the_region_of_each_call_and_no_address() {
    check(
        "ledger",
        &[
            (
                json!({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}),
                8,
                &[(1, "ireland", true, "")],
            ),
            (
                json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
                0,
                &[(9, "endpoint", false, "aws:sourceip")],
            ),
        ],
    );
}

#[test]
fn a_refusal_that_hangs_on_an_unknown_key_is_no_pass() {
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let outside = json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}, "Bool": {"aws:ViaAWSService": "false"}});
    let found = verify("log.json", &[allow, under("Deny", &outside)], 1);
    let gaps = [
        (2, "endpoint".to_owned(), false, "aws:sourcevpc".to_owned()),
        (6, "home".to_owned(), true, String::new()),
    ];
    // What a service forwarded is not refused, wherever it came from.
    assert_eq!(found, (1, gaps.to_vec()));
}

#[test]
fn values_fill_the_variables_of_resources() {
    let own = json!({"Sid": "Own", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:SourceVpce}/*"});
    let log = json!({"Records": [
        record("own", json!({"requestParameters": {"bucketName": "vpce-1", "key": "a"}, "vpcEndpointId": "vpce-1"})),
        record("other", json!({"requestParameters": {"bucketName": "vpce-1", "key": "a"}, "vpcEndpointId": "vpce-2"})),
    ]});
    let policy = json!({"Version": "2012-10-17", "Statement": own});
    let said = Run::new()
        .file("log.json", log.to_string())
        .file("policy.json", policy.to_string())
        .args(["verify", "--policy", "policy.json", "log.json", "--quiet"])
        .code(1);
    assert_eq!(
        said.stdout,
        "gap: arn:aws:iam::111122223333:user/ann s3:GetObject on arn:aws:s3:::vpce-1/a: 1 call, \
         `s3:GetObject` is not allowed on `arn:aws:s3:::vpce-1/a`, only elsewhere\n\
         1 of 2 used events allowed, 1 gap\n"
    );
}

/// A session's ARN leaves the path of its role out. What a service does through an endpoint of its own is not the caller's.
#[test]
fn what_a_record_leaves_out_is_not_certain() {
    let role = "arn:aws:iam::111122223333:role/ci";
    let session = |issuer: Value| {
        json!({"type": "AssumedRole", "principalId": "AROAX:run", "userName": null,
            "arn": "arn:aws:sts::111122223333:assumed-role/ci/run", "sessionContext": {"sessionIssuer": issuer}})
    };
    let of_role = json!({"ArnEquals": {"aws:PrincipalArn": role}});
    let through = json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}});
    let open = |key: &str| json!([[false, [key]]]);
    for (changes, condition, gaps) in [
        (
            json!({"userIdentity": session(json!({"type": "Role", "arn": role}))}),
            &of_role,
            json!([]),
        ),
        (
            json!({"userIdentity": session(json!({}))}),
            &of_role,
            open("aws:principalarn"),
        ),
        (
            json!({"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1"}),
            &through,
            json!([]),
        ),
        (
            json!({"sourceIPAddress": "athena.amazonaws.com", "vpcEndpointId": "vpce-1"}),
            &through,
            open("aws:sourcevpce"),
        ),
        (
            json!({"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1", "userAgent": "lambda.amazonaws.com"}),
            &through,
            open("aws:sourcevpce"),
        ),
    ] {
        let log = json!({"Records": [record("1", changes.clone())]});
        let policy = json!({"Version": "2012-10-17", "Statement": under("Allow", condition)});
        let run = Run::new()
            .file("log.json", log.to_string())
            .file("policy.json", policy.to_string())
            .args([
                "verify",
                "--policy",
                "policy.json",
                "log.json",
                "--quiet",
                "--format",
                "json",
            ]);
        let answer = run.code(i32::from(gaps != json!([]))).json();
        let found = answer["gaps"].as_array().unwrap().iter();
        let found: Vec<Value> = found
            .map(|gap| json!([gap["certain"], gap["unknownKeys"]]))
            .collect();
        assert_eq!(json!(found), gaps, "{changes}");
    }
}

/// A call that needs two things is one event. With which context IAM is asked for a role that is passed, AWS does not say.
#[test]
fn a_call_with_several_needs_counts_once_in_each_context() {
    let parameters =
        json!({"functionName": "f", "role": "arn:aws:iam::111122223333:role/r", "runtime": "x"});
    let create = |id: &str, address: &str| {
        record(
            id,
            json!({"eventSource": "lambda.amazonaws.com", "eventName": "CreateFunction20150331",
                "sourceIPAddress": address, "requestParameters": parameters}),
        )
    };
    let log = json!({"Records": [create("1", "203.0.113.7"), create("2", "203.0.113.8"), create("3", "198.51.100.7")]});
    let office = json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}});
    let create_at_office =
        json!({"Effect": "Allow", "Action": "lambda:*", "Resource": "*", "Condition": office});
    let pass = |condition: &Value| json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition});
    let certain = (
        &json!("lambda:CreateFunction"),
        &json!(1),
        &json!("3"),
        &json!(true),
    );
    let open = (
        &json!("iam:PassRole"),
        &json!(3),
        &json!("1"),
        &json!(false),
    );
    for (condition, allowed, expected) in [
        (json!({}), 2, vec![certain]),
        (office.clone(), 0, vec![open, certain]),
    ] {
        let policy =
            json!({"Version": "2012-10-17", "Statement": [create_at_office, pass(&condition)]});
        let args = [
            "verify",
            "--policy",
            "policy.json",
            "log.json",
            "--quiet",
            "--format",
            "json",
        ];
        let run = Run::new()
            .file("log.json", log.to_string())
            .file("policy.json", policy.to_string());
        let answer = run.args(args).code(1).json();
        assert_eq!(
            (&answer["events"], &answer["allowed"]),
            (&json!(3), &json!(allowed))
        );
        let gaps = answer["gaps"].as_array().unwrap().iter();
        let gaps: Vec<_> = gaps
            .map(|gap| {
                (
                    &gap["action"],
                    &gap["events"],
                    &gap["sampleEventId"],
                    &gap["certain"],
                )
            })
            .collect();
        assert_eq!(gaps, expected);
    }
}

#[test]
fn what_is_not_certain_stands_apart() {
    let policy = json!({"Version": "2012-10-17", "Statement":
        under("Allow", &json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))});
    let run = Run::new()
        .file("log.json", calls())
        .file("policy.json", policy.to_string())
        .args(["verify", "--policy", "policy.json", "log.json", "--quiet"])
        .code(1);
    let fact = "arn:aws:iam::111122223333:user/ann s3:GetObject on arn:aws:s3:::data/a";
    assert_eq!(
        run.stdout,
        format!(
            "gap: {fact}: 2 calls, statement `If` of `policy.json` allows it only under a condition on `aws:SourceIp`, which is not met\n\
             \n\
             not certain, as the input does not tell the condition keys:\n\
             gap?: {fact}: 2 calls, statement `If` of `policy.json` depends on `aws:sourceip`\n\
             \n\
             5 of 9 used events allowed, 2 gaps, 1 of them not certain\n"
        )
    );
    let run = Run::within(run.folder)
        .args(["ingest", "log.json", "--ledger", "ledger", "--quiet"])
        .code(0);
    let said = Run::within(run.folder)
        .args(["verify", "--policy", "policy.json", "ledger"])
        .code(1);
    let note = "note: a ledger does not tell `aws:sourceip` of each call; what depends on that is not certain, unless logs alone are given\n";
    assert!(said.stderr.ends_with(note), "{}", said.stderr);
}
