//! What a ledger's export says to other programs, and that it can be read back, whatever became of it on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use trailfit::error::Error;
use trailfit::store::export;
use trailfit::store::file::Store;
use trailfit::usage::filter::Filter;
use trailfit::verify::asked::{Asked, Asks};

use crate::program::{Run, Said, project};

/// Runs the program in `folder` on a ledger of the samples, `l`, made of these parts of them one after the other.
fn ledger(parts: &[&str]) -> tempfile::TempDir {
    let mut folder = tempfile::tempdir().unwrap();
    for part in parts {
        let logs = project("samples/AWSLogs").join(part).display().to_string();
        folder = within(folder, &["ingest", &logs, "--ledger", "l"], 0).folder;
    }
    folder
}

#[track_caller]
fn within(folder: tempfile::TempDir, args: &[&str], code: i32) -> Said {
    Run::within(folder).args(args.iter().copied()).code(code)
}

/// The lines of an export of one kind.
fn lines(text: &str, kind: &str) -> Vec<Value> {
    let head = format!(r#"{{"kind":"{kind}""#);
    let lines = text.lines().filter(|line| line.starts_with(&head));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text(fact: &Value, key: &str) -> String {
    fact[key].as_str().unwrap_or_default().to_owned()
}

/// What tells facts apart, but for fields of the principal that follow from its ARN.
fn key(fact: &Value) -> [String; 5] {
    ["principal", "action", "resource", "region", "outcome"].map(|name| text(fact, name))
}

#[test]
fn facts_are_what_the_view_and_the_sums_are() {
    let said = within(ledger(&["."]), &["ledger", "export", "l"], 0);
    let facts = lines(&said.stdout, "fact");
    let kinds: Vec<&str> = said
        .stdout
        .lines()
        .map(|line| line.split('"').nth(3).unwrap())
        .collect();
    let order = ["ledger", "principal", "fact", "call", "events", "object"];
    let place = |kind: &&str| order.iter().position(|each| each == kind).unwrap();
    assert!(kinds.is_sorted_by_key(place), "{kinds:?}");

    let exported: BTreeMap<[String; 5], (u64, String, String, String)> = facts
        .iter()
        .map(|fact| {
            let time = |name: &str| text(fact, name).replace('T', " ").replace('Z', "");
            let count = fact["count"].as_u64().unwrap();
            let (first, last) = (time("firstSeen"), time("lastSeen"));
            (key(fact), (count, first, last, text(fact, "sampleEventId")))
        })
        .collect();
    assert_eq!(exported.len(), facts.len());
    let ledger = rusqlite::Connection::open(said.folder.path().join("l")).unwrap();
    let query = "SELECT principal, action, resource, coalesce(region, ''), outcome,
            sum(count), min(first_seen), max(last_seen), min(sample_event_id)
        FROM fact GROUP BY 1, 2, 3, 4, 5";
    let mut query = ledger.prepare(query).unwrap();
    let view = query.query_map([], |row| {
        let mut key = [const { String::new() }; 5];
        for (at, text) in key.iter_mut().enumerate() {
            *text = row.get(at)?;
        }
        Ok((key, (row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?)))
    });
    let view: BTreeMap<_, _> = view.unwrap().map(Result::unwrap).collect();
    assert!(view.len() > 500, "{}", view.len());
    assert_eq!(exported, view);

    let store = Store::open_to_read(&said.folder.path().join("l")).unwrap();
    let sum = store
        .sum(&Filter::default(), false, Asks::Classes(&Asked::default()))
        .unwrap();
    let mut summed: BTreeMap<[String; 4], u64> = BTreeMap::new();
    for (principal, usage) in &sum.ledger.principals {
        for (action, resources) in usage.facts.iter().chain(&usage.refused) {
            for (resource, tally) in resources {
                let counts = [
                    ("used", tally.used),
                    ("denied", tally.denied),
                    ("inconclusive", tally.inconclusive),
                ];
                for (outcome, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
                    let (action, resource) = (action.to_string(), resource.to_string());
                    let key = [principal.arn.clone(), action, resource, outcome.to_owned()];
                    summed.insert(key, count);
                }
            }
        }
    }
    let mut exported: BTreeMap<[String; 4], u64> = BTreeMap::new();
    for fact in &facts {
        let [principal, action, resource, _, outcome] = key(fact);
        let key = [principal, action, resource, outcome];
        *exported.entry(key).or_default() += fact["count"].as_u64().unwrap();
    }
    assert_eq!(exported, summed);
}

#[test]
fn a_fact_has_all_that_its_calls_have() {
    let said = within(ledger(&["."]), &["ledger", "export", "l"], 0);
    type All = (u64, BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);
    let mut calls: BTreeMap<[String; 5], All> = BTreeMap::new();
    let texts = |value: &Value| -> Vec<String> {
        let values = value.as_array().map_or(&[][..], Vec::as_slice);
        let values = values.iter().map(|value| match value.as_u64() {
            Some(day) => jiff::civil::date(1970, 1, 1)
                .checked_add(jiff::Span::new().days(day as i64))
                .unwrap()
                .to_string(),
            None => value.as_str().unwrap().to_owned(),
        });
        values.collect()
    };
    for call in lines(&said.stdout, "call") {
        let needs = call["needs"].as_array().map_or(&[][..], Vec::as_slice);
        let pairs: BTreeSet<(String, String)> = needs
            .iter()
            .flat_map(|need| {
                let resources = texts(&need["resources"]);
                let pair = |resource| (text(need, "action"), resource);
                resources.into_iter().map(pair).collect::<Vec<_>>()
            })
            .collect();
        for (action, resource) in pairs {
            let [principal, _, _, region, outcome] = key(&call);
            let key = [principal, action, resource, region, outcome];
            let (count, days, via, networks) = calls.entry(key).or_default();
            *count += call["count"].as_u64().unwrap();
            days.extend(texts(&call["days"]));
            via.extend(call["via"].as_str().map(str::to_owned));
            networks.extend(texts(&call["networks"]));
        }
    }
    let facts = lines(&said.stdout, "fact");
    assert_eq!(facts.len(), calls.len());
    assert!(calls.values().any(|(_, _, via, _)| !via.is_empty()));
    for fact in &facts {
        let (count, days, via, networks) = &calls[&key(fact)];
        assert_eq!(fact["count"].as_u64(), Some(*count));
        for (name, expected) in [("days", days), ("via", via), ("networks", networks)] {
            let found = texts(&fact[name]);
            assert!(found.iter().eq(expected), "{fact}");
            // What is empty is left out.
            assert_eq!(fact.get(name).is_some(), !expected.is_empty());
        }
    }
}

/// The facts' lines as they are.
fn facts(text: &str) -> Vec<&str> {
    let facts = text
        .lines()
        .filter(|line| line.starts_with(r#"{"kind":"fact""#));
    facts.collect()
}

#[test]
fn facts_do_not_depend_on_the_order_and_are_not_read_back() {
    let mut accounts: Vec<String> = fs::read_dir(project("samples/AWSLogs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    accounts.sort();
    let mut parts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    assert!(parts.len() > 1);
    let one = within(ledger(&parts), &["ledger", "export", "l"], 0);
    parts.reverse();
    let other = within(ledger(&parts), &["ledger", "export", "l"], 0).stdout;
    assert!(facts(&one.stdout).len() > 500);
    assert_eq!(facts(&one.stdout), facts(&other));

    // With the counts of all facts changed, and without any.
    let changed = one
        .stdout
        .lines()
        .map(|line| match line.contains("\"fact\"") {
            true => line.replace("\"count\":", "\"count\":9"),
            false => line.to_owned(),
        });
    let changed: Vec<String> = changed.collect();
    let without = changed.iter().filter(|line| !line.contains("\"fact\""));
    let without: Vec<&str> = without.map(String::as_str).collect();
    assert!(without.len() < changed.len());
    for text in [changed.join("\n"), without.join("\n")] {
        let again = Run::new()
            .file("l.jsonl", text)
            .args(["ledger", "export", "l.jsonl"])
            .code(0);
        assert!(again.stdout == one.stdout);
    }
}

#[test]
fn a_fact_is_flat() {
    let said = within(ledger(&["."]), &["ledger", "export", "l"], 0);
    let found = facts(&said.stdout)
        .into_iter()
        .find(|line| line.contains("user/backup-legacy") && line.contains("s3:PutObject"));
    let expected = concat!(
        r#"{"kind":"fact","principal":"arn:aws:iam::111122223333:user/backup-legacy","type":"user","#,
        r#""account":"111122223333","name":"backup-legacy","action":"s3:PutObject","#,
        r#""resource":"arn:aws:s3:::example-backups/db/2026-09-01.sql.gz","region":"eu-central-1","#,
        r#""outcome":"used","count":1,"firstSeen":"2026-09-01T02:04:14Z","#,
        r#""lastSeen":"2026-09-01T02:04:14Z","days":["2026-09-01"],"#,
        r#""sampleEventId":"3b9adbfb-8075-4fec-bd41-ca1005b696af","networks":["public"]}"#
    );
    assert_eq!(found, Some(expected));
}

#[test]
fn a_ledger_goes_through_parquet_and_back() {
    let said = within(ledger(&["."]), &["ledger", "export", "l"], 0);
    let lines = said.stdout;
    let parquet = ["ledger", "export", "--format", "parquet", "--out"];
    let export = |folder, from: &str, out: &str| {
        within(folder, &[&parquet[..], &[out, from]].concat(), 0).folder
    };
    let folder = export(said.folder, "l", "a.parquet");
    fs::write(folder.path().join("l.jsonl"), &lines).unwrap();
    let folder = export(folder, "l.jsonl", "b.parquet");
    let folder = export(folder, "b.parquet", "c.parquet");
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(bytes("a.parquet").starts_with(b"PAR1"));
    assert!(bytes("a.parquet") == bytes("b.parquet"));
    assert!(bytes("a.parquet") == bytes("c.parquet"));
    let said = within(folder, &["ledger", "export", "c.parquet"], 0);
    assert!(said.stdout == lines);

    // As an INPUT, whatever its name.
    let folder = said.folder;
    fs::rename(
        folder.path().join("c.parquet"),
        folder.path().join("c.json"),
    )
    .unwrap();
    let of = |folder, input| {
        let args = ["generate", input, "--principal", "*user/backup-legacy"];
        within(folder, &args, 0)
    };
    let from_ledger = of(folder, "l");
    let from_parquet = of(from_ledger.folder, "c.json");
    assert!(from_ledger.stdout.contains("s3:PutObject"));
    assert_eq!(from_ledger.stdout, from_parquet.stdout);
    assert_eq!(from_ledger.stderr, from_parquet.stderr);
    let folder = from_parquet.folder;
    let said = within(folder, &["ledger", "merge", "c.json", "--ledger", "m"], 0);
    let said = within(said.folder, &["ledger", "export", "m"], 0);
    assert!(said.stdout == lines);
}

#[test]
fn a_damaged_parquet_file_is_told_and_not_believed() {
    let args = ["ledger", "export", "l", "--format", "parquet", "--out", "p"];
    let said = within(ledger(&["."]), &args, 0);
    let path = said.folder.path().join("p");
    let whole = fs::read(&path).unwrap();
    let fails = |folder, reason: &str| {
        let said = within(folder, &["principals", "p"], 2);
        let head = "error: ledger `p`: not a ledger's export as it was written: ";
        let help = "\nhelp: `trailfit ledger export LEDGER --format parquet` writes one\n";
        assert_eq!(said.stderr, format!("{head}{reason}{help}"));
        said.folder
    };
    let mut folder = said.folder;
    for length in [4, 11, 12, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        folder = fails(folder, "EOF: it does not end as it begins");
    }
    let line = br#""kind":"principal""#;
    let at = whole.windows(line.len()).position(|found| found == line);
    let mut changed = whole.clone();
    // A name that could be another's.
    let name = whole[at.unwrap()..]
        .windows(6)
        .position(|found| found == b"user/b");
    changed[at.unwrap() + name.unwrap() + 5] = b'c';
    fs::write(&path, changed).unwrap();
    fails(
        folder,
        "Parquet error: its lines are not those that were written",
    );
}

#[test]
fn any_bit_of_a_parquet_file_may_be_wrong() {
    let record = serde_json::json!({"Records": [{
        "eventID": "e",
        "eventTime": "2026-09-01T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-central-1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333"},
        "requestParameters": {"bucketName": "data", "key": "k"},
    }]});
    let said = Run::new()
        .file("log.json", record.to_string())
        .args(["ingest", "log.json", "--ledger", "l"])
        .code(0);
    let args = ["ledger", "export", "l", "--format", "parquet", "--out", "p"];
    let said = within(said.folder, &args, 0);
    let path = said.folder.path().join("p");
    let whole = fs::read(&path).unwrap();
    let jsonl = |store: &Store| {
        let mut lines = Vec::new();
        export::jsonl(store, &mut lines).unwrap();
        lines
    };
    let before = jsonl(&export::read(&path).unwrap());
    // What of it is read back is told, and what is not changes nothing.
    let (mut told, mut same) = (0, 0);
    for at in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        match export::read(&path) {
            Ok(store) => {
                same += 1;
                assert!(jsonl(&store) == before, "byte {at}");
            }
            Err(Error::Ledger { .. } | Error::Read { .. }) => told += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(told > 100 && same > 100, "{told} {same}");
}
