// What the checks launch, models and batches, and the reference on the device.
#pragma once
#include "encoder.cu"
#include "pack.h"
#include "reference.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <list>
#include <string>
#include <vector>

#define MUST(call)                                                                                      \
    do {                                                                                                \
        cudaError_t status_ = (call);                                                                   \
        if (status_ != cudaSuccess) {                                                                   \
            std::printf("FAIL: %s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(status_)); \
            std::exit(1);                                                                               \
        }                                                                                               \
    } while (0)

constexpr int LAYERS = 6, HEADS = 10, VOCABULARY = 30522, POSITIONS = 512, SLOTS = 3, SPARE = 256;
constexpr int MOST_TOKENS = 131072, MOST_SEQUENCES = 8192;
constexpr float EPSILON = 1e-12f;
// Layers after which states are averaged on the way.
constexpr int AFTER[] = {2, 4};

struct Panel {
    const char* letter;
    const void* kernels[3];
    int rows, columns, threads, bytes;
    bool steps_shared;
};
struct Stream {
    const char* letter;
    const void* kernel;
    int rows, columns, threads, bytes;
};
struct Attention {
    const char* name;
    const void* kernel;
    int queries, heads;
};
// Indices of what is launched.
struct Plan {
    const char* name;
    int qkv, up, mix, down, attention;
    bool large;
    // Layers by one kernel, but for their attention.
    bool whole;
};

#define PANEL_ROW(L)                                                                                                   \
    {#L, {(const void*)panel_tables_##L, (const void*)panel_sums_##L, (const void*)panel_gelu_##L}, Panel##L::ROWS,    \
     Panel##L::COLUMNS, Panel##L::THREADS, Panel##L::PANEL_BYTES, Panel##L::WK > 1}
#define STREAM_ROW(L) \
    {#L, (const void*)stream_##L, Stream##L::ROWS, Stream##L::COLUMNS, Stream##L::THREADS, Stream##L::STREAM_BYTES}
#define ATTENTION_ROW(Q, H) {#Q " x " #H, (const void*)attention_##Q##_##H, Q, H}

const std::vector<Panel> panels = {PANEL_ROW(A), PANEL_ROW(B), PANEL_ROW(C), PANEL_ROW(D), PANEL_ROW(E), PANEL_ROW(F)};
const std::vector<Stream> streams = {STREAM_ROW(A), STREAM_ROW(B), STREAM_ROW(C), STREAM_ROW(D), STREAM_ROW(E), STREAM_ROW(F)};
const std::vector<Attention> attentions = {ATTENTION_ROW(1, 1), ATTENTION_ROW(2, 1), ATTENTION_ROW(4, 1), ATTENTION_ROW(1, 4), ATTENTION_ROW(2, 4)};
const std::vector<Plan> plans = {
    {"AAAA", 0, 0, 0, 0, 0, false}, {"AABB", 0, 0, 1, 1, 1, false},  {"BBBB", 1, 1, 1, 1, 1, false},
    {"BBCC", 1, 1, 2, 2, 1, false}, {"CCCC", 2, 2, 2, 2, 2, false},  {"DDDD", 3, 3, 3, 3, 4, true},
    {"EEEE", 4, 4, 4, 4, 2, true},  {"FFFF", 5, 5, 5, 5, 2, true}, {"EEEE41", 4, 4, 4, 4, 4, true}, {"whole", 4, 4, 4, 4, 2, true, true}, {"whole41", 4, 4, 4, 4, 4, true, true},
};

struct Linear {
    __half* weight;
    float* bias;
};
struct Layer {
    Linear qkv, mix, up, down;
    float *mix_weight, *mix_bias, *down_weight, *down_bias;
    unsigned char* packed;
};
struct Model {
    __half *words, *places;
    float *norm_weight, *norm_bias, *asked, *head_bias;
    Layer layers[LAYERS];
};
struct Batch {
    int tokens, sequences, tiles;
    size_t bytes;
    std::vector<int> starts;
    char *host, *device;
    int *counts, *bounds, *ids, *positions;
    QueryTile* query_tiles;
};
struct Answers {
    std::vector<double> logits, means;
};

__device__ __forceinline__ float noise(unsigned seed, unsigned at) {
    unsigned h = seed * 0x9e3779b9u + at;
    h ^= h >> 16, h *= 0x7feb352du, h ^= h >> 15, h *= 0x846ca68bu, h ^= h >> 16;
    unsigned k = h * 0x2c1b3c6du + 0x297a2d39u;
    k ^= k >> 15, k *= 0x846ca68bu, k ^= k >> 16;
    float u = (h >> 8) * (1.0f / 16777216.0f) + 3e-8f, v = (k >> 8) * (1.0f / 16777216.0f);
    return sqrtf(-2.0f * logf(u)) * cosf(6.2831853f * v);
}
__global__ void fill_halves(__half* to, size_t count, unsigned seed, float scale) {
    for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
        to[i] = __float2half(scale * noise(seed, unsigned(i)));
    }
}
__global__ void fill_floats(float* to, size_t count, unsigned seed, float scale, float around) {
    for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
        to[i] = around + scale * noise(seed, unsigned(i));
    }
}
__global__ void nothing() {}

__global__ void reference_tables(PanelArgs p, int count, double* out) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= count) return;
    reference::norm(p.words + size_t(p.ids[row]) * 384, p.places + size_t(p.positions[row]) * 384, p.norm_weight, p.norm_bias,
                    EPSILON, out + size_t(row) * 384);
}
template <class T>
__global__ void reference_norm(const T* rows, const float* weight, const float* bias, int count, double* out) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= count) return;
    reference::norm(rows + size_t(row) * 384, static_cast<const T*>(nullptr), weight, bias, EPSILON, out + size_t(row) * 384);
}
template <class T>
__global__ void reference_linear(const T* rows, const __half* weight, const float* bias, const T* residual, int columns, int steps,
                                 bool gelu, double* out) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    size_t row = blockIdx.y;
    if (column >= columns) return;
    double y = reference::linear(rows + row * steps, weight + size_t(column) * steps, bias[column], steps);
    if (gelu) y = reference::gelu(y);
    if (residual) y += reference::number(residual[row * columns + column]);
    out[row * columns + column] = y;
}
template <class T>
__global__ void reference_attention(const T* qkv, const int* bounds, int sequences, int count, double* out) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= count) return;
    int sequence = 0;
    while (bounds[sequence + 1] <= row) sequence++;
    reference::attention(qkv, bounds[sequence], bounds[sequence + 1], row, blockIdx.y, out + size_t(row) * 384 + blockIdx.y * 32);
}
__global__ void reference_heads(const double* states, const int* bounds, const float* asked, const float* bias, double* out) {
    int s = blockIdx.x, h = threadIdx.x;
    out[s * HEADS + h] = reference::logit(states, bounds[s], bounds[s + 1], asked + h * 384, asked + (HEADS + h) * 384,
                                          asked + (2 * HEADS + h) * 384, bias[h]);
}
__global__ void reference_means(const double* states, const int* bounds, int slot, double* out) {
    int s = blockIdx.x, i = threadIdx.x;
    double sum = 0;
    for (int row = bounds[s]; row < bounds[s + 1]; row++) sum += states[size_t(row) * 384 + i];
    out[(size_t(s) * SLOTS + slot) * 384 + i] = sum / (bounds[s + 1] - bounds[s]);
}
