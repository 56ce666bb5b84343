//! Fetches log objects ahead of those who read them: many requests in flight, and memory that is bounded.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::{Buf, Bytes};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::source::archive;
use crate::source::get::{Getter, Job, Sink};
use crate::source::s3;

/// Requests in flight for each core: with 20 ms to the first byte and a millisecond's work on each object, this many hide
/// the wait.
const IN_FLIGHT: usize = 32;

/// However often S3 asks for fewer requests, so many stay in flight.
const FEWEST: usize = 4;

/// What is fetched ahead and not read yet may take so many bytes for each core.
const AHEAD: u64 = 32 << 20;

/// A larger object is not fetched ahead: it streams to its reader.
const WHOLE: u64 = 8 << 20;

/// So many pieces of a stream wait for its reader, each of some hundred kilobytes at most.
const PIECES: usize = 16;

/// What all buckets of a run share.
pub(super) struct Fetcher {
    handle: Handle,
    most: usize,
    budget: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is to be fetched next.
    queue: VecDeque<Arc<Remote>>,
    in_flight: usize,
    /// How many requests may be in flight now: fewer after S3 asked for that, and by and by more again.
    limit: usize,
    /// How many objects arrived since the limit changed.
    arrived: usize,
    /// Bytes of objects that are being fetched ahead, or were and are not read to their end.
    held: u64,
}

/// An object in S3.
pub(super) struct Remote {
    getter: Arc<Getter>,
    pub(super) job: Job,
    bucket: Arc<str>,
    fetcher: Arc<Fetcher>,
    fetch: Mutex<Fetch>,
}

/// How far the fetching of an object has come.
enum Fetch {
    Idle,
    Queued,
    Running(oneshot::Receiver<io::Result<Vec<u8>>>),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.job.key)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Fetcher {
    pub(super) fn new(handle: Handle) -> Arc<Self> {
        let cores = thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let most = IN_FLIGHT * cores.max(2);
        Arc::new(Self {
            handle,
            most,
            budget: AHEAD * cores.max(2) as u64,
            state: Mutex::new(State {
                limit: most,
                ..State::default()
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts what is queued, as far as requests and memory allow. The first object always has room.
    fn start_queued(&self) {
        loop {
            let next = {
                let mut state = self.lock();
                let Some(next) = state.queue.front() else {
                    return;
                };
                let size = next.job.size;
                let full = state.held > 0 && state.held + size > self.budget;
                if state.in_flight >= state.limit || full {
                    return;
                }
                state.queue.pop_front()
            };
            if let Some(remote) = next {
                let mut fetch = remote.lock();
                // Whoever reads it may have come first.
                if matches!(*fetch, Fetch::Queued) {
                    *fetch = remote.start();
                }
            }
        }
    }

    /// A request ended.
    fn ended(&self) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.arrived += 1;
        if state.arrived >= state.limit && state.limit < self.most {
            state.limit += 1;
            state.arrived = 0;
        }
        drop(state);
        self.start_queued();
    }

    /// S3 asked for fewer requests: half of them, once for all that are refused together.
    fn throttled(&self) {
        let mut state = self.lock();
        if state.limit == self.most || state.arrived >= state.limit / 2 {
            state.limit = (state.limit / 2).max(FEWEST);
            state.arrived = 0;
        }
    }

    fn release(&self, bytes: u64) {
        self.lock().held -= bytes;
        self.start_queued();
    }
}

impl Remote {
    pub(super) fn new(
        fetcher: &Arc<Fetcher>,
        getter: &Arc<Getter>,
        bucket: &Arc<str>,
        job: Job,
    ) -> Arc<Self> {
        Arc::new(Self {
            getter: Arc::clone(getter),
            job,
            bucket: Arc::clone(bucket),
            fetcher: Arc::clone(fetcher),
            fetch: Mutex::new(Fetch::Idle),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Fetch> {
        self.fetch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells that the object will be read soon. Does not wait.
    pub(super) fn announce(self: &Arc<Self>) {
        if self.job.size > WHOLE {
            return;
        }
        let mut fetch = self.lock();
        if matches!(*fetch, Fetch::Idle) {
            *fetch = Fetch::Queued;
            drop(fetch);
            self.fetcher.lock().queue.push_back(Arc::clone(self));
            self.fetcher.start_queued();
        }
    }

    /// Starts to fetch the whole object, whatever else is under way.
    fn start(self: &Arc<Self>) -> Fetch {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.fetcher.lock();
        state.in_flight += 1;
        state.held += self.job.size;
        drop(state);
        let remote = Arc::clone(self);
        self.fetcher.handle.spawn(async move {
            let mut sink = Sink::Whole(Vec::with_capacity(remote.job.size as usize));
            let got = remote.get(&mut sink).await;
            remote.fetcher.ended();
            let whole = got.map(|()| match sink {
                Sink::Whole(whole) => whole,
                Sink::Stream(_) => Vec::new(),
            });
            // Nobody may want it any more.
            let _ = sender.send(whole);
        });
        Fetch::Running(receiver)
    }

    /// The signature in the metadata of a digest; `None` where there is none. Waits for the answer.
    pub(super) fn digest_signature(&self) -> io::Result<Option<String>> {
        let asked = self.getter.digest_signature(&self.job);
        let answer = self.fetcher.handle.block_on(asked);
        answer.map_err(|refusal| s3::explain_get(&refusal, &self.bucket))
    }

    async fn get(&self, sink: &mut Sink) -> io::Result<()> {
        let throttled = || self.fetcher.throttled();
        let got = self.getter.get(&self.job, sink, &throttled).await;
        got.map_err(|refusal| s3::explain_get(&refusal, &self.bucket))
    }

    /// Waits for the object, or the beginning of one that streams, and reads it.
    pub(super) fn open(self: &Arc<Self>) -> io::Result<Box<dyn Read + Send>> {
        if self.job.size > WHOLE {
            return Ok(Box::new(self.stream()?));
        }
        let mut fetch = self.lock();
        let started = match std::mem::replace(&mut *fetch, Fetch::Idle) {
            Fetch::Running(receiver) => Fetch::Running(receiver),
            Fetch::Idle | Fetch::Queued => self.start(),
        };
        drop(fetch);
        let held = Held {
            fetcher: Arc::clone(&self.fetcher),
            bytes: self.job.size,
        };
        let got = match started {
            Fetch::Running(receiver) => receiver.blocking_recv(),
            Fetch::Idle | Fetch::Queued => return Err(io::ErrorKind::Interrupted.into()),
        };
        let whole = got.unwrap_or_else(|_| Err(io::Error::other("the fetching was given up")))?;
        refuse_archive(&whole)?;
        Ok(Box::new(Whole {
            bytes: Cursor::new(whole),
            _held: held,
        }))
    }

    fn stream(self: &Arc<Self>) -> io::Result<Stream> {
        let (sender, mut pieces) = mpsc::channel(PIECES);
        let remote = Arc::clone(self);
        self.fetcher.handle.spawn(async move {
            let mut sink = Sink::Stream(sender);
            let got = remote.get(&mut sink).await;
            if let (Err(error), Sink::Stream(sender)) = (got, sink) {
                // Nobody may want it any more.
                let _ = sender.send(Err(error)).await;
            }
        });
        let first = pieces.blocking_recv().transpose()?;
        let piece = first.unwrap_or_default();
        refuse_archive(&piece)?;
        Ok(Stream { pieces, piece })
    }
}

/// Memory of an object that was fetched whole, given back with its reader.
struct Held {
    fetcher: Arc<Fetcher>,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.fetcher.release(self.bytes);
    }
}

struct Whole {
    bytes: Cursor<Vec<u8>>,
    _held: Held,
}

impl Read for Whole {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(out)
    }
}

/// The members of an archive are listed by what stands at its end, before any is read: that would be a request for each object
/// of a bucket.
fn refuse_archive(begin: &[u8]) -> io::Result<()> {
    match archive::is_archive(begin) {
        true => Err(io::Error::other(
            "a zip archive, which is not looked into in S3: fetch it to a folder",
        )),
        false => Ok(()),
    }
}

struct Stream {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = out.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::{FEWEST, Fetcher};

    #[test]
    fn throttling_halves_the_requests_in_flight_and_success_brings_them_back() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let fetcher = Fetcher::new(runtime.handle().clone());
        let limit = || fetcher.lock().limit;
        let arrive = |count: usize| {
            for _ in 0..count {
                fetcher.lock().in_flight += 1;
                fetcher.ended();
            }
        };
        // Those that are refused together count once.
        (0..50).for_each(|_| fetcher.throttled());
        assert_eq!(limit(), fetcher.most / 2);
        for _ in 0..20 {
            arrive(limit() / 2);
            fetcher.throttled();
        }
        assert_eq!(limit(), FEWEST);
        arrive(FEWEST);
        assert_eq!(limit(), FEWEST + 1);
        arrive(fetcher.most * fetcher.most);
        assert_eq!(limit(), fetcher.most);
    }
}
