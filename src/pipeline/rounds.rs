//! Hands out the log objects to the workers, in the rounds that [`Seen`] remembers events for.

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::source::files::LogObject;
use crate::usage::seen::Seen;

/// A round has so many bytes of log objects, as stored, and the rest of its last object: some 600,000 events of gzipped
/// delivery files.
const ROUND: u64 = 128 << 20;

/// The log objects, each with the number of its round; the rounds one after the other.
pub(super) struct Rounds<'o> {
    objects: Vec<(u32, &'o LogObject)>,
    state: Mutex<State>,
    /// The last object of a round was done.
    over: Condvar,
}

#[derive(Default)]
struct State {
    /// The next object to be handed out.
    next: usize,
    round: u32,
    /// How many objects are handed out and not done.
    at_work: usize,
}

impl<'o> Rounds<'o> {
    /// In the order given.
    pub(super) fn as_they_come(objects: &'o [LogObject]) -> Self {
        Self::in_order(objects.iter())
    }

    /// So that what was delivered at about the same time, to whichever bucket and account, is in the same round or the next;
    /// in a round, what stands in one folder comes together, as it holds the same callers. The order of `objects` is of no
    /// matter.
    pub(super) fn by_delivery(objects: &'o [LogObject]) -> Self {
        let mut ordered: Vec<&LogObject> = objects.iter().collect();
        ordered.sort_by_cached_key(|object| (delivered(&object.name), &object.name, object.size));
        let mut rounds = Self::in_order(ordered.into_iter());
        rounds
            .objects
            .sort_by_key(|(round, object)| (*round, &object.name));
        rounds
    }

    fn in_order(objects: impl Iterator<Item = &'o LogObject>) -> Self {
        let (mut round, mut bytes) = (0, 0);
        let objects = objects.map(|object| {
            if bytes >= ROUND {
                round += 1;
                bytes = 0;
            }
            bytes = bytes.saturating_add(object.size);
            (round, object)
        });
        Self {
            objects: objects.collect(),
            state: Mutex::default(),
            over: Condvar::new(),
        }
    }

    /// The next object, which is to be reported as [`done`](Self::done). Waits for the end of a round before the next one
    /// begins, which `seen` is told.
    pub(super) fn next(&self, seen: &Seen) -> Option<&'o LogObject> {
        let mut state = self.lock();
        loop {
            let (round, object) = *self.objects.get(state.next)?;
            if round == state.round {
                state.next += 1;
                state.at_work += 1;
                return Some(object);
            }
            if state.at_work == 0 {
                seen.next_round();
                state.round = round;
            } else {
                let woken = self.over.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// An object was read to its end.
    pub(super) fn done(&self) {
        let mut state = self.lock();
        state.at_work -= 1;
        if state.at_work == 0 {
            self.over.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
