//! Refused calls: what the error says about the action, the resource and the policy that refused.

use std::borrow::Cow;
use std::iter;

use crate::catalog::action;
use crate::catalog::errors::ErrorClass;
use crate::cloudtrail::event::Event;
use crate::iam::action::Action;
use crate::iam::arn::{ArnParts, ResourceArn, escape};
use crate::iam::pattern;
use crate::usage::carriers;
use crate::usage::context::ContextKeys;
use crate::usage::resolve::{Basis, Need, Needs, Resources};

/// A refusal, as far as the record tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The action in the message.
    pub action: Option<Action>,
    /// The resource in the message, where it is an ARN or `*`.
    pub resource: Option<ResourceArn>,
    /// The kind of policy that refused where the message tells it (`identity-based policy`,
    /// `service control policy`, …), else the error code.
    pub reason: Cow<'static, str>,
}

/// How the message of a refused call compares with what the tables say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The same action, on a resource that theirs covers or that covers theirs.
    TheSame,
    /// Something else, in words for a person.
    Otherwise(String),
}

impl Denial {
    /// Puts what the message says in the place of what the tables say: AWS knows best what it refused. Returns how the two
    /// compare, where the message names an action.
    pub fn correct(&self, needs: &mut Needs) -> Option<Said> {
        let action = self.action.as_ref()?;
        let said = self.compare(action, needs);
        let by_tables = needs.iter().filter(|need| need.action == *action);
        let mut resources: Resources = match &self.resource {
            Some(resource) => iter::once(resource.clone()).collect(),
            None => by_tables.flat_map(|need| need.resources.clone()).collect(),
        };
        if resources.is_empty() {
            resources.push(ResourceArn::any());
        }
        needs.retain(|need| need.action != *action);
        needs.push(Need {
            action: action.clone(),
            resources,
            basis: Basis::DeniedMessage,
            context: ContextKeys::default(),
            told: self.resource.is_some(),
        });
        Some(said)
    }

    fn compare(&self, action: &Action, needs: &[Need]) -> Said {
        let by_tables: Vec<&Need> = needs.iter().filter(|need| need.action == *action).collect();
        if by_tables.is_empty() {
            let known: Vec<&str> = needs.iter().map(|need| need.action.as_str()).collect();
            let known = match known.as_slice() {
                [] => "nothing".to_owned(),
                known => known.join(", "),
            };
            return Said::Otherwise(format!("{action}, where the tables have {known}"));
        }
        let Some(resource) = &self.resource else {
            return Said::TheSame;
        };
        let covers = |a: &ResourceArn, b: &ResourceArn| pattern::covers(a.as_str(), b.as_str());
        let mut resources = by_tables.iter().flat_map(|need| &need.resources);
        // A carrier stands for roles that the record does not name.
        if resources.any(|own| {
            covers(own, resource) || covers(resource, own) || carriers::kind(own).is_some()
        }) {
            return Said::TheSame;
        }
        let known: Vec<&str> = by_tables
            .iter()
            .flat_map(|need| &need.resources)
            .map(ResourceArn::as_str)
            .collect();
        let known = known.join(", ");
        Said::Otherwise(format!(
            "{action} on {resource}, where the tables have {known}"
        ))
    }
}

/// The kinds of policy that a message names, most telling first.
/// Source: IAM User Guide, "Troubleshoot access denied error messages".
const POLICY_KINDS: [&str; 8] = [
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
    "resource-based policy",
    "role trust policy",
    "identity-based policy",
];

/// The refusal in `event`, whose error code is of the class `error`; `None` where it was not refused.
#[must_use]
pub fn read(event: &Event<'_, '_>, error: Option<ErrorClass>) -> Option<Denial> {
    let message = event.error_message.unwrap_or_default();
    let by_message = message.contains(" is not authorized to perform");
    let denied = match error {
        Some(ErrorClass::Denied) => true,
        // The error of a later state may quote such a message.
        Some(ErrorClass::Used) => false,
        Some(ErrorClass::Inconclusive | ErrorClass::Unlisted) | None => by_message,
    };
    if !denied {
        return None;
    }
    let kind = POLICY_KINDS.into_iter().find(|kind| message.contains(kind));
    let reason = match (kind, event.error_code) {
        (Some(kind), _) => Cow::Borrowed(kind),
        (None, Some(code)) => Cow::Owned(code.to_owned()),
        (None, None) => Cow::Borrowed("not authorized"),
    };
    Some(Denial {
        action: action_in(message),
        resource: resource_in(message),
        reason,
    })
}

/// The word behind `to perform:`, in AWS's spelling where the catalog knows it.
fn action_in(message: &str) -> Option<Action> {
    let word = word_behind(message, "to perform: ")?;
    match action::find(&word.to_ascii_lowercase()) {
        Some(facts) => Some(facts.to_action()),
        None => Action::parse(word),
    }
}

fn resource_in(message: &str) -> Option<ResourceArn> {
    // A resource may hold blanks: it ends where the explanation starts, or with the message.
    let rest = message.split_once("on resource: ")?.1;
    let end = [" because ", " with an explicit deny"]
        .into_iter()
        .filter_map(|mark| rest.find(mark))
        .min()
        .unwrap_or(rest.len());
    let text = rest[..end].trim().trim_matches(['"', '\'']);
    let text = text.strip_suffix(['.', ',']).unwrap_or(text);
    if text == "*" {
        return Some(ResourceArn::any());
    }
    if let Some(entity) = iam_entity(message, text) {
        return Some(entity);
    }
    // AWS itself writes a star for the part that did not exist yet, as in `instance/*`; so a star here is a wildcard.
    text.starts_with("arn:").then(|| {
        let escaped: Vec<Cow<'_, str>> = text.split('*').map(escape).collect();
        ResourceArn::from_pattern(escaped.join("*"))
    })
}

/// IAM's own calls name an entity as `user ann`, in the account of the caller, whose ARN begins the message.
fn iam_entity(message: &str, text: &str) -> Option<ResourceArn> {
    let (kind, name) = text.split_once(' ')?;
    let caller = ArnParts::parse(word_behind(message, "User: ")?)?;
    let entity = matches!(kind, "user" | "role" | "group") && !name.contains(char::is_whitespace);
    entity.then(|| {
        let (partition, account) = (escape(caller.partition), escape(caller.account));
        ResourceArn::from_pattern(format!(
            "arn:{partition}:iam::{account}:{kind}/{}",
            escape(name)
        ))
    })
}

fn word_behind<'m>(message: &'m str, mark: &str) -> Option<&'m str> {
    let rest = message.split_once(mark)?.1;
    let word = rest.split(char::is_whitespace).next()?;
    Some(word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::catalog::errors::{self, ErrorClass};
    use crate::cloudtrail::event::Event;

    #[test]
    fn the_message_tells_action_resource_and_policy() {
        for (message, action, resource, reason) in [
            (
                "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::111122223333:user/ because no identity-based policy allows the iam:ListUsers action",
                Some("iam:ListUsers"),
                Some("arn:aws:iam::111122223333:user/"),
                "identity-based policy",
            ),
            (
                "User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::my-bucket\" with an explicit deny in a service control policy",
                Some("s3:ListBucket"),
                Some("arn:aws:s3:::my-bucket"),
                "service control policy",
            ),
            (
                "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/ann is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* because no identity-based policy allows the ec2:RunInstances action. Encoded authorization failure message: abc",
                Some("ec2:RunInstances"),
                Some("arn:aws:ec2:eu-west-1:111122223333:instance/*"),
                "identity-based policy",
            ),
            (
                "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:ListAccessKeys on resource: user bob because no identity-based policy allows the iam:ListAccessKeys action",
                Some("iam:ListAccessKeys"),
                Some("arn:aws:iam::111122223333:user/bob"),
                "identity-based policy",
            ),
            ("Access Denied", None, None, "AccessDenied"),
        ] {
            let event = Event {
                error_code: Some("AccessDenied"),
                error_message: Some(message),
                ..Event::default()
            };
            let denial = read(&event, Some(ErrorClass::Denied)).unwrap();
            assert_eq!(
                denial.action.as_ref().map(|a| a.as_str()),
                action,
                "{message}"
            );
            assert_eq!(
                denial.resource.as_ref().map(|r| r.as_str()),
                resource,
                "{message}"
            );
            assert_eq!(denial.reason, reason, "{message}");
        }
    }

    #[test]
    fn only_a_refusal_is_a_refusal() {
        for (code, message, denied) in [
            (Some("NoSuchEntityException"), None, false),
            (Some("Client.UnauthorizedOperation"), None, true),
            (None, None, false),
            (
                None,
                Some("User: x is not authorized to perform: s3:GetObject"),
                true,
            ),
            // A code that no row names is a refusal where the message says so, and so is one that proves nothing.
            (
                Some("SomethingOfTheService"),
                Some("User: x is not authorized to perform: iam:PassRole"),
                true,
            ),
            (
                Some("ValidationError"),
                Some("User: x is not authorized to perform: ec2:RunInstances"),
                true,
            ),
            (
                Some("NoSuchEntityException"),
                Some("said: x is not authorized to perform: iam:PassRole"),
                false,
            ),
        ] {
            let event = Event {
                error_code: code,
                error_message: message,
                ..Event::default()
            };
            assert_eq!(
                read(&event, code.map(|code| errors::class(code).0)).is_some(),
                denied,
                "{code:?}"
            );
        }
    }
}
