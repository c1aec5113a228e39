//! Identity, account and device numbers, each with a near miss.

use super::{assert_marked, scan};

/// The score of the only detection by `detector`, or none.
fn score(detector: &str, text: &str) -> Option<f32> {
    let mut found = scan(text).into_iter().filter(|d| d.detector == detector);
    let first = found.next();
    assert!(found.next().is_none(), "{detector} more than once in {text:?}");
    first.map(|detection| detection.score)
}

#[test]
fn ibans() {
    assert_marked(
        "pii.iban",
        &[
            "Pay «GB05HHAK14534165382896» today.",
            "«DE44 6553 7193 1596 4854 06», please",
            "to «NO4475686410699».",
            "iban:«NL47KMNB4442548992»",
            "«FR0340275222395795699761680»",
            "«IT12E7541415672151798390048»",
            "«ch8583821774540058840»",
            // A digit changed, another country's length, the inside of a longer word.
            "Pay GB05HHAK14534165382897 today.",
            "NO44756864106991",
            "XDE44655371931596485406",
            "DE44655371931596485406A",
            "be 20 minutes late 12 34",
        ],
    );
    assert_eq!(score("pii.iban", "IBAN DE45 6553 7193 1596 4854 06"), Some(0.4));
}

#[test]
fn united_states_numbers() {
    assert_marked(
        "pii.us_ssn",
        &[
            "SSN «536-22-8741»",
            "her social security number is «536 22 8741»",
            "ssn=«536228741»",
            "on file: «536-22-8741».",
            "536228741",
            "SSN 000-22-8741, 666-22-8741, 912-22-8741, 536-00-8741, 536-22-0000",
            "release 1.536-22-8741",
            "order 536-22-8741",
            "536-22-87412",
            "078-05-1120",
        ],
    );
    assert_marked(
        "pii.us_itin",
        &["ITIN «912-78-1234»", "tax id «912781234»", "«900-70-0000»", "912-48-1234", "812-78-1234"],
    );
}

#[test]
fn united_kingdom_numbers() {
    assert_marked(
        "pii.uk_nhs",
        &[
            "NHS number «743 859 2936»",
            "NHS no. «4423847620»",
            "Patient: «274-838-2463»",
            "NHS number 743 859 2937",
            "7438592936",
            "version 743.859.2936",
        ],
    );
    assert_marked(
        "pii.uk_nino",
        &[
            "NI number «AB 12 34 56 C»",
            "«JG103759A»",
            "nino: «jg103759a»",
            "National Insurance «JG103759»",
            "JG103759E",
            "DA103759A",
            "GB103759A",
            "model AB123456",
        ],
    );
}

#[test]
fn documents() {
    assert_marked(
        "pii.passport",
        &[
            "Passport No. «533401992»",
            "passport number: «C01X00T47»",
            "Reisepass «C4J9K2H18»",
            "My passport (US) is «A12345678», valid",
            "passport photos cost 12",
            "my passport expires on 12/03/2027",
            "My passport was lost yesterday. Order 533401992",
            "533401992",
        ],
    );
    assert_marked(
        "pii.driving_licence",
        &[
            "Driving licence: «MORGA657054SM9IJ»",
            "driver's license number «D1234567»",
            "DL# «D12345678901»",
            "the driver 1234567",
            "driver version 12345678",
            "Driving licence renewal takes 14 days",
        ],
    );
    assert_eq!(score("pii.driving_licence", "driving licence MORGA657054SM9IJ"), Some(0.95));
}

#[test]
fn devices_and_vehicles() {
    assert_marked(
        "pii.mac",
        &[
            "«3c:22:fb:9a:10:5e»",
            "«3C-22-FB-9A-10-5E» is up",
            "cisco «3c22.fb9a.105e»",
            "MAC address «10-20-30-40-50-60»",
            "10-20-30-40-50-60",
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:fb",
            "3c:22:fb:9a:10:5e:77",
            "aa:3c:22:fb:9a:10:5e:77:12:12:12:12:12:12:12:12",
            "3c:22:fb:9a:10",
            "3c:22-fb:9a:10:5e",
            "1234.5678.9012",
        ],
    );
    assert_marked(
        "pii.vin",
        &[
            "VIN «1HGE433H9GD221128»",
            "«5YJ354DA3MG971598» parked",
            "vin «wdbab3g47af072917»",
            "chassis «1HGE433H8GD221128»",
            "1HGE433H8GD221128",
            "1HGE433H9GD2211280",
            "12345678901234567",
        ],
    );
    assert_marked(
        "pii.licence_plate",
        &["number plate «LB07 SEO»", "reg «LB07SEO»", "LB07 SEO", "plate 12 ABC"],
    );
}

#[test]
fn wallets() {
    assert_marked(
        "pii.crypto_wallet",
        &[
            "send to «1CHjHP6paS7cjwJnzM6NAvgPzcgTG5wAT3» now",
            "«3JCiQNSkSTPwUGvkf64a42dRFgRs4nZAHc»",
            "«LNCEZdgGEV6NHRpES2rhdFNtGxoqehuxc3»",
            "«DPxnxmAGBCqvFFH9DfUK5PUqV79f9Dv7Pc»",
            "«TMEJ7WFjxU9TrL5USJ7JshaA7ZzDj9tXoP»",
            "«bc1qvjz5e9kzxjl7h8cptrdv372yyx97rh34hcts4v»",
            "«bc1p4l2l4mgup268rzlpgh4mk7hsunx9xlk500z3lwllm9adqp3a9nkyddxj9j»",
            "«0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed» (EIP-55)",
            "«0x52908400098527886E0F7030069857D2E4169EE7»",
            "eth wallet «0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed»",
            "1CHjHP6paS7cjwJnzM6NAvgPzcgTG5wAT4",
            "bc1qvjz5e9kzxjl7h8cptrdv372yyx97rh34hcts4w",
            "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "commit 5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x0000000000000000000000000000000000000000",
        ],
    );
}

#[test]
fn dates_of_birth() {
    assert_marked(
        "pii.date_of_birth",
        &[
            "DOB: «04/05/1985»",
            "Date of birth «1985-05-04»",
            "date of birth: «4 May 1985».",
            "Born «04.05.85» in Leeds",
            "My birthday is «May 4th, 1985»",
            "I was born on «4 May 1985»",
            "Geburtsdatum: «4. Mai 1985»",
            "née le «04/05/1985»",
            "生年月日 «1985-05-04»",
            "stubborn since 04/05/1985",
            "born in 1985",
            "DOB: 45/13/1985",
            "birth rate of 12.5 in 1990",
            "Ada Lovelace was born on 10 December 1815",
            "04/05/1985",
        ],
    );
}

#[test]
fn coordinates() {
    assert_marked(
        "pii.gps",
        &[
            "GPS: «51.50072, -0.12463»",
            "lat «51.50072 lon -0.12463»",
            "«40.7128° N, 74.0060° W»",
            "«40°26′46″N 79°58′56″W»",
            "«40° 26' 46.3\" N, 79° 58' 56\" W»",
            "51.50072, -0.12463",
            "location 91.50072, -0.12463",
            "a table of 0.5012, 0.1200, 3",
            "temperature 20.5 N, 3",
        ],
    );
}
