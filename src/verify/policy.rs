//! Policy documents, read from JSON as strictly as IAM reads them.
//!
//! Source of the grammar: IAM User Guide, "Grammar of the IAM JSON policy language". The names of elements and the
//! values of `Effect` and `Version` are case-sensitive, an element given twice is refused, so is one that the grammar
//! does not know.

use crate::iam::policy::Effect;
use crate::verify::condition::Condition;
use crate::verify::document::{self, Document, Fault, Member, Node, Place, Value};
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
    /// Where it stands in the document.
    pub(crate) place: Place,
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

    /// The label of each statement (its `Sid`, or `#` and its place among them), with its line and column in the text, both
    /// from 1; of a document that is encoded in a string, those of the text in that string.
    pub fn places(&self) -> impl Iterator<Item = (&str, u32, u32)> {
        self.statements.iter().map(|statement| {
            let Place { line, column } = statement.place;
            (&*statement.label, line, column)
        })
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
    let compile = |found: Document| {
        compile_policy(&found.node).map_err(|fault| match found.encoded {
            Some(place) => document::within(place, &fault),
            None => fault,
        })
    };
    let policies = document::read(text)
        .and_then(document::documents)
        .and_then(|found| found.into_iter().map(compile).collect::<Result<_, _>>());
    policies.map_err(|Fault { place, reason }| ParseError {
        reason: format!("{reason} at {place}"),
    })
}

/// The elements of a policy document.
pub(crate) const POLICY_ELEMENTS: &[&str] = &["Version", "Id", "Statement"];

/// The elements of a statement.
pub(crate) const STATEMENT_ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// The kinds of entries of a `Principal`.
const PRINCIPAL_KEYS: &[&str] = &["AWS", "Service", "Federated", "CanonicalUser"];

fn compile_policy(node: &Node) -> Result<Policy, Fault> {
    let document = Elements::of(node, "a policy document", POLICY_ELEMENTS)?;
    // The versions of the policy language. Without `Version`, IAM takes the older.
    // Source: IAM User Guide, "IAM JSON policy elements: Version".
    let variables = match document.get("Version") {
        None => Variables::No,
        Some(version) => match string(version, "`Version`")? {
            "2012-10-17" => Variables::All,
            "2008-10-17" => Variables::No,
            other => {
                let reason =
                    format!("unknown version `{other}`, expected `2012-10-17` or `2008-10-17`");
                return Err(Fault::new(version.place, reason));
            }
        },
    };
    if let Some(id) = document.get("Id") {
        string(id, "`Id`")?;
    }
    let statement = document.required("Statement")?;
    if statement.items().is_empty() {
        return Err(Fault::new(statement.place, "`Statement` is empty"));
    }
    let mut sids = std::collections::HashSet::new();
    let mut statements = Vec::with_capacity(statement.items().len());
    for (index, node) in statement.items().iter().enumerate() {
        let elements = Elements::of(node, "a statement", STATEMENT_ELEMENTS)?;
        let sid = elements.get("Sid");
        let sid = sid.map(|sid| string(sid, "`Sid`")).transpose()?;
        let label = match sid.filter(|sid| !sid.is_empty()) {
            Some(sid) => sid.into(),
            None => format!("#{}", index + 1).into(),
        };
        // Source: IAM User Guide, "IAM JSON policy elements: Sid": unique within a policy.
        if let Some(sid) = sid
            && !sid.is_empty()
            && !sids.insert(sid)
        {
            let reason = format!("two statements have the Sid `{sid}`");
            return Err(Fault::new(node.place, reason));
        }
        statements.push(compile_statement(label, &elements, variables)?);
    }
    Ok(Policy { statements })
}

fn compile_statement(
    label: Box<str>,
    elements: &Elements<'_>,
    variables: Variables,
) -> Result<Statement, Fault> {
    let effect = elements.required("Effect")?;
    let effect = match string(effect, "`Effect`")? {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => {
            let reason = format!("unknown effect `{other}`, expected `Allow` or `Deny`");
            return Err(Fault::new(effect.place, reason));
        }
    };
    let missing = |name| Fault::new(elements.place, format!("neither `{name}` nor `Not{name}`"));
    let principals = elements.either("Principal", principals)?;
    let actions = elements
        .either("Action", |node| strings(node, ActionPattern::compile))?
        .ok_or_else(|| missing("Action"))?;
    let resources = elements.either("Resource", |node| {
        strings(node, |text| ArnPattern::compile(text, variables))
    })?;
    if resources.is_none() && principals.is_none() {
        return Err(missing("Resource"));
    }
    Ok(Statement {
        place: elements.place,
        label,
        effect,
        principals,
        actions,
        resources,
        conditions: match elements.get("Condition") {
            Some(node) => conditions(node, variables)?,
            None => Vec::new(),
        },
    })
}

/// The lines of a `Condition` element.
fn conditions(node: &Node, variables: Variables) -> Result<Vec<Condition>, Fault> {
    let mut out = Vec::new();
    for operator in entries(node, "`Condition`")? {
        for key in entries(&operator.node, &format!("`{}`", operator.key))? {
            let values = key.node.items().iter().map(scalar);
            let values: Vec<&str> = values.collect::<Result<_, _>>()?;
            let compiled = Condition::compile(&operator.key, &key.key, &values, variables);
            out.push(compiled.map_err(|reason| Fault::new(operator.place, reason))?);
        }
    }
    Ok(out)
}

/// The `Principal` element: `"*"` or an object.
fn principals(node: &Node) -> Result<Vec<PrincipalPattern>, Fault> {
    if node.text() == Some("*") {
        return Ok(vec![PrincipalPattern::Anyone]);
    }
    let mut out = Vec::new();
    for kind in entries(node, "`Principal`, unless it is `*`,")? {
        if !PRINCIPAL_KEYS.contains(&&*kind.key) {
            return Err(unknown(kind.place, &kind.key, PRINCIPAL_KEYS));
        }
        for value in kind.node.items() {
            out.push(match (&*kind.key, string(value, "a principal")?) {
                ("AWS", "*") => PrincipalPattern::Anyone,
                ("AWS", value) => PrincipalPattern::Aws(value.into()),
                (_, value) => PrincipalPattern::Other(value.into()),
            });
        }
    }
    Ok(out)
}

/// An object whose keys are known, none given twice.
struct Elements<'n> {
    place: Place,
    members: &'n [Member],
}

impl<'n> Elements<'n> {
    fn of(node: &'n Node, what: &str, known: &[&str]) -> Result<Self, Fault> {
        let members = node
            .members()
            .ok_or_else(|| other_type(node, what, "an object"))?;
        for (at, member) in members.iter().enumerate() {
            if !known.contains(&&*member.key) {
                return Err(unknown(member.place, &member.key, known));
            }
            // No more than ten members come before one that is new.
            if members[..at].iter().any(|before| before.key == member.key) {
                return Err(twice(member));
            }
        }
        Ok(Self {
            place: node.place,
            members,
        })
    }

    fn get(&self, name: &str) -> Option<&'n Node> {
        let member = self.members.iter().find(|member| member.key == name)?;
        Some(&member.node)
    }

    fn required(&self, name: &str) -> Result<&'n Node, Fault> {
        let missing = || Fault::new(self.place, format!("`{name}` is missing"));
        self.get(name).ok_or_else(missing)
    }

    /// The one of an element and its negation that is there. IAM refuses both at once, and a list without an entry.
    fn either<T>(
        &self,
        name: &str,
        compile: impl Fn(&'n Node) -> Result<Vec<T>, Fault>,
    ) -> Result<Option<Listed<T>>, Fault> {
        let negation = format!("Not{name}");
        let (negated, node) = match (self.get(name), self.get(&negation)) {
            (Some(_), Some(node)) => {
                let reason = format!("both `{name}` and `{negation}`");
                return Err(Fault::new(node.place, reason));
            }
            (Some(node), None) => (false, node),
            (None, Some(node)) => (true, node),
            (None, None) => return Ok(None),
        };
        let items = compile(node)?;
        if items.is_empty() {
            let not = if negated { "Not" } else { "" };
            return Err(Fault::new(node.place, format!("`{not}{name}` is empty")));
        }
        Ok(Some(Listed { negated, items }))
    }
}

/// The members of an object, none given twice. Neither operators nor keys of conditions tell case apart, so that two
/// spellings are one key given twice.
fn entries<'n>(node: &'n Node, what: &str) -> Result<&'n [Member], Fault> {
    let members = node
        .members()
        .ok_or_else(|| other_type(node, what, "an object"))?;
    let mut keys = std::collections::HashSet::new();
    let again = members
        .iter()
        .find(|member| !keys.insert(member.key.to_ascii_lowercase()));
    again.map_or(Ok(members), |member| Err(twice(member)))
}

/// The strings of an element, compiled.
fn strings<T>(node: &Node, compile: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Fault> {
    let compile = |item: &Node| {
        let text = string(item, "an entry")?;
        compile(text).map_err(|reason| Fault::new(item.place, reason))
    };
    node.items().iter().map(compile).collect()
}

fn string<'n>(node: &'n Node, what: &str) -> Result<&'n str, Fault> {
    node.text()
        .ok_or_else(|| other_type(node, what, "a string"))
}

/// A condition's value. Numbers and booleans may stand without quotes.
fn scalar(node: &Node) -> Result<&str, Fault> {
    match &node.value {
        Value::String(text) | Value::Number(text) => Ok(text),
        Value::Bool(true) => Ok("true"),
        Value::Bool(false) => Ok("false"),
        _ => Err(other_type(
            node,
            "a condition's value",
            "a string, a number or a boolean",
        )),
    }
}

fn other_type(node: &Node, what: &str, expected: &str) -> Fault {
    let found = node.value.kind();
    Fault::new(
        node.place,
        format!("{what} must be {expected}, not {found}"),
    )
}

fn unknown(place: Place, name: &str, known: &[&str]) -> Fault {
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let known = known.join(", ");
    Fault::new(
        place,
        format!("unknown element `{name}`, expected one of {known}"),
    )
}

fn twice(member: &Member) -> Fault {
    Fault::new(member.place, format!("`{}` is given twice", member.key))
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
        let two = one(&wrap(&format!("{GET},\n {GET}")));
        let places: Vec<_> = two.places().collect();
        assert_eq!(places, [("#1", 1, 41), ("#2", 2, 2)]);
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
            (
                "",
                "the text ends where a value should be at line 1 column 1",
            ),
            (
                "[]",
                "the array holds no policy document at line 1 column 1",
            ),
            (
                "7",
                "a policy document must be an object, not a number at line 1 column 1",
            ),
            ("{}", "`Statement` is missing at line 1 column 1"),
            (
                r#"{"Statement": []}"#,
                "`Statement` is empty at line 1 column 15",
            ),
            (
                r#"{"Statement": null}"#,
                "a statement must be an object, not null at line 1 column 15",
            ),
            (
                "{\n\"Version\": \"2020-01-01\", \"Statement\": []}",
                "unknown version `2020-01-01`, expected `2012-10-17` or `2008-10-17` at line 2 column 12",
            ),
            (
                r#"{"statement": []}"#,
                "unknown element `statement`, expected one of `Version`, `Id`, `Statement` at line 1 column 2",
            ),
            (
                r#"{"Statement": [], "Statement": []}"#,
                "`Statement` is given twice at line 1 column 19",
            ),
            (
                r#"{"Document": "%7"}"#,
                "the document is not percent-encoded UTF-8 at line 1 column 14",
            ),
            (
                r#"{"Document": "{}"}"#,
                "`Statement` is missing at line 1 column 1 of the encoded document at line 1 column 14",
            ),
            (
                r#"{"Document": "{"}"#,
                "expected a key in double quotes at line 1 column 2 of the encoded document at line 1 column 14",
            ),
            (
                r#"{"Document": {}, "PolicyDocument": {}}"#,
                "more than one policy document at line 1 column 18",
            ),
            (
                r#"{"PolicyVersion": {"VersionId": "v1"}}"#,
                "expected an object with a `Document` at line 1 column 19",
            ),
        ] {
            assert_eq!(reason(text), expected, "{text}");
        }
        // The column behind each reason is the statement's own.
        for (statement, expected) in [
            (
                r#"{"Action": "s3:*", "Resource": "*"}"#,
                "`Effect` is missing 1",
            ),
            (
                r#""Allow""#,
                "a statement must be an object, not a string 1",
            ),
            (
                r#"{"Effect": "allow", "Action": "s3:*", "Resource": "*"}"#,
                "unknown effect `allow`, expected `Allow` or `Deny` 12",
            ),
            (
                r#"{"Effect": "Allow", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
                "`Effect` is given twice 21",
            ),
            (
                r#"{"Effect": "Allow", "Resource": "*"}"#,
                "neither `Action` nor `NotAction` 1",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*"}"#,
                "both `Action` and `NotAction` 52",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*"}"#,
                "neither `Resource` nor `NotResource` 1",
            ),
            (
                r#"{"Effect": "Allow", "Action": [], "Resource": "*"}"#,
                "`Action` is empty 31",
            ),
            (
                r#"{"Effect": "Allow", "Action": ["s3:*", 7], "Resource": "*"}"#,
                "an entry must be a string, not a number 40",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": []}"#,
                "`NotResource` is empty 54",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3", "Resource": "*"}"#,
                "action `s3` is not `service:name`, nor `*` alone 31",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": ["*", "bucket"]}"#,
                "resource `bucket` is neither an ARN nor `*` 57",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringIs": {"a:b": "c"}}}"#,
                "unknown condition operator `StringIs` 70",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a:b": "c", "A:B": "c"}}}"#,
                "`A:B` is given twice 91",
            ),
            (
                r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a:b": [{}]}}}"#,
                "a condition's value must be a string, a number or a boolean, not an object 87",
            ),
            (
                r#"{"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
                "two statements have the Sid `A` 69",
            ),
            (
                r#"{"Principal": "me", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#,
                "`Principal`, unless it is `*`, must be an object, not a string 15",
            ),
            (
                r#"{"Principal": {"Aws": "*"}, "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#,
                "unknown element `Aws`, expected one of `AWS`, `Service`, `Federated`, `CanonicalUser` 16",
            ),
        ] {
            let before = wrap("").len() - "]}".len();
            let (expected, column) = expected.rsplit_once(' ').unwrap();
            let column = before + column.parse::<usize>().unwrap();
            assert_eq!(
                reason(&wrap(statement)),
                format!("{expected} at line 1 column {column}"),
                "{statement}"
            );
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for open in ["[", r#"{"Statement":"#, r#"{"Document":"#] {
            assert!(parse(&open.repeat(1_000_000 / open.len())).is_err());
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
