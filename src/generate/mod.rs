//! What a principal used becomes the policy documents that allow it.
//!
//! Generalise (the step that widens resources), infer the rest of a life (only where asked for), minimise (exact), fit the quota (exact,
//! and where that does not suffice by action wildcards). Pure functions of the set of
//! used facts. Knows nothing of how policies are judged: `verify` does, and shares no code with this.

mod access;
mod bar;
mod carried;
pub mod conditions;
mod cover;
mod creations;
mod evidence;
pub mod explain;
mod facts;
mod family;
mod fit;
mod generalise;
mod lasting;
mod layout;
mod lifecycle;
pub mod minimise;
mod names;
pub mod observed;
pub mod one_off;
pub mod options;
pub mod quota;
mod search;
pub mod sets;
mod shapes;
mod sid;
mod split;
mod turnover;
pub mod widening;
mod wildcard;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::catalog::operation;
use crate::generate::fit::{Fitted, Group};
use crate::generate::generalise::{Granted, Made, Patterns, Rule, Rules, Seen};
use crate::generate::minimise::{Facts, Grant};
use crate::generate::observed::{Observed, Support};
use crate::generate::one_off::SetUp;
use crate::generate::options::{Conditions, OneOff, Options, Resources};
use crate::generate::turnover::Span;
use crate::generate::widening::{Widening, cut_short, widenings};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::iam::policy::PolicyDocument;
use crate::usage::ledger::{PrincipalUsage, Tally};

/// What a statement is in a policy for. Statements of different parts are never merged, so that one part can be taken out by
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Was used, and may well be used again.
    Recurring,
    /// Was used to set something up, it seems, and then no more.
    OneOff,
    /// Was not used: it follows from what was.
    Inferred,
}

/// The policy of one principal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order; each within the quota's characters. None where nothing was used.
    pub documents: Vec<PolicyDocument>,
    /// Of each document, what each of its statements is in it for.
    pub parts: Vec<Vec<Part>>,
    /// Whatever the documents allow beyond what was used, sorted by resource and rule.
    pub widened: Vec<Widening>,
    /// What was used to set something up, it seems, sorted, however it is granted.
    pub one_off: Vec<SetUp>,
    /// What the conditions rest on that all calls satisfied, those that are offered too.
    pub supports: Vec<Support>,
    /// How many documents there are more than the quota takes.
    pub excess: usize,
    /// What to tell the reader beside: what was left out, what does not fit.
    pub notes: Vec<String>,
}

/// What makes the role that a service keeps for itself.
const CREATE_SERVICE_LINKED_ROLE: Action = Action::known("iam:CreateServiceLinkedRole");

/// What is to be granted to a principal, before it is put into documents.
struct Tailored<'u> {
    allowed: Vec<Allowed<'u>>,
    /// What follows from it.
    inferred: Vec<Grant>,
    widened: Vec<Widening>,
    /// As [`Plan::one_off`].
    one_off: Vec<SetUp>,
    /// As [`Plan::supports`].
    supports: Vec<Support>,
    notes: Vec<String>,
}

/// What is granted for one part, under the same conditions.
struct Allowed<'u> {
    part: Part,
    conditions: Vec<Condition>,
    patterns: Patterns<'u>,
}

/// The policy documents that allow what `usage` tells was used, written as `options` say. Denied and inconclusive calls grant
/// nothing.
#[must_use]
pub fn plan(usage: &PrincipalUsage, options: &Options) -> Plan {
    documents(tailored(usage, options), options)
}

/// What allows that `usage` tells was used.
fn tailored<'u>(usage: &'u PrincipalUsage, options: &Options) -> Tailored<'u> {
    let observed = match options.conditions {
        Conditions::Passed => Observed::default(),
        Conditions::Observed { is_role } => Observed::of(usage, is_role),
    };
    let active = usage.active();
    let mut one_off = one_off::found(usage, active);
    let apart: &[SetUp] = match options.one_off {
        OneOff::Keep => &[],
        OneOff::Separate | OneOff::Drop => &one_off,
    };
    let used = used(usage, apart, &observed);
    let seen = Seen::of(usage, active);
    let mut recurring = recurring(usage, &used, &seen, options.resources);
    // What recurs comes first.
    let mut allowed: Vec<Allowed<'u>> = Vec::new();
    let mut left_in: Vec<&Facts<'u>> = Vec::new();
    for (under, facts) in &used {
        let patterns = match recurring.remove(under) {
            Some(patterns) => patterns,
            None => {
                let patterns = writable(usage, facts);
                let rest = one_off::without_allowed(patterns, &under.conditions, &allowed);
                if options.one_off == OneOff::Drop {
                    one_off::mark(&mut one_off, &rest);
                    continue;
                }
                generalise::without_covered(rest)
            }
        };
        allowed.push(Allowed {
            part: under.part,
            conditions: under.conditions.clone(),
            patterns,
        });
        left_in.push(facts);
    }
    let patterns = allowed.iter().map(|allowed| &allowed.patterns);
    let mut widened = widenings(usage, left_in.into_iter().zip(patterns));
    let (mut inferred, mut notes) = (Vec::new(), Vec::new());
    if options.lifecycle {
        let completion = lifecycle::complete(usage, &fit::as_a_person_would(&groups(&allowed)));
        inferred = completion.grants;
        widened.extend(completion.widened);
        notes = completion.notes;
    }
    widened.sort_by(|a, b| (&a.resource, a.rule).cmp(&(&b.resource, b.rule)));
    let cuts = usage.cut.iter();
    widened.extend(cuts.flat_map(|(action, cut)| cut_short(usage, action, cut.depth)));
    notes.extend(service_linked(usage));
    notes.extend(observed.notes().iter().cloned());
    Tailored {
        allowed,
        inferred,
        widened,
        one_off,
        supports: observed.supports(usage),
        notes,
    }
}

fn groups<'g>(allowed: &'g [Allowed<'_>]) -> Vec<Group<'g>> {
    let group = |allowed: &'g Allowed<'_>| Group {
        part: allowed.part,
        conditions: allowed.conditions.clone(),
        facts: allowed
            .patterns
            .iter()
            .map(|(action, granted)| (*action, granted.iter().map(|(r, _)| &**r).collect()))
            .collect(),
    };
    allowed.iter().map(group).collect()
}

/// The documents of what is to be granted.
fn documents(tailored: Tailored<'_>, options: &Options) -> Plan {
    let Fitted {
        split,
        widened,
        excess,
    } = fit::fit(
        &groups(&tailored.allowed),
        &tailored.inferred,
        options.quota(),
        options.action_wildcards,
    );
    let mut plan = Plan {
        documents: split.documents,
        parts: split.parts,
        widened: tailored.widened,
        one_off: tailored.one_off,
        supports: tailored.supports,
        excess,
        notes: tailored.notes,
    };
    plan.widened.extend(widened);
    plan.notes.extend(split.notes);
    plan.notes.extend(one_off::note(&plan.one_off));
    plan
}

/// What a fresh account would ask for besides: some calls make a service-linked role where there is none yet, which is an
/// event of its own where it happens.
fn service_linked(usage: &PrincipalUsage) -> Option<String> {
    if usage.facts.contains_key(&CREATE_SERVICE_LINKED_ROLE) {
        return None;
    }
    let makes =
        |action: &&Action| operation::makes_service_linked_role(action.service(), action.name());
    let calls: Vec<&str> = usage
        .facts
        .keys()
        .filter(makes)
        .map(Action::as_str)
        .collect();
    (!calls.is_empty()).then(|| {
        format!(
            "in an account without the service-linked role that they make, these need {CREATE_SERVICE_LINKED_ROLE} too: {}; the trail shows none being made",
            calls.join(", ")
        )
    })
}

/// What facts are granted for, and how their calls were made.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Under {
    part: Part,
    /// The conditions without which nothing is granted. What may vary is asked of all that has the same, so that other conditions never
    /// widen.
    passed: Vec<Condition>,
    /// All conditions, sorted.
    conditions: Vec<Condition>,
}

/// The facts whose authorisation was passed at least once, by what they are in the policy for and by the conditions that all
/// calls satisfied. `one_off` are those facts, sorted, that stand apart.
fn used<'u>(
    usage: &'u PrincipalUsage,
    one_off: &[SetUp],
    observed: &Observed<'_>,
) -> BTreeMap<Under, Facts<'u>> {
    let mut used: BTreeMap<Under, Facts<'_>> = BTreeMap::new();
    let mut one_off = one_off.iter().peekable();
    for (action, resource, tally) in usage.used() {
        // Both are sorted alike.
        let is_next = |fact: &&SetUp| fact.action == *action && fact.resource == *resource;
        let part = match one_off.next_if(is_next) {
            Some(_) => Part::OneOff,
            None => Part::Recurring,
        };
        let passed = conditions::written(tally);
        let mut conditions = passed.clone();
        conditions.extend(observed.written(action, resource));
        conditions.sort();
        let under = Under {
            part,
            passed,
            conditions,
        };
        minimise::add(used.entry(under).or_default(), action, resource);
    }
    used
}

/// What recurs of `used`, generalised.
fn recurring<'k, 'u>(
    usage: &'u PrincipalUsage,
    used: &'k BTreeMap<Under, Facts<'u>>,
    seen: &Seen<'_>,
    resources: Resources,
) -> BTreeMap<&'k Under, Patterns<'u>> {
    let mut alike: BTreeMap<&[Condition], Vec<(&Under, &Facts<'u>)>> = BTreeMap::new();
    for (under, facts) in used.iter().filter(|(u, _)| u.part == Part::Recurring) {
        alike.entry(&under.passed).or_default().push((under, facts));
    }
    let mut out = BTreeMap::new();
    for parts in alike.into_values() {
        let all = together(parts.iter().map(|(_, facts)| *facts));
        let whole = generalise::generalise(writable(usage, &all), seen, resources);
        match parts[..] {
            [(under, _)] => {
                out.insert(under, whole);
            }
            _ => {
                out.extend(parts.into_iter().map(|(under, facts)| {
                    (under, generalise::as_in(writable(usage, facts), &whole))
                }))
            }
        }
    }
    out
}

/// The facts of all of `parts`, which have none in common.
fn together<'p, 'u: 'p>(parts: impl Iterator<Item = &'p Facts<'u>>) -> Facts<'u> {
    let mut all: BTreeMap<&'u Action, Vec<&'u ResourceArn>> = BTreeMap::new();
    for (action, resources) in parts.flatten() {
        all.entry(action).or_default().extend(resources);
    }
    all.values_mut().for_each(|resources| resources.sort());
    all.into_iter().collect()
}

/// Of each of `resources`, on which `usage` tells that the action was used, what it tells.
fn tallies<'r, 'u>(
    usage: &'r PrincipalUsage,
    action: &Action,
    resources: &'r [&'u ResourceArn],
) -> impl Iterator<Item = (&'u ResourceArn, &'r Tally)> {
    // Both are sorted alike: to go along takes less than to look each of them up.
    let mut known = usage.facts.get(action).into_iter().flatten();
    resources.iter().filter_map(move |resource| {
        let (_, tally) = known.find(|(known, _)| known == resource)?;
        Some((*resource, &**tally))
    })
}

/// The facts of `usage` as a policy can hold them.
fn writable<'u>(usage: &PrincipalUsage, used: &Facts<'u>) -> Patterns<'u> {
    let patterns = used.iter().map(|(action, resources)| {
        let written = |(resource, tally): (&'u ResourceArn, &Tally)| {
            let (pattern, rules) = match generalise::writable(resource) {
                Some(pattern) => (Cow::Owned(pattern), Rules::of(Rule::UnwritableCharacter)),
                None => (Cow::Borrowed(resource), Rules::default()),
            };
            let made = Made {
                rules,
                span: Span::of(&tally.days),
                created: false,
            };
            (pattern, made)
        };
        let mut granted: Granted<'u> = tallies(usage, action, resources).map(written).collect();
        if granted.iter().any(|(_, made)| !made.rules.is_empty()) {
            generalise::tidy(&mut granted);
        }
        (*action, granted)
    });
    patterns.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof, proptest};

    use super::{Plan, plan};
    use crate::generate::options::{ActionWildcards, Conditions, OneOff, Options, Resources};
    use crate::generate::quota::{Quota, Target};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::pattern::covers;
    use crate::usage::ledger::{PrincipalUsage, Tally};

    const SMALL: Options = Options {
        resources: Resources::Balanced,
        one_off: OneOff::Separate,
        lifecycle: false,
        conditions: Conditions::Passed,
        action_wildcards: ActionWildcards::Never,
        quota: Some(Quota {
            characters: 1_000,
            ..Target::Role.quota()
        }),
    };
    const SMALL_EXACT: Options = Options {
        resources: Resources::Exact,
        ..SMALL
    };
    const EXACT: Options = Options {
        quota: None,
        ..SMALL_EXACT
    };

    /// `(action, resource, used)`
    type Fact = (String, String, bool);

    fn usage(facts: &[Fact]) -> PrincipalUsage {
        let mut usage = PrincipalUsage::default();
        for (action, resource, used) in facts {
            let tally: &mut Tally = usage
                .facts
                .entry(Action::parse(action).unwrap())
                .or_default()
                .entry(ResourceArn::from_pattern(resource.as_str()))
                .or_default();
            tally.used += u64::from(*used);
            tally.denied += u64::from(!*used);
        }
        usage
    }

    fn used(facts: &[(&str, &str)]) -> PrincipalUsage {
        let facts: Vec<Fact> = facts
            .iter()
            .map(|(action, resource)| ((*action).to_owned(), (*resource).to_owned(), true))
            .collect();
        usage(&facts)
    }

    #[test]
    fn an_identifier_that_lasts_is_a_name() {
        // (identifiers with the days they were used on, what is granted)
        let every_day = |from: u16, to: u16| (from..=to).collect::<Vec<u16>>();
        for (volumes, expected) in [
            (
                vec![
                    ("vol-0aaaaaaaaaaaaaaaa", every_day(0, 29)),
                    ("vol-0bbbbbbbbbbbbbbbb", every_day(1, 28)),
                ],
                "exact",
            ),
            (
                vec![
                    ("vol-0aaaaaaaaaaaaaaaa", every_day(0, 14)),
                    ("vol-0bbbbbbbbbbbbbbbb", every_day(15, 29)),
                ],
                "volume/*",
            ),
            (
                vec![
                    ("vol-0aaaaaaaaaaaaaaaa", every_day(0, 29)),
                    ("vol-0bbbbbbbbbbbbbbbb", vec![12]),
                ],
                "volume/*",
            ),
            // Too short a time to tell.
            (
                vec![
                    ("vol-0aaaaaaaaaaaaaaaa", every_day(0, 5)),
                    ("vol-0bbbbbbbbbbbbbbbb", every_day(0, 5)),
                ],
                "volume/*",
            ),
        ] {
            let mut usage = PrincipalUsage::default();
            let resources = usage
                .facts
                .entry(Action::known("ec2:DeleteVolume"))
                .or_default();
            for (id, days) in &volumes {
                let arn = format!("arn:aws:ec2:eu-west-1:111122223333:volume/{id}");
                let tally = Tally {
                    used: 1,
                    days: days.as_slice().into(),
                    ..Tally::default()
                };
                resources.insert(ResourceArn::from_pattern(arn), Box::new(tally));
            }
            let plan = plan(&usage, &Options::default());
            let granted: Vec<&str> = granted(&plan)
                .into_iter()
                .map(|(_, resource)| resource)
                .collect();
            match expected {
                "exact" => assert_eq!(granted.len(), 2, "{granted:?}"),
                pattern => assert_eq!(
                    granted,
                    [format!("arn:aws:ec2:eu-west-1:111122223333:{pattern}")]
                ),
            }
        }
    }

    /// Every action with every resource of the documents.
    fn granted(plan: &Plan) -> BTreeSet<(&str, &str)> {
        let statements = plan.documents.iter().flat_map(|d| &d.statements);
        statements
            .flat_map(|s| {
                let each = |a| {
                    s.resources
                        .iter()
                        .map(move |r| (Action::as_str(a), r.as_str()))
                };
                s.actions.iter().flat_map(each)
            })
            .collect()
    }

    /// A matcher of its own: `pattern` in policy syntax against plain text, one row of the table at a time.
    fn matches(pattern: &str, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let mut reach = vec![false; text.len() + 1];
        reach[0] = true;
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            let literal = ["${*}", "${?}", "${$}"].iter().any(|v| rest.starts_with(v));
            let c = if literal {
                rest.as_bytes()[2] as char
            } else {
                c
            };
            rest = &rest[if literal { 4 } else { c.len_utf8() }..];
            let mut next = vec![false; text.len() + 1];
            for at in 0..=text.len() {
                next[at] = if c == '*' && !literal {
                    reach[at] || at > 0 && next[at - 1]
                } else {
                    at > 0 && reach[at - 1] && (c == text[at - 1] || c == '?' && !literal)
                };
            }
            reach = next;
        }
        reach[text.len()]
    }

    #[test]
    fn the_tests_own_matcher_matches() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a?c", "abc", true),
            ("a${*}c", "a*c", true),
            ("a${*}c", "abc", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_deploy_role_gets_a_policy_that_a_person_would_write() {
        let object = |key: &str| format!("arn:aws:s3:::acme-artifacts/{key}");
        let (one, two) = (
            object("web/build-2026-09-01.zip"),
            object("web/build-2026-09-02.zip"),
        );
        let task = "arn:aws:ecs:eu-west-1:111122223333:task/web/0123456789abcdef0123456789abcdef";
        let usage = used(&[
            ("s3:GetObject", &one),
            ("s3:GetObject", &two),
            ("s3:PutObject", &two),
            ("s3:ListBucket", "arn:aws:s3:::acme-artifacts"),
            ("ecs:StopTask", task),
            ("ecr:GetAuthorizationToken", "*"),
            ("iam:PassRole", "arn:aws:iam::111122223333:role/ci/web-task"),
        ]);
        let plan = plan(&usage, &Options::default());
        let statements: Vec<String> = plan.documents[0]
            .statements
            .iter()
            .map(|s| serde_json::to_string(s).unwrap().replace('"', ""))
            .collect();
        assert_eq!(plan.documents.len(), 1);
        assert_eq!(
            statements,
            [
                "{Sid:EcrGetAuthorizationToken,Effect:Allow,Action:ecr:GetAuthorizationToken,Resource:*}",
                "{Sid:EcsStopTaskWeb,Effect:Allow,Action:ecs:StopTask,Resource:arn:aws:ecs:eu-west-1:111122223333:task/web/*}",
                "{Sid:IamPassRoleWebTask,Effect:Allow,Action:iam:PassRole,Resource:arn:aws:iam::111122223333:role/ci/web-task}",
                "{Sid:S3GetObjectAcmeArtifacts,Effect:Allow,Action:s3:GetObject,Resource:arn:aws:s3:::acme-artifacts/web/build-*.zip}",
                "{Sid:S3ListBucketAcmeArtifacts,Effect:Allow,Action:s3:ListBucket,Resource:arn:aws:s3:::acme-artifacts}",
                "{Sid:S3PutObjectAcmeArtifacts,Effect:Allow,Action:s3:PutObject,Resource:arn:aws:s3:::acme-artifacts/web/build-*.zip}",
            ]
        );
        let widened: Vec<_> = plan
            .widened
            .iter()
            .map(|w| (w.rule, w.actions.len(), w.values, w.examples.clone()))
            .collect();
        assert_eq!(
            widened,
            [
                ("generated-identifier", 1, 1, vec![task.to_owned()]),
                ("dated-name", 2, 2, vec![one, two]),
            ]
        );
    }

    #[test]
    fn a_fact_that_another_one_covers_is_not_written_and_not_widened() {
        let volumes = "arn:aws:ec2:eu-west-1:111122223333:volume/";
        let all = format!("{volumes}*");
        let one = format!("{volumes}vol-0123456789abcdef0");
        let usage = used(&[
            ("ec2:CreateTags", &all),
            ("ec2:CreateTags", &one),
            ("ec2:AttachVolume", &one),
        ]);
        let plan = plan(&usage, &Options::default());
        assert_eq!(
            granted(&plan),
            BTreeSet::from([("ec2:AttachVolume", all.as_str()), ("ec2:CreateTags", &all)])
        );
        assert_eq!(plan.widened.len(), 1);
        assert_eq!(plan.widened[0].actions, [Action::known("ec2:AttachVolume")]);
        assert_eq!(
            plan.widened[0].admits,
            "every volume that the ARN's account and region hold, now and later"
        );
    }

    #[test]
    fn a_reader_of_delivered_logs_gets_one_pattern() {
        // Not every random word looks random: the third has few digits. The pattern of the others covers it.
        let folder = "arn:aws:s3:::logs/AWSLogs/111122223333/CloudTrail/eu-west-1";
        let words = ["Ab3dEf6hIj9lMn2p", "q1W2e3R4t5Y6u7I8", "abcdefghIJKLMNo1"];
        let keys: Vec<String> = (1..)
            .zip(words)
            .map(|(day, word)| {
                format!(
                    "{folder}/2026/09/{day:02}/111122223333_CloudTrail_eu-west-1_202609{day:02}T0005Z_{word}.json.gz"
                )
            })
            .collect();
        let facts: Vec<_> = keys
            .iter()
            .map(|key| ("s3:GetObject", key.as_str()))
            .collect();
        let plan = plan(&used(&facts), &Options::default());
        let pattern = format!("{folder}/*/111122223333_CloudTrail_eu-west-1_*_*.json.gz");
        assert_eq!(
            granted(&plan),
            BTreeSet::from([("s3:GetObject", pattern.as_str())])
        );
        let rules: Vec<_> = plan.widened.iter().map(|w| (w.rule, w.values)).collect();
        assert_eq!(rules, [("dated-name", 3), ("generated-identifier", 3)]);
    }

    #[test]
    fn even_an_exact_policy_says_where_it_cannot_be_exact() {
        let plan = plan(
            &used(&[("s3:GetObject", "arn:aws:s3:::b/\u{2192}")]),
            &EXACT,
        );
        assert_eq!(
            granted(&plan),
            BTreeSet::from([("s3:GetObject", "arn:aws:s3:::b/?")])
        );
        assert_eq!(plan.widened[0].rule, "unwritable-character");
        assert_eq!(plan.widened[0].examples, ["arn:aws:s3:::b/\u{2192}"]);
    }

    #[test]
    fn nothing_used_is_no_document() {
        let usage = usage(&[("s3:GetObject".into(), "arn:aws:s3:::b/k".into(), false)]);
        assert_eq!(plan(&usage, &Options::default()), Plan::default());
    }

    /// A quadratic step would take minutes.
    #[test]
    fn thousands_of_keys_are_no_burden() {
        let scattered = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let letters = |i: u64| -> String {
            (0..8)
                .map(|n| char::from(b'a' + u8::try_from(scattered(i) >> (8 * n) & 15).unwrap()))
                .collect()
        };
        let kinds: [&dyn Fn(u64) -> String; 4] = [
            &|i| format!("{:016x}{:016x}.json", scattered(i), i),
            &|i| format!("users/{}/{}", letters(i / 3), letters(i + 7)),
            &|i| format!("2026/{:02}/{:02}/part-{i}", i % 12 + 1, i % 28 + 1),
            &letters,
        ];
        for kind in kinds {
            let facts: Vec<Fact> = (0..20_000)
                .map(|i| {
                    (
                        "s3:GetObject".to_owned(),
                        format!("arn:aws:s3:::b/{}", kind(i)),
                        true,
                    )
                })
                .collect();
            let plan = plan(&usage(&facts), &Options::default());
            assert_eq!((plan.documents.len(), plan.widened[0].values), (1, 20_000));
        }
    }

    fn resource() -> impl Strategy<Value = String> {
        let word =
            "[a-c]{1,2}|[0-9]{1,3}|2026-0[1-9]-[12][0-9]|x-[a-f0-9]{17}|é\u{2192}|a[$][{][*][}]";
        let path = prop::collection::vec(word, 1..4);
        let arn = prop_oneof![
            Just("arn:aws:s3:::b/"),
            Just("arn:aws:s3:::c/"),
            Just("arn:aws:ec2:eu-west-1:111122223333:instance/"),
            Just("arn:aws:sqs:eu-west-1:111122223333:"),
        ];
        prop_oneof![
            9 => (arn, path).prop_map(|(arn, path)| format!("{arn}{}", path.join("/"))),
            1 => Just("*".to_owned()),
        ]
    }

    fn facts() -> impl Strategy<Value = Vec<Fact>> {
        let action = prop_oneof![
            Just("s3:GetObject"),
            Just("s3:PutObject"),
            Just("ec2:StopInstances"),
            Just("sqs:SendMessage"),
        ];
        let fact = (
            action.prop_map(str::to_owned),
            resource(),
            prop::bool::weighted(0.8),
        );
        prop::collection::vec(fact, 0..150)
    }

    /// A resource's plain text, as a request would name it.
    fn plain(resource: &str) -> String {
        resource.replace("${*}", "*")
    }

    proptest! {
        // Each case is up to 150 facts.
        #![proptest_config(ProptestConfig::with_cases(80))]

        #[test]
        fn every_used_fact_is_granted_and_no_other_action(facts in facts()) {
            let plan = plan(&usage(&facts), &SMALL);
            let granted = granted(&plan);
            for (action, resource, _) in facts.iter().filter(|f| f.2) {
                let held = granted
                    .iter()
                    .any(|(a, r)| a == action && matches(r, &plain(resource)));
                assert!(held, "{action} on {resource}");
            }
            for (action, _) in &granted {
                assert!(facts.iter().any(|f| f.0 == *action && f.2), "{action} was never used");
            }
            assert!(plan.documents.iter().all(|d| d.size() <= 1_000));
            assert!(granted.iter().all(|(_, r)| r.chars().all(|c| ('\t'..='\u{ff}').contains(&c))));
            // Whatever is not a fact is listed.
            for (action, resource) in &granted {
                let fact = facts.iter().any(|f| f.2 && f.0 == *action && f.1 == *resource);
                let listed = plan.widened.iter().any(|w| {
                    w.resource.as_str() == *resource && w.actions.iter().any(|a| a.as_str() == *action)
                });
                assert!(fact || listed, "{action} on {resource} is neither used nor listed");
            }
        }

        #[test]
        fn no_pattern_leaves_its_service_account_type_or_bucket(facts in facts()) {
            let plan = plan(&usage(&facts), &Options::default());
            for (_, resource) in granted(&plan) {
                let rooted = ["arn:aws:s3:::b/", "arn:aws:s3:::c/", "arn:aws:ec2:eu-west-1:111122223333:instance/", "arn:aws:sqs:eu-west-1:111122223333:"]
                    .iter()
                    .any(|root| resource.starts_with(root));
                assert!(rooted || resource == "*", "{resource}");
            }
        }

        #[test]
        fn the_order_of_facts_does_not_show(
            (facts, shuffled) in facts().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())),
        ) {
            let of = |facts: &[Fact]| plan(&usage(facts), &SMALL);
            assert_eq!(of(&facts), of(&shuffled));
        }

        #[test]
        fn an_exact_plan_grants_the_used_facts_and_nothing_else(facts in facts()) {
            let facts: Vec<Fact> = facts.into_iter().filter(|f| !f.1.contains('\u{2192}')).collect();
            let plan = plan(&usage(&facts), &SMALL_EXACT);
            assert_eq!(plan.widened, []);
            let used = |action: &str, resource: &str| {
                facts.iter().any(|f| f.2 && f.0 == action && f.1 == resource)
            };
            let granted = granted(&plan);
            for (action, resource) in &granted {
                assert!(used(action, resource), "{action} on {resource}");
            }
            for (action, resource, _) in facts.iter().filter(|f| f.2) {
                let all = used(action, "*") && granted.contains(&(action.as_str(), "*"));
                assert!(all || granted.contains(&(action.as_str(), resource.as_str())));
            }
        }

        /// Facts with days, of names that come and go.
        #[test]
        fn each_setting_grants_what_the_one_before_it_does_and_lists_the_rest(
            facts in dated(),
        ) {
            let mut usage = usage(&facts.iter().map(|(fact, _)| fact.clone()).collect::<Vec<_>>());
            for ((action, resource, _), days) in &facts {
                let resources = usage.facts.get_mut(&Action::parse(action).unwrap()).unwrap();
                let tally = resources.get_mut(&ResourceArn::from_pattern(resource.as_str())).unwrap();
                tally.days.extend(days.iter().copied());
                tally.days.sort_unstable();
                tally.days.dedup();
            }
            let settings = [Resources::Exact, Resources::Balanced, Resources::Broad];
            let plans = settings.map(|resources| plan(&usage, &Options { resources, ..SMALL }));
            for (narrow, wide) in plans.iter().zip(&plans[1..]) {
                let wide = granted(wide);
                for (action, resource) in granted(narrow) {
                    let held = wide.iter().any(|(a, r)| *a == action && covers(r, resource));
                    assert!(held, "{action} on {resource}: {wide:?}");
                }
            }
            for plan in &plans {
                for (action, resource) in granted(plan) {
                    let fact = facts.iter().any(|((a, r, used), _)| *used && a == action && r == resource);
                    let listed = plan.widened.iter().any(|w| {
                        w.resource.as_str() == resource && w.actions.iter().any(|a| a.as_str() == action)
                    });
                    assert!(fact || listed, "{action} on {resource} is neither used nor listed");
                    let roots = ["arn:aws:lambda:eu-west-1:111122223333:function:", "arn:aws:s3:::b/", "arn:aws:sqs:eu-west-1:111122223333:p"];
                    assert!(roots.iter().any(|root| resource.starts_with(root)), "{resource}");
                }
                for widening in &plan.widened {
                    assert!(widening.days > 0 && widening.values > 0, "{widening:?}");
                }
            }
        }
    }

    fn dated() -> impl Strategy<Value = Vec<(Fact, Vec<u16>)>> {
        let action = prop_oneof![
            Just("lambda:CreateFunction"),
            Just("lambda:GetFunction"),
            Just("lambda:AddPermission"),
        ];
        let name = "p(review)?-([0-9]{1,3}|[a-d]|2026-0[1-9]-11|[0-9a-f]{7})(-[xy])?";
        let function = (action, name).prop_map(|(action, name)| {
            (
                action,
                format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}"),
            )
        });
        let action = prop_oneof![
            Just("s3:GetObject"),
            Just("s3:PutObject"),
            Just("s3:PutObjectAcl")
        ];
        let key = (action, "[a-c]/[a-d]{0,2}[0-9]?/(x|y|z|[0-9a-f]{7})[.]csv");
        let key = key.prop_map(|(action, key)| (action, format!("arn:aws:s3:::b/{key}")));
        let queue = "p-[a-z]".prop_map(|name| {
            (
                "sqs:SendMessage",
                format!("arn:aws:sqs:eu-west-1:111122223333:{name}"),
            )
        });
        let fact = prop_oneof![3 => function, 3 => key, 1 => queue];
        let fact = fact.prop_map(|(action, resource)| (action.to_owned(), resource, true));
        prop::collection::vec((fact, prop::collection::vec(0_u16..40, 1..4)), 0..120)
    }
}
