//! Who calls: `userIdentity` as CloudTrail writes it, and whose permissions decide.

use serde_json::{Value, json};

use crate::moment::Moment;
use crate::rng::Rng;

pub(crate) const SHOP: &str = "111122223333";
pub(crate) const DATA: &str = "222233334444";
pub(crate) const TOOLS: &str = "333344445555";
/// A partner's account: no logs of it.
pub(crate) const PARTNER: &str = "444455556666";

pub(crate) const FRANKFURT: &str = "eu-central-1";
pub(crate) const IRELAND: &str = "eu-west-1";
/// Where the records of global services go.
pub(crate) const GLOBAL: &str = "us-east-1";

/// What kind of principal: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Terraform,
    Releases,
    Service,
    Pipeline,
    OnCall,
    Scanner,
    Backup,
    Partner,
    User,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform roles",
            Self::Releases => "release roles (CloudFormation, ECS)",
            Self::Service => "services",
            Self::Pipeline => "data pipelines",
            Self::OnCall => "on-call people",
            Self::Scanner => "security scanners",
            Self::Backup => "backups",
            Self::Partner => "partners",
            Self::User => "users with keys",
        }
    }
}

/// A principal in one session of its own.
#[derive(Clone)]
pub(crate) struct Who {
    /// The principal's ARN.
    pub(crate) principal: String,
    pub(crate) kind: Kind,
    pub(crate) account: &'static str,
    pub(crate) region: &'static str,
    pub(crate) identity: Value,
    pub(crate) address: String,
    pub(crate) agent: &'static str,
    /// The VPC endpoint that its calls go through.
    pub(crate) endpoint: Option<&'static str>,
    /// Whether what it does now is something that nobody could foresee from the days before the cut.
    pub(crate) unforeseen: bool,
}

const ROBOT: &str = "Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#6.1.147-172.266.amzn2023.x86_64 lang/python#3.13.7";

impl Who {
    /// The role `path` + `name`. It has no session yet.
    pub(crate) fn role(
        kind: Kind,
        account: &'static str,
        region: &'static str,
        path: &str,
        name: &str,
    ) -> Self {
        // The same role has the same id for ever.
        let seed = name.bytes().chain(account.bytes());
        let seed = seed.fold(7_u64, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        let id = format!("AROA{}EXAMPLE", Rng::new(seed).upper(10));
        let principal = format!("arn:aws:iam::{account}:role/{path}{name}");
        let identity = json!({
            "type": "AssumedRole",
            "principalId": id,
            "arn": format!("arn:aws:sts::{account}:assumed-role/{name}"),
            "accountId": account,
            "accessKeyId": "",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": id, "arn": principal, "accountId": account, "userName": name,
                },
                "attributes": { "creationDate": "", "mfaAuthenticated": "false" },
            },
        });
        Self {
            principal,
            kind,
            account,
            region,
            identity,
            address: "10.0.12.34".to_owned(),
            agent: ROBOT,
            endpoint: None,
            unforeseen: false,
        }
    }

    /// An IAM user with an access key.
    pub(crate) fn user(
        account: &'static str,
        region: &'static str,
        name: &str,
        address: &str,
    ) -> Self {
        let principal = format!("arn:aws:iam::{account}:user/{name}");
        let identity = json!({
            "type": "IAMUser",
            "principalId": format!("AIDA{}EXAMPLE", name.to_uppercase().replace('-', "")),
            "arn": principal,
            "accountId": account,
            "accessKeyId": format!("AKIA{}EXAMPLE", name.to_uppercase().replace('-', "")),
            "userName": name,
        });
        Self {
            principal,
            kind: Kind::User,
            account,
            region,
            identity,
            address: address.to_owned(),
            agent: "aws-cli/2.28.21 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7",
            endpoint: None,
            unforeseen: false,
        }
    }

    /// A session of the role that begins at `begun`.
    pub(crate) fn session(&self, rng: &mut Rng, name: &str, begun: Moment, address: &str) -> Self {
        let mut who = self.clone();
        let identity = &mut who.identity;
        let id = identity["principalId"].as_str().unwrap_or_default();
        identity["principalId"] = json!(format!("{id}:{name}"));
        let arn = identity["arn"].as_str().unwrap_or_default();
        identity["arn"] = json!(format!("{arn}/{name}"));
        identity["accessKeyId"] = json!(rng.session_key());
        identity["sessionContext"]["attributes"]["creationDate"] = json!(begun.to_string());
        who.address = address.to_owned();
        who
    }

    pub(crate) fn unforeseen(&self, unforeseen: bool) -> Self {
        let mut who = self.clone();
        who.unforeseen = unforeseen;
        who
    }

    /// The ARN by which refusals name the caller.
    pub(crate) fn session_arn(&self) -> &str {
        self.identity["arn"].as_str().unwrap_or_default()
    }

    /// The ARN of a thing of the caller's account and Region.
    pub(crate) fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }

    /// The ARN of a role without a path in the caller's account.
    pub(crate) fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }
}
