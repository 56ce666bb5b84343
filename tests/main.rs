//! The integration tests: the real program, run as a user runs it. One file per feature.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod backtest;
mod cases;
mod catalog;
mod compare;
mod conditions;
mod coverage;
mod explain;
mod export;
mod fit;
mod generate;
mod integrity;
mod judge;
mod ledger;
mod lifecycle;
mod lint;
mod lookup;
mod mapping;
mod observed;
mod permission_sets;
mod program;
mod read;
mod resources;
mod s3;
mod s3_server;
mod samples;
mod simulate;
mod tidy;
mod verify;
