//! A stored log object → its records, one after another.
//!
//! What CloudTrail records travel in is not told from a file's name but found by looking: values one after another with
//! anything between them (JSON lines, CloudWatch export lines, documents glued together), arrays, members that hold
//! records one by one, CSV. Each value is parsed on its own, so a bad one loses nothing but itself.
//!
//! What is reported as malformed: in a file that begins as JSON, with a bracket and what may follow it, every value that
//! breaks and every element of `Records` that is no record. A file that begins otherwise is text until it shows a record:
//! what looks like broken JSON before that is held back, the first thousand of it with its place, and forgotten if no
//! record ever comes, so that a README makes no noise.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use crate::cloudtrail::decompress::{Broken, broken_of, decompress, read_some};
use crate::cloudtrail::digest::{Hasher, Sha256, sha256};
use crate::cloudtrail::event::Event;
use crate::cloudtrail::find::{Finder, MalformedReason, OtherKind};
use crate::cloudtrail::ordinary::{Field, Ordinary, Scanner};
use crate::cloudtrail::session::Session;
use crate::cloudtrail::split::Window;
use crate::cloudtrail::whole::Whole;

/// One thing that a log object holds.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item<'r, 't, 'a> {
    /// An ordinary record, before it is parsed.
    Ordinary {
        /// Its members, as they stand in the log.
        record: &'r Ordinary<'a>,
        /// What is wanted of it besides.
        wanted: &'r Cell<Wanted>,
    },
    /// Those parts of an ordinary record that were wanted; all other [parts](Event::PARTS) are absent.
    Parts(&'r Event<'t, 'a>),
    /// A record.
    Record {
        /// Its fields.
        event: &'r Event<'t, 'a>,
        /// Where the value begins that it was found in, in the decompressed stream.
        offset: u64,
    },
    /// What should be a record, or hold one, and can not be read.
    Malformed {
        /// Where it begins in the decompressed stream.
        offset: u64,
        /// Why.
        reason: MalformedReason,
    },
    /// A value that holds no record.
    Other {
        /// What it is.
        kind: OtherKind,
        /// Where it begins in the decompressed stream.
        offset: u64,
    },
}

/// What is wanted of an ordinary record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// All: the [`Item::Record`].
    #[default]
    Record,
    /// First these of its [parts](Event::PARTS), as [`Item::Parts`], and then the same [`Item::Ordinary`] once more.
    Parts(&'static [Field]),
    /// Nothing any more.
    Nothing,
}

/// What a log object held, in sum. A file without CloudTrail records, damaged or not, has neither `records` nor
/// `malformed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSummary {
    /// Records read.
    pub records: u64,
    /// Values that should be records and could not be read.
    pub malformed: u64,
    /// How many of `malformed` were only counted and not handed on as an [`Item::Malformed`].
    pub unlisted: u64,
    /// Values that hold no record, by kind.
    pub others: BTreeMap<OtherKind, u64>,
    /// Bytes as they are stored; of a damaged object, how far they were read.
    pub bytes_in: u64,
    /// Bytes after decompression.
    pub bytes_out: u64,
    /// What kept the object from being read to its end.
    pub damage: Option<Damage>,
    /// The hash of the whole decompressed content, where it was asked for and all could be read.
    pub hash: Option<Sha256>,
}

/// Where a log object stops before its end, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// How many decompressed bytes there are before the break; all whole records in them were read.
    pub offset: u64,
    /// Why no more come.
    pub reason: DamageReason,
}

/// Why a log object stops before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageReason {
    /// The compression.
    Broken(Broken),
    /// The JSON ends inside an array or object.
    Unclosed,
    /// A CSV row that never ends.
    Csv,
    /// What the system said on reading.
    Read(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match &self.reason {
            DamageReason::Broken(broken) => {
                write!(f, "{broken}, after {offset} decompressed bytes")
            }
            DamageReason::Unclosed => write!(
                f,
                "the data is cut off: its JSON is not closed after {offset} bytes"
            ),
            DamageReason::Csv => write!(f, "not readable as CSV after {offset} bytes"),
            DamageReason::Read(error) => write!(f, "reading failed after {offset} bytes: {error}"),
        }
    }
}

impl Damage {
    /// Whether reading the object again may go further: what is wrong is not in the object itself.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self.reason, DamageReason::Read(_))
    }

    /// What a user can do about it.
    pub fn help(&self) -> &'static str {
        match self.reason {
            DamageReason::Broken(Broken::Zip) => "unpack the archive and read its files",
            DamageReason::Broken(Broken::Bomb | Broken::TooManyLayers) => {
                "check where this file comes from"
            }
            DamageReason::Csv => "export the query's result again",
            _ => "fetch the object again; every whole record before the break was read",
        }
    }
}

/// Reads log objects. Its buffers are kept from one to the next: one reader a thread.
pub struct Reader {
    whole: Whole,
    buffer: Vec<u8>,
    finder: Finder,
    scanner: Scanner,
    hashes: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader with small buffers, which grow with the largest value read.
    pub fn new() -> Self {
        Self {
            whole: Whole::new(),
            buffer: Vec::new(),
            finder: Finder::new(),
            scanner: Scanner::default(),
            hashes: false,
        }
    }

    /// A reader that also tells the hash of each object's content.
    #[must_use]
    pub fn hashing() -> Self {
        Self {
            hashes: true,
            ..Self::new()
        }
    }

    /// A reader that parses every record as a whole, so that each is an [`Item::Record`] which has its [`Event::whole`].
    #[must_use]
    pub fn parsing_all() -> Self {
        let mut reader = Self::new();
        reader.scanner.off = true;
        reader
    }

    /// Reads one log object, compressed or not, and hands what it holds to `sink`, in the order of the stream. Does not
    /// fail: what can not be read is an [`Item::Malformed`] or the summary's damage. An input that was decompressed before
    /// tells a bomb by [`io::ErrorKind::FileTooLarge`], which the system has for writing only.
    pub fn read(
        &mut self,
        mut input: impl Read,
        sink: &mut dyn FnMut(Item<'_, '_, '_>),
    ) -> FileSummary {
        let Self {
            whole,
            buffer,
            finder,
            scanner,
            hashes,
        } = self;
        let mut summary = FileSummary::default();
        let stored = Cell::new(0);
        let report = Report {
            sink,
            summary: &mut summary,
            text: false,
            held_back: Vec::new(),
            unlisted: 0,
        };
        if let Some((bytes_in, length)) = whole.read(&mut input, buffer) {
            stored.set(bytes_in as u64);
            let hash = hashes.then(|| sha256(&buffer[..length]));
            let window = Window::whole(buffer, length);
            Session::new(window, finder, scanner, report).run();
            summary.hash = hash;
        } else {
            let mut input = whole.stream(&mut input);
            match decompress(&mut input, &stored) {
                Ok(mut stream) if *hashes => {
                    let mut stream = Hashed::new(&mut *stream);
                    let window = Window::new(&mut stream, buffer);
                    Session::new(window, finder, scanner, report).run();
                    summary.hash = stream.finish();
                }
                Ok(mut stream) => {
                    let window = Window::new(&mut *stream, buffer);
                    Session::new(window, finder, scanner, report).run();
                }
                Err(error) => {
                    summary.damage = Some(Damage {
                        offset: 0,
                        reason: reason_of(&error),
                    })
                }
            }
        }
        summary.bytes_in = stored.get();
        if self.buffer.len() > LARGE {
            self.buffer = Vec::new();
        }
        summary
    }
}

/// Takes up the hash of what is read.
struct Hashed<R> {
    input: R,
    hasher: Hasher,
    failed: bool,
}

impl<R: Read> Hashed<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            hasher: Hasher::new(),
            failed: false,
        }
    }

    /// Reads what is left; the hash of all, where nothing went wrong.
    fn finish(mut self) -> Option<Sha256> {
        let mut rest = vec![0; 64 << 10];
        while !self.failed && !matches!(read_some(&mut self, &mut rest), Ok(0)) {}
        (!self.failed).then(|| self.hasher.finish())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(out).inspect_err(|error| {
            self.failed |= error.kind() != io::ErrorKind::Interrupted;
        })?;
        self.hasher.update(&out[..length]);
        Ok(length)
    }
}

/// A larger buffer than this, grown for one value or one object, is given back at the end of its log object.
const LARGE: usize = 4 << 20;

pub(super) fn reason_of(error: &io::Error) -> DamageReason {
    match broken_of(error) {
        Some(broken) => DamageReason::Broken(broken),
        None if error.kind() == io::ErrorKind::FileTooLarge => DamageReason::Broken(Broken::Bomb),
        None => DamageReason::Read(error.to_string()),
    }
}

/// How many reports a text file can hold back; more are only counted.
const MAX_HELD_BACK: usize = 1000;

/// Counts what is found and hands it on.
pub(super) struct Report<'s> {
    sink: &'s mut dyn FnMut(Item<'_, '_, '_>),
    pub(super) summary: &'s mut FileSummary,
    /// The file does not begin as JSON and has shown no record yet.
    pub(super) text: bool,
    held_back: Vec<(u64, MalformedReason)>,
    /// How many more would have been held back.
    unlisted: u64,
}

impl Report<'_> {
    pub(super) fn record(&mut self, event: &Event<'_, '_>, offset: u64) {
        if self.text {
            self.text = false;
            for (offset, reason) in std::mem::take(&mut self.held_back) {
                self.malformed(offset, reason);
            }
            self.summary.malformed += self.unlisted;
            self.summary.unlisted = self.unlisted;
        }
        self.summary.records += 1;
        (self.sink)(Item::Record { event, offset });
    }

    /// Hands an ordinary record on; returns what is wanted of it besides.
    pub(super) fn ordinary(&mut self, record: &Ordinary<'_>) -> Wanted {
        let wanted = Cell::default();
        (self.sink)(Item::Ordinary {
            record,
            wanted: &wanted,
        });
        self.summary.records += u64::from(wanted.get() == Wanted::Nothing);
        wanted.get()
    }

    /// Hands on what was wanted of an ordinary record.
    pub(super) fn parts(&mut self, event: &Event<'_, '_>) {
        (self.sink)(Item::Parts(event));
    }

    pub(super) fn malformed(&mut self, offset: u64, reason: MalformedReason) {
        if !self.text {
            self.summary.malformed += 1;
            (self.sink)(Item::Malformed { offset, reason });
        } else if self.held_back.len() < MAX_HELD_BACK {
            self.held_back.push((offset, reason));
        } else {
            self.unlisted += 1;
        }
    }

    pub(super) fn other(&mut self, kind: OtherKind, offset: u64) {
        if self.text && kind == OtherKind::Unrecognised {
            return; // braces in prose
        }
        *self.summary.others.entry(kind).or_default() += 1;
        (self.sink)(Item::Other { kind, offset });
    }
}

/// Reads `stored` twice, with ordinary records taken apart and with all records parsed.
///
/// # Panics
/// Where the two differ in anything.
#[cfg(any(test, fuzzing))]
pub fn compare(stored: &[u8]) {
    let (scanned, parsed) = (Reader::new(), Reader::parsing_all());
    assert_eq!(transcript(scanned, stored), transcript(parsed, stored));
}

/// Reads `stored` twice, decompressed in one go if it can be and as a stream.
///
/// # Panics
/// Where the two differ in anything.
#[cfg(any(test, fuzzing))]
pub fn compare_stored(stored: &[u8]) {
    let (whole, mut streamed) = (Reader::new(), Reader::new());
    streamed.whole.off = true;
    assert_eq!(transcript(whole, stored), transcript(streamed, stored));
}

#[cfg(any(test, fuzzing))]
fn transcript(mut reader: Reader, stored: &[u8]) -> (Vec<String>, FileSummary) {
    let mut items = Vec::new();
    let summary = reader.read(stored, &mut |item| {
        items.push(match item {
            Item::Ordinary { .. } => return,
            Item::Record { event, offset } => format!("{offset}: {}", event.to_text()),
            other => format!("{other:?}"),
        });
    });
    (items, summary)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Read, Write};

    use proptest::prelude::*;
    use simd_json::prelude::*;

    use super::{DamageReason, FileSummary, Item, Reader};
    use crate::cloudtrail::decompress::Broken;
    use crate::cloudtrail::digest::sha256;

    /// Reads `stored`; each item in a line: `GetUser@12`, `malformed@12: why`, `other@12: what`.
    pub(in crate::cloudtrail) fn read(stored: impl Read) -> (Vec<String>, FileSummary) {
        let mut items = Vec::new();
        let summary = Reader::new().read(stored, &mut |item| {
            items.push(match item {
                Item::Ordinary { .. } | Item::Parts(_) => return,
                Item::Record { event, offset } => {
                    format!("{}@{offset}", event.event_name.unwrap_or("?"))
                }
                Item::Malformed { offset, reason } => format!("malformed@{offset}: {reason}"),
                Item::Other { kind, offset } => format!("other@{offset}: {kind}"),
            });
        });
        (items, summary)
    }

    /// The names of the events in `stored`, where nothing else is in it.
    fn names(stored: &[u8]) -> Vec<String> {
        let (items, summary) = read(stored);
        assert_eq!(summary.damage, None, "{items:?}");
        assert_eq!(summary.records, items.len() as u64, "{items:?}");
        items
            .iter()
            .map(|item| item.split('@').next().unwrap().to_owned())
            .collect()
    }

    /// A record of the event `name`, with what tends to confuse: escapes, braces in strings, nested empties.
    pub(in crate::cloudtrail) fn record(name: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/eve","sessionContext":{{}}}},"eventTime":"2026-03-01T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"{name}","requestParameters":{{"policy":"{{\"a\": [\"\\\\\", \"}}\"]}}","list":[1,-2.5e3,true,null,[],{{}}]}},"eventID":"id-{name}"}}"#
        )
    }

    pub(in crate::cloudtrail) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn quoted(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    fn csv_quoted(text: &str) -> String {
        format!("\"{}\"", text.replace('"', "\"\""))
    }

    #[test]
    fn a_thread_can_have_its_own() {
        fn is_send<T: Send>(_: &T) {}
        is_send(&Reader::new());
    }

    #[test]
    fn the_hash_is_that_of_the_whole_content() {
        let text = format!("{{\"Records\":[{}]}}", record("A"));
        // More than is read in one go.
        let blank = |n: u32| [' ', '\n', '\t', '\r'][(n.wrapping_mul(0x9e37_79b1) >> 30) as usize];
        let large = format!("{text}{}", (0..17 << 20).map(blank).collect::<String>());
        let cut = gzip(text.as_bytes())[..200].to_vec();
        let cases = [
            (gzip(text.as_bytes()), Some(sha256(text.as_bytes()))),
            (text.clone().into_bytes(), Some(sha256(text.as_bytes()))),
            (gzip(large.as_bytes()), Some(sha256(large.as_bytes()))),
            (
                [gzip(text.as_bytes()), gzip(b"{}")].concat(),
                Some(sha256(format!("{text}{{}}").as_bytes())),
            ),
            (cut, None),
            (Vec::new(), Some(sha256(b""))),
        ];
        let mut reader = Reader::hashing();
        for (stored, hash) in cases {
            let summary = reader.read(&*stored, &mut |_| {});
            assert_eq!(summary.hash, hash);
            let plain = Reader::new().read(&*stored, &mut |_| {});
            assert_eq!(
                FileSummary {
                    hash: None,
                    ..summary
                },
                plain
            );
        }
    }

    #[test]
    fn every_container() {
        let (a, b) = (record("A"), record("B"));
        let (qa, qb) = (quoted(&a), quoted(&b));
        let event_a = r#"{"eventName":"A"},{"eventSource":"iam.amazonaws.com"},{"eventID":"1"}"#;
        let pretty =
            serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&a).unwrap())
                .unwrap();
        let sns = quoted(&format!(
            r#"{{"Type":"Notification","Message":{}}}"#,
            quoted(&format!(r#"{{"Records":[{a},{b}]}}"#))
        ));
        let cells = format!(r#"[{{"VarCharValue":{qa}}},{{}}]"#);
        let table = [
            ("delivery file", format!(r#"{{"Records":[{a},{b}]}}"#)),
            (
                "delivery file with more members",
                format!(r#"{{"x":{{"y":[1]}},"Records":[{a},{b}],"z":["]}}"],"n":1}}"#),
            ),
            (
                "two envelopes in one object",
                format!(r#"{{"Records":[{a}],"Events":[{b}]}}"#),
            ),
            (
                "delivery file with a byte order mark",
                format!("\u{feff}{{\"Records\":[{a},{b}]}}"),
            ),
            (
                "delivery files glued together",
                format!(r#"{{"Records":[{a}]}}{{"Records":[{b}]}}"#),
            ),
            (
                "array of delivery files",
                format!(r#"[{{"Records":[{a}]}},{{"Records":[{b}]}}]"#),
            ),
            (
                "delivery file in a wrapper",
                format!(r#"[{{"data":{{"Records":[{a},{b}]}},"log":"cloudtrail"}}]"#),
            ),
            (
                "records with a member named as an envelope",
                [
                    a.replacen("\"eventID\"", "\"events\":[1],\"eventID\"", 1),
                    b.replacen("\"eventID\"", "\"Records\":[],\"eventID\"", 1),
                ]
                .concat(),
            ),
            ("array", format!(" [ {a} , {b} ] ")),
            ("array of arrays", format!("[[{a}],[{b}]]")),
            ("array of strings", format!("[{qa},{qb}]")),
            ("values, one after another", format!("{a}\n{b}\n")),
            ("values, glued together", format!("{a}{b}")),
            ("values, with tabs between", format!("{a}\t{b}")),
            ("pretty-printed values", format!("{pretty}\n{b}")),
            (
                "export lines",
                format!("2026-03-01T10:00:00.000Z {a}\n2026-03-01T10:00:01.000Z {b}\n"),
            ),
            (
                "syslog",
                format!("<134>1 2026-03-01 host[12] - - {a}\n<134>1 2026-03-01 host[12] - - {b}\n"),
            ),
            (
                "LookupEvents",
                format!(
                    r#"{{"NextToken":"x","Events":[{{"EventName":"A","EventSource":"s","Resources":[{{"ResourceName":"r"}}],"CloudTrailEvent":{qa}}},{{"EventName":"B","EventSource":"s","CloudTrailEvent":{qb}}}]}}"#
                ),
            ),
            (
                "LookupEvents lines",
                format!(
                    "{{\"EventName\":\"A\",\"EventSource\":\"s\",\"CloudTrailEvent\":{qa}}}\n{{\"CloudTrailEvent\":{qb}}}\n"
                ),
            ),
            (
                "EventBridge",
                format!(
                    "{{\"version\":\"0\",\"source\":\"aws.iam\",\"detail\":{a}}}\n{{\"detail-type\":\"x\",\"detail\":{b}}}"
                ),
            ),
            (
                "CloudWatch subscription",
                format!(
                    r#"{{"messageType":"DATA_MESSAGE","owner":"1","logEvents":[{{"id":"1","timestamp":1,"message":{qa}}},{{"id":"2","message":{qb}}}]}}"#
                ),
            ),
            (
                "_raw strings",
                format!(r#"[{{"_raw":{qa},"_time":1}},{{"_raw":{qb},"_time":1}}]"#),
            ),
            (
                "message in a message",
                format!(
                    r#"{{"input":{{"message":{}}}}}{b}"#,
                    quoted(&format!(r#"{{"message":{qa}}}"#))
                ),
            ),
            (
                "queue",
                format!(r#"{{"Messages":[{{"MessageId":"1","Body":{sns}}}]}}"#),
            ),
            (
                "function's event",
                format!(
                    r#"{{"Records":[{{"messageId":"1","eventSource":"aws:sqs","body":{sns}}}]}}"#
                ),
            ),
            (
                "Lake page",
                format!(
                    r#"{{"QueryStatus":"FINISHED","QueryResultRows":[[{event_a}],[{{"eventJson":{qb}}}]]}}"#
                ),
            ),
            (
                "Athena page",
                format!(
                    r#"{{"ResultSet":{{"Rows":[{{"Data":[{{"VarCharValue":"eventjson"}},{{"VarCharValue":"n"}}]}},{{"Data":{cells}}},{{"Data":[{{"VarCharValue":{qb}}}]}}]}}}}"#
                ),
            ),
            (
                "Athena page without a header",
                format!(
                    r#"{{"ResultSet":{{"ResultSetMetadata":{{"ColumnInfo":[{{"Name":"e"}},{{"Name":"n"}}]}},"Rows":[{{"Data":{cells}}},{{"Data":[{{}},{{"VarCharValue":{qb}}}]}}]}}}}"#
                ),
            ),
            (
                "CSV with a column of JSON",
                format!(
                    "eventtime,eventjson\r\nx,{}\r\ny,{}\r\n",
                    csv_quoted(&a),
                    csv_quoted(&b)
                ),
            ),
            (
                "CSV of pretty-printed JSON",
                format!("eventjson\n{}\n{}\n", csv_quoted(&pretty), csv_quoted(&b)),
            ),
            (
                "CSV, a column a field",
                format!(
                    "eventname,eventsource,useridentity\nA,iam.amazonaws.com,{}\nB,iam.amazonaws.com,\n",
                    csv_quoted(r#"{"type":"Root"}"#)
                ),
            ),
        ];
        for (what, text) in &table {
            assert_eq!(names(text.as_bytes()), ["A", "B"], "{what}: {text}");
            assert_eq!(
                names(&gzip(text.as_bytes())),
                ["A", "B"],
                "{what}, compressed: {text}"
            );
        }
    }

    #[test]
    fn what_is_no_record() {
        let table = [
            ("", vec![]),
            ("[]", vec![]),
            (r#"{"Records":[]}"#, vec![]),
            ("# Logs\nSee `{\"Records\": [...]}`, or {}.\n", vec![]),
            ("fn main() { let x = {\"a\"}; }\n}\n", vec![]),
            ("{% if \"x\" %}{ \"a\" }", vec![]),
            ("[section]\nname = {\"a\": [1}\n", vec![]),
            (
                r#"{"awsAccountId":"1","digestStartTime":"x","logFiles":[{"s3Bucket":"b"}]}"#,
                vec!["other@0: CloudTrail digest"],
            ),
            (
                r#"{"Records":[{"eventVersion":"2.0","eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"us-east-1","userIdentity":{"principalId":"x"},"s3":{}}]}"#,
                vec!["other@12: S3 notification"],
            ),
            (
                r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#,
                vec!["other@0: S3 notification"],
            ),
            (
                r#"{"Message":"{\"s3Bucket\":\"b\",\"s3ObjectKey\":[\"k\"]}"}"#,
                vec!["other@0: S3 notification"],
            ),
            (
                r#"{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":"hello"}]}"#,
                vec!["other@12: JSON that holds no CloudTrail record"],
            ),
            (
                r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","message":"CWL CONTROL MESSAGE: Checking health"}]}"#,
                vec!["other@46: CloudWatch Logs control message"],
            ),
            (
                r#"{"fileVersion":"1.0","configurationItems":[{"resourceId":"x"}]}"#,
                vec!["other@0: AWS Config item"],
            ),
            (
                r#"{"metadata":{"version":"1.1"},"class_uid":3005,"api":{},"raw_data":"{\"eventSource\":\"a\",\"eventName\":\"b\"}"}"#,
                vec!["other@0: OCSF event"],
            ),
            (
                r#"{"name":"left-pad","version":"1.0.0"}"#,
                vec!["other@0: JSON that holds no CloudTrail record"],
            ),
            (
                "[\"one\", \"two\"]",
                vec![
                    "other@1: JSON that holds no CloudTrail record",
                    "other@8: JSON that holds no CloudTrail record",
                ],
            ),
        ];
        for (text, expected) in table {
            let (items, summary) = read(text.as_bytes());
            assert_eq!(items, expected, "{text}");
            assert_eq!(
                (summary.records, summary.malformed, summary.damage),
                (0, 0, None),
                "{text}"
            );
            assert_eq!(
                summary.others.values().sum::<u64>(),
                expected.len() as u64,
                "{text}"
            );
        }
    }

    #[test]
    fn a_row_of_a_table_has_its_identity() {
        let text = "eventtime,useridentity,eventsource,eventname,requestparameters\n\
            2026-03-01T10:00:00Z,\"{type=IAMUser, arn=arn:aws:iam::111122223333:user/eve, sessioncontext=null}\",\
            s3.amazonaws.com,GetObject,\"{\"\"bucketName\"\":\"\"b\"\"}\"\n";
        let mut found = Vec::new();
        Reader::new().read(text.as_bytes(), &mut |item| {
            if let Item::Record { event, .. } = item {
                let bucket = event
                    .request_parameters
                    .and_then(|parameters| parameters.get("bucketName"));
                let bucket = bucket
                    .and_then(|bucket| bucket.into_string())
                    .map(str::to_owned);
                found.push((
                    event.event_time,
                    event.user_identity.arn.map(str::to_owned),
                    bucket,
                ));
            }
        });
        let arn = "arn:aws:iam::111122223333:user/eve";
        assert_eq!(
            found,
            [(
                Some(1_772_359_200),
                Some(arn.to_owned()),
                Some("b".to_owned())
            )]
        );
    }

    #[test]
    fn an_input_can_tell_a_bomb() {
        struct Bomb;
        impl Read for Bomb {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::FileTooLarge.into())
            }
        }
        let (items, summary) = read(record("A").as_bytes().chain(Bomb));
        assert_eq!(items, ["A@0"]);
        let reason = summary.damage.map(|damage| damage.reason);
        assert_eq!(reason, Some(DamageReason::Broken(Broken::Bomb)));
    }

    #[test]
    fn an_insight_event_is_an_event() {
        let text = r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-03-01T10:00:00Z","eventType":"AwsCloudTrailInsight","insightDetails":{"eventSource":"s3.amazonaws.com","eventName":"GetObject"}}]}"#;
        let mut categories = Vec::new();
        Reader::new().read(text.as_bytes(), &mut |item| {
            if let Item::Record { event, .. } = item {
                categories.push((
                    event.event_category.map(str::to_owned),
                    event.event_name.is_none(),
                ));
            }
        });
        assert_eq!(categories, [(Some("Insight".to_owned()), true)]);
    }

    #[test]
    fn a_bad_record_loses_only_itself() {
        let (a, b) = (record("A"), record("B"));
        let not_a_record = "not a CloudTrail record";
        let table = [
            ("null", not_a_record.to_owned()),
            ("12", not_a_record.to_owned()),
            ("{}", not_a_record.to_owned()),
            ("[]", not_a_record.to_owned()),
            (r#""text""#, not_a_record.to_owned()),
            (
                r#"{"eventSourceWrong":"x","y":{"z":"w"}}"#,
                not_a_record.to_owned(),
            ),
            (
                r#"{"eventName":}"#,
                "not valid JSON from byte 13 on".to_owned(),
            ),
            (
                r#"{"eventSource":"a" "eventName":"b"}"#,
                "not valid JSON from byte 19 on".to_owned(),
            ),
            (
                r#"{"eventSource":"a","eventName":"b"]"#,
                "not valid JSON from byte 34 on".to_owned(),
            ),
            (
                "{\"eventSource\":\"a\nb\",\"eventName\":\"b\"}",
                "not valid JSON from byte 17 on".to_owned(),
            ),
            (
                r#"{"eventSource":"a\q","eventName":"b"}"#,
                "not valid JSON".to_owned(),
            ),
            (
                r#"{"eventSource":nul,"eventName":"b"}"#,
                "not valid JSON".to_owned(),
            ),
            // A brace is missing inside: the next record begins where a name should stand.
            (
                r#"{"userIdentity":{"type":"Root","eventName":"b"}"#,
                format!("not valid JSON from byte {} on", 48),
            ),
        ];
        for (bad, reason) in table {
            let text = format!(r#"{{"Records":[{a},{bad},{b}]}}"#);
            let at = 13 + a.len() as u64;
            let reason = match reason.split_once("byte ") {
                Some((before, rest)) => {
                    let within: u64 = rest.trim_end_matches(" on").parse().unwrap();
                    format!("{before}byte {} on", at + within)
                }
                None => reason,
            };
            let b_at = text.rfind(&b).unwrap();
            let (items, summary) = read(text.as_bytes());
            assert_eq!(
                items,
                [
                    "A@12".to_owned(),
                    format!("malformed@{at}: {reason}"),
                    format!("B@{b_at}")
                ],
                "{text}"
            );
            assert_eq!(
                (summary.records, summary.malformed, summary.damage),
                (2, 1, None),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            read(bytes.as_slice());
        }

        #[test]
        fn arbitrary_bytes_in_a_delivery_file_never_panic_and_account_for_all(
            pieces in prop::collection::vec("[{}\\[\\]\":,\\\\nul0-9 \\n]{0,12}|\"Records\":\\[|\"eventSource\":\"a\",\"eventName\":\"b\"", 0..30)
        ) {
            let text = pieces.concat();
            let (items, summary) = read(text.as_bytes());
            let counted = summary.records + summary.malformed + summary.others.values().sum::<u64>();
            prop_assert_eq!(items.len() as u64 + summary.unlisted, counted);
            prop_assert_eq!(summary.bytes_out, text.len() as u64);
        }
    }
}
