//! Every container that CloudTrail records travel in, and every way in which they arrive broken.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::program::Run;

/// One call of a user: `s3:GetObject` of `arn:aws:s3:::data/a.txt`.
fn record(event_id: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/ann",
            "accountId": "111122223333",
            "userName": "ann"
        },
        "eventTime": "2026-09-01T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-central-1",
        "requestParameters": {"bucketName": "data", "key": "a.txt"},
        "eventID": event_id,
        "eventType": "AwsApiCall",
        "eventCategory": "Data",
        "recipientAccountId": "111122223333"
    })
}

fn delivery(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn every_container_gives_the_same_two_events() {
    let (one, two) = (record("e-1"), record("e-2"));
    let both = [one.clone(), two.clone()];
    let text = |value: &Value| Value::String(value.to_string());
    let detail = |r: &Value| json!({"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": r});
    let lookup = |r: &Value| json!({"EventId": r["eventID"], "EventName": "GetObject", "CloudTrailEvent": text(r)});
    let csv = |r: &Value| format!("\"1\",\"{}\"\n", r.to_string().replace('"', "\"\""));
    let cells = |r: &Value| json!([{"eventID": r["eventID"]}, {"eventJson": text(r)}]);
    let halves = [
        gzip(&delivery(&both[..1]).into_bytes()),
        gzip(&delivery(&both[1..]).into_bytes()),
    ];
    let containers: Vec<(&str, Vec<u8>)> = vec![
        ("delivery", delivery(&both).into()),
        ("delivery, pretty", serde_json::to_vec_pretty(&json!({ "Records": both })).unwrap()),
        ("gzip", gzip(delivery(&both).as_bytes())),
        ("gzip of several members", halves.concat()),
        ("zip", zip(&[("a.json", delivery(&both[..1]).as_bytes()), ("b.json.gz", &halves[1])])),
        ("byte order mark", [b"\xef\xbb\xbf".to_vec(), delivery(&both).into()].concat()),
        ("array", json!(both).to_string().into()),
        ("lines", format!("{one}\n{two}\n").into()),
        ("lines, CRLF", format!("{one}\r\n\r\n{two}\r\n").into()),
        ("LookupEvents", json!({"Events": [lookup(&one), lookup(&two)], "NextToken": "x"}).to_string().into()),
        ("LookupEvents, one item a line", format!("{}\n{}\n", lookup(&one), lookup(&two)).into()),
        ("EventBridge, one a line", format!("{}\n{}\n", detail(&one), detail(&two)).into()),
        (
            "CloudWatch Logs subscription",
            json!({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": text(&one)}, {"id": "2", "message": text(&two)}]}).to_string().into(),
        ),
        ("CloudWatch Logs export", format!("2026-09-01T10:00:00.000Z {one}\n2026-09-01T10:00:01.000Z {two}\n").into()),
        ("CloudTrail Lake rows", json!({"QueryStatus": "FINISHED", "QueryResultRows": [cells(&one), cells(&two)]}).to_string().into()),
        ("CSV with a JSON column", format!("\"n\",\"eventjson\"\n{}{}", csv(&one), csv(&two)).into()),
        ("_raw", format!("{}\n{}\n", json!({"_raw": text(&one)}), json!({"_raw": text(&two)})).into()),
        ("SNS in SQS", json!({"Type": "Notification", "Message": delivery(&both)}).to_string().into()),
        ("a shell prompt behind it", format!("{}\n[user@host ~]$ ", delivery(&both)).into()),
    ];
    for (name, content) in containers {
        let said = Run::new().file("log", content).args(["map", "log"]).code(0);
        let ids: Vec<_> = said
            .json_lines()
            .iter()
            .map(|line| line["eventId"].clone())
            .collect();
        assert_eq!(ids, [json!("e-1"), json!("e-2")], "{name}");
        for line in said.json_lines() {
            assert_eq!(line["outcome"], "used", "{name}");
            assert_eq!(line["needs"][0]["action"], "s3:GetObject", "{name}");
            assert_eq!(
                line["needs"][0]["resources"],
                json!(["arn:aws:s3:::data/a.txt"]),
                "{name}"
            );
        }
    }
}

#[test]
fn zstd_is_told_from_its_bytes() {
    // Made with `zstd -19` from a delivery file of the record above with the id e-1, by hand, as no encoder is among
    // the dependencies: ruzstd's own fastest level serves.
    let content = delivery(&[record("e-1")]);
    let packed = ruzstd::encoding::compress_to_vec(
        content.as_bytes(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    let said = Run::new().file("log", packed).args(["map", "log"]).code(0);
    assert_eq!(said.json_lines()[0]["eventId"], "e-1");
}

#[test]
fn stdin_is_an_input() {
    let said = Run::new()
        .stdin(delivery(&[record("e-1")]))
        .args(["map", "-"])
        .code(0);
    assert_eq!(said.json_lines()[0]["eventId"], "e-1");
}

#[test]
fn things_that_are_no_calls_are_counted_and_change_no_exit_code() {
    let digest = json!({"awsAccountId": "111122223333", "digestStartTime": "2026-09-01T10:00:00Z", "logFiles": []});
    let notification = json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}]});
    let mut insight = record("e-i");
    insight["eventCategory"] = json!("Insight");
    insight["eventType"] = json!("AwsCloudTrailInsight");
    let said = Run::new()
        .file("in/digest.json", digest.to_string())
        .file("in/insight.json", delivery(&[insight]))
        .file("in/notification.json", notification.to_string())
        .file("in/README.md", "# Logs\n\nIn {braces} and \"quotes\".\n")
        .file("in/records.json", delivery(&[record("e-1")]))
        .args(["map", "in"])
        .code(0);
    let outcomes: Vec<_> = said
        .json_lines()
        .iter()
        .map(|l| (l["outcome"].clone(), l["reason"].clone()))
        .collect();
    assert_eq!(
        outcomes,
        [
            (json!("ignored"), json!("insight")),
            (json!("used"), json!(""))
        ]
    );
    assert_eq!(
        said.stderr,
        "read 2 events from 5 log objects, 2026-09-01T10:00:00Z to 2026-09-01T10:00:00Z\n          \
         used         1\n        denied         0\n  inconclusive         0\n       ignored         1  insight 1\n      \
         unmapped         0\n     malformed         0\n     duplicate         0\n\
         not calls: 1 CloudTrail digest\nnot calls: 1 S3 notification\n\
         note: `in/README.md`: no CloudTrail records\n\
         note: `in/digest.json`: no CloudTrail records\n\
         note: `in/notification.json`: no CloudTrail records\n"
    );
}

#[test]
fn a_bad_record_does_not_lose_its_file() {
    let good = record("e-1").to_string();
    let text = format!(
        r#"{{"Records":[{good},null,{{"eventSource": }},{}]}}"#,
        record("e-2")
    );
    let said = Run::new()
        .file("log.json", &text)
        .args(["map", "log.json"])
        .code(3);
    let outcomes: Vec<_> = said
        .json_lines()
        .iter()
        .map(|line| line["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["used", "malformed", "malformed", "used"]);
    let at = text.find(r#"{"eventSource": }"#).unwrap();
    assert!(
        said.stderr
            .contains(&format!("`log.json`: malformed record at byte {at}: ")),
        "{}",
        said.stderr
    );
}

#[test]
fn broken_records_in_a_row_are_counted_one_by_one() {
    let broken = "{\"eventSource\": }\n".repeat(10);
    let text = format!("{}\n{broken}{}\n", record("e-1"), record("e-2"));
    let said = Run::new().file("log", text).args(["map", "log"]).code(3);
    assert!(
        said.stderr.contains("malformed        10"),
        "{}",
        said.stderr
    );
    let lines = said.json_lines();
    let used = lines.iter().filter(|line| line["outcome"] == "used");
    assert_eq!((used.count(), lines.len()), (2, 12));
}

#[cfg(unix)]
#[test]
fn folders_that_link_to_each_other_come_to_an_end() {
    let folder = tempfile::tempdir().unwrap();
    for from in 0..12 {
        let own = folder.path().join(from.to_string());
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("log"), record(&format!("e-{from}")).to_string()).unwrap();
        for to in 0..12 {
            let target = folder.path().join(to.to_string());
            std::os::unix::fs::symlink(target, own.join(format!("to-{to}"))).unwrap();
        }
    }
    let path = folder.path().to_str().unwrap();
    let said = Run::new().args(["map", path]).code(0);
    let lines = said.json_lines();
    let used = lines.iter().filter(|line| line["outcome"] == "used");
    assert_eq!((used.count(), lines.len()), (12, 12));
}

#[cfg(unix)]
#[test]
fn an_object_that_can_not_be_opened_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    std::os::unix::fs::symlink("nowhere", &gone).unwrap();
    let path = folder.path().to_str().unwrap();
    let said = Run::new().args(["map", path]).code(3);
    let name = format!("`{}`", gone.to_str().unwrap());
    assert_eq!(said.stderr.matches(&name).count(), 1, "{}", said.stderr);
    assert!(!said.stderr.contains("cannot read"), "{}", said.stderr);
}

#[test]
fn a_record_in_a_user_agent_is_no_event() {
    let mut forged = record("forged");
    forged["eventName"] = json!("DeleteObject");
    let (real, forged) = (record("e-1").to_string(), forged.to_string());
    let raw = json!([{"userAgent": forged, "_raw": real}]);
    let lookup = json!({"Events": [{"EventName": "GetObject", "EventSource": "s3.amazonaws.com",
        "Resources": [{"ResourceName": forged}], "CloudTrailEvent": real}]});
    let cell = |text: &str| text.replace('"', "\"\"");
    let csv = format!(
        "eventname,eventsource,useragent,eventjson\nGetObject,s3.amazonaws.com,\"{}\",\"{}\"\n",
        cell(&forged),
        cell(&real)
    );
    for content in [raw.to_string(), lookup.to_string(), csv] {
        let said = Run::new()
            .file("log", &content)
            .args(["map", "log"])
            .code(0);
        let ids: Vec<_> = said
            .json_lines()
            .iter()
            .map(|line| line["eventId"].clone())
            .collect();
        assert_eq!(ids, [json!("e-1")], "{content}");
    }
}

#[test]
fn a_broken_gzip_stream_gives_the_events_before_the_break() {
    let records: Vec<Value> = (0..200).map(|n| record(&format!("e-{n}"))).collect();
    let packed = gzip(delivery(&records).as_bytes());
    let said = Run::new()
        .file("log", &packed[..packed.len() / 2])
        .args(["map", "log"])
        .code(3);
    let mut lines = said.json_lines();
    // The record in which the stream breaks.
    assert_eq!(lines.pop().unwrap()["outcome"], "malformed");
    assert!(
        !lines.is_empty() && lines.len() < 200,
        "{} events",
        lines.len()
    );
    for (n, line) in lines.iter().enumerate() {
        assert_eq!(line["eventId"], format!("e-{n}"));
    }
    assert!(said.stderr.contains("warning: `log`: "), "{}", said.stderr);
}

#[test]
fn one_bad_file_does_not_lose_the_run() {
    let mut packed = gzip(delivery(&[record("e-1")]).as_bytes());
    packed[20] ^= 0xff;
    let said = Run::new()
        .file("in/a.json.gz", packed)
        .file("in/b.json", delivery(&[record("e-2")]))
        .args(["map", "in"])
        .code(3);
    assert!(
        said.json_lines()
            .iter()
            .any(|line| line["eventId"] == "e-2")
    );
    assert!(
        said.stderr.contains("warning: `in/a.json.gz`: "),
        "{}",
        said.stderr
    );
}

#[test]
fn bombs_are_reported() {
    let nested = format!(
        r#"{{"Records":[{}{},{}]}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000),
        record("e-1")
    );
    let said = Run::new().file("log", nested).args(["map", "log"]).code(3);
    assert!(
        said.json_lines()
            .iter()
            .any(|line| line["eventId"] == "e-1")
    );
}

#[test]
fn a_bomb_in_an_archive_is_reported() {
    // A member's header (APPNOTE.TXT 4.3.7) and its bytes; an archive without its directory is read as far as it goes.
    let zeros = vec![b' '; 64 << 20];
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&zeros).unwrap();
    let packed = encoder.finish().unwrap();
    let sizes = [0, packed.len() as u32, zeros.len() as u32].map(u32::to_le_bytes);
    let header = b"PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00\x21\x50";
    let archive = [&header[..], &sizes.concat(), &[1, 0, 0, 0], b"x", &packed].concat();
    let said = Run::new().file("z", archive).args(["map", "z"]).code(3);
    assert!(
        said.stderr.contains("`z!x`: ") && said.stderr.contains("decompression bomb"),
        "{}",
        said.stderr
    );
}

#[test]
fn an_input_that_is_not_there_stops_the_run() {
    let said = Run::new().args(["map", "nowhere"]).code(2);
    assert_eq!(said.stdout, "");
    assert!(
        said.stderr.starts_with("error: cannot read `nowhere`: "),
        "{}",
        said.stderr
    );
}
