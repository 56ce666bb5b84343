//! What one worker sums up.

use std::mem;

use crate::cloudtrail::clock::Clock;
use crate::cloudtrail::event::Event;
use crate::cloudtrail::ordinary::{Field, Ordinary};
use crate::cloudtrail::reader::{Damage, Item, Reader, Wanted};
use crate::pipeline::keep::{Keeper, Keeping};
use crate::pipeline::{account, account_other, judge, open};
use crate::source::files::LogObject;
use crate::usage::calls::{Calls, Known};
use crate::usage::coverage::{DataEvents, FileProblem};
use crate::usage::filter::Filter;
use crate::usage::hours::Counter;
use crate::usage::identity;
use crate::usage::kept::Mark;
use crate::usage::memo::{Memo, Touched};
use crate::usage::origin::{LastRegion, Network, Region, mix_place};
use crate::usage::seen::{SHARDS, Seen, id_of};
use crate::usage::sum::Sum;
use crate::usage::times::{EventId, Times};
use crate::usage::told::Record;
use crate::verify::asked::Asks;

/// The work of one worker: what it keeps from one log object to the next.
pub(super) struct Sums<'s> {
    reader: Reader,
    adder: Adder<'s>,
}

/// What is summed up, and how.
#[derive(Clone, Copy)]
pub(super) struct How<'k> {
    /// Whether the calls that needed several things are kept beside the ledger.
    pub(super) joint: bool,
    /// In about how many bytes calls are remembered, if at all. That saves time only.
    pub(super) memory: Option<usize>,
    /// What is to be known of the used calls' contexts, for which each event must be worked out by itself.
    pub(super) asked: Option<Asks<'k>>,
    /// What keeps the events, where the ledger is not to be summed up but kept.
    pub(super) keeper: Option<Keeper<'k>>,
}

impl<'s> Sums<'s> {
    pub(super) fn new(filter: &'s Filter, seen: &'s Seen, how: How<'s>) -> Self {
        Self {
            reader: match how.keeper.and_then(|keeper| keeper.hashed) {
                Some(_) => Reader::hashing(),
                None if how.asked.is_some() => Reader::parsing_all(),
                None => Reader::new(),
            },
            adder: Adder {
                filter,
                seen,
                memo: Memo::default(),
                clock: Clock::default(),
                calls: how.memory.map(|max| Calls::new(max, how.keeper.is_some())),
                wants_parts: false,
                known: Known::Nothing,
                learned: None,
                waiting: Default::default(),
                duplicates: 0,
                region: LastRegion::default(),
                hours: Counter::default(),
                data_events: DataEvents::default(),
                asked: how.asked,
                keeping: how.keeper.map(Keeping::new),
                sum: Sum::new(how.joint),
            },
        }
    }

    /// Adds what a log object holds. Returns how many bytes and events that was.
    pub(super) fn read(&mut self, object: &LogObject) -> (u64, u64) {
        let Some(keeping) = &mut self.adder.keeping else {
            return self.sum_up(object).0;
        };
        keeping.begin(object);
        let so_far = mem::take(&mut self.adder.sum.coverage);
        let (read, again) = self.sum_up(object);
        let adder = &mut self.adder;
        adder.flush();
        if let Some(keeping) = &adder.keeping {
            (keeping.keeper.read)(object, &adder.sum.coverage, again);
        }
        let of_object = mem::replace(&mut adder.sum.coverage, so_far);
        adder.sum.coverage.merge(of_object);
        read
    }

    /// Adds what a log object holds. Returns how many bytes and events that was, and whether it could not be read to its end
    /// for a reason that may be gone when it is read again.
    fn sum_up(&mut self, object: &LogObject) -> ((u64, u64), bool) {
        let adder = &mut self.adder;
        let mut problem = FileProblem::new(&object.name);
        let input = open(object, &mut problem);
        let summary = input.map(|input| {
            self.reader.read(input, &mut |item| match item {
                Item::Ordinary { record, wanted } => wanted.set(adder.ordinary(record)),
                Item::Parts(event) => adder.parts(event),
                Item::Record { event, offset } => adder.record(event, offset, &mut problem),
                item => account_other(&mut adder.sum.coverage, &mut problem, &item),
            })
        });
        if let Some(hashed) = adder
            .keeping
            .as_ref()
            .and_then(|keeping| keeping.keeper.hashed)
        {
            hashed(object, summary.as_ref().and_then(|summary| summary.hash));
        }
        // Not later, as what waits belongs to this round.
        adder.add_waiting();
        let coverage = &mut adder.sum.coverage;
        let (bytes, events) = (coverage.bytes_read, coverage.events_read);
        let again = match &summary {
            None => true,
            Some(summary) => summary.damage.as_ref().is_some_and(Damage::may_pass),
        };
        coverage.finish_object(summary.as_ref(), problem);
        let read = (coverage.bytes_read - bytes, coverage.events_read - events);
        (read, again)
    }

    pub(super) fn finish(mut self) -> Sum {
        self.adder.settle();
        self.adder.sum
    }
}

struct Adder<'s> {
    filter: &'s Filter,
    seen: &'s Seen,
    memo: Memo,
    clock: Clock,
    /// `None` where each event is worked out by itself.
    calls: Option<Calls>,
    /// Whether parts are wanted of a record, so that the same one comes next.
    wants_parts: bool,
    /// What was known of it.
    known: Known,
    /// The call of that record, once it is known, and its session's hash.
    learned: Option<(u32, u64)>,
    /// Events whose calls are known, until it is looked up whether they were there before; by the table that tells.
    waiting: [Vec<Waiting>; SHARDS],
    duplicates: u64,
    region: LastRegion,
    hours: Counter,
    data_events: DataEvents,
    asked: Option<Asks<'s>>,
    keeping: Option<Keeping<'s>>,
    sum: Sum,
}

/// An event of a call that is known.
struct Waiting {
    call: u32,
    region: Region,
    network: Network,
    session: u64,
    time: Option<i64>,
    hash: u64,
    id: EventId,
}

/// So many events wait for one table at most.
const MAX_WAITING: usize = 32;

impl Adder<'_> {
    /// Adds an ordinary record, if its call is known, or tells what of it is needed to know it.
    fn ordinary(&mut self, record: &Ordinary<'_>) -> Wanted {
        // Not while a record is being learned, which would never end in a small memory.
        let is_full = self.calls.as_ref().is_some_and(Calls::is_full)
            || self.keeping.as_ref().is_some_and(Keeping::is_full);
        if is_full && !self.wants_parts {
            self.settle();
        }
        let Some(calls) = self.calls.as_mut().filter(|_| Calls::takes(record)) else {
            return Wanted::Record;
        };
        self.known = match self.learned.take() {
            Some((call, session)) => Known::Call(call, session),
            None => calls.find(record, self.seen),
        };
        let wanted = match self.known {
            Known::Call(call, session) => {
                self.add(record, call, session);
                Wanted::Nothing
            }
            Known::Caller(touched) => {
                let region = record.text(Field::AwsRegion);
                let account = &calls.callers.last().0.account;
                if self.filter.admits(record.time(), region, account) {
                    Wanted::Parts(parts(touched))
                } else {
                    self.sum.coverage.outside_filter += 1;
                    Wanted::Nothing
                }
            }
            Known::Nothing => Wanted::Parts(&[Field::UserIdentity]),
        };
        self.wants_parts = wanted != Wanted::Nothing;
        wanted
    }

    /// Learns who made the record that was last looked for, or what it means.
    fn parts(&mut self, event: &Event<'_, '_>) {
        let Some(calls) = self.calls.as_mut() else {
            return;
        };
        if self.known == Known::Nothing {
            let identity = &event.user_identity;
            return calls
                .callers
                .learn(identity::caller(identity), identity.invoked_by);
        }
        self.learned = calls.learn(event, &mut self.memo, self.seen);
        if self.learned.is_some() {
            let (caller, _) = calls.callers.last();
            self.sum.coverage.note_places(event, caller);
        }
    }

    /// Adds an event of a call that is known.
    fn add(&mut self, record: &Ordinary<'_>, call: u32, session: u64) {
        let Some(calls) = &mut self.calls else { return };
        let time = record.text(Field::EventTime);
        let time = time.and_then(|time| self.clock.seconds(time));
        // The same account and Region were admitted before.
        if !self.filter.admits_time(time) {
            self.sum.coverage.outside_filter += 1;
            return;
        }
        if let Some(names) = calls.callers.take_names() {
            let (session, key) = (names.session.as_deref(), names.access_key.as_deref());
            let principal = calls.caller_of(call);
            self.sum.ledger.add_names(principal, session, key);
        }
        let region = record.text(Field::AwsRegion).unwrap_or_default();
        let (region, region_hash) = self.region.turn_to(region);
        if let Some(time) = time {
            let hours = &mut self.sum.coverage.hours;
            let account = record.text(Field::RecipientAccountId);
            let account = account.unwrap_or_else(|| &calls.caller_of(call).account);
            self.hours.count(account, region, time, hours);
        }
        if record.raw(Field::EventCategory) == b"\"Data\"" {
            let source = record.text(Field::EventSource).unwrap_or_default();
            self.data_events.count(source, &mut self.sum.coverage);
        }
        let network = network(record);
        let (id, shared) = (
            record.text(Field::EventId),
            record.text(Field::SharedEventId),
        );
        let Some(id) = id_of(id, shared, || calls.caller_of(call)) else {
            if let Some(keeping) = &mut self.keeping {
                let print = keeping.print_nameless(time, calls.digest(call));
                if !keeping.is_new(call, Mark::of(time, print)) {
                    self.duplicates += 1;
                    return;
                }
            }
            return calls.count(call, time, None, (region, network));
        };
        let hash = self.seen.hash(id);
        let shard = Seen::shard(hash);
        self.waiting[shard].push(Waiting {
            call,
            region: *region,
            network,
            session: mix_place(session, region_hash, network),
            time,
            hash,
            id: id.into(),
        });
        if self.waiting[shard].len() >= MAX_WAITING {
            self.add_waiting_for(shard);
        }
    }

    fn add_waiting(&mut self) {
        (0..SHARDS).for_each(|shard| self.add_waiting_for(shard));
    }

    fn add_waiting_for(&mut self, shard: usize) {
        let Some(calls) = &mut self.calls else { return };
        let waiting = &mut self.waiting[shard];
        let mut prints = [0; MAX_WAITING];
        let count = waiting.len();
        for (print, event) in prints.iter_mut().zip(&*waiting) {
            let digest = calls.digest(event.call);
            *print = self
                .seen
                .print(event.hash, event.time, event.session, digest);
        }
        // By reference, as most of an event is looked at once and not kept.
        let mut events = waiting.iter().zip(prints);
        self.seen
            .are_new(shard, prints[..count].iter().copied(), |is_new| {
                let Some((event, print)) = events.next() else {
                    return;
                };
                let time = event.time;
                let is_new = match &mut self.keeping {
                    Some(keeping) if is_new => keeping.is_new(event.call, Mark::of(time, print)),
                    _ => is_new,
                };
                if is_new {
                    let place = (&event.region, event.network);
                    calls.count(event.call, time, Some(&event.id), place);
                } else {
                    self.duplicates += 1;
                }
            });
        waiting.clear();
    }

    /// Adds a record that was parsed.
    fn record(&mut self, event: &Event<'_, '_>, offset: u64, problem: &mut FileProblem) {
        if let Some(keeping) = &mut self.keeping {
            return keeping.record(
                event,
                offset,
                problem,
                (self.seen, &mut self.memo),
                &mut self.sum,
            );
        }
        let resolved = judge(event, self.filter, self.seen, &mut self.memo);
        let Sum {
            ledger,
            joint,
            coverage,
        } = &mut self.sum;
        account(coverage, problem, event, offset, resolved.as_ref());
        if let Some(mut resolved) = resolved {
            if let Some(asked) = self.asked {
                let record = Record::of(event, resolved.caller.principal.kind);
                asked.note(&mut resolved.meaning, |key, asking| {
                    record.tell(key, asking)
                });
            }
            let principal = &resolved.caller.principal;
            let times = Times::of(
                event,
                id_of(event.id(), event.shared_event_id, || principal),
            );
            if let Some(joint) = joint {
                joint.add(principal, &resolved.meaning, 1);
            }
            ledger.add(resolved, times);
        }
    }

    /// Adds to the accounts what was counted beside them.
    fn flush(&mut self) {
        let coverage = &mut self.sum.coverage;
        coverage.count_duplicates(mem::take(&mut self.duplicates));
        self.hours.flush(&mut coverage.hours);
        self.data_events.flush(coverage);
    }

    /// Sums up the calls that are remembered, and forgets them.
    fn settle(&mut self) {
        self.add_waiting();
        self.flush();
        if let Some(keeping) = &mut self.keeping {
            return keeping.hand_on(self.calls.as_mut(), &mut self.sum.coverage);
        }
        if let Some(calls) = &mut self.calls {
            let sum = &mut self.sum;
            calls.empty(|principal, calls| {
                sum.add(principal, calls.map(|(_, meaning, times)| (meaning, times)));
            });
        }
    }
}

/// The network that `record` tells.
fn network(record: &Ordinary<'_>) -> Network {
    let endpoint = record.raw(Field::VpcEndpointId);
    let through_endpoint = endpoint.len() > 2 && endpoint.starts_with(b"\"");
    Network::of(record.text(Field::SourceIpAddress), through_endpoint)
}

/// What is to be parsed of a call whose meaning is found by what is `touched`.
fn parts(touched: Touched) -> &'static [Field] {
    use Field::{RequestParameters, Resources, ResponseElements};
    match (touched.response, touched.resources) {
        (false, false) => &[RequestParameters],
        (false, true) => &[RequestParameters, Resources],
        (true, false) => &[RequestParameters, ResponseElements],
        (true, true) => &[RequestParameters, ResponseElements, Resources],
    }
}
