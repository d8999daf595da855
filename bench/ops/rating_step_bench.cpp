// The fast update of mf, SGD with biases: rating_step/dim/type/skewed, on the inputs of rating_inputs.hpp.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "bench/ops/rating_inputs.hpp"

namespace unfold::bench {
namespace {

void rating_step(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const TableType type = table_type(state.range(1));
  const RatingInputs inputs(dim, type, state.range(2) != 0);
  const std::uint64_t n = inputs.batch.size;
  const DeviceArray<double> error(device(), 1);
  OptimizerStep step;
  step.kind = OptimizerKind::kSgd;
  step.learning_rate = 0.01f;
  const RatingStep op{.parameters = inputs.parameters,
                      .batch = inputs.batch,
                      .loss = inputs.loss,
                      .step = step,
                      .squared_error = error.data()};
  const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op));
  measure(state, n * (2 * 2 * (dim * element_bytes(type) + 4) + 12), n, [&] {
    device().run(op, {workspace.data(), workspace.size()});
  });
}

}  // namespace

template <>
void register_benchmarks<RatingStep>() {
  add_benchmark("rating_step", rating_step)
      ->ArgsProduct({{128, 64, 32, 256}, {0, 2}, {0}})
      ->ArgsProduct({{128, 64}, {0}, {1}})
      ->Args({128, 1, 0})
      ->ArgNames({"dim", "type", "skewed"});
}

}  // namespace unfold::bench
