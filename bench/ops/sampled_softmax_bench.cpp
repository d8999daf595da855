// Losses over sampled negatives, forward and backward: softmax_shared/dim/negatives/known/scores/fused against
// negatives that all queries share, known being the number of items that each user knows and masks, scores their type,
// fused whether they are kept nowhere; softmax_own/dim/negatives/type/cosine
// against negatives of each query's own. items_per_second counts pairs of a query and a negative; a shared pair takes
// 6 * dim floating point operations, an own one moves the bytes counted.
#include <string>
#include <vector>

#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "host/tables/row_sort.hpp"

namespace unfold::bench {
namespace {

constexpr std::uint64_t kUsers = 4096;

// A batch of queries with its gradients, to which negatives are added.
class Batch {
 public:
  Batch(std::uint64_t n, std::uint32_t dim, std::uint64_t n_known)
      : queries_(n, dim),
        positives_(n, dim),
        query_gradient_(n, dim),
        positive_gradient_(n, dim),
        log_temperature_(upload(std::vector<float>{-1.5f})),
        users_(upload(uniform_rows(n, kUsers, 3))),
        temperature_gradient_(device(), n),
        loss_(device(), 1),
        rejected_(device(), 1),
        known_(kUsers, n_known, large_catalogue()) {
    batch.queries = matrix(queries_);
    batch.positives = matrix(positives_);
    batch.users = users_.data();
    batch.log_temperature = log_temperature_.data();
    if (n_known > 0) batch.known = {known_.offsets.data(), known_.ids.data()};
    gradients.queries = matrix(query_gradient_);
    gradients.positives = matrix(positive_gradient_);
    gradients.log_temperature = temperature_gradient_.data();
    gradients.loss = loss_.data();
    gradients.n_rejected = rejected_.data();
  }
  static MatrixView<float> matrix(const Table& table) { return table.weight().as<float>(); }
  void measure_with(benchmark::State& state, std::uint64_t bytes, const SharedNegatives& shared,
                    const OwnNegatives& own) {
    const std::uint64_t n = batch.queries.rows;
    const SampledSoftmax op{
        .batch = batch, .shared = shared, .own = own, .scale = 1.0f / static_cast<float>(n), .gradients = gradients};
    const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op) + (std::uint64_t{64} << 20));
    measure(state, bytes, n * (shared.n() + own.n), [&] { device().run(op, {workspace.data(), workspace.size()}); });
  }

  SoftmaxBatch batch;
  SoftmaxGradients gradients;

 private:
  Table queries_, positives_, query_gradient_, positive_gradient_;
  DeviceArray<float> log_temperature_;
  DeviceArray<Row> users_;
  DeviceArray<float> temperature_gradient_;
  DeviceArray<double> loss_;
  DeviceArray<std::uint64_t> rejected_;
  KnownItems known_;
};

void softmax_shared(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto n = static_cast<std::uint64_t>(state.range(1));
  const std::uint64_t n_queries = by_device(8192, 512);
  Batch batch(n_queries, dim, static_cast<std::uint64_t>(state.range(2)));
  const Table vectors(n, dim), gradient(n, dim);
  const DeviceArray<Row> rows = upload(popular_rows(n, large_catalogue(), 5));
  const DeviceArray<float> log_count = upload(std::vector<float>(n, -2.0f));
  batch.gradients.shared = Batch::matrix(gradient);
  const RowSort sort(Arena(device()), "rows", n);
  const SharedNegatives shared{.vectors = Batch::matrix(vectors),
                               .rows = rows.data(),
                               .sorted = sort.sort(device(), rows.data(), n, large_catalogue()),
                               .log_count = log_count.data(),
                               .score_type = table_type(state.range(3)),
                               .fused = state.range(4) != 0};
  batch.measure_with(state, 0, shared, {});
  state.counters["flops"] =
      benchmark::Counter(6.0 * dim * static_cast<double>(n_queries * n), benchmark::Counter::kIsIterationInvariant);
}

void softmax_own(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto n = static_cast<std::uint32_t>(state.range(1));
  const TableType type = table_type(state.range(2));
  const std::uint64_t n_queries = by_device(1 << 20, 1 << 16) / n;
  Batch batch(n_queries, dim, 0);
  const Table items(large_catalogue(), dim, type), gradient(n_queries * n, dim);
  const DeviceArray<Row> rows = upload(uniform_rows(n_queries * n, large_catalogue(), 5));
  batch.gradients.own = Batch::matrix(gradient);
  const OwnNegatives own{.table = items.weight(), .normalize = state.range(3) != 0, .rows = rows.data(), .n = n};
  batch.measure_with(state, n_queries * n * (dim * (element_bytes(type) + 4ull) + 4), {}, own);
}

}  // namespace

template <>
void register_benchmarks<SampledSoftmax>() {
  const auto float32 = static_cast<std::int64_t>(TableType::kFloat32);
  const auto bfloat16 = static_cast<std::int64_t>(TableType::kBfloat16);
  const std::vector<std::int64_t> score_types = {float32, bfloat16};
  benchmark::internal::Benchmark* const shared = add_benchmark("softmax_shared", softmax_shared);
  shared->ArgsProduct({{64, 128}, {1024, 8192}, {64}, score_types, {0}})
      ->ArgsProduct({{64}, {8192}, {0}, score_types, {0}})
      ->ArgNames({"dim", "negatives", "known", "scores", "fused"});
  if (is_cuda()) shared->ArgsProduct({{64, 128}, {1024, 8192}, {64}, {bfloat16}, {1}});
  add_benchmark("softmax_own", softmax_own)
      ->ArgsProduct({{64, 128}, {16, 256}, {0}, {1}})
      ->Args({128, 256, 0, 0})
      ->Args({128, 256, 1, 1})
      ->ArgNames({"dim", "negatives", "type", "cosine"});
}

}  // namespace unfold::bench
