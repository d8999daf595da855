// Negatives: draw_negatives/popularity/known. 256 for each query; popularity 0 draws uniformly, 1 by popularity^0.75
// from an alias table; known is the number of items that each query knows and rejects.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"
#include "unfold/alias_table.hpp"
#include "unfold/negative_sampling.hpp"

namespace unfold::bench {
namespace {

constexpr std::uint32_t kItems = 1000000;
constexpr std::uint32_t kNegatives = 256;

void draw_negatives(benchmark::State& state) {
  const std::uint64_t n_queries = by_device(16384, 1024);
  const KnownItems known(n_queries, static_cast<std::uint64_t>(state.range(1)), kItems);
  std::vector<Row> host_queries(n_queries);
  for (std::uint64_t q = 0; q < n_queries; ++q) host_queries[q] = static_cast<Row>(q);
  const DeviceArray<Row> queries = upload(host_queries), negatives(device(), n_queries * kNegatives);
  const DeviceArray<float> log_q(device(), n_queries * kNegatives);
  const DeviceArray<std::uint64_t> rejected(device(), 1);

  std::vector<std::uint64_t> counts(kItems);
  for (std::uint32_t i = 0; i < kItems; ++i) counts[i] = kItems / (i + 1);
  const AliasTable table = build_alias_table(popularity_weights(counts, 0.75));
  const DeviceArray<std::uint32_t> threshold = upload(table.thresholds);
  const DeviceArray<Row> alias = upload(table.aliases);
  const DeviceArray<float> item_log_q = upload(table.log_q);
  const DeviceArray<float> log_unknown_mass = upload(log_unknown_masses(table, known.host_offsets, known.host_ids));
  NegativeSampler sampler;
  sampler.n_items = kItems;
  if (state.range(0) != 0) {
    sampler.alias_threshold = threshold.data();
    sampler.alias = alias.data();
    sampler.log_q = item_log_q.data();
    sampler.log_unknown_mass = log_unknown_mass.data();
  }
  const RowLists lists{known.offsets.data(), known.ids.data()};
  measure(state, 0, n_queries * kNegatives, [&] {
    device().run(DrawNegatives{.sampler = sampler,
                               .key = {1, 1},
                               .queries = queries.data(),
                               .n_queries = n_queries,
                               .n_negatives = kNegatives,
                               .known = lists,
                               .negatives = negatives.data(),
                               .log_q = log_q.data(),
                               .n_rejected = rejected.data()});
  });
}

}  // namespace

template <>
void register_benchmarks<DrawNegatives>() {
  add_benchmark("draw_negatives", draw_negatives)
      ->ArgsProduct({{0, 1}, {0, 64, 1024}})
      ->ArgNames({"popularity", "known"});
}

}  // namespace unfold::bench
