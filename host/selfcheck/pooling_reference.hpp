// pool_rows and its gradient in float64.
#pragma once

#include <span>
#include <vector>

#include "host/selfcheck/bounded.hpp"
#include "unfold/backend.hpp"

namespace unfold::selfcheck {

// Bags in host memory.
struct HostBags {
  std::vector<Row> rows;
  std::vector<std::uint64_t> offsets = {0};
  std::vector<float> weights;  // empty: none
  PoolMode mode = PoolMode::kSum;

  std::uint64_t n_bags() const { return offsets.size() - 1; }
  std::uint64_t size(std::uint64_t bag) const { return offsets[bag + 1] - offsets[bag]; }
  Bounded weight(std::uint64_t n) const { return weights.empty() ? Bounded(1) : Bounded(weights[n]); }
  Bounded scale(std::uint64_t bag) const {
    if (mode == PoolMode::kSum || size(bag) == 0) return Bounded(1);
    return Bounded(1) / Bounded(static_cast<double>(size(bag)));
  }
};

// [n_bags, cols]
inline std::vector<Bounded> reference_pool(MatrixView<const float> table, const HostBags& bags) {
  std::vector<Bounded> out, terms;
  for (std::uint64_t bag = 0; bag < bags.n_bags(); ++bag) {
    for (std::uint32_t c = 0; c < table.cols; ++c) {
      terms.clear();
      for (std::uint64_t n = bags.offsets[bag]; n < bags.offsets[bag + 1]; ++n)
        terms.push_back(bags.weight(n) * Bounded(table.row(bags.rows[n])[c]));
      out.push_back(bags.scale(bag) * bounded_sum(terms));
    }
  }
  return out;
}

struct ReferencePoolGradient {
  std::vector<Row> bag;         // [n_entries]
  std::vector<Bounded> factor;  // [n_entries]
  std::vector<Bounded> weight;  // [n_entries]
};

inline ReferencePoolGradient reference_pool_gradient(MatrixView<const float> table, const HostBags& bags,
                                                     MatrixView<const float> out_gradient) {
  ReferencePoolGradient out;
  for (std::uint64_t bag = 0; bag < bags.n_bags(); ++bag) {
    for (std::uint64_t n = bags.offsets[bag]; n < bags.offsets[bag + 1]; ++n) {
      out.bag.push_back(static_cast<Row>(bag));
      out.factor.push_back(bags.scale(bag) * bags.weight(n));
      std::vector<Bounded> products;
      for (std::uint32_t c = 0; c < table.cols; ++c)
        products.push_back(Bounded(table.row(bags.rows[n])[c]) * Bounded(out_gradient.row(bag)[c]));
      out.weight.push_back(bags.scale(bag) * bounded_sum(products));
    }
  }
  return out;
}

}  // namespace unfold::selfcheck
