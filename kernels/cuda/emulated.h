// The device's instructions as functions, and its threads as fibers that take turns where a warp or a block meets. Copies land only
// when they are waited for, and shared memory holds no numbers before.
#pragma once
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __global__
#define __global__
#undef __device__
#define __device__
#undef __forceinline__
#define __forceinline__ inline

struct Copy {
    uint32_t to;
    const void* from;
    bool there;
};

struct Fiber {
    void* stack_pointer = nullptr;
    std::vector<char> stack;
    bool done = false;
    dim3 thread;
    std::vector<std::vector<Copy>> groups;
    std::vector<Copy> open;
};

struct Meeting {
    int arrived = 0, generation = 0;
    const void* given[32];
    void* taken[32];
};

extern std::vector<Fiber> fibers;
extern int current;
extern dim3 block_now, grid_now;
extern std::vector<unsigned char> shared_now;
extern std::vector<Meeting> warps;
extern Meeting block_meeting;
void give_way();

#define threadIdx (fibers[current].thread)
#define blockIdx block_now
#define gridDim grid_now

inline unsigned char* shared_at(uint32_t at, int bytes) {
    if (at + bytes > shared_now.size() || at % bytes != 0) {
        std::printf("FAIL: shared memory at %u, %d bytes, of %zu\n", at, bytes, shared_now.size());
        std::exit(1);
    }
    return shared_now.data() + at;
}

inline uint32_t shared_base() { return 0; }

inline void copy16(uint32_t to, const void* from, bool there) { fibers[current].open.push_back({to, from, there}); }

inline void copies_commit() {
    Fiber& fiber = fibers[current];
    fiber.groups.push_back(std::move(fiber.open));
    fiber.open.clear();
}

inline void copies_land(size_t left) {
    Fiber& fiber = fibers[current];
    while (fiber.groups.size() > left) {
        for (const Copy& copy : fiber.groups.front()) {
            unsigned char* to = shared_at(copy.to, 16);
            if (copy.there) {
                std::memcpy(to, copy.from, 16);
            } else {
                std::memset(to, 0, 16);
            }
        }
        fiber.groups.erase(fiber.groups.begin());
    }
}

template <int N>
void copies_wait() {
    copies_land(N);
}

// All lanes give something; the last to come does the work.
template <class Work>
void meet(Meeting& meeting, int members, int place, const void* given, void* taken, Work work) {
    if (place < 32) meeting.given[place] = given, meeting.taken[place] = taken;
    int generation = meeting.generation;
    if (++meeting.arrived == members) {
        work();
        meeting.arrived = 0;
        meeting.generation++;
        return;
    }
    while (meeting.generation == generation) give_way();
}

template <class Work>
void meet_warp(const void* given, void* taken, Work work) {
    int thread = fibers[current].thread.x;
    Meeting& meeting = warps[thread / 32];
    meet(meeting, 32, thread % 32, given, taken, [&] { work(meeting.given, meeting.taken); });
}

inline void BLOCK_BARRIER() { meet(block_meeting, static_cast<int>(fibers.size()), 99, nullptr, nullptr, [] {}); }

inline void load_matrices_as(uint32_t (&to)[4], uint32_t from, bool transposed) {
    meet_warp(&from, &to, [&](const void** given, void** taken) {
        for (int lane = 0; lane < 32; lane++) {
            for (int m = 0; m < 4; m++) {
                uint16_t both[2];
                for (int e = 0; e < 2; e++) {
                    int row = transposed ? (lane % 4) * 2 + e : lane / 4;
                    int column = transposed ? lane / 4 : (lane % 4) * 2 + e;
                    uint32_t address = *static_cast<const uint32_t*>(given[m * 8 + row]);
                    std::memcpy(&both[e], shared_at(address, 16) + column * 2, 2);
                }
                std::memcpy(&(*static_cast<uint32_t(*)[4]>(taken[lane]))[m], both, 4);
            }
        }
        // Eight rows at a time are to be in eight groups of four banks.
        for (int m = 0; m < 4; m++) {
            unsigned used = 0;
            for (int row = 0; row < 8; row++) used |= 1u << (*static_cast<const uint32_t*>(given[m * 8 + row]) / 16 % 8);
            if (used != 0xff) {
                std::printf("FAIL: banks are used twice: %x\n", used);
                std::exit(1);
            }
        }
    });
}

inline void load_matrices(uint32_t (&to)[4], uint32_t from) { load_matrices_as(to, from, false); }
inline void load_matrices_transposed(uint32_t (&to)[4], uint32_t from) { load_matrices_as(to, from, true); }

struct Product {
    float* c;
    const uint32_t* a;
    uint32_t b[2];
};

inline float half_of(uint32_t both, int which) {
    uint16_t bits = static_cast<uint16_t>(both >> (16 * which));
    __half half;
    std::memcpy(&half, &bits, 2);
    return __half2float(half);
}

inline void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    Product mine{c, a, {b0, b1}};
    meet_warp(&mine, nullptr, [&](const void** given, void**) {
        float left[16][16], right[16][8];
        for (int lane = 0; lane < 32; lane++) {
            const Product& of = *static_cast<const Product*>(given[lane]);
            int g = lane / 4, t = lane % 4;
            for (int e = 0; e < 2; e++) {
                left[g][t * 2 + e] = half_of(of.a[0], e);
                left[g + 8][t * 2 + e] = half_of(of.a[1], e);
                left[g][t * 2 + 8 + e] = half_of(of.a[2], e);
                left[g + 8][t * 2 + 8 + e] = half_of(of.a[3], e);
                right[t * 2 + e][g] = half_of(of.b[0], e);
                right[t * 2 + 8 + e][g] = half_of(of.b[1], e);
            }
        }
        for (int lane = 0; lane < 32; lane++) {
            const Product& of = *static_cast<const Product*>(given[lane]);
            for (int i = 0; i < 4; i++) {
                int row = lane / 4 + (i / 2) * 8, column = (lane % 4) * 2 + i % 2;
                for (int k = 0; k < 16; k++) of.c[i] += left[row][k] * right[k][column];
            }
        }
    });
}

inline uint32_t shared_load(uint32_t from) {
    uint32_t value;
    std::memcpy(&value, shared_at(from, 4), 4);
    return value;
}

inline void shared_store(uint32_t to, uint32_t value) { std::memcpy(shared_at(to, 4), &value, 4); }
inline void shared_store16(uint32_t to, uint4 x) { std::memcpy(shared_at(to, 16), &x, 16); }
inline void wait_for_kernels_before() {}
inline void let_next_kernel_start() {}
inline float exp2_fast(float x) { return std::exp2(x); }

inline float shuffle_xor(float x, int mask) {
    float got = 0.0f;
    meet_warp(&x, &got, [&](const void** given, void** taken) {
        // Masks are the same in all lanes of a warp.
        for (int lane = 0; lane < 32; lane++) {
            *static_cast<float*>(taken[lane]) = *static_cast<const float*>(given[lane ^ mask]);
        }
    });
    return got;
}

inline uint32_t __float_as_uint(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}

inline float __uint_as_float(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }

// Runs a kernel for every block of a grid, one after another.
void launch_emulated(dim3 grid, int threads, size_t shared, std::function<void()> kernel);
