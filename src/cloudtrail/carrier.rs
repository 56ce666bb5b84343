//! Which strings may hold records.
//!
//! Anyone can put a record of their own making into a user agent, a description or an error message, and it comes back as
//! a string in the logs. So a string is only opened where a product is known to put whole records: under one of the names
//! here, in any letter case. What an attacker can write stands under other names.

/// Names whose string is the whole record, with what else stands in the object taken out of it or told about it.
const WHOLE: [&str; 5] = [
    "CloudTrailEvent", // LookupEvents
    "eventJson",       // CloudTrail Lake
    "event_json",      // tables over Lake's exports
    "_raw",            // Splunk, Cribl
    "@message",        // CloudWatch Logs Insights
];

/// Names whose string is what a product carries.
const CONTAINERS: [&str; 17] = [
    "detail",     // EventBridge, through an input transformer
    "message",    // CloudWatch Logs, SNS, Logstash, Filebeat
    "msg",        // Fluentd, rsyslog
    "body",       // SQS, API Gateway, OpenTelemetry
    "log",        // Fluent Bit, Docker
    "data",       // Pub/Sub, Kinesis agents, CloudEvents
    "payload",    // Lambda, Kafka Connect
    "raw",        // Sumo Logic, Graylog
    "rawEvent",   // SIEM exports
    "original",   // Elastic: event.original
    "event",      // Splunk's HTTP event collector
    "eventData",  // CloudTrail Lake's PutAuditEvents
    "event_data", // the same, as a column
    "record",     // Firehose, jq
    "records",    // a delivery file's array, of strings
    "events",     // the same of LookupEvents
    "json",       // tables with a column for it
];

/// The fields of a record ("CloudTrail record contents" in the AWS CloudTrail User Guide), and what `LookupEvents` calls
/// them where that differs. What stands under them is part of a record and none itself.
const FIELDS: [&str; 33] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "eventType",
    "apiVersion",
    "managementEvent",
    "readOnly",
    "resources",
    "recipientAccountId",
    "serviceEventDetails",
    "sharedEventID",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "eventCategory",
    "addendum",
    "sessionCredentialFromConsole",
    "eventContext",
    "edgeDeviceDetails",
    "insightDetails",
    "tlsDetails",
    "username",
];

fn is_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// Whether a string under `name` is a whole record, whatever stands beside it.
pub(super) fn is_whole(name: &str) -> bool {
    is_in(&WHOLE, name)
}

/// Whether a string under `name` may hold a record.
pub(super) fn may_carry(name: &str) -> bool {
    is_whole(name) || is_in(&CONTAINERS, name)
}

/// Whether `name` is that of a record's field.
pub(super) fn is_field(name: &str) -> bool {
    is_in(&FIELDS, name)
}

/// Whether an object with a member `name` is made of a record's fields.
pub(super) fn tells_a_row(name: &str) -> bool {
    is_in(&["eventSource", "eventName"], name)
}
