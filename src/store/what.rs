//! What calls mean, as text: the same calls have the same text, which is what they are known by.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::usage::bounded::OTHERS;
use crate::usage::carriers::Loaded;
use crate::usage::context::{ContextKey, ContextKeys};
use crate::usage::cut;
use crate::usage::denial::Said;
use crate::usage::origin::Region;
use crate::usage::resolve::{Basis, Meaning, Need, Needs, Outcome};
use crate::usage::times::Times;

/// What calls mean, and where they came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct What {
    /// [`Outcome::as_str`].
    pub outcome: String,
    /// Why that outcome.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The Region.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The service that forwarded the calls for their caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Box<str>>,
    /// What the calls needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<NeedText>,
    /// The roles that they put into an instance profile or a task definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<LoadedText>,
    /// How the message of refused calls compares with the tables: empty where it says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the records do not show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A [`Need`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedText {
    /// The action.
    pub action: String,
    /// The resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// [`Basis::as_str`].
    pub basis: String,
    /// The condition keys that the records tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// Whether the records tell the resources.
    pub told: bool,
}

/// A [`Loaded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedText {
    /// The instance profile, or the task definition.
    pub carrier: String,
    /// The roles.
    pub roles: Vec<String>,
}

impl What {
    /// The text of `meaning`, of calls that were made at `times` in one Region.
    #[must_use]
    pub fn of(meaning: &Meaning, times: &Times) -> Self {
        let needs = meaning.needs.iter().map(|need| NeedText {
            action: need.action.to_string(),
            resources: need.resources.iter().map(ToString::to_string).collect(),
            basis: need.basis.as_str().to_owned(),
            context: need
                .context
                .iter()
                .map(|(key, value)| (key.as_str().to_owned(), value.to_owned()))
                .collect(),
            told: need.told,
        });
        Self {
            outcome: meaning.outcome.as_str().to_owned(),
            reason: meaning.reason.to_string(),
            region: times.regions.first().as_str().to_owned(),
            via: times.via.clone(),
            needs: needs.collect(),
            loaded: meaning.loaded.as_ref().map(|loaded| LoadedText {
                carrier: loaded.carrier.to_string(),
                roles: loaded.roles.iter().map(ToString::to_string).collect(),
            }),
            message: meaning.message.as_ref().map(|said| match said {
                Said::TheSame => String::new(),
                Said::Otherwise(text) => text.clone(),
            }),
            notes: meaning.notes.clone(),
        }
    }

    /// What the text means, the Region, and the service that forwarded the calls; `None` where trailfit does not write such a text.
    #[must_use]
    pub fn meaning(self) -> Option<(Meaning, Region, Option<Box<str>>)> {
        let arn = |text: &String| ResourceArn::from_pattern(text.as_str());
        let needs: Option<Needs> = self.needs.iter().map(NeedText::need).collect();
        let meaning = Meaning {
            outcome: Outcome::ALL
                .into_iter()
                .find(|outcome| outcome.as_str() == self.outcome)?,
            reason: Cow::Owned(self.reason),
            needs: needs?,
            loaded: self.loaded.map(|loaded| Loaded {
                carrier: arn(&loaded.carrier),
                roles: loaded.roles.iter().map(arn).collect(),
            }),
            message: self.message.map(|text| match text.is_empty() {
                true => Said::TheSame,
                false => Said::Otherwise(text),
            }),
            notes: self.notes,
        };
        Some((meaning, self.region.as_str().into(), self.via))
    }

    /// Whether the calls were authorised: then what they needed is counted apart from what others did.
    #[must_use]
    pub fn used(&self) -> bool {
        self.outcome == Outcome::Used.as_str()
    }

    /// Cuts the resources of those actions that `depth` has a number of components for. What names single resources in
    /// words goes too, as there would be no end of it.
    pub fn cut(&mut self, depth: impl Fn(&str) -> Option<usize>) {
        let mut cut = false;
        for need in &mut self.needs {
            let Some(depth) = depth(&need.action) else {
                continue;
            };
            for resource in &mut need.resources {
                let short = cut::cut(&ResourceArn::from_pattern(resource.as_str()), depth);
                if short.as_str() != resource {
                    *resource = short.to_string();
                    cut = true;
                }
            }
            need.resources.sort();
            need.resources.dedup();
        }
        if cut && self.message.as_ref().is_some_and(|text| !text.is_empty()) {
            self.message = Some(OTHERS.to_owned());
        }
    }
}

impl NeedText {
    fn need(&self) -> Option<Need> {
        let mut context = ContextKeys::default();
        for (key, value) in &self.context {
            let key = ContextKey::ALL
                .into_iter()
                .find(|own| own.as_str() == key)?;
            context = context.with(key, value.as_str());
        }
        Some(Need {
            action: Action::parse(&self.action)?,
            resources: self
                .resources
                .iter()
                .map(|text| ResourceArn::from_pattern(text.as_str()))
                .collect(),
            basis: Basis::ALL
                .into_iter()
                .find(|basis| basis.as_str() == self.basis)?,
            context,
            told: self.told,
        })
    }
}
