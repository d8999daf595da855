// A step launched as a graph gives the bits that it gives launch by launch.
#include <vector>

#include "tests/ops/parity.hpp"

namespace unfold::test {
namespace {

using namespace selfcheck;

class RunStep : public BackendParity {};

// Weights after deterministic steps on batches of several sizes, so that a graph is updated, and rebuilt.
std::vector<float> after_steps(Backend& backend, bool use_graph) {
  constexpr std::uint64_t kUsers = 50, kItems = 40;
  constexpr std::uint32_t kDim = 20;
  std::mt19937_64 random(kSeed);
  const std::uint32_t stride = backend.row_stride(kDim);
  const TestModel model(backend, random, kUsers, kItems, kDim, OptimizerKind::kAdam);
  const GuardedArray<double> error(backend, std::vector<double>{0});
  for (const std::uint64_t n : {64u, 64u, 1000u, 3u, 64u}) {
    const TestBatch batch(backend,
                          random_batch(random, random_rows(random, kUsers, n), random_rows(random, kItems, n)));
    const GuardedArray<float> user(backend, n * stride), item(backend, n * stride);
    const GuardedArray<float> user_bias(backend, n), item_bias(backend, n);
    const GuardedArray<std::byte> workspace(backend, backend.workspace_bytes(UpdateRows{.sorted = {.n = n}}));
    const TestSort user_sort(backend, batch.users.data(), n, kUsers), item_sort(backend, batch.items.data(), n, kItems);
    const OptimizerStep step = step_of(OptimizerKind::kAdam);
    backend.run_step(use_graph, [&] {
      const std::span<std::byte> scratch(workspace.data(), workspace.size());
      backend.run(RatingGradients{.parameters = model.parameters(),
                                  .batch = batch.view(),
                                  .loss = loss_of(true, true),
                                  .user_gradient = {user.data(), n, kDim, stride},
                                  .item_gradient = {item.data(), n, kDim, stride},
                                  .user_bias_gradient = user_bias.data(),
                                  .item_bias_gradient = item_bias.data(),
                                  .squared_error = error.data()});
      const auto update = [&](const TestTable& table, const TestSort& sort, const GuardedArray<float>& from) {
        backend.run(
            UpdateRows{
                .table = table.view(), .sorted = sort.view(), .gradient = {from.data(), n, kDim, stride}, .step = step},
            scratch);
      };
      update(model.user_factors, user_sort, user);
      update(model.item_factors, item_sort, item);
    });
  }
  std::vector<float> weights = model.user_factors.weights();
  const std::vector<float> items = model.item_factors.weights();
  weights.insert(weights.end(), items.begin(), items.end());
  return weights;
}

TEST_P(RunStep, HasTheSameBitsWithAGraphAndWithout) {
  const std::vector<float> plain = after_steps(backend(), false);
  EXPECT_TRUE(same_bits(after_steps(backend(), true), plain));
}

TEST_P(RunStep, PassesOnWhatTheOpsThrowAndStaysUsable) {
  EXPECT_THROW(backend().run_step(true, [] { throw UsageError("no"); }), UsageError);
  const std::vector<float> plain = after_steps(backend(), false);
  EXPECT_TRUE(same_bits(after_steps(backend(), true), plain));
}

UNFOLD_FOR_EVERY_BACKEND(RunStep);

}  // namespace
}  // namespace unfold::test
