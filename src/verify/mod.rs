//! An IAM evaluator of its own: it reads policies as JSON text, judges requests against them and replays a ledger.
//!
//! It proves what `generate` writes, so it shares nothing with it: neither the structs of a policy nor the matching of
//! wildcards. It knows no AWS tables; what it knows is the policy language, as the IAM User Guide defines it. Where the
//! guide is silent, or says two things, the answer is [`evaluate::Decision::Undecided`] or the one that grants less.
//!
//! ```
//! use trailfit::verify::context::Context;
//! use trailfit::verify::evaluate::{Attached, Decision, Request, evaluate};
//! use trailfit::verify::policy;
//!
//! let policies = policy::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {"Sid": "Read", "Effect": "Allow",
//!         "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"}}"#,
//! )?;
//! let attached = [Attached { principal: None, name: "reports.json", policy: &policies[0] }];
//! let context = Context::complete();
//! let role = "arn:aws:iam::111122223333:role/reader";
//! let request = Request::new(role, "s3:GetObject", "arn:aws:s3:::reports/may.csv", &context);
//! let judgement = evaluate(&request, &attached);
//! assert_eq!(judgement.decision, Decision::Allowed);
//! assert_eq!(judgement.reason(&request), "allowed by statement `Read` of `reports.json`");
//! # Ok::<(), trailfit::verify::policy::ParseError>(())
//! ```

pub mod authorize;
pub mod context;
pub mod evaluate;
pub mod policy;
pub mod replay;

mod caller;
mod condition;
mod glob;
mod json;
mod layer;
mod matcher;
mod reach;
mod resource;
