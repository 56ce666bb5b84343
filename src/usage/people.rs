//! Who stands behind the sessions of a shared role: a person, a machine, or nobody can tell.

use crate::iam::principal::PrincipalKind;
use crate::usage::ledger::PrincipalUsage;

/// The condition key whose values name the sessions: the id of the role, `:`, the name of the session.
/// Source: IAM User Guide, "IAM policy elements: Variables and tags", the table of principal key values.
pub const SESSION_KEY: &str = "aws:userid";

/// What a session's name tells of who made its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behind {
    /// A person: the role is a permission set's, whose sessions have the user's name, or the name is an e-mail address.
    Person,
    /// Any other name. An SDK's own (`botocore-session-…`) is one of these: people and machines have it.
    Unclear,
    /// A machine: the name is an EC2 instance's id, that of GitHub's action, or that of a Lambda function whose log group the role
    /// writes.
    Machine,
}

impl Behind {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Unclear => "unclear",
            Self::Machine => "machine",
        }
    }

    /// Who stands behind the session called `name` of a role of this `kind` that used this.
    #[must_use]
    pub fn of(name: &str, kind: PrincipalKind, usage: &PrincipalUsage) -> Self {
        let is_address = name
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
        if kind == PrincipalKind::PermissionSet || is_address {
            Self::Person
        } else if is_instance(name) || name == "GitHubActions" || is_function(name, usage) {
            Self::Machine
        } else {
            Self::Unclear
        }
    }
}

/// Source: EC2 User Guide, "Instance IDs": eight digits or seventeen. IAM User Guide, "Use an IAM role to grant permissions to
/// applications running on Amazon EC2 instances": the session's name is the instance's id.
fn is_instance(name: &str) -> bool {
    name.strip_prefix("i-").is_some_and(|id| {
        matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Whether the role used the log group that a Lambda function of this name writes to.
/// Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs": `/aws/lambda/<function name>`.
fn is_function(name: &str, usage: &PrincipalUsage) -> bool {
    let group = format!(":log-group:/aws/lambda/{name}");
    usage.used().any(|(action, resource, _)| {
        let behind = resource.as_str().split_once(&group).map(|(_, rest)| rest);
        action.service() == "logs"
            && behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::Behind::{self, Machine, Person, Unclear};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::PrincipalKind::{PermissionSet, Role};
    use crate::usage::ledger::{PrincipalUsage, Tally};

    #[test]
    fn a_session_name_tells_a_person_a_machine_or_nothing() {
        let mut usage = PrincipalUsage::default();
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders:*";
        let tally = Tally {
            used: 1,
            ..Tally::default()
        };
        let streams = usage.facts.entry(Action::known("logs:CreateLogStream"));
        streams
            .or_default()
            .insert(ResourceArn::from_pattern(group), Box::new(tally));
        for (name, kind, expected) in [
            ("maria", PermissionSet, Person),
            ("maria@example.com", Role, Person),
            ("maria", Role, Unclear),
            ("maria@", Role, Unclear),
            ("@example.com", Role, Unclear),
            ("botocore-session-1756717200", Role, Unclear),
            ("i-0123456789abcdef0", Role, Machine),
            ("i-0123456789abcdef", Role, Unclear),
            ("GitHubActions", Role, Machine),
            ("orders", Role, Machine),
            ("order", Role, Unclear),
        ] {
            assert_eq!(Behind::of(name, kind, &usage), expected, "{name}");
        }
    }
}
