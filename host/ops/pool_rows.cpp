// Pooled bags of rows, and their gradient. A bag is summed by one thread in entry order; every entry owns its part of
// the gradient: equal bits for any number of threads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/pool_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include <algorithm>

#include "host/ops/ops.hpp"
#include "host/ops/row_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {

HWY_INLINE float entry_weight(const RowBags& bags, std::uint64_t n) {
  return bags.weights == nullptr ? 1.0f : bags.weights[n];
}

// One bag of a table whose rows hold whole vectors. kVectors of them are summed at a time, in registers.
template <std::size_t kVectors, typename Element>
HWY_INLINE void pool_columns(MatrixView<const Element> table, const RowBags& bags, std::uint64_t begin,
                             std::uint64_t end, float scale, std::size_t first, float* HWY_RESTRICT out) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVec sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (std::uint64_t n = begin; n < end; ++n) {
    const Element* HWY_RESTRICT row = table.row(bags.rows[n]) + first;
    const FloatVec weight = hn::Set(d, entry_weight(bags, n));
    sum0 = hn::MulAdd(weight, load_floats(row), sum0);
    if constexpr (kVectors == 4) {
      sum1 = hn::MulAdd(weight, load_floats(row + lanes), sum1);
      sum2 = hn::MulAdd(weight, load_floats(row + 2 * lanes), sum2);
      sum3 = hn::MulAdd(weight, load_floats(row + 3 * lanes), sum3);
    }
  }
  const FloatVec factor = hn::Set(d, scale);
  hn::Store(hn::Mul(factor, sum0), d, out + first);
  if constexpr (kVectors == 4) {
    hn::Store(hn::Mul(factor, sum1), d, out + first + lanes);
    hn::Store(hn::Mul(factor, sum2), d, out + first + 2 * lanes);
    hn::Store(hn::Mul(factor, sum3), d, out + first + 3 * lanes);
  }
}

template <typename Element>
void pool_bags_of(MatrixView<const Element> table, const RowBags& bags, std::uint64_t first_bag, std::uint64_t last_bag,
                  MatrixView<float> out) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::uint64_t bag = first_bag; bag < last_bag; ++bag) {
    const std::uint64_t begin = bags.offsets[bag], end = bags.offsets[bag + 1];
    const float scale = pool_scale(bags.mode, end - begin);
    float* const to = out.row(bag);
    if (table.stride == 1) {
      float sum = 0;
      for (std::uint64_t n = begin; n < end; ++n) sum += entry_weight(bags, n) * to_float(table.data[bags.rows[n]]);
      *to = scale * sum;
      continue;
    }
    std::size_t k = 0;
    for (; k + 4 * lanes <= table.stride; k += 4 * lanes) pool_columns<4>(table, bags, begin, end, scale, k, to);
    for (; k < table.stride; k += lanes) pool_columns<1>(table, bags, begin, end, scale, k, to);
  }
}

// Entries [first, last), the first of them in `bag`.
template <typename Element>
void pool_gradient_of(const PoolRowsGradient& op, std::uint64_t bag, std::uint64_t first, std::uint64_t last) {
  const RowBags& bags = op.bags;
  const MatrixView<const Element> table = op.table.as<const Element>();
  for (std::uint64_t n = first; n < last; ++n) {
    while (bags.offsets[bag + 1] <= n) ++bag;
    const float scale = pool_scale(bags.mode, bags.offsets[bag + 1] - bags.offsets[bag]);
    op.bag[n] = static_cast<Row>(bag);
    op.factor[n] = scale * entry_weight(bags, n);
    if (op.weight_gradient == nullptr) continue;
    const float* HWY_RESTRICT from = op.out_gradient.row(bag);
    const Element* HWY_RESTRICT row = table.row(bags.rows[n]);
    const float product =
        table.stride == 1 ? to_float(*row) * *from : row_products<false>(row, from, table.stride).user_item;
    op.weight_gradient[n] = scale * product;
  }
}

void pool_bags(const PoolRows& op, std::uint64_t first_bag, std::uint64_t last_bag) {
  with_element(op.table.type, [&]<typename Element>() {
    pool_bags_of(op.table.as<const Element>(), op.bags, first_bag, last_bag, op.out);
  });
}

void pool_gradient_entries(const PoolRowsGradient& op, std::uint64_t bag, std::uint64_t first, std::uint64_t last) {
  with_element(op.table.type, [&]<typename Element>() { pool_gradient_of<Element>(op, bag, first, last); });
}

}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {

HWY_EXPORT(pool_bags);
HWY_EXPORT(pool_gradient_entries);

void run(const PoolRows& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const RowBags& bags = op.bags;
  constexpr std::uint64_t kSlice = 64;  // bags are of unequal size
  parallel_slices(bags.n_bags, kSlice, threads_for(bags.n_bags + bags.n_entries, n_threads),
                  [&](std::uint64_t first, std::uint64_t last) {
                    HWY_DYNAMIC_DISPATCH(pool_bags)
                    (op, first, last);
                  });
}

void run(const PoolRowsGradient& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const RowBags& bags = op.bags;
  constexpr std::uint64_t kSlice = 1024;
  const std::uint64_t* const ends = bags.offsets + 1;
  const int threads = threads_for(bags.n_entries, n_threads);
  parallel_slices(bags.n_entries, kSlice, threads, [&](std::uint64_t first, std::uint64_t last) {
    const auto bag = static_cast<std::uint64_t>(std::upper_bound(ends, ends + bags.n_bags, first) - ends);
    HWY_DYNAMIC_DISPATCH(pool_gradient_entries)(op, bag, first, last);
  });
}

}  // namespace unfold::cpu
#endif
