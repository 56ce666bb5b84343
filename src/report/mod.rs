//! Findings for people and machines. Pure: text and values out, nothing written.

pub mod conditions;
pub mod explain;
pub mod hours;
pub mod index;
pub mod integrity;
pub mod one_off;
pub mod summary;
pub mod terminal;
