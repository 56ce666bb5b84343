//! `trailfit generate` on the roles of IAM Identity Center's permission sets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::program::{Run, Said};

const A: &str = "111122223333";
const B: &str = "444455556666";
const C: &str = "777788889999";

/// The end of the set's role in each account; that of a set made anew.
const SUFFIX: &str = "0123456789abcdef";
const ANEW: &str = "fedcba9876543210";

const MARIA: &str = "maria@example.com";
const JONAS: &str = "jonas@example.com";

/// A call by the role of the set `Platform` in an account.
struct Call {
    account: &'static str,
    suffix: &'static str,
    session: &'static str,
    source: &'static str,
    name: &'static str,
    parameters: Value,
}

fn call(account: &'static str, source: &'static str, name: &'static str, p: Value) -> Call {
    Call {
        account,
        suffix: SUFFIX,
        session: MARIA,
        source,
        name,
        parameters: p,
    }
}

fn log(calls: &[Call]) -> String {
    let record = |(id, call): (usize, &Call)| {
        let Call {
            account,
            suffix,
            session,
            ..
        } = call;
        let role = format!("AWSReservedSSO_Platform_{suffix}");
        let path = "aws-reserved/sso.amazonaws.com/eu-west-1";
        json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
                "principalId": format!("AROA{account}EXAMPLE:{session}"),
                "accountId": account,
                "sessionContext": {"sessionIssuer": {
                    "type": "Role", "arn": format!("arn:aws:iam::{account}:role/{path}/{role}"),
                    "accountId": account, "userName": role,
                }},
            },
            "eventTime": "2026-09-01T10:00:00Z",
            "eventSource": format!("{}.amazonaws.com", call.source),
            "eventName": call.name,
            "awsRegion": "eu-central-1",
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "aws-cli/2.27.0",
            "requestParameters": call.parameters,
            "responseElements": null,
            "eventID": format!("e-{id}"),
            "eventType": "AwsApiCall",
            "recipientAccountId": account,
        })
    };
    let records: Vec<Value> = calls.iter().enumerate().map(record).collect();
    json!({ "Records": records }).to_string()
}

fn object(bucket: &str) -> Value {
    json!({"bucketName": bucket, "key": "a"})
}

fn instance(id: &str) -> Value {
    json!({"instancesSet": {"items": [{"instanceId": id}]}})
}

/// Two accounts that use much the same, and a third that is hardly used.
fn three_accounts() -> String {
    let mut calls = Vec::new();
    for account in [A, B] {
        let orders = json!({"functionName": "orders", "role": format!("arn:aws:iam::{account}:role/orders")});
        let own = object(&format!("assets-{account}-eu-central-1"));
        let audit =
            json!({"roleArn": "arn:aws:iam::999900001111:role/audit", "roleSessionName": "x"});
        let bus = json!({"entries": [{"eventBusName": "bus"}]});
        calls.extend([
            call(account, "ec2", "DescribeInstances", json!({})),
            call(account, "lambda", "CreateFunction20150331", orders),
            call(
                account,
                "lambda",
                "GetFunction20150331v2",
                json!({"functionName": "orders"}),
            ),
            call(account, "s3", "GetObject", own),
            call(account, "s3", "GetObject", object("shared")),
            call(account, "sts", "AssumeRole", audit),
            call(account, "events", "PutEvents", bus),
        ]);
    }
    let queue = json!({"queueUrl": format!("https://sqs.eu-central-1.amazonaws.com/{A}/orders")});
    calls.extend([
        call(A, "ec2", "StopInstances", instance("i-0123456789abcdef0")),
        call(B, "ec2", "StopInstances", instance("i-0123456789abcdef1")),
        call(B, "ec2", "StopInstances", instance("i-0123456789abcdef2")),
        call(
            B,
            "ec2",
            "TerminateInstances",
            instance("i-0123456789abcdef2"),
        ),
        call(A, "ec2", "DescribeVolumes", json!({})),
        call(A, "ec2", "EnableEbsEncryptionByDefault", json!({})),
        call(A, "s3", "PutObject", object("only-a")),
        call(A, "sqs", "PurgeQueue", queue),
        call(C, "ec2", "DescribeInstances", json!({})),
    ]);
    log(&calls)
}

/// `action resource condition` of each pair that a document grants, however they stand together.
fn grants(document: &Value) -> BTreeSet<String> {
    let list = |value: &Value| match value {
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    };
    let statements = document["Statement"].as_array().unwrap().iter();
    let pairs = statements.flat_map(|s| {
        let condition = s
            .get("Condition")
            .map(|c| format!(" {c}"))
            .unwrap_or_default();
        let resources = list(&s["Resource"]);
        list(&s["Action"]).into_iter().flat_map(move |action| {
            let pair =
                |resource: &Value| format!("{action} {resource}{condition}").replace('"', "");
            resources.iter().map(pair).collect::<Vec<_>>()
        })
    });
    pairs.collect()
}

const OWN: &str = "{StringEqualsIfExists:{aws:ResourceAccount:${aws:PrincipalAccount}}}";

#[test]
fn a_permission_set_has_one_policy_for_all_its_accounts() {
    let said = Run::new()
        .file("log.json", three_accounts())
        .args(["generate", "log.json", "--permission-sets", "merge"])
        .code(0);
    let in_a = format!("{{StringEquals:{{aws:PrincipalAccount:{A}}}}}");
    let expected: BTreeSet<String> = [
        "ec2:DescribeInstances *".to_owned(),
        "ec2:DescribeVolumes *".to_owned(),
        format!("ec2:EnableEbsEncryptionByDefault * {in_a}"),
        format!("ec2:StopInstances arn:aws:ec2:eu-central-1:*:instance/* {OWN}"),
        format!("ec2:TerminateInstances arn:aws:ec2:eu-central-1:{B}:instance/*"),
        format!("events:PutEvents arn:aws:events:eu-central-1:{A}:event-bus/bus"),
        format!("events:PutEvents arn:aws:events:eu-central-1:{B}:event-bus/bus"),
        "iam:PassRole arn:aws:iam::*:role/orders {StringEqualsIfExists:{aws:ResourceAccount:${aws:PrincipalAccount},iam:PassedToService:lambda.amazonaws.com}}".to_owned(),
        format!("lambda:CreateFunction arn:aws:lambda:eu-central-1:*:function:orders {OWN}"),
        format!("lambda:GetFunction arn:aws:lambda:eu-central-1:*:function:orders {OWN}"),
        "s3:GetObject arn:aws:s3:::assets-${aws:PrincipalAccount}-eu-central-1/a".to_owned(),
        "s3:GetObject arn:aws:s3:::shared/a".to_owned(),
        format!("s3:PutObject arn:aws:s3:::only-a/a {in_a}"),
        format!("sqs:PurgeQueue arn:aws:sqs:eu-central-1:{A}:orders"),
        "sts:AssumeRole arn:aws:iam::999900001111:role/audit".to_owned(),
    ]
    .into();
    assert_eq!(grants(&said.json()), expected);
    for line in [
        "permission set Platform in 3 accounts: 1 document, ",
        "widened by every-account: ec2:DescribeVolumes on * stands for 1 account on 1 day: the same to the permission set's roles in all other accounts\n",
        "widened by every-account: ec2:StopInstances on arn:aws:ec2:eu-central-1:*:instance/* stands for 2 accounts on 1 day: the same in each account that the permission set is assigned to, for its role there\n",
    ] {
        assert!(said.stderr.contains(line), "{line}\n{}", said.stderr);
    }
}

/// What `--out` leaves, for further runs in the same folder.
fn written(how: &str) -> Said {
    Run::new()
        .file("log.json", three_accounts())
        .args(["generate", "log.json", "--out", "out", "--resources", how])
        .code(0)
}

const SET: &str = "out/permission-set/Platform.json";
const ROLES: [&str; 3] = [
    "out/111122223333/permission-set/Platform.json",
    "out/444455556666/permission-set/Platform.json",
    "out/777788889999/permission-set/Platform.json",
];

#[test]
fn each_role_of_a_set_may_do_what_it_did_and_no_other_account_has_a_say() {
    for how in ["exact", "balanced"] {
        let said = Run::within(written(how).folder)
            .args(["verify", "--policy", SET, "log.json"])
            .code(0);
        // What the role of B did to its own instances, that of C may not.
        let theirs =
            json!({"functionName": format!("arn:aws:lambda:eu-central-1:{A}:function:orders")});
        let calls = [
            call(
                C,
                "ec2",
                "TerminateInstances",
                instance("i-0123456789abcdef2"),
            ),
            call(C, "s3", "PutObject", object("only-a")),
            call(C, "lambda", "GetFunction20150331v2", theirs),
        ];
        let said = Run::within(said.folder)
            .file("other.json", log(&calls))
            .args(["verify", "--policy", SET, "--format", "json", "other.json"])
            .code(1);
        let report = said.json();
        let gaps = report["gaps"].as_array().unwrap().iter();
        let gaps: BTreeSet<&str> = gaps.map(|gap| gap["action"].as_str().unwrap()).collect();
        let mut expected = BTreeSet::from(["ec2:TerminateInstances", "s3:PutObject"]);
        // Its id written out, another account's function is that account's to refuse.
        if how == "balanced" {
            expected.insert("lambda:GetFunction");
        }
        assert_eq!(gaps, expected, "{how}");
    }
}

#[test]
fn a_set_allows_no_more_than_its_roles_but_what_is_listed() {
    let compare = |how: &str, code: i32| {
        let said = written(how);
        let listed: BTreeSet<String> =
            said.written("out/index.json")["permissionSets"][0]["widened"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|w| {
                    w["rule"] == "every-account"
                        && w["resource"].as_str().unwrap().contains(['*', '$'])
                })
                .flat_map(|w| w["actions"].as_array().unwrap())
                .map(|action| action.as_str().unwrap().to_owned())
                .collect();
        let old = ROLES.iter().flat_map(|file| ["--old", file]);
        let said = Run::within(said.folder)
            .args(["compare", "--format", "json", "--new", SET])
            .args(old)
            .code(code);
        (listed, said.json())
    };
    let (listed, _) = compare("exact", 0);
    assert_eq!(listed, BTreeSet::new());
    let (listed, answer) = compare("balanced", 1);
    let more: BTreeSet<String> = answer["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    // Who has the policies of all three has what one may read on `*`.
    let expected: BTreeSet<String> = listed
        .into_iter()
        .filter(|action| !action.starts_with("ec2:Describe"))
        .collect();
    assert_eq!(more, expected);
}

#[test]
fn a_set_made_anew_is_one_set() {
    let mut calls = vec![
        call(A, "ec2", "DescribeInstances", json!({})),
        call(A, "s3", "PutObject", object("only-a")),
    ];
    calls.push(Call {
        suffix: ANEW,
        ..call(A, "sqs", "ListQueues", json!({}))
    });
    let said = Run::new()
        .file("log.json", log(&calls))
        .args(["generate", "log.json", "--out", "out"])
        .code(0);
    let index = said.written("out/index.json");
    let set = &index["permissionSets"][0];
    assert_eq!(set["accounts"], json!([A]));
    assert_eq!(set["principals"].as_array().unwrap().len(), 2);
    assert_eq!(set["files"], json!(["permission-set/Platform.json"]));
    // It may be assigned to more accounts than the log shows.
    let widened = set["widened"].as_array().unwrap();
    assert_eq!(widened.len(), 1);
    assert_eq!(widened[0]["rule"], "every-account");
    assert_eq!(
        widened[0]["actions"],
        json!(["ec2:DescribeInstances", "sqs:ListQueues"])
    );
    assert_eq!(
        grants(&said.written(SET)),
        [
            "ec2:DescribeInstances *",
            "s3:PutObject arn:aws:s3:::only-a/a {StringEquals:{aws:PrincipalAccount:111122223333}}",
            "sqs:ListQueues *"
        ]
        .map(str::to_owned)
        .into()
    );
    let said = Run::within(said.folder)
        .args(["generate", "log.json"])
        .code(2);
    assert!(
        said.stderr.contains("--permission-sets merge"),
        "{}",
        said.stderr
    );
    let said = Run::within(said.folder)
        .args([
            "generate",
            "log.json",
            "--out",
            "out",
            "--permission-sets",
            "apart",
        ])
        .code(0);
    assert_eq!(said.written("out/index.json")["permissionSets"], json!([]));
    assert!(!said.folder.path().join(SET).exists());
}

/// A set's policy is its inline policy, and never written in the place of a boundary.
#[test]
fn what_is_written_for_something_else_is_not_merged() {
    let calls = [A, B].map(|account| call(account, "ec2", "DescribeInstances", json!({})));
    let asked = |run: Run, more: &[&'static str]| {
        let generate = ["generate", "log.json", "--out", "out", "--for"];
        run.args(generate).args(more.iter().copied())
    };
    let said = asked(Run::new().file("log.json", log(&calls)), &["boundary"]).code(0);
    let index = said.written("out/index.json");
    assert_eq!(index["permissionSets"], json!([]));
    assert_eq!(index["principals"][1]["target"], "boundary");
    assert!(!said.folder.path().join(SET).exists());
    let merged = ["boundary", "--permission-sets", "merge"];
    let said = asked(Run::within(said.folder), &merged).code(2);
    assert!(said.stderr.contains("--for"), "{}", said.stderr);
    let merged = ["permission-set", "--permission-sets", "merge"];
    let said = asked(Run::within(said.folder), &merged).code(0);
    assert!(said.folder.path().join(SET).exists());
}

#[test]
fn a_set_that_is_not_proved_is_not_written() {
    let long = json!({"name": "x".repeat(11_000)});
    let calls = [
        call(A, "ssm", "GetParameter", long),
        call(B, "ec2", "DescribeInstances", json!({})),
    ];
    let said = Run::new()
        .file("log.json", log(&calls))
        .args(["generate", "log.json", "--out", "out"])
        .code(1);
    let index = said.written("out/index.json");
    let set = &index["permissionSets"][0];
    assert_eq!((&set["files"], &set["fits"]), (&json!([]), &json!(false)));
    let reasons = [set, &index["principals"][0]].map(|entry| entry["unproved"].as_str().unwrap());
    assert!(reasons.iter().all(|reason| reason.contains("x… (11,0")));
    assert!(!said.folder.path().join(SET).exists());
    assert_eq!(index["principals"][1]["files"].as_array().unwrap().len(), 1);
    for whose in [
        "of `arn:aws:iam::111122223333:role/",
        "of the permission set `Platform` is not proved",
        "for 1 principal to `out`",
    ] {
        assert!(said.stderr.contains(whose), "{whose}\n{}", said.stderr);
    }
}

#[test]
fn who_used_what_behind_a_set_is_told() {
    let mut calls = vec![
        call(A, "ec2", "DescribeInstances", json!({})),
        call(B, "ec2", "DescribeInstances", json!({})),
        call(A, "s3", "PutObject", object("only-a")),
    ];
    for account in [A, B] {
        calls.push(Call {
            session: JONAS,
            ..call(account, "ec2", "DescribeInstances", json!({}))
        });
    }
    let said = Run::new()
        .file("log.json", log(&calls))
        .args(["generate", "log.json", "--out", "out", "--people"])
        .code(0);
    let index = said.written("out/index.json");
    let set = &index["permissionSets"][0];
    let uses = |action: &str, uses: u32, alone: u32, example: &str| {
        json!({
            "action": action, "uses": uses, "resources": 1, "alone": alone, "examples": [example],
            "firstDay": "2026-09-01", "lastDay": "2026-09-01",
        })
    };
    let session = |name: &str, count: u32, actions: Value| {
        json!({
            "session": name, "behind": "person", "accounts": [A, B], "uses": count,
            "firstDay": "2026-09-01", "lastDay": "2026-09-01", "actions": actions,
        })
    };
    let put = uses("s3:PutObject", 1, 1, "arn:aws:s3:::only-a/a");
    assert_eq!(
        set["people"],
        json!([
            session(JONAS, 2, json!([uses("ec2:DescribeInstances", 2, 0, "*")])),
            session(
                MARIA,
                3,
                json!([uses("ec2:DescribeInstances", 2, 0, "*"), put])
            ),
        ])
    );
    assert_eq!(set["peopleNotes"], json!([]));
    // In B, Jonas and Maria are all there is too, and neither did anything alone.
    let in_b = &index["principals"][1]["people"];
    assert_eq!(in_b[0]["accounts"], json!([B]));
    let said = Run::within(said.folder)
        .args([
            "generate",
            "log.json",
            "--permission-sets",
            "merge",
            "--people",
        ])
        .code(0);
    for line in [
        "person: jonas@example.com: 2 uses of 1 action, on 2026-09-01\n",
        "person: maria@example.com: 3 uses of 2 actions, on 2026-09-01; nobody else: s3:PutObject\n",
    ] {
        assert!(said.stderr.contains(line), "{line}\n{}", said.stderr);
    }
}

#[test]
fn what_only_people_used_of_a_role_with_machines_is_marked() {
    let sessions = [
        (MARIA, "StopInstances", instance("i-0123456789abcdef0")),
        (MARIA, "DescribeInstances", json!({})),
        ("i-0fedcba9876543210", "DescribeInstances", json!({})),
        ("release", "DescribeVolumes", json!({})),
    ];
    let calls = sessions.map(|(session, name, parameters)| Call {
        session,
        ..call(A, "ec2", name, parameters)
    });
    // A role like any other.
    let log = log(&calls)
        .replace("aws-reserved/sso.amazonaws.com/eu-west-1/", "")
        .replace("AWSReservedSSO_Platform_0123456789abcdef", "shared");
    let only = |log: &str| {
        let said = Run::new()
            .file("log.json", log)
            .args(["generate", "log.json", "--out", "out", "--people"])
            .code(0);
        let index = said.written("out/index.json");
        let principal = &index["principals"][0];
        let behind = principal["people"].as_array().unwrap().iter();
        let behind: Vec<Value> = behind.map(|each| each["behind"].clone()).collect();
        let only = principal["onlyByPeople"].as_array().unwrap().iter();
        let only: Vec<Value> = only.map(|each| each["action"].clone()).collect();
        (behind, only)
    };
    let (behind, found) = only(&log);
    assert_eq!(behind, ["person", "unclear", "machine"]);
    assert_eq!(found, ["ec2:StopInstances"]);
    // Without a machine there is nothing to set it against.
    let (behind, found) = only(&log.replace("i-0fedcba9876543210", "nightly"));
    assert_eq!(behind, ["person", "unclear", "unclear"]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_ledger_does_not_tell_who_used_what() {
    let said = Run::new()
        .file("log.json", three_accounts())
        .args(["ingest", "log.json", "--ledger", "trail.db"])
        .code(0);
    let said = Run::within(said.folder)
        .args(["generate", "trail.db", "--out", "out", "--people"])
        .code(0);
    let set = &said.written("out/index.json")["permissionSets"][0];
    assert_eq!(set["people"], json!([]));
    let note = set["peopleNotes"][0].as_str().unwrap();
    assert!(note.contains("a ledger keeps none"), "{note}");
}
