// The deterministic sparse update of a sorted batch: one owner a row, gradients summed in batch order, the optimizer
// applied once a row. Which thread owns a row does not change a bit of the result.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/update_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include <omp.h>

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/row_update-inl.hpp"
#include "host/ops/scalar_update.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

constexpr std::size_t kMaxStride = 1024;

// Sums the gradients of `places` in the batch into `sum`, in order.
HWY_INLINE void sum_gradients(std::span<const std::uint32_t> places, MatrixView<const float> gradient,
                              float* HWY_RESTRICT sum) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t k = 0; k < gradient.stride; k += lanes) {
    FloatVec total = hn::Zero(d);
    for (const std::uint32_t place : places) total = hn::Add(total, hn::Load(d, gradient.row(place) + k));
    hn::Store(total, d, sum + k);
  }
}

template <OptimizerKind kKind>
void update_number(const ParameterView& table, Row row, std::span<const std::uint32_t> places, const float* gradient,
                   const OptimizerStep& step) {
  float total = 0;
  for (const std::uint32_t place : places) total += gradient[place];
  update_scalar<kKind>(table, row, total, step);
}

// By the gradients at `places` of the batch.
template <OptimizerKind kKind, typename Element>
void update_row(const UpdateRows& op, Row row, std::span<const std::uint32_t> places, RowRounding<Element>& rounding) {
  const ParameterView& table = op.table;
  if (op.bias_gradient != nullptr) update_number<kKind>(op.bias, row, places, op.bias_gradient, op.step);
  if (!kIsRounded<Element> && table.weight.stride == 1) {
    return update_number<kKind>(table, row, places, op.gradient.data, op.step);
  }
  const std::size_t lanes = hn::Lanes(FloatTag());
  HWY_ALIGN_MAX float sum[kMaxStride];
  sum_gradients(places, op.gradient, sum);
  float mean_square = 0;
  if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
    mean_square = row_products<false>(sum, sum, table.weight.stride).user_item / static_cast<float>(table.weight.cols);
  }
  const RowUpdate<kKind> update(table, row, mean_square, op.step);
  Element* HWY_RESTRICT weight = table.weight.as<Element>().row(row);
  rounding.template draw<1>(row, table.weight.stride);
  for (std::size_t k = 0; k < table.weight.stride; k += lanes) {
    store_floats(update(load_floats(weight + k), load_floats(sum + k), k), weight + k, rounding.bits(0) + k);
  }
}

template <OptimizerKind kKind, typename Element>
void update_runs(const UpdateRows& op, std::uint64_t first, std::uint64_t last) {
  using Update = RowUpdate<kKind>;
  const Row* const rows = op.sorted.rows;
  RowRounding<Element> rounding(op.step.rounding_key);
  const std::uint64_t ahead = rows_ahead(Update::template row_bytes<Element>(op.table));
  while (first < last) {
    if (first + ahead < last) {
      Update::template prefetch<Element>(op.table, rows[first + ahead]);
      if (op.bias_gradient != nullptr) Update::template prefetch<float>(op.bias, rows[first + ahead]);
    }
    std::uint64_t end = first + 1;
    while (end < last && rows[end] == rows[first]) ++end;
    update_row<kKind, Element>(op, rows[first], {op.sorted.order + first, end - first}, rounding);
    first = end;
  }
}

// Updates the rows at places first .. last of the sorted batch, whole runs of equal rows.
void update_sorted_rows(const UpdateRows& op, std::uint64_t first, std::uint64_t last) {
  with_optimizer(op.step.kind, [&]<OptimizerKind kKind>() {
    with_element(op.table.weight.type, [&]<typename Element>() { update_runs<kKind, Element>(op, first, last); });
  });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(update_sorted_rows);

namespace {

// The first place at or after `at` that starts a run of equal rows.
std::uint64_t run_start(std::span<const Row> rows, std::uint64_t at) {
  while (at > 0 && at < rows.size() && rows[at] == rows[at - 1]) ++at;
  return at;
}

}  // namespace

void run(const UpdateRows& op, std::span<std::byte> /*workspace*/, int n_threads) {
  std::span<const Row> rows(op.sorted.rows, op.sorted.n);
  if (rows.empty()) return;
  while (!rows.empty() && rows.back() == kNoRow) rows = rows.first(rows.size() - 1);
#pragma omp parallel num_threads(threads_for_rows(op.sorted.n, op.table.weight.stride, n_threads))
  {
    const auto thread = static_cast<std::uint64_t>(omp_get_thread_num());
    const auto threads = static_cast<std::uint64_t>(omp_get_num_threads());
    const std::uint64_t first = run_start(rows, rows.size() * thread / threads);
    const std::uint64_t last = run_start(rows, rows.size() * (thread + 1) / threads);
    HWY_DYNAMIC_DISPATCH(update_sorted_rows)(op, first, last);
  }
}

}  // namespace unfold::cpu
#endif
