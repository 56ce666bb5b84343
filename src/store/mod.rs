//! The ledger on disk: one SQLite file that holds the set of all events read, each in a few bytes, beside what they mean.
//!
//! A set knows no order and no repetition. So an event that comes again, in the same log object or another one, changes
//! nothing; neither does a run that was cut off and begun again; and the union of two ledgers is the ledger of all that
//! went into either. What is summed up from it ([`read`]) is what reading the logs themselves would have given.
//!
//! | file | its one duty |
//! |---|---|
//! | [`mod@file`] | opens ledgers, waits for others that write, says what is wrong with one |
//! | [`what`] | what calls mean, as text |
//! | [`mod@write`] | adds to a ledger in transactions: what calls mean |
//! | [`principals`], [`events`], [`object`] | adds what else there is: names, events, log objects |
//! | [`bound`] | cuts the resources of an action where there are too many |
//! | [`merge`] | adds one ledger to another |
//! | `fact` | what each principal did on what, for an export |
//! | [`export`] | a ledger as lines of JSON, and back |
//! | [`parquet`] | a ledger as a Parquet table, and back |
//! | [`hours`] | the events of an hour, packed |
//! | [`read`] | sums it all up |

pub mod bound;
pub mod events;
pub mod export;
mod fact;
pub mod file;
pub mod hours;
pub mod merge;
pub mod object;
pub mod parquet;
pub mod principals;
pub mod read;
pub mod what;
pub mod write;
