#include "host/query/top_lists.hpp"

#include <algorithm>
#include <vector>

#include "host/tables/row_lists.hpp"

namespace unfold {
namespace {

// Queries of a block: more of them gain nothing.
constexpr std::uint64_t kMaxBlockQueries = 8192;
// Scores of a block, so that lists come, and an interrupt is seen, every few seconds at the least.
constexpr std::uint64_t kMaxBlockScores = std::uint64_t{1} << 31;
// Workspace beyond the least that an op needs: the size of its tiles. More than this gains nothing.
constexpr std::uint64_t kUsefulWorkspaceBytes = std::uint64_t{64} << 20;

// The most that a block holds.
struct BlockSize {
  std::uint64_t n_queries = 0, n_excluded = 0, workspace_bytes = 0;
};

// Arrays of a block, on the backend and on the host, and the workspace.
std::uint64_t block_bytes(const Backend& backend, MatrixView<const float> items, std::uint32_t k,
                          std::uint64_t n_queries) {
  return 2 * n_queries * (sizeof(float) * items.stride + k * (sizeof(Row) + sizeof(float)) + sizeof(std::uint64_t)) +
         backend.top_k_workspace_bytes(n_queries, items.rows, k);
}

BlockSize plan_block(const Backend& backend, MatrixView<const float> items, const Queries& queries,
                     const QueryOptions& options) {
  BlockSize block;
  const std::uint64_t by_scores = std::max<std::uint64_t>(1, kMaxBlockScores / std::max<std::uint64_t>(1, items.rows));
  block.n_queries = std::min({queries.size, kMaxBlockQueries, by_scores});
  while (block.n_queries > 1 && block_bytes(backend, items, options.k, block.n_queries) > options.memory_bytes / 2) {
    block.n_queries = (block.n_queries + 1) / 2;
  }
  std::uint64_t longest = 0, all = 0;
  for (std::uint64_t n = 0; n < queries.size; ++n) {
    const std::uint64_t size = queries.excluded(n).size();
    longest = std::max(longest, size);
    all += size;
  }
  block.n_excluded = std::min(all, std::max(longest, options.memory_bytes / 4 / (2 * sizeof(Row))));
  block.workspace_bytes = backend.top_k_workspace_bytes(block.n_queries, items.rows, options.k) +
                          std::min(options.memory_bytes / 4, kUsefulWorkspaceBytes);
  return block;
}

class BlockLister {
 public:
  BlockLister(Backend& backend, MatrixView<const float> items, const float* item_bias, const BlockSize& block,
              std::uint32_t k)
      : backend_(backend),
        items_(items),
        item_bias_(item_bias),
        block_(block),
        k_(k),
        vectors_(backend, block.n_queries * items.stride),
        rows_(backend, block.n_queries * k),
        scores_(backend, block.n_queries * k),
        excluded_(backend, block.n_queries, block.n_excluded),
        workspace_(backend, block.workspace_bytes) {}

  // Answers as many queries from `first` on as a block holds; returns the first that is left.
  std::uint64_t answer(const Queries& queries, std::uint64_t first, const QuerySink& sink) {
    const std::uint64_t n = gather(queries, first);
    vectors_.upload(host_vectors_);
    backend_.top_k({vectors_.data(), n, items_.cols, items_.stride}, items_, item_bias_, excluded_.upload(), k_,
                   rows_.data(), scores_.data(), {workspace_.data(), workspace_.size()});
    host_rows_.resize(n * k_);
    host_scores_.resize(n * k_);
    rows_.download(host_rows_);
    scores_.download(host_scores_);
    for (std::uint64_t q = 0; q < n; ++q) {
      list_.clear();
      for (std::uint64_t t = q * k_; t < (q + 1) * k_ && host_rows_[t] != kUnknownRow; ++t) {
        list_.push_back({host_rows_[t], host_scores_[t]});
      }
      sink(first + q, list_);
    }
    return first + n;
  }

 private:
  // The number of queries gathered.
  std::uint64_t gather(const Queries& queries, std::uint64_t first) {
    const std::uint64_t most = std::min(block_.n_queries, queries.size - first);
    host_vectors_.assign(most * items_.stride, 0.0f);
    excluded_.clear();
    std::uint64_t n = 0;
    for (; n < most; ++n) {
      const std::span<const Row> excluded = queries.excluded(first + n);
      if (excluded_.n_ids() + excluded.size() > block_.n_excluded) break;
      excluded_.append(excluded);
      queries.write_vector(first + n, {&host_vectors_[n * items_.stride], items_.cols});
    }
    host_vectors_.resize(n * items_.stride);
    return n;
  }

  Backend& backend_;
  MatrixView<const float> items_;
  const float* item_bias_;
  BlockSize block_;
  std::uint32_t k_;
  DeviceArray<float> vectors_;
  DeviceArray<Row> rows_;
  DeviceArray<float> scores_;
  DeviceLists excluded_;
  DeviceArray<std::byte> workspace_;
  std::vector<float> host_vectors_, host_scores_;
  std::vector<Row> host_rows_;
  std::vector<ScoredItem> list_;
};

}  // namespace

void list_top(Backend& backend, MatrixView<const float> items, const float* item_bias, const Queries& queries,
              const QueryOptions& options, const QuerySink& sink) {
  if (queries.size == 0) return;
  BlockLister lister(backend, items, item_bias, plan_block(backend, items, queries, options), options.k);
  for (std::uint64_t first = 0; first < queries.size;) first = lister.answer(queries, first, sink);
}

}  // namespace unfold
