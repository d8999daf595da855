#include "host/eval/item_scorer.hpp"

#include <algorithm>

namespace unfold {

ItemScorer model_scorer(const ScoringTables& tables) {
  return {.user_vectors = tables.parameters.user_factors.weight,
          .item_vectors = tables.parameters.item_factors.weight.as<const float>(),
          .item_bias = tables.parameters.item_bias.weight.as<const float>().data,
          .one_query = false};
}

std::vector<std::uint64_t> training_counts(const SeenItems& seen, std::uint64_t n_items) {
  std::vector<std::uint64_t> counts(n_items, 0);
  for (const Row item : seen.items) ++counts[item];
  return counts;
}

PopularityScorer::PopularityScorer(Backend& backend, const SeenItems& seen, std::uint64_t n_items)
    : n_items_(n_items),
      stride_(backend.row_stride(1)),
      vectors_(backend, n_items * stride_),
      query_(backend, stride_) {
  // An item's score is the place of its count among the distinct counts: there are few of those, so a float holds
  // the place exactly where it might not hold the count.
  const std::vector<std::uint64_t> counts = training_counts(seen, n_items);
  std::vector<std::uint64_t> levels = counts;
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  std::vector<float> vectors(n_items * stride_, 0.0f);
  for (std::uint64_t i = 0; i < n_items; ++i) {
    vectors[i * stride_] =
        static_cast<float>(std::lower_bound(levels.begin(), levels.end(), counts[i]) - levels.begin());
  }
  std::vector<float> query(stride_, 0.0f);
  query[0] = 1;
  vectors_.upload(vectors);
  query_.upload(query);
}

ItemScorer PopularityScorer::scorer() const {
  return {.user_vectors = MatrixView<const float>{query_.data(), 1, 1, stride_},
          .item_vectors = {vectors_.data(), n_items_, 1, stride_},
          .item_bias = nullptr,
          .one_query = true};
}

}  // namespace unfold
