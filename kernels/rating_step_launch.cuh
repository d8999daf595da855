// The launch of rating_step.cuh for one type of tables. Each type is compiled in a file of its own: its kernels take a
// compiler about as long as all others together.
#pragma once

#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/rating_step.cuh"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {

template <OptimizerKind kKind, typename Element, typename Shape>
void launch_rating_step(const Launch& launch, const RatingStep& op) {
  constexpr std::uint64_t kGroupsABlock = kRatingStepThreads / Shape::kWidth;
  constexpr auto kKernel = rating_step_kernel<kKind, Element, Shape>;
  const std::uint64_t resident = resident_blocks<kKernel, kRatingStepThreads>(launch) * kGroupsABlock;
  const std::uint64_t rows = std::min(op.parameters.user_factors.weight.rows, op.parameters.item_factors.weight.rows);
  const std::uint64_t n_groups =
      std::min({op.batch.size, resident, std::max<std::uint64_t>(1, rows / kRowsPerRatingInFlight)});
  const unsigned grid = grid_size(n_groups, kGroupsABlock, resident);
  launch_kernel<kKernel>(launch, {grid, kRatingStepThreads}, op.parameters, op.batch, op.loss, op.step, n_groups,
                         op.squared_error);
}

template <typename Element>
void rating_step_of(const Launch& launch, const RatingStep& op) {
  dispatch_optimizer(op.step.kind, [&](auto kind) {
    constexpr OptimizerKind kKind = decltype(kind)::value;
    constexpr ShapeSet kShapes = kKind == OptimizerKind::kSgd ? ShapeSet::kAll : ShapeSet::kFew;  // SGD: mf's default
    dispatch_shape<Element, kShapes>(op.parameters.user_factors.weight.cols, [&](auto shape) {
      launch_rating_step<kKind, Element, decltype(shape)>(launch, op);
    });
  });
}

#define UNFOLD_RATING_STEP_OF(Element) template void rating_step_of<Element>(const Launch&, const RatingStep&)
extern UNFOLD_RATING_STEP_OF(Float16);
extern UNFOLD_RATING_STEP_OF(Bfloat16);

}  // namespace unfold::cuda
