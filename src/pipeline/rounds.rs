//! Hands out the log objects to the workers, in the rounds that [`Seen`] remembers events for.

use std::mem;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::source::files::LogObject;
use crate::source::layout::delivered;
use crate::usage::seen::Seen;

/// A round has so many bytes of log objects, as stored, and the rest of its last object: some 600,000 events of gzipped
/// delivery files.
const ROUND: u64 = 128 << 20;

/// So many objects that come next for a worker are announced, so that those which lie elsewhere are fetched meanwhile: with a
/// millisecond's work on each, for longer than one takes to come.
const AHEAD: usize = 48;

/// The log objects; the rounds one after the other.
pub(super) struct Rounds<'o> {
    objects: Vec<&'o LogObject>,
    /// Whether there are objects to announce.
    remote: bool,
    /// Where each round ends.
    ends: Vec<usize>,
    state: Mutex<State>,
    /// The last object of a round was done.
    over: Condvar,
}

struct State {
    /// How many rounds began.
    begun: usize,
    /// What is left of the round for each worker. What stands together is read by one, as it tells of the same callers.
    left: Vec<Range<usize>>,
    /// How many objects are handed out and not done.
    at_work: usize,
}

/// The log objects of each round, `most` at most, in the order of delivery.
pub(super) fn split(mut objects: Vec<LogObject>, most: usize) -> Vec<Vec<LogObject>> {
    objects.sort_by(|a, b| order(a).cmp(&order(b)));
    let ends = ends(&objects, most);
    let mut objects = objects.into_iter();
    let mut start = 0;
    let round = |end| {
        objects
            .by_ref()
            .take(end - mem::replace(&mut start, end))
            .collect()
    };
    ends.into_iter().map(round).collect()
}

/// Where each round of `objects` ends, which has `most` of them at most.
fn ends<'o>(objects: impl IntoIterator<Item = &'o LogObject>, most: usize) -> Vec<usize> {
    let (mut ends, mut bytes, mut count) = (Vec::new(), 0u64, 0);
    for object in objects {
        bytes = bytes.saturating_add(object.size);
        count += 1;
        if bytes >= ROUND || count - ends.last().unwrap_or(&0) >= most {
            ends.push(count);
            bytes = 0;
        }
    }
    if ends.last().unwrap_or(&0) < &count {
        ends.push(count);
    }
    ends
}

/// Where a log object stands in the order of delivery.
fn order(object: &LogObject) -> (&str, &str, u64) {
    (delivered(&object.name), &object.name, object.size)
}

impl<'o> Rounds<'o> {
    /// In the order given, for one worker.
    pub(super) fn as_they_come(objects: &'o [LogObject]) -> Self {
        Self::in_order(objects.iter().collect(), 1)
    }

    /// So that what was delivered at about the same time, to whichever bucket and account, is in the same round or the next.
    /// The order of `objects` is of no matter.
    pub(super) fn by_delivery(objects: &'o [LogObject], workers: usize) -> Self {
        let mut ordered: Vec<&LogObject> = objects.iter().collect();
        ordered.sort_by_cached_key(|object| order(object));
        let mut rounds = Self::in_order(ordered, workers);
        let mut start = 0;
        for &end in &rounds.ends {
            rounds.objects[start..end].sort_by(|a, b| a.name.cmp(&b.name));
            start = end;
        }
        rounds
    }

    fn in_order(objects: Vec<&'o LogObject>, workers: usize) -> Self {
        let ends = ends(objects.iter().copied(), usize::MAX);
        Self {
            remote: objects.iter().any(|object| object.is_remote()),
            objects,
            ends,
            state: Mutex::new(State {
                begun: 0,
                left: vec![0..0; workers],
                at_work: 0,
            }),
            over: Condvar::new(),
        }
    }

    /// The next object for a worker. Waits for the end of a round before the next one begins, which `seen` is told.
    pub(super) fn next(&self, worker: usize, seen: &Seen) -> Option<Turn<'_, 'o>> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.take(worker) {
                state.at_work += 1;
                self.announce(&state, worker);
                let object = self.objects[next];
                return Some(Turn {
                    object,
                    rounds: self,
                });
            }
            self.ends.get(state.begun)?;
            if state.at_work > 0 {
                let woken = self.over.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if state.begun > 0 {
                seen.next_round();
            }
            let workers = state.left.len();
            for worker in 0..workers {
                state.left[worker] = self.share(state.begun, worker, workers);
            }
            state.begun += 1;
        }
    }

    /// What a worker has of a round in the beginning; nothing of one that there is not.
    fn share(&self, round: usize, worker: usize, workers: usize) -> Range<usize> {
        let Some(end) = self.ends.get(round) else {
            return 0..0;
        };
        let start = round.checked_sub(1).map_or(0, |before| self.ends[before]);
        let count = end - start;
        start + count * worker / workers..start + count * (worker + 1) / workers
    }

    /// Announces what comes next for a worker: the rest of its share, and when that is short, of its next one.
    fn announce(&self, state: &State, worker: usize) {
        if self.remote {
            let next_round = self.share(state.begun, worker, state.left.len());
            let ahead = state.left[worker].clone().chain(next_round).take(AHEAD);
            ahead.for_each(|number| self.objects[number].announce());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An object in a worker's hands, until it is dropped: also by one that dies, for which the others would wait for ever.
pub(super) struct Turn<'r, 'o> {
    pub(super) object: &'o LogObject,
    rounds: &'r Rounds<'o>,
}

impl Drop for Turn<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.rounds.lock();
        state.at_work -= 1;
        if state.at_work == 0 {
            self.rounds.over.notify_all();
        }
    }
}

impl State {
    /// The next object of a worker's own. One that has none left takes over the second half from who has the most, so that what
    /// it reads next is known.
    fn take(&mut self, worker: usize) -> Option<usize> {
        if self.left[worker].is_empty() {
            let most = self.left.iter_mut().max_by_key(|left| left.len())?;
            let half = most.start + most.len() / 2;
            let taken = half..most.end;
            most.end = half;
            self.left[worker] = taken;
        }
        self.left[worker].next()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Rounds;
    use crate::source::files;
    use crate::source::layout::{Scope, delivered};
    use crate::usage::seen::Seen;

    #[test]
    fn every_object_is_handed_out_once_and_rounds_end_in_between() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..7 {
            let name = format!("a_{}_20260301T100{}Z_x.json", number % 3, 9 - number);
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let mut objects =
            files::list(&[folder.path().display().to_string()], &Scope::default()).unwrap();
        // Three objects make a round.
        objects
            .iter_mut()
            .for_each(|object| object.size = super::ROUND / 3 + 1);
        for workers in 1..4 {
            let (seen, rounds) = (Seen::default(), Rounds::by_delivery(&objects, workers));
            let mut order = Vec::new();
            for turn in 0.. {
                let Some(turn) = rounds.next(turn % workers, &seen) else {
                    break;
                };
                order.push(delivered(&turn.object.name).to_owned());
            }
            for round in order.chunks_mut(3) {
                round.sort();
            }
            assert!(order.is_sorted(), "{order:?}");
            assert_eq!(order.len(), 7);
            assert!(seen.is_forgetful());
        }
    }
}
