//! How a policy is to be written.

use crate::iam::policy::MANAGED_POLICY_QUOTA;

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

/// How a policy is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How far resources are generalised.
    pub resources: Resources,
    /// The most characters of a document, see [`PolicyDocument::size`](crate::iam::policy::PolicyDocument::size).
    pub quota: usize,
}

impl Default for Options {
    /// Balanced, in managed policies.
    fn default() -> Self {
        Self {
            resources: Resources::Balanced,
            quota: MANAGED_POLICY_QUOTA,
        }
    }
}
