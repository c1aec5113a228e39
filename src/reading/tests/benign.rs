//! Everyday texts, which must be read as they stand.

use super::readings;

#[test]
fn everyday_texts_have_no_reading() {
    let texts = include_str!("benign.txt");
    let mut wrong = Vec::new();
    let mut count = 0;
    for text in texts.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        count += 1;
        for reading in readings(text) {
            wrong.push(format!("{text}\n    {:?}: {}", reading.via(), reading.text()));
        }
    }
    assert!(count >= 60, "{count} texts");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
