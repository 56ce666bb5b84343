//! The event history as an input: what is asked of each Region, how often, and what is said where one refuses.
//!
//! The server speaks AWS JSON 1.1 over HTTP/1.1 on the loopback interface, for all Regions: a request's signature names the
//! Region that it is meant for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::Run;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) body: Value,
    at: Instant,
}

/// A status and a body.
pub(crate) type Answer = (u16, Value);

pub(crate) struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request with what `answer` gives for it and for the number of those before it from the same Region.
    pub(crate) fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(stream.unwrap(), &log, &*answer));
            }
        });
        Self { url, asked }
    }

    pub(crate) fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        Run::new()
            .args(args)
            .args(["--endpoint-url", &self.url])
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    }

    /// The requests of a Region.
    pub(crate) fn asked(&self, region: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        let of_region = asked.iter().filter(|asked| asked.region == region);
        of_region.cloned().collect()
    }
}

/// Answers the requests of one connection.
fn serve(stream: TcpStream, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked, usize) -> Answer) {
    let mut input = BufReader::new(stream.try_clone().unwrap());
    while let Some((headers, body)) = request(&mut input) {
        let operation = headers["x-amz-target"].strip_prefix("CloudTrail_20131101.");
        assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
        // Credential=AKIA…/20260901/eu-west-1/cloudtrail/aws4_request
        let scope: Vec<_> = headers["authorization"].split('/').collect();
        assert_eq!(scope[3], "cloudtrail");
        let asked = Asked {
            operation: operation.unwrap().to_owned(),
            region: scope[2].to_owned(),
            body,
            at: Instant::now(),
        };
        let before = {
            let mut log = log.lock().unwrap();
            log.push(asked.clone());
            log.iter()
                .filter(|other| other.region == asked.region)
                .count()
                - 1
        };
        let (status, body) = answer(&asked, before);
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut output = &stream;
        if output.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn request(input: &mut impl BufRead) -> Option<(BTreeMap<String, String>, Value)> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    input
        .read_line(&mut line)
        .ok()
        .filter(|&length| length > 0)?;
    loop {
        line.clear();
        input.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    input.read_exact(&mut body).ok()?;
    Some((headers, serde_json::from_slice(&body).unwrap()))
}

fn refuse(status: u16, code: &str, message: &str) -> Answer {
    (status, json!({"__type": code, "message": message}))
}

/// 2026-09-01T10:00:00Z
const NOON: i64 = 1_788_256_800;

/// The event history of a Region: so many events, the most recent at [`NOON`], each of the others a second before; two of
/// them in each second where `pairs`.
fn history(asked: &Asked, count: usize, pairs: bool) -> Answer {
    assert_eq!(asked.operation, "LookupEvents");
    let bound = |field: &str| asked.body[field].as_f64().map(|time| time as i64);
    let (from, until) = (bound("StartTime"), bound("EndTime"));
    let events = (0..count).map(|number| {
        let time = NOON - (number / if pairs { 2 } else { 1 }) as i64;
        (format!("{}-{number}", asked.region), time)
    });
    let events: Vec<_> = events
        .filter(|(_, time)| from.is_none_or(|from| *time >= from))
        .filter(|(_, time)| until.is_none_or(|until| *time <= until))
        .collect();
    let token = asked.body["NextToken"].as_str();
    let start: usize = token.map_or(0, |token| token.parse().unwrap());
    let page = asked.body["MaxResults"].as_u64().unwrap() as usize;
    let end = events.len().min(start + page);
    let listed = events[start..end].iter();
    let listed: Vec<_> = listed
        .map(|(id, time)| event(&asked.region, id, *time))
        .collect();
    let mut answer = json!({"Events": listed});
    if end < events.len() {
        answer["NextToken"] = end.to_string().into();
    }
    (200, answer)
}

fn event(region: &str, id: &str, time: i64) -> Value {
    let record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/ann",
            "accountId": "111122223333", "userName": "ann"
        },
        "eventTime": jiff::Timestamp::from_second(time).unwrap().to_string(),
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeVolumes",
        "awsRegion": region,
        "requestParameters": null,
        "eventID": id,
        "eventType": "AwsApiCall",
        "eventCategory": "Management",
        "recipientAccountId": "111122223333"
    });
    json!({"EventId": id, "EventTime": time, "EventName": "DescribeVolumes", "CloudTrailEvent": record.to_string()})
}

/// The identifiers of the events that `map` gives, sorted.
fn ids(lines: &[Value]) -> Vec<String> {
    let mut ids: Vec<_> = lines
        .iter()
        .map(|line| line["eventId"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn numbered(region: &str, count: usize) -> Vec<String> {
    let mut ids: Vec<_> = (0..count)
        .map(|number| format!("{region}-{number}"))
        .collect();
    ids.sort();
    ids
}

const NOTE: &str = "note: the event history holds management events only, of the last 90 days, of the Regions asked: data events and what is older are not seen\n";

#[test]
fn all_pages_are_read_at_two_a_second() {
    let server = Server::start(|asked, _| history(asked, 230, false));
    let said = server
        .run(["map", "lookup-events://?region=eu-west-1"])
        .code(0);
    assert_eq!(ids(&said.json_lines()), numbered("eu-west-1", 230));
    assert!(
        said.stderr
            .starts_with("read 230 events from 1 log object, "),
        "{}",
        said.stderr
    );
    assert!(said.stderr.ends_with(NOTE), "{}", said.stderr);
    let asked = server.asked("eu-west-1");
    let tokens: Vec<_> = asked
        .iter()
        .map(|asked| asked.body["NextToken"].as_str())
        .collect();
    assert_eq!(
        tokens,
        [None, Some("50"), Some("100"), Some("150"), Some("200")]
    );
    assert_eq!(asked[1].body, json!({"MaxResults": 50, "NextToken": "50"}));
    // Never a third one within a second.
    for three in asked.windows(3) {
        assert!(three[2].at - three[0].at >= Duration::from_secs(1));
    }
}

#[test]
fn regions_are_read_at_the_same_time() {
    let server = Server::start(|asked, _| history(asked, 230, false));
    let input = "lookup-events://?region=eu-west-1&region=us-east-1";
    let said = server
        .run(["principals", input, "--threads", "1", "--format", "json"])
        .code(0);
    assert_eq!(said.json()[0]["events"], 460);
    let [ireland, virginia] = ["eu-west-1", "us-east-1"].map(|region| server.asked(region));
    assert_eq!((ireland.len(), virginia.len()), (5, 5));
    assert!(ireland[2].at < virginia[4].at && virginia[2].at < ireland[4].at);
}

#[test]
fn from_to_and_region_narrow_what_is_asked() {
    let server = Server::start(|asked, _| history(asked, 40, false));
    let args = [
        "map",
        "lookup-events://",
        "--region",
        "us-east-1",
        "--from",
        "2026-09-01T09:59:51Z",
        "--to",
        "2026-09-01T09:59:56Z",
    ];
    let said = server.run(args).code(0);
    assert_eq!(said.json_lines().len(), 5);
    let all = server.asked.lock().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&*all[0].region, &all[0].body),
        (
            "us-east-1",
            &json!({"StartTime": NOON - 9, "EndTime": NOON - 4, "MaxResults": 50})
        )
    );
}

#[test]
fn throttling_is_waited_out() {
    let server = Server::start(|asked, before| match before {
        0 | 2 => refuse(400, "ThrottlingException", "Rate exceeded"),
        _ => history(asked, 60, false),
    });
    let said = server
        .run(["map", "lookup-events://?region=eu-west-1"])
        .code(0);
    assert_eq!(ids(&said.json_lines()), numbered("eu-west-1", 60));
    let asked = server.asked("eu-west-1");
    assert_eq!(asked.len(), 4);
    for (refused, again) in [(0, 1), (2, 3)] {
        assert_eq!(asked[refused].body, asked[again].body);
        assert!(asked[again].at - asked[refused].at >= Duration::from_millis(950));
    }
}

#[test]
fn a_token_that_is_no_longer_valid_is_done_without() {
    let server = Server::start(|asked, before| match before {
        2 => refuse(400, "InvalidNextTokenException", "Invalid token"),
        _ => history(asked, 131, true),
    });
    let said = server
        .run(["map", "lookup-events://?region=eu-west-1"])
        .code(0);
    // The 100th event is of the same second as the 99th, and both came before the token failed.
    assert_eq!(ids(&said.json_lines()), numbered("eu-west-1", 131));
    assert!(
        said.stderr.contains("duplicate         0"),
        "{}",
        said.stderr
    );
    let asked = server.asked("eu-west-1");
    assert_eq!(asked[2].body["NextToken"], "100");
    assert_eq!(
        asked[3].body,
        json!({"EndTime": NOON - 49, "MaxResults": 50})
    );

    let server = Server::start(|asked, before| match before {
        0 => history(asked, 131, true),
        _ => refuse(400, "InvalidNextTokenException", "Invalid token"),
    });
    let said = server
        .run(["map", "lookup-events://?region=eu-west-1"])
        .code(3);
    assert_eq!(said.json_lines().len(), 50);
    assert_eq!(server.asked("eu-west-1").len(), 3);
}

#[test]
fn expired_credentials_are_told() {
    let message = "The security token included in the request is expired";
    let server = Server::start(move |_, _| refuse(400, "ExpiredTokenException", message));
    let said = server
        .run([
            "generate",
            "lookup-events://?region=eu-west-1&region=us-east-1",
        ])
        .code(2);
    assert_eq!(
        said.stderr,
        format!(
            "error: cannot read `lookup-events://?region=eu-west-1`: the credentials have expired: renew them, as with `aws sso login` (ExpiredTokenException: {message})\n"
        )
    );
    // In the middle.
    let server = Server::start(move |asked, before| match before {
        0 => history(asked, 60, false),
        _ => refuse(400, "ExpiredTokenException", message),
    });
    let said = server
        .run(["map", "lookup-events://?region=eu-west-1"])
        .code(3);
    assert_eq!(said.json_lines().len(), 50);
    assert!(
        said.stderr
            .contains("warning: `lookup-events://?region=eu-west-1`: reading failed after "),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("the credentials have expired"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_region_that_refuses_is_named_and_the_others_are_read() {
    let message = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action";
    let server = Server::start(move |asked, _| match &*asked.region {
        "us-east-1" => refuse(400, "AccessDeniedException", message),
        "eu-north-1" => history(asked, 0, false),
        _ => history(asked, 7, false),
    });
    let input = "lookup-events://?region=eu-west-1&region=us-east-1&region=eu-north-1";
    let said = server.run(["map", input]).code(3);
    assert_eq!(ids(&said.json_lines()), numbered("eu-west-1", 7));
    let expected = format!(
        "note: `lookup-events://?region=eu-north-1`: no CloudTrail records\n\
         warning: `lookup-events://?region=us-east-1`: the permission `cloudtrail:LookupEvents` is missing (AccessDeniedException: {message})\n{NOTE}"
    );
    assert!(said.stderr.ends_with(&expected), "{}", said.stderr);
}

#[test]
fn without_regions_all_are_asked_and_those_not_enabled_left_out() {
    let server = Server::start(|asked, _| match &*asked.region {
        "ap-east-1" | "me-south-1" => refuse(
            400,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        "eu-west-1" | "us-east-1" => history(asked, 2, false),
        _ => history(asked, 0, false),
    });
    let said = server.run(["map", "lookup-events://"]).code(0);
    assert_eq!(said.json_lines().len(), 4);
    assert_eq!(server.asked.lock().unwrap().len(), 34);
    let of_empty = "note: `lookup-events://?region=af-south-1&region=ap-east-2&region=";
    assert!(said.stderr.contains(of_empty), "{}", said.stderr);
    let of_unknown = "&region=us-west-2`: no CloudTrail records\nnote: `lookup-events://?region=ap-east-1&region=me-south-1 (not enabled for these credentials)`: no CloudTrail records\nnote: ";
    assert!(said.stderr.contains(of_unknown), "{}", said.stderr);
    // A Region that was asked for by name is missed.
    let said = server
        .run(["map", "lookup-events://?region=ap-east-1&region=eu-west-1"])
        .code(3);
    assert!(
        said.stderr.contains(
            "warning: `lookup-events://?region=ap-east-1`: AWS does not know the access key"
        ),
        "{}",
        said.stderr
    );
}

#[test]
fn a_region_where_nobody_answers_is_an_error() {
    let run = Server::start(|asked, _| history(asked, 0, false));
    let url = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = Server {
        url: format!("http://{url}"),
        ..run
    };
    let said = nobody
        .run(["map", "lookup-events://?region=eu-west-1"])
        .code(2);
    assert!(
        said.stderr
            .starts_with("error: cannot read `lookup-events://?region=eu-west-1`: "),
        "{}",
        said.stderr
    );
}

#[test]
fn what_is_no_event_history_is_told() {
    let said = Run::new()
        .args(["map", "lookup-events://eu-west-1"])
        .code(2);
    assert_eq!(
        said.stderr,
        "error: `lookup-events://eu-west-1` is no event history\nhelp: give `lookup-events://` for all Regions, or `lookup-events://?region=eu-west-1&region=us-east-1`\n"
    );
    let said = Run::new()
        .args([
            "map",
            "lookup-events://?region=eu-west-1",
            "--region",
            "us-east-1",
        ])
        .code(2);
    assert_eq!(
        said.stderr,
        "error: `lookup-events://?region=eu-west-1`: none of its Regions is among those of --region\n"
    );
}
