//! Placeholders: numbers, limits, restoring, and live text in any split.

use proptest::prelude::*;

use super::*;

fn vault() -> Vault {
    let mut vault = Vault::new();
    for (placeholder, original) in
        [("[EMAIL]", "jo@example.org"), ("[PHONE]", "555-0134"), ("[EMAIL]", "al@example.org")]
    {
        vault.keep(placeholder, original, "").unwrap();
    }
    vault
}

#[test]
fn equal_originals_share_a_number_and_kinds_count_apart() {
    let mut vault = vault();
    assert_eq!(vault.keep("[EMAIL]", "jo@example.org", "").as_deref(), Some("[EMAIL_1]"));
    assert_eq!(vault.keep("[EMAIL]", "al@example.org", "").as_deref(), Some("[EMAIL_2]"));
    assert_eq!(vault.keep("[PHONE]", "jo@example.org", "").as_deref(), Some("[PHONE_2]"));
    assert_eq!(vault.keep("[EMAIL_HOST]", "jo@example.org", "").as_deref(), Some("[EMAIL_HOST_1]"));
    assert_eq!(vault.len(), 5);
    assert_eq!(vault.keep("EMAIL", "x", ""), None);
    vault.clear();
    assert!(vault.is_empty());
    assert_eq!(vault.keep("[EMAIL]", "x", "").as_deref(), Some("[EMAIL_1]"));
}

#[test]
fn a_text_cannot_claim_a_number() {
    let mut vault = Vault::new();
    let text = "[EMAIL_1] and [EMAIL_2], says jo@example.org";
    assert_eq!(vault.keep("[EMAIL]", "jo@example.org", text).as_deref(), Some("[EMAIL_3]"));
    assert_eq!(vault.restore("[EMAIL_1] [EMAIL_3]"), "[EMAIL_1] jo@example.org");
}

#[test]
fn a_full_vault_keeps_what_it_has() {
    let mut vault = Vault::new();
    for number in 0..Vault::MOST_ENTRIES {
        assert!(vault.keep("[X]", &number.to_string(), "").is_some());
    }
    assert_eq!(vault.keep("[X]", "one more", ""), None);
    assert_eq!(vault.keep("[X]", "7", "").as_deref(), Some("[X_8]"));
    let mut vault = Vault::new();
    assert!(vault.keep("[X]", &"x".repeat(Vault::MOST_BYTES), "").is_some());
    assert_eq!(vault.keep("[X]", "y", ""), None);
}

#[test]
fn only_whole_placeholders_of_the_vault_are_restored() {
    let vault = vault();
    for (text, restored) in [
        ("[EMAIL_1]", "jo@example.org"),
        ("a[EMAIL_1][PHONE_1]b", "ajo@example.org555-0134b"),
        ("[[EMAIL_1]]", "[jo@example.org]"),
        ("[EMAIL_3] [EMAIL] [EMAIL_1 ] [email_1] [EMAIL_", "[EMAIL_3] [EMAIL] [EMAIL_1 ] [email_1] [EMAIL_"),
        ("[EMAIL_1é] []", "[EMAIL_1é] []"),
        ("", ""),
    ] {
        assert_eq!(vault.restore(text), restored);
    }
    assert_eq!(Vault::new().restore("[EMAIL_1]"), "[EMAIL_1]");
}

#[test]
fn what_can_be_no_placeholder_is_not_held() {
    let vault = vault();
    let mut restorer = vault.restorer();
    assert_eq!(restorer.push("see [1"), "see ");
    assert_eq!(restorer.push(" or"), "[1 or");
    assert_eq!(restorer.push("[AAAAAAAAAAAAAAAA"), "[AAAAAAAAAAAAAAAA");
}

#[test]
fn debug_shows_no_original() {
    let vault = vault();
    let mut restorer = vault.restorer();
    let _ = restorer.push("[EMA");
    let shown = format!("{vault:?} {restorer:?}");
    assert!(!shown.contains("jo@") && !shown.contains("EMA"), "{shown}");
}

proptest! {
    #[test]
    fn any_split_restores_the_same(
        parts in prop::collection::vec(
            prop::sample::select(vec!["[EMAIL_1]", "[EMAIL_", "2]", "[", "]", "_", "é", "PHONE_1", " ", "[PHONE_1]", "x"]),
            0..20,
        ),
        cuts in prop::collection::vec(1_usize..6, 1..30),
    ) {
        let vault = vault();
        let text = parts.concat();
        let mut restorer = vault.restorer();
        let mut shown = String::new();
        let (mut rest, mut cuts) = (text.as_str(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.ceil_char_boundary(cuts.next().unwrap().min(rest.len())));
            shown += &restorer.push(part);
            prop_assert!(!shown.contains("[EMAIL_1]"));
            rest = after;
        }
        shown += &restorer.finish();
        prop_assert_eq!(shown, vault.restore(&text));
    }
}
