//! `userIdentity` → the principal whose policy decides.
//!
//! Source of the shapes: CloudTrail User Guide, "CloudTrail userIdentity element".

use crate::cloudtrail::user_identity::UserIdentity;
use crate::iam::arn::{ArnParts, last_component};
use crate::iam::principal::{Principal, PrincipalKind};

/// Who called: the principal, and the name of its session where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The identity that policies are attached to.
    pub principal: Principal,
    /// The role session's name: an instance id, a user's e-mail address, a pipeline run.
    pub session: Option<String>,
    /// The long-term access key that signed the call.
    pub access_key: Option<String>,
}

/// The caller that `identity` names.
///
/// A role session is its role: from `sessionIssuer`, which has the role's path, else from the assumed-role ARN, which
/// has not. Where the log tells nothing of use the kind is [`PrincipalKind::Unknown`].
#[must_use]
pub fn caller(identity: &UserIdentity<'_>) -> Caller {
    Caller {
        access_key: identity.access_key_id.and_then(long_term),
        ..without_key(identity)
    }
}

/// The id of a long-term access key. Those of temporary credentials, which begin with `ASIA`, come and go with them.
/// Source: IAM User Guide, "IAM identifiers", the table of unique ID prefixes; IAM API Reference, `AccessKeyMetadata`:
/// 16 to 128 characters.
fn long_term(id: &str) -> Option<String> {
    let fits = (16..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    (fits && id.starts_with("AKIA")).then(|| id.to_owned())
}

fn without_key(identity: &UserIdentity<'_>) -> Caller {
    let arn = identity.arn.and_then(ArnParts::parse);
    let plain = |principal| Caller {
        principal,
        session: None,
        access_key: None,
    };
    match identity.kind {
        Some("AWSService") => plain(service(identity)),
        // The copy of a cross-account call in the other account tells only whose principal it was.
        Some("AWSAccount") => plain(account(identity)),
        Some("SAMLUser") => plain(named(identity, PrincipalKind::SamlUser)),
        Some("WebIdentityUser") => plain(named(identity, PrincipalKind::WebIdentityUser)),
        Some("IdentityCenterUser") => plain(named(identity, PrincipalKind::IdentityCenterUser)),
        Some("Root") => plain(root(identity)),
        _ => match arn {
            Some(arn) => from_arn(identity, arn),
            None if identity.kind == Some("AssumedRole") => role_without_arn(identity),
            None if identity.kind.is_none() && identity.invoked_by.is_some() => {
                plain(service(identity))
            }
            None if identity.kind == Some("IAMUser") && identity.user_name.is_some() => {
                plain(named(identity, PrincipalKind::User))
            }
            None => plain(unknown(identity)),
        },
    }
}

/// The principal that an ARN names by itself: `…:user/…`, `…:assumed-role/…`, `…:root`, `…:federated-user/…`.
fn from_arn(identity: &UserIdentity<'_>, arn: ArnParts<'_>) -> Caller {
    let text = identity.arn.unwrap_or_default();
    let (what, rest) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
    match (arn.service, what) {
        ("sts", "assumed-role") => {
            let (role_name, session) = rest.split_once('/').unwrap_or((rest, ""));
            let principal = issuer_role(identity).unwrap_or_else(|| {
                let role_arn = format!(
                    "arn:{}:iam::{}:role/{role_name}",
                    arn.partition, arn.account
                );
                role(&role_arn, arn.account, role_name)
            });
            let session = (!session.is_empty()).then(|| session.to_owned());
            Caller {
                principal,
                session,
                access_key: None,
            }
        }
        ("iam", "role") => Caller {
            principal: role(text, arn.account, last_component(rest)),
            session: None,
            access_key: None,
        },
        ("iam", "user") => simple(arn.account, PrincipalKind::User, last_component(rest), text),
        ("iam" | "sts", "root") => simple(arn.account, PrincipalKind::Root, "root", text),
        ("sts", "federated-user") => simple(arn.account, PrincipalKind::FederatedUser, rest, text),
        _ => Caller {
            principal: unknown(identity),
            session: None,
            access_key: None,
        },
    }
}

fn simple(account: &str, kind: PrincipalKind, name: &str, arn: &str) -> Caller {
    Caller {
        principal: Principal {
            account: account.to_owned(),
            kind,
            name: name.to_owned(),
            arn: arn.to_owned(),
        },
        session: None,
        access_key: None,
    }
}

/// The role in `sessionIssuer`, where that is there and is a role.
fn issuer_role(identity: &UserIdentity<'_>) -> Option<Principal> {
    let text = identity.issuer_arn?;
    let arn = ArnParts::parse(text)?;
    let path_and_name = arn.resource.strip_prefix("role/")?;
    Some(role(text, arn.account, last_component(path_and_name)))
}

fn role_without_arn(identity: &UserIdentity<'_>) -> Caller {
    let principal = issuer_role(identity).unwrap_or_else(|| unknown(identity));
    // principalId is `AROA…:session` for a role session.
    let session = identity
        .principal_id
        .and_then(|id| id.split_once(':'))
        .map(|(_, session)| session.to_owned());
    Caller {
        principal,
        session,
        access_key: None,
    }
}

/// A role, or the permission set that a role made by IAM Identity Center stands for:
/// `AWSReservedSSO_<permission set>_<16 hexadecimal digits>`.
fn role(arn: &str, account: &str, name: &str) -> Principal {
    let set = name.strip_prefix("AWSReservedSSO_").and_then(|rest| {
        let (set, suffix) = rest.rsplit_once('_')?;
        let hex = suffix.len() == 16 && suffix.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && !set.is_empty()).then_some(set)
    });
    Principal {
        account: account.to_owned(),
        kind: set.map_or(PrincipalKind::Role, |_| PrincipalKind::PermissionSet),
        name: set.unwrap_or(name).to_owned(),
        arn: arn.to_owned(),
    }
}

fn service(identity: &UserIdentity<'_>) -> Principal {
    let name = identity.invoked_by.unwrap_or("AWS Internal");
    Principal {
        account: String::new(),
        kind: PrincipalKind::AwsService,
        name: name.to_owned(),
        arn: name.to_owned(),
    }
}

fn account(identity: &UserIdentity<'_>) -> Principal {
    let account = identity.account_id.unwrap_or_default();
    // S3 writes the callers it does not know as the account `anonymous`.
    let arn = if account.bytes().all(|b| b.is_ascii_digit()) && !account.is_empty() {
        format!("arn:aws:iam::{account}:root")
    } else {
        account.to_owned()
    };
    Principal {
        account: account.to_owned(),
        kind: PrincipalKind::AwsAccount,
        name: account.to_owned(),
        arn,
    }
}

fn root(identity: &UserIdentity<'_>) -> Principal {
    let account = identity
        .account_id
        .or_else(|| {
            identity
                .arn
                .and_then(ArnParts::parse)
                .map(|arn| arn.account)
        })
        .unwrap_or_default();
    let arn = match identity.arn.filter(|arn| ArnParts::parse(arn).is_some()) {
        Some(arn) => arn.to_owned(),
        None => format!("arn:aws:iam::{account}:root"),
    };
    Principal {
        account: account.to_owned(),
        kind: PrincipalKind::Root,
        name: "root".to_owned(),
        arn,
    }
}

/// A principal that has a name but no ARN in the log.
fn named(identity: &UserIdentity<'_>, kind: PrincipalKind) -> Principal {
    let name = identity
        .user_name
        .or(identity.on_behalf_of_user)
        .or(identity.principal_id)
        .unwrap_or_default();
    let account = identity.account_id.unwrap_or_default();
    let arn = match kind {
        PrincipalKind::User => format!("arn:aws:iam::{account}:user/{name}"),
        _ => format!("{}:{account}:{name}", kind.as_str()),
    };
    Principal {
        account: account.to_owned(),
        kind,
        name: name.to_owned(),
        arn,
    }
}

fn unknown(identity: &UserIdentity<'_>) -> Principal {
    let name = identity
        .arn
        .or(identity.principal_id)
        .or(identity.user_name)
        .unwrap_or("unknown");
    Principal {
        account: identity.account_id.unwrap_or_default().to_owned(),
        kind: PrincipalKind::Unknown,
        name: name.to_owned(),
        arn: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::caller;
    use crate::cloudtrail::user_identity::UserIdentity;
    use crate::iam::principal::PrincipalKind::{self, *};

    /// (identity, kind, account, name, arn, session)
    type Case<'a> = (
        UserIdentity<'a>,
        PrincipalKind,
        &'a str,
        &'a str,
        &'a str,
        Option<&'a str>,
    );

    #[test]
    fn every_kind_of_identity_is_told_apart() {
        let none = UserIdentity::default();
        let cases: Vec<Case<'_>> = vec![
            (
                UserIdentity {
                    kind: Some("IAMUser"),
                    arn: Some("arn:aws-cn:iam::111122223333:user/team/ann"),
                    account_id: Some("111122223333"),
                    ..none
                },
                User,
                "111122223333",
                "ann",
                "arn:aws-cn:iam::111122223333:user/team/ann",
                None,
            ),
            (
                UserIdentity {
                    kind: Some("AssumedRole"),
                    arn: Some("arn:aws:sts::111122223333:assumed-role/deploy/run-7"),
                    issuer_arn: Some("arn:aws:iam::111122223333:role/ci/deploy"),
                    ..none
                },
                Role,
                "111122223333",
                "deploy",
                "arn:aws:iam::111122223333:role/ci/deploy",
                Some("run-7"),
            ),
            (
                UserIdentity {
                    kind: Some("AssumedRole"),
                    arn: Some("arn:aws-us-gov:sts::111122223333:assumed-role/deploy/run-7"),
                    ..none
                },
                Role,
                "111122223333",
                "deploy",
                "arn:aws-us-gov:iam::111122223333:role/deploy",
                Some("run-7"),
            ),
            (
                UserIdentity {
                    kind: Some("AssumedRole"),
                    arn: Some(
                        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Power_User_0123456789abcdef/m@example.com",
                    ),
                    ..none
                },
                PermissionSet,
                "111122223333",
                "Power_User",
                "arn:aws:iam::111122223333:role/AWSReservedSSO_Power_User_0123456789abcdef",
                Some("m@example.com"),
            ),
            (
                UserIdentity {
                    kind: Some("Root"),
                    account_id: Some("111122223333"),
                    ..none
                },
                Root,
                "111122223333",
                "root",
                "arn:aws:iam::111122223333:root",
                None,
            ),
            (
                UserIdentity {
                    kind: Some("FederatedUser"),
                    arn: Some("arn:aws:sts::111122223333:federated-user/Alice"),
                    ..none
                },
                FederatedUser,
                "111122223333",
                "Alice",
                "arn:aws:sts::111122223333:federated-user/Alice",
                None,
            ),
            (
                UserIdentity {
                    kind: Some("AWSAccount"),
                    account_id: Some("444455556666"),
                    principal_id: Some("AROAEXAMPLE:session"),
                    ..none
                },
                AwsAccount,
                "444455556666",
                "444455556666",
                "arn:aws:iam::444455556666:root",
                None,
            ),
            (
                UserIdentity {
                    invoked_by: Some("ec2.amazonaws.com"),
                    account_id: Some("111122223333"),
                    ..none
                },
                AwsService,
                "",
                "ec2.amazonaws.com",
                "ec2.amazonaws.com",
                None,
            ),
            (
                UserIdentity {
                    kind: Some("SAMLUser"),
                    user_name: Some("sam"),
                    ..none
                },
                SamlUser,
                "",
                "sam",
                "saml-user::sam",
                None,
            ),
            // A hand-edited record without `type`, as some exports have it.
            (
                UserIdentity {
                    arn: Some("arn:aws:iam::111122223333:user/ann"),
                    ..none
                },
                User,
                "111122223333",
                "ann",
                "arn:aws:iam::111122223333:user/ann",
                None,
            ),
            (none.clone(), Unknown, "", "unknown", "unknown", None),
        ];
        for (identity, kind, account, name, arn, session) in cases {
            let who = caller(&identity);
            let found = &who.principal;
            assert_eq!(
                (found.kind, &*found.account, &*found.name, &*found.arn),
                (kind, account, name, arn),
                "{identity:?}"
            );
            assert_eq!(who.session.as_deref(), session, "{identity:?}");
        }
    }

    #[test]
    fn only_long_term_keys_are_kept() {
        let long = format!("AKIA{}", "A".repeat(125));
        for (id, kept) in [
            ("AKIAIOSFODNN7EXAMPLE", true),
            ("ASIAIOSFODNN7EXAMPLE", false),
            ("AKIA", false),
            ("AKIAIOSFODNN7EXAMPL\u{1b}", false),
            (&long, false),
        ] {
            let who = caller(&UserIdentity {
                kind: Some("IAMUser"),
                arn: Some("arn:aws:iam::111122223333:user/ann"),
                access_key_id: Some(id),
                ..UserIdentity::default()
            });
            assert_eq!(who.access_key.as_deref(), kept.then_some(id));
        }
    }

    #[test]
    fn a_role_that_only_looks_like_a_permission_set_is_a_role() {
        let who = caller(&UserIdentity {
            kind: Some("AssumedRole"),
            arn: Some("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_handmade/x"),
            ..UserIdentity::default()
        });
        assert_eq!(who.principal.kind, Role);
        assert_eq!(who.principal.name, "AWSReservedSSO_handmade");
    }
}
