// The device, a model of random weights and what of it the checks launch.
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

struct Machine {
    cudaStream_t stream;
    Model model;
    // Rows of states before and after attention, sums, wide rows, mixes; states that are averaged.
    __half *states_a, *states_b, *sums, *wide, *mixed, *kept;
    float *asked_answers, *output;
    double *truth_wide[2], *truth_states[2], *truth_answers;
    bool hopper = false;
    size_t slot = size_t(MOST_TOKENS + SPARE) * 384;
    std::list<Batch> batches;
    unsigned seed = 1;
    int failures = 0, checks = 0, processors;
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

    double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); }
    template <class T>
    T* room(size_t count) {
        void* at;
        MUST(cudaMalloc(&at, count * sizeof(T)));
        return static_cast<T*>(at);
    }
    __half* halves(size_t count, float scale) {
        __half* to = room<__half>(count);
        fill_halves<<<1024, 256>>>(to, count, seed++, scale);
        return to;
    }
    float* floats(size_t count, float scale, float around) {
        float* to = room<float>(count);
        fill_floats<<<256, 256>>>(to, count, seed++, scale, around);
        return to;
    }
    Linear linear(int columns, int steps, float scale) { return {halves(size_t(columns) * steps, scale), floats(columns, 0.1f, 0.0f)}; }

    Machine() {
        cudaDeviceProp device;
        MUST(cudaGetDeviceProperties(&device, 0));
        int driver, runtime;
        MUST(cudaDriverGetVersion(&driver));
        MUST(cudaRuntimeGetVersion(&runtime));
        processors = device.multiProcessorCount;
        std::printf("%s, capability %d.%d, %d processors, L2 %d MB, shared memory %zu KB, driver %d, runtime %d\n", device.name,
                    device.major, device.minor, processors, device.l2CacheSize >> 20, device.sharedMemPerBlockOptin >> 10, driver, runtime);
        hopper = device.major == 9;
        MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
        auto allow = [&](const void* kernel, int bytes) {
            MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
        };
        for (const Panel& of : panels) {
            for (const void* kernel : of.kernels) allow(kernel, of.bytes);
        }
        for (const Stream& of : streams) allow(of.kernel, of.bytes);
        for (const Attention& of : attentions) allow(of.kernel, attention_bytes(of));
        model.words = halves(size_t(VOCABULARY) * 384, 1.0f);
        model.places = halves(POSITIONS * 384, 0.5f);
        auto weight = [&] { return floats(384, 0.1f, 1.0f); };
        auto bias = [&] { return floats(384, 0.1f, 0.0f); };
        model.norm_weight = weight(), model.norm_bias = bias();
        model.asked = floats(3 * HEADS * 384, 0.05f, 0.0f), model.head_bias = floats(HEADS, 1.0f, 0.0f);
        for (Layer& layer : model.layers) {
            // Queries and keys give scores of about two.
            layer.qkv = linear(1152, 384, 0.03f), layer.mix = linear(384, 384, 0.05f);
            layer.up = linear(1536, 384, 0.05f), layer.down = linear(384, 1536, 0.03f);
            layer.mix_weight = weight(), layer.mix_bias = bias(), layer.down_weight = weight(), layer.down_bias = bias();
        }
        if (hopper) {
            allow((const void*)layer_128, LAYER_BYTES);
            for (int l = 0; l < LAYERS; l++) pack(l);
        }
        size_t rows = MOST_TOKENS + SPARE;
        states_a = room<__half>(rows * 384), states_b = room<__half>(rows * 384), sums = room<__half>(rows * 384);
        mixed = room<__half>(rows * 384), wide = room<__half>(rows * 1536), kept = room<__half>(slot * SLOTS);
        asked_answers = room<float>(rows * 32), output = room<float>(size_t(MOST_SEQUENCES) * (HEADS + SLOTS * 384));
        size_t truth_rows = 8192;
        for (auto& t : truth_wide) t = room<double>(truth_rows * 1536);
        for (auto& t : truth_states) t = room<double>(truth_rows * 384);
        truth_answers = room<double>(size_t(MOST_SEQUENCES) * (HEADS + SLOTS * 384));
        MUST(cudaDeviceSynchronize());
    }

    void pack(int l) {
        auto fetched = [](const __half* from, size_t count) {
            std::vector<uint16_t> to(count);
            MUST(cudaMemcpy(to.data(), from, count * 2, cudaMemcpyDeviceToHost));
            return to;
        };
        MUST(cudaDeviceSynchronize());
        Layer& layer = model.layers[l];
        std::vector<uint16_t> mix = fetched(layer.mix.weight, 384 * 384), up = fetched(layer.up.weight, 384 * 1536);
        std::vector<uint16_t> down = fetched(layer.down.weight, 384 * 1536), next = fetched(model.layers[(l + 1) % LAYERS].qkv.weight, 384 * 1152);
        std::vector<uint8_t> bytes = packed_weights(mix.data(), up.data(), down.data(), next.data());
        if (bytes.size() != size_t(LAYER_CHUNKS) * CHUNK_BYTES) std::printf("FAIL: %zu bytes of packed weights\n", bytes.size()), std::exit(1);
        layer.packed = room<unsigned char>(bytes.size());
        MUST(cudaMemcpy(layer.packed, bytes.data(), bytes.size(), cudaMemcpyHostToDevice));
    }

    static int attention_bytes(const Attention& of) { return of.heads * 4 * KEYS * 64; }

    // A batch on the device; its query tiles are of so many times 16 queries.
    Batch& batch(const std::vector<int>& lengths, int queries = 4) {
        Batch b{};
        b.sequences = int(lengths.size());
        b.starts = {0};
        for (int length : lengths) {
            b.starts.push_back(b.starts.back() + length);
            b.tiles += (length + queries * 16 - 1) / (queries * 16);
        }
        b.tokens = b.starts.back();
        size_t at = 0;
        auto place = [&](size_t bytes) {
            size_t here = at;
            at += (bytes + 15) / 16 * 16;
            return here;
        };
        size_t counts = place(16), bounds = place((b.sequences + 1) * 4), ids = place(b.tokens * 4), positions = place(b.tokens * 4);
        size_t tiles = place(b.tiles * sizeof(QueryTile));
        b.bytes = at;
        MUST(cudaMallocHost(&b.host, at));
        MUST(cudaMalloc(&b.device, at));
        int* head = reinterpret_cast<int*>(b.host + counts);
        head[0] = b.tokens, head[1] = b.sequences, head[2] = b.tiles, head[3] = 0;
        std::copy(b.starts.begin(), b.starts.end(), reinterpret_cast<int*>(b.host + bounds));
        QueryTile* tile = reinterpret_cast<QueryTile*>(b.host + tiles);
        for (int s = 0; s < b.sequences; s++) {
            for (int i = b.starts[s]; i < b.starts[s + 1]; i++) {
                reinterpret_cast<int*>(b.host + ids)[i] = int((unsigned(i) * 2654435761u >> 8) % VOCABULARY);
                reinterpret_cast<int*>(b.host + positions)[i] = i - b.starts[s];
            }
            for (int q = 0; q < lengths[s]; q += queries * 16) *tile++ = {b.starts[s], b.starts[s + 1], q, 0};
        }
        b.counts = reinterpret_cast<int*>(b.device + counts), b.bounds = reinterpret_cast<int*>(b.device + bounds);
        b.ids = reinterpret_cast<int*>(b.device + ids), b.positions = reinterpret_cast<int*>(b.device + positions);
        b.query_tiles = reinterpret_cast<QueryTile*>(b.device + tiles);
        MUST(cudaMemcpy(b.device, b.host, at, cudaMemcpyHostToDevice));
        batches.push_back(b);
        return batches.back();
    }

    void fill(__half* to, int rows, int width, float scale) {
        fill_halves<<<1024, 256>>>(to, size_t(rows) * width, seed++, scale);
        MUST(cudaDeviceSynchronize());
    }
    // What a kernel writes is no number before, nor what lies behind it.
    void poison() {
        size_t rows = 8192 + SPARE;
        for (__half* at : {states_a, states_b, mixed}) MUST(cudaMemset(at, 0xff, rows * 384 * 2));
        for (int i = 0; i < SLOTS; i++) MUST(cudaMemset(kept + i * slot, 0xff, rows * 384 * 2));
        MUST(cudaMemset(wide, 0xff, rows * 1536 * 2));
        MUST(cudaMemset(asked_answers, 0xff, rows * 32 * 4));
        MUST(cudaMemset(output, 0xff, size_t(MOST_SEQUENCES) * (HEADS + SLOTS * 384) * 4));
        MUST(cudaDeviceSynchronize());
    }
    void synchronize(const std::string& name) {
        cudaError_t status = cudaDeviceSynchronize();
        if (status == cudaSuccess) status = cudaGetLastError();
        if (status != cudaSuccess) {
            std::printf("FAIL: %s: %s\n", name.c_str(), cudaGetErrorString(status));
            std::exit(1);
        }
    }
    void tell(bool good, const std::string& name, double worst, double mean) {
        checks++, failures += !good;
        std::printf("%s %-40s", good ? "PASS" : "FAIL", name.c_str());
        if (worst > 0) std::printf(" most %.3g, mean %.3g", worst, mean);
        std::printf("\n");
        std::fflush(stdout);
    }
    // Rows of the device against the reference's; behind them all bits have to be ones still.
    void expect_rows(const std::string& name, const __half* got, int rows, int width, double allowed, std::function<void(double*)> run) {
        run(truth_wide[0]);
        synchronize(name + " (reference)");
        size_t count = size_t(rows) * width, behind = size_t(SPARE) * width;
        std::vector<double> truth(count);
        std::vector<__half> found(count + behind);
        MUST(cudaMemcpy(truth.data(), truth_wide[0], count * 8, cudaMemcpyDeviceToHost));
        MUST(cudaMemcpy(found.data(), got, (count + behind) * 2, cudaMemcpyDeviceToHost));
        double worst = 0, total = 0, scale = 0;
        size_t at = 0, bad = 0;
        for (size_t i = 0; i < count; i++) {
            double apart = std::fabs(truth[i] - double(__half2float(found[i])));
            if (!(apart == apart)) apart = 1e30;
            // Relative to what a number of 16 bits can tell.
            double share = apart / std::fmax(1.0, std::fabs(truth[i]));
            bad += share > allowed;
            if (share > worst) worst = share, at = i;
            total += share, scale += std::fabs(truth[i]);
        }
        tell(bad == 0, name, worst, total / count);
        if (bad != 0) {
            std::printf("     %zu of %zu wrong, worst in row %zu, column %zu: %g for %g; mean size %g\n", bad, count, at / width, at % width,
                        double(__half2float(found[at])), truth[at], scale / count);
            size_t shown = 0;
            for (size_t i = 0; i < count && shown < 6; i++) {
                double got_now = __half2float(found[i]);
                if (!(std::fabs(truth[i] - got_now) <= allowed * std::fmax(1.0, std::fabs(truth[i])))) {
                    std::printf("     row %zu, column %zu: %g for %g\n", i / width, i % width, got_now, truth[i]);
                    shown++;
                }
            }
        }
        if (got == sums) return;
        for (size_t i = count; i < count + behind; i++) {
            if (*reinterpret_cast<uint16_t*>(&found[i]) != 0xffff) {
                tell(false, name + " writes behind its rows", 0, 0);
                break;
            }
        }
    }

    void launch(const void* kernel, dim3 grid, int threads, int bytes, void* args, bool early) {
        cudaLaunchConfig_t config = {};
        config.gridDim = grid, config.blockDim = dim3(threads), config.dynamicSmemBytes = bytes, config.stream = stream;
        cudaLaunchAttribute attribute;
        attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attribute.val.programmaticStreamSerializationAllowed = 1;
        config.attrs = &attribute, config.numAttrs = early ? 1 : 0;
        void* all[] = {args};
        MUST(cudaLaunchKernelExC(&config, kernel, all));
    }
    void launch_panel(const Panel& of, int kind, PanelArgs args, int rows, int split, bool early) {
        launch(of.kernels[kind], dim3((rows + of.rows - 1) / of.rows, split), of.threads, of.bytes, &args, early);
    }
    void launch_stream(const Stream& of, StreamArgs args, int rows, bool early) {
        launch(of.kernel, dim3((rows + of.rows - 1) / of.rows, args.columns / of.columns), of.threads, of.bytes, &args, early);
    }
    void launch_attention(const Attention& of, AttentionArgs args, int tiles, bool early) {
        launch(of.kernel, dim3(tiles, 12 / of.heads), of.queries * of.heads * 32, attention_bytes(of), &args, early);
    }
    LayerArgs layer_args(Batch& b, int l, const __half* from, const __half* residual, __half* states, __half* qkv, bool next) {
        Layer& layer = model.layers[l];
        return {b.counts, from, residual, layer.packed, layer.mix.bias, layer.mix_weight, layer.mix_bias, layer.up.bias, layer.down.bias,
                layer.down_weight, layer.down_bias, model.layers[(l + 1) % LAYERS].qkv.bias, states, qkv, EPSILON, next};
    }
    void launch_layer(LayerArgs args, int rows) {
        launch((const void*)layer_128, dim3((rows + LAYER_ROWS - 1) / LAYER_ROWS), LAYER_THREADS, LAYER_BYTES, &args, false);
    }
    void launch_tokens(Batch& b, int rows, bool early, bool normal = false) {
        Layer& last = model.layers[LAYERS - 1];
        TokensArgs args{b.counts, normal ? kept + (SLOTS - 1) * slot : sums, normal ? nullptr : last.down_weight, last.down_bias, model.asked, kept + (SLOTS - 1) * slot, asked_answers, HEADS, EPSILON};
        launch((const void*)tokens_4, dim3((rows + TOKEN_WARPS * 4 - 1) / (TOKEN_WARPS * 4)), TOKEN_WARPS * 32, 0, &args, early);
    }
    void launch_pool(Batch& b, int sequences, bool early) {
        PoolArgs args{b.counts, b.bounds, kept, slot, asked_answers, model.head_bias, output, output + size_t(MOST_SEQUENCES) * HEADS, HEADS};
        launch((const void*)pool_384, dim3(sequences, SLOTS, 3), POOL_THREADS, POOL_BYTES, &args, early);
    }
    PanelArgs panel_args(Batch& b, bool tables, const __half* rows, __half* states, const Linear& linear, __half* out) {
        Layer& first = model.layers[0];
        return {b.counts, rows, model.words, model.places, b.ids, b.positions, tables ? model.norm_weight : first.mix_weight,
                tables ? model.norm_bias : first.mix_bias, states, linear.weight, linear.bias, out, linear.weight == first.up.weight ? 1536 : 1152, EPSILON};
    }
    StreamArgs stream_args(Batch& b, const __half* rows, const Linear& linear, const __half* residual, __half* out, int steps) {
        return {b.counts, rows, linear.weight, linear.bias, residual, out, 384, steps};
    }
    AttentionArgs attention_args(Batch& b, const __half* qkv, __half* out) { return {b.counts, b.query_tiles, qkv, out}; }

    // How many ways the columns are shared out: as few as keep the processors even.
    int split(const Panel& of, int rows, int columns) {
        int tiles = columns / of.columns, row_tiles = (rows + of.rows - 1) / of.rows;
        if (of.steps_shared) return tiles;
        int beside = std::max(1, std::min(227 * 1024 / (of.bytes + 1024), 2048 / of.threads));
        if (of.threads >= 256) beside = std::min(beside, 2);
        double best = 1e30;
        int chosen = 1;
        for (int s = 1; s <= tiles; s++) {
            if (tiles % s != 0) continue;
            double waves = std::ceil(double(row_tiles) * s / (processors * beside));
            double cost = waves * (double(tiles) / s + 0.5);
            if (cost < best - 1e-9) best = cost, chosen = s;
        }
        return chosen;
    }

    // The whole encoder, for grids of so many rows, query tiles and sequences.
    void encode(const Plan& plan, Batch& b, bool early, int rows, int tiles, int sequences) {
        const __half* before = nullptr;
        for (int l = 0; plan.whole && l < LAYERS; l++) {
            auto states_before = [&](int layer) {
                for (int i = 0; i < SLOTS - 1; i++) {
                    if (AFTER[i] == layer) return kept + i * slot;
                }
                return layer == LAYERS ? kept + (SLOTS - 1) * slot : layer % 2 ? states_b : states_a;
            };
            Layer& layer = model.layers[l];
            if (l == 0) {
                PanelArgs qkv{b.counts, nullptr, model.words, model.places, b.ids, b.positions, model.norm_weight, model.norm_bias, states_a, layer.qkv.weight, layer.qkv.bias, wide, 1152, EPSILON};
                launch_panel(panels[plan.qkv], 0, qkv, rows, split(panels[plan.qkv], rows, 1152), false);
            }
            launch_attention(attentions[plan.attention], attention_args(b, wide, mixed), tiles, false);
            launch_layer(layer_args(b, l, mixed, states_before(l), states_before(l + 1), wide, l + 1 < LAYERS), rows);
        }
        for (int l = 0; !plan.whole && l < LAYERS; l++) {
            Layer& layer = model.layers[l];
            __half* states = states_a;
            for (int i = 0; i < SLOTS - 1; i++) {
                if (AFTER[i] == l) states = kept + i * slot;
            }
            const float* weight = l == 0 ? model.norm_weight : model.layers[l - 1].down_weight;
            const float* bias = l == 0 ? model.norm_bias : model.layers[l - 1].down_bias;
            PanelArgs qkv{b.counts, before, model.words, model.places, b.ids, b.positions, weight, bias, states, layer.qkv.weight, layer.qkv.bias, wide, 1152, EPSILON};
            launch_panel(panels[plan.qkv], l == 0 ? 0 : 1, qkv, rows, split(panels[plan.qkv], rows, 1152), early && l > 0);
            launch_attention(attentions[plan.attention], attention_args(b, wide, mixed), tiles, early);
            launch_stream(streams[plan.mix], stream_args(b, mixed, layer.mix, states, sums, 384), rows, early);
            PanelArgs up{b.counts, sums, nullptr, nullptr, nullptr, nullptr, layer.mix_weight, layer.mix_bias, states_b, layer.up.weight, layer.up.bias, wide, 1536, EPSILON};
            launch_panel(panels[plan.up], 2, up, rows, split(panels[plan.up], rows, 1536), early);
            launch_stream(streams[plan.down], stream_args(b, wide, layer.down, states_b, sums, 1536), rows, early);
            before = sums;
        }
        launch_tokens(b, rows, early, plan.whole);
        launch_pool(b, sequences, early);
    }

    std::vector<float> answers(Batch& b) {
        std::vector<float> all(size_t(b.sequences) * (HEADS + SLOTS * 384));
        MUST(cudaMemcpy(all.data(), output, size_t(b.sequences) * HEADS * 4, cudaMemcpyDeviceToHost));
        MUST(cudaMemcpy(all.data() + b.sequences * HEADS, output + size_t(MOST_SEQUENCES) * HEADS, size_t(b.sequences) * SLOTS * 384 * 4,
                        cudaMemcpyDeviceToHost));
        return all;
    }
    void expect_answers(const char* name, Batch& b, const Answers& truth) {
        std::vector<float> got = answers(b);
        size_t logits = truth.logits.size();
        double worst[2] = {}, total[2] = {};
        size_t at[2] = {};
        for (size_t i = 0; i < got.size(); i++) {
            bool mean = i >= logits;
            double apart = std::fabs((mean ? truth.means[i - logits] : truth.logits[i]) - got[i]);
            if (!(apart == apart)) apart = 1e30;
            if (apart > worst[mean]) worst[mean] = apart, at[mean] = i;
            total[mean] += apart;
        }
        tell(worst[0] < 0.05, std::string(name) + " logits", worst[0], total[0] / logits);
        if (worst[0] >= 0.05) std::printf("     sequence %zu, head %zu: %g for %g\n", at[0] / HEADS, at[0] % HEADS, got[at[0]], truth.logits[at[0]]);
        tell(worst[1] < 0.03, std::string(name) + " means", worst[1], total[1] / (got.size() - logits));
        if (worst[1] >= 0.03) {
            size_t i = at[1] - logits;
            std::printf("     sequence %zu, slot %zu, column %zu: %g for %g\n", i / (SLOTS * 384), i / 384 % SLOTS, i % 384, got[at[1]], truth.means[i]);
        }
    }

    // All of it in double precision, with the weights as they are.
    Answers reference(Batch& b) {
        int count = b.tokens, blocks = (count + 127) / 128;
        double *x = truth_states[0], *y = truth_states[1], *big = truth_wide[0], *mix = truth_wide[1];
        double* means = truth_answers + size_t(MOST_SEQUENCES) * HEADS;
        PanelArgs p{};
        p.words = model.words, p.places = model.places, p.ids = b.ids, p.positions = b.positions;
        p.norm_weight = model.norm_weight, p.norm_bias = model.norm_bias;
        reference_tables<<<blocks, 128>>>(p, count, x);
        for (int l = 0; l < LAYERS; l++) {
            Layer& layer = model.layers[l];
            for (int i = 0; i < SLOTS - 1; i++) {
                if (AFTER[i] == l) reference_means<<<b.sequences, 384>>>(x, b.bounds, i, means);
            }
            const double* none = nullptr;
            reference_linear<<<dim3(9, count), 128>>>(x, layer.qkv.weight, layer.qkv.bias, none, 1152, 384, false, big);
            reference_attention<<<dim3(blocks, 12), 128>>>(big, b.bounds, b.sequences, count, mix);
            reference_linear<<<dim3(3, count), 128>>>(mix, layer.mix.weight, layer.mix.bias, static_cast<const double*>(x), 384, 384, false, y);
            reference_norm<<<blocks, 128>>>(y, layer.mix_weight, layer.mix_bias, count, x);
            reference_linear<<<dim3(12, count), 128>>>(x, layer.up.weight, layer.up.bias, none, 1536, 384, true, big);
            reference_linear<<<dim3(3, count), 128>>>(big, layer.down.weight, layer.down.bias, static_cast<const double*>(x), 384, 1536, false, y);
            reference_norm<<<blocks, 128>>>(y, layer.down_weight, layer.down_bias, count, x);
        }
        reference_means<<<b.sequences, 384>>>(x, b.bounds, SLOTS - 1, means);
        reference_heads<<<b.sequences, HEADS>>>(x, b.bounds, model.asked, model.head_bias, truth_answers);
        synchronize("reference");
        Answers answers;
        answers.logits.resize(size_t(b.sequences) * HEADS), answers.means.resize(size_t(b.sequences) * SLOTS * 384);
        MUST(cudaMemcpy(answers.logits.data(), truth_answers, answers.logits.size() * 8, cudaMemcpyDeviceToHost));
        MUST(cudaMemcpy(answers.means.data(), means, answers.means.size() * 8, cudaMemcpyDeviceToHost));
        return answers;
    }

    // Median microseconds of one call: of many in a graph where they are short.
    double time(bool small, std::function<void(bool)> call) {
        cudaEvent_t from, to;
        MUST(cudaEventCreate(&from));
        MUST(cudaEventCreate(&to));
        int inside = small ? 40 : 1;
        cudaGraphExec_t executable = nullptr;
        if (small) {
            cudaGraph_t graph;
            MUST(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
            for (int i = 0; i < inside; i++) call(false);
            MUST(cudaStreamEndCapture(stream, &graph));
            MUST(cudaGraphInstantiate(&executable, graph, 0));
            MUST(cudaGraphDestroy(graph));
        }
        std::vector<float> times;
        for (int i = 0; i < 7; i++) {
            MUST(cudaEventRecord(from, stream));
            if (small) {
                MUST(cudaGraphLaunch(executable, stream));
            } else {
                call(false);
            }
            MUST(cudaEventRecord(to, stream));
            MUST(cudaEventSynchronize(to));
            float ms;
            MUST(cudaEventElapsedTime(&ms, from, to));
            if (i > 1) times.push_back(ms * 1e3f / inside);
        }
        if (executable) MUST(cudaGraphExecDestroy(executable));
        MUST(cudaEventDestroy(from));
        MUST(cudaEventDestroy(to));
        std::sort(times.begin(), times.end());
        return times[times.size() / 2];
    }
    double time_encode(const Plan& plan, int sequences, int length, int chunk) {
        std::vector<Batch*> parts;
        int each = std::max(1, chunk / length);
        for (int done = 0; done < sequences; done += each) {
            parts.push_back(&batch(std::vector<int>(std::min(each, sequences - done), length), attentions[plan.attention].queries));
        }
        return 1e-3 * time(false, [&](bool) {
            for (Batch* part : parts) encode(plan, *part, false, part->tokens, part->tiles, part->sequences);
        });
    }
};

// The encoder with its copies as a graph.
struct Graph {
    Machine& m;
    cudaGraphExec_t executable = nullptr;
    std::vector<float> host;
    float* pinned = nullptr;

    Graph(Machine& machine, const Plan& plan, Batch& b, bool early, int rows, int tiles, int sequences) : m(machine) {
        size_t logits = size_t(b.sequences) * HEADS * 4, means = size_t(b.sequences) * SLOTS * 384 * 4;
        MUST(cudaMallocHost(&pinned, logits + means));
        cudaGraph_t graph = nullptr;
        MUST(cudaStreamBeginCapture(m.stream, cudaStreamCaptureModeThreadLocal));
        MUST(cudaMemcpyAsync(b.device, b.host, b.bytes, cudaMemcpyHostToDevice, m.stream));
        m.encode(plan, b, early, rows, tiles, sequences);
        MUST(cudaMemcpyAsync(pinned, m.output, logits, cudaMemcpyDeviceToHost, m.stream));
        MUST(cudaMemcpyAsync(reinterpret_cast<char*>(pinned) + logits, m.output + size_t(MOST_SEQUENCES) * HEADS, means, cudaMemcpyDeviceToHost, m.stream));
        cudaError_t status = cudaStreamEndCapture(m.stream, &graph);
        if (status == cudaSuccess) status = cudaGraphInstantiate(&executable, graph, 0);
        if (status != cudaSuccess) {
            std::printf("     no graph%s: %s\n", early ? " with early start" : "", cudaGetErrorString(status));
            cudaGetLastError();
            executable = nullptr;
        }
        if (graph) MUST(cudaGraphDestroy(graph));
    }
    ~Graph() {
        if (executable) cudaGraphExecDestroy(executable);
        cudaFreeHost(pinned);
    }
    explicit operator bool() const { return executable != nullptr; }
    void run() { MUST(cudaGraphLaunch(executable, m.stream)); }
    double latency() {
        std::vector<double> times;
        for (int i = 0; i < 120; i++) {
            auto from = std::chrono::steady_clock::now();
            run();
            MUST(cudaStreamSynchronize(m.stream));
            double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count();
            if (i >= 20) times.push_back(us);
        }
        std::sort(times.begin(), times.end());
        return times[times.size() / 2];
    }
    double throughput() {
        cudaEvent_t from, to;
        MUST(cudaEventCreate(&from));
        MUST(cudaEventCreate(&to));
        MUST(cudaEventRecord(from, m.stream));
        for (int i = 0; i < 50; i++) run();
        MUST(cudaEventRecord(to, m.stream));
        MUST(cudaEventSynchronize(to));
        float ms;
        MUST(cudaEventElapsedTime(&ms, from, to));
        MUST(cudaEventDestroy(from));
        MUST(cudaEventDestroy(to));
        return ms * 1e3 / 50;
    }
};
