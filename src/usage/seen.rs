//! Events that are delivered again, whichever thread reads them.

use std::hash::{BuildHasher as _, BuildHasherDefault, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashSet;
use xxhash_rust::xxh3::{Xxh3, xxh3_128, xxh3_128_with_seed};

use crate::cloudtrail::event::Event;
use crate::usage::coverage::Coverage;
use crate::usage::denial::Said;
use crate::usage::hashed::Hashed;
use crate::usage::resolve::Resolved;

/// The most event ids that are remembered to recognise an event that is delivered again: 16 bytes each, about 1.6 GiB.
/// Events beyond that are counted as often as they are delivered, and the summary says so; policies are the same.
pub const MAX_REMEMBERED_EVENTS: usize = 50_000_000;

/// The events seen so far, by what makes two of them the same.
#[derive(Debug)]
pub struct Seen {
    events: DashSet<u128, BuildHasherDefault<Hashed>>,
    /// Their number, as asking the set for it would lock all of it.
    count: AtomicUsize,
    /// This process' own, so that nobody who writes a log can know where its events end up in the table.
    seed: u64,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            events: DashSet::default(),
            count: AtomicUsize::new(0),
            seed: RandomState::new().hash_one(0),
        }
    }
}

impl Seen {
    /// Whether the event with this id, time and session, and with what [`digest`] sums up, was not there yet; from now on it is.
    /// `true` too where it cannot be told: a record without an id, or more than [`MAX_REMEMBERED_EVENTS`].
    ///
    /// The id is not enough: exports repeat an id with another body, and then both bodies count, whichever comes first. So
    /// all that the ledger takes from an event is part of it. A call across accounts leaves a record in each, with one
    /// `sharedEventID`; the copy that does not name the caller is ignored as another account's, and two that do are the
    /// same here.
    pub fn is_new(
        &self,
        id: Option<&str>,
        time: Option<i64>,
        session: u64,
        digest: u128,
        coverage: &mut Coverage,
    ) -> bool {
        let Some(id) = id else {
            return true;
        };
        let mut event = [0; 48];
        event[..16].copy_from_slice(&xxh3_128(id.as_bytes()).to_le_bytes());
        event[16..32].copy_from_slice(&digest.to_le_bytes());
        event[32..40].copy_from_slice(&session.to_le_bytes());
        event[40..].copy_from_slice(&time.unwrap_or(i64::MIN).to_le_bytes());
        let event = xxh3_128_with_seed(&event, self.seed);
        if self.count.load(Ordering::Relaxed) >= MAX_REMEMBERED_EVENTS {
            coverage.forgetful = true;
            return !self.events.contains(&event);
        }
        let new = self.events.insert(event);
        self.count.fetch_add(usize::from(new), Ordering::Relaxed);
        new
    }
}

/// A hash of all that the ledger and the accounts take from an event, but for its id, its time and its session.
#[must_use]
pub fn digest(event: &Event<'_, '_>, resolved: &Resolved) -> u128 {
    let mut hash = Xxh3::new();
    let mut add = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(event.event_source.unwrap_or_default());
    add(event.event_name.unwrap_or_default());
    add(resolved.outcome.as_str());
    add(&resolved.reason);
    let caller = &resolved.caller;
    add(caller.principal.kind.as_str());
    add(&caller.principal.account);
    add(&caller.principal.name);
    add(&caller.principal.arn);
    for need in &resolved.needs {
        add(need.action.as_str());
        for resource in &need.resources {
            add(resource.as_str());
        }
        for (key, value) in need.context.iter() {
            add(key.as_str());
            add(value);
        }
    }
    if let Some(loaded) = &resolved.loaded {
        add(loaded.carrier.as_str());
        loaded.roles.iter().for_each(|role| add(role.as_str()));
    }
    for note in &resolved.notes {
        add(note);
    }
    match &resolved.message {
        None => {}
        Some(Said::TheSame) => add("the same"),
        Some(Said::Otherwise(text)) => add(text),
    }
    hash.digest128()
}

/// The id that all deliveries of an event have: `sharedEventID` where there is one and the caller is named, else
/// `eventID`.
#[must_use]
pub fn id_of<'a>(id: Option<&'a str>, shared: Option<&'a str>, named: bool) -> Option<&'a str> {
    match shared {
        Some(shared) if named => Some(shared),
        _ => id,
    }
}

/// Whether the record names its caller.
#[must_use]
pub fn is_named(resolved: &Resolved) -> bool {
    resolved.caller.principal.kind.takes_identity_policy()
}
