//! One call: what CloudTrail records of it and what IAM checks for it.
//!
//! Names are given *marked*: `invoices/<2026>/<c-1042>.pdf` is the key `invoices/2026/c-1042.pdf`, and the principal truly
//! needs `invoices/*/*.pdf`. Every parameter and resource may be given so.

use serde_json::{Map, Value, json};

use crate::moment::Moment;
use crate::rng::Rng;
use crate::who::Who;

/// A name without its marks: what it is on this day.
pub(crate) fn plain(marked: &str) -> String {
    marked.replace(['<', '>'], "")
}

/// A name with `*` for each marked part: what is truly needed.
pub(crate) fn pattern(marked: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in marked.chars() {
        match letter {
            '<' => {
                inside = true;
                out.push('*');
            }
            '>' => inside = false,
            _ if inside => {}
            _ => out.push(letter),
        }
    }
    out
}

fn plain_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(&text)),
        Value::Array(items) => items.into_iter().map(plain_value).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, plain_value(value)))
            .collect(),
        other => other,
    }
}

/// What a call says about permissions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// IAM allowed it, also where it then failed.
    Allowed,
    /// IAM refused it.
    Denied,
    /// No permission of the caller is involved, or nothing is proved.
    Silent,
}

/// A call under construction: the methods fill in what differs from the plain case.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) verdict: Verdict,
    /// Action and marked resource.
    pub(crate) needs: Vec<(&'static str, String)>,
    /// The roles that the call passes, with the services that they are passed to.
    pub(crate) passed: Vec<(String, &'static str)>,
    /// Set-up that is done once: what it needs is not needed again.
    pub(crate) once: bool,
    pub(crate) region: Option<&'static str>,
    source: &'static str,
    name: &'static str,
    read_only: bool,
    data: bool,
    parameters: Value,
    response: Value,
    resources: Value,
    error: Option<(&'static str, String)>,
    through: Option<&'static str>,
}

impl Call {
    fn new(source: &'static str, name: &'static str, read_only: bool) -> Self {
        Self {
            verdict: Verdict::Allowed,
            needs: Vec::new(),
            passed: Vec::new(),
            once: false,
            region: None,
            source,
            name,
            read_only,
            data: false,
            parameters: Value::Null,
            response: Value::Null,
            resources: Value::Null,
            error: None,
            through: None,
        }
    }

    /// A call of `source` (`monitoring` for CloudWatch) that changes nothing.
    pub(crate) fn read(source: &'static str, name: &'static str) -> Self {
        Self::new(source, name, true)
    }

    /// A call that changes something.
    pub(crate) fn write(source: &'static str, name: &'static str) -> Self {
        Self::new(source, name, false)
    }

    pub(crate) fn data(mut self) -> Self {
        self.data = true;
        self
    }

    pub(crate) fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = plain_value(parameters);
        self
    }

    pub(crate) fn response(mut self, response: Value) -> Self {
        self.response = plain_value(response);
        self
    }

    pub(crate) fn resources(mut self, resources: Value) -> Self {
        self.resources = plain_value(resources);
        self
    }

    /// A service that is in one Region for the world, or a Region that is not the caller's.
    pub(crate) fn region(mut self, region: &'static str) -> Self {
        self.region = Some(region);
        self
    }

    /// The service that makes this call with the caller's permissions.
    pub(crate) fn through(mut self, service: &'static str) -> Self {
        self.through = Some(service);
        self
    }

    /// IAM checks `action` on the marked `resource`.
    pub(crate) fn needs(mut self, action: &'static str, resource: impl Into<String>) -> Self {
        self.needs.push((action, resource.into()));
        self
    }

    /// IAM checks `action` on `*`: it has no resource type, or none that the call names.
    pub(crate) fn needs_all(self, action: &'static str) -> Self {
        self.needs(action, "*")
    }

    /// IAM checks whether the caller may pass the marked `role` to `service`.
    pub(crate) fn passes(mut self, role: impl Into<String>, service: &'static str) -> Self {
        let role = role.into();
        self.passed.push((role.clone(), service));
        self.needs("iam:PassRole", role)
    }

    pub(crate) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// An error that comes after IAM has allowed the call.
    pub(crate) fn fails(mut self, code: &'static str, message: impl Into<String>) -> Self {
        self.error = Some((code, message.into()));
        self.response = Value::Null;
        self
    }

    /// IAM refuses the call.
    pub(crate) fn denied(mut self, who: &Who) -> Self {
        self.verdict = Verdict::Denied;
        let (action, resource) = self.needs.first().cloned().unwrap_or_default();
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {} because no identity-based policy allows the {action} action",
            who.session_arn(),
            plain(&resource)
        );
        let code = match self.source {
            "ec2" => "Client.UnauthorizedOperation",
            "s3" | "iam" | "sqs" => "AccessDenied",
            _ => "AccessDeniedException",
        };
        self.fails(code, message)
    }

    /// The call as it fails where there are too many of its kind: it was allowed all the same.
    pub(crate) fn throttled(&self) -> Self {
        let code = match self.source {
            "s3" => "SlowDown",
            "ec2" => "Client.RequestLimitExceeded",
            _ => "ThrottlingException",
        };
        self.clone().fails(code, "Rate exceeded")
    }

    /// A call that needs no permission.
    pub(crate) fn free(mut self) -> Self {
        self.verdict = Verdict::Silent;
        self
    }

    /// The record as CloudTrail writes it, members in CloudTrail's order.
    pub(crate) fn record(&self, who: &Who, at: Moment, rng: &mut Rng) -> Value {
        let mut identity = who.identity.clone();
        let (mut address, mut agent) = (who.address.as_str(), who.agent);
        if let Some(service) = self.through {
            identity["invokedBy"] = json!(service);
            (address, agent) = (service, service);
        }
        let mut record = Map::new();
        let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
        put("eventVersion", json!("1.11"));
        put("userIdentity", identity);
        put("eventTime", json!(at.to_string()));
        put(
            "eventSource",
            json!(format!("{}.amazonaws.com", self.source)),
        );
        put("eventName", json!(self.name));
        put("awsRegion", json!(self.region.unwrap_or(who.region)));
        put("sourceIPAddress", json!(address));
        put("userAgent", json!(agent));
        if let Some((code, message)) = &self.error {
            put("errorCode", json!(code));
            put("errorMessage", json!(message));
        }
        put("requestParameters", self.parameters.clone());
        put("responseElements", self.response.clone());
        put("requestID", json!(rng.uuid()));
        put("eventID", json!(rng.uuid()));
        put("readOnly", json!(self.read_only));
        if !self.resources.is_null() {
            put("resources", self.resources.clone());
        }
        put("eventType", json!("AwsApiCall"));
        put("managementEvent", json!(!self.data));
        put("recipientAccountId", json!(who.account));
        if let Some(endpoint) = who.endpoint.filter(|_| self.through.is_none()) {
            put("vpcEndpointId", json!(endpoint));
            put("vpcEndpointAccountId", json!(who.account));
        }
        let category = if self.data { "Data" } else { "Management" };
        put("eventCategory", json!(category));
        Value::Object(record)
    }
}

#[cfg(test)]
mod tests {
    use super::{pattern, plain};

    #[test]
    fn marks_stand_for_what_changes() {
        assert_eq!(plain("a/<2026>/<x>.pdf"), "a/2026/x.pdf");
        assert_eq!(pattern("a/<2026>/<x>.pdf"), "a/*/*.pdf");
    }
}
