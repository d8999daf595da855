#include <algorithm>
#include <cmath>

#include "host/eval/rating_error.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

// Ratings predicted at once: 12 MiB of scratch.
constexpr std::uint64_t kBatch = std::uint64_t{1} << 20;

}  // namespace

RatingMetrics RatingErrorSums::metrics() const {
  if (n_ == 0) return {};
  const auto n = static_cast<double>(n_);
  return {std::sqrt(squared_ / n), absolute_ / n, n_};
}

RatingMetrics evaluate_ratings(Backend& backend, const ScoringTables& tables, const RatingView& test) {
  const std::uint64_t batch = std::min(kBatch, test.size());
  DeviceArray<Row> users(backend, batch), items(backend, batch);
  DeviceArray<float> predictions(backend, batch);
  std::vector<float> predicted(batch);
  RatingErrorSums sums;
  for (std::uint64_t first = 0; first < test.size(); first += batch) {
    const std::uint64_t n = std::min(batch, test.size() - first);
    users.upload(test.users.subspan(first, n));
    items.upload(test.items.subspan(first, n));
    backend.predict_ratings(tables.parameters, users.data(), items.data(), n, tables.loss, predictions.data());
    predictions.download(std::span(predicted).first(n));
    for (std::uint64_t k = 0; k < n; ++k) sums.add(predicted[k], test.ratings[first + k]);
  }
  return sums.metrics();
}

RatingMetrics evaluate_item_means(const RatingView& test, const SeenItems& seen) {
  RatingErrorSums sums;
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    const Row item = test.items[n];
    sums.add(item < seen.item_mean_rating.size() ? seen.item_mean_rating[item] : seen.mean_rating, test.ratings[n]);
  }
  return sums.metrics();
}

}  // namespace unfold
