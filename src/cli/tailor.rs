//! The arguments that say how policies are to be written, of all commands that write some.

use clap::{Args, ValueEnum};

use crate::generate::options::{OneOff, Options, Resources};

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
    /// The same for `generate`.
    #[must_use]
    pub fn options(&self) -> Options {
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
            ..Options::default()
        }
    }
}
