//! A ledger row by row, as lines of JSON in a fixed order, and back.
//!
//! | `kind` | one for each |
//! |---|---|
//! | `ledger` | ledger: the first line, with the version of its schema |
//! | `principal` | who made calls, with what is cut of the resources |
//! | `fact` | what one did on what: for whoever asks an export itself; it follows from the calls, and is not read back |
//! | `call` | kind of calls of one principal that mean the same |
//! | `events` | hour, with its events, packed as in `schema.sql`; in the place of a call's row is its number among the `call` lines, from 0 |
//! | `object` | log object that was read |
//!
//! Two ledgers of the same events have the same lines, but for those of log objects where these lie elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Row as SqlRow;
use serde::{Deserialize, Serialize};

use crate::error::{Error, LedgerError, Result};
use crate::iam::principal::{Principal, PrincipalKind};
use crate::store::bound;
use crate::store::fact::{Fact, Facts, rfc3339};
use crate::store::file::{Store, VERSION, begins};
use crate::store::hours::{Packed, pack, unpack};
use crate::store::object::Object;
use crate::store::parquet;
use crate::store::read::{self, Call};
use crate::store::what::What;
use crate::store::write::{OfAction, When, Writer};
use crate::usage::sketch::Sketch;
use crate::usage::times::Days;

/// How every export begins.
const HEAD: &[u8] = b"{\"kind\":\"ledger\",";

/// A line is not longer than this: an hour of ten million events.
const MAX_LINE: u64 = 256 << 20;

#[derive(Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum Line {
    Ledger {
        version: i32,
    },
    Principal(PrincipalLine),
    /// Read past, and never written: see [`Fact`].
    Fact {},
    Call(Box<CallLine>),
    Events {
        hour: i32,
        events: String,
    },
    Object(Object),
}

/// A row of an export.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Row<'r> {
    Line(&'r Line),
    Fact(Fact<'r>),
}

/// Who, as rows have it.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Name {
    pub(super) principal: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) account: String,
    pub(super) name: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrincipalLine {
    #[serde(flatten)]
    name: Name,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    sessions: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    access_keys: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cut: Vec<CutLine>,
}

#[derive(Deserialize, Serialize)]
struct CutLine {
    action: String,
    used: bool,
    /// To so many components of the ARN's resource part.
    depth: usize,
    /// Of about so many.
    resources: u64,
    sketch: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallLine {
    #[serde(flatten)]
    name: Name,
    #[serde(flatten)]
    what: What,
    count: u64,
    /// RFC 3339.
    first_seen: Option<String>,
    last_seen: Option<String>,
    /// Days since 1970-01-01.
    days: Days,
    sample_event_id: Option<String>,
    networks: BTreeSet<String>,
}

impl Line {
    /// Its `kind`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Ledger { .. } => "ledger",
            Self::Principal(_) => "principal",
            Self::Fact {} => "fact",
            Self::Call(_) => "call",
            Self::Events { .. } => "events",
            Self::Object(_) => "object",
        }
    }
}

impl Name {
    fn of(principal: &Principal) -> Self {
        Self {
            principal: principal.arn.clone(),
            kind: principal.kind.as_str().to_owned(),
            account: principal.account.clone(),
            name: principal.name.clone(),
        }
    }

    fn principal(self) -> Option<Principal> {
        let mut kinds = PrincipalKind::ALL.into_iter();
        Some(Principal {
            kind: kinds.find(|kind| kind.as_str() == self.kind)?,
            account: self.account,
            name: self.name,
            arn: self.principal,
        })
    }
}

/// Writes `store` to `out` as lines of JSON.
///
/// # Errors
/// Where the ledger cannot be read, or [`Error::Write`] where `out` takes no more; its path is that of the ledger.
pub fn jsonl(store: &Store, out: &mut dyn Write) -> Result<()> {
    rows(store, &mut |row| {
        let written = serde_json::to_writer(&mut *out, &row).map_err(io::Error::from);
        let written = written.and_then(|()| out.write_all(b"\n"));
        written.map_err(|source| Error::Write {
            path: "-".into(),
            source,
        })
    })
}

/// Hands out the rows of an export.
pub(super) fn rows(store: &Store, each: &mut dyn FnMut(Row<'_>) -> Result<()>) -> Result<()> {
    each(Row::Line(&Line::Ledger { version: VERSION }))?;
    let (names, places) = principals(store, each)?;
    let place = |call: &Call| {
        let place = places.get(&call.principal).copied();
        place.ok_or_else(|| store.damaged("the principal of a call"))
    };
    let mut facts = Facts::default();
    store.each_call(&mut |call| {
        facts.add(place(&call)?, call);
        Ok(())
    })?;
    facts.each(&names, &mut |fact| each(Row::Fact(fact)))?;
    drop(facts);
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    store.each_call_in_order(&mut |call| {
        let name = names[place(&call)?].clone();
        numbers.insert(call.id, numbers.len() as u32);
        each(Row::Line(&Line::Call(Box::new(call_line(name, call)))))
    })?;
    store.each_hour(&mut |hour, events| {
        let events = events.filter_map(|event| {
            let call = *numbers.get(&event.call)?;
            Some(Packed { call, ..event })
        });
        let events: Vec<Packed> = events.collect();
        let events = STANDARD.encode(pack(&events));
        each(Row::Line(&Line::Events { hour, events }))
    })?;
    store.each_object(&mut |object| each(Row::Line(&Line::Object(object))))
}

/// Hands out the rows of the principals. Returns their names in this order, and their places in it by their rows' numbers.
fn principals(
    store: &Store,
    each: &mut dyn FnMut(Row<'_>) -> Result<()>,
) -> Result<(Vec<Name>, HashMap<i64, usize>)> {
    let mut cuts: HashMap<i64, Vec<CutLine>> = HashMap::new();
    store.each_cut(&mut |principal, (used, action), cut| {
        cuts.entry(principal).or_default().push(CutLine {
            action,
            used,
            depth: cut.depth,
            resources: cut.resources.estimate(),
            sketch: STANDARD.encode(cut.resources.registers()),
        });
        Ok(())
    })?;
    let mut principals = BTreeMap::new();
    store.each_principal(&mut |id, principal, sessions, access_keys| {
        principals.insert(principal, (id, sessions, access_keys));
        Ok(())
    })?;
    let (mut names, mut places) = (Vec::new(), HashMap::new());
    for (principal, (id, sessions, access_keys)) in principals {
        places.insert(id, names.len());
        names.push(Name::of(&principal));
        each(Row::Line(&Line::Principal(PrincipalLine {
            name: Name::of(&principal),
            sessions,
            access_keys,
            cut: cuts.remove(&id).unwrap_or_default(),
        })))?;
    }
    Ok((names, places))
}

fn call_line(name: Name, call: Call) -> CallLine {
    let when = When::of(&call.times, call.times.count);
    CallLine {
        name,
        what: call.what,
        count: when.count,
        first_seen: when.seen.and_then(|(first, _)| rfc3339(first)),
        last_seen: when.seen.and_then(|(_, last)| rfc3339(last)),
        days: when.days,
        sample_event_id: when.sample,
        networks: when.networks,
    }
}

/// Whether `path` is a file that begins as an export does.
#[must_use]
pub fn is_export(path: &Path) -> bool {
    begins(path, HEAD) || begins(path, parquet::MAGIC)
}

/// Reads an export back, as a ledger that is gone when it is dropped. Several, one after the other in one file, are added up.
///
/// # Errors
/// Where the file cannot be read, or is not one that [`jsonl`] or [`parquet::write`] wrote.
pub fn read(path: &Path) -> Result<Store> {
    let mut writer = Writer::new(Store::temporary()?);
    writer.begin(&mut |_| {})?;
    let mut read = Lines::default();
    let mut each = |number, line: &[u8]| {
        let added = serde_json::from_slice(line)
            .ok()
            .map(|line| add(&mut writer, line, &mut read));
        match added {
            Some(Ok(true)) => Ok(()),
            Some(Err(error)) => Err(error),
            Some(Ok(false)) | None => Err(Error::Ledger {
                path: path.to_owned(),
                source: LedgerError::Line { number },
            }),
        }
    };
    match begins(path, parquet::MAGIC) {
        true => parquet::each_line(path, &mut each)?,
        false => each_line(path, &mut each)?,
    }
    writer.commit(&mut |_| {})?;
    Ok(writer.into_store())
}

/// Hands out the lines of a file, with their numbers, from 1.
fn each_line(path: &Path, each: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut input = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        let mut limited = (&mut input).take(MAX_LINE);
        if limited.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        each(number, &line)?;
    }
    Ok(())
}

/// What was read so far.
#[derive(Default)]
struct Lines {
    /// The rows of the `call` lines.
    calls: Vec<u32>,
    /// What is cut.
    cuts: HashMap<Principal, BTreeSet<OfAction>>,
}

/// Adds a line; whether it is one that [`jsonl`] writes.
fn add(writer: &mut Writer, line: Line, read: &mut Lines) -> Result<bool> {
    match line {
        Line::Ledger { version } => {
            // The calls of each export are numbered by themselves.
            *read = Lines::default();
            return Ok((1..=VERSION).contains(&version));
        }
        Line::Principal(line) => {
            let Some(principal) = line.name.principal() else {
                return Ok(false);
            };
            writer.add_names(&principal, &line.sessions, &line.access_keys)?;
            let id = writer.principal(&principal)?;
            for cut in line.cut {
                let sketch = STANDARD.decode(&cut.sketch).unwrap_or_default();
                let Some(sketch) = Sketch::from_registers(&sketch) else {
                    return Ok(false);
                };
                let of = (cut.used, cut.action);
                bound::cut(writer, id, &of, cut.depth, &sketch)?;
                read.cuts.entry(principal.clone()).or_default().insert(of);
            }
        }
        Line::Call(line) => return add_call(writer, *line, read),
        Line::Events { hour, events } => {
            let bytes = STANDARD.decode(&events).unwrap_or_default();
            let Some(events) = unpack(&bytes).filter(|_| events.is_empty() || !bytes.is_empty())
            else {
                return Ok(false);
            };
            let known = events.map(|event| {
                let call = read.calls.get(event.call as usize);
                call.map(|call| Packed {
                    call: *call,
                    ..event
                })
            });
            let Some(events) = known.collect::<Option<Vec<Packed>>>() else {
                return Ok(false);
            };
            writer.add_events(hour, events.into_iter())?;
        }
        Line::Object(object) => writer.add_object(&object)?,
        Line::Fact {} => {}
    }
    Ok(true)
}

/// Adds a `call` line, likewise.
fn add_call(writer: &mut Writer, line: CallLine, read: &mut Lines) -> Result<bool> {
    let Some(principal) = line.name.principal() else {
        return Ok(false);
    };
    if line.what.clone().meaning().is_none() {
        return Ok(false);
    }
    let seconds = |time: Option<String>| {
        let time: jiff::Timestamp = time?.parse().ok()?;
        Some(time.as_second())
    };
    let when = When {
        // Its events are counted when they come.
        count: 0,
        seen: Option::zip(seconds(line.first_seen), seconds(line.last_seen)),
        days: line.days,
        sample: line.sample_event_id,
        networks: line.networks,
    };
    let none = BTreeSet::new();
    let cut = read.cuts.get(&principal).unwrap_or(&none);
    let call = writer.add_call(&principal, line.what, when, cut, &mut BTreeMap::new())?;
    read.calls.push(call);
    Ok(true)
}

impl Store {
    /// Hands out all calls, in an order that does not depend on how they came into the ledger.
    fn each_call_in_order(&self, each: &mut dyn FnMut(Call) -> Result<()>) -> Result<()> {
        const QUERY: &str =
            "SELECT call.id, principal, what, count, first, last, days, sample, networks
            FROM call JOIN principal ON principal.id = principal
            ORDER BY account, type, name, arn, what";
        self.each(QUERY, &mut |row: &SqlRow<'_>| {
            Ok(match read::call(row)? {
                Some(call) => each(call),
                None => Err(self.damaged("a call")),
            })
        })
    }
}
