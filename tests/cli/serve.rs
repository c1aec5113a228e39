//! `serve` and `pipe --socket`: many clients of one socket, and what becomes of it.

mod server;

use crate::policies::policy;
use crate::program::{Run, finish, program, run, run_with};
use serde_json::{Value, json};
use server::{Server, ask, plain};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// One of many different lines, good and bad.
fn line(number: usize) -> String {
    match number % 11 {
        3 => "{broken".to_owned(),
        5 => json!({"id": number, "text": ""}).to_string(),
        7 => String::new(),
        8 => json!({"id": number, "text": format!("Write to jo{}@example.org, please.", number % 13)})
            .to_string(),
        9 => json!({"id": number, "text": "You are a worthless idiot."}).to_string(),
        _ => {
            json!({"id": number, "text": format!("word {}", "and another ".repeat(number % 17))}).to_string()
        }
    }
}

fn input(numbers: impl Iterator<Item = usize>) -> String {
    numbers.map(|number| line(number) + "\n").collect()
}

fn through(server: &Server, arguments: &[&str], input: &str) -> Run {
    let socket = server.socket.to_str().unwrap();
    finish(program().args(["pipe", "--socket", socket]).args(arguments), input.as_bytes())
}

#[test]
fn every_client_gets_its_own_answers_in_order_as_from_pipe() {
    const LINES: usize = 500;
    // The small model: the order is looked at here, the scores of the large one elsewhere.
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let guard = ["--models", models, "--model", "portcullis-tiny"];
    let server = Server::start(&guard);
    let clients: Vec<_> = (0..8).map(|client| client * 101..client * 101 + LINES).collect();
    let socket = server.socket.to_str().unwrap();
    let children: Vec<_> = clients
        .iter()
        .map(|numbers| {
            let mut command = program();
            command.args(["pipe", "--socket", socket]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
            let (mut stdin, input) = (child.stdin.take().unwrap(), input(numbers.clone()));
            let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
            let reader = std::thread::spawn(move || child.wait_with_output().unwrap());
            (writer, reader)
        })
        .collect();
    for ((writer, reader), numbers) in children.into_iter().zip(clients) {
        writer.join().unwrap();
        let output = reader.join().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = String::from_utf8(output.stdout).unwrap();
        let expected = run_with(&[&["pipe"], &guard as &[&str]].concat(), input(numbers).as_bytes());
        assert_eq!(found.lines().count(), LINES);
        for (found, expected) in found.lines().zip(expected.stdout.lines()) {
            assert_eq!(plain(found), plain(expected));
        }
    }
    assert_eq!(server.end(), Some(0));
}

#[test]
fn scores_are_those_of_pipe_bit_for_bit() {
    let server = Server::start(&[]);
    let input = input(0..60);
    let (served, piped) = (through(&server, &[], &input), run_with(&["pipe"], input.as_bytes()));
    assert_eq!(served.status, Some(0), "{}", served.stderr);
    assert_eq!(
        served.stdout.lines().map(plain).collect::<Vec<_>>(),
        piped.stdout.lines().map(plain).collect::<Vec<_>>()
    );
    assert_eq!(server.end(), Some(0));
}

#[test]
fn the_exit_status_is_that_of_pipe() {
    let server = Server::start(&[]);
    let (held, free) = (json!({"text": "You are a worthless idiot."}), json!({"text": "Hello."}));
    for (lines, arguments, status) in [
        (format!("{held}\n"), &[] as &[&str], Some(0)),
        (format!("{held}\n"), &["--fail-on-veto"], Some(1)),
        (format!("{free}\n{held}"), &["--fail-on-veto", "--exit-code", "9"], Some(9)),
        (format!("{free}\n"), &["--fail-on-veto"], Some(0)),
        ("{broken\n".to_owned(), &["--fail-on-veto"], Some(1)),
        (String::new(), &["--fail-on-veto"], Some(0)),
    ] {
        let run = through(&server, arguments, &lines);
        assert_eq!((run.status, run.stderr.as_str()), (status, ""), "{lines} {arguments:?}");
    }
    // What the server decides is none of the client's.
    assert_eq!(through(&server, &["--batch", "3"], "").status, Some(2));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn other_formats_are_served_too() {
    let server = Server::start(&["--format", "fms"]);
    let lines = format!("{}\n", json!({"contents": ["Hello.", "You are a worthless idiot."]}));
    let run = through(&server, &["--fail-on-veto"], &lines);
    assert_eq!((run.status, run.json()[0].clone()), (Some(1), json!([])));
    assert_eq!(through(&server, &["--fail-on-veto"], "{\"contents\":[\"Hello.\"]}\n").status, Some(0));
    let server = Server::start(&["--format", "openai-moderation"]);
    let lines = format!("{}\n", json!({"input": ["Hello.", "You are a worthless idiot."]}));
    let run = through(&server, &["--fail-on-veto"], &lines);
    assert_eq!((run.status, run.json()["results"][1]["flagged"].clone()), (Some(1), json!(true)));
    assert_eq!(through(&server, &["--fail-on-veto"], "{\"input\":\"Hello.\"}\n").status, Some(0));
}

#[test]
fn a_client_that_ends_its_writing_gets_its_answers() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.write_all(input(0..40).as_bytes()).unwrap();
    // The last line need not end.
    client.write_all(b"{\"id\":\"last\",\"text\":\"hello\"}").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.lines().count(), 41);
    assert!(
        answers.lines().last().unwrap().starts_with("{\"id\":\"last\",\"decision\":\"allow\""),
        "{answers}"
    );
}

#[test]
fn a_client_that_is_killed_holds_up_nobody() {
    let server = Server::start(&[]);
    let mut command = program();
    command.args(["pipe", "--socket", server.socket.to_str().unwrap()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input(0..30).as_bytes()).unwrap();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // One that goes in the middle of a line, without reading.
    let mut client = server.connect();
    client.write_all(input(0..30).as_bytes()).unwrap();
    client.write_all(b"{\"text\":\"half").unwrap();
    drop(client);
    assert_eq!(ask(&server.socket, "hello")["decision"], "allow");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_client_that_never_reads_holds_up_nobody() {
    let server = Server::start(&["--max-in-flight", "16"]);
    let mut silent = server.connect();
    silent.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let lines = input((0..).map(|number| number * 11 + 9).take(1000));
    // Its answers fill the socket, then nothing more is taken from it.
    let mut sent = 0;
    while let Ok(written @ 1..) = silent.write(&lines.as_bytes()[sent % lines.len()..]) {
        sent += written;
    }
    assert!(sent > 0);
    for _ in 0..20 {
        assert_eq!(ask(&server.socket, "hello")["decision"], "allow");
    }
    // Nor does it hold up the end for long.
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_signal_in_the_middle_loses_no_line_that_was_read() {
    let server = Server::start(&["--batch", "4"]);
    let mut client = server.connect();
    let mut writing = client.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        // The server stops reading: what it has not read has no answer.
        let _ = writing.write_all(input(0..2000).as_bytes());
    });
    let mut first = [0];
    client.read_exact(&mut first).unwrap();
    server.signal("TERM");
    let mut rest = Vec::new();
    // What was not read by the server makes the end of the connection a reset.
    let _ = client.read_to_end(&mut rest);
    let answers = String::from_utf8([&first[..], &rest].concat()).unwrap();
    assert!(answers.ends_with('\n'), "the last answer is whole");
    let answers: Vec<&str> = answers.lines().collect();
    assert!(answers.len() < 2000, "the signal came too late");
    let expected = run_with(&["pipe"], input(0..answers.len()).as_bytes());
    for (found, expected) in answers.iter().zip(expected.stdout.lines()) {
        assert_eq!(plain(found), plain(expected));
    }
    writer.join().unwrap();
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_client_of_pipe_is_told_of_lines_without_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let nobody = run_with(&["pipe", "--socket", socket.to_str().unwrap()], b"{\"text\":\"a\"}\n");
    assert_eq!(nobody.status, Some(2));
    assert!(
        nobody.stderr.starts_with("portcullis: cannot reach a server at the socket "),
        "{}",
        nobody.stderr
    );
    // A server that takes two lines and answers one.
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(&stream).lines();
        let _ = (lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap());
        (&stream).write_all(b"{\"decision\":\"allow\"}\n").unwrap();
    });
    let run =
        run_with(&["pipe", "--socket", socket.to_str().unwrap()], b"{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    server.join().unwrap();
    assert_eq!(run.status, Some(2));
    assert_eq!(run.stderr, "portcullis: the server gave 1 answers to 2 lines\n");
    assert_eq!(run.stdout, "{\"decision\":\"allow\"}\n");
}

#[test]
fn the_socket_is_its_owners_and_one_server_has_it() {
    let server = Server::start(&[]);
    let found = fs::symlink_metadata(&server.socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    // Nothing else is left beside it.
    assert_eq!(fs::read_dir(server.folder()).unwrap().count(), 1);
    let second = run(&["serve", "--socket", server.socket.to_str().unwrap()]);
    assert_eq!(second.status, Some(2));
    assert!(
        second.stderr.contains("a server answers at ") && second.stderr.ends_with(" already\n"),
        "{}",
        second.stderr
    );
    assert_eq!(ask(&server.socket, "hello")["decision"], "allow");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_socket_that_nobody_answers_at_is_replaced_and_nothing_else_is() {
    let mut server = Server::start(&[]);
    server.kill();
    assert!(server.socket.exists());
    let server = server.again(&[]);
    assert_eq!(ask(&server.socket, "hello")["decision"], "allow");
    let path = server.socket.clone();
    let folder = server.keep();
    assert!(!path.exists());
    fs::write(&path, "precious").unwrap();
    let refused = run(&["serve", "--socket", path.to_str().unwrap()]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("is there and is no socket: it stays as it is"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(run(&["serve", "--socket", link.to_str().unwrap()]).status, Some(2));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let nowhere = folder.path().join("no/s");
    assert_eq!(run(&["serve", "--socket", nowhere.to_str().unwrap()]).status, Some(2));
}

#[test]
fn a_socket_that_another_server_has_taken_stays() {
    let server = Server::start(&[]);
    fs::remove_file(&server.socket).unwrap();
    let other = UnixListener::bind(&server.socket).unwrap();
    let path = server.socket.clone();
    let folder = server.keep();
    assert!(path.exists());
    drop((other, folder));
}

#[test]
fn a_client_too_many_is_told_and_turned_away() {
    let server = Server::start(&["--max-clients", "2"]);
    let first = server.connect_served();
    let second = server.connect_served();
    let mut third = server.connect();
    let mut told = String::new();
    third.read_to_string(&mut told).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&told).unwrap(),
        json!({"id": null, "error": {"kind": "too_many_clients",
               "message": "the server has 2 clients, the most that it takes", "line": 1}})
    );
    drop((first, second));
    server.until_served();
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_silent_client_is_let_go_where_that_is_asked() {
    let server = Server::start(&["--idle-s", "1"]);
    let mut client = server.connect();
    client.write_all(b"{\"text\":\"hello\"}\n{\"text\":\"half").unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.lines().count(), 1, "{answers}");
    assert_eq!(ask(&server.socket, "hello")["decision"], "allow");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_long_line_is_passed_over_and_the_next_is_judged() {
    let server = Server::start(&["--max-line-bytes", "100"]);
    let lines = format!("{}\n{}\n", json!({"text": "a".repeat(200)}), json!({"id": 2, "text": "hello"}));
    let answers = through(&server, &[], &lines).json_lines();
    assert_eq!(
        (&answers[0]["error"]["kind"], &answers[0]["error"]["line"]),
        (&json!("line_too_long"), &json!(1))
    );
    assert_eq!((&answers[1]["id"], &answers[1]["decision"]), (&json!(2), &json!("allow")));
}

#[test]
fn a_policy_that_changes_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let write = |revision, word| {
        let text = policy(revision, word, "veto").replace("file = \"birds.txt\"\n", "");
        fs::write(&path, text).unwrap();
    };
    write(1, "kestrel");
    let server = Server::start(&["--reload-ms", "0", "--policy", path.to_str().unwrap()]);
    let decisions = || ["kestrel", "rook"].map(|word| ask(&server.socket, word)["decision"].clone());
    assert_eq!(decisions(), ["veto", "allow"]);
    write(2, "rook");
    assert_eq!(decisions(), ["allow", "veto"]);
    assert_eq!(server.end(), Some(0));
}

/// The sockets that a process has open are of the Unix kind, all of them.
#[cfg(target_os = "linux")]
#[test]
fn no_socket_of_the_server_is_one_of_a_network() {
    let server = Server::start(&[]);
    let client = server.connect_served();
    let process = format!("/proc/{}", server.id());
    let mut inodes = Vec::new();
    for entry in fs::read_dir(format!("{process}/fd")).unwrap() {
        let target = fs::read_link(entry.unwrap().path()).unwrap();
        if let Some(inode) = target.to_str().unwrap().strip_prefix("socket:[") {
            inodes.push(inode.trim_end_matches(']').to_owned());
        }
    }
    assert!(inodes.len() >= 2, "the listening socket and a client's: {inodes:?}");
    let known = |table: &str, column: usize| -> Vec<String> {
        let text = fs::read_to_string(Path::new(&process).join("net").join(table)).unwrap_or_default();
        let inode = |line: &str| line.split_whitespace().nth(column).unwrap_or_default().to_owned();
        text.lines().skip(1).map(inode).collect()
    };
    let local = known("unix", 6);
    assert!(inodes.iter().all(|inode| local.contains(inode)), "{inodes:?} {local:?}");
    for table in ["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6"] {
        assert!(known(table, 9).iter().all(|inode| !inodes.contains(inode)), "{table}");
    }
    drop(client);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn the_service_file_is_sound() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/systemd/portcullis.service");
    let text = fs::read_to_string(unit).unwrap();
    for line in [
        "PrivateNetwork=yes",
        "RestrictAddressFamilies=AF_UNIX",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    // Where systemd is installed, it says whether it understands the file. The program of the file has to be there.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("portcullis.service");
    fs::write(&copy, text.replace("/usr/local/bin/portcullis", env!("CARGO_BIN_EXE_portcullis"))).unwrap();
    let Ok(output) = std::process::Command::new("systemd-analyze").arg("verify").arg(&copy).output() else {
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !told.contains("portcullis.service"), "{told}");
}
