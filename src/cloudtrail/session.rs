//! The walk through one decompressed log object: from value to value, into the envelopes and out of them.

use std::cell::Cell;
use std::io::{self, Read};

use crate::cloudtrail::event::{Event, names_a_record, names_a_whole_record};
use crate::cloudtrail::find::{Finder, Finding, MalformedReason};
use crate::cloudtrail::ordinary::Scanner;
use crate::cloudtrail::reader::{Damage, DamageReason, FileSummary, Report, Wanted, reason_of};
use crate::cloudtrail::rows;
use crate::cloudtrail::split::{Envelope, Fault, Found, MAX_VALUE, PADDING, Window};

/// How much of a text is looked at to tell whether it is CSV: at least a header and one record.
const CSV_HEAD: usize = 512 << 10;

/// What the values that come next stand in; outermost they stand in nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// An array.
    List,
    /// The array of an envelope.
    Envelope(Envelope),
    /// The envelope's object, behind its array.
    Rest,
}

/// The reading of one log object.
pub(super) struct Session<'r, 's> {
    window: Window<'r>,
    finder: &'s mut Finder,
    scanner: &'s mut Scanner,
    report: Report<'s>,
    places: Vec<Place>,
    /// A value broke off in the middle. Until a whole record comes, values are the debris of it.
    lost: bool,
    /// Where the last value broke that was lost.
    broke_at: u64,
    /// The file does not begin as JSON.
    begins_as_text: bool,
}

impl<'r, 's> Session<'r, 's> {
    pub(super) fn new(
        window: Window<'r>,
        finder: &'s mut Finder,
        scanner: &'s mut Scanner,
        report: Report<'s>,
    ) -> Self {
        Self {
            window,
            finder,
            scanner,
            report,
            places: Vec::new(),
            lost: false,
            broke_at: 0,
            begins_as_text: false,
        }
    }

    /// Reads the log object to its end.
    pub(super) fn run(&mut self) {
        self.skip_byte_order_mark();
        self.window.skip_while(|byte| byte.is_ascii_whitespace());
        match self.window.peek() {
            None => {}
            Some(b'{' | b'[') => self.values(),
            Some(_) => {
                self.report.text = true;
                self.begins_as_text = true;
                while self.window.ahead().len() < CSV_HEAD && self.window.more() {}
                if rows::looks_like_csv(self.window.ahead()) {
                    self.csv()
                } else {
                    self.values()
                }
            }
        }
        self.report.summary.bytes_out = self.window.read_so_far();
        if let Some(error) = &self.window.error {
            let reason = reason_of(error);
            self.report.summary.damage = Some(Damage {
                offset: self.window.read_so_far(),
                reason,
            });
        }
    }

    fn skip_byte_order_mark(&mut self) {
        while self.window.ahead().len() < 3 && self.window.more() {}
        if self.window.ahead().starts_with(b"\xef\xbb\xbf") {
            self.window.advance(3);
        }
    }

    fn values(&mut self) {
        while self.step() {}
        if !self.places.is_empty() && !self.report.text {
            self.report.summary.damage = Some(Damage {
                offset: self.window.read_so_far(),
                reason: DamageReason::Unclosed,
            });
        }
    }

    /// Reads one value or closes one bracket; false at the end of the stream.
    fn step(&mut self) -> bool {
        if self.lost {
            return self.window.seek(b'{', b'{', b'{').is_some() && self.value();
        }
        match self.places.last() {
            None => self.outermost(),
            Some(Place::List | Place::Envelope(_)) => {
                self.window
                    .skip_while(|byte| byte.is_ascii_whitespace() || byte == b',');
                match self.window.peek() {
                    None => false,
                    Some(b']') => {
                        self.window.advance(1);
                        self.places.pop();
                        true
                    }
                    Some(_) => self.value(),
                }
            }
            Some(Place::Rest) => {
                self.places.pop();
                let offset = self.window.offset();
                match self.window.rest() {
                    Ok(Found::Value) | Err(Fault::TooDeep | Fault::TooLarge) => true,
                    Ok(Found::Envelope(envelope)) => self.enter(envelope),
                    Err(fault) => {
                        self.places.push(Place::Rest);
                        // What is cut off behind the records is none of them: the damage alone tells.
                        fault != Fault::CutOff && self.fault(fault, offset)
                    }
                }
            }
        }
    }

    /// Outside of everything: what is not a bracket is noise, except a brace that closes nothing, which is what remains
    /// of a record whose beginning is missing.
    fn outermost(&mut self) -> bool {
        let offset = self.window.offset();
        match self.window.seek(b'{', b'[', b'}') {
            None => false,
            Some(b'{') => self.value(),
            Some(b'[') => {
                self.window.advance(1);
                self.window.skip_while(|byte| byte.is_ascii_whitespace());
                if matches!(self.window.peek(), Some(b'{' | b'[' | b']' | b'"')) {
                    self.places.push(Place::List);
                } else {
                    self.prose();
                }
                true
            }
            Some(_) => {
                self.window.advance(1);
                self.report.malformed(offset, MalformedReason::Headless);
                self.lost = true;
                true
            }
        }
    }

    /// Where a file's first bracket is not JSON's, the file does not begin as JSON.
    fn prose(&mut self) {
        let is_first = *self.report.summary == FileSummary::default();
        self.report.text |= is_first;
        self.begins_as_text |= is_first;
    }

    fn enter(&mut self, envelope: Envelope) -> bool {
        if self.lost {
            // Whatever was open when the sense was lost is not waited for any more.
            self.places.clear();
            self.lost = false;
        }
        self.places.extend([Place::Rest, Place::Envelope(envelope)]);
        true
    }

    /// Reads the value that begins at the next byte; false where the stream ends in it.
    fn value(&mut self) -> bool {
        if self.ordinary() {
            return true;
        }
        let offset = self.window.offset();
        let envelopes = self.lost || matches!(self.places.last(), None | Some(Place::List));
        match self.window.value(envelopes) {
            Ok(Found::Envelope(envelope)) => self.enter(envelope),
            Ok(Found::Value) => {
                self.find(offset);
                true
            }
            Err(fault) => self.fault(fault, offset),
        }
    }

    /// Reads an ordinary record, if one is next and whole.
    fn ordinary(&mut self) -> bool {
        let Self {
            window,
            finder,
            scanner,
            report,
            ..
        } = self;
        if self.lost || report.text {
            return false;
        }
        let Some(record) = scanner.scan(window.ahead()) else {
            return false;
        };
        let offset = window.offset();
        loop {
            let parsed = match report.ordinary(&record) {
                Wanted::Nothing => break,
                Wanted::Parts(parts) => {
                    finder.event(&record, parts, &mut |event| report.parts(event))
                }
                Wanted::Record => {
                    let whole = &mut |event: &Event<'_, '_>| report.record(event, offset);
                    if finder.event(&record, &Event::PARTS, whole) {
                        break;
                    }
                    false
                }
            };
            if !parsed {
                return false;
            }
        }
        let length = record.length();
        window.advance(length);
        true
    }

    fn find(&mut self, offset: u64) {
        let Self {
            window,
            finder,
            report,
            places,
            lost,
            ..
        } = self;
        let strict = places.last() == Some(&Place::Envelope(Envelope::Records));
        let (debris, whole) = match *lost {
            true => (
                !names_a_record(window.held()),
                names_a_whole_record(window.held()),
            ),
            false => (false, true),
        };
        let (bytes, length) = window.held_mut();
        finder.find(bytes, length, strict, &mut |finding| match finding {
            Finding::Record(event) if whole => {
                *lost = false;
                report.record(event, offset);
            }
            Finding::Record(_) => report.malformed(offset, MalformedReason::Headless),
            Finding::Malformed(reason) if !debris => report.malformed(offset, reason),
            Finding::Other(kind) if !*lost => report.other(kind, offset),
            Finding::Malformed(_) | Finding::Other(_) => {}
        });
    }

    /// Accounts for a value that could not be moved over; false at the end of the stream.
    fn fault(&mut self, fault: Fault, offset: u64) -> bool {
        let reason = match fault {
            Fault::NotJson if self.places.is_empty() || self.lost => {
                self.prose();
                return true;
            }
            Fault::NotJson => MalformedReason::Syntax { at: offset + 1 },
            Fault::Syntax { at } => MalformedReason::Syntax { at },
            Fault::CutOff => MalformedReason::CutOff,
            Fault::TooLarge => MalformedReason::TooLarge,
            Fault::TooDeep => MalformedReason::TooDeep,
        };
        let debris = self.lost
            && match fault {
                Fault::TooLarge => false,
                // A brace with a name behind it is not inside a string, where its quote would be escaped, and beyond the
                // break all that a value leaves behind is whole: so this is another one that broke. Prose proves nothing.
                Fault::Syntax { at } => {
                    (self.begins_as_text || offset <= self.broke_at)
                        && !names_a_record(self.window.held_until(at))
                }
                _ => !names_a_record(self.window.held()),
            };
        if !debris {
            self.report.malformed(offset, reason);
        }
        if let MalformedReason::Syntax { at } = reason {
            self.lost = true;
            self.broke_at = at;
        }
        if fault == Fault::CutOff && self.places.is_empty() && !self.report.text {
            self.report.summary.damage = Some(Damage {
                offset: self.window.read_so_far(),
                reason: DamageReason::Unclosed,
            });
        }
        fault != Fault::CutOff
    }

    fn csv(&mut self) {
        let begin = self.window.offset();
        let left = Cell::new(MAX_VALUE);
        let input = RowLimit {
            window: &mut self.window,
            left: &left,
        };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let Ok(names) = reader.headers().cloned() else {
            self.report.summary.damage = Some(Damage {
                offset: begin,
                reason: DamageReason::Csv,
            });
            return;
        };
        let mut cells = csv::ByteRecord::new();
        let mut object = Vec::new();
        loop {
            left.set(MAX_VALUE);
            let offset = begin + reader.position().byte();
            match reader.read_byte_record(&mut cells) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => {
                    self.report.malformed(offset, MalformedReason::TooLarge);
                    self.report.summary.damage = Some(Damage {
                        offset,
                        reason: DamageReason::Csv,
                    });
                    return;
                }
            }
            let Ok(texts) = csv::StringRecord::from_byte_record(cells.clone()) else {
                self.report.malformed(offset, MalformedReason::NotUtf8);
                continue;
            };
            object.clear();
            let mut row: rows::Row<'_> = names.iter().zip(&texts).collect();
            let strict = !rows::name_record(&mut row);
            rows::write_object(row.into_iter(), &mut object);
            let length = object.len();
            object.resize(length + PADDING, 0);
            let report = &mut self.report;
            self.finder
                .find(&mut object, length, strict, &mut |finding| match finding {
                    Finding::Record(event) => report.record(event, offset),
                    Finding::Malformed(reason) => report.malformed(offset, reason),
                    Finding::Other(kind) => report.other(kind, offset),
                });
        }
    }
}

/// The window as the CSV reader's input, which stops where one row takes more than [`MAX_VALUE`].
struct RowLimit<'w, 'r, 'l> {
    window: &'w mut Window<'r>,
    left: &'l Cell<usize>,
}

impl Read for RowLimit<'_, '_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let window = &mut *self.window;
        if window.peek().is_none() {
            return Ok(0);
        }
        let n = window.ahead().len().min(out.len());
        let left = self
            .left
            .get()
            .checked_sub(n)
            .ok_or(io::ErrorKind::InvalidData)?;
        self.left.set(left);
        out[..n].copy_from_slice(&window.ahead()[..n]);
        window.advance(n);
        window.hold();
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use proptest::prelude::*;

    use super::MAX_VALUE;
    use crate::cloudtrail::find::OtherKind;
    use crate::cloudtrail::reader::tests::{gzip, read, record};
    use crate::cloudtrail::reader::{Damage, DamageReason, Reader};

    /// Gives at most `1` bytes at a time.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(out.len()).min(self.0.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    /// A delivery file with the events A, B, C, and where each of them ends.
    fn delivery_file() -> (String, Vec<usize>) {
        let mut text = String::from(r#"{"Records":["#);
        let ends = ["A", "B", "C"].map(|name| {
            text.push_str(&record(name));
            text.push(',');
            text.len() - 1
        });
        text.pop();
        text.push_str("]}\n");
        (text, ends.to_vec())
    }

    #[test]
    fn a_file_cut_at_any_byte_gives_the_whole_records_before_the_cut() {
        let (text, ends) = delivery_file();
        let lines = text[12..text.len() - 3].replace("},{\"eventVersion", "}\n{\"eventVersion");
        for cut in 0..text.len() - 1 {
            let whole = ends.iter().filter(|&&end| end <= cut).count() as u64;
            let (items, summary) = read(&text.as_bytes()[..cut]);
            assert_eq!(summary.records, whole, "cut at {cut}: {items:?}");
            let in_record =
                cut > 12 && cut < ends[2] && !ends.contains(&cut) && !ends.contains(&(cut - 1));
            assert_eq!(
                summary.malformed,
                u64::from(in_record || (1..12).contains(&cut)),
                "cut at {cut}: {items:?}"
            );
            assert_eq!(
                summary.damage.is_some(),
                cut > 0,
                "cut at {cut}: {summary:?}"
            );

            let Some(cut) = cut.checked_sub(12).filter(|&cut| cut < lines.len()) else {
                continue;
            };
            let (items, summary) = read(&lines.as_bytes()[..cut]);
            assert_eq!(summary.records, whole, "line cut at {cut}: {items:?}");
            assert_eq!(
                summary.malformed,
                u64::from(in_record),
                "line cut at {cut}: {items:?}"
            );
        }
    }

    #[test]
    fn a_stream_cut_at_any_byte_gives_the_whole_records_before_the_cut() {
        let (text, _) = delivery_file();
        let stored = [gzip(text.as_bytes()), zstd(text.as_bytes())];
        for stored in stored {
            let mut most = 0;
            for cut in 2..stored.len() {
                let (items, summary) = read(&stored[..cut]);
                if cut >= 4 || stored[0] == 0x1f {
                    assert!(summary.damage.is_some(), "cut at {cut}: {summary:?}");
                }
                let names: Vec<_> = items
                    .iter()
                    .filter(|item| !item.starts_with("malformed"))
                    .collect();
                let expected = ["A", "B", "C"]
                    .iter()
                    .zip(&names)
                    .all(|(name, item)| item.starts_with(name));
                assert!(expected && names.len() >= most, "cut at {cut}: {items:?}");
                most = names.len();
            }
            // gzip's last bytes are only the check-sum; so small a zstd file is one block, whole or not there.
            assert_eq!(most, if stored[0] == 0x1f { 3 } else { 0 });
        }
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn the_size_of_reads_changes_nothing() {
        let (text, _) = delivery_file();
        let (a, b) = (record("A"), record("B"));
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let texts = [
            text.clone().into_bytes(),
            format!("2026-03-01 {a}\n}} junk {{\"x\" {b} [user@host ~]$ {b}").into_bytes(),
            format!(
                "\u{feff}{{\"x\":[],\"Records\":[{a},nul,{{\"eventName\":\"x\",{b}],\"y\":\"[\"}}"
            )
            .into_bytes(),
            format!("{{\"Records\":[{a}]  ,{b},{a}]}}").into_bytes(),
            format!("time,json\nx,{}\ny,{}\n", quoted(&a), quoted(&b)).into_bytes(),
            gzip(text.as_bytes()),
        ];
        for text in texts {
            let expected = read(text.as_slice());
            assert!(expected.1.records >= 2, "{expected:?}");
            for size in (1..70).chain([127, 500, 4096]) {
                assert_eq!(
                    read(Dribble(&text, size)),
                    expected,
                    "{size} bytes at a time"
                );
            }
        }
    }

    #[test]
    fn what_follows_a_broken_record_is_found() {
        let (a, b) = (record("A"), record("B"));
        let cut = &a[..200];
        let in_string = &a[..a.find("iam.amazonaws").unwrap() + 5];
        let table = [
            (
                "a prompt after a cut record",
                format!(r#"{{"Records":[{a},{cut}[ec2-user@ip-10-0-0-1 ~]$ "#),
                vec!["A"],
                1,
            ),
            (
                "a cut line",
                format!("{a}\n{in_string}\n{b}\n"),
                vec!["A", "B"],
                1,
            ),
            (
                "cut in a string, no line break",
                format!("{a}{in_string}{b}{a}"),
                vec!["A", "B", "A"],
                1,
            ),
            (
                "two cut lines",
                format!("{a}\n{in_string}\n{in_string}\n{b}\n"),
                vec!["A", "B"],
                2,
            ),
            (
                "a cut file before a whole one",
                format!("{{\"Records\":[{a},{in_string}\n{{\"Records\":[{b},null]}}"),
                vec!["A", "B"],
                2,
            ),
            (
                "a beginning that is missing",
                format!("{}\n{b}", &a[100..]),
                vec!["B"],
                1,
            ),
            (
                "a beginning that is missing, in a file",
                format!("{},{b}]}}", &a[100..]),
                vec!["B"],
                2,
            ),
            (
                "a brace too many",
                format!(r#"{{"Records":[{a}}},{b}]}}"#),
                vec!["A", "B"],
                1,
            ),
            (
                "a comma too few",
                format!(r#"{{"Records":[{a}{b}]}}"#),
                vec!["A", "B"],
                0,
            ),
            (
                "a lost quote",
                format!(
                    r#"{{"Records":[{},{b}]}}"#,
                    a.replacen("\"eventTime\"", "eventTime\"", 1)
                ),
                vec!["B"],
                1,
            ),
            (
                "words between records",
                format!(r#"{{"Records":[{a}, truncated ,{b}]}}"#),
                vec!["A", "B"],
                1,
            ),
        ];
        let empty = r#"{"eventSource": }"#;
        let table = table.into_iter().chain([
            (
                "ten broken lines",
                format!("{a}\n{}{b}\n", format!("{empty}\n").repeat(10)),
                vec!["A", "B"],
                10,
            ),
            (
                "ten broken lines of a text",
                format!("log: {a}\n{}{b}\n", format!("log: {empty}\n").repeat(10)),
                vec!["A", "B"],
                10,
            ),
            (
                "broken values without a name of a record",
                format!(r#"{{"Records":[{a},{{"a": }},{{"b": }},{{"c" 1}},{b}]}}"#),
                vec!["A", "B"],
                3,
            ),
            (
                "a broken value with whole ones in it",
                format!(r#"{{"Records":[{a},{{"eventName" "x","y":[{{"z":1}},{{"z":{{}}}}],"s":"{{\"a\": }}"}},{b}]}}"#),
                vec!["A", "B"],
                1,
            ),
        ]);
        for (what, text, expected, malformed) in table {
            let (items, summary) = read(text.as_bytes());
            let names: Vec<_> = items
                .iter()
                .filter_map(|item| item.split('@').next().filter(|name| *name != "malformed"))
                .collect();
            assert_eq!(
                (names, summary.malformed),
                (expected, malformed),
                "{what}: {items:?}"
            );
        }
    }

    #[test]
    fn debris_is_no_record() {
        // What Insight describes has a source and a name; where the event around it is broken, it must not become a call.
        let insight = r#"{"eventVersion":"1.08" "insightDetails":{"eventSource":"s3.amazonaws.com","eventName":"GetObject"}}"#;
        let (items, summary) = read(format!("{insight}\n{}", record("B")).as_bytes());
        assert_eq!(
            (summary.records, items.last().unwrap().starts_with("B@")),
            (1, true),
            "{items:?}"
        );
        assert_eq!(summary.malformed, 2, "{items:?}");
    }

    #[test]
    fn a_text_reports_broken_json_only_once_it_has_shown_a_record() {
        let broken = "lines: {\"a\": [1}\n";
        assert_eq!(read(broken.as_bytes()).1.malformed, 0);
        let (items, summary) = read(format!("{broken}{broken}{}", record("A")).as_bytes());
        assert_eq!((summary.records, summary.malformed), (1, 1), "{items:?}");
    }

    #[test]
    fn a_text_counts_all_broken_json_before_its_first_record() {
        let broken = "line: {\"eventSource\": \"s\", \"eventName\": \"cut here\n".repeat(2500);
        let (items, summary) = read(format!("{broken}{}", record("A")).as_bytes());
        assert_eq!(
            (summary.records, summary.malformed, summary.unlisted),
            (1, 2500, 1500)
        );
        assert_eq!(items.len(), 1001);
        let (items, summary) = read(broken.as_bytes());
        assert_eq!(
            (items.len(), summary.malformed, summary.unlisted),
            (0, 0, 0)
        );
    }

    #[test]
    fn nesting_bombs_cost_one_value() {
        let deep = 1_000_000;
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let value = format!("{}1{}", open.repeat(deep), close.repeat(deep));
            let reason = "nested more than 128 levels deep";
            let text = format!(r#"{{"Records":[{},{value},{}]}}"#, record("A"), record("B"));
            let (items, summary) = read(text.as_bytes());
            let at = 13 + record("A").len();
            assert_eq!(items[1], format!("malformed@{at}: {reason}"));
            assert_eq!(
                (summary.records, summary.malformed, summary.damage),
                (2, 1, None)
            );
            let (_, summary) = read(open.repeat(deep).as_bytes());
            assert_eq!((summary.records, summary.malformed), (0, 1));
        }
        let strings = (0..12).fold(record("A"), |inner, _| {
            format!(r#"{{"message":{}}}"#, serde_json::Value::from(inner))
        });
        assert_eq!(
            read(strings.as_bytes()).1.others,
            [(OtherKind::Unrecognised, 1)].into()
        );
    }

    #[test]
    fn large_values() {
        let record = |size: usize| {
            record("A").replacen(
                "\"eventID\":\"",
                &format!("\"eventID\":\"{}", "x".repeat(size)),
                1,
            )
        };
        let text = format!(
            r#"{{"Records":[{},{},{}]}}"#,
            record(256 << 10),
            record(MAX_VALUE),
            record(1)
        );
        let (items, summary) = read(text.as_bytes());
        assert_eq!(
            (summary.records, summary.malformed, summary.damage),
            (2, 1, None),
            "{items:?}"
        );
        assert!(items[1].ends_with("longer than 8 MiB"), "{items:?}");
    }

    #[test]
    fn a_record_that_is_not_utf8() {
        let (text, _) = delivery_file();
        let mut bytes = text.into_bytes();
        let at = bytes.windows(4).position(|part| part == b"id-B").unwrap();
        bytes[at] = 0xff;
        let (items, summary) = read(bytes.as_slice());
        assert_eq!((summary.records, summary.malformed), (2, 1), "{items:?}");
        assert!(items[1].ends_with("not valid UTF-8"), "{items:?}");
    }

    #[test]
    fn rows_of_csv_that_can_not_be_read() {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let (a, b) = (record("A"), record("B"));
        let mut text =
            format!("n,json\n1,{}\n2,{}\n3,", quoted(&a), quoted(&a[..200])).into_bytes();
        text.extend_from_slice(b"\xff\n");
        text.extend_from_slice(format!("4,{}\n", quoted(&b)).as_bytes());
        let (items, summary) = read(text.as_slice());
        let second = 7 + 2 + quoted(&a).len() + 1;
        let third = second + 2 + quoted(&a[..200]).len() + 1;
        assert_eq!(
            items[1],
            format!("malformed@{second}: the record in a string is not valid JSON")
        );
        assert_eq!(items[2], format!("malformed@{third}: not valid UTF-8"));
        assert_eq!((summary.records, summary.malformed, items.len()), (2, 2, 4));

        let endless = format!(
            "n,json\n1,{}\n2,\"{}",
            quoted(&a),
            "x".repeat(MAX_VALUE + (128 << 10))
        );
        let (items, summary) = read(endless.as_bytes());
        assert_eq!((summary.records, summary.malformed), (1, 1), "{items:?}");
        assert_eq!(
            summary.damage,
            Some(Damage {
                offset: second as u64,
                reason: DamageReason::Csv
            })
        );
    }

    #[test]
    fn a_reader_forgets_what_it_read_before() {
        let mut reader = Reader::new();
        let (text, _) = delivery_file();
        for _ in 0..3 {
            let broken = reader.read(&text.as_bytes()[..400], &mut |_| {});
            assert_eq!((broken.records, broken.malformed), (1, 1));
            let whole = reader.read(text.as_bytes(), &mut |_| {});
            assert_eq!((whole.records, whole.malformed, whole.damage), (3, 0, None));
        }
    }

    proptest! {
        #[test]
        fn damage_in_one_record_never_costs_another(at in 0usize..300, byte in any::<u8>()) {
            // Any one byte of the middle record may change. The first record always comes; the last one comes unless the
            // change makes its beginning part of a string, and even then nothing is lost without a report.
            let (text, ends) = delivery_file();
            let mut bytes = text.into_bytes();
            let at = ends[0] + 1 + at;
            bytes[at] = byte;
            let (items, summary) = read(bytes.as_slice());
            prop_assert!(items[0].starts_with("A@"));
            prop_assert!(summary.records == 3 || summary.malformed > 0, "{:?}", items);
            prop_assert!(summary.records >= 2, "{:?}", items);
        }
    }
}
