//! `trailfit generate` as a user runs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::program::{Run, call_of_role, project};

fn event(id: u32, who: &str, service: &str, name: &str, parameters: Value) -> Value {
    let (id, time) = (format!("e-{id}"), "2026-09-01T10:00:00Z");
    call_of_role(who, (&id, time), (service, name), &parameters)
}

fn delivery(events: &[Value]) -> String {
    json!({ "Records": events }).to_string()
}

/// Every file below `folder`, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn one_principal_goes_to_stdout() {
    let get = event(
        1,
        "app",
        "s3",
        "GetObject",
        json!({"bucketName": "data", "key": "a"}),
    );
    let said = Run::new()
        .file("log.json", delivery(&[get]))
        .args(["generate", "log.json", "--quiet"])
        .code(0);
    assert_eq!(
        said.json(),
        json!({"Version": "2012-10-17", "Statement": [{
            "Sid": said.json()["Statement"][0]["Sid"],
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::data/a",
        }]})
    );
    assert_eq!(said.stderr, "");
}

#[test]
fn several_principals_need_a_choice() {
    let events = [
        event(1, "app", "s3", "ListBuckets", json!(null)),
        event(2, "web", "s3", "ListBuckets", json!(null)),
    ];
    let said = Run::new()
        .file("log.json", delivery(&events))
        .args(["generate", "log.json", "--quiet"])
        .code(2);
    assert_eq!(said.stdout, "");
    assert_eq!(
        said.stderr,
        "error: 2 principals match, and without --out there must be one\n\
         help: choose one with --principal, or give --out DIR for all:\n  \
         arn:aws:iam::111122223333:role/app\n  arn:aws:iam::111122223333:role/web\n"
    );
    let args = [
        "generate",
        "log.json",
        "--quiet",
        "--principal",
        "*role/web",
    ];
    let said = Run::new()
        .file("log.json", delivery(&events))
        .args(args)
        .code(0);
    assert_eq!(said.json()["Statement"][0]["Action"], "s3:ListAllMyBuckets");
}

#[test]
fn a_refused_call_is_never_granted() {
    let mut denied = event(
        1,
        "app",
        "s3",
        "DeleteObject",
        json!({"bucketName": "data", "key": "a"}),
    );
    denied["errorCode"] = json!("AccessDenied");
    let used = event(
        2,
        "app",
        "s3",
        "GetObject",
        json!({"bucketName": "data", "key": "a"}),
    );
    let said = Run::new()
        .file("log.json", delivery(&[denied, used]))
        .args(["generate", "log.json"])
        .code(0);
    assert!(!said.stdout.contains("DeleteObject"), "{}", said.stdout);
    assert!(
        said.stderr.contains("denied         1  AccessDenied 1"),
        "{}",
        said.stderr
    );
}

#[test]
fn statements_are_never_multiplied_out() {
    let events = [
        event(
            1,
            "app",
            "s3",
            "GetObject",
            json!({"bucketName": "a", "key": "k"}),
        ),
        event(
            2,
            "app",
            "s3",
            "DeleteObject",
            json!({"bucketName": "b", "key": "k"}),
        ),
    ];
    let said = Run::new()
        .file("log.json", delivery(&events))
        .args(["generate", "log.json"])
        .code(0);
    let policy = said.json();
    let pairs: Vec<_> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| (statement["Action"].clone(), statement["Resource"].clone()))
        .collect();
    let pair = |action: &str, arn: &str| (json!(action), json!(arn));
    assert_eq!(pairs.len(), 2);
    assert!(pairs.contains(&pair("s3:GetObject", "arn:aws:s3:::a/k")));
    assert!(pairs.contains(&pair("s3:DeleteObject", "arn:aws:s3:::b/k")));
}

#[test]
fn threads_and_the_order_of_files_change_no_byte() {
    let logs = project("samples/AWSLogs");
    let logs = logs.to_str().unwrap();
    let one = Run::new()
        .args(["generate", logs, "--out", "out", "--threads", "1"])
        .code(0);
    let four = Run::new()
        .args(["generate", logs, "--out", "out", "--threads", "4"])
        .code(0);
    let accounts = [
        format!("{logs}/444455556666"),
        format!("{logs}/111122223333"),
    ];
    let turned = Run::new()
        .args(["generate", &accounts[0], &accounts[1], "--out", "out"])
        .code(0);
    let expected = files(&one.folder.path().join("out"));
    assert!(expected.len() > 5);
    assert_eq!(files(&four.folder.path().join("out")), expected);
    assert_eq!(files(&turned.folder.path().join("out")), expected);
}

#[test]
fn an_object_key_with_a_star_grants_that_key_only() {
    let get = event(
        1,
        "app",
        "s3",
        "GetObject",
        json!({"bucketName": "data", "key": "a*?${b}"}),
    );
    let said = Run::new()
        .file("log.json", delivery(&[get]))
        .args(["generate", "log.json"])
        .code(0);
    assert_eq!(
        said.json()["Statement"][0]["Resource"],
        "arn:aws:s3:::data/a${*}${?}${$}{b}"
    );
}

#[test]
fn a_name_out_of_a_log_stays_below_the_folder() {
    let evil = event(1, "../../../evil", "s3", "ListBuckets", json!(null));
    let said = Run::new()
        .file("log.json", delivery(&[evil]))
        .args(["generate", "log.json", "--out", "out/deep"])
        .code(0);
    assert_eq!(
        files(said.folder.path())
            .keys()
            .filter(|name| name.contains("evil"))
            .count(),
        1
    );
    assert!(files(&said.folder.path().join("out/deep")).len() == 2);
}

#[test]
fn events_outside_the_filter_are_counted_and_grant_nothing() {
    let get = event(1, "app", "s3", "ListBuckets", json!(null));
    let args = ["generate", "log.json", "--to", "2026-09-01", "--out", "out"];
    let said = Run::new()
        .file("log.json", delivery(&[get]))
        .args(args)
        .code(0);
    let index = said.written("out/index.json");
    assert_eq!(index["coverage"]["outsideFilter"], 1);
    assert_eq!(index["coverage"]["events"]["read"], 0);
    assert_eq!(index["principals"], json!([]));
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let logs = project("samples/AWSLogs");
    let args = [
        "generate",
        logs.to_str().unwrap(),
        "--principal",
        "*user/backup-legacy",
    ];
    let said = Run::new().args(args).code(0);
    assert!(readme.contains(&format!("```json\n{}```\n", said.stdout)));
    // The accounts are shown shortened; each line's beginning and all that was widened are as printed.
    let shown = readme
        .split("```text\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    for line in shown.lines().filter(|line| *line != "…") {
        let beginning = line.trim_end_matches('…').trim_end();
        assert!(
            said.stderr
                .lines()
                .any(|printed| printed.starts_with(beginning)),
            "{line}"
        );
    }
    assert!(shown.contains("widened by"));
}

#[test]
fn deliveries_of_one_id_with_other_bodies_do_not_depend_on_the_order() {
    // One body tells its parameters, the other does not, and the call was throttled: used and inconclusive.
    let told = |n: u32, parameters: Value| {
        let mut event = event(n, &format!("r{n}"), "dynamodb", "GetItem", parameters);
        event["errorCode"] = json!("ThrottlingException");
        event
    };
    let one: Vec<Value> = (0..50)
        .map(|n| told(n, json!({"tableName": "t"})))
        .collect();
    let two: Vec<Value> = (0..50).map(|n| told(n, json!(null))).collect();
    let mut outputs = Vec::new();
    for (first, second, threads) in [(&one, &two, "1"), (&two, &one, "1"), (&one, &two, "8")] {
        let said = Run::new()
            .file("in/a.json", delivery(first))
            .file("in/b.json", delivery(second))
            .args(["generate", "in", "--out", "out", "--threads", threads])
            .code(0);
        outputs.push(files(&said.folder.path().join("out")));
    }
    assert_eq!(outputs[0].len(), 51);
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0], outputs[2]);
}

#[test]
fn text_of_the_callers_own_choosing_names_no_resource() {
    let table = |name: &str| format!("arn:aws:dynamodb:eu-central-1:111122223333:table/{name}");
    let secret = table("secrets");
    let events = [
        event(
            1,
            "app",
            "dynamodb",
            "PutItem",
            json!({"tableName": "orders", "key": {"pk": secret}, "item": {"a": secret}}),
        ),
        event(
            2,
            "app",
            "iam",
            "UpdateRole",
            json!({"roleName": "web", "description": "arn:aws:iam::111122223333:role/Admin"}),
        ),
        event(
            3,
            "app",
            "lambda",
            "UpdateFunctionConfiguration20150331v2",
            json!({"functionName": "f", "environment": {"variables": {"ADMIN_ROLE": "arn:aws:iam::111122223333:role/Admin"}}}),
        ),
    ];
    let said = Run::new()
        .file("log.json", delivery(&events))
        .args(["generate", "log.json"])
        .code(0);
    assert!(
        !said.stdout.contains("secrets") && !said.stdout.contains("Admin"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains(&table("orders")));
}

#[test]
fn wildcards_in_a_log_are_text() {
    for (place, value) in [("awsRegion", "eu-*"), ("awsRegion", "*")] {
        let mut call = event(1, "app", "dynamodb", "GetItem", json!({"tableName": "t"}));
        call[place] = json!(value);
        let said = Run::new()
            .file("log.json", delivery(&[call]))
            .args(["generate", "log.json"])
            .code(0);
        let resource = said.json()["Statement"][0]["Resource"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(!resource.replace("${*}", "").contains('*'), "{resource}");
    }
    let mut own = event(1, "app", "iam", "CreateAccessKey", json!(null));
    own["userIdentity"] = json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/*", "accountId": "111122223333", "userName": "*"});
    let said = Run::new()
        .file("log.json", delivery(&[own]))
        .args(["generate", "log.json"])
        .code(0);
    assert_eq!(
        said.json()["Statement"][0]["Resource"],
        "arn:aws:iam::111122223333:user/${*}"
    );
}

#[test]
fn a_second_document_takes_no_other_principals_name() {
    let queues = |who: &str, n: u32| -> Vec<Value> {
        let url =
            |i: u32| format!("https://sqs.eu-central-1.amazonaws.com/111122223333/queue-{i:050}");
        let send = |i: u32| json!({"queueUrl": url(i)});
        (0..n)
            .map(|i| event(i + 1_000 * n, who, "sqs", "SendMessage", send(i)))
            .collect()
    };
    let events = [queues("deploy", 120), queues("deploy-2", 1)].concat();
    let args = [
        "generate",
        "log.json",
        "--out",
        "out",
        "--resources",
        "exact",
    ];
    let run = Run::new()
        .file("log.json", delivery(&events))
        .file(
            "out/index.json",
            r#"{"principals": [{"principal": "gone", "files": ["old/role/gone.json", "../log.json"]}]}"#,
        )
        .file("out/old/role/gone.json", "{}");
    let said = run.args(args).code(0);
    let index = said.written("out/index.json");
    let files = |at: usize| index["principals"][at]["files"].clone();
    let path = |name: &str| json!(format!("111122223333/role/{name}.json"));
    assert_eq!(
        files(0).as_array().unwrap()[..2],
        [path("deploy"), path("deploy-2~2")]
    );
    assert_eq!(files(1), json!([path("deploy-2")]));
    assert!(
        !said.folder.path().join("out/old/role/gone.json").exists(),
        "what the old index named is gone"
    );
    assert!(
        said.folder.path().join("log.json").exists(),
        "but nothing outside the folder"
    );
}

#[test]
fn a_broken_file_given_twice_counts_twice_whoever_reads_it() {
    let mut indexes = Vec::new();
    for threads in ["1", "8"] {
        let said = Run::new()
            .file("a.json", r#"{"Records": [{"eventSource": }]}"#)
            .args([
                "generate",
                "a.json",
                "a.json",
                "a.json",
                "--out",
                "out",
                "--threads",
                threads,
            ])
            .code(3);
        indexes.push(said.written("out/index.json"));
    }
    assert_eq!(indexes[0]["coverage"]["unreadableObjects"], 3);
    assert_eq!(indexes[0], indexes[1]);
}

/// A name that no document has room for stops nobody else's policy.
#[test]
fn what_is_not_proved_is_not_written_and_all_else_is() {
    let get = |id, who, name: &str| event(id, who, "ssm", "GetParameter", json!({"name": name}));
    let long = "x".repeat(7_000);
    let log = |names: [&str; 2]| delivery(&[get(1, "app", names[0]), get(2, "web", names[1])]);
    let all = ["generate", "log.json", "--quiet", "--out", "out"];
    let said = Run::new()
        .file("log.json", log(["/a", "/b"]))
        .args(all)
        .code(0);
    let of_app = "out/111122223333/role/app.json";
    assert!(said.folder.path().join(of_app).exists());
    let said = Run::within(said.folder)
        .file("log.json", log([&long, "/b"]))
        .args(all)
        .code(1);
    let index = said.written("out/index.json");
    let [app, web] = [0, 1].map(|at| &index["principals"][at]);
    assert_eq!((&app["files"], &app["fits"]), (&json!([]), &json!(false)));
    let reason = app["unproved"].as_str().unwrap();
    assert!(reason.starts_with("ssm:GetParameter on arn:aws:ssm:"));
    assert!(reason.len() < 600);
    assert_eq!(web["files"], json!(["111122223333/role/web.json"]));
    assert_eq!(web.get("unproved"), None);
    // What was written for it before would no longer allow what it used.
    assert!(!said.folder.path().join(of_app).exists());
    assert!(
        said.folder
            .path()
            .join("out/111122223333/role/web.json")
            .exists()
    );
    assert!(
        said.stderr
            .contains(&format!("is not proved, so it was not written: {reason}\n"))
    );
    assert!(!said.stderr.contains("role/web"), "{}", said.stderr);
    let one = ["generate", "log.json", "--principal", "*role/app"];
    let said = Run::within(said.folder).args(one).code(2);
    assert_eq!(said.stdout, "");
}
