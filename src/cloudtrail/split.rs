//! Finds where JSON values begin and end in a stream, without parsing them.
//!
//! [`Window`] holds the part of the stream that is being looked at; [`Window::value`] moves over one value, by a scan that
//! knows brackets, strings and the order of names, colons and commas, so that a record which lost a bracket or a quote is
//! given up at the spot where it breaks and not at the end of the file. What is inside strings and numbers is left to the
//! parser. Time is linear in the stream, memory is bounded by [`MAX_VALUE`], and nesting costs one bit a level.

use std::io::{self, Read};

use memchr::memchr3;

use crate::cloudtrail::decompress::read_some;
use crate::cloudtrail::event::names_a_whole_record;
use crate::cloudtrail::skip::end_or_escape;

/// A value of more bytes than this is not held but reported. CloudTrail's records end at 256 KB; what gets long are whole
/// documents in a wrapper that is not streamed (a page of an Athena result comes to 5 MB). The worst value of this size, an array of
/// one-digit numbers, takes 142 MB until it is done with.
pub(super) const MAX_VALUE: usize = 8 << 20;

/// Deeper nesting is reported, not parsed. No record of the public logs at hand goes beyond 11 levels.
pub(super) const MAX_DEPTH: u32 = 128;

/// Bytes that must stay readable behind a value, for the parser.
pub(super) const PADDING: usize = simd_json::INPUT_PADDING;

/// How much is read at a time.
const CHUNK: usize = 256 << 10;

/// The array-valued members of an outermost object that hold records, or wrappers of records, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    /// `Records` of a delivery file: every element is a record.
    Records,
    /// `Events` of `LookupEvents`, `logEvents` of CloudWatch Logs, `QueryResultRows` of Lake: elements hold records.
    Wrappers,
}

impl Envelope {
    /// The envelope that an array of this name is.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"Records" | b"records" => Some(Self::Records),
            b"Events" | b"events" | b"logEvents" | b"QueryResultRows" => Some(Self::Wrappers),
            _ => None,
        }
    }
}

/// What [`Window::value`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole value: [`Window::held`] has its bytes.
    Value,
    /// The value is an object that holds records one by one; the window stands before the first of them, and
    /// [`Window::rest`] goes on with the object once they have been read.
    Envelope(Envelope),
}

/// Why a value could not be moved over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not JSON from the byte `at` on. The window stands where looking for the next value should start.
    Syntax {
        /// The offset in the stream.
        at: u64,
    },
    /// A brace with neither a name nor another brace behind it, as text has them; the window stands behind it.
    NotJson,
    /// The stream ends inside the value.
    CutOff,
    /// Longer than [`MAX_VALUE`]; the window stands behind it.
    TooLarge,
    /// Deeper than [`MAX_DEPTH`]; the window stands behind it.
    TooDeep,
}

/// The part of a stream that is being looked at.
pub(super) struct Window<'r> {
    /// What is still to come; nothing where the stream is in the buffer as a whole.
    input: Option<&'r mut dyn Read>,
    /// The bytes `..end` are the stream's, from the offset `base` on; behind them are at least [`PADDING`] more.
    buffer: &'r mut Vec<u8>,
    base: u64,
    /// The start of what must be kept.
    start: usize,
    /// Whether all since then is kept.
    kept: bool,
    position: usize,
    end: usize,
    /// What ended the stream early.
    pub(super) error: Option<io::Error>,
}

impl<'r> Window<'r> {
    pub(super) fn new(input: &'r mut dyn Read, buffer: &'r mut Vec<u8>) -> Self {
        Self {
            input: Some(input),
            buffer,
            base: 0,
            start: 0,
            kept: true,
            position: 0,
            end: 0,
            error: None,
        }
    }

    /// A window on a stream that is `buffer[..length]`; [`PADDING`] more bytes stand behind it.
    pub(super) fn whole(buffer: &'r mut Vec<u8>, length: usize) -> Self {
        Self {
            input: None,
            buffer,
            base: 0,
            start: 0,
            kept: true,
            position: 0,
            end: length,
            error: None,
        }
    }

    /// The offset in the stream of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    /// How many bytes the stream has given so far.
    pub(super) fn read_so_far(&self) -> u64 {
        self.base + self.end as u64
    }

    /// From here on bytes are kept.
    pub(super) fn hold(&mut self) {
        self.start = self.position;
    }

    /// The bytes since [`Self::hold`]; none where a value grew too large to be kept.
    pub(super) fn held(&self) -> &[u8] {
        if self.kept {
            &self.buffer[self.start..self.position]
        } else {
            &[]
        }
    }

    /// The bytes between [`Self::hold`] and the offset `end`, which the window may have stepped back from; none where a
    /// value grew too large to be kept.
    pub(super) fn held_until(&self, end: u64) -> &[u8] {
        let bytes = usize::try_from(end.saturating_sub(self.base))
            .ok()
            .and_then(|end| self.buffer.get(self.start..end.min(self.end)));
        bytes.filter(|_| self.kept).unwrap_or_default()
    }

    /// The bytes since [`Self::hold`] with [`PADDING`] more behind them, and the length without that.
    pub(super) fn held_mut(&mut self) -> (&mut [u8], usize) {
        (
            &mut self.buffer[self.start..self.position + PADDING],
            self.position - self.start,
        )
    }

    /// What is read and not yet moved over.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.buffer[self.position..self.end]
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.position += count;
    }

    /// The next byte; `None` at the end of the stream.
    pub(super) fn peek(&mut self) -> Option<u8> {
        if self.position == self.end && !self.more() {
            return None;
        }
        Some(self.buffer[self.position])
    }

    /// Moves on while `skipped` holds for the next byte, keeping nothing.
    pub(super) fn skip_while(&mut self, skipped: impl Fn(u8) -> bool) {
        loop {
            let ahead = self.ahead();
            let found = ahead.iter().position(|&byte| !skipped(byte));
            self.position += found.unwrap_or(ahead.len());
            self.hold();
            if found.is_some() || !self.more() {
                return;
            }
        }
    }

    /// Moves on to the next of three bytes, keeping nothing; the byte, or `None` at the end of the stream.
    pub(super) fn seek(&mut self, a: u8, b: u8, c: u8) -> Option<u8> {
        loop {
            let ahead = self.ahead();
            let found = memchr3(a, b, c, ahead);
            self.position += found.unwrap_or(ahead.len());
            self.hold();
            if found.is_some() {
                return self.peek();
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// Reads on; false at the end of the stream. What was held and what is ahead stays, at another place.
    pub(super) fn more(&mut self) -> bool {
        let Some(input) = &mut self.input else {
            return false;
        };
        if self.start > 0 && self.buffer.len() < self.end + CHUNK + PADDING {
            self.buffer.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.position -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK + PADDING {
            self.buffer.resize(self.end + CHUNK + PADDING, 0);
        }
        let room = self.end..self.buffer.len() - PADDING;
        match read_some(input, &mut self.buffer[room]) {
            Ok(0) => self.input = None,
            Ok(n) => self.end += n,
            Err(error) => {
                self.input = None;
                self.error = Some(error);
            }
        }
        self.input.is_some()
    }

    /// Moves over the value that begins at the next byte, and holds it. With `envelopes`, an outermost object may turn out
    /// to be an envelope.
    pub(super) fn value(&mut self, envelopes: bool) -> Result<Found, Fault> {
        self.hold();
        self.scan(Scan::default(), envelopes, true)
    }

    /// Goes on with an object behind the array of an [`Envelope`], keeping nothing.
    pub(super) fn rest(&mut self) -> Result<Found, Fault> {
        self.hold();
        let scan = Scan {
            depth: 1,
            objects: 1,
            expect: Expect::CommaOrEnd,
            ..Scan::default()
        };
        self.scan(scan, true, false)
    }

    /// What is found must not depend on how the stream comes in pieces. So nothing is decided by bytes that may or may not
    /// still be in the buffer: where the value is not kept, only a name of at most [`MAX_NAME`] bytes is looked back at.
    fn scan(&mut self, mut scan: Scan, envelopes: bool, keep: bool) -> Result<Found, Fault> {
        let first = self.offset();
        let mut is_record = false;
        self.kept = keep;
        loop {
            let (moved, stop) = scan.run(self.ahead(), self.offset());
            self.position += moved;
            self.kept &= self.position - self.start <= MAX_VALUE;
            match stop {
                Stop::More => {
                    if !self.kept {
                        self.start = self.name_start(&scan).unwrap_or(self.position);
                    }
                    if !self.more() {
                        let whole = scan.depth == 0 && !scan.in_string;
                        return if whole {
                            Ok(Found::Value)
                        } else {
                            Err(Fault::CutOff)
                        };
                    }
                }
                Stop::Array => {
                    let envelope = self.envelope(&scan).filter(|_| envelopes && !is_record);
                    self.position += 1;
                    if let Some(envelope) = envelope {
                        // A record that somebody added an array of that name to is still a record, and need not be
                        // looked through again for the next such array.
                        is_record = names_a_whole_record(self.held());
                        if !is_record {
                            return Ok(Found::Envelope(envelope));
                        }
                    }
                    scan.open(false);
                }
                Stop::Done if keep && !self.kept => return Err(Fault::TooLarge),
                Stop::Done if scan.too_deep => return Err(Fault::TooDeep),
                Stop::Done => return Ok(Found::Value),
                Stop::Syntax => return Err(self.give_up(&scan, first)),
            }
        }
    }

    /// The position of the name that stands last in the outermost object, where it is near.
    fn name_start(&self, scan: &Scan) -> Option<usize> {
        let start = usize::try_from(scan.string_start.checked_sub(self.base)?).ok()?;
        (scan.depth == 1 && self.position - start <= MAX_NAME).then_some(start)
    }

    /// The envelope whose array begins here, by the name before it.
    fn envelope(&self, scan: &Scan) -> Option<Envelope> {
        let start = self.name_start(scan)?;
        let end = usize::try_from(scan.string_end.checked_sub(self.base)?).ok()?;
        Envelope::of(self.buffer.get(start + 1..end)?)
    }

    /// Chooses where to look for what follows a value that began at the offset `first` and broke. Where a quote was lost,
    /// the next value began inside what now looks like a string, so that is behind the quote that opened the last one.
    fn give_up(&mut self, scan: &Scan, first: u64) -> Fault {
        let at = self.offset();
        if self.kept && scan.depth == 1 && scan.expect == Expect::NameOrEnd {
            self.position = self.start + 1;
            return Fault::NotJson;
        }
        if self.kept && scan.string_start > first {
            self.position = (scan.string_start - self.base) as usize + 1;
        } else if at == first {
            self.position += 1;
        }
        Fault::Syntax { at }
    }
}

/// Longer names than this are no envelope's.
const MAX_NAME: usize = 64;

/// What may come next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    /// In a number or word: more of it, or as [`Self::CommaOrEnd`].
    Scalar,
}

/// Why [`Scan::run`] stopped.
enum Stop {
    /// All bytes are used up.
    More,
    /// Before the `[` of an array that is a member of the outermost object.
    Array,
    /// Behind the value.
    Done,
    /// Before a byte that can not stand here.
    Syntax,
}

/// How far the scan of one value has come.
#[derive(Debug, Default)]
struct Scan {
    depth: u32,
    /// One bit for each open bracket up to [`MAX_DEPTH`], the innermost lowest: whether it is an object's.
    objects: u128,
    too_deep: bool,
    expect: Expect,
    in_string: bool,
    escaped: bool,
    /// The offsets in the stream of the quotes around the last string.
    string_start: u64,
    string_end: u64,
}

impl Scan {
    fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    fn open(&mut self, object: bool) {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.too_deep = true;
        } else {
            self.objects = self.objects << 1 | u128::from(object);
        }
        self.expect = if object {
            Expect::NameOrEnd
        } else {
            Expect::ValueOrEnd
        };
    }

    /// Closes a bracket; false where another one is open. Below [`MAX_DEPTH`] the kind is not known any more.
    fn close(&mut self, object: bool) -> bool {
        if self.depth == 0 || (self.depth <= MAX_DEPTH && self.in_object() != object) {
            return false;
        }
        if self.depth <= MAX_DEPTH {
            self.objects >>= 1;
        }
        self.depth -= 1;
        self.expect = Expect::CommaOrEnd;
        true
    }

    /// Moves on inside a string; the position behind its end, or behind the bytes, or `None` at a line break, which no
    /// string may hold: there a line of JSON was cut.
    fn string(&mut self, bytes: &[u8], mut position: usize, offset: u64) -> Result<usize, usize> {
        if self.escaped && position < bytes.len() {
            self.escaped = false;
            position += 1;
        }
        while let Some(found) = end_or_escape(&bytes[position..]) {
            position += found;
            match bytes[position] {
                b'"' => {
                    self.in_string = false;
                    self.string_end = offset + position as u64;
                    return Ok(position + 1);
                }
                b'\\' if position + 1 == bytes.len() => self.escaped = true,
                b'\\' => position += 1,
                _ => return Err(position),
            }
            position += 1;
        }
        Ok(bytes.len())
    }

    /// Moves over `bytes`, the first of which has the offset `offset`; how many it used.
    fn run(&mut self, bytes: &[u8], offset: u64) -> (usize, Stop) {
        use Expect::{Colon, CommaOrEnd, Name, NameOrEnd, Scalar, Value, ValueOrEnd};
        let mut position = 0;
        loop {
            if self.in_string {
                match self.string(bytes, position, offset) {
                    Ok(next) => position = next,
                    Err(cut) => return (cut, Stop::Syntax),
                }
            }
            if self.depth == 0 && self.expect == CommaOrEnd && !self.in_string {
                return (position, Stop::Done);
            }
            let Some(&byte) = bytes.get(position) else {
                return (position, Stop::More);
            };
            match (byte, self.expect) {
                (b'"', Value | ValueOrEnd | Name | NameOrEnd) => {
                    self.expect = if matches!(self.expect, Name | NameOrEnd) {
                        Colon
                    } else {
                        CommaOrEnd
                    };
                    self.in_string = true;
                    self.string_start = offset + position as u64;
                }
                (b':', Colon) => self.expect = Value,
                (b':', CommaOrEnd) if self.depth > MAX_DEPTH => self.expect = Value,
                (b',', CommaOrEnd | Scalar) if self.depth > 0 => {
                    // Below the depth limit the kind of the bracket is not known: either may come.
                    self.expect = if self.depth <= MAX_DEPTH && self.in_object() {
                        Name
                    } else {
                        Value
                    };
                }
                (b'{', Value | ValueOrEnd) => self.open(true),
                (b'[', Value) if self.depth == 1 && self.in_object() => {
                    return (position, Stop::Array);
                }
                (b'[', Value | ValueOrEnd) => self.open(false),
                (b'}', NameOrEnd | CommaOrEnd | Scalar) if self.close(true) => {}
                (b']', ValueOrEnd | CommaOrEnd | Scalar) if self.close(false) => {}
                (
                    b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.',
                    Value | ValueOrEnd | Scalar,
                ) => {
                    self.expect = Scalar;
                }
                (_, Scalar) if self.depth == 0 => return (position, Stop::Done),
                (b' ' | b'\t' | b'\r' | b'\n', Scalar) => self.expect = CommaOrEnd,
                (b' ' | b'\t' | b'\r' | b'\n', _) => {}
                _ => return (position, Stop::Syntax),
            }
            position += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Envelope, Fault, Found, MAX_DEPTH, MAX_VALUE, Window};

    /// Moves over the value at the beginning of `text`; what comes of it, what is held, and the offset after it.
    fn scan(text: &str, envelopes: bool) -> (Result<Found, Fault>, String, u64) {
        let (mut input, mut buffer) = (text.as_bytes(), Vec::new());
        let mut window = Window::new(&mut input, &mut buffer);
        let found = window.value(envelopes);
        (
            found,
            String::from_utf8_lossy(window.held()).into_owned(),
            window.offset(),
        )
    }

    #[test]
    fn values_that_break() {
        let syntax = |at| Err(Fault::Syntax { at });
        let table = [
            // Looking goes on behind the quote that opened the last string.
            (r#"{"a":1 "b":2}"#, syntax(7), 2),
            (r#"{"a":"b" {"c":1}}"#, syntax(9), 6),
            ("{\"a\":\"b\n", syntax(7), 6),
            (r#"{"a":{"b":1},{"#, syntax(13), 7),
            (r#"[1 2]"#, syntax(3), 3),
            (r#"{"a"]"#, syntax(4), 2),
            (r#"[1}"#, syntax(2), 2),
            (r#"{"a":1]"#, syntax(6), 2),
            (r#"{"a":,"#, syntax(5), 2),
            (r#"{"a":1,}"#, syntax(7), 2),
            ("}", syntax(0), 1),
            (r#"{a}"#, Err(Fault::NotJson), 1),
            ("{ \n1", Err(Fault::NotJson), 1),
            ("{[", Err(Fault::NotJson), 1),
            (r#"{"a":"#, Err(Fault::CutOff), 5),
            (r#""a\"#, Err(Fault::CutOff), 3),
            ("[", Err(Fault::CutOff), 1),
        ];
        for (text, expected, offset) in table {
            let (found, _, at) = scan(text, false);
            assert_eq!((found, at), (expected, offset), "{text}");
        }
    }

    #[test]
    fn envelopes() {
        use Envelope::{Records, Wrappers};
        let table = [
            (r#"{"Records":[{"a":1}]}"#, Found::Envelope(Records), 12),
            (
                r#"{"a":{"Records":[]}, "Events" : [ 1"#,
                Found::Envelope(Wrappers),
                33,
            ),
            (r#"{"a":[1],"logEvents":["#, Found::Envelope(Wrappers), 22),
            (r#"{"a":{"Records":[1]}}"#, Found::Value, 21),
            (r#"{"Records":{"a":[1]}}"#, Found::Value, 21),
            (r#"{"x":"Records","y":[1]}"#, Found::Value, 23),
            (r#"[{"Records":[1]}]"#, Found::Value, 17),
        ];
        for (text, expected, offset) in table {
            let (found, _, at) = scan(text, true);
            assert_eq!((found, at), (Ok(expected), offset), "{text}");
            let (found, held, _) = scan(text, false);
            let whole = text.ends_with(['}', ']']);
            assert_eq!(
                found,
                if whole {
                    Ok(Found::Value)
                } else {
                    Err(Fault::CutOff)
                },
                "{text}"
            );
            assert_eq!(held, text);
        }
    }

    #[test]
    fn the_limits_are_exact() {
        let nested = |depth: u32| {
            format!(
                "{}{}",
                "[".repeat(depth as usize),
                "]".repeat(depth as usize)
            )
        };
        assert_eq!(scan(&nested(MAX_DEPTH), false).0, Ok(Found::Value));
        let deep = nested(MAX_DEPTH + 1);
        assert_eq!(
            (scan(&deep, false).0, scan(&deep, false).2),
            (Err(Fault::TooDeep), deep.len() as u64)
        );
        let string = |length: usize| format!("\"{}\" ", "x".repeat(length - 2));
        assert_eq!(scan(&string(MAX_VALUE), false).0, Ok(Found::Value));
        assert_eq!(scan(&string(MAX_VALUE + 1), false).0, Err(Fault::TooLarge));
    }

    #[test]
    fn a_record_full_of_envelopes_takes_no_longer_than_another() {
        let full = |name: &str| {
            let arrays = format!(",\"{name}\":[]").repeat(MAX_VALUE / 64);
            format!("{{\"userIdentity\":1{arrays}}}")
        };
        let time = |text: &str| {
            let start = std::time::Instant::now();
            assert_eq!(scan(text, true).0, Ok(Found::Value));
            start.elapsed()
        };
        // Looking through it again for each array would be quadratic.
        let (one, other) = (time(&full("Events")), time(&full("Others")));
        assert!(one < other * 20, "{one:?} against {other:?}");
    }

    /// Any JSON value, as text of compact or generous layout.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "[\"\\\\{}\\[\\]:,\\n\\t a-é]{0,20}".prop_map(Into::into),
        ];
        let value = leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map("[\"\\\\a-z{}]{0,5}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        });
        let generous = any::<bool>();
        (value, generous).prop_map(|(value, generous)| {
            if generous {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            }
        })
    }

    proptest! {
        #[test]
        fn a_value_is_moved_over_exactly(text in json(), rest in "[ ,\\]}x]{0,3}") {
            prop_assume!(!text.ends_with(|last: char| last.is_ascii_alphanumeric()) || !rest.starts_with('x'));
            let (found, held, _) = scan(&format!("{text}{rest}"), false);
            prop_assert_eq!(found, Ok(Found::Value));
            prop_assert_eq!(held, text);
        }

        #[test]
        fn a_value_that_is_cut_is_not_whole(text in json(), cut in any::<prop::sample::Index>()) {
            prop_assume!(text.len() > 1 && text.is_ascii() && text.starts_with(['[', '{', '"']));
            let (found, _, _) = scan(&text[..cut.index(text.len() - 1) + 1], false);
            prop_assert!(found == Err(Fault::CutOff) || found == Ok(Found::Value) && cut.index(text.len() - 1) + 1 == text.len());
        }
    }
}
