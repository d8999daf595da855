// The fast sparse update without a race: every thread reads all row numbers, a vector of them at a time, and applies
// the gradients of the rows that are its own, in batch order. So no update is lost, and the bits are the same for any
// number of threads. What is rounded draws the bits of its place in the batch.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/update_rows_atomic.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include <omp.h>

#include <algorithm>
#include <numeric>

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/row_update-inl.hpp"
#include "host/ops/scalar_update.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

// Row numbers looked through at once; their positions stay in the first-level cache.
constexpr std::size_t kScanRows = 1024;
constexpr std::uint32_t kOwnerHash = 0x9E3779B1u;

// Whose a row is, of n_owners < 2^16. 16 neighbouring rows, whose state may share a cache line, have one owner.
HWY_INLINE std::uint32_t row_owner(Row row, std::uint32_t n_owners) {
  return ((row / 16 * kOwnerHash) >> 16) * n_owners >> 16;
}

// Which positions of rows[0 .. n) belong to `owner`; returns how many. `positions` has room for a vector more than n.
HWY_INLINE std::size_t own_positions(const Row* rows, std::size_t n, std::uint32_t owner, std::uint32_t n_owners,
                                     std::uint32_t* positions) {
  if (n_owners == 1) {
    std::iota(positions, positions + n, 0u);
    return n;
  }
  const hn::ScalableTag<std::uint32_t> d;
  const auto multiplier = hn::Set(d, kOwnerHash), owners = hn::Set(d, n_owners), me = hn::Set(d, owner);
  std::size_t count = 0, k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    const auto row = hn::LoadU(d, rows + k);
    const auto mixed = hn::ShiftRight<16>(hn::Mul(hn::ShiftRight<4>(row), multiplier));
    const auto is_mine = hn::Eq(hn::ShiftRight<16>(hn::Mul(mixed, owners)), me);
    count += hn::CompressStore(hn::Iota(d, static_cast<std::uint32_t>(k)), is_mine, d, positions + count);
  }
  for (; k < n; ++k) {
    positions[count] = static_cast<std::uint32_t>(k);
    count += row_owner(rows[k], n_owners) == owner ? 1 : 0;
  }
  return count;
}

template <OptimizerKind kKind, typename Element>
HWY_INLINE void apply_gradient(const ParameterView& table, Row row, const float* HWY_RESTRICT gradient,
                               const OptimizerStep& step, const std::uint16_t* random) {
  const std::size_t stride = table.weight.stride;
  if (!kIsRounded<Element> && stride == 1) return update_scalar<kKind>(table, row, *gradient, step);
  float mean_square = 0;
  if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
    mean_square = row_products<false>(gradient, gradient, stride).user_item / static_cast<float>(table.weight.cols);
  }
  const RowUpdate<kKind> update(table, row, mean_square, step);
  Element* HWY_RESTRICT weight = table.weight.as<Element>().row(row);
  for (std::size_t k = 0; k < stride; k += hn::Lanes(FloatTag())) {
    store_floats(update(load_floats(weight + k), load_floats(gradient + k), k), weight + k, random + k);
  }
}

// The rows of a batch that belong to `owner`.
struct OwnRows {
  const Row* rows;
  std::uint64_t n_rows;
  std::uint32_t owner, n_owners;
};

template <OptimizerKind kKind, typename Element>
void apply_gradients(const ParameterView& table, const OwnRows& own, MatrixView<const float> gradient,
                     const OptimizerStep& step) {
  std::uint32_t positions[kScanRows + HWY_MAX_BYTES / sizeof(std::uint32_t)];
  using Update = RowUpdate<kKind>;
  RowRounding<Element> rounding(step.rounding_key);
  const std::uint64_t ahead = rows_ahead(Update::template row_bytes<Element>(table));
  for (std::uint64_t first = 0; first < own.n_rows; first += kScanRows) {
    const Row* const rows = own.rows + first;
    const std::size_t n = std::min<std::uint64_t>(kScanRows, own.n_rows - first);
    const std::size_t count = own_positions(rows, n, own.owner, own.n_owners, positions);
    for (std::size_t k = 0; k < count; ++k) {
      if (k + ahead < count) Update::template prefetch<Element>(table, rows[positions[k + ahead]]);
      const std::uint64_t at = first + positions[k];
      rounding.draw(at, 1, table.weight.stride);
      apply_gradient<kKind, Element>(table, own.rows[at], gradient.row(at), step, rounding.bits());
    }
  }
}

void update_own_rows(const ParameterView& table, const Row* rows, std::uint64_t n_rows, std::uint32_t owner,
                     std::uint32_t n_owners, MatrixView<const float> gradient, const OptimizerStep& step) {
  const OwnRows own{rows, n_rows, owner, n_owners};
  with_optimizer(step.kind, [&]<OptimizerKind kKind>() {
    with_element(table.weight.type,
                 [&]<typename Element>() { apply_gradients<kKind, Element>(table, own, gradient, step); });
  });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(update_own_rows);

void update_rows_atomic(const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                        MatrixView<const float> gradient, const OptimizerStep& step, int n_threads) {
#pragma omp parallel num_threads(threads_for(n_rows, n_threads))
  {
    const auto owner = static_cast<std::uint32_t>(omp_get_thread_num());
    const auto n_owners = static_cast<std::uint32_t>(omp_get_num_threads());
    HWY_DYNAMIC_DISPATCH(update_own_rows)(table, rows, n_rows, owner, n_owners, gradient, step);
  }
}

}  // namespace unfold::cpu
#endif
