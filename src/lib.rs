#![doc = include_str!("../README.md")]
//!
//! # The rooms
//!
//! In the order the data flows; a room imports only rooms below it.
//!
//! | room | its one duty |
//! |---|---|
//! | [`source`] | where log objects come from |
//! | [`cloudtrail`] | bytes → borrowed [`cloudtrail::event::Event`] |
//! | [`catalog`] | lookups in the embedded `mappings/` tables |
//! | [`usage`] | [`cloudtrail::event::Event`] → needs → [`usage::ledger::Ledger`] |
//! | [`pipeline`] | the order of the stages and all threading |
//! | [`store`] | the ledger on disk: the set of all events read, in one SQLite file |
//! | [`generate`] | ledger → statements → policy documents |
//! | [`verify`] | judge requests by policies as IAM does, replay the ledger, and lint policies, sharing no code with `generate` |
//! | [`report`] | the accounts, for people |
//! | [`cli`] | one file per command |
//!
//! [`iam`] holds the nouns that they share, [`error`] the one error type.

pub mod source;

pub mod cloudtrail;

pub mod catalog;

pub mod usage;

pub mod pipeline;

pub mod store;

pub mod generate;

pub mod verify;

pub mod report;

pub mod cli;

pub mod error;
pub mod iam;
