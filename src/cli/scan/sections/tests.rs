use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_byte_is_in_a_section_and_every_short_run_whole_in_one(
        text in "[a-zäß \n]{0,400}", limit in 1_usize..80, at in 0_usize..400,
    ) {
        let sections = sections(&text, limit, true);
        prop_assert_eq!(sections[0].start, 0);
        prop_assert_eq!(sections.last().unwrap().end, text.len());
        for pair in sections.windows(2) {
            prop_assert!(pair[1].start <= pair[0].end && pair[0].start < pair[1].start);
        }
        for section in &sections {
            prop_assert!(text.get(section.clone()).is_some());
            prop_assert!(section.len() <= limit.max(4));
        }
        let run = at..at + limit / 8;
        if run.end <= text.len() {
            prop_assert!(sections.iter().any(|section| section.start <= run.start && run.end <= section.end));
        }
    }
}

#[test]
fn paragraphs_are_kept_together() {
    let paragraph = format!("{}\n\n", "The garden opens at nine in the summer. ".repeat(20).trim_end());
    let text = paragraph.repeat(100);
    let sections = sections(&text, 1 << 20, false);
    assert!(sections.len() > 2, "{}", sections.len());
    for section in &sections {
        let section = text.get(section.clone()).unwrap();
        assert!(section.ends_with("nine in the summer.\n\n"));
        assert!(section.starts_with("The garden"));
    }
    assert_eq!(super::sections(&text, 1 << 20, true), vec![0..text.len()]);
}
