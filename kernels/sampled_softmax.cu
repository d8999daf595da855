#include "kernels/sampled_softmax.cuh"

#include <algorithm>
#include <bit>

#include "kernels/ops.hpp"
#include "kernels/query_tiles.hpp"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

struct Parts {
  RowSort sort;
  OwnScores own;
  float* losses = nullptr;
};
Parts cut(Workspace& workspace, std::uint64_t n_queries, std::uint64_t n_shared, std::uint64_t n_own) {
  Parts parts;
  parts.losses = workspace.take<float>(n_queries);
  parts.sort = take_row_sort(workspace, n_shared);
  if (n_own == 0) return parts;
  parts.own.scores = workspace.take<float>(n_queries * n_own);
  parts.own.highs = workspace.take<float>(n_queries);
  return parts;
}

void check_matrices(const SoftmaxBatch& batch, const SharedNegatives& shared, const PrivateNegatives& own,
                    const SoftmaxGradients& gradients) {
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
  constexpr std::uint64_t kNegativesAThread = 4 * kTermsAThread;
  return static_cast<unsigned>(
      std::clamp<std::uint64_t>(std::bit_ceil(n_negatives / kNegativesAThread), kWarpSize, kQueryThreads));
}

// All columns, those that fill up a row too: zero in every factor, and so in the product.
template <typename T>
MatrixView<T> with_padding(MatrixView<T> matrix) {
  return {matrix.data, matrix.rows, matrix.stride, matrix.stride};
}

// Of no query: the gradient of shared negatives is zero.
void write_no_gradients(const Launch& launch, const SharedNegatives& shared, const SoftmaxGradients& gradients) {
  if (shared.n() == 0) return;
  UNFOLD_CUDA_CHECK(cudaMemsetAsync(gradients.shared.data, 0, gradients.shared.size() * sizeof(float), launch.stream));
  if (gradients.shared_bias == nullptr) return;
  UNFOLD_CUDA_CHECK(cudaMemsetAsync(gradients.shared_bias, 0, shared.n() * sizeof(float), launch.stream));
}

}  // namespace

void sampled_softmax(const Launch& launch, Blas& blas, const SoftmaxBatch& batch, const SharedNegatives& shared,
                     const PrivateNegatives& own, const SoftmaxLoss& loss, float scale,
                     const SoftmaxGradients& gradients, std::span<std::byte> workspace) {
  const std::uint64_t n_queries = batch.queries.rows, n_shared = shared.n();
  if (n_queries == 0) return write_no_gradients(launch, shared, gradients);
  check_matrices(batch, shared, own, gradients);
  Workspace memory(workspace);
  const Parts parts = cut(memory, n_queries, n_shared, own.n);
  const QueryTiles tiles(n_queries, n_shared, memory);
  check_workspace("sampled_softmax", memory, workspace.size());

  const bool has_known = n_shared > 0 && batch.known.offsets != nullptr;
  const SortedRows sorted = has_known ? sort_rows(launch, parts.sort, shared.rows, n_shared) : SortedRows{};
  if (own.n > 0) score_own_negatives(launch, batch, own, loss.kind, parts.own, gradients.queries);
  const unsigned threads = threads_a_query(n_shared + own.n);
  tiles.for_each([&](std::uint64_t first, std::uint64_t n) {
    const SoftmaxTile tile{tiles.scores(), tiles.stride(), first, n, std::min(n_shared, kMaxKeptShares)};
    const MatrixView<const float> queries = rows_of(batch.queries, first, n);
    if (n_shared > 0) blas.scores(queries, shared.vectors, tile.scores, tile.stride);
    const Grid grid{filling_grid(launch, n, 1), threads, tile.n_kept * sizeof(float)};
    const auto launch_queries = [&]<SoftmaxLossKind kKind>() {
      launch_kernel<softmax_queries_kernel<kKind>>(launch, grid, tile, batch, shared, sorted, own, parts.own, loss,
                                                   scale, gradients, parts.losses);
    };
    if (loss.kind == SoftmaxLossKind::kBpr) {
      launch_queries.template operator()<SoftmaxLossKind::kBpr>();
    } else {
      launch_queries.template operator()<SoftmaxLossKind::kSoftmax>();
    }
    if (n_shared == 0) return;
    const MatrixView<const float> by_score{tile.scores, n, static_cast<std::uint32_t>(n_shared),
                                           static_cast<std::uint32_t>(tile.stride)};
    blas.product({by_score, false}, {shared.vectors, false}, true, rows_of(gradients.queries, first, n));
    blas.product({by_score, true}, {with_padding(queries), false}, first > 0, with_padding(gradients.shared));
    if (gradients.shared_bias == nullptr) return;
    const unsigned bias_grid = filling_grid(launch, n_shared, kWarpSize);
    launch_kernel<shared_bias_kernel>(launch, {bias_grid, kSumThreads}, tile, n_shared, gradients.shared_bias);
  });
  if (own.n > 0) own_negative_gradients(launch, batch, own, parts.own, gradients.own);
  if (gradients.loss == nullptr) return;
  launch_kernel<sum_losses_kernel>(launch, {1, kSumThreads}, parts.losses, n_queries, gradients.loss);
}

std::uint64_t sampled_softmax_workspace_bytes(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own,
                                              std::uint32_t) {
  if (n_queries == 0) return 0;
  Workspace none;
  cut(none, n_queries, n_shared, n_own);
  none.take<float>(QueryTiles::least_floats(n_queries, n_shared));
  return none.used_bytes();
}

}  // namespace unfold::cuda
