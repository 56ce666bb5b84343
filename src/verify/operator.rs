//! Condition operators, by what they compare.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition operators". Their names do not tell case apart.

use crate::catalog::condition_key::DataType;
use crate::verify::condition::{Compare, SetOperator};

/// An operator, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) set: Option<SetOperator>,
    pub(crate) test: Test,
    /// Whether it holds where the values differ.
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
    /// Whether the case of letters does not count.
    pub(crate) fold: bool,
}

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Texts as they are.
    String,
    /// Texts with wildcards.
    StringLike,
    /// ARNs, with wildcards.
    Arn,
    Numeric(Compare),
    Date(Compare),
    Bool,
    Binary,
    IpAddress,
    Null,
}

impl Operator {
    /// `None` where there is no such operator.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (set, rest) = if let Some(rest) = lower.strip_prefix("forallvalues:") {
            (Some(SetOperator::ForAllValues), rest)
        } else if let Some(rest) = lower.strip_prefix("foranyvalue:") {
            (Some(SetOperator::ForAnyValue), rest)
        } else {
            (None, &*lower)
        };
        let (base, if_exists) = rest
            .strip_suffix("ifexists")
            .map_or((rest, false), |base| (base, true));
        let (test, negated) = match base {
            "stringequals" | "stringequalsignorecase" => (Test::String, false),
            "stringnotequals" | "stringnotequalsignorecase" => (Test::String, true),
            "stringlike" => (Test::StringLike, false),
            "stringnotlike" => (Test::StringLike, true),
            "arnequals" | "arnlike" => (Test::Arn, false),
            "arnnotequals" | "arnnotlike" => (Test::Arn, true),
            "bool" => (Test::Bool, false),
            "binaryequals" => (Test::Binary, false),
            "ipaddress" => (Test::IpAddress, false),
            "notipaddress" => (Test::IpAddress, true),
            "null" => (Test::Null, false),
            _ => {
                let (test, order): (fn(Compare) -> Test, _) = match base.strip_prefix("numeric") {
                    Some(order) => (Test::Numeric, order),
                    None => (Test::Date, base.strip_prefix("date")?),
                };
                let (compare, negated) = match order {
                    "equals" => (Compare::Equal, false),
                    "notequals" => (Compare::Equal, true),
                    "lessthan" => (Compare::Less, false),
                    "lessthanequals" => (Compare::LessOrEqual, false),
                    "greaterthan" => (Compare::Greater, false),
                    "greaterthanequals" => (Compare::GreaterOrEqual, false),
                    _ => return None,
                };
                (test(compare), negated)
            }
        };
        Some(Self {
            set,
            test,
            negated,
            if_exists,
            fold: matches!(base, "stringequalsignorecase" | "stringnotequalsignorecase"),
        })
    }

    /// Whether a condition holds only for requests that carry the key with one of the values named.
    pub(crate) fn binds(self) -> bool {
        !self.negated
            && !self.if_exists
            && self.set != Some(SetOperator::ForAllValues)
            && self.test != Test::Null
    }
}

impl Test {
    /// Whether it compares texts, in which policy variables may stand.
    pub(crate) fn takes_variables(self) -> bool {
        matches!(self, Self::String | Self::StringLike | Self::Arn)
    }

    /// Whether it can compare values of this type. An ARN is text too.
    pub(crate) fn suits(self, kind: DataType) -> bool {
        match self {
            Self::String | Self::StringLike => matches!(kind, DataType::String | DataType::Arn),
            Self::Arn => kind == DataType::Arn,
            Self::Numeric(_) => kind == DataType::Numeric,
            Self::Date(_) => kind == DataType::Date,
            Self::Bool => kind == DataType::Bool,
            Self::IpAddress => kind == DataType::IpAddress,
            // AWS documents no key as Binary, so that nothing is known of them.
            Self::Binary | Self::Null => true,
        }
    }
}
