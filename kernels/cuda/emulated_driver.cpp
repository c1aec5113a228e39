// A driver that runs the emulated kernels on a processor, so that all of the host's side but candle can be run without a GPU: what it
// copies, launches and records, and with which arguments. It says that it is an H100.
//
//   CUDA_HOME=… scripts/cuda.sh emulate
#define main emulate_main
#include "emulate.cpp"
#undef main

#include <map>
#include <memory>

namespace {
using Handle = void*;
using Address = unsigned long long;
using Work = std::vector<std::function<void()>>;
using Launch = std::function<void(dim3, int, size_t, const void*)>;

struct Entry {
    Launch launch;
    size_t bytes;
};

Handle current_context = nullptr;
// What is put into the stream while it is recorded.
Work* recorded = nullptr;

template <class Arguments>
Entry kernel(void (*f)(const Arguments)) {
    return {[f](dim3 grid, int threads, size_t shared, const void* from) {
                Arguments arguments = *static_cast<const Arguments*>(from);
                launch_emulated(grid, threads, shared, [&] { f(arguments); });
            },
            sizeof(Arguments)};
}

#define PANEL_ENTRIES(L)                                                                                        \
    {"panel_tables_" #L, kernel(panel_tables_##L)}, {"panel_sums_" #L, kernel(panel_sums_##L)}, {"panel_gelu_" #L, kernel(panel_gelu_##L)}
#define ENTRY(NAME) {#NAME, kernel(NAME)}
std::map<std::string, Entry> kernels = {
    PANEL_ENTRIES(A), PANEL_ENTRIES(B), PANEL_ENTRIES(C), PANEL_ENTRIES(D), PANEL_ENTRIES(E), PANEL_ENTRIES(F),
    ENTRY(stream_A), ENTRY(stream_B), ENTRY(stream_C), ENTRY(stream_D), ENTRY(stream_E), ENTRY(stream_F),
    ENTRY(attention_1_1), ENTRY(attention_2_1), ENTRY(attention_4_1), ENTRY(attention_1_4), ENTRY(attention_2_4),
    ENTRY(tokens_4), ENTRY(pool_384), ENTRY(layer_128),
};

int put(std::function<void()> work) {
    if (recorded != nullptr) {
        recorded->push_back(std::move(work));
    } else {
        work();
    }
    return 0;
}
void* at(Address address) { return reinterpret_cast<void*>(address); }
}  // namespace

struct LaunchConfig {
    unsigned grid[3], block[3], shared;
    Handle stream, attributes;
    unsigned count;
};

// Every other function of the driver says that there is no device.
extern "C" {
int cuInit(unsigned) { return 0; }
int cuDeviceGetCount(int* count) { return *count = 1, 0; }
int cuDeviceGet(int* device, int) { return *device = 0, 0; }
int cuDeviceGetAttribute(int* value, int attribute, int) {
    static const std::map<int, int> known = {{16, 132}, {97, 227 << 10}, {81, 228 << 10}, {75, 9}, {76, 0}};
    auto found = known.find(attribute);
    return *value = found == known.end() ? 1 : found->second, 0;
}
int cuCtxCreate_v4(Handle* context, void*, unsigned, int) { return *context = current_context = new int, 0; }
int cuCtxGetCurrent(Handle* context) { return *context = current_context, 0; }
int cuCtxSetCurrent(Handle context) { return current_context = context, 0; }
int cuCtxDestroy_v2(Handle context) { return delete static_cast<int*>(context), 0; }
int cuStreamCreate(Handle* stream, unsigned) { return *stream = &recorded, 0; }
int cuStreamSynchronize(Handle) { return 0; }
int cuStreamBeginCapture_v2(Handle, int) { return recorded = new Work, 0; }
int cuStreamEndCapture(Handle, Handle* graph) { return *graph = std::exchange(recorded, nullptr), 0; }
int cuGraphInstantiateWithFlags(Handle* executable, Handle graph, Address) { return *executable = new Work(*static_cast<Work*>(graph)), 0; }
int cuGraphDestroy(Handle graph) { return delete static_cast<Work*>(graph), 0; }
int cuGraphExecDestroy(Handle graph) { return delete static_cast<Work*>(graph), 0; }
int cuGraphLaunch(Handle graph, Handle) {
    for (auto& work : *static_cast<Work*>(graph)) work();
    return 0;
}
int cuEventCreate(Handle* event, unsigned) { return *event = &recorded, 0; }
int cuEventRecord(Handle, Handle) { return 0; }
int cuEventQuery(Handle) { return 0; }
int cuModuleLoadData(Handle* module, const void*) { return *module = &kernels, 0; }
int cuModuleGetFunction(Handle* function, Handle, const char* name) {
    auto found = kernels.find(name);
    return *function = found == kernels.end() ? nullptr : &found->second, *function == nullptr ? 500 : 0;
}
int cuFuncSetAttribute(Handle, int, int value) { return value > (227 << 10); }
// Nothing that is allocated holds numbers.
int cuMemAlloc_v2(Address* address, size_t bytes) {
    size_t whole = (bytes + 255) / 256 * 256;
    return *address = reinterpret_cast<Address>(std::memset(std::aligned_alloc(256, whole), 0xff, whole)), 0;
}
int cuMemFree_v2(Address address) { return std::free(at(address)), 0; }
int cuMemHostAlloc(Handle* memory, size_t bytes, unsigned) { return *memory = std::malloc(bytes), 0; }
int cuMemFreeHost(Handle memory) { return std::free(memory), 0; }
int cuMemcpyHtoD_v2(Address to, const void* from, size_t bytes) { return std::memcpy(at(to), from, bytes), 0; }
int cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, Handle) {
    return put([=] { std::memcpy(at(to), from, bytes); });
}
int cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, Handle) {
    return put([=] { std::memcpy(to, at(from), bytes); });
}
int cuMemsetD8Async(Address to, unsigned char byte, size_t bytes, Handle) {
    return put([=] { std::memset(at(to), byte, bytes); });
}
int cuLaunchKernelEx(const LaunchConfig* config, Handle function, void** parameters, void**) {
    const Entry& entry = *static_cast<Entry*>(function);
    dim3 grid(config->grid[0], config->grid[1], config->grid[2]);
    int threads = config->block[0];
    size_t shared = config->shared;
    if (grid.x * grid.y * grid.z == 0 || threads == 0 || shared > (227u << 10)) return 1;
    auto bytes = static_cast<const char*>(parameters[0]);
    auto arguments = std::make_shared<std::vector<char>>(bytes, bytes + entry.bytes);
    return put([=, &entry] { entry.launch(grid, threads, shared, arguments->data()); });
}
int cuGetErrorName(int, const char** name) { return *name = "CUDA_ERROR_EMULATED", 0; }
int cuGetErrorString(int, const char** text) { return *text = "the emulated driver refuses", 0; }
}
