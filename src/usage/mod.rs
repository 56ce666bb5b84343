//! Where CloudTrail and IAM meet: an event becomes the actions and resources that its caller needed, and the ledger
//! sums them up.

pub mod bounded;
pub mod callers;
pub mod calls;
pub mod carriers;
pub mod context;
pub mod coverage;
pub mod created;
pub mod cut;
pub mod denial;
pub mod filter;
pub mod format;
pub mod hashed;
pub mod hours;
pub mod identity;
mod initials;
pub mod joint;
pub mod kept;
pub mod keys;
pub mod kind;
pub mod ledger;
pub mod like;
pub mod memo;
pub mod names;
mod opaque;
pub mod origin;
pub mod passrole;
mod paths;
pub mod request;
pub mod resolve;
pub mod resource;
pub mod seen;
pub mod sketch;
pub mod sum;
pub mod template;
pub mod times;
