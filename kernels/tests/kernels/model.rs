//! Made-up weights of any shape, and the calls of a whole encoder on them.

use portcullis_kernels::{
    AttentionWeights, Embeddings, FeedForwardWeights, HeadWeights, Kernels, Level, Norm, PackedLinear,
    Scratch, packed_position,
};

/// A small generator (xorshift64*), so that the weights are the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 33) as usize % end
    }

    /// Uniform in `-1..1`.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Roughly normal with deviation 1.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() * 0.5
    }

    pub(crate) fn floats(&mut self, count: usize, mut of: impl FnMut(&mut Self) -> f32) -> Vec<f32> {
        (0..count).map(|_| of(self)).collect()
    }

    pub(crate) fn codes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| (self.below(255) as i32 - 127) as i8).collect()
    }

    /// Rows of codes within the bound of a linear layer, many of them at it.
    pub(crate) fn bounded_codes(&mut self, n: usize, k: usize) -> Vec<i8> {
        let mut q = self.codes(n * k);
        for row in q.chunks_mut(k) {
            let mut left = vec![[128i32; 2]; k.div_ceil(8) * 2];
            for (i, code) in row.iter_mut().enumerate() {
                let [positive, negative] = &mut left[i / 8 * 2 + i % 4 / 2];
                let kept = i32::from(*code).clamp(-*negative, *positive);
                *positive -= kept.max(0);
                *negative -= (-kept).max(0);
                *code = kept as i8;
            }
        }
        q
    }
}

pub(crate) struct Linear {
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// Row-major, `n` by `k`.
    pub(crate) q: Vec<i8>,
    pub(crate) packed: Vec<i8>,
    pub(crate) scale: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) sum: Vec<i32>,
    pub(crate) input: Vec<f32>,
}

impl Linear {
    pub(crate) fn new(random: &mut Random, n: usize, k: usize) -> Self {
        let q = random.bounded_codes(n, k);
        let gain = 1.5 / (40.0 * (k as f32).sqrt());
        let scale = random.floats(n, |r| gain * (1.0 + 0.5 * r.unit()));
        let bias = random.floats(n, |r| 0.1 * r.unit());
        let input = random.floats(k, |r| 1.0 + 0.7 * r.unit());
        Self { input, ..Self::from_codes(q, scale, bias, n, k) }
    }

    pub(crate) fn from_codes(q: Vec<i8>, scale: Vec<f32>, bias: Vec<f32>, n: usize, k: usize) -> Self {
        let mut packed = vec![0; n * k];
        for (i, &code) in q.iter().enumerate() {
            packed[packed_position(i / k, i % k, k)] = code;
        }
        let sum = q.chunks(k).map(|row| row.iter().map(|&code| i32::from(code)).sum()).collect();
        assert!(Kernels::new(Level::Scalar).unwrap().keeps_bound(&packed, k));
        Self { n, k, q, packed, scale, bias, sum, input: vec![1.0; k] }
    }

    pub(crate) fn view(&self) -> PackedLinear<'_> {
        PackedLinear::new(&self.packed, &self.scale, &self.bias, &self.sum, &self.input, self.n, self.k)
            .unwrap()
    }
}

pub(crate) struct NormData {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl NormData {
    pub(crate) fn new(random: &mut Random, width: usize) -> Self {
        Self {
            weight: random.floats(width, |r| 1.0 + 0.2 * r.unit()),
            bias: random.floats(width, |r| 0.1 * r.unit()),
        }
    }

    pub(crate) fn view(&self) -> Norm<'_> {
        Norm::new(&self.weight, &self.bias, 1e-12).unwrap()
    }
}

pub(crate) struct Layer {
    pub(crate) qkv: Linear,
    pub(crate) output: Linear,
    pub(crate) attention_norm: NormData,
    pub(crate) ffn_input: Linear,
    pub(crate) ffn_output: Linear,
    pub(crate) ffn_norm: NormData,
}

pub(crate) struct Model {
    pub(crate) hidden: usize,
    pub(crate) attention_heads: usize,
    pub(crate) heads: usize,
    pub(crate) vocabulary: usize,
    pub(crate) word: (Vec<i8>, Vec<f32>),
    pub(crate) projection: Option<Vec<f32>>,
    pub(crate) position: (Vec<i8>, Vec<f32>),
    pub(crate) norm: NormData,
    pub(crate) layers: Vec<Layer>,
    pub(crate) query: Vec<f32>,
    pub(crate) weight: Vec<f32>,
    pub(crate) mean_weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

pub(crate) struct Shape {
    pub(crate) hidden: usize,
    pub(crate) attention_heads: usize,
    pub(crate) inner: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) vocabulary: usize,
    pub(crate) word_width: usize,
    pub(crate) positions: usize,
}

impl Shape {
    /// Small enough for an emulator.
    pub(crate) const SMALL: Self = Self {
        hidden: 64,
        attention_heads: 2,
        inner: 160,
        layers: 2,
        heads: 3,
        vocabulary: 50,
        word_width: 64,
        positions: 80,
    };
    /// The same with narrow word rows.
    pub(crate) const NARROW: Self = Self { word_width: 32, ..Self::SMALL };
}

impl Model {
    pub(crate) fn new(seed: u64, shape: &Shape) -> Self {
        let r = &mut Random::new(seed);
        let Shape { hidden, attention_heads, inner, heads, vocabulary, word_width, positions, .. } = *shape;
        let layer = |r: &mut Random| Layer {
            qkv: Linear::new(r, 3 * hidden, hidden),
            output: Linear::new(r, hidden, hidden),
            attention_norm: NormData::new(r, hidden),
            ffn_input: Linear::new(r, inner, hidden),
            ffn_output: Linear::new(r, hidden, inner),
            ffn_norm: NormData::new(r, hidden),
        };
        Self {
            hidden,
            attention_heads,
            heads,
            vocabulary,
            word: (r.codes(vocabulary * word_width), r.floats(vocabulary, |r| 0.01 + 0.005 * r.unit())),
            projection: (word_width < hidden).then(|| r.floats(word_width * hidden, |r| 0.3 * r.unit())),
            position: (r.codes(positions * hidden), r.floats(positions, |r| 0.003 + 0.001 * r.unit())),
            norm: NormData::new(r, hidden),
            layers: (0..shape.layers).map(|_| layer(r)).collect(),
            query: r.floats(heads * hidden, |r| 0.2 * r.unit()),
            weight: r.floats(heads * hidden, |r| 0.2 * r.unit()),
            mean_weight: r.floats(heads * hidden, |r| 0.2 * r.unit()),
            bias: r.floats(heads, |r| r.unit()),
        }
    }

    pub(crate) fn embeddings(&self) -> Embeddings<'_> {
        let ((word, word_scale), (position, position_scale)) = (&self.word, &self.position);
        let projection = self.projection.as_deref();
        Embeddings::new(word, word_scale, projection, position, position_scale, self.norm.view()).unwrap()
    }

    pub(crate) fn attention<'a>(&self, layer: &'a Layer) -> AttentionWeights<'a> {
        let norm = layer.attention_norm.view();
        AttentionWeights::new(layer.qkv.view(), layer.output.view(), norm, self.attention_heads).unwrap()
    }

    pub(crate) fn feed_forward<'a>(&self, layer: &'a Layer) -> FeedForwardWeights<'a> {
        FeedForwardWeights::new(layer.ffn_input.view(), layer.ffn_output.view(), layer.ffn_norm.view())
            .unwrap()
    }

    pub(crate) fn head_weights(&self) -> HeadWeights<'_> {
        HeadWeights::new(&self.query, &self.weight, &self.mean_weight, &self.bias, self.hidden).unwrap()
    }

    pub(crate) fn ids(&self, random: &mut Random, count: usize) -> Vec<u32> {
        (0..count).map(|_| random.below(self.vocabulary) as u32).collect()
    }

    /// The whole encoder.
    pub(crate) fn encode(&self, level: Level, ids: &[u32], bounds: &[usize]) -> Encoded {
        let kernels = Kernels::new(level).unwrap();
        let mut scratch = Scratch::new();
        let mut x = vec![0.0; ids.len() * self.hidden];
        kernels.embed(&self.embeddings(), ids, bounds, &mut x).unwrap();
        for layer in &self.layers {
            kernels.attention_block(&self.attention(layer), bounds, &mut x, &mut scratch).unwrap();
            kernels.feed_forward_block(&self.feed_forward(layer), &mut x, &mut scratch).unwrap();
        }
        let sequences = bounds.len() - 1;
        let mut encoded = Encoded {
            pooled: vec![0.0; sequences * self.hidden],
            logits: vec![0.0; sequences * self.heads],
            attention: vec![0.0; ids.len() * self.heads],
            x: Vec::new(),
        };
        let Encoded { pooled, logits, attention, .. } = &mut encoded;
        kernels
            .pool_heads(&self.head_weights(), bounds, &x, pooled, logits, Some(attention), &mut scratch)
            .unwrap();
        encoded.x = x;
        encoded
    }
}

/// What an encoder gives for a batch.
pub(crate) struct Encoded {
    pub(crate) x: Vec<f32>,
    pub(crate) pooled: Vec<f32>,
    pub(crate) logits: Vec<f32>,
    pub(crate) attention: Vec<f32>,
}

/// The bounds of sequences of these lengths.
pub(crate) fn bounds_of(lengths: &[usize]) -> Vec<usize> {
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

/// The bits of floats, all NaNs as one.
pub(crate) fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|x| if x.is_nan() { f32::NAN } else { *x }.to_bits()).collect()
}
