#include <algorithm>

#include "kernels/ops.hpp"
#include "kernels/rating_step.cuh"
#include "kernels/row_dispatch.cuh"

namespace unfold::cuda {
namespace {

template <OptimizerKind kKind, typename Shape>
void launch_rating_step(const Launch& launch, const MfParameters& parameters, const RatingBatch& batch,
                        const RatingLoss& loss, const OptimizerStep& step, double* squared_error) {
  constexpr std::uint64_t kGroupsABlock = kRatingStepThreads / Shape::kWidth;
  constexpr auto kKernel = rating_step_kernel<kKind, Shape>;
  const std::uint64_t resident = resident_blocks<kKernel>(launch, kRatingStepThreads) * kGroupsABlock;
  const std::uint64_t rows = std::min(parameters.user_factors.weight.rows, parameters.item_factors.weight.rows);
  const std::uint64_t n_groups =
      std::min({batch.size, resident, std::max<std::uint64_t>(1, rows / kRowsPerRatingInFlight)});
  const unsigned grid = grid_size(n_groups, kGroupsABlock, resident);
  launch_kernel<kKernel>(launch, {grid, kRatingStepThreads}, parameters, batch, loss, step, n_groups, squared_error);
}

}  // namespace

void rating_step(const Launch& launch, const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                 const OptimizerStep& step, double* squared_error) {
  if (batch.size == 0) return;
  const TableView& user = parameters.user_factors.weight;
  const TableView& item = parameters.item_factors.weight;
  check_vector_table("user_factors", user.data, user.cols, user.stride);
  check_vector_table("item_factors", item.data, item.cols, item.stride);
  dispatch_optimizer(step.kind, [&](auto kind) {
    dispatch_shape(user.cols, [&](auto shape) {
      launch_rating_step<decltype(kind)::value, decltype(shape)>(launch, parameters, batch, loss, step, squared_error);
    });
  });
}

}  // namespace unfold::cuda
