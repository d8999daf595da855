#include <algorithm>
#include <array>
#include <cmath>

#include "host/eval/rating_error.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

// Ratings predicted at once: 16 MiB of scratch.
constexpr std::uint64_t kBatch = std::uint64_t{1} << 20;

// Sums of squared and absolute errors of n ratings. Zeros where there are none.
RatingMetrics rating_metrics(double squared, double absolute, std::uint64_t n) {
  if (n == 0) return {};
  const auto count = static_cast<double>(n);
  return {std::sqrt(squared / count), absolute / count, n};
}

}  // namespace

RatingMetrics evaluate_ratings(Backend& backend, const ScoringTables& tables, const RatingView& test) {
  const std::uint64_t batch = std::min(kBatch, test.size());
  DeviceArray<Row> users(backend, batch), items(backend, batch);
  DeviceArray<float> ratings(backend, batch);
  const DeviceArray<float> predictions(backend, batch);
  const DeviceArray<double> sums(backend, 2);
  const DeviceArray<std::byte> workspace(backend, backend.rating_error_sums_workspace_bytes(batch));
  for (std::uint64_t first = 0; first < test.size(); first += batch) {
    const std::uint64_t n = std::min(batch, test.size() - first);
    users.upload(test.users.subspan(first, n));
    items.upload(test.items.subspan(first, n));
    ratings.upload(test.ratings.subspan(first, n));
    backend.predict_ratings(tables.parameters, users.data(), items.data(), n, tables.loss, predictions.data());
    backend.rating_error_sums(predictions.data(), ratings.data(), n, sums.data(), {workspace.data(), workspace.size()});
  }
  std::array<double, 2> total;
  sums.download(std::span(total));
  return rating_metrics(total[0], total[1], test.size());
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
