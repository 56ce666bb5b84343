//! Conditions that all calls satisfied: `generate --conditions`, judged by `verify` and `compare` as they are written.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;

use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use trailfit::generate::observed;
use trailfit::generate::options::{Conditions, Options, Resources};
use trailfit::generate::{self, Plan};
use trailfit::pipeline::{self, Progress};
use trailfit::source::files;
use trailfit::source::layout::Scope;
use trailfit::usage::filter::Filter;
use trailfit::usage::ledger::PrincipalUsage;
use trailfit::usage::sum::Sum;
use trailfit::verify::asked::Asked;
use trailfit::verify::compare::{Answer, Side, compare};
use trailfit::verify::evaluate::Attached;
use trailfit::verify::policy::{self, Policy};
use trailfit::verify::replay;

use crate::program::{Run, Said};

const ANN: &str = "user/ann";
const APP: &str = "role/app";
const HOME: &str = "203.0.113.7";

/// Calls by `who` on each of `days` days, of which `call` makes the parts that differ.
fn calls(who: &str, days: u32, call: impl Fn(u32) -> Value) -> Vec<Value> {
    let account = "111122223333";
    let identity = match who.split_once('/').unwrap() {
        ("user", name) => json!({"type": "IAMUser", "principalId": "AIDAX", "userName": name,
            "arn": format!("arn:aws:iam::{account}:{who}"), "accountId": account, "accessKeyId": "AKIAXXXXXXXXXXXXXXXX"}),
        (_, name) => {
            json!({"type": "AssumedRole", "principalId": "AROAX:run", "accountId": account,
            "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/run"), "accessKeyId": "ASIAXXXXXXXXXXXXXXXX",
            "sessionContext": {"attributes": {"creationDate": "2026-09-01T00:00:00Z", "mfaAuthenticated": "false"},
                "sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{account}:{who}")}}})
        }
    };
    let record = |day: u32| {
        let mut record = json!({
            "eventVersion": "1.11", "eventType": "AwsApiCall", "eventTime": format!("2026-09-{:02}T10:00:00Z", day + 1),
            "sourceIPAddress": HOME, "userAgent": "aws-cli/2", "awsRegion": "eu-central-1", "responseElements": null,
            "recipientAccountId": account, "userIdentity": identity, "requestParameters": {},
        });
        merge(&mut record, call(day));
        let id = format!("{who} {day} {}", record["eventName"]);
        record["eventID"] = record.get("eventID").cloned().unwrap_or(id.into());
        record
    };
    (0..days).map(record).collect()
}

fn merge(record: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        panic!("an object")
    };
    for (name, change) in changes {
        match (record.get_mut(&name), change) {
            (Some(old), change @ Value::Object(_)) if old.is_object() => merge(old, change),
            (_, change) => drop(record.as_object_mut().unwrap().insert(name, change)),
        }
    }
}

fn get_object(_: u32) -> Value {
    json!({"eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "requestParameters": {"bucketName": "b", "key": "k"}})
}

fn stop(_: u32) -> Value {
    json!({"eventSource": "ec2.amazonaws.com", "eventName": "StopInstances", "requestParameters":
        {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}}})
}

fn decrypt(_: u32) -> Value {
    let key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    json!({"eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "requestParameters": {"keyId": key}})
}

/// What `call` makes, with `changes`.
fn but(call: fn(u32) -> Value, changes: Value) -> impl Fn(u32) -> Value {
    move |day| {
        let mut made = call(day);
        merge(&mut made, changes.clone());
        made
    }
}

/// Generates with conditions, and has the policy judged: by `verify` on the same log, and by `compare` with the one without
/// conditions.
fn generate(records: &[Value]) -> Said {
    let log = json!({ "Records": records }).to_string();
    let run = Run::new().file("log.json", log);
    let said = run
        .args(["generate", "log.json", "--out", "plain", "--quiet"])
        .code(0);
    let said = Run::within(said.folder)
        .args(["generate", "log.json", "--out", "out", "--conditions"])
        .code(0);
    let stderr = said.stderr;
    let said = Run::within(said.folder)
        .args(["verify", "--policy", "out", "log.json", "--quiet"])
        .code(0);
    let files = said.written("out/index.json")["principals"][0]["files"].clone();
    let file = files[0].as_str().unwrap();
    let [old, new] = ["plain", "out"].map(|folder| format!("{folder}/{file}"));
    let said = Run::within(said.folder)
        .args(["compare", "--old", &old, "--new", &new])
        .code(0);
    Said { stderr, ..said }
}

/// The conditions of each action, as the policy has them.
fn conditions(said: &Said) -> BTreeMap<String, Value> {
    let index = said.written("out/index.json");
    let files = index["principals"][0]["files"].as_array().unwrap();
    let mut found = BTreeMap::new();
    for file in files {
        let policy = said.written(&format!("out/{}", file.as_str().unwrap()));
        for statement in policy["Statement"].as_array().unwrap() {
            let actions = match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                one => vec![one.clone()],
            };
            for action in actions {
                let action = action.as_str().unwrap().to_owned();
                let old = found.insert(action.clone(), statement["Condition"].clone());
                assert!(old.is_none(), "{action} is in one statement");
            }
        }
    }
    found
}

/// The one action's conditions.
#[track_caller]
fn check(records: &[Value], expected: &[(&str, Value)]) -> Said {
    let said = generate(records);
    let expected = expected.iter().cloned();
    let expected = expected.map(|(action, condition)| (action.to_owned(), condition));
    assert_eq!(conditions(&said), expected.collect(), "{}", said.stderr);
    said
}

/// The reason why the only condition on `key` is offered and not written.
#[track_caller]
fn reason(said: &Said, key: &str) -> String {
    let index = said.written("out/index.json");
    let offers = index["principals"][0]["offeredConditions"].clone();
    let offers = offers.as_array().unwrap().iter();
    let of_key = offers.filter(|offer| offer["condition"].to_string().contains(key));
    let reasons: Vec<String> = of_key
        .map(|offer| offer["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons.len(), 1, "{index:#}");
    reasons[0].clone()
}

fn from_home() -> Value {
    json!({"IpAddress": {"aws:SourceIp": HOME}})
}

#[test]
fn a_user_is_held_to_its_addresses_and_the_condition_tells_what_it_rests_on() {
    let mut records = calls(ANN, 20, stop);
    records.extend(calls(
        ANN,
        4,
        but(
            stop,
            json!({"eventID": "x", "sourceIPAddress": "2001:db8::7"}),
        ),
    ));
    let records: Vec<Value> = records
        .into_iter()
        .enumerate()
        .map(|(id, mut record)| {
            record["eventID"] = format!("e-{id}").into();
            record
        })
        .collect();
    let both = json!({"IpAddress": {"aws:SourceIp": ["2001:db8::7", HOME]}});
    let said = check(&records, &[("ec2:StopInstances", both.clone())]);
    let index = said.written("out/index.json");
    let value = |value: &str, uses: u32, last: &str| json!({"value": value, "uses": uses, "first": "2026-09-01", "last": last});
    assert_eq!(
        index["principals"][0]["conditions"],
        json!([{
            "condition": both, "actions": ["ec2:StopInstances"], "uses": 24, "days": 20, "without": 0, "refused": 0,
            "values": [value("2001:db8::7", 4, "2026-09-04"), value(HOME, 20, "2026-09-20")],
        }])
    );
    let hours = index["principals"][0]["hours"].as_array().unwrap();
    let at_ten = hours.iter().enumerate().map(|(hour, uses)| {
        let expected = if hour == 10 { 24 } else { 0 };
        *uses == json!(expected)
    });
    assert_eq!(at_ten.filter(|fits| *fits).count(), 24);
    let said = Run::within(said.folder)
        .args(["generate", "log.json", "--conditions"])
        .code(0);
    let line = "condition: IpAddress aws:SourceIp 2001:db8::7 (4), 203.0.113.7 (20): all 24 uses of 1 action on 20 days\n";
    assert!(said.stderr.contains(line), "{}", said.stderr);
}

#[test]
fn what_rests_on_little_or_is_new_is_offered_and_not_written() {
    let none = &[("ec2:StopInstances", Value::Null)];
    let key = "aws:SourceIp";
    // Many calls on few days, few calls on many days, and an address of the second half of the time.
    let often = |day: u32| {
        but(
            stop,
            json!({"eventTime": format!("2026-09-0{}T10:00:00Z", day % 6 + 1)}),
        )(day)
    };
    let said = check(&calls(ANN, 30, often), none);
    assert!(reason(&said, key).contains("30 uses on 6 days"));
    let said = check(&calls(ANN, 19, stop), none);
    assert!(reason(&said, key).contains("19 uses on 19 days"));
    let moves = |day: u32| {
        but(
            stop,
            json!({"sourceIPAddress": if day < 20 { HOME } else { "198.51.100.9" }}),
        )(day)
    };
    let said = check(&calls(ANN, 28, moves), none);
    assert!(reason(&said, key).contains("`198.51.100.9` was first seen in the second half"));
    // One that changes every day is none.
    let roams = |day: u32| {
        but(
            stop,
            json!({"sourceIPAddress": format!("198.51.100.{day}")}),
        )(day)
    };
    let said = check(&calls(ANN, 28, roams), none);
    let index = said.written("out/index.json");
    let notes = index["principals"][0]["notes"].to_string();
    assert!(notes.contains("calls carried 28 values of aws:SourceIp, too many for a condition"));
    assert!(
        !index["principals"][0]["offeredConditions"]
            .to_string()
            .contains(key)
    );
}

#[test]
fn a_role_is_not_held_to_addresses_but_to_endpoints() {
    let said = check(&calls(APP, 28, stop), &[("ec2:StopInstances", Value::Null)]);
    assert!(reason(&said, "aws:SourceIp").contains("given to a service"));
    let endpoint = json!({"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1"});
    check(
        &calls(APP, 28, but(stop, endpoint)),
        &[(
            "ec2:StopInstances",
            json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
        )],
    );
}

#[test]
fn through_endpoints_and_from_addresses_each_kind_is_held_to_its_own() {
    let mixed = |day: u32| match day % 2 {
        0 => stop(day),
        _ => but(
            stop,
            json!({"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1"}),
        )(day),
    };
    let mut records = calls(ANN, 28, mixed);
    for (id, record) in calls(ANN, 28, mixed).into_iter().enumerate() {
        let mut again = record;
        again["eventID"] = format!("again-{id}").into();
        records.push(again);
    }
    check(
        &records,
        &[(
            "ec2:StopInstances",
            json!({
                "IpAddressIfExists": {"aws:SourceIp": HOME},
                "StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"},
            }),
        )],
    );
}

#[test]
fn what_services_call_keeps_conditions_on_the_network_away() {
    let mut records = calls(ANN, 28, stop);
    // One call that a service made for Ann: all of the service that it called stays free, and what else Ann calls is held.
    let describe = json!({"eventName": "DescribeInstances", "eventSource": "ec2.amazonaws.com",
        "sourceIPAddress": "cloudformation.amazonaws.com", "userAgent": "cloudformation.amazonaws.com",
        "userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}});
    records.extend(calls(ANN, 1, |_| describe.clone()));
    let poll = json!({"eventSource": "sqs.amazonaws.com", "eventName": "PurgeQueue",
        "requestParameters": {"queueUrl": "https://sqs.eu-central-1.amazonaws.com/111122223333/q"}});
    records.extend(calls(ANN, 28, |_| poll.clone()));
    check(
        &records,
        &[
            ("ec2:DescribeInstances", Value::Null),
            ("ec2:StopInstances", Value::Null),
            ("sqs:PurgeQueue", from_home()),
        ],
    );
}

#[test]
fn regions_are_asked_for_where_no_arn_says_them_and_services_have_some() {
    let moving = json!({"sourceIPAddress": "10.0.0.7"});
    let call = |source: &str, name: &str, region: &str| {
        let mut call = json!({"eventSource": format!("{source}.amazonaws.com"), "eventName": name, "awsRegion": region});
        merge(&mut call, moving.clone());
        calls(ANN, 28, move |_| call.clone())
    };
    let mut records = calls(ANN, 28, but(stop, moving.clone()));
    records.extend(calls(ANN, 28, but(get_object, moving.clone())));
    for (source, name, region) in [
        ("ec2", "DescribeInstances", "eu-central-1"),
        ("iam", "ListUsers", "us-east-1"),
        ("s3", "ListBuckets", "us-east-1"),
        ("ce", "GetCostAndUsage", "us-east-1"),
    ] {
        records.extend(call(source, name, region));
    }
    let region = |region: &str| json!({"StringEquals": {"aws:RequestedRegion": region}});
    let said = generate(&records);
    let found = conditions(&said);
    for (action, expected) in [
        ("ec2:StopInstances", Value::Null),
        ("ec2:DescribeInstances", region("eu-central-1")),
        ("iam:ListUsers", Value::Null),
        ("s3:ListAllMyBuckets", Value::Null),
        ("s3:GetObject", region("eu-central-1")),
        ("ce:GetCostAndUsage", region("us-east-1")),
    ] {
        assert_eq!(found[action], expected, "{action} {found:?}");
    }
}

#[test]
fn mfa_is_asked_for_where_no_call_was_made_without() {
    let session = |mfa: &str| {
        json!({"sourceIPAddress": "10.0.0.7", "userIdentity": {"accessKeyId": "ASIAXXXXXXXXXXXXXXXX",
        "sessionContext": {"attributes": {"creationDate": "2026-09-01T00:00:00Z", "mfaAuthenticated": mfa}}}})
    };
    let public = |mfa: &str| {
        let mut session = session(mfa);
        session["sourceIPAddress"] = HOME.into();
        session
    };
    let with = calls(ANN, 28, but(stop, public("true")));
    let mut both = from_home();
    both["Bool"] = json!({"aws:MultiFactorAuthPresent": "true"});
    check(&with, &[("ec2:StopInstances", both)]);
    for without in [public("false"), json!({})] {
        let mut records = with.clone();
        records.extend(calls(ANN, 1, but(get_object, without)));
        let said = generate(&records);
        assert_eq!(conditions(&said)["ec2:StopInstances"], from_home());
    }
    // Of a role, the log does not tell.
    check(
        &calls(APP, 28, but(stop, session("true"))),
        &[("ec2:StopInstances", Value::Null)],
    );
}

#[test]
fn lists_are_held_to_their_prefixes() {
    let list = |prefix: &str| {
        let prefix = prefix.to_owned();
        move |_| {
            json!({"eventSource": "s3.amazonaws.com", "eventName": "ListObjects", "sourceIPAddress": "10.0.0.7",
            "requestParameters": {"bucketName": "b", "prefix": prefix}})
        }
    };
    let mut records = calls(APP, 28, list("in/"));
    let prefixes = |values: Value| json!({"StringEquals": {"aws:RequestedRegion": "eu-central-1", "s3:prefix": values}});
    check(&records, &[("s3:ListBucket", prefixes(json!("in/")))]);
    let whole = calls(APP, 1, |day| {
        let mut made = list("")(day);
        made["eventID"] = "whole".into();
        made
    });
    records.extend(whole);
    let region = json!({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}});
    check(&records, &[("s3:ListBucket", region.clone())]);
    // What a policy would take for a wildcard or a variable is none.
    check(&calls(APP, 28, list("in*")), &[("s3:ListBucket", region)]);
}

#[test]
fn what_is_made_is_held_to_the_tags_that_every_request_passed() {
    let create = |tags: Value| {
        move |day: u32| {
            json!({"eventSource": "secretsmanager.amazonaws.com", "eventName": "CreateSecret", "sourceIPAddress": "10.0.0.7",
                "requestParameters": {"name": format!("s{day}"), "tags": tags}, "eventID": format!("{day} {}", tags[0]["value"]),
                "responseElements": {"aRN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:s-AbCdEf"}})
        }
    };
    let tag = |key: &str, value: &str| json!({"key": key, "value": value});
    let found = |records: &[Value]| {
        let said = generate(records);
        conditions(&said)["secretsmanager:CreateSecret"].clone()
    };
    let same = |records: &mut Vec<Value>| {
        for record in records {
            record["requestParameters"]["name"] = "s".into();
        }
    };
    // One value, a value for each, one that not all have, and one of AWS's own.
    let mut records = calls(APP, 28, |day| {
        let run = tag("Run", &day.to_string());
        let own = tag("aws:cloudformation:stack-name", "stack");
        create(json!([tag("Team", "web"), run, own, tag("Stage", "${x}")]))(day)
    });
    same(&mut records);
    let some = json!({"Null": {"aws:RequestTag/Run": "false", "aws:RequestTag/Stage": "false"},
        "StringEquals": {"aws:RequestTag/Team": "web"}});
    assert_eq!(found(&records), some);
    let mut other = calls(
        APP,
        1,
        create(json!([tag("Team", "web"), tag("team2", "x")])),
    );
    same(&mut other);
    other[0]["eventID"] = "other".into();
    records.extend(other);
    assert_eq!(
        found(&records),
        json!({"StringEquals": {"aws:RequestTag/Team": "web"}})
    );
    // A call that passed none.
    records.extend(calls(APP, 1, |day| {
        let mut made = create(json!([]))(day);
        made["requestParameters"]["name"] = "s".into();
        made["eventID"] = "none".into();
        made
    }));
    assert_eq!(found(&records), Value::Null);
}

#[test]
fn what_only_services_called_is_held_to_them_but_of_a_role() {
    let via = |service: &str| {
        let service = format!("{service}.amazonaws.com");
        json!({"sourceIPAddress": service, "userAgent": service, "userIdentity": {"invokedBy": service}})
    };
    let name = |service: &str| format!("{service}.eu-central-1.amazonaws.com");
    for (service, expected) in [
        (
            "secretsmanager",
            json!({"StringEquals": {"kms:ViaService": name("secretsmanager")}}),
        ),
        (
            "dynamodb",
            json!({"StringEquals": {"kms:ViaService": name("dynamodb")},
                "ForAnyValue:StringEquals": {"aws:CalledVia": "dynamodb.amazonaws.com"}}),
        ),
        // Of a service without keys of its own.
        ("config", json!({"Bool": {"aws:ViaAWSService": "true"}})),
    ] {
        let made = but(decrypt, via(service));
        let offers = |said: &Said| {
            let index = said.written("out/index.json");
            index["principals"][0]["offeredConditions"].clone()
        };
        let said = check(&calls(ANN, 28, &made), &[("kms:Decrypt", expected.clone())]);
        assert_eq!(offers(&said), json!([]), "{service}");
        check(&calls(APP, 28, &made), &[("kms:Decrypt", Value::Null)]);
        // On too little, it is offered as it is without --conditions.
        let said = check(&calls(ANN, 3, &made), &[("kms:Decrypt", Value::Null)]);
        assert_eq!(offers(&said)[0]["condition"], expected, "{service}");
    }
}

#[test]
fn a_role_is_passed_without_a_condition_on_the_network() {
    let register = |_| {
        json!({"eventSource": "ecs.amazonaws.com", "eventName": "RegisterTaskDefinition",
        "requestParameters": {"family": "f", "taskRoleArn": "arn:aws:iam::111122223333:role/task"}})
    };
    let mut records = calls(ANN, 28, register);
    records.extend(calls(
        ANN,
        28,
        |_| json!({"eventSource": "iam.amazonaws.com", "eventName": "ListUsers"}),
    ));
    let said = generate(&records);
    let found = conditions(&said);
    assert_eq!(
        found["iam:PassRole"],
        json!({"StringEqualsIfExists": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}})
    );
    assert_eq!(found["iam:ListUsers"], from_home());
    let said = Run::within(said.folder)
        .args(["generate", "log.json", "--conditions"])
        .code(0);
    assert!(
        said.stderr.contains("; not on iam:PassRole\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_ledger_tells_regions_alone_and_says_so() {
    let mut records = calls(ANN, 28, stop);
    records.extend(calls(ANN, 28, get_object));
    let log = json!({ "Records": records }).to_string();
    let said = Run::new()
        .file("log.json", log)
        .args(["ingest", "log.json", "--ledger", "l.db", "--quiet"])
        .code(0);
    let said = Run::within(said.folder)
        .args(["generate", "l.db", "--out", "out", "--conditions"])
        .code(0);
    assert!(
        said.stderr
            .contains("note: a ledger does not tell addresses")
    );
    let found = conditions(&said);
    assert_eq!(found["ec2:StopInstances"], Value::Null);
    assert_eq!(
        found["s3:GetObject"],
        json!({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}})
    );
}

/// One call: what it calls, from where, through which service, in which Region, on which of some resources.
type Choice = (usize, usize, usize, usize, usize);

/// A month of calls of Ann's, of these choices.
fn month(choices: &[Choice]) -> Vec<Value> {
    let call = |number: usize| {
        let (call, network, via, region, resource) = choices[number];
        let mut made = match call {
            0 => get_object(0),
            1 => stop(0),
            2 => decrypt(0),
            3 => {
                json!({"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances"})
            }
            4 => {
                json!({"eventSource": "s3.amazonaws.com", "eventName": "ListObjects", "requestParameters":
                {"bucketName": "b", "prefix": format!("p{}/", resource % 2)}})
            }
            _ => {
                json!({"eventSource": "ecs.amazonaws.com", "eventName": "RegisterTaskDefinition", "requestParameters":
                {"family": "f", "taskRoleArn": "arn:aws:iam::111122223333:role/task"}})
            }
        };
        if call == 0 {
            made["requestParameters"]["key"] =
                format!("2026-09-{:02}/k{resource}", number % 28 + 1).into();
        }
        made["awsRegion"] = ["eu-central-1", "eu-west-1"][region].into();
        let network = match network {
            0 => json!({}),
            1 => json!({"sourceIPAddress": "198.51.100.9"}),
            2 => json!({"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1"}),
            _ => json!({"sourceIPAddress": "10.0.0.7"}),
        };
        merge(&mut made, network);
        let services = ["s3.amazonaws.com", "dynamodb.amazonaws.com"];
        if let Some(via) = services.get(via) {
            merge(
                &mut made,
                json!({"sourceIPAddress": via, "userAgent": via, "userIdentity": {"invokedBy": via}}),
            );
        }
        made["eventTime"] = format!("2026-09-{:02}T10:00:00Z", number % 28 + 1).into();
        made["eventID"] = format!("e-{number}").into();
        made
    };
    calls(ANN, choices.len() as u32, |number| call(number as usize))
}

fn parse(plan: &Plan) -> Vec<Policy> {
    let texts = plan.documents.iter().map(|document| document.to_json());
    texts
        .flat_map(|text| policy::parse(&text).unwrap())
        .collect()
}

fn attached(policies: &[Policy]) -> Vec<Attached<'_>> {
    let attach = |policy| Attached {
        principal: None,
        name: "p",
        policy,
    };
    policies.iter().map(attach).collect()
}

/// Whatever was called how: the policy with conditions allows every call, as judged call by call in its own context; it allows nothing
/// that the one without conditions does not; and it is the same however the calls are spread over files and threads.
#[test]
fn conditions_narrow_and_refuse_no_call_that_was_made() {
    let few = |most: usize| prop::collection::vec(0..most, 1..=2);
    let pools = (
        few(6),
        few(4),
        prop::collection::vec(0..6usize, 1..=2),
        few(2),
    );
    let choices = prop::collection::vec(any::<[prop::sample::Index; 5]>(), 20..90);
    let strategy = (pools, choices, any::<bool>()).prop_map(
        |((calls, networks, vias, regions), choices, exact)| {
            let choices = choices
                .into_iter()
                .map(|[call, network, via, region, resource]| {
                    (
                        *call.get(&calls),
                        *network.get(&networks),
                        *via.get(&vias),
                        *region.get(&regions),
                        resource.index(9),
                    )
                });
            (choices.collect::<Vec<Choice>>(), exact)
        },
    );
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    let counted = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&strategy, |(choices, exact)| {
            counted.set(counted.get() + check_month(&month(&choices), exact));
            Ok(())
        })
        .unwrap();
    let written = counted.get();
    // Else nothing was tested.
    assert!(written > 10, "{written}");
}

/// Files that came and went in the first half were read directly, the same ones in the second half by a service, one after the other:
/// what that one may read is a list, as of the principal it is.
#[test]
fn calls_under_a_condition_are_not_taken_for_all() {
    let call = |number: usize| {
        let day = number % 28;
        let (via, file) = match day < 14 {
            true => (2, number % 9),
            false => (1, (day - 14) * 9 / 14),
        };
        (0, 0, via, 0, file)
    };
    let choices: Vec<Choice> = (0..84).map(call).collect();
    assert!(check_month(&month(&choices), false) > 0);
}

/// How many conditions were written.
fn check_month(records: &[Value], exact: bool) -> usize {
    let conditions = Conditions::Observed { is_role: false };
    let resources = match exact {
        true => Resources::Exact,
        false => Resources::Balanced,
    };
    let plain = Options {
        resources,
        ..Options::default()
    };
    let narrow = Options {
        conditions,
        ..plain
    };
    let threads = |number| NonZeroUsize::new(number).unwrap();
    let (filter, wanted, progress) = (Filter::default(), observed::wanted(), Progress::default());
    let read = |files: usize, number: usize| {
        let folder = tempfile::tempdir().unwrap();
        for (file, records) in records.chunks(records.len().div_ceil(files)).enumerate() {
            let path = folder.path().join(format!("{file}.json"));
            fs::write(path, json!({ "Records": records }).to_string()).unwrap();
        }
        let inputs = [folder.path().display().to_string()];
        let objects = files::list(&inputs, &Scope::default()).unwrap();
        let sum = pipeline::collect_values(&objects, &filter, &wanted, threads(number), &progress);
        (folder, objects, sum)
    };
    let usage =
        |sum: &Sum| -> PrincipalUsage { sum.ledger.principals.values().next().unwrap().clone() };
    let (_folder, objects, sum) = read(1, 1);
    let plan = generate::plan(&usage(&sum), &narrow);
    let (_folders, _, spread) = read(5, 3);
    assert_eq!(plan, generate::plan(&usage(&spread), &narrow));

    let policies = parse(&plan);
    let asked = Asked::by(&policies);
    let told = pipeline::collect_asked(&objects, &filter, &asked, threads(1), &progress);
    let joint = told.joint.unwrap();
    let replay = replay::replay(&told.ledger, &joint, &attached(&policies), &asked);
    assert_eq!(replay.gaps, []);
    assert!(replay.events > 0 && replay.allowed == replay.events);

    let old = parse(&generate::plan(&usage(&sum), &plain));
    let (old, new) = (attached(&old), attached(&policies));
    let side = |identity| Side {
        identity,
        boundary: &[],
        scps: &[],
    };
    assert_eq!(compare(&side(&old), &side(&new)).answer, Answer::No);
    let written = plan.supports.iter().filter(|each| each.doubt.is_none());
    written
        .filter(|each| each.condition.key != "iam:PassedToService")
        .count()
}
