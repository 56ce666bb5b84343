//! One CloudTrail record, borrowed from the bytes it was read from.
//!
//! Field names and their meaning: "CloudTrail record contents" in the AWS CloudTrail User Guide.

use memchr::memmem;
use simd_json::prelude::*;
use simd_json::tape::Object;

use crate::cloudtrail::aggregated::{Aggregated, Summary};
use crate::cloudtrail::clock::seconds;
use crate::cloudtrail::ordinary::{Field, Ordinary};
use crate::cloudtrail::user_identity::UserIdentity;

/// A JSON value that has not been copied out of the record.
pub type Json<'t, 'a> = simd_json::tape::Value<'t, 'a>;

/// The fields of a record that trailfit looks at. A field that is absent, null or of the wrong type is `None`, so that
/// a record with a few odd fields still counts.
#[derive(Clone, Debug, Default)]
pub struct Event<'t, 'a> {
    /// `eventID`
    pub event_id: Option<&'a str>,
    /// `sharedEventID`: the same for the copies that a call across accounts leaves in both.
    pub shared_event_id: Option<&'a str>,
    /// `eventTime`, or `@timestamp` where only that is there; in seconds since 1970 (UTC).
    pub event_time: Option<i64>,
    /// `eventSource`: `s3.amazonaws.com`
    pub event_source: Option<&'a str>,
    /// `eventName`
    pub event_name: Option<&'a str>,
    /// `eventType`: `AwsApiCall`, `AwsServiceEvent`, …
    pub event_type: Option<&'a str>,
    /// `eventCategory`: `Management`, `Data`, `NetworkActivity`, `Insight`
    pub event_category: Option<&'a str>,
    /// `awsRegion`
    pub aws_region: Option<&'a str>,
    /// `sourceIPAddress`
    pub source_ip_address: Option<&'a str>,
    /// `vpcEndpointId`
    pub vpc_endpoint_id: Option<&'a str>,
    /// `errorCode`; an empty string counts as absent.
    pub error_code: Option<&'a str>,
    /// `errorMessage`; an empty string counts as absent.
    pub error_message: Option<&'a str>,
    /// `recipientAccountId`
    pub recipient_account_id: Option<&'a str>,
    /// `userIdentity`
    pub user_identity: UserIdentity<'a>,
    /// `requestParameters`: an object, or what the record has in its place (null counts as absent).
    pub request_parameters: Option<Json<'t, 'a>>,
    /// `responseElements`
    pub response_elements: Option<Json<'t, 'a>>,
    /// `resources[]`, only its elements that are objects with an ARN (`ARN` or `arn`).
    pub resources: Vec<Resource<'a>>,
    /// `addendum.reason`: why the record came late or again.
    pub addendum: Option<&'a str>,
    /// `addendum.originalEventID`: of a record that repeats another one with corrected fields, that one's `eventID`.
    pub original_event_id: Option<&'a str>,
    /// `summary`, of a record that sums calls up (`AwsAggregatedEvent`) and is none.
    pub summary: Option<Summary<'a>>,
    /// All of the record, for fields that few look at; `None` where only parts of it were parsed.
    pub whole: Option<Json<'t, 'a>>,
}

impl<'t, 'a> Event<'t, 'a> {
    /// The id of the event that the record tells of: of a correction, that of the record it corrects.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        self.original_event_id.or(self.event_id)
    }

    /// Reads `value` as a record; `None` where it does not look like one.
    ///
    /// It looks like one if it names both `eventSource` and `eventName`, or any three of the fields that every record
    /// has (so that a record of nulls, or an Insight without a source, still counts). A field of the wrong type is
    /// `None`. Of a name that is there twice the last value counts, as in most JSON readers.
    ///
    /// Names in another letter case (`eventsource`, as Athena and Lake columns have them) are understood where
    /// `userIdentity` or `eventVersion` stands beside the source and the name. A `LookupEvents` item has an
    /// `EventSource` and an `EventName` too, but is only the wrapper of the record in its `CloudTrailEvent`.
    pub fn from_value(value: Json<'t, 'a>) -> Option<Self> {
        let object = value.as_object()?;
        let (mut event, mut seen) = Self::read(&object, false);
        if !seen.is_record() {
            (event, seen) = Self::read(&object, true);
            let wrapper = object.get("CloudTrailEvent").is_some();
            if !seen.source || !seen.name || !seen.version_or_identity || wrapper {
                return None;
            }
        }
        event.whole = Some(value);
        Some(event)
    }

    /// Reads an ordinary record, but for what stands in its [`Self::PARTS`].
    pub(super) fn from_ordinary(record: &Ordinary<'a>) -> Self {
        let filled = |field| record.text(field).filter(|text| !text.is_empty());
        Self {
            event_id: record.text(Field::EventId),
            shared_event_id: record.text(Field::SharedEventId),
            event_time: record.time(),
            event_source: record.text(Field::EventSource),
            event_name: record.text(Field::EventName),
            event_type: record.text(Field::EventType),
            event_category: record.text(Field::EventCategory),
            aws_region: record.text(Field::AwsRegion),
            source_ip_address: record.text(Field::SourceIpAddress),
            vpc_endpoint_id: record.text(Field::VpcEndpointId),
            error_code: filled(Field::ErrorCode),
            error_message: filled(Field::ErrorMessage),
            recipient_account_id: record.text(Field::RecipientAccountId),
            ..Self::default()
        }
    }

    /// Reads one of the [`Self::PARTS`].
    pub(super) fn read_part(&mut self, field: Field, value: Json<'t, 'a>) {
        match field {
            Field::UserIdentity => self.user_identity = UserIdentity::from_value(value, false),
            Field::RequestParameters => self.request_parameters = present(value),
            Field::ResponseElements => self.response_elements = present(value),
            _ => self.resources = resources(value),
        }
    }

    /// The fields that hold more than a text.
    pub const PARTS: [Field; 4] = [
        Field::UserIdentity,
        Field::RequestParameters,
        Field::ResponseElements,
        Field::Resources,
    ];

    /// All that the event holds.
    #[cfg(any(test, fuzzing))]
    pub(super) fn to_text(&self) -> String {
        let part = |part: Option<Json<'_, '_>>| part.map(|part| part.encode());
        let parts = (part(self.request_parameters), part(self.response_elements));
        let rest = Event {
            request_parameters: None,
            response_elements: None,
            whole: None,
            ..self.clone()
        };
        format!("{rest:?} {parts:?}")
    }

    /// Reads the fields of `object`, with the letter case of its names as it is or `folded` to the usual one.
    fn read(object: &Object<'t, 'a>, folded: bool) -> (Self, Seen) {
        let mut event = Self::default();
        let mut seen = Seen::default();
        let mut insight = false;
        let mut timestamp = None;
        let mut aggregated = Aggregated::default();
        for (name, value) in object {
            seen.note(canonical(name, folded));
            match canonical(name, folded) {
                "eventID" => event.event_id = text(value),
                "sharedEventID" => event.shared_event_id = text(value),
                "eventTime" => event.event_time = text(value).and_then(seconds),
                "@timestamp" => timestamp = text(value).and_then(seconds),
                "eventSource" => event.event_source = text(value),
                "eventName" => event.event_name = text(value),
                "eventType" => event.event_type = text(value),
                "eventCategory" => event.event_category = text(value),
                "awsRegion" => event.aws_region = text(value),
                "sourceIPAddress" => event.source_ip_address = text(value),
                "vpcEndpointId" => event.vpc_endpoint_id = text(value),
                "errorCode" => event.error_code = text(value).filter(|code| !code.is_empty()),
                "errorMessage" => {
                    event.error_message = text(value).filter(|message| !message.is_empty())
                }
                "recipientAccountId" => event.recipient_account_id = text(value),
                "userIdentity" => event.user_identity = UserIdentity::from_value(value, folded),
                "requestParameters" => event.request_parameters = present(value),
                "responseElements" => event.response_elements = present(value),
                "resources" => event.resources = resources(value),
                "insightDetails" => insight = true,
                "addendum" => event.read_addendum(value, folded),
                _ => aggregated.read(name, value),
            }
        }
        event.event_time = event.event_time.or(timestamp);
        if event.event_type == Some("AwsAggregatedEvent") && aggregated.summary.is_some() {
            event.event_id = event.event_id.or(aggregated.event_id);
            event.recipient_account_id = event.recipient_account_id.or(aggregated.account_id);
            event.event_time = event.event_time.or(aggregated.start);
            event.summary = aggregated.summary;
        }
        insight |= event
            .event_type
            .is_some_and(|kind| kind.eq_ignore_ascii_case("AwsCloudTrailInsight"));
        if insight && event.event_category.is_none() {
            event.event_category = Some("Insight");
        }
        (event, seen)
    }
}

impl<'a> Event<'_, 'a> {
    /// Source: CloudTrail User Guide, "CloudTrail record contents", `addendum`: only `UPDATED_DATA` names another record.
    fn read_addendum(&mut self, value: Json<'_, 'a>, folded: bool) {
        let Some(addendum) = value.as_object() else {
            return;
        };
        let mut original = None;
        for (name, value) in &addendum {
            match canonical(name, folded) {
                "reason" => self.addendum = text(value),
                "originalEventID" => original = text(value).filter(|id| !id.is_empty()),
                _ => {}
            }
        }
        self.original_event_id = original.filter(|_| self.addendum == Some("UPDATED_DATA"));
    }
}

/// Which names of a record's fields an object has.
#[derive(Default)]
struct Seen {
    source: bool,
    name: bool,
    version_or_identity: bool,
    count: u32,
}

impl Seen {
    fn note(&mut self, name: &str) {
        match name {
            "eventSource" => self.source = true,
            "eventName" => self.name = true,
            "eventVersion" | "userIdentity" => self.version_or_identity = true,
            "eventID" | "sharedEventID" | "eventTime" | "eventType" | "eventCategory"
            | "awsRegion" | "sourceIPAddress" | "recipientAccountId" | "requestParameters"
            | "responseElements" => {}
            _ => return,
        }
        self.count += 1;
    }

    fn is_record(&self) -> bool {
        (self.source && self.name) || self.count >= 3
    }
}

/// Every name that is looked for in a record, as CloudTrail spells it.
const NAMES: [&str; 39] = [
    "eventID",
    "sharedEventID",
    "eventTime",
    "eventSource",
    "eventName",
    "eventType",
    "eventCategory",
    "eventVersion",
    "awsRegion",
    "sourceIPAddress",
    "vpcEndpointId",
    "errorCode",
    "errorMessage",
    "recipientAccountId",
    "apiVersion",
    "userIdentity",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "resources",
    "insightDetails",
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "identityProvider",
    "sessionContext",
    "sessionIssuer",
    "attributes",
    "mfaAuthenticated",
    "onBehalfOf",
    "userId",
    "@timestamp",
    "addendum",
    "reason",
    "originalEventID",
];

/// Whether `bytes` name a field that records have: what tells a broken record from the debris of one, and from other JSON.
pub(super) fn names_a_record(bytes: &[u8]) -> bool {
    let names: [&[u8]; 3] = [b"eventSource", b"eventVersion", b"userIdentity"];
    names.iter().any(|name| memmem::find(bytes, name).is_some())
}

/// Whether `bytes` name a field that only a record's own object has, not an object in it.
pub(super) fn names_a_whole_record(bytes: &[u8]) -> bool {
    let names: [&[u8]; 2] = [b"\"eventVersion", b"\"userIdentity"];
    names.iter().any(|name| memmem::find(bytes, name).is_some())
}

/// The usual spelling of `name` where it is `folded`, or `name` itself.
pub(super) fn canonical(name: &str, folded: bool) -> &str {
    if !folded {
        return name;
    }
    NAMES
        .iter()
        .find(|usual| usual.eq_ignore_ascii_case(name))
        .copied()
        .unwrap_or(name)
}

fn text<'a>(value: Json<'_, 'a>) -> Option<&'a str> {
    value.into_string()
}

/// Null counts as absent.
fn present<'t, 'a>(value: Json<'t, 'a>) -> Option<Json<'t, 'a>> {
    (!value.is_null()).then_some(value)
}

fn resources<'a>(value: Json<'_, 'a>) -> Vec<Resource<'a>> {
    let Some(elements) = value.as_array() else {
        return Vec::new();
    };
    let mut resources = Vec::with_capacity(elements.len());
    for element in &elements {
        let Some(object) = element.as_object() else {
            continue;
        };
        let (mut arn, mut kind) = (None, None);
        for (name, value) in &object {
            match name {
                "ARN" | "arn" | "Arn" => arn = text(value).or(arn),
                "type" => kind = text(value),
                _ => {}
            }
        }
        resources.extend(arn.map(|arn| Resource { arn, kind }));
    }
    resources
}

/// One element of `resources[]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// `ARN`
    pub arn: &'a str,
    /// `type`: `AWS::S3::Object`
    pub kind: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use simd_json::prelude::*;

    use super::{Event, NAMES, Resource, Summary, UserIdentity};

    /// Reads `json` as a record and gives it to `check`.
    fn with_event<T>(json: &str, check: impl FnOnce(Option<Event<'_, '_>>) -> T) -> T {
        let mut bytes = json.as_bytes().to_vec();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        check(Event::from_value(tape.as_value()))
    }

    #[test]
    fn every_field_is_read() {
        let json = r#"{
            "eventVersion": "1.08", "eventID": "id", "sharedEventID": "shared", "eventTime": "2026-03-01T10:00:00Z",
            "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventType": "AwsApiCall", "eventCategory": "Data",
            "awsRegion": "eu-west-1", "sourceIPAddress": "10.0.0.1", "vpcEndpointId": "vpce-1", "errorCode": "AccessDenied",
            "errorMessage": "Acc\u00e8s refus\u00e9", "recipientAccountId": "111122223333", "apiVersion": "2006-03-01",
            "requestParameters": {"bucketName": "b"}, "responseElements": {"x": 1}, "additionalEventData": {"y": 2},
            "resources": [{"ARN": "arn:1", "type": "AWS::S3::Object"}, {"arn": "arn:2"}, {"ARNPrefix": "arn:3/"}, "arn:4", null],
            "userIdentity": {
                "type": "AssumedRole", "principalId": "AROA:s", "arn": "arn:aws:sts::1:assumed-role/r/s", "accountId": "1",
                "accessKeyId": "ASIA", "userName": "u", "invokedBy": "cloudformation.amazonaws.com", "identityProvider": "idp",
                "onBehalfOf": {"userId": "user", "identityStoreArn": "arn:5"},
                "sessionContext": {
                    "sessionIssuer": {"type": "Role", "arn": "arn:6", "accountId": "2", "userName": "r"},
                    "attributes": {"mfaAuthenticated": "true", "creationDate": "x"}
                }
            }
        }"#;
        with_event(json, |event| {
            let event = event.unwrap();
            assert_eq!(event.event_id, Some("id"));
            assert_eq!(event.shared_event_id, Some("shared"));
            assert_eq!(event.event_time, Some(1_772_359_200));
            assert_eq!(event.event_source, Some("s3.amazonaws.com"));
            assert_eq!(event.event_name, Some("GetObject"));
            assert_eq!(event.event_type, Some("AwsApiCall"));
            assert_eq!(event.event_category, Some("Data"));
            assert_eq!(event.aws_region, Some("eu-west-1"));
            assert_eq!(event.source_ip_address, Some("10.0.0.1"));
            assert_eq!(event.vpc_endpoint_id, Some("vpce-1"));
            assert_eq!(event.error_code, Some("AccessDenied"));
            assert_eq!(event.error_message, Some("Accès refusé"));
            assert_eq!(event.recipient_account_id, Some("111122223333"));
            assert_eq!(
                event
                    .request_parameters
                    .unwrap()
                    .get("bucketName")
                    .unwrap()
                    .into_string(),
                Some("b")
            );
            assert_eq!(
                event.response_elements.unwrap().get("x").unwrap().as_u64(),
                Some(1)
            );
            let resources = [("arn:1", Some("AWS::S3::Object")), ("arn:2", None)];
            assert_eq!(
                event.resources,
                resources.map(|(arn, kind)| Resource { arn, kind })
            );
            let identity = UserIdentity {
                kind: Some("AssumedRole"),
                principal_id: Some("AROA:s"),
                arn: Some("arn:aws:sts::1:assumed-role/r/s"),
                account_id: Some("1"),
                access_key_id: Some("ASIA"),
                user_name: Some("u"),
                invoked_by: Some("cloudformation.amazonaws.com"),
                identity_provider: Some("idp"),
                issuer_kind: Some("Role"),
                issuer_arn: Some("arn:6"),
                issuer_account_id: Some("2"),
                issuer_user_name: Some("r"),
                mfa_authenticated: Some(true),
                on_behalf_of_user: Some("user"),
            };
            assert_eq!(event.user_identity, identity);
        });
    }

    #[test]
    fn a_field_of_the_wrong_type_is_absent() {
        let names = NAMES
            .iter()
            .filter(|name| !["eventSource", "eventName"].contains(name));
        for wrong in [
            "null",
            "1",
            "true",
            "[]",
            "{}",
            "[{}]",
            "[null]",
            r#"{"arn":[]}"#,
            r#""""#,
        ] {
            let fields: String = names
                .clone()
                .map(|name| format!(r#","{name}":{wrong}"#))
                .collect();
            let json = format!(r#"{{"eventSource":"s","eventName":"n"{fields}}}"#);
            with_event(&json, |event| {
                let event = event.unwrap();
                assert_eq!(
                    (event.event_source, event.event_name),
                    (Some("s"), Some("n")),
                    "{wrong}"
                );
                assert_eq!(
                    (event.event_time, event.error_code, event.error_message),
                    (None, None, None),
                    "{wrong}"
                );
                assert_eq!(event.user_identity, UserIdentity::default(), "{wrong}");
                assert!(event.resources.is_empty(), "{wrong}");
                assert_eq!(
                    event.request_parameters.is_none(),
                    wrong == "null",
                    "{wrong}"
                );
            });
        }
    }

    #[test]
    fn a_correction_is_of_the_event_that_it_corrects() {
        for (addendum, reason, id) in [
            (
                r#"{"reason":"UPDATED_DATA","originalEventID":"a","updatedFields":"x"}"#,
                Some("UPDATED_DATA"),
                "a",
            ),
            (
                r#"{"originalEventID":"a","reason":"UPDATED_DATA"}"#,
                Some("UPDATED_DATA"),
                "a",
            ),
            (r#"{"reason":"UPDATED_DATA"}"#, Some("UPDATED_DATA"), "b"),
            (
                r#"{"reason":"UPDATED_DATA","originalEventID":""}"#,
                Some("UPDATED_DATA"),
                "b",
            ),
            (
                r#"{"reason":"DELIVERY_DELAY","originalEventID":"a"}"#,
                Some("DELIVERY_DELAY"),
                "b",
            ),
            (r#"{"originalEventID":"a"}"#, None, "b"),
            ("7", None, "b"),
        ] {
            let json = format!(
                r#"{{"eventSource":"s","eventName":"n","eventID":"b","addendum":{addendum}}}"#
            );
            with_event(&json, |event| {
                let event = event.unwrap();
                assert_eq!(
                    (event.addendum, event.id()),
                    (reason, Some(id)),
                    "{addendum}"
                );
                assert_eq!(event.event_id, Some("b"));
            });
        }
    }

    /// The shape of AWS's example in "Aggregating data events".
    #[test]
    fn a_summary_tells_how_many_calls_it_sums_up() {
        let json = r#"{"eventVersion":"1.0","accountId":"111122223333","eventId":"id","eventCategory":"Aggregated",
            "eventType":"AwsAggregatedEvent","awsRegion":"us-west-2","eventSource":"s3.amazonaws.com",
            "timeWindow":{"windowStart":"2026-03-01T10:00:00Z","windowEnd":"2026-03-01T10:05:00Z","windowSize":"PT5M"},
            "summary":{"primaryDimension":{"dimension":"eventName","aggregationType":"Count",
                "statistics":[{"name":"PutObject","value":7},{"name":"GetObject","value":5},{"name":"x"},{"value":-1},null]},
            "details":[{"dimension":"resourceARN","statistics":[{"name":"arn:aws:s3:::b","value":12}]}]}}"#;
        with_event(json, |event| {
            let event = event.unwrap();
            let summary = Summary {
                dimension: "eventName",
                calls: 12,
            };
            assert_eq!(event.summary, Some(summary));
            assert_eq!(
                (event.event_id, event.event_time),
                (Some("id"), Some(1_772_359_200))
            );
            assert_eq!(event.recipient_account_id, Some("111122223333"));
        });
        with_event(&json.replace("AwsAggregatedEvent", "AwsApiCall"), |event| {
            let event = event.unwrap();
            assert_eq!(
                (event.summary, event.event_id, event.event_time),
                (None, None, None)
            );
        });
        with_event(&json.replace("primaryDimension", "other"), |event| {
            assert_eq!(event.unwrap().summary, None);
        });
    }

    #[test]
    fn what_looks_like_a_record() {
        let table = [
            (r#"{"eventSource":"s","eventName":"n"}"#, true),
            (r#"{"eventSource":null,"eventName":null}"#, true),
            (
                r#"{"eventVersion":"1.1","userIdentity":null,"eventTime":null}"#,
                true,
            ),
            (
                r#"{"eventVersion":"1.08","eventType":"AwsCloudTrailInsight","eventID":"x"}"#,
                true,
            ),
            (
                r#"{"eventsource":"s","eventname":"n","useridentity":"x"}"#,
                true,
            ),
            (
                r#"{"EVENTSOURCE":"s","EVENTNAME":"n","EVENTVERSION":"1.08"}"#,
                true,
            ),
            (r#"{"eventsource":"s","eventname":"n"}"#, false),
            (
                r#"{"EventSource":"s","EventName":"n","EventVersion":"1","CloudTrailEvent":"{}"}"#,
                false,
            ),
            (r#"{"eventName":"n","eventTime":"t"}"#, false),
            (r#"{"detail":{"eventSource":"s","eventName":"n"}}"#, false),
            (r#"["eventSource","eventName"]"#, false),
            ("{}", false),
            ("null", false),
        ];
        for (json, expected) in table {
            assert_eq!(
                with_event(json, |event| event.is_some()),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn names_in_another_letter_case() {
        let json = r#"{"eventname":"n","eventsource":"s","eventversion":"1","eventtime":"2026-03-01 10:00:00.000",
            "useridentity":{"TYPE":"AssumedRole","accountid":"1","onbehalfof":{"userid":"u"},
            "sessioncontext":{"sessionissuer":{"arn":"arn:6"},"attributes":{"mfaauthenticated":false}}}}"#;
        with_event(json, |event| {
            let event = event.unwrap();
            assert_eq!(
                (event.event_name, event.event_time),
                (Some("n"), Some(1_772_359_200))
            );
            let identity = event.user_identity;
            assert_eq!(
                (identity.kind, identity.account_id),
                (Some("AssumedRole"), Some("1"))
            );
            assert_eq!(
                (identity.issuer_arn, identity.on_behalf_of_user),
                (Some("arn:6"), Some("u"))
            );
            assert_eq!(identity.mfa_authenticated, Some(false));
        });
    }

    #[test]
    fn of_a_name_that_is_there_twice_the_last_value_counts() {
        with_event(
            r#"{"eventName":"first","eventSource":"s","eventName":"last"}"#,
            |event| {
                assert_eq!(event.unwrap().event_name, Some("last"));
            },
        );
    }

    #[test]
    fn times() {
        let table = [
            (r#""eventTime":"2026-03-01T10:00:00Z""#, Some(1_772_359_200)),
            (
                r#""eventTime":"2026-03-01T10:00:00.999Z""#,
                Some(1_772_359_200),
            ),
            (
                r#""eventTime":"2026-03-01T12:00:00+02:00""#,
                Some(1_772_359_200),
            ),
            (r#""eventTime":"2026-03-01 10:00:00""#, Some(1_772_359_200)),
            (
                r#""@timestamp":"2026-03-01T10:00:00.123Z""#,
                Some(1_772_359_200),
            ),
            (
                r#""@timestamp":"2026-03-01T11:00:00.000Z","eventTime":"2026-03-01T10:00:00Z""#,
                Some(1_772_359_200),
            ),
            (r#""eventTime":"1969-12-31T23:59:59Z""#, Some(-1)),
            (r#""eventTime":"yesterday""#, None),
            (r#""eventTime":"2026-02-30T10:00:00Z""#, None),
            (r#""eventTime":1772359200"#, None),
            (r#""eventTime":"""#, None),
        ];
        for (field, expected) in table {
            let json = format!(r#"{{"eventSource":"s","eventName":"n",{field}}}"#);
            assert_eq!(
                with_event(&json, |event| event.unwrap().event_time),
                expected,
                "{field}"
            );
        }
    }
}
