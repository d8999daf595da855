// What ranks items for users: a model, or the items' popularity.
#pragma once

#include <cstdint>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {

// User u's query is row u of `user_vectors`, or row 0 for everyone where `one_query` is set.
struct ItemScorer {
  ConstTableView user_vectors;           // [n_users or 1, dim]
  MatrixView<const float> item_vectors;  // [n_items, dim]
  const float* item_bias = nullptr;      // [n_items] or null
  bool one_query = false;
};

// Everything in a score that does not depend on the item is the same for all items of a user: the mean and the user's
// bias. A range only squashes scores, in order. So neither takes part in a ranking.
ItemScorer model_scorer(const ScoringTables& tables);

// Training interactions of each item.
std::vector<std::uint64_t> training_counts(const SeenItems& seen, std::uint64_t n_items);

// Items by training count, for everyone alike: the baseline.
class PopularityScorer {
 public:
  PopularityScorer(Backend& backend, const SeenItems& seen, std::uint64_t n_items);
  // Holds as long as this object.
  ItemScorer scorer() const;

 private:
  std::uint64_t n_items_;
  std::uint32_t stride_;
  DeviceArray<float> vectors_, query_;
};

}  // namespace unfold
