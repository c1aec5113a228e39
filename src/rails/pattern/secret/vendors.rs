//! The forms of vendors' tokens, by family.

use super::super::near::{before, run, run_back};
use super::token::Alphabet::{Alnum, Base64, Dotted, Hex, Lower, Path, Upper, Word};
use super::token::{Token, find, is_example, token};
use super::{CATEGORY, Detector, Hit, PLACEHOLDER, Trigger};
use crate::span::Span;

/// A detector over a table of forms.
macro_rules! family {
    ($detector:ident, $name:literal, $forms:ident, [$($form:expr),+ $(,)?]) => {
        static $forms: [Token; [$($form),+].len()] = [$($form),+];
        pub(in crate::rails::pattern) const $detector: Detector = Detector {
            name: $name,
            category: CATEGORY,
            placeholder: PLACEHOLDER,
            trigger: Trigger::Tokens(&$forms),
            at: |text, at, floor| find(&$forms, text, at, floor),
        };
    };
}

family!(
    AWS,
    "secret.aws",
    AWS_FORMS,
    [
        token("AKIA", Upper, 16, 16),
        token("ASIA", Upper, 16, 16),
        token("ABIA", Upper, 16, 16),
        token("ACCA", Upper, 16, 16),
        token("ABSK", Base64, 109, 269),
        token("bedrock-api-key-", Base64, 60, 400),
    ]
);

family!(
    GITHUB,
    "secret.github",
    GITHUB_FORMS,
    [
        token("ghp_", Alnum, 36, 255),
        token("gho_", Alnum, 36, 255),
        token("ghu_", Alnum, 36, 255),
        token("ghs_", Alnum, 36, 255),
        token("ghr_", Alnum, 36, 255),
        token("github_pat_", Word, 82, 82),
    ]
);

family!(
    GITLAB,
    "secret.gitlab",
    GITLAB_FORMS,
    [
        token("glpat-", Dotted, 20, 320),
        token("gldt-", Word, 20, 20),
        token("glffct-", Word, 20, 20),
        token("glft-", Word, 20, 20),
        token("glimt-", Word, 25, 25),
        token("glagent-", Word, 50, 50),
        token("gloas-", Word, 64, 64),
        token("glptt-", Hex, 40, 40),
        token("glrt-", Dotted, 20, 320),
        token("glcbt-", Word, 22, 26),
        token("glsoat-", Word, 20, 20),
        token("GR1348941", Word, 20, 20),
    ]
);

family!(
    GOOGLE,
    "secret.google",
    GOOGLE_FORMS,
    [token("AIza", Word, 35, 35), token("GOCSPX-", Word, 28, 28), token("ya29.", Dotted, 40, 1024),]
);

family!(
    SLACK,
    "secret.slack",
    SLACK_FORMS,
    [
        token("xoxb-", Word, 20, 200),
        token("xoxp-", Word, 20, 200),
        token("xoxa-", Word, 8, 200),
        token("xoxr-", Word, 8, 200),
        token("xoxs-", Word, 20, 200),
        token("xoxo-", Word, 20, 200),
        token("xoxe-", Word, 100, 200),
        token("xoxe.xoxb-", Word, 150, 200),
        token("xoxe.xoxp-", Word, 150, 200),
        token("xapp-", Word, 30, 200),
        token("hooks.slack.com/services/", Path, 40, 60),
        token("hooks.slack.com/workflows/", Path, 40, 80),
        token("hooks.slack.com/triggers/", Path, 40, 80),
    ]
);

family!(
    STRIPE,
    "secret.stripe",
    STRIPE_FORMS,
    [
        token("sk_live_", Alnum, 16, 247),
        token("sk_test_", Alnum, 16, 247),
        token("rk_live_", Alnum, 16, 247),
        token("rk_test_", Alnum, 16, 247),
        token("sk_prod_", Alnum, 16, 247),
        token("whsec_", Base64, 32, 64),
    ]
);

family!(
    OPENAI,
    "secret.openai",
    OPENAI_FORMS,
    [
        token("sk-proj-", Word, 40, 200),
        token("sk-svcacct-", Word, 40, 200),
        token("sk-admin-", Word, 40, 200),
        token("sk-", Alnum, 32, 64),
    ]
);

family!(ANTHROPIC, "secret.anthropic", ANTHROPIC_FORMS, [token("sk-ant-", Word, 60, 140)]);

family!(
    HUGGINGFACE,
    "secret.huggingface",
    HUGGINGFACE_FORMS,
    [token("hf_", Alnum, 34, 40), token("api_org_", Alnum, 34, 34),]
);

family!(
    REGISTRY,
    "secret.registry",
    REGISTRY_FORMS,
    [
        token("npm_", Alnum, 36, 36),
        token("pypi-AgEIcHlwaS5vcmc", Word, 50, 1000),
        token("rubygems_", Hex, 48, 48),
        token("CLOJARS_", Lower, 60, 60),
        token("oy2", Lower, 43, 43),
        token("dckr_pat_", Word, 27, 27),
    ]
);

family!(
    VENDOR,
    "secret.vendor",
    VENDOR_FORMS,
    [
        token("A3-", Upper, 30, 40),
        token("ops_eyJ", Base64, 250, 2000),
        token("p8e-", Lower, 32, 32),
        token("AGE-SECRET-KEY-1", Upper, 58, 58),
        token("LTAI", Alnum, 20, 20),
        token("AKCp", Alnum, 69, 69),
        token("cmVmd", Alnum, 59, 59),
        token("ATATT3", Path, 186, 186),
        token("ATBB", Alnum, 32, 32),
        token("4b1d", Alnum, 38, 38),
        token("v1.0-", Word, 171, 171),
        token("CFPAT-", Word, 43, 43),
        token("dapi", Hex, 32, 34),
        token("dnkey-", Word, 79, 79),
        token("doo_v1_", Hex, 64, 64),
        token("dop_v1_", Hex, 64, 64),
        token("dor_v1_", Hex, 64, 64),
        token("dp.pt.", Alnum, 40, 44),
        token("dt0c01.", Dotted, 89, 89),
        token("duffel_live_", Word, 43, 43),
        token("duffel_test_", Word, 43, 43),
        token("EZAK", Alnum, 54, 54),
        token("EZTK", Alnum, 54, 54),
        token("EAAC", Alnum, 100, 400),
        token("EAAM", Alnum, 100, 400),
        token("figd_", Word, 40, 44),
        token("fio-u-", Word, 64, 64),
        token("FLWSECK-", Word, 34, 40),
        token("fo1_", Word, 43, 43),
        token("fm2_", Base64, 100, 2000),
        token("glc_", Base64, 32, 400),
        token("glsa_", Word, 41, 41),
        token("gsk_", Alnum, 52, 52),
        token("hvb.", Word, 138, 300),
        token("hvs.", Word, 90, 120),
        token("HRKU-AA", Word, 58, 58),
        token("ico-", Alnum, 32, 32),
        token("key-", Hex, 32, 32),
        token("lin_api_", Alnum, 40, 40),
        token("nfp_", Alnum, 36, 40),
        token("NRAK-", Upper, 27, 27),
        token("NRII-", Word, 32, 32),
        token("NRJS-", Hex, 19, 19),
        token("ntn_", Alnum, 46, 46),
        token("API-", Upper, 26, 26),
        token("PMAK-", Word, 59, 59),
        token("pnu_", Alnum, 36, 36),
        token("pplx-", Alnum, 48, 48),
        token("pscale_tkn_", Dotted, 32, 64),
        token("pscale_oauth_", Dotted, 32, 64),
        token("pscale_pw_", Dotted, 32, 64),
        token("pul-", Hex, 40, 40),
        token("r8_", Alnum, 37, 37),
        token("rdme_", Lower, 70, 70),
        token("sbp_", Hex, 40, 40),
        token("SG.", Dotted, 60, 70),
        token("sgp_", Word, 40, 57),
        token("sha256~", Word, 43, 43),
        token("shpat_", Hex, 32, 32),
        token("shpca_", Hex, 32, 32),
        token("shppa_", Hex, 32, 32),
        token("shpss_", Hex, 32, 32),
        token("shippo_live_", Hex, 40, 40),
        token("shippo_test_", Hex, 40, 40),
        token("SK", Hex, 32, 32),
        token("sl.", Word, 130, 152),
        token("sm_aat_", Alnum, 16, 16),
        token("sm_pat_", Alnum, 16, 16),
        token("sm_sat_", Alnum, 16, 16),
        token("sntrys_", Path, 80, 600),
        token("sntryu_", Hex, 64, 64),
        token("sq0atp-", Word, 22, 60),
        token("sq0csp-", Word, 22, 60),
        token("squ_", Alnum, 40, 40),
        token("sqp_", Alnum, 40, 40),
        token("tfp_", Dotted, 59, 59),
        token("tk-us-", Word, 48, 48),
        token("tskey-", Word, 30, 70),
        token("xai-", Alnum, 80, 80),
        token("xkeysib-", Word, 81, 81),
        token("AQVN", Word, 35, 38),
    ]
);

/// Known form around a mark in its middle.
const MARKED: f32 = 0.95;

pub(in crate::rails::pattern) const AZURE: Detector = Detector {
    name: "secret.azure",
    category: CATEGORY,
    placeholder: PLACEHOLDER,
    trigger: Trigger::Literals(&["AccountKey=", "SharedAccessKey=", "&sig=", "?sig=", "Q~"]),
    at: azure,
};

pub(in crate::rails::pattern) const DISCORD: Detector = Detector {
    name: "secret.discord",
    category: CATEGORY,
    placeholder: PLACEHOLDER,
    trigger: Trigger::Literals(&["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"]),
    at: discord,
};

pub(in crate::rails::pattern) const TELEGRAM: Detector = Detector {
    name: "secret.telegram",
    category: CATEGORY,
    placeholder: PLACEHOLDER,
    trigger: Trigger::Literals(&[":AA"]),
    at: telegram,
};

/// Storage and bus keys, shared access signatures, and the client secrets of Entra.
fn azure(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..)?;
    if rest.starts_with(b"Q~") {
        let start = at.checked_sub(4).filter(|start| *start >= floor)?;
        let word = |b: u8| b.is_ascii_alphanumeric() || b"_.~-".contains(&b);
        let tail = run(bytes, at + 2, 40, word);
        let head = bytes.get(start..at)?;
        let form = head.iter().all(|b| word(*b)) && head.last().is_some_and(u8::is_ascii_digit);
        let opens = !word(before(bytes, start, 1, floor));
        let span = Span::new(start, at + 2 + tail);
        return (form && opens && (31..=34).contains(&tail)).then(|| Hit::new(span, MARKED));
    }
    let equals = rest.iter().take(16).position(|b| *b == b'=')?;
    let start = at + equals + 1;
    let length = run(bytes, start, 100, |b| b.is_ascii_alphanumeric() || b"+/=%".contains(&b));
    let known = matches!(length, 43..=52 | 86..=92);
    let key = text.get(start..start + length)?;
    (known && start >= floor && !is_example(key)).then(|| Hit::new(Span::new(start, start + length), MARKED))
}

/// The number and token of a webhook.
fn discord(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let path = text.get(at..)?.find("webhooks/")?;
    let start = at + path + "webhooks/".len();
    let number = run(bytes, start, 21, |b| b.is_ascii_digit());
    let slash = start + number;
    let token = run(bytes, slash + 1, 80, |b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let form = (17..=20).contains(&number) && bytes.get(slash) == Some(&b'/') && (60..=72).contains(&token);
    (form && start >= floor).then(|| Hit::new(Span::new(start, slash + 1 + token), MARKED))
}

/// A bot's number, a colon, `AA` and 33 characters.
fn telegram(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let number = run_back(bytes, at, 11, floor, |b| b.is_ascii_digit());
    let token = run(bytes, at + 1, 36, |b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let start = at - number;
    let form = (8..=10).contains(&number) && token == 35 && bytes.get(at..at + 3) == Some(b":AA");
    (form && !before(bytes, start, 1, floor).is_ascii_alphanumeric())
        .then(|| Hit::new(Span::new(start, at + 1 + token), MARKED))
}
