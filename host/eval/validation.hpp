// The validation part, measured after every epoch by what the model is for: the error of its ratings, or a full
// ranking.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "host/eval/full_ranking.hpp"
#include "host/eval/rating_error.hpp"
#include "host/tables/arena.hpp"

namespace unfold {

class Validation {
 public:
  // `training` of each user is left out of rankings; items rated below `relevant_rating`, where there is one, are not
  // ranked. Both lists and ratings outlive this. `resident`: ratings whose errors are measured stay on the device.
  Validation(const Arena& arena, const Scorer& scorer, const RatingView& part, const ItemLists& training,
             std::optional<double> relevant_rating, bool resident);

  // Writes validation_rmse and validation_mae, or validation_recall@20 and validation_ndcg@20, to a history line. Gives
  // what the best epoch has least of, the rmse or -ndcg; nothing where the part holds nothing that can be scored (null
  // in the line).
  std::optional<double> measure(Scorer& scorer, nlohmann::ordered_json& line);
  // As far as the part tells before the first epoch; empty where something can be scored.
  const std::string& why_unscored() const { return why_unscored_; }

 private:
  std::string why_unscored_;
  std::optional<RatingErrors> errors_;  // where scores are ratings, else:
  TestItems items_;
  JoinedLists masked_;
  std::optional<ItemRanks> ranks_;
};

}  // namespace unfold
