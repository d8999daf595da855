// The variables of a step: set_step. It moves next to nothing, so this is what a launch costs.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

void set_step(benchmark::State& state) {
  const DeviceArray<StepVariables> now(device(), 1);
  const SetStep op{.values = step_variables(1, 1, 1, 0.1f, 0.9f), .now = now.data()};
  measure(state, sizeof(StepVariables), 1, [&] { device().run(op); });
}

}  // namespace

template <>
void register_benchmarks<SetStep>() {
  add_benchmark("set_step", set_step);
}

}  // namespace unfold::bench
