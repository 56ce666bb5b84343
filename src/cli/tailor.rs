//! The arguments that say how policies are to be written, of all commands that write some.

use clap::{Args, ValueEnum};

use crate::generate::observed;
use crate::generate::options::{ActionWildcards, Conditions, OneOff, Options, Resources};
use crate::generate::quota::Target;
use crate::iam::principal::PrincipalKind;
use crate::usage::values::Wanted;

/// How policies are to be written.
#[derive(Args, Debug)]
pub struct Tailor {
    /// How far resources are generalised.
    #[arg(long, value_enum, default_value = "balanced", value_name = "HOW")]
    resources: ResourcesArgument,

    /// What becomes of calls that set something up once: made in a principal's first week only, and not in the five
    /// weeks and more in which it was active afterwards.
    #[arg(long, value_enum, default_value = "separate", value_name = "HOW")]
    one_off: OneOffArgument,

    /// Infer what was not used from what was: who creates a resource will change, tag, read back and destroy it. In
    /// statements of their own, each listed as widened.
    #[arg(long, value_enum, value_name = "WHAT")]
    complete: Option<Complete>,

    /// Write conditions that all calls satisfied: on the network, the Region, MFA, the service in between, S3 prefixes. It reads
    /// every record as a whole, which takes a few times as long.
    #[arg(long)]
    conditions: bool,

    /// Write patterns such as `s3:Get*` in the place of actions.
    #[arg(long, value_enum, default_value = "fit", value_name = "WHEN")]
    action_wildcards: ActionWildcardsArgument,

    /// What the policies must fit. Without it, managed policies of the role or user, or the inline policy of the permission
    /// set.
    #[arg(long = "for", value_enum, value_name = "TARGET")]
    target: Option<TargetArgument>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ActionWildcardsArgument {
    /// Never.
    Never,
    /// As many as it takes to fit, where that helps.
    Fit,
    /// Wherever one saves more than what it admits weighs.
    Always,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TargetArgument {
    /// The managed policies of a role.
    Role,
    /// The managed policies of a user.
    User,
    /// The managed policies of a group.
    Group,
    /// A permissions boundary.
    Boundary,
    /// Service control policies.
    Scp,
    /// The inline policy of a permission set.
    PermissionSet,
}

impl TargetArgument {
    fn target(self) -> Target {
        match self {
            Self::Role => Target::Role,
            Self::User => Target::User,
            Self::Group => Target::Group,
            Self::Boundary => Target::Boundary,
            Self::Scp => Target::Scp,
            Self::PermissionSet => Target::PermissionSet,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Complete {
    /// The rest of the life of what the principal creates.
    Lifecycle,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ResourcesArgument {
    /// Not at all.
    Exact,
    /// Generated identifiers, dates, and names of which new ones keep coming.
    Balanced,
    /// The same on less evidence, most of all for reading.
    Broad,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OneOffArgument {
    /// They are granted like all others.
    Keep,
    /// They are granted on exact resources, in statements of their own at the end.
    Separate,
    /// They are not granted, and listed.
    Drop,
}

impl Tailor {
    /// What is to be known of calls, besides what they needed.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        match self.conditions {
            true => observed::wanted(),
            false => Wanted::default(),
        }
    }

    /// Whether the policies are to be what permission sets take.
    #[must_use]
    pub fn fits_permission_sets(&self) -> bool {
        matches!(self.target, None | Some(TargetArgument::PermissionSet))
    }

    /// The same for `generate`, of a principal of this `kind`.
    #[must_use]
    pub fn options(&self, kind: PrincipalKind) -> Options {
        Options {
            resources: match self.resources {
                ResourcesArgument::Exact => Resources::Exact,
                ResourcesArgument::Balanced => Resources::Balanced,
                ResourcesArgument::Broad => Resources::Broad,
            },
            one_off: match self.one_off {
                OneOffArgument::Keep => OneOff::Keep,
                OneOffArgument::Separate => OneOff::Separate,
                OneOffArgument::Drop => OneOff::Drop,
            },
            lifecycle: self.complete == Some(Complete::Lifecycle),
            conditions: match self.conditions {
                true => Conditions::Observed {
                    is_role: kind == PrincipalKind::Role,
                },
                false => Conditions::Passed,
            },
            action_wildcards: match self.action_wildcards {
                ActionWildcardsArgument::Never => ActionWildcards::Never,
                ActionWildcardsArgument::Fit => ActionWildcards::Fit,
                ActionWildcardsArgument::Always => ActionWildcards::Always,
            },
            quota: self.target.map(|target| target.target().quota()),
        }
    }
}
