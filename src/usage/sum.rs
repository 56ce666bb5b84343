//! All that is summed up of a set of events.

use crate::iam::principal::Principal;
use crate::usage::coverage::Coverage;
use crate::usage::joint::Joint;
use crate::usage::ledger::Ledger;
use crate::usage::resolve::Meaning;
use crate::usage::times::Times;

/// The sum.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// What each principal used.
    pub ledger: Ledger,
    /// The calls that needed several things, for who asks for them. Their number is not bounded as the ledger's facts are.
    pub joint: Option<Joint>,
    /// The accounts.
    pub coverage: Coverage,
}

impl Sum {
    /// The sum of no events, with or without the calls that need several things.
    #[must_use]
    pub fn new(joint: bool) -> Self {
        Self {
            joint: joint.then(Joint::default),
            ..Self::default()
        }
    }

    /// Adds events of `principal`, those that mean the same together, with when they were made.
    pub fn add(
        &mut self,
        principal: &Principal,
        events: impl IntoIterator<Item = (Meaning, Times)>,
    ) {
        let Self {
            ledger,
            joint,
            coverage,
        } = self;
        let events = events.into_iter().inspect(|(meaning, times)| {
            coverage.count_all(meaning, times.count, times.seen);
            if let Some(joint) = joint {
                joint.add(principal, meaning, times.count);
            }
        });
        ledger.add_all(principal, events);
    }

    /// Adds `other`'s. Commutative and associative.
    pub fn merge(&mut self, other: Self) {
        self.ledger.merge(other.ledger);
        if let (Some(joint), Some(other)) = (&mut self.joint, other.joint) {
            joint.merge(other);
        }
        self.coverage.merge(other.coverage);
    }

    /// Puts right what single records cannot tell, from all of them. To be called once, when all events are in.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let settled = self.ledger.settle();
        if let Some(joint) = self.joint.take() {
            self.joint = Some(joint.settled(&self.ledger, &settled));
        }
        self
    }
}
