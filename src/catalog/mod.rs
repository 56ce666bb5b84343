//! What IAM asks for, call by call: lookups in the tables of `mappings/`, which are embedded in the program.
//!
//! Nothing is loaded or built at start: each lookup is a binary search over the text of a sorted table. This room knows
//! neither events nor policies; names go in, facts come out.

pub mod action;
mod adapter;
pub mod arn;
pub mod condition_key;
pub mod describe;
pub mod errors;
pub mod escalation;
pub mod forwarding;
pub mod lifecycle;
pub mod operation;
pub mod reasons;
pub mod resource;
pub mod service;
mod table;
pub mod visibility;
