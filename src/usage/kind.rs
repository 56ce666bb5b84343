//! What the tables say of a needed action, taken apart once for each call and not with each event.

use crate::catalog::operation::{self, Need, Needs, When};
use crate::catalog::resource::{self, Source};
use crate::iam::arn::ArnParts;
use crate::usage::format::Format;
use crate::usage::request::same_name;
use crate::usage::resolve::Basis;
use crate::usage::template::Template;

/// A row of the operations table.
#[derive(Debug)]
pub struct Row {
    /// The row.
    pub need: Need,
    /// The row's resource template.
    pub template: Option<Template>,
    /// The resource types of the row's action.
    pub kinds: Vec<Kind>,
    /// Where a need of it is read from.
    pub basis: Basis,
}

/// A resource type of an action.
#[derive(Debug)]
pub struct Kind {
    /// The service's IAM prefix.
    pub prefix: &'static str,
    /// The type's name in the Service Authorization Reference.
    pub name: &'static str,
    /// Whether AWS marks it as required for the action.
    pub required: bool,
    /// Its ARN formats.
    pub forms: Vec<Form>,
    /// What may tell the account, where the request may name a resource of another one.
    pub owners: Vec<Source>,
    /// The service in its first ARN format.
    pub service: Option<&'static str>,
    /// Whether it is told by ids of EC2, see [`resource::ec2_has_ids`].
    pub has_ids: bool,
}

/// An ARN format.
#[derive(Debug)]
pub struct Form {
    /// As the table has it.
    pub text: &'static str,
    /// In its pieces.
    pub format: Format<'static>,
    /// Those of its variables that are not partition, Region or account.
    pub variables: Vec<Variable>,
}

/// A variable of an ARN format.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What may fill it, best first.
    pub sources: Vec<Source>,
}

impl Row {
    /// Takes the rows of the call `name` apart.
    #[must_use]
    pub fn all(name: &str, needs: Needs) -> Vec<Self> {
        let first = needs.iter().next();
        let own = first.map_or("", |need| need.action.prefix());
        needs.iter().map(|need| Self::of(need, name, own)).collect()
    }

    /// The row of a call `name`, most of whose needs are of the service with the prefix `own`.
    fn of(need: Need, name: &str, own: &str) -> Self {
        let types = need.action.resource_types();
        let (action, call) = (need.action.to_action(), operation::plain_name(name));
        let basis = match need.when {
            _ if action.name().eq_ignore_ascii_case(call) => Basis::Event,
            When::Present(_) | When::Equals(..) => Basis::Parameter,
            When::Always | When::Absent(_) if need.action.prefix() != own => Basis::Dependent,
            When::Always | When::Absent(_) => Basis::Event,
        };
        Self {
            basis,
            need,
            template: need.resource.map(Template::parse),
            kinds: types
                .filter_map(|(name, required)| Kind::find(need.action.prefix(), name, required))
                .collect(),
        }
    }
}

impl Kind {
    fn find(prefix: &str, name: &str, required: bool) -> Option<Self> {
        let found = resource::find(prefix, name)?;
        let variable = |name| Variable {
            name,
            sources: found.sources(name).collect(),
        };
        let form = |text| {
            let format = Format::parse(text);
            Form {
                text,
                variables: format.variables().map(variable).collect(),
                format,
            }
        };
        let forms: Vec<Form> = found.formats().map(form).collect();
        let first = forms.first().and_then(|form| ArnParts::parse(form.text));
        Some(Self {
            prefix: found.prefix,
            name: found.name,
            required,
            owners: found.sources("Account").collect(),
            service: first.map(|arn| arn.service),
            has_ids: found.prefix == "ec2" && resource::ec2_has_ids(found.name),
            forms,
        })
    }

    /// Whether the parameter `name` may fill any of the type's variables.
    #[must_use]
    pub fn is_bound(&self, name: &str) -> bool {
        self.forms.iter().any(|form| form.is_bound(name))
    }

    /// How closely an ARN fits the type, see [`Format::fits`].
    #[must_use]
    pub fn fits(&self, arn: &str) -> Option<usize> {
        let fits = self.forms.iter().filter_map(|form| form.format.fits(arn));
        fits.max()
    }
}

impl Form {
    /// What may fill any of its variables.
    pub fn sources(&self) -> impl Iterator<Item = Source> {
        let sources = self.variables.iter().map(|variable| &variable.sources);
        sources.flatten().copied()
    }

    /// Whether the parameter `name` may fill any of its variables.
    #[must_use]
    pub fn is_bound(&self, name: &str) -> bool {
        self.sources()
            .any(|source| same_name(source.parameter, name))
    }
}
