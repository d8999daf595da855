#include "host/eval/full_ranking.hpp"

#include <algorithm>

#include "host/eval/metrics.hpp"

namespace unfold {
namespace {

// Workspace beyond the least that an op needs: the size of its tiles. More than this gains nothing.
constexpr std::uint64_t kUsefulWorkspaceBytes = std::uint64_t{64} << 20;

struct BlockSize {
  std::uint64_t n_queries = 0, n_targets = 0, n_excluded = 0;

  void add_user(const TestItems& test, const SeenItems& seen, Row user) {
    n_queries += 1;
    n_targets += test.list(user).size();
    n_excluded += training_items(seen, user).size();
  }
  // Arrays of a block, twice where the host holds them too.
  std::uint64_t bytes(const Backend& backend, const ItemScorer& scorer) const {
    return n_queries * (sizeof(float) * scorer.item_vectors.stride + 2 * sizeof(Row) + 4 * sizeof(std::uint64_t)) +
           n_targets * 2 * (sizeof(Row) + sizeof(std::uint32_t)) + n_excluded * 2 * sizeof(Row) +
           backend.rank_targets_workspace_bytes(n_queries, scorer.item_vectors.rows, n_targets);
  }
};

// Users with something to rank, cut into blocks of at most options.memory_bytes (a user at least), and the largest
// number of everything that a block holds.
struct BlockPlan {
  std::vector<Row> users;
  std::vector<std::uint64_t> block_ends;  // into users
  BlockSize largest;
};

BlockPlan plan_blocks(const Backend& backend, const ItemScorer& scorer, const TestItems& test, const SeenItems& seen,
                      std::uint64_t memory_bytes) {
  BlockPlan plan;
  BlockSize block;
  const auto close = [&] {
    if (block.n_queries == 0) return;
    plan.block_ends.push_back(plan.users.size());
    plan.largest.n_queries = std::max(plan.largest.n_queries, block.n_queries);
    plan.largest.n_targets = std::max(plan.largest.n_targets, block.n_targets);
    plan.largest.n_excluded = std::max(plan.largest.n_excluded, block.n_excluded);
    block = {};
  };
  for (std::uint64_t u = 0; u < test.n_users(); ++u) {
    const Row user = static_cast<Row>(u);
    if (test.list(user).empty()) continue;
    BlockSize with_user = block;
    with_user.add_user(test, seen, user);
    if (with_user.bytes(backend, scorer) > memory_bytes) {
      close();
      with_user = {};
      with_user.add_user(test, seen, user);
    }
    block = with_user;
    plan.users.push_back(user);
  }
  close();
  return plan;
}

// The arrays of a block, allocated once for the largest.
class BlockRanker {
 public:
  BlockRanker(Backend& backend, const ItemScorer& scorer, const BlockSize& largest, std::uint64_t memory_bytes)
      : backend_(backend),
        scorer_(scorer),
        rows_(backend, largest.n_queries),
        queries_(backend, largest.n_queries * scorer.item_vectors.stride),
        ranks_(backend, largest.n_targets),
        targets_(backend, largest.n_queries, largest.n_targets),
        excluded_(backend, largest.n_queries, largest.n_excluded) {
    const std::uint64_t used = largest.bytes(backend, scorer);
    const std::uint64_t spare = memory_bytes > used ? memory_bytes - used : 0;
    workspace_ = DeviceArray<std::byte>(
        backend,
        backend.rank_targets_workspace_bytes(largest.n_queries, scorer.item_vectors.rows, largest.n_targets) +
            std::min(spare, kUsefulWorkspaceBytes));
  }

  // The ranks of the users' test items, user after user, in the order of each user's list.
  std::span<std::uint32_t> rank(std::span<const Row> users, const TestItems& test, const SeenItems& seen) {
    host_rows_.assign(users.begin(), users.end());
    if (scorer_.one_query) std::fill(host_rows_.begin(), host_rows_.end(), 0u);
    targets_.clear();
    excluded_.clear();
    for (const Row user : users) {
      targets_.append(test.list(user));
      excluded_.append(training_items(seen, user));
    }
    rows_.upload(host_rows_);
    const MatrixView<float> queries{queries_.data(), users.size(), scorer_.item_vectors.cols,
                                    scorer_.item_vectors.stride};
    backend_.lookup_rows(scorer_.user_vectors, rows_.data(), users.size(), queries);
    const std::uint64_t n_targets = targets_.ids.size();
    backend_.rank_targets(queries, scorer_.item_vectors, scorer_.item_bias, targets_.upload(), excluded_.upload(),
                          n_targets, ranks_.data(), {workspace_.data(), workspace_.size()});
    host_ranks_.resize(n_targets);
    ranks_.download(host_ranks_);
    return host_ranks_;
  }

 private:
  Backend& backend_;
  ItemScorer scorer_;
  DeviceArray<Row> rows_;
  DeviceArray<float> queries_;
  DeviceArray<std::uint32_t> ranks_;
  DeviceArray<std::byte> workspace_;
  DeviceLists targets_, excluded_;
  std::vector<Row> host_rows_;
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
  // Each list sorted, without repeats and training items, and moved up to the one before it.
  result.offsets.assign(1, 0);
  std::uint64_t n_kept = 0;
  for (std::uint64_t u = 0; u < n_users; ++u) {
    const auto first = result.items.begin() + static_cast<std::ptrdiff_t>(ends[u]);
    const auto last = result.items.begin() + static_cast<std::ptrdiff_t>(ends[u + 1]);
    std::sort(first, last);
    const std::span<const Row> trained = training_items(seen, u);
    for (auto item = first; item != last; ++item) {
      if (item != first && *item == *(item - 1)) continue;
      if (std::binary_search(trained.begin(), trained.end(), *item)) {
        ++result.n_in_training;
      } else {
        result.items[n_kept++] = *item;
      }
    }
    result.offsets.push_back(n_kept);
  }
  result.items.resize(n_kept);
  return result;
}

RankingMetrics rank_test_items(Backend& backend, const ItemScorer& scorer, const TestItems& test,
                               const SeenItems& seen, const EvaluateOptions& options) {
  MetricMeans means(options.cutoffs);
  const BlockPlan plan = plan_blocks(backend, scorer, test, seen, options.memory_bytes);
  if (!plan.users.empty()) {
    BlockRanker ranker(backend, scorer, plan.largest, options.memory_bytes);
    std::uint64_t begin = 0;
    for (const std::uint64_t end : plan.block_ends) {
      const std::span<const Row> users(plan.users.data() + begin, end - begin);
      std::span<std::uint32_t> ranks = ranker.rank(users, test, seen);
      for (const Row user : users) {
        const std::span<std::uint32_t> of_user = ranks.first(test.list(user).size());
        std::sort(of_user.begin(), of_user.end());
        means.add_user(of_user);
        ranks = ranks.subspan(of_user.size());
      }
      begin = end;
    }
  }
  RankingMetrics metrics = means.means();
  metrics.n_users_skipped = test.n_users() - metrics.n_users;
  metrics.n_test_in_training = test.n_in_training;
  return metrics;
}

std::vector<std::uint64_t> training_counts(const SeenItems& seen, std::uint64_t n_items) {
  std::vector<std::uint64_t> counts(n_items, 0);
  for (const Row item : seen.items) ++counts[item];
  return counts;
}

RankingMetrics rank_test_items_by_popularity(Backend& backend, std::uint64_t n_items, const TestItems& test,
                                             const SeenItems& seen, const EvaluateOptions& options) {
  // An item's score is the place of its count among the distinct counts: there are few of those, so a float holds
  // the place exactly where it might not hold the count.
  const std::vector<std::uint64_t> counts = training_counts(seen, n_items);
  std::vector<std::uint64_t> levels = counts;
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  const std::uint32_t stride = backend.row_stride(1);
  std::vector<float> vectors(n_items * stride, 0.0f);
  for (std::uint64_t i = 0; i < n_items; ++i) {
    vectors[i * stride] =
        static_cast<float>(std::lower_bound(levels.begin(), levels.end(), counts[i]) - levels.begin());
  }
  std::vector<float> query(stride, 0.0f);
  query[0] = 1;
  DeviceArray<float> device_vectors(backend, vectors.size());
  DeviceArray<float> device_query(backend, stride);
  device_vectors.upload(vectors);
  device_query.upload(query);
  const ItemScorer scorer{.user_vectors = MatrixView<const float>{device_query.data(), 1, 1, stride},
                          .item_vectors = {device_vectors.data(), n_items, 1, stride},
                          .item_bias = nullptr,
                          .one_query = true};
  return rank_test_items(backend, scorer, test, seen, options);
}

}  // namespace unfold
