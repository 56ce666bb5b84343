//! The only place where a policy grows beyond what was used: six named rules, each explained in one sentence.
//!
//! | rule | in one sentence |
//! |---|---|
//! | `unwritable-character` | a character that no policy may hold becomes `?` |
//! | `dated-name` | a date or time becomes `*`, because tomorrow has another one |
//! | `generated-identifier` | an identifier that a machine made becomes `*` once two were seen to come or go in its place, or one where AWS makes one for each use |
//! | `numbered-name` | a number becomes `*` once five were seen in its place |
//! | `large-family` | more than twenty names in the same place become their longest common stem and `*` |
//! | `crowded-folder` | more than a hundred resources left in one folder become the folder and `*` |
//!
//! No rule crosses a partition, service, region, account, resource type or bucket, or touches an account's id inside a
//! name. A name that alone identifies a resource (a key, a role, a function, a table) is only touched by
//! `large-family`. What carries authority (identities, permission sets) is never generalised for an action that does more
//! than read.
//!
//! Evidence for shapes is taken from all actions of a principal together, so that reading and writing the same keys
//! stays one statement; evidence for families from each action alone, so that reading a thousand objects never widens
//! what may be deleted. Both are functions of the set of facts: the order of events does not show.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::generate::evidence;
use crate::generate::family::{common_extension, families};
use crate::generate::layout::{Layout, is_account};
use crate::generate::shapes::is_ec2_id;
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;

/// A rule that widens. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    UnwritableCharacter,
    DatedName,
    GeneratedIdentifier,
    NumberedName,
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

/// The patterns that one action is granted, and how each came to be: sorted, each once.
pub(super) type Granted<'u> = Vec<(Cow<'u, ResourceArn>, Rules)>;

/// For each action what it is granted; sorted.
pub(super) type Patterns<'u> = Vec<(&'u Action, Granted<'u>)>;

/// Sorts `granted` and makes one of those that are the same.
pub(super) fn tidy(granted: &mut Granted<'_>) {
    granted.sort_by(|(a, _), (b, _)| a.cmp(b));
    granted.dedup_by(|(same, more), (pattern, rules)| {
        let is_same = same == pattern;
        if is_same {
            *rules = rules.and(*more);
        }
        is_same
    });
}

/// More names than this in one place are a family …
const FAMILY: usize = 20;
/// … and more than this where the wildcard would stand alone for a whole type or bucket.
const WHOLE_FAMILY: usize = 50;
/// More resources than this below one folder, after all other rules, are a crowd.
const CROWD: usize = 100;
/// Components deeper than this are not looked at for families; it bounds the work on a hostile key.
const DEPTH: usize = 16;
/// Stems longer than this many words are not looked at, for the same reason.
const WORDS: usize = 8;

impl Rule {
    const ALL: [Self; 6] = [
        Self::UnwritableCharacter,
        Self::DatedName,
        Self::GeneratedIdentifier,
        Self::NumberedName,
        Self::LargeFamily,
        Self::CrowdedFolder,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UnwritableCharacter => "unwritable-character",
            Self::DatedName => "dated-name",
            Self::GeneratedIdentifier => "generated-identifier",
            Self::NumberedName => "numbered-name",
            Self::LargeFamily => "large-family",
            Self::CrowdedFolder => "crowded-folder",
        }
    }

    /// What the rule newly allows, in words.
    pub(super) fn admits(self, pattern: &ResourceArn) -> String {
        if let Some(parts) = pattern.parts()
            && let Some(kind) = parts.resource.strip_suffix(['*'])
            && let Some(kind) = kind.strip_suffix(['/', ':'])
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
            Self::LargeFamily => "every other name in this place, now and later, `/` included",
            Self::CrowdedFolder => "everything below the folder, now and later",
        }
        .to_owned()
    }
}

/// `resource` with each character that a policy may not hold as `?`; `None` where it holds none.
/// Source: IAM API Reference, `CreatePolicy`, the pattern of `PolicyDocument`.
pub(super) fn writable(resource: &ResourceArn) -> Option<ResourceArn> {
    let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    let text = resource.as_str();
    // All bytes without a look at the others, which takes many at once.
    let odd = |odd: bool, b: u8| odd | !(b' '..=b'\x7f').contains(&b);
    if !text.bytes().fold(false, odd) || text.chars().all(fits) {
        return None;
    }
    let written: String = text
        .chars()
        .map(|c| if fits(c) { c } else { '?' })
        .collect();
    Some(ResourceArn::from_pattern(written))
}

/// Applies every rule but [`Rule::UnwritableCharacter`]. The identifiers of `lasting` resources are no evidence that
/// tomorrow has others.
pub(super) fn generalise<'u>(
    exact: Patterns<'u>,
    lasting: &BTreeSet<&ResourceArn>,
) -> Patterns<'u> {
    let shaped = evidence::by_shape(exact, lasting);
    shaped
        .into_iter()
        .map(|(action, granted)| (action, crowded(action, large_families(action, granted))))
        .collect()
}

/// Services whose resources say who may do what: identities, permission sets, accounts and their policies.
const AUTHORITY: &[&str] = &["iam", "identitystore", "organizations", "sso"];

/// Whether resources of `service` must stay as they are for `action`: they carry authority, and the action does more than
/// read.
pub(super) fn keeps_exact(action: &Action, service: &str) -> bool {
    let reads = || {
        ["Get", "List", "Describe", "Generate", "Simulate"]
            .iter()
            .any(|verb| action.name().starts_with(verb))
    };
    AUTHORITY.contains(&service) && !(AUTHORITY.contains(&action.service()) && reads())
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

/// [`Rule::LargeFamily`]: patterns that differ in one component only, the deepest component first.
fn large_families<'u>(action: &Action, mut patterns: Granted<'u>) -> Granted<'u> {
    let mut places = DEPTH;
    while patterns.len() > FAMILY {
        let layouts = layouts(action, &patterns);
        let deep = |layout: &Layout<'_>| layout.components.len() - layout.first;
        let deepest = layouts.iter().flatten().map(deep).max().unwrap_or(0);
        let mut rewrites = Vec::new();
        places = places.min(deepest);
        while places > 0 && rewrites.is_empty() {
            places -= 1;
            rewrites = families_in(places, &layouts);
        }
        if rewrites.is_empty() {
            break;
        }
        patterns = apply(patterns, rewrites, Rule::LargeFamily);
    }
    patterns
}

/// The layout of each pattern that may be widened for `action`.
fn layouts<'g>(action: &Action, patterns: &'g Granted<'_>) -> Vec<Option<Layout<'g>>> {
    let layout = |(resource, _): &'g (Cow<'_, ResourceArn>, Rules)| {
        Layout::of(resource).filter(|layout| !keeps_exact(action, layout.service))
    };
    patterns.iter().map(layout).collect()
}

/// What the component at `place`, counted from the first that may vary, makes of each pattern that is in a family. Patterns
/// are named by their places.
fn families_in(place: usize, layouts: &[Option<Layout<'_>>]) -> Vec<(usize, ResourceArn)> {
    struct Name<'a> {
        around: (&'a str, &'a str),
        name: &'a str,
        pattern: usize,
        whole_limit: usize,
        may_be_bare: bool,
    }
    let mut names: Vec<Name<'_>> = Vec::new();
    for (pattern, layout) in layouts.iter().enumerate() {
        let Some(layout) = layout else {
            continue;
        };
        let at = layout.first + place;
        if at >= layout.components.len() {
            continue;
        }
        let range = layout.components[at].clone();
        let name = layout.component(at);
        if name.is_empty() || name == "*" || is_account(name) {
            continue;
        }
        names.push(Name {
            around: (&layout.text[..range.start], &layout.text[range.end..]),
            name,
            pattern,
            whole_limit: if layout.is_root(at) {
                WHOLE_FAMILY
            } else {
                FAMILY
            },
            may_be_bare: !layout.is_untyped(),
        });
    }
    if names.len() <= FAMILY {
        return Vec::new();
    }
    names.sort_by_key(|n| (n.around, n.name));
    let mut rewrites = Vec::new();
    for place in names.chunk_by(|a, b| a.around == b.around) {
        if place.len() <= FAMILY {
            continue;
        }
        let texts: Vec<&str> = place.iter().map(|n| n.name).collect();
        let cuts = |i: usize| word_cuts(texts[i], place[i].may_be_bare);
        let enough = |stem: &str| {
            if stem.is_empty() {
                place[0].whole_limit
            } else {
                FAMILY
            }
        };
        for family in families(&texts, cuts, enough) {
            let extension = common_extension(
                family
                    .members
                    .iter()
                    .map(|&i| &texts[i][family.stem.len()..]),
            );
            let (before, after) = place[0].around;
            let text = format!("{before}{}*{extension}{after}", family.stem);
            let pattern = ResourceArn::from_pattern(text);
            let members = family.members.iter();
            rewrites.extend(members.map(|&i| (place[i].pattern, pattern.clone())));
        }
    }
    rewrites
}

/// Where the stem of a component's name may end: behind `-`, `_`, `.` and `=`, and before its first wildcard. Not behind
/// the `vpc-` of an EC2 id, which says no more than the resource's type and would make a stem out of nothing.
fn word_cuts(name: &str, bare: bool) -> Vec<usize> {
    if is_ec2_id(name) {
        return bare.then_some(0).into_iter().collect();
    }
    let literal = name.find(['*', '?']).unwrap_or(name.len());
    let words = name[..literal]
        .match_indices(['-', '_', '.', '='])
        .map(|(at, _)| at + 1)
        .take(WORDS);
    bare.then_some(0).into_iter().chain(words).collect()
}

/// [`Rule::CrowdedFolder`]: the deepest folders first, so that a crowd in one does not take its neighbours along.
fn crowded<'u>(action: &Action, patterns: Granted<'u>) -> Granted<'u> {
    if patterns.len() <= CROWD {
        return patterns;
    }
    let names: Vec<&str> = patterns.iter().map(|(r, _)| r.as_str()).collect();
    let layouts = layouts(action, &patterns);
    let cuts = |i: usize| layouts[i].as_ref().map(folder_cuts).unwrap_or_default();
    let mut rewrites = Vec::new();
    for family in families(&names, cuts, |_| CROWD) {
        let pattern = without_chains(&format!("{}*", family.stem));
        let members = family.members.iter();
        rewrites.extend(members.map(|&i| (i, pattern.clone())));
    }
    if rewrites.is_empty() {
        return patterns;
    }
    apply(patterns, rewrites, Rule::CrowdedFolder)
}

/// Where the folders of a resource end: behind each `/` and behind the resource's type, where neither `:` (what follows
/// is of another kind) nor an account's id stands behind it.
fn folder_cuts(layout: &Layout<'_>) -> Vec<usize> {
    let mut cuts = Vec::new();
    for i in (layout.first..layout.components.len()).rev() {
        let start = layout.components[i].start;
        let slash = layout.text.as_bytes()[start - 1] == b'/';
        let behind_type = layout.is_root(i) && !layout.is_untyped();
        if is_account(layout.component(i)) || !slash && !behind_type {
            break;
        }
        if i - layout.first < DEPTH {
            cuts.push(start);
        }
    }
    cuts
}

/// Replaces each pattern, named by its place, by what it becomes, and says which rule did.
fn apply<'u>(
    patterns: Granted<'u>,
    rewrites: Vec<(usize, ResourceArn)>,
    rule: Rule,
) -> Granted<'u> {
    let names: Vec<Cow<'u, ResourceArn>> = patterns.iter().map(|(r, _)| r.clone()).collect();
    let mut patterns: BTreeMap<Cow<'u, ResourceArn>, Rules> = patterns.into_iter().collect();
    for (from, to) in rewrites {
        let rules = patterns.remove(&names[from]).unwrap_or_default();
        let made = patterns.entry(Cow::Owned(to)).or_default();
        *made = made.and(rules).and(Rules::of(rule));
    }
    patterns.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Granted, Rules, generalise, writable};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;

    const EC2: &str = "arn:aws:ec2:eu-west-1:111122223333:";
    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/";
    const IDS: [&str; 2] = [
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "9b2f7c4e-0d1a-4e6b-8c3d-5a7e9f102b34",
    ];

    /// What `generalise` makes of the resources of each action, with the rules behind each pattern.
    fn all_made(facts: &[(&str, Vec<String>)]) -> BTreeMap<String, Vec<String>> {
        let facts: BTreeMap<Action, BTreeSet<ResourceArn>> = facts
            .iter()
            .map(|(action, resources)| {
                let resources = resources.iter().map(String::as_str);
                let resources = resources.map(ResourceArn::from_pattern);
                (Action::parse(action).unwrap(), resources.collect())
            })
            .collect();
        let exact = facts.iter().map(|(action, used)| (action, exact(used)));
        let patterns = generalise(exact.collect(), &BTreeSet::new());
        let shown = |(action, granted): (&Action, Granted<'_>)| {
            let rules = |rules: Rules| -> String {
                rules.iter().map(|r| format!(" {}", r.name())).collect()
            };
            let granted = granted.iter();
            let granted = granted.map(|(r, by)| format!("{}{}", r.as_str(), rules(*by)));
            (action.to_string(), granted.collect())
        };
        patterns.into_iter().map(shown).collect()
    }

    fn exact(resources: &BTreeSet<ResourceArn>) -> Granted<'_> {
        let resources = resources.iter();
        resources
            .map(|resource| (Cow::Borrowed(resource), Rules::default()))
            .collect()
    }

    /// The same of one action.
    fn made(action: &str, resources: impl IntoIterator<Item = String>) -> Vec<String> {
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
                vec!["* dated-name generated-identifier"],
            ),
            // Five numbers make a series, four do not.
            (
                series(5, |i| format!("build-{i}.zip")),
                vec!["build-*.zip numbered-name"],
            ),
            (series(4, |i| format!("v{i}")), vec!["v0", "v1", "v2", "v3"]),
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
            &|i| {
                format!(
                    "arn:aws:lambda:eu-west-1:111122223333:function:resize-2026-09-{:02}",
                    i + 1
                )
            },
            &|i| format!("arn:aws:dynamodb:eu-west-1:111122223333:table/orders-{i}"),
            &|i| format!("arn:aws:sqs:eu-west-1:111122223333:orders-{i}"),
            &|i| format!("arn:aws:sqs:eu-west-1:{i:012}:orders"),
            &|i| format!("arn:aws:sqs:eu-west-{i}:111122223333:orders"),
        ] as [&dyn Fn(usize) -> String; 12]
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
            (bare(50), None),
            (bare(51), Some(format!("{function}*"))),
            (keys(50), None),
            (keys(51), Some(format!("{KEY}*"))),
            (vpcs(50), None),
            (vpcs(51), Some(format!("{EC2}vpc/*"))),
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
        let secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:";
        let given = series(101, |i| {
            format!("{secret}{}/{}-??????", word(i), word(i + 7))
        });
        assert_eq!(
            made("secretsmanager:GetSecretValue", given),
            [format!("{secret}* crowded-folder")]
        );
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
    fn what_carries_authority_is_generalised_for_reading_only() {
        let roles = series(60, |i| {
            format!("arn:aws:iam::111122223333:role/{}", word(i))
        });
        assert_eq!(
            made("iam:GetRole", roles.clone()),
            ["arn:aws:iam::111122223333:role/* large-family"]
        );
        for action in ["iam:PassRole", "iam:DeleteRole", "sts:AssumeRole"] {
            assert_eq!(made(action, roles.clone()).len(), 60, "{action}");
        }
        let role = |i| format!("arn:aws:iam::111122223333:role/{}/{}", word(i), word(i + 7));
        let paths = series(101, role);
        assert_eq!(made("iam:PassRole", paths.clone()).len(), 101);
        assert_eq!(made("iam:GetRole", paths).len(), 1);
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
}
