//! How often and when a call was made, and from where.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::cloudtrail::event::Event;
use crate::usage::ledger::period;
use crate::usage::origin::{Network, Networks, Origin, Region, Regions};

/// Days since 1970-01-01, UTC, sorted. Most calls and facts have a few, which are held in place.
pub type Days = SmallVec<[u16; 8]>;

/// How often, when and from where one and the same call was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How often.
    pub count: u64,
    /// As [`Tally::seen`](crate::usage::ledger::Tally::seen).
    pub seen: Option<(i64, i64)>,
    /// As [`Tally::days`](crate::usage::ledger::Tally::days).
    pub days: Days,
    /// As [`Tally::sample_event_id`](crate::usage::ledger::Tally::sample_event_id).
    pub sample_event_id: Option<EventId>,
    /// As [`Tally::regions`](crate::usage::ledger::Tally::regions).
    pub regions: Regions,
    /// As [`Tally::networks`](crate::usage::ledger::Tally::networks).
    pub networks: Networks,
    /// The service that forwarded all of it, if one did.
    pub via: Option<Box<str>>,
    /// The day that was last added, so that `days` need not be looked into for the same one again.
    last_day: Option<u16>,
}

impl Times {
    /// A call that was not made yet, of those that this service forwards.
    #[must_use]
    pub fn via(via: Option<&str>) -> Self {
        Self {
            via: via.map(Box::from),
            ..Self::default()
        }
    }

    /// A call that was made once, from nobody knows where.
    #[must_use]
    pub fn once(time: Option<i64>, event_id: Option<&str>) -> Self {
        let mut times = Self::default();
        let id = event_id.map(EventId::from);
        times.add(time, id.as_ref(), &Region::default(), Network::Unknown);
        times
    }

    /// The one call that left `event`, whose id is taken to be `id`.
    #[must_use]
    pub fn of(event: &Event<'_, '_>, id: Option<&str>) -> Self {
        let origin = Origin::of(event);
        let mut times = Self::via(origin.via);
        let id = id.map(EventId::from);
        times.add(
            event.event_time,
            id.as_ref(),
            &origin.region,
            origin.network,
        );
        times
    }

    /// Counts calls that the same service forwarded, or none.
    pub fn absorb(&mut self, other: &Self) {
        self.count += other.count;
        self.seen = period(self.seen, other.seen);
        join(&mut self.days, &other.days);
        self.regions.absorb(&other.regions);
        self.networks.absorb(other.networks);
        EventId::keep_least(&mut self.sample_event_id, other.sample_event_id.as_ref());
    }

    /// Counts a call.
    pub fn add(
        &mut self,
        time: Option<i64>,
        event_id: Option<&EventId>,
        region: &Region,
        network: Network,
    ) {
        self.count += 1;
        self.regions.count(region, 1);
        self.networks.insert(network);
        if let Some(time) = time {
            self.seen = period(self.seen, Some((time, time)));
            // Sixteen bits reach the year 2149; a time outside them is kept in `seen` only.
            if let Ok(day) = u16::try_from(time.div_euclid(86_400))
                && self.last_day != Some(day)
            {
                self.last_day = Some(day);
                join(&mut self.days, &[day]);
            }
        }
        EventId::keep_least(&mut self.sample_event_id, event_id);
    }
}

/// Adds `more` to the sorted `days`.
pub(crate) fn join(days: &mut Days, more: &[u16]) {
    for day in more {
        if let Err(at) = days.binary_search(day) {
            days.insert(at, *day);
        }
    }
}

/// An `eventID`; those of CloudTrail's own length are held in place.
#[derive(Clone, Debug)]
pub enum EventId {
    /// Of [`EventId::USUAL`] bytes.
    Usual([u8; EventId::USUAL]),
    /// Of any other number.
    Other(Box<str>),
}

impl EventId {
    /// The length of a UUID's text.
    pub const USUAL: usize = 36;

    /// Keeps `id` as the sample if it is smaller than the one that is `kept`.
    #[inline]
    pub(crate) fn keep_least(kept: &mut Option<Self>, id: Option<&Self>) {
        if let Some(id) = id
            && kept.as_ref().is_none_or(|old| id < old)
        {
            *kept = Some(id.clone());
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Usual(bytes) => bytes,
            Self::Other(text) => text.as_bytes(),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // What is held in place was a text.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }
}

impl From<&str> for EventId {
    fn from(id: &str) -> Self {
        match id.as_bytes().try_into() {
            Ok(bytes) => Self::Usual(bytes),
            Err(_) => Self::Other(id.into()),
        }
    }
}

impl Ord for EventId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for EventId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for EventId {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for EventId {}
