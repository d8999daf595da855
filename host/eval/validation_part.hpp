// What of a validation part can be scored.
#pragma once

#include <optional>
#include <string>

#include "unfold/ratings.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

// The least rating of a validation part that says yes to a model that ranks: the floor of the positives, where there is
// one; else any above 0 where all of training is above 0; nothing where training holds others too: then all say yes.
std::optional<double> relevant_from(std::optional<float> floor, const RatingView& train);

// Why nothing of the part can be scored, with counts; empty where something can, or the part is empty. Where items are
// ranked, `trained` are the pairs that are left out, and lower ratings than `relevant_from`, where there is one, are
// not relevant; without `trained`, ratings are predicted, and a user or an item that is known suffices.
std::string why_unscored(const RatingView& validation, const ItemLists* trained, std::optional<double> relevant_from);

}  // namespace unfold
