// Launches of kernels and of the whole encoder, its reference, and times.
#pragma once
#include "check_device.cuh"

struct Machine : Device {
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
                layer.down_weight, layer.down_bias, model.layers[(l + 1) % LAYERS].qkv.bias, states, qkv, EPSILON, next, b.counts + 3};
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

    // Whether a barrier of a whole layer never came.
    void expect_no_trouble(const std::string& name, Batch& b) {
        int counts[4];
        MUST(cudaMemcpy(counts, b.counts, 16, cudaMemcpyDeviceToHost));
        if (counts[3] != 0) tell(false, name + " waited for a barrier that never came", 0, 0);
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
