//! The table of `docs/tailor.md`: what each policy is worth, the median over several organisations.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::score::{ACTIONS_ON_ALL, Measured, POLICIES, Share, WRITTEN, Worth, measure};
use crate::who::Kind;

const BEGIN: &str = "<!-- written by `cargo run --release --example organisation -- table` -->";
const END: &str = "<!-- end -->";

/// Measures the organisations of `seeds`, and writes the tables between the marks in `file`. What was refused goes to
/// `refused`, if given.
pub(crate) fn write(
    file: &Path,
    seeds: u64,
    days: u32,
    train: u32,
    refused: Option<&Path>,
) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let (before, rest) = text.split_once(BEGIN).ok_or(format!("no line `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).ok_or(format!("no line `{END}`"))?;
    let mut all = Vec::new();
    for seed in 1..=seeds {
        let organisation = crate::organisation(seed, days, train);
        let folder = tempfile::tempdir()?;
        crate::files::logs(folder.path(), &organisation)?;
        all.push(measure(&organisation, folder.path())?);
    }
    if let Some(path) = refused {
        fs::write(path, list(&all))?;
    }
    let tables = tables(&all);
    fs::write(file, format!("{before}{BEGIN}\n\n{tables}{END}{after}"))?;
    Ok(())
}

/// What was refused, a line each: seed, policy, kind, principal, why, action, resource, calls.
fn list(all: &[Measured]) -> String {
    let mut out = String::new();
    for (seed, measured) in (1..).zip(all) {
        for refused in measured
            .refused
            .iter()
            .filter(|refused| refused.policy < WRITTEN)
        {
            let why = match (refused.new, refused.shown) {
                (true, _) => "new",
                (false, true) => "shown",
                (false, false) => "not shown",
            };
            let _ = writeln!(
                out,
                "{seed}\t{}\t{}\t{}\t{why}\t{}\t{}\t{}",
                POLICIES[refused.policy],
                refused.kind.name(),
                refused.principal,
                refused.need.0,
                refused.need.1,
                refused.calls
            );
        }
    }
    out
}

fn tables(all: &[Measured]) -> String {
    let events = median(all.iter().map(|measured| measured.events as f64));
    let totals: Vec<[Worth; POLICIES.len()]> = all.iter().map(total).collect();
    let principals = median(totals.iter().map(|total| total[0].principals as f64));
    let mut out = format!(
        "{events:.0} records of {principals:.0} principals; the median over {} organisations.\n\n",
        all.len()
    );
    out += &recalls(&totals);
    out += &grants(&totals);
    for policy in 1..WRITTEN {
        out += &kinds(all, policy);
    }
    out
}

fn total(measured: &Measured) -> [Worth; POLICIES.len()] {
    let mut total = [Worth::default(); POLICIES.len()];
    for worth in measured.worth.values() {
        for (sum, one) in total.iter_mut().zip(worth) {
            sum.add(one);
        }
    }
    total
}

/// The share of what is needed after the cut that each policy allows.
fn recalls(totals: &[[Worth; POLICIES.len()]]) -> String {
    let mut out = String::from(
        "| policy | calls | distinct needs | foreseeable calls | foreseeable needs | F2 |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for (policy, name) in POLICIES.iter().enumerate() {
        let of = |share: fn(&Worth) -> Share| {
            let shares = totals.iter().map(|total| percent(share(&total[policy])));
            format!("{:.2} %", median(shares))
        };
        let f2 = median(totals.iter().map(|total| f2(&total[policy])));
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {f2:.3} |",
            of(|w| w.calls),
            of(|w| w.needs),
            of(|w| w.foreseen_calls),
            of(|w| w.foreseen_needs)
        );
    }
    out + "\n"
}

/// What each policy grants beyond, and how large it is.
fn grants(totals: &[[Worth; POLICIES.len()]]) -> String {
    let mut out = String::from(
        "| policy | unused pairs | of \"actions on `*`\" | weighted | of \"actions on `*`\" | beyond the true need | of \"actions on `*`\" | characters | documents | time |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (policy, name) in POLICIES.iter().enumerate() {
        let of = |number: fn(&Worth) -> u64| {
            let own = median(totals.iter().map(|total| number(&total[policy]) as f64));
            let share = totals
                .iter()
                .map(|total| number(&total[policy]) as f64 / number(&total[ACTIONS_ON_ALL]) as f64);
            format!("{} | {:.4}", thousands(own), median(share))
        };
        let number = |number: fn(&Worth) -> u64| {
            let each = totals.iter().map(|total| number(&total[policy]) as f64);
            thousands(median(each))
        };
        let time = median(totals.iter().map(|total| total[policy].time.as_secs_f64()));
        let time = if policy < WRITTEN {
            format!("{:.0} ms", time * 1_000.0)
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {} | {time} |",
            of(|w| w.granted.pairs - w.used.pairs),
            of(|w| w.granted.weighted - w.used.weighted),
            of(|w| w.granted.pairs - w.truly.pairs),
            number(|w| w.characters),
            number(|w| w.documents)
        );
    }
    out + "\n"
}

/// One policy by kind of principal.
fn kinds(all: &[Measured], policy: usize) -> String {
    let mut out = format!(
        "{} by kind of principal; the last column is the share of the foreseeable needs that no call before the cut shows.\n\n\
         | kind | principals | foreseeable calls | foreseeable needs | unused, of \"actions on `*`\" | weighted | beyond the true need | not shown |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
        POLICIES[policy]
    );
    let mut by_kind: BTreeMap<Kind, Vec<&[Worth; POLICIES.len()]>> = BTreeMap::new();
    for measured in all {
        for (kind, worth) in &measured.worth {
            by_kind.entry(*kind).or_default().push(worth);
        }
    }
    for (kind, worths) in by_kind {
        let of = |number: fn(&Worth) -> u64| {
            let shares = worths.iter().map(|worth| {
                number(&worth[policy]) as f64 / (number(&worth[ACTIONS_ON_ALL]) as f64).max(1.0)
            });
            format!("{:.3}", median(shares))
        };
        let percents = |share: fn(&Worth) -> Share| {
            let shares = worths.iter().map(|worth| percent(share(&worth[policy])));
            format!("{:.1} %", median(shares))
        };
        let unshown = worths.iter().map(|worth| {
            let worth = &worth[policy];
            100.0 * worth.unshown_needs as f64 / (worth.foreseen_needs.all as f64).max(1.0)
        });
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {:.1} % |",
            kind.name(),
            worths.first().map_or(0, |worth| worth[policy].principals),
            percents(|w| w.foreseen_calls),
            percents(|w| w.foreseen_needs),
            of(|w| w.granted.pairs - w.used.pairs),
            of(|w| w.granted.weighted - w.used.weighted),
            of(|w| w.granted.pairs - w.truly.pairs),
            median(unshown)
        );
    }
    out + "\n"
}

fn percent(share: Share) -> f64 {
    100.0 * share.allowed as f64 / (share.all as f64).max(1.0)
}

/// Recall of distinct needs counts twice as much as precision.
fn f2(worth: &Worth) -> f64 {
    let recall = percent(worth.needs) / 100.0;
    let precision = worth.used.pairs as f64 / (worth.granted.pairs as f64).max(1.0);
    let below = 4.0 * precision + recall;
    if below > 0.0 {
        5.0 * precision * recall / below
    } else {
        0.0
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => (values[even / 2 - 1] + values[even / 2]) / 2.0,
    }
}

/// `1,234,567`
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
