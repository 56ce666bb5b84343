//! Hands out the log objects to the workers, in the rounds that [`Seen`] remembers events for.

use std::mem;
use std::ops::Range;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::source::files::LogObject;
use crate::usage::seen::Seen;

/// A round has so many bytes of log objects, as stored, and the rest of its last object: some 600,000 events of gzipped
/// delivery files.
const ROUND: u64 = 128 << 20;

/// The log objects; the rounds one after the other.
pub(super) struct Rounds<'o> {
    objects: Vec<&'o LogObject>,
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
    objects.sort_by_cached_key(|object| order(object));
    let mut rounds = Vec::new();
    let (mut round, mut bytes) = (Vec::new(), 0u64);
    for object in objects {
        bytes = bytes.saturating_add(object.size);
        round.push(object);
        if bytes >= ROUND || round.len() >= most {
            rounds.push(mem::take(&mut round));
            bytes = 0;
        }
    }
    if !round.is_empty() {
        rounds.push(round);
    }
    rounds
}

/// Where a log object stands in the order of delivery.
fn order(object: &LogObject) -> (String, String, u64) {
    (
        delivered(&object.name).to_owned(),
        object.name.clone(),
        object.size,
    )
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
        let (mut ends, mut bytes) = (Vec::new(), 0u64);
        for (number, object) in objects.iter().enumerate() {
            bytes = bytes.saturating_add(object.size);
            if bytes >= ROUND || number + 1 == objects.len() {
                ends.push(number + 1);
                bytes = 0;
            }
        }
        Self {
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
                let object = self.objects[next];
                return Some(Turn {
                    object,
                    rounds: self,
                });
            }
            let end = *self.ends.get(state.begun)?;
            if state.at_work > 0 {
                let woken = self.over.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let start = match state.begun {
                0 => 0,
                begun => {
                    seen.next_round();
                    self.ends[begun - 1]
                }
            };
            state.begun += 1;
            let (count, workers) = (end - start, state.left.len());
            for (worker, left) in state.left.iter_mut().enumerate() {
                *left = start + count * worker / workers..start + count * (worker + 1) / workers;
            }
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
    /// The next object of a worker's own, else the last one of who has the most left.
    fn take(&mut self, worker: usize) -> Option<usize> {
        if let Some(next) = self.left[worker].next() {
            return Some(next);
        }
        let most = self.left.iter_mut().max_by_key(|left| left.len())?;
        most.next_back()
    }
}

/// When a delivery file was delivered, as its name tells: `20260301T1005Z` of
/// `111122223333_CloudTrail_eu-west-1_20260301T1005Z_a1B2c3D4e5F6g7H8.json.gz`. Empty for any other name.
/// Source: CloudTrail User Guide, "CloudTrail log file name format".
fn delivered(name: &str) -> &str {
    let is_time = |part: &&str| {
        let shape = |(at, byte): (usize, u8)| match at {
            8 => byte == b'T',
            13 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        };
        part.len() == 14 && part.bytes().enumerate().all(shape)
    };
    let file = Path::new(name).file_name().and_then(|file| file.to_str());
    file.and_then(|file| file.split('_').find(is_time))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Rounds, delivered};
    use crate::source::files;
    use crate::usage::seen::Seen;

    #[test]
    fn a_delivery_files_name_tells_when() {
        for (name, when) in [
            (
                "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail_eu-west-1_20260301T1005Z_a1B2c3D4e5F6g7H8.json.gz",
                "20260301T1005Z",
            ),
            ("x_20260301T1005Z", "20260301T1005Z"),
            ("20260301T1005Z/events.json", ""),
            ("x_20260301T100Z.json", ""),
            ("x_2026030éT1005Z", ""),
            ("", ""),
        ] {
            assert_eq!(delivered(name), when, "{name}");
        }
    }

    #[test]
    fn every_object_is_handed_out_once_and_rounds_end_in_between() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..7 {
            let name = format!("a_{}_20260301T100{}Z_x.json", number % 3, 9 - number);
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let mut objects = files::list(&[folder.path().display().to_string()]).unwrap();
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
