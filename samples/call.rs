//! One call: what CloudTrail records of it and what IAM checked for it.

use serde_json::{Map, Value, json};

use crate::caller::{Caller, MAIN};
use crate::moment::Moment;
use crate::rng::Rng;

/// Where everything regional happens.
pub(crate) const REGION: &str = "eu-central-1";
/// Where the records of global services (IAM, sign-in, billing) go.
pub(crate) const GLOBAL: &str = "us-east-1";

/// What became of a call, and so what it says about permissions.
pub(crate) enum Outcome {
    /// IAM allowed it: these actions on these resources were checked.
    Used(Vec<(&'static str, String)>),
    /// IAM refused this action.
    Denied(&'static str),
    /// It failed without proving that it was allowed.
    Inconclusive,
    /// No permission of a principal of the account is involved.
    Ignored,
    /// The called account's copy of a call across accounts; the caller's account holds the record that counts.
    Shared,
}

/// A call under construction: the methods fill in what differs from the plain case.
pub(crate) struct Call {
    pub(crate) at: Moment,
    pub(crate) outcome: Outcome,
    pub(crate) region: &'static str,
    /// The label of `eventSource`: `monitoring` for CloudWatch.
    source: &'static str,
    name: &'static str,
    read_only: bool,
    data: bool,
    host: String,
    parameters: Value,
    response: Value,
    additional: Value,
    resources: Value,
    api_version: Option<&'static str>,
    event_type: &'static str,
    shared_event_id: Option<String>,
    error: Option<(&'static str, String)>,
    /// The service that made this call with the caller's permissions.
    through: Option<&'static str>,
    vpc_endpoint: Option<&'static str>,
    /// The roles that the call passes, with the service they are passed to.
    pub(crate) passed: Vec<(&'static str, &'static str)>,
}

impl Call {
    fn new(at: Moment, source: &'static str, name: &'static str, read_only: bool) -> Self {
        Self {
            at,
            outcome: Outcome::Used(Vec::new()),
            region: REGION,
            source,
            name,
            read_only,
            data: false,
            host: format!("{source}.{REGION}.amazonaws.com"),
            parameters: Value::Null,
            response: Value::Null,
            additional: Value::Null,
            resources: Value::Null,
            api_version: None,
            event_type: "AwsApiCall",
            shared_event_id: None,
            passed: Vec::new(),
            error: None,
            through: None,
            vpc_endpoint: None,
        }
    }

    /// A management call that changes nothing.
    pub(crate) fn read(at: Moment, source: &'static str, name: &'static str) -> Self {
        Self::new(at, source, name, true)
    }

    /// A management call that changes something.
    pub(crate) fn write(at: Moment, source: &'static str, name: &'static str) -> Self {
        Self::new(at, source, name, false)
    }

    /// A call of S3 on one object: a data event that needs `action` on that object.
    pub(crate) fn object(
        at: Moment,
        name: &'static str,
        action: &'static str,
        bucket: &str,
        key: &str,
    ) -> Self {
        let host = format!("{bucket}.s3.{REGION}.amazonaws.com");
        let arn = format!("arn:aws:s3:::{bucket}/{key}");
        let mut call = Self::new(at, "s3", name, name == "GetObject")
            .data()
            .parameters(json!({ "bucketName": bucket, "Host": host, "key": key }))
            .resources(json!([
                { "type": "AWS::S3::Object", "ARN": arn },
                { "accountId": MAIN, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}") },
            ]))
            .needs(action, arn);
        call.host = host;
        call
    }

    /// A call of S3 on a bucket: a management event that needs `action` on it.
    pub(crate) fn bucket(
        at: Moment,
        name: &'static str,
        action: &'static str,
        bucket: &str,
        extra: Value,
    ) -> Self {
        let host = format!("{bucket}.s3.{REGION}.amazonaws.com");
        let arn = format!("arn:aws:s3:::{bucket}");
        let mut parameters = json!({ "bucketName": bucket, "Host": host });
        if let (Some(parameters), Value::Object(extra)) = (parameters.as_object_mut(), extra) {
            parameters.extend(extra);
        }
        let mut call = Self::new(at, "s3", name, name.starts_with("Get"))
            .parameters(parameters)
            .resources(json!([{ "accountId": MAIN, "type": "AWS::S3::Bucket", "ARN": arn }]))
            .needs(action, arn);
        call.host = host;
        call
    }

    /// `ListObjectsV2` below `prefix`. Its `resources` name the objects by a prefix, which is not what IAM checks: that
    /// is `s3:ListBucket` on the bucket.
    pub(crate) fn list_objects(at: Moment, bucket: &str, prefix: &str) -> Self {
        let host = format!("{bucket}.s3.{REGION}.amazonaws.com");
        let arn = format!("arn:aws:s3:::{bucket}");
        let mut call = Self::new(at, "s3", "ListObjects", true)
            .data()
            .parameters(json!({
                "list-type": "2", "bucketName": bucket, "encoding-type": "url", "prefix": prefix, "Host": host,
            }))
            .resources(json!([
                { "type": "AWS::S3::Object", "ARNPrefix": format!("{arn}/{prefix}") },
                { "accountId": MAIN, "type": "AWS::S3::Bucket", "ARN": arn },
            ]))
            .needs("s3:ListBucket", arn);
        call.host = host;
        call
    }

    /// The `kms:Decrypt` that `through` makes with the caller's permissions. `context` is the encryption context.
    pub(crate) fn decrypt(at: Moment, key: &str, through: &'static str, context: Value) -> Self {
        let arn = format!("arn:aws:kms:{REGION}:{MAIN}:key/{key}");
        Self::read(at, "kms", "Decrypt")
            .parameters(
                json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context }),
            )
            .resources(json!([{ "accountId": MAIN, "type": "AWS::KMS::Key", "ARN": arn }]))
            .through(through)
            .needs("kms:Decrypt", arn)
    }

    pub(crate) fn data(mut self) -> Self {
        self.data = true;
        self
    }

    pub(crate) fn region(mut self, region: &'static str) -> Self {
        self.host = format!("{}.{region}.amazonaws.com", self.source);
        self.region = region;
        self
    }

    /// The host of a service that has one endpoint for the world, or one unlike its event source.
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    pub(crate) fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = parameters;
        self
    }

    pub(crate) fn response(mut self, response: Value) -> Self {
        self.response = response;
        self
    }

    pub(crate) fn additional(mut self, additional: Value) -> Self {
        self.additional = additional;
        self
    }

    pub(crate) fn resources(mut self, resources: Value) -> Self {
        self.resources = resources;
        self
    }

    pub(crate) fn api_version(mut self, version: &'static str) -> Self {
        self.api_version = Some(version);
        self
    }

    pub(crate) fn through(mut self, service: &'static str) -> Self {
        self.through = Some(service);
        self
    }

    pub(crate) fn vpc_endpoint(mut self, id: &'static str) -> Self {
        self.vpc_endpoint = Some(id);
        self
    }

    pub(crate) fn shared(mut self, id: &str) -> Self {
        self.shared_event_id = Some(id.to_owned());
        self
    }

    /// IAM checks `action` on `resource`, in which `*` and `?` are wildcards.
    pub(crate) fn needs(mut self, action: &'static str, resource: impl Into<String>) -> Self {
        if let Outcome::Used(needs) = &mut self.outcome {
            needs.push((action, resource.into()));
        }
        self
    }

    /// IAM checks whether the caller may pass `role` to `service`.
    pub(crate) fn passes(mut self, role: &'static str, service: &'static str) -> Self {
        self.passed.push((role, service));
        self.needs("iam:PassRole", role)
    }

    /// An error that comes after IAM has allowed the call.
    pub(crate) fn fails(mut self, code: &'static str, message: impl Into<String>) -> Self {
        self.error = Some((code, message.into()));
        self.response = Value::Null;
        self
    }

    /// IAM refuses `action`.
    pub(crate) fn denied(
        mut self,
        action: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        self.outcome = Outcome::Denied(action);
        self.fails(code, message)
    }

    /// An error that proves neither permission nor refusal.
    pub(crate) fn inconclusive(mut self, code: &'static str, message: impl Into<String>) -> Self {
        self.outcome = Outcome::Inconclusive;
        self.fails(code, message)
    }

    /// A call that needs no permission.
    pub(crate) fn free(mut self) -> Self {
        self.outcome = Outcome::Ignored;
        self
    }

    /// The called account's copy of a call across accounts.
    pub(crate) fn copy(mut self) -> Self {
        self.outcome = Outcome::Shared;
        self
    }

    /// A record that is not an API call of the caller: a sign-in, an event of the service itself.
    pub(crate) fn event_type(mut self, kind: &'static str) -> Self {
        self.event_type = kind;
        self.free()
    }

    /// The record as CloudTrail writes it, members in CloudTrail's order.
    pub(crate) fn record(&self, caller: &Caller, event_id: &str, rng: &mut Rng) -> Value {
        let mut identity = caller.identity.clone();
        let (mut address, mut agent) = (caller.address.as_str(), caller.agent.clone());
        if let Some(service) = self.through {
            identity["invokedBy"] = json!(service);
            address = service;
            agent = service.to_owned();
        }
        let own_api_call = self.event_type == "AwsApiCall";
        let mut record = Map::new();
        let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
        put("eventVersion", json!("1.11"));
        put("userIdentity", identity);
        put("eventTime", json!(self.at.to_string()));
        put(
            "eventSource",
            json!(format!("{}.amazonaws.com", self.source)),
        );
        put("eventName", json!(self.name));
        put("awsRegion", json!(self.region));
        put("sourceIPAddress", json!(address));
        // S3 alone writes the agent in brackets.
        let bracketed = self.source == "s3" && self.through.is_none() && caller.principal.is_some();
        put(
            "userAgent",
            json!(if bracketed {
                format!("[{agent}]")
            } else {
                agent
            }),
        );
        if let Some((code, message)) = &self.error {
            put("errorCode", json!(code));
            put("errorMessage", json!(message));
        }
        put("requestParameters", self.parameters.clone());
        put("responseElements", self.response.clone());
        if self.source == "s3" && own_api_call {
            put("additionalEventData", s3_details(self.read_only, rng));
        } else if !self.additional.is_null() {
            put("additionalEventData", self.additional.clone());
        }
        if own_api_call {
            put("requestID", json!(self.request_id(rng)));
        }
        put("eventID", json!(event_id));
        self.put_kind(caller, &mut record);
        Value::Object(record)
    }

    /// The members behind `eventID`: what kind of record this is, and how it reached AWS.
    fn put_kind(&self, caller: &Caller, record: &mut Map<String, Value>) {
        let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
        let direct = self.through.is_none() && self.event_type == "AwsApiCall";
        put("readOnly", json!(self.read_only));
        if !self.resources.is_null() {
            put("resources", self.resources.clone());
        }
        put("eventType", json!(self.event_type));
        if let Some(version) = self.api_version {
            put("apiVersion", json!(version));
        }
        put("managementEvent", json!(!self.data));
        put("recipientAccountId", json!(caller.account));
        if let Some(id) = &self.shared_event_id {
            put("sharedEventID", json!(id));
        }
        if let Some(id) = self.vpc_endpoint {
            put("vpcEndpointId", json!(id));
            put("vpcEndpointAccountId", json!(caller.account));
        }
        put(
            "eventCategory",
            json!(if self.data { "Data" } else { "Management" }),
        );
        if direct && !caller.inside {
            put(
                "tlsDetails",
                json!({
                    "tlsVersion": "TLSv1.3",
                    "cipherSuite": "TLS_AES_128_GCM_SHA256",
                    "clientProvidedHostHeader": self.host,
                }),
            );
        }
        if direct && caller.inside && caller.principal.is_some() {
            put("sessionCredentialFromConsole", json!("true"));
        }
    }

    fn request_id(&self, rng: &mut Rng) -> String {
        match self.source {
            "s3" => rng.upper(16),
            "dynamodb" => rng.upper(52),
            _ => rng.uuid(),
        }
    }
}

fn s3_details(read_only: bool, rng: &mut Rng) -> Value {
    let bytes = 400 + rng.below(60_000);
    let (received, sent) = if read_only { (0, bytes) } else { (bytes, 0) };
    json!({
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": received,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": format!("{}=", rng.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 75)),
        "bytesTransferredOut": sent,
    })
}
