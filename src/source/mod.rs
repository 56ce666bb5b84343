//! Where log objects come from: files, folders, stdin, the members of zip archives, and AWS. Knows nothing of what is in
//! them. The only async room.

mod archive;
pub mod aws;
mod fetch;
pub mod files;
mod get;
pub mod layout;
pub mod lookup;
pub mod public_keys;
mod s3;
