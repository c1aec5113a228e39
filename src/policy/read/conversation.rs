//! The reader of `[conversation]`: how many earlier turns are read with a text.

use crate::policy::error::PolicyError;
use crate::policy::table::{Found, Table, wrong_value};

const KEYS: [&str; 1] = ["turns"];
const MOST: u64 = 32;

/// The number of turns; 0 where the policy names none.
pub(super) fn turns(root: &Table<'_, '_>, found: &mut Found) -> usize {
    let Some(value) = root.value("conversation") else { return 0 };
    let Some(entries) = value.get_ref().as_table() else {
        let expected = "table with `turns`";
        let error =
            PolicyError::WrongType { key: "conversation", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return 0;
    };
    let table = Table { name: "`[conversation]`", entries, place: value.span() };
    table.only(&KEYS, found);
    table.require("turns", "a number of turns", found);
    let Some((turns, place)) = table.integer("turns", found) else { return 0 };
    if turns > MOST {
        wrong_value::<()>("turns", &turns.to_string(), &format!("from 0 to {MOST}"), place, found);
    }
    usize::try_from(turns).unwrap_or_default()
}
