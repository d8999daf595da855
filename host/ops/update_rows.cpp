// The deterministic sparse update: sort by row, one owner a row, gradients summed in batch order, the optimizer
// applied once a row. Which thread owns a row does not change a bit of the result.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/update_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include <omp.h>

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/row_update-inl.hpp"
#include "host/ops/scalar_update.hpp"
#include "host/ops/sort_rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

constexpr std::size_t kMaxStride = 1024;

// Sums the gradients at `entries` (one row) into `sum`, in order.
HWY_INLINE void sum_gradients(std::span<const RowPosition> entries, MatrixView<const float> gradient,
                              float* HWY_RESTRICT sum) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t k = 0; k < gradient.stride; k += lanes) {
    FloatVec total = hn::Zero(d);
    for (const RowPosition& entry : entries) total = hn::Add(total, hn::Load(d, gradient.row(entry.position) + k));
    hn::Store(total, d, sum + k);
  }
}

template <OptimizerKind kKind, typename Element>
void update_row(const ParameterView& table, std::span<const RowPosition> entries, MatrixView<const float> gradient,
                const OptimizerStep& step, RowRounding<Element>& rounding) {
  const Row row = entries.front().row;
  if (!kIsRounded<Element> && table.weight.stride == 1) {
    float total = 0;
    for (const RowPosition& entry : entries) total += gradient.data[entry.position];
    update_scalar<kKind>(table, row, total, step);
    return;
  }
  const std::size_t lanes = hn::Lanes(FloatTag());
  HWY_ALIGN_MAX float sum[kMaxStride];
  sum_gradients(entries, gradient, sum);
  float mean_square = 0;
  if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
    mean_square = row_products<false>(sum, sum, table.weight.stride).user_item / static_cast<float>(table.weight.cols);
  }
  const RowUpdate<kKind> update(table, row, mean_square, step);
  Element* HWY_RESTRICT weight = table.weight.as<Element>().row(row);
  rounding.draw(row, 1, table.weight.stride);
  for (std::size_t k = 0; k < table.weight.stride; k += lanes) {
    store_floats(update(load_floats(weight + k), load_floats(sum + k), k), weight + k, rounding.bits() + k);
  }
}

template <OptimizerKind kKind, typename Element>
void update_runs(const ParameterView& table, std::span<const RowPosition> entries, MatrixView<const float> gradient,
                 const OptimizerStep& step) {
  using Update = RowUpdate<kKind>;
  RowRounding<Element> rounding(step.rounding_key);
  const std::uint64_t ahead = rows_ahead(Update::template row_bytes<Element>(table));
  for (std::size_t first = 0; first < entries.size();) {
    if (first + ahead < entries.size()) Update::template prefetch<Element>(table, entries[first + ahead].row);
    std::size_t last = first + 1;
    while (last < entries.size() && entries[last].row == entries[first].row) ++last;
    update_row<kKind, Element>(table, entries.subspan(first, last - first), gradient, step, rounding);
    first = last;
  }
}

// Updates the rows of `entries`, which holds whole runs of equal rows.
void update_sorted_rows(const ParameterView& table, std::span<const RowPosition> entries,
                        MatrixView<const float> gradient, const OptimizerStep& step) {
  with_optimizer(step.kind, [&]<OptimizerKind kKind>() {
    with_element(table.weight.type,
                 [&]<typename Element>() { update_runs<kKind, Element>(table, entries, gradient, step); });
  });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(update_sorted_rows);

std::uint64_t workspace_bytes(const UpdateRows& op, int /*n_threads*/) { return 2 * sizeof(RowPosition) * op.n_rows; }

namespace {

// The first entry at or after `at` that starts a run of equal rows.
std::size_t run_start(std::span<const RowPosition> entries, std::size_t at) {
  while (at > 0 && at < entries.size() && entries[at].row == entries[at - 1].row) ++at;
  return at;
}

}  // namespace

void run(const UpdateRows& op, std::span<std::byte> workspace, int n_threads) {
  const std::uint64_t n_rows = op.n_rows;
  if (n_rows == 0) return;
  auto* first_half = reinterpret_cast<RowPosition*>(workspace.data());
  std::span<const RowPosition> sorted =
      sort_rows({op.rows, n_rows}, {first_half, n_rows}, {first_half + n_rows, n_rows});
  while (!sorted.empty() && sorted.back().row == kNoRow) sorted = sorted.first(sorted.size() - 1);
#pragma omp parallel num_threads(threads_for_rows(n_rows, op.table.weight.stride, n_threads))
  {
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    const auto threads = static_cast<std::size_t>(omp_get_num_threads());
    const std::size_t first = run_start(sorted, sorted.size() * thread / threads);
    const std::size_t last = run_start(sorted, sorted.size() * (thread + 1) / threads);
    HWY_DYNAMIC_DISPATCH(update_sorted_rows)(op.table, sorted.subspan(first, last - first), op.gradient, op.step);
  }
}

}  // namespace unfold::cpu
#endif
