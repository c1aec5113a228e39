//! Tokens and keys. Each is put together here from a prefix and made-up characters, so that none stands in this file.

use super::{assert_marked, scan};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `length` characters of `alphabet` without an order one could see.
fn random(length: usize, alphabet: &str) -> String {
    let letters = alphabet.as_bytes();
    let mut state = length as u64 * 2_654_435_761 + 12_345;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(letters[(state >> 33) as usize % letters.len()])
        })
        .collect()
}

fn assert_token(detector: &str, prefix: &str, length: usize, alphabet: &str) {
    let token = format!("{prefix}{}", random(length, alphabet));
    let texts = [
        format!("«{token}»"),
        format!("the key is «{token}»."),
        format!("KEY=\"«{token}»\""),
        format!("x{token}"),
        format!("{token}{}", random(900, alphabet)),
        format!("{prefix}{}", "a".repeat(length)),
        format!("{prefix}{}", random(length / 3, alphabet)),
    ];
    assert_marked(detector, &texts.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn tokens() {
    for (detector, prefix, length, alphabet) in [
        ("secret.aws", "AKIA", 16, UPPER),
        ("secret.github", "ghp_", 36, ALNUM),
        ("secret.github", "github_pat_", 82, ALNUM),
        ("secret.gitlab", "glpat-", 20, ALNUM),
        ("secret.google", "AIza", 35, ALNUM),
        ("secret.slack", "xoxb-", 50, ALNUM),
        ("secret.slack", "hooks.slack.com/services/", 44, ALNUM),
        ("secret.stripe", "sk_live_", 24, ALNUM),
        ("secret.openai", "sk-proj-", 74, ALNUM),
        ("secret.openai", "sk-", 48, ALNUM),
        ("secret.anthropic", "sk-ant-api03-", 93, ALNUM),
        ("secret.huggingface", "hf_", 34, ALNUM),
        ("secret.registry", "npm_", 36, ALNUM),
        ("secret.vendor", "dop_v1_", 64, HEX),
        ("secret.vendor", "SG.", 66, ALNUM),
        ("secret.vendor", "shpat_", 32, HEX),
        ("secret.vendor", "rdme_", 70, LOWER),
    ] {
        assert_token(detector, prefix, length, alphabet);
    }
}

#[test]
fn tokens_in_their_places() {
    let telegram = format!("«812345678:AA{}»", random(33, ALNUM));
    let key = random(86, ALNUM);
    let azure = format!("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=«{key}==»;");
    let entra = format!("'«{}8Q~{}»'", random(3, ALNUM), random(32, ALNUM));
    let discord = format!("https://discord.com/api/webhooks/«123456789012345678/{}»", random(68, ALNUM));
    assert_marked("secret.telegram", &[&telegram, "12:30:AA", "812345678:AAbc"]);
    assert_marked("secret.azure", &[&azure, &entra, "what is Q~", "AccountKey=example"]);
    assert_marked("secret.discord", &[&discord, "https://discord.com/api/webhooks/1/token"]);
}

#[test]
fn private_keys() {
    let lines = [random(64, ALNUM), random(64, LOWER), random(20, ALNUM)].join("\n");
    let begin = |kind: &str| format!("-----BEGIN {kind}-----");
    let end = |kind: &str| format!("-----END {kind}-----");
    let texts = [
        format!("key:\n«{}\n{lines}\n{}»\nbye", begin("RSA PRIVATE KEY"), end("RSA PRIVATE KEY")),
        format!("«{}\n{lines}\n{}»", begin("PRIVATE KEY"), end("PRIVATE KEY")),
        format!("«{}\\n{}\\n{}»", begin("EC PRIVATE KEY"), random(64, ALNUM), end("EC PRIVATE KEY")),
        // Cut off before its end.
        format!("«{}\n{lines}»", begin("OPENSSH PRIVATE KEY")),
        format!("{}\n{lines}\n{}", begin("CERTIFICATE"), end("CERTIFICATE")),
        format!("A file that begins with {} holds a key.", begin("PRIVATE KEY")),
    ];
    assert_marked("secret.private_key", &texts.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn json_web_tokens() {
    let header = "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9";
    let claims = "eyJzdWIiOiAidS00ODIxMyIsICJpYXQiOiAxNzY3MjI1NjAwfQ";
    let texts = [
        format!("Bearer «{header}.{claims}.{}»", random(43, ALNUM)),
        format!("t=«{header}.{claims}»"),
        format!("{header}.{}", random(20, ALNUM)),
        // No JSON.
        format!("eyJ{}.eyJ{}.{}", random(30, ALNUM), random(30, ALNUM), random(30, ALNUM)),
    ];
    assert_marked("secret.jwt", &texts.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn connection_strings() {
    assert_marked(
        "secret.connection_string",
        &[
            "postgres://app:«t0p-Sekr1t»@db.example.org:5432/app",
            "mongodb+srv://u:«p@ss!w0rd»@cluster0.example.net/x",
            "redis://:«f8Jk2mQ9»@10.0.0.5:6379",
            "https://jo:«Winter2031»@example.org/",
            "mysql://jo:«Winter#2031?»@example.org/",
            "https://example.org?to=a:b@c",
            "postgres://user:password@localhost/db",
            "postgres://app:${DB_PASSWORD}@db/app",
            "postgres://app:[SECRET]@db/app",
            "http://example.org:8080/a@b",
            "https://example.org/a:b@c",
            "git@github.com:a/b.git",
        ],
    );
}

#[test]
fn wallet_keys_and_phrases() {
    assert_marked(
        "secret.crypto_key",
        &[
            "«L1u8Nt1RGX5wg4BF8iiExUuRFCzgd4xcZnnFj9DcAh4LnjjrPisV»",
            "«5KjZSNJ7JTE2XhksALDVP35SrASreoH2TF9ucniv6PGMHWBtdZS»",
            "«xprv9s21ZrQH143K3Tws9XLfiqFcw4keGmCrFEsaQQ3UZLrZdHcYpC9YZczgD73x1PqGHLXbB92cUaBA1WoRNBnS8pSTkgabSy7BjDHjwffm3n6»",
            "L1u8Nt1RGX5wg4BF8iiExUuRFCzgd4xcZnnFj9DcAh4LnjjrPisW",
        ],
    );
    assert_marked(
        "secret.recovery_phrase",
        &[
            "«seek modify tobacco liberty brain error pony country mammal mouse sentence thunder»",
            "My words: «seek modify tobacco liberty brain error pony country mammal mouse sentence thunder», ok?",
            "«antenna mean carpet example toddler sorry urban bunker ghost eyebrow cage where fatal enter head»",
            "«dilemma essay gun visual movie draw brave pipe love remind spray sun check spawn gown toilet copy task \
             segment advice amount cover glue slim»",
            "the «seek modify tobacco liberty brain error pony country mammal mouse sentence thunder» the",
            "seek modify tobacco liberty brain error pony country mammal mouse sentence zebra",
            "seek modify tobacco liberty brain error pony country mammal mouse sentence",
        ],
    );
}

#[test]
fn phrases_are_found_wherever_they_begin() {
    let phrase = "seek modify tobacco liberty brain error pony country mammal mouse sentence thunder";
    for before in 0..120 {
        let text =
            format!("{}«{phrase}».", "x ".repeat(before / 2) + if before % 2 == 1 { "\n" } else { "" });
        assert_marked("secret.recovery_phrase", &[&text]);
    }
}

#[test]
fn assignments() {
    let value = random(32, ALNUM);
    let texts = [
        format!("api_key = \"«{value}»\""),
        format!("{{\"apiKey\": \"«{value}»\"}}"),
        format!("config['access_key'] = '«{value}»'"),
        format!("curl -H 'Authorization: Bearer «{value}»'"),
        format!("https://example.org/?token=«{value}»&page=2"),
        format!("deploy --token «{value}»"),
        format!("AWS_SECRET_ACCESS_KEY=«{value}»"),
    ];
    assert_marked("secret.generic", &texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_marked(
        "secret.generic",
        &[
            "password: «Tr0ub4dor&3»",
            "DB_PASSWORD=«w1nter-is-c0ming»",
            "<password>«f8Jk2mQ9!»</password>",
            "my password is «sunny42day».",
            "Server=db;User Id=sa;Password=«Zx9!kk20»;",
            "password = os.environ[\"DB_PASSWORD\"]",
            "password = getpass.getpass()",
            "password: str = None",
            "self.password = password1",
            "token = response.json()[\"access_token\"]",
            "The password is required.",
            "password: ********",
            "password: [SECRET]",
            "password=${DB_PASSWORD}",
            "tokens: 128000",
            "tokenizer = AutoTokenizer2",
            "secretary: Jane1234",
            "api_key = \"your-api-key-1234567890\"",
            "reset your password at https://example.org/reset1",
            "max_tokens=4096",
            "basic arithmetic",
            "how--\"Was there a secret marriage?\"",
            "docker build --secret id=npmrc,src=.npmrc",
            "authn_password_change:joebob1",
            "password:\u{a0}String,",
        ],
    );
}

#[test]
fn a_token_is_redacted_once() {
    let text = format!("token = {}{}", "ghp_", random(36, ALNUM));
    let names: Vec<String> = scan(&text).into_iter().map(|d| d.detector).collect();
    assert_eq!(names, ["secret.github", "secret.generic"]);
    assert_eq!(super::redact(&text), "token = [SECRET]");
}

#[test]
fn a_secret_of_one_letter_hides_itself_from_what_stands_beside_it() {
    let mut found = Vec::new();
    crate::rails::pattern::PatternRail::new().scan("order http://u:p@9.9.9.9", &mut found);
    let likely: Vec<&str> =
        found.iter().filter(|hit| hit.score >= 0.5).map(|hit| hit.detector.as_str()).collect();
    // As after a redaction, where the password is no part of an address any more.
    assert_eq!(likely, ["secret.connection_string", "pii.ip"]);
}
