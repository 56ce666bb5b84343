//! What policies written from the days before the cut are worth in the days after it, judged by the answer key. This alone,
//! and the table made of it, knows trailfit.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trailfit::generate::options::{Options, Resources};
use trailfit::generate::plan;
use trailfit::iam::action::Action;
use trailfit::iam::arn::ResourceArn;
use trailfit::iam::policy::PolicyDocument;
use trailfit::iam::principal::{Principal, PrincipalKind};
use trailfit::pipeline::{Progress, collect};
use trailfit::source::files::list;
use trailfit::source::layout::Scope;
use trailfit::usage::filter::Filter;
use trailfit::usage::ledger::{Ledger, PrincipalUsage, Tally};
use trailfit::usage::resolve::Outcome;
use trailfit::verify::backtest::score;
use trailfit::verify::backtest::universe::{Amount, Universe};
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Decision, Request, evaluate};
use trailfit::verify::policy::parse;

use crate::grants;
use crate::moment::Moment;
use crate::organisation::{Need, Organisation, Times, Truth};
use crate::who::Kind;

/// The policies that are compared, in the table's order.
pub(crate) const POLICIES: [&str; 8] = [
    "`--resources exact`",
    "`--resources balanced`",
    "balanced, `--complete lifecycle`",
    "`--resources broad`",
    "exact union",
    "actions on `*`",
    "`service:*`",
    "present grants",
];
/// How many of them trailfit writes.
pub(crate) const WRITTEN: usize = 4;
/// The one that over-privilege is held against.
pub(crate) const ACTIONS_ON_ALL: usize = 5;

/// What some principals' policies are worth. They add up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worth {
    pub(crate) calls: Share,
    pub(crate) needs: Share,
    /// The same without what nobody could foresee.
    pub(crate) foreseen_calls: Share,
    pub(crate) foreseen_needs: Share,
    /// The foreseeable needs whose action with such a resource was never called before the cut.
    pub(crate) unshown_needs: u64,
    /// What is granted, of that what was used after the cut, and of that what is truly needed.
    pub(crate) granted: Amount,
    pub(crate) used: Amount,
    pub(crate) truly: Amount,
    pub(crate) characters: u64,
    pub(crate) documents: u64,
    pub(crate) principals: u64,
    /// To write the policies out of the ledger.
    pub(crate) time: Duration,
}

/// Some of all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    pub(crate) allowed: u64,
    pub(crate) all: u64,
}

impl Share {
    fn count(&mut self, number: u64, allowed: bool) {
        self.all += number;
        self.allowed += if allowed { number } else { 0 };
    }

    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.allowed += other.allowed;
    }
}

impl Worth {
    pub(crate) fn add(&mut self, other: &Self) {
        self.calls.add(other.calls);
        self.needs.add(other.needs);
        self.foreseen_calls.add(other.foreseen_calls);
        self.foreseen_needs.add(other.foreseen_needs);
        self.unshown_needs += other.unshown_needs;
        for (own, others) in [
            (&mut self.granted, other.granted),
            (&mut self.used, other.used),
            (&mut self.truly, other.truly),
        ] {
            own.pairs += others.pairs;
            own.weighted += others.weighted;
        }
        self.characters += other.characters;
        self.documents += other.documents;
        self.principals += other.principals;
        self.time += other.time;
    }
}

/// What is refused, for who wants to know why: principal, policy, need.
pub(crate) struct Refused {
    pub(crate) policy: usize,
    pub(crate) kind: Kind,
    pub(crate) principal: String,
    pub(crate) need: Need,
    pub(crate) calls: u64,
    pub(crate) new: bool,
    /// Whether the action with such a resource was called before the cut.
    pub(crate) shown: bool,
}

/// What became of one organisation.
#[derive(Default)]
pub(crate) struct Measured {
    /// By kind, each policy's worth.
    pub(crate) worth: BTreeMap<Kind, [Worth; POLICIES.len()]>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) events: u64,
}

/// Reads the logs in `folder` up to the cut, writes the policies, and holds them against the answer key.
///
/// # Errors
/// Where the logs can not be read, or hold calls that trailfit does not know.
pub(crate) fn measure(
    organisation: &Organisation,
    folder: &Path,
) -> Result<Measured, Box<dyn Error>> {
    let ledger = collected(organisation, folder)?;
    let mut measured = Measured {
        events: organisation.principals.values().map(|t| t.records).sum(),
        ..Measured::default()
    };
    let accounts: BTreeSet<&str> = organisation
        .principals
        .values()
        .map(|t| t.account)
        .collect();
    for account in accounts {
        let own = || {
            organisation
                .principals
                .iter()
                .filter(|(_, truth)| truth.account == account)
        };
        let both = own().flat_map(|(_, truth)| [usage(&truth.trained), usage(&truth.tested)]);
        let both: Vec<PrincipalUsage> = both.collect();
        let universe = Universe::new(&both);
        let seen: BTreeSet<&str> = own()
            .flat_map(|(_, truth)| truth.trained.keys().chain(truth.tested.keys()))
            .map(|(_, resource)| resource.as_str())
            .collect();
        for (arn, truth) in own() {
            one(&mut measured, &ledger, arn, truth, &universe, &seen)?;
        }
    }
    Ok(measured)
}

/// What the logs in `folder` tell of the days before the cut.
///
/// # Errors
/// Where they can not be read, or hold calls that trailfit does not know.
pub(crate) fn collected(
    organisation: &Organisation,
    folder: &Path,
) -> Result<Ledger, Box<dyn Error>> {
    let input = folder.join("AWSLogs").to_string_lossy().into_owned();
    let objects = list(&[input], &Scope::default())?;
    let filter = Filter {
        to: Some(Moment::new(organisation.train, 0, 0).epoch() as i64),
        ..Filter::default()
    };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let sum = collect(&objects, &filter, false, threads, &Progress::default());
    let coverage = &sum.coverage;
    for outcome in [Outcome::Unmapped, Outcome::Malformed] {
        if coverage.total(outcome) > 0 || coverage.is_unreadable() {
            return Err(
                format!("some records were not understood: {:?}", coverage.outcomes).into(),
            );
        }
    }
    Ok(sum.ledger)
}

/// Facts as a ledger holds them.
fn usage(needs: &BTreeMap<Need, Times>) -> PrincipalUsage {
    let mut usage = PrincipalUsage::default();
    for ((action, resource), times) in needs {
        let tally = Tally {
            used: times.calls,
            ..Tally::default()
        };
        let facts = usage.facts.entry(Action::known(action)).or_default();
        facts.insert(
            ResourceArn::from_pattern(resource.as_str()),
            Box::new(tally),
        );
    }
    usage
}

/// All pairs of what was seen in the account that the principal truly needs.
fn true_usage(truth: &Truth, seen: &BTreeSet<&str>) -> PrincipalUsage {
    let mut pairs = BTreeMap::new();
    let once = Times {
        calls: 1,
        new: false,
    };
    for (action, pattern) in &truth.patterns {
        for resource in seen.iter().filter(|resource| matches(pattern, resource)) {
            pairs.insert((*action, (*resource).to_owned()), once);
        }
    }
    usage(&pairs)
}

/// Whether `text` is one of those that `pattern` stands for, in which `*` is any text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

fn one(
    measured: &mut Measured,
    ledger: &Ledger,
    arn: &str,
    truth: &Truth,
    universe: &Universe,
    seen: &BTreeSet<&str>,
) -> Result<(), Box<dyn Error>> {
    let trained = ledger.principals.iter().find(|(p, _)| p.arn == arn);
    let unseen = Principal {
        account: truth.account.to_owned(),
        kind: PrincipalKind::Role,
        name: String::new(),
        arn: arn.to_owned(),
    };
    let nothing = PrincipalUsage::default();
    let (principal, used) = trained.unwrap_or((&unseen, &nothing));
    let (later, truly) = (usage(&truth.tested), true_usage(truth, seen));
    for (number, (texts, time)) in policies(truth.kind, used).into_iter().enumerate() {
        let mut parsed = Vec::new();
        for text in &texts {
            parsed.extend(parse(text)?);
        }
        let attached: Vec<Attached<'_>> = parsed
            .iter()
            .map(|policy| Attached {
                principal: None,
                name: POLICIES[number],
                policy,
            })
            .collect();
        let against = score(principal, &attached, &later, universe);
        let mut worth = Worth {
            granted: against.granted,
            used: against.used,
            truly: score(principal, &attached, &truly, universe).used,
            // As AWS counts them: without the white space.
            characters: texts.iter().map(|text| compact(text)).sum(),
            documents: texts.len() as u64,
            principals: 1,
            time,
            ..Worth::default()
        };
        let refused = recall(&mut worth, arn, truth, &attached);
        measured
            .refused
            .extend(refused.into_iter().map(|refused| Refused {
                policy: number,
                ..refused
            }));
        measured.worth.entry(truth.kind).or_default()[number].add(&worth);
    }
    Ok(())
}

fn compact(text: &str) -> u64 {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    value.to_string().len() as u64
}

/// Whether the policies allow the call. A passed role is asked for with the service that it is passed to.
pub(crate) fn is_allowed(
    principal: &str,
    truth: &Truth,
    (action, resource): &Need,
    attached: &[Attached<'_>],
) -> bool {
    let mut context = Context::complete();
    if *action == "iam:PassRole" {
        let services = truth.passed.iter().filter(|(role, _)| role == resource);
        let services = services.map(|(_, service)| (*service).to_owned());
        context.set("iam:PassedToService", Key::Known(services.collect()));
    }
    let request = Request::new(principal, action, resource, &context);
    evaluate(&request, attached).decision == Decision::Allowed
}

/// Which of the later calls the policies allow. Returns what they do not.
fn recall(worth: &mut Worth, arn: &str, truth: &Truth, attached: &[Attached<'_>]) -> Vec<Refused> {
    let mut refused = Vec::new();
    for (need, times) in &truth.tested {
        let (action, resource) = need;
        let allowed = is_allowed(arn, truth, need, attached);
        worth.calls.count(times.calls, allowed);
        worth.needs.count(1, allowed);
        let shown = truth
            .shown
            .iter()
            .any(|(known, pattern)| known == action && matches(pattern, resource));
        if !times.new {
            worth.foreseen_calls.count(times.calls, allowed);
            worth.foreseen_needs.count(1, allowed);
            worth.unshown_needs += u64::from(!shown);
        }
        if !allowed {
            refused.push(Refused {
                policy: 0,
                kind: truth.kind,
                principal: arn.to_owned(),
                need: need.clone(),
                calls: times.calls,
                new: times.new,
                shown,
            });
        }
    }
    refused
}

/// The documents of each policy, with the time it took trailfit to write its own.
fn policies(kind: Kind, used: &PrincipalUsage) -> Vec<(Vec<String>, Duration)> {
    let settings = [
        (Resources::Exact, false),
        (Resources::Balanced, false),
        (Resources::Balanced, true),
        (Resources::Broad, false),
    ];
    let mut policies: Vec<(Vec<String>, Duration)> = settings
        .into_iter()
        .map(|(resources, lifecycle)| {
            let options = Options {
                resources,
                lifecycle,
                ..Options::default()
            };
            let start = Instant::now();
            let plan = plan(used, &options);
            let time = start.elapsed();
            (
                plan.documents.iter().map(PolicyDocument::to_json).collect(),
                time,
            )
        })
        .collect();
    let mut union: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (action, resource, _) in used.used() {
        union
            .entry(action.as_str())
            .or_default()
            .insert(resource.as_str());
    }
    let exact = union
        .iter()
        .map(|(action, resources)| allow(&[action], &json!(resources)));
    let exact: Vec<Value> = exact.collect();
    let actions: Vec<&str> = union.keys().copied().collect();
    let services: BTreeSet<String> = actions
        .iter()
        .filter_map(|action| Some(format!("{}:*", action.split_once(':')?.0)))
        .collect();
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    let all = json!("*");
    for statements in [
        exact,
        vec![allow(&actions, &all)],
        vec![allow(&services, &all)],
    ] {
        // A principal that was not seen gets no policy.
        let document = json!({ "Version": "2012-10-17", "Statement": statements });
        let documents = (!actions.is_empty()).then(|| document.to_string());
        policies.push((documents.into_iter().collect(), Duration::ZERO));
    }
    policies.push((vec![grants::present(kind).to_string()], Duration::ZERO));
    policies
}

fn allow(actions: &[&str], resource: &Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, fits) in [
            ("a/*/b", "a/x/y/b", true),
            ("a/*/b", "a/b", false),
            ("*", "", true),
            ("a*", "b", false),
            ("a*b*b", "ab", false),
            ("stack/x/*", "stack/x/*", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
