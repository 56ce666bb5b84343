//! Records in the shape that CloudTrail writes them in, taken apart without being parsed.
//!
//! A record is ordinary if it is an object without blanks, names its source and its name, has no member twice that is
//! looked at, no escape in a name or in a text that is looked at, and nothing else that would make more of it than an
//! event ([`crate::cloudtrail::find`] tells what can). Then its members are slices of the log, found in one pass. Any
//! other record is left to the parser. The rule that holds this together, and that is fuzzed: what is ordinary gives the
//! event that the parser gives, and the same end.

use simdutf8::basic::from_utf8;
use wide::{CmpEq, i8x16};

use crate::cloudtrail::clock::seconds;
use crate::cloudtrail::repeated::{IN_IDENTITIES, IN_TLS, Repeated};
use crate::cloudtrail::skip::{Text, scalar};
use crate::cloudtrail::split::{Envelope, MAX_VALUE};

/// A member of a record that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `eventID`
    EventId,
    /// `sharedEventID`
    SharedEventId,
    /// `eventTime`
    EventTime,
    /// `eventSource`
    EventSource,
    /// `eventName`
    EventName,
    /// `eventType`
    EventType,
    /// `eventCategory`
    EventCategory,
    /// `awsRegion`
    AwsRegion,
    /// `sourceIPAddress`
    SourceIpAddress,
    /// `vpcEndpointId`
    VpcEndpointId,
    /// `errorCode`
    ErrorCode,
    /// `errorMessage`
    ErrorMessage,
    /// `recipientAccountId`
    RecipientAccountId,
    /// `apiVersion`
    ApiVersion,
    /// `userIdentity`
    UserIdentity,
    /// `requestParameters`
    RequestParameters,
    /// `responseElements`
    ResponseElements,
    /// `additionalEventData`
    AdditionalEventData,
    /// `resources`
    Resources,
}

const FIELDS: usize = Field::Resources as usize + 1;

/// Values that are fewer bytes apart stand near one another: `managementEvent` fits in between, an id of 36 bytes with its name does not.
const NEAR: u32 = 48;

/// What a name means for the shape of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Field(Field),
    /// A member that nothing looks at.
    Nothing,
}

impl Meaning {
    /// `None` for a name that makes a record more than ordinary.
    fn of(name: &[u8]) -> Option<Self> {
        Some(Self::Field(match name {
            b"eventID" => Field::EventId,
            b"sharedEventID" => Field::SharedEventId,
            b"eventTime" => Field::EventTime,
            b"eventSource" => Field::EventSource,
            b"eventName" => Field::EventName,
            b"eventType" => Field::EventType,
            b"eventCategory" => Field::EventCategory,
            b"awsRegion" => Field::AwsRegion,
            b"sourceIPAddress" => Field::SourceIpAddress,
            b"vpcEndpointId" => Field::VpcEndpointId,
            b"errorCode" => Field::ErrorCode,
            b"errorMessage" => Field::ErrorMessage,
            b"recipientAccountId" => Field::RecipientAccountId,
            b"apiVersion" => Field::ApiVersion,
            b"userIdentity" => Field::UserIdentity,
            b"requestParameters" => Field::RequestParameters,
            b"responseElements" => Field::ResponseElements,
            b"additionalEventData" => Field::AdditionalEventData,
            b"resources" => Field::Resources,
            // They stand in for another field.
            b"@timestamp" | b"insightDetails" | b"summary" => return None,
            // It tells of another record.
            b"addendum" => return None,
            name if Envelope::of(name).is_some() => return None,
            _ => return Some(Self::Nothing),
        }))
    }
}

/// An ordinary record: its members as they stand in the log.
#[derive(Clone, Copy, Debug)]
pub struct Ordinary<'a> {
    text: &'a str,
    /// Where each member's value stands; an empty range where there is none.
    values: [(u32, u32); FIELDS],
    identity: Option<u64>,
    parameters: &'a [Member],
}

impl<'a> Ordinary<'a> {
    /// Where the members of `requestParameters` stand in its value; none where it is no object, or a name in it has escapes.
    #[must_use]
    pub fn parameters(&self) -> &'a [Member] {
        self.parameters
    }

    /// The number of the `userIdentity`: for as long as one [`Reader`](crate::cloudtrail::reader::Reader) reads, the same
    /// number means the same bytes. `None` where it is not remembered.
    #[must_use]
    pub fn identity(&self) -> Option<u64> {
        self.identity
    }

    /// The record's length.
    #[must_use]
    pub fn length(&self) -> usize {
        self.text.len()
    }

    /// A member's value in JSON, empty where the record has no such member.
    #[inline]
    #[must_use]
    pub fn raw(&self, field: Field) -> &'a [u8] {
        let (start, end) = self.values[field as usize];
        &self.text.as_bytes()[start as usize..end as usize]
    }

    /// Writes the values of `fields` into `out`, in JSON, so that they can be told from those of any other record. Those that stand near
    /// one another come in one line, with the names and what else is between them.
    ///
    /// A line ends with a line break, which no ordinary record holds. It begins with a value, and goes on if the next of `fields` is in
    /// it, under its name, which has no escapes and is there once: so lines can be read back. A field that is absent is an empty line, or
    /// two fields could be taken for one another.
    pub fn write(&self, fields: &[Field], out: &mut Vec<u8>) {
        let mut write = |start: u32, end: u32| {
            out.extend_from_slice(&self.text.as_bytes()[start as usize..end as usize]);
            out.push(b'\n');
        };
        let mut values = fields.iter().map(|field| self.values[*field as usize]);
        let (mut start, mut end) = values.next().unwrap_or_default();
        for (next, behind) in values {
            let is_near = end != 0 && (end..end + NEAR).contains(&next);
            if !is_near {
                write(start, end);
                start = next;
            }
            end = behind;
        }
        write(start, end);
    }

    /// A member's value in JSON.
    #[must_use]
    pub fn json(&self, field: Field) -> Option<&'a str> {
        let (start, end) = self.values[field as usize];
        (end != 0).then(|| &self.text[start as usize..end as usize])
    }

    /// A member's value where it is a string.
    #[inline]
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&'a str> {
        let (start, end) = self.values[field as usize];
        // What begins as a string is one.
        let is_string = self.text.as_bytes()[start as usize] == b'"';
        is_string.then(|| &self.text[start as usize + 1..end as usize - 1])
    }

    /// `eventTime` in seconds since 1970.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        self.text(Field::EventTime).and_then(seconds)
    }
}

/// Where a member of an object stands in its text.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    name: u32,
    colon: u32,
    end: u32,
    /// Whether the value is a string without escapes.
    pub is_plain: bool,
}

impl Member {
    /// Its name, without quotes.
    #[must_use]
    pub fn name(self, object: &[u8]) -> &[u8] {
        &object[self.name as usize + 1..self.colon as usize - 1]
    }

    /// Its name in JSON.
    #[must_use]
    pub fn quoted_name(self, object: &[u8]) -> &[u8] {
        &object[self.name as usize..self.colon as usize]
    }

    /// Its value in JSON.
    #[must_use]
    pub fn value(self, object: &[u8]) -> &[u8] {
        &object[self.colon as usize + 1..self.end as usize]
    }
}

/// Moves over the object at `start` and finds its members; none where a name has escapes.
fn members(text: &mut Text<'_>, start: usize, members: &mut Vec<Member>) -> Option<usize> {
    let bytes = text.bytes();
    if bytes.get(start + 1) == Some(&b'}') {
        return Some(start + 2);
    }
    let (mut at, mut plain) = (start, true);
    loop {
        let name = at + 1;
        if bytes.get(name) != Some(&b'"') {
            return None;
        }
        let (colon, escaped) = text.string(name + 1)?;
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        plain &= !escaped;
        let value = colon + 1;
        let is_plain;
        (at, is_plain) = match bytes.get(value)? {
            b'"' => text
                .string(value + 1)
                .map(|(end, escaped)| (end, !escaped))?,
            _ => (text.value(value)?, false),
        };
        let [name, colon, end] = [name, colon, at].map(|position| (position - start) as u32);
        members.push(Member {
            name,
            colon,
            end,
            is_plain,
        });
        match bytes.get(at)? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    if !plain {
        members.clear();
    }
    Some(at + 1)
}

/// Takes records apart. Remembers in which order members came, which rarely changes; that saves time only.
pub(super) struct Scanner {
    order: Vec<Name>,
    identities: Repeated,
    /// Objects that nothing looks at, `tlsDetails` above all.
    others: Repeated,
    /// Those of the last record's parameters.
    members: Vec<Member>,
    /// Takes no record for ordinary.
    pub(super) off: bool,
}

/// More names are not remembered than this; a record has some twenty.
const MAX_NAMES: usize = 64;

impl Default for Scanner {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            identities: Repeated::new(IN_IDENTITIES),
            others: Repeated::new(IN_TLS),
            members: Vec::new(),
            off: false,
        }
    }
}

impl Scanner {
    /// The record that `bytes` begin with, if it is ordinary.
    pub(super) fn scan<'a>(&'a mut self, bytes: &'a [u8]) -> Option<Ordinary<'a>> {
        if self.off {
            return None;
        }
        if bytes.first() != Some(&b'{') {
            return None;
        }
        self.members.clear();
        let mut text = Text::new(bytes);
        let mut values = [(0, 0); FIELDS];
        let (mut at, mut turn, mut identity) = (1, 0, None);
        // Positions beyond what 32 bits hold are beyond what a record may have, too.
        let end = loop {
            let (meaning, start) = self.name(&mut text, at, &mut turn)?;
            let (end, escaped) = match (bytes.get(start)?, meaning) {
                (b'"', _) => text.string(start + 1)?,
                (b'{', Meaning::Nothing) => (self.others.value(&mut text, start)?.0, false),
                (b'{', Meaning::Field(Field::UserIdentity)) => {
                    let (end, number) = self.identities.value(&mut text, start)?;
                    identity = number;
                    (end, false)
                }
                (b'{', Meaning::Field(Field::RequestParameters)) => {
                    (members(&mut text, start, &mut self.members)?, false)
                }
                (b'{' | b'[', _) => (text.value(start)?, false),
                _ => (scalar(bytes, start)?, false),
            };
            if let Meaning::Field(field) = meaning {
                let value = &mut values[field as usize];
                if escaped || value.1 != 0 {
                    return None;
                }
                *value = (start as u32, end as u32);
            }
            match bytes.get(end)? {
                b',' => at = end + 1,
                b'}' => break end + 1,
                _ => return None,
            }
        };
        let text = bytes.get(..end).filter(|_| end <= MAX_VALUE)?;
        let record = Ordinary {
            text: from_utf8(text).ok()?,
            values,
            identity,
            parameters: &self.members,
        };
        record.is_event().then_some(record)
    }

    /// What the name at `at` means, and where its value begins.
    #[inline]
    fn name(
        &mut self,
        text: &mut Text<'_>,
        at: usize,
        turn: &mut usize,
    ) -> Option<(Meaning, usize)> {
        if let Some(ahead) = text.bytes().get(at..)?.first_chunk().map(halves) {
            let expected = self.order.get(*turn..)?.iter();
            for (passed, name) in expected.enumerate() {
                if name.begins(ahead) {
                    *turn += passed + 1;
                    return Some((name.meaning, at + name.length));
                }
            }
        }
        self.new_name(text, at, turn)
    }

    /// As [`Self::name`], for a name that is not known, or not expected.
    #[cold]
    fn new_name(
        &mut self,
        text: &mut Text<'_>,
        at: usize,
        turn: &mut usize,
    ) -> Option<(Meaning, usize)> {
        let bytes = text.bytes();
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let (end, escaped) = text.string(at + 1)?;
        if escaped || bytes.get(end) != Some(&b':') {
            return None;
        }
        let meaning = Meaning::of(&bytes[at + 1..end - 1])?;
        if self.order.len() == MAX_NAMES {
            self.order.clear();
            *turn = 0;
        }
        if let Some(name) = Name::new(&bytes[at..=end], meaning) {
            self.order.insert(*turn, name);
            *turn += 1;
        }
        Some((meaning, end + 1))
    }
}

/// A name as it stands in a record, from its quote to its colon.
struct Name {
    /// Its bytes, and which they are.
    text: [i8x16; 2],
    mask: [i8x16; 2],
    length: usize,
    meaning: Meaning,
}

/// Longer names are not remembered.
const MAX_NAME: usize = 32;

fn halves(bytes: &[u8; MAX_NAME]) -> [i8x16; 2] {
    let (halves, _) = bytes.as_chunks::<16>();
    [halves[0], halves[1]].map(|half| i8x16::new(half.map(u8::cast_signed)))
}

impl Name {
    fn new(text: &[u8], meaning: Meaning) -> Option<Self> {
        let (mut bytes, mut mask) = ([0; MAX_NAME], [0; MAX_NAME]);
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        mask[..text.len()].fill(0xff);
        Some(Self {
            text: halves(&bytes),
            mask: halves(&mask),
            length: text.len(),
            meaning,
        })
    }

    /// Whether what is `ahead` begins with this name. Compared in place, which takes less than a call.
    #[inline]
    fn begins(&self, ahead: [i8x16; 2]) -> bool {
        let differs = |at: usize| (ahead[at] ^ self.text[at]) & self.mask[at];
        let differs = differs(0) | differs(1);
        differs.cmp_eq(i8x16::splat(0)).all()
    }
}

impl Ordinary<'_> {
    /// Whether the record is an event and nothing else: it names its source and its name, is no notification of a service
    /// and no Insight.
    fn is_event(&self) -> bool {
        let [source, name, kind] =
            [Field::EventSource, Field::EventName, Field::EventType].map(|field| self.raw(field));
        source.starts_with(b"\"")
            && !source.starts_with(b"\"aws:")
            && name.starts_with(b"\"")
            && !kind.eq_ignore_ascii_case(b"\"AwsCloudTrailInsight\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Field, Scanner};
    use crate::cloudtrail::reader::compare;
    use crate::cloudtrail::reader::tests::record;

    /// Records of many kinds, as a delivery file has them.
    const RECORDS: [&str; 6] = [
        r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::111122223333:assumed-role/r/s","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA","arn":"arn:aws:iam::111122223333:role/p/r","accountId":"111122223333","userName":"r"},"attributes":{"creationDate":"2026-03-01T09:00:00Z","mfaAuthenticated":"false"}},"invokedBy":"cloudformation.amazonaws.com"},"eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"10.0.0.1","userAgent":"[a \"b\" \u00e9]","requestParameters":{"bucketName":"b","key":"k\/\u0041"},"responseElements":null,"additionalEventData":{"bytes":0,"share":1.5,"x":"y="},"requestID":"R","eventID":"e1","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"accountId":"1","ARN":"arn:aws:s3:::b"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","sharedEventID":"s1","eventCategory":"Data","vpcEndpointId":"vpce-1","tlsDetails":{"tlsVersion":"TLSv1.3"}}"#,
        r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/eve"},"eventTime":"2026-03-01T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"GetUser","errorCode":"AccessDenied","errorMessage":"User é is not authorized","requestParameters":{"list":[1,-2,[],{},[[]],{"a":[{"b":null}]}]},"eventID":"e2","apiVersion":"2010-05-08"}"#,
        r#"{"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":null,"eventTime":"yesterday","resources":"x","errorCode":"","awsRegion":7}"#,
        r#"{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventVersion":"2.0","s3":{}}"#,
        r#"{"eventSource":"s","eventName":"n","eventType":"AwsCloudTrailInsight","eventID":"e4","insightDetails":{"eventName":"x"}}"#,
        r#"{"eventSource":"s","eventName":"n","Events":[{"eventSource":"t","eventName":"m"}],"@timestamp":"2026-03-01T10:00:00Z"}"#,
    ];

    #[test]
    fn the_members_are_those_of_the_record() {
        let mut scanner = Scanner::default();
        for _ in 0..2 {
            let text = format!("{},{{", RECORDS[0]);
            let record = scanner.scan(text.as_bytes()).unwrap();
            assert_eq!(record.length(), RECORDS[0].len());
            assert_eq!(record.text(Field::EventName), Some("GetObject"));
            assert_eq!(record.raw(Field::ResponseElements), b"null");
            assert_eq!(record.text(Field::ResponseElements), None);
            let raw = record.raw(Field::RequestParameters);
            let [bucket, key] = [0, 1].map(|at| record.parameters()[at]);
            assert_eq!(record.parameters().len(), 2);
            assert_eq!(
                (bucket.name(raw), key.name(raw)),
                (&b"bucketName"[..], &b"key"[..])
            );
            assert_eq!(
                (bucket.value(raw), key.value(raw)),
                (&b"\"b\""[..], &br#""k\/\u0041""#[..])
            );
            assert_eq!(record.raw(Field::ErrorCode), b"");
            let identity = record.raw(Field::UserIdentity);
            assert!(
                identity.starts_with(br#"{"type""#) && identity.ends_with(br#"on.amazonaws.com"}"#)
            );
        }
        let one = scanner.scan(RECORDS[1].as_bytes()).unwrap();
        assert_eq!(one.parameters().len(), 1);
        assert!(scanner.scan(RECORDS[2].as_bytes()).is_some());
        for (number, text) in RECORDS.iter().enumerate().skip(3) {
            assert!(scanner.scan(text.as_bytes()).is_none(), "{number}");
        }
    }

    #[test]
    fn members_are_told_where_names_have_no_escapes() {
        let mut scanner = Scanner::default();
        for (parameters, count) in [
            (r#"{"a":1,"b":{"c":[]},"d":"\n"}"#, 3),
            (r#"{"a":1,"\n":2}"#, 0),
            ("{}", 0),
            ("null", 0),
            (r#"[{"a":1}]"#, 0),
            (r#""a""#, 0),
        ] {
            let text = format!(
                r#"{{"requestParameters":{parameters},"eventSource":"s","eventName":"n"}}"#
            );
            let record = scanner.scan(text.as_bytes()).unwrap();
            assert_eq!(record.parameters().len(), count, "{parameters}");
        }
        let none = r#"{"eventSource":"s","eventName":"n"}"#;
        assert!(
            scanner
                .scan(none.as_bytes())
                .unwrap()
                .parameters()
                .is_empty()
        );
        for odd in [
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{"a":1]"#,
            r#"{1:1}"#,
            r#"{"a":1"#,
            "{",
        ] {
            let text =
                format!(r#"{{"eventSource":"s","eventName":"n","requestParameters":{odd}}}"#);
            assert!(scanner.scan(text.as_bytes()).is_none(), "{odd}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_parser() {
        let with = |field: &str| format!(r#"{{"eventSource":"s","eventName":"n",{field}}}"#);
        let mut scanner = Scanner::default();
        let deep = |depth: usize| format!(r#""x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
        for plain in [
            r#""x":"\n\"""#,
            r#""x":0"#,
            r#""x":-1.25"#,
            r#""x":"é""#,
            &deep(62),
            r#""x":1,"x":2"#,
        ] {
            assert!(scanner.scan(with(plain).as_bytes()).is_some(), "{plain}");
        }
        for odd in [
            r#""x": 1"#,
            r#""x":01"#,
            r#""x":-0"#,
            r#""x":1e5"#,
            r#""x":1."#,
            r#""x":1234567890123456"#,
            r#""x":nul"#,
            r#""x":truex"#,
            r#""x":"\q""#,
            r#""x":"\ud800""#,
            r#""x":"\u12""#,
            "\"x\":\"\t\"",
            r#""\u0078":1"#,
            r#""x":[1,]"#,
            r#""x":{"a"}"#,
            r#""x":{1:2}"#,
            r#""x":[}"#,
            r#""errorMessage":"\n""#,
            r#""eventID":"a","eventID":"b""#,
            &deep(63),
        ] {
            assert!(scanner.scan(with(odd).as_bytes()).is_none(), "{odd}");
            compare(format!(r#"{{"Records":[{}]}}"#, with(odd)).as_bytes());
        }
        let mut broken = with(r#""x":"?""#).into_bytes();
        let at = broken.iter().position(|&byte| byte == b'?').unwrap();
        broken[at] = 0xff;
        assert!(scanner.scan(&broken).is_none());
    }

    const NAMES: [&str; 6] = [
        "errorCode",
        "errorMessage",
        "eventType",
        "awsRegion",
        "x",
        "y",
    ];

    const VALUES: [&str; 8] = [
        r#"{"errorCode":"a"}"#,
        r#"{"x":1,"awsRegion":"b"}"#,
        r#""a""#,
        r#""b""#,
        "1",
        "{}",
        r#"["a"]"#,
        r#""long enough that what is behind it is far away""#,
    ];

    /// Some members of a record in some order, each with one of a few values.
    fn some_members() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
        let values = prop::collection::vec(prop::sample::select(VALUES.to_vec()), NAMES.len());
        let names = Just(NAMES.to_vec()).prop_shuffle();
        (values, names, 1..=6usize)
            .prop_map(|(values, names, count)| names.into_iter().zip(values).take(count).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// What is written of members tells their values, in whatever order and how far apart they stand.
        #[test]
        fn what_is_written_tells_the_values(
            members in some_members(),
            changed in any::<prop::sample::Index>(),
            value in prop::sample::select(VALUES.to_vec()),
            swapped in any::<[prop::sample::Index; 2]>(),
            renamed in prop::option::of(prop::sample::select(NAMES.to_vec())),
        ) {
            let fields = [Field::AwsRegion, Field::ErrorCode, Field::EventType, Field::ErrorMessage];
            let mut others = members.clone();
            others[changed.index(members.len())].1 = value;
            let [one, other] = swapped.map(|index| index.index(members.len()));
            others.swap(one, other);
            if let Some(name) = renamed {
                others.retain(|(other, _)| *other != name);
                if let Some((first, _)) = others.first_mut() {
                    *first = name;
                }
            }
            let [one, other] = [members, others].map(|members| {
                let members = members.iter().map(|(name, value)| format!(r#","{name}":{value}"#));
                let members: String = members.collect();
                let text = format!(r#"{{"eventSource":"s","eventName":"n"{members}}}"#);
                let mut scanner = Scanner::default();
                let record = scanner.scan(text.as_bytes()).unwrap();
                let mut written = Vec::new();
                record.write(&fields, &mut written);
                (written, fields.map(|field| record.raw(field).to_vec()))
            });
            prop_assert!(one.0 != other.0 || one.1 == other.1);
        }
    }

    /// A change to a text: what is put in the place of how many bytes where.
    fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3),
            "[{}\\[\\]\":,\\\\ 0-9eE.+tfn\n-]{0,3}".prop_map(String::into_bytes),
            prop::sample::select(vec![
                "\\u0041",
                "\\ud83d\\ude00",
                "\\ud83d",
                "null",
                "true",
                "1e400",
                "-0",
                "0.5",
                "\"eventName\":\"x\",",
                "é",
                "{}",
                "[]",
                "\"eventSource\":\"aws:sqs\",",
                "\"EventSource\":\"aws:s3\",",
                "\"Records\":[",
                "\"CloudTrailEvent\":\"{}\",",
            ])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        ];
        (any::<prop::sample::Index>(), 0usize..4, piece)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// The same events or the same refusal, whatever is done to the records.
        #[test]
        fn what_is_ordinary_is_what_the_parser_reads(
            chosen in prop::collection::vec(0usize..7, 1..4),
            changes in prop::collection::vec(change(), 0..4),
            between in prop::sample::select(vec![",", "\n", "", " , "]),
            envelope in any::<bool>(),
        ) {
            let records: Vec<String> = chosen.iter().map(|&n| match RECORDS.get(n) {
                Some(text) => (*text).to_owned(),
                None => record("A"),
            }).collect();
            let text = records.join(between);
            let mut bytes = if envelope { format!(r#"{{"Records":[{text}]}}"#) } else { text }.into_bytes();
            for (at, length, piece) in changes {
                let at = at.index(bytes.len() + 1);
                let end = (at + length).min(bytes.len());
                bytes.splice(at..end, piece);
            }
            compare(&bytes);
        }
    }
}
