// Gradients of a large batch of ratings, summed by item: rating_gradients/dim/type, on the inputs of rating_inputs.hpp.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "bench/ops/rating_inputs.hpp"
#include "host/tables/row_sort.hpp"

namespace unfold::bench {
namespace {

void rating_gradients(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const TableType type = table_type(state.range(1));
  const RatingInputs inputs(dim, type, false);
  const std::uint64_t n = inputs.batch.size;
  const std::uint32_t stride = inputs.parameters.user_factors.weight.stride;
  const std::uint64_t n_rows = inputs.parameters.item_factors.weight.rows;
  const DeviceArray<float> by_score(device(), n), gradient(device(), n_rows * stride), bias(device(), n_rows);
  const DeviceArray<double> error(device(), 1);
  const RowSort sort(Arena(device()), "rows", n);
  const RatingGradients op{.parameters = inputs.parameters,
                           .batch = inputs.batch,
                           .loss = inputs.loss,
                           .side = RatingSide::kItems,
                           .sorted = sort.sort(device(), inputs.batch.items, n, n_rows),
                           .by_score = by_score.data(),
                           .gradient = {gradient.data(), n_rows, dim, stride},
                           .bias_gradient = bias.data(),
                           .squared_error = error.data()};
  const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op));
  const std::uint64_t row_bytes = dim * element_bytes(type) + 4;  // nearly every item has ratings
  measure(state, n * (row_bytes + 16) + n_rows * (row_bytes + 4 * (dim + 1ull)), n, [&] {
    device().run(op, {workspace.data(), workspace.size()});
  });
}

}  // namespace

template <>
void register_benchmarks<RatingGradients>() {
  add_benchmark("rating_gradients", rating_gradients)
      ->ArgsProduct({{128, 64}, {0}})
      ->Args({128, 2})
      ->ArgNames({"dim", "type"});
}

}  // namespace unfold::bench
