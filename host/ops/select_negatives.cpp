// Hard negatives: the keys of a query's candidates, and the highest of them.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "host/ops/item_tiles.hpp"
#include "host/ops/ops.hpp"
#include "host/ops/rank_tiles.hpp"
#include "host/ops/shared_places.hpp"
#include "host/ops/softmax_kernels.hpp"
#include "unfold/score_key.hpp"

namespace unfold::cpu {
namespace {

// What a thread needs for a group of queries.
struct Scratch {
  float* scores;          // [kTileQueries, n_padded]
  float* inverse_length;  // [n]
  std::uint64_t* keys;    // [n]
};

std::uint64_t padded(std::uint64_t n) { return panels_for(n) * kPanelWidth; }
std::uint64_t scratch_bytes(std::uint32_t n) {
  return WorkspaceCutter::bytes<float>(kTileQueries * padded(n)) + WorkspaceCutter::bytes<float>(n) +
         WorkspaceCutter::bytes<std::uint64_t>(n);
}

// A pool's vectors, where all queries have the same: panels of them, and where known items stand.
struct SharedPool {
  float* panels = nullptr;
  std::uint64_t n_padded = 0;  // 0: queries have candidates of their own
  SharedPlaces places;
};

std::uint64_t pool_panel_floats(std::uint64_t n, std::uint32_t dim) { return panels_for(n) * panel_size(dim); }

class Selection {
 public:
  explicit Selection(const SelectNegatives& op)
      : batch_(op.batch), pool_(op.pool), hardness_(op.hardness), rows_(op.rows), log_count_(op.log_count) {}

  // Queries first .. first + n, at most kTileQueries.
  void choose(std::uint64_t first, std::uint64_t n, const SharedPool& shared, const Scratch& scratch) const {
    if (shared.n_padded > 0) score_shared(first, n, shared, scratch);
    for (std::uint64_t r = 0; r < n; ++r) {
      const std::uint64_t q = first + r;
      float* const scores = scratch.scores + r * padded(pool_.n);
      const Row* rows = pool_.rows;
      const float* counts = pool_.log_count;
      if (shared.n_padded == 0) {
        const std::uint64_t offset = (pool_.lists == nullptr ? q : std::uint64_t{pool_.lists[q]}) * pool_.row_stride;
        rows += offset;
        if (counts != nullptr) counts += offset;
        score_own(q, rows, scores, scratch.inverse_length);
      }
      keep_highest(q, rows, counts, scores, scratch.keys);
    }
  }

 private:
  void score_shared(std::uint64_t first, std::uint64_t n, const SharedPool& shared, const Scratch& scratch) const {
    const ProductRows rows = {batch_.queries.row(first), batch_.queries.stride, 1};
    const std::uint32_t dim = batch_.queries.cols;
    const std::uint64_t n_padded = shared.n_padded;
    for (std::uint64_t j = 0; j < n_padded; j += kTileItems) {
      const std::uint64_t n_items = std::min<std::uint64_t>(kTileItems, n_padded - j);
      score_products(rows, dim, shared.panels + j / kPanelWidth * panel_size(dim), n_items / kPanelWidth,
                     scratch.scores + j, n_padded, n);
    }
    for (std::uint64_t r = 0; r < n; ++r) {
      shared.places.for_each(known_rows(batch_.known, batch_.users, first + r),
                             [&](std::uint32_t place) { scratch.scores[r * n_padded + place] = kNoScore; });
    }
  }

  void score_own(std::uint64_t q, const Row* rows, float* scores, float* inverse_length) const {
    score_table_rows(batch_.queries.row(q), pool_.table, pool_.normalize, rows, pool_.n, scores, inverse_length);
    for (std::uint32_t j = 0; j < pool_.n && pool_.item_bias != nullptr; ++j) {
      if (rows[j] != kNoRow) scores[j] += pool_.item_bias[rows[j]];
    }
  }

  // A candidate takes part unless it is missing, its score is -infinity or its key is not a number.
  void keep_highest(std::uint64_t q, const Row* rows, const float* counts, const float* scores,
                    std::uint64_t* keys) const {
    float target = 0;
    if (hardness_.kind == HardnessKind::kAdaptive) {
      float positive = dot(batch_.queries.row(q), batch_.positives.row(q), batch_.queries.stride);
      if (batch_.positive_bias != nullptr) positive += batch_.positive_bias[q];
      target = adaptive_target(positive, hardness_);
    }
    std::uint32_t n = 0;
    for (std::uint32_t j = 0; j < pool_.n; ++j) {
      if (rows[j] == kNoRow || !(scores[j] > kNoScore)) continue;
      const std::uint64_t place = q * pool_.n + j;
      const std::uint64_t key = score_key(selection_key(scores[j], target, place, hardness_), j);
      if (key != kNoScoreKey) keys[n++] = key;
    }
    const std::uint32_t n_kept = std::min(hardness_.n_kept, n);
    // One more than is kept, where there is one.
    const std::uint32_t n_sorted = std::min(n_kept + 1, n);
    std::partial_sort(keys, keys + n_sorted, keys + n, std::greater<>());
    const bool is_sample = hardness_.kind == HardnessKind::kScoreWeighted && n > n_kept;
    const float left_out = is_sample ? score_of_key(keys[n_kept]) : 0;  // the highest key of those
    for (std::uint32_t k = 0; k < hardness_.n_kept; ++k) {
      const std::uint64_t out = q * hardness_.n_kept + k;
      rows_[out] = kNoRow;
      log_count_[out] = 0;
      if (k >= n_kept) continue;
      const std::uint32_t j = row_of_key(keys[k]);
      rows_[out] = rows[j];
      log_count_[out] = pool_.log_draws + (counts == nullptr ? 0.0f : counts[j]);
      if (is_sample) log_count_[out] += log_kept_probability(scores[j] / hardness_.temperature - left_out);
    }
  }

  const SoftmaxBatch& batch_;
  const CandidatePool& pool_;
  const Hardness& hardness_;
  Row* rows_;
  float* log_count_;
};

}  // namespace

std::uint64_t workspace_bytes(const SelectNegatives& op, int n_threads) {
  return WorkspaceCutter::bytes<float>(pool_panel_floats(op.pool.n, op.batch.queries.cols)) +
         SharedPlaces::bytes(op.pool.n) + scratch_bytes(op.pool.n) * static_cast<std::uint64_t>(n_threads) +
         ItemTiles::kAlignment;
}

void run(const SelectNegatives& op, std::span<std::byte> workspace, int n_threads) {
  const CandidatePool& pool = op.pool;
  check_selection(op.hardness, pool);
  const std::uint64_t n_queries = op.batch.queries.rows;
  const std::span<std::byte> memory = aligned_workspace("select_negatives", workspace, workspace_bytes(op, n_threads));
  WorkspaceCutter cutter(memory);
  const std::uint64_t n_shared = pool.vectors.rows;
  SharedPool shared = {cutter.take<float>(pool_panel_floats(n_shared, op.batch.queries.cols)), padded(n_shared), {}};
  shared.places = SharedPlaces(cutter, pool.rows, n_shared);
  std::byte* const scratch = cutter.take<std::byte>(scratch_bytes(pool.n) * static_cast<std::uint64_t>(n_threads));
  const Selection selection(op);
  n_threads = threads_for_products(n_queries, pool.n, op.batch.queries.cols, n_threads);
  pack_panels(pool.vectors, pool.bias, 0, shared.n_padded, n_threads, shared.panels);
  parallel_slices(n_queries, kTileQueries, n_threads, [&](std::uint64_t q, std::uint64_t last, int thread) {
    const std::uint64_t bytes = scratch_bytes(pool.n);
    WorkspaceCutter own({scratch + bytes * static_cast<std::uint64_t>(thread), bytes});
    const Scratch parts = {own.take<float>(kTileQueries * padded(pool.n)), own.take<float>(pool.n),
                           own.take<std::uint64_t>(pool.n)};
    selection.choose(q, last - q, shared, parts);
  });
}

}  // namespace unfold::cpu
