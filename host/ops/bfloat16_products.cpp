#include "host/ops/bfloat16_products.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define UNFOLD_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define UNFOLD_AMX __attribute__((target("amx-tile,amx-bf16")))
#endif

namespace unfold::cpu {
namespace {

constexpr std::size_t kChunk = 32;      // numbers of k in a tile
constexpr std::size_t kBlockRows = 32;  // two tiles, beside two of B
constexpr std::size_t kStretch = 8;     // chunks for which A's rows are packed at a time
constexpr std::size_t kChunkBytes = kChunk * kPanelWidth * sizeof(Bfloat16);  // of a panel

std::uint64_t n_chunks_of(std::uint64_t n_k) { return (n_k + kChunk - 1) / kChunk; }

// A block's rows of A, [chunks, kBlockRows, kChunk].
struct alignas(64) PackedRows {
  Bfloat16 numbers[kStretch][kBlockRows][kChunk];
};

}  // namespace

std::uint64_t bfloat16_panel_bytes(std::uint64_t n_k) {
  return n_chunks_of(n_k) * kChunkBytes + kPanelWidth * sizeof(float);
}

#if defined(UNFOLD_AVX512)
namespace {

// --- what the processor has ----------------------------------------

std::uint32_t enabled_state() {  // by the system: XCR0, lower half
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

std::vector<Bfloat16Unit> processor_bfloat16_units() {
  constexpr std::uint32_t kSaved = 1u << 27;                                      // leaf 1, ecx: OSXSAVE
  constexpr std::uint32_t kAvx512 = 1u << 16 | 1u << 30 | 1u << 31;               // leaf 7, ebx: F, BW, VL
  constexpr std::uint32_t kBfloat16 = 1u << 5;                                    // leaf 7.1, eax
  constexpr std::uint32_t kTiles = 1u << 22 | 1u << 24;                           // leaf 7, edx: BF16, TILE
  constexpr std::uint32_t kVectorState = 0xE6, kTileState = 1u << 17 | 1u << 18;  // XCR0
  std::uint32_t a = 0, b = 0, c = 0, d = 0, unused = 0, more = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSaved) == 0) return {};
  const std::uint32_t state = enabled_state();
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || __get_cpuid_count(7, 1, &more, &unused, &unused, &unused) == 0) {
    return {};
  }
  const auto has = [](std::uint32_t bits, std::uint32_t wanted) { return (bits & wanted) == wanted; };
  std::vector<Bfloat16Unit> units;
  // Numbers are rounded by AVX512_BF16 in either case.
  if (!has(b, kAvx512) || !has(more, kBfloat16) || !has(state, kVectorState)) return units;
  if (has(d, kTiles) && has(state, kTileState)) units.push_back(Bfloat16Unit::kAmx);
  units.push_back(Bfloat16Unit::kAvx512);
  return units;
}

namespace {

// --- rounding and packing ----------------------------------------

using Pairs = __m512i;  // 16 pairs of bfloat16

UNFOLD_AVX512 inline __m512 load_first(const float* from, std::size_t n) {
  if (n >= 16) return _mm512_loadu_ps(from);
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from);
}
std::size_t left(std::size_t n, std::size_t done) { return n > done ? n - done : 0; }

// Numbers 0 to 31 of a row.
UNFOLD_AVX512 inline Pairs pairs_of_row(const float* from, std::size_t n) {
  return reinterpret_cast<Pairs>(_mm512_cvtne2ps_pbh(load_first(from + 16, left(n, 16)), load_first(from, n)));
}
// Pair i holds number i of either row. `second` may be null: zeros.
UNFOLD_AVX512 inline Pairs pairs_of_rows(const float* first, const float* second, std::size_t n) {
  const __m512 upper = second == nullptr ? _mm512_setzero_ps() : load_first(second, n);
  const Pairs halves = reinterpret_cast<Pairs>(_mm512_cvtne2ps_pbh(upper, load_first(first, n)));
  alignas(64) static constexpr auto kOrder = [] {
    struct {
      std::uint16_t at[32];
    } order = {};
    for (std::uint16_t i = 0; i < 32; ++i) order.at[i] = static_cast<std::uint16_t>(i / 2 + (i % 2 == 0 ? 0 : 16));
    return order;
  }();
  return _mm512_permutexvar_epi16(_mm512_load_si512(kOrder.at), halves);
}

// Pair i of vector j becomes pair j of vector i. By the masked instructions: GCC 12 warns of the others' own code.
UNFOLD_AVX512 inline void transpose_pairs(Pairs (&x)[16]) {
  constexpr __mmask16 kAll = 0xFFFF;
  constexpr __mmask8 kAllWide = 0xFF;
  Pairs t[16], u[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_maskz_unpacklo_epi32(kAll, x[i], x[i + 1]);
    t[i + 1] = _mm512_maskz_unpackhi_epi32(kAll, x[i], x[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    u[i] = _mm512_maskz_unpacklo_epi64(kAllWide, t[i], t[i + 2]);
    u[i + 1] = _mm512_maskz_unpackhi_epi64(kAllWide, t[i], t[i + 2]);
    u[i + 2] = _mm512_maskz_unpacklo_epi64(kAllWide, t[i + 1], t[i + 3]);
    u[i + 3] = _mm512_maskz_unpackhi_epi64(kAllWide, t[i + 1], t[i + 3]);
  }
  // A quarter of u[4 * i + j] holds column 4 * quarter + j of rows 4 * i to 4 * i + 3.
  for (int j = 0; j < 4; ++j) {
    const Pairs even_upper = _mm512_maskz_shuffle_i32x4(kAll, u[j], u[4 + j], 0x88);
    const Pairs even_lower = _mm512_maskz_shuffle_i32x4(kAll, u[8 + j], u[12 + j], 0x88);
    const Pairs odd_upper = _mm512_maskz_shuffle_i32x4(kAll, u[j], u[4 + j], 0xDD);
    const Pairs odd_lower = _mm512_maskz_shuffle_i32x4(kAll, u[8 + j], u[12 + j], 0xDD);
    x[j] = _mm512_maskz_shuffle_i32x4(kAll, even_upper, even_lower, 0x88);
    x[8 + j] = _mm512_maskz_shuffle_i32x4(kAll, even_upper, even_lower, 0xDD);
    x[4 + j] = _mm512_maskz_shuffle_i32x4(kAll, odd_upper, odd_lower, 0x88);
    x[12 + j] = _mm512_maskz_shuffle_i32x4(kAll, odd_upper, odd_lower, 0xDD);
  }
}

// Rows of A whose numbers lie side by side, k on for n_k.
UNFOLD_AVX512 void pack_rows(const ProductRows& a, std::size_t n_rows, std::size_t k, std::size_t n_k, PackedRows& to) {
  for (std::size_t chunk = 0; chunk * kChunk < n_k; ++chunk) {
    for (std::size_t r = 0; r < n_rows; ++r) {
      const float* const from = a.data + r * a.row_step + k + chunk * kChunk;
      _mm512_store_si512(to.numbers[chunk][r], pairs_of_row(from, n_k - chunk * kChunk));
    }
  }
}

// Rows of A whose columns lie side by side.
UNFOLD_AVX512 void pack_columns(const ProductRows& a, std::size_t n_rows, std::size_t k, std::size_t n_k,
                                PackedRows& to) {
  for (std::size_t chunk = 0; chunk * kChunk < n_k; ++chunk) {
    const std::size_t n = std::min(kChunk, n_k - chunk * kChunk);
    for (std::size_t first = 0; first < n_rows; first += 16) {
      const float* from = a.data + first + (k + chunk * kChunk) * a.k_step;
      Pairs pairs[16];
      for (std::size_t p = 0; p < 16; ++p, from += 2 * a.k_step) {
        if (2 * p >= n) {
          pairs[p] = _mm512_setzero_si512();
          continue;
        }
        pairs[p] = pairs_of_rows(from, 2 * p + 1 < n ? from + a.k_step : nullptr, n_rows - first);
      }
      transpose_pairs(pairs);
      for (std::size_t r = 0; r < 16; ++r) _mm512_store_si512(to.numbers[chunk][first + r], pairs[r]);
    }
  }
}

// --- a block of kBlockRows x kPanelWidth sums ----------------------------------------

// How a block's product begins: from zero or from what out holds, which has whole rows for it.
struct Block {
  std::size_t n_rows, n_chunks;
  bool starts;
};

template <std::size_t kRows>
UNFOLD_AVX512 inline void multiply_rows_avx512(const Block& block, const Bfloat16 (*a)[kBlockRows][kChunk],
                                               std::size_t row, const std::byte* b, float* out, std::size_t stride) {
  __m512 sums[kRows][2];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t v = 0; v < 2; ++v) {
      sums[r][v] = block.starts ? _mm512_setzero_ps() : _mm512_load_ps(out + r * stride + 16 * v);
    }
  }
  for (std::size_t chunk = 0; chunk < block.n_chunks; ++chunk) {
    for (std::size_t p = 0; p < kChunk / 2; ++p, b += 2 * sizeof(Pairs)) {
      const auto left_pairs = reinterpret_cast<__m512bh>(_mm512_load_si512(b));
      const auto right_pairs = reinterpret_cast<__m512bh>(_mm512_load_si512(b + sizeof(Pairs)));
      for (std::size_t r = 0; r < kRows; ++r) {
        std::int32_t pair = 0;
        std::memcpy(&pair, &a[chunk][row + r][2 * p], sizeof(pair));
        const auto weight = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
        sums[r][0] = _mm512_dpbf16_ps(sums[r][0], weight, left_pairs);
        sums[r][1] = _mm512_dpbf16_ps(sums[r][1], weight, right_pairs);
      }
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t v = 0; v < 2; ++v) _mm512_store_ps(out + r * stride + 16 * v, sums[r][v]);
  }
}

UNFOLD_AVX512 void multiply_avx512(const Block& block, const PackedRows& a, const std::byte* b, float* out,
                                   std::size_t stride) {
  std::size_t r = 0;
  for (; r + 12 <= block.n_rows; r += 12) {
    multiply_rows_avx512<12>(block, a.numbers, r, b, out + r * stride, stride);
  }
  for (; r + 4 <= block.n_rows; r += 4) multiply_rows_avx512<4>(block, a.numbers, r, b, out + r * stride, stride);
  for (; r < block.n_rows; ++r) multiply_rows_avx512<1>(block, a.numbers, r, b, out + r * stride, stride);
}

// Tiles 0 to 3 are sums, 4 and 5 rows of A, 6 and 7 columns of B: 16 rows of 64 bytes each.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1, first_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t n_rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);
constexpr TileConfig kTileConfig;  // not on the stack: GCC 12 takes _tile_loadconfig to read eight bytes of it

UNFOLD_AMX void begin_tiles() { _tile_loadconfig(&kTileConfig); }
UNFOLD_AMX void end_tiles() { _tile_release(); }

UNFOLD_AMX void multiply_amx(const Block& block, const PackedRows& a, const std::byte* b, float* out,
                             std::size_t stride) {
  asm volatile("" ::: "memory");  // GCC 12 does not know that _tile_loadd reads what was packed
  const bool two = block.n_rows > 16;
  const std::size_t step = stride * sizeof(float);
  float* const lower = out + 16 * stride;
  if (block.starts) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, out, step);
    _tile_loadd(1, out + 16, step);
    if (two) {
      _tile_loadd(2, lower, step);
      _tile_loadd(3, lower + 16, step);
    }
  }
  for (std::size_t chunk = 0; chunk < block.n_chunks; ++chunk, b += kChunkBytes) {
    _tile_loadd(6, b, 128);
    _tile_loadd(7, b + 64, 128);
    _tile_loadd(4, a.numbers[chunk][0], 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (!two) continue;
    _tile_loadd(5, a.numbers[chunk][16], 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, out, step);
  _tile_stored(1, out + 16, step);
  if (!two) return;
  _tile_stored(2, lower, step);
  _tile_stored(3, lower + 16, step);
}

// --- the product ----------------------------------------

struct Product {
  Bfloat16Unit unit;
  const std::byte* panels;  // from the first chunk of k on
  std::uint64_t panel_bytes;
  std::size_t n_columns;
  bool starts;  // from zero
};

// Sums of a block that out has no room for as a whole are made beside it.
void multiply_block(const Product& product, const Block& block, const PackedRows& a, const std::byte* b, float* out,
                    std::size_t stride, std::size_t n_columns) {
  const auto multiply = product.unit == Bfloat16Unit::kAmx ? multiply_amx : multiply_avx512;
  const bool has_rows = product.unit == Bfloat16Unit::kAvx512 || block.n_rows % 16 == 0;
  if (has_rows && n_columns == kPanelWidth) return multiply(block, a, b, out, stride);
  alignas(64) float beside[kBlockRows][kPanelWidth] = {};
  for (std::size_t r = 0; r < block.n_rows && !block.starts; ++r) std::copy_n(out + r * stride, n_columns, beside[r]);
  multiply(block, a, b, beside[0], kPanelWidth);
  for (std::size_t r = 0; r < block.n_rows; ++r) std::copy_n(beside[r], n_columns, out + r * stride);
}

void multiply(const Product& product, const ProductRows& a, std::size_t n_k, float* out, std::size_t stride,
              std::size_t n_rows) {
  if (product.unit == Bfloat16Unit::kAmx) begin_tiles();
  PackedRows packed;
  for (std::size_t r = 0; r < n_rows; r += kBlockRows) {
    const ProductRows rows = {a.data + r * a.row_step, a.row_step, a.k_step};
    for (std::size_t k = 0; k < n_k; k += kStretch * kChunk) {
      const std::size_t n = std::min(kStretch * kChunk, n_k - k);
      const Block block = {std::min(kBlockRows, n_rows - r), n_chunks_of(n), product.starts && k == 0};
      (a.k_step == 1 ? pack_rows : pack_columns)(rows, block.n_rows, k, n, packed);
      const std::byte* b = product.panels + k / kChunk * kChunkBytes;
      for (std::size_t c = 0; c < product.n_columns; c += kPanelWidth, b += product.panel_bytes) {
        multiply_block(product, block, packed, b, out + r * stride + c, stride,
                       std::min<std::size_t>(kPanelWidth, product.n_columns - c));
      }
    }
  }
  if (product.unit == Bfloat16Unit::kAmx) end_tiles();
}

}  // namespace

std::span<const Bfloat16Unit> bfloat16_units() {
  static const std::vector<Bfloat16Unit> units = [] {
    std::vector<Bfloat16Unit> of_processor = processor_bfloat16_units();
    if (!of_processor.empty() && of_processor.front() == Bfloat16Unit::kAmx && !may_use_tiles()) {
      of_processor.erase(of_processor.begin());
    }
    return of_processor;
  }();
  return units;
}

UNFOLD_AVX512 void pack_bfloat16_columns(MatrixView<const float> rows, const float* bias, std::uint64_t first,
                                         std::byte* panel) {
  const std::uint64_t n_chunks = n_chunks_of(rows.cols);
  for (std::uint64_t c = 0; c < kPanelWidth; c += 16) {
    for (std::uint64_t chunk = 0; chunk < n_chunks; ++chunk) {
      Pairs pairs[16];
      for (std::uint64_t i = 0; i < 16; ++i) {
        const std::uint64_t row = first + c + i;
        pairs[i] = row >= rows.rows ? _mm512_setzero_si512()
                                    : pairs_of_row(rows.row(row) + chunk * kChunk, rows.cols - chunk * kChunk);
      }
      transpose_pairs(pairs);
      std::byte* const to = panel + chunk * kChunkBytes + c * sizeof(std::uint32_t);
      for (std::uint64_t p = 0; p < 16; ++p) _mm512_store_si512(to + p * 2 * sizeof(Pairs), pairs[p]);
    }
  }
  auto* const biases = reinterpret_cast<float*>(panel + n_chunks * kChunkBytes);
  for (std::uint64_t c = 0; c < kPanelWidth; ++c) {
    biases[c] = bias == nullptr || first + c >= rows.rows ? 0.0f : bias[first + c];
  }
}

UNFOLD_AVX512 void pack_bfloat16_rows(MatrixView<const float> rows, std::uint64_t first, std::byte* panel) {
  for (std::uint64_t k = 0; k < n_chunks_of(rows.rows) * kChunk; k += 2, panel += 2 * sizeof(Pairs)) {
    for (std::uint64_t c = 0; c < kPanelWidth; c += 16) {
      const std::uint64_t n = left(rows.stride, first + c);
      const Pairs pairs =
          n == 0 || k >= rows.rows
              ? _mm512_setzero_si512()
              : pairs_of_rows(rows.row(k) + first + c, k + 1 < rows.rows ? rows.row(k + 1) + first + c : nullptr, n);
      _mm512_store_si512(panel + c * sizeof(std::uint32_t), pairs);
    }
  }
}

void score_bfloat16_products(Bfloat16Unit unit, const ProductRows& a, std::uint64_t n_k, const std::byte* panels,
                             std::size_t n_panels, float* out, std::size_t out_stride, std::size_t n_rows) {
  const std::uint64_t bytes = bfloat16_panel_bytes(n_k);
  multiply({unit, panels, bytes, n_panels * kPanelWidth, true}, a, n_k, out, out_stride, n_rows);
  for (std::size_t p = 0; p < n_panels; ++p) {
    const auto* const bias = reinterpret_cast<const float*>(panels + (p + 1) * bytes) - kPanelWidth;
    for (std::size_t r = 0; r < n_rows; ++r) {
      float* const sums = out + r * out_stride + p * kPanelWidth;
      for (std::size_t c = 0; c < kPanelWidth; ++c) sums[c] += bias[c];
    }
  }
}

void add_bfloat16_products(Bfloat16Unit unit, const ProductRows& a, std::uint64_t first_k, std::uint64_t n_k,
                           const std::byte* panels, std::uint64_t panel_n_k, float* out, std::size_t out_stride,
                           std::size_t n_rows, std::size_t n_columns) {
  const std::byte* const first = panels + first_k / kChunk * kChunkBytes;
  multiply({unit, first, bfloat16_panel_bytes(panel_n_k), n_columns, false}, a, n_k, out, out_stride, n_rows);
}

#else

std::vector<Bfloat16Unit> processor_bfloat16_units() { return {}; }
std::span<const Bfloat16Unit> bfloat16_units() { return {}; }

#endif

}  // namespace unfold::cpu
