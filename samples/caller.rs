//! Who calls: `userIdentity` as CloudTrail writes it, and whose permissions decide.

use serde_json::{Value, json};

use crate::moment::Moment;
use crate::rng::Rng;

/// The account the samples are about.
pub(crate) const MAIN: &str = "111122223333";
/// A partner's account, from which one role reads reports.
pub(crate) const PARTNER: &str = "444455556666";

/// An identity with IAM permissions of its own: what a policy is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Principal {
    pub(crate) arn: &'static str,
    /// `role`, `permission-set`, `root` or `user`.
    pub(crate) kind: &'static str,
    pub(crate) account: &'static str,
}

/// A role, with what its sessions' records say of it.
pub(crate) struct Role {
    pub(crate) principal: Principal,
    /// The name without its path: sessions' ARNs leave the path out.
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
}

pub(crate) const GITHUB_DEPLOY: Role = Role {
    principal: Principal {
        arn: "arn:aws:iam::111122223333:role/ci/github-deploy",
        kind: "role",
        account: MAIN,
    },
    name: "github-deploy",
    id: "AROAQ7M2KXW4VEXAMPLE1",
};

pub(crate) const ORDER_PROCESSOR: Role = Role {
    principal: Principal {
        arn: "arn:aws:iam::111122223333:role/service-role/order-processor-role",
        kind: "role",
        account: MAIN,
    },
    name: "order-processor-role",
    id: "AROAQ7M2KXW4VEXAMPLE2",
};

pub(crate) const PARTNER_READONLY: Role = Role {
    principal: Principal {
        arn: "arn:aws:iam::111122223333:role/partner-readonly",
        kind: "role",
        account: MAIN,
    },
    name: "partner-readonly",
    id: "AROAQ7M2KXW4VEXAMPLE3",
};

pub(crate) const WEB_INSTANCE: Role = Role {
    principal: Principal {
        arn: "arn:aws:iam::111122223333:role/web-asg-instance",
        kind: "role",
        account: MAIN,
    },
    name: "web-asg-instance",
    id: "AROAQ7M2KXW4VEXAMPLE4",
};

pub(crate) const PLATFORM_ENGINEER: Role = Role {
    principal: Principal {
        arn: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_PlatformEngineer_0123456789abcdef",
        kind: "permission-set",
        account: MAIN,
    },
    name: "AWSReservedSSO_PlatformEngineer_0123456789abcdef",
    id: "AROAQ7M2KXW4VEXAMPLE5",
};

pub(crate) const ADMINISTRATOR: Role = Role {
    principal: Principal {
        arn: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_AdministratorAccess_fedcba9876543210",
        kind: "permission-set",
        account: MAIN,
    },
    name: "AWSReservedSSO_AdministratorAccess_fedcba9876543210",
    id: "AROAQ7M2KXW4VEXAMPLE6",
};

/// The partner's own role, in the partner's account.
pub(crate) const ANALYTICS_RUNNER: Role = Role {
    principal: Principal {
        arn: "arn:aws:iam::444455556666:role/analytics-runner",
        kind: "role",
        account: PARTNER,
    },
    name: "analytics-runner",
    id: "AROAT5N8RZB2CEXAMPLE7",
};

const BACKUP_LEGACY: Principal = Principal {
    arn: "arn:aws:iam::111122223333:user/backup-legacy",
    kind: "user",
    account: MAIN,
};

const ROOT: Principal = Principal {
    arn: "arn:aws:iam::111122223333:root",
    kind: "root",
    account: MAIN,
};

/// One identity at one place: what all records of a session have in common.
#[derive(Clone)]
pub(crate) struct Caller {
    /// Whose permissions decide; `None` where no policy of the account does.
    pub(crate) principal: Option<Principal>,
    /// The account whose trail gets the record.
    pub(crate) account: &'static str,
    pub(crate) identity: Value,
    pub(crate) address: String,
    pub(crate) agent: String,
    /// Whether the calls come from inside AWS, the console or a service: such records carry no TLS details.
    pub(crate) inside: bool,
}

impl Caller {
    /// A session of `role` that began at `begun`.
    pub(crate) fn session(
        rng: &mut Rng,
        role: &Role,
        name: &str,
        begun: Moment,
        address: &str,
        agent: &str,
    ) -> Self {
        let account = role.principal.account;
        let identity = json!({
            "type": "AssumedRole",
            "principalId": format!("{}:{name}", role.id),
            "arn": format!("arn:aws:sts::{account}:assumed-role/{}/{name}", role.name),
            "accountId": account,
            "accessKeyId": rng.session_key(),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": role.id,
                    "arn": role.principal.arn,
                    "accountId": account,
                    "userName": role.name,
                },
                "attributes": { "creationDate": begun.to_string(), "mfaAuthenticated": "false" },
            },
        });
        Self {
            principal: Some(role.principal),
            account,
            identity,
            address: address.to_owned(),
            agent: agent.to_owned(),
            inside: false,
        }
    }

    /// The user with the old access key.
    pub(crate) fn backup_legacy() -> Self {
        let identity = json!({
            "type": "IAMUser",
            "principalId": "AIDAQ7M2KXW4VEXAMPLE8",
            "arn": BACKUP_LEGACY.arn,
            "accountId": MAIN,
            "accessKeyId": "AKIAQ7M2KXW4VEXAMPLE",
            "userName": "backup-legacy",
        });
        Self {
            principal: Some(BACKUP_LEGACY),
            account: MAIN,
            identity,
            address: "192.0.2.44".to_owned(),
            agent:
                "aws-cli/1.18.147 Python/2.7.18 Linux/4.14.355-275.603.amzn2.x86_64 botocore/1.18.6"
                    .to_owned(),
            inside: false,
        }
    }

    /// The account's root user, signed in to the console with a second factor since `begun`.
    pub(crate) fn root(rng: &mut Rng, begun: Moment) -> Self {
        let identity = json!({
            "type": "Root",
            "principalId": MAIN,
            "arn": ROOT.arn,
            "accountId": MAIN,
            "accessKeyId": rng.session_key(),
            "sessionContext": {
                "attributes": { "creationDate": begun.to_string(), "mfaAuthenticated": "true" },
            },
        });
        Self {
            principal: Some(ROOT),
            account: MAIN,
            identity,
            address: "203.0.113.7".to_owned(),
            agent: "AWS Internal".to_owned(),
            inside: true,
        }
    }

    /// An AWS service with its own identity.
    pub(crate) fn service(account: &'static str, host: &str) -> Self {
        Self {
            principal: None,
            account,
            identity: json!({ "type": "AWSService", "invokedBy": host }),
            address: host.to_owned(),
            agent: host.to_owned(),
            inside: true,
        }
    }

    /// Somebody without permissions in `account`: a token or an assertion that becomes a session, a person known to
    /// Identity Center only, another account.
    pub(crate) fn outsider(
        account: &'static str,
        identity: Value,
        address: &str,
        agent: &str,
    ) -> Self {
        Self {
            principal: None,
            account,
            identity,
            address: address.to_owned(),
            agent: agent.to_owned(),
            inside: false,
        }
    }

    /// The ARN by which refusals name the caller.
    pub(crate) fn arn(&self) -> &str {
        self.identity["arn"].as_str().unwrap_or_default()
    }
}
