#include "host/score/popularity_scorer.hpp"

#include <algorithm>

namespace unfold {

PopularityScorer::PopularityScorer(Backend& backend, const SeenItems& seen, std::uint64_t n_items)
    : backend_(backend),
      n_users_(seen.n_users()),
      stride_(backend.row_stride(1)),
      levels_(n_items),
      vectors_(backend, n_items * stride_) {
  const std::vector<std::uint64_t> counts = seen.item_counts(n_items);
  std::vector<std::uint64_t> distinct = counts;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<float> vectors(n_items * stride_, 0.0f);
  for (std::uint64_t i = 0; i < n_items; ++i) {
    const auto level = std::lower_bound(distinct.begin(), distinct.end(), counts[i]) - distinct.begin();
    levels_[i] = vectors[i * stride_] = static_cast<float>(level);
  }
  vectors_.upload(vectors);
}

void PopularityScorer::score_pairs(const Row* /*users*/, const Row* items, std::uint64_t n, float* scores) {
  std::vector<Row> rows(n);
  backend_.copy_to_host(rows.data(), items, sizeof(Row) * n);
  std::vector<float> host_scores(n);
  std::ranges::transform(rows, host_scores.begin(), [&](Row row) { return row == kNoRow ? 0 : levels_[row]; });
  backend_.copy_to_device(scores, host_scores.data(), sizeof(float) * n);
}

void PopularityScorer::query_vectors(const UserBlock& users, MatrixView<float> out) {
  std::vector<float> ones(users.rows.size() * out.stride, 0.0f);
  for (std::size_t q = 0; q < users.rows.size(); ++q) ones[q * out.stride] = 1;
  backend_.copy_to_device(out.data, ones.data(), sizeof(float) * ones.size());
}

ItemVectors PopularityScorer::item_vectors() {
  return {MatrixView<const float>{vectors_.data(), levels_.size(), 1, stride_}, nullptr};
}

}  // namespace unfold
