//! What a statement's `Condition` asks of a request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::iam::policy::OneOrMany;

/// One test: `operator` holds between the value of `key` in the request and one of `values`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// `StringEquals`, `ForAnyValue:StringEquals`, …
    pub operator: &'static str,
    /// The condition key: `iam:PassedToService`.
    pub key: Cow<'static, str>,
    /// Sorted, not empty.
    pub values: Vec<String>,
}

/// Conditions that must all hold, written as a `Condition` block: operator → key → values.
#[derive(Clone, Copy, Debug)]
pub struct Block<'c>(pub &'c [Condition]);

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut operators: BTreeMap<&str, Vec<&Condition>> = BTreeMap::new();
        for condition in self.0 {
            operators
                .entry(condition.operator)
                .or_default()
                .push(condition);
        }
        let mut map = serializer.serialize_map(Some(operators.len()))?;
        for (operator, conditions) in operators {
            let keys: BTreeMap<&str, OneOrMany<'_, String>> = conditions
                .into_iter()
                .map(|each| (&*each.key, OneOrMany(&each.values, String::as_str)))
                .collect();
            map.serialize_entry(operator, &keys)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Condition};

    #[test]
    fn a_block_has_each_operator_and_key_once() {
        let condition = |operator, key: &'static str, values: &[&str]| Condition {
            operator,
            key: key.into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let block = [
            condition(
                "StringEquals",
                "kms:ViaService",
                &["s3.eu-west-1.amazonaws.com"],
            ),
            condition("StringEquals", "iam:AWSServiceName", &["a", "b"]),
            condition("Bool", "aws:ViaAWSService", &["true"]),
        ];
        assert_eq!(
            serde_json::to_string(&Block(&block)).unwrap(),
            r#"{"Bool":{"aws:ViaAWSService":"true"},"StringEquals":{"iam:AWSServiceName":["a","b"],"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}"#
        );
    }
}
