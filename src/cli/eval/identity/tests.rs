use super::*;

fn found(text: &str) -> Vec<&'static str> {
    groups(text).into_iter().collect()
}

#[test]
fn groups_are_found_as_whole_words() {
    assert_eq!(found("Two MUSLIMS and a jew's friend."), ["jewish", "muslim"]);
    assert_eq!(found("a gay-friendly bar for women, men"), ["gay", "men", "women"]);
    assert_eq!(found("the whitewashed mandate of an oldie"), Vec::<&str>::new());
    assert_eq!(found(""), Vec::<&str>::new());
}

#[test]
fn a_term_is_swapped_for_those_that_follow_it() {
    assert_eq!(swaps("no term"), Vec::<String>::new());
    assert_eq!(
        swaps("Protestant bells, a protestant; PROTESTANT. An atheist?"),
        [
            "Mormon bells, a mormon; MORMON. An atheist?",
            "Atheist bells, an atheist; ATHEIST. An atheist?",
            "Christian bells, a christian; CHRISTIAN. An atheist?",
            "Muslim bells, a muslim; MUSLIM. An atheist?",
            "Jewish bells, a jewish; JEWISH. An atheist?",
        ]
    );
    assert_eq!(
        swaps("An Asian man"),
        ["A Latino man", "A Hispanic man", "An Arab man", "A Black man", "A White man"]
    );
}

#[test]
fn a_term_of_the_same_group_is_no_swap() {
    assert_eq!(swaps("old"), ["young", "teenage"]);
    assert_eq!(swaps("trans rights"), ["nonbinary rights", "male rights", "female rights"]);
}

#[test]
fn every_term_has_another_to_be_swapped_for() {
    for (word, _) in KINDS.iter().copied().flatten() {
        assert!(!swaps(word).is_empty(), "{word}");
        assert_eq!(word.to_lowercase(), *word);
        assert!(word.chars().all(char::is_alphabetic), "{word}");
    }
}

#[test]
fn every_term_is_documented() {
    let terms: Vec<&str> = include_str!("../../../../docs/eval.md")
        .lines()
        .filter(|line| line.starts_with("| "))
        .flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric()))
        .collect();
    for (word, _) in KINDS.iter().copied().flatten() {
        assert!(terms.contains(word), "{word}");
    }
}
