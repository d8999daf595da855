#include "host/eval/full_ranking.hpp"

#include <algorithm>
#include <utility>

#include "host/eval/metrics.hpp"

namespace unfold {
namespace {

std::uint64_t block_bytes(const Backend& backend, const ItemScorer& scorer, const BlockSize& block) {
  // Ranks, in the backend's memory and the host's.
  const std::uint64_t rank_bytes = block.n_targets * 2 * sizeof(std::uint32_t);
  return BlockQueries::bytes(scorer, block.n_queries) + DeviceLists::bytes(block.n_queries, block.n_targets) +
         DeviceLists::bytes(block.n_queries, block.n_excluded) + rank_bytes +
         backend.rank_targets_workspace_bytes(block.n_queries, scorer.item_vectors.rows, block.n_targets);
}

// The arrays of a block, allocated once for the largest.
class BlockRanker {
 public:
  BlockRanker(Backend& backend, const ItemScorer& scorer, const BlockSize& largest, std::uint64_t memory_bytes)
      : backend_(backend),
        scorer_(scorer),
        queries_(backend, scorer, largest.n_queries),
        ranks_(backend, largest.n_targets),
        workspace_(backend, useful_workspace_bytes(backend.rank_targets_workspace_bytes(
                                                       largest.n_queries, scorer.item_vectors.rows, largest.n_targets),
                                                   block_bytes(backend, scorer, largest), memory_bytes)),
        targets_(backend, largest.n_queries, largest.n_targets),
        excluded_(backend, largest.n_queries, largest.n_excluded) {}

  // The ranks of the users' targets, user after user, in the order of each user's list.
  std::span<std::uint32_t> rank(std::span<const Row> users, const TestItems& targets, const UserLists& excluded) {
    targets_.clear();
    excluded_.clear();
    for (const Row user : users) {
      targets_.append(targets.list(user));
      excluded_.append(excluded, user);
    }
    const MatrixView<const float> queries = queries_.gather(users);
    const std::uint64_t n_targets = targets_.n_ids();
    backend_.rank_targets(queries, scorer_.item_vectors, scorer_.item_bias, targets_.upload(), excluded_.upload(),
                          n_targets, ranks_.data(), {workspace_.data(), workspace_.size()});
    host_ranks_.resize(n_targets);
    ranks_.download(host_ranks_);
    return host_ranks_;
  }

 private:
  Backend& backend_;
  ItemScorer scorer_;
  BlockQueries queries_;
  DeviceArray<std::uint32_t> ranks_;
  DeviceArray<std::byte> workspace_;
  DeviceLists targets_, excluded_;
  std::vector<std::uint32_t> host_ranks_;
};

}  // namespace

TestItems collect_test_items(const RatingView& test, const SeenItems& seen, std::uint64_t n_users,
                             double relevant_rating) {
  const auto counts = [&](std::uint64_t n) {
    return test.users[n] != kUnknownRow && test.items[n] != kUnknownRow &&
           static_cast<double>(test.ratings[n]) >= relevant_rating;
  };
  TestItems result;
  // Counting sort by user: user u's items end up in [ends[u], ends[u + 1]).
  std::vector<std::uint64_t> ends(n_users + 1, 0);
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    if (counts(n)) ++ends[test.users[n] + std::uint64_t{1}];
  }
  for (std::uint64_t u = 0; u < n_users; ++u) ends[u + 1] += ends[u];
  result.items.resize(ends[n_users]);
  std::vector<std::uint64_t> next = ends;
  for (std::uint64_t n = 0; n < test.size(); ++n) {
    if (counts(n)) result.items[next[test.users[n]]++] = test.items[n];
  }
  // Each list sorted, without repeats and what is masked, and moved up to the one before it.
  result.offsets.assign(1, 0);
  std::uint64_t n_kept = 0;
  for (std::uint64_t u = 0; u < n_users; ++u) {
    const auto first = result.items.begin() + static_cast<std::ptrdiff_t>(ends[u]);
    const auto last = result.items.begin() + static_cast<std::ptrdiff_t>(ends[u + 1]);
    std::sort(first, last);
    const auto user = static_cast<Row>(u);
    for (auto item = first; item != last; ++item) {
      if (item != first && *item == *(item - 1)) continue;
      if (seen.contains(user, *item)) {
        ++result.n_in_training;
      } else if (seen.validation.contains(user, *item)) {
        ++result.n_in_validation;
      } else {
        result.items[n_kept++] = *item;
      }
    }
    result.offsets.push_back(n_kept);
  }
  result.items.resize(n_kept);
  return result;
}

void rank_users(Backend& backend, const ItemScorer& scorer, std::vector<Row> users, const TestItems& targets,
                const UserLists& excluded, std::uint64_t memory_bytes,
                const std::function<void(Row user, std::span<const std::uint32_t> ranks)>& take) {
  if (users.empty()) return;
  const auto of_user = [&](Row user) { return BlockSize{1, targets.list(user).size(), excluded.size(user)}; };
  const auto bytes = [&](const BlockSize& block) { return block_bytes(backend, scorer, block); };
  const BlockPlan plan = plan_blocks(std::move(users), of_user, bytes, memory_bytes);
  BlockRanker ranker(backend, scorer, plan.largest, memory_bytes);
  plan.for_each_block([&](std::span<const Row> block) {
    std::span<std::uint32_t> ranks = ranker.rank(block, targets, excluded);
    for (const Row user : block) {
      const std::span<std::uint32_t> of_one = ranks.first(targets.list(user).size());
      std::sort(of_one.begin(), of_one.end());
      take(user, of_one);
      ranks = ranks.subspan(of_one.size());
    }
  });
}

RankingMetrics rank_test_items(Backend& backend, const ItemScorer& scorer, const TestItems& test, const SeenItems& seen,
                               const EvaluateOptions& options) {
  MetricMeans means(options.cutoffs);
  std::vector<Row> users;
  for (std::uint64_t u = 0; u < test.n_users(); ++u) {
    if (!test.list(u).empty()) users.push_back(static_cast<Row>(u));
  }
  rank_users(backend, scorer, std::move(users), test, masked_in_test(seen), options.memory_bytes,
             [&](Row, std::span<const std::uint32_t> ranks) { means.add_user(ranks); });
  RankingMetrics metrics = means.means();
  metrics.n_users_skipped = test.n_users() - metrics.n_users;
  metrics.n_test_in_training = test.n_in_training;
  metrics.n_test_in_validation = test.n_in_validation;
  return metrics;
}

}  // namespace unfold
