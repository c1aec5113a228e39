//! Lines come out whole whatever the size of the reads.

use super::*;
use std::io::BufReader;

fn split(text: &[u8], limit: usize, buffer: usize) -> Vec<Option<Vec<u8>>> {
    let mut input = BufReader::with_capacity(buffer, text);
    let mut lines = Vec::new();
    while let Some(line) = read_line(&mut input, limit).unwrap() {
        lines.push(line.ok());
    }
    lines
}

#[test]
fn any_buffer_gives_the_same_lines() {
    let text = b"one\n\ntoo long a line\nlast\r\nno end";
    let expected: Vec<Option<Vec<u8>>> = vec![
        Some(b"one".to_vec()),
        Some(Vec::new()),
        None,
        Some(b"last\r".to_vec()),
        Some(b"no end".to_vec()),
    ];
    for buffer in 1..40 {
        assert_eq!(split(text, 8, buffer), expected, "buffer of {buffer}");
    }
}

#[test]
fn the_limit_is_the_last_length_that_passes() {
    assert_eq!(split(b"12345678\n123456789", 8, 3), [Some(b"12345678".to_vec()), None]);
}

#[test]
fn a_final_line_feed_starts_no_line() {
    assert_eq!(split(b"", 8, 4), []);
    assert_eq!(split(b"a\n", 8, 4), [Some(b"a".to_vec())]);
    assert_eq!(split(b"\n", 8, 4), [Some(Vec::new())]);
}
