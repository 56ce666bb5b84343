//! How much AWS takes of the policies of one thing.

use crate::iam::policy::MANAGED_POLICY_QUOTA;
use crate::iam::principal::PrincipalKind;

/// What policies are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The managed policies of a role.
    Role,
    /// The managed policies of a user.
    User,
    /// The managed policies of a group.
    Group,
    /// A permissions boundary.
    Boundary,
    /// Service control policies of one root, organisational unit or account.
    Scp,
    /// The inline policy of a permission set of IAM Identity Center.
    PermissionSet,
}

/// How many documents of which size a [`Target`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What takes them.
    pub target: Target,
    /// The most characters of a document, see [`PolicyDocument::size`](crate::iam::policy::PolicyDocument::size).
    pub characters: usize,
    /// The most documents, by default.
    pub documents: usize,
    /// To how many AWS raises that on request; the same number where it does not.
    pub raised: usize,
}

impl Target {
    /// The name in JSON: `permission-set`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
            Self::Group => "group",
            Self::Boundary => "boundary",
            Self::Scp => "scp",
            Self::PermissionSet => "permission-set",
        }
    }

    /// What the policies of such a principal are for, where nothing else was asked for.
    #[must_use]
    pub const fn of(kind: PrincipalKind) -> Self {
        match kind {
            PrincipalKind::User | PrincipalKind::Root | PrincipalKind::FederatedUser => Self::User,
            PrincipalKind::PermissionSet => Self::PermissionSet,
            _ => Self::Role,
        }
    }

    /// How much it takes.
    ///
    /// Sources: IAM User Guide, "IAM and AWS STS quotas": 6,144 characters, 10 managed policies, on request 20 for roles and
    /// users; one boundary. Organizations User Guide, "Quotas and service limits", as raised on 15 May 2026: 10,240
    /// characters, 10 policies. IAM Identity Center User Guide, "Quotas": one inline policy, 32,768 bytes, of which 10,240 are no
    /// white space.
    #[must_use]
    pub const fn quota(self) -> Quota {
        let (characters, documents, raised) = match self {
            Self::Role | Self::User => (MANAGED_POLICY_QUOTA, 10, 20),
            Self::Group => (MANAGED_POLICY_QUOTA, 10, 10),
            Self::Boundary => (MANAGED_POLICY_QUOTA, 1, 1),
            // All characters count here, so one is left for the end of the line.
            Self::Scp => (10_239, 10, 10),
            Self::PermissionSet => (10_240, 1, 1),
        };
        Quota {
            target: self,
            characters,
            documents,
            raised,
        }
    }

    /// Whether the white space between tokens counts too. Source: Organizations User Guide, "SCP syntax".
    #[must_use]
    pub const fn counts_white_space(self) -> bool {
        matches!(self, Self::Scp)
    }

    /// What a document of it is called.
    const fn document(self) -> &'static str {
        match self {
            Self::Role | Self::User | Self::Group => "managed policies",
            Self::Boundary => "managed policy as its boundary",
            Self::Scp => "service control policies",
            Self::PermissionSet => "inline policy",
        }
    }

    /// Who takes it.
    const fn taker(self) -> &'static str {
        match self {
            Self::Role => "a role",
            Self::User => "a user",
            Self::Group => "a group",
            Self::Boundary => "a principal",
            Self::Scp => "an account or organisational unit",
            Self::PermissionSet => "a permission set",
        }
    }

    /// What a reader must know who attaches it.
    pub(super) fn notes(self) -> &'static [&'static str] {
        match self {
            Self::Boundary => &["a boundary grants nothing: the principal needs policies besides"],
            Self::Scp => &[
                "an SCP grants nothing, and limits all principals of the accounts that it is attached to: what others need there is not in it",
                "as a list of what is allowed it has no effect until FullAWSAccess is detached, and then every level above must allow the same",
            ],
            _ => &[],
        }
    }
}

impl Quota {
    /// What to say of a plan of `documents` documents that take `size` characters in all; `None` where it fits.
    pub(super) fn excess(&self, documents: usize, size: usize) -> Option<String> {
        if documents <= self.documents {
            return None;
        }
        let raised = match self.raised > self.documents {
            true => format!(", {} where AWS raised the quota", self.raised),
            false => String::new(),
        };
        Some(format!(
            "does not fit: {size} characters in {documents} documents, and {} takes {} {} of {} characters{raised}: {} too many",
            self.target.taker(),
            self.documents,
            self.target.document(),
            self.characters,
            documents - self.documents,
        ))
    }
}
