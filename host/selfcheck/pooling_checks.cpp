// The ops that pool bags of rows, against the float64 reference.
#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/pooling_reference.hpp"
#include "host/selfcheck/rounding_checks.hpp"

namespace unfold::selfcheck {
namespace {

// Bags of no row, one, few and many, the first and the last of them empty.
HostBags random_bags(std::mt19937_64& random, std::uint64_t n_table_rows, std::uint64_t n_bags, PoolMode mode,
                     bool weighted) {
  HostBags bags;
  bags.mode = mode;
  for (std::uint64_t bag = 0; bag < n_bags; ++bag) {
    const bool is_end = bag == 0 || bag + 1 == n_bags;
    const std::uint64_t sizes[] = {1, 0, 2 + random() % 7, 0, 9, 70};
    const std::vector<Row> rows =
        random_rows(random, n_table_rows, is_end && n_bags > 1 ? 0 : sizes[bag % std::size(sizes)]);
    bags.rows.insert(bags.rows.end(), rows.begin(), rows.end());
    bags.offsets.push_back(bags.rows.size());
  }
  if (weighted) bags.weights = random_table(random, bags.rows.size(), 1, 1, 2).values;
  return bags;
}

struct DeviceBags {
  DeviceBags(Backend& backend, const HostBags& host)
      : rows(backend, host.rows),
        offsets(backend, host.offsets),
        weights(backend, host.weights),
        view{rows.data(),   offsets.data(),   host.weights.empty() ? nullptr : weights.data(),
             host.n_bags(), host.rows.size(), host.mode} {}
  GuardedArray<Row> rows;
  GuardedArray<std::uint64_t> offsets;
  GuardedArray<float> weights;
  RowBags view;
};

// Calls visit(table, bags) for tables of `type` and bags of every kind.
template <typename Visit>
void for_each_pooling(CheckRun& run, TableType type, Visit&& visit) {
  constexpr std::uint64_t kTableRows = 43;
  for (const std::uint32_t dim : run.dims) {
    for (const PoolMode mode : {PoolMode::kSum, PoolMode::kMean}) {
      for (const bool weighted : {false, true}) {
        for (const std::uint64_t n_bags : {0u, 1u, 61u}) {
          const bool as_bias = dim == 1 && weighted && type == TableType::kFloat32;
          const std::uint32_t stride = as_bias ? 1 : run.backend.row_stride(dim, type);
          const Checker::Scope scope("dim {} mean {} weighted {} bags {}", dim, mode == PoolMode::kMean, weighted,
                                     n_bags);
          visit(random_table(run.random, kTableRows, dim, stride, 1, type),
                random_bags(run.random, kTableRows, n_bags, mode, weighted));
          if (run.check.failed()) return;
        }
      }
    }
  }
}

// A matrix [rows, cols] with the stride of `table` against the reference; padding must be zero.
void expect_matrix(const char* what, const std::vector<float>& got, const HostTable& table,
                   const std::vector<Bounded>& expected) {
  for (std::uint64_t r = 0; r < got.size() / table.stride; ++r)
    for (std::uint32_t c = 0; c < table.stride; ++c) {
      const Bounded value = c < table.cols ? expected[r * table.cols + c] : Bounded(0);
      if (!Checker::current().near(got[r * table.stride + c], value, "{} {} column {}", what, r, c)) return;
    }
}

void pool_rows_sums_bags_in_order(CheckRun& run, TableType type) {
  for_each_pooling(run, type, [&](const HostTable& table, const HostBags& bags) {
    const GuardedArray<std::byte> device(run.backend, table.bytes());
    const GuardedArray<float> out(run.backend, bags.n_bags() * table.stride);
    const DeviceBags device_bags(run.backend, bags);
    const ConstTableView view(device.data(), table.rows, table.cols, table.stride, type);
    const PoolRows op{
        .table = view, .bags = device_bags.view, .out = {out.data(), bags.n_bags(), table.cols, table.stride}};
    run_op(run.backend, op);
    const std::vector<float> got = out.download();
    expect_matrix("bag", got, table, reference_pool(table.view(), bags));
    run_op(run.backend, op);
    run.check.that(same_bits(got, out.download()), "other bits the second time");
  });
}

void pool_rows_gradient_is_that_of_each_entry(CheckRun& run, TableType type) {
  for_each_pooling(run, type, [&](const HostTable& table, const HostBags& bags) {
    const std::uint64_t n = bags.rows.size();
    const HostTable out_gradient = random_table(run.random, bags.n_bags(), table.cols, table.stride);
    const GuardedArray<std::byte> device(run.backend, table.bytes());
    const GuardedArray<float> from(run.backend, out_gradient.values);
    const GuardedArray<Row> bag(run.backend, n);
    const GuardedArray<float> factor(run.backend, n), weights(run.backend, n);
    const DeviceBags device_bags(run.backend, bags);
    PoolRowsGradient op{.bags = device_bags.view, .bag = bag.data(), .factor = factor.data()};
    run_op(run.backend, op);
    const ReferencePoolGradient expected = reference_pool_gradient(table.view(), bags, out_gradient.view());
    const std::vector<float> got = factor.download();
    run.check.that(bag.download() == expected.bag, "bags of entries");
    for (std::uint64_t k = 0; k < n; ++k) run.check.near(got[k], expected.factor[k], "factor of entry {}", k);

    op.table = {device.data(), table.rows, table.cols, table.stride, type};
    op.out_gradient = {from.data(), bags.n_bags(), table.cols, table.stride};
    op.weight_gradient = weights.data();
    run_op(run.backend, op);
    run.check.that(bag.download() == expected.bag, "bags of entries with weights");
    run.check.that(same_bits(got, factor.download()), "other factors with weights");
    const std::vector<float> got_weights = weights.download();
    for (std::uint64_t k = 0; k < n; ++k) run.check.near(got_weights[k], expected.weight[k], "weight of entry {}", k);
  });
}

constexpr OpCheck kPoolRowsChecks[] = {
    {"PoolRowsSumsBagsInOrder", in_float32<pool_rows_sums_bags_in_order>},
    {"PoolRowsReads16Bits", in_16_bits<pool_rows_sums_bags_in_order>},
};
constexpr OpCheck kPoolRowsGradientChecks[] = {
    {"PoolRowsGradientIsThatOfEachEntry", in_float32<pool_rows_gradient_is_that_of_each_entry>},
    {"PoolRowsGradientReads16Bits", in_16_bits<pool_rows_gradient_is_that_of_each_entry>},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<PoolRows>() {
  return kPoolRowsChecks;
}

template <>
std::span<const OpCheck> checks_of<PoolRowsGradient>() {
  return kPoolRowsGradientChecks;
}

}  // namespace unfold::selfcheck
