// Hard negatives: select_shared/dim/candidates/kept from candidates that all queries share, select_own/dim/candidates/
// kept/type from each query's own. items_per_second counts scores, of 2 * dim floating point operations; own candidates
// move the bytes counted.
#include "bench/ops/bench_support.hpp"
#include "bench/ops/ops.hpp"

namespace unfold::bench {
namespace {

// Queries, and what is chosen for them.
struct Queries {
  Queries(std::uint64_t n, std::uint32_t dim, std::uint32_t n_kept)
      : vectors(n, dim), positives(n, dim), rows(device(), n * n_kept), log_count(device(), n * n_kept) {
    op.batch.queries = vectors.weight().as<const float>();
    op.batch.positives = positives.weight().as<const float>();
    op.hardness.kind = HardnessKind::kScoreWeighted;
    op.hardness.n_kept = n_kept;
    op.hardness.temperature = 0.2f;
    op.hardness.key = {1, 1};
    op.rows = rows.data();
    op.log_count = log_count.data();
  }
  void measure_with(benchmark::State& state, std::uint64_t bytes, const CandidatePool& pool) {
    op.pool = pool;
    const DeviceArray<std::byte> workspace(device(), device().workspace_bytes(op) + (std::uint64_t{64} << 20));
    measure(state, bytes, op.batch.queries.rows * pool.n, [&] {
      device().run(op, {workspace.data(), workspace.size()});
    });
  }
  Table vectors, positives;
  DeviceArray<Row> rows;
  DeviceArray<float> log_count;
  SelectNegatives op;
};

void select_shared(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto n = static_cast<std::uint32_t>(state.range(1));
  const std::uint64_t n_queries = by_device(8192, 1024);
  Queries queries(n_queries, dim, static_cast<std::uint32_t>(state.range(2)));
  const Table candidates(n, dim);
  const DeviceArray<Row> rows = upload(uniform_rows(n, large_catalogue(), 2));
  CandidatePool pool;
  pool.rows = rows.data();
  pool.n = n;
  pool.vectors = candidates.weight().as<const float>();
  queries.measure_with(state, 0, pool);
}

void select_own(benchmark::State& state) {
  const auto dim = static_cast<std::uint32_t>(state.range(0));
  const auto n = static_cast<std::uint32_t>(state.range(1));
  const TableType type = table_type(state.range(3));
  const std::uint64_t n_queries = by_device(1 << 20, 1 << 16) / n;
  Queries queries(n_queries, dim, static_cast<std::uint32_t>(state.range(2)));
  const Table items(large_catalogue(), dim, type);
  const DeviceArray<Row> rows = upload(uniform_rows(n_queries * n, large_catalogue(), 2));
  CandidatePool pool;
  pool.rows = rows.data();
  pool.n = n;
  pool.table = items.weight();
  pool.row_stride = n;
  queries.measure_with(state, n_queries * n * (dim * element_bytes(type) + 4), pool);
}

}  // namespace

template <>
void register_benchmarks<SelectNegatives>() {
  add_benchmark("select_shared", select_shared)
      ->ArgsProduct({{64}, {512, 4096}, {1, 32}})
      ->Args({128, 4096, 32})
      ->ArgNames({"dim", "candidates", "kept"});
  add_benchmark("select_own", select_own)
      ->ArgsProduct({{64, 128}, {64, 512}, {32}, {0}})
      ->Args({128, 512, 32, 1})
      ->ArgNames({"dim", "candidates", "kept", "type"});
}

}  // namespace unfold::bench
