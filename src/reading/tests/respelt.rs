//! Words that a person reads.

use super::super::NoWords;
use super::{all_read_as, place, readings, readings_with};
use crate::verdict::Disguise::{self, *};

#[test]
fn each_disguise_is_seen_through() {
    let cases: [(&str, &str, &[Disguise]); 41] = [
        ("you 1d10t", "you idiot", &[Leetspeak]),
        ("I will k1ll you", "I will kill you", &[Leetspeak]),
        ("what a b1tch, 5hit", "what a bitch, shit", &[Leetspeak]),
        ("$hit and a$$hole", "shit and asshole", &[Leetspeak]),
        ("sh!t happens!", "shit happens!", &[Leetspeak]),
        ("such h4x0r", "such haxor", &[Leetspeak]),
        ("Y0u 4r3 4n 1d107, 54m.", "You are an idiot, sam.", &[Leetspeak]),
        ("7h15 15 57up1d", "this is stupid", &[Leetspeak]),
        ("y0u 4r3 4 m0r0n", "you are a moron", &[Leetspeak]),
        ("you idioooot", "you idiot", &[Stretched]),
        ("sooooo STUUUPID", "so STUPID", &[Stretched]),
        ("gooood and haaaate", "good and hate", &[Stretched]),
        ("kiiiillllll them", "kill them", &[Stretched]),
        ("I h.a.t.e them", "I hate them", &[Spaced]),
        ("an i-d-i-o-t.", "an idiot.", &[Spaced]),
        ("f*u*c*k off", "fuck off", &[Spaced]),
        ("an i d i o t, Sam", "an idiot, Sam", &[Spaced]),
        ("h a t e  y o u", "hate you", &[Spaced]),
        ("y o u a r e s t u p i d", "you are stupid", &[Spaced]),
        ("k 1 l l them", "kill them", &[Spaced]),
        ("h.4.t.3 them", "hate them", &[Spaced]),
        ("Υоu аrе аn іdіоt, Ѕаm.", "You are an idiot, Sam.", &[Homoglyphs]),
        ("Ι hаtе аll оf а kіnd", "I hate all of a kind", &[Homoglyphs]),
        ("1 d0n'7 h473 @u53r", "i don't hate @user", &[Leetspeak]),
        ("stop it, fukcer", "stop it, fucker", &[Typos]),
        ("рsусhо kіllеr", "psycho killer", &[Homoglyphs]),
        ("some сор came by", "some cop came by", &[Homoglyphs]),
        ("ɪᴅɪᴏᴛ that you are", "idiot that you are", &[Homoglyphs]),
        ("kіlllll", "kill", &[Homoglyphs, Stretched]),
        ("you i\u{336}d\u{336}i\u{336}o\u{336}t\u{336}", "you idiot", &[Marks]),
        ("h\u{352}\u{30D}a\u{353}\u{33F}t\u{323}\u{30D}e\u{316}\u{363}", "hate", &[Marks]),
        ("🅷🅰🆃🅴 them", "hate them", &[EmojiLetters]),
        ("🅘🅓🅘🅞🅣", "idiot", &[EmojiLetters]),
        ("🇭 🇦 🇹 🇪 them", "hate them", &[EmojiLetters]),
        ("🇭\u{200B}🇦\u{200B}🇹\u{200B}🇪 them", "hate them", &[EmojiLetters]),
        ("you \u{202E}toidi\u{202C}!", "you idiot!", &[Bidi]),
        ("hi \u{E0068}\u{E0061}\u{E0074}\u{E0065}", "hi hate", &[Smuggled]),
        ("😀\u{E0158}\u{E0151}\u{E0164}\u{E0155}", " grinning face hate", &[Smuggled]),
        ("yuo are sutpid, compltee mornos", "yuo are stupid, complete morons", &[Typos]),
        ("K.I.L.L them", "KILL them", &[Spaced]),
        ("𝐡𝟒𝐭𝐞𝐫𝐬", "haters", &[Leetspeak]),
    ];
    all_read_as(cases);
}

#[test]
fn readings_map_to_what_they_read() {
    assert_eq!(place("I will k1ll you", "kill"), "k1ll");
    assert_eq!(place("I h.a.t.e. them", "hate"), "h.a.t.e");
    assert_eq!(place("an i d i o t, Sam", "idiot"), "i d i o t");
    assert_eq!(place("you idioooot!", "idiot"), "idioooot");
    assert_eq!(place("you idioooot!", "o"), "o");
    assert_eq!(place("idioooot!", "o"), "oooo");
    assert_eq!(place("🅷🅰🆃🅴", "t"), "🆃");
    assert_eq!(place("you \u{202E}toidi\u{202C}!", "io"), "\u{202E}toidi");
    assert_eq!(place("y o u a r e s t u p i d", "are"), "a r e");
    assert_eq!(place("𝐡𝟒𝐭𝐞𝐫𝐬", "a"), "𝟒");
}

#[test]
fn without_words_only_what_needs_no_evidence_is_read() {
    assert!(readings_with("c4rr0ts c.a.r.r.o.t.s caaaarrots", &NoWords, 3).list().is_empty());
    let shown = readings_with("you \u{202E}toidi\u{202C}!", &NoWords, 0);
    assert_eq!(shown.list()[0].text(), "you idiot!");
    let mixed = readings_with("kіllеr", &NoWords, 0);
    assert_eq!(mixed.list()[0].text(), "killer");
}

#[test]
fn a_reading_that_says_the_same_is_none() {
    for text in
        ["", " ", "a", "🇺🇸🇬🇧", "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}", "❤\u{FE0F}"]
    {
        assert!(readings(text).is_empty(), "{text}");
    }
}
