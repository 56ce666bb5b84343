//! What names become of which new ones keep coming: their stem, or their folder.
//!
//! One component at a time, the deepest first, so that every wildcard is as narrow as it can be.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::generate::access::Access;
use crate::generate::bar::{Bar, Left, Proof, reads_secrets};
use crate::generate::family::{Name, common_tail, families};
use crate::generate::generalise::{
    Granted, Made, Patterns, Rule, Rules, Seen, is_authority, tidy, without_chains,
};
use crate::generate::layout::{ACCOUNT, Layout, is_account};
use crate::generate::options::Resources;
use crate::generate::shapes::{is_ec2_id, made_up};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;

/// Components deeper than this are not looked at; it bounds the work on a hostile key.
const DEPTH: usize = 16;
/// Stems longer than this many words are not looked at, for the same reason.
const WORDS: usize = 8;

/// Which evidence it takes to widen what an action is granted, and how much.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Care {
    Reads,
    /// As much as it takes to write.
    Secrets,
    Writes,
    /// Of who may do what: only what the principal creates itself.
    Authority,
}

impl Care {
    fn of(action: &Action) -> Self {
        match Access::of(action) {
            Access::Permissions => Self::Authority,
            Access::Write if is_authority(action.service()) => Self::Authority,
            Access::Write => Self::Writes,
            Access::Read if reads_secrets(action) => Self::Secrets,
            Access::Read => Self::Reads,
        }
    }

    /// The least access of the actions whose uses are evidence. What is read may take all uses for it, what is written only what was
    /// written: reading a thousand objects never widens what may be deleted.
    fn evidence(self) -> Access {
        match self {
            Self::Reads | Self::Secrets => Access::Read,
            Self::Writes | Self::Authority => Access::Write,
        }
    }

    fn bar(self, resources: Resources) -> Bar {
        match self {
            Self::Reads => Bar::of(Access::Read, resources),
            Self::Secrets | Self::Writes => Bar::of(Access::Write, resources),
            Self::Authority => Bar::of_authority(resources),
        }
    }
}

/// The rules of [`Proof`].
pub(super) fn by_names<'u>(
    patterns: Patterns<'u>,
    seen: &Seen<'_>,
    resources: Resources,
) -> Patterns<'u> {
    let mut pools: BTreeMap<Care, (Pool<'u>, Bar)> = BTreeMap::new();
    for care in patterns.iter().map(|(action, _)| Care::of(action)) {
        pools.entry(care).or_insert_with(|| {
            let (mut pool, bar) = (Pool::of(&patterns, care.evidence()), care.bar(resources));
            if pool.now.len() > 1 {
                pool.widen(seen, bar);
            }
            (pool, bar)
        });
    }
    let rewrite = |(action, granted): (&'u Action, Granted<'u>)| {
        let care = Care::of(action);
        let over_identities = is_authority(action.service());
        let may = |resource: &ResourceArn, created: bool| {
            let service = resource.parts().map_or("", |parts| parts.service);
            (created || care != Care::Authority) && (over_identities || !is_authority(service))
        };
        let (pool, bar) = &pools[&care];
        (action, pool.granted(granted, bar.each, may))
    };
    patterns.into_iter().map(rewrite).collect()
}

/// The resources of several actions, and what they have become.
struct Pool<'u> {
    /// Sorted, each once.
    given: Vec<Cow<'u, ResourceArn>>,
    /// Of each of them, whether the principal creates it.
    created: Vec<bool>,
    /// Of each of them, its place in `now`.
    becomes: Vec<usize>,
    /// Sorted by text, each once.
    now: Vec<Item<'u>>,
}

struct Item<'u> {
    text: Cow<'u, ResourceArn>,
    made: Made,
}

/// What an item becomes: its place, the pattern and the rule.
type Rewrite = (usize, ResourceArn, Rule);

impl<'u> Pool<'u> {
    /// What actions of at least this access are granted.
    fn of(patterns: &Patterns<'u>, access: Access) -> Self {
        let of_access = patterns
            .iter()
            .filter(|(action, _)| Access::of(action) >= access);
        let mut all: Granted<'u> = of_access.flat_map(|(_, granted)| granted.clone()).collect();
        tidy(&mut all);
        let items = all.into_iter().map(|(text, made)| Item { text, made });
        let now: Vec<Item<'u>> = items.collect();
        Self {
            given: now.iter().map(|item| item.text.clone()).collect(),
            created: now.iter().map(|item| item.made.created).collect(),
            becomes: (0..now.len()).collect(),
            now,
        }
    }

    /// The names that differ in one component only, the deepest first, and then what is left below one folder.
    fn widen(&mut self, seen: &Seen<'_>, bar: Bar) {
        let mut place = DEPTH;
        let mut is_done = false;
        while !is_done {
            let layouts: Vec<_> = self.now.iter().map(|i| Layout::of(&i.text)).collect();
            let deep = |layout: &Layout<'_>| layout.components.len() - layout.first;
            let deepest = layouts.iter().flatten().map(deep).max().unwrap_or(0);
            place = place.min(deepest);
            let mut rewrites = Vec::new();
            while place > 0 && rewrites.is_empty() {
                place -= 1;
                rewrites = stems_in(place, &layouts, &self.now, seen, bar);
            }
            is_done = rewrites.is_empty();
            if is_done {
                rewrites = folders_in(&layouts, &self.now, seen, bar);
            }
            drop(layouts);
            self.rewrite(rewrites);
        }
    }

    fn rewrite(&mut self, rewrites: Vec<Rewrite>) {
        if rewrites.is_empty() {
            return;
        }
        let mut becomes: Vec<Option<(ResourceArn, Rule)>> = Vec::new();
        becomes.resize_with(self.now.len(), || None);
        for (place, pattern, rule) in rewrites {
            becomes[place] = Some((pattern, rule));
        }
        let mut texts: BTreeMap<Cow<'u, ResourceArn>, (Item<'u>, Vec<usize>)> = BTreeMap::new();
        for (place, (mut item, becomes)) in self.now.drain(..).zip(becomes).enumerate() {
            if let Some((pattern, rule)) = becomes {
                item.text = Cow::Owned(pattern);
                item.made.rules = item.made.rules.and(Rules::of(rule));
            }
            match texts.get_mut(&item.text) {
                Some((same, places)) => {
                    same.made = same.made.and(item.made);
                    places.push(place);
                }
                None => {
                    texts.insert(item.text.clone(), (item, vec![place]));
                }
            }
        }
        let mut moved = vec![0; texts.values().map(|(_, places)| places.len()).sum()];
        for (to, (item, places)) in texts.into_values().enumerate() {
            places.into_iter().for_each(|from| moved[from] = to);
            self.now.push(item);
        }
        for place in &mut self.becomes {
            *place = moved[*place];
        }
    }

    /// What an action gets for what it was used on: the wildcard where it was used on `each` of its values or on one that the
    /// principal creates, and `may` says so of the resource and of whether it is one of these.
    fn granted(
        &self,
        granted: Granted<'u>,
        each: usize,
        may: impl Fn(&ResourceArn, bool) -> bool,
    ) -> Granted<'u> {
        let place = |resource: &ResourceArn| {
            let at = self.given.binary_search_by(|given| (**given).cmp(resource));
            let at = at.ok()?;
            let item = &self.now[self.becomes[at]];
            let created = self.created[at] && item.made.created;
            let widens = *item.text != *resource && may(resource, created);
            widens.then_some((created, self.becomes[at]))
        };
        let places: Vec<_> = granted
            .iter()
            .map(|(resource, _)| place(resource))
            .collect();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (created, to) in places.iter().flatten() {
            *counts.entry(*to).or_default() += if *created { each } else { 1 };
        }
        if counts.is_empty() {
            return granted;
        }
        let mut out: Granted<'u> = Vec::with_capacity(granted.len());
        for ((resource, made), place) in granted.into_iter().zip(places) {
            let place = place.filter(|(_, to)| counts.get(to).is_some_and(|count| *count >= each));
            let Some((_, to)) = place else {
                out.push((resource, made));
                continue;
            };
            let item = &self.now[to];
            let rules = made.rules.and(item.made.rules);
            out.push((item.text.clone(), Made { rules, ..made }));
        }
        tidy(&mut out);
        out
    }
}

/// What stands around a name, the name, and the item that it is of.
type Placed<'a> = ((&'a str, &'a str), &'a str, usize);

/// The names that are components at `place`, sorted.
fn names_at<'a>(place: usize, layouts: &[Option<Layout<'a>>]) -> Vec<Placed<'a>> {
    let mut names: Vec<Placed<'_>> = Vec::new();
    for (item, layout) in layouts.iter().enumerate() {
        let Some(layout) = layout else {
            continue;
        };
        let Some(range) = layout.components.get(layout.first + place) else {
            continue;
        };
        let name = &layout.text[range.clone()];
        if !name.is_empty() && name != "*" && !is_account(name) {
            let around = (&layout.text[..range.start], &layout.text[range.end..]);
            names.push((around, name, item));
        }
    }
    names.sort_unstable();
    names
}

/// What the component at `place`, counted from the first that may vary, makes of each item that is in a family.
fn stems_in(
    place: usize,
    layouts: &[Option<Layout<'_>>],
    items: &[Item<'_>],
    seen: &Seen<'_>,
    bar: Bar,
) -> Vec<Rewrite> {
    let names = names_at(place, layouts);
    let mut rewrites = Vec::new();
    for place_names in names.chunk_by(|a, b| a.0 == b.0) {
        let ((before, after), _, first) = place_names[0];
        let Some(layout) = layouts[first].as_ref().filter(|_| place_names.len() > 1) else {
            continue;
        };
        let is_root = before.len() == layout.components[layout.first].start;
        let mut given: Vec<Name<'_>> = Vec::with_capacity(place_names.len());
        for (_, text, item) in place_names {
            let (made_up, cuts) = word_cuts(text, !layout.is_untyped());
            let item = &items[*item];
            let (span, created) = (item.made.span, item.made.created);
            given.push(Name {
                text,
                span,
                created,
                made_up,
                cuts,
            });
        }
        let proof = |stem: &str, members: &[usize], values: &[_]| {
            let left = match stem {
                "" if is_root => left_at_root(layout),
                "" if after.is_empty() => left_of_names(members.iter().map(|&i| given[i].text)),
                _ => Left::Stem,
            };
            bar.proof(values, left, seen.end)
        };
        for family in families(&given, proof) {
            let members = family.members.iter();
            let tail = common_tail(
                members
                    .clone()
                    .map(|&i| &given[i].text[family.stem.len()..]),
            );
            let text = format!("{before}{}*{tail}{after}", family.stem);
            let pattern = ResourceArn::from_pattern(text);
            let rule = match family.proof {
                Proof::Renewed => Rule::RenewedNames,
                Proof::Own => Rule::OwnCreations,
                Proof::Many => Rule::LargeFamily,
            };
            rewrites.extend(members.map(|&i| (place_names[i].2, pattern.clone(), rule)));
        }
    }
    rewrites
}

/// What each item becomes that is in a crowd below one folder: the deepest folder first, so that a crowd in one does not take its
/// neighbours along.
fn folders_in(
    layouts: &[Option<Layout<'_>>],
    items: &[Item<'_>],
    seen: &Seen<'_>,
    bar: Bar,
) -> Vec<Rewrite> {
    let names = items.iter().zip(layouts).map(|(item, layout)| Name {
        text: item.text.as_str(),
        span: item.made.span,
        created: false,
        made_up: None,
        cuts: layout.as_ref().map(folder_cuts).unwrap_or_default(),
    });
    let names: Vec<Name<'_>> = names.collect();
    let proof = |stem: &str, members: &[usize], values: &[_]| {
        let layout = layouts[*members.first()?].as_ref()?;
        let is_root = layout.components[layout.first].start == stem.len();
        let left = match is_root {
            true => left_at_root(layout),
            false => Left::Folder,
        };
        bar.proof(values, left, seen.end)
    };
    let mut rewrites = Vec::new();
    for family in families(&names, proof) {
        let pattern = without_chains(&format!("{}*", family.stem));
        let members = family.members.iter();
        rewrites.extend(members.map(|&i| (i, pattern.clone(), Rule::CrowdedFolder)));
    }
    rewrites
}

/// What a bare star leaves in the place of all that may vary.
fn left_at_root(layout: &Layout<'_>) -> Left {
    match layout.sole {
        None => Left::Bucket,
        Some(_) => Left::Type,
    }
}

/// What a bare star leaves in the place of `names`, the last of their resources: the folder, but for the tail that all have.
/// `-??????`, behind a secret's name, says nothing of it.
fn left_of_names<'a>(names: impl Iterator<Item = &'a str>) -> Left {
    let tail = common_tail(names);
    let says = tail.bytes().any(|b| !matches!(b, b'-' | b'?'));
    if says { Left::Stem } else { Left::Folder }
}

/// Where what looks made up in a component's name begins, and where its stem may end: behind `-`, `_`, `.` and `=` and before a
/// number that ends it, before the first wildcard and what looks made up, and behind an account's id. Not behind the `vpc-` of
/// an EC2 id, which says no more than the resource's type and would make a stem out of nothing.
fn word_cuts(name: &str, bare: bool) -> (Option<usize>, Vec<usize>) {
    if is_ec2_id(name) {
        return (Some(0), bare.then_some(0).into_iter().collect());
    }
    let made_up = made_up(name).map(|range| range.start);
    let literal = name.find(['*', '?']).unwrap_or(name.len());
    let literal = made_up.map_or(literal, |start| literal.min(start));
    let number = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let words = name[..literal]
        .match_indices(['-', '_', '.', '='])
        .map(|(at, _)| at + 1)
        .take(WORDS);
    let mut cuts: Vec<usize> = words.collect();
    cuts.extend(made_up.filter(|start| *start > 0 && *start <= literal));
    cuts.extend((number < name.len() && number > 0 && number <= literal).then_some(number));
    cuts.extend(bare.then_some(0));
    let account_end = account_end(name);
    cuts.retain(|cut| *cut >= account_end);
    cuts.sort_unstable();
    cuts.dedup();
    (made_up, cuts)
}

/// Where the last account's id in `name` ends; zero where it holds none.
fn account_end(name: &str) -> usize {
    let mut end = 0;
    if name.len() < ACCOUNT {
        return end;
    }
    let mut at = 0;
    for run in name.split(|c: char| !c.is_ascii_digit()) {
        at += run.len();
        if is_account(run) {
            end = at;
        }
        at += name[at..].chars().next().map_or(0, char::len_utf8);
    }
    end
}

/// Where the folders of a resource end: behind each `/` and behind the resource's type, where neither `:` (what follows
/// is of another kind) nor an account's id stands behind it.
fn folder_cuts(layout: &Layout<'_>) -> Vec<usize> {
    let mut cuts = Vec::new();
    for i in (layout.first..layout.components.len()).rev() {
        let start = layout.components[i].start;
        let slash = layout.text.as_bytes()[start - 1] == b'/';
        let behind_type = layout.is_root(i) && !layout.is_untyped();
        let untyped = layout.is_root(i) && layout.is_untyped();
        if account_end(layout.component(i)) > 0 || untyped || !slash && !behind_type {
            break;
        }
        if i - layout.first < DEPTH {
            cuts.push(start);
        }
    }
    cuts
}
