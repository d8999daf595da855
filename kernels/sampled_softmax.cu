#include "kernels/sampled_softmax.cuh"

#include <algorithm>
#include <bit>

#include "kernels/ops.hpp"
#include "kernels/query_tiles.hpp"
#include "kernels/round_rows.hpp"
#include "kernels/sampled_softmax_fused.hpp"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

template <typename Score>
struct SoftmaxParts {
  OwnScores own;
  float* losses = nullptr;
  Score* queries = nullptr;  // [n_queries, rounded_stride(dim)] rounded, and likewise; null for scores of float32
  Score* shared = nullptr;   // [n_shared, rounded_stride(dim)]
};

template <typename Score>
SoftmaxParts<Score> cut(Workspace& workspace, std::uint64_t n_queries, std::uint64_t n_shared, std::uint64_t n_own,
                        std::uint32_t dim) {
  SoftmaxParts<Score> parts;
  parts.losses = workspace.take<float>(n_queries);
  if constexpr (sizeof(Score) < sizeof(float)) {
    parts.queries = workspace.take<Score>(n_queries * rounded_stride(dim));
    parts.shared = workspace.take<Score>(n_shared * rounded_stride(dim));
  }
  if (n_own == 0) return parts;
  parts.own.scores = workspace.take<float>(n_queries * n_own);
  parts.own.highs = workspace.take<float>(n_queries);
  return parts;
}

// Calls visit.template operator()<Score>() with the type of the scores that products write. Without products there are
// none of 16 bits.
template <typename Visit>
decltype(auto) with_score_type(TableType score_type, std::uint64_t n_shared, Visit&& visit) {
  if (score_type == TableType::kBfloat16 && n_shared > 0) return visit.template operator()<Bfloat16>();
  return visit.template operator()<float>();
}

void check_matrices(const SampledSoftmax& op) {
  const SoftmaxBatch& batch = op.batch;
  const SharedNegatives& shared = op.shared;
  const OwnNegatives& own = op.own;
  const SoftmaxGradients& gradients = op.gradients;
  check_vector_table("queries", batch.queries);
  if (own.n > 0) check_vector_table("the table of negatives", own.table);
  const auto check_matrix = [&](const char* what, const MatrixView<const float>& matrix) {
    check_same_stride(what, matrix, batch.queries.stride);
    if (matrix.rows > 0) check_vector_table(what, matrix);
  };
  check_matrix("positives", batch.positives);
  check_matrix("the query gradient", gradients.queries);
  check_matrix("the positive gradient", gradients.positives);
  if (shared.n() > 0) {
    check_matrix("shared negatives", shared.vectors);
    check_matrix("the shared gradient", gradients.shared);
  }
  if (own.n > 0) check_matrix("the gradient of own negatives", gradients.own);
}

// Threads that see each negative a few times over in flight.
unsigned threads_a_query(std::uint64_t n_negatives) {
  constexpr std::uint64_t kNegativesAThread = 16;
  return static_cast<unsigned>(
      std::clamp<std::uint64_t>(std::bit_ceil(n_negatives / kNegativesAThread), kWarpSize, kQueryThreads));
}

template <typename T>
MatrixView<T> with_columns(const MatrixView<T>& matrix, std::uint32_t cols) {
  return {matrix.data, matrix.rows, cols, matrix.stride};
}

// Vectors as products multiply them: as they are, or rounded, with the columns that fill up a row.
MatrixView<const float> factor(const Launch&, const MatrixView<const float>& vectors, float*) { return vectors; }
MatrixView<const Bfloat16> factor(const Launch& launch, const MatrixView<const float>& vectors, Bfloat16* memory) {
  return round_rows(launch, vectors, memory);
}

void zero_shared_gradient(const Launch& launch, const SoftmaxGradients& gradients) {
  UNFOLD_CUDA_CHECK(cudaMemsetAsync(gradients.shared.data, 0, gradients.shared.size() * sizeof(float), launch.stream));
}

// Of no query: the gradient of shared negatives is zero.
void write_no_gradients(const Launch& launch, const SharedNegatives& shared, const SoftmaxGradients& gradients) {
  if (shared.n() == 0) return;
  zero_shared_gradient(launch, gradients);
  if (gradients.shared_bias == nullptr) return;
  UNFOLD_CUDA_CHECK(cudaMemsetAsync(gradients.shared_bias, 0, shared.n() * sizeof(float), launch.stream));
}

// What is asked for of the biases' gradient and, after the last tile, of the losses' sum.
template <typename Score>
void launch_sums(const Launch& launch, const SoftmaxTile<Score>& tile, std::uint64_t n_shared,
                 const SoftmaxGradients& gradients, const float* losses, std::uint64_t n_queries) {
  const bool has_bias = n_shared > 0 && gradients.shared_bias != nullptr;
  const StepSum sum = tile.first_query + tile.n_queries == n_queries ? gradients.loss : StepSum();
  const bool has_sum = sum.sum != nullptr;
  if (!has_bias && !has_sum) return;
  const unsigned grid = (has_bias ? filling_grid(launch, n_shared, kWarpSize) : 0) + (has_sum ? 1 : 0);
  launch_kernel<softmax_sums_kernel<Score>>(launch, {grid, kSumThreads}, tile, n_shared, gradients.shared_bias, losses,
                                            n_queries, sum);
}

template <typename Score>
void run_with(const Context& context, const SampledSoftmax& op, std::span<std::byte> workspace) {
  const Launch& launch = context.launch;
  const SoftmaxBatch& batch = op.batch;
  const SharedNegatives& shared = op.shared;
  const OwnNegatives& own = op.own;
  const SoftmaxGradients& gradients = op.gradients;
  const std::uint64_t n_queries = batch.queries.rows, n_shared = shared.n();
  Workspace memory(workspace);
  const SoftmaxParts<Score> parts = cut<Score>(memory, n_queries, n_shared, own.n, batch.queries.cols);
  const QueryTiles<Score> tiles(n_queries, n_shared, memory);
  check_workspace("sampled_softmax", memory, workspace.size());

  SharedRows negatives;
  if (n_shared > 0 && batch.known.offsets != nullptr) negatives = {shared.sorted, shared.first_sorted};
  if (own.n > 0) score_own_negatives(launch, batch, own, op.loss.kind, parts.own, gradients.queries);
  const MatrixView<const Score> all_queries = factor(launch, batch.queries, parts.queries);
  const MatrixView<const Score> vectors = factor(launch, shared.vectors, parts.shared);
  // Columns that fill up a row are zero in every factor, and so in the product; further ones it does not reach.
  const std::uint32_t n_filled = std::min(gradients.shared.stride, vectors.stride);
  if (n_shared > 0 && n_filled < gradients.shared.stride) zero_shared_gradient(launch, gradients);
  const unsigned threads = threads_a_query(n_shared + own.n);
  tiles.for_each([&](std::uint64_t first, std::uint64_t n) {
    const SoftmaxTile<Score> tile{tiles.scores(), tiles.stride(), first, n};
    const MatrixView<const Score> queries = rows_of(all_queries, first, n);
    if (n_shared > 0) context.blas.scores(queries, vectors, tile.scores, tile.stride);
    const Grid grid{filling_grid(launch, n, 1), threads};
    const auto launch_queries = [&]<SoftmaxLossKind kKind>() {
      launch_kernel<softmax_queries_kernel<kKind, Score>>(launch, grid, tile, batch, shared, negatives, own, parts.own,
                                                          op.loss, op.scale, gradients, parts.losses);
    };
    if (op.loss.kind == SoftmaxLossKind::kBpr) {
      launch_queries.template operator()<SoftmaxLossKind::kBpr>();
    } else {
      launch_queries.template operator()<SoftmaxLossKind::kSoftmax>();
    }
    if (n_shared > 0) {
      const MatrixView<const Score> by_score{tile.scores, n, static_cast<std::uint32_t>(n_shared),
                                             static_cast<std::uint32_t>(tile.stride)};
      context.blas.product({by_score, false}, {vectors, false}, true, rows_of(gradients.queries, first, n));
      context.blas.product({by_score, true}, {with_columns(queries, n_filled), false}, first > 0,
                           with_columns(gradients.shared, n_filled));
    }
    launch_sums(launch, tile, n_shared, gradients, parts.losses, n_queries);
  });
  if (own.n > 0) own_negative_gradients(launch, batch, own, parts.own, gradients.own);
}

}  // namespace

void run(const Context& context, const SampledSoftmax& op, std::span<std::byte> workspace) {
  check_score_type(op.shared);
  if (op.batch.queries.rows == 0) return write_no_gradients(context.launch, op.shared, op.gradients);
  check_matrices(op);
  if (is_fused(op)) return run_fused(context.launch, op, workspace);
  with_score_type(op.shared.score_type, op.shared.n(),
                  [&]<typename Score>() { run_with<Score>(context, op, workspace); });
}

std::uint64_t workspace_bytes(const Context& context, const SampledSoftmax& op) {
  const std::uint64_t n_queries = op.batch.queries.rows, n_shared = op.shared.n();
  if (n_queries > 0 && is_fused(op)) return fused_workspace_bytes(context.launch, op);
  prepare_products(context.blas, n_shared);
  if (n_queries == 0) return 0;
  Workspace none;
  with_score_type(op.shared.score_type, n_shared, [&]<typename Score>() {
    cut<Score>(none, n_queries, n_shared, op.own.n, op.batch.queries.cols);
    none.take<Score>(QueryTiles<Score>::least_scores(n_queries, n_shared));
  });
  return none.used_bytes();
}

}  // namespace unfold::cuda
