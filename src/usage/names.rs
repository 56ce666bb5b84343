//! ARNs out of names: a type's format with its variables filled from the parameters that the catalog binds to them.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::catalog::resource::{self, Adapter, Source};
use crate::iam::arn::{ArnParts, ResourceArn, escape};
use crate::iam::principal::PrincipalKind;
use crate::usage::kind::{Form, Kind, Variable};
use crate::usage::request::Leaf;
use crate::usage::resource::Request;

/// The most ARNs made from one resource type of one event; more are summed up with `*`.
pub const MAX_ARNS: usize = 1_000;

/// A variable with its values.
type Filled<'k, 'r> = (&'k Variable, Vec<Cow<'r, str>>);

impl Request<'_, '_, '_> {
    /// The type's formats with each variable filled from the parameters bound to it. For a required type one variable is
    /// enough; a call was made with an optional one only if every variable that a parameter could fill is filled: a
    /// query that names its table and no index is not a query of `table/orders/index/*`.
    pub(crate) fn by_names(&self, kind: &Kind) -> Option<Vec<ResourceArn>> {
        let required = kind.required;
        if kind.has_ids {
            let found = self.by_ec2_ids(kind);
            // The ARNs of a few types with ids have names all the same (placement groups).
            let mut variables = kind.forms.iter().flat_map(|form| &form.variables);
            if found.is_some() || !variables.any(|variable| variable.name.ends_with("Name")) {
                return found;
            }
        }
        let own_user =
            kind.prefix == "iam" && kind.name == "user" && self.caller.kind == PrincipalKind::User;
        if own_user && self.parameters.values("userName").is_empty() {
            // IAM takes the caller for the user where the request names none.
            return Some(vec![ResourceArn::from_pattern(escape(&self.caller.arn))]);
        }
        let mut arns = Vec::new();
        for form in &kind.forms {
            let variables = form.variables.iter();
            let filled: Vec<Filled<'_, '_>> = variables
                .map(|variable| (variable, self.variable(variable, required)))
                .collect();
            let is_filled = |(_, values): &Filled<'_, '_>| !values.is_empty();
            let could_be = |(variable, _): &Filled<'_, '_>| !variable.sources.is_empty();
            let whole = filled.iter().all(|each| is_filled(each) || !could_be(each));
            // What the service takes by default names no optional resource.
            let named = |each: &Filled<'_, '_>| is_filled(each) && (required || self.names(each.0));
            if filled.iter().any(named) && (required || whole) {
                arns.extend(self.combine(kind, form, &filled));
            }
        }
        (!arns.is_empty()).then_some(arns)
    }

    /// EC2's identifiers tell their type by what they begin with, wherever in the request they stand.
    fn by_ec2_ids(&self, kind: &Kind) -> Option<Vec<ResourceArn>> {
        let form = kind.forms.first()?;
        let is_id = |leaf: &&Leaf<'_>| {
            let hex = |tail: &str| tail.len() >= 8 && tail.bytes().all(|b| b.is_ascii_hexdigit());
            // Under its own parameter an id need not look like one: anonymised logs have `i-EXAMPLE`.
            let own = |tail: &str| {
                !tail.is_empty()
                    && tail.bytes().all(|b| b.is_ascii_alphanumeric())
                    && form.is_bound(leaf.name)
            };
            let value = self.parameters.value(leaf);
            let tail = value.rsplit_once('-').map(|(_, tail)| tail);
            tail.is_some_and(|tail| hex(tail) || own(tail))
                && resource::ec2_type(value) == Some(kind.name)
        };
        // The nearest to the top: a security group deeper in a rule is one that the rule speaks of.
        let ids = || self.parameters.leaves().iter().filter(is_id);
        let nearest = ids().map(|leaf| leaf.depth).min();
        let mut found: Vec<&str> = ids()
            .filter(|leaf| Some(leaf.depth) == nearest)
            .map(|leaf| self.parameters.value(leaf))
            .collect();
        if found.is_empty() && kind.required {
            found = self.ids_of_response(form);
        }
        if found.is_empty() {
            return None;
        }
        let elsewhere = OnceCell::new();
        let arns = found.into_iter().map(|id| {
            let text =
                form.format.fill(
                    |variable| match self.surrounding(kind, &elsewhere, variable) {
                        Some(value) => value,
                        None => escape(id),
                    },
                );
            ResourceArn::from_pattern(text)
        });
        Some(arns.collect())
    }

    /// The ids that the response shows of what the request does not name (see [`Source::in_response`]).
    fn ids_of_response(&self, form: &Form) -> Vec<&str> {
        let sources = form.sources().filter(|source| source.serves(self.call));
        let mut ids: Vec<&str> = sources
            .filter_map(Source::in_response)
            .flat_map(|path| self.response.at(path))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The values of a variable, in policy syntax; empty where the request has none. The response counts for a required
    /// type only: it shows all of a resource, and most of it the call had nothing to do with.
    fn variable(&self, variable: &Variable, required: bool) -> Vec<Cow<'_, str>> {
        let sources = variable.sources.iter();
        for source in sources
            .filter(|source| source.serves(self.call))
            .filter(|source| required || source.in_response().is_none())
        {
            let values = self.source(*source);
            if !values.is_empty() {
                return match variable.name.ends_with("WithPath") {
                    // The name is looked into.
                    true if self.parameters.values(source.parameter).is_empty() => values,
                    true => values
                        .into_iter()
                        .map(|name| self.with_path(name))
                        .collect(),
                    false => values,
                };
            }
        }
        Vec::new()
    }

    /// Whether a parameter of the request, and no default of the service, fills the variable.
    fn names(&self, variable: &Variable) -> bool {
        let sources = variable.sources.iter();
        let mut serving = sources.filter(|source| source.serves(self.call));
        serving.any(|source| source.literal().is_none() && !self.source(*source).is_empty())
    }

    /// An IAM name with its path, which only the request that creates the entity tells, and the names that AWS reserves.
    /// For any other the path is taken to be `/`; [`crate::usage::ledger::Ledger::settle`] puts right what other events of
    /// the trail tell better. Source: IAM User Guide, "Create a service-linked role"; IAM Identity Center User Guide,
    /// "Referencing permission sets in resource policies".
    fn with_path<'r>(&self, name: Cow<'r, str>) -> Cow<'r, str> {
        match self.parameters.values("path").first() {
            Some(path) if !path.trim_matches('/').is_empty() => {
                format!("{}/{name}", escape(path.trim_matches('/'))).into()
            }
            None if name.starts_with("AWSServiceRoleFor") => {
                format!("aws-service-role/*/{name}").into()
            }
            None if name.starts_with("AWSReservedSSO_") => {
                format!("aws-reserved/sso.amazonaws.com/*{name}").into()
            }
            _ => name,
        }
    }

    fn source(&self, source: Source) -> Vec<Cow<'_, str>> {
        if let Some(text) = source.literal() {
            return self
                .whole
                .then_some(Cow::Borrowed(text))
                .into_iter()
                .collect();
        }
        let texts = self.texts(source);
        if texts.is_empty() && source.adapter == Adapter::Same {
            let numbers = self.parameters.numbers(source.parameter);
            let texts = numbers.iter().map(u64::to_string);
            return texts.map(Cow::Owned).collect();
        }
        let texts = texts.into_iter();
        texts
            .filter_map(|text| source.adapter.apply(text))
            .collect()
    }

    fn texts(&self, source: Source) -> Vec<&str> {
        match source.adapter {
            _ if source.literal().is_some() => Vec::new(),
            Adapter::Keys => self.parameters.keys(source.parameter),
            _ if source.in_response().is_none()
                && !source.parameter.contains('.')
                && source.adapter.copies() =>
            {
                self.parameters.copies(source.parameter)
            }
            _ if source.in_response().is_some() => {
                self.response.at(source.in_response().unwrap_or_default())
            }
            _ if source.parameter.contains('.') => self.parameters.at(source.parameter),
            _ => self.parameters.values(source.parameter),
        }
    }

    /// Partition, Region and account as the surroundings of the request tell them, or better: as an ARN in the place of the
    /// resource's name does, or a queue's URL. `elsewhere` keeps that ARN, once it was looked for.
    fn surrounding<'s>(
        &'s self,
        kind: &Kind,
        elsewhere: &OnceCell<Option<ArnParts<'s>>>,
        variable: &str,
    ) -> Option<Cow<'s, str>> {
        let elsewhere = || *elsewhere.get_or_init(|| self.elsewhere(kind));
        match variable {
            "Partition" => Some(Cow::Borrowed(&self.partition)),
            "Region" => {
                Some(elsewhere().map_or(Cow::Borrowed(&*self.region), |arn| escape(arn.region)))
            }
            "Account" => {
                let mut owners = kind.owners.iter();
                let owner = owners.find_map(|source| self.source(*source).into_iter().next());
                let arn = || elsewhere().map(|arn| escape(arn.account));
                let owner = owner.or_else(arn);
                Some(owner.unwrap_or(Cow::Borrowed(&*self.account)))
            }
            _ => None,
        }
    }

    /// The ARN that stands in the place of a name of `kind`'s; `None` where there is none, or several.
    fn elsewhere(&self, kind: &Kind) -> Option<ArnParts<'_>> {
        let service = kind.service?;
        let sources = kind.forms.first()?.sources();
        let mut found: Option<ArnParts<'_>> = None;
        for text in sources
            .filter(|source| source.serves(self.call))
            .flat_map(|source| self.texts(source))
        {
            let Some(arn) = ArnParts::parse(text).filter(|arn| arn.service == service) else {
                continue;
            };
            let same =
                |other: ArnParts<'_>| (other.region, other.account) == (arn.region, arn.account);
            if found.is_some_and(|other| !same(other)) {
                return None;
            }
            found = Some(arn);
        }
        found
    }

    /// One ARN for each combination of values. Variables that have equally many go side by side, as they come from the
    /// same list; otherwise each goes with each.
    fn combine(&self, kind: &Kind, form: &Form, filled: &[Filled<'_, '_>]) -> Vec<ResourceArn> {
        let most = filled
            .iter()
            .map(|(_, values)| values.len())
            .max()
            .unwrap_or(0);
        let parallel = filled
            .iter()
            .all(|(_, values)| values.len() <= 1 || values.len() == most);
        let count = match parallel {
            true => most,
            false => filled
                .iter()
                .map(|(_, values)| values.len().max(1))
                .product(),
        };
        if count > MAX_ARNS {
            return self.unfilled(kind);
        }
        let elsewhere = OnceCell::new();
        let arn = |number: usize| {
            let mut left = number;
            let mut chosen: Vec<(&str, &str)> = Vec::with_capacity(filled.len());
            for (variable, values) in filled {
                let value = match (values.len(), parallel) {
                    (0, _) => "*",
                    (1, _) => &*values[0],
                    (_, true) => &*values[number],
                    (len, false) => {
                        let at = left % len;
                        left /= len;
                        &*values[at]
                    }
                };
                chosen.push((variable.name, value));
            }
            let text = form.format.fill(|variable| {
                let value = chosen.iter().find(|(name, _)| *name == variable);
                match value {
                    Some((_, value)) => Cow::Borrowed(*value),
                    None => self
                        .surrounding(kind, &elsewhere, variable)
                        .unwrap_or(Cow::Borrowed("*")),
                }
            });
            ResourceArn::from_pattern(text)
        };
        (0..count).map(arn).collect()
    }

    /// The type's formats with `*` for every variable but partition, Region and account.
    pub fn unfilled(&self, kind: &Kind) -> Vec<ResourceArn> {
        let elsewhere = OnceCell::new();
        let fill = |form: &Form| {
            let text = form.format.fill(|variable| {
                self.surrounding(kind, &elsewhere, variable)
                    .unwrap_or(Cow::Borrowed("*"))
            });
            ResourceArn::from_pattern(text)
        };
        kind.forms.iter().map(fill).collect()
    }
}
