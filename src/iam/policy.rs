//! A policy document as trailfit writes it.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::{Block, Condition};

/// The most characters, white space not counted, that a managed policy may have.
/// Source: IAM User Guide, "IAM and AWS STS quotas".
pub const MANAGED_POLICY_QUOTA: usize = 6_144;

/// Whether a policy may hold the character.
/// Source: IAM API Reference, `CreatePolicy`, the pattern of `PolicyDocument`.
#[must_use]
pub fn may_hold(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// One statement: each of `actions` on each of `resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Letters and digits only, unique in its document.
    pub sid: String,
    /// Grants or refuses.
    pub effect: Effect,
    /// Sorted, not empty.
    pub actions: Vec<Action>,
    /// Sorted, not empty.
    pub resources: Vec<ResourceArn>,
    /// Sorted; all must hold.
    pub conditions: Vec<Condition>,
}

/// A policy document of Version 2012-10-17.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyDocument {
    /// In the order they are written.
    pub statements: Vec<Statement>,
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Sid", &self.sid)?;
        map.serialize_entry("Effect", &self.effect)?;
        map.serialize_entry("Action", &OneOrMany(&self.actions, Action::as_str))?;
        map.serialize_entry("Resource", &OneOrMany(&self.resources, ResourceArn::as_str))?;
        if !self.conditions.is_empty() {
            map.serialize_entry("Condition", &Block(&self.conditions))?;
        }
        map.end()
    }
}

impl Serialize for PolicyDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("Version", "2012-10-17")?;
        map.serialize_entry("Statement", &self.statements)?;
        map.end()
    }
}

/// A list that a policy may write as a plain string where it has one element.
pub(crate) struct OneOrMany<'a, T>(pub(crate) &'a [T], pub(crate) fn(&T) -> &str);

impl<T> Serialize for OneOrMany<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [one] => serializer.serialize_str((self.1)(one)),
            many => serializer.collect_seq(many.iter().map(self.1)),
        }
    }
}

impl Statement {
    /// The characters of its JSON, as [`PolicyDocument::size`] counts them.
    #[must_use]
    pub fn size(&self) -> usize {
        // Serialising to a string cannot fail: every key is a string and no value is a float.
        serde_json::to_string(self).map_or(usize::MAX / 2, |text| text.chars().count())
    }
}

impl PolicyDocument {
    /// The document's size as IAM counts it against [`MANAGED_POLICY_QUOTA`]: the characters of its JSON without the
    /// white space between tokens. White space inside a string is counted, which errs on the safe side.
    #[must_use]
    pub fn size(&self) -> usize {
        // Serialising to a string cannot fail: every key is a string and no value is a float.
        serde_json::to_string(self).map_or(usize::MAX, |text| text.chars().count())
    }

    /// The document as JSON without white space, with a final newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The document as indented JSON, with a final newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, PolicyDocument, Statement};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;

    #[test]
    fn one_element_is_a_string_and_size_ignores_layout() {
        let document = PolicyDocument {
            statements: vec![Statement {
                sid: "S3".into(),
                effect: Effect::Allow,
                actions: vec![Action::known("s3:GetObject"), Action::known("s3:PutObject")],
                resources: vec![ResourceArn::from_pattern("arn:aws:s3:::b/k")],
                conditions: Vec::new(),
            }],
        };
        let minified = r#"{"Version":"2012-10-17","Statement":[{"Sid":"S3","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/k"}]}"#;
        assert_eq!(document.size(), minified.len());
        let compact: String = document.to_json().split_whitespace().collect();
        assert_eq!(compact, minified);
    }
}
