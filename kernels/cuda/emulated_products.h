// Products of four warps, barriers and copies of chunks as functions. Products are done at once, so what waits for them is not tested.
#pragma once
#include <map>

struct GroupMeeting {
    int arrived = 0, generation = 0;
    const void* given[128];
};
struct Barrier {
    int arrivals, left, phase = 0;
    long bytes = 0;
    void settle() {
        if (left == 0 && bytes == 0) phase ^= 1, left = arrivals;
    }
};
// By number of the group, number of the barrier, and place.
inline std::map<int, GroupMeeting> groups_now;
inline std::map<int, Meeting> named_now;
inline std::map<uint32_t, Barrier> barriers_now;

struct GroupProduct {
    float* d;
    const uint32_t* registers;
    uint64_t a, b;
};

inline float element(uint64_t of, int row, int k) {
    uint32_t at = static_cast<uint32_t>(of & 0x3fff) * 16 + row / 8 * static_cast<uint32_t>((of >> 32 & 0x3fff) * 16) + row % 8 * 128 + k * 2;
    at ^= (at >> 7 & 7) << 4;
    __half half;
    std::memcpy(&half, shared_at(at, 2), 2);
    return __half2float(half);
}

template <int N>
void product(float* d, const uint32_t* registers, uint64_t a, uint64_t b) {
    int thread = fibers[current].thread.x;
    GroupMeeting& meeting = groups_now[thread / 128];
    GroupProduct mine{d, registers, a, b};
    meeting.given[thread % 128] = &mine;
    int generation = meeting.generation;
    if (++meeting.arrived < 128) {
        while (meeting.generation == generation) give_way();
        return;
    }
    static float left[64][16], right[16][N];
    for (int column = 0; column < N; column++) {
        for (int k = 0; k < 16; k++) right[k][column] = element(b, column, k);
    }
    for (int place = 0; place < 128; place++) {
        const GroupProduct& of = *static_cast<const GroupProduct*>(meeting.given[place]);
        int row = place / 32 * 16 + place % 32 / 4, pair = place % 4 * 2;
        if (of.a != a || of.b != b) std::printf("FAIL: operands differ in a group\n"), std::exit(1);
        for (int e = 0; e < 2 && of.registers; e++) {
            left[row][pair + e] = half_of(of.registers[0], e), left[row + 8][pair + e] = half_of(of.registers[1], e);
            left[row][pair + 8 + e] = half_of(of.registers[2], e), left[row + 8][pair + 8 + e] = half_of(of.registers[3], e);
        }
    }
    for (int row = 0; row < 64 && !registers; row++) {
        for (int k = 0; k < 16; k++) left[row][k] = element(a, row, k);
    }
    for (int place = 0; place < 128; place++) {
        const GroupProduct& of = *static_cast<const GroupProduct*>(meeting.given[place]);
        for (int i = 0; i < N / 2; i++) {
            int row = place / 32 * 16 + place % 32 / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + place % 4 * 2 + i % 2;
            for (int k = 0; k < 16; k++) of.d[i] += left[row][k] * right[k][column];
        }
    }
    meeting.arrived = 0;
    meeting.generation++;
}

inline void product_192(float (&d)[96], uint64_t a, uint64_t b) { product<192>(d, nullptr, a, b); }
inline void product_192_registers(float (&d)[96], const uint32_t (&a)[4], uint64_t b) { product<192>(d, a, 0, b); }
inline void product_64(float (&d)[32], uint64_t a, uint64_t b) { product<64>(d, nullptr, a, b); }
inline void product_32(float (&d)[16], uint64_t a, uint64_t b) { product<32>(d, nullptr, a, b); }

inline uint64_t operand(uint32_t at) {
    return (uint64_t(1) << 62) | (uint64_t(1024 >> 4) << 32) | (uint64_t(1) << 16) | ((at & 0x3ffff) >> 4);
}
inline void products_begin() {}
inline void products_commit() {}
template <int N>
void products_wait() {}
template <int N>
void hold(float (&)[N]) {}
inline void show_to_products() {}
inline void barrier_start(uint32_t at, int arrivals) { barriers_now[at] = Barrier{arrivals, arrivals}; }
inline void barriers_show() {}
inline void barrier_arrive(uint32_t at) {
    barriers_now.at(at).left--;
    barriers_now.at(at).settle();
}
inline void barrier_expect(uint32_t at, int bytes) {
    barriers_now.at(at).bytes += bytes;
    barrier_arrive(at);
}
inline void barrier_wait(uint32_t at, uint32_t phase, int&) {
    while (barriers_now.at(at).phase == static_cast<int>(phase)) give_way();
}
inline void copy_chunk(uint32_t to, const void* from, int bytes, uint32_t barrier) {
    shared_at(to + bytes - 16, 16);
    std::memcpy(shared_at(to, 16), from, bytes);
    barriers_now.at(barrier).bytes -= bytes;
    barriers_now.at(barrier).settle();
}
template <int N>
void more_registers() {}
template <int N>
void fewer_registers() {}
inline void group_barrier(int number, int threads) { meet(named_now[number], threads, 99, nullptr, nullptr, [] {}); }
