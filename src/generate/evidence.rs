//! What the parts of resources that look made up become, once there is evidence that tomorrow has others.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::generate::bar::{Bar, Risk};
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
/// two of them.
pub(super) fn by_shape<'u>(exact: Patterns<'u>, seen: &Seen<'_>, bar: Bar) -> Patterns<'u> {
    let mut shaped = Shaped::default();
    let mut places = Vec::with_capacity(exact.len());
    for (_, granted) in &exact {
        let resources = granted.iter();
        places.push(
            resources
                .map(|(resource, made)| shaped.place(resource, made.span))
                .collect(),
        );
    }
    let made = shaped.made(seen, bar);
    let rewrite = |((action, granted), places): ((&'u Action, Granted<'u>), Vec<Option<usize>>)| {
        let manages = Risk::of(action) == Risk::Permissions;
        let becomes = if manages { &made.fresh } else { &made.becomes };
        let mut uses: HashMap<&ResourceArn, usize> = HashMap::new();
        for pattern in places.iter().filter_map(|place| becomes[(*place)?]) {
            *uses.entry(&made.patterns[pattern].0).or_default() += usize::from(manages);
        }
        let is_enough = |pattern: &usize| !manages || uses[&made.patterns[*pattern].0] > 1;
        let mut out: Granted<'u> = Vec::with_capacity(places.len());
        let mut last = None;
        for ((resource, by), place) in granted.into_iter().zip(places) {
            let made_of_it = place
                .and_then(|place| becomes[place])
                .filter(is_enough)
                .filter(|_| !keeps_exact(action, resource.parts().map_or("", |p| p.service)));
            let Some(pattern) = made_of_it else {
                out.push((resource, by));
                continue;
            };
            let (text, rules) = &made.patterns[pattern];
            let by = Made {
                rules: by.rules.and(*rules),
                ..by
            };
            match out.last_mut() {
                // Most come one behind the other.
                Some((_, all)) if last == Some(pattern) => *all = all.and(by),
                _ => out.push((Cow::Owned(text.clone()), by)),
            }
            last = Some(pattern);
        }
        if last.is_some() {
            tidy(&mut out);
        }
        (action, out)
    };
    let all = exact.into_iter().zip(places);
    all.map(rewrite).collect()
}

/// What becomes of each of [`Shaped::resources`], as places in `patterns`.
struct Becomes {
    patterns: Vec<(ResourceArn, Rules)>,
    becomes: Vec<Option<usize>>,
    /// The same by what AWS names anew for each use alone.
    fresh: Vec<Option<usize>>,
}

/// The resources with parts that look made up, each once.
#[derive(Default)]
struct Shaped<'a> {
    known: HashMap<&'a ResourceArn, Option<usize>>,
    resources: Vec<(&'a ResourceArn, Layout<'a>, Vec<Slot>)>,
    /// Of each of them, when it was used.
    spans: Vec<Option<Span>>,
}

impl<'a> Shaped<'a> {
    /// The place of `resource`, used then, among [`Self::resources`]; `None` where no part of it looks made up.
    fn place(&mut self, resource: &'a ResourceArn, span: Option<Span>) -> Option<usize> {
        let place = *self.known.entry(resource).or_insert_with(|| {
            let layout = Layout::of(resource)?;
            let slots = slots(&layout);
            (!slots.is_empty()).then(|| {
                self.resources.push((resource, layout, slots));
                self.spans.push(span);
                self.resources.len() - 1
            })
        });
        if let Some(place) = place {
            self.spans[place] = Span::join(self.spans[place], span);
        }
        place
    }

    /// The patterns that are made, and which of them each resource becomes.
    fn made(&self, seen: &Seen<'_>, bar: Bar) -> Becomes {
        let templates = Templates::of(self, seen);
        let mut out = Becomes {
            patterns: Vec::new(),
            becomes: Vec::with_capacity(self.resources.len()),
            fresh: Vec::with_capacity(self.resources.len()),
        };
        // What a template becomes where all its slots do.
        let mut whole: Vec<Option<usize>> = vec![None; templates.proven.len()];
        let proven: Vec<Vec<Proven>> = templates
            .proven
            .iter()
            .map(|values| values.iter().map(|v| v.proven(bar, seen.end)).collect())
            .collect();
        for ((resource, layout, slots), &template) in self.resources.iter().zip(&templates.numbers)
        {
            let pairs = slots.iter().zip(&proven[template]);
            let fresh: Vec<(&Slot, usize)> = pairs
                .clone()
                .filter(|(slot, proven)| proven.by_one && is_fresh(layout, slot))
                .map(|(slot, proven)| (slot, proven.keep))
                .collect();
            let is_proven =
                |slot: &Slot, of: &Proven| of.by_several || of.by_one && is_fresh(layout, slot);
            let all = pairs.filter(|(slot, proven)| is_proven(slot, proven));
            let all = all.map(|(slot, proven)| (slot, proven.keep));
            let all: Vec<(&Slot, usize)> = all.collect();
            let mut make = |slots: &[(&Slot, usize)]| {
                if slots.is_empty() {
                    return None;
                }
                let made = starred(resource, slots);
                (!is_bucket(layout, &made.0)).then(|| {
                    out.patterns.push(made);
                    out.patterns.len() - 1
                })
            };
            out.fresh.push(make(&fresh));
            out.becomes.push(if all.len() == slots.len() {
                whole[template] = whole[template].or_else(|| make(&all));
                whole[template]
            } else {
                make(&all)
            });
        }
        out
    }
}

/// Resources by what is left of them without their slots, each of which is a mark that no policy can hold, so that it
/// never equals real text.
struct Templates<'a> {
    /// Of each resource.
    numbers: Vec<usize>,
    /// Of each template, the values of each slot.
    proven: Vec<Vec<Values<'a>>>,
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

impl Values<'_> {
    /// `end` is the day on which the principal was last seen.
    fn proven(&self, bar: Bar, end: Option<u16>) -> Proven {
        let count = self.seen.len();
        let spans = self.seen.values().copied();
        Proven {
            keep: match self.shape {
                Shape::Number => self.major.map_or(0, str::len),
                Shape::Date | Shape::Identifier => 0,
            },
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

impl<'a> Templates<'a> {
    fn of(shaped: &Shaped<'a>, seen: &Seen<'_>) -> Self {
        let mut by_text: HashMap<String, usize> = HashMap::new();
        let mut out = Self {
            numbers: Vec::with_capacity(shaped.resources.len()),
            proven: Vec::new(),
        };
        let mut text = String::new();
        for ((resource, _, slots), span) in shaped.resources.iter().zip(&shaped.spans) {
            write_template(resource.as_str(), slots, &mut text);
            let number = by_text.get(&text).copied().unwrap_or_else(|| {
                by_text.insert(text.clone(), out.proven.len());
                let values = slots.iter().map(|slot| Values {
                    shape: slot.shape,
                    seen: HashMap::new(),
                    major: None,
                });
                out.proven.push(values.collect());
                out.proven.len() - 1
            });
            out.numbers.push(number);
            let lasts = seen.lasting.contains(resource);
            for (slot, values) in slots.iter().zip(&mut out.proven[number]) {
                let value = &resource.as_str()[slot.range.clone()];
                let major = value.find('.').map_or("", |dot| &value[..=dot]);
                let same = values.major.is_none_or(|other| other == major);
                values.major = Some(if same { major } else { "" });
                // What lasts from beginning to end is as good as a name.
                if lasts {
                    continue;
                }
                let when = values.seen.entry(value).or_insert(*span);
                *when = Span::join(*when, *span);
            }
        }
        out
    }
}

fn write_template(resource: &str, slots: &[Slot], out: &mut String) {
    out.clear();
    let mut from = 0;
    for slot in slots {
        out.push_str(&resource[from..slot.range.start]);
        out.push(match slot.shape {
            Shape::Date => '\u{1}',
            Shape::Identifier => '\u{2}',
            Shape::Number => '\u{3}',
        });
        from = slot.range.end;
    }
    out.push_str(&resource[from..]);
}

/// Whether AWS chooses the text of `slot` anew for each use.
fn is_fresh(layout: &Layout<'_>, slot: &Slot) -> bool {
    layout.made_for_each_use.is_some_and(|i| {
        let made = &layout.components[i];
        made.start <= slot.range.start && slot.range.end <= made.end
    })
}

/// Whether `pattern` leaves the bucket alone: a shape is too little for that, `names` judges it.
fn is_bucket(layout: &Layout<'_>, pattern: &ResourceArn) -> bool {
    let start = layout.components[layout.first].start;
    layout.sole.is_none() && &pattern.as_str()[start..] == "*"
}

/// The resource with a star for each slot, behind so much of it as stays, and the rules that this took.
fn starred(resource: &ResourceArn, slots: &[(&Slot, usize)]) -> (ResourceArn, Rules) {
    let mut text = resource.as_str().to_owned();
    for (slot, keep) in slots.iter().rev() {
        text.replace_range(slot.range.start + keep..slot.range.end, "*");
    }
    let rules = slots.iter().map(|(slot, _)| match slot.shape {
        Shape::Date => Rule::DatedName,
        Shape::Identifier => Rule::GeneratedIdentifier,
        Shape::Number => Rule::NumberedName,
    });
    let rules = rules.fold(Rules::default(), |all, rule| all.and(Rules::of(rule)));
    (without_chains(&text), rules)
}
