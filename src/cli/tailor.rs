//! The arguments that say how policies are to be written, of all commands that write some.

use clap::{Args, ValueEnum};

use crate::generate::options::{Options, Resources};

/// How policies are to be written.
#[derive(Args, Debug)]
pub struct Tailor {
    /// How far resources are generalised.
    #[arg(long, value_enum, default_value = "balanced", value_name = "HOW")]
    resources: ResourcesArgument,
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
            ..Options::default()
        }
    }
}
