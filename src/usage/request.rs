//! The parameters of a request, laid out for look-up.
//!
//! CloudTrail writes the parameters of most services as the API names them, with a lower first letter. EC2 wraps lists
//! as `instancesSet.items[].instanceId` and its newer operations put all under `<Operation>Request`, S3 uses its query
//! and header names. So a parameter is looked for by its name's letters and digits alone, at any depth.

use simd_json::prelude::{TypedScalarValue, ValueAsScalar, ValueIntoString};

use crate::catalog::operation::same_text;
use crate::cloudtrail::event::Json;

/// Deeper parameters are not looked at. The deepest that names a resource in public logs stands at six.
const MAX_DEPTH: usize = 16;

/// One string in the parameters.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// The name of the nearest member around it.
    pub name: &'a str,
    /// How many members are around it.
    pub depth: usize,
    /// The string.
    pub value: &'a str,
}

/// The parameters of one request.
#[derive(Clone, Debug)]
pub struct Parameters<'t, 'a> {
    top: Option<Json<'t, 'a>>,
    leaves: Vec<Leaf<'a>>,
}

impl<'t, 'a> Parameters<'t, 'a> {
    /// Lays out `requestParameters`. What holds text of the caller's own choosing (tags, filters, items, environments) is
    /// left out of the leaves.
    #[must_use]
    pub fn of(request: Option<Json<'t, 'a>>) -> Self {
        let top = request.map(|request| unwrap(request, "Request"));
        let mut leaves = Vec::new();
        if let Some(top) = &top {
            gather(top, "", 0, &mut leaves);
        }
        Self { top, leaves }
    }

    /// The same without its leaves, for look-ups by path alone.
    #[must_use]
    pub fn by_path_only(elements: Option<Json<'t, 'a>>) -> Self {
        Self {
            top: elements.map(|elements| unwrap(elements, "Response")),
            leaves: Vec::new(),
        }
    }

    /// Every string, in the order of the record.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf<'a>] {
        &self.leaves
    }

    /// The strings of the parameter `name`, from the least deep place that has any.
    pub fn values(&self, name: &str) -> Vec<&'a str> {
        let mut found: Vec<Leaf<'a>> = self
            .leaves
            .iter()
            .filter(|leaf| same_name(leaf.name, name))
            .filter(|leaf| leaf.depth == 1 || !is_generic(leaf.name))
            .copied()
            .collect();
        let least = found.iter().map(|leaf| leaf.depth).min();
        found.retain(|leaf| Some(leaf.depth) == least);
        found.into_iter().map(|leaf| leaf.value).collect()
    }

    /// The whole numbers of the parameter `name` on the top level: a layer's `versionNumber`.
    pub fn numbers(&self, name: &str) -> Vec<u64> {
        let places = self.top.iter().flat_map(|top| members(top, name));
        places.filter_map(|place| place.as_u64()).collect()
    }

    /// The strings at a dotted path; lists on the way are walked through, and the path reaches tags and filters too.
    pub fn at(&self, path: &str) -> Vec<&'a str> {
        let places = self.places(path);
        let mut out = Vec::new();
        for place in &places {
            let mut leaves = Vec::new();
            gather(place, "", 0, &mut leaves);
            out.extend(leaves.into_iter().map(|leaf| leaf.value));
        }
        out
    }

    /// The strings at and below every member named `name`, at whatever depth.
    pub fn below(&self, name: &str) -> Vec<&'a str> {
        let mut found = Vec::new();
        if let Some(top) = &self.top {
            find_below(top, name, 0, &mut found);
        }
        let mut out = Vec::new();
        for place in &found {
            gather(place, "", 0, &mut out);
        }
        out.into_iter().map(|leaf| leaf.value).collect()
    }

    /// Whatever stands at a dotted path. A step `requestItems[operation=Put]` goes on only in those elements of the list
    /// whose member `operation` has that text, by the rules of [`same_text`].
    fn places(&self, path: &str) -> Vec<Json<'t, 'a>> {
        let mut places: Vec<Json<'t, 'a>> = self.top.into_iter().collect();
        for step in path.split('.') {
            let (name, wanted) = match step.strip_suffix(']').and_then(|step| step.split_once('['))
            {
                Some((name, wanted)) => (name, wanted.split_once('=')),
                None => (step, None),
            };
            places = places
                .iter()
                .flat_map(|place| members(place, name))
                .collect();
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
        let places = self.top.iter().flat_map(|top| members(top, name));
        let mut out = Vec::new();
        for place in places {
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
        let Some(top) = &self.top else { return true };
        let mut places = vec![*top];
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
fn unwrap<'t, 'a>(whole: Json<'t, 'a>, suffix: &str) -> Json<'t, 'a> {
    let inner = whole.as_object().and_then(|object| {
        let mut members = object.iter();
        let (name, value) = members.next()?;
        let only = members.next().is_none();
        (only && name.ends_with(suffix) && value.as_object().is_some()).then_some(value)
    });
    inner.unwrap_or(whole)
}

fn gather<'a>(place: &Json<'_, 'a>, name: &'a str, depth: usize, out: &mut Vec<Leaf<'a>>) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(value) = place.into_string() {
        if !value.is_empty() && !is_redacted(value) {
            out.push(Leaf { name, depth, value });
        }
    } else if let Some(list) = place.as_array() {
        for element in list.iter() {
            gather(&element, name, depth, out);
        }
    } else if let Some(object) = place.as_object() {
        for (member, value) in object.iter() {
            // Newer EC2 operations write an element of a list as `{"tag": 1, "content": "vol-…"}`.
            let member = if member == "content" && depth > 0 {
                name
            } else {
                member
            };
            if !is_the_callers_own(member, value.as_object().is_some()) {
                gather(&value, member, depth + 1, out);
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
        let name = name.strip_suffix(['s', 'S']).unwrap_or(name);
        name.bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|b| b.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// Names that mean something else at every place, so that only the top level's is taken.
fn is_generic(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "name" | "id" | "arn" | "key" | "value" | "type" | "path" | "resource" | "resources"
    )
}

/// What holds text of the caller's own choosing, which names no resource whatever it says: tags, filters, and free maps
/// such as an item of DynamoDB, an encryption context, a function's environment.
fn is_the_callers_own(name: &str, is_object: bool) -> bool {
    let name = name.to_ascii_lowercase();
    let free_map = || {
        matches!(
            name.as_str(),
            "attributes"
                | "clientcontext"
                | "encryptioncontext"
                | "environment"
                | "exclusivestartkey"
                | "expressionattributenames"
                | "expressionattributevalues"
                | "hyperparameters"
                | "input"
                | "item"
                | "key"
                | "labels"
                | "messageattributes"
                | "metadata"
                | "parameters"
                | "payload"
                | "userdata"
                | "variables"
        )
    };
    matches!(
        name.as_str(),
        "tags"
            | "tagset"
            | "tag"
            | "taglist"
            | "tagkeys"
            | "filters"
            | "filter"
            | "filterset"
            | "tagspecifications"
            | "tagspecificationset"
            | "tagspecification"
            | "clienttoken"
    ) || (is_object && free_map())
}

/// Whether AWS has replaced the value. Source: the values seen in logs; there is no documented list.
fn is_redacted(value: &str) -> bool {
    value.starts_with("HIDDEN_DUE_TO_SECURITY_REASONS")
        || value == "<sensitiveDataRemoved>"
        || value.bytes().all(|b| b == b'*')
}
