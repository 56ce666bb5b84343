//! The parameters of a request, laid out for look-up.
//!
//! CloudTrail writes the parameters of most services as the API names them, with a lower first letter. EC2 wraps lists
//! as `instancesSet.items[].instanceId` and its newer operations put all under `<Operation>Request`, S3 uses its query
//! and header names. So a parameter is looked for by its name's letters and digits alone, at any depth.

use std::cell::Cell;

use simd_json::prelude::{TypedScalarValue, ValueAsScalar, ValueIntoString};

use crate::catalog::operation::same_text;
use crate::cloudtrail::event::Json;
use crate::usage::initials::Initials;
use crate::usage::like::Marks;
use crate::usage::opaque::{ARN, FOUND_BELOW, is_among, is_redacted, is_the_callers_own};

/// Deeper parameters are not looked at. The deepest that names a resource in public logs stands at six.
const MAX_DEPTH: usize = 16;

/// One string in the parameters.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// The name of the nearest member around it.
    pub name: &'a str,
    /// How many members are around it.
    pub depth: usize,
    /// Whether the string begins as an ARN does, which is told of a text that is not looked into too (see `opaque.rs`).
    pub is_arn: bool,
    /// The string; [`Parameters::value`] gives it and notes that.
    value: &'a str,
    /// The bit of the top level's member that it stands in.
    touch: u64,
}

/// The parameters of one request.
#[derive(Clone, Debug)]
pub struct Parameters<'t, 'a> {
    top: Option<Json<'t, 'a>>,
    leaves: Vec<Leaf<'a>>,
    /// By what the names of the leaves begin with, and those of the members of the top level.
    leaf_names: Initials,
    member_names: Initials,
    /// Whether what is looked into is told apart by the members of the top level.
    divided: bool,
    /// The members that were looked into, as in [`Touched`](crate::usage::calls::Touched).
    touched: Cell<u64>,
    /// Those whose text was [copied](Self::copies).
    copied: Cell<u64>,
    /// Whether a member was sought [at any depth](Self::below).
    sought_below: Cell<bool>,
}

impl<'t, 'a> Parameters<'t, 'a> {
    /// Lays out `requestParameters`. What holds text of the caller's own choosing (tags, filters, items, environments) is
    /// left out of the leaves. Texts that have a mark are taken for it.
    #[must_use]
    pub fn of(request: Option<Json<'t, 'a>>, marks: Option<&'a Marks>) -> Self {
        let inner = request.and_then(|request| inner(request, "Request"));
        let mut parameters = Self::new(inner.or(request), inner.is_none());
        let Some(top) = parameters.top else {
            return parameters;
        };
        let mut leaves = Vec::new();
        match top.as_object() {
            Some(object) => {
                for (index, (member, value)) in object.iter().enumerate() {
                    parameters.member_names.add(member);
                    if !is_the_callers_own(member.as_bytes(), value.as_object().is_some()) {
                        gather(&value, member, 1, parameters.bit(index), &mut leaves);
                    }
                }
            }
            None => gather(&top, "", 0, u64::MAX, &mut leaves),
        }
        for leaf in &mut leaves {
            parameters.leaf_names.add(leaf.name);
            if let Some(mark) = marks.and_then(|marks| marks.of(leaf.touch)) {
                leaf.value = mark;
            }
        }
        parameters.leaves = leaves;
        parameters
    }

    /// The same without its leaves, for look-ups by path alone.
    #[must_use]
    pub fn by_path_only(elements: Option<Json<'t, 'a>>) -> Self {
        let inside = elements.and_then(|elements| inner(elements, "Response"));
        let mut parameters = Self::new(inside.or(elements), false);
        if let Some(object) = parameters.top.and_then(|top| top.as_object()) {
            object
                .keys()
                .for_each(|name| parameters.member_names.add(name));
        }
        parameters
    }

    fn new(top: Option<Json<'t, 'a>>, divided: bool) -> Self {
        Self {
            top,
            leaves: Vec::new(),
            leaf_names: Initials::default(),
            member_names: Initials::default(),
            divided,
            touched: Cell::new(0),
            copied: Cell::new(0),
            sought_below: Cell::new(false),
        }
    }

    /// Whether the record has none.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.top().is_none()
    }

    /// What was looked into so far: the bits of the first members, and all of them where that is not told apart.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.touched.get()
    }

    /// What was copied and not looked into besides.
    #[must_use]
    pub fn copied(&self) -> u64 {
        self.copied.get() & !self.touched.get()
    }

    /// Whether a member was [sought at any depth](Self::below) so far.
    #[must_use]
    pub fn sought_below(&self) -> bool {
        self.sought_below.get()
    }

    fn bit(&self, index: usize) -> u64 {
        match self.divided {
            true => 1u64.checked_shl(index as u32).unwrap_or(0),
            false => u64::MAX,
        }
    }

    fn touch(&self, bits: u64) {
        self.touched.set(self.touched.get() | bits);
    }

    /// The text of a leaf.
    #[must_use]
    pub fn value(&self, leaf: &Leaf<'a>) -> &'a str {
        self.touch(leaf.touch);
        leaf.value
    }

    /// The top level. Where what is looked into is not told apart, it is all looked into, be there anything or not.
    fn top(&self) -> Option<Json<'t, 'a>> {
        if !self.divided {
            self.touch(u64::MAX);
        }
        self.top
    }

    /// The members of the top level that are named `name`.
    fn first(&self, name: &str) -> Vec<Json<'t, 'a>> {
        let Some(top) = self.top() else {
            return Vec::new();
        };
        let Some(object) = top.as_object() else {
            self.touch(u64::MAX);
            return members(&top, name);
        };
        if !self.member_names.may_have(name) {
            return Vec::new();
        }
        let members = object.iter().enumerate();
        let found = members.filter(|(_, (member, _))| same_name(member, name));
        found
            .map(|(index, (_, value))| {
                self.touch(self.bit(index));
                value
            })
            .collect()
    }

    /// Every string, in the order of the record.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf<'a>] {
        &self.leaves
    }

    /// The strings of the parameter `name`, from the least deep place that has any.
    pub fn values(&self, name: &str) -> Vec<&'a str> {
        let leaves = self.named(name);
        self.touch(leaves.iter().fold(0, |bits, leaf| bits | leaf.touch));
        leaves.iter().map(|leaf| leaf.value).collect()
    }

    /// The same, for one who does nothing with texts that are no ARNs but to write them, as they are and
    /// [escaped](crate::iam::arn::escape), into a resource: no other text in their place could change anything else.
    pub fn copies(&self, name: &str) -> Vec<&'a str> {
        let leaves = self.named(name);
        let copied = leaves.iter().filter(|leaf| self.divided && !leaf.is_arn);
        let copied = copied.fold(0, |bits, leaf| bits | leaf.touch);
        let all = leaves.iter().fold(0, |bits, leaf| bits | leaf.touch);
        self.copied.set(self.copied.get() | copied);
        self.touch(all & !copied);
        leaves.iter().map(|leaf| leaf.value).collect()
    }

    fn named(&self, name: &str) -> Vec<&Leaf<'a>> {
        let (mut found, mut least) = (Vec::new(), usize::MAX);
        if !self.leaf_names.may_have(name) {
            return found;
        }
        for leaf in &self.leaves {
            let named = leaf.depth <= least && same_name(leaf.name, name);
            if named && (leaf.depth == 1 || !is_generic(leaf.name)) {
                if leaf.depth < least {
                    found.clear();
                    least = leaf.depth;
                }
                found.push(leaf);
            }
        }
        found
    }

    /// The whole numbers of the parameter `name` on the top level: a layer's `versionNumber`.
    pub fn numbers(&self, name: &str) -> Vec<u64> {
        let places = self.first(name).into_iter();
        places.filter_map(|place| place.as_u64()).collect()
    }

    /// The strings at a dotted path; lists on the way are walked through, and the path reaches tags and filters too.
    pub fn at(&self, path: &str) -> Vec<&'a str> {
        let mut out = Vec::new();
        for place in &self.places(path) {
            gather(place, "", 0, 0, &mut out);
        }
        out.into_iter().map(|leaf| leaf.value).collect()
    }

    /// The strings at and below every member named `name`, one of `FOUND_BELOW`, at whatever depth.
    pub fn below(&self, name: &str) -> Vec<&'a str> {
        debug_assert!(FOUND_BELOW.contains(&name), "{name}");
        self.sought_below.set(true);
        let mut found = Vec::new();
        if let Some(top) = self.top() {
            self.touch_below(&top, name);
            find_below(&top, name, 0, &mut found);
        }
        let mut out = Vec::new();
        for place in &found {
            gather(place, "", 0, 0, &mut out);
        }
        out.into_iter().map(|leaf| leaf.value).collect()
    }

    /// Notes that all lists and objects are looked into, and the members named `name`. Where there is nothing to find in
    /// what is the caller's own, that shows in its opaque text (see `opaque.rs`), as it was noted that members are sought.
    fn touch_below(&self, top: &Json<'t, 'a>, name: &str) {
        let Some(object) = top.as_object() else {
            return self.touch(u64::MAX);
        };
        for (index, (member, value)) in object.iter().enumerate() {
            let within = || {
                let mut found = Vec::new();
                find_below(&value, name, 0, &mut found);
                !is_the_callers_own(member.as_bytes(), value.as_object().is_some())
                    || !found.is_empty()
            };
            if member.eq_ignore_ascii_case(name) || (value.as_str().is_none() && within()) {
                self.touch(self.bit(index));
            }
        }
    }

    /// Whatever stands at a dotted path. A step `requestItems[operation=Put]` goes on only in those elements of the list
    /// whose member `operation` has that text, by the rules of [`same_text`].
    fn places(&self, path: &str) -> Vec<Json<'t, 'a>> {
        let mut places = Vec::new();
        for (depth, step) in path.split('.').enumerate() {
            let (name, wanted) = match step.strip_suffix(']').and_then(|step| step.split_once('['))
            {
                Some((name, wanted)) => (name, wanted.split_once('=')),
                None => (step, None),
            };
            places = match depth {
                0 => self.first(name),
                _ => places
                    .iter()
                    .flat_map(|place| members(place, name))
                    .collect(),
            };
            if let Some((member, wanted)) = wanted {
                places = places.iter().flat_map(elements).collect();
                places.retain(|place| {
                    let texts = members(place, member);
                    texts
                        .iter()
                        .any(|text| text.as_str().is_some_and(|text| same_text(wanted, text)))
                });
            }
        }
        places
    }

    /// The member names of the object at `name` on the top level: `requestItems` has a table's name for each.
    pub fn keys(&self, name: &str) -> Vec<&'a str> {
        let mut out = Vec::new();
        for place in self.first(name) {
            if let Some(object) = place.as_object() {
                out.extend(object.keys());
            }
        }
        out
    }

    /// Whether the parameter at the dotted `path` is there and holds anything: not null, `false`, or empty.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let places = self.places(path);
        places.iter().any(|place| !is_empty(place))
    }

    /// Whether the parameter at the dotted `path` is missing or empty, in one element at least of the lists on the way:
    /// `entries.eventBusName` is missing where only some entries have it.
    #[must_use]
    pub fn lacks(&self, path: &str) -> bool {
        let Some(top) = self.top() else { return true };
        // That a member is missing shows in the names alone; what it holds is looked into.
        self.first(path.split('.').next().unwrap_or_default());
        let mut places = vec![top];
        for step in path.split('.') {
            let mut inner = Vec::new();
            for place in places.iter().flat_map(elements) {
                let found = members(&place, step);
                if found.iter().all(is_empty) {
                    return true;
                }
                inner.extend(found);
            }
            places = inner;
        }
        false
    }
}

/// Those of a list's elements that are no lists; anything else is its own only element.
fn elements<'t, 'a>(place: &Json<'t, 'a>) -> Vec<Json<'t, 'a>> {
    match place.as_array() {
        Some(list) => list.iter().flat_map(|each| elements(&each)).collect(),
        None => vec![*place],
    }
}

/// The object inside, where all stands in one `<Operation>Request` or `<Operation>Response`.
fn inner<'t, 'a>(whole: Json<'t, 'a>, suffix: &str) -> Option<Json<'t, 'a>> {
    let object = whole.as_object()?;
    let mut members = object.iter();
    let (name, value) = members.next()?;
    let only = members.next().is_none();
    (only && name.ends_with(suffix) && value.as_object().is_some()).then_some(value)
}

fn gather<'a>(
    place: &Json<'_, 'a>,
    name: &'a str,
    depth: usize,
    touch: u64,
    out: &mut Vec<Leaf<'a>>,
) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(value) = place.into_string() {
        if !value.is_empty() && !is_redacted(value.as_bytes()) {
            out.push(Leaf {
                name,
                depth,
                is_arn: value.starts_with(ARN),
                value,
                touch,
            });
        }
    } else if let Some(list) = place.as_array() {
        for element in list.iter() {
            gather(&element, name, depth, touch, out);
        }
    } else if let Some(object) = place.as_object() {
        for (member, value) in object.iter() {
            // Newer EC2 operations write an element of a list as `{"tag": 1, "content": "vol-…"}`.
            let member = if member == "content" && depth > 0 {
                name
            } else {
                member
            };
            if !is_the_callers_own(member.as_bytes(), value.as_object().is_some()) {
                gather(&value, member, depth + 1, touch, out);
            }
        }
    }
}

fn find_below<'t, 'a>(place: &Json<'t, 'a>, name: &str, depth: usize, out: &mut Vec<Json<'t, 'a>>) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(list) = place.as_array() {
        for element in list.iter() {
            find_below(&element, name, depth + 1, out);
        }
    } else if let Some(object) = place.as_object() {
        for (member, value) in object.iter() {
            if member.eq_ignore_ascii_case(name) {
                out.push(value);
            } else {
                find_below(&value, name, depth + 1, out);
            }
        }
    }
}

fn members<'t, 'a>(place: &Json<'t, 'a>, name: &str) -> Vec<Json<'t, 'a>> {
    if let Some(list) = place.as_array() {
        return list
            .iter()
            .flat_map(|element| members(&element, name))
            .collect();
    }
    let Some(object) = place.as_object() else {
        return Vec::new();
    };
    let found = object.iter().filter(|(member, _)| same_name(member, name));
    found.map(|(_, value)| value).collect()
}

fn is_empty(place: &Json<'_, '_>) -> bool {
    if place.is_null() || place.as_bool() == Some(false) {
        return true;
    }
    if let Some(text) = place.as_str() {
        return text.is_empty();
    }
    if let Some(list) = place.as_array() {
        return list.is_empty();
    }
    place.as_object().is_some_and(|object| object.is_empty())
}

/// Whether two names are the same parameter: letters and digits without case, a plural `s` at the end left out.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = u8> {
        let name = match name.as_bytes() {
            [singular @ .., b's' | b'S'] => singular,
            name => name,
        };
        name.iter()
            .filter(|b| b.is_ascii_alphanumeric())
            .map(|b| b.to_ascii_lowercase())
    }
    let first = |name: &str| name.bytes().next().filter(u8::is_ascii_alphabetic);
    // Nearly all differ in the first letter.
    if let (Some(a), Some(b)) = (first(a), first(b))
        && !a.eq_ignore_ascii_case(&b)
    {
        return false;
    }
    letters(a).eq(letters(b))
}

/// What stands before `end`, which is ASCII, in any letter case.
pub(crate) fn before<'n>(name: &'n str, end: &str) -> Option<&'n str> {
    let (start, tail) = name.split_at_checked(name.len().checked_sub(end.len())?)?;
    tail.eq_ignore_ascii_case(end).then_some(start)
}

/// Names that mean something else at every place, so that only the top level's is taken.
fn is_generic(name: &str) -> bool {
    const GENERIC: [&str; 9] = [
        "name",
        "id",
        "arn",
        "key",
        "value",
        "type",
        "path",
        "resource",
        "resources",
    ];
    is_among(name.as_bytes(), &GENERIC)
}
