// Gradients of a large batch of ratings: rating_gradients/dim/type, on the inputs of rating_inputs.hpp.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "bench/ops/rating_inputs.hpp"

namespace unfold::bench {
namespace {

void rating_gradients(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const TableType type = table_type(state.range(1));
  const RatingInputs inputs(dim, type, false);
  const std::uint64_t n = inputs.batch.size;
  const std::uint32_t stride = inputs.parameters.user_factors.weight.stride;
  const DeviceArray<float> user(device(), n * stride), item(device(), n * stride);
  const DeviceArray<float> user_bias(device(), n), item_bias(device(), n);
  const DeviceArray<double> error(device(), 1);
  const RatingGradients op{.parameters = inputs.parameters,
                           .batch = inputs.batch,
                           .loss = inputs.loss,
                           .user_gradient = {user.data(), n, dim, stride},
                           .item_gradient = {item.data(), n, dim, stride},
                           .user_bias_gradient = user_bias.data(),
                           .item_bias_gradient = item_bias.data(),
                           .squared_error = error.data()};
  measure(state, n * (2 * (dim * (element_bytes(type) + 4) + 8) + 12), n, [&] { device().run(op); });
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
