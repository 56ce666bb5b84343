//! What the accounts and the index tell of what could be seen: where and when, summaries, corrections, what is cut.

use std::num::NonZeroUsize;

use serde_json::{Value, json};
use trailfit::iam::action::Action;
use trailfit::iam::arn::ResourceArn;
use trailfit::pipeline::{Progress, collect};
use trailfit::source::files;
use trailfit::source::layout::Scope;
use trailfit::usage::filter::Filter;
use trailfit::usage::ledger::{PrincipalUsage, Tally};
use trailfit::usage::origin::Network;

use crate::program::Run;

const USER: &str = "arn:aws:iam::111122223333:user/ann";

/// A call of a user's on an object.
fn record(id: &str, key: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "arn": USER, "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        },
        "eventTime": "2026-09-01T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.9",
        "requestParameters": {"bucketName": "data", "key": key},
        "eventID": id,
        "eventType": "AwsApiCall",
        "eventCategory": "Data",
        "recipientAccountId": "111122223333",
    })
}

/// The same with other fields.
fn with(mut record: Value, fields: Value) -> Value {
    let fields = fields.as_object().unwrap().clone();
    record.as_object_mut().unwrap().extend(fields);
    record
}

fn delivery(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// The index of these records, each in a log object of its own, and what was said.
fn index(records: &[Value]) -> (Value, String) {
    let mut run = Run::new();
    for (number, record) in records.iter().enumerate() {
        run = run.file(
            &format!("in/{number}.json"),
            delivery(std::slice::from_ref(record)),
        );
    }
    let said = run.args(["generate", "in", "--out", "out"]).code(0);
    (said.written("out/index.json"), said.stderr)
}

/// As AWS shows one in "Aggregating data events".
fn summary(id: &str, dimension: &str, calls: u64) -> Value {
    json!({
        "eventVersion": "1.0",
        "accountId": "111122223333",
        "eventId": id,
        "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent",
        "awsRegion": "eu-central-1",
        "eventSource": "s3.amazonaws.com",
        "timeWindow": {"windowStart": "2026-09-01T12:00:00Z", "windowEnd": "2026-09-01T12:05:00Z", "windowSize": "PT5M"},
        "summary": {
            "primaryDimension": {
                "dimension": dimension,
                "statistics": [{"name": "GetObject", "value": calls}],
                "aggregationType": "Count",
            },
            "details": [{
                "dimension": "resourceARN",
                "statistics": [{"name": "arn:aws:s3:::other", "value": calls}],
                "aggregationType": "Count",
            }],
        },
    })
}

#[test]
fn summaries_of_calls_are_counted_and_grant_nothing() {
    let records = [
        record("e-1", "a"),
        summary("s-1", "eventName", 1_000),
        summary("s-2", "eventName", 234),
        summary("s-2", "eventName", 234),
        summary("s-3", "userIdentity", 7),
    ];
    let (index, said) = index(&records);
    let coverage = &index["coverage"];
    assert_eq!(
        coverage["reasons"]["inconclusive"],
        json!({"aggregated-event": 3})
    );
    assert_eq!(coverage["events"]["duplicate"], 1);
    let calls =
        json!({"s3.amazonaws.com by eventName": 1_234, "s3.amazonaws.com by userIdentity": 7});
    assert_eq!(coverage["aggregatedCalls"], calls);
    assert_eq!(coverage["lastEvent"], "2026-09-01T12:00:00Z");
    assert_eq!(coverage["dataEventCounts"], json!({"s3.amazonaws.com": 1}));
    let line = "summaries only: 1,234 calls of s3.amazonaws.com by eventName; they do not tell who did what on which resource\n";
    assert!(said.contains(line), "{said}");
    let principals = index["principals"].as_array().unwrap();
    assert_eq!(principals.len(), 1);
    assert_eq!(
        (&principals[0]["principal"], &principals[0]["events"]),
        (&json!(USER), &json!(1))
    );
}

#[test]
fn a_correction_counts_once_with_what_it_corrects_and_adds_what_it_says_otherwise() {
    let correction = |id: &str, key: &str, original: &str| {
        let addendum = json!({"reason": "UPDATED_DATA", "updatedFields": "additionalEventData", "originalEventID": original});
        with(record(id, key), json!({"addendum": addendum}))
    };
    let late = with(
        record("e-9", "a"),
        json!({"addendum": {"reason": "DELIVERY_DELAY"}}),
    );
    for turned in [false, true] {
        let mut records = vec![
            record("e-1", "a"),
            correction("e-2", "a", "e-1"),
            record("e-3", "b"),
            correction("e-4", "c", "e-3"),
            late.clone(),
        ];
        if turned {
            records.reverse();
        }
        let (index, said) = index(&records);
        let events = &index["coverage"]["events"];
        assert_eq!(
            (&events["used"], &events["duplicate"]),
            (&json!(4), &json!(1)),
            "{turned}"
        );
        assert_eq!(
            index["coverage"]["addenda"],
            json!({"DELIVERY_DELAY": 1, "UPDATED_DATA": 2})
        );
        assert_eq!(index["principals"][0]["resources"], 3);
        assert!(
            said.contains("addenda: 2 records with the reason UPDATED_DATA\n"),
            "{said}"
        );
    }
}

#[test]
fn the_index_tells_since_when_and_where_there_are_records() {
    let made = |id: &str, time: &str, error: Value| {
        let fields = json!({
            "eventTime": time, "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "us-east-1",
            "eventCategory": "Management", "requestParameters": {"userName": "ann"}, "errorCode": error,
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/root-ops", "accountId": "111122223333"},
        });
        with(record(id, ""), fields)
    };
    let records = [
        made("e-0", "2026-08-31T10:00:00Z", json!(null)),
        made(
            "e-1",
            "2026-08-31T11:00:00Z",
            json!("EntityAlreadyExistsException"),
        ),
        record("e-2", "a"),
        with(
            record("e-3", "a"),
            json!({"eventTime": "2026-09-01T13:59:59Z"}),
        ),
    ];
    let (index, _) = index(&records);
    assert_eq!(index["principals"][0]["principal"], USER);
    assert_eq!(index["principals"][0]["created"], "2026-08-31T10:00:00Z");
    assert_eq!(index["principals"][1]["created"], json!(null));
    let place = |region: &str, first: &str, last: &str, with: u64, hours: u64| {
        json!({
            "account": "111122223333", "region": region, "firstHour": first, "lastHour": last,
            "hoursWithRecords": with, "hours": hours, "gaps": [],
        })
    };
    let expected = json!([
        place(
            "eu-central-1",
            "2026-09-01T10:00:00Z",
            "2026-09-01T13:00:00Z",
            2,
            4
        ),
        place(
            "us-east-1",
            "2026-08-31T10:00:00Z",
            "2026-08-31T11:00:00Z",
            2,
            2
        ),
    ]);
    assert_eq!(index["coverage"]["places"], expected);
    assert_eq!(index["coverage"]["placesLeftOut"], false);
}

#[test]
fn a_silence_in_a_busy_place_is_said() {
    let hour = |hour: u32| {
        let time = format!("2026-09-{:02}T{:02}:30:00Z", 1 + hour / 24, hour % 24);
        with(
            record(&format!("e-{hour}"), "a"),
            json!({"eventTime": time}),
        )
    };
    let records: Vec<Value> = (0..100)
        .filter(|n| !(60..70).contains(n))
        .map(hour)
        .collect();
    let said = Run::new()
        .file("log.json", delivery(&records))
        .args(["principals", "log.json"])
        .code(0);
    let note = "note: account 111122223333 has no records in eu-central-1 from 2026-09-03T12:00:00Z to 2026-09-03T22:00:00Z, and in most other hours it has: the trail may have a gap\n";
    assert!(said.stderr.contains(note), "{}", said.stderr);
}

#[test]
fn what_is_cut_is_counted() {
    let keys = (0..10_500).map(|key| record(&format!("e-{key}"), &format!("logs/{key}")));
    let keys: Vec<Value> = keys.collect();
    let said = Run::new()
        .file("log.json", delivery(&keys))
        .args(["generate", "log.json", "--out", "out"])
        .code(0);
    let index = said.written("out/index.json");
    let cut = index["principals"][0]["cut"].as_array().unwrap();
    assert_eq!(
        (cut.len(), &cut[0]["action"], &cut[0]["kept"]),
        (1, &json!("s3:GetObject"), &json!(1))
    );
    let found = cut[0]["resources"].as_u64().unwrap();
    assert!(found.abs_diff(10_500) < 10_500 / 20, "{found}");
    let about = cut[0]["about"].as_str().unwrap();
    assert!(
        about.starts_with("about 10,") && about.ends_with("00"),
        "{about}"
    );
}

/// The one principal of these records, by the parser and as they stand in delivery files.
fn usage(records: &[Value]) -> PrincipalUsage {
    let mut found = Vec::new();
    let pretty = serde_json::to_string_pretty(&json!({ "Records": records })).unwrap();
    for text in [delivery(records), pretty] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log.json"), text).unwrap();
        let folder = folder.path().display().to_string();
        let objects = files::list(&[folder], &Scope::default()).unwrap();
        let sum = collect(
            &objects,
            &Filter::default(),
            false,
            NonZeroUsize::MIN,
            &Progress::default(),
        );
        found.push(sum.ledger.principals.into_values().next().unwrap());
    }
    assert_eq!(found[0], found[1]);
    found.swap_remove(0)
}

#[test]
fn a_fact_tells_where_its_calls_came_from() {
    let mut records = vec![
        record("e-0", "a"),
        record("e-0", "a"),
        with(
            record("e-1", "a"),
            json!({"awsRegion": "us-east-1", "sourceIPAddress": "10.1.2.3"}),
        ),
        with(record("e-2", "a"), json!({"vpcEndpointId": "vpce-1"})),
        record("e-3", "b"),
    ];
    records.push(with(
        record("e-4", "a"),
        json!({"sourceIPAddress": "athena.amazonaws.com"}),
    ));
    records[5]["userIdentity"]["invokedBy"] = json!("athena.amazonaws.com");
    records[4]["userIdentity"]["accessKeyId"] = json!("ASIAIOSFODNN7EXAMPLE");
    let usage = usage(&records);
    let action = Action::known("s3:GetObject");
    let tally = |key: &str| -> &Tally {
        &usage.facts[&action][&ResourceArn::from_pattern(format!("arn:aws:s3:::data/{key}"))]
    };
    let a = tally("a");
    let regions: Vec<(&str, u64)> = a.regions.iter().collect();
    assert_eq!(regions, [("eu-central-1", 3), ("us-east-1", 1)]);
    use Network::{AwsService, Private, Public, VpcEndpoint};
    assert!(
        a.networks
            .iter()
            .eq([AwsService, VpcEndpoint, Private, Public])
    );
    assert!(a.via.iter().map(|via| &**via).eq(["athena.amazonaws.com"]));
    let b = tally("b");
    assert!(b.networks.iter().eq([Public]) && b.via.is_empty());
    assert!(usage.access_keys.iter().eq(["AKIAIOSFODNN7EXAMPLE"]));
}
