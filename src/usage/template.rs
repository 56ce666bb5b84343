//! The resource templates of the operations table (see [`crate::catalog::operation::Need::resource`]).

use std::borrow::Cow;

use crate::catalog::resource::{Adapter, Source};
use crate::iam::arn::{ResourceArn, escape};
use crate::usage::format::Format;
use crate::usage::names::MAX_ARNS;
use crate::usage::resource::Request;

/// A template in its pieces.
#[derive(Debug)]
pub struct Template {
    text: &'static str,
    format: Format<'static>,
    /// What fills each of its variables.
    sources: Vec<(&'static str, Option<Source>)>,
}

impl Template {
    /// Takes a template apart.
    #[must_use]
    pub fn parse(text: &'static str) -> Self {
        let format = Format::parse(text);
        let variables = format.variables();
        Self {
            text,
            sources: variables.map(|name| (name, Source::parse(name))).collect(),
            format,
        }
    }
}

/// The values of one variable.
struct Filled {
    variable: &'static str,
    values: Vec<Value>,
}

/// A part of the ARN, or the whole of it.
enum Value {
    Part(String),
    Whole(String),
}

/// The resources of `template` in this request, sorted; `None` where the template has parameters and the request has
/// none of them.
#[must_use]
pub fn fill(template: &Template, request: &Request<'_, '_, '_>) -> Option<Vec<ResourceArn>> {
    if template.text == "*" {
        return Some(vec![ResourceArn::any()]);
    }
    let format = &template.format;
    let sources = template.sources.iter();
    let filled: Vec<Filled> = sources
        .map(|(variable, source)| Filled {
            variable,
            values: source.map_or_else(Vec::new, |source| values(source, format, request)),
        })
        .collect();
    let most = filled.iter().map(|each| each.values.len()).max();
    if most == Some(0) {
        return None;
    }
    // Too many to name one by one are summed up.
    let too_many = most.unwrap_or(1) > MAX_ARNS;
    let filled = if too_many { Vec::new() } else { filled };
    let count = if too_many { 1 } else { most.unwrap_or(1) };
    let mut arns: Vec<ResourceArn> = (0..count)
        .map(|at| arn(format, &filled, at, request))
        .collect();
    arns.sort();
    arns.dedup();
    Some(arns)
}

fn values(source: Source, format: &Format<'_>, request: &Request<'_, '_, '_>) -> Vec<Value> {
    let texts = request.parameters.at(source.parameter);
    if texts.is_empty() {
        return source
            .adapter
            .of_absent()
            .map(|text| Value::Part(text.to_owned()))
            .into_iter()
            .collect();
    }
    let value = |text: &str| {
        let part = source.adapter.apply(text);
        // An ARN in the place of a name is the resource itself, if it is of the template's kind; but a rule's bus is only
        // a part of the rule's ARN. An alias stands for a key that the request does not show.
        match part {
            _ if source.adapter.of_absent().is_none() && format.fits(text).is_some() => {
                Some(Value::Whole(escape(text).into_owned()))
            }
            Some(part) => Some(Value::Part(part.into_owned())),
            None if source.adapter == Adapter::KmsKey => Some(Value::Part("*".to_owned())),
            None => None,
        }
    };
    texts.into_iter().filter_map(value).collect()
}

/// The resource that the values at `at` make; a variable with fewer values gives its first, one without any `*`.
fn arn(
    format: &Format<'_>,
    filled: &[Filled],
    at: usize,
    request: &Request<'_, '_, '_>,
) -> ResourceArn {
    let whole = filled.iter().find_map(|each| match each.values.get(at) {
        Some(Value::Whole(arn)) => Some(arn.clone()),
        Some(Value::Part(_)) | None => None,
    });
    let text = whole.unwrap_or_else(|| {
        format.fill(|variable| match variable {
            "Partition" => Cow::Borrowed(&*request.partition),
            "Region" => Cow::Borrowed(&*request.region),
            "Account" => Cow::Borrowed(&*request.account),
            _ => match filled
                .iter()
                .find(|each| each.variable == variable)
                .and_then(|each| chosen(each, at))
            {
                Some(Value::Part(text)) => Cow::Borrowed(text.as_str()),
                Some(Value::Whole(_)) | None => Cow::Borrowed("*"),
            },
        })
    });
    ResourceArn::from_pattern(text)
}

fn chosen(each: &Filled, at: usize) -> Option<&Value> {
    each.values.get(at).or(each.values.first())
}
