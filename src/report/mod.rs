//! Findings for people and machines. Pure: text and values out, nothing written.

pub mod backtest;
pub mod backtest_text;
pub mod conditions;
pub mod explain;
pub mod hours;
pub mod index;
pub mod integrity;
pub mod one_off;
pub mod outlook;
pub mod people;
pub mod permission_set;
pub mod summary;
pub mod terminal;
