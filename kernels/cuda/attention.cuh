// Attention of heads of 32 numbers: a tile of queries of one sequence and some heads, over blocks of its keys, softmax as it goes.
#pragma once
#include "tile.cuh"

constexpr int HEAD = 32;
constexpr int KEYS = 64;

// A tile of queries: rows `query` and on of the sequence from row `begin` to `end`.
struct QueryTile {
    int begin;
    int end;
    int query;
    int unused;
};

struct AttentionArgs {
    const int* counts;
    const QueryTile* tiles;
    const __half* qkv;
    __half* mixed;
};

// A row of a head is 64 bytes, two of them in a row of the banks.
__device__ __forceinline__ uint32_t key_offset(int row, int chunk) { return row * 64 + ((chunk ^ ((row >> 1) & 3)) << 4); }

// QUERIES x 16 queries by HEADS heads, a warp each. blockIdx.x is a tile of queries, blockIdx.y a group of heads. 1/sqrt(d) is part
// of the query's weights.
template <int QUERIES, int HEADS>
__device__ __forceinline__ void attention(const AttentionArgs& p) {
    constexpr int THREADS = QUERIES * HEADS * 32, WIDTH = 1152, HIDDEN_WIDTH = 384;
    constexpr int BLOCK = KEYS * 64, STAGE = HEADS * 2 * BLOCK;
    constexpr float LOG2E = 1.4426950408889634f;
    const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
    const int head = warp % HEADS, row_in_quad = lane >> 2, pair = lane & 3;
    let_next_kernel_start();
    wait_for_kernels_before();
    if (static_cast<int>(blockIdx.x) >= p.counts[2]) return;
    const QueryTile tile = p.tiles[blockIdx.x];
    const int first_head = blockIdx.y * HEADS, length = tile.end - tile.begin;
    const int query0 = tile.query + warp / HEADS * 16;
    const __half* sequence = p.qkv + static_cast<size_t>(tile.begin) * WIDTH;
    const uint32_t ring = shared_base();
    auto load = [&](int block) {
        uint32_t to = ring + (block & 1) * STAGE;
        // Chunks of 16 bytes: four a head and row, the heads beside each other, keys and then values.
        for (int index = thread; index < 2 * KEYS * HEADS * 4; index += THREADS) {
            int chunk = index & 3, of = index / 4 % HEADS, row = index / (4 * HEADS) % KEYS, which = index / (4 * HEADS * KEYS);
            int key = block * KEYS + row;
            bool there = key < length;
            const __half* from = sequence + static_cast<size_t>(there ? key : 0) * WIDTH + (1 + which) * HIDDEN_WIDTH +
                                 (first_head + of) * HEAD + chunk * 8;
            copy16(to + (of * 2 + which) * BLOCK + key_offset(row, chunk), from, there);
        }
        copies_commit();
    };
    const int blocks = (length + KEYS - 1) / KEYS;
    load(0);
    // The queries as fragments, straight from memory.
    uint32_t q[2][4];
#pragma unroll
    for (int step = 0; step < 2; step++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int row = query0 + row_in_quad + (i & 1) * 8, column = step * 16 + (i >> 1) * 8 + pair * 2;
            const __half* from = sequence + static_cast<size_t>(row) * WIDTH + (first_head + head) * HEAD + column;
            q[step][i] = row < length ? *reinterpret_cast<const uint32_t*>(from) : 0u;
        }
    }
    float most[2] = {-INFINITY, -INFINITY}, total[2] = {0.0f, 0.0f}, mixed[4][4] = {};
    for (int block = 0; block < blocks; block++) {
        if (block + 1 < blocks) {
            load(block + 1);
            copies_wait<1>();
        } else {
            copies_wait<0>();
        }
        BLOCK_BARRIER();
        const uint32_t keys = ring + (block & 1) * STAGE + head * 2 * BLOCK, values = keys + BLOCK;
        const int left = length - block * KEYS;
        float scores[KEYS / 8][4] = {};
#pragma unroll
        for (int nt = 0; nt < KEYS / 8; nt++) {
            if (nt * 8 >= left) break;
            uint32_t k[4];
            load_matrices(k, keys + key_offset(nt * 8 + (lane & 7), lane >> 3));
            multiply(scores[nt], q[0], k[0], k[1]);
            multiply(scores[nt], q[1], k[2], k[3]);
        }
        float block_most[2] = {-INFINITY, -INFINITY};
#pragma unroll
        for (int nt = 0; nt < KEYS / 8; nt++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                scores[nt][i] = nt * 8 + pair * 2 + (i & 1) < left ? scores[nt][i] * LOG2E : -INFINITY;
                block_most[i >> 1] = fmaxf(block_most[i >> 1], scores[nt][i]);
            }
        }
        float shrink[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            block_most[half] = fmaxf(block_most[half], shuffle_xor(block_most[half], 1));
            block_most[half] = fmaxf(block_most[half], shuffle_xor(block_most[half], 2));
            // There is a key in every block, so the new maximum is a number.
            float higher = fmaxf(most[half], block_most[half]);
            shrink[half] = exp2_fast(most[half] - higher);
            most[half] = higher;
            total[half] *= shrink[half];
        }
#pragma unroll
        for (int nt = 0; nt < KEYS / 8; nt++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                scores[nt][i] = exp2_fast(scores[nt][i] - most[i >> 1]);
                total[i >> 1] += scores[nt][i];
            }
        }
#pragma unroll
        for (int nt = 0; nt < 4; nt++) {
#pragma unroll
            for (int i = 0; i < 4; i++) mixed[nt][i] *= shrink[i >> 1];
        }
#pragma unroll
        for (int step = 0; step < KEYS / 16; step++) {
            if (step * 16 >= left) break;
            uint32_t a[4] = {packed(scores[step * 2][0], scores[step * 2][1]), packed(scores[step * 2][2], scores[step * 2][3]),
                             packed(scores[step * 2 + 1][0], scores[step * 2 + 1][1]),
                             packed(scores[step * 2 + 1][2], scores[step * 2 + 1][3])};
#pragma unroll
            for (int nt = 0; nt < 4; nt += 2) {
                uint32_t v[4];
                int row = step * 16 + (lane & 15);
                load_matrices_transposed(v, values + key_offset(row, nt + (lane >> 4)));
                multiply(mixed[nt], a, v[0], v[1]);
                multiply(mixed[nt + 1], a, v[2], v[3]);
            }
        }
        BLOCK_BARRIER();
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
        total[half] += shuffle_xor(total[half], 1);
        total[half] += shuffle_xor(total[half], 2);
        int row = query0 + half * 8 + row_in_quad;
        if (row >= length) continue;
        float share = 1.0f / total[half];
        __half* to = p.mixed + static_cast<size_t>(tile.begin + row) * HIDDEN_WIDTH + (first_head + head) * HEAD;
#pragma unroll
        for (int nt = 0; nt < 4; nt++) {
            *reinterpret_cast<uint32_t*>(to + nt * 8 + pair * 2) =
                packed(mixed[nt][half * 2] * share, mixed[nt][half * 2 + 1] * share);
        }
    }
}
