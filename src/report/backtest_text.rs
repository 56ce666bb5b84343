//! A backtest for people: one table, one row a principal, and what it says in words.

use std::fmt::Write as _;

use crate::iam::arn::last_component;
use crate::report::backtest::{Backtest, Fit, PrincipalEntry};
use crate::report::outlook;
use crate::report::summary::{grouped, many};
use crate::report::terminal;
use crate::usage::novelty::CONFIDENCE;
use crate::verify::backtest::share;

/// The most principals with a row of their own: those with the most denied calls.
const ROWS: usize = 20;

/// The most cuts that are named.
const CUTS: usize = 8;

/// `report` as text; rows of single principals are of the policies that `setting` makes. `conditions` says whether policies with
/// conditions on the context of each call were judged.
#[must_use]
pub fn text(report: &Backtest, setting: &str, conditions: bool) -> String {
    let mut out = String::new();
    head(&mut out, report);
    if report.principals.is_empty() {
        not_trained(&mut out, report);
        return out;
    }
    let mut rows = vec![columns(report)];
    rows.extend(report.all.policies.iter().map(row));
    table(&mut out, &rows);
    if report.principals.len() > 1 {
        out.push('\n');
        principals(&mut out, report, setting);
    }
    out.push('\n');
    words(&mut out, report, setting);
    if conditions {
        out.push_str(WHOLE_PAIRS);
    }
    out
}

/// What is counted too high where there are conditions.
const WHOLE_PAIRS: &str = "where a condition would have refused some calls of an action on a resource, all of them count as denied, from the first day on: what calls told is known key by key, not call by call\n";

fn head(out: &mut String, report: &Backtest) {
    let mut cuts: Vec<&str> = report.cuts.iter().map(String::as_str).collect();
    if cuts.len() > CUTS {
        cuts.splice(CUTS / 2..report.cuts.len() - CUTS / 2, ["…"]);
    }
    let _ = writeln!(
        out,
        "{} of events, {} to {}: policies of {} held against the next {}, at {}: {}",
        many(report.days.unsigned_abs(), "day"),
        report.first_day,
        report.last_day,
        many(report.train_days.into(), "day"),
        grouped(report.test_days.into()),
        many(report.cuts.len() as u64, "cut"),
        cuts.join(", "),
    );
    let any = report.all.policies.first();
    let (runs, calls, needs) = any.map_or((0, 0, 0), |fit| {
        (fit.runs, fit.score.calls, fit.score.needs)
    });
    let _ = writeln!(
        out,
        "{}, {} (a principal at a cut), {} of {} in the days after the cuts\n",
        many(report.principals.len() as u64, "principal"),
        many(runs, "run"),
        many(calls, "call"),
        many(needs, "distinct need"),
    );
}

fn columns(report: &Backtest) -> Vec<String> {
    let names = [
        "policy".to_owned(),
        "needs denied".to_owned(),
        "calls denied".to_owned(),
        "no denial in".to_owned(),
        "first denial".to_owned(),
        "unused pairs".to_owned(),
        "of all".to_owned(),
        "weighted".to_owned(),
        format!("F{}", report.beta),
    ];
    names.to_vec()
}

/// What a way to make policies is called.
fn name(policy: &str) -> &str {
    match policy {
        "exactUnion" => "vs what was used",
        "actionsOnAny" => "vs its actions on *",
        "servicesOnAny" => "vs service:* on *",
        "present" => "vs present grants",
        other => other,
    }
}

fn row(fit: &Fit) -> Vec<String> {
    let (score, unused) = (&fit.score, fit.score.unused());
    let f_beta = fit.shares.f_beta();
    vec![
        name(fit.policy).to_owned(),
        percent(share(score.needs_denied, score.needs)),
        percent(share(score.calls_denied, score.calls)),
        format!(
            "{} of {}",
            grouped(fit.clean_runs()),
            grouped(fit.runs_with_calls)
        ),
        median(&fit.days_to_first_denial),
        grouped(unused.pairs),
        percent(share(unused.pairs, score.universe.pairs)),
        percent(share(unused.weighted, score.universe.weighted)),
        f_beta.map_or_else(|| "-".to_owned(), |f| format!("{f:.2}")),
    ]
}

/// The middle one of sorted numbers of days.
fn median(days: &[i64]) -> String {
    match days.get(days.len().saturating_sub(1) / 2) {
        None => "none".to_owned(),
        Some(0) => "the same day".to_owned(),
        Some(day) => format!("after {}", many(day.unsigned_abs(), "day")),
    }
}

/// Two digits that tell something: `12 %`, `0.34 %`, `0.0021 %`.
fn percent(share: Option<f64>) -> String {
    let Some(percent) = share.map(|share| share * 100.0) else {
        return "-".to_owned();
    };
    let digits = match percent {
        _ if percent == 0.0 || percent >= 99.95 => 0,
        _ if percent >= 10.0 => 1,
        _ => (1.0 - percent.log10().floor()).clamp(1.0, 6.0) as usize,
    };
    format!("{percent:.digits$} %")
}

/// The first column to the left, all others to the right.
fn table(out: &mut String, rows: &[Vec<String>]) {
    let count = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let line: Vec<String> = cells
            .map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
}

fn fit_of<'r>(policies: &'r [Fit], setting: &str) -> Option<&'r Fit> {
    policies.iter().find(|fit| fit.policy == setting)
}

/// Those with the most denied calls first.
fn principals(out: &mut String, report: &Backtest, setting: &str) {
    let fits = report.principals.iter();
    let mut fits: Vec<(&PrincipalEntry, &Fit)> = fits
        .filter_map(|entry| Some((entry, fit_of(&entry.sums.policies, setting)?)))
        .collect();
    fits.sort_by(|(a, x), (b, y)| {
        let denied = y.score.calls_denied.cmp(&x.score.calls_denied);
        denied.then_with(|| a.principal.cmp(&b.principal))
    });
    let names = [
        &*format!("each principal, {setting}"),
        "needs",
        "denied",
        "calls",
        "denied",
        "first denial",
        "unused of all",
        "new actions in 14 days",
    ];
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    for (entry, fit) in fits.iter().take(ROWS) {
        let score = &fit.score;
        let new = entry.outlook.as_ref().map(|outlook| &outlook.actions.new);
        rows.push(vec![
            short_name(entry),
            grouped(score.needs),
            grouped(score.needs_denied),
            grouped(score.calls),
            grouped(score.calls_denied),
            median(&fit.days_to_first_denial),
            percent(share(score.unused().pairs, score.universe.pairs)),
            new.map_or_else(
                || "too few days".to_owned(),
                |new| {
                    // They are whole numbers, and not negative.
                    let [low, high] = [new.low, new.high].map(|end| grouped(end as u64));
                    match low == high {
                        true => high,
                        false => format!("{low} to {high}"),
                    }
                },
            ),
        ]);
    }
    table(out, &rows);
    if fits.len() > ROWS {
        let more = many((fits.len() - ROWS) as u64, "principal");
        let _ = writeln!(out, "and {more} more, in --format json");
    }
}

/// `111122223333 role deploy`
fn short_name(entry: &PrincipalEntry) -> String {
    let name = match last_component(&entry.principal) {
        root if root == entry.principal => "",
        name => name,
    };
    let text = format!("{} {} {name}", entry.account, entry.kind);
    terminal::safe(text.trim_end()).into_owned()
}

fn words(out: &mut String, report: &Backtest, setting: &str) {
    if let Some(fit) = fit_of(&report.all.policies, setting) {
        let score = &fit.score;
        let _ = writeln!(
            out,
            "{setting}: of {} in the days after the cuts, {} would have been denied; {} of {} with calls saw no denial",
            many(score.needs, "distinct need"),
            grouped(score.needs_denied),
            grouped(fit.clean_runs()),
            many(fit.runs_with_calls, "run"),
        );
        undecided(out, score.needs_undecided);
        against_baseline(out, report, fit);
    }
    let present = fit_of(&report.all.policies, "present");
    if let Some(score) = present.map(|fit| &fit.score)
        && score.needs_undecided > 0
    {
        let _ = writeln!(
            out,
            "present grants: {} of {} would have been denied",
            grouped(score.needs_denied),
            many(score.needs, "distinct need"),
        );
        undecided(out, score.needs_undecided);
    }
    let told = report.all.outlooks;
    if told.told > 0 {
        let _ = writeln!(
            out,
            "forecasts made at the cuts held: actions {} of {}, pairs {} of {} (meant to hold {} in 100)",
            grouped(told.actions_held),
            grouped(told.told),
            grouped(told.pairs_held),
            grouped(told.told),
            CONFIDENCE,
        );
    }
    not_trained(out, report);
    if let [only] = report.principals.as_slice() {
        let words = only.outlook.as_ref();
        let words = words.map_or_else(|| outlook::words(None), |outlook| outlook.words.clone());
        let _ = writeln!(out, "outlook: {words}");
    }
}

/// How many of the denied needs just told are not surely denied.
fn undecided(out: &mut String, needs: u64) {
    if needs > 0 {
        let _ = writeln!(
            out,
            "{} of them hang on condition keys that the events do not tell, and may have been allowed",
            grouped(needs)
        );
    }
}

fn not_trained(out: &mut String, report: &Backtest) {
    let Some(first) = report.cuts.first() else {
        return;
    };
    if report.principals.is_empty() {
        let _ = writeln!(
            out,
            "nothing was used in the days before the cuts, of which the first is {first}: there is nothing to make policies of"
        );
    }
    if report.not_trained.runs > 0 {
        let _ = writeln!(
            out,
            "not counted: {} of principals that had none in the days before the cut, {} in all",
            many(report.not_trained.calls, "call"),
            many(report.not_trained.runs, "run"),
        );
    }
}

/// How many unused grants there are for those of the plainest policy that people write.
fn against_baseline(out: &mut String, report: &Backtest, fit: &Fit) {
    let Some(plain) = fit_of(&report.all.policies, "actionsOnAny") else {
        return;
    };
    // Where nothing was used, all is unused.
    if fit.score.needs == 0 {
        return;
    }
    let (own, plain) = (fit.score.unused(), plain.score.unused());
    if let (Some(pairs), Some(weighted)) = (
        share(own.pairs, plain.pairs),
        share(own.weighted, plain.weighted),
    ) {
        let _ = writeln!(
            out,
            "its unused pairs are {} as many as those of the same actions on *, {} by weight",
            percent(Some(pairs)),
            percent(Some(weighted)),
        );
    }
}
