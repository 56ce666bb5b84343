//! Why each statement is in a policy: text for people, values for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::generate::Part;
use crate::generate::explain::{Explained, Explanation};
use crate::iam::condition::Block;
use crate::iam::principal::Principal;
use crate::report::index::rfc3339;
use crate::report::summary::{grouped, many};
use crate::report::terminal::safe;
use crate::usage::ledger::PrincipalUsage;
use crate::usage::origin::Network;

/// The most columns of a line, unless a name alone is wider.
const WIDTH: usize = 96;
/// Where the text behind a word begins.
const INDENT: usize = 12;
/// The most resources of a statement that the text names, and the most actions.
const SHOWN: usize = 20;

/// `<name>.explain.json`: the policy of a principal, statement by statement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationEntry<'p> {
    /// Its ARN.
    principal: &'p str,
    /// On how many days it used anything.
    active_days: usize,
    /// In the order of the documents.
    statements: Vec<StatementEntry<'p>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatementEntry<'p> {
    /// The statement's document, relative to the folder of the index.
    file: &'p str,
    sid: &'p str,
    part: &'static str,
    uses: u64,
    days: usize,
    first_seen: Option<String>,
    last_seen: Option<String>,
    sample_event_ids: &'p [&'p str],
    regions: BTreeMap<&'p str, u64>,
    networks: Vec<&'static str>,
    forwarded_by: Vec<&'p str>,
    /// The actions that were used, with how often.
    actions: BTreeMap<&'p str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Block<'p>>,
    resources: Vec<ResourceEntry<'p>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceEntry<'p> {
    resource: &'p str,
    uses: u64,
    used: usize,
    examples: &'p [&'p str],
    rules: Vec<RuleEntry<'p>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleEntry<'p> {
    rule: &'p str,
    values: usize,
    admits: &'p str,
}

/// The whole of `explanations`, of a policy in `files`.
#[must_use]
pub fn entry<'p>(
    principal: &'p Principal,
    usage: &PrincipalUsage,
    explanations: &'p [Explanation<'p>],
    files: &'p [String],
) -> ExplanationEntry<'p> {
    let statement = |each: &'p Explanation<'p>| StatementEntry {
        file: files.get(each.document).map_or("", String::as_str),
        sid: &each.statement.sid,
        part: match each.part {
            Part::Recurring => "recurring",
            Part::OneOff => "oneOff",
            Part::Inferred => "inferred",
        },
        uses: each.uses,
        days: each.days.len(),
        first_seen: each.seen.and_then(|(first, _)| rfc3339(first)),
        last_seen: each.seen.and_then(|(_, last)| rfc3339(last)),
        sample_event_ids: &each.samples,
        regions: each.regions.iter().collect(),
        networks: each
            .networks
            .iter()
            .map(|network| network.as_str())
            .collect(),
        forwarded_by: each.via.iter().copied().collect(),
        actions: each
            .actions
            .iter()
            .map(|(action, uses)| (action.as_str(), *uses))
            .collect(),
        condition: (!each.statement.conditions.is_empty())
            .then_some(Block(&each.statement.conditions)),
        resources: each.resources.iter().map(ResourceEntry::of).collect(),
    };
    ExplanationEntry {
        principal: &principal.arn,
        active_days: active_days(usage),
        statements: explanations.iter().map(statement).collect(),
    }
}

impl<'p> ResourceEntry<'p> {
    fn of(each: &'p Explained<'p>) -> Self {
        let rules = each.widened.iter().map(|widening| RuleEntry {
            rule: widening.rule,
            values: widening.values,
            admits: &widening.admits,
        });
        Self {
            resource: each.resource.as_str(),
            uses: each.uses,
            used: each.used,
            examples: &each.examples,
            rules: rules.collect(),
        }
    }
}

/// The number of days on which anything was used.
fn active_days(usage: &PrincipalUsage) -> usize {
    let days = usage.used().flat_map(|(.., tally)| &tally.days);
    days.collect::<std::collections::BTreeSet<_>>().len()
}

/// The same as [`entry`] in words, of a policy in `files`; these may have no names.
#[must_use]
pub fn text(
    principal: &Principal,
    usage: &PrincipalUsage,
    explanations: &[Explanation<'_>],
    files: &[String],
) -> String {
    let active = active_days(usage);
    let mut out = format!(
        "{}: {}, active on {}\n",
        safe(&principal.arn),
        many(usage.total_events(), "event"),
        many(active as u64, "day"),
    );
    let documents = explanations.last().map_or(0, |last| last.document + 1);
    let mut document = None;
    for each in explanations {
        if document.replace(each.document) != Some(each.document)
            && (documents > 1 || !files.is_empty())
        {
            let name = files
                .get(each.document)
                .map_or(String::new(), |file| format!(": {}", safe(file)));
            let _ = writeln!(out, "\ndocument {} of {documents}{name}", each.document + 1);
        }
        statement(&mut out, each, active);
    }
    out
}

/// One statement.
fn statement(out: &mut String, each: &Explanation<'_>, active: usize) {
    let part = match each.part {
        Part::Recurring => "",
        Part::OneOff => "  one-off: set something up once, it seems",
        Part::Inferred => "  inferred: not used, but follows from what was",
    };
    let _ = writeln!(out, "\n{}{part}", each.statement.sid);
    let actions = each
        .statement
        .actions
        .iter()
        .map(|action| match each.actions.get(action) {
            Some(uses) => format!("{action} {}", grouped(*uses)),
            None => action.to_string(),
        });
    list(out, "allows", actions);
    let mut lines = Vec::new();
    for resource in each.resources.iter().take(SHOWN) {
        on(&mut lines, resource);
    }
    if each.resources.len() > SHOWN {
        lines.push(format!(
            "and {} more",
            grouped((each.resources.len() - SHOWN) as u64)
        ));
    }
    block(out, "on", &lines);
    let conditions = each.statement.conditions.iter().map(|condition| {
        let values = condition.values.join(", ");
        format!(
            "{} {} {}",
            safe(&condition.key),
            condition.operator,
            safe(&values)
        )
    });
    block(out, "if", &conditions.collect::<Vec<_>>());
    block(out, "because", &[because(each, active)]);
    let regions = each.regions.iter();
    let regions = regions.map(|(region, uses)| format!("{} {}", safe(region), grouped(uses)));
    list(out, "in", regions);
    list(
        out,
        "from",
        each.networks.iter().map(|of| place(of).to_owned()),
    );
    list(
        out,
        "through",
        each.via.iter().map(|service| safe(service).into_owned()),
    );
    list(
        out,
        "events",
        each.samples.iter().map(|id| safe(id).into_owned()),
    );
}

/// Where calls of a network come from, in words.
fn place(network: Network) -> &'static str {
    match network {
        Network::AwsService => "an AWS service",
        Network::VpcEndpoint => "a VPC endpoint",
        Network::Private => "private addresses",
        Network::Public => "public addresses",
        Network::Unknown => "an unknown network",
    }
}

/// How much use is behind it.
fn because(each: &Explanation<'_>, active: usize) -> String {
    if each.uses == 0 {
        return "nothing that it allows was used".to_owned();
    }
    let days = match active {
        0 => String::new(),
        _ => format!(
            " on {} of {}",
            each.days.len(),
            many(active as u64, "active day")
        ),
    };
    let time = |seconds| rfc3339(seconds).unwrap_or_default();
    let when = match each.seen {
        Some((first, last)) if first == last => format!(", {}", time(first)),
        Some((first, last)) => format!(", {} to {}", time(first), time(last)),
        None => String::new(),
    };
    format!("{}{days}{when}", many(each.uses, "use"))
}

/// One resource, and below it what it stands for.
fn on(lines: &mut Vec<String>, each: &Explained<'_>) {
    lines.push(safe(each.resource.as_str()).into_owned());
    if each.widened.is_empty() {
        return;
    }
    let used = many(each.used as u64, "resource");
    lines.push(format!("  stands for {used} used, such as"));
    for example in &each.examples {
        lines.push(format!("    {}", safe(example)));
    }
    for widening in &each.widened {
        lines.push(format!("  {}: {}", widening.rule, safe(&widening.admits)));
    }
}

/// Lines behind a word; none where there are none.
fn block(out: &mut String, word: &str, lines: &[String]) {
    for (at, line) in lines.iter().enumerate() {
        let word = if at == 0 { word } else { "" };
        let _ = writeln!(out, "  {word:<width$}{line}", width = INDENT - 2);
    }
}

/// Items behind a word, as many on a line as it takes.
fn list(out: &mut String, word: &str, items: impl Iterator<Item = String>) {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if INDENT + line.len() + item.len() + 3 <= WIDTH => {
                line.push_str(", ");
                line.push_str(&item);
            }
            Some(line) => {
                line.push(',');
                lines.push(item);
            }
            None => lines.push(item),
        }
    }
    block(out, word, &lines);
}
