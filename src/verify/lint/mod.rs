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
mod lookup;
mod pattern;
mod power;
mod redundant;
mod spot;
mod tag;
mod value;
mod variable;

use crate::verify::document::{self, Document, Fault, Place};

use checks::{Check, Kind};
use lookup::Lookup;
use spot::{Spot, shortened};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line of the text, from 1.
    pub line: u32,
    /// The column, in characters, from 1. Of a document that is encoded in a string, line and column are the string's.
    pub column: u32,
    /// Which check found it.
    pub check: &'static Check,
    /// Where it is in the text's JSON, as a JSON Pointer (RFC 6901); of an encoded document, as if it were not. Keys of more
    /// than 200 characters are cut, and end in `…`.
    pub pointer: String,
    /// What is wrong. Longer quotations are cut to 100 characters and `…`.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// What is wrong with the identity policies in `text`, in the order of the text. A text may hold what
/// [`crate::verify::policy::parse`] takes: a document, an array of documents, or one in a wrapper of the AWS CLI.
///
/// There are no more than 1,000 findings of each [`Kind`]; where more were found, a last one says how many.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let start = Place { line: 1, column: 1 };
    let mut found = Findings::default();
    let mut fails = |check, fault: Fault, fix: &str| {
        found.add(check, &Spot::root(fault.place), fault.reason, fix);
    };
    match document::read(text) {
        Err(fault) => fails(checks::JSON_SYNTAX_ERROR, fault, "Write it as JSON."),
        Ok(node) => match document::documents(node) {
            Err(fault) => fails(checks::MISSING_STATEMENT, fault, "Give a policy document."),
            Ok(documents) => {
                let mut lookup = Lookup::new();
                for document in &documents {
                    found.encoded = document.encoded;
                    lint_document(document, &mut lookup, &mut found);
                }
            }
        },
    }
    found.encoded = None;
    let mut all = found.all;
    all.sort();
    all.dedup();
    if found.left_out > 0 {
        let mut last = Findings::default();
        last.add(
            checks::MORE_FINDINGS,
            &Spot::root(start),
            format!("{} more findings are left out", found.left_out),
            "Correct what is listed, and look again.",
        );
        all.append(&mut last.all);
    }
    all
}

fn lint_document<'n>(document: &'n Document, lookup: &mut Lookup<'n>, found: &mut Findings) {
    let spot = Spot::of_document(document);
    if !grammar::is_policy(&document.node) {
        found.add(
            checks::MISSING_STATEMENT,
            &spot,
            "this is no policy document: it has none of a policy's elements",
            "Give the policy document itself; in a template, that is what stands under `PolicyDocument`.",
        );
        return;
    }
    character::check(&document.node, &spot, found);
    let policy = grammar::read(&document.node, &spot, found);
    action::check(&policy, lookup, found);
    arn::check(&policy, lookup, found);
    variable::check(&policy, found);
    condition::check(&policy, lookup, found);
    fit::check(&policy, lookup, found);
    tag::check(&policy, lookup, found);
    power::check(&policy, found);
    redundant::check(&policy, &spot, found);
    if lookup.is_spent() {
        found.add(
            checks::ENTRIES_NOT_JUDGED,
            &spot,
            "the document is too large for all its entries to be held against our tables",
            "Split it into several documents.",
        );
    }
}

/// So many findings of each kind are kept, so that a flood of one kind hides no other.
const MAX_FINDINGS: usize = 1_000;

/// What was found.
#[derive(Default)]
struct Findings {
    all: Vec<Finding>,
    /// How many there are of each kind, in the order of [`Kind`].
    counts: [usize; 4],
    /// How many were found beyond [`MAX_FINDINGS`].
    left_out: usize,
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
        let count = &mut self.counts[match check.kind {
            Kind::Error => 0,
            Kind::SecurityWarning => 1,
            Kind::Warning => 2,
            Kind::Suggestion => 3,
        }];
        // That something was not judged says that there may be more, and is never left out.
        let limits = [checks::ENTRIES_NOT_JUDGED, checks::REDUNDANCY_NOT_JUDGED];
        if *count == MAX_FINDINGS && !limits.contains(&check) {
            self.left_out += 1;
            return;
        }
        let place = self.encoded.unwrap_or(spot.place);
        let finding = Finding {
            line: place.line,
            column: place.column,
            check,
            pointer: spot.pointer(),
            message: shortened(message.into()),
            fix: shortened(fix.into()),
        };
        // A value may have the same fault many times.
        if self.all.last() != Some(&finding) {
            *count = (*count + 1).min(MAX_FINDINGS);
            self.all.push(finding);
        }
    }
}
