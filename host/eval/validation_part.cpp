#include "host/eval/validation_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace unfold {

std::optional<double> relevant_from(std::optional<float> floor, const RatingView& train) {
  if (floor) return static_cast<double>(*floor);
  const bool has_no = std::ranges::any_of(train.ratings, [](float rating) { return !(rating > 0); });
  if (has_no) return std::nullopt;
  return static_cast<double>(std::numeric_limits<float>::denorm_min());
}

std::string why_unscored(const RatingView& validation, const ItemLists* trained, std::optional<double> relevant_from) {
  std::uint64_t n_unknown_users = 0, n_unknown_items = 0, n_in_training = 0, n_not_relevant = 0;
  for (std::uint64_t n = 0; n < validation.size(); ++n) {
    const Rating rating = validation[n];
    const bool knows_user = rating.user != kNoRow, knows_item = rating.item != kNoRow;
    if (trained == nullptr && (knows_user || knows_item)) return {};
    n_unknown_users += knows_user ? 0 : 1;
    n_unknown_items += knows_item ? 0 : 1;
    if (!knows_user || !knows_item) continue;
    if (relevant_from && static_cast<double>(rating.rating) < *relevant_from) {
      ++n_not_relevant;
    } else if (trained->contains(rating.user, rating.item)) {
      ++n_in_training;
    } else {
      return {};
    }
  }
  if (validation.size() == 0) return {};
  std::string reasons;
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count, what);
  };
  add(n_unknown_users, "of users that training does not know");
  add(n_unknown_items, "of items that training does not know");
  add(n_in_training, "of pairs that are in training");
  add(n_not_relevant, "too low to be positives");
  return fmt::format("of {} ratings, {}", validation.size(), reasons);
}

}  // namespace unfold
