//! A progress bar on a terminal, fed from counters that the workers keep anyway.

use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::pipeline::Progress;
use crate::report::summary::grouped;

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(200);

/// A bar that is drawn until it is dropped. It costs the workers nothing: a thread of its own reads their counters.
pub struct Bar(Option<(Arc<AtomicBool>, JoinHandle<()>)>);

impl Bar {
    /// Shows how far `progress` has come among `objects`, unless `quiet` or stderr is no terminal.
    #[must_use]
    pub fn show(progress: &Arc<Progress>, objects: u64, quiet: bool) -> Self {
        if quiet || !stderr().is_terminal() {
            return Self(None);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (progress, stopped) = (Arc::clone(progress), Arc::clone(&stop));
        let drawer = thread::spawn(move || {
            let bar = ProgressBar::new(objects);
            // A template that does not parse leaves the library's own style, which shows the same counts.
            if let Ok(style) =
                ProgressStyle::with_template("{bar:30} {pos}/{len} objects, {msg}, {eta} left")
            {
                bar.set_style(style);
            }
            while !stopped.load(Ordering::Relaxed) {
                bar.set_position(progress.objects.load(Ordering::Relaxed));
                let bytes = HumanBytes(progress.bytes.load(Ordering::Relaxed));
                let events = grouped(progress.events.load(Ordering::Relaxed));
                bar.set_message(format!("{bytes}, {events} events"));
                thread::park_timeout(TICK);
            }
            bar.finish_and_clear();
        });
        Self(Some((stop, drawer)))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((stop, drawer)) = self.0.take() {
            stop.store(true, Ordering::Relaxed);
            drawer.thread().unpark();
            let _ = drawer.join();
        }
    }
}
