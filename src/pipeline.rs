//! The order of the stages, and all threading: log objects → events → what each means → whatever is summed up.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use dashmap::DashSet;
use xxhash_rust::xxh3::Xxh3;

use crate::cloudtrail::event::Event;
use crate::cloudtrail::reader::{Item, Reader};
use crate::source::files::LogObject;
use crate::usage::coverage::{Coverage, FileProblem};
use crate::usage::joint::Joint;
use crate::usage::ledger::Ledger;
use crate::usage::memo::Memo;
use crate::usage::resolve::{self, Outcome, Resolved};

/// The most event ids that are remembered to recognise an event that is delivered again: 16 bytes each, about 1.6 GiB.
/// Events beyond that are counted as often as they are delivered, and the summary says so; policies are the same.
pub const MAX_REMEMBERED_EVENTS: usize = 50_000_000;

/// More threads than this are not started, whatever is asked for.
const MAX_THREADS: usize = 256;

/// Which events to look at. An event outside is counted as such and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Not before this time, in seconds since 1970.
    pub from: Option<i64>,
    /// Before this time.
    pub to: Option<i64>,
    /// Only callers of these accounts; empty: all.
    pub accounts: BTreeSet<String>,
    /// Only these Regions; empty: all.
    pub regions: BTreeSet<String>,
}

impl Filter {
    fn admits(&self, event: &Event<'_, '_>, resolved: &Resolved) -> bool {
        let in_time = |time: i64| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
        };
        let timed = self.from.is_none() && self.to.is_none();
        let account = &resolved.caller.principal.account;
        let region = event.aws_region.unwrap_or_default();
        (timed || event.event_time.is_some_and(in_time))
            && (self.accounts.is_empty() || self.accounts.contains(account))
            && (self.regions.is_empty() || self.regions.contains(region))
    }
}

/// How far a run has come, for a progress bar; written by the workers, read by anyone.
#[derive(Debug, Default)]
pub struct Progress {
    /// Log objects read.
    pub objects: AtomicU64,
    /// Bytes read, as stored.
    pub bytes: AtomicU64,
    /// Events read.
    pub events: AtomicU64,
}

/// The events seen so far, by what makes two of them the same.
#[derive(Debug, Default)]
pub struct Seen {
    events: DashSet<u128>,
    /// Their number, as asking the set for it would lock all of it.
    count: AtomicUsize,
}

impl Seen {
    /// Whether this event was not there yet; from now on it is. `true` too where it cannot be told: a record without
    /// an id, or more than [`MAX_REMEMBERED_EVENTS`].
    fn is_new(&self, event: &Event<'_, '_>, resolved: &Resolved, coverage: &mut Coverage) -> bool {
        let Some(key) = same_event(event, resolved) else {
            return true;
        };
        if self.count.load(Ordering::Relaxed) >= MAX_REMEMBERED_EVENTS {
            coverage.forgetful = true;
            return !self.events.contains(&key);
        }
        let new = self.events.insert(key);
        self.count.fetch_add(usize::from(new), Ordering::Relaxed);
        new
    }
}

/// What two deliveries of one event have in common.
///
/// The id is not enough: exports repeat an id with another body, and then both bodies count, whichever comes first. So all
/// that the ledger takes from an event is part of it. A call across accounts leaves a record in each, with one
/// `sharedEventID`; the copy that does not name the caller is ignored as another account's, and two that do are the same
/// here.
fn same_event(event: &Event<'_, '_>, resolved: &Resolved) -> Option<u128> {
    let id = id_of(event, resolved)?;
    let mut hash = Xxh3::new();
    let mut add = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(id);
    add(event.event_source.unwrap_or_default());
    add(event.event_name.unwrap_or_default());
    add(resolved.outcome.as_str());
    add(&resolved.reason);
    let caller = &resolved.caller;
    add(caller.principal.kind.as_str());
    add(&caller.principal.account);
    add(&caller.principal.name);
    add(&caller.principal.arn);
    add(caller.session.as_deref().unwrap_or_default());
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
    hash.update(&event.event_time.unwrap_or(i64::MIN).to_le_bytes());
    Some(hash.digest128())
}

/// The id that all deliveries of the event have: `sharedEventID` where there is one and the caller is named, else
/// `eventID`.
fn id_of<'a>(event: &Event<'_, 'a>, resolved: &Resolved) -> Option<&'a str> {
    match event.shared_event_id {
        Some(shared) if resolved.caller.principal.kind.takes_identity_policy() => Some(shared),
        _ => event.event_id,
    }
}

/// One event with all that is known of it.
pub struct Judged<'r, 't, 'a> {
    /// The record.
    pub event: &'r Event<'t, 'a>,
    /// What it means; its outcome is `Duplicate` where it was there before.
    pub resolved: &'r Resolved,
}

impl<'a> Judged<'_, '_, 'a> {
    /// The event's id, by which it can be found in the logs, whichever of its deliveries this is.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        id_of(self.event, self.resolved)
    }
}

/// What a thread keeps from one log object to the next, to save time only.
#[derive(Default)]
pub struct Worker {
    reader: Reader,
    memo: Memo,
}

/// What [`read_object`] hands on, in the order of the file.
pub enum Record<'r, 't, 'a> {
    /// A record that the filter admits.
    Event(Judged<'r, 't, 'a>),
    /// A record that could not be read.
    Malformed {
        /// Where it starts, in bytes of the decompressed content.
        offset: u64,
        /// Why.
        reason: String,
    },
}

/// Reads until it is told to stop, and then sees the end.
struct Stoppable<'s, R> {
    input: R,
    stop: &'s Cell<bool>,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.stop.get() {
            true => Ok(0),
            false => self.input.read(out),
        }
    }
}

/// Reads one log object, accounts for every record in `coverage` and hands it to `sink`, which may end the reading.
pub fn read_object(
    object: &LogObject,
    Worker { reader, memo }: &mut Worker,
    filter: &Filter,
    seen: &Seen,
    coverage: &mut Coverage,
    sink: &mut dyn FnMut(Record<'_, '_, '_>) -> ControlFlow<()>,
) {
    let mut problem = FileProblem::new(&object.name);
    let input = match object.open() {
        Ok(input) => input,
        Err(error) => {
            problem.damage = Some(error.to_string());
            return coverage.finish_object(None, problem);
        }
    };
    let stop = Cell::new(false);
    let input = Stoppable { input, stop: &stop };
    let mut sink = |record: Record<'_, '_, '_>| {
        if !stop.get() && sink(record).is_break() {
            stop.set(true);
        }
    };
    let summary = reader.read(input, &mut |item| match item {
        Item::Ordinary { .. } => {}
        Item::Record { event, offset } => {
            let mut resolved = resolve::resolve(event, memo);
            if resolved.outcome != Outcome::Malformed && !filter.admits(event, &resolved) {
                coverage.outside_filter += 1;
                return;
            }
            if resolved.outcome == Outcome::Malformed {
                problem.malformed(offset, &resolved.reason);
            } else if !seen.is_new(event, &resolved, coverage) {
                resolved.outcome = Outcome::Duplicate;
                resolved.reason = "eventID seen before".into();
            }
            coverage.count(event, &resolved);
            let resolved = &resolved;
            sink(Record::Event(Judged { event, resolved }));
        }
        Item::Malformed { offset, reason } => {
            let reason = reason.to_string();
            problem.malformed(offset, &reason);
            coverage.count_malformed(1);
            sink(Record::Malformed { offset, reason });
        }
        Item::Other { kind, .. } => coverage.count_other(&kind.to_string()),
    });
    coverage.finish_object(Some(&summary), problem);
}

/// Reads all `objects` on `threads` workers and sums them up. The result does not depend on their number, nor on the
/// order of the objects.
#[must_use]
pub fn collect(
    objects: &[LogObject],
    filter: &Filter,
    threads: NonZeroUsize,
    progress: &Progress,
) -> (Ledger, Coverage) {
    let (parts, coverage) = run(
        objects,
        filter,
        threads,
        progress,
        |ledger: &mut Ledger, judged| {
            ledger.add(judged.resolved, judged.event.event_time, judged.id());
        },
    );
    let mut ledger = Ledger::default();
    parts.into_iter().for_each(|part| ledger.merge(part));
    ledger.settle();
    (ledger, coverage)
}

/// As [`collect`], with the calls that needed several things beside the ledger. Their number is not bounded as the
/// ledger's facts are.
#[must_use]
pub fn collect_joint(
    objects: &[LogObject],
    filter: &Filter,
    threads: NonZeroUsize,
    progress: &Progress,
) -> ((Ledger, Joint), Coverage) {
    let add = |(ledger, joint): &mut (Ledger, Joint), judged: Judged<'_, '_, '_>| {
        ledger.add(judged.resolved, judged.event.event_time, judged.id());
        joint.add(judged.resolved);
    };
    let (parts, coverage) = run(objects, filter, threads, progress, add);
    let (mut ledger, mut joint) = (Ledger::default(), Joint::default());
    for (part, calls) in parts {
        ledger.merge(part);
        joint.merge(calls);
    }
    let settled = ledger.settle();
    let joint = joint.settled(&ledger, &settled);
    ((ledger, joint), coverage)
}

/// Reads all `objects` on `threads` workers, each of which sums up what it reads in a `T` of its own. Which worker reads
/// which object is a matter of chance.
fn run<T: Default + Send>(
    objects: &[LogObject],
    filter: &Filter,
    threads: NonZeroUsize,
    progress: &Progress,
    add: impl Fn(&mut T, Judged<'_, '_, '_>) + Sync,
) -> (Vec<T>, Coverage) {
    let next = AtomicUsize::new(0);
    let seen = Seen::default();
    let worker = || {
        let mut worker = Worker::default();
        let mut part = T::default();
        let mut coverage = Coverage::default();
        while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
            let bytes = coverage.bytes_read;
            let mut events = 0;
            read_object(
                object,
                &mut worker,
                filter,
                &seen,
                &mut coverage,
                &mut |record| {
                    events += 1;
                    if let Record::Event(judged) = record {
                        add(&mut part, judged);
                    }
                    ControlFlow::Continue(())
                },
            );
            progress.objects.fetch_add(1, Ordering::Relaxed);
            progress
                .bytes
                .fetch_add(coverage.bytes_read - bytes, Ordering::Relaxed);
            progress.events.fetch_add(events, Ordering::Relaxed);
        }
        (part, coverage)
    };
    let mut parts = Vec::new();
    let mut coverage = Coverage::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.get().min(objects.len()).clamp(1, MAX_THREADS))
            .map(|_| scope.spawn(worker))
            .collect();
        for handle in workers {
            match handle.join() {
                Ok((part, accounts)) => {
                    parts.push(part);
                    coverage.merge(accounts);
                }
                // A worker does not panic on any input; should one, its events must not go missing unnoticed.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    (parts, coverage)
}
