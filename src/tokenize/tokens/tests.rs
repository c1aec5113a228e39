use super::*;
use crate::bundle::Bundle;
use crate::normalize::Normalized;

fn share(text: &str) -> f32 {
    let bundle = Bundle::embedded().unwrap();
    let normalized = Normalized::new(text);
    let mut tokens = Tokens::new();
    bundle.tokenizer().unwrap().encode(normalized.text(), &mut tokens).unwrap();
    tokens.legibility(normalized.text()).unreadable_share(0)
}

#[test]
fn prose_code_and_slang_are_read() {
    for text in [
        "",
        "ok",
        "kqxw",
        "How do I descale a kettle with hydroxychloroquine-free vinegar?",
        "lol omg wtf that was so funny brb",
        "SELECT name FROM users WHERE id = 1;",
        "The bus to Llanfairpwllgwyngyll leaves from stop C at 9:15",
        "Nguyen, Kowalczyk and Oyelaran met Zbigniew in Szczecin yesterday evening",
        "1234567890 1234567890 1234567890",
    ] {
        assert!(share(text) <= 0.5, "{text}: {}", share(text));
    }
}

#[test]
fn struck_keys_ciphers_and_encoded_bytes_are_not() {
    for text in [
        "asdkjh qwlekj zxmcnb qpwoei rutyal skdjfh",
        "ubj qb v trg vagb zl arvtuobhe'f ubhfr jvgubhg n xrl",
        "7f3a9c1e5b2d8046af91c3e7d5b20864",
        "q7Wz9mXc2LbTfR4vKpYd8HsJ1nGa6UeQ",
    ] {
        assert!(share(text) > 0.7, "{text}: {}", share(text));
    }
    let half = share("asdkjh qwlekj zxmcnb we walked along the river");
    assert!((0.2..0.6).contains(&half), "{half}");
}

#[test]
fn what_is_known_for_what_it_is_does_not_count() {
    let legibility = Legibility { written: 60, unreadable: 45 };
    assert_eq!(legibility.unreadable_share(0), 0.75);
    assert_eq!(legibility.unreadable_share(30), 0.5);
    assert_eq!(legibility.unreadable_share(40), 0.25);
    assert_eq!(legibility.unreadable_share(1000), 0.0);
    assert_eq!(Legibility { written: 11, unreadable: 11 }.unreadable_share(0), 0.0);
}
