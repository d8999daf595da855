#include "kernels/sampled_softmax_fused.cuh"

#include <algorithm>

#include "kernels/query_tiles.hpp"
#include "kernels/round_rows.hpp"
#include "kernels/sampled_softmax_fused.hpp"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

// Blocks that share the work of a pass, where its rows are few.
constexpr std::uint64_t kPassBlocksPerProcessor = 3;
// Fewer tiles than this are no part of their own.
constexpr std::uint64_t kLeastPartTiles = 2;

// Calls visit.template operator()<Shape>() with the shape for `dim` columns.
template <typename Visit>
void with_fused_shape(std::uint32_t dim, Visit&& visit) {
  if (dim <= 64) return visit.template operator()<FusedShape<64>>();
  if (dim <= 128) return visit.template operator()<FusedShape<128>>();
  visit.template operator()<FusedShape<kMaxFusedDim>>();
}

std::uint64_t ceil_quotient(std::uint64_t n, std::uint64_t d) { return (n + d - 1) / d; }

// Words of a row of bits, in whole tiles.
std::uint64_t bit_words(std::uint64_t n) { return ceil_quotient(n, 64) * 2; }

// How often the streamed rows are cut, so that blocks fill the device.
template <typename Shape>
unsigned part_count(const Launch& launch, std::uint64_t n_held, std::uint64_t n_streamed) {
  const std::uint64_t wanted =
      ceil_quotient(kPassBlocksPerProcessor * launch.n_processors, ceil_quotient(n_held, Shape::kRows));
  const std::uint64_t n_tiles = ceil_quotient(n_streamed, Shape::kColumns);
  return static_cast<unsigned>(std::clamp<std::uint64_t>(n_tiles / kLeastPartTiles, 1, wanted));
}

// The workspace for chunks of n_chunk queries.
struct FusedParts {
  std::uint64_t n_chunk = 0;
  unsigned n_query_parts = 1, n_item_parts = 1;
  float* losses = nullptr;                        // [n_queries]
  Bfloat16 *queries = nullptr, *items = nullptr;  // rounded
  QueryPart* query_parts = nullptr;               // [parts, n_chunk]
  QueryScale* scales = nullptr;                   // [n_chunk]
  float* sums = nullptr;                          // [parts, n_chunk, kDim], then [parts, n_shared, kDim]
  float* bias_parts = nullptr;                    // [parts, n_shared] of dL / d bias
  std::uint32_t* bits = nullptr;                  // [n_chunk, bit_words(n_shared)], [n_shared, bit_words(n_chunk)]
  std::uint64_t n_bit_words = 0;
};

template <typename Shape>
FusedParts cut_fused(const Launch& launch, const SampledSoftmax& op, std::uint64_t n_chunk, Workspace& memory) {
  const std::uint64_t n_queries = op.batch.queries.rows, n_shared = op.shared.n();
  const std::uint32_t stride = rounded_stride(op.batch.queries.cols);
  FusedParts parts;
  parts.n_chunk = n_chunk;
  parts.n_query_parts = part_count<Shape>(launch, n_chunk, n_shared);
  parts.n_item_parts = part_count<Shape>(launch, n_shared, n_chunk);
  const std::uint64_t n_query_rows = parts.n_query_parts * n_chunk, n_item_rows = parts.n_item_parts * n_shared;
  parts.losses = memory.take<float>(n_queries);
  parts.queries = memory.take<Bfloat16>(n_queries * stride);
  parts.items = memory.take<Bfloat16>(n_shared * stride);
  parts.query_parts = memory.take<QueryPart>(n_query_rows);
  parts.scales = memory.take<QueryScale>(n_chunk);
  parts.sums = memory.take<float>(std::max(n_query_rows, n_item_rows) * Shape::kDim);
  parts.bias_parts = memory.take<float>(n_item_rows);
  parts.n_bit_words = n_chunk * bit_words(n_shared) + n_shared * bit_words(n_chunk);
  parts.bits = memory.take<std::uint32_t>(parts.n_bit_words);
  return parts;
}

// With the largest chunks that the memory holds, all queries at best.
template <typename Shape>
FusedParts cut_largest(const Launch& launch, const SampledSoftmax& op, std::span<std::byte> workspace) {
  for (std::uint64_t n_chunk = op.batch.queries.rows;;) {
    Workspace memory(workspace);
    const FusedParts parts = cut_fused<Shape>(launch, op, n_chunk, memory);
    if (memory.fits()) return parts;
    if (n_chunk <= kLeastQueries) check_workspace("sampled_softmax", memory, workspace.size());
    n_chunk = std::max(ceil_quotient(n_chunk / 2, Shape::kRows) * Shape::kRows, kLeastQueries);
  }
}

// The bits of a chunk, or none where nobody knows anything.
struct ChunkBits {
  PairBits by_query, by_item;
};
ChunkBits find_known(const Launch& launch, const SampledSoftmax& op, const FusedParts& parts, std::uint64_t first,
                     std::uint64_t n) {
  const SoftmaxBatch& batch = op.batch;
  if (batch.known.offsets == nullptr) return {};
  const SharedRows negatives{op.shared.sorted, op.shared.first_sorted};
  const auto item_words = static_cast<std::uint32_t>(bit_words(op.shared.n()));
  const auto query_words = static_cast<std::uint32_t>(bit_words(parts.n_chunk));
  const ChunkBits bits{{parts.bits, item_words}, {parts.bits + parts.n_chunk * item_words, query_words}};
  UNFOLD_CUDA_CHECK(cudaMemsetAsync(parts.bits, 0, parts.n_bit_words * sizeof(std::uint32_t), launch.stream));
  launch_kernel<known_bits_kernel>(launch, {filling_grid(launch, n, 1), kRowThreads}, negatives, batch.known,
                                   batch.users, first, n, bits.by_query, bits.by_item, op.gradients.n_rejected);
  return bits;
}

template <typename Shape>
void run_chunk(const Launch& launch, const SampledSoftmax& op, const FusedParts& parts, const ChunkBits& bits,
               const MatrixView<const Bfloat16>& queries, const MatrixView<const Bfloat16>& items,
               std::uint64_t first) {
  const SoftmaxGradients& gradients = op.gradients;
  const auto grid = [&](const FusedPass& pass) {
    return Grid{static_cast<unsigned>(ceil_quotient(pass.held.rows, Shape::kRows)) * pass.n_parts, Shape::kThreads};
  };
  const FusedPass by_query{queries, items, bits.by_query, parts.n_query_parts, parts.sums};
  if (gradients.log_temperature != nullptr) {
    launch_kernel<fused_queries_kernel<Shape, true>>(launch, grid(by_query), by_query, op.batch, op.shared,
                                                     parts.query_parts);
  } else {
    launch_kernel<fused_queries_kernel<Shape, false>>(launch, grid(by_query), by_query, op.batch, op.shared,
                                                      parts.query_parts);
  }
  const unsigned query_grid = filling_grid(launch, queries.rows, kRowThreads / kWarpSize);
  launch_kernel<combine_queries_kernel<Shape>>(launch, {query_grid, kRowThreads}, by_query, first, parts.query_parts,
                                               op.batch, op.loss, op.scale, gradients, parts.scales, parts.losses);
  const FusedPass by_item{items, queries, bits.by_item, parts.n_item_parts, parts.sums};
  launch_kernel<fused_items_kernel<Shape>>(launch, grid(by_item), by_item, op.batch, op.shared, parts.scales,
                                           parts.bias_parts);
  const std::uint64_t n_queries = op.batch.queries.rows;
  const StepSum sum = first + queries.rows == n_queries ? gradients.loss : StepSum();
  const unsigned item_grid = filling_grid(launch, items.rows, kSumThreads / kWarpSize) + (sum.sum != nullptr ? 1 : 0);
  launch_kernel<shared_gradient_kernel<Shape>>(launch, {item_grid, kSumThreads}, by_item, parts.bias_parts, first > 0,
                                               gradients.shared, gradients.shared_bias, parts.losses, n_queries, sum);
}

}  // namespace

bool is_fused(const SampledSoftmax& op) {
  return op.shared.fused && op.shared.score_type == TableType::kBfloat16 && op.shared.n() > 0 && op.own.n == 0 &&
         op.loss.kind == SoftmaxLossKind::kSoftmax && op.batch.queries.cols <= kMaxFusedDim;
}

void run_fused(const Launch& launch, const SampledSoftmax& op, std::span<std::byte> workspace) {
  with_fused_shape(op.batch.queries.cols, [&]<typename Shape>() {
    const FusedParts parts = cut_largest<Shape>(launch, op, workspace);
    const SharedNegatives& shared = op.shared;
    const MatrixView<const Bfloat16> queries = round_rows(launch, op.batch.queries, parts.queries);
    const MatrixView<const Bfloat16> items = round_rows(launch, shared.vectors, parts.items);
    for (std::uint64_t first = 0; first < queries.rows; first += parts.n_chunk) {
      const std::uint64_t n = std::min(parts.n_chunk, queries.rows - first);
      const ChunkBits bits = find_known(launch, op, parts, first, n);
      run_chunk<Shape>(launch, op, parts, bits, rows_of(queries, first, n), items, first);
    }
  });
}

std::uint64_t fused_workspace_bytes(const Launch& launch, const SampledSoftmax& op) {
  Workspace none;
  with_fused_shape(op.batch.queries.cols, [&]<typename Shape>() {
    cut_fused<Shape>(launch, op, std::min(op.batch.queries.rows, kLeastQueries), none);
  });
  return none.used_bytes();
}

}  // namespace unfold::cuda
