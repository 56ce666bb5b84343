//! CloudTrail's side: bytes of any container → one [`event::Event`] a record. Knows nothing of IAM or the catalog.

pub mod aggregated;
mod carrier;
mod chains;
pub mod clock;
pub mod decompress;
pub mod digest;
pub mod digested;
pub mod event;
pub mod find;
pub mod integrity;
pub mod ordinary;
pub mod public_keys;
pub mod reader;
mod repeated;
mod rows;
mod session;
mod skip;
mod split;
pub mod user_identity;
mod whole;
