//! What a record tells of the condition keys that IAM saw with its call, for who asks for a key.
//!
//! A key is told only where AWS's documentation ties it to a field of the record; of every other one nothing is known. Who
//! called is the matter of the principal, but for the path of a role, and the keys of forwarded calls that of
//! [`crate::usage::keys`].
//!
//! Sources: IAM User Guide, "AWS global condition context keys", each key's availability; CloudTrail User Guide, "CloudTrail
//! record contents" and "CloudTrail userIdentity element". What they leave open is written where it matters.
//!
//! Not told, for want of certainty, are above all `aws:UserAgent` (the log has the console's name in the place of the
//! browser's, and cuts), `aws:SourceVpc`, `aws:PrincipalTag/…` and `aws:ResourceTag/…` (the log has neither), and of roles the keys
//! of MFA: by the page on global keys their sessions have them, by "Secure API access with MFA" those of `AssumeRole` have not.

use std::mem;
use std::net::IpAddr;

use jiff::Timestamp;
use simd_json::prelude::*;

use crate::cloudtrail::clock::seconds;
use crate::cloudtrail::event::{Event, Json};
use crate::iam::action::Action;
use crate::iam::arn::ArnParts;
use crate::iam::principal::PrincipalKind;
use crate::usage::context::ContextKeys;
use crate::usage::opaque::is_redacted;
use crate::usage::resolve::{Basis, Meaning, Need, Outcome};
use crate::usage::tags;

/// What is told of one condition key: the values that the request carried it with, or none where it did not carry it.
pub type Told = Vec<String>;

/// The keys, in lower case, that some record may tell, besides those of tags. Only one of them is told by a ledger, which keeps
/// no record: `aws:requestedregion`.
const KEYS: [&str; 27] = [
    REGION,
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalarn",
    "aws:securetransport",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:tokenissuetime",
    "aws:userid",
    "aws:viaawsservice",
    "aws:vpcsourceip",
    "kms:viaservice",
    "s3:prefix",
    "s3:x-amz-acl",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-storage-class",
    "sts:externalid",
    "sts:rolesessionname",
    "sts:sourceidentity",
];

const REGION: &str = "aws:requestedregion";

/// Whether some record may tell `key`, which is in lower case.
#[must_use]
pub fn is_told(key: &str) -> bool {
    KEYS.contains(&key) || tags::is_told(key)
}

/// Whether a ledger may tell `key`, which is in lower case.
#[must_use]
pub fn is_kept(key: &str) -> bool {
    key == REGION
}

/// For what the context is asked: one of the things that a call needed.
#[derive(Clone, Copy)]
pub struct Asking<'n> {
    /// The action that IAM was asked about.
    pub action: &'n Action,
    /// Whether IAM was asked with the request's own context: for what the service that was called decides itself. What a call needs of
    /// another service, to pass a role or to make something there, is asked for apart from the request, and AWS does not say with
    /// which context.
    pub own: bool,
}

/// Makes of the context of each thing that a used call needed what `with` does. Other calls stay as they are.
pub fn in_contexts(meaning: &mut Meaning, with: impl Fn(Asking<'_>, ContextKeys) -> ContextKeys) {
    if meaning.outcome != Outcome::Used {
        return;
    }
    let needs = &meaning.needs;
    let own: Vec<bool> = needs.iter().map(|need| is_own(need, needs)).collect();
    for (need, own) in meaning.needs.iter_mut().zip(own) {
        let action = &need.action;
        need.context = with(Asking { action, own }, mem::take(&mut need.context));
    }
}

/// [`Asking::own`] of `need`, one of a call's `needs`.
fn is_own(need: &Need, needs: &[Need]) -> bool {
    let by_request = |other: &Need| !matches!(other.basis, Basis::PassedRole | Basis::Dependent);
    let same_service = |other: &Need| other.action.service() == need.action.service();
    needs
        .iter()
        .any(|each| by_request(each) && same_service(each))
}

/// What calls in `region` tell of `key` where nothing more is known of them; `None`: nothing.
#[must_use]
pub fn kept(key: &str, region: &str, asking: Asking<'_>) -> Option<Told> {
    // A call to the global endpoint of STS is recorded in us-east-1 wherever it was served, and AWS does not say what the key is
    // then. Source: IAM User Guide, "AWS STS Regions and endpoints".
    let known = key == REGION && !region.is_empty() && asking.action.service() != "sts";
    (known && asking.own).then(|| vec![region.to_owned()])
}

/// A record with what several keys are told from.
pub struct Record<'e, 't, 'a> {
    event: &'e Event<'t, 'a>,
    kind: PrincipalKind,
    /// The record as CloudTrail writes it; `None` where it may lack fields, as rows of a query do.
    whole: Option<Json<'t, 'a>>,
    session: Session<'a>,
    /// Whether the principal made the call itself, as far as the record tells; see [`is_direct`].
    direct: bool,
    way: Way<'a>,
}

/// How a request came to AWS.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// Through this VPC endpoint, from this address.
    Endpoint(&'a str, IpAddr),
    /// From an address of the internet.
    Internet(IpAddr),
    Unknown,
}

/// What `userIdentity` tells of the credentials besides whose they are.
#[derive(Clone, Copy, Default)]
struct Session<'a> {
    /// When they were issued, in seconds since 1970.
    issued: Option<i64>,
    source_identity: Option<&'a str>,
}

/// The credentials of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    LongTerm,
    Temporary,
    Unknown,
}

impl<'e, 't, 'a> Record<'e, 't, 'a> {
    /// That of `event`, which was parsed as a whole, of a call by a principal of this `kind`.
    #[must_use]
    pub fn of(event: &'e Event<'t, 'a>, kind: PrincipalKind) -> Self {
        let whole = event.whole.filter(|record| is_complete(*record, event));
        let direct = whole.is_some_and(|record| is_direct(record, event));
        Self {
            event,
            kind,
            whole,
            session: whole.map_or_else(Session::default, Session::of),
            direct,
            way: match direct {
                true => Way::of(event),
                false => Way::Unknown,
            },
        }
    }

    /// What the record tells of `key`, which is in lower case; `None`: nothing.
    #[must_use]
    pub fn tell(&self, key: &str, asking: Asking<'_>) -> Option<Told> {
        match key {
            "aws:currenttime" => moment(self.event.event_time?),
            "aws:epochtime" => one(&self.event.event_time?.to_string()),
            "aws:userid" => one(self.user_id()?),
            "aws:principalarn" => one(self.role_arn()?),
            "aws:sourceidentity" => one(self.session.source_identity?),
            REGION => kept(key, self.event.aws_region?, asking),
            _ if asking.own => self.tell_of_request(key, asking.action),
            _ => None,
        }
    }

    /// As [`Self::tell`], of what belongs to the one request and not to whoever made it.
    fn tell_of_request(&self, key: &str, action: &Action) -> Option<Told> {
        let direct = self.direct;
        match key {
            "aws:sourceip" | "aws:sourcevpc" | "aws:sourcevpce" | "aws:vpcsourceip" => {
                self.way.tell(key)
            }
            "aws:viaawsservice" if direct => one("false"),
            "aws:calledvia" | "aws:calledviafirst" | "aws:calledvialast" | "kms:viaservice"
                if direct =>
            {
                Some(Told::new())
            }
            "aws:securetransport" => {
                let version = member(member(self.whole?, "tlsDetails")?, "tlsVersion")?;
                version.into_string()?.starts_with("TLS").then(yes)
            }
            "aws:tokenissuetime" | "aws:multifactorauthpresent" | "aws:multifactorauthage"
                if direct =>
            {
                self.of_credentials(key)
            }
            _ => self.of_parameters(key, action),
        }
    }

    /// The unique id of the user, or that of the role with the session's name.
    /// Source: IAM User Guide, "IAM policy elements: Variables and tags", the table of principal key values, and "IAM identifiers".
    fn user_id(&self) -> Option<&'a str> {
        let id = self.event.user_identity.principal_id?;
        let fits = match self.kind {
            PrincipalKind::User => id.starts_with("AIDA") && !id.contains(':'),
            PrincipalKind::Role | PrincipalKind::PermissionSet => {
                id.starts_with("AROA") && id.contains(':')
            }
            _ => false,
        };
        (self.whole.is_some() && fits).then_some(id)
    }

    /// The ARN of the role with its path. That of a session leaves the path out.
    fn role_arn(&self) -> Option<&'a str> {
        let identity = &self.event.user_identity;
        let of_role = |arn: &&str| {
            let parts = ArnParts::parse(arn);
            parts.is_some_and(|parts| parts.service == "iam" && parts.resource.starts_with("role/"))
        };
        let named = [identity.arn, identity.issuer_arn];
        let is_role = matches!(
            self.kind,
            PrincipalKind::Role | PrincipalKind::PermissionSet
        );
        is_role.then(|| named.into_iter().flatten().find(of_role))?
    }

    /// The kind of credentials that made the call. An old record may have a session with a long-term key.
    fn credentials(&self) -> Credentials {
        let identity = &self.event.user_identity;
        let key = identity.access_key_id.unwrap_or_default();
        let in_session = self.session.issued.is_some() || identity.mfa_authenticated.is_some();
        match in_session {
            true if key.starts_with("ASIA") => Credentials::Temporary,
            false if key.starts_with("AKIA") => Credentials::LongTerm,
            _ => Credentials::Unknown,
        }
    }

    fn of_credentials(&self, key: &str) -> Option<Told> {
        let is_user = self.kind == PrincipalKind::User;
        match (self.credentials(), key) {
            (Credentials::LongTerm, _) => Some(Told::new()),
            (Credentials::Temporary, "aws:tokenissuetime") => moment(self.session.issued?),
            (Credentials::Temporary, _) if is_user => {
                let mfa = self.event.user_identity.mfa_authenticated?;
                match key {
                    "aws:multifactorauthpresent" => one(&mfa.to_string()),
                    // When the user gave the code, the record does not tell.
                    _ => (!mfa).then(Told::new),
                }
            }
            _ => None,
        }
    }

    /// What the request's own parameters tell.
    fn of_parameters(&self, key: &str, action: &Action) -> Option<Told> {
        self.whole?;
        let parameters = self.event.request_parameters?;
        // What CloudTrail cut says so. Source: "CloudTrail record contents", `requestParameters`.
        if member(parameters, "omitted").is_some() {
            return None;
        }
        let call = (self.event.event_source?, self.event.event_name?);
        if tags::is_told(key) {
            return tags::tell(key, call, parameters, action);
        }
        let text = |name| {
            let text = member(parameters, name)?.into_string()?;
            (text.is_empty() || !is_redacted(text.as_bytes())).then_some(text)
        };
        match (action.as_str(), key) {
            ("sts:AssumeRole", "sts:externalid") => one(text("externalId")?),
            ("sts:AssumeRole", "sts:rolesessionname") => one(text("roleSessionName")?),
            ("sts:AssumeRole", "sts:sourceidentity") => one(text("sourceIdentity")?),
            // Whether the log decodes what the URL had encoded, AWS does not say.
            ("s3:ListBucket" | "s3:ListBucketVersions", "s3:prefix") => {
                one(text("prefix").filter(|text| !text.contains(['%', '+']))?)
            }
            // The log has the headers under their own names.
            ("s3:PutObject", key) if key.starts_with("s3:x-amz-") => {
                one(text(key.strip_prefix("s3:")?)?)
            }
            _ => None,
        }
    }
}

/// Whether the record has all the fields that CloudTrail gives to every API call's. One that lacks some may lack more, such as a
/// row of a query that did not ask for them. Before version 1.04 there is no `vpcEndpointId`.
fn is_complete(record: Json<'_, '_>, event: &Event<'_, '_>) -> bool {
    const FIELDS: [&str; 8] = [
        "userIdentity",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "requestParameters",
        "responseElements",
        "eventID",
        "recipientAccountId",
    ];
    let Some(object) = record.as_object() else {
        return false;
    };
    let version = object.get("eventVersion").and_then(|v| v.into_string());
    let minor = version.and_then(|version| version.strip_prefix("1.")?.parse::<u32>().ok());
    event.event_type == Some("AwsApiCall")
        && minor.is_some_and(|minor| minor >= 4)
        && FIELDS.iter().all(|field| object.get(field).is_some())
}

/// Whether the principal made the call itself: no service is named as who made it, nor in the place of the agent, of the address
/// or of the endpoint.
/// Source: "CloudTrail record contents", `userAgent`, `sourceIPAddress` and `vpcEndpointId`: what AWS made itself has the name of the
/// service in these fields, or `AWS Internal` and a number, and not always in all of them.
fn is_direct(record: Json<'_, '_>, event: &Event<'_, '_>) -> bool {
    let agent = member(record, "userAgent").and_then(|agent| agent.into_string());
    event.user_identity.invoked_by.is_none()
        && agent.is_some_and(|agent| !is_service(agent))
        && endpoint(event).is_none_or(|id| id.starts_with("vpce-"))
        && address(event).is_some()
}

/// Whether a `userAgent` names AWS or a service of it that made the request for somebody. The console's two names are those of
/// who sits before it: the page had them among its examples, for users and for the root user. S3 writes agents in brackets.
fn is_service(agent: &str) -> bool {
    let agent = agent.trim_start_matches('[').trim_end_matches(']');
    let console = matches!(agent, "signin.amazonaws.com" | "console.amazonaws.com");
    let named = agent.ends_with(".amazonaws.com") || agent.ends_with(".amazonaws.com.cn");
    agent.starts_with("AWS Internal") || named && !console
}

fn endpoint<'a>(event: &Event<'_, 'a>) -> Option<&'a str> {
    event.vpc_endpoint_id.filter(|id| !id.is_empty())
}

/// The address, where it is one that a caller can have.
fn address(event: &Event<'_, '_>) -> Option<IpAddr> {
    let address: IpAddr = event.source_ip_address?.parse().ok()?;
    // One of IPv4 may be written as one of IPv6 (`::ffff:203.0.113.7`).
    let address = address.to_canonical();
    (is_public(address) || is_private(address)).then_some(address)
}

/// Whether an address is one of a private network (RFC 1918, RFC 4193) or of one that is shared (RFC 6598).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private() || first == 100 && second & 0xc0 == 64
        }
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// Whether an address is one of the internet. Those that are reserved for documentation are taken for such, as they stand for them.
/// Source: IANA, "IPv4 Special-Purpose Address Registry", "IPv6 Special-Purpose Address Registry" and "IPv6 Global Unicast Address
/// Assignments".
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let special = match v4.octets() {
                [0 | 127 | 224.., ..] | [192, 0, 0, _] | [192, 88, 99, _] => true,
                // For measuring networks.
                [198, second, ..] => second & 0xfe == 18,
                _ => v4.is_link_local(),
            };
            !special && !is_private(address)
        }
        // All that is assigned begins with 2 or 3. What begins with `2001:0` or `2001:1` belongs to protocols, such as Teredo, and
        // 2002::/16 holds addresses of IPv4.
        IpAddr::V6(v6) => match v6.segments() {
            [0x2001, second, ..] => second > 0x1ff,
            [first, ..] => first & 0xe000 == 0x2000 && first != 0x2002,
        },
    }
}

impl<'a> Way<'a> {
    /// That of a direct call. One from an address of a private network, without a VPC endpoint, came through one that the service
    /// does not log.
    fn of(event: &Event<'_, 'a>) -> Self {
        match (endpoint(event), address(event)) {
            (Some(id), Some(address)) => Self::Endpoint(id, address),
            (None, Some(address)) if is_public(address) => Self::Internet(address),
            _ => Self::Unknown,
        }
    }

    fn tell(self, key: &str) -> Option<Told> {
        match (self, key) {
            (Self::Internet(address), "aws:sourceip") => one(&address.to_string()),
            (Self::Internet(_), _) | (Self::Endpoint(..), "aws:sourceip") => Some(Told::new()),
            (Self::Endpoint(id, _), "aws:sourcevpce") => one(id),
            (Self::Endpoint(_, address), "aws:vpcsourceip") => one(&address.to_string()),
            _ => None,
        }
    }
}

impl<'a> Session<'a> {
    fn of(record: Json<'_, 'a>) -> Self {
        let session = member(record, "userIdentity").and_then(|own| member(own, "sessionContext"));
        let text = |value: Option<Json<'_, 'a>>| value.and_then(|value| value.into_string());
        let attributes = session.and_then(|session| member(session, "attributes"));
        let issued = text(attributes.and_then(|own| member(own, "creationDate")));
        Self {
            issued: issued.and_then(seconds),
            source_identity: text(session.and_then(|own| member(own, "sourceIdentity"))),
        }
    }
}

pub(crate) fn member<'t, 'a>(value: Json<'t, 'a>, name: &str) -> Option<Json<'t, 'a>> {
    value.as_object()?.get(name)
}

fn one(value: &str) -> Option<Told> {
    Some(vec![value.to_owned()])
}

fn yes() -> Told {
    vec!["true".to_owned()]
}

fn moment(seconds: i64) -> Option<Told> {
    one(&Timestamp::from_second(seconds).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Asking, Record, Told, is_own, is_private, is_public, is_told};
    use crate::cloudtrail::event::Event;
    use crate::iam::action::Action;
    use crate::iam::principal::PrincipalKind;
    use crate::usage::context::ContextKeys;
    use crate::usage::identity;
    use crate::usage::resolve::{Basis, Need, Resources};

    /// What `record` tells of `key` where it needed `action`.
    fn tell(record: &Value, key: &str, action: &'static str) -> Option<Told> {
        let mut bytes = record.to_string().into_bytes();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        let event = Event::from_value(tape.as_value()).unwrap();
        let kind = identity::caller(&event.user_identity).principal.kind;
        let action = &Action::known(action);
        Record::of(&event, kind).tell(key, Asking { action, own: true })
    }

    /// A record of Ann's, with `changes` made to its fields; null takes one away.
    fn record(changes: &Value) -> Value {
        let mut record = json!({
            "eventVersion": "1.08", "eventType": "AwsApiCall", "eventID": "e-1", "eventTime": "2026-03-01T10:00:00Z",
            "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "awsRegion": "eu-west-1",
            "sourceIPAddress": "203.0.113.7", "userAgent": "cli", "requestParameters": {"bucketName": "b", "key": "k"},
            "responseElements": null, "recipientAccountId": "111122223333",
            "tlsDetails": {"tlsVersion": "TLSv1.3"},
            "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/ann",
                "accountId": "111122223333", "accessKeyId": "AKIAXXXXXXXXXXXXXXXX", "userName": "ann"},
        });
        merge(&mut record, changes);
        record
    }

    fn merge(record: &mut Value, changes: &Value) {
        for (name, change) in changes.as_object().unwrap() {
            let record = record.as_object_mut().unwrap();
            match (record.get_mut(name), change) {
                (_, Value::Null) => drop(record.remove(name)),
                (Some(old), Value::Object(_)) if old.is_object() => merge(old, change),
                _ => drop(record.insert(name.clone(), change.clone())),
            }
        }
    }

    /// `value`, or `-` for a key that is absent, or `?` for one that is not told.
    #[track_caller]
    fn check(changes: &Value, expected: &[(&str, &str)]) {
        let record = record(changes);
        for (key, expected) in expected {
            assert!(is_told(key), "{key}");
            let told = match tell(&record, key, "s3:GetObject") {
                None => "?".to_owned(),
                Some(values) if values.is_empty() => "-".to_owned(),
                Some(values) => values.join("|"),
            };
            assert_eq!(told, *expected, "{key} of {changes}");
        }
    }

    const NETWORK: [&str; 4] = [
        "aws:sourceip",
        "aws:vpcsourceip",
        "aws:sourcevpce",
        "aws:sourcevpc",
    ];

    #[track_caller]
    fn check_network(changes: &Value, expected: [&str; 4]) {
        let expected: Vec<_> = NETWORK.into_iter().zip(expected).collect();
        check(changes, &expected);
    }

    #[test]
    fn the_network_is_told_where_the_principal_called_itself() {
        check_network(&json!({}), ["203.0.113.7", "-", "-", "-"]);
        let v6 = json!({"sourceIPAddress": "2001:DB8:0::7"});
        check_network(&v6, ["2001:db8::7", "-", "-", "-"]);
        let endpoint = json!({"sourceIPAddress": "10.0.0.7", "vpcEndpointId": "vpce-1"});
        check_network(&endpoint, ["-", "10.0.0.7", "vpce-1", "?"]);
        // Addresses of IPv4, written as ones of IPv6.
        let mapped = json!({"sourceIPAddress": "::ffff:203.0.113.7"});
        check_network(&mapped, ["203.0.113.7", "-", "-", "-"]);
        let mapped = json!({"sourceIPAddress": "::ffff:10.0.0.7", "vpcEndpointId": "vpce-1"});
        check_network(&mapped, ["-", "10.0.0.7", "vpce-1", "?"]);
        for changes in [
            json!({"sourceIPAddress": "::ffff:10.0.0.7"}),
            // Through an endpoint that the service does not log.
            json!({"sourceIPAddress": "10.0.0.7"}),
            json!({"sourceIPAddress": "fd00::7"}),
            json!({"sourceIPAddress": "203.0.113.7x"}),
            json!({"sourceIPAddress": "athena.amazonaws.com"}),
            json!({"userIdentity": {"invokedBy": "athena.amazonaws.com"}}),
            json!({"userIdentity": {"invokedBy": "AWS Internal"}, "vpcEndpointId": "vpce-1"}),
            // Through the endpoint of a service.
            json!({"sourceIPAddress": "athena.amazonaws.com", "vpcEndpointId": "vpce-1"}),
            json!({"sourceIPAddress": "AWS Internal", "vpcEndpointId": "vpce-1"}),
            json!({"sourceIPAddress": "AWS Internal/7", "vpcEndpointId": "vpce-1"}),
            json!({"vpcEndpointId": "AWS Internal"}),
            json!({"vpcEndpointId": "athena.amazonaws.com"}),
            // By a service.
            json!({"userAgent": "lambda.amazonaws.com"}),
            json!({"userAgent": "AWS Internal", "vpcEndpointId": "vpce-1"}),
            // From nowhere.
            json!({"sourceIPAddress": "0.0.0.0", "vpcEndpointId": "vpce-1"}),
            // Rows of a query, records of old versions, what is no call of the API.
            json!({"userAgent": null}),
            json!({"eventVersion": null}),
            json!({"eventVersion": "1.03"}),
            json!({"eventType": "AwsConsoleAction"}),
        ] {
            check_network(&changes, ["?"; 4]);
        }
    }

    #[test]
    fn that_no_service_forwarded_a_call_is_told_and_through_which_is_not() {
        let keys = [
            "aws:viaawsservice",
            "aws:calledvia",
            "aws:calledviafirst",
            "aws:calledvialast",
            "kms:viaservice",
        ];
        let expect = |values: [&'static str; 5]| keys.into_iter().zip(values).collect::<Vec<_>>();
        check(&json!({}), &expect(["false", "-", "-", "-", "-"]));
        for changes in [
            json!({"userIdentity": {"invokedBy": "athena.amazonaws.com"}}),
            json!({"sourceIPAddress": "athena.amazonaws.com"}),
            json!({"requestParameters": null}),
            json!({"userAgent": "lambda.amazonaws.com"}),
            json!({"userAgent": "[s3.cn-north-1.amazonaws.com.cn]"}),
            json!({"userAgent": "AWS Internal"}),
            json!({"userAgent": "AWS Internal/3"}),
            json!({"userAgent": 7}),
        ] {
            check(&changes, &expect(["?"; 5]));
        }
    }

    #[test]
    fn the_console_is_an_agent_of_who_sits_before_it() {
        for agent in [
            "signin.amazonaws.com",
            "console.amazonaws.com",
            "[S3Console/0.4, aws-internal/3]",
            "aws-cli/2.13.5 Python/3.11.4",
            "",
        ] {
            let changes = json!({"userAgent": agent});
            check(&changes, &[("aws:viaawsservice", "false")]);
        }
    }

    #[test]
    fn addresses_are_public_or_private_or_nobodys() {
        for (address, expected) in [
            ("8.8.8.8", (true, false)),
            ("203.0.113.7", (true, false)),
            ("100.63.0.1", (true, false)),
            ("198.17.0.1", (true, false)),
            ("198.20.0.1", (true, false)),
            ("192.0.1.1", (true, false)),
            ("2600:1f00::1", (true, false)),
            ("2001:db8::7", (true, false)),
            ("2001:200::7", (true, false)),
            ("10.0.0.1", (false, true)),
            ("172.31.0.1", (false, true)),
            ("192.168.0.1", (false, true)),
            ("100.64.0.1", (false, true)),
            ("100.127.0.1", (false, true)),
            ("fd00::7", (false, true)),
            ("0.0.0.0", (false, false)),
            ("127.0.0.1", (false, false)),
            ("169.254.169.254", (false, false)),
            ("192.0.0.8", (false, false)),
            ("198.19.0.1", (false, false)),
            ("224.0.0.1", (false, false)),
            ("255.255.255.255", (false, false)),
            ("::", (false, false)),
            ("::1", (false, false)),
            ("fe80::1", (false, false)),
            ("64:ff9b::203.0.113.7", (false, false)),
            ("2001::1", (false, false)),
            ("2002:cb00:7107::1", (false, false)),
            ("ff02::1", (false, false)),
        ] {
            let parsed = address.parse().unwrap();
            assert_eq!(
                (is_public(parsed), is_private(parsed)),
                expected,
                "{address}"
            );
        }
    }

    #[test]
    fn credentials_tell_of_mfa_and_of_their_issue() {
        let keys = [
            "aws:multifactorauthpresent",
            "aws:multifactorauthage",
            "aws:tokenissuetime",
        ];
        let session = |mfa: Value| {
            json!({"userIdentity": {"accessKeyId": "ASIAXXXXXXXXXXXXXXXX",
            "sessionContext": {"attributes": {"creationDate": "2026-03-01T09:00:00Z", "mfaAuthenticated": mfa}}}})
        };
        let issued = "2026-03-01T09:00:00Z";
        let role = json!({"type": "AssumedRole", "principalId": "AROAX:run",
            "arn": "arn:aws:sts::111122223333:assumed-role/ci/run"});
        let mut of_role = session(json!("true"));
        merge(&mut of_role["userIdentity"], &role);
        let mut forwarded = session(json!("true"));
        forwarded["userIdentity"]["invokedBy"] = json!("athena.amazonaws.com");
        let mut odd = session(json!("true"));
        odd["userIdentity"]["accessKeyId"] = json!("AKIAXXXXXXXXXXXXXXXX");
        for (changes, expected) in [
            (json!({}), ["-", "-", "-"]),
            (session(json!("true")), ["true", "?", issued]),
            (session(json!(false)), ["false", "-", issued]),
            (of_role, ["?", "?", issued]),
            (forwarded, ["?"; 3]),
            (odd, ["?"; 3]),
            (json!({"userIdentity": {"accessKeyId": null}}), ["?"; 3]),
            (
                json!({"userIdentity": {"accessKeyId": "ASIAXXXXXXXXXXXXXXXX"}}),
                ["?"; 3],
            ),
        ] {
            let expected: Vec<_> = keys.into_iter().zip(expected).collect();
            check(&changes, &expected);
        }
    }

    #[test]
    fn region_time_and_transport_are_fields_of_the_record() {
        let (time, epoch) = ("2026-03-01T10:00:00Z", "1772359200");
        check(
            &json!({}),
            &[
                ("aws:requestedregion", "eu-west-1"),
                ("aws:currenttime", time),
                ("aws:epochtime", epoch),
                ("aws:securetransport", "true"),
            ],
        );
        check(
            &json!({"awsRegion": null, "eventTime": null, "tlsDetails": {"tlsVersion": null}}),
            &[
                ("aws:requestedregion", "?"),
                ("aws:currenttime", "?"),
                ("aws:securetransport", "?"),
            ],
        );
        let sts = tell(&record(&json!({})), "aws:requestedregion", "sts:AssumeRole");
        assert_eq!(sts, None);
    }

    #[test]
    fn what_is_needed_of_another_service_has_the_times_and_the_principal_of_the_call_alone() {
        let need = |action: &'static str, basis| Need {
            action: Action::known(action),
            resources: Resources::new(),
            basis,
            context: ContextKeys::default(),
            told: true,
        };
        let needs = [
            need("lambda:CreateFunction", Basis::Event),
            need("iam:PassRole", Basis::PassedRole),
            need("lambda:TagResource", Basis::Dependent),
        ];
        let own = needs.iter().map(|need| is_own(need, &needs));
        assert_eq!(own.collect::<Vec<_>>(), [true, false, true]);
        assert!(is_own(
            &needs[1],
            &[
                need("iam:AddRoleToInstanceProfile", Basis::Event),
                needs[1].clone()
            ]
        ));

        let mut bytes = record(&json!({})).to_string().into_bytes();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        let event = Event::from_value(tape.as_value()).unwrap();
        let record = Record::of(&event, PrincipalKind::User);
        let action = &Action::known("iam:PassRole");
        let asking = Asking { action, own: false };
        for (key, expected) in [
            ("aws:currenttime", Some("2026-03-01T10:00:00Z")),
            ("aws:userid", Some("AIDAX")),
            ("aws:requestedregion", None),
            ("aws:sourceip", None),
            ("aws:viaawsservice", None),
            ("aws:multifactorauthpresent", None),
        ] {
            let expected = expected.map(|value| vec![value.to_owned()]);
            assert_eq!(record.tell(key, asking), expected, "{key}");
        }
    }

    #[test]
    fn ids_are_those_of_users_and_of_sessions_of_roles() {
        let key = "aws:userid";
        check(&json!({}), &[(key, "AIDAX"), ("aws:sourceidentity", "?")]);
        check(
            &json!({"userIdentity": {"principalId": "ann"}}),
            &[(key, "?")],
        );
        let role = json!({"userIdentity": {"type": "AssumedRole", "principalId": "AROAX:run",
            "arn": "arn:aws:sts::111122223333:assumed-role/ci/run", "sessionContext": {"sourceIdentity": "ann"}}});
        check(&role, &[(key, "AROAX:run"), ("aws:sourceidentity", "ann")]);
    }

    #[test]
    fn the_path_of_a_role_is_told_where_a_record_has_its_own_arn() {
        let key = "aws:principalarn";
        let path = "arn:aws:iam::111122223333:role/team/ci";
        let session = json!({"type": "AssumedRole", "principalId": "AROAX:run",
            "arn": "arn:aws:sts::111122223333:assumed-role/ci/run"});
        let mut issued = session.clone();
        issued["sessionContext"] = json!({"sessionIssuer": {"type": "Role", "arn": path}});
        // A user's is told by the principal, where there is no record too.
        for (identity, expected) in [
            (session, "?"),
            (issued, path),
            (json!({"type": "AssumedRole", "arn": path}), path),
            (json!({}), "?"),
        ] {
            check(&json!({"userIdentity": identity}), &[(key, expected)]);
        }
    }

    #[test]
    fn parameters_tell_keys_of_the_actions_that_have_them() {
        let parameters = json!({"requestParameters": {"roleSessionName": "run", "externalId": "***", "prefix": "home/",
            "x-amz-acl": "private", "x-amz-storage-class": 7}});
        let record_of = |changes: &Value| {
            let mut record = record(&parameters);
            merge(&mut record, changes);
            record
        };
        for (key, action, expected) in [
            ("sts:rolesessionname", "sts:AssumeRole", Some("run")),
            ("sts:rolesessionname", "sts:TagSession", None),
            ("sts:externalid", "sts:AssumeRole", None),
            ("sts:sourceidentity", "sts:AssumeRole", None),
            ("s3:prefix", "s3:ListBucket", Some("home/")),
            ("s3:prefix", "s3:GetObject", None),
            ("s3:x-amz-acl", "s3:PutObject", Some("private")),
            ("s3:x-amz-acl", "s3:GetObject", None),
            ("s3:x-amz-storage-class", "s3:PutObject", None),
        ] {
            let expected = expected.map(|value| vec![value.to_owned()]);
            assert_eq!(
                tell(&record_of(&json!({})), key, action),
                expected,
                "{key} {action}"
            );
            let cut = record_of(&json!({"requestParameters": {"omitted": true}}));
            assert_eq!(tell(&cut, key, action), None, "{key} {action}");
        }
        let encoded = record_of(&json!({"requestParameters": {"prefix": "a%20b"}}));
        assert_eq!(tell(&encoded, "s3:prefix", "s3:ListBucket"), None);
        let root = record_of(&json!({"requestParameters": {"prefix": ""}}));
        assert_eq!(
            tell(&root, "s3:prefix", "s3:ListBucket"),
            Some(vec![String::new()])
        );
    }

    #[test]
    fn tags_of_a_request_are_told_of_the_call_that_passes_them() {
        let call = |source: &str, name: &str, parameters: Value| {
            record(
                &json!({"eventSource": source, "eventName": name, "requestParameters": parameters}),
            )
        };
        let of_role = |tags: Value| call("iam.amazonaws.com", "CreateRole", json!({"tags": tags}));
        let tags = json!([{"key": "Team", "value": "web"}, {"key": "Stage", "value": ""}]);
        let told = |values: &[&str]| Some(values.iter().map(|v| (*v).to_owned()).collect::<Told>());
        for (record, action, team, keys) in [
            (
                of_role(tags.clone()),
                "iam:CreateRole",
                told(&["web"]),
                told(&["Team", "Stage"]),
            ),
            (of_role(tags.clone()), "iam:PassRole", None, None),
            (
                call(
                    "iam.amazonaws.com",
                    "CreateRole",
                    json!({"roleName": "r", "key": null}),
                ),
                "iam:CreateRole",
                None,
                None,
            ),
            (
                of_role(json!([{"key": "Stage", "value": "x"}])),
                "iam:CreateRole",
                told(&[]),
                told(&["Stage"]),
            ),
            (
                call(
                    "sts.amazonaws.com",
                    "AssumeRole",
                    json!({"tags": tags, "incomingTransitiveTags": {"Team": "db"}}),
                ),
                "sts:AssumeRole",
                None,
                None,
            ),
            (
                of_role(json!([{"key": "Team", "value": "***"}])),
                "iam:CreateRole",
                None,
                None,
            ),
            (
                of_role(json!([{"key": "team", "value": "a"}, {"key": "TEAM", "value": "b"}])),
                "iam:CreateRole",
                None,
                told(&["team", "TEAM"]),
            ),
            (of_role(json!("odd")), "iam:CreateRole", None, None),
            (of_role(json!([])), "iam:CreateRole", None, None),
            (
                of_role(json!([{"key": "Team"}])),
                "iam:CreateRole",
                told(&[""]),
                told(&["Team"]),
            ),
            (
                of_role(json!([{"key": "Team", "value": 7}])),
                "iam:CreateRole",
                None,
                None,
            ),
            (
                of_role(json!([{"key": "Team", "value": null}])),
                "iam:CreateRole",
                None,
                None,
            ),
            (
                call(
                    "ec2.amazonaws.com",
                    "CreateTags",
                    json!({"tagSet": {"items": [{"key": "Team", "value": "web"}]}}),
                ),
                "ec2:CreateTags",
                told(&["web"]),
                told(&["Team"]),
            ),
            // The tags of what a call makes are asked for in other ways.
            (
                call("ec2.amazonaws.com", "RunInstances", json!({"tagSet": {}})),
                "ec2:CreateTags",
                None,
                None,
            ),
            (
                call(
                    "kms.amazonaws.com",
                    "CreateKey",
                    json!({"tags": [{"tagKey": "Team", "tagValue": "web"}]}),
                ),
                "kms:CreateKey",
                told(&["web"]),
                told(&["Team"]),
            ),
        ] {
            let asked = tell(&record, "aws:requesttag/team", action);
            assert_eq!(asked, team, "{action} {record}");
            assert_eq!(
                tell(&record, "aws:tagkeys", action),
                keys,
                "{action} {record}"
            );
        }
    }
}
