//! CloudTrail's side: bytes of any container → one [`event::Event`] a record. Knows nothing of IAM or the catalog.

mod carrier;
pub mod clock;
pub mod decompress;
pub mod event;
pub mod find;
pub mod ordinary;
pub mod reader;
mod repeated;
mod rows;
mod session;
mod skip;
mod split;
mod whole;
