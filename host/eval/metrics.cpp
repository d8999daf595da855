#include "host/eval/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "unfold/error.hpp"

namespace unfold {
namespace {

// What a relevant item on this rank is worth (Järvelin and Kekäläinen, TOIS 2002, with binary gains).
double discount(double rank) { return 1 / std::log2(rank + 1); }

}  // namespace

MetricMeans::MetricMeans(const std::vector<std::uint32_t>& cutoffs) : ideal_dcg_{0} {
  if (cutoffs.empty()) throw UsageError("ranking metrics need at least one cutoff K, for example 20");
  for (const std::uint32_t k : cutoffs) {
    if (k == 0 || k > kMaxCutoff) {
      throw UsageError(fmt::format("cutoff {} of the ranking metrics: K is 1 to {}", k, kMaxCutoff));
    }
    RankingMetrics::AtK at_k;
    at_k.k = k;
    sums_.at_k.push_back(at_k);
  }
}

double MetricMeans::ideal_dcg(std::uint64_t n_hits) {
  while (ideal_dcg_.size() <= n_hits) {
    ideal_dcg_.push_back(ideal_dcg_.back() + discount(static_cast<double>(ideal_dcg_.size())));
  }
  return ideal_dcg_[n_hits];
}

void MetricMeans::add_at_k(std::span<const std::uint32_t> ranks, RankingMetrics::AtK& sums) {
  double n_hits = 0, dcg = 0, precision_at_hits = 0;
  for (const std::uint32_t rank : ranks) {
    if (rank > sums.k) break;
    n_hits += 1;
    dcg += discount(rank);
    precision_at_hits += n_hits / rank;
  }
  const std::uint64_t best_hits = std::min<std::uint64_t>(sums.k, ranks.size());
  sums.recall += n_hits / static_cast<double>(ranks.size());
  sums.precision += n_hits / sums.k;
  sums.hit_rate += n_hits > 0 ? 1 : 0;
  sums.ndcg += dcg / ideal_dcg(best_hits);
  sums.map += precision_at_hits / static_cast<double>(best_hits);
}

void MetricMeans::add_user(std::span<const std::uint32_t> ranks) {
  for (RankingMetrics::AtK& at_k : sums_.at_k) add_at_k(ranks, at_k);
  sums_.mrr += 1.0 / ranks.front();
  sums_.n_users += 1;
  sums_.n_test_items += ranks.size();
}

RankingMetrics MetricMeans::means() const {
  RankingMetrics means = sums_;
  if (means.n_users == 0) return means;
  const auto n = static_cast<double>(means.n_users);
  means.mrr /= n;
  for (RankingMetrics::AtK& at_k : means.at_k) {
    for (double* sum : {&at_k.recall, &at_k.precision, &at_k.hit_rate, &at_k.ndcg, &at_k.map}) *sum /= n;
  }
  return means;
}

}  // namespace unfold
