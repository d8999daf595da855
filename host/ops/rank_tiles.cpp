#include "host/ops/rank_tiles.hpp"

#include <algorithm>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/rank_tiles.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that two vectors never pass the end of a panel.
using Lanes16 = hn::CappedTag<float, 16>;

// A panel's worth of items gathered by id, a few columns at a time: the sums wait in `sums` in between.
HWY_INLINE void score_gathered(const float* query, MatrixView<const float> items, const Row* ids, std::size_t n_ids,
                               float* sums) {
  constexpr std::size_t kColumns = 64;
  alignas(64) float columns[kColumns * kPanelWidth] = {};
  const Lanes16 d;
  for (std::size_t first = 0; first < items.cols; first += kColumns) {
    const std::size_t n_columns = std::min<std::size_t>(kColumns, items.cols - first);
    for (std::size_t t = 0; t < n_ids; ++t) {
      const float* const row = items.row(ids[t]) + first;
      for (std::size_t k = 0; k < n_columns; ++k) columns[k * kPanelWidth + t] = row[k];
    }
    for (std::size_t c = 0; c < kPanelWidth; c += hn::Lanes(d)) {
      auto sum = hn::Load(d, sums + c);
      for (std::size_t k = 0; k < n_columns; ++k) {
        sum = hn::MulAdd(hn::Set(d, query[first + k]), hn::Load(d, columns + k * kPanelWidth + c), sum);
      }
      hn::Store(sum, d, sums + c);
    }
  }
}

void score_rows_impl(const float* query, MatrixView<const float> items, const float* item_bias, const Row* ids,
                     std::uint64_t n_ids, float* out) {
  const Lanes16 d;
  for (std::uint64_t first = 0; first < n_ids; first += kPanelWidth) {
    const std::size_t n = std::min<std::uint64_t>(kPanelWidth, n_ids - first);
    alignas(64) float sums[kPanelWidth] = {};
    alignas(64) float bias[kPanelWidth] = {};
    score_gathered(query, items, ids + first, n, sums);
    for (std::size_t t = 0; t < n && item_bias != nullptr; ++t) bias[t] = item_bias[ids[first + t]];
    for (std::size_t c = 0; c < kPanelWidth; c += hn::Lanes(d)) {
      hn::Store(hn::Add(hn::Load(d, sums + c), hn::Load(d, bias + c)), d, sums + c);
    }
    std::copy_n(sums, n, out + first);
  }
}

void count_reaching_impl(const float* scores, std::uint32_t n_scores, const float* thresholds,
                         std::uint64_t n_thresholds, std::uint32_t* counts) {
  const Lanes16 d;
  const std::size_t n = hn::Lanes(d);
  std::uint64_t t = 0;
  for (; t + 4 <= n_thresholds; t += 4) {
    const auto t0 = hn::Set(d, thresholds[t]);
    const auto t1 = hn::Set(d, thresholds[t + 1]);
    const auto t2 = hn::Set(d, thresholds[t + 2]);
    const auto t3 = hn::Set(d, thresholds[t + 3]);
    std::size_t c0 = 0, c1 = 0, c2 = 0, c3 = 0;
    for (std::size_t i = 0; i < n_scores; i += n) {
      const auto s = hn::Load(d, scores + i);
      c0 += hn::CountTrue(d, hn::Ge(s, t0));
      c1 += hn::CountTrue(d, hn::Ge(s, t1));
      c2 += hn::CountTrue(d, hn::Ge(s, t2));
      c3 += hn::CountTrue(d, hn::Ge(s, t3));
    }
    counts[t] += static_cast<std::uint32_t>(c0);
    counts[t + 1] += static_cast<std::uint32_t>(c1);
    counts[t + 2] += static_cast<std::uint32_t>(c2);
    counts[t + 3] += static_cast<std::uint32_t>(c3);
  }
  for (; t < n_thresholds; ++t) {
    const auto threshold = hn::Set(d, thresholds[t]);
    std::size_t count = 0;
    for (std::size_t i = 0; i < n_scores; i += n) {
      count += hn::CountTrue(d, hn::Ge(hn::Load(d, scores + i), threshold));
    }
    counts[t] += static_cast<std::uint32_t>(count);
  }
}

void count_steps_impl(const float* scores, std::uint32_t n_scores, const float* thresholds, std::uint64_t n_thresholds,
                      std::uint32_t* steps) {
  const Lanes16 d;
  const hn::RebindToSigned<Lanes16> di;
  const std::size_t n = hn::Lanes(d);
  alignas(64) std::int32_t found[16];
  for (std::size_t i = 0; i < n_scores; i += n) {
    const auto s = hn::Load(d, scores + i);
    // Binary search without branches, all lanes in step. "Not >=" sends a NaN past the last threshold.
    auto base = hn::Zero(di);
    for (std::uint64_t length = n_thresholds; length > 0;) {
      const std::uint64_t half = (length + 1) / 2;
      const auto offset = hn::Set(di, static_cast<std::int32_t>(half - 1));
      const auto probe = hn::GatherIndex(d, thresholds, hn::Add(base, offset));
      const auto below = hn::RebindMask(di, hn::Not(hn::Ge(s, probe)));
      base = hn::IfThenElse(below, hn::Add(base, hn::Set(di, static_cast<std::int32_t>(half))), base);
      length -= half;
    }
    hn::Store(base, di, found);
    for (std::size_t lane = 0; lane < n; ++lane) ++steps[found[lane]];
  }
}

std::uint32_t find_reaching_impl(const float* scores, std::uint32_t n_scores, float threshold, std::uint32_t* places) {
  const Lanes16 d;
  const hn::RebindToUnsigned<Lanes16> du;
  const auto limit = hn::Set(d, threshold);
  std::uint32_t count = 0;
  for (std::uint32_t first = 0; first < n_scores; first += kPanelWidth) {
    // Few panels hold a score that does.
    auto reaches = hn::Ge(hn::Load(d, scores + first), limit);
    for (std::uint32_t i = static_cast<std::uint32_t>(hn::Lanes(d)); i < kPanelWidth; i += hn::Lanes(d)) {
      reaches = hn::Or(reaches, hn::Ge(hn::Load(d, scores + first + i), limit));
    }
    if (hn::AllFalse(d, reaches)) continue;
    for (std::uint32_t i = first; i < first + kPanelWidth; i += static_cast<std::uint32_t>(hn::Lanes(d))) {
      const auto lanes = hn::RebindMask(du, hn::Ge(hn::Load(d, scores + i), limit));
      count += static_cast<std::uint32_t>(hn::CompressStore(hn::Iota(du, i), lanes, du, places + count));
    }
  }
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace unfold::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(score_rows_impl);
HWY_EXPORT(count_reaching_impl);
HWY_EXPORT(count_steps_impl);
HWY_EXPORT(find_reaching_impl);

void score_rows(const float* query, MatrixView<const float> items, const float* item_bias, const Row* ids,
                std::uint64_t n_ids, float* out) {
  HWY_DYNAMIC_DISPATCH(score_rows_impl)(query, items, item_bias, ids, n_ids, out);
}

void count_reaching(const float* scores, std::uint32_t n_scores, const float* thresholds, std::uint64_t n_thresholds,
                    std::uint32_t* counts) {
  HWY_DYNAMIC_DISPATCH(count_reaching_impl)(scores, n_scores, thresholds, n_thresholds, counts);
}

void count_steps(const float* scores, std::uint32_t n_scores, const float* thresholds, std::uint64_t n_thresholds,
                 std::uint32_t* steps) {
  HWY_DYNAMIC_DISPATCH(count_steps_impl)(scores, n_scores, thresholds, n_thresholds, steps);
}

std::uint32_t find_reaching(const float* scores, std::uint32_t n_scores, float threshold, std::uint32_t* places) {
  return HWY_DYNAMIC_DISPATCH(find_reaching_impl)(scores, n_scores, threshold, places);
}

}  // namespace unfold::cpu
#endif  // HWY_ONCE
