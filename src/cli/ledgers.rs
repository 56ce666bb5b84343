//! What commands do with ledgers: open them, and add log objects and other ledgers to one.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cli::tell;
use crate::cloudtrail::integrity::Checker;
use crate::error::{Error, LedgerError, Result};
use crate::pipeline::keep::{Hashed, Keeper};
use crate::pipeline::{self, Progress};
use crate::report::terminal;
use crate::source::files::LogObject;
use crate::store::export;
use crate::store::file::{self, Store};
use crate::store::object::{Detail, DigestSeen, HourSeen, Object};
use crate::store::principals::AccessKeys;
use crate::store::write::Writer;
use crate::usage::coverage::Coverage;
use crate::usage::resolve::Outcome;

/// Those of `objects` that are not in the ledger yet, and those that are.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn new_and_known(
    writer: &Writer,
    objects: Vec<LogObject>,
) -> Result<(Vec<LogObject>, Vec<LogObject>)> {
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for object in objects {
        match writer.has(object.id(), &object.version, object.size)? {
            true => known.push(object),
            false => new.push(object),
        }
    }
    Ok((new, known))
}

/// The most log objects of one transaction, if nothing else is said.
pub(super) const MOST: usize = 10_000;

/// How log objects are read.
#[derive(Clone, Copy)]
pub(super) struct How<'p> {
    pub(super) threads: NonZeroUsize,
    pub(super) progress: &'p Progress,
    /// The most log objects of one transaction.
    pub(super) most: usize,
    /// Takes the hashes of log objects, where they are asked for.
    pub(super) hashed: Option<&'p Hashed<'p>>,
}

/// Adds what `objects` hold to a ledger: one transaction for each round of them. Returns the accounts of what was read.
///
/// # Errors
/// Where the ledger cannot be written; then all rounds before are in it.
pub(super) fn add(writer: &mut Writer, objects: Vec<LogObject>, how: How<'_>) -> Result<Coverage> {
    let mut coverage = Coverage::default();
    for round in pipeline::rounds(objects, how.most) {
        writer.begin(&mut waiting)?;
        // Another process may have read some while this one waited.
        let (round, _) = new_and_known(writer, round)?;
        match add_round(writer, &round, how) {
            Ok(read) => coverage.merge(read),
            Err(error) => {
                writer.roll_back();
                return Err(error);
            }
        }
        writer.commit(&mut waiting)?;
    }
    Ok(coverage)
}

/// Notes which times the digests of `checker` cover, in one transaction; `objects` are the digests.
///
/// # Errors
/// Where the ledger cannot be written.
pub(super) fn add_digests(
    writer: &mut Writer,
    checker: &Checker,
    objects: &[LogObject],
) -> Result<()> {
    let objects = objects.iter().map(|object| (object.name.as_str(), object));
    let objects: BTreeMap<&str, &LogObject> = objects.collect();
    let rows = checker
        .delivered()
        .filter_map(|(name, account, region, (from, to))| {
            let object = objects.get(name)?;
            let digest = DigestSeen {
                account: account.to_owned(),
                region: region.to_owned(),
                from,
                to,
            };
            Some(Object {
                id: format!("{}#digest", object.id()),
                version: object.version.clone(),
                size: object.size,
                records: 0,
                malformed: 0,
                detail: Detail {
                    digest: Some(Box::new(digest)),
                    ..Detail::default()
                },
            })
        });
    writer.begin(&mut waiting)?;
    for row in rows {
        writer
            .add_object(&row)
            .inspect_err(|_| writer.roll_back())?;
    }
    writer.commit(&mut waiting)
}

/// Has log objects read again by the next run, in one transaction: what was wrong with them is to be told again.
///
/// # Errors
/// Where the ledger cannot be written.
pub(super) fn read_again<'i>(
    writer: &mut Writer,
    mut ids: impl Iterator<Item = &'i String>,
) -> Result<()> {
    writer.begin(&mut waiting)?;
    ids.try_for_each(|id| writer.read_again(id))
        .inspect_err(|_| writer.roll_back())?;
    writer.commit(&mut waiting)
}

/// What the workers share.
struct Shared<'w> {
    writer: &'w mut Writer,
    read: Vec<Object>,
    failed: Result<()>,
}

impl Shared<'_> {
    /// Does something, unless something failed before: then nothing that follows is of use.
    fn attempt<T>(&mut self, work: impl FnOnce(&mut Writer) -> Result<T>) -> Option<T> {
        if self.failed.is_err() {
            return None;
        }
        work(self.writer)
            .map_err(|error| self.failed = Err(error))
            .ok()
    }
}

fn add_round(writer: &mut Writer, round: &[LogObject], how: How<'_>) -> Result<Coverage> {
    let shared = Mutex::new(Shared {
        writer,
        read: Vec::new(),
        failed: Ok(()),
    });
    let lock =
        || -> MutexGuard<'_, Shared<'_>> { shared.lock().unwrap_or_else(PoisonError::into_inner) };
    let keeper = Keeper {
        known: &|hour| {
            let known = lock().attempt(|writer| writer.known(hour));
            known.unwrap_or_default()
        },
        keep: &|calls| {
            lock().attempt(|writer| writer.keep(&calls));
        },
        read: &|object, coverage, again| lock().read.push(row(object, coverage, again)),
        hashed: how.hashed,
    };
    let (names, coverage) = pipeline::keep(round, how.threads, how.progress, keeper);
    let Shared {
        writer,
        read,
        failed,
    } = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed?;
    for (principal, usage) in names.principals {
        writer.add_names(&principal, &usage.sessions, &usage.access_keys)?;
    }
    for object in &read {
        writer.add_object(object)?;
    }
    Ok(coverage)
}

/// What the ledger has of a log object whose accounts are `coverage`.
fn row(object: &LogObject, coverage: &Coverage, again: bool) -> Object {
    let hours = coverage
        .hours
        .iter()
        .map(|(account, region, hour, records)| HourSeen {
            account: account.to_owned(),
            region: region.to_owned(),
            hour,
            records,
        });
    let problem = coverage.files.first().cloned().unwrap_or_default();
    Object {
        id: object.id().to_owned(),
        version: object.version.clone(),
        size: object.size,
        records: coverage.events_read,
        malformed: problem.malformed,
        detail: Detail {
            accounts: coverage.accounts.clone(),
            regions: coverage.regions.clone(),
            hours: hours.collect(),
            data_events: coverage.data_event_sources.clone(),
            aggregated_calls: coverage.aggregated_calls.clone(),
            addenda: coverage.addenda.clone(),
            reasons: coverage
                .outcomes
                .get(&Outcome::Malformed)
                .cloned()
                .unwrap_or_default(),
            others: coverage.others.clone(),
            damage: problem.damage,
            again,
            no_records: problem.no_records,
            listed: problem.listed,
            digest: None,
        },
    }
}

/// Whether `path` is a ledger, or an export of one.
#[must_use]
pub(super) fn is_one(path: &Path) -> bool {
    file::is_ledger(path) || export::is_export(path)
}

/// Opens a ledger, or an export of one, to read it.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn open(path: &Path) -> Result<Store> {
    match export::is_export(path) {
        true => export::read(path),
        false => Store::open_to_read(path),
    }
}

/// Opens a ledger to add to it, with the ids of access keys as `keys` says, and those that are to be added.
///
/// # Errors
/// Where one cannot be opened, or is to be added to itself, or was begun with another choice.
pub(super) fn open_to_add(
    ledger: &Path,
    others: &[PathBuf],
    keys: Option<AccessKeys>,
) -> Result<(Writer, Vec<Store>)> {
    let mut writer = Writer::new(Store::open(ledger)?);
    writer.choose(keys, &mut waiting)?;
    if let Some(same) = others.iter().find(|path| is_same(path, ledger)) {
        return Err(Error::Ledger {
            path: same.clone(),
            source: LedgerError::Itself,
        });
    }
    let others = others.iter().map(|path| open(path));
    Ok((writer, others.collect::<Result<_>>()?))
}

/// Whether two paths lead to one file, which would wait for itself.
fn is_same(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let file = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino())).ok();
        file(a).is_some() && file(a) == file(b)
    }
    #[cfg(not(unix))]
    {
        let file = |path: &Path| path.canonicalize().ok();
        file(a).is_some() && file(a) == file(b)
    }
}

/// Adds all of a ledger to another, in one transaction.
///
/// # Errors
/// Where one cannot be read or the other not written; then nothing was added.
pub(super) fn merge(writer: &mut Writer, other: &Store) -> Result<()> {
    writer.begin(&mut waiting)?;
    writer.merge(other).inspect_err(|_| writer.roll_back())?;
    writer.commit(&mut waiting)
}

/// Tells that another process is at work on the ledger.
pub(super) fn waiting(path: &Path) {
    tell(&format!(
        "waiting for another run that reads or writes `{}`\n",
        terminal::safe(&path.display().to_string())
    ));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{How, add, merge};
    use crate::pipeline::Progress;
    use crate::source::files;
    use crate::source::layout::Scope;
    use crate::store::export;
    use crate::store::file::Store;
    use crate::store::write::Writer;

    /// An event of few: the same numbers make the same one, with the same id.
    type Drawn = (u8, u8, u8, u8);

    fn record((who, key, hour, kind): Drawn) -> Value {
        let mut record = json!({
            "eventID": format!("{who}-{key}-{hour}-{kind}"),
            "eventTime": format!("2026-09-0{}T{:02}:10:{:02}Z", hour % 3 + 1, hour * 3, key),
            "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject",
            "awsRegion": format!("eu-west-{}", kind % 2 + 1),
            "eventCategory": "Data",
            "recipientAccountId": "111122223333",
            "sourceIPAddress": if key % 2 == 0 { "10.0.0.1" } else { "192.0.2.1" },
            "userIdentity": {
                "type": "AssumedRole",
                "arn": format!("arn:aws:sts::111122223333:assumed-role/r{who}/s{key}"),
                "accountId": "111122223333",
            },
            "requestParameters": {
                "bucketName": format!("b{}", key % 2),
                "key": format!("{}/{}/{key}", kind % 2, key % 3),
            },
        });
        if kind == 3 {
            record["errorCode"] = "AccessDenied".into();
        }
        if kind == 2 {
            // Which is in no ordinary shape, and has nothing to be known by.
            record["eventID"] = Value::Null;
        }
        record
    }

    fn write(folder: &Path, files: &[Vec<Drawn>]) {
        for (number, events) in files.iter().enumerate() {
            let records: Vec<Value> = events.iter().copied().map(record).collect();
            let text = json!({ "Records": records }).to_string();
            fs::write(folder.join(format!("{number}.json")), text).unwrap();
        }
    }

    /// So many resources of an action are kept apart: fewer than there are.
    const MAX: usize = 5;

    fn ingest(writer: &mut Writer, folder: &Path, number: usize, threads: usize) {
        let path = folder.join(format!("{number}.json")).display().to_string();
        let how = How {
            threads: NonZeroUsize::new(threads).unwrap(),
            progress: &Progress::default(),
            most: usize::MAX,
            hashed: None,
        };
        let objects = files::list(&[path], &Scope::default()).unwrap();
        add(writer, objects, how).unwrap();
    }

    fn temporary() -> Writer {
        Writer::with_max(Store::temporary().unwrap(), MAX)
    }

    fn lines(writer: Writer) -> Vec<String> {
        let mut out = Vec::new();
        export::jsonl(&writer.into_store(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// However log objects are dealt to ledgers, in whatever order, some of them to several, and however these are added up:
        /// what is in the ledger is the same, its bounds and all.
        #[test]
        fn a_ledger_is_a_set(
            files in prop::collection::vec(prop::collection::vec((0..2u8, 0..12u8, 0..6u8, 0..4u8), 0..12), 1..8),
            dealt in prop::collection::vec((0..8usize, 0..3usize), 0..12),
            order in Just([0, 1, 2]).prop_shuffle(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &files);
            let mut whole = temporary();
            for number in 0..files.len() {
                ingest(&mut whole, folder.path(), number, 2);
            }
            let mut parts = [temporary(), temporary(), temporary()];
            for (number, part) in dealt {
                if number < files.len() {
                    ingest(&mut parts[part], folder.path(), number, 1);
                }
            }
            for number in (0..files.len()).rev() {
                ingest(&mut parts[number % 3], folder.path(), number, 1);
            }
            let parts = parts.map(Writer::into_store);
            let mut sum = temporary();
            for part in order {
                merge(&mut sum, &parts[part]).unwrap();
            }
            let (sum, whole) = (lines(sum), lines(whole));
            let differ = sum.iter().zip(&whole).find(|(a, b)| a != b);
            prop_assert_eq!(differ, None);
            prop_assert_eq!(sum.len(), whole.len());
        }
    }
}
