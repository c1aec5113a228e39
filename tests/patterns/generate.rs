//! Labelled texts, made up from templates and values whose check digits hold; the same at every run.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const UPPER: &str = "ABCDEFGHJKLMNPRSTUVWXYZ";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const AWS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";
const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// A kind of value, how it is made, and sentences with `{}` in its place.
struct Kind {
    label: &'static str,
    value: fn(&mut Random) -> String,
    sentences: &'static [&'static str],
}

const KINDS: [Kind; 26] = [
    Kind {
        label: "pii.iban",
        value: iban,
        sentences: &["Please transfer it to {} by Friday.", "my iban is {}", "Refund account: {}"],
    },
    Kind {
        label: "pii.us_ssn",
        value: ssn,
        sentences: &["Her SSN is {}.", "Social security number {} is on the form", "W-2: {}, box 1"],
    },
    Kind { label: "pii.us_itin", value: itin, sentences: &["ITIN {}", "He files under {} since 2019."] },
    Kind {
        label: "pii.uk_nhs",
        value: nhs,
        sentences: &["NHS number {}", "The patient ({}) was seen on the ward", "NHS no: {}"],
    },
    Kind {
        label: "pii.uk_nino",
        value: nino,
        sentences: &["National Insurance number {}", "her NINO, {}, is missing", "{} is on the payslip"],
    },
    Kind {
        label: "pii.passport",
        value: passport,
        sentences: &["Passport no. {}", "My passport number is {}, valid until 2031"],
    },
    Kind {
        label: "pii.driving_licence",
        value: licence,
        sentences: &["Driving licence {}", "driver's license number: {}"],
    },
    Kind { label: "pii.mac", value: mac, sentences: &["The adapter has {}.", "DHCPACK to {} via eth0"] },
    Kind { label: "pii.vin", value: vin, sentences: &["VIN {}", "The car ({}) needs new brakes"] },
    Kind {
        label: "pii.crypto_wallet",
        value: wallet,
        sentences: &["Send the coins to {} please", "{} received 0.2 BTC"],
    },
    Kind {
        label: "pii.date_of_birth",
        value: date,
        sentences: &["Date of birth: {}", "DOB {}", "I was born on {} in Hull"],
    },
    Kind { label: "pii.gps", value: gps, sentences: &["GPS {}", "We are at coordinates {}, come quickly"] },
    Kind { label: "pii.card", value: card, sentences: &["Charge my card {} again", "cc {} exp 11/29"] },
    Kind { label: "pii.email", value: email, sentences: &["Write to {}.", "cc: {}; bcc none"] },
    Kind { label: "pii.phone", value: phone, sentences: &["Call me on {}", "Tel. {} (office)"] },
    Kind {
        label: "secret.aws",
        value: |r| format!("AKIA{}", r.text(16, AWS)),
        sentences: &["aws_access_key_id = {}", "the key {} leaked"],
    },
    Kind {
        label: "secret.github",
        value: |r| format!("ghp_{}", r.text(36, ALNUM)),
        sentences: &["export GH={}", "I pushed {} by mistake."],
    },
    Kind {
        label: "secret.gitlab",
        value: |r| format!("glpat-{}", r.text(20, ALNUM)),
        sentences: &["CI uses {}", "PRIVATE-TOKEN: {}"],
    },
    Kind {
        label: "secret.slack",
        value: |r| {
            format!("xoxb-{}-{}-{}", r.text(12, "123456789"), r.text(12, "123456789"), r.text(24, ALNUM))
        },
        sentences: &["SLACK={}", "bot {} posts there"],
    },
    Kind {
        label: "secret.stripe",
        value: |r| format!("sk_live_{}", r.text(24, ALNUM)),
        sentences: &["Stripe.api_key = '{}'", "use {} in production"],
    },
    Kind {
        label: "secret.anthropic",
        value: |r| format!("sk-ant-api03-{}AA", r.text(93, ALNUM)),
        sentences: &["x-api-key: {}", "My key: {}"],
    },
    Kind {
        label: "secret.vendor",
        value: |r| format!("dop_v1_{}", r.text(64, HEX)),
        sentences: &["doctl auth init -t {}", "{} expires soon"],
    },
    Kind {
        label: "secret.jwt",
        value: jwt,
        sentences: &["Authorization: Bearer {}", "cookie session={}; path=/"],
    },
    Kind {
        label: "secret.connection_string",
        value: password,
        sentences: &["postgres://app:{}@db.example.org:5432/app", "DATABASE_URL=mysql://root:{}@db7/x"],
    },
    Kind {
        label: "secret.crypto_key",
        value: |r| base58check(&[&[0x80], r.bytes(32).as_slice(), &[1]].concat()),
        sentences: &["import {} into the wallet", "WIF: {}"],
    },
    Kind {
        label: "secret.generic",
        value: password,
        sentences: &["password: {}", "my password is {}", "{\"api_secret\": \"{}\"}"],
    },
];

/// Texts that hold none of it, though they look so.
const INNOCENT: [&str; 20] = [
    "Order {} has shipped and arrives tomorrow.",
    "The build {} failed in step 3.",
    "ISBN 978-3-16-{}-0 is out of print.",
    "Version 4.12.{} fixes the printer.",
    "See page {} of the manual.",
    "The ticket {} was closed without a comment.",
    "We sold {} tickets, 12% more than in 2019.",
    "def check(password): return len(password) >= 8  # {}",
    "The password must have {} characters and a digit.",
    "token = request.headers.get('X-Token')  # line {}",
    "The passport office opens at 9 and sees {} people a day.",
    "He was born in 1956 and wrote {} songs.",
    "The driver {} seconds behind took the lead.",
    "Commit 9fceb02d{} changed the parser.",
    "In row {} the latitude is missing.",
    "uuid 123e4567-e89b-12d3-a456-4266{}",
    "The river is {} km long and 40.5 m deep.",
    "At 12:30:{} the bell rang.",
    "sha256:{}ab34cd56ef7890ab34cd56ef7890ab34cd56ef7890ab34cd56ef78",
    "Invoice {} is due on 30/06/2031.",
];

/// `each` rows for every kind and as many for every innocent sentence.
pub(crate) fn rows(each: usize) -> Vec<Value> {
    let mut random = Random(0x2026_1126);
    let mut rows = Vec::new();
    for kind in &KINDS {
        for number in 0..each {
            let value = (kind.value)(&mut random);
            let sentence = kind.sentences[number % kind.sentences.len()];
            let start = sentence.find("{}").unwrap();
            let text = sentence.replacen("{}", &value, 1);
            rows.push(json!({"text": text, "spans": [{"start": start, "end": start + value.len(), "label": kind.label}]}));
        }
    }
    for sentence in INNOCENT {
        for _ in 0..each {
            let number = (1000 + random.below(8_999_999)).to_string();
            rows.push(json!({"text": sentence.replacen("{}", &number, 1), "spans": []}));
        }
    }
    rows
}

/// PCG without its permutation: enough for made-up data.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn digits(&mut self, length: usize) -> Vec<u32> {
        (0..length).map(|_| u32::try_from(self.below(10)).unwrap()).collect()
    }

    fn text(&mut self, length: usize, alphabet: &str) -> String {
        (0..length)
            .map(|_| {
                char::from(alphabet.as_bytes()[usize::try_from(self.below(alphabet.len() as u64)).unwrap()])
            })
            .collect()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| u8::try_from(self.below(256)).unwrap()).collect()
    }

    fn one_of<'a>(&mut self, values: &[&'a str]) -> &'a str {
        values[usize::try_from(self.below(values.len() as u64)).unwrap()]
    }
}

fn written(digits: &[u32]) -> String {
    digits.iter().map(u32::to_string).collect()
}

fn iban(random: &mut Random) -> String {
    let (country, letters, digits) =
        [("GB", 4, 14), ("DE", 0, 18), ("NL", 4, 10), ("FR", 0, 23), ("NO", 0, 11)]
            [usize::try_from(random.below(5)).unwrap()];
    let account = format!("{}{}", random.text(letters, UPPER), written(&random.digits(digits)));
    let remainder = format!("{account}{country}00").bytes().fold(0_u64, |rest, c| match c {
        b'0'..=b'9' => (rest * 10 + u64::from(c - b'0')) % 97,
        _ => (rest * 100 + u64::from(c - b'A') + 10) % 97,
    });
    let compact = format!("{country}{:02}{account}", 98 - remainder);
    if random.below(2) == 0 {
        return compact;
    }
    compact
        .as_bytes()
        .chunks(4)
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

fn ssn(random: &mut Random) -> String {
    format!("{}-{:02}-{:04}", 100 + random.below(560), 1 + random.below(99), 1 + random.below(9999))
}

fn itin(random: &mut Random) -> String {
    format!("9{:02}-{}-{:04}", random.below(100), 70 + random.below(19), 1 + random.below(9999))
}

fn nhs(random: &mut Random) -> String {
    loop {
        let mut number = random.digits(9);
        let sum: u32 = number.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
        let check = (11 - sum % 11) % 11;
        if check < 10 {
            number.push(check);
            let text = written(&number);
            return format!("{} {} {}", &text[..3], &text[3..6], &text[6..]);
        }
    }
}

fn nino(random: &mut Random) -> String {
    format!(
        "{}{}{}",
        random.one_of(&["AB", "CE", "JG", "PX", "SW"]),
        written(&random.digits(6)),
        random.one_of(&["A", "B", "C", "D"])
    )
}

fn passport(random: &mut Random) -> String {
    format!("{}{}", random.one_of(&["", "A", "C"]), 10_000_000 + random.below(89_999_999))
}

fn licence(random: &mut Random) -> String {
    let british = format!(
        "{}{}0{}1{}{}9{}{}",
        random.text(5, UPPER),
        random.below(10),
        1 + random.below(9),
        random.below(9),
        random.below(10),
        random.text(1, UPPER),
        "9AB"
    );
    if random.below(2) == 0 {
        british.replace("99AB", "A99AB").chars().take(16).collect()
    } else {
        format!("D{}", written(&random.digits(8)))
    }
}

fn mac(random: &mut Random) -> String {
    let mut bytes = random.bytes(6);
    bytes[0] = 0x3c;
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn vin(random: &mut Random) -> String {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    const VALUES: [(&str, u32); 9] = [
        ("AJ", 1),
        ("BKS", 2),
        ("CLT", 3),
        ("DMU", 4),
        ("ENV", 5),
        ("FW", 6),
        ("GPX", 7),
        ("HY", 8),
        ("RZ", 9),
    ];
    let head = format!("{}{}", random.one_of(&["1HG", "JTD", "5YJ", "WDB"]), random.text(5, "ABCDEFGH12345"));
    let tail = format!(
        "{}{}{}",
        random.text(1, "ABCDEFGHJKLMNPR"),
        random.text(1, "ABCDEFG"),
        written(&random.digits(6))
    );
    let blank = format!("{head}0{tail}");
    let value = |c: char| {
        c.to_digit(10).unwrap_or_else(|| VALUES.iter().find(|(letters, _)| letters.contains(c)).unwrap().1)
    };
    let sum: u32 = blank.chars().zip(WEIGHTS).map(|(c, weight)| value(c) * weight).sum();
    let check = if sum % 11 == 10 { "X".to_owned() } else { (sum % 11).to_string() };
    format!("{head}{check}{tail}")
}

fn base58check(payload: &[u8]) -> String {
    let hash = Sha256::digest(Sha256::digest(payload));
    let mut bytes = [payload, &hash[..4]].concat();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut out = Vec::new();
    while bytes.iter().any(|byte| *byte > 0) {
        let mut rest = 0_u32;
        for byte in &mut bytes {
            let value = rest * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 58).unwrap();
            rest = value % 58;
        }
        out.push(BASE58.as_bytes()[rest as usize]);
    }
    out.extend(std::iter::repeat_n(b'1', zeros));
    out.reverse();
    String::from_utf8(out).unwrap()
}

fn wallet(random: &mut Random) -> String {
    let version = [0x00, 0x05, 0x30][usize::try_from(random.below(3)).unwrap()];
    base58check(&[&[version], random.bytes(20).as_slice()].concat())
}

fn date(random: &mut Random) -> String {
    let (day, month, year) = (1 + random.below(28), 1 + random.below(12), 1930 + random.below(80));
    match random.below(3) {
        0 => format!("{day:02}/{month:02}/{year}"),
        1 => format!("{year}-{month:02}-{day:02}"),
        _ => format!("{day} {} {year}", random.one_of(&["May", "June", "January", "Oct"])),
    }
}

fn gps(random: &mut Random) -> String {
    format!(
        "{}.{:05}, -{}.{:05}",
        random.below(90),
        random.below(99_999),
        random.below(180),
        random.below(99_999)
    )
}

fn card(random: &mut Random) -> String {
    let mut number = vec![4];
    number.extend(random.digits(14));
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    number.push((10 - sum % 10) % 10);
    written(&number)
}

fn email(random: &mut Random) -> String {
    format!(
        "{}.{}@example.{}",
        random.one_of(&["jo", "kim", "ann-marie"]),
        random.text(6, HEX),
        random.one_of(&["org", "co.uk", "museum"])
    )
}

fn phone(random: &mut Random) -> String {
    format!("+44 20 7946 0{}", 100 + random.below(899))
}

fn jwt(random: &mut Random) -> String {
    format!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1Ijo{}.{}",
        random.text(24, ALNUM),
        random.text(43, ALNUM)
    )
}

fn password(random: &mut Random) -> String {
    format!(
        "{}{}{}{}",
        random.one_of(&["Kestrel", "mOss", "blue-tram", "qu1et"]),
        random.one_of(&["!", "_", "#", "+"]),
        random.text(4, ALNUM),
        10 + random.below(90)
    )
}
