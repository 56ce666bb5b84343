//! What the parts of resources that look made up become, once there is evidence that tomorrow has others.

use std::borrow::Cow;
use std::ops::Range;

use foldhash::{HashMap, HashMapExt as _};

use crate::generate::access::Access;
use crate::generate::bar::Bar;
use crate::generate::creations::Creations;
use crate::generate::generalise::{
    Granted, Made, Patterns, Rule, Rules, Seen, keeps_exact, tidy, without_chains,
};
use crate::generate::layout::Layout;
use crate::generate::shapes::{Shape, Slot, slots};
use crate::generate::turnover::Span;
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;

/// The rules of [`Shape`]. `bar` is that of reading for all actions: an identifier is no other one tomorrow for who writes than for
/// who reads. Only what manages permissions gets no more than what AWS names anew for each use, and this where the action itself was used on
/// two of them. Where the `creations` of the principal are given, what is one of them is marked as such.
pub(super) fn by_shape<'u>(
    exact: Patterns<'u>,
    seen: &Seen<'_>,
    creations: Option<&Creations<'_>>,
    bar: Bar,
) -> Patterns<'u> {
    let mut shaped = Shaped::default();
    let mut known: Vec<Vec<Known>> = Vec::with_capacity(exact.len());
    for (_, granted) in &exact {
        let resources = granted.iter();
        let known_of =
            resources.map(|(resource, made)| shaped.know(resource, made.span, creations));
        known.push(known_of.collect());
    }
    let made = shaped.made(seen, bar);
    let rewrite = |((action, granted), known): ((&'u Action, Granted<'u>), Vec<Known>)| {
        let manages = Access::of(action) == Access::Permissions;
        let becomes = if manages { &made.fresh } else { &made.becomes };
        let mut uses: HashMap<&ResourceArn, usize> = HashMap::new();
        let counted = known.iter().filter(|_| manages);
        for pattern in counted.filter_map(|known| becomes[known.place?]) {
            *uses.entry(&made.patterns[pattern].0).or_default() += 1;
        }
        let is_enough = |pattern: &usize| !manages || uses[&made.patterns[*pattern].0] > 1;
        // A pattern is of its resources' service.
        let service = |pattern: usize| made.patterns[pattern].0.parts().map_or("", |p| p.service);
        let mut out: Granted<'u> = Vec::with_capacity(known.len());
        let mut patterns: Granted<'u> = Vec::new();
        let mut last = None;
        for ((resource, mut by), known) in granted.into_iter().zip(known) {
            if creations.is_some() {
                by.created = known.created;
            }
            let made_of_it = known
                .place
                .and_then(|place| becomes[place])
                .filter(is_enough)
                .filter(|pattern| {
                    last == Some(*pattern) || !keeps_exact(action, service(*pattern))
                });
            let Some(pattern) = made_of_it else {
                out.push((resource, by));
                continue;
            };
            let (text, rules) = &made.patterns[pattern];
            let by = Made {
                rules: by.rules.and(*rules),
                ..by
            };
            match patterns.last_mut() {
                // Most come one behind the other.
                Some((_, all)) if last == Some(pattern) => *all = all.and(by),
                _ => patterns.push((Cow::Owned(text.clone()), by)),
            }
            last = Some(pattern);
        }
        if !patterns.is_empty() {
            tidy(&mut patterns);
            // What is left is sorted: two runs take little to sort.
            out.extend(patterns);
            tidy(&mut out);
        }
        (action, out)
    };
    exact.into_iter().zip(known).map(rewrite).collect()
}

/// What becomes of each of [`Shaped::resources`], as places in `patterns`.
struct Becomes {
    patterns: Vec<(ResourceArn, Rules)>,
    becomes: Vec<Option<usize>>,
    /// The same by what AWS names anew for each use alone.
    fresh: Vec<Option<usize>>,
}

/// The resources with parts that look made up, each once. There may be hundreds of thousands: little is kept of each.
#[derive(Default)]
struct Shaped<'a> {
    known: HashMap<&'a ResourceArn, Known>,
    resources: Vec<Found<'a>>,
    /// Where the slots of all of them are, those of one together.
    slots: Vec<Range<usize>>,
    /// What is left of resources without their slots, each of which is a mark that no policy can hold, so that it never
    /// equals real text.
    templates: Vec<Template>,
    by_text: HashMap<String, usize>,
}

/// What is known of a resource.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Its place among [`Shaped::resources`]; `None` where no part of it looks made up.
    place: Option<usize>,
    /// Whether the principal creates it.
    created: bool,
}

/// A resource with parts that look made up.
struct Found<'a> {
    resource: &'a ResourceArn,
    /// When it was used.
    span: Option<Span>,
    template: usize,
    /// Where its first slot is among [`Shaped::slots`].
    first: usize,
}

/// What resources have in common that are the same but for their slots.
struct Template {
    /// Of each slot, its shape, and whether AWS chooses its text anew for each use.
    slots: Vec<(Shape, bool)>,
    /// Of keys, where these begin behind the bucket.
    keys: Option<usize>,
}

impl Template {
    /// Of each slot, whether it is generalised: where only what AWS chooses anew for each use is, and else.
    fn cut(&self, proven: &[Proven]) -> [Vec<bool>; 2] {
        let slots = || self.slots.iter().zip(proven);
        let fresh = slots().map(|((_, fresh), of)| of.by_one && *fresh);
        let all = slots().map(|((_, fresh), of)| of.by_several || of.by_one && *fresh);
        [fresh.collect(), all.collect()]
    }
}

/// A slot to be generalised: where, its shape, and how much of its text stays.
type Cut = (Range<usize>, Shape, usize);

impl<'a> Shaped<'a> {
    /// What is known of `resource`, which was used then.
    fn know(
        &mut self,
        resource: &'a ResourceArn,
        span: Option<Span>,
        creations: Option<&Creations<'_>>,
    ) -> Known {
        if let Some(known) = self.known.get(resource) {
            if let Some(found) = known.place.map(|place| &mut self.resources[place]) {
                found.span = Span::join(found.span, span);
            }
            return *known;
        }
        let known = match Layout::of(resource) {
            None => Known::default(),
            Some(layout) => Known {
                created: creations.is_some_and(|creations| creations.has(&layout)),
                place: self.add(resource, &layout, span),
            },
        };
        self.known.insert(resource, known);
        known
    }

    fn add(
        &mut self,
        resource: &'a ResourceArn,
        layout: &Layout<'_>,
        span: Option<Span>,
    ) -> Option<usize> {
        let slots = slots(layout);
        if slots.is_empty() {
            return None;
        }
        let text = template(layout, &slots);
        let next = self.templates.len();
        let number = *self.by_text.entry(text).or_insert(next);
        if number == next {
            let slots = slots
                .iter()
                .map(|slot| (slot.shape, is_fresh(layout, slot)));
            let keys = layout.components[layout.first].start;
            self.templates.push(Template {
                slots: slots.collect(),
                keys: layout.sole.is_none().then_some(keys),
            });
        }
        self.resources.push(Found {
            resource,
            span,
            template: number,
            first: self.slots.len(),
        });
        self.slots.extend(slots.into_iter().map(|slot| slot.range));
        Some(self.resources.len() - 1)
    }

    /// Where the slots of `found` are, each with its shape.
    fn slots(&self, found: &Found<'_>) -> impl Iterator<Item = (Range<usize>, Shape)> {
        let slots = self.templates[found.template].slots.iter();
        let ranges = self.slots[found.first..].iter().cloned();
        ranges.zip(slots).map(|(range, (shape, _))| (range, *shape))
    }

    /// The patterns that are made, and which of them each resource becomes.
    fn made(&self, seen: &Seen<'_>, bar: Bar) -> Becomes {
        let proven = self.proven(seen, bar);
        let mut out = Becomes {
            patterns: Vec::new(),
            becomes: Vec::with_capacity(self.resources.len()),
            fresh: Vec::with_capacity(self.resources.len()),
        };
        // What a template becomes where all its slots do; within, `None` where it is to stay as it is.
        let mut whole: Vec<Option<Option<usize>>> = vec![None; self.templates.len()];
        let by_template = self.templates.iter().zip(&proven);
        let cut: Vec<[Vec<bool>; 2]> = by_template.map(|(of, proven)| of.cut(proven)).collect();
        for found in &self.resources {
            let keys = self.templates[found.template].keys;
            let mut make = |cut: &[bool]| {
                let is_whole = !cut.contains(&false);
                if is_whole && let Some(made) = whole[found.template] {
                    return made;
                }
                let slots = self.slots(found).zip(&proven[found.template]);
                let slots = slots.zip(cut).filter(|(_, is_cut)| **is_cut);
                let cuts: Vec<Cut> = slots
                    .map(|(((range, shape), of), _)| (range, shape, of.keep))
                    .collect();
                let made = (!cuts.is_empty()).then(|| starred(found.resource, &cuts));
                let made = made
                    .filter(|(pattern, _)| !is_bucket(keys, pattern))
                    .map(|made| {
                        out.patterns.push(made);
                        out.patterns.len() - 1
                    });
                if is_whole {
                    whole[found.template] = Some(made);
                }
                made
            };
            let [fresh, all] = &cut[found.template];
            let fresh = make(fresh);
            let becomes = make(all);
            out.fresh.push(fresh);
            out.becomes.push(becomes);
        }
        out
    }

    /// What is proven of each slot of each template.
    fn proven(&self, seen: &Seen<'_>, bar: Bar) -> Vec<Vec<Proven>> {
        let values = |(shape, _): &(Shape, bool)| Values {
            shape: *shape,
            seen: HashMap::new(),
            major: None,
        };
        let templates = self.templates.iter();
        let mut templates: Vec<Vec<Values<'_>>> = templates
            .map(|template| template.slots.iter().map(values).collect())
            .collect();
        for found in &self.resources {
            let lasts = seen.lasting.contains(found.resource);
            for ((range, _), values) in self.slots(found).zip(&mut templates[found.template]) {
                values.add(&found.resource.as_str()[range], found.span, lasts, bar);
            }
        }
        let proven =
            |values: Vec<Values<'_>>| values.iter().map(|v| v.proven(bar, seen.end)).collect();
        templates.into_iter().map(proven).collect()
    }
}

/// The values seen in a slot.
struct Values<'a> {
    shape: Shape,
    /// When each was used, but for those that last.
    seen: HashMap<&'a str, Option<Span>>,
    /// The major number and its dot that all have, those that last too; empty where they have several or none.
    major: Option<&'a str>,
}

/// Whether what was seen in a slot proves that tomorrow has another value there.
#[derive(Clone, Copy)]
struct Proven {
    /// Where AWS makes one for each use, of which one sighting is enough.
    by_one: bool,
    by_several: bool,
    /// How much of the slot's text stays: the major number of a version and its dot, where there was only one.
    keep: usize,
}

impl<'a> Values<'a> {
    fn add(&mut self, value: &'a str, span: Option<Span>, lasts: bool, bar: Bar) {
        let is_number = self.shape == Shape::Number;
        if is_number {
            let major = value.find('.').map_or("", |dot| &value[..=dot]);
            let same = self.major.is_none_or(|other| other == major);
            self.major = Some(if same { major } else { "" });
        }
        // What lasts from beginning to end is as good as a name. Of dates and identifiers only their number is asked.
        if !lasts && (is_number || self.seen.len() < bar.identifiers.max(1)) {
            let when = self.seen.entry(value).or_insert(span);
            *when = Span::join(*when, span);
        }
    }

    /// `end` is the day on which the principal was last seen.
    fn proven(&self, bar: Bar, end: Option<u16>) -> Proven {
        let count = self.seen.len();
        let spans = self.seen.values().copied();
        Proven {
            keep: self.major.map_or(0, str::len),
            by_one: count > 0 && self.shape == Shape::Identifier,
            by_several: match self.shape {
                Shape::Date => count > 0,
                Shape::Identifier => count >= bar.identifiers,
                // Numbers are as often names, of which there is a list.
                Shape::Number => {
                    count >= bar.numbers && bar.keeps_coming(spans, end) != Some(false)
                }
            },
        }
    }
}

/// The text of a template.
fn template(layout: &Layout<'_>, slots: &[Slot]) -> String {
    let mut out = String::with_capacity(layout.text.len());
    let mut from = 0;
    for slot in slots {
        out.push_str(&layout.text[from..slot.range.start]);
        if is_fresh(layout, slot) {
            out.push('\u{4}');
        }
        out.push(match slot.shape {
            Shape::Date => '\u{1}',
            Shape::Identifier => '\u{2}',
            Shape::Number => '\u{3}',
        });
        from = slot.range.end;
    }
    out.push_str(&layout.text[from..]);
    out
}

/// Whether AWS chooses the text of `slot` anew for each use.
fn is_fresh(layout: &Layout<'_>, slot: &Slot) -> bool {
    layout.made_for_each_use.is_some_and(|i| {
        let made = &layout.components[i];
        made.start <= slot.range.start && slot.range.end <= made.end
    })
}

/// Whether nothing but a star is left of the `keys` of a bucket: a shape is too little for that, `names` judges it.
fn is_bucket(keys: Option<usize>, pattern: &ResourceArn) -> bool {
    keys.is_some_and(|start| &pattern.as_str()[start..] == "*")
}

/// The resource with a star for each cut, behind so much of it as stays, and the rules that this took.
fn starred(resource: &ResourceArn, cuts: &[Cut]) -> (ResourceArn, Rules) {
    let mut text = resource.as_str().to_owned();
    for (range, _, keep) in cuts.iter().rev() {
        text.replace_range(range.start + keep..range.end, "*");
    }
    let rules = cuts.iter().map(|(_, shape, _)| match shape {
        Shape::Date => Rule::DatedName,
        Shape::Identifier => Rule::GeneratedIdentifier,
        Shape::Number => Rule::NumberedName,
    });
    let rules = rules.fold(Rules::default(), |all, rule| all.and(Rules::of(rule)));
    (without_chains(&text), rules)
}
