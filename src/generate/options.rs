//! How a policy is to be written.

use crate::generate::quota::{Quota, Target};
use crate::iam::principal::PrincipalKind;

/// How far resources are generalised. Each setting begins where the one before it ends, so it grants all that the one before
/// it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resources {
    /// Not at all: the resources as they were used. Only what no policy can hold is still replaced.
    Exact,
    /// By the named rules, so that the policy fits tomorrow's identifiers and dates too.
    Balanced,
    /// By the same rules on less evidence, most of all for what only reads.
    Broad,
}

/// What becomes of calls that set something up once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneOff {
    /// They are granted like all others.
    Keep,
    /// They are granted in statements of their own, at the end, on the resources as they were used.
    Separate,
    /// They are not granted, unless what recurs allows them anyway.
    Drop,
}

/// Which conditions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditions {
    /// The services that roles are passed to.
    Passed,
    /// Also what all calls satisfied, see [`Observed`](crate::generate::observed::Observed).
    Observed {
        /// Whether the principal is a role that may be given to a service. Those of permission sets are not.
        is_role: bool,
    },
}

/// When actions are written as patterns such as `s3:Get*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionWildcards {
    /// Never.
    Never,
    /// As many as it takes to fit the quota, where they can bring that about.
    Fit,
    /// Wherever a pattern saves more characters than what it newly admits weighs.
    Always,
}

/// How a policy is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How far resources are generalised.
    pub resources: Resources,
    /// What becomes of calls that set something up once.
    pub one_off: OneOff,
    /// Whether the update, tag, read-back and destroy side of what was made is inferred, as [`Part::Inferred`](crate::generate::Part).
    pub lifecycle: bool,
    /// Which conditions are written.
    pub conditions: Conditions,
    /// When actions are written as patterns.
    pub action_wildcards: ActionWildcards,
    /// What the policy must fit; `None`: what a role takes.
    pub quota: Option<Quota>,
}

impl Options {
    /// The same, with the quota of a principal of this kind where none was asked for.
    #[must_use]
    pub fn for_kind(self, kind: PrincipalKind) -> Self {
        let quota = self.quota.unwrap_or_else(|| Target::of(kind).quota());
        Self {
            quota: Some(quota),
            ..self
        }
    }

    /// What the policy must fit.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota.unwrap_or(Target::Role.quota())
    }
}

impl Default for Options {
    /// Balanced, with one-off calls set apart and nothing inferred, without action wildcards unless they make it fit.
    fn default() -> Self {
        Self {
            resources: Resources::Balanced,
            one_off: OneOff::Separate,
            action_wildcards: ActionWildcards::Fit,
            quota: None,
            lifecycle: false,
            conditions: Conditions::Passed,
        }
    }
}
