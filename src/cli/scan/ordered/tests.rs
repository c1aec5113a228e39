use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn results_come_in_order_and_few_items_are_under_way() {
    for threads in [1, 2, 7] {
        let (mut number, under_way, most) = (0_u64, AtomicUsize::new(0), AtomicUsize::new(0));
        let mut results = Vec::new();
        let next = || {
            number += 1;
            most.fetch_max(under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            Ok((number <= 500).then_some(number))
        };
        let work = |number: u64| {
            // The later items of each ten are done first.
            std::thread::sleep(std::time::Duration::from_micros(10 * (10 - number % 10)));
            number
        };
        let take = |number| {
            under_way.fetch_sub(1, Ordering::Relaxed);
            results.push(number);
            Ok(())
        };
        ordered(threads, next, work, take).unwrap();
        assert_eq!(results, (1..=500).collect::<Vec<_>>());
        assert!(most.into_inner() <= AHEAD * threads + 1);
    }
}

#[test]
fn every_error_ends_the_work() {
    let mut left = 20;
    let next = || {
        left -= 1;
        if left == 0 { bail!("the items are broken") } else { Ok(Some(left)) }
    };
    let error = ordered(3, next, |item: i32| item, |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "the items are broken");
    let error = ordered(3, || Ok(Some(1)), |item: i32| item, |_| bail!("no room")).unwrap_err();
    assert_eq!(error.to_string(), "no room");
    let mut items = 1..=9;
    let work = |item: i32| assert_ne!(item, 5, "a test of panics");
    let error = ordered(2, || Ok(items.next()), work, |()| Ok(())).unwrap_err();
    assert!(error.to_string().starts_with("a judging thread has failed"), "{error}");
}
