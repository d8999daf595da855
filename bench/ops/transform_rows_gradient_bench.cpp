// The gradient of scored vectors by their rows: transform_rows_gradient/dim/dropout/cosine. Dropout 1 drops a tenth of
// the elements.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

RowTransform transform_of(const benchmark::State& state) {
  RowTransform transform;
  transform.dropout = state.range(1) != 0 ? 0.1f : 0.0f;
  transform.dropout_key = {1, 1};
  transform.normalize = state.range(2) != 0;
  return transform;
}

std::uint64_t n_rows() { return by_device(1 << 20, 1 << 17); }

void transform_rows_gradient(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const Table vectors(n_rows(), dim), gradient(n_rows(), dim);
  const DeviceArray<float> scale = upload(std::vector<float>(n_rows(), 0.5f));
  const TransformRowsGradient op{.transform = transform_of(state),
                                 .vectors = vectors.weight().as<const float>(),
                                 .scale = scale.data(),
                                 .gradient = gradient.weight().as<float>()};
  measure(state, n_rows() * (12ull * dim + 4), n_rows(), [&] { device().run(op); });
}

}  // namespace

template <>
void register_benchmarks<TransformRowsGradient>() {
  add_benchmark("transform_rows_gradient", transform_rows_gradient)
      ->ArgsProduct({{64, 128}, {0}, {1}})
      ->Args({64, 1, 1})
      ->ArgNames({"dim", "dropout", "cosine"});
}

}  // namespace unfold::bench
