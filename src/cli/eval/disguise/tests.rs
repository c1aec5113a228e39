use super::*;

fn disguised(name: &str, text: &str, seed: u64) -> String {
    let disguise = DISGUISES.iter().find(|disguise| disguise.name == name).unwrap();
    (disguise.apply)(text, seed)
}

#[test]
fn each_disguise_by_hand() {
    let text = "You are an idiot, Sam.";
    for (name, expected) in [
        ("uppercase", "YOU ARE AN IDIOT, SAM."),
        ("leetspeak", "Y0u 4r3 4n 1d107, 54m."),
        ("spaced", "You are an i d i o t, Sam."),
        ("full-width", "Ｙｏｕ ａｒｅ ａｎ ｉｄｉｏｔ， Ｓａｍ．"),
        ("homoglyphs", "Υоu аrе аn іdіоt, Ѕаm."),
        ("zero-width", "You are an i\u{200B}d\u{200B}i\u{200B}o\u{200B}t, Sam."),
        ("stretched", "You are an idioooot, Sam."),
        ("punctuated", "You are an i.d.i.o.t, Sam."),
        ("mathematical", "𝐘𝐨𝐮 𝐚𝐫𝐞 𝐚𝐧 𝐢𝐝𝐢𝐨𝐭, 𝐒𝐚𝐦."),
        ("emoji letters", "🆈🅾🆄 🅰🆁🅴 🅰🅽 🅸🅳🅸🅾🆃, 🆂🅰🅼."),
        ("bidi", "You are an \u{202E}toidi\u{202C}, Sam."),
        ("hex", "596f752061726520616e206964696f742c2053616d2e"),
        ("percent", "You are an %69%64%69%6F%74, Sam."),
        ("entities", "You are an &#105;&#100;&#105;&#111;&#116;, Sam."),
        ("quoted-printable", "You are an =69=64=69=6F=74, Sam."),
        ("escapes", "You are an \\u0069\\u0064\\u0069\\u006f\\u0074, Sam."),
        ("rot13", "Lbh ner na vqvbg, Fnz."),
        ("reversed", ".maS ,toidi na era uoY"),
        ("base64", "WW91IGFyZSBhbiBpZGlvdCwgU2FtLg=="),
    ] {
        assert_eq!(disguised(name, text, 7), expected, "{name}");
    }
}

#[test]
fn typos_swap_inner_neighbours() {
    let text = "stupid idiot";
    let typed = disguised("typos", text, 3);
    assert_ne!(typed, text);
    assert_eq!(typed, disguised("typos", text, 3));
    for (word, was) in typed.split(' ').zip(text.split(' ')) {
        let differing = word.chars().zip(was.chars()).filter(|(new, old)| new != old).count();
        let sorted = |word: &str| {
            let mut letters: Vec<char> = word.chars().collect();
            letters.sort_unstable();
            letters
        };
        assert_eq!((word.chars().next(), sorted(word)), (was.chars().next(), sorted(was)));
        assert!(differing == 2, "{word}");
    }
    assert!((0..20).any(|seed| disguised("typos", text, seed) != typed));
}

#[test]
fn zalgo_marks_every_letter() {
    let marked = disguised("zalgo", "ab c", 1);
    let is_mark = |letter: &char| ('\u{300}'..='\u{36F}').contains(letter);
    assert_eq!(marked.chars().filter(|letter| !is_mark(letter)).collect::<String>(), "ab c");
    assert_eq!(marked.chars().filter(is_mark).count(), 6);
    assert_eq!(marked, disguised("zalgo", "ab c", 1));
    assert_ne!(marked, disguised("zalgo", "ab c", 2));
}

#[test]
fn tags_hide_every_character() {
    let hidden = disguised("tags", "Sam.", 0);
    assert_eq!(hidden, "\u{E0053}\u{E0061}\u{E006D}\u{E002E}");
}

#[test]
fn nested_is_percent_in_base64() {
    assert_eq!(disguised("nested", "Sam", 0), base64(b"%53%61%6D"));
}

#[test]
fn base64_is_padded() {
    for (text, expected) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
        assert_eq!(base64(text.as_bytes()), expected);
    }
}

#[test]
fn odd_texts_are_disguised_too() {
    for text in ["", " ", "😀", "ß", "ééé éééé", "a\u{301}bcd", "天下天下"] {
        for Disguise { name, apply } in DISGUISES {
            assert_eq!(text.is_empty(), apply(text, 1).is_empty(), "{name} of {text:?}");
        }
    }
}

#[test]
fn every_disguise_is_documented() {
    for Disguise { name, .. } in DISGUISES {
        assert!(include_str!("../../../../docs/eval.md").contains(&format!("| {name} | ")), "{name}");
    }
}
