//! The pure watch.
