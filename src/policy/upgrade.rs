//! A policy moved to the next schema: what is new is put in, and every comment, blank line and order stays.

#[cfg(test)]
mod tests;

use thiserror::Error;
use toml_edit::{DocumentMut, Item, Table, value};

use super::Policy;

/// Why a policy cannot be moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// It is in the newest schema already.
    #[error("the policy is in schema {schema} already, expected one in schema 1")]
    Newest {
        /// Its schema.
        schema: u64,
    },
    /// A document that is not TOML.
    #[error("the policy is not valid TOML, expected one that `portcullis policy check` finds no mistake in")]
    NotToml,
}

/// What schema 2 asks for and schema 1 does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// What the policy is for, in a sentence.
    pub objective: String,
    /// Who answers for it.
    pub owner: String,
}

impl Policy {
    /// The source of the same policy in schema 2, with revision 1. It means the same: every text is decided as before.
    ///
    /// # Errors
    /// [`UpgradeError`]. What comes out is to be read again: it is not valid where an answer is no text that a policy may have.
    pub fn upgraded(&self, answers: &Answers) -> Result<String, UpgradeError> {
        match self.schema() {
            1 => upgrade(self.source.text(), answers),
            schema => Err(UpgradeError::Newest { schema }),
        }
    }
}

fn upgrade(source: &str, answers: &Answers) -> Result<String, UpgradeError> {
    let mut document: DocumentMut = source.parse().map_err(|_| UpgradeError::NotToml)?;
    if let Some(Item::Value(schema)) = document.get_mut("schema") {
        let decor = schema.decor().clone();
        *schema = 2.into();
        *schema.decor_mut() = decor;
    }
    // Revision comes after the version, governance before the first table.
    let order: Vec<String> = document.iter().map(|(key, _)| key.to_owned()).collect();
    document.insert("revision", value(1));
    let mut governance = Table::new();
    governance.insert("objective", value(answers.objective.as_str()));
    governance.insert("owner", value(answers.owner.as_str()));
    governance.set_position(Some(0));
    governance.decor_mut().set_prefix("\n");
    document.insert("governance", Item::Table(governance));
    let place = |key: &str| match key {
        "revision" => order.iter().position(|other| other == "version").map_or(0, |at| 2 * at + 1),
        key => order.iter().position(|other| other == key).map_or(usize::MAX, |at| 2 * at),
    };
    document.as_table_mut().sort_values_by(|a, _, b, _| place(a.get()).cmp(&place(b.get())));
    Ok(document.to_string())
}
