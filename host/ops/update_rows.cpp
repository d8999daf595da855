// The deterministic sparse update of a sorted batch: one owner a row, gradients summed in batch order, the optimizer
// applied once a row. Which thread owns a row does not change a bit of the result.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/update_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include <algorithm>

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"
#include "host/ops/row_update-inl.hpp"
#include "host/ops/scalar_update.hpp"
#include "host/ops/segments.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

constexpr std::size_t kMaxStride = 1024;

// The gradient of one of a batch's rows, as the op has it: scale * row.
template <typename From>
struct Gradients {
  MatrixView<const From> rows;
  const Row* source;
  const float* scale;

  explicit Gradients(const RowGradients& gradient)
      : rows(gradient.rows.as<const From>()), source(gradient.source), scale(gradient.scale) {}
  HWY_INLINE const From* row(std::uint32_t place) const { return rows.row(source == nullptr ? place : source[place]); }
  HWY_INLINE float factor(std::uint32_t place) const { return scale == nullptr ? 1.0f : scale[place]; }
};

// Sums the gradients of `places` in the batch into `sum`, in order: columns k on, kVectors of them at a time.
template <std::size_t kVectors, typename From>
HWY_INLINE void sum_columns(std::span<const std::uint32_t> places, const Gradients<From>& gradients, std::size_t k,
                            float* HWY_RESTRICT sum) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (const std::uint32_t place : places) {
    const From* HWY_RESTRICT row = gradients.row(place) + k;
    const FloatVec factor = hn::Set(d, gradients.factor(place));
    sum0 = hn::MulAdd(factor, load_floats(row), sum0);
    if constexpr (kVectors == 4) {
      sum1 = hn::MulAdd(factor, load_floats(row + lanes), sum1);
      sum2 = hn::MulAdd(factor, load_floats(row + 2 * lanes), sum2);
      sum3 = hn::MulAdd(factor, load_floats(row + 3 * lanes), sum3);
    }
  }
  hn::Store(sum0, d, sum + k);
  if constexpr (kVectors == 4) {
    hn::Store(sum1, d, sum + k + lanes);
    hn::Store(sum2, d, sum + k + 2 * lanes);
    hn::Store(sum3, d, sum + k + 3 * lanes);
  }
}

template <typename From>
HWY_INLINE void sum_rows(std::span<const std::uint32_t> places, const Gradients<From>& gradients,
                         float* HWY_RESTRICT sum) {
  const std::size_t lanes = hn::Lanes(FloatTag()), stride = gradients.rows.stride;
  std::size_t k = 0;
  for (; k + 4 * lanes <= stride; k += 4 * lanes) sum_columns<4>(places, gradients, k, sum);
  for (; k < stride; k += lanes) sum_columns<1>(places, gradients, k, sum);
}

template <OptimizerKind kKind>
void update_number(const ParameterView& table, Row row, std::span<const std::uint32_t> places,
                   const Gradients<float>& gradients, float l2, const OptimizerStep& step) {
  float total = 0;
  for (const std::uint32_t place : places) total += gradients.factor(place) * *gradients.row(place);
  if (l2 != 0) total += l2 * static_cast<float>(places.size()) * *table.weight.as<const float>().row(row);
  update_scalar<kKind>(table, row, total, step);
}

template <OptimizerKind kKind, typename Element>
class RowUpdates {
 public:
  explicit RowUpdates(const UpdateRows& op) : op_(op), rounding_(op.step.rounding_key) {
    bias_gradient_.rows = MatrixView<const float>{op.bias_gradient, op.sorted.n, 1, 1};
  }

  // Updates the rows of segments first .. last.
  void run(std::uint64_t first, std::uint64_t last) {
    using Update = RowUpdate<kKind>;
    const std::uint64_t ahead = rows_ahead(Update::template row_bytes<Element>(op_.table));
    for (std::uint64_t s = first; s < last; ++s) {
      if (s + ahead < last) {
        const Row row = segment_of(op_.sorted, s + ahead).row;
        Update::template prefetch<Element>(op_.table, row);
        if (op_.bias_gradient != nullptr) Update::template prefetch<float>(op_.bias, row);
      }
      const Segment at = segment_of(op_.sorted, s);
      if (op_.gradient.is_weighted()) prefetch_sources(at);
      // A sum stands where the segment does.
      const auto sum_at = static_cast<std::uint32_t>(s);
      update(at.row, op_.gradient.is_summed
                         ? std::span<const std::uint32_t>(&sum_at, 1)
                         : std::span<const std::uint32_t>(op_.sorted.order + at.begin, at.end - at.begin));
    }
  }

 private:
  // What the segments after this one add up.
  HWY_INLINE void prefetch_sources(const Segment& at) const {
    const ConstTableView& rows = op_.gradient.rows;
    const std::uint64_t ahead = rows_ahead(rows.row_bytes());
    const std::uint64_t end = std::min(op_.sorted.n, at.end + ahead);
    for (std::uint64_t n = at.begin + ahead; n < end; ++n) {
      const Row source = op_.gradient.source[op_.sorted.order[n]];
      prefetch(static_cast<const std::byte*>(rows.data) + source * rows.row_bytes(), rows.row_bytes());
    }
  }

  // By the gradients at `places`.
  void update(Row row, std::span<const std::uint32_t> places) {
    const ParameterView& table = op_.table;
    const RowGradients& gradient = op_.gradient;
    if (op_.bias_gradient != nullptr) {
      update_number<kKind>(op_.bias, row, places, bias_gradient_, op_.bias_l2, op_.step);
    }
    if (!kIsRounded<Element> && table.weight.stride == 1) {
      return update_number<kKind>(table, row, places, Gradients<float>(gradient), gradient.l2, op_.step);
    }
    // The row's only gradient is its sum where it lies.
    if (places.size() == 1 && gradient.scale == nullptr && gradient.l2 == 0 &&
        gradient.rows.type == TableType::kFloat32) {
      return update_by(row, Gradients<float>(gradient).row(places.front()));
    }
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d), stride = table.weight.stride;
    HWY_ALIGN_MAX float sum[kMaxStride];
    if (kIsRounded<Element> && gradient.rows.type != TableType::kFloat32) {
      sum_rows(places, Gradients<Element>(gradient), sum);
    } else {
      sum_rows(places, Gradients<float>(gradient), sum);
    }
    if (gradient.l2 != 0) {
      const Element* HWY_RESTRICT weight = table.weight.as<Element>().row(row);
      const FloatVec l2 = hn::Set(d, gradient.l2 * static_cast<float>(places.size()));
      for (std::size_t k = 0; k < stride; k += lanes) {
        hn::Store(hn::MulAdd(l2, load_floats(weight + k), hn::Load(d, sum + k)), d, sum + k);
      }
    }
    update_by(row, sum);
  }

  HWY_INLINE void update_by(Row row, const float* HWY_RESTRICT gradient) {
    const ParameterView& table = op_.table;
    const FloatTag d;
    const std::size_t stride = table.weight.stride;
    float mean_square = 0;
    if constexpr (kKind == OptimizerKind::kRowwiseAdagrad) {
      mean_square = row_products<false>(gradient, gradient, stride).user_item / static_cast<float>(table.weight.cols);
    }
    const RowUpdate<kKind> rule(table, row, mean_square, op_.step);
    rounding_.template draw<1>(row, stride);
    Element* HWY_RESTRICT weight = table.weight.as<Element>().row(row);
    for (std::size_t k = 0; k < stride; k += hn::Lanes(d)) {
      store_floats(rule(load_floats(weight + k), hn::Load(d, gradient + k), k), weight + k, rounding_.bits(0) + k);
    }
  }

  const UpdateRows& op_;
  Gradients<float> bias_gradient_{RowGradients{}};
  RowRounding<Element> rounding_;
};

void update_segments(const UpdateRows& op, std::uint64_t first, std::uint64_t last) {
  with_optimizer(op.step.kind, [&]<OptimizerKind kKind>() {
    with_element(op.table.weight.type, [&]<typename Element>() { RowUpdates<kKind, Element>(op).run(first, last); });
  });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(update_segments);

void run(const UpdateRows& op, std::span<std::byte> /*workspace*/, int n_threads) {
  check_gradients(op);
  if (op.sorted.n == 0) return;
  std::uint64_t n_segments = *op.sorted.n_segments;
  if (op.sorted.rows[op.sorted.n - 1] == kNoRow) --n_segments;
  for_rows(op.sorted.n, op.table.weight.stride, n_threads, [&](std::uint64_t first, std::uint64_t last) {
    HWY_DYNAMIC_DISPATCH(update_segments)
    (op, segment_from(op.sorted, first), std::min(n_segments, segment_from(op.sorted, last)));
  });
}

}  // namespace unfold::cpu
#endif
