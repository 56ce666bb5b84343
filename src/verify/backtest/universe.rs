//! All that could be granted: the actions of the catalog with the resources that were seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use serde::Serialize;

use crate::catalog::action::{self, AccessLevel};
use crate::catalog::arn;
use crate::iam::action::Action;
use crate::iam::arn::{ArnParts, ResourceArn};
use crate::usage::format::Format;
use crate::usage::ledger::PrincipalUsage;
use crate::verify::glob::Glob;
use crate::verify::matcher::ActionPattern;
use crate::verify::resource::Subject;

/// What a pair weighs by the access level of its action. A choice: an unused grant that changes things is worse than one that
/// sees them, and one that changes permissions, with which one can get all others, is the worst.
#[must_use]
pub const fn weight(level: AccessLevel) -> u64 {
    match level {
        AccessLevel::List => 1,
        AccessLevel::Read => 2,
        AccessLevel::Tagging => 3,
        AccessLevel::Write => 5,
        AccessLevel::PermissionsManagement => 20,
    }
}

/// A number of pairs of an action and a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// How many.
    pub pairs: u64,
    /// The sum of their [`weight`]s.
    pub weighted: u64,
}

impl Amount {
    /// Adds `count` pairs with actions of this access level.
    pub(crate) fn count(&mut self, level: AccessLevel, count: u64) {
        self.pairs += count;
        self.weighted += count * weight(level);
    }

    /// Adds `other`'s.
    pub(crate) fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.weighted += other.weighted;
    }
}

/// A resource type: the service's IAM prefix and the type's name.
type Type = (&'static str, &'static str);

/// The actions of the catalog, as a universe needs them.
pub(super) struct Actions {
    /// In lower case, sorted.
    names: Vec<Glob>,
    /// Of each, its access level and the number of its set of resource types.
    pub(super) facts: Vec<(AccessLevel, usize)>,
    /// Those in AWS's spelling.
    pub(super) spelt: Vec<&'static str>,
    /// The sets of resource types that actions take; the first is the empty one.
    sets: Vec<Vec<Type>>,
}

/// The set of types of an action that takes `*` alone.
pub(super) const NO_TYPES: usize = 0;

pub(super) static ACTIONS: LazyLock<Actions> = LazyLock::new(Actions::of_catalog);

impl Actions {
    fn of_catalog() -> Self {
        let mut all: Vec<_> = action::all()
            .map(|facts| (facts.action.to_ascii_lowercase(), facts))
            .collect();
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut numbers: BTreeMap<Vec<Type>, usize> = BTreeMap::from([(Vec::new(), NO_TYPES)]);
        let mut sets = vec![Vec::new()];
        let mut out = Self {
            names: Vec::with_capacity(all.len()),
            facts: Vec::with_capacity(all.len()),
            spelt: Vec::with_capacity(all.len()),
            sets: Vec::new(),
        };
        for (name, facts) in all {
            let types = facts.resource_types();
            let mut types: Vec<Type> = types.map(|(name, _)| (facts.prefix(), name)).collect();
            types.sort_unstable();
            let next = sets.len();
            let set = *numbers.entry(types).or_insert_with_key(|types| {
                sets.push(types.clone());
                next
            });
            out.names.push(Glob::literal(name));
            out.facts.push((facts.level(), set));
            out.spelt.push(facts.action);
        }
        Self { sets, ..out }
    }

    /// The place of an action; `None` where the catalog does not know it.
    pub(super) fn find(&self, action: &str) -> Option<usize> {
        let name = action.to_ascii_lowercase();
        let at = self.names.binary_search_by(|own| own.prefix().cmp(&name));
        at.ok()
    }

    /// The places of the actions that `pattern` matches, sorted.
    pub(super) fn matching<'a>(
        &'a self,
        pattern: &'a ActionPattern,
    ) -> impl Iterator<Item = usize> + 'a {
        let prefix = pattern.glob.prefix();
        let start = self.names.partition_point(|name| name.prefix() < prefix);
        let behind = self.names[start..].iter();
        behind
            .take_while(move |name| name.prefix().starts_with(prefix))
            .enumerate()
            .filter(|(_, name)| pattern.matches(name))
            .map(move |(at, _)| start + at)
    }
}

/// A resource that was seen.
pub(super) struct Resource {
    pub(super) text: Box<str>,
    pub(super) subject: Subject,
    /// Which of the sets of types that resources fit.
    pub(super) fit: usize,
}

/// All pairs of an action and a resource that some principals could have been granted: each action of the catalog with
/// each resource that any of them used and that fits one of the action's resource types by its ARN; each action that takes no
/// resource with `*`; and whatever else they used.
///
/// The principals are to be those of one account, as an identity policy grants nothing in another one by itself.
pub struct Universe {
    /// Sorted by text.
    pub(super) resources: Vec<Resource>,
    /// The resources of each fit.
    pub(super) of_fit: Vec<Vec<usize>>,
    /// For each set of types, the fits that have one of its types.
    pub(super) fits_of_set: Vec<Vec<usize>>,
    /// The used pairs that the catalog does not foresee: resources by action.
    pub(super) odd: BTreeMap<usize, Vec<usize>>,
    size: Amount,
}

impl Universe {
    /// The universe of the principals with these usages.
    #[must_use]
    pub fn new<'u>(usages: impl IntoIterator<Item = &'u PrincipalUsage>) -> Self {
        let actions = &*ACTIONS;
        let mut used: BTreeMap<&Action, BTreeSet<&ResourceArn>> = BTreeMap::new();
        for (action, resource, _) in usages.into_iter().flat_map(PrincipalUsage::used) {
            used.entry(action).or_default().insert(resource);
        }
        let seen: BTreeSet<&ResourceArn> = used.values().flatten().copied().collect();
        let (mut types, mut numbers) = (Types::default(), BTreeMap::<Vec<Type>, usize>::new());
        let mut of_fit = Vec::new();
        let mut resources = Vec::with_capacity(seen.len());
        for (at, resource) in seen.into_iter().enumerate() {
            let next = numbers.len();
            let fit = *numbers.entry(types.of(resource)).or_insert(next);
            if fit == of_fit.len() {
                of_fit.push(Vec::new());
            }
            of_fit[fit].push(at);
            resources.push(Resource {
                text: resource.as_str().into(),
                subject: Subject::new(resource.as_str()),
                fit,
            });
        }
        let fits_of_set = fits_of_sets(&actions.sets, &numbers);
        let mut universe = Self {
            resources,
            of_fit,
            fits_of_set,
            odd: BTreeMap::new(),
            size: Amount::default(),
        };
        for (action, resources) in used {
            let Some(action) = actions.find(action.as_str()) else {
                continue;
            };
            let places = resources
                .into_iter()
                .filter_map(|r| universe.place(r.as_str()));
            let odd: Vec<usize> = places
                .filter(|at| !universe.foresees(action, *at))
                .collect();
            if !odd.is_empty() {
                universe.odd.insert(action, odd);
            }
        }
        universe.size = universe.whole();
        universe
    }

    /// How many pairs there are.
    #[must_use]
    pub fn size(&self) -> Amount {
        self.size
    }

    /// The access level of `action` where it and `resource` are one of the pairs.
    #[must_use]
    pub fn level_of(&self, action: &Action, resource: &ResourceArn) -> Option<AccessLevel> {
        let action = ACTIONS.find(action.as_str())?;
        let (level, set) = ACTIONS.facts[action];
        if set == NO_TYPES && resource.is_any() {
            return Some(level);
        }
        let place = self.place(resource.as_str())?;
        let odd = || {
            self.odd
                .get(&action)
                .is_some_and(|odd| odd.contains(&place))
        };
        (self.foresees(action, place) || odd()).then_some(level)
    }

    fn place(&self, resource: &str) -> Option<usize> {
        let found = self
            .resources
            .binary_search_by(|own| (*own.text).cmp(resource));
        found.ok()
    }

    /// Whether by the catalog the action takes resources like this one.
    fn foresees(&self, action: usize, resource: usize) -> bool {
        let (_, set) = ACTIONS.facts[action];
        let resource = &self.resources[resource];
        match set {
            NO_TYPES => &*resource.text == "*",
            _ => self.fits_of_set[set].contains(&resource.fit),
        }
    }

    fn whole(&self) -> Amount {
        let count = |set: usize| match set {
            NO_TYPES => 1,
            _ => {
                let fits = self.fits_of_set[set].iter();
                fits.map(|fit| self.of_fit[*fit].len() as u64).sum()
            }
        };
        let counts: Vec<u64> = (0..self.fits_of_set.len()).map(count).collect();
        let mut size = Amount::default();
        for (level, set) in &ACTIONS.facts {
            size.count(*level, counts[*set]);
        }
        for (action, odd) in &self.odd {
            size.count(ACTIONS.facts[*action].0, odd.len() as u64);
        }
        size
    }
}

/// For each set of types, the fits that have one of its types, sorted.
fn fits_of_sets(sets: &[Vec<Type>], fits: &BTreeMap<Vec<Type>, usize>) -> Vec<Vec<usize>> {
    let mut with_type: HashMap<Type, Vec<usize>> = HashMap::new();
    for (types, fit) in fits {
        for kind in types {
            with_type.entry(*kind).or_default().push(*fit);
        }
    }
    let fits_of = |set: &Vec<Type>| {
        let fits = set.iter().filter_map(|kind| with_type.get(kind));
        let fits: BTreeSet<usize> = fits.flatten().copied().collect();
        fits.into_iter().collect()
    };
    sets.iter().map(fits_of).collect()
}

/// The resource types by the service in their ARNs, with their formats.
#[derive(Default)]
struct Types {
    of_service: HashMap<Box<str>, Vec<(Type, Format<'static>)>>,
}

impl Types {
    /// The types that `resource` is of: of each service's prefix those whose format it fits most closely.
    fn of(&mut self, resource: &ResourceArn) -> Vec<Type> {
        let Some(parts) = resource.parts() else {
            return Vec::new();
        };
        let formats = self.of_service.entry(parts.service.into());
        let formats = formats.or_insert_with(|| formats_of(parts.service));
        let mut closest: BTreeMap<&str, (usize, BTreeSet<Type>)> = BTreeMap::new();
        for (kind, format) in formats.iter() {
            let Some(literals) = format.fits(resource.as_str()) else {
                continue;
            };
            let (most, kinds) = closest.entry(kind.0).or_default();
            if literals > *most {
                (*most, *kinds) = (literals, BTreeSet::new());
            }
            if literals == *most {
                kinds.insert(*kind);
            }
        }
        closest.into_values().flat_map(|(_, kinds)| kinds).collect()
    }
}

fn formats_of(service: &str) -> Vec<(Type, Format<'static>)> {
    let of_type = |kind: crate::catalog::resource::ResourceType| {
        let formats = kind.formats().filter(|format| {
            ArnParts::parse(format).is_some_and(|format| format.service == service)
        });
        formats
            .map(|format| ((kind.prefix, kind.name), Format::parse(format)))
            .collect::<Vec<_>>()
    };
    arn::types(service).flat_map(of_type).collect()
}
