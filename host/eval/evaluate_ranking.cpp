#include "host/eval/folding.hpp"
#include "host/eval/full_ranking.hpp"
#include "host/eval/rating_error.hpp"
#include "host/score/popularity_scorer.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

TestItems collect(const Scorer& scorer, const RatingView& test, const SeenItems& seen, const EvaluateOptions& options) {
  return collect_test_items(test, seen, seen.validation, scorer.n_users(), options.relevant_rating);
}

RankingMetrics rank(Backend& backend, Scorer& scorer, const TestItems& test, const SeenItems& seen,
                    const EvaluateOptions& options) {
  const JoinedLists masked = masked_in_test(seen);
  ItemRanks ranks(Arena(backend), scorer, users_with(test), test, masked, options.memory_bytes);
  return ranking_metrics(ranks, scorer, test, options.cutoffs);
}

}  // namespace

RankingMetrics evaluate_ranking(Backend& backend, Scorer& scorer, const RatingView& test, const SeenItems& seen,
                                const EvaluateOptions& options) {
  return rank(backend, scorer, collect(scorer, test, seen, options), seen, options);
}

FoldingMetrics evaluate_folding(Backend& backend, Scorer& scorer, const RatingView& test, const SeenItems& seen,
                                const ItemGroups& groups, const EvaluateOptions& options) {
  return measure_folding(backend, scorer, collect(scorer, test, seen, options), seen, groups, options);
}

Evaluation evaluate(Backend& backend, Scorer& scorer, const RatingView& test, const SeenItems& seen,
                    bool explicit_ratings, const EvaluateOptions& options) {
  Evaluation evaluation;
  evaluation.n_interactions = test.size();
  bool knows_any = false;  // a user or an item: else every rating is predicted by the mean
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    const Row user = test.users[n], item = test.items[n];
    evaluation.n_unknown_users += user == kNoRow ? 1 : 0;
    evaluation.n_unknown_items += item == kNoRow ? 1 : 0;
    knows_any = knows_any || user != kNoRow || item != kNoRow;
    if (user == kNoRow || item == kNoRow) continue;
    evaluation.n_in_training += seen.contains(user, item) ? 1 : 0;
    evaluation.n_in_validation += seen.validation.contains(user, item) ? 1 : 0;
  }
  evaluation.has_rating = explicit_ratings;
  if (explicit_ratings && knows_any) {
    evaluation.rating = evaluate_ratings(backend, scorer, test);
    evaluation.rating_baseline = evaluate_item_means(test, seen);
  }
  if (options.ranking) {
    const TestItems items = collect(scorer, test, seen, options);
    PopularityScorer popularity(backend, seen, scorer.n_items());
    evaluation.has_ranking = true;
    evaluation.ranking = rank(backend, scorer, items, seen, options);
    evaluation.ranking_baseline = rank(backend, popularity, items, seen, options);
    if (options.groups != nullptr) {
      evaluation.has_folding = true;
      evaluation.folding = measure_folding(backend, scorer, items, seen, *options.groups, options);
      evaluation.folding_baseline = measure_folding(backend, popularity, items, seen, *options.groups, options);
    }
  }
  return evaluation;
}

}  // namespace unfold
