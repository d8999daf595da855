// Ranks of users' test items among all items, in blocks of users that keep the scratch bounded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/models/row_lists.hpp"
#include "unfold/backend.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {

// The relevant test items of each user.
struct TestItems {
  std::vector<std::uint64_t> offsets;  // [n_users + 1]
  std::vector<Row> items;              // ascending and distinct in each user's list
  std::uint64_t n_in_training = 0;     // left out

  std::uint64_t n_users() const { return offsets.size() - 1; }
  std::span<const Row> list(std::uint64_t user) const {
    return {items.data() + offsets[user], items.data() + offsets[user + 1]};
  }
};

// Known users and items only, rated `relevant_rating` or higher, each pair once, without the user's training items.
TestItems collect_test_items(const RatingView& test, const SeenItems& seen, std::uint64_t n_users,
                             double relevant_rating);

// What ranks items: user u's query is row u of `user_vectors`, or row 0 for everyone where `one_query` is set.
struct ItemScorer {
  ConstTableView user_vectors;           // [n_users or 1, dim]
  MatrixView<const float> item_vectors;  // [n_items, dim]
  const float* item_bias = nullptr;      // [n_items] or null
  bool one_query = false;
};

RankingMetrics rank_test_items(Backend& backend, const ItemScorer& scorer, const TestItems& test,
                               const SeenItems& seen, const EvaluateOptions& options);

// The same with items by training count for everyone.
RankingMetrics rank_test_items_by_popularity(Backend& backend, std::uint64_t n_items, const TestItems& test,
                                             const SeenItems& seen, const EvaluateOptions& options);

// Training interactions of each item.
std::vector<std::uint64_t> training_counts(const SeenItems& seen, std::uint64_t n_items);

}  // namespace unfold
