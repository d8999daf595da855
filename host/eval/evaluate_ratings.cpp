#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "host/eval/rating_error.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

// Ratings predicted at once: 16 MiB of scratch.
constexpr std::uint64_t kRatingsAtOnce = std::uint64_t{1} << 20;

// Sums of squared and absolute errors of n ratings. Zeros where there are none.
RatingMetrics rating_metrics(double squared, double absolute, std::uint64_t n) {
  if (n == 0) return {};
  const auto count = static_cast<double>(n);
  return {std::sqrt(squared / count), absolute / count, n};
}

}  // namespace

RatingErrors::RatingErrors(const Arena& arena, const RatingView& test, bool resident)
    : backend_(arena.backend()), test_(test), resident_(resident), batch_(std::min(kRatingsAtOnce, test.size())) {
  const std::string name = "errors of held-out ratings";
  if (backend_.has_own_memory()) {
    const std::uint64_t n = resident ? test.size() : batch_;
    users_ = arena.array<Row>(name, n);
    items_ = arena.array<Row>(name, n);
    ratings_ = arena.array<float>(name, n);
    if (resident) upload(test);
  }
  predictions_ = arena.array<float>(name, batch_);
  sums_ = arena.array<double>(name, 2);
  workspace_ = arena.array<std::byte>(name, backend_.workspace_bytes(RatingErrorSums{.n_ratings = batch_}));
}

void RatingErrors::upload(const RatingView& ratings) {
  users_.upload(ratings.users);
  items_.upload(ratings.items);
  ratings_.upload(ratings.ratings);
}

RatingErrors::Part RatingErrors::part(std::uint64_t first, std::uint64_t n) {
  if (!backend_.has_own_memory()) {
    return {test_.users.data() + first, test_.items.data() + first, test_.ratings.data() + first};
  }
  if (resident_) return {users_.data() + first, items_.data() + first, ratings_.data() + first};
  upload(test_.slice(first, n));
  return {users_.data(), items_.data(), ratings_.data()};
}

RatingMetrics RatingErrors::run(Scorer& scorer) {
  sums_.zero();
  for (std::uint64_t first = 0; first < test_.size(); first += batch_) {
    const std::uint64_t n = std::min(batch_, test_.size() - first);
    const Part of = part(first, n);
    scorer.predict_ratings(of.users, of.items, n, predictions_.data());
    backend_.run(
        RatingErrorSums{.prediction = predictions_.data(), .rating = of.ratings, .n_ratings = n, .sums = sums_.data()},
        {workspace_.data(), workspace_.size()});
  }
  std::array<double, 2> total;
  sums_.download(std::span(total));
  return rating_metrics(total[0], total[1], test_.size());
}

RatingMetrics evaluate_ratings(Backend& backend, Scorer& scorer, const RatingView& test) {
  return RatingErrors(Arena(backend), test, false).run(scorer);
}

RatingMetrics evaluate_item_means(const RatingView& test, const SeenItems& seen) {
  double squared = 0, absolute = 0;
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    const Row item = test.items[n];
    const float mean = item < seen.item_mean_rating.size() ? seen.item_mean_rating[item] : seen.mean_rating;
    const double error = static_cast<double>(mean) - static_cast<double>(test.ratings[n]);
    squared += error * error;
    absolute += std::abs(error);
  }
  return rating_metrics(squared, absolute, test.size());
}

}  // namespace unfold
