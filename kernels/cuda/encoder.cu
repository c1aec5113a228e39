// The encoder's kernels, under the names by which the host asks for them. kernels/device/src/own launches them.
#include "attention.cuh"
#include "gemm.cuh"
#include "heads.cuh"

// Rows and columns of a tile, warps by rows, columns and steps, slabs under way.
using PanelA = Shape<16, 32, 1, 2, 2, 7>;
using PanelB = Shape<32, 32, 2, 2, 1, 7>;
using PanelC = Shape<64, 64, 2, 2, 1, 6>;
using PanelD = Shape<64, 128, 2, 4, 1, 3>;
using PanelE = Shape<128, 128, 2, 4, 1, 6>;
using PanelF = Shape<128, 192, 2, 4, 1, 4>;
using StreamA = Shape<16, 16, 1, 1, 4, 12>;
using StreamB = Shape<16, 32, 1, 2, 2, 8>;
using StreamC = Shape<32, 32, 2, 2, 1, 8>;
using StreamD = Shape<64, 64, 2, 2, 1, 4>;
using StreamE = Shape<128, 128, 2, 4, 1, 3>;
using StreamF = Shape<128, 192, 2, 4, 1, 4>;

#define PANEL(LETTER, BLOCKS)                                                                                              \
    extern "C" __global__ void __launch_bounds__(Panel##LETTER::THREADS, BLOCKS) panel_tables_##LETTER(const PanelArgs p) { \
        panel<Panel##LETTER, TABLES, false>(p);                                                                            \
    }                                                                                                                      \
    extern "C" __global__ void __launch_bounds__(Panel##LETTER::THREADS, BLOCKS) panel_sums_##LETTER(const PanelArgs p) {  \
        panel<Panel##LETTER, SUMS, false>(p);                                                                              \
    }                                                                                                                      \
    extern "C" __global__ void __launch_bounds__(Panel##LETTER::THREADS, BLOCKS) panel_gelu_##LETTER(const PanelArgs p) {  \
        panel<Panel##LETTER, SUMS, true>(p);                                                                               \
    }
#define STREAM(LETTER, BLOCKS)                                                                                         \
    extern "C" __global__ void __launch_bounds__(Stream##LETTER::THREADS, BLOCKS) stream_##LETTER(const StreamArgs p) { \
        stream<Stream##LETTER>(p);                                                                                     \
    }
#define ATTENTION(QUERIES, HEADS)                                                                                 \
    extern "C" __global__ void __launch_bounds__(QUERIES* HEADS * 32) attention_##QUERIES##_##HEADS(const AttentionArgs p) { \
        attention<QUERIES, HEADS>(p);                                                                             \
    }

PANEL(A, 1)
PANEL(B, 1)
PANEL(C, 2)
PANEL(D, 2)
PANEL(E, 1)
PANEL(F, 1)
STREAM(A, 1)
STREAM(B, 1)
STREAM(C, 1)
STREAM(D, 2)
STREAM(E, 2)
STREAM(F, 1)
ATTENTION(1, 1)
ATTENTION(2, 1)
ATTENTION(4, 1)
ATTENTION(1, 4)
ATTENTION(2, 4)

constexpr int TOKEN_WARPS = 4;
extern "C" __global__ void __launch_bounds__(TOKEN_WARPS * 32) tokens_4(const TokensArgs p) { tokens<TOKEN_WARPS>(p); }
constexpr int POOL_THREADS = 384, POOL_BYTES = 24 * 16 * 8 * 4;
extern "C" __global__ void __launch_bounds__(POOL_THREADS) pool_384(const PoolArgs p) { pool(p); }

#include "layer.cuh"

// The host's structures are of these sizes: kernels/device/src/own/arguments.rs.
static_assert(sizeof(PanelArgs) == 104 && sizeof(StreamArgs) == 56 && sizeof(AttentionArgs) == 32 && sizeof(QueryTile) == 16, "as the host's");
static_assert(sizeof(TokensArgs) == 64 && sizeof(PoolArgs) == 72 && sizeof(LayerArgs) == 128, "as the host's");

// The instructions are those of compute capability 9.0 alone.
extern "C" __global__ void __launch_bounds__(LAYER_THREADS, 1) layer_128(const LayerArgs p) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || defined(PORTCULLIS_EMULATED)
    layer(p);
#endif
}
