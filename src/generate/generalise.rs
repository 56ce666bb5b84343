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

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::generate::family::{common_extension, families};
use crate::generate::layout::{Layout, is_account};
use crate::generate::shapes::{Shape, Slot, is_ec2_id, slots};
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

/// The rules that had a hand in a pattern; empty for a resource as it was used.
pub(super) type Rules = BTreeSet<Rule>;

/// For each action the patterns it is granted, and how each came to be.
pub(super) type Patterns = BTreeMap<Action, BTreeMap<ResourceArn, Rules>>;

/// How many distinct values must stand in the place of a generated identifier: one could be the only one there is.
const IDENTIFIERS: usize = 2;
/// How many distinct numbers make a series: fewer are as often versions or regions, which are names.
const NUMBERS: usize = 5;
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
    if text.chars().all(fits) {
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
pub(super) fn generalise(exact: Patterns, lasting: &BTreeSet<&ResourceArn>) -> Patterns {
    let shaped = by_shape(exact, lasting);
    shaped
        .into_iter()
        .map(|(action, patterns)| {
            let patterns = crowded(&action, large_families(&action, patterns));
            (action, patterns)
        })
        .collect()
}

/// Services whose resources say who may do what: identities, permission sets, accounts and their policies.
const AUTHORITY: &[&str] = &["iam", "identitystore", "organizations", "sso"];

/// Whether `resource` must stay as it is for `action`: it carries authority, and the action does more than read.
fn keeps_exact(action: &Action, resource: &ResourceArn) -> bool {
    let carries_authority = |service| AUTHORITY.contains(&service);
    let reads = ["Get", "List", "Describe", "Generate", "Simulate"]
        .iter()
        .any(|verb| action.name().starts_with(verb));
    resource
        .parts()
        .is_some_and(|p| carries_authority(p.service))
        && !(reads && carries_authority(action.service()))
}

/// The rules of [`Shape`].
fn by_shape(exact: Patterns, lasting: &BTreeSet<&ResourceArn>) -> Patterns {
    let resources: BTreeSet<&ResourceArn> = exact.values().flat_map(BTreeMap::keys).collect();
    let shaped: Vec<(&ResourceArn, Layout<'_>, Vec<Slot>)> = resources
        .into_iter()
        .filter_map(|resource| {
            let layout = Layout::of(resource)?;
            let slots = slots(&layout);
            (!slots.is_empty()).then_some((resource, layout, slots))
        })
        .collect();
    // The distinct values of each slot of each template; no more than matter.
    let mut seen: HashMap<String, Vec<Vec<&str>>> = HashMap::new();
    for (resource, _, slots) in &shaped {
        let values = seen
            .entry(template(resource, slots))
            .or_insert_with(|| vec![Vec::new(); slots.len()]);
        for (slot, values) in slots.iter().zip(values) {
            let value = &resource.as_str()[slot.range.clone()];
            if matches!(slot.shape, Shape::Identifier) && lasting.contains(resource) {
                continue;
            }
            if values.len() < NUMBERS && !values.contains(&value) {
                values.push(value);
            }
        }
    }
    let mut rewritten: BTreeMap<ResourceArn, (ResourceArn, Rules)> = BTreeMap::new();
    for (resource, layout, slots) in &shaped {
        let values = &seen[&template(resource, slots)];
        let proven = slots.iter().zip(values).filter(|(slot, values)| {
            let fresh = layout.made_for_each_use.is_some_and(|i| {
                let made = &layout.components[i];
                made.start <= slot.range.start && slot.range.end <= made.end
            });
            values.len()
                >= match slot.shape {
                    Shape::Date => 1,
                    Shape::Identifier if fresh => 1,
                    Shape::Identifier => IDENTIFIERS,
                    Shape::Number => NUMBERS,
                }
        });
        let proven: Vec<&Slot> = proven.map(|(slot, _)| slot).collect();
        if !proven.is_empty() {
            rewritten.insert((*resource).clone(), starred(resource, &proven));
        }
    }
    exact
        .into_iter()
        .map(|(action, patterns)| {
            let mut out: BTreeMap<ResourceArn, Rules> = BTreeMap::new();
            for (resource, mut rules) in patterns {
                let rewrite = rewritten
                    .get(&resource)
                    .filter(|_| !keeps_exact(&action, &resource));
                if let Some((pattern, by)) = rewrite {
                    rules.extend(by);
                    out.entry(pattern.clone()).or_default().extend(rules);
                } else {
                    out.entry(resource).or_default().extend(rules);
                }
            }
            (action, out)
        })
        .collect()
}

/// The resource with each slot as a mark that no policy can hold, so that it never equals real text.
fn template(resource: &ResourceArn, slots: &[Slot]) -> String {
    let mut text = resource.as_str().to_owned();
    for slot in slots.iter().rev() {
        let mark = match slot.shape {
            Shape::Date => "\u{1}",
            Shape::Identifier => "\u{2}",
            Shape::Number => "\u{3}",
        };
        text.replace_range(slot.range.clone(), mark);
    }
    text
}

/// The resource with a star for each slot, and the rules that this took.
fn starred(resource: &ResourceArn, slots: &[&Slot]) -> (ResourceArn, Rules) {
    let mut text = resource.as_str().to_owned();
    for slot in slots.iter().rev() {
        text.replace_range(slot.range.clone(), "*");
    }
    let rules = slots.iter().map(|slot| match slot.shape {
        Shape::Date => Rule::DatedName,
        Shape::Identifier => Rule::GeneratedIdentifier,
        Shape::Number => Rule::NumberedName,
    });
    (without_chains(&text), rules.collect())
}

/// `pattern` with `*/*` as `*`: a star matches `/` too, so a chain of them only looks stricter.
fn without_chains(pattern: &str) -> ResourceArn {
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
fn large_families(
    action: &Action,
    mut patterns: BTreeMap<ResourceArn, Rules>,
) -> BTreeMap<ResourceArn, Rules> {
    let depth = |resource: &ResourceArn| Layout::of(resource).map(|l| l.components.len() - l.first);
    let deepest = patterns.keys().filter_map(depth).max().unwrap_or(0);
    for place in (0..deepest.min(DEPTH)).rev() {
        if patterns.len() <= FAMILY {
            break;
        }
        let rewrites = families_in(action, place, &patterns);
        apply(&mut patterns, rewrites, Rule::LargeFamily);
    }
    patterns
}

/// What the component at `place`, counted from the first that may vary, makes of each pattern that is in a family.
fn families_in(
    action: &Action,
    place: usize,
    patterns: &BTreeMap<ResourceArn, Rules>,
) -> Vec<(ResourceArn, ResourceArn)> {
    struct Name<'a> {
        around: (&'a str, &'a str),
        name: &'a str,
        resource: &'a ResourceArn,
        whole_limit: usize,
        may_be_bare: bool,
    }
    let mut names: Vec<Name<'_>> = Vec::new();
    for resource in patterns.keys() {
        let Some(layout) = Layout::of(resource) else {
            continue;
        };
        let at = layout.first + place;
        if at >= layout.components.len() || keeps_exact(action, resource) {
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
            resource,
            whole_limit: if layout.is_root(at) {
                WHOLE_FAMILY
            } else {
                FAMILY
            },
            may_be_bare: !layout.is_untyped(),
        });
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
            rewrites.extend(members.map(|&i| (place[i].resource.clone(), pattern.clone())));
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
fn crowded(
    action: &Action,
    mut patterns: BTreeMap<ResourceArn, Rules>,
) -> BTreeMap<ResourceArn, Rules> {
    if patterns.len() <= CROWD {
        return patterns;
    }
    let names: Vec<&str> = patterns.keys().map(ResourceArn::as_str).collect();
    let layouts: Vec<Option<Layout<'_>>> = patterns
        .keys()
        .map(|resource| Layout::of(resource).filter(|_| !keeps_exact(action, resource)))
        .collect();
    let cuts = |i: usize| layouts[i].as_ref().map(folder_cuts).unwrap_or_default();
    let mut rewrites = Vec::new();
    for family in families(&names, cuts, |_| CROWD) {
        let pattern = without_chains(&format!("{}*", family.stem));
        let members = family.members.iter();
        rewrites.extend(members.map(|&i| (ResourceArn::from_pattern(names[i]), pattern.clone())));
    }
    apply(&mut patterns, rewrites, Rule::CrowdedFolder);
    patterns
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

/// Replaces each pattern by what it becomes, and says which rule did.
fn apply(
    patterns: &mut BTreeMap<ResourceArn, Rules>,
    rewrites: Vec<(ResourceArn, ResourceArn)>,
    rule: Rule,
) {
    for (from, to) in rewrites {
        let mut rules = patterns.remove(&from).unwrap_or_default();
        rules.insert(rule);
        patterns.entry(to).or_default().extend(rules);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Patterns, Rules, generalise, writable};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;

    const EC2: &str = "arn:aws:ec2:eu-west-1:111122223333:";
    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/";
    const IDS: [&str; 2] = [
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "9b2f7c4e-0d1a-4e6b-8c3d-5a7e9f102b34",
    ];

    fn patterns(facts: &[(&str, Vec<String>)]) -> Patterns {
        facts
            .iter()
            .map(|(action, resources)| {
                let resources = resources
                    .iter()
                    .map(|r| (ResourceArn::from_pattern(r.as_str()), Rules::new()));
                (Action::parse(action).unwrap(), resources.collect())
            })
            .collect()
    }

    /// What `generalise` makes of the resources of one action, with the rules behind each.
    fn made(action: &str, resources: impl IntoIterator<Item = String>) -> Vec<String> {
        let all = generalise(
            patterns(&[(action, resources.into_iter().collect())]),
            &BTreeSet::new(),
        );
        shown(&all[&Action::parse(action).unwrap()])
    }

    fn shown(patterns: &BTreeMap<ResourceArn, Rules>) -> Vec<String> {
        let rules = |rules: &Rules| {
            rules
                .iter()
                .map(|r| format!(" {}", r.name()))
                .collect::<String>()
        };
        patterns
            .iter()
            .map(|(r, by)| format!("{r}{}", rules(by)))
            .collect()
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
        let all = generalise(
            patterns(&[
                (
                    "s3:GetObject",
                    [
                        keys(&[&format!("up/{a}")]),
                        words.iter().map(|w| w.replace("/b/", "/b/w/")).collect(),
                    ]
                    .concat(),
                ),
                ("s3:DeleteObject", keys(&[&format!("up/{b}"), "w/only"])),
            ]),
            &BTreeSet::new(),
        );
        let of = |action: &str| shown(&all[&Action::parse(action).unwrap()]);
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
