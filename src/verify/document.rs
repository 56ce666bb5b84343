//! JSON with the place of every value, duplicate keys kept, and the policy documents in it.
//!
//! As strict as RFC 8259. No public parser that keeps places is: the nearest, jsonc-parser 0.34, takes control characters
//! in strings and white space of all kinds, whatever its options. Escapes and numbers are left to serde_json.

use std::fmt;

/// How deeply arrays and objects may nest. A policy in its wrapper has nine levels.
const MAX_DEPTH: usize = 64;

/// Where something stands in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) line: u32,
    /// In characters, not bytes.
    pub(crate) column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// A value of JSON.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// In its shortest form.
    Number(String),
    String(String),
    Array(Vec<Node>),
    /// In the order of the text.
    Object(Vec<Member>),
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Of the key.
    pub(crate) place: Place,
    pub(crate) key: String,
    pub(crate) node: Node,
}

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(place: Place, reason: impl Into<String>) -> Self {
        Self {
            place,
            reason: reason.into(),
        }
    }
}

impl Value {
    /// The JSON type, as a person calls it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl Node {
    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The members of an object.
    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The entries of an array; of any other value, the value itself.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Array(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}

/// The JSON value that `text` is, without the mark of byte order before it.
pub(crate) fn read(text: &str) -> Result<Node, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = Place { line: 1, column: 1 };
    let mut reader = Reader {
        text,
        at: 0,
        counted: 0,
        place: start,
    };
    let node = reader.value(0)?;
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.fault("the text goes on behind its end")),
    }
}

struct Reader<'t> {
    text: &'t str,
    /// The next byte.
    at: usize,
    /// Up to where `place` has counted.
    counted: usize,
    place: Place,
}

impl Reader<'_> {
    /// The place of the next byte. Each character is counted once, however often this is asked for.
    fn place(&mut self) -> Place {
        for c in self.text[self.counted..self.at].chars() {
            if c == '\n' {
                self.place.line = self.place.line.saturating_add(1);
                self.place.column = 1;
            } else {
                self.place.column = self.place.column.saturating_add(1);
            }
        }
        self.counted = self.at;
        self.place
    }

    fn fault(&mut self, reason: &str) -> Fault {
        Fault::new(self.place(), reason)
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blank = |b: &&u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(blank).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes on behind `byte`, if that comes next.
    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Node, Fault> {
        let next = self.peek();
        let place = self.place();
        if depth > MAX_DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        let value = match next {
            None => return Err(self.fault("the text ends where a value should be")),
            Some(b'{') => Value::Object(self.object(depth)?),
            Some(b'[') => Value::Array(self.array(depth)?),
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(_) => self.word()?,
        };
        Ok(Node { place, value })
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member>, Fault> {
        let mut members = Vec::new();
        self.at += 1;
        if self.takes(b'}') {
            return Ok(members);
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("expected a key in double quotes"));
            }
            let place = self.place();
            let key = self.string()?;
            if !self.takes(b':') {
                return Err(self.fault("expected `:`"));
            }
            let node = self.value(depth + 1)?;
            members.push(Member { place, key, node });
            if self.takes(b'}') {
                return Ok(members);
            }
            if !self.takes(b',') {
                return Err(self.fault("expected `,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        self.at += 1;
        if self.takes(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.takes(b']') {
                return Ok(items);
            }
            if !self.takes(b',') {
                return Err(self.fault("expected `,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                None => return Err(self.fault("a string without its closing quote")),
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(byte) if *byte < b' ' => {
                    self.at = end;
                    return Err(self.fault("a control character in a string"));
                }
                Some(_) => end += 1,
            }
        }
        let quoted = &self.text[start..=end];
        let text = if quoted.contains('\\') {
            serde_json::from_str(quoted)
                .map_err(|_| self.fault("a string with an escape that JSON does not have"))?
        } else {
            self.text[start + 1..end].to_owned()
        };
        self.at = end + 1;
        Ok(text)
    }

    fn number(&mut self) -> Result<String, Fault> {
        let rest = &self.text[self.at..];
        let inside = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let number: serde_json::Number =
            serde_json::from_str(&rest[..end]).map_err(|_| self.fault("not a number"))?;
        self.at += end;
        Ok(match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        })
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let words = [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
        ];
        for (word, value) in words {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.fault("expected a value"))
    }
}

/// A policy document among what a text holds.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) node: Node,
    /// Where it stands in the text's JSON, as a JSON Pointer (RFC 6901); empty where it is the whole.
    pub(crate) pointer: String,
    /// The place of the string that it was encoded in; its own places are then of the text in that string.
    pub(crate) encoded: Option<Place>,
}

/// The policy documents in `root`: one document, an array of documents, or a document in the wrapper in which the AWS
/// command line prints it (`{"PolicyVersion": {"Document": …}}`, `{"PolicyDocument": …}`, `{"Document": …}`; there the
/// document may be a string, percent-encoded as the API sends it, or not). What each holds is not looked at.
pub(crate) fn documents(root: Node) -> Result<Vec<Document>, Fault> {
    let place = root.place;
    let plain = |pointer, node| Document {
        node,
        pointer,
        encoded: None,
    };
    match root.value {
        Value::Array(items) if items.is_empty() => {
            Err(Fault::new(place, "the array holds no policy document"))
        }
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            Ok(items
                .map(|(at, node)| plain(format!("/{at}"), node))
                .collect())
        }
        Value::Object(members) if members.iter().any(|m| WRAPPERS.contains(&&*m.key)) => {
            Ok(vec![unwrap(place, members, "")?])
        }
        value => Ok(vec![plain(String::new(), Node { place, value })]),
    }
}

/// The keys under which the AWS command line prints a document.
const WRAPPERS: &[&str] = &["PolicyVersion", "PolicyDocument", "Document"];

/// The document in an object that holds one under one of [`WRAPPERS`], and anything else beside it.
fn unwrap(place: Place, members: Vec<Member>, pointer: &str) -> Result<Document, Fault> {
    let wraps = |member: &Member| WRAPPERS.contains(&&*member.key);
    let mut wrapped = members.into_iter().filter(wraps);
    let Some(Member { key, node, .. }) = wrapped.next() else {
        return Err(Fault::new(place, "expected an object with a `Document`"));
    };
    if let Some(second) = wrapped.next() {
        return Err(Fault::new(second.place, "more than one policy document"));
    }
    let pointer = format!("{pointer}/{key}");
    match (&*key, node.value) {
        ("PolicyVersion", Value::Object(members)) => unwrap(node.place, members, &pointer),
        (_, Value::String(text)) if key != "PolicyVersion" => decode(node.place, &text, pointer),
        (_, value) => Ok(Document {
            node: Node {
                place: node.place,
                value,
            },
            pointer,
            encoded: None,
        }),
    }
}

fn decode(place: Place, text: &str, pointer: String) -> Result<Document, Fault> {
    let decoded = if text.trim_start().starts_with('{') {
        text.to_owned()
    } else {
        percent_decode(text)
            .ok_or_else(|| Fault::new(place, "the document is not percent-encoded UTF-8"))?
    };
    let node = read(&decoded).map_err(|fault| within(place, &fault))?;
    Ok(Document {
        node,
        pointer,
        encoded: Some(place),
    })
}

/// `fault`, found in the text of the string at `place`.
pub(crate) fn within(place: Place, fault: &Fault) -> Fault {
    Fault::new(
        place,
        format!(
            "{} at {} of the encoded document",
            fault.reason, fault.place
        ),
    )
}

/// `%7B` → `{`. `None` where a `%` is not followed by two hexadecimal digits, or the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_DEPTH, Node, Value, read};

    fn fault(text: &str) -> String {
        let fault = read(text).unwrap_err();
        format!("{} at {}", fault.reason, fault.place)
    }

    #[test]
    fn places_are_lines_and_characters() {
        let root = read("{\n  \"é\": [\"ü\\n\", 1e1],\r\n\t\"b\": {}, \"b\": null}").unwrap();
        let members = root.members().unwrap();
        let places: Vec<_> = members
            .iter()
            .map(|m| (&*m.key, m.place.to_string(), m.node.place.to_string()))
            .collect();
        let at = |line, column| format!("line {line} column {column}");
        assert_eq!(
            places,
            [
                ("é", at(2, 3), at(2, 8)),
                ("b", at(3, 2), at(3, 7)),
                ("b", at(3, 11), at(3, 16)),
            ]
        );
        let items = members[0].node.items();
        assert_eq!(items[0].text(), Some("ü\n"));
        assert_eq!(items[1].place.to_string(), at(2, 16));
        assert!(matches!(&items[1].value, Value::Number(text) if text == "10"));
    }

    #[test]
    fn faults_name_their_place() {
        for (text, expected) in [
            (
                "",
                "the text ends where a value should be at line 1 column 1",
            ),
            ("{", "expected a key in double quotes at line 1 column 2"),
            (
                "{a: 1}",
                "expected a key in double quotes at line 1 column 2",
            ),
            ("{\"a\" 1}", "expected `:` at line 1 column 6"),
            ("[1,\n2 3]", "expected `,` or `]` at line 2 column 3"),
            (
                "{\"a\":1,}",
                "expected a key in double quotes at line 1 column 8",
            ),
            ("[1,]", "expected a value at line 1 column 4"),
            (
                "[] []",
                "the text goes on behind its end at line 1 column 4",
            ),
            (
                "[\"é\", \"a",
                "a string without its closing quote at line 1 column 7",
            ),
            (
                "\"a\tb\"",
                "a control character in a string at line 1 column 3",
            ),
            (
                "\"\\ud800\"",
                "a string with an escape that JSON does not have at line 1 column 1",
            ),
            ("01", "not a number at line 1 column 1"),
            ("nul", "expected a value at line 1 column 1"),
            ("// a\n1", "expected a value at line 1 column 1"),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
        let deep = "[".repeat(1_000_000);
        assert_eq!(
            fault(&deep),
            format!("nested too deeply at line 1 column {}", MAX_DEPTH + 2)
        );
    }

    /// The same value as serde_json's, which keeps the last of equal keys.
    fn plain(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(text) => text.parse::<f64>().unwrap().into(),
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Object(members) => members
                .iter()
                .map(|m| (m.key.clone(), plain(&m.node)))
                .collect(),
        }
    }

    /// With all numbers as floats, as `plain` has them: whether one is an integer shows in how it is written.
    fn floats(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Number(number) => number.as_f64().unwrap().into(),
            serde_json::Value::Array(items) => items.into_iter().map(floats).collect(),
            serde_json::Value::Object(members) => {
                let each = |(key, value)| (key, floats(value));
                members.into_iter().map(each).collect()
            }
            other => other,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Takes and refuses what serde_json does, and reads the same.
        #[test]
        fn it_agrees_with_serde_json(words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"", "\"a\"", "\"a\":", "\\", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\x",
                "é", "\u{1}", "\u{a0}", " ", "\n", "\t", "\u{b}", "0", "1", "-", "+", ".", "e", "1e5", "-0", "12", "1e400",
                "true", "false", "null", "nul", "//", "'",
            ]),
            0..12,
        )) {
            let text = words.concat();
            match (read(&text), serde_json::from_str::<serde_json::Value>(&text)) {
                (Ok(node), Ok(value)) => prop_assert_eq!(plain(&node), floats(value)),
                (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{text:?}: {ours:?} {theirs:?}"),
            }
        }
    }
}
