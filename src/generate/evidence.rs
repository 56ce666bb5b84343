//! What the parts of resources that look made up become, once there is evidence that tomorrow has others.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use crate::generate::generalise::{
    Granted, Patterns, Rule, Rules, keeps_exact, tidy, without_chains,
};
use crate::generate::layout::Layout;
use crate::generate::shapes::{Shape, Slot, slots};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;

/// How many distinct values must stand in the place of a generated identifier: one could be the only one there is.
const IDENTIFIERS: usize = 2;
/// How many distinct numbers make a series: fewer are as often versions or regions, which are names.
const NUMBERS: usize = 5;

/// The rules of [`Shape`].
pub(super) fn by_shape<'u>(exact: Patterns<'u>, lasting: &BTreeSet<&ResourceArn>) -> Patterns<'u> {
    let mut shaped = Shaped::default();
    let mut places = Vec::with_capacity(exact.len());
    for (_, granted) in &exact {
        let resources = granted.iter();
        places.push(
            resources
                .map(|(resource, _)| shaped.place(resource))
                .collect(),
        );
    }
    let (made, becomes) = shaped.made(lasting);
    let rewrite = |((action, granted), places): ((&'u Action, Granted<'u>), Vec<Option<usize>>)| {
        let mut out: Granted<'u> = Vec::with_capacity(granted.len());
        let mut last = None;
        for ((resource, mut rules), place) in granted.into_iter().zip(places) {
            let made_of_it = place
                .and_then(|place| becomes[place])
                .filter(|_| !keeps_exact(action, resource.parts().map_or("", |p| p.service)));
            let Some(pattern) = made_of_it else {
                out.push((resource, rules));
                continue;
            };
            let (text, by) = &made[pattern];
            rules = rules.and(*by);
            match out.last_mut() {
                // Most come one behind the other.
                Some((_, all)) if last == Some(pattern) => *all = all.and(rules),
                _ => out.push((Cow::Owned(text.clone()), rules)),
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

/// The resources with parts that look made up, each once.
#[derive(Default)]
struct Shaped<'a> {
    known: HashMap<&'a ResourceArn, Option<usize>>,
    resources: Vec<(&'a ResourceArn, Layout<'a>, Vec<Slot>)>,
}

impl<'a> Shaped<'a> {
    /// The place of `resource` among [`Self::resources`]; `None` where no part of it looks made up.
    fn place(&mut self, resource: &'a ResourceArn) -> Option<usize> {
        *self.known.entry(resource).or_insert_with(|| {
            let layout = Layout::of(resource)?;
            let slots = slots(&layout);
            (!slots.is_empty()).then(|| {
                self.resources.push((resource, layout, slots));
                self.resources.len() - 1
            })
        })
    }

    /// The patterns that are made, and which of them each resource becomes.
    fn made(
        &self,
        lasting: &BTreeSet<&ResourceArn>,
    ) -> (Vec<(ResourceArn, Rules)>, Vec<Option<usize>>) {
        let templates = Templates::of(&self.resources, lasting);
        let mut made = Vec::new();
        // What a template becomes where all its slots do.
        let mut whole: Vec<Option<usize>> = vec![None; templates.seen.len()];
        let becomes = self.resources.iter().zip(&templates.numbers);
        let becomes = becomes.map(|((resource, layout, slots), &template)| {
            let proven = proven(layout, slots, &templates.seen[template]);
            if proven.is_empty() {
                return None;
            }
            let shared = (proven.len() == slots.len()).then_some(&mut whole[template]);
            if let Some(Some(place)) = shared {
                return Some(*place);
            }
            made.push(starred(resource, &proven));
            let place = made.len() - 1;
            if let Some(shared) = shared {
                *shared = Some(place);
            }
            Some(place)
        });
        let becomes = becomes.collect();
        (made, becomes)
    }
}

/// Resources by what is left of them without their slots, each of which is a mark that no policy can hold, so that it
/// never equals real text.
struct Templates<'a> {
    /// Of each resource.
    numbers: Vec<usize>,
    /// Of each template, the distinct values of each slot; no more than matter.
    seen: Vec<Vec<Vec<&'a str>>>,
}

impl<'a> Templates<'a> {
    fn of(
        resources: &[(&'a ResourceArn, Layout<'a>, Vec<Slot>)],
        lasting: &BTreeSet<&ResourceArn>,
    ) -> Self {
        let mut by_text: HashMap<String, usize> = HashMap::new();
        let mut out = Self {
            numbers: Vec::with_capacity(resources.len()),
            seen: Vec::new(),
        };
        let mut text = String::new();
        for (resource, _, slots) in resources {
            write_template(resource.as_str(), slots, &mut text);
            let number = by_text.get(&text).copied().unwrap_or_else(|| {
                by_text.insert(text.clone(), out.seen.len());
                out.seen.push(vec![Vec::new(); slots.len()]);
                out.seen.len() - 1
            });
            out.numbers.push(number);
            for (slot, values) in slots.iter().zip(&mut out.seen[number]) {
                let value = &resource.as_str()[slot.range.clone()];
                if matches!(slot.shape, Shape::Identifier) && lasting.contains(resource) {
                    continue;
                }
                if values.len() < NUMBERS && !values.contains(&value) {
                    values.push(value);
                }
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

/// The slots of which enough values were seen.
fn proven<'s>(layout: &Layout<'_>, slots: &'s [Slot], seen: &[Vec<&str>]) -> Vec<&'s Slot> {
    let enough = |(slot, values): &(&Slot, &Vec<&str>)| {
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
    };
    let proven = slots.iter().zip(seen).filter(enough);
    proven.map(|(slot, _)| slot).collect()
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
    let rules = rules.fold(Rules::default(), |all, rule| all.and(Rules::of(rule)));
    (without_chains(&text), rules)
}
