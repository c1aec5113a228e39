// The weights of a layer in the order and form in which `layer.cuh` reads them.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

// Rows `rows` (in their order) of a matrix of `steps` halves a row, from step `step` 64 of them, as a slab of shared memory.
inline void pack_slab(const uint16_t* matrix, int steps, int step, const std::vector<int>& rows, std::vector<uint8_t>& to) {
    size_t at = to.size();
    to.resize(at + rows.size() * 128);
    for (size_t r = 0; r < rows.size(); r++) {
        for (int chunk = 0; chunk < 8; chunk++) {
            std::memcpy(&to[at + r * 128 + ((chunk ^ (r & 7)) << 4)], matrix + size_t(rows[r]) * steps + step + chunk * 8, 16);
        }
    }
}

// 192 rows so that a thread's sums of four products of eight columns are eight neighbouring columns.
inline std::vector<int> spread_rows(int first) {
    std::vector<int> rows;
    for (int place = 0; place < 192; place++) {
        int tile = place / 8, within = place % 8;
        rows.push_back(first + tile / 4 * 32 + within / 2 * 8 + tile % 4 * 2 + within % 2);
    }
    return rows;
}

// `next` is the following layer's queries, keys and values, or null.
inline std::vector<uint8_t> packed_weights(const uint16_t* mix, const uint16_t* up, const uint16_t* down, const uint16_t* next) {
    std::vector<uint8_t> to;
    for (int slab = 0; slab < 6; slab++) {
        for (int half = 0; half < 2; half++) pack_slab(mix, 384, slab * 64, spread_rows(half * 192), to);
    }
    for (int step = 0; step < 24; step++) {
        std::vector<int> rows;
        for (int i = 0; i < 64; i++) rows.push_back(step * 64 + i);
        for (int slab = 0; slab < 6; slab++) pack_slab(up, 384, slab * 64, rows, to);
        for (int half = 0; half < 2; half++) pack_slab(down, 1536, step * 64, spread_rows(half * 192), to);
    }
    for (int block = 0; next != nullptr && block < 6; block++) {
        for (int slab = 0; slab < 6; slab++) pack_slab(next, 384, slab * 64, spread_rows(block * 192), to);
    }
    return to;
}
