//! What the digests say of the log objects, in words.

use std::fmt::{Display, Write as _};

use serde::Serialize;

use crate::cloudtrail::digested::{Digested, Gap};
use crate::cloudtrail::integrity::Findings;
use crate::report::summary::{grouped, instant, many};
use crate::report::terminal;

/// The most lines of one kind; what is left out is counted.
const LINES: usize = 100;

/// The findings as text: what was verified, then a line for each thing wrong, each gap, each digest not checked.
#[must_use]
pub fn text(findings: &Findings) -> String {
    let mut out = String::new();
    let digests = findings.digests_verified;
    let _ = writeln!(
        out,
        "integrity: {} verified by {}",
        many(findings.logs_verified, "log object"),
        many(digests, "verified digest"),
    );
    let mut also = |count: u64, what: &str| {
        if count > 0 {
            let _ = writeln!(out, "integrity: {}: {what}", many(count, "log object"));
        }
    };
    also(
        findings.logs_renamed,
        "verified under another name than CloudTrail gave it",
    );
    also(
        findings.logs_unproved,
        "as listed, but by digests that are not verified themselves",
    );
    also(
        findings.logs_not_read,
        "listed, and not read again this time",
    );
    also(
        findings.logs_unplaced,
        "listed by no digest, under a name that tells no time of delivery",
    );
    for ((account, region), count) in &findings.logs_outside {
        let place = format!("{account} {region}");
        let _ = writeln!(
            out,
            "integrity: {}: no digest for the time of delivery in {}",
            many(*count, "log object"),
            terminal::safe(&place)
        );
    }
    list(&mut out, "digests", &findings.digests);
    list(&mut out, "log objects", &findings.logs);
    for name in findings.digests_unsigned.iter().take(LINES) {
        let _ = writeln!(
            out,
            "note: `{}`: not checked: its signature is in the metadata of its S3 object and in the next digest",
            terminal::safe(name)
        );
    }
    more(&mut out, "note", "digests", findings.digests_unsigned.len());
    gaps(&mut out, &findings.gaps);
    out
}

/// A line for each time without digests.
pub(super) fn gaps(out: &mut String, gaps: &[Gap]) {
    for gap in gaps.iter().take(LINES) {
        let _ = writeln!(out, "note: {}", line(gap));
    }
    more(out, "note", "times without digests", gaps.len());
}

/// A line for each of `problems`, which tell the name of an object and what is wrong with it.
fn list(out: &mut String, what: &str, problems: &[(String, impl Display)]) {
    for (name, problem) in problems.iter().take(LINES) {
        let problem = problem.to_string();
        let (name, problem) = (terminal::safe(name), terminal::safe(&problem));
        let _ = writeln!(out, "warning: `{name}`: {problem}");
    }
    more(out, "warning", what, problems.len());
}

fn more(out: &mut String, mark: &str, what: &str, count: usize) {
    if count > LINES {
        let _ = writeln!(
            out,
            "{mark}: and {} more {what}",
            grouped((count - LINES) as u64)
        );
    }
}

fn line(gap: &Gap) -> String {
    let place = format!("{} {}", gap.account, gap.region);
    let hours = (gap.to - gap.from) as u64 / 3600;
    let long = match hours {
        0 => "less than an hour".to_owned(),
        _ => many(hours, "hour"),
    };
    format!(
        "no verified digest for {} from {} to {} ({long})",
        terminal::safe(&place),
        instant(gap.from),
        instant(gap.to)
    )
}

/// A time without digests for an account's Region, RFC 3339.
#[derive(Debug, Serialize)]
pub struct GapEntry {
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// From when on.
    pub from: String,
    /// Until when.
    pub to: String,
}

/// The times without digests, for scripts.
pub(super) fn entries(digested: &Digested) -> Vec<GapEntry> {
    let entry = |gap: Gap| GapEntry {
        account: gap.account,
        region: gap.region,
        from: instant(gap.from),
        to: instant(gap.to),
    };
    digested.gaps().into_iter().map(entry).collect()
}
