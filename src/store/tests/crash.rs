//! Writers that are killed: what is in force is always one whole bundle.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Place, bundle};
use crate::store::{Store, StoreError, Trust};

/// Where the writer that is to be killed works.
const STATE: &str = "STORE_TEST_STATE";
/// Writers killed.
const KILLS: u64 = 40;

/// Puts one policy after the other in force until it is killed. Only ever run by the test below.
#[test]
#[ignore = "runs until it is killed"]
fn a_writer() {
    let Some(state) = std::env::var_os(STATE).map(PathBuf::from) else { return };
    let store = Store::open(&state).unwrap();
    let bundles = state.with_extension("bundles");
    loop {
        let highest = store.history().unwrap().iter().map(|active| active.revision).max().unwrap_or(0);
        let next = bundle(&bundles, "p", highest + 1, "rook");
        match store.activate(&next, "writer") {
            Ok(_) | Err(StoreError::LowerRevision { .. } | StoreError::SameRevision { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        std::fs::remove_dir_all(&next).ok();
        if highest % 3 == 2 {
            store.roll_back(None, "writer", "every third is gone back from").unwrap();
        }
    }
}

#[test]
fn a_killed_writer_leaves_a_whole_policy_in_force() {
    let place = Place::new();
    place.activate(1, "rook").unwrap();
    let mut seen = 0;
    for kill in 0..KILLS {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::crash::a_writer", "--ignored"])
            .env(STATE, place.state())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not to wait for anything: the moment of the kill should be any.
        std::thread::sleep(Duration::from_micros(20_000 + kill * kill * 7919 % 30_000));
        // On Unix a SIGKILL.
        writer.kill().unwrap();
        writer.wait().unwrap();
        let (active, policy) = place.store.open_active(&Trust::default()).unwrap().unwrap();
        assert_eq!(active.policy, policy.reference());
        let history = place.store.history().unwrap();
        assert_eq!(history.last(), Some(&active));
        seen = history.len();
    }
    assert!(seen > 5, "the writers have put {seen} policies in force");
    // Work goes on, and every entry of the log is there to read.
    let highest = place.store.history().unwrap().iter().map(|active| active.revision).max().unwrap();
    place.activate(highest + 1, "rook").unwrap();
    assert_eq!(place.revision(), highest + 1);
    let leftover = std::fs::read_dir(place.state().join("policies")).unwrap();
    assert!(leftover.into_iter().all(|entry| {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        !name.starts_with("copying-")
    }));
    crate::log::read(&place.state()).unwrap().for_each(|entry| assert!(entry.is_ok()));
}
