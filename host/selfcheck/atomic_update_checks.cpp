// The fast sparse update, against the float64 reference.
#include <cmath>
#include <set>

#include "host/selfcheck/atomic_update_reference.hpp"
#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/rounding_checks.hpp"

namespace unfold::selfcheck {
namespace {

constexpr std::uint64_t kRows = 41;

void update_atomic(Backend& backend, const TestTable& table, const std::vector<Row>& rows, const HostTable& gradient,
                   const OptimizerStep& step) {
  const GuardedArray<Row> device_rows(backend, rows);
  const GuardedArray<float> device_gradient(backend, gradient.values);
  backend.update_rows_atomic(table.view(), device_rows.data(), rows.size(),
                             {device_gradient.data(), rows.size(), gradient.cols, gradient.stride}, step);
}

void update_rows_atomic_is_the_update_of_distinct_rows(CheckRun& run, TableType type) {
  for (const std::uint32_t dim : run.dims) {
    for (const OptimizerKind kind : kKinds) {
      for (const std::uint64_t n : {0u, 1u, 40u}) {
        const bool as_bias = dim == 1 && n == 40 && type == TableType::kFloat32;
        const std::uint32_t stride = as_bias ? 1 : run.backend.row_stride(dim, type);
        const Checker::Scope scope("dim {} kind {} rows {}", dim, static_cast<int>(kind), n);
        TestTable table(run.backend, random_table(run.random, kRows, dim, stride, 1, type), kind);
        for (int round = 0; round < 2; ++round) {  // the second from state that is not zero
          const std::vector<Row> rows = distinct_rows(run.random, kRows, n);
          const HostTable gradient = random_table(run.random, n, dim, stride, 0.5f);
          update_atomic(run.backend, table, rows, gradient, step_of(kind));
          reference_update_rows(table.reference, rows, gradient.view(), step_of(kind));
          if (round == 0 && type == TableType::kFloat32) continue;
          table.expect_equal("table");
          table.adopt_rounded_weights();
        }
        if (run.check.failed()) return;
      }
    }
  }
}

void update_rows_atomic_loses_no_update_of_equal_rows(CheckRun& run) {
  for (const std::uint32_t dim : run.dims) {
    if (dim > 200 && !run.thorough) continue;
    for (const OptimizerKind kind : {OptimizerKind::kSgd, OptimizerKind::kAdagrad, OptimizerKind::kRowwiseAdagrad}) {
      for (const std::uint64_t n : {2u, 70u, 900u}) {
        if (dim > 200 && n > 70) continue;
        const std::uint32_t stride = dim == 1 && n == 70 ? 1 : run.backend.row_stride(dim);
        const Checker::Scope scope("dim {} kind {} rows {}", dim, static_cast<int>(kind), n);
        TestTable table(run.backend, random_table(run.random, kRows, dim, stride), kind);
        for (int round = 0; round < 2; ++round) {
          // Half of the batch on three rows.
          std::vector<Row> rows = random_rows(run.random, kRows, n);
          for (std::uint64_t k = 0; k < n; k += 2) rows[k] = static_cast<Row>(k % 3);
          const HostTable gradient = random_table(run.random, n, dim, stride, 0.5f);
          update_atomic(run.backend, table, rows, gradient, step_of(kind));
          reference_update_rows_atomic(table.reference, rows, gradient.view(), step_of(kind));
        }
        table.expect_equal("table");
        if (run.check.failed()) return;
      }
    }
  }
}

void update_rows_atomic_leaves_other_rows_alone(CheckRun& run, TableType type) {
  constexpr std::uint32_t kDim = 33;
  const std::uint32_t stride = run.backend.row_stride(kDim, type);
  for (const OptimizerKind kind : kKinds) {
    const Checker::Scope scope("kind {}", static_cast<int>(kind));
    const TestTable table(run.backend, random_table(run.random, kRows, kDim, stride, 1, type), kind);
    const std::vector<Row> rows = random_rows(run.random, kRows / 2, 300);
    const std::set<Row> touched(rows.begin(), rows.end());
    const HostTable gradient = random_table(run.random, rows.size(), kDim, stride);
    const std::vector<float> before = table.weights();
    OptimizerStep step = step_of(kind);
    step.learning_rate = 0;
    update_atomic(run.backend, table, rows, gradient, step);
    run.check.that(same_bits(table.weights(), before), "weights changed at learning rate 0");
    update_atomic(run.backend, table, rows, gradient, step_of(kind));
    const std::vector<float> after = table.weights();
    for (Row row = 0; row < kRows; ++row) {
      const std::span<const float> old_row(&before[row * stride], stride), new_row(&after[row * stride], stride);
      run.check.that(same_bits(old_row, new_row) != touched.contains(row), "row {}", row);
      run.check.that(std::all_of(new_row.begin(), new_row.end(), [](float x) { return std::isfinite(x); }), "row {}",
                     row);
    }
  }
}

constexpr OpCheck kChecks[] = {
    {"update_rows_atomic", "UpdateRowsAtomicIsTheUpdateOfDistinctRows",
     in_float32<update_rows_atomic_is_the_update_of_distinct_rows>},
    {"update_rows_atomic", "UpdateRowsAtomicRoundsThatTo16Bits",
     in_16_bits<update_rows_atomic_is_the_update_of_distinct_rows>},
    {"update_rows_atomic", "UpdateRowsAtomicLosesNoUpdateOfEqualRows",
     update_rows_atomic_loses_no_update_of_equal_rows},
    {"update_rows_atomic", "UpdateRowsAtomicLeavesOtherRowsAlone",
     in_float32<update_rows_atomic_leaves_other_rows_alone>},
    {"update_rows_atomic", "UpdateRowsAtomicLeavesOtherRowsOf16BitsAlone",
     in_16_bits<update_rows_atomic_leaves_other_rows_alone>},
};

}  // namespace

std::span<const OpCheck> atomic_update_checks() { return kChecks; }

}  // namespace unfold::selfcheck
