//! The same work on many things, by several threads.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More than this many threads are not started, whatever is asked for.
const MAX_THREADS: usize = 64;

/// What `work` makes of each of `items`, in their order. The calling thread is one of the threads.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    threads: NonZeroUsize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else {
                return done;
            };
            done.push((place, work(item)));
        }
    };
    let others = threads.get().min(items.len()).min(MAX_THREADS);
    let mut done = thread::scope(|scope| {
        // Where the system gives no more threads, the others do the work.
        let others: Vec<_> = (1..others)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, worker).ok())
            .collect();
        let mut done = worker();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::map;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        for threads in [1, 2, 7, 5_000] {
            let doubled = map(&items, NonZeroUsize::new(threads).unwrap(), |item| item * 2);
            assert!(
                doubled
                    .iter()
                    .enumerate()
                    .all(|(at, twice)| at * 2 == *twice)
            );
            assert_eq!(doubled.len(), items.len());
        }
        assert!(map(&[], NonZeroUsize::MIN, |item: &u8| *item).is_empty());
    }
}
