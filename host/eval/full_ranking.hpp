// Ranking metrics of test items among all items.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/score/item_ranks.hpp"
#include "unfold/evaluate.hpp"
#include "unfold/ratings.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

// The relevant test items of each user, with lists for all users of the model.
struct TestItems : ItemLists {
  std::uint64_t n_in_training = 0;    // left out
  std::uint64_t n_in_validation = 0;  // left out
};

// Known users and items only, rated `relevant_rating` or higher where there is one, each pair once, without the user's
// training and validation items.
TestItems collect_test_items(const RatingView& test, const ItemLists& training, const ItemLists& validation,
                             std::uint64_t n_users, std::optional<double> relevant_rating);

// Users with a test item, ascending.
std::vector<Row> users_with(const TestItems& test);

// Metrics from the ranks that `ranks` finds: those of all users_with(test) among all items but the masked ones.
RankingMetrics ranking_metrics(ItemRanks& ranks, Scorer& scorer, const TestItems& test,
                               const std::vector<std::uint32_t>& cutoffs);

}  // namespace unfold
