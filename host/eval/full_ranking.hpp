// Ranks of users' test items among all items, in blocks of users that keep the scratch bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/eval/item_scorer.hpp"
#include "host/eval/user_blocks.hpp"
#include "unfold/backend.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {

// The relevant test items of each user.
struct TestItems {
  std::vector<std::uint64_t> offsets;  // [n_users + 1]
  std::vector<Row> items;              // ascending and distinct in each user's list
  std::uint64_t n_in_training = 0;     // left out
  std::uint64_t n_in_validation = 0;   // left out

  std::uint64_t n_users() const { return offsets.size() - 1; }
  std::span<const Row> list(std::uint64_t user) const {
    return {items.data() + offsets[user], items.data() + offsets[user + 1]};
  }
};

// Known users and items only, rated `relevant_rating` or higher, each pair once, without the user's training and
// validation items.
TestItems collect_test_items(const RatingView& test, const SeenItems& seen, std::uint64_t n_users,
                             double relevant_rating);

// Ranks each user's targets among all items but the user's `excluded` ones (rank_targets), and calls
// take(user, ranks ascending) for each of `users`, in their order. Each has a target at least, and none that is
// excluded.
void rank_users(Backend& backend, const ItemScorer& scorer, std::vector<Row> users, const TestItems& targets,
                const UserLists& excluded, std::uint64_t memory_bytes,
                const std::function<void(Row user, std::span<const std::uint32_t> ranks)>& take);

RankingMetrics rank_test_items(Backend& backend, const ItemScorer& scorer, const TestItems& test, const SeenItems& seen,
                               const EvaluateOptions& options);

}  // namespace unfold
