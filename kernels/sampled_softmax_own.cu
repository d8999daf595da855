#include "kernels/sampled_softmax_own.cuh"

#include <algorithm>
#include <bit>

#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {
namespace {

// Threads that give each group its rows in one pass, in whole warps.
template <typename Shape>
unsigned threads_a_query(std::uint64_t n) {
  const std::uint64_t n_groups = (n + kRowsInFlight<Shape> - 1) / kRowsInFlight<Shape>;
  return static_cast<unsigned>(std::clamp<std::uint64_t>(std::bit_ceil(n_groups * Shape::kWidth), 32, kOwnThreads));
}

template <typename Element, typename Shape, bool kNormalize>
void launch_gradients(const Launch& launch, const SoftmaxBatch& batch, const OwnNegatives& own, const OwnScores& scores,
                      MatrixView<float> gradient) {
  const std::uint64_t n_units = batch.queries.rows * ((own.n + kRowsInFlight<Shape> - 1) / kRowsInFlight<Shape>);
  const unsigned grid = filling_grid(launch, n_units, kOwnThreads / Shape::kWidth);
  launch_kernel<own_gradients_kernel<Element, Shape, kNormalize>>(launch, {grid, kOwnThreads}, batch, own,
                                                                  scores.scores, gradient);
}

}  // namespace

void score_own_negatives(const Launch& launch, const SoftmaxBatch& batch, const OwnNegatives& own, SoftmaxLossKind kind,
                         const OwnScores& scores, MatrixView<float> sums) {
  // Packs of four elements whatever the table's type: matrices of float32 with its columns may have no more to spare.
  dispatch_shape<float>(own.table.cols, [&](auto shape) {
    using Shape = decltype(shape);
    const unsigned grid = filling_grid(launch, batch.queries.rows, 1);
    const unsigned threads = threads_a_query<Shape>(own.n);
    with_element(own.table.type, [&]<typename Element>() {
      launch_kernel<score_own_kernel<Element, Shape>>(launch, {grid, threads}, batch, own, kind, scores, sums);
    });
  });
}

void own_negative_gradients(const Launch& launch, const SoftmaxBatch& batch, const OwnNegatives& own,
                            const OwnScores& scores, MatrixView<float> gradient) {
  dispatch_shape<float>(own.table.cols, [&](auto shape) {
    using Shape = decltype(shape);
    if (!own.normalize) return launch_gradients<float, Shape, false>(launch, batch, own, scores, gradient);
    with_element(own.table.type, [&]<typename Element>() {
      launch_gradients<Element, Shape, true>(launch, batch, own, scores, gradient);
    });
  });
}

}  // namespace unfold::cuda
