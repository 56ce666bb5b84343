//! The only place where a policy grows beyond what was used: named rules, each explained in one sentence.
//!
//! | rule | in one sentence |
//! |---|---|
//! | `unwritable-character` | a character that no policy may hold becomes `?` |
//! | `dated-name` | a date or time becomes `*`, because tomorrow has another one |
//! | `generated-identifier` | an identifier that a machine made becomes `*` once two were seen to come or go in its place, or one where AWS makes one for each use |
//! | `numbered-name` | a number becomes `*` once five were seen in its place, unless they are the same ones all the time; of a version the major number stays where there was one only |
//! | `renewed-names` | names in one place become their stem and `*` where a list of them made at half time would have missed some later |
//! | `own-creations` | the same of names that the principal gives to what it creates itself, for all that it does with that, on less evidence |
//! | `large-family` | more than twenty names in one place become their stem and `*` where the time is too short to tell whether new ones come |
//! | `crowded-folder` | resources left in one folder become the folder and `*` where new ones keep coming, or the time is too short to tell and they are more than a hundred |
//!
//! How much evidence it takes is in [`Bar`]: more for what writes than for what reads, and for what says who may do what none is
//! enough but that AWS names a thing anew for each use, or that the principal creates it itself, one after another. Each setting begins with what the one before it made.
//!
//! No rule crosses a partition, service, region, account, resource type or bucket, or touches an account's id inside a
//! name. What carries authority (identities, permission sets) is not generalised for an action that does more than
//! read, but for the names of what the principal creates itself.
//!
//! Evidence for shapes is taken from all actions of a principal together, so that reading and writing the same keys
//! stays one statement; evidence for names from actions of the same risk or a higher one, so that reading a thousand objects never
//! widens what may be deleted. Both are functions of the set of facts: the order of events does not show.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::generate::access::Access;
use crate::generate::bar::Bar;
use crate::generate::creations::Creations;
use crate::generate::lasting::lasting;
use crate::generate::options::Resources;
use crate::generate::turnover::Span;
use crate::generate::{evidence, minimise, names};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::policy::may_hold;
use crate::usage::ledger::PrincipalUsage;

/// A rule that widens. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    UnwritableCharacter,
    DatedName,
    GeneratedIdentifier,
    NumberedName,
    RenewedNames,
    OwnCreations,
    LargeFamily,
    CrowdedFolder,
}

/// The rules that had a hand in a pattern, as bits; none for a resource as it was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules(u8);

impl Rules {
    pub(super) fn of(rule: Rule) -> Self {
        Self(1 << rule as u8)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Rule> {
        let has = move |rule: &Rule| self.0 & Self::of(*rule).0 != 0;
        Rule::ALL.into_iter().filter(has)
    }
}

/// How a pattern came to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) rules: Rules,
    /// When what it stands for was used.
    pub(super) span: Option<Span>,
    /// Whether the principal creates all that it stands for.
    pub(super) created: bool,
}

impl Made {
    /// That of a pattern that stands for what either stands for.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            rules: self.rules.and(other.rules),
            span: Span::join(self.span, other.span),
            created: self.created && other.created,
        }
    }
}

/// The patterns that one action is granted, and how each came to be: sorted, each once.
pub(super) type Granted<'u> = Vec<(Cow<'u, ResourceArn>, Made)>;

/// For each action what it is granted; sorted.
pub(super) type Patterns<'u> = Vec<(&'u Action, Granted<'u>)>;

/// Sorts `granted` and makes one of those that are the same.
pub(super) fn tidy(granted: &mut Granted<'_>) {
    granted.sort_by(|(a, _), (b, _)| a.cmp(b));
    granted.dedup_by(|(same, more), (pattern, made)| {
        let is_same = same == pattern;
        if is_same {
            *made = made.and(*more);
        }
        is_same
    });
}

impl Rule {
    const ALL: [Self; 8] = [
        Self::UnwritableCharacter,
        Self::DatedName,
        Self::GeneratedIdentifier,
        Self::NumberedName,
        Self::RenewedNames,
        Self::OwnCreations,
        Self::LargeFamily,
        Self::CrowdedFolder,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UnwritableCharacter => "unwritable-character",
            Self::DatedName => "dated-name",
            Self::GeneratedIdentifier => "generated-identifier",
            Self::NumberedName => "numbered-name",
            Self::RenewedNames => "renewed-names",
            Self::OwnCreations => "own-creations",
            Self::LargeFamily => "large-family",
            Self::CrowdedFolder => "crowded-folder",
        }
    }

    /// What the rule newly allows, in words.
    pub(super) fn admits(self, pattern: &ResourceArn) -> String {
        if let Some(parts) = pattern.parts()
            && let Some(kind) = parts.resource.strip_suffix(['*'])
            && let Some(kind) = kind.strip_suffix(['/', ':'])
            && !kind.is_empty()
            && !kind.contains(['/', ':', '*', '?'])
            && self != Self::UnwritableCharacter
        {
            return if parts.service == "s3" && parts.account.is_empty() {
                format!("every object in the bucket {kind}, now and later")
            } else {
                format!("every {kind} that the ARN's account and region hold, now and later")
            };
        }
        match self {
            Self::UnwritableCharacter => "any one character in the place of each `?`",
            Self::DatedName => "any text in the place of the date, `/` included",
            Self::GeneratedIdentifier => "any text in the place of the identifier, `/` included",
            Self::NumberedName => "any text in the place of the number, `/` included",
            Self::RenewedNames | Self::OwnCreations | Self::LargeFamily => {
                "every other name in this place, now and later, `/` included"
            }
            Self::CrowdedFolder => "everything below the folder, now and later",
        }
        .to_owned()
    }
}

/// `resource` with each character that a policy may not hold as `?`; `None` where it holds none.
pub(super) fn writable(resource: &ResourceArn) -> Option<ResourceArn> {
    let text = resource.as_str();
    // All bytes without a look at the others, which takes many at once.
    let odd = |odd: bool, b: u8| odd | !(b' '..=b'\x7f').contains(&b);
    if !text.bytes().fold(false, odd) || text.chars().all(may_hold) {
        return None;
    }
    let written: String = text
        .chars()
        .map(|c| if may_hold(c) { c } else { '?' })
        .collect();
    Some(ResourceArn::from_pattern(written))
}

/// What all that a principal used tells of any one of its resources.
pub(super) struct Seen<'u> {
    /// The resources in use from beginning to end.
    pub(super) lasting: BTreeSet<&'u ResourceArn>,
    /// The day on which the principal was last seen.
    pub(super) end: Option<u16>,
    /// What it creates itself.
    pub(super) creations: Creations<'u>,
}

impl<'u> Seen<'u> {
    /// `active` as [`PrincipalUsage::active`] gives it.
    pub(super) fn of(usage: &'u PrincipalUsage, active: Option<(u16, u16)>) -> Self {
        Self {
            lasting: lasting(usage, active),
            end: active.map(|(_, last)| last),
            creations: Creations::of(usage),
        }
    }
}

/// Applies every rule but [`Rule::UnwritableCharacter`], as far as `resources` goes.
pub(super) fn generalise<'u>(
    mut patterns: Patterns<'u>,
    seen: &Seen<'_>,
    resources: Resources,
) -> Patterns<'u> {
    // Of what is made of them it follows from them.
    let mut creations = Some(&seen.creations);
    let settings = [Resources::Balanced, Resources::Broad];
    for setting in settings.into_iter().filter(|setting| *setting <= resources) {
        patterns = without_covered(patterns);
        let bar = Bar::of(Access::Read, setting);
        patterns = evidence::by_shape(patterns, seen, creations.take(), bar);
        patterns = names::by_names(patterns, seen, setting);
    }
    without_covered(patterns)
}

/// `part`, some of what was used, as it is in `whole`, which was made of all that was: the patterns that a rule made stand for what they
/// cover.
pub(super) fn as_in<'u>(part: Patterns<'u>, whole: &Patterns<'u>) -> Patterns<'u> {
    let rewritten = |(action, granted): (&'u Action, Granted<'u>)| {
        let Ok(at) = whole.binary_search_by_key(&action, |(action, _)| action) else {
            return (action, granted);
        };
        let whole = &whole[at].1;
        let ruled = whole.iter().enumerate();
        let ruled = ruled
            .filter(|(_, (_, made))| made.rules.iter().any(|r| r != Rule::UnwritableCharacter));
        let wildcards = minimise::Wildcards::among(
            ruled.map(|(place, (pattern, _))| (place, pattern.as_str())),
        );
        let mut places = BTreeSet::new();
        let mut rewritten: Granted<'u> = granted
            .into_iter()
            .filter(|(resource, _)| {
                let mut covering = wildcards.covering(resource.as_str()).peekable();
                let is_left = covering.peek().is_none();
                places.extend(covering);
                is_left
            })
            .collect();
        rewritten.extend(places.into_iter().map(|place| whole[place].clone()));
        rewritten.sort_by(|(a, _), (b, _)| a.cmp(b));
        (action, rewritten)
    };
    without_covered(part.into_iter().map(rewritten).collect())
}

/// `patterns` without those of an action that another one of its own covers.
pub(super) fn without_covered(patterns: Patterns<'_>) -> Patterns<'_> {
    patterns
        .into_iter()
        .map(|(action, granted)| (action, minimise::without_covered(granted)))
        .collect()
}

/// Services whose resources say who may do what: identities, permission sets, accounts and their policies.
const AUTHORITY: &[&str] = &["iam", "identitystore", "organizations", "sso"];

/// Whether resources of `service` must stay as they are for `action`: they carry authority, and the action does more than
/// read.
pub(super) fn keeps_exact(action: &Action, service: &str) -> bool {
    is_authority(service) && !(is_authority(action.service()) && Access::of(action) == Access::Read)
}

/// Whether `service` is one whose resources say who may do what.
pub(super) fn is_authority(service: &str) -> bool {
    AUTHORITY.contains(&service)
}

/// `pattern` with `*/*` as `*`: a star matches `/` too, so a chain of them only looks stricter.
pub(super) fn without_chains(pattern: &str) -> ResourceArn {
    let mut folders: Vec<&str> = Vec::new();
    for folder in pattern.split('/') {
        let after_star = folders
            .last()
            .is_some_and(|f| *f == "*" || f.ends_with(":*"));
        if folder != "*" || !after_star {
            folders.push(folder);
        }
    }
    ResourceArn::from_pattern(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Granted, Made, Rule, Rules, Seen, Span, generalise, writable};
    use crate::generate::options::Resources;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::usage::ledger::{PrincipalUsage, Tally};

    const EC2: &str = "arn:aws:ec2:eu-west-1:111122223333:";
    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/";
    const IDS: [&str; 2] = [
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "9b2f7c4e-0d1a-4e6b-8c3d-5a7e9f102b34",
    ];

    /// An action, a resource and the days on which it was used.
    type Fact = (&'static str, String, Vec<u16>);

    /// What `generalise` makes of the resources of each action, with the rules behind each pattern.
    fn made_of(facts: &[Fact], setting: Resources) -> BTreeMap<String, Vec<String>> {
        let mut usage = PrincipalUsage::default();
        for (action, resource, days) in facts {
            let tally = Tally {
                used: days.len().max(1) as u64,
                days: days.as_slice().into(),
                ..Tally::default()
            };
            let action = usage.facts.entry(Action::parse(action).unwrap());
            let resource = ResourceArn::from_pattern(resource.as_str());
            action.or_default().insert(resource, Box::new(tally));
        }
        let exact = usage.facts.iter().map(|(action, resources)| {
            let granted = resources.iter().map(|(resource, tally)| {
                let made = Made {
                    span: Span::of(&tally.days),
                    ..Made::default()
                };
                (Cow::Borrowed(resource), made)
            });
            (action, granted.collect())
        });
        let patterns = generalise(exact.collect(), &Seen::of(&usage, usage.active()), setting);
        let shown = |(action, granted): (&Action, Granted<'_>)| {
            let rules = |rules: Rules| -> String {
                rules.iter().map(|r| format!(" {}", r.name())).collect()
            };
            let granted = granted.iter();
            let granted = granted.map(|(r, made)| format!("{}{}", r.as_str(), rules(made.rules)));
            (action.to_string(), granted.collect())
        };
        patterns.into_iter().map(shown).collect()
    }

    /// The same without times.
    fn all_made(facts: &[(&'static str, Vec<String>)]) -> BTreeMap<String, Vec<String>> {
        let facts = facts.iter().flat_map(|(action, resources)| {
            let resources = resources.iter();
            resources.map(|resource| (*action, resource.clone(), Vec::new()))
        });
        made_of(&facts.collect::<Vec<_>>(), Resources::Balanced)
    }

    /// What the three settings make of one action's resources, of which each was used on these days.
    fn settings(
        action: &'static str,
        resource: impl Fn(u16) -> String,
        uses: &[(u16, Vec<u16>)],
    ) -> [Vec<String>; 3] {
        let facts = uses.iter();
        let facts = facts.map(|(i, days)| (action, resource(*i), days.clone()));
        let facts: Vec<Fact> = facts.collect();
        [Resources::Exact, Resources::Balanced, Resources::Broad].map(|setting| {
            let mut made = made_of(&facts, setting);
            made.remove(action).unwrap_or_default()
        })
    }

    /// The same of one action.
    fn made(action: &'static str, resources: impl IntoIterator<Item = String>) -> Vec<String> {
        all_made(&[(action, resources.into_iter().collect())])
            .remove(action)
            .unwrap()
    }

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|k| format!("arn:aws:s3:::b/{k}")).collect()
    }

    fn series(count: usize, name: impl Fn(usize) -> String) -> Vec<String> {
        (0..count).map(name).collect()
    }

    /// Words without digits, of which no two share a stem.
    fn word(i: usize) -> String {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
        [letter(i), letter(i / 26), letter(i / 676), 'x']
            .iter()
            .collect()
    }

    #[test]
    fn shapes_in_object_keys() {
        let [a, b] = IDS;
        let (first, second) = (format!("2026/09/01/{a}"), format!("2026/09/02/{b}"));
        for (given, expected) in [
            // One date is enough.
            (
                vec!["db-2026-09-01.sql.gz".into()],
                vec!["db-*.sql.gz dated-name"],
            ),
            (vec!["l/2026/09/01/x".into()], vec!["l/*/x dated-name"]),
            // One identifier could be the only one there is; two are not.
            (
                vec![format!("t/{a}.json")],
                vec!["t/3f2504e0-4f89-11d3-9a0c-0305e82c3301.json"],
            ),
            (
                vec![format!("t/{a}.json"), format!("t/{b}.json")],
                vec!["t/*.json generated-identifier"],
            ),
            // Two in other places are not two in one.
            (
                vec![format!("t/{a}.json"), format!("u/{b}.json")],
                vec![
                    "t/3f2504e0-4f89-11d3-9a0c-0305e82c3301.json",
                    "u/9b2f7c4e-0d1a-4e6b-8c3d-5a7e9f102b34.json",
                ],
            ),
            // What does not vary stays, even if it looks generated.
            (
                vec![format!("{a}/{a}"), format!("{a}/{b}")],
                vec!["3f2504e0-4f89-11d3-9a0c-0305e82c3301/* generated-identifier"],
            ),
            (
                vec![format!("2026/09/01/{a}"), format!("2026/09/02/{b}")],
                vec![&first, &second],
            ),
            // A shape alone never opens a bucket.
            (vec!["2026-09-01".into()], vec!["2026-09-01"]),
            (vec![a.into(), b.into()], vec![a, b]),
            // Five numbers make a series, four do not.
            (
                series(5, |i| format!("build-{i}.zip")),
                vec!["build-*.zip numbered-name"],
            ),
            (series(4, |i| format!("v{i}")), vec!["v0", "v1", "v2", "v3"]),
            // The major number of a version stays where there was one only.
            (
                series(5, |i| format!("v1.{i}.0/x")),
                vec!["v1.*/x numbered-name"],
            ),
            (
                series(5, |i| format!("v{}.{i}.0/x", i / 3)),
                vec!["v*/x numbered-name"],
            ),
            // The number that does not vary stays.
            (
                series(9, |i| format!("v2/part-{i:04}.csv")),
                vec!["v2/part-*.csv numbered-name"],
            ),
            // An account's id in a key is an account.
            (
                series(9, |i| format!("AWSLogs/11112222333{i}/x")),
                (0..9)
                    .map(|i| {
                        [
                            "AWSLogs/111122223330/x",
                            "AWSLogs/111122223331/x",
                            "AWSLogs/111122223332/x",
                            "AWSLogs/111122223333/x",
                            "AWSLogs/111122223334/x",
                            "AWSLogs/111122223335/x",
                            "AWSLogs/111122223336/x",
                            "AWSLogs/111122223337/x",
                            "AWSLogs/111122223338/x",
                        ][i]
                    })
                    .collect(),
            ),
            // A literal star is text.
            (
                vec!["a${*}b/2026-09-01".into()],
                vec!["a${*}b/* dated-name"],
            ),
            (
                vec!["a/path/of/words.txt".into()],
                vec!["a/path/of/words.txt"],
            ),
        ] {
            let given: Vec<&str> = given.iter().map(String::as_str).collect();
            assert_eq!(made("s3:GetObject", keys(&given)), keys(&expected));
        }
    }

    #[test]
    fn what_aws_makes_for_each_use_is_generalised_at_once() {
        for (given, expected) in [
            (
                format!("{EC2}instance/i-0123456789abcdef0"),
                format!("{EC2}instance/*"),
            ),
            (
                format!(
                    "arn:aws:ecs:eu-west-1:1:task/web/{}",
                    "0123456789abcdef".repeat(2)
                ),
                "arn:aws:ecs:eu-west-1:1:task/web/*".into(),
            ),
            (
                format!("arn:aws:cloudformation:eu-west-1:1:stack/app/{}", IDS[0]),
                "arn:aws:cloudformation:eu-west-1:1:stack/app/*".into(),
            ),
        ] {
            assert_eq!(
                made("x:Y", [given]),
                [format!("{expected} generated-identifier")]
            );
        }
        let stream = "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f:log-stream:";
        let of = |day: &str, id: &str| format!("{stream}{day}/[${{$}}LATEST]{}", id.repeat(8));
        assert_eq!(
            made(
                "logs:PutLogEvents",
                [of("2026/09/01", "0a1b"), of("2026/09/02", "c2d3")]
            ),
            [format!("{stream}* dated-name generated-identifier")]
        );
    }

    #[test]
    fn who_may_use_a_snapshot_is_not_opened_by_one() {
        let snapshot = |i: usize| format!("{EC2}snapshot/snap-{i:017x}");
        let shared = |count| (0..count).map(|i| ("ec2:ModifySnapshotAttribute", snapshot(i)));
        for setting in [Resources::Balanced, Resources::Broad] {
            for (count, left) in [(1, snapshot(0)), (2, format!("{EC2}snapshot/*"))] {
                let reads = (0..9).map(|i| ("ec2:GetSnapshotBlock", snapshot(i)));
                let facts = shared(count).chain(reads);
                let facts: Vec<Fact> = facts.map(|(a, r)| (a, r, Vec::new())).collect();
                let made = made_of(&facts, setting);
                let found = &made["ec2:ModifySnapshotAttribute"];
                assert_eq!(found.len(), 1);
                assert!(found[0].starts_with(&left), "{found:?}");
            }
        }
    }

    #[test]
    fn what_alone_names_a_resource_stays_exact() {
        let id = |i: usize| format!("{i:08x}-4f89-11d3-9a0c-0305e82c3301");
        for name in [
            &|i| format!("arn:aws:s3:::bucket-{i}-2026-09-{:02}", i + 1),
            &|i| format!("arn:aws:s3:::bucket-{i}/same"),
            &|i| format!("{KEY}{}", id(i)),
            &|i| format!("{EC2}vpc/vpc-0123456789abcde{i:02}"),
            &|i| format!("{EC2}subnet/subnet-0123456789abcde{i:02}"),
            &|i| format!("{EC2}security-group/sg-0123456789abcde{i:02}"),
            &|i| format!("arn:aws:iam::111122223333:role/deploy-{i}"),
            &|i| format!("arn:aws:dynamodb:eu-west-1:111122223333:table/orders-{i}"),
            &|i| format!("arn:aws:sqs:eu-west-1:111122223333:orders-{i}"),
            &|i| format!("arn:aws:sqs:eu-west-1:{i:012}:orders"),
            &|i| format!("arn:aws:sqs:eu-west-{i}:111122223333:orders"),
        ] as [&dyn Fn(usize) -> String; 11]
        {
            let mut given = series(20, name);
            given.sort();
            assert_eq!(made("x:Y", given.clone()), given);
        }
    }

    #[test]
    fn only_a_large_family_generalises_names() {
        let function = "arn:aws:lambda:eu-west-1:111122223333:function:";
        let stemmed = |n| series(n, |i| format!("{function}api-{}", word(i)));
        let bare = |n| series(n, |i| format!("{function}{}", word(i)));
        let dated = |n| series(n, |i| format!("{function}resize-2026-{:02}-28", i + 7));
        let keys = |n| series(n, |i| format!("{KEY}{i:08x}-4f89-11d3-9a0c-0305e82c3301"));
        let vpcs = |n| series(n, |i| format!("{EC2}vpc/vpc-{i:017x}"));
        let queues = |n| {
            series(n, |i| {
                format!("arn:aws:sqs:eu-west-1:111122223333:{}", word(i))
            })
        };
        for (given, expected) in [
            (stemmed(20), None),
            (stemmed(21), Some(format!("{function}api-*"))),
            // The type alone is never left.
            (bare(151), None),
            (keys(151), None),
            (vpcs(151), None),
            // Dates in a name that alone names a resource, of which several were seen.
            (dated(4), None),
            (dated(5), Some(format!("{function}resize-*"))),
            // Without a type there is nothing to put before a bare star.
            (queues(300), None),
        ] {
            let found = made("x:Y", given.clone());
            let wanted = expected.map_or_else(
                || {
                    given
                        .into_iter()
                        .collect::<BTreeSet<_>>()
                        .into_iter()
                        .collect()
                },
                |pattern| vec![format!("{pattern} large-family")],
            );
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_family_keeps_what_its_members_share() {
        let given = series(30, |i| {
            format!("arn:aws:s3:::b/users/{}/photo.jpg", word(i))
        });
        assert_eq!(
            made("s3:GetObject", given),
            ["arn:aws:s3:::b/users/*/photo.jpg large-family"]
        );
        let mut given = series(30, |i| format!("arn:aws:s3:::b/in/order-{}.json", word(i)));
        given.push("arn:aws:s3:::b/in/readme.md".into());
        assert_eq!(
            made("s3:GetObject", given),
            [
                "arn:aws:s3:::b/in/order-*.json large-family",
                "arn:aws:s3:::b/in/readme.md"
            ]
        );
    }

    #[test]
    fn a_crowd_takes_its_folder_and_not_its_neighbours() {
        // No two differ in one component only, so no family is among them.
        let mut given = series(101, |i| {
            format!("arn:aws:s3:::b/in/{}/{}", word(i), word(i + 7))
        });
        assert_eq!(made("s3:GetObject", given[..100].to_vec()).len(), 100);
        given.push("arn:aws:s3:::b/out/x".into());
        assert_eq!(
            made("s3:GetObject", given),
            ["arn:aws:s3:::b/in/* crowded-folder", "arn:aws:s3:::b/out/x"]
        );
        // The type alone is left at the widest setting only, and to read.
        let secret = |i| {
            let name = format!(
                "{}/{}-??????",
                word(usize::from(i)),
                word(usize::from(i) + 7)
            );
            format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}")
        };
        let uses: Vec<_> = (0..101).map(|i| (i, Vec::new())).collect();
        let [.., broad] = settings("secretsmanager:GetSecretValue", secret, &uses);
        assert_eq!(broad.len(), 101);
        let [_, balanced, broad] = settings("secretsmanager:DescribeSecret", secret, &uses);
        assert_eq!(balanced.len(), 101);
        assert_eq!(
            broad,
            ["arn:aws:secretsmanager:eu-west-1:111122223333:secret:* crowded-folder"]
        );
        let [.., broad] = settings("secretsmanager:DeleteSecret", secret, &uses);
        assert_eq!(broad.len(), 101);
        // Behind a date too.
        let given = series(101, |i| {
            format!("arn:aws:s3:::b/in/2026-09-01/{}/{}", word(i), word(i + 7))
        });
        assert_eq!(
            made("s3:GetObject", given),
            ["arn:aws:s3:::b/in/* dated-name crowded-folder"]
        );
        // The streams of many log groups are not the groups.
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:";
        let given = series(101, |i| {
            format!("{group}{}:log-stream:{}", word(i), word(i + 7))
        });
        assert_eq!(made("logs:PutLogEvents", given).len(), 101);
    }

    #[test]
    fn accounts_inside_keys_are_neither_family_nor_crowd() {
        let of = |i: usize| format!("arn:aws:s3:::b/AWSLogs/{:012}", i % 30);
        let family = series(30, |i| format!("{}/x", of(i)));
        assert_eq!(made("s3:GetObject", family.clone()), family);
        let crowd = series(150, |i| format!("{}/{}/{}", of(i), word(i), word(i + 7)));
        assert_eq!(made("s3:GetObject", crowd).len(), 150);
    }

    #[test]
    fn what_carries_authority_is_generalised_for_reading_and_for_own_creations_only() {
        let role = |i: usize| format!("arn:aws:iam::111122223333:role/app-{}", word(i));
        let roles = series(60, role);
        assert_eq!(
            made("iam:GetRole", roles.clone()),
            ["arn:aws:iam::111122223333:role/app-* large-family"]
        );
        for action in ["iam:PassRole", "iam:DeleteRole", "sts:AssumeRole"] {
            assert_eq!(made(action, roles.clone()).len(), 60, "{action}");
        }
        // But for what it creates itself, one after another over weeks.
        let uses: Vec<_> = (0..60).map(|i| (i, vec![i])).collect();
        for (action, left) in [
            ("iam:CreateRole", 1),
            ("iam:AttachRolePolicy", 60),
            ("iam:PassRole", 60),
        ] {
            let [_, balanced, broad] = settings(action, |i| role(usize::from(i)), &uses);
            assert_eq!((balanced.len(), broad.len()), (left, left), "{action}");
        }
        let mut facts: Vec<Fact> = Vec::new();
        for (i, day) in [(0, 1), (1, 8), (2, 15), (3, 22), (4, 29), (5, 36)] {
            facts.push(("iam:CreateRole", role(i), vec![day]));
            facts.push(("iam:AttachRolePolicy", role(i), vec![day]));
            facts.push(("iam:PassRole", role(i), vec![day + 1]));
            facts.push(("sts:AssumeRole", role(i), vec![day + 1]));
        }
        let stem = ["arn:aws:iam::111122223333:role/app-* own-creations"];
        let own = made_of(&facts, Resources::Balanced);
        for action in ["iam:CreateRole", "iam:AttachRolePolicy", "iam:PassRole"] {
            assert_eq!(own[action], stem, "{action}");
        }
        assert_eq!(own["sts:AssumeRole"].len(), 6);
        // Five are not enough, nor are six on one day.
        let five = made_of(&facts[..20], Resources::Balanced);
        assert_eq!(five["iam:CreateRole"].len(), 5);
        for (_, _, days) in &mut facts {
            *days = vec![1];
        }
        let one_day = made_of(&facts, Resources::Balanced);
        assert_eq!(one_day["iam:CreateRole"].len(), 6);
        let sets = series(3, |i| {
            format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{i:016x}")
        });
        assert_eq!(made("sso:CreateAccountAssignment", sets.clone()), sets);
    }

    #[test]
    fn evidence_for_shapes_is_shared_and_for_families_is_not() {
        let [a, b] = IDS;
        let words = keys(
            &series(30, word)
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
        let all = all_made(&[
            (
                "s3:GetObject",
                [
                    keys(&[&format!("up/{a}")]),
                    words.iter().map(|w| w.replace("/b/", "/b/w/")).collect(),
                ]
                .concat(),
            ),
            ("s3:DeleteObject", keys(&[&format!("up/{b}"), "w/only"])),
        ]);
        let of = |action: &str| all[action].clone();
        assert_eq!(
            of("s3:DeleteObject"),
            [
                "arn:aws:s3:::b/up/* generated-identifier",
                "arn:aws:s3:::b/w/only"
            ]
        );
        assert!(of("s3:GetObject").contains(&"arn:aws:s3:::b/up/* generated-identifier".into()));
    }

    #[test]
    fn a_character_that_no_policy_holds_becomes_a_question_mark() {
        for (given, expected) in [
            (
                "arn:aws:s3:::b/\u{2192}/\u{1f600}é\u{7f}",
                Some("arn:aws:s3:::b/?/?é\u{7f}"),
            ),
            ("arn:aws:s3:::b/\u{0}\t", Some("arn:aws:s3:::b/?\t")),
            ("arn:aws:s3:::b/plain ÿ", None),
        ] {
            let written = writable(&ResourceArn::from_pattern(given));
            assert_eq!(written.as_ref().map(ResourceArn::as_str), expected);
        }
    }

    fn bucket(key: &str) -> String {
        format!("arn:aws:s3:::b/{key}")
    }

    /// One value a day.
    fn daily(count: u16) -> Vec<(u16, Vec<u16>)> {
        (0..count).map(|day| (day, vec![day])).collect()
    }

    /// The same values every day.
    fn constant(count: u16, days: u16) -> Vec<(u16, Vec<u16>)> {
        (0..count).map(|i| (i, (0..days).collect())).collect()
    }

    #[test]
    fn a_list_stays_a_list_and_what_is_renewed_becomes_a_stem() {
        let tenant = |i: u16| bucket(&format!("tenants/{}/config.json", word(usize::from(i) * 7)));
        let shard = |i: u16| bucket(&format!("shards/shard-{i:02}.bin"));
        for action in ["s3:GetObject", "s3:PutObject"] {
            // Forty names every day are a list, numbered or not.
            let [exact, balanced, _] = settings(action, tenant, &constant(40, 30));
            assert_eq!(balanced, exact, "{action}");
            let [exact, balanced, _] = settings(action, shard, &constant(40, 30));
            assert_eq!(balanced, exact, "{action}");
            // A new one a day are not.
            let [_, balanced, broad] = settings(action, tenant, &daily(20));
            let rule = if action == "s3:GetObject" {
                "renewed-names"
            } else {
                "own-creations"
            };
            assert_eq!(balanced, [bucket(&format!("tenants/*/config.json {rule}"))]);
            assert_eq!(broad, balanced);
        }
    }

    #[test]
    fn writing_takes_more_evidence_than_reading() {
        let queue = |i: u16| {
            format!(
                "arn:aws:sqs:eu-west-1:111122223333:job-{}",
                word(usize::from(i))
            )
        };
        // Names come one a week; how many weeks does it take?
        let weeks = |action: &'static str, setting: usize| {
            (1..30).find(|&weeks| {
                let uses: Vec<_> = (0..weeks).map(|i| (i, vec![i * 7])).collect();
                settings(action, queue, &uses)[setting].len() < usize::from(weeks)
            })
        };
        let least = |action| [weeks(action, 1), weeks(action, 2)];
        assert_eq!(least("sqs:ReceiveMessage"), [Some(4), Some(3)]);
        assert_eq!(least("sqs:TagQueue"), [Some(6), Some(4)]);
        assert_eq!(least("sqs:CreateQueue"), [Some(3), Some(2)]);
        assert_eq!(least("sqs:AddPermission"), [None, None]);
    }

    #[test]
    fn what_the_principal_creates_itself_is_granted_by_its_stem_for_all_that_it_does_with_it() {
        let function =
            |name: &str| format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}");
        let mut facts: Vec<Fact> = Vec::new();
        for (i, day) in [(142, 3), (150, 12), (163, 25)] {
            let preview = function(&format!("preview-{i}"));
            facts.push(("lambda:CreateFunction", preview.clone(), vec![day]));
            facts.push(("lambda:DeleteFunction", preview.clone(), vec![day + 2]));
            facts.push(("lambda:AddPermission", preview, vec![day]));
        }
        facts.push(("lambda:GetFunction", function("preview-142"), vec![3]));
        facts.push(("lambda:GetFunction", function("orders"), vec![3, 9, 29]));
        facts.push((
            "lambda:UpdateFunctionCode",
            function("orders"),
            vec![3, 9, 29],
        ));
        facts.push(("lambda:DeleteFunction", function("old"), vec![14]));
        let previews = function("preview-* own-creations");
        let mut made = made_of(&facts, Resources::Balanced);
        let mut of = |action: &str| made.remove(action).unwrap();
        assert_eq!(of("lambda:CreateFunction"), std::slice::from_ref(&previews));
        assert_eq!(
            of("lambda:DeleteFunction"),
            [function("old"), previews.clone()]
        );
        assert_eq!(
            of("lambda:GetFunction"),
            [function("orders"), previews.clone()]
        );
        assert_eq!(of("lambda:UpdateFunctionCode"), [function("orders")]);
        // Who may call it takes more.
        assert_eq!(of("lambda:AddPermission").len(), 3);
        let broad = made_of(&facts, Resources::Broad);
        assert_eq!(broad["lambda:AddPermission"].len(), 3);
        // All created in the first days, and then used: a list.
        let uses: Vec<_> = (0..5).map(|i| (i, vec![i])).collect();
        let create = |i| function(&format!("app-{i}"));
        let mut facts: Vec<Fact> = uses
            .iter()
            .map(|(i, days)| ("lambda:CreateFunction", create(*i), days.clone()))
            .collect();
        facts.push(("lambda:GetFunction", create(0), vec![60]));
        assert_eq!(
            made_of(&facts, Resources::Balanced)["lambda:CreateFunction"].len(),
            5
        );
    }

    #[test]
    fn ids_of_a_kind_that_the_principal_creates_come_and_go() {
        let table = |i: u16| format!("{EC2}route-table/rtb-{i:017x}");
        let uses = |i: u16| ("ec2:DeleteRouteTable", table(i), vec![i * 10]);
        let mut facts: Vec<Fact> = (0..4).map(uses).collect();
        let exact = made_of(&facts, Resources::Balanced);
        assert_eq!(exact["ec2:DeleteRouteTable"].len(), 4);
        let all = format!("{EC2}route-table/*");
        facts.push(("ec2:CreateRouteTable", all.clone(), vec![0, 10, 20, 30]));
        let made = made_of(&facts, Resources::Balanced);
        assert_eq!(
            made["ec2:DeleteRouteTable"],
            [format!("{all} own-creations")]
        );
    }

    #[test]
    fn a_version_in_use_all_the_time_has_a_say_in_what_the_versions_share() {
        for (lasts, made) in [("7.0", "app-*"), ("2.0", "app-2.*"), ("0", "app-*")] {
            let key = |i: u16| match i {
                0 => bucket(&format!("rel/app-{lasts}.zip")),
                i => bucket(&format!("rel/app-2.{i}.zip")),
            };
            let mut uses = daily(30);
            uses[0].1 = (0..30).collect();
            let [_, balanced, _] = settings("s3:GetObject", key, &uses);
            let expected = bucket(&format!("rel/{made}.zip numbered-name"));
            assert_eq!(balanced, [expected], "{lasts}");
        }
    }

    #[test]
    fn no_stem_takes_an_account_or_a_date_apart() {
        let name = |i: u16| bucket(&format!("in/dump-2026-09-{:02}-x/part.csv", i + 1));
        let [_, balanced, _] = settings("s3:GetObject", name, &daily(28));
        assert_eq!(balanced, [bucket("in/dump-*-x/part.csv dated-name")]);
        let table = |i: u16| {
            format!(
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t-2026-{:02}-{:02}-x",
                i / 28 + 1,
                i % 28 + 1
            )
        };
        let [_, balanced, _] = settings("dynamodb:Query", table, &daily(60));
        let expected = "arn:aws:dynamodb:eu-west-1:111122223333:table/t-*-x renewed-names";
        assert_eq!(balanced, [expected]);
        let key = |i: u16| {
            bucket(&format!(
                "logs/a-{:012}-b/x",
                111_122_220_000 + u64::from(i)
            ))
        };
        let [exact, _, broad] = settings("s3:GetObject", key, &daily(60));
        assert_eq!(broad, exact);
    }

    #[test]
    fn a_name_without_a_type_is_never_left_out() {
        let api = "arn:aws:apigateway:eu-west-1::";
        let root = |i: u16| format!("{api}/{}", word(usize::from(i)));
        let [exact, balanced, broad] = settings("apigateway:GET", root, &daily(30));
        assert_eq!((&balanced, &broad), (&exact, &exact));
        let admits = Rule::LargeFamily.admits(&ResourceArn::from_pattern(format!("{api}/*")));
        assert!(admits.starts_with("every other name"), "{admits}");
    }

    #[test]
    fn a_whole_folder_takes_a_crowd() {
        let key = |i: u16| bucket(&format!("folder/{}", word(usize::from(i))));
        let tail = |i: u16| bucket(&format!("folder/{}.json", word(usize::from(i))));
        let secret = |i: u16| {
            let name = word(usize::from(i));
            format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/{name}-??????")
        };
        let least = |action, name: &dyn Fn(u16) -> String| {
            (2..40).find(|&weeks| {
                let uses: Vec<_> = (0..weeks).map(|i| (i, vec![i * 7])).collect();
                settings(action, name, &uses)[1].len() == 1
            })
        };
        assert_eq!(least("s3:GetObject", &key), Some(10));
        assert_eq!(least("s3:GetObject", &tail), Some(4));
        assert_eq!(least("secretsmanager:DescribeSecret", &secret), Some(10));
        assert_eq!(least("s3:DeleteObject", &key), Some(20));
    }

    #[test]
    fn a_folder_of_which_new_files_keep_coming_is_one_pattern() {
        let key = |i: u16| {
            let (a, b) = (word(usize::from(i)), word(usize::from(i) + 7));
            bucket(&format!("in/{a}/{b}"))
        };
        let [_, balanced, _] = settings("s3:GetObject", key, &daily(12));
        assert_eq!(balanced, [bucket("in/* crowded-folder")]);
        let [_, balanced, broad] = settings("s3:DeleteObject", key, &daily(12));
        assert_eq!(balanced.len(), 12);
        assert_eq!(broad, [bucket("in/* crowded-folder")]);
    }
}
