//! Finds the CloudTrail records in one JSON value: the value itself, or what its members hold.
//!
//! An object that is not a record is looked through, whatever its members are called: its objects and arrays, to a depth
//! of eight, but not what stands under the name of a record's field. Strings are opened only under the names in
//! `carrier.rs`, as anyone can write JSON into most others. Rows of names and values are first put together to the object
//! that they stand for.

use std::fmt;

use simd_json::prelude::*;
use simd_json::tape::{Array, Object, Tape};
use simd_json::{Buffers, ErrorType};

use crate::cloudtrail::carrier;
use crate::cloudtrail::event::{Event, Json, names_a_record};
use crate::cloudtrail::ordinary::{Field, Ordinary};
use crate::cloudtrail::rows;
use crate::cloudtrail::split::{MAX_DEPTH, PADDING};
use crate::cloudtrail::user_identity::UserIdentity;

/// How many wrappers a record may be in, counted as values inside values.
const MAX_WRAPPERS: usize = 8;

/// How many of these may be JSON in a string: SQS around SNS around CloudWatch Logs makes three.
const MAX_STRINGS: usize = 4;

/// What a log object may hold that is no CloudTrail record, though it is JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OtherKind {
    /// A digest file, which lists log objects and their hashes (`digestStartTime`, `logFiles`).
    Digest,
    /// A notice that an object was written to S3, from S3 or from CloudTrail's own topic.
    S3Notification,
    /// CloudWatch Logs checking the health of a subscription.
    ControlMessage,
    /// AWS Config: configuration items, snapshots.
    Config,
    /// The Open Cybersecurity Schema Framework, as Security Lake writes it.
    Ocsf,
    /// JSON of another kind.
    Unrecognised,
}

impl fmt::Display for OtherKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "CloudTrail digest",
            Self::S3Notification => "S3 notification",
            Self::ControlMessage => "CloudWatch Logs control message",
            Self::Config => "AWS Config item",
            Self::Ocsf => "OCSF event",
            Self::Unrecognised => "JSON that holds no CloudTrail record",
        })
    }
}

/// Why the bytes at some place are no record that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedReason {
    /// Not JSON.
    #[error("not valid JSON")]
    Invalid,
    /// Not JSON, and where it stops being any.
    #[error("not valid JSON from byte {at} on")]
    Syntax {
        /// The offset in the decompressed stream.
        at: u64,
    },
    /// JSON in a string that is not valid.
    #[error("the record in a string is not valid JSON")]
    Embedded,
    /// Not text.
    #[error("not valid UTF-8")]
    NotUtf8,
    /// The stream ends in it.
    #[error("cut off by the end of the data")]
    CutOff,
    /// More than 8 MiB.
    #[error("longer than 8 MiB")]
    TooLarge,
    /// More than 128 levels.
    #[error("nested more than 128 levels deep")]
    TooDeep,
    /// JSON, in a place where records stand, but none.
    #[error("not a CloudTrail record")]
    NotARecord,
    /// What is left of a record whose beginning is missing.
    #[error("the end of a record whose beginning is missing")]
    Headless,
}

/// What was found in a value.
#[derive(Debug)]
pub(super) enum Finding<'r, 't, 'a> {
    Record(&'r Event<'t, 'a>),
    Malformed(MalformedReason),
    Other(OtherKind),
}

/// Buffers for a value and for the values in its strings, reused from value to value.
pub(super) struct Finder {
    outer: Parser,
    inner: [Parser; MAX_STRINGS],
}

impl Finder {
    pub(super) fn new() -> Self {
        Self {
            outer: Parser::new(),
            inner: std::array::from_fn(|_| Parser::new()),
        }
    }

    /// Hands what the value in `bytes[..length]` holds to `each`, at least one finding. `bytes` has [`PADDING`] more bytes behind it and is written over. With `strict`, a value that is
    /// neither a record nor recognised is malformed.
    pub(super) fn find(
        &mut self,
        bytes: &mut [u8],
        length: usize,
        strict: bool,
        each: &mut dyn FnMut(Finding<'_, '_, '_>),
    ) {
        let Self { outer, inner } = self;
        let mut tape = outer.take_tape();
        match simd_json::fill_tape_padded(bytes, length, &mut outer.buffers, &mut tape) {
            Ok(()) => {
                let mut search = Search { each, found: false };
                let spot = Spot {
                    strict,
                    open: true,
                    depth: MAX_WRAPPERS,
                };
                search.look(tape.as_value(), spot, inner);
                if !search.found {
                    search.hand_on(Finding::Other(OtherKind::Unrecognised));
                }
            }
            Err(error) => each(Finding::Malformed(match error.error() {
                ErrorType::InvalidUtf8 => MalformedReason::NotUtf8,
                ErrorType::DepthLimitExceeded => MalformedReason::TooDeep,
                // The parser's own position is that of some token before.
                _ => MalformedReason::Invalid,
            })),
        }
        outer.tape = tape.reset();
        if length > LARGE {
            *self = Self::new();
        }
    }

    /// Reads these of an ordinary record's [`Event::PARTS`], and hands the event to `then`; false where there is none. A plain
    /// `userIdentity` is not parsed, as whoever took the record apart found it valid; that pays, for every session has another one.
    pub(super) fn event(
        &mut self,
        record: &Ordinary<'_>,
        fields: &[Field],
        then: &mut dyn FnMut(&Event<'_, '_>),
    ) -> bool {
        let json = |field| record.json(field).unwrap_or("null");
        let mut event = Event::from_ordinary(record);
        let mut fields = fields;
        if let [Field::UserIdentity, others @ ..] = fields
            && let Some(identity) = UserIdentity::from_plain(json(Field::UserIdentity))
        {
            event.user_identity = identity;
            fields = others;
            if fields.is_empty() {
                then(&event);
                return true;
            }
        }
        let parser = &mut self.outer;
        let mut tape = parser.take_tape();
        parser.bytes.clear();
        for part in fields {
            let before = if parser.bytes.is_empty() { b'[' } else { b',' };
            parser.bytes.push(before);
            parser.bytes.extend_from_slice(json(*part).as_bytes());
        }
        parser.bytes.push(b']');
        let length = parser.bytes.len();
        parser.bytes.resize(length + PADDING, 0);
        let bytes = &mut parser.bytes;
        let parsed = simd_json::fill_tape_padded(bytes, length, &mut parser.buffers, &mut tape);
        let parts = parsed.ok().and_then(|()| tape.as_value().as_array());
        let found = parts.is_some();
        if let Some(parts) = parts {
            for (field, value) in fields.iter().zip(&parts) {
                event.read_part(*field, value);
            }
            then(&event);
        }
        parser.tape = tape.reset();
        found
    }
}

/// After a longer value than this the buffers are given back.
const LARGE: usize = 1 << 20;

/// The buffers of one parse.
struct Parser {
    bytes: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Parser {
    fn new() -> Self {
        Self {
            bytes: Vec::new(),
            buffers: Buffers::with_max_depth(0, MAX_DEPTH as usize),
            tape: Tape(Vec::new()),
        }
    }

    fn take_tape<'a>(&mut self) -> Tape<'a> {
        std::mem::replace(&mut self.tape, Tape(Vec::new())).reset()
    }
}

struct Search<'f> {
    each: &'f mut dyn FnMut(Finding<'_, '_, '_>),
    /// Whether anything was handed on yet.
    found: bool,
}

impl Search<'_> {
    fn hand_on(&mut self, finding: Finding<'_, '_, '_>) {
        self.found = true;
        (self.each)(finding);
    }

    /// Looks for records in `value`. A string is opened with the first of `parsers`; without any none is.
    fn look(&mut self, value: Json<'_, '_>, spot: Spot, parsers: &mut [Parser]) {
        let object = value.as_object();
        let source = object.as_ref().and_then(notification_source);
        if source == Some("aws:s3") {
            return self.hand_on(Finding::Other(OtherKind::S3Notification));
        }
        if source.is_none()
            && let Some(event) = Event::from_value(value)
        {
            return self.hand_on(Finding::Record(&event));
        }
        if let Some(kind) = object.as_ref().and_then(recognise) {
            return self.hand_on(Finding::Other(kind));
        }
        let before = std::mem::take(&mut self.found);
        if let Some(inside) = spot.inside() {
            if let Some(object) = object {
                self.look_in_object(&object, inside, parsers);
            } else if let Some(elements) = value.as_array() {
                self.look_in_array(&elements, inside, parsers);
            } else if let (true, Some(text)) = (spot.open, value.into_string()) {
                self.look_in_text(text, inside, parsers);
            }
        }
        if spot.strict && !self.found {
            self.hand_on(match source {
                Some(_) => Finding::Other(OtherKind::Unrecognised),
                None => Finding::Malformed(MalformedReason::NotARecord),
            });
        }
        self.found |= before;
    }

    fn look_in_object(&mut self, object: &Object<'_, '_>, spot: Spot, parsers: &mut [Parser]) {
        if let Some(table) = rows::athena_table(object) {
            for mut row in table {
                let strict = !rows::name_record(&mut row);
                self.look_in_row(&row, Spot { strict, ..spot }, parsers);
            }
            return;
        }
        if let Some((name, value)) = rows::field_and_value(object) {
            if carrier::may_carry(name) {
                self.look_in_text(value, spot, parsers);
            }
            return;
        }
        let columns = notification_source(object).is_none()
            && object.iter().any(|(name, _)| carrier::tells_a_row(name));
        let has_whole = object
            .iter()
            .any(|(name, value)| value.is_str() && carrier::is_whole(name));
        for (name, value) in object {
            if carrier::is_field(name) {
                continue;
            }
            let inner = Spot {
                open: carrier::may_carry(name),
                ..spot
            };
            let parsers = match (columns || has_whole) && !carrier::is_whole(name) {
                true => &mut [],
                false => &mut *parsers,
            };
            match value.as_array() {
                Some(elements) if name == "Records" => {
                    let Some(element_spot) = inner.inside() else {
                        continue;
                    };
                    let element_spot = Spot {
                        strict: true,
                        ..element_spot
                    };
                    elements
                        .iter()
                        .for_each(|element| self.look(element, element_spot, parsers));
                }
                _ => self.look(value, inner, parsers),
            }
        }
    }

    fn look_in_array(&mut self, elements: &Array<'_, '_>, spot: Spot, parsers: &mut [Parser]) {
        if let Some(row) = rows::name_value_row(elements) {
            return self.look_in_row(&row, spot, parsers);
        }
        elements
            .iter()
            .for_each(|element| self.look(element, spot, parsers));
    }

    fn look_in_text(&mut self, text: &str, spot: Spot, parsers: &mut [Parser]) {
        let text = text.trim_ascii_start();
        if text.starts_with("CWL CONTROL MESSAGE") {
            return self.hand_on(Finding::Other(OtherKind::ControlMessage));
        }
        if text.starts_with(['{', '[']) {
            self.look_in_json(spot, parsers, names_a_record(text.as_bytes()), |bytes| {
                bytes.extend_from_slice(text.as_bytes())
            });
        }
    }

    fn look_in_row(&mut self, row: &[(&str, &str)], spot: Spot, parsers: &mut [Parser]) {
        self.look_in_json(spot, parsers, false, |bytes| {
            rows::write_object(row.iter().copied(), bytes)
        });
    }

    fn look_in_json(
        &mut self,
        spot: Spot,
        parsers: &mut [Parser],
        is_record: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let Some((parser, parsers)) = parsers.split_first_mut() else {
            return;
        };
        parser.bytes.clear();
        write(&mut parser.bytes);
        let length = parser.bytes.len();
        parser.bytes.resize(length + PADDING, 0);
        let mut tape = parser.take_tape();
        match simd_json::fill_tape_padded(&mut parser.bytes, length, &mut parser.buffers, &mut tape)
        {
            Ok(()) => self.look(tape.as_value(), Spot { open: true, ..spot }, parsers),
            Err(_) if is_record => self.hand_on(Finding::Malformed(MalformedReason::Embedded)),
            Err(_) => {}
        }
        parser.tape = tape.reset();
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Spot {
    /// It should be a record.
    strict: bool,
    /// It may be a string that holds a record, or an array of such.
    open: bool,
    /// How many more wrappers may come.
    depth: usize,
}

impl Spot {
    /// The spot of what is in a value here; `None` where that is too deep.
    fn inside(self) -> Option<Self> {
        let depth = self.depth.checked_sub(1)?;
        Some(Self {
            strict: false,
            depth,
            ..self
        })
    }
}

/// The `eventSource` of what a service hands to a function or queue: `aws:s3`, `aws:sqs`, `aws:sns`. It has the shape of a
/// record, which it is not; a record's source is a host name.
fn notification_source<'a>(object: &Object<'_, 'a>) -> Option<&'a str> {
    let source = object
        .get("eventSource")
        .or_else(|| object.get("EventSource"))?
        .into_string()?;
    source.starts_with("aws:").then_some(source)
}

/// What an object is that is no record but of a known kind.
fn recognise(object: &Object<'_, '_>) -> Option<OtherKind> {
    let has = |name: &str| object.get(name).is_some();
    if has("digestStartTime") || has("digestEndTime") {
        Some(OtherKind::Digest)
    } else if (has("s3Bucket") && has("s3ObjectKey"))
        || (has("Service") && has("Event") && has("Bucket"))
    {
        Some(OtherKind::S3Notification)
    } else if object
        .get("messageType")
        .and_then(|kind| kind.into_string())
        == Some("CONTROL_MESSAGE")
    {
        Some(OtherKind::ControlMessage)
    } else if has("configurationItem") || has("configurationItems") || has("configurationItemDiff")
    {
        Some(OtherKind::Config)
    } else if has("class_uid") && has("metadata") {
        Some(OtherKind::Ocsf)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::cloudtrail::reader::tests::{read, record};

    fn quoted(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    fn csv_quoted(text: &str) -> String {
        format!("\"{}\"", text.replace('"', "\"\""))
    }

    /// The names of the events in `text`, and how many malformed ones there are.
    fn found(text: &str) -> (Vec<String>, u64) {
        let (items, summary) = read(text.as_bytes());
        let names = items.iter().filter(|item| item.contains("Event@"));
        let names = names.map(|item| item.split('@').next().unwrap().to_owned());
        (names.collect(), summary.malformed)
    }

    #[test]
    fn a_record_in_a_string_that_anyone_can_write_is_none() {
        let (real, forged) = (record("RealEvent"), record("ForgedEvent"));
        let (q_real, q) = (quoted(&real), quoted(&forged));
        let (c_real, c) = (csv_quoted(&real), csv_quoted(&forged));
        let without_records = [
            format!(r#"[{{"userAgent":{q}}}]"#),
            format!(r#"[{{"USERAGENT":{forged}}}]"#),
            format!(r#"{{"errorMessage":{q},"eventName":"x"}}"#),
            format!(r#"{{"x":{{"requestParameters":{{"description":{q},"message":{q}}}}}}}"#),
            format!(r#"{{"x":{{"requestParameters":{{"tags":{forged}}}}}}}"#),
            format!(r#"{{"description":[{q},[{q}]]}}"#),
            format!(r#"{{"Resources":[{{"ResourceName":{q}}}],"EventName":"x"}}"#),
            format!(r#"{{"x":[{{"ResourceName":{q}}}]}}"#),
            // Beside a record's own fields even the usual names hold none, at any depth.
            format!(r#"{{"eventName":"x","message":{q},"y":{{"message":{q}}}}}"#),
            format!(
                r#"{{"QueryResultRows":[[{{"eventName":"x"}},{{"useragent":{q}}},{{"message":{q}}}]]}}"#
            ),
            format!(r#"{{"results":[[{{"field":"userAgent","value":{q}}}]]}}"#),
            format!("eventsource,eventname,useragent\ns3.amazonaws.com,x,{c}\n"),
            format!("eventsource,eventname,requestparameters\ns3.amazonaws.com,x,{c}\n"),
            format!("eventname,message\nx,{c}\n"),
            format!("n,useragent\nx,{c}\n"),
            format!(
                r#"{{"Rows":[{{"Data":[{{"VarCharValue":"eventname"}},{{"VarCharValue":"ua"}}]}},{{"Data":[{{"VarCharValue":"x"}},{{"VarCharValue":{q}}}]}}]}}"#
            ),
        ];
        for text in without_records {
            assert_eq!(found(&text), (vec![], 0), "{text}");
        }
        let with_one = [
            format!(r#"[{{"userAgent":{q},"_raw":{q_real}}}]"#),
            format!(r#"[{{"_raw":{q_real},"message":{q},"x":{{"message":{q}}}}}]"#),
            format!(
                r#"{{"Events":[{{"EventName":"x","EventSource":"s","Username":{q},"Resources":[{{"ResourceName":{q}}}],"CloudTrailEvent":{q_real}}}]}}"#
            ),
            format!(
                r#"{{"QueryResultRows":[[{{"eventName":"x"}},{{"userAgent":{q}}},{{"eventJson":{q_real}}}]]}}"#
            ),
            format!(
                r#"{{"results":[[{{"field":"ua","value":{q}}},{{"field":"@message","value":{q_real}}}]]}}"#
            ),
            format!(r#"{{"x":{{"userAgent":{q},"detail":{real}}}}}"#),
            format!("n,useragent,json\n1,{c},{c_real}\n"),
            format!("n,useragent,x\n1,{c},{c_real}\n"),
        ];
        for text in with_one {
            assert_eq!(found(&text), (vec!["RealEvent".to_owned()], 0), "{text}");
        }
    }

    #[test]
    fn a_row_with_two_records_is_malformed() {
        let c = csv_quoted(&record("SomeEvent"));
        assert_eq!(
            found(&format!("n,ua,x\n1,{c},{c}\n1,,{c}\n")),
            (vec!["SomeEvent".to_owned()], 1)
        );
    }
}
