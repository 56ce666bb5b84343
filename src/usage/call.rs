//! One of the calls that are remembered.

use std::borrow::Cow;
use std::mem;

use crate::usage::carriers::Loaded;
use crate::usage::denial::Said;
use crate::usage::resolve::{Meaning, Need, Needs, Outcome};
use crate::usage::times::Times;

/// What a call is summed up by: its digest, what it means, and when it was made.
pub(crate) type Counted = (u128, Meaning, Times);

/// What is known of calls that mean the same, in little room: a worker has tens of thousands.
pub(super) struct Call {
    /// The caller's number.
    pub(super) caller: u32,
    outcome: Outcome,
    reason: Cow<'static, str>,
    pub(super) needs: Needs,
    rest: Option<Box<Rest>>,
    /// What tells it from others: [`Seen::digest`](crate::usage::seen::Seen::digest) and who forwarded it.
    pub(super) digest: u128,
    /// How often it was made since it was last [counted](crate::usage::calls::Calls::empty).
    pub(super) times: Times,
}

/// What few calls have.
struct Rest {
    loaded: Option<Loaded>,
    message: Option<Said>,
    notes: Vec<String>,
}

impl Call {
    pub(super) fn new(meaning: Meaning, caller: u32, digest: u128, via: Option<&str>) -> Self {
        let Meaning {
            outcome,
            reason,
            needs,
            loaded,
            message,
            notes,
        } = meaning;
        let more = loaded.is_some() || message.is_some() || !notes.is_empty();
        let rest = Rest {
            loaded,
            message,
            notes,
        };
        Self {
            caller,
            outcome,
            reason,
            needs,
            rest: more.then(|| Box::new(rest)),
            digest,
            times: Times::via(via),
        }
    }

    /// What it is summed up by, of which nothing stays.
    pub(super) fn take(&mut self) -> Counted {
        let rest = self.rest.take().map(|rest| *rest);
        let (loaded, message, notes) = rest.map_or_else(Default::default, |rest| {
            (rest.loaded, rest.message, rest.notes)
        });
        let meaning = Meaning {
            outcome: self.outcome,
            reason: mem::take(&mut self.reason),
            needs: mem::take(&mut self.needs),
            loaded,
            message,
            notes,
        };
        (self.digest, meaning, mem::take(&mut self.times))
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        let rest = self.rest.as_ref().map_or(0, |rest| {
            let notes = rest.notes.iter().map(|note| 32 + note.len());
            let loaded = rest.loaded.iter().flat_map(|loaded| &loaded.roles);
            let carriers = rest.loaded.iter().map(|loaded| &loaded.carrier);
            let roles = loaded.chain(carriers);
            let roles = roles.map(|role| 64 + role.as_str().len());
            let message = match &rest.message {
                Some(Said::Otherwise(text)) => text.len(),
                Some(Said::TheSame) | None => 0,
            };
            size_of::<Rest>() + notes.sum::<usize>() + roles.sum::<usize>() + message
        });
        let via = self.times.via.as_ref().map_or(0, |via| via.len());
        size_of::<Self>()
            + via
            + self.reason.len()
            + rest
            + self.needs.iter().map(Need::size).sum::<usize>()
    }
}
