//! The examples of the page on disguise.

use super::read;

#[test]
fn the_examples_of_the_page_hold() {
    let page = include_str!("../../../docs/disguise.md");
    let mut count = 0;
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let quoted = |cell: &str| cell.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
        let [name, text, reading] = cells.as_slice() else { continue };
        if let (Some(name), Some(text), Some(reading)) = (quoted(name), quoted(text), quoted(reading)) {
            let (said, via) = read(&text);
            let via: Vec<&str> = via.iter().map(|via| via.as_str()).collect();
            assert_eq!((said, via), (reading, vec![name.as_str()]), "{line}");
            count += 1;
        }
    }
    assert_eq!(count, 16);
}

#[test]
fn the_list_of_words_can_be_searched() {
    let words: Vec<&str> = include_str!("../words.txt").lines().collect();
    assert!(words.is_sorted_by(|one, other| one < other));
    assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
}
