//! What one worker hands on to be kept on disk, event by event.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::cloudtrail::digest::Sha256;
use crate::cloudtrail::event::Event;
use crate::pipeline::{account, tell};
use crate::source::files::LogObject;
use crate::usage::calls::Calls;
use crate::usage::coverage::{Coverage, FileProblem, SEEN_BEFORE};
use crate::usage::filter::Filter;
use crate::usage::kept::{Kept, Mark};
use crate::usage::memo::Memo;
use crate::usage::origin::Region;
use crate::usage::resolve::Outcome;
use crate::usage::seen::{Seen, id_of};
use crate::usage::sum::Sum;
use crate::usage::times::Times;

/// Keeps events on disk, as far as those are concerned who read them.
#[derive(Clone, Copy)]
pub struct Keeper<'k> {
    /// The [prints](Mark::print) of the events of an hour that are kept already, sorted.
    pub known: &'k (dyn Fn(i32) -> Arc<[u64]> + Sync),
    /// Takes events that are not kept yet, by what they mean.
    pub keep: &'k (dyn Fn(Vec<Kept>) + Sync),
    /// Takes what there is to say of a log object that was read: its accounts, and whether it is worth the while to read it
    /// again.
    pub read: &'k (dyn Fn(&LogObject, &Coverage, bool) + Sync),
    /// Takes the hash of a log object's content, where that is asked for; `None` of one that could not be read to its end.
    pub hashed: Option<&'k Hashed<'k>>,
}

/// Takes a log object with the hash of its content.
pub type Hashed<'k> = dyn Fn(&LogObject, Option<Sha256>) + Sync + 'k;

/// So many events of remembered calls are held at most until they are handed on, and as many of others.
const MAX_HELD: usize = 1 << 18;

/// So many calls are handed on at once.
const AT_ONCE: usize = 1 << 10;

/// The events of one worker that are not handed on yet.
pub(super) struct Keeping<'k> {
    pub(super) keeper: Keeper<'k>,
    /// Those of calls that are remembered, by the calls' numbers.
    marks: Vec<(u32, Mark)>,
    /// Those of other calls, by what tells these from others.
    others: HashMap<(u128, Region), Kept>,
    others_held: usize,
    /// The hour that was last asked for.
    hour: i32,
    known: Arc<[u64]>,
    /// Stands in the place of an id for events that have none: the log object, and how many of them it had so far.
    object: u64,
    nameless: u64,
}

impl<'k> Keeping<'k> {
    pub(super) fn new(keeper: Keeper<'k>) -> Self {
        Self {
            keeper,
            marks: Vec::new(),
            others: HashMap::new(),
            others_held: 0,
            // No event has it.
            hour: i32::MAX,
            known: Arc::default(),
            object: 0,
            nameless: 0,
        }
    }

    /// Begins with a log object.
    pub(super) fn begin(&mut self, object: &LogObject) {
        (self.object, self.nameless) = (xxh3_64(object.id().as_bytes()), 0);
    }

    /// What an event without an id is known by: that it is the so-manieth of its log object, and what it says. So one of a
    /// file that grew is the same, and one that comes in the same place of another stream on stdin is not.
    pub(super) fn print_nameless(&mut self, time: Option<i64>, digest: u128) -> u64 {
        self.nameless += 1;
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&self.object.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.nameless.to_le_bytes());
        bytes[16..24].copy_from_slice(&time.unwrap_or(i64::MIN).to_le_bytes());
        bytes[24..].copy_from_slice(&digest.to_le_bytes());
        xxh3_64(&bytes)
    }

    /// Whether an event is kept already.
    pub(super) fn knows(&mut self, mark: Mark) -> bool {
        let (hour, _) = mark.hour();
        if hour != self.hour {
            self.hour = hour;
            self.known = (self.keeper.known)(hour);
        }
        self.known.binary_search(&mark.print).is_ok()
    }

    /// Holds an event of a call that is remembered, if it is not kept already; whether it is not.
    pub(super) fn is_new(&mut self, call: u32, mark: Mark) -> bool {
        let is_new = !self.knows(mark);
        if is_new {
            self.marks.push((call, mark));
        }
        is_new
    }

    /// Accounts for a record that was parsed, and holds its event if it is not kept already.
    pub(super) fn record(
        &mut self,
        event: &Event<'_, '_>,
        offset: u64,
        problem: &mut FileProblem,
        (seen, memo): (&Seen, &mut Memo),
        sum: &mut Sum,
    ) {
        let Some((mut resolved, identity)) = tell(event, &Filter::default(), seen, memo, true)
        else {
            return;
        };
        let mut mark = None;
        if let Some(identity) = &identity {
            let time = event.event_time;
            let print = identity.print;
            let print = print.unwrap_or_else(|| self.print_nameless(time, identity.digest));
            let corrects = event.original_event_id.is_some();
            mark = Some(Mark {
                time,
                print,
                corrects,
            });
            mark = mark.filter(|mark| identity.new && !self.knows(*mark));
            if mark.is_none() {
                resolved.meaning.outcome = Outcome::Duplicate;
                resolved.meaning.reason = SEEN_BEFORE.into();
            }
        }
        account(&mut sum.coverage, problem, event, offset, Some(&resolved));
        let caller = &resolved.caller;
        let id = id_of(event.id(), event.shared_event_id, || &caller.principal);
        let times = Times::of(event, id);
        sum.ledger.name(&resolved);
        if let (Some(mark), Some(identity)) = (mark, identity) {
            let call = (identity.digest, times.regions.first());
            let kept = self.others.entry(call).or_insert_with(|| Kept {
                principal: resolved.caller.principal,
                meaning: resolved.meaning,
                times: Times::via(times.via.as_deref()),
                events: Vec::new(),
            });
            kept.times.absorb(&times);
            kept.events.push(mark);
            self.others_held += 1;
            if self.others_held >= MAX_HELD {
                self.hand_on_others();
            }
        }
    }

    /// Whether there are as many events of remembered calls as are to be held.
    pub(super) fn is_full(&self) -> bool {
        self.marks.len() >= MAX_HELD
    }

    fn hand_on_others(&mut self) {
        self.others_held = 0;
        let others: Vec<Kept> = self.others.drain().map(|(_, kept)| kept).collect();
        (self.keeper.keep)(others);
    }

    /// Hands on all events, those of remembered calls with what `calls` knows of them; these are emptied, and accounted
    /// for by `coverage`.
    pub(super) fn hand_on(&mut self, calls: Option<&mut Calls>, coverage: &mut Coverage) {
        self.hand_on_others();
        let keep = self.keeper.keep;
        let Some(calls) = calls else { return };
        let mut marks: HashMap<(u128, Region), Vec<Mark>> = HashMap::new();
        for (call, mark) in self.marks.drain(..) {
            let call = (calls.digest(call), calls.region(call));
            marks.entry(call).or_default().push(mark);
        }
        let mut kept = Vec::new();
        calls.empty(|principal, calls| {
            for (digest, meaning, times) in calls {
                coverage.count_all(&meaning, times.count, times.seen);
                let events = marks.remove(&(digest, times.regions.first()));
                kept.push(Kept {
                    principal: principal.clone(),
                    meaning,
                    times,
                    events: events.unwrap_or_default(),
                });
                if kept.len() >= AT_ONCE {
                    keep(mem::take(&mut kept));
                }
            }
        });
        keep(kept);
    }
}
