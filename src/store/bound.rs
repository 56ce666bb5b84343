//! Cuts the resources of a principal's action where there are more than are kept apart, as
//! [`ledger`](crate::usage::ledger) does in memory: to the greatest depth at which they all fit, which depends on the set of
//! them alone.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use crate::error::Result;
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::principal::Principal;
use crate::store::read::principal_of;
use crate::store::what::What;
use crate::store::write::{OfAction, Writer, json, key};
use crate::usage::cut::{Cut, fitting, floor};
use crate::usage::ledger::period;
use crate::usage::sketch::Sketch;

/// Looks after the actions in `grown`, which have so many more resources than before, at most.
pub(super) fn bound(writer: &mut Writer, grown: BTreeMap<(i64, OfAction), u64>) -> Result<()> {
    const COUNT: &str =
        "INSERT INTO action (principal, used, action, resources) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET resources = resources + excluded.resources RETURNING resources";
    const EXACT: &str =
        "UPDATE action SET resources = ? WHERE principal = ? AND used = ? AND action = ?";
    for ((principal, of), more) in grown {
        let (used, action) = &of;
        let count: u64 = writer.store.sql(|sql| {
            let mut upsert = sql.prepare_cached(COUNT)?;
            upsert.query_row(params![principal, used, action, more], |row| row.get(0))
        })?;
        if count <= writer.max as u64 {
            continue;
        }
        let resources = resources(&calls(writer, principal, &of)?, action);
        let depth = writer.cuts(principal)?.get(&of).map(|cut| cut.depth);
        let floor = match (Action::parse(action), used) {
            (Some(action), true) => floor(&action),
            _ => 0,
        };
        let next = fitting(resources.iter(), depth, floor, writer.max);
        if next != depth
            && let Some(next) = next
        {
            cut(writer, principal, &of, next, &Sketch::default())?;
        } else {
            writer.store.sql(|sql| {
                let mut update = sql.prepare_cached(EXACT)?;
                update.execute(params![resources.len(), principal, used, action])
            })?;
        }
    }
    Ok(())
}

/// The distinct resources of an action in `calls`.
fn resources(calls: &[(i64, What)], action: &str) -> BTreeSet<ResourceArn> {
    let needs = calls.iter().flat_map(|(_, what)| &what.needs);
    let needs = needs.filter(|need| need.action == action);
    let texts = needs.flat_map(|need| &need.resources);
    texts
        .map(|text| ResourceArn::from_pattern(text.as_str()))
        .collect()
}

/// The calls of `principal`'s that needed an action, with their rows' numbers.
fn calls(writer: &Writer, principal: i64, (used, action): &OfAction) -> Result<Vec<(i64, What)>> {
    const QUERY: &str = "SELECT id, what FROM call WHERE principal = ? AND instr(what, ?)";
    let quoted = format!("\"{action}\"");
    let rows: Vec<(i64, String)> = writer.store.sql(|sql| {
        let mut query = sql.prepare_cached(QUERY)?;
        let rows = query.query_map(params![principal, quoted], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect()
    })?;
    let mut calls = Vec::new();
    for (id, text) in rows {
        let what: What =
            serde_json::from_str(&text).map_err(|_| writer.damaged("what a call means"))?;
        if what.used() == *used && what.needs.iter().any(|need| need.action == *action) {
            calls.push((id, what));
        }
    }
    Ok(calls)
}

/// Cuts the resources of an action to `depth`, if they are not yet; there were those of `more` too. Calls that mean the same
/// then become one.
pub(super) fn cut(
    writer: &mut Writer,
    id: i64,
    of: &OfAction,
    depth: usize,
    more: &Sketch,
) -> Result<()> {
    const UPDATE: &str = "UPDATE call SET key = ?, what = ? WHERE id = ?";
    const DEPTH: &str = "INSERT INTO action VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO UPDATE SET resources = ?4, depth = ?5, sketch = ?6";
    let principal: Principal = principal_of(&writer.store, id)?;
    let mut calls = calls(writer, id, of)?;
    let mut known = match writer.cuts(id)?.get(of) {
        Some(known) => known.clone(),
        None => {
            // They are whole yet.
            let mut sketch = Sketch::default();
            let whole = resources(&calls, &of.1);
            whole.iter().for_each(|each| sketch.insert(each.as_str()));
            Cut {
                depth: usize::MAX,
                resources: sketch,
            }
        }
    };
    known.depth = known.depth.min(depth);
    known.resources.merge(more);
    let depth = known.depth;
    writer.cuts(id)?.insert(of.clone(), known.clone());
    for (row, what) in &mut calls {
        let before = what.clone();
        what.cut(|action| (action == of.1).then_some(depth));
        if *what == before {
            continue;
        }
        let text = json(what);
        let key = key(&principal, &text);
        match writer.row(&key)? {
            Some(other) => unite(writer, *row, other)?,
            None => {
                writer.store.sql(|sql| {
                    let mut update = sql.prepare_cached(UPDATE)?;
                    update.execute(params![key, text, *row])
                })?;
            }
        }
    }
    let left = resources(&calls, &of.1).len();
    let (used, action) = of;
    writer.store.sql(|sql| {
        let mut upsert = sql.prepare_cached(DEPTH)?;
        let sketch = known.resources.registers();
        upsert.execute(params![id, used, action, left, depth, sketch])
    })?;
    Ok(())
}

/// Makes the calls of `row` some of `other`'s.
fn unite(writer: &mut Writer, row: i64, other: i64) -> Result<()> {
    let when = writer.when(row)?;
    let moved = &mut writer.moved;
    moved.hours = period(moved.hours, when.seen);
    if let (Ok(from), Ok(to)) = (u32::try_from(row), u32::try_from(other)) {
        moved.calls.insert(from, to);
    }
    writer.absorb(other, when)?;
    writer.store.sql(|sql| {
        let mut delete = sql.prepare_cached("DELETE FROM call WHERE id = ?")?;
        delete.execute([row])
    })?;
    Ok(())
}
