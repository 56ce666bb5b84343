//! Who makes a request, and how closely a `Principal` element names them.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal", "AWS JSON policy elements: NotPrincipal" and, for what
//! the closeness decides, "How AWS enforcement code logic evaluates requests to allow or deny access".

use crate::iam::arn::ArnParts;
use crate::iam::policy::Effect;
use crate::verify::matcher::Answer;
use crate::verify::policy::{Listed, PrincipalPattern, Statement};

/// Who makes a request, as far as the ARN tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    /// An ARN, a service's name, or `*` for somebody without credentials.
    pub(crate) name: &'a str,
    partition: &'a str,
    /// Empty for a [`Kind::Outsider`].
    pub(crate) account: &'a str,
    pub(crate) kind: Kind<'a>,
}

/// What kind of principal a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    User,
    /// A role, in the place of any session of it that no policy names.
    Role,
    /// A session of the role of this name, which the ARN gives without its path.
    RoleSession(&'a str),
    /// A session that the user of this name got from `GetFederationToken`.
    FederatedUser(&'a str),
    Root,
    /// Without identity policies: an AWS service, an identity provider, somebody without credentials.
    Outsider,
}

/// How closely a `Principal` element names a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// Not at all.
    No,
    /// By its account, to which the permission is delegated.
    Account,
    /// By the role or user that its session is of, whose boundary and session policy limit what that grants.
    Entity,
    /// As the very principal that makes the request, or by `*`.
    Directly,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        let parts = ArnParts::parse(name);
        let kind = parts.map_or(Kind::Outsider, |parts| {
            let (kind, rest) = parts
                .resource
                .split_once('/')
                .unwrap_or((parts.resource, ""));
            match (parts.service, kind) {
                ("iam", "root") => Kind::Root,
                ("iam", "user") => Kind::User,
                ("iam", "role") => Kind::Role,
                ("sts", "assumed-role") => {
                    Kind::RoleSession(rest.split_once('/').map_or(rest, |(role, _)| role))
                }
                ("sts", "federated-user") => Kind::FederatedUser(rest),
                _ => Kind::Outsider,
            }
        });
        let account = match kind {
            Kind::Outsider => "",
            _ => parts.map_or("", |parts| parts.account),
        };
        Self {
            name,
            partition: parts.map_or("", |parts| parts.partition),
            account,
            kind,
        }
    }

    /// Whether it is a service-linked role, which neither SCPs nor RCPs touch. A session's ARN does not show it.
    /// Source: AWS Organizations User Guide, "Service control policies (SCPs)" and "Resource control policies (RCPs)".
    pub(crate) fn is_service_linked(&self) -> bool {
        self.kind == Kind::Role && self.name.contains(":role/aws-service-role/")
    }

    /// How closely `pattern` names the caller.
    fn named_by(&self, pattern: &PrincipalPattern) -> Named {
        let text = match pattern {
            PrincipalPattern::Anyone => return Named::Directly,
            PrincipalPattern::Other(text)
                if self.kind == Kind::Outsider && **text == *self.name =>
            {
                return Named::Directly;
            }
            PrincipalPattern::Other(_) => return Named::No,
            PrincipalPattern::Aws(text) => &**text,
        };
        if text == self.name {
            return match self.kind {
                Kind::Role => Named::Entity,
                _ => Named::Directly,
            };
        }
        if self.account.is_empty() {
            return Named::No;
        }
        let parts = ArnParts::parse(text).filter(|parts| {
            (parts.partition, parts.service, parts.account) == (self.partition, "iam", self.account)
        });
        if text == self.account || parts.is_some_and(|parts| parts.resource == "root") {
            return match self.kind {
                Kind::Root => Named::Directly,
                _ => Named::Account,
            };
        }
        let (prefix, name) = match self.kind {
            Kind::RoleSession(role) => ("role/", role),
            Kind::FederatedUser(user) => ("user/", user),
            _ => return Named::No,
        };
        // Names are unique in an account whatever the path.
        // Source: IAM User Guide, "IAM and AWS STS quotas", "IAM name requirements".
        let behind = parts.and_then(|parts| parts.resource.strip_prefix(prefix));
        match behind.and_then(|path| path.rsplit('/').next()) {
            Some(last) if last == name => Named::Entity,
            _ => Named::No,
        }
    }

    /// Whether the `Principal` or `NotPrincipal` of a resource policy's statement lets it speak of the caller, and how
    /// closely it names them. `bounded`: the caller has a permissions boundary.
    pub(crate) fn meets(&self, statement: &Statement, bounded: bool) -> (Answer, Named) {
        let deny = statement.effect == Effect::Deny;
        match &statement.principals {
            // IAM accepts no such statement in a resource policy: it grants nothing.
            None => (Answer::from(deny), Named::No),
            Some(listed) if listed.negated && deny => (!self.spared(listed, bounded), Named::No),
            Some(listed) if listed.negated => {
                // "Using it with Allow is not supported", so it is read to grant as little as it can: to nobody that the
                // list names in any way, and within boundary and session policy.
                let named = listed.items.iter().any(|p| self.named_by(p) > Named::No);
                (Answer::from(!named), Named::Entity)
            }
            Some(listed) => {
                let named = listed.items.iter().map(|p| self.named_by(p)).max();
                let named = named.unwrap_or(Named::No);
                (Answer::from(named > Named::No), named)
            }
        }
    }

    /// Whether a `Deny` with this `NotPrincipal` leaves the caller alone.
    ///
    /// The list must name the very caller: the guide's examples list a user beside its account, or a session beside its
    /// role and account, and say that all others are denied. Where the account or role is missing the statement
    /// "might" deny them too. And it "will always deny" a principal that has a permissions boundary.
    fn spared(&self, listed: &Listed<PrincipalPattern>, bounded: bool) -> Answer {
        let has = |named| listed.items.iter().any(|p| self.named_by(p) == named);
        let own = match self.kind {
            Kind::Role => Named::Entity,
            _ => Named::Directly,
        };
        if bounded {
            return Answer::No;
        }
        if listed.items.contains(&PrincipalPattern::Anyone) {
            return Answer::Yes;
        }
        if !has(own) {
            return Answer::No;
        }
        let complete = match self.kind {
            Kind::Root | Kind::Outsider => true,
            Kind::RoleSession(_) => has(Named::Entity) && has(Named::Account),
            _ => has(Named::Account),
        };
        if complete {
            Answer::Yes
        } else {
            Answer::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Named};
    use crate::verify::matcher::Answer;
    use crate::verify::policy::parse;

    const USER: &str = "arn:aws:iam::111122223333:user/team/ann";
    const ROLE: &str = "arn:aws:iam::111122223333:role/team/ci";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ci/build";
    const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/ann";
    const ROOT: &str = "arn:aws:iam::111122223333:root";

    fn meets(caller: &str, effect: &str, element: &str, bounded: bool) -> (Answer, Named) {
        let text = format!(
            r#"{{"Statement": {{"Effect": "{effect}", {element}, "Action": "s3:*", "Resource": "*"}}}}"#
        );
        let policy = parse(&text).unwrap().remove(0);
        Caller::new(caller).meets(&policy.statements[0], bounded)
    }

    /// IAM User Guide, "AWS JSON policy elements: Principal", section by section.
    #[test]
    fn a_principal_names_callers_more_or_less_closely() {
        for (caller, entry, expected) in [
            (USER, r#""*""#, Named::Directly),
            (USER, r#"{"AWS": "*"}"#, Named::Directly),
            ("*", r#""*""#, Named::Directly),
            ("*", r#"{"AWS": "111122223333"}"#, Named::No),
            (USER, r#"{"AWS": "111122223333"}"#, Named::Account),
            (
                USER,
                r#"{"AWS": "arn:aws:iam::111122223333:root"}"#,
                Named::Account,
            ),
            (USER, r#"{"AWS": "999999999999"}"#, Named::No),
            (ROOT, r#"{"AWS": "111122223333"}"#, Named::Directly),
            (
                USER,
                r#"{"AWS": "arn:aws:iam::111122223333:user/team/ann"}"#,
                Named::Directly,
            ),
            // The name is case-sensitive, and a wildcard is none.
            (
                USER,
                r#"{"AWS": "arn:aws:iam::111122223333:user/team/Ann"}"#,
                Named::No,
            ),
            (
                USER,
                r#"{"AWS": "arn:aws:iam::111122223333:user/*"}"#,
                Named::No,
            ),
            (
                ROLE,
                r#"{"AWS": "arn:aws:iam::111122223333:role/team/ci"}"#,
                Named::Entity,
            ),
            (
                SESSION,
                r#"{"AWS": "arn:aws:iam::111122223333:role/team/ci"}"#,
                Named::Entity,
            ),
            (
                SESSION,
                r#"{"AWS": "arn:aws:iam::111122223333:role/team/cix"}"#,
                Named::No,
            ),
            (
                SESSION,
                r#"{"AWS": "arn:aws:iam::999999999999:role/ci"}"#,
                Named::No,
            ),
            (
                SESSION,
                r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/ci/build"}"#,
                Named::Directly,
            ),
            (
                SESSION,
                r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/ci/other"}"#,
                Named::No,
            ),
            (
                ROLE,
                r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/ci/build"}"#,
                Named::No,
            ),
            // The closest of several counts.
            (
                SESSION,
                r#"{"AWS": ["111122223333", "arn:aws:iam::111122223333:role/ci"]}"#,
                Named::Entity,
            ),
            (
                FEDERATED,
                r#"{"AWS": "arn:aws:iam::111122223333:user/team/ann"}"#,
                Named::Entity,
            ),
            (
                FEDERATED,
                r#"{"AWS": "arn:aws:sts::111122223333:federated-user/ann"}"#,
                Named::Directly,
            ),
            (
                "ec2.amazonaws.com",
                r#"{"Service": ["ecs.amazonaws.com", "ec2.amazonaws.com"]}"#,
                Named::Directly,
            ),
            (
                "ec2.amazonaws.com",
                r#"{"Service": "ecs.amazonaws.com"}"#,
                Named::No,
            ),
            (USER, r#"{"Service": "ec2.amazonaws.com"}"#, Named::No),
            (
                "arn:aws:iam::111122223333:saml-provider/idp",
                r#"{"Federated": "arn:aws:iam::111122223333:saml-provider/idp"}"#,
                Named::Directly,
            ),
        ] {
            let element = format!(r#""Principal": {entry}"#);
            let answer = Answer::from(expected > Named::No);
            assert_eq!(
                meets(caller, "Allow", &element, false),
                (answer, expected),
                "{caller} {entry}"
            );
        }
    }

    /// IAM User Guide, "AWS JSON policy elements: NotPrincipal": its two examples, and what it says of incomplete
    /// lists and of permissions boundaries.
    #[test]
    fn a_denying_not_principal_spares_whom_it_names_in_full() {
        let bob = "arn:aws:iam::444455556666:user/Bob";
        let alice = "arn:aws:iam::444455556666:user/Alice";
        let with_account = r#"["arn:aws:iam::444455556666:user/Bob", "444455556666"]"#;
        let app = "arn:aws:sts::444455556666:assumed-role/audit/app";
        let other_app = "arn:aws:sts::444455556666:assumed-role/audit/other";
        let in_full = r#"["arn:aws:sts::444455556666:assumed-role/audit/app",
            "arn:aws:iam::444455556666:role/audit", "arn:aws:iam::444455556666:root"]"#;
        let no_account = r#"["arn:aws:sts::444455556666:assumed-role/audit/app", "arn:aws:iam::444455556666:role/audit"]"#;
        for (caller, list, denied) in [
            (bob, with_account, Answer::No),
            (alice, with_account, Answer::Yes),
            ("*", with_account, Answer::Yes),
            (
                bob,
                r#""arn:aws:iam::444455556666:user/Bob""#,
                Answer::Unknown,
            ),
            (bob, r#""444455556666""#, Answer::Yes),
            ("arn:aws:iam::444455556666:root", with_account, Answer::No),
            (app, in_full, Answer::No),
            (other_app, in_full, Answer::Yes),
            (app, no_account, Answer::Unknown),
            (bob, r#""*""#, Answer::No),
        ] {
            let element = format!(r#""NotPrincipal": {{"AWS": {list}}}"#);
            assert_eq!(
                meets(caller, "Deny", &element, false).0,
                denied,
                "{caller} {list}"
            );
            assert_eq!(
                meets(caller, "Deny", &element, true).0,
                Answer::Yes,
                "{caller} {list}"
            );
        }
        let element = r#""NotPrincipal": {"Service": "ec2.amazonaws.com"}"#;
        assert_eq!(
            meets("ec2.amazonaws.com", "Deny", element, false).0,
            Answer::No
        );
        assert_eq!(
            meets("ecs.amazonaws.com", "Deny", element, false).0,
            Answer::Yes
        );
        // With `Allow` it is not supported, and grants as little as it can be read to.
        let element = r#""NotPrincipal": {"AWS": "444455556666"}"#;
        assert_eq!(meets(bob, "Allow", element, false).0, Answer::No);
        assert_eq!(
            meets(USER, "Allow", element, false),
            (Answer::Yes, Named::Entity)
        );
    }
}
