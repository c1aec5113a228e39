use super::*;

/// Answers what it is told to.
struct Told(&'static str, fn(&str) -> Result<Vec<Sighting>, RailFault>);

impl Rail for Told {
    fn name(&self) -> &str {
        self.0
    }

    fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
        (self.1)(text.text)
    }
}

fn rails(all: impl IntoIterator<Item = Told>) -> HostRails {
    let mut rails = HostRails::default();
    all.into_iter().for_each(|rail| rails.add(Arc::new(rail)));
    rails
}

fn text(text: &str) -> RailText<'_> {
    RailText { text, role: Role::User, slice: None, locale: None, via: &[] }
}

fn scanned(of: &str, scan: fn(&str) -> Result<Vec<Sighting>, RailFault>) -> (Vec<Detection>, String) {
    let mut found = Vec::new();
    let outcome = rails([Told("a", scan)]).scan(&text(of), &mut found);
    (found, outcome.err().map(|error| error.to_string()).unwrap_or_default())
}

#[test]
fn spans_come_in_order_and_apart() {
    let (found, error) =
        scanned("abcdefgh", |_| Ok(vec![Sighting::at(0.5, [(5, 7), (0, 2), (1, 3), (3, 4)])]));
    let spans: Vec<(usize, usize)> = found[0].spans.iter().map(|span| (*span).into()).collect();
    assert_eq!((spans, error.as_str()), (vec![(0, 3), (3, 4), (5, 7)], ""));
    assert_eq!((found[0].detector.as_str(), found[0].category.as_str()), ("host.a", "a"));
    assert_eq!(found[0].source, Source::Host);
}

#[test]
fn what_is_wrong_is_a_fault_and_the_rest_is_kept() {
    let (found, error) = scanned("aé", |_| Ok(vec![Sighting::at(1.0, [(0, 2)]), Sighting::of_whole(0.5)]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        error,
        "the rail `host.a` gave the span 0..2 of a text of 3 bytes, expected one or more whole characters of it"
    );
    for places in [[(0, 9)], [(2, 1)], [(1, 1)], [(2, 3)], [(usize::MAX, usize::MAX)]] {
        let mut found = Vec::new();
        let sighting = Sighting::at(1.0, places);
        let named = Named {
            detector: "host.a".to_owned(),
            category: "a".to_owned(),
            needs_whole: false,
            rail: Arc::new(Fixed(sighting)),
        };
        assert!(named.scan(&text("aé"), &mut found).is_err(), "{places:?}");
        assert!(found.is_empty());
    }
    for (scan, expected) in [
        ((|_| Ok(vec![Sighting::of_whole(f32::NAN)])) as fn(&str) -> _, "the score NaN"),
        (|_| Ok(vec![Sighting::of_whole(1.5)]), "the score 1.5"),
        (|_| Err(RailFault("its table is gone")), "failed: its table is gone"),
        (|text| panic!("it met {text:?}"), "panicked"),
    ] {
        let (found, error) = scanned("secret words", scan);
        assert!(found.is_empty() && error.contains(expected), "{error}");
        assert!(!error.contains("secret"));
    }
}

struct Fixed(Sighting);

impl Rail for Fixed {
    fn name(&self) -> &str {
        "a"
    }

    fn scan(&self, _: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
        Ok(vec![self.0.clone()])
    }
}

#[test]
fn one_that_fails_does_not_silence_the_others() {
    let none: fn(&str) -> Result<Vec<Sighting>, RailFault> = |_| Err(RailFault("no"));
    let all = rails([Told("a", none), Told("b", |_| Ok(vec![Sighting::of_whole(1.0)]))]);
    let mut found = Vec::new();
    assert!(all.scan(&text("x"), &mut found).is_err());
    assert_eq!(found[0].detector, "host.b");
}

#[test]
fn names_are_those_that_rules_can_name() {
    let names =
        |names: &[&'static str]| rails(names.iter().map(|name| Told(name, |_| Ok(Vec::new())))).check_names();
    assert_eq!(names(&["a", "b_2"]), Ok(()));
    for bad in ["", "A", "a.b", "a-b", "é"] {
        assert_eq!(names(&[bad]), Err(RailNameError::Name { name: bad.to_owned() }));
    }
    assert_eq!(names(&["a", "b", "a"]), Err(RailNameError::Twice { name: "a".to_owned() }));
}
