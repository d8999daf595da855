// Ranks of ten items of each query among all: rank_targets/dim/items/known, known being the number of items that each
// query leaves out. items_per_second counts scores, of 2 * dim floating point operations.
#include <vector>

#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

constexpr std::uint64_t kTargets = 10;

// Lists of kTargets items for each query, ascending, evenly over the popular half; none is among its `known`.
struct Targets {
  Targets(const KnownItems& known, std::uint64_t n_queries, std::uint64_t n_items) {
    std::vector<std::uint64_t> host_offsets{0};
    std::vector<Row> host_ids;
    for (std::uint64_t q = 0; q < n_queries; ++q) {
      auto next = known.host_ids.begin() + static_cast<std::ptrdiff_t>(known.host_offsets[q]);
      const auto end = known.host_ids.begin() + static_cast<std::ptrdiff_t>(known.host_offsets[q + 1]);
      Row item = static_cast<Row>(q % 100);
      for (std::uint64_t t = 0; t < kTargets; ++t, item += static_cast<Row>(n_items / (2 * kTargets))) {
        for (;; ++item) {
          while (next != end && *next < item) ++next;
          if (next == end || *next != item) break;
        }
        host_ids.push_back(item);
      }
      host_offsets.push_back(host_ids.size());
    }
    offsets = upload(host_offsets);
    ids = upload(host_ids);
  }
  DeviceArray<std::uint64_t> offsets;
  DeviceArray<Row> ids;
};

void rank_targets(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto n_items = static_cast<std::uint64_t>(state.range(1));
  const std::uint64_t n_queries = by_device(8192, 1024), n_targets = n_queries * kTargets;
  const Table queries(n_queries, dim), items(n_items, dim);
  const KnownItems known(n_queries, static_cast<std::uint64_t>(state.range(2)), n_items);
  const Targets targets(known, n_queries, n_items);
  const DeviceArray<std::uint32_t> ranks(device(), n_targets);
  const RankTargets op{.queries = queries.weight().as<const float>(),
                       .items = items.weight().as<const float>(),
                       .targets = {targets.offsets.data(), targets.ids.data()},
                       .excluded = {known.offsets.data(), known.ids.data()},
                       .n_targets = n_targets,
                       .ranks = ranks.data()};
  const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op) + (std::uint64_t{64} << 20));
  measure(state, 0, n_queries * n_items, [&] { device().run(op, {workspace.data(), workspace.size()}); });
}

}  // namespace

template <>
void register_benchmarks<RankTargets>() {
  add_benchmark("rank_targets", rank_targets)
      ->ArgsProduct({{64, 128}, {40000}, {64}})
      ->ArgNames({"dim", "items", "known"});
}

}  // namespace unfold::bench
