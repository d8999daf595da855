#include "host/eval/full_ranking.hpp"
#include "host/eval/rating_error.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

TestItems collect(const ScoringTables& tables, const RatingView& test, const SeenItems& seen,
                  const EvaluateOptions& options) {
  return collect_test_items(test, seen, tables.parameters.user_factors.weight.rows, options.relevant_rating);
}

// Everything in a score that does not depend on the item is the same for all items of a user: the mean and the user's
// bias. A range only squashes scores, in order. So neither takes part in a ranking.
ItemScorer model_scorer(const ScoringTables& tables) {
  return {.user_vectors = tables.parameters.user_factors.weight,
          .item_vectors = tables.parameters.item_factors.weight.as<const float>(),
          .item_bias = tables.parameters.item_bias.weight.as<const float>().data,
          .one_query = false};
}

}  // namespace

RankingMetrics evaluate_ranking(Backend& backend, const ScoringTables& tables, const RatingView& test,
                                const SeenItems& seen, const EvaluateOptions& options) {
  return rank_test_items(backend, model_scorer(tables), collect(tables, test, seen, options), seen, options);
}

Evaluation evaluate(Backend& backend, const ScoringTables& tables, const RatingView& test, const SeenItems& seen,
                    bool explicit_ratings, const EvaluateOptions& options) {
  Evaluation evaluation;
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    evaluation.n_unknown_users += test.users[n] == kUnknownRow ? 1 : 0;
    evaluation.n_unknown_items += test.items[n] == kUnknownRow ? 1 : 0;
  }
  if (explicit_ratings) {
    evaluation.has_rating = true;
    evaluation.rating = evaluate_ratings(backend, tables, test);
    evaluation.rating_baseline = evaluate_item_means(test, seen);
  }
  if (options.ranking) {
    const TestItems items = collect(tables, test, seen, options);
    const std::uint64_t n_items = tables.parameters.item_factors.weight.rows;
    evaluation.has_ranking = true;
    evaluation.ranking = rank_test_items(backend, model_scorer(tables), items, seen, options);
    evaluation.ranking_baseline = rank_test_items_by_popularity(backend, n_items, items, seen, options);
  }
  return evaluation;
}

}  // namespace unfold
