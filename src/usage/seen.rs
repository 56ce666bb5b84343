//! Events that are delivered again, whichever thread reads them.
//!
//! Memory is bounded by reading in rounds, each of log objects that stand together in the order of delivery: an event is
//! known again if it comes in the same round or in the next. Which round it comes in is a matter of the objects alone, so
//! that what is counted is too.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::iam::principal::Principal;
use crate::usage::denial::Said;
use crate::usage::hashed::{Hashed, random_seed};
use crate::usage::resolve::Meaning;

/// The most events of one round that are remembered, 8 bytes each and as much again of room in the tables: two rounds take
/// 40 MB at most. A round has fewer unless its log objects hold events of fewer bytes than any that CloudTrail writes.
const MAX_EVENTS: usize = 1 << 20;

/// As many where events are kept on disk, of which none may be counted twice: 400 MB at most, where a log object is as large as
/// no trail's.
const MAX_EVENTS_KEPT: usize = 1 << 24;

/// So many tables, that two threads rarely want the same one.
pub const SHARDS: usize = 16;

/// The bits of a print that are those of the hash of the event's id.
pub const ID: u64 = 0xFFFF_FFFF << 32;

type Events = HashSet<u64, BuildHasherDefault<Hashed>>;

/// The events seen so far, by a hash of what makes two of them the same, of 64 bits: that a new one among two million has
/// that of another happens once in 10^13 times.
#[derive(Debug)]
pub struct Seen {
    shards: [Mutex<Shard>; SHARDS],
    /// How many rounds are done.
    rounds: AtomicU64,
    forgetful: AtomicBool,
    /// This process' own, so that nobody who writes a log can know what collides.
    seed: u64,
    /// How many events of one round are remembered in one table.
    max: usize,
}

#[derive(Debug, Default)]
struct Shard {
    now: Events,
    before: Events,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            shards: Default::default(),
            rounds: AtomicU64::new(0),
            forgetful: AtomicBool::new(false),
            seed: random_seed(),
            max: MAX_EVENTS / SHARDS,
        }
    }
}

impl Seen {
    /// For events that are kept on disk: one has the same [print](Self::print) in every process.
    #[must_use]
    pub fn kept() -> Self {
        Self {
            seed: 0,
            max: MAX_EVENTS_KEPT / SHARDS,
            ..Self::default()
        }
    }

    /// What tells an event from others whose id has this [hash](Self::hash), of this time and session, and with what
    /// [`digest`](Self::digest) sums up.
    ///
    /// The id is not enough: exports repeat an id with another body, and then both bodies count, whichever comes first. So
    /// all that the ledger takes from an event is part of it. A call across accounts leaves a record in each, with one
    /// `sharedEventID`; the copy that does not name the caller is ignored as another account's, and two that do are the
    /// same here.
    #[must_use]
    pub fn print(&self, id: u64, time: Option<i64>, session: u64, digest: u128) -> u64 {
        let mut event = [0; 40];
        event[..8].copy_from_slice(&id.to_le_bytes());
        event[8..24].copy_from_slice(&digest.to_le_bytes());
        event[24..32].copy_from_slice(&session.to_le_bytes());
        event[32..].copy_from_slice(&time.unwrap_or(i64::MIN).to_le_bytes());
        let rest = xxh3_64_with_seed(&event, self.seed);
        // So that all with this id stand together.
        id & ID | rest & !ID
    }

    /// The hash of an event's id.
    #[must_use]
    pub fn hash(&self, id: &str) -> u64 {
        xxh3_64_with_seed(id.as_bytes(), self.seed)
    }

    /// The number of the table that an event is looked for in, by the hash of its id.
    #[must_use]
    pub fn shard(id: u64) -> usize {
        id as usize % SHARDS
    }

    /// Tells `each` of the events `prints`, all of one `shard`, whether it was not there yet; from now on it is. What can not
    /// be remembered any more is always new.
    ///
    /// Several at once cost less than one by one: their look-ups do not wait for each other's memory.
    pub fn are_new(
        &self,
        shard: usize,
        prints: impl Iterator<Item = u64>,
        mut each: impl FnMut(bool),
    ) {
        let Shard { now, before } = &mut *self.lock(shard);
        for print in prints {
            if now.len() >= self.max {
                self.forgetful.store(true, Ordering::Relaxed);
                each(!now.contains(&print) && !before.contains(&print));
            } else {
                each(now.insert(print) && !before.contains(&print));
            }
        }
    }

    /// As [`Seen::are_new`], of one event, with its [print](Self::print).
    #[must_use]
    pub fn is_new(&self, id: &str, time: Option<i64>, session: u64, digest: u128) -> (bool, u64) {
        let id = self.hash(id);
        let print = self.print(id, time, session, digest);
        let mut new = true;
        self.are_new(Self::shard(id), [print].into_iter(), |is| new = is);
        (new, print)
    }

    /// Ends a round. No other thread must be at work.
    pub fn next_round(&self) {
        for shard in 0..SHARDS {
            let shard = &mut *self.lock(shard);
            mem::swap(&mut shard.now, &mut shard.before);
            shard.now.clear();
        }
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether events may have been forgotten that were delivered again.
    #[must_use]
    pub fn is_forgetful(&self) -> bool {
        self.forgetful.load(Ordering::Relaxed) || self.rounds.load(Ordering::Relaxed) > 1
    }

    /// A hash of all that the ledger and the accounts take from a call of `principal`'s, but for its id, its time and its
    /// session.
    #[must_use]
    pub fn digest(
        &self,
        source: Option<&str>,
        name: Option<&str>,
        principal: &Principal,
        meaning: &Meaning,
    ) -> u128 {
        let mut bytes = Vec::with_capacity(512);
        let mut add = |text: &str| {
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        add(source.unwrap_or_default());
        add(name.unwrap_or_default());
        add(meaning.outcome.as_str());
        add(&meaning.reason);
        add(principal.kind.as_str());
        add(&principal.account);
        add(&principal.name);
        add(&principal.arn);
        for need in &meaning.needs {
            add(need.action.as_str());
            for resource in &need.resources {
                add(resource.as_str());
            }
            for (key, value) in need.context.iter() {
                add(key.as_str());
                add(value);
            }
            add(""); // which is neither a resource nor an action
        }
        if let Some(loaded) = &meaning.loaded {
            add(loaded.carrier.as_str());
            loaded.roles.iter().for_each(|role| add(role.as_str()));
        }
        add("");
        for note in &meaning.notes {
            add(note);
        }
        add("");
        match &meaning.message {
            None => {}
            Some(Said::TheSame) => add("the same"),
            Some(Said::Otherwise(text)) => add(text),
        }
        xxh3_128_with_seed(&bytes, self.seed)
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        // A set is whole between two calls, whatever happened to another thread.
        let lock = self.shards[shard].lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id that all deliveries of an event have: `sharedEventID` where there is one and the caller is named, else
/// `eventID`.
#[must_use]
pub fn id_of<'a, 'c>(
    id: Option<&'a str>,
    shared: Option<&'a str>,
    caller: impl FnOnce() -> &'c Principal,
) -> Option<&'a str> {
    match shared {
        Some(shared) if caller().kind.takes_identity_policy() => Some(shared),
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::context::ContextKeys;
    use crate::usage::resolve::{Basis, Meaning, Need, Outcome};

    /// The message of a refused call may name anything that looks like an action, and like a resource.
    #[test]
    fn an_action_is_not_taken_for_a_resource_of_the_one_before() {
        let need = |action: &'static str, resources: &[&str]| Need {
            action: Action::known(action),
            resources: resources
                .iter()
                .map(|text| ResourceArn::from_pattern(*text))
                .collect(),
            basis: Basis::Event,
            context: ContextKeys::default(),
            told: true,
        };
        let principal = Principal {
            account: "111122223333".into(),
            kind: PrincipalKind::User,
            name: "ann".into(),
            arn: "arn:aws:iam::111122223333:user/ann".into(),
        };
        let seen = Seen::default();
        let digest = |needs: Vec<Need>| {
            let meaning = Meaning {
                outcome: Outcome::Denied,
                reason: "".into(),
                needs: needs.into(),
                loaded: None,
                message: None,
                notes: Vec::new(),
            };
            seen.digest(
                Some("s3.amazonaws.com"),
                Some("GetObject"),
                &principal,
                &meaning,
            )
        };
        let two = vec![need("a:b", &["arn:x"]), need("arn:aws", &["arn:y"])];
        let one = vec![need("a:b", &["arn:x", "arn:aws", "arn:y"])];
        assert_ne!(digest(two), digest(one));
    }
}
