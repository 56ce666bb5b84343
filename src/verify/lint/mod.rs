//! The lint: what is wrong with an identity policy, or likely is, or could be simpler, with line and column.
//!
//! The checks are those of IAM Access Analyzer that apply to identity policies, by its names (IAM User Guide, "IAM policy
//! validation check reference"), and a few of our own; [`checks::all`] lists them. What actions, resources and condition
//! keys exist is read from the [`crate::catalog`]: what AWS added since its tables were made counts as unknown.
//!
//! ```
//! use trailfit::verify::lint::{checks::Kind, lint};
//!
//! let findings = lint(
//!     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:Get*", "s3:GetObject"],
//!         "Resource": "arn:aws:s3:::reports/*"}}"#,
//! );
//! assert_eq!(findings.len(), 1);
//! assert_eq!((findings[0].check.code, findings[0].check.kind), ("REDUNDANT_ACTION", Kind::Suggestion));
//! assert_eq!((findings[0].line, findings[0].column), (1, 82));
//! assert_eq!(findings[0].pointer, "/Statement/Action/1");
//! ```

pub mod checks;

mod action;
mod address;
mod arn;
mod character;
mod condition;
mod fit;
mod grammar;
mod operator;
mod pattern;
mod power;
mod redundant;
mod tag;
mod value;
mod variable;

use crate::verify::document::{self, Document, Node, Place};

use checks::Check;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line of the text, from 1.
    pub line: u32,
    /// The column, in characters, from 1. Of a document that is encoded in a string, line and column are the string's.
    pub column: u32,
    /// Which check found it.
    pub check: &'static Check,
    /// Where it is in the text's JSON, as a JSON Pointer (RFC 6901); of an encoded document, as if it were not.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// What is wrong with the identity policies in `text`, in the order of the text. A text may hold what
/// [`crate::verify::policy::parse`] takes: a document, an array of documents, or one in a wrapper of the AWS CLI.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let root = Spot {
        place: Place { line: 1, column: 1 },
        pointer: String::new(),
    };
    let mut found = Findings::default();
    match document::read(text) {
        Err(fault) => {
            let spot = Spot {
                place: fault.place,
                ..root
            };
            found.add(
                checks::JSON_SYNTAX_ERROR,
                &spot,
                fault.reason,
                "Write it as JSON.",
            );
        }
        Ok(node) => match document::documents(node) {
            Err(fault) => {
                let spot = Spot {
                    place: fault.place,
                    ..root
                };
                let fix = "Give a policy document.";
                found.add(checks::MISSING_STATEMENT, &spot, fault.reason, fix);
            }
            Ok(documents) => {
                for document in &documents {
                    found.encoded = document.encoded;
                    lint_document(document, &mut found);
                }
            }
        },
    }
    found.all.sort();
    found.all.dedup();
    found.all
}

fn lint_document(document: &Document, found: &mut Findings) {
    let spot = Spot {
        place: document.node.place,
        pointer: document.pointer.clone(),
    };
    character::check(&document.node, &spot, found);
    let policy = grammar::read(&document.node, &spot, found);
    action::check(&policy, found);
    arn::check(&policy, found);
    variable::check(&policy, found);
    condition::check(&policy, found);
    fit::check(&policy, found);
    tag::check(&policy, found);
    power::check(&policy, found);
    redundant::check(&policy, &spot, found);
}

/// Where something stands.
#[derive(Clone, Debug)]
struct Spot {
    place: Place,
    pointer: String,
}

impl Spot {
    /// Of what stands under `key`.
    fn below(&self, key: impl std::fmt::Display, node: &Node) -> Self {
        let key = key.to_string().replace('~', "~0").replace('/', "~1");
        Self {
            place: node.place,
            pointer: format!("{}/{key}", self.pointer),
        }
    }

    /// The same, but where the key stands.
    fn at(&self, place: Place) -> Self {
        Self {
            place,
            pointer: self.pointer.clone(),
        }
    }
}

/// What was found.
#[derive(Default)]
struct Findings {
    all: Vec<Finding>,
    /// The place of the string in which the document is encoded.
    encoded: Option<Place>,
}

impl Findings {
    fn add(
        &mut self,
        check: &'static Check,
        spot: &Spot,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let place = self.encoded.unwrap_or(spot.place);
        self.all.push(Finding {
            line: place.line,
            column: place.column,
            check,
            pointer: spot.pointer.clone(),
            message: message.into(),
            fix: fix.into(),
        });
    }
}
