//! E-mail addresses and what only looks like one.

use super::{assert_marked, scan};

#[test]
fn addresses() {
    assert_marked(
        "pii.email",
        &[
            "Write to «jane.doe@example.org».",
            "«JANE@EXAMPLE.ORG»",
            "«j@x.io»",
            "mailto:«first.last+tag@sub.domain.co.uk»?subject=hello",
            "<«o'neill@post.example.ie»>",
            "(«a_b-c%d@mail-host.example.com»)",
            "two: «a1@b2.net»,«c3@d4.net»",
            "two: «a1@b2.net»;«c3@d4.net»",
            "email=«kim@example.se»&x=1",
            "\"«kim@example.se»\"",
            "*«kim@example.se»*",
            "wait...«kim@example.se»",
            "«kim@example.se»...",
            "ask «kim@example.museum»!",
            "«jörg@müller.de» schreibt",
            "пиши на «почта@пример.рф» скорее",
            "我的邮箱是«zhang.wei@example.cn»，谢谢",
            "«user@xn--mnchen-3ya.de»",
            "«123456@qq.com»",
            "line\n«kim@example.se»\nline",
            "user «kim@example.se»: hello",
            "«kim@mail.example.se»-ish",
            "{\"to\": \"«kim@example.se»\"}",
            "«firstname.m.lastname@very.long.sub.domain.example.edu»",
            "a/«kim@example.se»/b",
            "tel «kim+5551234567@example.se»",
        ],
    );
}

#[test]
fn not_addresses() {
    assert_marked(
        "pii.email",
        &[
            "@jane on the forum",
            "jane@ is cut off",
            "jane@localhost",
            "user@host",
            "@decorator.call",
            "icon@2x.png and banner@3x.jpeg",
            "package@1.2.3",
            "react@18.2.0 is out",
            "scoped/@angular/core",
            "5 @ 3.50 each",
            "a @ b.com",
            "see .@x.com",
            "jane@@x.com",
            "jane@.com",
            "jane@-x.com",
            "jane@x.c",
            "jane@x.123",
            "jane.@x.com",
            "foo@bar.",
            "@media screen and (max-width: 3em)",
            "SELECT @a.b",
            "git clone git@github.com:rust-lang/rust.git",
            "ssh://deploy@server.example.com/srv",
            "https://user:secret@host.example.com/",
            "follow @kim@social.example.org",
            "jane at example dot org",
            "E@mc2",
            "$@ and $*",
        ],
    );
}

#[test]
fn a_local_part_over_its_limit_is_no_address() {
    assert_eq!(scan(&format!("{}@example.org", "a".repeat(65))), []);
    assert_eq!(scan(&format!("{}@example.org", "a".repeat(64))).len(), 1);
}
