//! Logs in S3: what is asked of the bucket, what comes of it, and what is said where something fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::program::{Run, project};
use crate::s3_server::{ACCESS_KEY, Fault, SECRET_KEY, Server};

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(next) = ahead.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The logs of the samples under their keys, without the digest and the Insights events, which are not read in a bucket.
fn samples() -> impl Iterator<Item = (String, Vec<u8>)> {
    let files = files(&project("samples/AWSLogs")).into_iter();
    let logs = files.filter(|(name, _)| !name.contains("/CloudTrail-"));
    logs.map(|(name, bytes)| (format!("AWSLogs/{name}"), bytes))
}

/// A run that has the samples in its folder.
fn with_samples() -> Run {
    samples().fold(Run::new(), |run, (name, bytes)| run.file(&name, bytes))
}

fn generated(run: Run, input: &str) -> BTreeMap<String, Vec<u8>> {
    let said = run.args([input, "--out", "out"]).code(0);
    files(&said.folder.path().join("out"))
}

fn from_folder() -> BTreeMap<String, Vec<u8>> {
    generated(with_samples().args(["generate"]), "AWSLogs")
}

#[test]
fn a_bucket_gives_the_same_bytes_as_a_folder() {
    let server = Server::start(samples());
    let from_bucket = generated(server.run(["generate"]), "s3://logs");
    assert!(from_bucket.len() > 3);
    assert!(from_bucket == from_folder());
    for threads in ["1", "5"] {
        let again = generated(
            server.run(["generate", "--threads", threads]),
            "s3://logs/AWSLogs/",
        );
        assert!(again == from_bucket, "{threads} threads");
    }
    let lines = server.run(["map", "s3://logs/AWSLogs"]).code(0).stdout;
    let expected = with_samples().args(["map", "AWSLogs"]).code(0);
    assert!(lines == expected.stdout);
}

/// An empty log of each account, Region and day.
fn grid() -> Vec<(String, Vec<u8>)> {
    let mut objects = Vec::new();
    for account in ["111122223333", "444455556666"] {
        for service in [
            "CloudTrail",
            "CloudTrail-Digest",
            "CloudTrail-Insight",
            "Config",
        ] {
            for region in ["eu-west-1", "us-east-1"] {
                for day in [
                    "2025/12/31",
                    "2026/08/31",
                    "2026/09/01",
                    "2026/09/02",
                    "2026/09/03",
                    "2026/10/01",
                ] {
                    let digits = day.replace('/', "");
                    objects.push((
                        format!("p/AWSLogs/o-a1b2c3/{account}/{service}/{region}/{day}/{account}_CloudTrail_{region}_{digits}T1200Z_x.json"),
                        b"{\"Records\":[]}".to_vec(),
                    ));
                }
            }
        }
    }
    objects
}

/// The prefixes listed and the objects read, after the last `CloudTrail/`.
fn touched(server: &Server) -> (BTreeSet<String>, BTreeSet<String>) {
    let asked = server.asked();
    let (listed, read): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| asked.is_listing());
    let tail = |text: &str| text.rsplit("/CloudTrail/").next().unwrap().to_owned();
    (
        listed
            .iter()
            .map(|asked| tail(&asked.query["prefix"]))
            .collect(),
        read.iter().map(|asked| tail(&asked.path)).collect(),
    )
}

#[test]
fn only_the_folders_asked_for_are_listed() {
    let server = Server::start(grid());
    let filter = "principals s3://logs --account 111122223333 --region eu-west-1 --from 2026-09-02 --to 2026-09-03";
    server.run(filter.split(' ')).code(0);
    let (listed, read) = touched(&server);
    let expected = [
        "",
        "p/",
        "p/AWSLogs/",
        "p/AWSLogs/o-a1b2c3/",
        "p/AWSLogs/o-a1b2c3/111122223333/",
        "p/AWSLogs/o-a1b2c3/111122223333/CloudTrail/",
        "eu-west-1/",
        "eu-west-1/2026/",
        "eu-west-1/2026/09/",
    ];
    let tail = |text: &str| text.rsplit("/CloudTrail/").next().unwrap().to_owned();
    assert_eq!(listed, expected.iter().map(|text| tail(text)).collect());
    let days = ["20260902", "20260903"];
    let expected = days.map(|day| {
        format!(
            "eu-west-1/2026/09/{}/111122223333_CloudTrail_eu-west-1_{day}T1200Z_x.json",
            &day[6..]
        )
    });
    assert_eq!(read, expected.into());
    let asked = server.asked();
    let month = asked
        .iter()
        .find(|asked| asked.query.contains_key("start-after"));
    assert!(month.unwrap().query["start-after"].ends_with("/2026/09/02"));
}

#[test]
fn below_folders_that_are_not_searched_all_accounts_and_regions_are_read_too() {
    for trail in ["prod-AWSLogs/", "a/b/c/d/"] {
        let objects = grid().into_iter();
        let objects = objects.map(|(key, bytes)| (key.replacen("p/", trail, 1), bytes));
        let server = Server::start(objects);
        let args = ["principals", "s3://logs", "--to", "2025-12-31T13:00:00Z"];
        server.run(args).code(0);
        let asked = server.asked();
        let read = asked.iter().filter(|asked| !asked.is_listing()).count();
        assert_eq!(read, 4, "{trail}");
    }
}

#[test]
fn without_filters_all_logs_are_read_and_nothing_else() {
    let server = Server::start(grid());
    for (input, objects) in [
        ("s3://logs", 24),
        ("s3://logs/p", 24),
        ("s3://logs/p/AWSLogs/o-a1b2c3", 24),
        ("s3://logs/p/AWSLogs/o-a1b2c3/444455556666/", 12),
        (
            "s3://logs/p/AWSLogs/o-a1b2c3/444455556666/CloudTrail/us-east-1",
            6,
        ),
        (
            "s3://logs/p/AWSLogs/o-a1b2c3/444455556666/CloudTrail/us-east-1/2026/09",
            3,
        ),
        (
            "s3://logs/p/AWSLogs/o-a1b2c3/444455556666/CloudTrail/us-east-1/2026/09/02/",
            1,
        ),
        (
            "s3://logs/p/AWSLogs/o-a1b2c3/444455556666/CloudTrail/us-east-1/2026/09/02/444455556666_CloudTrail_us-east-1_20260902T1200Z_x.json",
            1,
        ),
    ] {
        let before = server.asked().len();
        server.run(["principals", input]).code(0);
        let asked = server.asked().split_off(before);
        let read = asked.iter().filter(|asked| !asked.is_listing()).count();
        assert_eq!(read, objects, "{input}");
    }
    // Neither a part of a name nor nothing is taken for a folder.
    for nothing in ["s3://logs/p/AWSL", "s3://logs/q/"] {
        let said = server.run(["principals", nothing]).code(2);
        assert_eq!(
            said.stderr,
            format!("error: cannot read `{nothing}`: there is nothing\n")
        );
    }
}

#[test]
fn keys_of_all_kinds_are_signed_as_they_are() {
    let log = b"{\"Records\":[]}".to_vec();
    let keys = ["a b+c?d=e&f%g.json", "é/ü~*'().json", "x:y@z,;!$.json"];
    let server = Server::start(keys.map(|key| (key.to_owned(), log.clone())));
    server.run(["principals", "s3://logs"]).code(0);
    let read: BTreeSet<String> = server
        .asked()
        .into_iter()
        .filter(|asked| !asked.is_listing())
        .map(|asked| asked.path)
        .collect();
    assert_eq!(read, keys.map(|key| format!("/logs/{key}")).into());
}

#[test]
fn what_passes_is_tried_again_and_what_was_cut_is_resumed() {
    let server = Server::with_faults(samples(), |asked, before| {
        let number = asked.path.len() + asked.path.bytes().map(usize::from).sum::<usize>();
        match (asked.is_listing(), number % 8, before) {
            (true, _, 0) => Fault::Refuse(503, "SlowDown", "Please reduce your request rate."),
            (false, 0, 0..2) => Fault::Refuse(503, "SlowDown", "Please reduce your request rate."),
            (false, 1, 0) => {
                Fault::Refuse(500, "InternalError", "We encountered an internal error.")
            }
            (false, 2, 0) => Fault::Cut(0),
            (false, 3, 0..3) => Fault::Cut(100),
            (false, 4, _) => Fault::Late(Duration::from_millis(40)),
            _ => Fault::None,
        }
    });
    let from_bucket = generated(server.run(["generate"]), "s3://logs");
    assert!(from_bucket == from_folder());
    let asked = server.asked();
    let ranges: BTreeSet<&str> = asked
        .iter()
        .filter_map(|asked| asked.headers.get("range"))
        .map(String::as_str)
        .collect();
    let expected = ["bytes=100-", "bytes=200-", "bytes=300-"];
    assert_eq!(ranges, expected.into());
    let resumed = asked
        .iter()
        .filter(|asked| asked.headers.contains_key("range"));
    assert!(resumed.clone().count() > 3);
    assert!(
        resumed
            .clone()
            .all(|asked| asked.headers.contains_key("if-match"))
    );
}

/// A log of a single event, `padding` bytes long.
fn large(padding: usize) -> Vec<u8> {
    let record = r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333","userName":"u"},"eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","requestParameters":null,"responseElements":null,"eventID":"1","eventType":"AwsApiCall","recipientAccountId":"111122223333"}"#;
    format!("{{\"Records\":[{}{record}]}}", " ".repeat(padding)).into_bytes()
}

#[test]
fn a_large_object_streams_and_is_resumed() {
    let log = large(20 << 20);
    let server = Server::with_faults([("large.json".to_owned(), log)], |asked, before| {
        match (asked.is_listing(), before) {
            (false, 0..3) => Fault::Cut(3 << 20),
            _ => Fault::None,
        }
    });
    let said = server.run(["principals", "s3://logs/large.json"]).code(0);
    assert!(said.stdout.contains("user/u"), "{}", said.stdout);
    let asked = server.asked();
    let ranges = asked.iter().filter_map(|asked| asked.headers.get("range"));
    let expected = ["bytes=3145728-", "bytes=6291456-", "bytes=9437184-"];
    assert_eq!(ranges.collect::<Vec<_>>(), expected);
}

#[test]
fn an_object_that_cannot_be_read_is_told_and_the_others_are_read() {
    let mut logs =
        ["a.json", "b.json", "c.json", "d.json", "e.json"].map(|key| (key.to_owned(), large(10)));
    // One that would stream.
    logs[2].1 = large(9 << 20);
    let server = Server::with_faults(logs, |asked, _| match asked.path.as_str() {
        "/logs/a.json" => Fault::Refuse(403, "AccessDenied", "Access Denied"),
        "/logs/b.json" => Fault::Refuse(
            403,
            "AccessDenied",
            "User: u is not authorized to perform: kms:Decrypt on resource: k",
        ),
        "/logs/c.json" => Fault::Refuse(400, "KMS.DisabledException", "k is disabled."),
        "/logs/d.json" => Fault::Refuse(404, "NoSuchKey", ""),
        _ => Fault::None,
    });
    let said = server.run(["principals", "s3://logs"]).code(3);
    assert!(said.stdout.contains("user/u"));
    for line in [
        "warning: `s3://logs/a.json`: access denied: `s3:GetObject` on `arn:aws:s3:::logs/*` is missing, or the requester must pay (--request-payer) (Access Denied)",
        "warning: `s3://logs/b.json`: access denied: `kms:Decrypt` on the key that encrypts the object is missing (User: u is not authorized to perform: kms:Decrypt on resource: k)",
        "warning: `s3://logs/c.json`: the KMS key that encrypts the object cannot be used (k is disabled.)",
        "warning: `s3://logs/d.json`: the object is there no more",
    ] {
        assert!(said.stderr.contains(line), "{line}\n{}", said.stderr);
    }
}

#[test]
fn an_object_that_fails_for_good_is_given_up() {
    let logs = [("a.json".to_owned(), large(10))];
    let server = Server::with_faults(logs, |asked, _| match asked.is_listing() {
        true => Fault::None,
        false => Fault::Cut(0),
    });
    let said = server.run(["principals", "s3://logs/a.json"]).code(3);
    assert!(
        said.stderr.contains("warning: `s3://logs/a.json`: "),
        "{}",
        said.stderr
    );
    let read = server
        .asked()
        .into_iter()
        .filter(|asked| !asked.is_listing());
    assert_eq!(read.count(), 8);
}

#[test]
fn why_a_bucket_cannot_be_listed_is_told() {
    let refusing =
        |code, message| Server::with_faults([], move |_, _| Fault::Refuse(403, code, message));
    let denied = refusing("AccessDenied", "Access Denied");
    let expired = refusing("ExpiredToken", "The provided token has expired.");
    let server = Server::start(samples());
    for (run, message) in [
        (
            denied.run(["principals", "s3://logs/p"]),
            "error: cannot read `s3://logs/p`: access denied: `s3:ListBucket` on `arn:aws:s3:::logs` is missing, or the requester must pay (--request-payer) (Access Denied)\n",
        ),
        (
            expired.run(["principals", "s3://logs"]),
            "error: cannot read `s3://logs`: the credentials have expired: renew them, as with `aws sso login` (ExpiredToken: The provided token has expired.)\n",
        ),
        (
            server.run(["principals", "s3://other"]),
            "error: cannot read `s3://other`: there is no bucket of this name\n",
        ),
        (
            server
                .run_without_credentials(["principals", "s3://logs"])
                .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
                .env("AWS_SECRET_ACCESS_KEY", &SECRET_KEY.to_lowercase()),
            "error: cannot read `s3://logs`: the signature does not match: the secret access key is wrong (SignatureDoesNotMatch)\n",
        ),
        (
            server.run_without_credentials(["principals", "s3://logs"]),
            "error: cannot read `s3://logs`: there are no credentials: give --profile, `aws sso login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
    ] {
        let said = run.code(2);
        assert!(said.stderr.starts_with(message), "{}", said.stderr);
        assert_eq!(said.stdout, "");
    }
}

#[test]
fn a_listing_that_is_cut_off_is_not_taken_for_all() {
    // As of a server that knows the older ListObjects only, or forgets where it was.
    let head =
        "<ListBucketResult><Contents><Key>a.json</Key><Size>14</Size></Contents><IsTruncated>";
    for (end, code) in [
        ("true</IsTruncated><NextMarker>a.json</NextMarker>", 2),
        (
            "true</IsTruncated><NextContinuationToken>t</NextContinuationToken>",
            2,
        ),
        ("false</IsTruncated>", 0),
    ] {
        let text: &str = format!("{head}{end}</ListBucketResult>").leak();
        let objects = [("a.json".to_owned(), b"{\"Records\":[]}".to_vec())];
        let server = Server::with_faults(objects, move |asked, _| match asked.is_listing() {
            true => Fault::Answer(text),
            false => Fault::None,
        });
        let said = server.run(["principals", "s3://logs"]).code(code);
        let cut = "error: cannot read `s3://logs`: the listing is cut off: there is more, and the server does not tell how to go on (ListObjectsV2)\n";
        assert_eq!(said.stderr == cut, code == 2, "{}", said.stderr);
    }
}

#[test]
fn requester_pays_and_session_tokens_are_sent() {
    let server = Server::start([("a.json".to_owned(), large(1))]);
    let run = server.run(["principals", "s3://logs", "--request-payer"]);
    run.env("AWS_SESSION_TOKEN", "token").code(0);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert_eq!(asked.headers["x-amz-request-payer"], "requester");
        assert_eq!(asked.headers["x-amz-security-token"], "token");
    }
}

#[test]
fn objects_are_fetched_ahead_of_their_reader() {
    let logs = (0..200).map(|number| (format!("{number:03}.json"), large(number)));
    let server = Server::with_faults(logs, |asked, _| match asked.is_listing() {
        true => Fault::None,
        false => Fault::Late(Duration::from_millis(40)),
    });
    server
        .run(["principals", "--threads", "1", "s3://logs"])
        .code(0);
    // The one that is waited for and 48 that come next.
    let most = server.most_at_a_time();
    assert!((20..=49).contains(&most), "{most}");
    assert_eq!(
        server
            .asked()
            .iter()
            .filter(|asked| !asked.is_listing())
            .count(),
        200
    );
}

#[test]
fn a_bucket_in_another_region_is_followed() {
    let logs = [("a.json".to_owned(), large(1))];
    let server = Server::with_faults(logs, |asked, _| {
        match asked.headers["authorization"].contains("/eu-central-1/s3/") {
            true => Fault::None,
            false => Fault::Elsewhere("eu-central-1"),
        }
    });
    let said = server.run(["principals", "s3://logs"]).code(0);
    assert!(said.stdout.contains("user/u"));
    assert_eq!(server.asked().len(), 3);
    // One that is sent from place to place.
    let server = Server::with_faults([], |_, _| Fault::Elsewhere("eu-central-1"));
    let said = server.run(["principals", "s3://logs"]).code(2);
    assert_eq!(
        said.stderr,
        "error: cannot read `s3://logs`: the bucket lies in another Region: set AWS_REGION to eu-central-1 (The bucket is elsewhere.)\n"
    );
}

#[test]
fn credentials_that_expire_are_asked_for_again() {
    let logs = ["a.json", "b.json", "c.json"].map(|key| (key.to_owned(), large(1)));
    let server = Server::with_faults(logs, |asked, before| match (asked.path.as_str(), before) {
        ("/logs/a.json", 0) | ("/logs/b.json", _) => {
            Fault::Refuse(400, "ExpiredToken", "The provided token has expired.")
        }
        _ => Fault::None,
    });
    let said = server.run(["principals", "s3://logs"]).code(3);
    let warnings: Vec<&str> = said
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning: "))
        .collect();
    assert_eq!(
        warnings,
        [
            "warning: `s3://logs/b.json`: the credentials have expired: renew them, as with `aws sso login` (ExpiredToken: The provided token has expired.)"
        ]
    );
    let again = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path == "/logs/b.json");
    assert_eq!(again.count(), 2);
}

#[test]
fn a_profile_gives_credentials_and_region() {
    let server = Server::with_faults([("a.json".to_owned(), large(1))], |asked, _| {
        match asked.headers["authorization"].contains("/eu-central-1/s3/") {
            true => Fault::None,
            false => Fault::Refuse(400, "Odd", "not the profile's Region"),
        }
    });
    let config = format!(
        "[profile auditor]\nregion = eu-central-1\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    );
    let run = Run::new()
        .file("config", config)
        .args([
            "principals",
            "s3://logs",
            "--profile",
            "auditor",
            "--endpoint-url",
            &server.url,
        ])
        .env("AWS_CONFIG_FILE", "config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "none")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    assert!(run.code(0).stdout.contains("user/u"));
}

#[test]
fn an_archive_is_told() {
    let small = b"PK\x03\x04 and so on".to_vec();
    let large = [small.clone(), vec![0; 9 << 20]].concat();
    let server = Server::start([("a.zip".to_owned(), small), ("b.zip".to_owned(), large)]);
    let said = server.run(["principals", "s3://logs"]).code(3);
    for name in ["a.zip", "b.zip"] {
        let line = format!(
            "warning: `s3://logs/{name}`: a zip archive, which is not looked into in S3: fetch it to a folder"
        );
        assert!(said.stderr.contains(&line), "{}", said.stderr);
    }
}

/// Whether the policy that `generate --own-policy` prints allows all that a run with the same inputs asked of the bucket, and
/// nothing beside.
#[test]
fn its_own_policy_is_what_it_needs() {
    for (input, other_folder) in [
        ("s3://logs/p/AWSLogs/o-a1b2c3/111122223333/", true),
        ("s3://logs/p", true),
        ("s3://logs", false),
    ] {
        let server = Server::start(grid());
        server.run(["principals", input]).code(0);
        let said = Run::new().args(["generate", "--own-policy", input]).code(0);
        assert!(said.stderr.starts_with("note: "), "{}", said.stderr);
        let request = |action: &str, resource: &str, prefix: Option<&str>| {
            let context = match prefix {
                Some(prefix) => serde_json::json!({"s3:prefix": [prefix]}),
                None => serde_json::json!({}),
            };
            let principal = "arn:aws:iam::111122223333:user/u";
            let request = serde_json::json!({"principal": principal, "action": action, "resource": resource, "context": context});
            request.to_string() + "\n"
        };
        let needed = server
            .asked()
            .into_iter()
            .map(|asked| match asked.query.get("prefix") {
                Some(prefix) => request("s3:ListBucket", "arn:aws:s3:::logs", Some(prefix)),
                None => request(
                    "s3:GetObject",
                    &format!("arn:aws:s3::{}", asked.path.replacen('/', ":", 1)),
                    None,
                ),
            });
        let mut too_much = vec![
            request("s3:GetObject", "arn:aws:s3:::other/p/x", None),
            request("s3:PutObject", "arn:aws:s3:::logs/p/x", None),
            request("s3:DeleteObject", "arn:aws:s3:::logs/p/x", None),
        ];
        if other_folder {
            too_much.push(request("s3:GetObject", "arn:aws:s3:::logs/q/x", None));
            too_much.push(request("s3:ListBucket", "arn:aws:s3:::logs", Some("q/")));
        }
        for (requests, decision) in [
            (needed.collect(), "allowed"),
            (too_much, "implicitlyDenied"),
        ] {
            let judged = Run::new()
                .file("policy.json", &said.stdout)
                .args(["simulate", "--policy", "policy.json", "--requests", "-"])
                .stdin(requests.concat())
                .code(0);
            let decisions = judged.json_lines();
            assert_eq!(decisions.len(), requests.len());
            for (answer, request) in decisions.iter().zip(&requests) {
                assert_eq!(answer["decision"], decision, "{request}");
            }
        }
    }
    let template = Run::new().args(["generate", "--own-policy"]).code(0);
    assert!(template.stdout.contains("cloudtrail:LookupEvents"));
    let said = Run::new().args(["generate", "--own-policy", "."]).code(2);
    assert_eq!(
        said.stderr,
        "error: to read files no permission of AWS is needed\n"
    );
    // Of any other command, and without the option, an INPUT is demanded.
    for command in ["generate", "principals"] {
        let said = Run::new().args([command]).code(2);
        assert!(said.stderr.contains("<INPUT>..."), "{}", said.stderr);
    }
}
