//! Policy documents, read from JSON as strictly as IAM reads them.
//!
//! Source of the grammar: IAM User Guide, "Grammar of the IAM JSON policy language". The names of elements and the
//! values of `Effect` and `Version` are case-sensitive, an element given twice is refused, so is one that the grammar
//! does not know.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::iam::policy::Effect;
use crate::verify::condition::Condition;
use crate::verify::json::{Entries, Many, Scalar};
use crate::verify::matcher::{ActionPattern, Variables};
use crate::verify::resource::ArnPattern;

/// Why a text is no policy document.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ParseError {
    reason: String,
}

/// A policy document, compiled for evaluation.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// The `Sid`, or `#` and the statement's place in its document, counted from 1.
    pub(crate) label: Box<str>,
    pub(crate) effect: Effect,
    pub(crate) principals: Option<Listed<PrincipalPattern>>,
    pub(crate) actions: Listed<ActionPattern>,
    /// `None` in a statement with a `Principal` that names no resource: the one its policy is attached to.
    pub(crate) resources: Option<Listed<ArnPattern>>,
    pub(crate) conditions: Vec<Condition>,
}

/// An element with its negation: `Action` or `NotAction`.
#[derive(Clone, Debug)]
pub(crate) struct Listed<T> {
    pub(crate) negated: bool,
    pub(crate) items: Vec<T>,
}

/// One entry of a `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrincipalPattern {
    /// `"*"`, or `{"AWS": "*"}`.
    Anyone,
    /// An entry under `AWS`: an ARN or an account's id.
    Aws(Box<str>),
    /// An entry under `Service`, `Federated` or `CanonicalUser`.
    Other(Box<str>),
}

impl Policy {
    /// How many statements the document has.
    #[must_use]
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    /// The first statement with a `Principal` or `NotPrincipal`, or the first without where `missing` is asked for.
    /// Resource policies and RCPs must have one in each statement, policies of other types have none.
    #[must_use]
    pub fn statement_with_principal(&self, missing: bool) -> Option<&str> {
        let mut statements = self.statements.iter();
        let found = statements.find(|statement| statement.principals.is_none() == missing);
        found.map(|statement| &*statement.label)
    }
}

/// The policy documents in `text`: one document, an array of documents, or a document in the wrapper in which the AWS
/// command line prints it (`{"PolicyVersion": {"Document": …}}`, `{"PolicyDocument": …}`, `{"Document": …}`; there the
/// document may be a string, percent-encoded as the API sends it, or not).
///
/// # Errors
///
/// Says what is wrong, with line and column of the JSON.
pub fn parse(text: &str) -> Result<Vec<Policy>, ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = |text| match serde_json::from_str(text)? {
        Shape::Document => Ok(vec![serde_json::from_str::<Policy>(text)?]),
        Shape::Documents => serde_json::from_str::<Vec<Policy>>(text),
        Shape::Wrapped => Ok(vec![serde_json::from_str::<Wrapper>(text)?.0]),
    };
    match read(text) {
        Ok(policies) if policies.is_empty() => Err(ParseError {
            reason: "the array holds no policy document".to_owned(),
        }),
        Ok(policies) => Ok(policies),
        Err(error) => Err(ParseError {
            reason: error.to_string(),
        }),
    }
}

/// What a JSON text holds, told from its outermost keys.
enum Shape {
    Document,
    Documents,
    Wrapped,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outermost;
        impl<'de> Visitor<'de> for Outermost {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a policy document or an array of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                let mut shape = Shape::Document;
                while let Some((key, de::IgnoredAny)) = map.next_entry::<String, _>()? {
                    if WRAPPERS.contains(&&*key) {
                        shape = Shape::Wrapped;
                    }
                }
                Ok(shape)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                while let Some(de::IgnoredAny) = seq.next_element()? {}
                Ok(Shape::Documents)
            }
        }
        deserializer.deserialize_any(Outermost)
    }
}

/// The keys under which the AWS command line prints a document.
const WRAPPERS: &[&str] = &["PolicyVersion", "PolicyDocument", "Document"];

/// An object that holds a document under one of [`WRAPPERS`], and anything else beside it.
struct Wrapper(Policy);

impl<'de> Deserialize<'de> for Wrapper {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Holder;
        impl<'de> Visitor<'de> for Holder {
            type Value = Wrapper;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a `Document`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wrapper, A::Error> {
                let mut found = None;
                while let Some(key) = map.next_key::<String>()? {
                    let policy = match &*key {
                        "PolicyVersion" => map.next_value::<Wrapper>()?.0,
                        "PolicyDocument" | "Document" => map.next_value::<Enclosed>()?.0,
                        _ => {
                            map.next_value::<de::IgnoredAny>()?;
                            continue;
                        }
                    };
                    if found.replace(policy).is_some() {
                        return Err(de::Error::custom("more than one policy document"));
                    }
                }
                found
                    .map(Wrapper)
                    .ok_or_else(|| de::Error::missing_field("Document"))
            }
        }
        deserializer.deserialize_map(Holder)
    }
}

/// A document inside a wrapper: an object, or a string that holds one.
struct Enclosed(Policy);

impl<'de> Deserialize<'de> for Enclosed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inside;
        impl<'de> Visitor<'de> for Inside {
            type Value = Enclosed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a policy document")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Enclosed, A::Error> {
                Policy::deserialize(de::value::MapAccessDeserializer::new(map)).map(Enclosed)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Enclosed, E> {
                let decoded = if text.trim_start().starts_with('{') {
                    text.to_owned()
                } else {
                    percent_decode(text)
                        .ok_or_else(|| E::custom("`Document` is not percent-encoded UTF-8"))?
                };
                serde_json::from_str(&decoded)
                    .map(Enclosed)
                    .map_err(|e| E::custom(format!("in the encoded `Document`: {e};")))
            }
        }
        deserializer.deserialize_any(Inside)
    }
}

/// `%7B` → `{`. `None` where a `%` is not followed by two hexadecimal digits, or the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

/// The document as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawPolicy {
    #[serde(default)]
    version: Option<Version>,
    #[serde(default, rename = "Id")]
    _id: Option<String>,
    statement: Many<Checked>,
}

/// The versions of the policy language. Without `Version`, IAM takes the older.
/// Source: IAM User Guide, "IAM JSON policy elements: Version".
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum Version {
    #[serde(rename = "2008-10-17")]
    Old,
    #[serde(rename = "2012-10-17")]
    Current,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawStatement {
    #[serde(default)]
    sid: Option<String>,
    effect: RawEffect,
    #[serde(default)]
    principal: Option<Principals>,
    #[serde(default)]
    not_principal: Option<Principals>,
    #[serde(default)]
    action: Option<Many<String>>,
    #[serde(default)]
    not_action: Option<Many<String>>,
    #[serde(default)]
    resource: Option<Many<String>>,
    #[serde(default)]
    not_resource: Option<Many<String>>,
    #[serde(default)]
    condition: Option<Entries<Entries<Many<Scalar>>>>,
}

/// A statement that compiles, whatever the document's version; checked here, where the error still gets the place of
/// the statement in the text.
struct Checked(RawStatement);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawStatement::deserialize(deserializer)?;
        compile_statement(&raw, 0, Variables::All).map_err(de::Error::custom)?;
        Ok(Self(raw))
    }
}

#[derive(Deserialize, Clone, Copy)]
enum RawEffect {
    Allow,
    Deny,
}

/// The `Principal` element: `"*"` or an object.
struct Principals(Vec<PrincipalPattern>);

impl<'de> Deserialize<'de> for Principals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StarOrObject;
        impl<'de> Visitor<'de> for StarOrObject {
            type Value = Principals;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`*` or an object")
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<Principals, E> {
                if v == "*" {
                    Ok(Principals(vec![PrincipalPattern::Anyone]))
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(v), &self))
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Principals, A::Error> {
                let entries = Entries::<Many<String>>::deserialize(
                    de::value::MapAccessDeserializer::new(map),
                )?;
                let mut out = Vec::new();
                for (kind, Many(values)) in entries.0 {
                    for value in values {
                        out.push(match (&*kind, &*value) {
                            ("AWS", "*") => PrincipalPattern::Anyone,
                            ("AWS", _) => PrincipalPattern::Aws(value.into()),
                            ("Service" | "Federated" | "CanonicalUser", _) => {
                                PrincipalPattern::Other(value.into())
                            }
                            _ => {
                                let known = &["AWS", "Service", "Federated", "CanonicalUser"];
                                return Err(de::Error::unknown_field(&kind, known));
                            }
                        });
                    }
                }
                Ok(Principals(out))
            }
        }
        deserializer.deserialize_any(StarOrObject)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawPolicy::deserialize(deserializer)?;
        let variables = match raw.version {
            Some(Version::Current) => Variables::All,
            Some(Version::Old) | None => Variables::No,
        };
        if raw.statement.0.is_empty() {
            return Err(de::Error::custom("`Statement` is empty"));
        }
        let mut sids = std::collections::HashSet::new();
        let mut statements = Vec::with_capacity(raw.statement.0.len());
        for (index, Checked(statement)) in raw.statement.0.iter().enumerate() {
            // Source: IAM User Guide, "IAM JSON policy elements: Sid": unique within a policy.
            if let Some(sid) = &statement.sid
                && !sid.is_empty()
                && !sids.insert(sid.as_str())
            {
                return Err(de::Error::custom(format!(
                    "two statements have the Sid `{sid}`"
                )));
            }
            let compiled =
                compile_statement(statement, index + 1, variables).map_err(de::Error::custom)?;
            statements.push(compiled);
        }
        Ok(Self { statements })
    }
}

fn compile_statement(
    raw: &RawStatement,
    place: usize,
    variables: Variables,
) -> Result<Statement, String> {
    let list = |many: &Option<Many<String>>| many.as_ref().map(|m| m.0.clone());
    let principals = |many: &Option<Principals>| many.as_ref().map(|p| p.0.clone());
    let principals = either(
        "Principal",
        principals(&raw.principal),
        principals(&raw.not_principal),
    )?;
    let actions = either("Action", list(&raw.action), list(&raw.not_action))?
        .ok_or("neither `Action` nor `NotAction`")?
        .try_map(|text| ActionPattern::compile(&text))?;
    let resources = either("Resource", list(&raw.resource), list(&raw.not_resource))?
        .map(|listed| listed.try_map(|text| ArnPattern::compile(&text, variables)))
        .transpose()?;
    if resources.is_none() && principals.is_none() {
        return Err("neither `Resource` nor `NotResource`".to_owned());
    }
    let mut conditions = Vec::new();
    for (operator, keys) in raw.condition.iter().flat_map(|c| &c.0) {
        for (key, Many(values)) in &keys.0 {
            let values: Vec<&str> = values.iter().map(|v| v.0.as_str()).collect();
            conditions.push(Condition::compile(operator, key, &values, variables)?);
        }
    }
    Ok(Statement {
        label: match raw.sid.as_deref() {
            Some(sid) if !sid.is_empty() => sid.into(),
            _ => format!("#{place}").into(),
        },
        effect: match raw.effect {
            RawEffect::Allow => Effect::Allow,
            RawEffect::Deny => Effect::Deny,
        },
        principals,
        actions,
        resources,
        conditions,
    })
}

/// The one of an element and its negation that is there. IAM refuses both at once, and a list without an entry.
fn either<T>(
    name: &str,
    plain: Option<Vec<T>>,
    negated: Option<Vec<T>>,
) -> Result<Option<Listed<T>>, String> {
    let (negated, items) = match (plain, negated) {
        (Some(_), Some(_)) => return Err(format!("both `{name}` and `Not{name}`")),
        (Some(items), None) => (false, items),
        (None, Some(items)) => (true, items),
        (None, None) => return Ok(None),
    };
    if items.is_empty() {
        let not = if negated { "Not" } else { "" };
        return Err(format!("`{not}{name}` is empty"));
    }
    Ok(Some(Listed { negated, items }))
}

impl<T> Listed<T> {
    fn try_map<U>(self, f: impl FnMut(T) -> Result<U, String>) -> Result<Listed<U>, String> {
        Ok(Listed {
            negated: self.negated,
            items: self.items.into_iter().map(f).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Policy, parse};

    fn wrap(statement: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#)
    }

    fn one(text: &str) -> Policy {
        let mut policies = parse(text).unwrap();
        assert_eq!(policies.len(), 1);
        policies.remove(0)
    }

    fn reason(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    const GET: &str = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}"#;

    /// IAM User Guide, "Grammar of the IAM JSON policy language".
    #[test]
    fn the_grammar_is_read() {
        let policy = one(r#"{"Id": "x", "Statement": {
                "Condition": {
                    "StringEquals": {"aws:a": "x", "aws:b": ["y", "z"]},
                    "Bool": {"aws:SecureTransport": true},
                    "NumericLessThan": {"s3:max-keys": [10, 1.5, -3, "7"]}
                },
                "NotResource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                "NotAction": ["s3:*", "sqs:*"],
                "Effect": "Deny", "Sid": "Named"
            }}"#);
        let statement = &policy.statements[0];
        assert_eq!(&*statement.label, "Named");
        assert_eq!(
            (statement.actions.negated, statement.actions.items.len()),
            (true, 2)
        );
        let resources = statement.resources.as_ref().unwrap();
        assert_eq!((resources.negated, resources.items.len()), (true, 2));
        let keys: Vec<_> = statement.conditions.iter().map(|c| &*c.key).collect();
        assert_eq!(
            keys,
            ["aws:a", "aws:b", "aws:SecureTransport", "s3:max-keys"]
        );
        assert_eq!(&*one(&wrap(GET)).statements[0].label, "#1");
        assert_eq!(one(&wrap(&format!("{GET}, {GET}"))).statement_count(), 2);
    }

    #[test]
    fn documents_come_in_arrays_and_wrappers() {
        let document = wrap(GET);
        assert_eq!(
            parse(&format!("[{document}, {document}]")).unwrap().len(),
            2
        );
        let quoted = serde_json::to_string(&document).unwrap();
        let encoded: String = document.bytes().map(|b| format!("%{b:02X}")).collect();
        for wrapped in [
            format!(r#"{{"PolicyVersion": {{"VersionId": "v1", "Document": {document}}}}}"#),
            format!(r#"{{"RoleName": "r", "PolicyDocument": {document}}}"#),
            format!(r#"{{"Document": {quoted}}}"#),
            format!(r#"{{"Document": "{encoded}", "IsDefaultVersion": true}}"#),
            format!("\u{feff}{document}"),
        ] {
            assert_eq!(one(&wrapped).statement_count(), 1, "{wrapped}");
        }
    }

    #[test]
    fn what_iam_refuses_is_refused_with_its_place() {
        for (text, expected) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("[]", "the array holds no policy document"),
            (
                "7",
                "invalid type: integer `7`, expected a policy document or an array of them at line 1 column 1",
            ),
            ("{}", "missing field `Statement` at line 1 column 2"),
            (r#"{"Statement": []}"#, "`Statement` is empty"),
            (
                "{\n\"Version\": \"2020-01-01\", \"Statement\": []}",
                "unknown variant `2020-01-01`, expected `2008-10-17` or `2012-10-17` at line 2 column 23",
            ),
            (
                r#"{"statement": []}"#,
                "unknown field `statement`, expected one of `Version`, `Id`, `Statement` at line 1 column 12",
            ),
            (
                r#"{"Statement": [], "Statement": []}"#,
                "duplicate field `Statement` at line 1 column 29",
            ),
            (
                r#"{"Document": "%7"}"#,
                "`Document` is not percent-encoded UTF-8 at line 1 column 17",
            ),
            (
                r#"{"Document": "{}"}"#,
                "in the encoded `Document`: missing field `Statement` at line 1 column 2; at line 1 column 17",
            ),
        ] {
            assert_eq!(reason(text), expected, "{text}");
        }
        for (statement, expected) in [
            (
                r#"{"Action": "s3:*", "Resource": "*"}"#,
                "missing field `Effect` at line 1 column 75",
            ),
            (
                r#"{"Effect": "allow", "Action": "s3:*", "Resource": "*"}"#,
                "unknown variant `allow`, expected `Allow` or `Deny` at line 1 column 58",
            ),
            (
                r#"{"Effect": "Allow", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
                "duplicate field `Effect` at line 1 column 68",
            ),
            (
                r#"{"Effect": "Allow", "Resource": "*"}"#,
                "neither `Action` nor `NotAction` at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*"}"#,
                "both `Action` and `NotAction` at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*"}"#,
                "neither `Resource` nor `NotResource` at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": [], "Resource": "*"}"#,
                "`Action` is empty at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": []}"#,
                "`NotResource` is empty at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3", "Resource": "*"}"#,
                "action `s3` is not `service:name`, nor `*` alone at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "bucket"}"#,
                "resource `bucket` is neither an ARN nor `*` at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringIs": {"a:b": "c"}}}"#,
                "unknown condition operator `StringIs` at the end",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a:b": "c", "A:B": "c"}}}"#,
                "duplicate key `A:B` at line 1 column 135",
            ),
            (
                r#"{"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
                "two statements have the Sid `A`",
            ),
            (
                r#"{"Principal": "me", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#,
                "invalid value: string \"me\", expected `*` or an object at line 1 column 58",
            ),
        ] {
            let text = wrap(statement);
            // What only the whole statement shows is reported at its end.
            let end = format!("at line 1 column {}", text.len() - 1);
            assert_eq!(
                reason(&text),
                expected.replace("at the end", &end),
                "{statement}"
            );
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for open in ["[", r#"{"Statement":"#, r#"{"Document":"#] {
            assert!(parse(&open.repeat(200_000)).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }

        /// Text made of a document's own words gets further than noise does.
        #[test]
        fn no_shuffled_document_makes_it_panic(words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"Statement\"", "\"Effect\"", "\"Allow\"", "\"Action\"",
                "\"s3:*\"", "\"Resource\"", "\"*\"", "\"arn:aws:s3:::${a}*\"", "\"Condition\"", "\"Null\"",
                "\"Document\"", "\"%7B%7D\"", "\"Version\"", "\"2012-10-17\"", "1e400", "null", "true",
            ]),
            0..60,
        )) {
            let _ = parse(&words.concat());
        }
    }
}
