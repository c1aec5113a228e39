// Runs the kernels' own source on a processor against the reference: places in memory, fragments, banks, waits. No GPU is needed:
//
//   g++ -O1 -std=c++17 -DPORTCULLIS_EMULATED -I$CUDA_HOME/include kernels/cuda/emulate.cpp -o target/emulate && target/emulate
#include "encoder.cu"
#include "pack.h"
#include "reference.h"

#include <random>
#include <string>

std::vector<Fiber> fibers;
int current;
dim3 block_now, grid_now;
std::vector<unsigned char> shared_now;
std::vector<Meeting> warps;
Meeting block_meeting;

namespace {
void* scheduler_pointer;
std::function<void()> kernel_now;

extern "C" void switch_stacks(void** from, void* to);
asm(R"(
switch_stacks:
    pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
    ret
)");

void begin_fiber() {
    kernel_now();
    fibers[current].done = true;
    give_way();
    std::abort();
}

std::mt19937 generator(7);
float any(float scale) { return std::normal_distribution<float>(0.0f, scale)(generator); }
std::vector<__half> halves(size_t count, float scale) {
    std::vector<__half> x(count);
    for (auto& value : x) value = __float2half(any(scale));
    return x;
}
std::vector<float> floats(size_t count, float scale, float around) {
    std::vector<float> x(count);
    for (auto& value : x) value = around + any(scale);
    return x;
}

constexpr float POISON = 60000.0f;
bool failed = false;
void report(const std::string& what, double worst, double allowed) {
    bool good = worst <= allowed;
    std::printf("%s %-40s %.3g\n", good ? "PASS" : "FAIL", what.c_str(), worst);
    std::fflush(stdout);
    failed |= !good;
}
double apart(double a, double b) {
    double d = std::fabs(a - b);
    return d == d ? d : 1e30;
}

template <class S, int SOURCE, bool GELU>
void check_panel(const char* name, int count, int columns, int split) {
    std::vector<__half> rows = halves(size_t(count) * 384, 1.0f), words = halves(100 * 384, 1.0f), places = halves(64 * 384, 0.5f);
    std::vector<__half> weight = halves(size_t(columns) * 384, 0.05f);
    std::vector<float> bias = floats(columns, 0.2f, 0.0f), norm_weight = floats(384, 0.2f, 1.0f), norm_bias = floats(384, 0.2f, 0.0f);
    std::vector<int> ids(count), positions(count), counts{count, 1, 1, 0};
    for (int i = 0; i < count; i++) ids[i] = i * 37 % 100, positions[i] = i % 64;
    std::vector<__half> out(size_t(count + 1) * columns, __float2half(POISON)), states(size_t(count + 1) * 384, __float2half(POISON));
    PanelArgs p{counts.data(), rows.data(), words.data(), places.data(), ids.data(), positions.data(), norm_weight.data(),
                norm_bias.data(), states.data(), weight.data(), bias.data(), out.data(), columns, 1e-12f};
    launch_emulated(dim3((count + S::ROWS - 1) / S::ROWS + 1, split), S::THREADS, S::PANEL_BYTES, [&] { panel<S, SOURCE, GELU>(p); });
    double worst_state = 0, worst = 0;
    for (int row = 0; row < count; row++) {
        double expected[384];
        if (SOURCE == TABLES) {
            reference::norm(&words[ids[row] * 384], &places[positions[row] * 384], norm_weight.data(), norm_bias.data(), 1e-12, expected);
        } else {
            reference::norm(&rows[row * 384], static_cast<const __half*>(nullptr), norm_weight.data(), norm_bias.data(), 1e-12, expected);
        }
        if (SOURCE != STATES) {
            for (int i = 0; i < 384; i++) worst_state = std::fmax(worst_state, apart(expected[i], __half2float(states[row * 384 + i])));
        }
        const __half* from = SOURCE == STATES ? &rows[row * 384] : &states[row * 384];
        for (int n = 0; n < columns; n++) {
            double y = reference::linear(from, &weight[n * 384], bias[n], 384);
            if (GELU) y = reference::gelu(y);
            worst = std::fmax(worst, apart(y, __half2float(out[size_t(row) * columns + n])));
        }
    }
    report(std::string(name) + " states", worst_state, 4e-3);
    report(std::string(name) + " out", worst, 4e-3);
    report(std::string(name) + " beyond", apart(__half2float(out[size_t(count) * columns]), __half2float(__float2half(POISON))), 0);
}

template <class S>
void check_stream(const char* name, int count, int steps, int columns) {
    std::vector<__half> rows = halves(size_t(count) * steps, 0.7f), weight = halves(size_t(columns) * steps, 0.04f);
    std::vector<__half> residual = halves(size_t(count) * columns, 1.0f), out(size_t(count + 1) * columns, __float2half(POISON));
    std::vector<float> bias = floats(columns, 0.2f, 0.0f);
    std::vector<int> counts{count, 1, 1, 0};
    StreamArgs p{counts.data(), rows.data(), weight.data(), bias.data(), residual.data(), out.data(), columns, steps};
    launch_emulated(dim3((count + S::ROWS - 1) / S::ROWS + 1, columns / S::COLUMNS), S::THREADS, S::STREAM_BYTES, [&] { stream<S>(p); });
    double worst = 0;
    for (int row = 0; row < count; row++) {
        for (int n = 0; n < columns; n++) {
            double y = reference::linear(&rows[size_t(row) * steps], &weight[size_t(n) * steps], bias[n], steps) +
                       __half2float(residual[size_t(row) * columns + n]);
            worst = std::fmax(worst, apart(y, __half2float(out[size_t(row) * columns + n])));
        }
    }
    report(std::string(name) + " out", worst, 4e-3);
    report(std::string(name) + " beyond", apart(__half2float(out[size_t(count) * columns]), __half2float(__float2half(POISON))), 0);
}

template <int QUERIES, int HEADS>
void check_attention(const char* name, std::vector<int> lengths) {
    std::vector<QueryTile> tiles;
    int count = 0;
    for (int length : lengths) {
        for (int q = 0; q < length; q += QUERIES * 16) tiles.push_back({count, count + length, q, 0});
        count += length;
    }
    std::vector<__half> qkv = halves(size_t(count) * 1152, 1.0f), mixed(size_t(count + 1) * 384, __float2half(POISON));
    std::vector<int> counts{count, int(lengths.size()), int(tiles.size()), 0};
    AttentionArgs p{counts.data(), tiles.data(), qkv.data(), mixed.data()};
    launch_emulated(dim3(tiles.size() + 1, 12 / HEADS), QUERIES * HEADS * 32, HEADS * 2 * 2 * KEYS * 64, [&] { attention<QUERIES, HEADS>(p); });
    double worst = 0;
    int begin = 0;
    for (int length : lengths) {
        for (int row = begin; row < begin + length; row++) {
            for (int head = 0; head < 12; head++) {
                double expected[32];
                reference::attention(qkv.data(), begin, begin + length, row, head, expected);
                for (int i = 0; i < 32; i++) {
                    worst = std::fmax(worst, apart(expected[i], __half2float(mixed[row * 384 + head * 32 + i])));
                }
            }
        }
        begin += length;
    }
    report(name, worst, 4e-3);
    report(std::string(name) + " beyond", apart(__half2float(mixed[size_t(count) * 384]), __half2float(__float2half(POISON))), 0);
}

void check_heads(std::vector<int> lengths, int heads) {
    std::vector<int> bounds{0};
    for (int length : lengths) bounds.push_back(bounds.back() + length);
    int count = bounds.back(), sequences = lengths.size();
    std::vector<__half> rows = halves(size_t(count) * 384, 1.0f), states(size_t(count + 1) * 384 * 2, __float2half(0.5f));
    std::vector<float> norm_weight = floats(384, 0.2f, 1.0f), norm_bias = floats(384, 0.2f, 0.0f), asked = floats(3 * heads * 384, 0.05f, 0.0f);
    std::vector<float> bias = floats(heads, 1.0f, 0.0f), answers(size_t(count) * 32, NAN), logits(sequences * heads, NAN), means(sequences * 2 * 384, NAN);
    std::vector<int> counts{count, sequences, 0, 0};
    size_t stride = size_t(count + 1) * 384;
    TokensArgs t{counts.data(), rows.data(), norm_weight.data(), norm_bias.data(), asked.data(), states.data() + stride, answers.data(), heads, 1e-12f};
    launch_emulated(dim3((count + 15) / 16 + 1), TOKEN_WARPS * 32, 0, [&] { tokens<TOKEN_WARPS>(t); });
    PoolArgs q{counts.data(), bounds.data(), states.data(), stride, answers.data(), bias.data(), logits.data(), means.data(), heads};
    launch_emulated(dim3(sequences + 1, 2, 3), POOL_THREADS, POOL_BYTES, [&] { pool(q); });
    std::vector<double> expected(size_t(count) * 384);
    for (int row = 0; row < count; row++) {
        reference::norm(&rows[row * 384], static_cast<const __half*>(nullptr), norm_weight.data(), norm_bias.data(), 1e-12, &expected[row * 384]);
    }
    double worst = 0, worst_mean = 0;
    for (int s = 0; s < sequences; s++) {
        for (int h = 0; h < heads; h++) {
            double y = reference::logit(expected.data(), bounds[s], bounds[s + 1], &asked[h * 384], &asked[(heads + h) * 384],
                                        &asked[(2 * heads + h) * 384], bias[h]);
            worst = std::fmax(worst, apart(y, logits[s * heads + h]));
        }
        for (int i = 0; i < 384; i++) {
            double mean = 0;
            for (int row = bounds[s]; row < bounds[s + 1]; row++) mean += expected[row * 384 + i] / lengths[s];
            worst_mean = std::fmax(worst_mean, apart(mean, means[(s * 2 + 1) * 384 + i]));
            worst_mean = std::fmax(worst_mean, apart(0.5, means[s * 2 * 384 + i]));
        }
    }
    report("heads logits", worst, 1e-4);
    report("heads means", worst_mean, 2e-3);
}

void check_layer(int count, bool next) {
    auto bits = [](const std::vector<__half>& x) { return reinterpret_cast<const uint16_t*>(x.data()); };
    std::vector<__half> mix = halves(384 * 384, 0.05f), up = halves(384 * 1536, 0.05f), down = halves(384 * 1536, 0.03f), qkv = halves(384 * 1152, 0.05f);
    std::vector<uint8_t> weights = packed_weights(bits(mix), bits(up), bits(down), next ? bits(qkv) : nullptr);
    std::vector<float> mix_bias = floats(384, 0.1f, 0.0f), up_bias = floats(1536, 0.1f, 0.0f), down_bias = floats(384, 0.1f, 0.0f), qkv_bias = floats(1152, 0.1f, 0.0f);
    std::vector<float> w1 = floats(384, 0.1f, 1.0f), b1 = floats(384, 0.1f, 0.0f), w2 = floats(384, 0.1f, 1.0f), b2 = floats(384, 0.1f, 0.0f);
    std::vector<__half> mixed = halves(size_t(count) * 384, 0.5f), residual = halves(size_t(count) * 384, 1.0f);
    std::vector<__half> states(size_t(count + 1) * 384, __float2half(POISON)), out(size_t(count + 1) * 1152, __float2half(POISON));
    std::vector<int> counts{count, 1, 1, 0};
    int trouble = 0;
    LayerArgs p{counts.data(), mixed.data(), residual.data(), weights.data(), mix_bias.data(), w1.data(), b1.data(), up_bias.data(), down_bias.data(),
                w2.data(), b2.data(), qkv_bias.data(), states.data(), out.data(), 1e-12f, next, &trouble};
    launch_emulated(dim3((count + 127) / 128 + 1), LAYER_THREADS, LAYER_BYTES, [&] { layer(p); });
    double worst = 0, worst_out = 0;
    for (int row = 0; row < count; row++) {
        double x[384], y[384], z[1536];
        for (int n = 0; n < 384; n++) y[n] = reference::linear(&mixed[row * 384], &mix[n * 384], mix_bias[n], 384) + __half2float(residual[row * 384 + n]);
        reference::norm(y, static_cast<const double*>(nullptr), w1.data(), b1.data(), 1e-12, x);
        for (int n = 0; n < 1536; n++) z[n] = reference::gelu(reference::linear(x, &up[n * 384], up_bias[n], 384));
        for (int n = 0; n < 384; n++) y[n] = reference::linear(z, &down[n * 1536], down_bias[n], 1536) + x[n];
        reference::norm(y, static_cast<const double*>(nullptr), w2.data(), b2.data(), 1e-12, x);
        for (int n = 0; n < 384; n++) worst = std::fmax(worst, apart(x[n], __half2float(states[row * 384 + n])));
        for (int n = 0; n < 1152; n++) {
            double expected = next ? reference::linear(&states[row * 384], &qkv[n * 384], qkv_bias[n], 384) : POISON;
            worst_out = std::fmax(worst_out, apart(expected, __half2float(out[row * 1152 + n])));
        }
    }
    report("layer waits", trouble, 0);
    report("layer states", worst, 8e-3);
    report("layer qkv", worst_out, next ? 4e-3 : 16);
}
}  // namespace

void give_way() { switch_stacks(&fibers[current].stack_pointer, scheduler_pointer); }

void launch_emulated(dim3 grid, int threads, size_t shared, std::function<void()> kernel) {
    kernel_now = std::move(kernel);
    grid_now = grid;
    for (unsigned z = 0; z < grid.z; z++) {
        for (unsigned y = 0; y < grid.y; y++) {
            for (unsigned x = 0; x < grid.x; x++) {
                block_now = dim3(x, y, z);
                shared_now.assign(shared, 0xff);
                warps.assign(threads / 32, Meeting());
                block_meeting = Meeting();
                fibers.resize(threads);
                for (int i = 0; i < threads; i++) {
                    Fiber& fiber = fibers[i];
                    fiber.stack.resize(64 << 10);
                    fiber.done = false;
                    fiber.thread = dim3(i);
                    fiber.groups.clear();
                    fiber.open.clear();
                    auto top = (reinterpret_cast<uintptr_t>(fiber.stack.data() + fiber.stack.size()) & ~uintptr_t(63)) - 8;
                    void** at = reinterpret_cast<void**>(top);
                    *--at = reinterpret_cast<void*>(&begin_fiber);
                    for (int r = 0; r < 6; r++) *--at = nullptr;
                    fiber.stack_pointer = at;
                }
                for (bool left = true; left;) {
                    left = false;
                    for (current = 0; current < threads; current++) {
                        if (fibers[current].done) continue;
                        left = true;
                        switch_stacks(&scheduler_pointer, fibers[current].stack_pointer);
                    }
                }
            }
        }
    }
}

int main() {
    double worst = 0;
    for (int i = -20000; i <= 20000; i++) worst = std::fmax(worst, std::fabs(gelu(i * 1e-3f) - reference::gelu(i * 1e-3)));
    report("gelu", worst, 1.2e-4);
    check_panel<PanelA, TABLES, false>("panel A tables", 21, 64, 2);
    check_panel<PanelA, SUMS, true>("panel A gelu", 16, 64, 2);
    check_panel<PanelA, STATES, false>("panel A states", 17, 64, 2);
    check_panel<PanelB, SUMS, true>("panel B gelu", 40, 64, 2);
    check_panel<PanelC, SUMS, false>("panel C sums", 65, 192, 3);
    check_panel<PanelD, SUMS, true>("panel D gelu", 66, 384, 1);
    check_panel<PanelE, TABLES, false>("panel E tables", 130, 256, 1);
    check_panel<PanelE, SUMS, true>("panel E gelu", 100, 512, 2);
    check_panel<PanelF, SUMS, false>("panel F sums", 127, 384, 1);
    check_stream<StreamA>("stream A", 17, 1536, 32);
    check_stream<StreamB>("stream B", 7, 384, 64);
    check_stream<StreamC>("stream C", 33, 1536, 64);
    check_stream<StreamD>("stream D", 65, 384, 128);
    check_stream<StreamE>("stream E", 129, 384, 128);
    check_stream<StreamF>("stream F", 129, 768, 192);
    check_attention<4, 1>("attention 4 1", {1, 2, 7, 16, 17, 64, 65, 129, 200});
    check_attention<2, 1>("attention 2 1", {130, 33});
    check_attention<1, 1>("attention 1 1", {16, 70});
    check_attention<1, 4>("attention 1 4", {3, 16, 17, 130});
    check_attention<2, 4>("attention 2 4", {40, 100});
    check_layer(70, true);
    check_layer(129, false);
    check_heads({1, 2, 7, 60, 33}, 10);
    check_heads({19}, 3);
    return failed;
}
