//! The nouns of IAM. No I/O, no AWS tables, nothing of CloudTrail.

pub mod action;
pub mod arn;
pub mod condition;
pub mod pattern;
pub mod policy;
pub mod principal;
