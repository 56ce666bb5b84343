//! The circumstances of calls: conditions that every one of them satisfied, beyond those that a policy has in any case.
//!
//! A policy is held together by few conditions. So network, Region and MFA are decided for all that a principal did with a service,
//! and not fact by fact: what every call to the service told is written on all of it, else on nothing of it. A call that did
//! not tell is one that may not satisfy. So what a service called with the principal's credentials, whose address is the
//! service's, keeps conditions on the network away from the service that it called.
//!
//! Knows nothing of how policies are judged.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::condition_key;
use crate::generate::carried::{Active, Carried, Decision, MAX_VALUES, Verdict, too_few};
use crate::generate::{conditions, facts};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::iam::policy::may_hold;
use crate::usage::context::ContextKey;
use crate::usage::ledger::{PrincipalUsage, Tally};
use crate::usage::passrole::PASS_ROLE;
use crate::usage::values::{Calls, Wanted};

/// The address of a call that came through no VPC endpoint.
pub const SOURCE_IP: &str = "aws:SourceIp";
/// The VPC endpoint that a call came through.
pub const SOURCE_VPCE: &str = "aws:SourceVpce";
const REGION: &str = "aws:RequestedRegion";
/// Whether a session was made with MFA.
pub const MFA: &str = "aws:MultiFactorAuthPresent";
const PREFIX: &str = "s3:prefix";
const TAG_KEYS: &str = "aws:TagKeys";
const REQUEST_TAG: &str = "aws:RequestTag/";
const TIME: &str = "aws:CurrentTime";

/// The most tags that the calls of one action on one resource are held to, the first in order.
const MAX_TAGS: usize = 5;

/// The services with one endpoint for all Regions: to hold them to its Region says nothing.
/// Source: IAM User Guide, "AWS: Denies access to AWS based on the requested Region".
const GLOBAL: [&str; 12] = [
    "budgets",
    "chatbot",
    "cloudfront",
    "devicefarm",
    "globalaccelerator",
    "iam",
    "importexport",
    "organizations",
    "route53",
    "support",
    "waf",
    // Calls to its global endpoint are recorded in us-east-1 wherever they were served.
    "sts",
];

/// Lists the buckets of all Regions, in whichever it is asked.
const LIST_ALL_MY_BUCKETS: Action = Action::known("s3:ListAllMyBuckets");

/// The condition keys that are to be known of calls, for [`Observed`].
#[must_use]
pub fn wanted() -> Wanted {
    Wanted::keys([SOURCE_IP, SOURCE_VPCE, REGION, MFA, PREFIX, TAG_KEYS, TIME])
}

/// Why a role is not held to addresses.
const OF_A_SERVICE: &str = "if the role is given to a service, such as EC2 or Lambda, its calls come from addresses that change";

/// Why a prefix is not written.
const READS_OBJECTS: &str = "objects of the bucket are read, and of one that is missing a caller is told so only if it may list the bucket without a prefix";
const GET_OBJECT: Action = Action::known("s3:GetObject");

/// A condition that all uses of some actions satisfied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// The condition.
    pub condition: Condition,
    /// The actions that it is about, sorted. Of some, it may be about a part of the resources only.
    pub actions: Vec<Action>,
    /// How many uses satisfied it: all that there were of these actions and resources.
    pub uses: u64,
    /// On how many days.
    pub days: usize,
    /// The values, sorted, with the uses that told each.
    pub values: Vec<(String, Calls)>,
    /// How many of the uses told that they did not carry the key, which an operator that ends in `IfExists` lets pass.
    pub without: u64,
    /// How many calls of these actions on these resources were refused or failed without telling. What they told is not known.
    pub refused: u64,
    /// Why it is not in the policy; `None` of one that is.
    pub doubt: Option<String>,
}

/// What all uses of one principal have in common.
#[derive(Debug, Default)]
pub struct Observed<'u> {
    /// By service prefix.
    services: BTreeMap<&'u str, Vec<Decision>>,
    /// By service prefix, for what is in no Region by its ARN.
    regions: BTreeMap<&'u str, Decision>,
    /// Of single facts.
    facts: BTreeMap<(&'u Action, &'u ResourceArn), Vec<Decision>>,
    notes: Vec<String>,
}

impl<'u> Observed<'u> {
    /// What `usage` has in common. Of a role, which may be given to a service, the log does not tell whether it is. So nothing of
    /// it is held to the services that forwarded calls, as calls of a service that was given the role look the same and
    /// carry no such key; nor to addresses, which may be those that the service has today.
    /// Source: IAM User Guide, "AWS: Denies access to AWS based on the source IP": no aws:SourceIp for a service role.
    #[must_use]
    pub fn of(usage: &'u PrincipalUsage, is_role: bool) -> Self {
        let mut observed = Self::default();
        let active = Active::of(usage);
        observed.decide_networks(usage, &active, is_role);
        observed.decide_regions(usage, &active);
        observed.decide_mfa(usage, &active);
        for (action, resource, tally) in usage.used() {
            let mut decisions = tags(tally, &active);
            decisions.extend(prefix(usage, (action, resource, tally), &active));
            if !decisions.is_empty() {
                observed.facts.insert((action, resource), decisions);
            }
        }
        if !is_role {
            observed.decide_forwarded(usage);
        }
        observed
    }

    /// The conditions that are written with this fact, sorted.
    #[must_use]
    pub fn written(&self, action: &Action, resource: &ResourceArn) -> Vec<Condition> {
        if self.is_nothing() {
            return Vec::new();
        }
        let written = self
            .decisions(action, resource)
            .filter(|decision| decision.doubt.is_none());
        let mut written: Vec<Condition> = written.map(|each| each.condition.clone()).collect();
        written.sort();
        written
    }

    /// What a reader must know beside.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn is_nothing(&self) -> bool {
        self.services.is_empty() && self.regions.is_empty() && self.facts.is_empty()
    }

    fn decisions<'o>(
        &'o self,
        action: &'o Action,
        resource: &'o ResourceArn,
    ) -> impl Iterator<Item = &'o Decision> {
        let service = action.service();
        let of_service = match *action == PASS_ROLE {
            true => None,
            false => self.services.get(service),
        };
        let region = self.regions.get(service);
        let region = region.filter(|_| takes_region(action, resource));
        let facts = self.facts.get(&(action, resource));
        let decisions = of_service.into_iter().flatten();
        let decisions = decisions.chain(region).chain(facts.into_iter().flatten());
        decisions.filter(|decision| supports(action, &decision.condition.key))
    }

    /// What the conditions rest on, those that are not written too; sorted.
    #[must_use]
    pub fn supports(&self, usage: &PrincipalUsage) -> Vec<Support> {
        type Facts<'a> = Vec<(&'a Action, &'a ResourceArn, &'a Tally)>;
        type Doubted<'a> = (Option<&'a String>, Cow<'a, Condition>);
        let mut found: BTreeMap<Doubted<'_>, Facts<'_>> = BTreeMap::new();
        for (action, resource, tally) in usage.used() {
            let observed = self.decisions(action, resource);
            let observed =
                observed.map(|each| (each.doubt.as_ref(), Cow::Borrowed(&each.condition)));
            let passed = conditions::written(tally).into_iter();
            for key in observed.chain(passed.map(|condition| (None, Cow::Owned(condition)))) {
                let facts = found.entry(key).or_default();
                facts.push((action, resource, tally));
            }
        }
        let support = |((doubt, condition), facts): (Doubted<'_>, Facts<'_>)| {
            let mut seen = Carried::default();
            let mut refused = 0;
            let mut actions: Vec<Action> = Vec::new();
            for (action, resource, tally) in facts {
                seen.add(tally, &condition.key);
                let calls = usage.refused.get(action).and_then(|of| of.get(resource));
                refused += calls.map_or(0, |calls| calls.denied + calls.inconclusive);
                actions.push(action.clone());
            }
            actions.dedup();
            let values = seen.values.unwrap_or_default().into_iter();
            Support {
                condition: condition.into_owned(),
                actions,
                uses: seen.used,
                days: seen.days.len(),
                values: values
                    .map(|(value, calls)| (value.to_owned(), calls))
                    .collect(),
                without: seen.without,
                refused,
                doubt: doubt.cloned(),
            }
        };
        found.into_iter().map(support).collect()
    }

    fn decide_networks(&mut self, usage: &'u PrincipalUsage, active: &Active, is_role: bool) {
        let addresses = by_service(usage, SOURCE_IP, |_, _| true);
        let endpoints = by_service(usage, SOURCE_VPCE, |_, _| true);
        let both = addresses.into_iter().map(|(service, addresses)| {
            let endpoints = endpoints.get(service).cloned().unwrap_or_default();
            (service, addresses, endpoints)
        });
        let own: Vec<(&str, Carried<'_>, Carried<'_>)> = both
            .filter(|(_, addresses, endpoints)| addresses.is_told() && endpoints.is_told())
            .collect();
        let all = |of: fn(&(&'u str, Carried<'u>, Carried<'u>)) -> Carried<'u>| {
            let mut all = Carried::default();
            own.iter().for_each(|each| all.absorb(of(each)));
            all
        };
        let mut ip = all(|(_, addresses, _)| addresses.clone()).verdict(SOURCE_IP, active);
        if let Verdict::Values { doubt, .. } = &mut ip
            && is_role
        {
            doubt.get_or_insert_with(|| OF_A_SERVICE.to_owned());
        }
        let vpce = all(|(_, _, endpoints)| endpoints.clone()).verdict(SOURCE_VPCE, active);
        for verdict in [&ip, &vpce] {
            if let Verdict::Never(Some(note)) = verdict {
                self.notes.push(note.clone());
            }
        }
        for (service, addresses, endpoints) in &own {
            let decisions = match (addresses.with > 0, endpoints.with > 0) {
                (true, false) => ip.decide("IpAddress", SOURCE_IP).map(|one| vec![one]),
                (false, true) => vpce
                    .decide("StringEquals", SOURCE_VPCE)
                    .map(|one| vec![one]),
                // A request carries one of the two, or none where a service makes it: each is asked of those that carry it.
                // Source: IAM User Guide, "AWS global condition context keys", aws:SourceIp and aws:SourceVpce, Availability.
                (true, true) => {
                    let ip = ip.decide("IpAddressIfExists", SOURCE_IP);
                    let vpce = vpce.decide("StringEqualsIfExists", SOURCE_VPCE);
                    ip.zip(vpce).map(|(mut ip, mut vpce)| {
                        // One without the other lets everything of the other kind pass.
                        let doubt = ip.doubt.take().or(vpce.doubt.take());
                        (ip.doubt, vpce.doubt) = (doubt.clone(), doubt);
                        vec![ip, vpce]
                    })
                }
                (false, false) => None,
            };
            self.services
                .entry(service)
                .or_default()
                .extend(decisions.into_iter().flatten());
        }
    }

    fn decide_regions(&mut self, usage: &'u PrincipalUsage, active: &Active) {
        let services = by_service(usage, REGION, takes_region);
        let told = services.into_iter().filter(|(_, seen)| seen.is_told());
        let told: Vec<(&str, Carried<'_>)> = told.collect();
        // Where all services are called in the same Regions, it rests on all their calls: one that is called rarely is called where the
        // others are. A service of its own Regions stands for itself.
        let mut all = Carried::default();
        told.iter().for_each(|(_, seen)| all.absorb(seen.clone()));
        let values = |seen: &Carried<'u>| seen.values.as_ref().map(|v| v.keys().copied().collect());
        let everywhere: Option<BTreeSet<&str>> = values(&all);
        for (service, mut seen) in told {
            if values(&seen) == everywhere {
                seen = all.clone();
            }
            let decision = seen.verdict(REGION, active).decide("StringEquals", REGION);
            let decision = decision.map(|decision| (service, decision));
            self.regions.extend(decision);
        }
    }

    /// MFA is a matter of how a principal works: where it made one call without, it is nowhere asked for.
    fn decide_mfa(&mut self, usage: &'u PrincipalUsage, active: &Active) {
        let services = by_service(usage, MFA, |_, _| true);
        let mut all = Carried::default();
        services.values().for_each(|seen| all.absorb(seen.clone()));
        let values = all.values.as_ref();
        let always = all.without == 0 && values.is_some_and(|values| values.keys().eq(&["true"]));
        if !always {
            return;
        }
        let verdict = all.verdict(MFA, active);
        for (service, _) in services.iter().filter(|(_, seen)| seen.is_told()) {
            let decision = verdict.decide("Bool", MFA);
            self.services.entry(service).or_default().extend(decision);
        }
    }

    /// What only services did with the principal's credentials.
    fn decide_forwarded(&mut self, usage: &'u PrincipalUsage) {
        type Facts<'u> = Vec<(&'u Action, &'u ResourceArn, &'u Tally)>;
        let mut found: BTreeMap<Vec<Condition>, Facts<'u>> = BTreeMap::new();
        for (action, resource, tally) in usage.used() {
            let conditions = conditions::satisfied(tally, true);
            let forwarding = conditions.iter().filter(|each| is_forwarding(each));
            let forwarding: Vec<Condition> = forwarding.cloned().collect();
            if forwarding
                .iter()
                .all(|each| each.values.len() <= MAX_VALUES)
            {
                let facts = found.entry(forwarding).or_default();
                facts.push((action, resource, tally));
            }
        }
        for (conditions, facts) in found {
            let uses = facts.iter().map(|(.., tally)| tally.used).sum();
            let days = facts.iter().flat_map(|(.., tally)| &tally.days);
            let doubt = too_few(uses, days.collect::<BTreeSet<_>>().len());
            let decide = |condition: &Condition| Decision {
                condition: condition.clone(),
                doubt: doubt.clone(),
            };
            for (action, resource, _) in facts {
                let decisions = self.facts.entry((action, resource)).or_default();
                decisions.extend(conditions.iter().map(decide));
            }
        }
    }
}

/// Whether the condition is on services between the principal and what was called.
#[must_use]
pub fn is_forwarding(condition: &Condition) -> bool {
    let keys = ContextKey::FORWARDING.map(ContextKey::as_str);
    keys.contains(&&*condition.key)
}

/// Whether the ARN does not say already in which Region the action is used.
fn takes_region(action: &Action, resource: &ResourceArn) -> bool {
    let says = resource
        .parts()
        .is_some_and(|parts| !parts.region.is_empty() && !parts.region.contains('*'));
    !says && *action != LIST_ALL_MY_BUCKETS && !GLOBAL.contains(&action.service())
}

/// Whether requests for the action may carry the key.
fn supports(action: &Action, key: &str) -> bool {
    let key = condition_key::find(key);
    let supported = key.zip(facts::of(action));
    supported.is_some_and(|(key, action)| key.supported_by(action))
}

/// The prefixes that a bucket was listed with.
fn prefix(
    usage: &PrincipalUsage,
    (action, bucket, tally): (&Action, &ResourceArn, &Tally),
    active: &Active,
) -> Option<Decision> {
    let mut carried = Carried::default();
    carried.add(tally, PREFIX);
    let all_with = carried.is_told() && carried.without == 0 && action.service() == "s3";
    // A list of everything is what the empty prefix asks for.
    let values = carried.values.as_ref();
    let narrow = values.is_some_and(|values| values.keys().all(|value| is_literal(value)));
    if !all_with || !narrow {
        return None;
    }
    let verdict = carried.verdict(PREFIX, active);
    let mut decision = verdict.decide("StringEquals", PREFIX)?;
    // Source: S3 API Reference, `GetObject`, "Permissions": who may not list the bucket is told 403 of a key that is not there. A
    // request for an object carries no prefix.
    if usage.facts.get(&GET_OBJECT).is_some_and(|objects| {
        let mut objects = objects.keys();
        objects.any(|object| {
            let key = object.as_str().strip_prefix(bucket.as_str());
            key.is_some_and(|key| key.starts_with('/'))
        })
    }) {
        decision
            .doubt
            .get_or_insert_with(|| READS_OBJECTS.to_owned());
    }
    Some(decision)
}

/// The tags that each request passed: their values where these are few, else that they were passed.
fn tags(tally: &Tally, active: &Active) -> Vec<Decision> {
    let told = tally.contexts.told();
    let keys = told.get(&TAG_KEYS.to_ascii_lowercase());
    let keys = keys.and_then(|keys| keys.values()).into_iter().flatten();
    let always = keys.filter(|(_, calls)| calls.count == tally.used);
    // What begins with `aws:` AWS sets itself.
    let own = always.filter(|(key, _)| is_literal(key) && !key.starts_with("aws:"));
    let decision = |key: &str| {
        let name = format!("{REQUEST_TAG}{key}");
        let mut carried = Carried::default();
        carried.add(tally, &name);
        let values = carried.values.as_ref()?;
        // Whether an empty value is one to `Null`, AWS does not say.
        if values.contains_key("") {
            return None;
        }
        let written = values.keys().all(|value| is_literal(value));
        let exact = match carried.verdict(&name, active) {
            verdict @ Verdict::Values { .. } if written => {
                verdict.decide("StringEquals", name.clone())
            }
            _ => None,
        };
        let passed = || Decision {
            doubt: too_few(carried.with, carried.days_with.len()),
            condition: Condition {
                operator: "Null",
                key: name.clone().into(),
                values: vec!["false".to_owned()],
            },
        };
        let settled = exact.filter(|exact| exact.doubt.is_none());
        (carried.with == tally.used).then(|| settled.unwrap_or_else(passed))
    };
    own.take(MAX_TAGS)
        .filter_map(|(key, _)| decision(key))
        .collect()
}

/// Whether a policy can hold the text and would take it for nothing but itself.
fn is_literal(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?', '$']) && text.chars().all(may_hold)
}

/// What the uses of each service told of `key`, as far as `counts`. A role that is handed over is left out: it is asked for apart
/// from the request that hands it over, so nothing is known of it, and no condition is written with it.
fn by_service<'u>(
    usage: &'u PrincipalUsage,
    key: &str,
    counts: impl Fn(&Action, &ResourceArn) -> bool,
) -> BTreeMap<&'u str, Carried<'u>> {
    let mut services: BTreeMap<&str, Carried<'_>> = BTreeMap::new();
    for (action, resource, tally) in usage.used() {
        if *action != PASS_ROLE && counts(action, resource) {
            services
                .entry(action.service())
                .or_default()
                .add(tally, key);
        }
    }
    services
}

/// How many uses there were in each hour of the day, UTC; `None` where no call told. IAM has no key for the hour of the day
/// (`aws:CurrentTime` is a date with a time), so that this is shown and never written.
#[must_use]
pub fn hours(usage: &PrincipalUsage) -> Option<[u64; 24]> {
    let mut hours = [0; 24];
    let key = TIME.to_ascii_lowercase();
    for (.., tally) in usage.used() {
        let answered = tally.contexts.told().get(&key);
        let values = answered.and_then(|answered| answered.values());
        for (hour, calls) in values.into_iter().flatten() {
            let hour = hour.parse::<usize>().ok();
            if let Some(count) = hour.and_then(|hour| hours.get_mut(hour)) {
                *count += calls.count;
            }
        }
    }
    hours.iter().any(|count| *count > 0).then_some(hours)
}
