//! The queue's order, bounds and ends.

use super::*;
use std::sync::Arc;

fn line(number: u64, bytes: usize) -> Line {
    Line { number, content: Ok(vec![b'x'; bytes]), origin: () }
}

fn numbers(lines: &[Line]) -> Vec<u64> {
    lines.iter().map(|line| line.number).collect()
}

#[test]
fn one_line_alone_does_not_wait_for_the_window() {
    let queue = Queue::new(8);
    queue.push(line(1, 1));
    let start = Instant::now();
    assert_eq!(numbers(&queue.take(4, Duration::from_secs(60))), [1]);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_full_batch_does_not_wait_and_the_rest_stays() {
    let queue = Queue::new(8);
    for number in 1..=5 {
        queue.push(line(number, 1));
    }
    assert_eq!(numbers(&queue.take(3, Duration::from_secs(60))), [1, 2, 3]);
    queue.close(None);
    assert_eq!(numbers(&queue.take(3, Duration::from_secs(60))), [4, 5]);
    assert!(queue.take(3, Duration::ZERO).is_empty());
}

#[test]
fn a_closed_queue_refuses_lines_and_keeps_the_first_failure() {
    let queue = Queue::new(2);
    assert!(queue.push(line(1, 1)));
    assert!(queue.close(Some(io::Error::other("broken"))));
    assert!(!queue.close(None));
    assert!(!queue.push(line(2, 1)));
    assert_eq!(numbers(&queue.take(2, Duration::ZERO)), [1]);
    assert_eq!(queue.failure().unwrap().to_string(), "broken");
}

#[test]
fn a_full_queue_holds_the_producer_in_lines_and_in_bytes() {
    for (lines, bytes) in [(2, 1), (100, MOST_BYTES / 2)] {
        let queue = Arc::new(Queue::new(lines));
        let producer = Arc::clone(&queue);
        let thread = std::thread::spawn(move || {
            for number in 1..=6 {
                assert!(producer.push(line(number, bytes)));
            }
            producer.close(None);
        });
        let mut seen = Vec::new();
        loop {
            let batch = queue.take(64, Duration::ZERO);
            if batch.is_empty() {
                break;
            }
            assert!(batch.len() <= 2, "{} lines were let in", batch.len());
            seen.extend(numbers(&batch));
        }
        thread.join().unwrap();
        assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn a_line_over_every_bound_still_passes_alone() {
    let queue = Queue::new(1);
    assert!(queue.push(line(1, MOST_BYTES + 1)));
    assert_eq!(numbers(&queue.take(1, Duration::ZERO)), [1]);
}

#[test]
fn a_batch_ends_after_a_long_line() {
    let queue = Queue::new(8);
    for (number, bytes) in [(1, 1), (2, BATCH_BYTES), (3, 1)] {
        queue.push(line(number, bytes));
    }
    assert_eq!(numbers(&queue.take(8, Duration::ZERO)), [1, 2]);
    assert_eq!(numbers(&queue.take(8, Duration::ZERO)), [3]);
}
