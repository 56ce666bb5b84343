//! The accounts in words: the last lines that every command writes to stderr.

use std::fmt::Write as _;

use crate::report::{hours, integrity, terminal};
use crate::usage::coverage::{Coverage, FileProblem};
use crate::usage::resolve::Outcome;

/// The most reasons shown for an outcome, the most frequent first. Unmapped calls are all shown.
const REASONS: usize = 5;

/// The most files, or gaps, named for one kind of trouble; what is left out is counted.
const FILES: usize = 20;

/// The accounts as text, one line an outcome, then a line for each file with something wrong.
#[must_use]
pub fn text(coverage: &Coverage) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "read {} from {}{}",
        many(coverage.read(), "event"),
        many(coverage.objects, "log object"),
        coverage.seen.map(period).unwrap_or_default(),
    );
    for outcome in Outcome::ALL {
        let total = coverage.total(outcome);
        let reasons = reasons(coverage, outcome);
        let _ = writeln!(
            out,
            "{:>14} {:>9}{reasons}",
            outcome.as_str(),
            grouped(total)
        );
    }
    let differ: u64 = coverage.message_differences.values().sum();
    if differ > 0 {
        let _ = writeln!(
            out,
            "refusals: {} of {} say otherwise than the tables; the messages were taken",
            grouped(differ),
            many(coverage.messages_agree + differ, "message")
        );
    }
    if coverage.outside_filter > 0 {
        let _ = writeln!(
            out,
            "outside the filter: {}",
            many(coverage.outside_filter, "event")
        );
    }
    for (kind, count) in &coverage.others {
        let _ = writeln!(out, "not calls: {} {kind}", grouped(*count));
    }
    told_otherwise(&mut out, coverage);
    gaps(&mut out, coverage);
    if coverage.forgetful {
        out.push_str("note: an event is known again within about 128 MB of log objects, in the order of delivery; one that was delivered again later counts twice (policies are the same)\n");
    }
    files(&mut out, coverage);
    integrity::gaps(&mut out, &coverage.digested.gaps());
    out
}

/// What is not told call by call, or told again.
fn told_otherwise(out: &mut String, coverage: &Coverage) {
    for (what, calls) in &coverage.aggregated_calls {
        let (what, calls) = (terminal::safe(what), many(*calls, "call"));
        let _ = writeln!(
            out,
            "summaries only: {calls} of {what}; they do not tell who did what on which resource"
        );
    }
    for (reason, count) in &coverage.addenda {
        let (reason, count) = (terminal::safe(reason), many(*count, "record"));
        let _ = writeln!(out, "addenda: {count} with the reason {reason}");
    }
}

/// Where records may be missing.
fn gaps(out: &mut String, coverage: &Coverage) {
    let places = hours::entries(&coverage.hours);
    let gaps = places
        .iter()
        .flat_map(|place| place.gaps.iter().map(move |gap| (place, gap)));
    for (place, gap) in gaps.clone().take(FILES) {
        let _ = writeln!(
            out,
            "note: account {} has no records in {} from {} to {}, and in most other hours it has: the trail may have a gap",
            terminal::safe(&place.account),
            terminal::safe(&place.region),
            gap.from,
            gap.to
        );
    }
    let more = gaps.count().saturating_sub(FILES);
    if more > 0 {
        let _ = writeln!(out, "note: and {more} more such gaps");
    }
    if coverage.hours.is_cut() {
        out.push_str("note: there are too many accounts, Regions and days to keep all hours with records: those of the last in order are left out\n");
    }
}

fn period((first, last): (i64, i64)) -> String {
    format!(", {} to {}", instant(first), instant(last))
}

/// `2026-09-01T10:00:00Z`
pub(super) fn instant(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

fn reasons(coverage: &Coverage, outcome: Outcome) -> String {
    let Some(reasons) = coverage.outcomes.get(&outcome) else {
        return String::new();
    };
    let mut named: Vec<(&str, u64)> = reasons
        .iter()
        .filter(|(reason, _)| !reason.is_empty())
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let shown = match outcome {
        Outcome::Unmapped => named.len(),
        _ => REASONS.min(named.len()),
    };
    let mut out = String::new();
    for (at, (reason, count)) in named[..shown].iter().enumerate() {
        let mark = if at == 0 { "  " } else { ", " };
        let _ = write!(out, "{mark}{} {}", terminal::safe(reason), grouped(*count));
    }
    if shown < named.len() {
        let _ = write!(
            out,
            ", and {} more",
            many((named.len() - shown) as u64, "reason")
        );
    }
    out
}

fn files(out: &mut String, coverage: &Coverage) {
    let empty: Vec<&FileProblem> = coverage
        .files
        .iter()
        .filter(|file| file.no_records)
        .collect();
    for file in empty.iter().take(FILES) {
        let _ = writeln!(
            out,
            "note: `{}`: no CloudTrail records",
            terminal::safe(&file.name)
        );
    }
    if empty.len() > FILES {
        let _ = writeln!(
            out,
            "note: and {} more files without CloudTrail records",
            empty.len() - FILES
        );
    }
    let broken: Vec<&FileProblem> = coverage
        .files
        .iter()
        .filter(|file| file.is_unreadable())
        .collect();
    for file in broken.iter().take(FILES) {
        let name = terminal::safe(&file.name);
        if let Some(damage) = &file.damage {
            let _ = writeln!(out, "warning: `{name}`: {}", terminal::safe(damage));
        }
        for (offset, reason) in &file.listed {
            let _ = writeln!(
                out,
                "warning: `{name}`: malformed record at byte {offset}: {}",
                terminal::safe(reason)
            );
        }
        let more = file.malformed - file.listed.len() as u64;
        if more > 0 {
            let _ = writeln!(
                out,
                "warning: `{name}`: and {} more malformed records",
                grouped(more)
            );
        }
    }
    if broken.len() > FILES {
        let _ = writeln!(
            out,
            "warning: and {} more files with unreadable parts",
            broken.len() - FILES
        );
    }
}

/// `1 event`, `1,234 events`
#[must_use]
pub fn many(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// `12,300`, `10.0 million`: an estimate, without digits that it does not tell.
#[must_use]
pub fn rounded(count: u64) -> String {
    const SCALES: [(u64, &str); 3] = [
        (1_000_000_000_000, "trillion"),
        (1_000_000_000, "billion"),
        (1_000_000, "million"),
    ];
    for (scale, name) in SCALES {
        // What the scale below would round up to this one.
        if count >= scale - scale / 20_000 {
            let tenths = (count / (scale / 20)).div_ceil(2);
            return format!("{}.{} {name}", grouped(tenths / 10), tenths % 10);
        }
    }
    let step = match count {
        100_000.. => 1_000,
        10_000.. => 100,
        1_000.. => 10,
        _ => 1,
    };
    grouped((count + step / 2) / step * step)
}

/// `1,234,567`
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{grouped, rounded, text};
    use crate::usage::coverage::{Coverage, FileProblem};
    use crate::usage::resolve::Outcome;
    use std::collections::BTreeMap;

    #[test]
    fn thousands_are_grouped() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn an_estimate_has_no_more_digits_than_it_tells() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (12_345, "12,300"),
            (99_960, "100,000"),
            (123_456, "123,000"),
            (949_400, "949,000"),
            (999_999, "1.0 million"),
            (1_049_999, "1.0 million"),
            (1_050_000, "1.1 million"),
            (10_012_345, "10.0 million"),
            (960_000_000, "960.0 million"),
            (999_949_999, "999.9 million"),
            (999_950_000, "1.0 billion"),
            (2_300_000_000, "2.3 billion"),
            (u64::MAX, "18,446,744.1 trillion"),
        ] {
            assert_eq!(rounded(count), text);
        }
    }

    #[test]
    fn the_summary_names_every_outcome_reason_and_file() {
        let mut broken = FileProblem::new("a\u{1b}[2J.json");
        broken.malformed(7, "no eventName");
        let coverage = Coverage {
            objects: 2,
            outcomes: BTreeMap::from([
                (Outcome::Used, BTreeMap::from([(String::new(), 1_200)])),
                (
                    Outcome::Unmapped,
                    BTreeMap::from([("x.amazonaws.com:Foo".to_owned(), 2)]),
                ),
            ]),
            seen: Some((0, 86_400)),
            files: vec![broken],
            ..Coverage::default()
        };
        assert_eq!(
            text(&coverage),
            "read 1,202 events from 2 log objects, 1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z\n          \
             used     1,200\n        denied         0\n  inconclusive         0\n       ignored         0\n      \
             unmapped         2  x.amazonaws.com:Foo 2\n     malformed         0\n     duplicate         0\n\
             warning: `a\\u{1b}[2J.json`: malformed record at byte 7: no eventName\n"
        );
    }
}
