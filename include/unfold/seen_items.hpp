// The items that each user has: what evaluation and lists leave out, and what the popularity baseline counts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unfold/ratings.hpp"

namespace unfold {

// Items of each user.
struct ItemLists {
  std::vector<std::uint64_t> offsets;  // [n_users + 1]; empty: no lists
  std::vector<Row> items;              // ascending and distinct in each user's list

  std::span<const Row> of(std::uint64_t user) const {
    if (offsets.empty()) return {};
    return {items.data() + offsets[user], items.data() + offsets[user + 1]};
  }
  bool contains(Row user, Row item) const;
  std::uint64_t n_users() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  // Users that have each of n_items items.
  std::vector<std::uint64_t> item_counts(std::uint64_t n_items) const;
};

// The interactions of a model's data set, by user, in three lists that share no pair: those of training, which the
// model learned from, and those held out for validation and test. Negatives and validation leave out the first, test
// scores the first two, lists for a user all three.
struct SeenItems : ItemLists {
  std::vector<float> item_mean_rating;  // [n_items]; the global mean for items without a training rating
  float mean_rating = 1;                // over all training interactions
  ItemLists validation, test;           // without lists where nobody knows what was held out: knows_held_out()

  // The training lists alone. Throws DataError for a row out of range.
  static SeenItems from_ratings(const RatingView& train, std::uint32_t n_users, std::uint32_t n_items);
  // Adds the other two; pairs with an unknown row are left out. A pair counts once, for training, else for test, else
  // for validation: where the test part serves for validation too, its items still compete in test scores.
  void hold_out(const RatingView& validation_part, const RatingView& test_part);
  bool knows_held_out() const { return !validation.offsets.empty(); }
};

}  // namespace unfold
