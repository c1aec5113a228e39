//! Which kernels run the encoder: tiles of products, and plans that name one for each product.

/// Width of a state.
pub(crate) const HIDDEN: usize = 384;
/// Width of queries, keys and values together.
pub(crate) const QKV: usize = 3 * HIDDEN;
/// Width between the two halves of the feed-forward block.
pub(crate) const INNER: usize = 1536;
/// Attention heads of a layer.
pub(crate) const ATTENTION_HEADS: usize = 12;
/// Most heads of the model.
pub(crate) const MOST_HEADS: usize = 10;
/// Most tokens of a sequence.
pub(crate) const MOST_POSITIONS: usize = 512;

/// Bytes of a row of a slab in shared memory, and slabs of a state.
const ROW_BYTES: usize = 128;
const HIDDEN_SLABS: usize = HIDDEN / 64;

/// A tile of a product, and what one of its blocks takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tile {
    /// By which its kernels are named.
    pub(crate) letter: char,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) threads: usize,
    /// Bytes of shared memory.
    pub(crate) shared: usize,
    /// Whether warps share the steps out; a block then has one tile of columns.
    pub(crate) shares_steps: bool,
}

/// A tile of queries and heads of attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    pub(crate) kernel: &'static str,
    /// Queries.
    pub(crate) rows: usize,
    pub(crate) heads: usize,
}

/// Which kernels run a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    /// Of the products that read whole states, and of those that add to them.
    pub(crate) panel: Tile,
    pub(crate) stream: Tile,
    pub(crate) attention: Attention,
    /// For which batches it is tried.
    pub(crate) small: bool,
    pub(crate) large: bool,
    /// Whether a layer is one kernel but for its attention: on Hopper alone.
    pub(crate) whole: bool,
}

/// What of a GPU decides on plans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gpu {
    pub(crate) processors: usize,
    /// Bytes of shared memory of a block at most, and of a processor.
    pub(crate) block_shared: usize,
    pub(crate) processor_shared: usize,
    pub(crate) capability: (i32, i32),
}

type Warps = (usize, usize, usize);

const fn panel(letter: char, rows: usize, columns: usize, warps: Warps, stages: usize) -> Tile {
    let shared = HIDDEN_SLABS * rows * ROW_BYTES + stages * columns * ROW_BYTES;
    tile(letter, rows, columns, warps, shared)
}

const fn stream(letter: char, rows: usize, columns: usize, warps: Warps, stages: usize) -> Tile {
    tile(letter, rows, columns, warps, stages * (rows + columns) * ROW_BYTES)
}

const fn tile(letter: char, rows: usize, columns: usize, (wm, wn, wk): Warps, shared: usize) -> Tile {
    Tile { letter, rows, columns, threads: wm * wn * wk * 32, shared, shares_steps: wk > 1 }
}

const PANEL_A: Tile = panel('A', 16, 32, (1, 2, 2), 7);
const PANEL_B: Tile = panel('B', 32, 32, (2, 2, 1), 7);
const PANEL_C: Tile = panel('C', 64, 64, (2, 2, 1), 6);
const PANEL_D: Tile = panel('D', 64, 128, (2, 4, 1), 3);
const PANEL_E: Tile = panel('E', 128, 128, (2, 4, 1), 6);
const PANEL_F: Tile = panel('F', 128, 192, (2, 4, 1), 4);
const STREAM_A: Tile = stream('A', 16, 16, (1, 1, 4), 12);
const STREAM_B: Tile = stream('B', 16, 32, (1, 2, 2), 8);
const STREAM_C: Tile = stream('C', 32, 32, (2, 2, 1), 8);
const STREAM_D: Tile = stream('D', 64, 64, (2, 2, 1), 4);
const STREAM_E: Tile = stream('E', 128, 128, (2, 4, 1), 3);
const STREAM_F: Tile = stream('F', 128, 192, (2, 4, 1), 4);
const ATTENTION_1_1: Attention = Attention { kernel: "attention_1_1", rows: 16, heads: 1 };
const ATTENTION_2_1: Attention = Attention { kernel: "attention_2_1", rows: 32, heads: 1 };
const ATTENTION_4_1: Attention = Attention { kernel: "attention_4_1", rows: 64, heads: 1 };
const ATTENTION_2_4: Attention = Attention { kernel: "attention_2_4", rows: 32, heads: 4 };

const fn small(name: &'static str, panel: Tile, stream: Tile, attention: Attention) -> Plan {
    Plan { name, panel, stream, attention, small: true, large: false, whole: false }
}

const fn large(name: &'static str, panel: Tile, stream: Tile, attention: Attention) -> Plan {
    Plan { name, panel, stream, attention, small: false, large: true, whole: false }
}

/// Every plan, the ones that are surest to run first, named by the letters of its tiles, and its tile of queries and heads.
pub(crate) const PLANS: [Plan; 12] = [
    small("AA", PANEL_A, STREAM_A, ATTENTION_1_1),
    small("AB", PANEL_A, STREAM_B, ATTENTION_2_1),
    small("BB", PANEL_B, STREAM_B, ATTENTION_2_1),
    small("BC", PANEL_B, STREAM_C, ATTENTION_2_1),
    Plan { large: true, ..small("CC", PANEL_C, STREAM_C, ATTENTION_4_1) },
    large("DD24", PANEL_D, STREAM_D, ATTENTION_2_4),
    large("DD41", PANEL_D, STREAM_D, ATTENTION_4_1),
    large("EE41", PANEL_E, STREAM_E, ATTENTION_4_1),
    large("EE24", PANEL_E, STREAM_E, ATTENTION_2_4),
    large("FF41", PANEL_F, STREAM_F, ATTENTION_4_1),
    Plan { whole: true, ..large("layer41", PANEL_E, STREAM_E, ATTENTION_4_1) },
    Plan { whole: true, ..large("layer24", PANEL_E, STREAM_E, ATTENTION_2_4) },
];

/// Threads, rows and bytes of shared memory of the kernel of a whole layer.
pub(crate) const LAYER_THREADS: usize = 384;
pub(crate) const LAYER_ROWS: usize = 128;
pub(crate) const LAYER_SHARED: usize =
    HIDDEN_SLABS * LAYER_ROWS * ROW_BYTES + 5 * 192 * ROW_BYTES + INNER * 4 + 5 * 16;

impl Attention {
    pub(crate) const fn threads(&self) -> usize {
        self.rows / 16 * self.heads * 32
    }

    /// Bytes of shared memory: two blocks of 64 keys and values for each head.
    pub(crate) const fn shared(&self) -> usize {
        self.heads * 4 * 64 * 64
    }
}

impl Plan {
    /// Whether its kernels fit the device.
    pub(crate) fn fits(&self, gpu: &Gpu) -> bool {
        let shared = [self.panel.shared, self.stream.shared, self.attention.shared()];
        let layer = if self.whole { LAYER_SHARED } else { 0 };
        let most = shared.into_iter().fold(layer, usize::max);
        most <= gpu.block_shared && (!self.whole || gpu.is_hopper())
    }
}

impl Gpu {
    /// Whether it has the instructions of compute capability 9.0, which no later device has.
    pub(crate) fn is_hopper(&self) -> bool {
        self.capability == (9, 0)
    }

    /// How many ways the columns of a product are shared out: as few as keep the processors even.
    pub(crate) fn split(&self, tile: &Tile, rows: usize, columns: usize) -> usize {
        let (tiles, row_tiles) = (columns / tile.columns, rows.div_ceil(tile.rows));
        if tile.shares_steps {
            return tiles;
        }
        let by_memory = self.processor_shared / (tile.shared + 1024);
        let by_threads = if tile.threads >= 256 { 2 } else { 2048 / tile.threads };
        let beside = by_memory.min(by_threads).max(1);
        let cost = |ways: usize| {
            let waves = (row_tiles * ways).div_ceil(self.processors.max(1) * beside);
            // In halves of a tile: each block loads its rows first.
            waves * (2 * tiles / ways + 1)
        };
        let ways = (1..=tiles).filter(|ways| tiles.is_multiple_of(*ways));
        ways.min_by_key(|ways| (cost(*ways), *ways)).unwrap_or(1)
    }

    /// Tokens that go through all layers together, at most: what keeps every processor at work twice.
    pub(crate) fn tokens_at_once(&self) -> usize {
        (2 * self.processors * LAYER_ROWS).clamp(1 << 13, 1 << 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H200: Gpu =
        Gpu { processors: 132, block_shared: 227 << 10, processor_shared: 228 << 10, capability: (9, 0) };

    /// `PanelA = Shape<16, 32, 1, 2, 2, 7>` in encoder.cu is the tile that is called so here.
    #[test]
    fn the_tiles_are_those_of_the_kernels() {
        let source = include_str!("../../../cuda/encoder.cu");
        let mut found = 0;
        for line in source.lines().filter(|line| line.starts_with("using ")) {
            let (name, numbers) = line.trim_start_matches("using ").split_once(" = Shape<").unwrap();
            let numbers: Vec<usize> =
                numbers.trim_end_matches(">;").split(", ").map(|number| number.parse().unwrap()).collect();
            let [rows, columns, wm, wn, wk, stages] = numbers[..] else { panic!("{line}") };
            let letter = name.chars().last().unwrap();
            let (made, of): (Tile, fn(&Plan) -> Tile) = match name.starts_with("Panel") {
                true => (panel(letter, rows, columns, (wm, wn, wk), stages), |plan| plan.panel),
                false => (stream(letter, rows, columns, (wm, wn, wk), stages), |plan| plan.stream),
            };
            let tile = PLANS.iter().map(of).find(|tile| tile.letter == letter).unwrap();
            assert_eq!(format!("{made:?}"), format!("{tile:?}"));
            found += 1;
        }
        assert_eq!(found, 12);
        for plan in &PLANS {
            assert!(
                QKV.is_multiple_of(plan.panel.columns) && INNER.is_multiple_of(plan.panel.columns),
                "{plan:?}"
            );
            assert!(HIDDEN.is_multiple_of(plan.stream.columns), "{plan:?}");
            let Attention { kernel, rows, heads } = plan.attention;
            assert_eq!(kernel, format!("attention_{}_{heads}", rows / 16));
            assert!(source.contains(&format!("ATTENTION({}, {heads})", rows / 16)));
        }
    }

    #[test]
    fn a_device_has_the_plans_that_fit_it() {
        let names =
            |gpu: &Gpu| PLANS.iter().filter(|plan| plan.fits(gpu)).map(|plan| plan.name).collect::<Vec<_>>();
        assert_eq!(names(&H200).len(), PLANS.len());
        let l40 =
            Gpu { processors: 142, block_shared: 99 << 10, processor_shared: 100 << 10, capability: (8, 9) };
        assert_eq!(names(&l40), ["AA", "AB", "BB", "BC", "CC", "DD24", "DD41"]);
        let blackwell = Gpu { capability: (10, 0), ..H200 };
        assert!(names(&blackwell).contains(&"FF41") && !names(&blackwell).contains(&"layer41"));
    }

    #[test]
    fn columns_are_shared_out_evenly() {
        for plan in &PLANS {
            for rows in [1, 16, 100, 512, 4096, 33792, 65536] {
                for columns in [QKV, INNER] {
                    let ways = H200.split(&plan.panel, rows, columns);
                    assert!((columns / plan.panel.columns).is_multiple_of(ways), "{plan:?} {rows}");
                }
            }
        }
        // Few rows are spread over all columns, many stay whole.
        assert_eq!(H200.split(&PANEL_C, 64, QKV), 18);
        assert_eq!(H200.split(&PANEL_E, 132 * 128, QKV), 1);
        assert_eq!(H200.tokens_at_once(), 33792);
    }
}
