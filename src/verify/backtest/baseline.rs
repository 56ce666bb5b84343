//! What policies are held against: what one could have written without any tailor.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::iam::arn::ResourceArn;
use crate::usage::ledger::PrincipalUsage;

/// A policy that is made of what was used in some plain way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Baseline {
    /// Each action on each resource that it was used on.
    Union,
    /// Each action on `*`.
    ActionsOnAny,
    /// All actions of each service, on `*`.
    Services,
}

impl Baseline {
    /// All of them, each granting no less than the one before.
    pub const ALL: [Self; 3] = [Self::Union, Self::ActionsOnAny, Self::Services];

    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Union => "exactUnion",
            Self::ActionsOnAny => "actionsOnAny",
            Self::Services => "servicesOnAny",
        }
    }

    /// The policy document of what `usage` tells was used, whatever its size; `None` where nothing was.
    #[must_use]
    pub fn document(self, usage: &PrincipalUsage) -> Option<String> {
        let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (action, resource, _) in usage.used() {
            let resources = used.entry(action.as_str()).or_default();
            resources.insert(ResourceArn::as_str(resource));
        }
        let statement = |actions: Value, resources: Value| json!({"Effect": "Allow", "Action": actions, "Resource": resources});
        let statements: Vec<Value> = match self {
            Self::Union => {
                let each = used.iter();
                each.map(|(action, resources)| statement(json!(action), json!(resources)))
                    .collect()
            }
            Self::ActionsOnAny => {
                let actions: Vec<_> = used.keys().collect();
                vec![statement(json!(actions), json!("*"))]
            }
            Self::Services => {
                let services = used.keys().filter_map(|action| action.split_once(':'));
                let services: BTreeSet<String> = services
                    .map(|(service, _)| format!("{service}:*"))
                    .collect();
                vec![statement(json!(services), json!("*"))]
            }
        };
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        (!used.is_empty()).then(|| document.to_string())
    }
}
