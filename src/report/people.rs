//! Who used what behind a shared role, for `index.json` and for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::report::index::date;
use crate::report::summary::many;
use crate::report::terminal::safe;
use crate::usage::ledger::{PrincipalUsage, Tally};
use crate::usage::people::{Behind, SESSION_KEY};
use crate::usage::values::Calls;

/// The most sessions that are told of: people first, then by name.
const MAX_SESSIONS: usize = 100;
/// The most resources that are named for one action.
const MAX_RESOURCES: usize = 10;
/// The most lines of each kind for people.
const MAX_LINES: usize = 20;

/// Who used what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct People {
    /// One entry a session's name.
    pub people: Vec<SessionEntry>,
    /// What only people used, where machines are behind the role too.
    pub only_by_people: Vec<UseEntry>,
    /// What the above cannot tell, in words.
    pub people_notes: Vec<String>,
}

/// What was used in the sessions of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionEntry {
    /// The name.
    pub session: String,
    /// `person`, `machine`, or `unclear`.
    pub behind: &'static str,
    /// The accounts of its roles.
    pub accounts: Vec<String>,
    /// How many uses of an action on a resource; a call may be several.
    pub uses: u64,
    /// The first day, `null` where the calls have no times.
    pub first_day: Option<String>,
    /// The last day.
    pub last_day: Option<String>,
    /// What it used.
    pub actions: Vec<UseEntry>,
}

/// An action and the resources it was used on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UseEntry {
    /// The action.
    pub action: String,
    /// How many uses.
    pub uses: u64,
    /// How many resources.
    pub resources: usize,
    /// How many of these were used in no session of another name.
    pub alone: usize,
    /// The first of the resources in order.
    pub examples: Vec<String>,
    /// The first day, `null` where the calls have no times.
    pub first_day: Option<String>,
    /// The last day.
    pub last_day: Option<String>,
}

/// The sessions of one name while they are summed up.
#[derive(Default)]
struct Session<'u> {
    accounts: BTreeSet<&'u str>,
    calls: Calls,
    uses: BTreeMap<&'u Action, Uses<'u>>,
}

#[derive(Default)]
struct Uses<'u> {
    calls: Calls,
    resources: BTreeSet<&'u ResourceArn>,
    alone: BTreeSet<&'u ResourceArn>,
}

/// What no session's name could be kept for.
#[derive(Default)]
struct Untold {
    uses: u64,
    crowded: u64,
}

/// Who used what of one principal, or of the roles of one permission set, out of the values of [`SESSION_KEY`].
#[must_use]
pub fn people(roles: &[(&Principal, &PrincipalUsage)]) -> People {
    let mut sessions: BTreeMap<(Behind, &str), Session<'_>> = BTreeMap::new();
    let mut untold = Untold::default();
    let mut only_people: BTreeMap<&Action, Uses<'_>> = BTreeMap::new();
    for (role, usage) in roles {
        if !matches!(
            role.kind,
            PrincipalKind::Role | PrincipalKind::PermissionSet
        ) {
            continue;
        }
        let mut known: BTreeMap<&str, Behind> = BTreeMap::new();
        for (action, resource, tally) in usage.used() {
            let names = names(tally, &mut untold);
            let mut all_people = !names.is_empty();
            for (name, calls) in &names {
                let behind = *known
                    .entry(name)
                    .or_insert_with(|| Behind::of(name, role.kind, usage));
                all_people &= behind == Behind::Person;
                let session = sessions.entry((behind, name)).or_default();
                session.accounts.insert(&role.account);
                session.calls.add(*calls);
                let uses = session.uses.entry(action).or_default();
                uses.add(resource, *calls, names.len() == 1);
            }
            if all_people && names.values().map(|calls| calls.count).sum::<u64>() == tally.used {
                let uses = only_people.entry(action).or_default();
                let calls = names.values();
                calls.for_each(|calls| uses.add(resource, *calls, names.len() == 1));
            }
        }
    }
    let mixed = sessions
        .keys()
        .any(|(behind, _)| *behind == Behind::Machine);
    let mut notes = untold.notes();
    if sessions.len() > MAX_SESSIONS {
        notes.push(format!(
            "{} more are not listed",
            many((sessions.len() - MAX_SESSIONS) as u64, "session name")
        ));
    }
    let entries = sessions.iter().take(MAX_SESSIONS);
    People {
        people: entries
            .map(|((behind, name), session)| session.entry(name, *behind))
            .collect(),
        only_by_people: match mixed {
            true => only_people
                .iter()
                .map(|(action, uses)| uses.entry(action))
                .collect(),
            false => Vec::new(),
        },
        people_notes: notes,
    }
}

/// The names of the sessions that made the calls of `tally`, with the calls of each. One name may have had several roles' ids.
fn names<'u>(tally: &'u Tally, untold: &mut Untold) -> BTreeMap<&'u str, Calls> {
    let told = tally.contexts.told().get(SESSION_KEY);
    let count = told.map_or(0, |told| told.with.count);
    untold.uses += tally.used - count.min(tally.used);
    let mut names: BTreeMap<&str, Calls> = BTreeMap::new();
    match told.and_then(|told| told.values()) {
        Some(values) => {
            for (id, calls) in values {
                let name = id.split_once(':').map_or(&**id, |(_, name)| name);
                names.entry(name).or_default().add(*calls);
            }
        }
        None => untold.crowded += count,
    }
    names
}

impl Untold {
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.uses > 0 {
            notes.push(format!(
                "of {} the input does not tell the session: rows of a query may leave it out, and a ledger keeps none",
                many(self.uses, "use")
            ));
        }
        if self.crowded > 0 {
            notes.push(format!(
                "of {} the session is not kept, as one action on one resource was used in too many",
                many(self.crowded, "use")
            ));
        }
        notes
    }
}

impl<'u> Uses<'u> {
    fn add(&mut self, resource: &'u ResourceArn, calls: Calls, alone: bool) {
        self.calls.add(calls);
        self.resources.insert(resource);
        if alone {
            self.alone.insert(resource);
        }
    }

    fn entry(&self, action: &Action) -> UseEntry {
        let (first_day, last_day) = days(self.calls);
        let examples = self.resources.iter().take(MAX_RESOURCES);
        UseEntry {
            action: action.to_string(),
            uses: self.calls.count,
            resources: self.resources.len(),
            alone: self.alone.len(),
            examples: examples.map(ToString::to_string).collect(),
            first_day,
            last_day,
        }
    }
}

impl Session<'_> {
    fn entry(&self, name: &str, behind: Behind) -> SessionEntry {
        let (first_day, last_day) = days(self.calls);
        SessionEntry {
            session: name.to_owned(),
            behind: behind.as_str(),
            accounts: self
                .accounts
                .iter()
                .map(|account| (*account).to_owned())
                .collect(),
            uses: self.calls.count,
            first_day,
            last_day,
            actions: self
                .uses
                .iter()
                .map(|(action, uses)| uses.entry(action))
                .collect(),
        }
    }
}

fn days(calls: Calls) -> (Option<String>, Option<String>) {
    let day = |day: u16| date(day);
    match calls.days {
        Some((first, last)) => (day(first), day(last)),
        None => (None, None),
    }
}

/// The same in lines.
#[must_use]
pub fn text(people: &People) -> String {
    let mut out = String::new();
    for session in people.people.iter().take(MAX_LINES) {
        let period = match (&session.first_day, &session.last_day) {
            (Some(first), Some(last)) if first == last => format!(", on {first}"),
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        let _ = write!(
            out,
            "{}: {}: {} of {}{period}",
            session.behind,
            safe(&session.session),
            many(session.uses, "use"),
            many(session.actions.len() as u64, "action"),
        );
        let alone = session.actions.iter().filter(|uses| uses.alone > 0);
        let alone: Vec<&str> = alone.map(|uses| &*uses.action).collect();
        if people.people.len() > 1 && !alone.is_empty() {
            let _ = write!(out, "; nobody else: {}", few(&alone));
        }
        out.push('\n');
    }
    if people.people.len() > MAX_LINES {
        let more = people.people.len() - MAX_LINES;
        let _ = writeln!(out, "and {}", many(more as u64, "other session name"));
    }
    let only: Vec<&str> = people
        .only_by_people
        .iter()
        .map(|uses| &*uses.action)
        .collect();
    if !only.is_empty() {
        let _ = writeln!(out, "only people used: {}", few(&only));
    }
    for note in &people.people_notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// The first names, and how many more there are.
fn few(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(MAX_LINES)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(MAX_LINES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
