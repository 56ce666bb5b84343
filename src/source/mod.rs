//! Where log objects come from: files, folders, stdin, and the members of zip archives. Knows nothing of what is in them.

mod archive;
pub mod files;
