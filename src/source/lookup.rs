//! The event history of an account, `lookup-events://`: what `LookupEvents` answers, Region by Region.
//!
//! By the AWS CloudTrail API Reference, "LookupEvents": management events of the last 90 days, at most 50 in an answer, the
//! most recent first; two requests a second for an account and Region.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::Builder;
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput;
use aws_sdk_cloudtrail::primitives::DateTime;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::{Error, Result};
use crate::source::aws::{Aws, Refusal};
use crate::source::files::LogObject;
use crate::source::layout::Scope;

/// What such an input begins with.
pub const SCHEME: &str = "lookup-events://";

/// What no such input can show, for the accounts.
pub const BLIND_SPOTS: &str = "the event history holds management events only, of the last 90 days, of the Regions asked: data events and what is older are not seen";

/// The Regions with CloudTrail ("AWS CloudTrail endpoints and quotas", AWS General Reference), for an input that names none.
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
const REGIONS_CHINA: [&str; 2] = ["cn-north-1", "cn-northwest-1"];
const REGIONS_GOVCLOUD: [&str; 2] = ["us-gov-east-1", "us-gov-west-1"];

/// The most events of an answer.
const PAGE: i32 = 50;

/// In this time a Region takes two requests.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often a request is tried that may pass another time.
const ATTEMPTS: u32 = 8;

/// How often where nothing was ever heard of the Region: it may not exist.
const FIRST_ATTEMPTS: u32 = 3;

/// How long is waited before the second try; twice as long before each that follows.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// So many answers of a Region wait at most to be read: some 2 MB, as a record has 1 to 3 kB.
const AHEAD: usize = 16;

/// The events of one Region, on their way.
#[derive(Debug)]
pub(super) struct Events {
    answers: Mutex<Option<Receiver<Answer>>>,
    /// Goes on as long as there are events to be fetched.
    _aws: Arc<Aws>,
}

/// What a Region's task hands on.
#[derive(Debug)]
enum Answer {
    /// Records, one a line.
    Records(Vec<u8>),
    /// There are no more.
    End,
    Refused(Refusal),
}

/// Begins to fetch what `input` and `scope` ask for, all Regions at once. Each Region with events is a log object; one more,
/// empty, names those without any, and another those that are not enabled for the account: where the input names no Region,
/// those that do not take credentials which others take.
///
/// # Errors
/// Where the input is none of this kind, names no Region that is wanted, or no Region answers.
pub(super) fn list(aws: &Arc<Aws>, input: &str, scope: &Scope) -> Result<Vec<LogObject>> {
    let named = regions_of(input)?;
    let own = aws.config(None);
    let own = own.region().map_or("us-east-1", AsRef::as_ref);
    let all = match named.is_empty() {
        true => regions_like(own),
        false => named.clone(),
    };
    let wanted = |region: &String| scope.regions.is_empty() || scope.regions.contains(region);
    let regions: Vec<String> = all.into_iter().filter(wanted).collect();
    if regions.is_empty() {
        let message = format!("`{input}`: none of its Regions is among those of --region");
        return Err(Error::Usage(message));
    }
    let mut answers = first_answers(aws, regions, scope)?;
    if answers.iter().all(|(_, answer)| answer.is_err())
        && let (region, Err(refusal)) = answers.swap_remove(0)
    {
        return Err(unread(region, told(refusal)));
    }
    let (mut objects, mut empty, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (region, answer) in answers {
        match answer {
            Ok((answer, _)) if answer.events().is_empty() && token(&answer).is_none() => {
                empty.push(region);
            }
            Ok((answer, asker)) => {
                let events = Events::start(aws, answer, asker);
                objects.push(LogObject::region(name(&[region]), Ok(events)));
            }
            Err(refusal) if named.is_empty() && is_unknown(&refusal) => unknown.push(region),
            Err(refusal) => objects.push(LogObject::region(name(&[region]), Err(told(refusal)))),
        }
    }
    // So that the summary names them, in a line each.
    for (regions, why) in [
        (empty, ""),
        (unknown, " (not enabled for these credentials)"),
    ] {
        if !regions.is_empty() {
            let name = name(&regions) + why;
            objects.push(LogObject::region(name, Ok(Events::none(aws))));
        }
    }
    Ok(objects)
}

/// The first answer of a Region, and who goes on to ask it.
type Answered = std::result::Result<(LookupEventsOutput, Asker), Refusal>;

/// Asks all Regions at once.
fn first_answers(
    aws: &Arc<Aws>,
    regions: Vec<String>,
    scope: &Scope,
) -> Result<Vec<(String, Answered)>> {
    let asked = regions.into_iter().map(|region| {
        let mut asker = Asker::new(aws, &region, scope);
        let answer = async move { asker.ask(None).await.map(|answer| (answer, asker)) };
        (region, aws.handle().spawn(answer))
    });
    let asked: Vec<_> = asked.collect();
    let wait = |(region, answer): (String, JoinHandle<Answered>)| match aws.block_on(answer) {
        Ok(answer) => Ok((region, answer)),
        Err(error) => Err(unread(region, io::Error::other(error))),
    };
    asked.into_iter().map(wait).collect()
}

/// The input that names these Regions.
fn name(regions: &[String]) -> String {
    let named: Vec<_> = regions
        .iter()
        .map(|region| format!("region={region}"))
        .collect();
    format!("{SCHEME}?{}", named.join("&"))
}

fn unread(region: String, source: io::Error) -> Error {
    Error::Read {
        path: name(&[region]).into(),
        source,
    }
}

/// The Regions that an input names.
fn regions_of(input: &str) -> Result<Vec<String>> {
    let wrong = || {
        Error::Usage(format!(
            "`{input}` is no event history\nhelp: give `{SCHEME}` for all Regions, or `{SCHEME}?region=eu-west-1&region=us-east-1`"
        ))
    };
    let query = input.strip_prefix(SCHEME).ok_or_else(wrong)?;
    let mut regions = BTreeSet::new();
    for pair in query.strip_prefix('?').unwrap_or(query).split('&') {
        if pair.is_empty() {
            continue;
        }
        let region = pair.strip_prefix("region=").ok_or_else(wrong)?;
        if !is_region(region) {
            return Err(wrong());
        }
        regions.insert(region.to_owned());
    }
    Ok(regions.into_iter().collect())
}

/// Whether it may be a Region's name, which becomes part of a host's.
pub(super) fn is_region(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(fits)
}

/// All Regions that credentials for `own` may be good for: those of its partition.
fn regions_like(own: &str) -> Vec<String> {
    let alike: &[&str] = match own {
        _ if own.starts_with("cn-") => &REGIONS_CHINA,
        _ if own.starts_with("us-gov-") => &REGIONS_GOVCLOUD,
        _ if REGIONS.contains(&own) => &REGIONS,
        _ => return vec![own.to_owned()],
    };
    alike.iter().map(|&region| region.to_owned()).collect()
}

/// Whether the Region does not know the credentials at all.
fn is_unknown(refusal: &Refusal) -> bool {
    ["UnrecognizedClientException", "InvalidClientTokenId"].contains(&refusal.code.as_str())
}

/// A refusal, with the permission that is missing.
fn told(refusal: Refusal) -> io::Error {
    match refusal.code.as_str() {
        "AccessDenied" | "AccessDeniedException" => io::Error::other(format!(
            "the permission `cloudtrail:LookupEvents` is missing ({refusal})"
        )),
        _ => refusal.into(),
    }
}

/// Asks one Region, not more often than it allows.
struct Asker {
    client: Client,
    from: Option<i64>,
    /// Not after this time.
    until: Option<i64>,
    /// When the last two answers came, the older one first. The requests reached the Region before that.
    answers: [Option<Instant>; 2],
    /// Whether anything was heard of the Region.
    answered: bool,
}

impl Asker {
    fn new(aws: &Aws, region: &str, scope: &Scope) -> Self {
        // Its retries would not keep to the rate.
        let config = Builder::from(&aws.config(Some(region)))
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            client: Client::from_conf(config),
            from: scope.from,
            until: scope.to,
            answers: [None; 2],
            answered: false,
        }
    }

    /// The answer to the request with this token, tried again where that may help.
    async fn ask(
        &mut self,
        token: Option<&str>,
    ) -> std::result::Result<LookupEventsOutput, Refusal> {
        let (mut pause, mut tried) = (PAUSE, 0);
        loop {
            if let Some(older) = self.answers[0] {
                sleep_until(older + INTERVAL).await;
            }
            let request = self
                .client
                .lookup_events()
                .max_results(PAGE)
                .set_start_time(self.from.map(DateTime::from_secs))
                .set_end_time(self.until.map(DateTime::from_secs))
                .set_next_token(token.map(str::to_owned));
            let answer = request.send().await;
            self.answers = [self.answers[1], Some(Instant::now())];
            let refusal = match answer {
                Ok(answer) => {
                    self.answered = true;
                    return Ok(answer);
                }
                Err(error) => Refusal::of(&error),
            };
            tried += 1;
            self.answered |= refusal.status != 0;
            let most = if self.answered {
                ATTEMPTS
            } else {
                FIRST_ATTEMPTS
            };
            if !refusal.is_passing() || tried >= most {
                return Err(refusal);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// What to ask for the next page with, if there is one.
fn token(answer: &LookupEventsOutput) -> Option<&str> {
    answer.next_token().filter(|token| !token.is_empty())
}

/// How far a Region was read: from the most recent event to the oldest.
#[derive(Default)]
struct Reached {
    /// The time of the oldest event.
    time: Option<i64>,
    /// The events of that second.
    ids: BTreeSet<String>,
    /// Whether anything came since the first request, or since the last one without a token.
    moved: bool,
}

impl Reached {
    /// The records in an answer that were not there before, one a line.
    fn records(&mut self, answer: &LookupEventsOutput) -> Vec<u8> {
        let mut lines = Vec::new();
        for event in answer.events() {
            let (id, time) = (event.event_id(), event.event_time().map(DateTime::secs));
            if let Some(time) = time
                && self.time.is_none_or(|reached| time < reached)
            {
                (self.time, self.ids) = (Some(time), BTreeSet::new());
            }
            if let Some(id) = id.filter(|_| time == self.time)
                && !self.ids.insert(id.to_owned())
            {
                continue;
            }
            self.moved = true;
            // An event without its record is one that can not be read.
            let record = event.cloud_trail_event().unwrap_or(r#"{"Records":[null]}"#);
            lines.extend_from_slice(record.as_bytes());
            lines.push(b'\n');
        }
        lines
    }
}

/// Fetches what follows the first answer, as fast as it is read.
async fn fetch(mut asker: Asker, first: LookupEventsOutput, answers: Sender<Answer>) {
    let (mut reached, mut answer) = (Reached::default(), first);
    loop {
        let records = reached.records(&answer);
        if !records.is_empty() && answers.send(Answer::Records(records)).await.is_err() {
            return; // nobody reads any more
        }
        let Some(token) = token(&answer) else {
            return drop(answers.send(Answer::End).await);
        };
        let mut next = asker.ask(Some(token)).await;
        // A token is not good for ever. What it stood for is asked for anew, from the last second on.
        if let Err(refusal) = &next
            && refusal.code == "InvalidNextTokenException"
            && std::mem::take(&mut reached.moved)
        {
            asker.until = reached.time;
            next = asker.ask(None).await;
        }
        answer = match next {
            Ok(answer) => answer,
            Err(refusal) => return drop(answers.send(Answer::Refused(refusal)).await),
        };
    }
}

impl Events {
    fn start(aws: &Arc<Aws>, first: LookupEventsOutput, asker: Asker) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        aws.handle().spawn(fetch(asker, first, sender));
        Self::of(aws, receiver)
    }

    fn none(aws: &Arc<Aws>) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        let _ = sender.try_send(Answer::End);
        Self::of(aws, receiver)
    }

    fn of(aws: &Arc<Aws>, answers: Receiver<Answer>) -> Self {
        Self {
            answers: Mutex::new(Some(answers)),
            _aws: Arc::clone(aws),
        }
    }

    /// The records, one a line. They can be read once.
    ///
    /// # Errors
    /// Where they were opened before. Reading fails where the Region refuses what follows.
    pub(super) fn open(&self) -> io::Result<impl Read + Send + use<>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = answers.take();
        let answers = answers.ok_or_else(|| io::Error::other("it was read before"))?;
        Ok(Lines {
            answers,
            current: Cursor::default(),
            ended: false,
        })
    }
}

/// Reads what a Region's task hands on.
struct Lines {
    answers: Receiver<Answer>,
    current: Cursor<Vec<u8>>,
    ended: bool,
}

impl Read for Lines {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.ended && self.current.fill_buf()?.is_empty() {
            match self.answers.blocking_recv() {
                Some(Answer::Records(records)) => self.current = Cursor::new(records),
                Some(Answer::End) => self.ended = true,
                Some(Answer::Refused(refusal)) => {
                    self.ended = true;
                    return Err(told(refusal));
                }
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        self.current.read(out)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput;
    use aws_sdk_cloudtrail::primitives::DateTime;
    use aws_sdk_cloudtrail::types::Event;

    use super::{Reached, regions_like, regions_of};

    #[test]
    fn inputs_name_regions() {
        for (input, regions) in [
            ("lookup-events://", vec![]),
            ("lookup-events://?region=eu-west-1", vec!["eu-west-1"]),
            (
                "lookup-events://?region=us-east-1&region=eu-west-1&region=us-east-1",
                vec!["eu-west-1", "us-east-1"],
            ),
        ] {
            assert_eq!(regions_of(input).unwrap(), regions);
        }
        for input in [
            "lookup-events://eu-west-1",
            "lookup-events://?region=",
            "lookup-events://?region=a.b",
            "lookup-events://?Region=eu-west-1",
            "lookup-events://?days=9",
        ] {
            let error = regions_of(input).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{input}` is no event history\nhelp: ")),
                "{error}"
            );
        }
    }

    #[test]
    fn all_regions_are_those_of_the_partition() {
        assert_eq!(regions_like("eu-west-1").len(), 34);
        assert_eq!(regions_like("cn-north-1"), ["cn-north-1", "cn-northwest-1"]);
        assert_eq!(regions_like("us-gov-west-1").len(), 2);
        assert_eq!(regions_like("eu-isoe-west-1"), ["eu-isoe-west-1"]);
    }

    #[test]
    fn events_of_the_last_second_are_known_again() {
        let page = |events: &[(&str, i64)]| {
            let events = events.iter().map(|(id, time)| {
                let time = DateTime::from_secs(*time);
                Event::builder()
                    .event_id(*id)
                    .event_time(time)
                    .cloud_trail_event(*id)
                    .build()
            });
            LookupEventsOutput::builder()
                .set_events(Some(events.collect()))
                .build()
        };
        let mut reached = Reached::default();
        let mut read =
            |events: &[(&str, i64)]| String::from_utf8(reached.records(&page(events))).unwrap();
        assert_eq!(read(&[("a", 9), ("b", 8), ("c", 8)]), "a\nb\nc\n");
        assert_eq!(read(&[("c", 8), ("b", 8), ("d", 8), ("e", 7)]), "d\ne\n");
        assert_eq!(read(&[("e", 7)]), "");
        assert_eq!((reached.time, reached.ids.len()), (Some(7), 1));
        let bare = LookupEventsOutput::builder()
            .events(Event::builder().build())
            .build();
        assert_eq!(reached.records(&bare), b"{\"Records\":[null]}\n");
    }
}
