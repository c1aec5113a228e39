// The end of the model in f32: the last normalization, what the heads ask of each token, and a sequence's logits and means.
#pragma once
#include "tile.cuh"

constexpr int MOST_HEADS = 10;
constexpr int ASKED = 32;

struct TokensArgs {
    const int* counts;
    // Sums of states, or with no `norm_weight` states.
    const __half* rows;
    const float* norm_weight;
    const float* norm_bias;
    // Queries, weights and weights of the mean, `heads` rows each.
    const float* asked;
    __half* states;
    // What each of those is for a token: ASKED numbers.
    float* answers;
    int heads;
    float epsilon;
};

struct PoolArgs {
    const int* counts;
    const int* bounds;
    // Normalized states after the layers asked for and the last, `stride` numbers apart.
    const __half* states;
    size_t stride;
    const float* answers;
    const float* bias;
    // `heads` a sequence, and then `means` means a sequence.
    float* logits;
    float* means;
    int heads;
};

// Sums of 32 numbers over a warp's lanes, the sum of number n in lane n.
template <int HALF>
__device__ __forceinline__ void halve(float (&x)[32], int lane) {
    bool high = lane & HALF;
#pragma unroll
    for (int i = 0; i < HALF; i++) {
        float sent = high ? x[i] : x[i + HALF];
        float kept = high ? x[i + HALF] : x[i];
        x[i] = kept + shuffle_xor(sent, HALF);
    }
}

__device__ __forceinline__ float sums_by_lane(float (&x)[32], int lane) {
    halve<16>(x, lane);
    halve<8>(x, lane);
    halve<4>(x, lane);
    halve<2>(x, lane);
    halve<1>(x, lane);
    return x[0];
}

// Four tokens a warp.
template <int WARPS>
__device__ __forceinline__ void tokens(const TokensArgs& p) {
    constexpr int EACH = 4, WIDTH = 384, PARTS = WIDTH / 64;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    let_next_kernel_start();
    wait_for_kernels_before();
    const int count = p.counts[0], first = (blockIdx.x * WARPS + warp) * EACH;
    if (first >= count) return;
    float2 x[EACH][PARTS];
#pragma unroll
    for (int r = 0; r < EACH; r++) {
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            size_t place = static_cast<size_t>(first + r) * (WIDTH / 2) + i * 32 + lane;
            x[r][i] = unpacked(first + r < count ? reinterpret_cast<const uint32_t*>(p.rows)[place] : 0u);
        }
    }
#pragma unroll
    for (int r = 0; r < EACH && p.norm_weight != nullptr; r++) {
        float sum = 0.0f, squares = 0.0f;
#pragma unroll
        for (int i = 0; i < PARTS; i++) sum += x[r][i].x + x[r][i].y;
        float mean = sum_of_warp(sum) * (1.0f / WIDTH);
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            float a = x[r][i].x - mean, b = x[r][i].y - mean;
            squares = fmaf(a, a, fmaf(b, b, squares));
        }
        float scale = rsqrtf(sum_of_warp(squares) * (1.0f / WIDTH) + p.epsilon);
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            float2 weight = reinterpret_cast<const float2*>(p.norm_weight)[i * 32 + lane];
            float2 bias = reinterpret_cast<const float2*>(p.norm_bias)[i * 32 + lane];
            x[r][i].x = fmaf((x[r][i].x - mean) * scale, weight.x, bias.x);
            x[r][i].y = fmaf((x[r][i].y - mean) * scale, weight.y, bias.y);
            if (first + r < count) {
                size_t place = static_cast<size_t>(first + r) * (WIDTH / 2) + i * 32 + lane;
                reinterpret_cast<uint32_t*>(p.states)[place] = packed(x[r][i].x, x[r][i].y);
            }
        }
    }
    const int asked = 3 * p.heads;
    for (int group = 0; group * 8 < asked; group++) {
        float sums[32];
#pragma unroll
        for (int o = 0; o < 8; o++) {
            int output = group * 8 + o;
            const float2* weight = reinterpret_cast<const float2*>(p.asked) + (output < asked ? output : 0) * (WIDTH / 2);
            float sum[EACH] = {};
#pragma unroll
            for (int i = 0; i < PARTS; i++) {
                float2 w = weight[i * 32 + lane];
#pragma unroll
                for (int r = 0; r < EACH; r++) sum[r] = fmaf(w.x, x[r][i].x, fmaf(w.y, x[r][i].y, sum[r]));
            }
#pragma unroll
            for (int r = 0; r < EACH; r++) sums[r * 8 + o] = sum[r];
        }
        float answer = sums_by_lane(sums, lane);
        int row = first + (lane >> 3);
        if (row < count) p.answers[static_cast<size_t>(row) * ASKED + group * 8 + (lane & 7)] = answer;
    }
}

// blockIdx.x is a sequence, blockIdx.y whose states, blockIdx.z a third of the columns. 384 threads: 16 chunks of eight columns by
// 24 shares of the rows.
__device__ __forceinline__ void pool(const PoolArgs& p) {
    constexpr int WIDTH = 384, CHUNKS = 16, SHARES = 24;
    const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
    let_next_kernel_start();
    wait_for_kernels_before();
    const int sequence = blockIdx.x;
    if (sequence >= p.counts[1]) return;
    const int begin = p.bounds[sequence], length = p.bounds[sequence + 1] - begin;
    const int chunk = thread % CHUNKS, share = thread / CHUNKS, column = blockIdx.z * (CHUNKS * 8) + chunk * 8;
    const __half* states = p.states + blockIdx.y * p.stride + static_cast<size_t>(begin) * WIDTH + column;
    float sums[8] = {};
#pragma unroll 4
    for (int row = share; row < length; row += SHARES) {
        uint4 eight = *reinterpret_cast<const uint4*>(states + static_cast<size_t>(row) * WIDTH);
        float2 a = unpacked(eight.x), b = unpacked(eight.y), c = unpacked(eight.z), d = unpacked(eight.w);
        sums[0] += a.x, sums[1] += a.y, sums[2] += b.x, sums[3] += b.y;
        sums[4] += c.x, sums[5] += c.y, sums[6] += d.x, sums[7] += d.y;
    }
    const uint32_t room = shared_base();
#pragma unroll
    for (int i = 0; i < 8; i++) shared_store(room + ((share * CHUNKS + chunk) * 8 + i) * 4, __float_as_uint(sums[i]));
    BLOCK_BARRIER();
    if (thread < CHUNKS * 8) {
        float sum = 0.0f;
        for (int s = 0; s < SHARES; s++) sum += __uint_as_float(shared_load(room + (s * CHUNKS * 8 + thread) * 4));
        p.means[(static_cast<size_t>(sequence) * gridDim.y + blockIdx.y) * WIDTH + blockIdx.z * (CHUNKS * 8) + thread] =
            sum / length;
    }
    // One CTA of a sequence asks the heads, a warp each.
    if (blockIdx.y != 0 || blockIdx.z != 0 || warp >= p.heads) return;
    const float* answers = p.answers + static_cast<size_t>(begin) * ASKED + warp;
    float most = -INFINITY;
    for (int row = lane; row < length; row += 32) most = fmaxf(most, answers[row * ASKED]);
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) most = fmaxf(most, shuffle_xor(most, mask));
    float total = 0.0f, focused = 0.0f, mean = 0.0f;
    for (int row = lane; row < length; row += 32) {
        float share_of_row = expf(answers[row * ASKED] - most);
        total += share_of_row;
        focused = fmaf(share_of_row, answers[row * ASKED + p.heads], focused);
        mean += answers[row * ASKED + 2 * p.heads];
    }
    total = sum_of_warp(total), focused = sum_of_warp(focused), mean = sum_of_warp(mean);
    if (lane == 0) p.logits[static_cast<size_t>(sequence) * p.heads + warp] = focused / total + mean / length + p.bias[warp];
}
