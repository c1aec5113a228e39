//! The kernels' arguments, as `kernels/cuda` has them; addresses are the device's.

/// Of `panel_*`: products that read whole states.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct PanelArgs {
    pub(crate) counts: u64,
    pub(crate) rows: u64,
    pub(crate) words: u64,
    pub(crate) places: u64,
    pub(crate) ids: u64,
    pub(crate) positions: u64,
    pub(crate) norm_weight: u64,
    pub(crate) norm_bias: u64,
    pub(crate) states: u64,
    pub(crate) weight: u64,
    pub(crate) bias: u64,
    pub(crate) out: u64,
    pub(crate) columns: i32,
    pub(crate) epsilon: f32,
}

/// Of `stream_*`: products that add to states.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct StreamArgs {
    pub(crate) counts: u64,
    pub(crate) rows: u64,
    pub(crate) weight: u64,
    pub(crate) bias: u64,
    pub(crate) residual: u64,
    pub(crate) out: u64,
    pub(crate) columns: i32,
    pub(crate) steps: i32,
}

/// Of `attention_*`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct AttentionArgs {
    pub(crate) counts: u64,
    pub(crate) tiles: u64,
    pub(crate) qkv: u64,
    pub(crate) mixed: u64,
}

/// Of `layer_128`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct LayerArgs {
    pub(crate) counts: u64,
    pub(crate) mixed: u64,
    pub(crate) residual: u64,
    pub(crate) weights: u64,
    pub(crate) mix_bias: u64,
    pub(crate) mix_norm_weight: u64,
    pub(crate) mix_norm_bias: u64,
    pub(crate) up_bias: u64,
    pub(crate) down_bias: u64,
    pub(crate) down_norm_weight: u64,
    pub(crate) down_norm_bias: u64,
    pub(crate) qkv_bias: u64,
    pub(crate) states: u64,
    pub(crate) qkv: u64,
    pub(crate) epsilon: f32,
    pub(crate) next: i32,
    pub(crate) trouble: u64,
}

/// Of `tokens_4`: what the heads ask of each token.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct TokensArgs {
    pub(crate) counts: u64,
    pub(crate) rows: u64,
    pub(crate) norm_weight: u64,
    pub(crate) norm_bias: u64,
    pub(crate) asked: u64,
    pub(crate) states: u64,
    pub(crate) answers: u64,
    pub(crate) heads: i32,
    pub(crate) epsilon: f32,
}

/// Of `pool_384`: a sequence's logits and means.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct PoolArgs {
    pub(crate) counts: u64,
    pub(crate) bounds: u64,
    pub(crate) states: u64,
    pub(crate) stride: u64,
    pub(crate) answers: u64,
    pub(crate) bias: u64,
    pub(crate) logits: u64,
    pub(crate) means: u64,
    pub(crate) heads: i32,
}

// encoder.cu holds the same sizes against its own.
const _: () = assert!(size_of::<PanelArgs>() == 104 && size_of::<StreamArgs>() == 56);
const _: () = assert!(size_of::<AttentionArgs>() == 32 && size_of::<LayerArgs>() == 128);
const _: () = assert!(size_of::<TokensArgs>() == 64 && size_of::<PoolArgs>() == 72);
