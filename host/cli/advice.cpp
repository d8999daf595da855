#include "host/cli/advice.hpp"

namespace unfold::cli {
namespace {

bool loses_lists(const Evaluation& evaluation) {
  if (!evaluation.has_ranking || evaluation.ranking.n_users == 0 || evaluation.ranking.at_k.empty()) return false;
  const RankingMetrics::AtK& model = evaluation.ranking.at_k.back();
  const RankingMetrics::AtK& baseline = evaluation.ranking_baseline.at_k.back();
  return model.ndcg < baseline.ndcg || model.recall < baseline.recall;
}

bool loses_ratings(const Evaluation& evaluation) {
  return evaluation.has_rating && evaluation.rating.n > 0 && evaluation.rating.rmse > evaluation.rating_baseline.rmse;
}

}  // namespace

std::string advice(const Evaluation& evaluation, const Model& model) {
  std::string out;
  if (loses_lists(evaluation)) {
    out += predicts_ratings(model)
               ? "popularity ranks better: " + model.kind +
                     " predicts ratings and does not learn which items a user chooses;\n"
                     "for lists of items train with --model softmax\n"
               : "popularity ranks better than this model: it has too few data, or its options do not fit;\n"
                 "docs/choosing.md and docs/tuning.md say what to try\n";
  }
  if (loses_ratings(evaluation)) {
    out +=
        "the items' mean ratings predict better than this model: try a larger --l2, and\n"
        "--validation random:0.1 --patience 3 to keep the best epoch (docs/choosing.md)\n";
  }
  return out;
}

}  // namespace unfold::cli
