//! Rails: each judges one kind of harm and reports what it saw, before any policy weighs it.

pub mod classifier;
pub mod grounding;
pub mod host;
pub mod list;
pub mod pattern;
pub mod repetition;
pub mod schema;
pub mod text;
pub mod tool;
pub mod url;
