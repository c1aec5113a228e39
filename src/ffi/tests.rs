use std::ffi::CStr;
use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;

use super::boundary::{Fault, answer, value};
use super::role::Decision;
use super::status::{Error, Status, portcullis_error_message, portcullis_error_status};
use super::stream::Stream;

/// The status of a call, and its error's status and message.
fn told(body: impl FnOnce() -> Result<(), Fault>) -> (Status, Option<(Status, String)>) {
    let mut error: MaybeUninit<Option<Box<Error>>> = MaybeUninit::new(None);
    let status = answer(Some(&mut error), body);
    // SAFETY: `answer` has written it; it was initialized before, too.
    let error = unsafe { error.assume_init() };
    let said = error.as_deref().map(|error| {
        // SAFETY: the message of a live error ends with NUL.
        let message = unsafe { CStr::from_ptr(portcullis_error_message(Some(error))) };
        (portcullis_error_status(Some(error)), message.to_str().unwrap().to_owned())
    });
    (status, said)
}

#[test]
fn a_panic_is_a_status_and_a_message_without_what_it_said() {
    let (status, error) = told(|| panic!("the judged text"));
    let (kept, message) = error.unwrap();
    assert_eq!((status, kept), (Status::Panic, Status::Panic));
    assert!(message.contains("panicked") && !message.contains("judged text"), "{message}");
    // Nobody has to be told why.
    assert_eq!(answer(None, || panic!("again")), Status::Panic);
    assert_eq!(told(|| Ok(())), (Status::Ok, None));
}

#[test]
fn a_panic_in_an_accessor_gives_the_strictest_answer() {
    assert_eq!(value(Decision::Veto, || panic!("in an accessor")), Decision::Veto);
}

#[test]
fn a_stream_in_which_something_panicked_releases_nothing_more() {
    let guard = crate::Guard::builder().threads(1).build().unwrap();
    let mut stream = Stream::new(&guard, crate::Role::Assistant);
    assert_eq!(told(|| stream.take(|stream| stream.push(b"Knead it for ten minutes. "))).0, Status::Ok);
    assert_eq!(stream.decision(), Decision::Allow);
    assert_eq!(told(|| stream.take(|_| panic!("half way"))).0, Status::Panic);
    assert!(stream.is_closed());
    assert_eq!(stream.decision(), Decision::Veto);
    assert_eq!(told(|| stream.push(b"more")).0, Status::Closed);
    assert_eq!(told(|| stream.finish()).0, Status::Closed);
}

#[test]
fn every_function_stands_behind_the_wall() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
    let (mut seen, mut bare) = (0, Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap();
        for function in source.split("#[unsafe(no_mangle)]\n").skip(1) {
            let body = function.split_once(" {\n").unwrap().1.split("\n}\n").next().unwrap();
            let walled = ["answer(", "value(", "free(", "change("].iter().any(|wall| body.contains(wall));
            // A constant cannot panic.
            let constant = body.trim() == "PORTCULLIS_ABI_VERSION" || body.trim().starts_with("concat!(");
            seen += 1;
            if !walled && !constant {
                bare.push(function.lines().next().unwrap().to_owned());
            }
        }
    }
    assert!(seen > 50, "{seen} functions");
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn what_threads_share_may_be_shared() {
    const fn shared<T: Send + Sync>() {}
    const fn moved<T: Send>() {}
    shared::<super::guard::Guard>();
    shared::<super::verdict::Verdict>();
    shared::<super::status::Error>();
    shared::<super::bytes::OwnedText>();
    moved::<Stream>();
    moved::<super::options::Options>();
    moved::<super::vault::Vault>();
}
