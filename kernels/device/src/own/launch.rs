//! The launches that run the encoder over the sequences of one part.

use portcullis_kernels::device::Failure;

use super::arguments::{AttentionArgs, LayerArgs, PanelArgs, PoolArgs, StreamArgs, TokensArgs};
use super::driver::{Driver, Kernel, Room, Shape};
use super::plan::{
    ATTENTION_HEADS, Gpu, HIDDEN, INNER, LAYER_ROWS, LAYER_SHARED, LAYER_THREADS, Plan, QKV, Tile,
};
use super::uploaded::{Layer, Pair, Uploaded};

/// Rows behind the last: kernels are checked to write nothing there.
const SPARE: usize = 256;
/// Numbers that the heads ask of a token.
const ASKED: usize = 32;
const TOKEN_WARPS: usize = 4;
const POOL_THREADS: usize = 384;
const POOL_SHARED: usize = 24 * 16 * 8 * 4;

/// The kernels of a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernels {
    pub(super) plan: Plan,
    tables: Kernel,
    sums: Kernel,
    gelu: Kernel,
    stream: Kernel,
    attention: Kernel,
    layer: Option<Kernel>,
    tokens: Kernel,
    pool: Kernel,
}

/// Memory for states on their way through the layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workspace {
    pub(super) room: Room,
    /// Tokens that there is room for.
    pub(super) tokens: usize,
    /// States before attention and after it, their sums, what attention mixed.
    states_a: u64,
    states_b: u64,
    sums: u64,
    mixed: u64,
    /// Queries, keys and values, or the inner states of the feed-forward block.
    wide: u64,
    answers: u64,
    /// States whose means are asked for, one after another.
    kept: u64,
}

/// Where on the device a part's numbers lie, and its answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) counts: u64,
    pub(super) bounds: u64,
    pub(super) ids: u64,
    pub(super) positions: u64,
    pub(super) tiles: u64,
    pub(super) logits: u64,
    pub(super) means: u64,
    pub(super) trouble: u64,
}

/// For how much the grids are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) tokens: usize,
    pub(super) sequences: usize,
    pub(super) tiles: usize,
}

impl Kernels {
    /// # Errors
    /// [`Failure`], such as for a kernel that takes more shared memory than there is.
    pub(super) fn of(driver: &Driver, plan: Plan) -> Result<Self, Failure> {
        let panel =
            |kind: &str| driver.kernel(&format!("panel_{kind}_{}", plan.panel.letter), plan.panel.shared);
        Ok(Self {
            tables: panel("tables")?,
            sums: panel("sums")?,
            gelu: panel("gelu")?,
            stream: driver.kernel(&format!("stream_{}", plan.stream.letter), plan.stream.shared)?,
            attention: driver.kernel(plan.attention.kernel, plan.attention.shared())?,
            layer: plan.whole.then(|| driver.kernel("layer_128", LAYER_SHARED)).transpose()?,
            tokens: driver.kernel("tokens_4", 0)?,
            pool: driver.kernel("pool_384", POOL_SHARED)?,
            plan,
        })
    }
}

impl Workspace {
    /// Memory for so many tokens, whose states after so many layers are kept.
    ///
    /// # Errors
    /// [`Failure`], where there is too little.
    pub(super) fn new(driver: &Driver, tokens: usize, kept: usize) -> Result<Self, Failure> {
        let rows = tokens + SPARE;
        let states = rows * HIDDEN * 2;
        let sizes = [states, states, states, states, rows * INNER * 2, rows * ASKED * 4, kept * states];
        let room = driver.room(sizes.iter().sum())?;
        let mut at = room.at;
        let [states_a, states_b, sums, mixed, wide, answers, kept] = sizes.map(|size| {
            at += size as u64;
            at - size as u64
        });
        Ok(Self { room, tokens, states_a, states_b, sums, mixed, wide, answers, kept })
    }

    /// Numbers between the kept states after one layer and after another.
    fn stride(&self) -> usize {
        (self.tokens + SPARE) * HIDDEN
    }
}

/// The encoder on a device.
#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) model: Uploaded,
    /// After which layers the states are averaged, beside those after the last.
    pub(super) after: Vec<usize>,
}

impl Encoder {
    /// Puts the launches into the stream. With `early` each kernel but the first may begin before the one before it ends.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn launch(
        &self,
        driver: &Driver,
        kernels: &Kernels,
        work: &Workspace,
        part: &Part,
        extent: &Extent,
        early: bool,
    ) -> Result<(), Failure> {
        let Self { model, .. } = self;
        let run = Run { driver, kernels, work, part, extent, early };
        let last = model.layers.len();
        // Sums that are to be normalized, and by what.
        let mut before: Option<Pair> = None;
        for (number, layer) in model.layers.iter().enumerate() {
            let states = self.states(work, number, kernels.plan.whole);
            let following = model.layers.get(number + 1);
            match before {
                None if number == 0 => run.tables(model, layer, states)?,
                // The kernel of the whole layer before has done it.
                None => {}
                Some(norm) => {
                    run.panel(kernels.sums, work.sums, norm, states, layer.qkv, QKV, model.epsilon)?
                }
            }
            run.attention()?;
            if kernels.layer.is_some() {
                run.layer(layer, following, states, self.states(work, number + 1, true), model.epsilon)?;
                continue;
            }
            run.stream(work.mixed, layer.mix, states, HIDDEN)?;
            run.panel(
                kernels.gelu,
                work.sums,
                layer.mix_norm,
                work.states_b,
                layer.up,
                INNER,
                model.epsilon,
            )?;
            run.stream(work.wide, layer.down, work.states_b, INNER)?;
            before = Some(layer.down_norm);
        }
        let final_states = self.states(work, last, true);
        run.tokens(model, before, final_states)?;
        run.pool(model, self.after.len() + 1)
    }

    /// Where the states before layer `layer` are kept: those that are averaged in their own place, the others in turns where a layer
    /// writes them while it reads those before.
    fn states(&self, work: &Workspace, layer: usize, whole: bool) -> u64 {
        let slot = self.after.iter().position(|after| *after == layer);
        let slot = slot.or((layer == self.model.layers.len()).then_some(self.after.len()));
        match slot {
            Some(slot) => work.kept + (slot * work.stride() * 2) as u64,
            None if whole && layer % 2 == 1 => work.states_b,
            None => work.states_a,
        }
    }
}

struct Run<'a> {
    driver: &'a Driver,
    kernels: &'a Kernels,
    work: &'a Workspace,
    part: &'a Part,
    extent: &'a Extent,
    early: bool,
}

impl Run<'_> {
    fn gpu(&self) -> &Gpu {
        &self.driver.gpu
    }

    fn go<T: Copy>(&self, kernel: Kernel, shape: &Shape, arguments: &T) -> Result<(), Failure> {
        // SAFETY: each caller below gives a kernel what it is declared to take (sizes are asserted on both sides, places are tested
        // against the emulation); all places are of the model, of a workspace with room for the extent's tokens, or of the part; and
        // kernels look at the counts, which are no more than the extent, before they read or write a row.
        unsafe { self.driver.launch(kernel, shape, arguments) }
    }

    fn product(
        &self,
        kernel: Kernel,
        tile: &Tile,
        ways: usize,
        early: bool,
        arguments: &impl Copy,
    ) -> Result<(), Failure> {
        let grid = (self.extent.tokens.div_ceil(tile.rows), ways, 1);
        self.go(kernel, &Shape { grid, threads: tile.threads, shared: tile.shared, early }, arguments)
    }

    /// Queries, keys and values of the first layer, from the tables.
    fn tables(&self, model: &Uploaded, layer: &Layer, states: u64) -> Result<(), Failure> {
        let tile = &self.kernels.plan.panel;
        let arguments = PanelArgs {
            counts: self.part.counts,
            rows: 0,
            words: model.words,
            places: model.places,
            ids: self.part.ids,
            positions: self.part.positions,
            norm_weight: model.norm.weight,
            norm_bias: model.norm.bias,
            states,
            weight: layer.qkv.weight,
            bias: layer.qkv.bias,
            out: self.work.wide,
            columns: QKV as i32,
            epsilon: model.epsilon,
        };
        // What it follows is a copy, which no kernel may overtake.
        self.product(
            self.kernels.tables,
            tile,
            self.gpu().split(tile, self.extent.tokens, QKV),
            false,
            &arguments,
        )
    }

    /// A product of what sums of states are normalized to, which is kept in `states`.
    #[allow(clippy::too_many_arguments, reason = "each is another place")]
    fn panel(
        &self,
        kernel: Kernel,
        rows: u64,
        norm: Pair,
        states: u64,
        linear: Pair,
        columns: usize,
        epsilon: f32,
    ) -> Result<(), Failure> {
        let tile = &self.kernels.plan.panel;
        let arguments = PanelArgs {
            counts: self.part.counts,
            rows,
            norm_weight: norm.weight,
            norm_bias: norm.bias,
            states,
            weight: linear.weight,
            bias: linear.bias,
            out: self.work.wide,
            columns: columns as i32,
            epsilon,
            ..PanelArgs::default()
        };
        self.product(
            kernel,
            tile,
            self.gpu().split(tile, self.extent.tokens, columns),
            self.early,
            &arguments,
        )
    }

    /// A product onto states, to sums of states.
    fn stream(&self, rows: u64, linear: Pair, residual: u64, steps: usize) -> Result<(), Failure> {
        let tile = &self.kernels.plan.stream;
        let arguments = StreamArgs {
            counts: self.part.counts,
            rows,
            weight: linear.weight,
            bias: linear.bias,
            residual,
            out: self.work.sums,
            columns: HIDDEN as i32,
            steps: steps as i32,
        };
        self.product(self.kernels.stream, tile, HIDDEN / tile.columns, self.early, &arguments)
    }

    fn attention(&self) -> Result<(), Failure> {
        let of = &self.kernels.plan.attention;
        let arguments = AttentionArgs {
            counts: self.part.counts,
            tiles: self.part.tiles,
            qkv: self.work.wide,
            mixed: self.work.mixed,
        };
        let grid = (self.extent.tiles, ATTENTION_HEADS / of.heads, 1);
        let shape = Shape { grid, threads: of.threads(), shared: of.shared(), early: self.early };
        self.go(self.kernels.attention, &shape, &arguments)
    }

    /// All of a layer behind its attention, and what the following one's attention reads.
    fn layer(
        &self,
        layer: &Layer,
        following: Option<&Layer>,
        from: u64,
        to: u64,
        epsilon: f32,
    ) -> Result<(), Failure> {
        let Some(kernel) = self.kernels.layer else { return Ok(()) };
        let arguments = LayerArgs {
            counts: self.part.counts,
            mixed: self.work.mixed,
            residual: from,
            weights: layer.packed,
            mix_bias: layer.mix.bias,
            mix_norm_weight: layer.mix_norm.weight,
            mix_norm_bias: layer.mix_norm.bias,
            up_bias: layer.up.bias,
            down_bias: layer.down.bias,
            down_norm_weight: layer.down_norm.weight,
            down_norm_bias: layer.down_norm.bias,
            qkv_bias: following.unwrap_or(layer).qkv.bias,
            states: to,
            qkv: self.work.wide,
            epsilon,
            next: i32::from(following.is_some()),
            trouble: self.part.trouble,
        };
        let grid = (self.extent.tokens.div_ceil(LAYER_ROWS), 1, 1);
        self.go(
            kernel,
            &Shape { grid, threads: LAYER_THREADS, shared: LAYER_SHARED, early: false },
            &arguments,
        )
    }

    /// What the heads ask of each token; its sums are normalized first where that is left to do.
    fn tokens(&self, model: &Uploaded, norm: Option<Pair>, states: u64) -> Result<(), Failure> {
        let arguments = TokensArgs {
            counts: self.part.counts,
            rows: if norm.is_some() { self.work.sums } else { states },
            norm_weight: norm.map_or(0, |norm| norm.weight),
            norm_bias: norm.map_or(0, |norm| norm.bias),
            asked: model.asked,
            states,
            answers: self.work.answers,
            heads: model.heads as i32,
            epsilon: model.epsilon,
        };
        let grid = (self.extent.tokens.div_ceil(4 * TOKEN_WARPS), 1, 1);
        let shape = Shape { grid, threads: TOKEN_WARPS * 32, shared: 0, early: self.early };
        self.go(self.kernels.tokens, &shape, &arguments)
    }

    fn pool(&self, model: &Uploaded, means: usize) -> Result<(), Failure> {
        let arguments = PoolArgs {
            counts: self.part.counts,
            bounds: self.part.bounds,
            states: self.work.kept,
            stride: self.work.stride() as u64,
            answers: self.work.answers,
            bias: model.head_bias,
            logits: self.part.logits,
            means: self.part.means,
            heads: model.heads as i32,
        };
        let grid = (self.extent.sequences, means, 3);
        let shape = Shape { grid, threads: POOL_THREADS, shared: POOL_SHARED, early: self.early };
        self.go(self.kernels.pool, &shape, &arguments)
    }
}
