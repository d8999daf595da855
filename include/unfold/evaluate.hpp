// How good a model is: rating error, and full ranking. docs/metrics.md has every formula.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/item_groups.hpp"
#include "unfold/model.hpp"
#include "unfold/model_scorer.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

// The longest list that a ranking metric looks at.
inline constexpr std::uint32_t kMaxCutoff = 1'000'000;

struct EvaluateOptions {
  std::vector<std::uint32_t> cutoffs = {10, 20};  // K of the ranking metrics, 1 to kMaxCutoff
  std::optional<double> relevant_rating = {};     // test interactions rated lower are not relevant; absent: all are
  bool ranking = true;
  std::uint64_t memory_bytes = std::uint64_t{512} << 20;  // bound on the scratch of ranking
  const ItemGroups* groups = nullptr;  // with ranking: folding too, K at most kMaxTopK; it outlives the evaluation
};

// Means over users with at least one relevant test item.
struct RankingMetrics {
  struct AtK {
    std::uint32_t k = 0;
    double recall = 0, precision = 0, hit_rate = 0, ndcg = 0, map = 0;
  };
  std::vector<AtK> at_k;
  double mrr = 0;                          // 1 / rank of the first relevant item, no cutoff
  std::uint64_t n_users = 0;               // users evaluated
  std::uint64_t n_users_skipped = 0;       // users of the model without a relevant test item
  std::uint64_t n_test_items = 0;          // relevant test items ranked
  std::uint64_t n_test_in_training = 0;    // test items that the user has in training: left out
  std::uint64_t n_test_in_validation = 0;  // test items that the user has in validation: left out
};

// How much items of other groups get in between (Xin et al., Folding: Why Good Models Sometimes Make Spurious
// Recommendations, RecSys 2017). Another group is one that none of the user's training or validation items belongs to.
struct FoldingMetrics {
  struct AtK {
    std::uint32_t k = 0;
    double folding = 0;  // share of the best K unseen items that are of another group
  };
  std::vector<AtK> at_k;
  double chance = 0;                        // share of all unseen items that are of another group
  double pairwise = 0;                      // P(item of another group scores at least as high as a relevant test item)
  std::uint64_t n_users = 0;                // users in the means at K and in `chance`
  std::uint64_t n_users_skipped = 0;        // users of the model in neither
  std::uint64_t n_pairwise_users = 0;       // users in the mean `pairwise`
  std::uint64_t n_items_without_group = 0;  // items of the model: of no user's groups and of no other group
};

struct RatingMetrics {
  double rmse = 0, mae = 0;
  std::uint64_t n = 0;
};

// A model's metrics and the baseline's beside them. Baseline: items by training count for ranking; the item's
// mean training rating for rmse and mae.
struct Evaluation {
  RatingMetrics rating, rating_baseline;
  RankingMetrics ranking, ranking_baseline;
  FoldingMetrics folding, folding_baseline;
  bool has_rating = false, has_ranking = false, has_folding = false;
  std::uint64_t n_interactions = 0;                        // of the test part
  std::uint64_t n_unknown_users = 0, n_unknown_items = 0;  // of them; rated by what is known, not ranked
  // Of them, pairs that the model was trained on, or that chose its epoch: rated as if they were new, not ranked.
  std::uint64_t n_in_training = 0, n_in_validation = 0;

  // {"rmse":..,"mae":..,"recall@20":..,"precision@20":..,"hit_rate@20":..,"ndcg@20":..,"map@20":..,"mrr":..,
  //  "n_users":..,..., "folding@20":..,"folding_chance":..,"folding_pairwise":..,..., "popularity": {the same keys}}
  nlohmann::ordered_json to_json() const;
};

// RMSE and MAE of the predictions as they are, not clipped. Sums in double, in a fixed order. The scorer predicts
// ratings.
RatingMetrics evaluate_ratings(Backend& backend, Scorer& scorer, const RatingView& test);

// Full ranking over all items with each user's training and validation items masked.
RankingMetrics evaluate_ranking(Backend& backend, Scorer& scorer, const RatingView& test, const SeenItems& seen,
                                const EvaluateOptions& options);

// Folding where item groups are known, by full ranking as above.
FoldingMetrics evaluate_folding(Backend& backend, Scorer& scorer, const RatingView& test, const SeenItems& seen,
                                const ItemGroups& groups, const EvaluateOptions& options);

// All of it, with the baselines. `explicit_ratings` false leaves rmse and mae out.
Evaluation evaluate(Backend& backend, Scorer& scorer, const RatingView& test, const SeenItems& seen,
                    bool explicit_ratings, const EvaluateOptions& options);

// Ranks each test item among its own list of negatives instead of all items (leave-one-out with sampled
// negatives: He et al., NCF, WWW 2017). Each line of `file` is "(user,item)" and then the negatives, separated by
// tabs. Ids are external. Items that the user has in training or validation do not compete. Ties count against the test
// item.
Evaluation evaluate_candidates(Backend& backend, Scorer& scorer, const Model& model, const std::filesystem::path& file,
                               const EvaluateOptions& options);

}  // namespace unfold
