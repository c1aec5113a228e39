use super::*;

#[test]
fn the_tail_agrees_with_tables() {
    // Critical values of printed tables (Abramowitz and Stegun, table 26.8).
    let table = [
        (3.841_458_820_694, 1, 0.05),
        (16.918_977_604_62, 9, 0.05),
        (21.665_994_333_46, 9, 0.01),
        (27.877_164_871_26, 9, 0.001),
        (18.307_038_053_28, 10, 0.05),
        (2.087_900_735_9, 9, 0.99),
        (124.342_113_404, 100, 0.05),
    ];
    for (statistic, degrees, expected) in table {
        let found = chi_square_upper(statistic, degrees);
        assert!((found - expected).abs() < 1e-9, "{statistic} {degrees}: {found}");
    }
}

#[test]
fn the_ends_are_ends() {
    assert_eq!(chi_square_upper(0.0, 9), 1.0);
    assert_eq!(chi_square_upper(f64::NAN, 9), 1.0);
    assert_eq!(chi_square_upper(5.0, 0), 1.0);
    assert_eq!(chi_square_upper(1e9, 9), 0.0);
    let mut last = 1.0;
    for step in 1..2000 {
        let tail = chi_square_upper(f64::from(step) * 0.05, 9);
        assert!(tail <= last && tail >= 0.0, "rises at {step}");
        last = tail;
    }
}
