// Predicted ratings of random pairs: predict_ratings/dim/type, on the inputs of rating_inputs.hpp.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "bench/ops/rating_inputs.hpp"

namespace unfold::bench {
namespace {

void predict_ratings(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const TableType type = table_type(state.range(1));
  const RatingInputs inputs(dim, type, false);
  const std::uint64_t n = inputs.batch.size;
  const DeviceArray<float> prediction(device(), n);
  const PredictRatings op{.parameters = inputs.parameters,
                          .users = inputs.batch.users,
                          .items = inputs.batch.items,
                          .n_pairs = n,
                          .link = inputs.loss.link,
                          .prediction = prediction.data()};
  measure(state, n * (2 * (dim * element_bytes(type) + 4) + 12), n, [&] { device().run(op); });
}

}  // namespace

template <>
void register_benchmarks<PredictRatings>() {
  add_benchmark("predict_ratings", predict_ratings)
      ->ArgsProduct({{128, 64}, {0}})
      ->Args({128, 2})
      ->ArgNames({"dim", "type"});
}

}  // namespace unfold::bench
