// The fast update of mf, SGD with biases: rating_step/dim/type/skewed. Random ratings of 138,000 users and 27,000
// items, the shape of MovieLens 20M, or on a GPU of 8 times as many, so that tables pass the caches.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "unfold/random.hpp"

namespace unfold::bench {
namespace {

void rating_step(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const TableType type = table_type(state.range(1));
  const std::uint64_t n_users = by_device(1104000, 138000), n_items = by_device(216000, 27000);
  const std::uint64_t n = by_device(1 << 20, 1 << 18);
  const Table user(n_users, dim, type), item(n_items, dim, type), user_bias(n_users, 1), item_bias(n_items, 1);
  const auto draw = state.range(2) != 0 ? popular_rows : uniform_rows;
  const DeviceArray<Row> users = upload(draw(n, n_users, 1)), items = upload(draw(n, n_items, 2));
  std::vector<float> host_ratings(n);
  for (std::uint64_t k = 0; k < n; ++k) host_ratings[k] = 5 * uniform_float(philox(3, k, 0).v[0]);
  const DeviceArray<float> ratings = upload(host_ratings);
  // Biases have a stride of 1.
  const auto bias = [](const Table& table, std::uint64_t rows) {
    return ParameterView{MatrixView<float>{static_cast<float*>(table.weight().data), rows, 1, 1}, nullptr, nullptr,
                         nullptr};
  };
  const MfParameters parameters{user.view(), item.view(), bias(user_bias, n_users), bias(item_bias, n_items)};
  const DeviceArray<std::byte> workspace(device(), device().rating_step_workspace_bytes(n));
  const DeviceArray<double> error(device(), 1);
  RatingLoss loss;
  loss.mean = 2.5f;
  loss.l2 = loss.l2_bias = 0.02f;
  OptimizerStep step;
  step.kind = OptimizerKind::kSgd;
  step.learning_rate = 0.01f;
  measure(state, n * (2 * 2 * (dim * element_bytes(type) + 4) + 12), n, [&] {
    device().rating_step(parameters, {users.data(), items.data(), ratings.data(), n}, loss, step, error.data(),
                         {workspace.data(), workspace.size()});
  });
}

}  // namespace

void register_rating_step() {
  add_benchmark("rating_step", rating_step)
      ->ArgsProduct({{128, 64, 32, 256}, {0, 2}, {0}})
      ->ArgsProduct({{128, 64}, {0}, {1}})
      ->Args({128, 1, 0})
      ->ArgNames({"dim", "type", "skewed"});
}

}  // namespace unfold::bench
