//! What a policy allows beyond what was used, told pattern by pattern.

use std::collections::{BTreeMap, BTreeSet};

use crate::generate::generalise::{self, Patterns, Rule};
use crate::generate::minimise::{self, Facts};
use crate::generate::tallies;
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::usage::ledger::{PrincipalUsage, Tally};

/// One pattern that allows more than was used, and one rule that made it. Where several rules had a hand in a pattern
/// it has a `Widening` for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widening {
    /// The rule's name: `dated-name`.
    pub rule: &'static str,
    /// The actions that are allowed on the pattern by this rule, sorted. Where the rule widened the actions, all those that are
    /// newly allowed today.
    pub actions: Vec<Action>,
    /// The pattern of actions, where the rule widened these: `s3:Get*`.
    pub pattern: Option<Action>,
    /// The pattern.
    pub resource: ResourceArn,
    /// How many distinct resources that were used by these actions the pattern stands for. Where the rule widened the actions,
    /// how many of these that were used.
    pub values: usize,
    /// On how many distinct days these were used by these actions; zero where the events have no times, and
    /// where the rule widened the actions.
    pub days: usize,
    /// Up to three of them, the first in order.
    pub examples: Vec<String>,
    /// What it newly allows, in words.
    pub admits: String,
}

/// How many examples a widening gives.
pub(super) const EXAMPLES: usize = 3;

/// What a pattern stands for.
#[derive(Default)]
struct Stands<'a> {
    actions: BTreeSet<&'a Action>,
    values: Vec<&'a str>,
    days: BTreeSet<u16>,
}

/// What the patterns that a rule made allow beyond what was used, of each part of `usage` with the patterns that allow it; both have
/// the same actions.
pub(super) fn widenings<'a>(
    usage: &'a PrincipalUsage,
    parts: impl Iterator<Item = (&'a Facts<'a>, &'a Patterns<'a>)>,
) -> Vec<Widening> {
    let mut found: BTreeMap<(&ResourceArn, Rule), Stands<'_>> = BTreeMap::new();
    let actions = parts.flat_map(|(used, patterns)| patterns.iter().zip(used));
    for ((action, granted), (_, resources)) in actions {
        let made = granted.iter().enumerate();
        let made = made.filter(|(_, (_, made))| !made.rules.is_empty());
        let made = made.map(|(place, (pattern, _))| (place, pattern.as_str()));
        let wildcards = minimise::Wildcards::among(made);
        if wildcards.is_empty() {
            continue;
        }
        let mut values: BTreeMap<usize, (Vec<&str>, BTreeSet<u16>)> = BTreeMap::new();
        for (resource, tally) in tallies(usage, action, resources) {
            let written = generalise::writable(resource);
            let text = written.as_ref().unwrap_or(resource).as_str();
            for place in wildcards.covering(text) {
                let (values, days) = values.entry(place).or_default();
                values.push(resource.as_str());
                days.extend(&tally.days);
            }
        }
        for (place, (values, days)) in values {
            let (pattern, made) = &granted[place];
            for rule in made.rules.iter() {
                let stands = found.entry((pattern, rule)).or_default();
                stands.actions.insert(action);
                stands.values.extend(&values);
                stands.days.extend(&days);
            }
        }
    }
    let widening = |((resource, rule), mut stands): ((&ResourceArn, Rule), Stands<'_>)| {
        // Those of each action are sorted: few runs take little to sort.
        stands.values.sort();
        stands.values.dedup();
        let examples = stands.values.iter().take(EXAMPLES);
        Widening {
            rule: rule.name(),
            actions: stands.actions.into_iter().cloned().collect(),
            pattern: None,
            admits: rule.admits(resource),
            resource: resource.clone(),
            values: stands.values.len(),
            days: stands.days.len(),
            examples: examples.map(|value| (*value).to_owned()).collect(),
        }
    };
    found.into_iter().map(widening).collect()
}

/// What the ledger's bound on the resources of one action widened, before any rule here could.
pub(super) fn cut_short(usage: &PrincipalUsage, action: &Action, depth: usize) -> Vec<Widening> {
    let is_cut = |resource: &ResourceArn| {
        let components = resource
            .parts()
            .map(|p| p.resource.split(['/', ':']).count());
        resource.as_str().ends_with(['*']) && components == Some(depth + 1)
    };
    let tallies = usage.facts.get(action).into_iter().flatten();
    let cut = tallies.filter(|(resource, _)| is_cut(resource));
    let widening = |resource: &ResourceArn, tally: &Tally| Widening {
        rule: "too-many-resources",
        actions: vec![action.clone()],
        pattern: None,
        resource: resource.clone(),
        values: 1,
        days: tally.days.len(),
        examples: vec![resource.to_string()],
        admits: "all that is below this place".to_owned(),
    };
    cut.map(|(resource, tally)| widening(resource, tally))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::cut_short;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::usage::ledger::PrincipalUsage;

    #[test]
    fn each_resource_that_was_cut_is_told() {
        let mut usage = PrincipalUsage::default();
        let action = Action::known("s3:GetObject");
        let cut = ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"];
        let resources = usage.facts.entry(action.clone()).or_default();
        for resource in cut.into_iter().chain(["arn:aws:s3:::c/d"]) {
            resources
                .entry(ResourceArn::from_pattern(resource))
                .or_default();
        }
        let told = cut_short(&usage, &action, 1);
        let told: Vec<&str> = told.iter().map(|w| w.resource.as_str()).collect();
        assert_eq!(told, cut);
    }
}
