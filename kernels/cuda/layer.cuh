// A layer on Hopper from the mix of its attention to the next layer's queries, keys and values in one kernel: nothing of it but its
// ends is in the device's memory.
//
// A CTA has 128 rows: two groups of four warps with 64 rows each, whose sums of all 384 columns stay in registers, and a warp that
// copies the weights through a ring of chunks. The weights lie in the order in which they are read, each chunk as it is to lie in
// shared memory (`packed_weights` in pack.h).
#pragma once
#include "gemm.cuh"
#include "products.cuh"

struct LayerArgs {
    const int* counts;
    const __half* mixed;
    const __half* residual;
    const unsigned char* weights;
    const float *mix_bias, *mix_norm_weight, *mix_norm_bias;
    const float *up_bias;
    const float *down_bias, *down_norm_weight, *down_norm_bias;
    const float* qkv_bias;
    __half* states;
    __half* qkv;
    float epsilon;
    // Whether the next layer's queries, keys and values are wanted.
    int next;
    // Becomes 1 where a barrier never came: what is written is nothing.
    int* trouble;
};

constexpr int LAYER_ROWS = 128, LAYER_THREADS = 384;
constexpr int CHUNK_BYTES = 192 * ROW_BYTES, RING_CHUNKS = 5;
constexpr int MIX_CHUNKS = 12, UP_CHUNKS = 2, DOWN_CHUNKS = 2, INNER_STEPS = 1536 / 64, QKV_CHUNKS = 36;
constexpr int LAYER_CHUNKS = MIX_CHUNKS + INNER_STEPS * (UP_CHUNKS + DOWN_CHUNKS) + QKV_CHUNKS;
constexpr int PANEL_AT = 0, RING_AT = HIDDEN_SLABS * LAYER_ROWS * ROW_BYTES, BIAS_AT = RING_AT + RING_CHUNKS * CHUNK_BYTES;
constexpr int BARRIERS_AT = BIAS_AT + 1536 * 4, LAYER_BYTES = BARRIERS_AT + RING_CHUNKS * 16;
// Together they take a second or two.
constexpr int MOST_TRIES = 1 << 17;

// Places in the ring; registers are scarce, so a place is all that is kept.
struct Ring {
    uint32_t barriers;
    uint32_t phase = 0;
    int tries = MOST_TRIES;
    __device__ __forceinline__ explicit Ring(uint32_t base) : barriers(base + BARRIERS_AT) {}
    __device__ __forceinline__ uint32_t full() const { return barriers; }
    __device__ __forceinline__ uint32_t empty() const { return barriers + 8; }
    __device__ __forceinline__ uint32_t chunk() const {
        uint32_t base = shared_base();
        return base + RING_AT + ((barriers - base - BARRIERS_AT) >> 4) * CHUNK_BYTES;
    }
    __device__ __forceinline__ void next() {
        barriers += 16;
        if (barriers == shared_base() + BARRIERS_AT + RING_CHUNKS * 16) barriers -= RING_CHUNKS * 16, phase ^= 1;
    }
    __device__ __forceinline__ void wait_full() { barrier_wait(full(), phase, tries); }
    __device__ __forceinline__ void wait_empty() { barrier_wait(empty(), phase ^ 1, tries); }
    // One lane a warp gives the chunk back that lies so many before this one.
    __device__ __forceinline__ void give_back(int before, int lane) const {
        uint32_t at = barriers - before * 16;
        if (static_cast<int>(at - (shared_base() + BARRIERS_AT)) < 0) at += RING_CHUNKS * 16;
        if (lane == 0) barrier_arrive(at + 8);
    }
};

// Loads or adds two rows of a thread's numbers: sums[half][(group * 4 + j) * 4 + r * 2 + e] is row r * 8 + lane / 4 and column
// half * 192 + group * 32 + lane % 4 * 8 + j * 2 + e.
__device__ __forceinline__ int first_column(int half, int group, int lane) { return half * 192 + group * 32 + (lane & 3) * 8; }

__device__ __forceinline__ void add_columns(float (&sums)[96], int half, const float* bias, int lane) {
#pragma unroll
    for (int group = 0; group < 6; group++) {
        const float4* from = reinterpret_cast<const float4*>(bias + first_column(half, group, lane));
        float4 a = from[0], b = from[1];
        float eight[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < 16; i++) sums[group * 16 + i] += eight[(i >> 2) * 2 + (i & 1)];
    }
}

__device__ __forceinline__ void normalize(float (&a)[96], float (&b)[96], const float* weight, const float* bias, float epsilon, int lane) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < 48; i++) sum += a[(i >> 1) * 4 + r * 2 + (i & 1)] + b[(i >> 1) * 4 + r * 2 + (i & 1)];
        sum += shuffle_xor(sum, 1);
        sum += shuffle_xor(sum, 2);
        float mean = sum * (1.0f / HIDDEN), squares = 0.0f;
#pragma unroll
        for (int i = 0; i < 48; i++) {
            float& x = a[(i >> 1) * 4 + r * 2 + (i & 1)];
            float& y = b[(i >> 1) * 4 + r * 2 + (i & 1)];
            x -= mean, y -= mean;
            squares = fmaf(x, x, fmaf(y, y, squares));
        }
        squares += shuffle_xor(squares, 1);
        squares += shuffle_xor(squares, 2);
        float scale = rsqrtf(squares * (1.0f / HIDDEN) + epsilon);
#pragma unroll
        for (int i = 0; i < 48; i++) {
            a[(i >> 1) * 4 + r * 2 + (i & 1)] *= scale;
            b[(i >> 1) * 4 + r * 2 + (i & 1)] *= scale;
        }
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float(&x)[96] = half == 0 ? a : b;
#pragma unroll
        for (int group = 0; group < 6; group++) {
            const float4* from = reinterpret_cast<const float4*>(weight + first_column(half, group, lane));
            const float4* more = reinterpret_cast<const float4*>(bias + first_column(half, group, lane));
            float4 w0 = from[0], w1 = from[1], b0 = more[0], b1 = more[1];
            float w[8] = {w0.x, w0.y, w0.z, w0.w, w1.x, w1.y, w1.z, w1.w};
            float c[8] = {b0.x, b0.y, b0.z, b0.w, b1.x, b1.y, b1.z, b1.w};
#pragma unroll
            for (int i = 0; i < 16; i++) {
                int k = (i >> 2) * 2 + (i & 1);
                x[group * 16 + i] = fmaf(x[group * 16 + i], w[k], c[k]);
            }
        }
    }
}

__device__ __forceinline__ uint4 eight_of(const float (&x)[96], int group, int r) {
    return make_uint4(packed(x[group * 16 + r * 2], x[group * 16 + r * 2 + 1]), packed(x[group * 16 + 4 + r * 2], x[group * 16 + 5 + r * 2]),
                      packed(x[group * 16 + 8 + r * 2], x[group * 16 + 9 + r * 2]),
                      packed(x[group * 16 + 12 + r * 2], x[group * 16 + 13 + r * 2]));
}

// Writes half of the columns of a thread's two rows into the panel, where products find them.
__device__ __forceinline__ void to_panel(const float (&x)[96], int half, uint32_t panel, int row, int lane) {
#pragma unroll
    for (int group = 0; group < 6; group++) {
        int chunk = half * 24 + group * 4 + (lane & 3);
#pragma unroll
        for (int r = 0; r < 2; r++) {
            shared_store16(panel + (chunk >> 3) * LAYER_ROWS * ROW_BYTES + a_offset(row + r * 8, chunk & 7), eight_of(x, group, r));
        }
    }
}

__device__ __forceinline__ void to_memory(const float (&x)[96], __half* to, int stride, int column0, int row, int tokens, int lane) {
#pragma unroll
    for (int group = 0; group < 6; group++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            if (row + r * 8 < tokens) {
                *reinterpret_cast<uint4*>(to + static_cast<size_t>(row + r * 8) * stride + column0 + first_column(0, group, lane)) =
                    eight_of(x, group, r);
            }
        }
    }
}

// Adds to 192 columns what a slab of the panel and a chunk give.
__device__ __forceinline__ void multiply_chunk(float (&sums)[96], uint32_t rows, uint32_t chunk) {
    uint64_t a = operand(rows), b = operand(chunk);
#pragma unroll
    for (int step = 0; step < 4; step++) product_192(sums, a + step * 2, b + step * 2);
}

// What the two groups of four warps do.
__device__ __forceinline__ void layer_sums(const LayerArgs& p, Ring& ring) {
    const int thread = threadIdx.x, lane = thread & 31, group = thread >> 7;
    const uint32_t base = shared_base();
    const int tokens = p.counts[0], row0 = blockIdx.x * LAYER_ROWS;
    const uint32_t panel = base + PANEL_AT, own = panel + group * 64 * ROW_BYTES;
    constexpr int SLAB_BYTES = LAYER_ROWS * ROW_BYTES;
    const int local = thread & 127;
    // The group's rows of the mix, and the inner biases.
    for (int index = local; index < 64 * 48; index += 128) {
        int row = group * 64 + index / 48, chunk = index % 48;
        bool there = row0 + row < tokens;
        copy16(panel + (chunk >> 3) * SLAB_BYTES + a_offset(row, chunk & 7),
               p.mixed + static_cast<size_t>(there ? row0 + row : 0) * HIDDEN + chunk * 8, there);
    }
    for (int index = thread; index < 1536 / 4; index += 256) copy16(base + BIAS_AT + index * 16, p.up_bias + index * 4, true);
    copies_commit();
    // A row of the first of a warp's two halves, and a thread's place in it.
    const int row = group * 64 + (local >> 5) * 16 + (lane >> 2);
    float left[96], right[96];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float(&x)[96] = half == 0 ? left : right;
#pragma unroll
        for (int g = 0; g < 6; g++) {
#pragma unroll
            for (int r = 0; r < 2; r++) {
                uint4 eight = make_uint4(0, 0, 0, 0);
                if (row0 + row + r * 8 < tokens) {
                    eight = *reinterpret_cast<const uint4*>(p.residual + static_cast<size_t>(row0 + row + r * 8) * HIDDEN +
                                                            first_column(half, g, lane));
                }
                uint32_t words[4] = {eight.x, eight.y, eight.z, eight.w};
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    float2 two = unpacked(words[j]);
                    x[g * 16 + j * 4 + r * 2] = two.x, x[g * 16 + j * 4 + r * 2 + 1] = two.y;
                }
            }
        }
    }
    add_columns(left, 0, p.mix_bias, lane);
    add_columns(right, 1, p.mix_bias, lane);
    copies_wait<0>();
    show_to_products();
    group_barrier(1, 256);
    // The mix, onto the states from before.
#pragma unroll 1
    for (int slab = 0; slab < HIDDEN_SLABS; slab++) {
        ring.wait_full();
        hold(left);
        products_begin();
        multiply_chunk(left, own + slab * SLAB_BYTES, ring.chunk());
        products_commit();
        ring.next();
        products_wait<1>();
        if (slab > 0) ring.give_back(2, lane);
        ring.wait_full();
        hold(right);
        products_begin();
        multiply_chunk(right, own + slab * SLAB_BYTES, ring.chunk());
        products_commit();
        ring.next();
        products_wait<1>();
        ring.give_back(2, lane);
    }
    products_wait<0>();
    hold(left);
    hold(right);
    ring.give_back(1, lane);
    normalize(left, right, p.mix_norm_weight, p.mix_norm_bias, p.epsilon, lane);
    // All warps of the group have read the mix.
    group_barrier(2 + group, 128);
    to_panel(left, 0, panel, row, lane);
    to_panel(right, 1, panel, row, lane);
    show_to_products();
    group_barrier(2 + group, 128);
    add_columns(left, 0, p.down_bias, lane);
    add_columns(right, 1, p.down_bias, lane);
    // Inner columns by 64: up, the function, and down again onto the states.
#pragma unroll 1
    for (int step = 0; step < INNER_STEPS; step++) {
        uint32_t a[4][4];
        // Or the compiler keeps the places of all slabs at hand, for want of which sums would be spilled.
        uint32_t rows = own;
        asm volatile("" : "+r"(rows));
        uint32_t first = ring.chunk();
        ring.wait_full();
        ring.next();
        ring.wait_full();
        uint32_t second = ring.chunk();
        ring.next();
#pragma unroll
        for (int part = 0; part < 2; part++) {
            float inner[16] = {};
            hold(inner);
            products_begin();
#pragma unroll
            for (int slab = 0; slab < HIDDEN_SLABS; slab++) {
                uint32_t chunk = (slab < 3 ? first : second) + slab % 3 * (64 * ROW_BYTES) + part * (32 * ROW_BYTES);
                uint64_t x = operand(rows + slab * SLAB_BYTES), w = operand(chunk);
#pragma unroll
                for (int k = 0; k < 4; k++) product_32(inner, x + k * 2, w + k * 2);
            }
            products_commit();
            products_wait<0>();
            hold(inner);
            if (part == 1) {
                ring.give_back(2, lane);
                ring.give_back(1, lane);
            }
            const uint32_t bias = base + BIAS_AT + (step * 64 + part * 32 + (lane & 3) * 2) * 4;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float b0 = __uint_as_float(shared_load(bias + i * 32)), b1 = __uint_as_float(shared_load(bias + i * 32 + 4));
                float* four = inner + i * 4;
                a[part * 2 + i / 2][i % 2 * 2] = packed(gelu(four[0] + b0), gelu(four[1] + b1));
                a[part * 2 + i / 2][i % 2 * 2 + 1] = packed(gelu(four[2] + b0), gelu(four[3] + b1));
            }
        }
        ring.wait_full();
        hold(left);
        products_begin();
        {
            uint64_t b = operand(ring.chunk());
#pragma unroll
            for (int k = 0; k < 4; k++) product_192_registers(left, a[k], b + k * 2);
        }
        products_commit();
        ring.next();
        ring.wait_full();
        hold(right);
        products_begin();
        {
            uint64_t b = operand(ring.chunk());
#pragma unroll
            for (int k = 0; k < 4; k++) product_192_registers(right, a[k], b + k * 2);
        }
        products_commit();
        ring.next();
        products_wait<1>();
        ring.give_back(2, lane);
        products_wait<0>();
        hold(left);
        hold(right);
        ring.give_back(1, lane);
    }
    normalize(left, right, p.down_norm_weight, p.down_norm_bias, p.epsilon, lane);
    to_memory(left, p.states, HIDDEN, 0, row0 + row, tokens, lane);
    to_memory(right, p.states, HIDDEN, 192, row0 + row, tokens, lane);
    if (!p.next) return;
    group_barrier(2 + group, 128);
    to_panel(left, 0, panel, row, lane);
    to_panel(right, 1, panel, row, lane);
    show_to_products();
    group_barrier(2 + group, 128);
#pragma unroll 1
    for (int block = 0; block < 6; block++) {
#pragma unroll
        for (int i = 0; i < 96; i++) left[i] = 0.0f;
#pragma unroll 1
        for (int slab = 0; slab < HIDDEN_SLABS; slab++) {
            ring.wait_full();
            hold(left);
            products_begin();
            multiply_chunk(left, own + slab * SLAB_BYTES, ring.chunk());
            products_commit();
            ring.next();
            products_wait<1>();
            if (slab > 0) ring.give_back(2, lane);
        }
        products_wait<0>();
        hold(left);
        ring.give_back(1, lane);
        add_columns(left, 0, p.qkv_bias + block * 192, lane);
        to_memory(left, p.qkv, 1152, block * 192, row0 + row, tokens, lane);
    }
}

__device__ __forceinline__ void layer(const LayerArgs& p) {
    const int thread = threadIdx.x, group = thread >> 7;
    const uint32_t base = shared_base();
    const int tokens = p.counts[0], row0 = blockIdx.x * LAYER_ROWS;
    if (row0 >= tokens) return;
    Ring ring(base);
    if (thread == 0) {
        for (int i = 0; i < RING_CHUNKS; i++) {
            barrier_start(base + BARRIERS_AT + i * 16, 1);
            barrier_start(base + BARRIERS_AT + i * 16 + 8, 8);
        }
        barriers_show();
    }
    BLOCK_BARRIER();
    if (group == 2) {
        fewer_registers<24>();
        if (thread == 256) {
            int chunks = LAYER_CHUNKS - (p.next ? 0 : QKV_CHUNKS);
            for (int i = 0; i < chunks; i++, ring.next()) {
                if (i >= RING_CHUNKS) ring.wait_empty();
                barrier_expect(ring.full(), CHUNK_BYTES);
                copy_chunk(ring.chunk(), p.weights + static_cast<size_t>(i) * CHUNK_BYTES, CHUNK_BYTES, ring.full());
            }
        }
    } else {
        more_registers<240>();
        layer_sums(p, ring);
    }
    if (ring.tries == 0) *p.trouble = 1;
}
