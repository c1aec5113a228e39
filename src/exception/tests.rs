//! Reading, signing, folders, and what an exception is for.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Exception, ExceptionError, Exceptions, FOLDER, Reach, Sources, Watch, Whole, revoke, sign};
use crate::request::Role;
use crate::span::Span;
use crate::trust::{KeyRing, SigningKey};
use crate::verdict::{Detection, Source};

const DRAFT: &str = "schema = 1
id = \"press\"
reason = \"The address is printed on every page.\"
rules = [\"pii.email\"]
pattern = 'press@example\\.(org|com)'
effective = 2031-01-01T00:00:00Z
expires = 2031-07-01T00:00:00Z
";

/// Within the time of the draft.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_930_000_000)
}

fn key(name: &str) -> SigningKey {
    SigningKey::generate(name).unwrap()
}

fn ring(keys: &[&SigningKey]) -> KeyRing {
    KeyRing::new(keys.iter().map(|key| key.public()).collect()).unwrap()
}

/// A state directory that trusts these keys.
fn state(keys: &[&SigningKey]) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    for key in keys {
        key.public().write(&folder.path().join(format!("keys/{}.pub", key.name()))).unwrap();
    }
    let sources = Sources { state: Some(folder.path().to_owned()), bundle: None };
    (folder, sources)
}

fn put(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join(FOLDER)).unwrap();
    fs::write(folder.join(FOLDER).join(name), text).unwrap();
}

fn email(spans: &[(usize, usize)]) -> Detection {
    Detection {
        detector: "pii.email".to_owned(),
        category: "pii".to_owned(),
        score: 1.0,
        spans: spans.iter().copied().map(Span::from).collect(),
        source: Source::Pattern,
        via: Vec::new(),
        place: None,
        repair: None,
    }
}

fn whole(text: &str) -> Whole<'_> {
    Whole { text, named_by: text, role: Role::User, slice: None, locale: None, now: now() }
}

#[test]
fn what_is_signed_is_read_back() {
    let ana = key("ana");
    let signed = sign(DRAFT, &ana).unwrap();
    let exception = Exception::parse_trusted(&signed, &ring(&[&ana])).unwrap();
    assert_eq!((exception.approved_by.as_str(), exception.id.as_str()), ("ana", "press"));
    assert!(exception.is_in_force(now()));
    assert!(!exception.is_in_force(exception.expires) && exception.is_in_force(exception.effective));
    let long = format!("{DRAFT}#{}\n", "x".repeat(super::MAX_BYTES - DRAFT.len() - 2));
    assert!(matches!(sign(&long, &ana), Err(ExceptionError::TooLarge)));
    // Signed again, by the same and by another.
    assert_eq!(sign(&signed, &ana).unwrap(), signed);
    let error = sign(&signed, &key("bo")).unwrap_err();
    assert!(matches!(error, ExceptionError::Approver { .. }), "{error}");
}

#[test]
fn what_is_not_signed_by_a_trusted_key_is_not_trusted() {
    let (ana, bo) = (key("ana"), key("bo"));
    let signed = sign(DRAFT, &ana).unwrap();
    let refused = |text: &str, ring: &KeyRing| Exception::parse_trusted(text, ring).unwrap_err().to_string();
    let named = format!("{DRAFT}approved_by = \"ana\"\n");
    assert!(refused(&named, &ring(&[&ana])).contains("it is not signed"));
    assert!(refused(&signed, &ring(&[&bo])).contains("a key that is not trusted here"));
    assert!(refused(&signed, &KeyRing::default()).contains("a key that is not trusted here"));
    for changed in [
        signed.replace("(org|com)", "(org|net)"),
        signed.replace("2031-07-01", "2031-08-01"),
        signed.replace("\n\n[signature]", "\n[signature]"),
        format!("# \n{signed}"),
    ] {
        assert!(refused(&changed, &ring(&[&ana])).contains("does not hold"), "{changed}");
    }
    // Bo is trusted, and says that Ana approved.
    let forged = sign(&DRAFT.replace("id =", "approved_by = \"bo\"\nid ="), &bo).unwrap();
    let forged = forged.replace("\"bo\"\nid", "\"ana\"\nid");
    assert!(refused(&forged, &ring(&[&ana, &bo])).contains("does not hold"));
}

#[test]
fn a_name_is_that_under_which_a_key_is_trusted() {
    let ana = key("ana");
    let signed = sign(DRAFT, &ana).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pub");
    ana.public().write(&path).unwrap();
    let renamed = fs::read_to_string(&path).unwrap().replace(" ana ", " eve ");
    fs::write(&path, renamed).unwrap();
    let error = Exception::parse_trusted(&signed, &KeyRing::read_dir(folder.path()).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "approved by ana, but signed by eve: expected the same name");
}

#[test]
fn a_folder_is_read_and_what_cannot_be_used_is_told() {
    let (ana, eve) = (key("ana"), key("eve"));
    let (folder, sources) = state(&[&ana]);
    let named = |id: &str| DRAFT.replace("\"press\"", &format!("\"{id}\""));
    put(folder.path(), "press.toml", &sign(DRAFT, &ana).unwrap());
    put(folder.path(), "plain.toml", &(named("plain") + "approved_by = \"ana\"\n"));
    put(folder.path(), "eve.toml", &sign(&named("eve"), &eve).unwrap());
    put(folder.path(), "other.toml", &sign(&named("another"), &ana).unwrap());
    put(folder.path(), "broken.toml", "schema = ");
    put(folder.path(), "notes.txt", "not looked at");
    let old = named("old").replace("2031", "2030");
    put(folder.path(), "old.toml", &sign(&old, &ana).unwrap());
    put(folder.path(), "gone.toml", &sign(&named("gone"), &ana).unwrap());
    assert!(revoke(&sources, "gone", "bo", "no longer needed", now()).unwrap());
    assert!(!revoke(&sources, "gone", "bo", "again", now()).unwrap());

    let read = Exceptions::read(&sources, now());
    assert_eq!(read.list().iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["press"]);
    let told: Vec<String> = read
        .ignored()
        .iter()
        .map(|ignored| {
            let name = ignored.path.file_name().unwrap().to_string_lossy().into_owned();
            format!("{name}: {} {}", ignored.why, ignored.is_warning())
        })
        .collect();
    let expected = [
        ("broken.toml: line 1: ", "true"),
        ("eve.toml: signed by eve (", "true"),
        ("gone.toml: the exception gone was revoked", "false"),
        ("old.toml: the exception old expired at 2030-07-01T00:00:00Z", "true"),
        ("other.toml: the file holds the exception another, expected it in a file another.toml", "true"),
        ("plain.toml: it is not signed", "true"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, (start, end)) in told.iter().zip(expected) {
        assert!(told.starts_with(start) && told.ends_with(end), "{told}");
    }
    // Taken back for good.
    let again = sign(&named("gone"), &ana).unwrap();
    let error = sources.add(&again, now()).unwrap_err();
    assert!(matches!(error, ExceptionError::Revoked { .. }), "{error}");
    fs::remove_file(folder.path().join("exceptions/gone.toml")).unwrap();
    assert!(matches!(sources.add(&again, now()), Err(ExceptionError::Revoked { .. })));
}

#[test]
fn without_a_state_directory_nothing_is_trusted() {
    let ana = key("ana");
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "press.toml", &sign(DRAFT, &ana).unwrap());
    let bundle = Some(folder.path().to_owned());
    let read = Exceptions::read(&Sources { state: None, bundle: bundle.clone() }, now());
    assert!(read.is_empty() && read.ignored().len() == 1);
    let (_state, sources) = state(&[&ana]);
    let both = Sources { bundle, ..sources };
    assert_eq!(Exceptions::read(&both, now()).list().len(), 1);
    // The installation's own comes first, and can take a bundle's back.
    revoke(&both, "press", "bo", "not here", now()).unwrap();
    assert!(Exceptions::read(&both, now()).is_empty());
}

#[test]
#[cfg(unix)]
fn files_are_their_owners_and_nothing_is_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let ana = key("ana");
    let (folder, sources) = state(&[&ana]);
    let signed = sign(DRAFT, &ana).unwrap();
    let (_, path) = sources.add(&signed, now()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&folder.path().join(FOLDER))), (0o600, 0o700));
    assert_eq!(fs::read_to_string(&path).unwrap(), signed);
    assert!(matches!(sources.add(&signed, now()), Err(ExceptionError::Twice { .. })));
    assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 1);
}

#[test]
fn a_pattern_is_for_what_was_found_from_end_to_end() {
    let exceptions =
        Exceptions::of(vec![Exception::parse(&(DRAFT.to_owned() + "approved_by = \"ana\"\n")).unwrap()]);
    let text = "press@example.org xpress@example.org press@example.comx";
    let found = [email(&[(0, 17), (18, 36)]), email(&[(37, 55)])];
    let exemptions = exceptions.exemptions(whole(text), |_| unreachable!(), &found);
    let reach = Reach::Places { whole: false, spans: vec![Span::new(0, 17)] };
    assert_eq!(exemptions.iter().map(|one| &one.reach).collect::<Vec<_>>(), [&reach]);
    assert_eq!(exemptions[0].rule, "pii.email");
    let alone = exceptions.exemptions(whole("press@example.com"), |_| unreachable!(), &[]);
    assert_eq!(alone[0].reach, Reach::Places { whole: true, spans: Vec::new() });
    assert_eq!(exceptions.exemptions(whole("nothing"), |_| unreachable!(), &found), []);
    // Its time.
    let early = Whole { now: SystemTime::UNIX_EPOCH, ..whole(text) };
    assert_eq!(exceptions.exemptions(early, |_| unreachable!(), &found), []);
}

#[test]
fn every_condition_must_hold() {
    let digest = "ab".repeat(32);
    let draft = format!(
        "{}approved_by = \"ana\"\ntexts = [\"{digest}\"]\nroles = [\"tool\"]\nslices = [\"support\"]\nlocales = [\"de\", \"pt-BR\"]\n",
        DRAFT.replace("pattern", "# pattern")
    );
    let exceptions = Exceptions::of(vec![Exception::parse(&draft).unwrap()]);
    let of = |whole: Whole<'_>, name: &str| exceptions.exemptions(whole, |_| name.repeat(32), &[]).len();
    let fits = Whole { role: Role::Tool, slice: Some("support"), locale: Some("DE_at"), ..whole("text") };
    assert_eq!(of(fits, "ab"), 1);
    assert_eq!(exceptions.exemptions(fits, |_| digest.clone(), &[])[0].reach, Reach::Text);
    for other in [
        Whole { role: Role::User, ..fits },
        Whole { slice: None, ..fits },
        Whole { slice: Some("sales"), ..fits },
        Whole { locale: None, ..fits },
        Whole { locale: Some("den"), ..fits },
        Whole { locale: Some("pt"), ..fits },
    ] {
        assert_eq!(of(other, "ab"), 0, "{other:?}");
    }
    assert_eq!(of(fits, "ac"), 0);
}

#[test]
fn a_change_is_seen_and_a_key_that_is_taken_away_counts() {
    let ana = key("ana");
    let (folder, sources) = state(&[&ana]);
    let watch = Watch::new(sources.clone()).every(Duration::ZERO);
    assert!(watch.current().is_empty());
    let text = DRAFT.replace("2031-01", "2026-01").replace("2031-07", "2026-12");
    let length = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    // Around now, whenever that is.
    let (from, to) = (super::moment(SystemTime::UNIX_EPOCH + length - Duration::from_secs(60)), length);
    let to = super::moment(SystemTime::UNIX_EPOCH + to + Duration::from_secs(3600));
    let text = text.replace("2026-01-01T00:00:00Z", &from).replace("2026-12-01T00:00:00Z", &to);
    sources.add(&sign(&text, &ana).unwrap(), SystemTime::now()).unwrap();
    assert_eq!(watch.current().list().len(), 1);
    fs::remove_file(folder.path().join("keys/ana.pub")).unwrap();
    let current = watch.current();
    assert!(current.is_empty() && current.ignored().len() == 1);
    drop(sources);
}
