//! Files of policy documents.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result};
use crate::verify::evaluate::Attached;
use crate::verify::policy::{self, Policy};

/// The policies of one file.
pub(crate) struct Loaded {
    name: String,
    policies: Vec<Policy>,
}

impl Loaded {
    fn attached(&self) -> impl Iterator<Item = Attached<'_>> {
        self.policies.iter().map(|policy| Attached {
            principal: None,
            name: &self.name,
            policy,
        })
    }
}

/// Whether the statements of a type of policy name principals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Principals {
    /// Always: resource policies and RCPs.
    Named,
    /// Never: all that are attached to the principal, or to its account.
    Implied,
}

/// The policies of all files, attached to everybody.
pub(crate) fn attached(files: &[Loaded]) -> Vec<Attached<'_>> {
    files.iter().flat_map(Loaded::attached).collect()
}

/// The policies of each file as a level of its own, attached to everybody.
pub(crate) fn levels(files: &[Loaded]) -> Vec<Vec<Attached<'_>>> {
    files
        .iter()
        .map(|level| level.attached().collect())
        .collect()
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

/// The policies in the text of a file.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Vec<Policy>> {
    policy::parse(text).map_err(|error| not_a_policy(path, error.to_string()))
}

/// The error that a file is no policy.
pub(crate) fn not_a_policy(path: &Path, reason: String) -> Error {
    Error::Policy {
        path: path.to_owned(),
        reason,
    }
}

/// Reads a file of policy documents whose statements name principals or do not, as `principals` says.
pub(crate) fn load(path: &Path, principals: Principals) -> Result<Loaded> {
    let policies = parse(path, &read(path)?)?;
    let named = principals == Principals::Named;
    let odd = policies
        .iter()
        .find_map(|policy| policy.statement_with_principal(named));
    if let Some(statement) = odd {
        let reason = match principals {
            Principals::Named => {
                format!("statement `{statement}` has no `Principal`, as this type of policy must")
            }
            Principals::Implied => format!(
                "statement `{statement}` has a `Principal`, which only resource policies and RCPs have"
            ),
        };
        return Err(not_a_policy(path, reason));
    }
    Ok(Loaded {
        name: path.display().to_string(),
        policies,
    })
}
