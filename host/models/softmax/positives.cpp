// Which ratings are positives of model softmax, and what each counts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/data/rating_statistics.hpp"
#include "host/models/softmax/softmax_family.hpp"
#include "host/text/parse_float.hpp"
#include "unfold/error.hpp"

namespace unfold {

std::optional<float> SoftmaxFamily::positive_from(const RatingView& ratings) const {
  if (!own.positive_from.empty()) return parse_float(own.positive_from);
  if (ratings.size() == 0) return std::nullopt;
  const auto [lowest, highest] = std::ranges::minmax(ratings.ratings);
  if (lowest > 0 || lowest == highest) return std::nullopt;
  float least = std::numeric_limits<float>::infinity();
  for (const float rating : ratings.ratings) {
    if (rating > 0) least = std::min(least, rating);
  }
  if (std::isfinite(least)) return least;
  throw DataError(
      fmt::format("ratings go from {} to {}, and for model softmax those of 0 and below say no, so nothing is left to "
                  "learn from; say with --positive-from X from which rating on an item was liked",
                  lowest, highest));
}

std::vector<float> SoftmaxFamily::weights(const RatingView& positives) const {
  if (own.rating_weight == 1 && own.user_balance == 0) return {};
  const auto [mean, variance] = rating_moments(positives.ratings);
  const double deviation = std::sqrt(variance);
  std::vector<std::uint64_t> n_positives(std::uint64_t{std::ranges::max(positives.users)} + 1);
  for (const Row user : positives.users) ++n_positives[user];
  double total = 0;
  std::vector<float> weights(positives.size());
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double weight = std::pow(own.rating_weight, (static_cast<double>(positives.ratings[k]) - mean) / deviation) *
                          std::pow(static_cast<double>(n_positives[positives.users[k]]), -own.user_balance);
    weights[k] = static_cast<float>(weight);
    total += weight;
  }
  const double scale = static_cast<double>(weights.size()) / total;
  for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) * scale);
  return weights;
}

}  // namespace unfold
