// The device, a model of random weights on it, batches, and comparisons with the reference.
#pragma once
#include "check_model.cuh"

struct Device {
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

    Device() {
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
};
