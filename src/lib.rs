//! trailfit reads AWS CloudTrail logs and writes the IAM policies that fit what was really used.

pub mod source;

pub mod cloudtrail;

pub mod catalog;

pub mod usage;

pub mod generate;

pub mod verify;

pub mod error;

pub mod iam;
