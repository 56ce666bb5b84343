//! `trailfit backtest`: histories whose answers are known beforehand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::program::{Run, project};

/// A call of a role on a day of September 2026, five hours into it.
fn call(role: &str, day: u32, number: u32, source: &str, name: &str, parameters: Value) -> Value {
    json!({
        "eventVersion": "1.08",
        "eventID": format!("{role}-{day}-{number}-{name}"),
        "eventTime": format!("2026-09-{day:02}T05:00:{number:02}Z"),
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "192.0.2.1",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/s"),
            "accountId": "111122223333",
        },
        "requestParameters": parameters,
    })
}

fn get_object(role: &str, day: u32) -> Value {
    let parameters = json!({"bucketName": "b", "key": "k"});
    call(role, day, 0, "s3", "GetObject", parameters)
}

/// Twenty days on which `app` reads one object; from the 18th on it reads a table too, three times a day. `late` comes on the 17th.
fn history() -> Vec<Value> {
    let mut events: Vec<Value> = (1..=20).map(|day| get_object("app", day)).collect();
    for day in 18..=20 {
        let item = |number| {
            let parameters = json!({"tableName": "t", "key": {"id": {"s": "?"}}});
            call("app", day, number, "dynamodb", "GetItem", parameters)
        };
        events.extend((1..=3).map(item));
    }
    events.push(get_object("late", 17));
    events
}

fn file(events: &[Value]) -> String {
    json!({ "Records": events }).to_string()
}

/// How policies that were made in this way did.
#[track_caller]
fn of<'a>(sums: &'a Value, policy: &str) -> &'a Value {
    let policies = sums["policies"].as_array().unwrap();
    policies.iter().find(|fit| fit["policy"] == policy).unwrap()
}

#[test]
fn a_need_that_appears_later_is_denied_from_that_day_on() {
    let said = Run::new()
        .file("a.json", file(&history()))
        .file(
            "present.json",
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}}"#,
        )
        .args(["backtest", "a.json", "--format", "json", "--policy", "present.json"])
        .code(0);
    let found = said.json();
    assert_eq!(found["cuts"], json!(["2026-09-11", "2026-09-16"]));
    assert_eq!(
        (&found["trainDays"], &found["testDays"]),
        (&json!(10), &json!(5))
    );
    assert_eq!(found["notTrained"], json!({"runs": 1, "calls": 1}));
    let exact = of(&found["all"], "exact");
    // Ten calls of the one object, nine of the table.
    let expected = json!({
        "calls": 19, "callsDenied": 9, "shareOfCalls": 0.473_684,
        "needs": 3, "needsDenied": 1, "needsUndecided": 0, "shareOfNeeds": 0.333_333,
    });
    assert_eq!(exact["underPrivilege"], expected);
    assert_eq!(exact["runs"], 2);
    assert_eq!(exact["daysToFirstDenial"], json!([2]));
    // One pair at each cut, and it was used.
    assert_eq!(
        (&exact["overPrivilege"]["granted"], &exact["precision"]),
        (&json!(2), &json!(1.0))
    );
    // The object is the only one there is.
    let plain = of(&found["all"], "actionsOnAny");
    assert_eq!(plain["overPrivilege"], exact["overPrivilege"]);
    let services = of(&found["all"], "servicesOnAny");
    assert!(services["overPrivilege"]["unused"].as_u64().unwrap() > 50);
    let present = of(&found["all"], "present");
    assert_eq!(present["underPrivilege"]["callsDenied"], 10);
    assert_eq!(present["daysToFirstDenial"], json!([0, 0]));
    // It grants the table that was seen at both cuts, and at the first it was not used.
    assert_eq!(present["overPrivilege"]["unused"], 1);
    let principals = found["principals"].as_array().unwrap();
    assert_eq!(principals.len(), 1);
    assert_eq!(of(&principals[0], "exact"), exact);
}

#[test]
fn lengths_can_be_chosen() {
    let said = Run::new()
        .file("a.json", file(&history()))
        .args([
            "backtest", "a.json", "--format", "json", "--train", "17", "--test", "3",
        ])
        .code(0);
    let found = said.json();
    assert_eq!(found["cuts"], json!(["2026-09-18"]));
    let app = &found["principals"][0];
    assert_eq!(of(app, "balanced")["daysToFirstDenial"], json!([0]));
    // F is (1 + b²)PR / (b²P + R), of P = 1 and R = 1/2.
    for (beta, expected) in [("1", 0.666_667), ("2", 0.555_556)] {
        let said = Run::new()
            .file("a.json", file(&history()))
            .args([
                "backtest", "a.json", "--format", "json", "--train", "17", "--test", "3",
            ])
            .args(["--beta", beta, "--principal", "*role/app"])
            .code(0);
        assert_eq!(of(&said.json()["all"], "exact")["fBeta"], json!(expected));
    }
}

#[test]
fn what_is_too_short_to_cut_is_said() {
    for (events, args, expected) in [
        (
            vec![get_object("app", 1)],
            vec!["backtest", "a.json", "-q"],
            "error: the events are of 1 day, and a backtest with these lengths needs 2\n\
             help: give more logs, or smaller --train and --test; each is at least one day\n",
        ),
        (
            history(),
            vec!["backtest", "a.json", "-q", "--train", "15", "--test", "6"],
            "error: the events are of 20 days, and a backtest with these lengths needs 21\n\
             help: give more logs, or smaller --train and --test; each is at least one day\n",
        ),
        (
            history(),
            vec!["backtest", "a.json", "-q", "--principal", "nobody"],
            "error: no principal matches\nhelp: `trailfit principals INPUT` lists those in the logs\n",
        ),
    ] {
        let said = Run::new().file("a.json", file(&events)).args(args).code(2);
        assert_eq!(said.stderr, expected);
    }
}

#[test]
fn a_person_can_read_it() {
    let said = Run::new()
        .file("a.json", file(&history()))
        .args(["backtest", "a.json", "-q"])
        .code(0);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "20 days of events, 2026-09-01 to 2026-09-20: policies of 10 days held against the next 5, at 2 cuts: 2026-09-11, 2026-09-16",
            "1 principal, 2 runs (a principal at a cut), 19 calls of 3 distinct needs in the days after the cuts",
        ]
    );
    let row = lines.iter().find(|line| line.starts_with("exact"));
    let cells: Vec<&str> = row
        .unwrap()
        .split("  ")
        .filter(|cell| !cell.is_empty())
        .collect();
    let cells: Vec<&str> = cells.into_iter().map(str::trim).collect();
    assert_eq!(
        cells[..6],
        ["exact", "33.3 %", "47.4 %", "1 of 2", "after 2 days", "0"]
    );
    assert!(said.stdout.contains(
        "balanced: of 3 distinct needs in the days after the cuts, 1 would have been denied; 1 of 2 runs with calls saw no denial\n"
    ));
    assert!(said.stdout.contains(
        "not counted: 1 call of principals that had none in the days before the cut, 1 run in all\n"
    ));
    assert!(said.stdout.contains(
        "forecasts made at the cuts held: actions 2 of 2, pairs 2 of 2 (meant to hold 80 in 100)\n"
    ));
    assert!(!said.stdout.contains("key by key"));
    // Neither has unused pairs, and of none there is no ratio.
    assert!(!said.stdout.contains("as many as"));
}

/// The same events, in whatever order, files and threads, and from a ledger, give the same bytes.
#[test]
fn order_and_threads_change_nothing() {
    let mut events = history();
    let args = ["backtest", "logs", "-q", "--format", "json"];
    let one = Run::new()
        .file("logs/a.json", file(&events))
        .args(args)
        .code(0);
    events.reverse();
    events.rotate_left(7);
    // One comes twice.
    events.push(events[3].clone());
    let (first, second) = events.split_at(11);
    let other = Run::new()
        .file("logs/a.json", file(first))
        .file("logs/b.json", file(second))
        .args(args)
        .args(["--threads", "4"])
        .code(0);
    assert_eq!(one.stdout, other.stdout);
    let ingested = Run::within(other.folder)
        .args(["ingest", "logs", "--ledger", "ledger.db", "-q"])
        .code(0);
    let from_ledger = Run::within(ingested.folder)
        .args([
            "backtest",
            "ledger.db",
            "-q",
            "--format",
            "json",
            "--threads",
            "1",
        ])
        .code(0);
    assert_eq!(one.stdout, from_ledger.stdout);
}

/// What grants more grants more pairs, and denies no more.
#[test]
fn of_two_policies_the_wider_one_grants_and_allows_more() {
    let samples = project("samples/AWSLogs").display().to_string();
    let said = Run::new()
        .args(["backtest", &samples, "-q", "--format", "json"])
        .code(0);
    let found = said.json();
    let principals = found["principals"].as_array().unwrap();
    assert!(principals.len() > 5);
    let number = |value: &Value| value.as_u64().unwrap();
    for sums in principals.iter().chain([&found["all"]]) {
        let fits: BTreeMap<&str, (u64, u64, u64)> = sums["policies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fit| {
                let (over, under) = (&fit["overPrivilege"], &fit["underPrivilege"]);
                let granted = number(&over["granted"]);
                let used = granted - number(&over["unused"]);
                assert!(used + number(&under["needsDenied"]) <= number(&under["needs"]));
                let denied = number(&under["callsDenied"]);
                (
                    fit["policy"].as_str().unwrap(),
                    (granted, denied, number(&over["universe"])),
                )
            })
            .collect();
        for (narrow, wide) in [
            ("exactUnion", "exact"),
            ("exact", "balanced"),
            ("balanced", "broad"),
            ("exactUnion", "actionsOnAny"),
            ("actionsOnAny", "servicesOnAny"),
        ] {
            let (a, b) = (fits[narrow], fits[wide]);
            assert!(a.0 <= b.0 && a.1 >= b.1, "{narrow} {a:?}, {wide} {b:?}");
            assert!(b.0 <= b.2 && a.2 == b.2);
        }
    }
}

#[test]
fn every_report_tells_what_is_likely_to_come() {
    let args = ["generate", "a.json", "--principal", "*role/app"];
    let said = Run::new()
        .file("a.json", file(&history()))
        .args(args)
        .code(0);
    let outlook = "outlook: two more weeks would likely add at most 1 new action and, before anything is generalised, at most 1 new pair of action and resource (seen: 2 and 2, on 20 active days); ";
    assert!(said.stderr.contains(outlook), "{}", said.stderr);
    let said = Run::new()
        .file("a.json", file(&history()))
        .args(["generate", "a.json", "--out", "out"])
        .code(0);
    let index = said.written("out/index.json");
    let app = &index["principals"][0]["outlook"];
    assert_eq!(
        (&app["activeDays"], &app["actions"]["seen"]),
        (&json!(20), &json!(2))
    );
    assert_eq!(app["actions"]["new"]["high"], 1.0);
    assert!(outlook.contains(app["words"].as_str().unwrap().split(';').next().unwrap()));
    // A day is too few.
    assert_eq!(index["principals"][1]["outlook"], Value::Null);
    // Who is silent for ten days more than another is expected to do less.
    let mut events = history();
    events.push(get_object("other", 30));
    let said = Run::new()
        .file("a.json", file(&events))
        .args(["generate", "a.json", "--out", "out"])
        .code(0);
    let index = said.written("out/index.json");
    let app = &index["principals"][0]["outlook"];
    assert_eq!(
        (&app["activeDays"], &app["spanDays"]),
        (&json!(20), &json!(30))
    );
}

/// A user whose calls come from another address from the sixteenth day on.
#[test]
fn conditions_of_the_past_are_held_against_later_calls() {
    let calls = (1..=20).flat_map(|day| (0..3).map(move |number| (day, number)));
    let events: Vec<Value> = calls
        .map(|(day, number)| {
            let parameters = json!({"bucketName": "b", "key": "k"});
            let mut event = call("ann", day, number, "s3", "GetObject", parameters);
            event["sourceIPAddress"] = match day < 16 {
                true => "203.0.113.7".into(),
                false => "198.51.100.9".into(),
            };
            event["userIdentity"] = json!({
                "type": "IAMUser",
                "arn": "arn:aws:iam::111122223333:user/ann",
                "accountId": "111122223333",
                "userName": "ann",
                "principalId": "AIDAX",
                "accessKeyId": "AKIAXXXXXXXXXXXXXXXX",
            });
            // A whole record, as told::Record wants it to tell a context.
            event["responseElements"] = Value::Null;
            event["eventType"] = "AwsApiCall".into();
            event["userAgent"] = "aws-cli/2".into();
            event
        })
        .collect();
    let run = |args: &[&str]| {
        let said = Run::new()
            .file("a.json", file(&events))
            .args(["backtest", "a.json", "-q", "--format", "json"])
            .args(args.iter().copied())
            .code(0);
        of(&said.json()["all"], "exact").clone()
    };
    assert_eq!(run(&[])["underPrivilege"]["callsDenied"], 0);
    let held = run(&["--conditions"]);
    assert_eq!(held["underPrivilege"]["callsDenied"], 15);
    assert_eq!(held["underPrivilege"]["needsUndecided"], 0);
    assert_eq!(held["daysToFirstDenial"], json!([0]));
}

/// What is granted at present may hang on what the record of a call tells, of which a ledger keeps less.
#[test]
fn present_grants_are_judged_in_the_context_of_each_call() {
    let mut events = history();
    for event in &mut events {
        // A whole record, as told::Record wants it to tell a context.
        event["responseElements"] = Value::Null;
        event["eventType"] = "AwsApiCall".into();
        event["userAgent"] = "aws-cli/2".into();
    }
    let present = |key: &str, value: &str| {
        let operator = match key {
            "aws:SourceIp" => "IpAddress",
            _ => "StringEquals",
        };
        let condition = json!({ operator: { key: value } });
        let statement =
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
        json!({"Version": "2012-10-17", "Statement": statement}).to_string()
    };
    let noted = "no conditions on anything else are made";
    let undecided = "present grants: 3 of 3 distinct needs would have been denied\n\
        3 of them hang on condition keys that the events do not tell, and may have been allowed\n";
    let mut folder = Run::new()
        .file("logs.json", file(&events))
        .args(["ingest", "logs.json", "--ledger", "ledger.db", "-q"])
        .code(0)
        .folder;
    for (input, key, value, (denied, open)) in [
        ("logs.json", "aws:RequestedRegion", "eu-west-1", (0, 0)),
        ("ledger.db", "aws:RequestedRegion", "eu-west-1", (0, 0)),
        ("logs.json", "aws:RequestedRegion", "eu-west-2", (19, 0)),
        ("logs.json", "aws:SourceIp", "192.0.2.0/24", (0, 0)),
        ("ledger.db", "aws:SourceIp", "192.0.2.0/24", (19, 3)),
        // No record tells it.
        ("logs.json", "aws:ResourceOrgID", "o-example1", (19, 3)),
    ] {
        let run = |folder, format| {
            Run::within(folder)
                .file("present.json", present(key, value))
                .args(["backtest", input, "--policy", "present.json"])
                .args(["--format", format])
                .code(0)
        };
        let said = run(folder, "json");
        let report = said.json();
        let under = &of(&report["all"], "present")["underPrivilege"];
        let found = (&under["callsDenied"], &under["needsUndecided"]);
        assert_eq!(found, (&json!(denied), &json!(open)), "{key} of {input}");
        let unkept = input == "ledger.db" && key == "aws:SourceIp";
        assert_eq!(said.stderr.contains(noted), unkept, "{}", said.stderr);
        let said = run(said.folder, "text");
        let by_key = said.stdout.contains("known key by key, not call by call\n");
        assert_eq!(by_key, key != "aws:ResourceOrgID", "{}", said.stdout);
        let told = said.stdout.contains(undecided);
        assert_eq!(told, open > 0, "{}", said.stdout);
        folder = said.folder;
    }
}
