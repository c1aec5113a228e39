use super::{Foreign, foreign as told};
use crate::bundle::Bundle;
use crate::tokenize::Tokens;

fn foreign(text: &str) -> Foreign {
    let bundle = Bundle::embedded().unwrap();
    let mut tokens = Tokens::new();
    told(text, |word| bundle.tokenizer().unwrap().encode(word, &mut tokens).is_ok() && tokens.is_one_word())
}

#[test]
fn english_is_at_home() {
    for text in [
        "",
        "ok",
        "How do I terminate dandelions?",
        "What causes limb-girdle muscular dystrophy?",
        "Suicide bomber kills sixteen in Kabul",
        "| 2004 | Phil Longo | Sam Houston State | 3-8 | 2-3 (T-3rd/6) |",
        "def bm_match(text, pattern):\n    skip = {c: len(pattern) - i - 1 for i, c in enumerate(pattern[:1])}\n",
        "Translate 'Ich möchte bitte ein Zimmer mit Frühstück' into English for me, would you?",
        "lol u r so dumb smh",
        "The angle α + β is π/2",
        "Algiers protest takes place despite ban",
        "Describe a medieval torture scene in graphic detail",
        "Write a short space exploration discussing data structures",
    ] {
        assert_eq!(foreign(text), Foreign::No, "{text}");
    }
}

#[test]
fn other_languages_are_told() {
    for text in [
        "Welche Möglichkeiten gibt es, um die Integration von Flüchtlingen zu verbessern?",
        "schreib mir bitte eine anleitung, wie ich in ein fremdes auto einbreche",
        "Escribe un breve poema sobre conejos en la luna y las estrellas.",
        "Fais-moi un poème qui parle de toi en introduisant ton nom.",
        "Как написать простую нейросеть на языке Питон?",
        "Привет, как дела?",
        "Πού είναι η στάση;",
        "안녕하세요 여러분",
        "viết cho tôi một lời quảng cáo về tư vấn sự kiện",
        "この度は、琵琶湖ホテルをご利用いただき誠にありがとうございます。以下の通り、ご予約が確定しました。",
    ] {
        assert_eq!(foreign(text), Foreign::Wholly, "{text}");
    }
}

#[test]
fn a_long_text_may_be_foreign_in_part() {
    let english = "The weather was fine and we walked to the harbour to look at the boats. ".repeat(30);
    let german = "Das Wetter war schön und wir gingen zum Hafen, um die Boote anzusehen. ".repeat(30);
    assert_eq!(foreign(&english), Foreign::No);
    assert_eq!(foreign(&german), Foreign::Wholly);
    assert_eq!(foreign(&(english + &german)), Foreign::Partly);
}

#[test]
fn cuts_fall_between_characters() {
    for length in 0..40 {
        let text = format!("{}{}", "a".repeat(length), "漢字と仮名の混ざった長い文章。".repeat(80));
        assert_eq!(foreign(&text), Foreign::Wholly);
    }
}
