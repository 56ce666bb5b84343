//! An IAM evaluator of its own: it reads policies as JSON text, judges requests by them and replays a ledger.
//!
//! - [`policy::parse`] reads documents, strictly, and compiles them;
//! - [`evaluate::evaluate`] judges a request by identity policies alone;
//! - [`authorize::authorize`] judges it by policies of all types, within an account and across accounts;
//! - [`compare::compare`] decides whether some policies allow a request that others do not;
//! - [`lint::lint`] says what is wrong with identity policies;
//! - [`backtest::score`] tells what policies would have refused later, and what they grant and nobody used;
//! - [`replay::replay`] judges all that a ledger holds, and [`asked::Asked`] tells what has to be known of each call for it.
//!
//! It proves what `generate` writes, so it shares nothing with it: neither the structs of a policy nor the matching of
//! wildcards. To judge a request it needs no AWS tables; what it knows is the policy language, as the IAM User Guide
//! defines it. Where the guide is silent, or says two things, the answer is [`evaluate::Decision::Undecided`] or the one
//! that grants less.
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
//!
//! A role session that its bucket policy names is not limited by what its permissions boundary leaves out:
//!
//! ```
//! use trailfit::verify::authorize::{Policies, authorize};
//! use trailfit::verify::context::Context;
//! use trailfit::verify::evaluate::{Attached, Decision, Request};
//! use trailfit::verify::policy;
//!
//! let boundary = policy::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}"#,
//! )?;
//! let bucket = policy::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {"Sid": "Build", "Effect": "Allow", "Action": "s3:GetObject",
//!         "Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/ci/build"},
//!         "Resource": "arn:aws:s3:::reports/*"}}"#,
//! )?;
//! let policies = Policies {
//!     boundary: &[Attached { principal: None, name: "boundary.json", policy: &boundary[0] }],
//!     resource: &[Attached { principal: None, name: "bucket.json", policy: &bucket[0] }],
//!     ..Policies::default()
//! };
//! let context = Context::complete();
//! let judge = |session: &str| {
//!     let request = Request::new(session, "s3:GetObject", "arn:aws:s3:::reports/may.csv", &context);
//!     let judgement = authorize(&request, &policies);
//!     (judgement.reason(&request), judgement.decision)
//! };
//! assert_eq!(
//!     judge("arn:aws:sts::111122223333:assumed-role/ci/build"),
//!     ("allowed by statement `Build` of `bucket.json`".to_owned(), Decision::Allowed)
//! );
//! assert_eq!(judge("arn:aws:sts::111122223333:assumed-role/ci/other").1, Decision::ImplicitlyDenied);
//! # Ok::<(), trailfit::verify::policy::ParseError>(())
//! ```
//!
//! A policy that was meant to say the same says more:
//!
//! ```
//! use trailfit::verify::compare::{Answer, Side, compare};
//! use trailfit::verify::evaluate::Attached;
//! use trailfit::verify::policy;
//!
//! let read = |resource: &str| {
//!     policy::parse(&format!(
//!         r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "s3:GetObject",
//!             "Resource": "{resource}"}}}}"#
//!     ))
//! };
//! let (old, new) = (read("arn:aws:s3:::reports/*")?, read("arn:aws:s3:::reports*")?);
//! let old = [Attached { principal: None, name: "old.json", policy: &old[0] }];
//! let new = [Attached { principal: None, name: "new.json", policy: &new[0] }];
//! let side = |identity| Side { identity, ..Side::default() };
//! let Answer::Yes(witness) = compare(&side(&old), &side(&new)).answer else {
//!     unreachable!();
//! };
//! assert_eq!(witness.resource, "arn:aws:s3:::reportsx/x");
//! assert_eq!(compare(&side(&new), &side(&old)).answer, Answer::No);
//! # Ok::<(), trailfit::verify::policy::ParseError>(())
//! ```

pub mod asked;
pub mod authorize;
pub mod backtest;
pub mod compare;
pub mod context;
pub mod evaluate;
pub mod lint;
pub mod policy;
pub mod replay;

mod caller;
mod condition;
mod document;
mod glob;
mod grants;
mod json;
mod layer;
mod matcher;
mod operator;
mod owner;
mod reach;
mod resource;
