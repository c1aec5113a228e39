//! Weights in the forms in which the kernels read them: halves, and for a whole layer slabs in the order in which they are read, as
//! `kernels/cuda/pack.h` has it.

use half::f16;
use half::slice::HalfFloatSliceExt as _;

use super::plan::{HIDDEN, INNER};

/// Halves of a row of a slab.
const SLAB: usize = 64;
/// Columns of a product of the kernel of a whole layer.
const COLUMNS: usize = 192;

/// The bits of the numbers, narrowed.
pub(crate) fn halves(numbers: &[f32]) -> Vec<u16> {
    let mut narrow = vec![f16::ZERO; numbers.len()];
    narrow.convert_from_f32_slice(numbers);
    narrow.into_iter().map(f16::to_bits).collect()
}

/// A layer's matrices one after another; `next` are the following layer's queries, keys and values.
pub(crate) fn packed(mix: &[u16], up: &[u16], down: &[u16], next: Option<&[u16]>) -> Vec<u16> {
    let slabs = HIDDEN / SLAB;
    let mut to = Vec::with_capacity(mix.len() + up.len() + down.len() + next.map_or(0, <[u16]>::len));
    let halves = || (0..HIDDEN).step_by(COLUMNS);
    for slab in 0..slabs {
        halves().for_each(|first| put(mix, HIDDEN, slab * SLAB, spread(first), &mut to));
    }
    for step in (0..INNER).step_by(SLAB) {
        (0..slabs).for_each(|slab| put(up, HIDDEN, slab * SLAB, step..step + SLAB, &mut to));
        halves().for_each(|first| put(down, INNER, step, spread(first), &mut to));
    }
    if let Some(next) = next {
        for first in (0..3 * HIDDEN).step_by(COLUMNS) {
            (0..slabs).for_each(|slab| put(next, HIDDEN, slab * SLAB, spread(first), &mut to));
        }
    }
    to
}

/// Rows so that a thread's sums of four products of eight columns are eight neighbouring columns.
fn spread(first: usize) -> impl Iterator<Item = usize> {
    (0..COLUMNS).map(move |place| {
        let (tile, within) = (place / 8, place % 8);
        first + tile / 4 * 32 + within / 2 * 8 + tile % 4 * 2 + within % 2
    })
}

/// Appends 64 steps of these rows of a matrix; chunks of eight change places by the row, so that rows read together lie in other banks.
fn put(matrix: &[u16], steps: usize, step: usize, rows: impl Iterator<Item = usize>, to: &mut Vec<u16>) {
    for (place, row) in rows.enumerate() {
        let from = matrix.get(row * steps + step..).unwrap_or_default();
        for chunk in (0..8).map(|chunk| chunk ^ (place % 8)) {
            to.extend(from.iter().skip(chunk * 8).take(8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// pack.h itself, with numbers that tell their places, to a file.
    const PROGRAM: &str = r#"
        #include "pack.h"
        #include <cstdio>
        int main(int, char** words) {
            auto numbers = [](size_t count, unsigned by) {
                std::vector<uint16_t> to(count);
                for (size_t i = 0; i < count; i++) to[i] = uint16_t(i * by >> 3);
                return to;
            };
            auto mix = numbers(384 * 384, 40503), up = numbers(384 * 1536, 9973), down = numbers(384 * 1536, 7919), next = numbers(384 * 1152, 104729);
            auto bytes = packed_weights(mix.data(), up.data(), down.data(), next.data());
            std::FILE* file = std::fopen(words[1], "wb");
            return std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() || std::fclose(file);
        }
    "#;

    #[test]
    fn it_is_what_the_checks_of_the_kernels_pack() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("pack.cpp"), PROGRAM).unwrap();
        let include = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../cuda");
        let mut compiler = std::process::Command::new("c++");
        compiler
            .args(["-O1", "-std=c++17", "-I"])
            .arg(include)
            .arg(path("pack.cpp"))
            .arg("-o")
            .arg(path("pack"));
        assert!(compiler.status().unwrap().success());
        assert!(std::process::Command::new(path("pack")).arg(path("out")).status().unwrap().success());
        let expected: Vec<u16> = std::fs::read(path("out"))
            .unwrap()
            .chunks_exact(2)
            .map(|two| u16::from_le_bytes([two[0], two[1]]))
            .collect();
        let numbers =
            |count: usize, by: u64| (0..count as u64).map(|i| ((i * by) >> 3) as u16).collect::<Vec<_>>();
        let (mix, up) = (numbers(HIDDEN * HIDDEN, 40503), numbers(HIDDEN * INNER, 9973));
        let (down, next) = (numbers(HIDDEN * INNER, 7919), numbers(HIDDEN * 3 * HIDDEN, 104_729));
        assert_eq!(packed(&mix, &up, &down, Some(&next)), expected);
        let without = packed(&mix, &up, &down, None);
        assert!(without == expected[..without.len()] && without.len() == HIDDEN * (HIDDEN + 2 * INNER));
    }

    #[test]
    fn numbers_are_narrowed_to_the_nearest() {
        assert_eq!(halves(&[1.0, -2.0, 0.1, 65504.0, 1e-8]), [0x3c00, 0xc000, 0x2e66, 0x7bff, 0]);
    }
}
