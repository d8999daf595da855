#include "host/eval/validation.hpp"

#include "host/eval/validation_part.hpp"

namespace unfold {

Validation::Validation(const Arena& arena, const Scorer& scorer, const RatingView& part, const ItemLists& training,
                       std::optional<double> relevant_rating, bool resident)
    : why_unscored_(unfold::why_unscored(part, scorer.predicts_ratings() ? nullptr : &training, relevant_rating)),
      masked_({&training}) {
  if (scorer.predicts_ratings()) {
    errors_.emplace(arena, part, resident);
    return;
  }
  items_ = collect_test_items(part, training, {}, scorer.n_users(), relevant_rating);
  ranks_.emplace(arena, scorer, users_with(items_), items_, masked_, EvaluateOptions().memory_bytes);
}

std::optional<double> Validation::measure(Scorer& scorer, nlohmann::ordered_json& line) {
  if (errors_ && !why_unscored_.empty()) {
    line["validation_rmse"] = line["validation_mae"] = nullptr;
    return std::nullopt;
  }
  if (errors_) {
    const RatingMetrics metrics = errors_->run(scorer);
    line["validation_rmse"] = metrics.rmse;
    line["validation_mae"] = metrics.mae;
    return metrics.rmse;
  }
  const RankingMetrics metrics = ranking_metrics(*ranks_, scorer, items_, {20});
  if (metrics.n_users == 0) {
    line["validation_recall@20"] = line["validation_ndcg@20"] = nullptr;
    return std::nullopt;
  }
  line["validation_recall@20"] = metrics.at_k[0].recall;
  line["validation_ndcg@20"] = metrics.at_k[0].ndcg;
  return -metrics.at_k[0].ndcg;
}

}  // namespace unfold
