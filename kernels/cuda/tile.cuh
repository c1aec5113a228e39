// What a warp does with a tile in shared memory: copies, fragments and products, each one instruction of the device.
//
// With PORTCULLIS_EMULATED the same names are functions of emulated.h, so that the kernels run on a processor, thread by thread.
#pragma once

#ifdef PORTCULLIS_EMULATED
#include "emulated.h"
#else
#include <cuda_fp16.h>
#include <cstdint>

extern __shared__ __align__(1024) unsigned char shared_bytes[];

__device__ __forceinline__ uint32_t shared_base() {
    return static_cast<uint32_t>(__cvta_generic_to_shared(shared_bytes));
}

// 16 bytes from global to shared memory, zeros where there is nothing to read.
__device__ __forceinline__ void copy16(uint32_t to, const void* from, bool there) {
    int bytes = there ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}

__device__ __forceinline__ void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most N groups of copies are under way.
template <int N>
__device__ __forceinline__ void copies_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], uint32_t from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(uint32_t (&to)[4], uint32_t from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
}

// c += a b for 16 rows, 8 columns and 16 steps.
__device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ uint32_t shared_load(uint32_t from) {
    uint32_t value;
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(value) : "r"(from) : "memory");
    return value;
}

__device__ __forceinline__ void shared_store(uint32_t to, uint32_t value) {
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(to), "r"(value) : "memory");
}

__device__ __forceinline__ void shared_store16(uint32_t to, uint4 x) {
    asm volatile("st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(to), "r"(x.x), "r"(x.y), "r"(x.z), "r"(x.w) : "memory");
}

// Nothing that the kernels before this one write may be read before it, nor anything that they read be written.
__device__ __forceinline__ void wait_for_kernels_before() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ __forceinline__ void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

__device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ __forceinline__ float shuffle_xor(float x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
#define BLOCK_BARRIER() __syncthreads()
#endif

__device__ __forceinline__ uint32_t packed(float low, float high) {
    __half2 both = __floats2half2_rn(low, high);
    return *reinterpret_cast<uint32_t*>(&both);
}

__device__ __forceinline__ float2 unpacked(uint32_t both) {
    return __half22float2(*reinterpret_cast<__half2*>(&both));
}

__device__ __forceinline__ float sum_of_warp(float x) {
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) x += shuffle_xor(x, mask);
    return x;
}

// Rows of 64 halves lie in 128 bytes, eight chunks of 16; the chunk is exchanged by a key of the row so that eight rows read at one
// place in the row are in eight banks.
constexpr int ROW_BYTES = 128;
constexpr int SLAB = 64;

// A's rows are read eight in a row.
__device__ __forceinline__ uint32_t a_offset(int row, int chunk) {
    return row * ROW_BYTES + ((chunk ^ (row & 7)) << 4);
}

// The rows of B that one 8x8 matrix reads are chosen so that a thread's sums of G matrices are 2G neighbouring columns.
template <int G>
__device__ __forceinline__ int b_row(int matrix, int row) {
    return (matrix / G) * 8 * G + (row >> 1) * 2 * G + (matrix % G) * 2 + (row & 1);
}

template <int G>
__device__ __forceinline__ uint32_t b_offset(int row, int chunk) {
    constexpr int SHIFT = G == 4 ? 3 : G == 2 ? 2 : 1;
    int key = (((row >> SHIFT) & 3) << 1) | (row & 1);
    return row * ROW_BYTES + ((chunk ^ key) << 4);
}

// Adds to a warp's MT x NT sums what the 16 steps `step` of a slab give.
template <int MT, int NT, int G>
__device__ __forceinline__ void multiply_step(float (&sums)[MT][NT][4], uint32_t a_slab, int a_first, uint32_t b_slab,
                                              int b_first, int step, int lane) {
    uint32_t a[MT][4];
#pragma unroll
    for (int mt = 0; mt < MT; mt++) {
        load_matrices(a[mt], a_slab + a_offset(a_first + mt * 16 + (lane & 15), step * 2 + (lane >> 4)));
    }
#pragma unroll
    for (int nt = 0; nt < NT; nt += 2) {
        uint32_t b[4];
        int row = b_first + b_row<G>(nt + (lane >> 4), lane & 7);
        load_matrices(b, b_slab + b_offset<G>(row, step * 2 + ((lane >> 3) & 1)));
#pragma unroll
        for (int mt = 0; mt < MT; mt++) {
            multiply(sums[mt][nt], a[mt], b[0], b[1]);
            multiply(sums[mt][nt + 1], a[mt], b[2], b[3]);
        }
    }
}
