// The loss of model mf, from the ratings and the options.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "host/data/rating_statistics.hpp"
#include "host/models/mf/mf_family.hpp"
#include "host/models/mf/rating_range.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

// Squares of what is computed with ratings, and their inverses, are float32.
constexpr double kLargestRating = 1e15, kLeastDeviation = 1e-15;

void check_scale(const RatingMoments& moments, std::span<const float> ratings) {
  const auto [lowest, highest] = std::ranges::minmax(ratings);
  const double largest = std::max(std::abs(static_cast<double>(lowest)), std::abs(static_cast<double>(highest)));
  const double deviation = std::sqrt(moments.variance);
  if (largest <= kLargestRating && deviation >= kLeastDeviation) return;
  throw DataError(fmt::format(
      "ratings go from {} to {}, with a standard deviation of {:.3g}: too {} to be computed with in float32 "
      "(up to {:g}, with a deviation from {:g}); bring them to another unit, such as 1 to 5",
      lowest, highest, deviation, largest > kLargestRating ? "large" : "small", kLargestRating, kLeastDeviation));
}

// Bounds the predictions. Throws UsageError where a rating lies outside.
void set_range(RatingLink& link, const RatingRange& range, double mean, std::span<const float> ratings) {
  const auto [lowest, highest] = std::ranges::minmax(ratings);
  if (lowest < range.low || highest > range.high) {
    throw UsageError(fmt::format("--rating-range {}:{}: the ratings go from {} to {}; widen the range to hold them",
                                 range.low, range.high, lowest, highest));
  }
  link.has_range = true;
  link.low = range.low;
  link.high = range.high;
  // The score whose prediction is the mean rating; kept off the ends, where it would be infinite.
  const double share = std::clamp((mean - range.low) / (range.high - range.low), 0.001, 0.999);
  link.mean = static_cast<float>(std::log(share / (1 - share)));
}

}  // namespace

RatingLoss rating_loss(const MfOptions& o, const RatingView& train) {
  const RatingMoments moments = rating_moments(train.ratings);
  check_scale(moments, train.ratings);
  const auto [mean, variance] = moments;
  RatingLoss loss;
  loss.link.scale = static_cast<float>(std::sqrt(variance));
  loss.inverse_variance = static_cast<float>(1 / variance);
  loss.link.mean = static_cast<float>(mean / std::sqrt(variance));
  loss.l2 = static_cast<float>(o.l2);
  loss.l2_bias = static_cast<float>(o.l2_bias < 0 ? o.l2 : o.l2_bias);
  loss.use_bias = !o.no_bias;
  if (const auto range = parse_rating_range(o.rating_range)) set_range(loss.link, *range, mean, train.ratings);
  return loss;
}

}  // namespace unfold
