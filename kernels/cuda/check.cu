// Checks every kernel and the whole encoder on a device against the reference in double precision, and times them.
//
//   nvcc -O3 -std=c++17 -DPORTCULLIS_CHECK -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90a,code=sm_90a -cudart static -L$CUDA_HOME/lib64 check.cu -o check
//   ./check            everything; `quick` leaves the timings out, `times` the checks, `layer` all but
//               the kernel of a whole layer
#include "check.cuh"

namespace {
// Stage by stage, each from what the device itself has as its input.
void check_stages(Machine& m) {
    Batch& batch = m.batch({1, 2, 7, 16, 17, 64, 127, 128, 129, 511, 512});
    const int count = batch.tokens;
    std::printf("\n-- stages, %d tokens in %d sequences\n", count, batch.sequences);
    Model& model = m.model;
    Layer& layer = model.layers[0];
    for (const Panel& of : panels) {
        for (int kind = 0; kind < 3; kind++) {
            const char* kinds[] = {"tables", "sums", "gelu"};
            int columns = kind == 2 ? 1536 : 1152;
            std::string name = std::string("panel ") + of.letter + " " + kinds[kind];
            m.fill(m.sums, count, 384, 1.0f);
            m.poison();
            PanelArgs args = m.panel_args(batch, kind == 0, m.sums, m.states_b, kind == 2 ? layer.up : layer.qkv, m.wide);
            for (int tiles : {1, columns / of.columns}) {
                if (of.steps_shared && tiles > 1) continue;
                m.poison();
                m.launch_panel(of, kind, args, count, columns / of.columns / tiles, false);
                m.synchronize(name);
                m.expect_rows(name + " states", m.states_b, count, 384, 4e-3, [&](double* out) {
                    if (kind == 0) {
                        reference_tables<<<(count + 127) / 128, 128>>>(args, count, out);
                    } else {
                        reference_norm<<<(count + 127) / 128, 128>>>(m.sums, args.norm_weight, args.norm_bias, count, out);
                    }
                });
                m.expect_rows(name + (tiles > 1 ? " out, one CTA a row" : " out"), m.wide, count, columns, 8e-3, [&](double* out) {
                    reference_linear<<<dim3((columns + 127) / 128, count), 128>>>(
                        m.states_b, args.weight, args.bias, static_cast<const __half*>(nullptr), columns, 384, kind == 2, out);
                });
                if (tiles == columns / of.columns) break;
            }
        }
    }
    for (const Stream& of : streams) {
        for (int steps : {384, 1536}) {
            std::string name = std::string("stream ") + of.letter + " of " + std::to_string(steps);
            m.poison();
            m.fill(m.wide, count, steps, 0.5f);
            m.fill(m.states_a, count, 384, 1.0f);
            Linear& linear = steps == 384 ? layer.mix : layer.down;
            m.launch_stream(of, m.stream_args(batch, m.wide, linear, m.states_a, m.sums, steps), count, false);
            m.synchronize(name);
            m.expect_rows(name, m.sums, count, 384, 8e-3, [&](double* out) {
                reference_linear<<<dim3(3, count), 128>>>(m.wide, linear.weight, linear.bias, m.states_a, 384, steps, false, out);
            });
        }
    }
    for (const Attention& of : attentions) {
        std::string name = std::string("attention ") + of.name;
        Batch& tiled = m.batch({1, 2, 7, 16, 17, 64, 127, 128, 129, 511, 512}, of.queries);
        m.poison();
        m.fill(m.wide, count, 1152, 0.8f);
        m.launch_attention(of, m.attention_args(tiled, m.wide, m.mixed), tiled.tiles, false);
        m.synchronize(name);
        m.expect_rows(name, m.mixed, count, 384, 4e-3, [&](double* out) {
            reference_attention<<<dim3((count + 127) / 128, 12), 128>>>(m.wide, tiled.bounds, tiled.sequences, count, out);
        });
    }
}

// The kernel of a whole layer, with all of its steps.
void check_layer(Machine& m) {
    if (!m.hopper) return;
    for (int count : {1, 64, 65, 128, 300, 1500}) {
        Batch& batch = m.batch({count});
        std::string name = "layer of " + std::to_string(count);
        Layer& layer = m.model.layers[0];
        m.poison();
        m.fill(m.mixed, count, 384, 0.5f);
        m.fill(m.states_a, count, 384, 1.0f);
        m.launch_layer(m.layer_args(batch, 0, m.mixed, m.states_a, m.states_b, m.wide, true), count);
        m.synchronize(name);
        m.expect_no_trouble(name, batch);
        double *x = m.truth_states[0], *y = m.truth_states[1], *big = m.truth_wide[1];
        const __half* none = nullptr;
        m.expect_rows(name + " states", m.states_b, count, 384, 1.5e-2, [&](double* out) {
            int blocks = (count + 127) / 128;
            reference_linear<<<dim3(3, count), 128>>>(m.mixed, layer.mix.weight, layer.mix.bias, m.states_a, 384, 384, false, y);
            reference_norm<<<blocks, 128>>>(y, layer.mix_weight, layer.mix_bias, count, x);
            reference_linear<<<dim3(12, count), 128>>>(x, layer.up.weight, layer.up.bias, static_cast<const double*>(nullptr), 1536, 384, true, big);
            reference_linear<<<dim3(3, count), 128>>>(big, layer.down.weight, layer.down.bias, static_cast<const double*>(x), 384, 1536, false, y);
            reference_norm<<<blocks, 128>>>(y, layer.down_weight, layer.down_bias, count, out);
        });
        Linear& next = m.model.layers[1].qkv;
        m.expect_rows(name + " qkv", m.wide, count, 1152, 8e-3, [&](double* out) {
            reference_linear<<<dim3(9, count), 128>>>(m.states_b, next.weight, next.bias, none, 1152, 384, false, out);
        });
    }
}

void check_whole(Machine& m, bool whole) {
    std::vector<std::vector<int>> batches = {{1}, {16}, {128}, {512}, {1, 2, 7, 16, 17, 64, 127, 128, 129, 511, 512}};
    std::vector<int> many(1024);
    for (int i = 0; i < 1024; i++) many[i] = 1 + i * 7 % 13;
    batches.push_back(many);
    batches.push_back(std::vector<int>(40, 128));
    for (const auto& lengths : batches) {
        Batch& any = m.batch(lengths);
        std::printf("\n-- whole encoder, %d tokens in %d sequences\n", any.tokens, any.sequences);
        Answers truth = m.reference(any);
        std::vector<float> first;
        for (const Plan& plan : plans) {
            if (plan.whole != whole) continue;
            Batch& batch = m.batch(lengths, attentions[plan.attention].queries);
            m.poison();
            m.encode(plan, batch, false, batch.tokens, batch.tiles, batch.sequences);
            m.synchronize(plan.name);
            m.expect_no_trouble(plan.name, batch);
            m.expect_answers(plan.name, batch, truth);
            std::vector<float> plain = m.answers(batch);
            for (bool early : {false, true}) {
                // Room for more than there is, as in a graph of a bucket.
                Graph graph(m, plan, batch, early, batch.tokens + 100, batch.tiles + 7, batch.sequences + 5);
                if (!graph) continue;
                m.poison();
                graph.run();
                m.synchronize(plan.name);
                bool same = m.answers(batch) == plain;
                m.tell(same, std::string(plan.name) + (early ? " graph, early start" : " graph") + " gives the same bits", 0, 0);
            }
        }
    }
}

double tera(double flop, double us) { return flop / us * 1e-6; }

void time_kernels(Machine& m, int count, int length, bool products) {
    std::printf("\n-- kernels, us a launch for %d tokens in sequences of %d; in brackets TFLOP/s\n", count, length);
    Layer& layer = m.model.layers[0];
    std::vector<int> lengths(count / length, length);
    Batch& batch = m.batch(lengths);
    bool small = count < 4096;
    m.fill(m.sums, count, 384, 1.0f);
    if (small) std::printf("nothing: %.2f\n", m.time(true, [&](bool) { nothing<<<1, 32, 0, m.stream>>>(); }));
    for (const Panel& of : panels) {
        if (!products) break;
        if (small ? of.rows > 64 : of.rows < 64) continue;
        for (int kind : {1, 2}) {
            int columns = kind == 2 ? 1536 : 1152, tiles = columns / of.columns;
            PanelArgs args = m.panel_args(batch, false, m.sums, m.states_b, kind == 2 ? layer.up : layer.qkv, m.wide);
            std::printf("panel %s %s:", of.letter, kind == 2 ? "gelu" : "sums");
            for (int split = 1; split <= tiles; split++) {
                if (tiles % split != 0 || (of.steps_shared && split != tiles)) continue;
                if (small && split < tiles / 4) continue;
                if (!small && split > 6) continue;
                double us = m.time(small, [&](bool early) { m.launch_panel(of, kind, args, count, split, early); });
                std::printf("  /%d %.2f", split, us);
                if (!small) std::printf(" [%.0f]", tera(2.0 * count * 384 * columns, us));
            }
            std::printf("\n");
        }
    }
    for (const Stream& of : streams) {
        if (!products) break;
        if (small ? of.rows > 64 : of.rows < 64) continue;
        std::printf("stream %s:", of.letter);
        for (int steps : {384, 1536}) {
            StreamArgs args = m.stream_args(batch, m.wide, steps == 384 ? layer.mix : layer.down, m.states_a, m.sums, steps);
            double us = m.time(small, [&](bool early) { m.launch_stream(of, args, count, early); });
            std::printf("  of %d %.2f", steps, us);
            if (!small) std::printf(" [%.0f]", tera(2.0 * count * 384 * steps, us));
        }
        std::printf("\n");
    }
    for (const Attention& of : attentions) {
        Batch& tiled = m.batch(lengths, of.queries);
        AttentionArgs args = m.attention_args(tiled, m.wide, m.mixed);
        double us = m.time(small, [&](bool early) { m.launch_attention(of, args, tiled.tiles, early); });
        std::printf("attention %s: %.2f [%.0f]\n", of.name, us, tera(4.0 * count * length * 384, us));
    }
    double us = m.time(small, [&](bool early) { m.launch_tokens(batch, count, early); });
    std::printf("tokens: %.2f\n", us);
    us = m.time(small, [&](bool early) { m.launch_pool(batch, batch.sequences, early); });
    std::printf("pool: %.2f\n", us);
}

void time_layer(Machine& m) {
    for (int count : {4096, 16384, 16896, 131072}) {
        Batch& batch = m.batch(std::vector<int>(count / 128, 128));
        m.fill(m.mixed, count, 384, 0.5f);
        m.fill(m.states_a, count, 384, 1.0f);
        LayerArgs args = m.layer_args(batch, 0, m.mixed, m.states_a, m.states_b, m.wide, true);
        double us = m.time(false, [&](bool) { m.launch_layer(args, count); });
        std::printf("layer of %d tokens: %.2f us [%.0f]\n", count, us, tera(2.0 * count * 384 * (384 + 3072 + 1152), us));
    }
}

void time_single(Machine& m) {
    std::printf("\n-- one text: us of a graph with its copies, launched and waited for (median of the host's clock), and of its kernels back to back\n");
    for (int length : {16, 64, 128, 512}) {
        for (const Plan& plan : plans) {
            if (plan.large) continue;
            Batch& batch = m.batch({length}, attentions[plan.attention].queries);
            for (bool early : {false, true}) {
                Graph graph(m, plan, batch, early, batch.tokens, batch.tiles, batch.sequences);
                if (!graph) continue;
                std::printf("%3d tokens, %s%s: %.1f, kernels %.1f\n", length, plan.name, early ? ", early start" : "",
                            graph.latency(), graph.throughput());
            }
        }
    }
}

void time_batches(Machine& m, bool whole) {
    std::printf("\n-- batches: ms, tokens and texts a second, TFLOP/s; chunk is how many tokens go through all layers at a time\n");
    for (int sequences : {256, 1024}) {
        for (int length : {16, 64, 128, 512}) {
            if (sequences == 1024 && length == 512) continue;
            double flop = double(sequences) * length * 6 * (2.0 * 384 * (1152 + 384 + 3072) + 4.0 * length * 384);
            for (const Plan& plan : plans) {
                if (!plan.large || plan.whole != whole) continue;
                for (int chunk : {16896, 33792, 1 << 30}) {
                    if (chunk < (1 << 30) && chunk >= sequences * length) continue;
                    double ms = m.time_encode(plan, sequences, length, chunk);
                    std::printf("%4d x %3d, %s, chunk %6d: %.3f ms, %.2f M tokens, %.0f k texts, %.0f TFLOP/s\n", sequences, length,
                                plan.name, chunk == 1 << 30 ? sequences * length : chunk, ms, sequences * length / ms * 1e-3,
                                sequences / ms, flop / ms * 1e-9);
                }
            }
        }
    }
}
}  // namespace

int main(int count, char** words) {
    std::string only = count > 1 ? words[1] : "";
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    Machine machine;
    if (only != "times" && only != "layer") {
        check_stages(machine);
        check_whole(machine, false);
    }
    if (only != "quick" && only != "layer") {
        time_single(machine);
        time_batches(machine, false);
        for (int tokens : {16, 128, 512}) time_kernels(machine, tokens, tokens, true);
        time_kernels(machine, 131072, 128, true);
        time_kernels(machine, 131072, 16, false);
        time_kernels(machine, 131072, 512, false);
    }
    // Last, since a barrier that never comes costs the time that is left.
    if (machine.hopper) {
        if (only != "times") check_layer(machine);
        if (only != "times") check_whole(machine, true);
        if (only != "quick") time_layer(machine);
        if (only != "quick") time_batches(machine, true);
    }
    std::printf("\n%s: %d of %d checks failed, %.1f s\n", machine.failures ? "FAIL" : "PASS", machine.failures, machine.checks, machine.seconds());
    return machine.failures != 0;
}
