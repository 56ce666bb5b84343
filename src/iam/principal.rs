//! Who a policy is for.

use std::fmt;

/// What kind of identity a principal is. The order is the order of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// An IAM user.
    User,
    /// An IAM role; all its sessions are one principal.
    Role,
    /// A permission set of IAM Identity Center in one account: the role `AWSReservedSSO_<name>_<suffix>`.
    PermissionSet,
    /// The account's root user.
    Root,
    /// A session of `sts:GetFederationToken`.
    FederatedUser,
    /// A SAML assertion that is about to become a role session.
    SamlUser,
    /// An OpenID Connect token that is about to become a role session.
    WebIdentityUser,
    /// A user known to IAM Identity Center only (`userIdentity.type` is `IdentityCenterUser`, `onBehalfOf`).
    IdentityCenterUser,
    /// A principal of another account, of which the log tells only the account.
    AwsAccount,
    /// An AWS service calling with its own identity.
    AwsService,
    /// The log does not tell.
    Unknown,
}

impl PrincipalKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::User,
        Self::Role,
        Self::PermissionSet,
        Self::Root,
        Self::FederatedUser,
        Self::SamlUser,
        Self::WebIdentityUser,
        Self::IdentityCenterUser,
        Self::AwsAccount,
        Self::AwsService,
        Self::Unknown,
    ];

    /// The name in paths and in JSON: `permission-set`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::PermissionSet => "permission-set",
            Self::Root => "root",
            Self::FederatedUser => "federated-user",
            Self::SamlUser => "saml-user",
            Self::WebIdentityUser => "web-identity-user",
            Self::IdentityCenterUser => "identity-center-user",
            Self::AwsAccount => "aws-account",
            Self::AwsService => "aws-service",
            Self::Unknown => "unknown",
        }
    }

    /// Whether an identity policy of the account decides what this principal may do.
    #[must_use]
    pub fn takes_identity_policy(self) -> bool {
        matches!(
            self,
            Self::User | Self::Role | Self::PermissionSet | Self::Root | Self::FederatedUser
        )
    }
}

/// One identity whose usage is summed up.
///
/// `name` is the user's or role's name without its path, the permission set's name for [`PrincipalKind::PermissionSet`]
/// and the service's host for [`PrincipalKind::AwsService`]. Equality includes the path; the ledger joins a role that
/// was seen without its path to the same role seen with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// The account's id as the log gives it; empty where it does not.
    pub account: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// Its name, without path.
    pub name: String,
    /// Its ARN; for a role session, the role's. Made up of what the log tells where the log has no ARN.
    pub arn: String,
}

impl Principal {
    /// Whether it is a service-linked role, which a service alone may use and AWS alone may change.
    /// Source: IAM User Guide, "Using service-linked roles", for the path and the reserved names.
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        let role = self.kind == PrincipalKind::Role;
        let path = self.arn.contains(":role/aws-service-role/");
        // Some records have only the assumed-role ARN, which leaves the path out.
        let pathless = self
            .arn
            .strip_suffix(&self.name)
            .is_some_and(|arn| arn.ends_with(":role/"));
        role && (path || pathless && self.name.starts_with("AWSServiceRoleFor"))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}
