// Products with the layers' matrices, [columns][steps] in f16: `panel` for those that read whole states, `stream` for those that
// add to them.
//
// A sum of states is stored before its normalization; whoever reads it next normalizes its rows as it loads them. So no kernel
// needs all columns of a row at its end, and a single short text can be spread over the whole device.
#pragma once
#include "tile.cuh"

constexpr int HIDDEN = 384;
constexpr int HIDDEN_SLABS = HIDDEN / SLAB;

// Where the rows of a panel come from.
enum Source : int {
    // Rows of states, as they are.
    STATES = 0,
    // Sums of states, to be normalized.
    SUMS = 1,
    // The tables of words and places, whose rows' sums are to be normalized.
    TABLES = 2,
};

struct PanelArgs {
    const int* counts;
    const __half* rows;
    const __half* words;
    const __half* places;
    const int* ids;
    const int* positions;
    const float* norm_weight;
    const float* norm_bias;
    __half* states;
    const __half* weight;
    const float* bias;
    __half* out;
    int columns;
    float epsilon;
};

struct StreamArgs {
    const int* counts;
    const __half* rows;
    const __half* weight;
    const float* bias;
    const __half* residual;
    __half* out;
    int columns;
    int steps;
};

// Half of x (1 + erf(x / sqrt 2)). The polynomial in x^2 of erf(x / sqrt 2) / x is Chebyshev's up to 4.25, a little high so that
// its end is cut off at one: at most 6e-5 from the true value.
__device__ __forceinline__ float gelu(float x) {
    float cut = fminf(fmaxf(x, -4.25f), 4.25f);
    float s = fmaf(cut * cut, 2.0f / (4.25f * 4.25f), -1.0f);
    float q = -0.0024405329f;
    q = fmaf(q, s, 0.0059493147f);
    q = fmaf(q, s, -0.0078332443f);
    q = fmaf(q, s, 0.0153750116f);
    q = fmaf(q, s, -0.0315678753f);
    q = fmaf(q, s, 0.0521436855f);
    q = fmaf(q, s, -0.0778790116f);
    q = fmaf(q, s, 0.1112422124f);
    q = fmaf(q, s, -0.1615767479f);
    q = fmaf(q, s, 0.3318747282f);
    float erf = fminf(fmaxf(q * cut * 1.00004f, -1.0f), 1.0f);
    float half = 0.5f * x;
    return fmaf(half, erf, half);
}

// Loads ROWS rows into the panel, normalized, a warp a row at a time and four of them under way.
template <int ROWS, int WARPS, int SOURCE>
__device__ __forceinline__ void load_panel_normalized(const PanelArgs& p, uint32_t panel, int row0, int tokens, int warp,
                                                      int lane, bool keep) {
    constexpr int EACH = ROWS / WARPS;
    constexpr int AT_ONCE = EACH < 4 ? EACH : 4;
    static_assert(EACH * WARPS == ROWS && EACH % AT_ONCE == 0, "rows are shared out evenly");
    float2 weight[HIDDEN_SLABS], bias[HIDDEN_SLABS];
#pragma unroll
    for (int i = 0; i < HIDDEN_SLABS; i++) {
        weight[i] = reinterpret_cast<const float2*>(p.norm_weight)[i * 32 + lane];
        bias[i] = reinterpret_cast<const float2*>(p.norm_bias)[i * 32 + lane];
    }
    for (int first = warp * EACH; first < (warp + 1) * EACH; first += AT_ONCE) {
        float2 x[AT_ONCE][HIDDEN_SLABS];
#pragma unroll
        for (int r = 0; r < AT_ONCE; r++) {
            int row = row0 + first + r;
            bool there = row < tokens;
            if (SOURCE == TABLES) {
                const uint32_t* word = reinterpret_cast<const uint32_t*>(p.words);
                const uint32_t* place = reinterpret_cast<const uint32_t*>(p.places);
                size_t id = there ? p.ids[row] : 0;
                size_t position = there ? p.positions[row] : 0;
#pragma unroll
                for (int i = 0; i < HIDDEN_SLABS; i++) {
                    float2 a = unpacked(word[id * (HIDDEN / 2) + i * 32 + lane]);
                    float2 b = unpacked(place[position * (HIDDEN / 2) + i * 32 + lane]);
                    x[r][i] = make_float2(a.x + b.x, a.y + b.y);
                }
            } else {
                const uint32_t* rows = reinterpret_cast<const uint32_t*>(p.rows);
#pragma unroll
                for (int i = 0; i < HIDDEN_SLABS; i++) {
                    x[r][i] = unpacked(there ? rows[static_cast<size_t>(row) * (HIDDEN / 2) + i * 32 + lane] : 0u);
                }
            }
        }
#pragma unroll
        for (int r = 0; r < AT_ONCE; r++) {
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < HIDDEN_SLABS; i++) sum += x[r][i].x + x[r][i].y;
            float mean = sum_of_warp(sum) * (1.0f / HIDDEN);
            float squares = 0.0f;
#pragma unroll
            for (int i = 0; i < HIDDEN_SLABS; i++) {
                float a = x[r][i].x - mean, b = x[r][i].y - mean;
                squares = fmaf(a, a, fmaf(b, b, squares));
            }
            float scale = rsqrtf(sum_of_warp(squares) * (1.0f / HIDDEN) + p.epsilon);
            int at = first + r;
            int row = row0 + at;
            bool there = row < tokens;
#pragma unroll
            for (int i = 0; i < HIDDEN_SLABS; i++) {
                float a = fmaf((x[r][i].x - mean) * scale, weight[i].x, bias[i].x);
                float b = fmaf((x[r][i].y - mean) * scale, weight[i].y, bias[i].y);
                uint32_t both = there ? packed(a, b) : 0u;
                shared_store(panel + i * ROWS * ROW_BYTES + a_offset(at, lane >> 2) + (lane & 3) * 4, both);
                if (keep && there) {
                    reinterpret_cast<uint32_t*>(p.states)[static_cast<size_t>(row) * (HIDDEN / 2) + i * 32 + lane] = both;
                }
            }
        }
    }
}

// Writes the sums of a warp: 2G neighbouring columns a thread, row and group.
template <int MT, int NT, int G, bool GELU, bool RESIDUAL>
__device__ __forceinline__ void write_sums(const float (&sums)[MT][NT][4], const float* bias, const __half* residual,
                                           __half* out, int columns, int row0, int column0, int tokens, int lane) {
#pragma unroll
    for (int group = 0; group < NT / G; group++) {
        int column = column0 + group * 8 * G + (lane & 3) * 2 * G;
        float added[2 * G];
#pragma unroll
        for (int i = 0; i < 2 * G; i += 4) {
            float4 four = *reinterpret_cast<const float4*>(bias + column + i);
            added[i] = four.x, added[i + 1] = four.y, added[i + 2] = four.z, added[i + 3] = four.w;
        }
#pragma unroll
        for (int mt = 0; mt < MT; mt++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int row = row0 + mt * 16 + half * 8 + (lane >> 2);
                if (row >= tokens) continue;
                size_t place = static_cast<size_t>(row) * columns + column;
                uint32_t before[G] = {};
                if (RESIDUAL) {
                    if (G == 4) {
                        uint4 four = *reinterpret_cast<const uint4*>(residual + place);
                        before[0] = four.x, before[1] = four.y, before[G - 2] = four.z, before[G - 1] = four.w;
                    } else {
                        uint2 two = *reinterpret_cast<const uint2*>(residual + place);
                        before[0] = two.x, before[1] = two.y;
                    }
                }
                uint32_t after[G];
#pragma unroll
                for (int j = 0; j < G; j++) {
                    float a = sums[mt][group * G + j][half * 2] + added[j * 2];
                    float b = sums[mt][group * G + j][half * 2 + 1] + added[j * 2 + 1];
                    if (GELU) a = gelu(a), b = gelu(b);
                    if (RESIDUAL) {
                        float2 more = unpacked(before[j]);
                        a += more.x, b += more.y;
                    }
                    after[j] = packed(a, b);
                }
                if (G == 4) {
                    *reinterpret_cast<uint4*>(out + place) = make_uint4(after[0], after[1], after[G - 2], after[G - 1]);
                } else {
                    *reinterpret_cast<uint2*>(out + place) = make_uint2(after[0], after[1]);
                }
            }
        }
    }
}

// Adds up what the WK parts of a CTA's warps have of the same sums; true for the part that has them all.
template <int MT, int NT, int WARPS, int WK>
__device__ __forceinline__ bool add_parts(float (&sums)[MT][NT][4], uint32_t room, int warp, int lane) {
    if (WK == 1) return true;
    constexpr int COUNT = MT * NT * 4;
    int part = warp / WARPS;
    uint32_t place = room + ((warp % WARPS) * 32 + lane) * 4;
    copies_wait<0>();
    BLOCK_BARRIER();
    if (part > 0) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            float value = sums[i / 4 / NT][i / 4 % NT][i % 4];
            shared_store(place + ((part - 1) * COUNT + i) * (WARPS * 128), __float_as_uint(value));
        }
    }
    BLOCK_BARRIER();
    if (part > 0) return false;
#pragma unroll
    for (int other = 0; other < WK - 1; other++) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            sums[i / 4 / NT][i / 4 % NT][i % 4] +=
                __uint_as_float(shared_load(place + (other * COUNT + i) * (WARPS * 128)));
        }
    }
    return true;
}

// ROWS x COLUMNS of a product by WM x WN x WK warps, of which WK share each slab's steps, with STAGES slabs under way.
template <int ROWS_, int COLUMNS_, int WM_, int WN_, int WK_, int STAGES_>
struct Shape {
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, WM = WM_, WN = WN_, WK = WK_, STAGES = STAGES_;
    static constexpr int WARPS = WM * WN * WK, THREADS = WARPS * 32;
    static constexpr int MT = ROWS / WM / 16, NT = COLUMNS / WN / 8, G = NT % 4 == 0 ? 4 : 2;
    static constexpr int A_SLAB = ROWS * ROW_BYTES, B_SLAB = COLUMNS * ROW_BYTES;
    static constexpr int PANEL_BYTES = HIDDEN_SLABS * A_SLAB + STAGES * B_SLAB;
    static constexpr int STREAM_BYTES = STAGES * (A_SLAB + B_SLAB);
    static_assert(MT * 16 * WM == ROWS && NT * 8 * WN == COLUMNS && NT % 2 == 0 && 4 % WK == 0, "warps divide the tile");
    static_assert((WK - 1) * ROWS * 4 <= STAGES * ROW_BYTES, "the parts' sums fit where the slabs were");
};

template <class S>
__device__ __forceinline__ void load_b(const __half* weight, int steps, uint32_t to, int thread) {
#pragma unroll
    for (int i = 0; i < (S::COLUMNS * 8 + S::THREADS - 1) / S::THREADS; i++) {
        int index = thread + i * S::THREADS;
        if (S::COLUMNS * 8 % S::THREADS != 0 && index >= S::COLUMNS * 8) break;
        int row = index >> 3, chunk = index & 7;
        copy16(to + b_offset<S::G>(row, chunk), weight + static_cast<size_t>(row) * steps + chunk * 8, true);
    }
}

template <class S>
__device__ __forceinline__ void load_a(const __half* rows, int steps, int left, uint32_t to, int thread) {
#pragma unroll
    for (int i = 0; i < (S::ROWS * 8 + S::THREADS - 1) / S::THREADS; i++) {
        int index = thread + i * S::THREADS;
        if (S::ROWS * 8 % S::THREADS != 0 && index >= S::ROWS * 8) break;
        int row = index >> 3, chunk = index & 7;
        bool there = row < left;
        copy16(to + a_offset(row, chunk), rows + static_cast<size_t>(there ? row : 0) * steps + chunk * 8, there);
    }
}

// out = f(normalized rows x weight + bias). blockIdx.x is a tile of rows, whose panel stays; blockIdx.y a share of the columns.
template <class S, int SOURCE, bool GELU>
__device__ __forceinline__ void panel(const PanelArgs& p) {
    const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
    const int part = warp / (S::WM * S::WN), wm = warp % (S::WM * S::WN) / S::WN, wn = warp % S::WN;
    const uint32_t panel = shared_base(), ring = panel + HIDDEN_SLABS * S::A_SLAB;
    const int tiles = p.columns / S::COLUMNS / gridDim.y;
    const int column0 = blockIdx.y * tiles * S::COLUMNS;
    const int total = tiles * HIDDEN_SLABS;
    auto load = [&](int at) {
        if (at < total) {
            const __half* from =
                p.weight + static_cast<size_t>(column0 + at / HIDDEN_SLABS * S::COLUMNS) * HIDDEN + at % HIDDEN_SLABS * SLAB;
            load_b<S>(from, HIDDEN, ring + at % S::STAGES * S::B_SLAB, thread);
        }
        copies_commit();
    };
    let_next_kernel_start();
    // Weights are there before the kernels before this one end.
    for (int at = 0; at < S::STAGES - 1; at++) load(at);
    wait_for_kernels_before();
    const int tokens = p.counts[0], row0 = blockIdx.x * S::ROWS;
    if (row0 >= tokens) {
        copies_wait<0>();
        return;
    }
    if (SOURCE == STATES) {
#pragma unroll
        for (int slab = 0; slab < HIDDEN_SLABS; slab++) {
            load_a<S>(p.rows + static_cast<size_t>(row0) * HIDDEN + slab * SLAB, HIDDEN, tokens - row0,
                      panel + slab * S::A_SLAB, thread);
        }
        copies_commit();
        copies_wait<0>();
    } else {
        load_panel_normalized<S::ROWS, S::WARPS, SOURCE>(p, panel, row0, tokens, warp, lane, blockIdx.y == 0);
    }
    int at = 0;
    for (int tile = 0; tile < tiles; tile++) {
        float sums[S::MT][S::NT][4] = {};
        for (int slab = 0; slab < HIDDEN_SLABS; slab++, at++) {
            copies_wait<S::STAGES - 2>();
            BLOCK_BARRIER();
            load(at + S::STAGES - 1);
#pragma unroll
            for (int i = 0; i < 4 / S::WK; i++) {
                multiply_step<S::MT, S::NT, S::G>(sums, panel + slab * S::A_SLAB, wm * S::MT * 16,
                                                  ring + at % S::STAGES * S::B_SLAB, wn * S::NT * 8, part * (4 / S::WK) + i,
                                                  lane);
            }
        }
        if (add_parts<S::MT, S::NT, S::WM * S::WN, S::WK>(sums, ring, warp, lane)) {
            write_sums<S::MT, S::NT, S::G, GELU, false>(sums, p.bias, nullptr, p.out, p.columns, row0 + wm * S::MT * 16,
                                                        column0 + tile * S::COLUMNS + wn * S::NT * 8, tokens, lane);
        }
    }
}

// out = rows x weight + bias + residual, for any number of steps. blockIdx.x is a tile of rows, blockIdx.y one of columns.
template <class S>
__device__ __forceinline__ void stream(const StreamArgs& p) {
    const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
    const int part = warp / (S::WM * S::WN), wm = warp % (S::WM * S::WN) / S::WN, wn = warp % S::WN;
    const uint32_t ring = shared_base();
    const int total = p.steps / SLAB, row0 = blockIdx.x * S::ROWS, column0 = blockIdx.y * S::COLUMNS;
    const __half* weight = p.weight + static_cast<size_t>(column0) * p.steps;
    const __half* rows = p.rows + static_cast<size_t>(row0) * p.steps;
    auto slot = [&](int at) { return ring + at % S::STAGES * (S::A_SLAB + S::B_SLAB); };
    let_next_kernel_start();
    for (int at = 0; at < S::STAGES - 1; at++) {
        if (at < total) load_b<S>(weight + at * SLAB, p.steps, slot(at) + S::A_SLAB, thread);
    }
    wait_for_kernels_before();
    const int tokens = p.counts[0];
    if (row0 >= tokens) {
        copies_commit();
        copies_wait<0>();
        return;
    }
    for (int at = 0; at < S::STAGES - 1; at++) {
        if (at < total) load_a<S>(rows + at * SLAB, p.steps, tokens - row0, slot(at), thread);
        copies_commit();
    }
    float sums[S::MT][S::NT][4] = {};
    for (int at = 0; at < total; at++) {
        copies_wait<S::STAGES - 2>();
        BLOCK_BARRIER();
        int next = at + S::STAGES - 1;
        if (next < total) {
            load_a<S>(rows + next * SLAB, p.steps, tokens - row0, slot(next), thread);
            load_b<S>(weight + next * SLAB, p.steps, slot(next) + S::A_SLAB, thread);
        }
        copies_commit();
#pragma unroll
        for (int i = 0; i < 4 / S::WK; i++) {
            multiply_step<S::MT, S::NT, S::G>(sums, slot(at), wm * S::MT * 16, slot(at) + S::A_SLAB, wn * S::NT * 8,
                                              part * (4 / S::WK) + i, lane);
        }
    }
    if (add_parts<S::MT, S::NT, S::WM * S::WN, S::WK>(sums, ring, warp, lane)) {
        write_sums<S::MT, S::NT, S::G, false, true>(sums, p.bias, p.residual, p.out, p.columns, row0 + wm * S::MT * 16,
                                                    column0 + wn * S::NT * 8, tokens, lane);
    }
}
