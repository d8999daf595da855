// Sampled softmax, forward and backward. Shared negatives: a block of queries at a time, its scores in the workspace.
// First each thread takes groups of queries: scores by tiles, log-sum-exp, coefficients, gradients of queries. Then
// each takes groups of negatives and sums their gradients over the block's queries. So no sum is shared between
// threads, each has one order, and the bits do not depend on the number of threads.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "host/ops/item_tiles.hpp"
#include "host/ops/ops.hpp"
#include "host/ops/prefetch.hpp"
#include "host/ops/shared_places.hpp"
#include "host/ops/softmax_kernels.hpp"
#include "host/ops/softmax_products.hpp"
#include "unfold/error.hpp"

namespace unfold::cpu {
namespace {

// A block of queries that is not the last is a multiple of this: whole groups, which add_negative_gradients takes.
constexpr std::uint64_t kBlockQueries = 96;
static_assert(kBlockQueries % SoftmaxProducts::kGroupQueries == 0 &&
              kBlockQueries % SoftmaxProducts::kQueriesTogether == 0);
// Queries without shared negatives that a thread takes at a time.
constexpr std::uint64_t kSliceQueries = 16;
// Entries of a list of known rows that are fetched ahead; after them the hardware has seen where the reader is going.
constexpr std::uint64_t kListAhead = 128;
// Scores of a block beyond this gain nothing.
constexpr std::uint64_t kUsefulScoreBytes = std::uint64_t{16} << 20;

// The workspace in parts.
struct Parts {
  SoftmaxProducts products;
  SharedPlaces places;
  float* losses;      // [n_queries]
  float* own_scores;  // [threads, 2 * n_own, whole vectors]
  float* scores;      // [n_block, score_stride of n_shared]
  std::uint64_t n_block;
};

// Floats from one query's scores to the next. A cache line more than whole panels, so that a column of scores, which
// the gradients of negatives read, does not fall into a few sets of the first-level cache.
std::uint64_t score_stride(std::uint64_t n_shared) { return round_up<std::uint64_t>(n_shared, kPanelWidth) + 16; }

std::uint64_t own_floats(std::uint32_t n_own) { return 2 * round_up<std::uint64_t>(n_own, 16); }

std::uint64_t block_floats(std::uint64_t n_queries, std::uint64_t n_shared) {
  return n_shared == 0 ? 0 : std::min(n_queries, kBlockQueries) * score_stride(n_shared);
}

Parts cut(std::span<std::byte> memory, const SampledSoftmax& op, int n_threads) {
  const std::uint64_t n_queries = op.batch.queries.rows;
  const SharedNegatives& shared = op.shared;
  Parts parts = {};
  WorkspaceCutter cutter(memory);
  parts.products = SoftmaxProducts(cutter, op.batch.queries, shared, op.gradients.shared_bias != nullptr);
  parts.places = SharedPlaces(cutter, shared.rows, shared.n());
  parts.losses = cutter.take<float>(n_queries);
  parts.own_scores = cutter.take<float>(own_floats(op.own.n) * static_cast<std::uint64_t>(n_threads));
  if (shared.n() == 0) return parts;
  const std::uint64_t row_bytes = sizeof(float) * score_stride(shared.n());
  const std::uint64_t bytes = std::min(cutter.left_bytes(), std::max(kUsefulScoreBytes, kBlockQueries * row_bytes));
  parts.n_block = std::min(bytes / row_bytes, n_queries);
  if (parts.n_block < n_queries) parts.n_block = parts.n_block / kBlockQueries * kBlockQueries;
  parts.scores = cutter.take<float>(parts.n_block * score_stride(shared.n()));
  return parts;
}

class Step {
 public:
  Step(const SampledSoftmax& op, const Parts& parts)
      : batch_(op.batch),
        shared_(op.shared),
        own_(op.own),
        loss_(op.loss),
        scale_(op.scale),
        inverse_(std::exp(-*op.batch.log_temperature)),
        out_(op.gradients),
        parts_(parts),
        stride_(op.batch.queries.stride),
        n_padded_(round_up<std::uint64_t>(op.shared.n(), kPanelWidth)),
        score_stride_(score_stride(op.shared.n())) {}

  void run(int n_threads) {
    const std::uint64_t n_queries = batch_.queries.rows;
    n_threads = threads_for_products(n_queries, shared_.n() + own_.n, batch_.queries.cols, n_threads);
    if (shared_.n() == 0) {
      parallel_slices(n_queries, kSliceQueries, n_threads, [&](std::uint64_t first, std::uint64_t last, int thread) {
        for (std::uint64_t q = first; q < last; ++q) one_query(q, nullptr, kNoScore, thread);
      });
      return;
    }
    parts_.products.pack(n_threads);
    std::uint64_t first = 0;
    do {  // once at least: gradients of negatives are zero where there are no queries
      const std::uint64_t n = std::min(parts_.n_block, n_queries - first);
      parallel_slices(n, SoftmaxProducts::kGroupQueries, n_threads,
                      [&](std::uint64_t q, std::uint64_t last, int thread) {
                        query_group(first + q, last - q, parts_.scores + q * score_stride_, thread);
                      });
      parallel_slices(shared_.n(), SoftmaxProducts::kGroupNegatives, n_threads,
                      [&](std::uint64_t j, std::uint64_t last) {
                        if (first == 0) clear_negatives(j, last);
                        negative_group(j, last - j, first, n);
                      });
      first += parts_.n_block;
    } while (first < n_queries);
  }

  std::uint64_t n_rejected() const { return n_rejected_; }

 private:
  // Scores, coefficients and query gradients of queries first .. first + n, whose rows of scores begin at `scores`.
  void query_group(std::uint64_t first, std::uint64_t n, float* scores, int thread) {
    const float* const log_count = loss_.kind == SoftmaxLossKind::kSoftmax ? shared_.log_count : nullptr;
    // Lists lie anywhere, and are needed when the scores are there.
    for (std::uint64_t q = 0; q < n; ++q) {
      const KnownRows known = known_rows(batch_.known, batch_.users, first + q);
      prefetch(known.ids, std::min(known.size, kListAhead) * sizeof(Row));
    }
    const std::uint64_t n_together = parts_.products.tile_queries();
    float highest[SoftmaxProducts::kGroupQueries];
    std::fill_n(highest, n, kNoScore);
    for (std::uint64_t j = 0; j < n_padded_; j += kTileItems) {
      const std::uint64_t n_items = std::min<std::uint64_t>(kTileItems, n_padded_ - j);
      const std::uint64_t n_valid = shared_.n() > j ? shared_.n() - j : 0;
      for (std::uint64_t q = 0; q < n; q += n_together) {
        const std::uint64_t n_rows = std::min(n_together, n - q);
        float* const tile = scores + q * score_stride_ + j;
        parts_.products.score(first + q, n_rows, j, n_items, tile, score_stride_);
        for (std::uint64_t r = 0; r < n_rows; ++r) {
          const float* const counts = log_count == nullptr ? nullptr : log_count + j;
          const float high =
              scale_scores(tile + r * score_stride_, counts, inverse_, std::min(n_valid, n_items), n_items);
          if (!(high <= highest[q + r])) highest[q + r] = high;  // a NaN too
        }
      }
    }
    std::uint64_t rejected = 0;
    for (std::uint64_t q = 0; q < n; ++q) {
      rejected += mask_known(first + q, scores + q * score_stride_, highest[q]);
      one_query(first + q, scores + q * score_stride_, highest[q], thread);
    }
    n_rejected_ += rejected;
    parts_.products.add_query_gradients(n, scores, score_stride_, out_.queries.row(first));
  }

  void clear_negatives(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t j = first; j < last; ++j) {
      std::fill_n(out_.shared.row(j), stride_, 0.0f);
      if (out_.shared_bias != nullptr) out_.shared_bias[j] = 0;
    }
  }

  // Gradients of negatives first .. first + n over a block of queries, whose coefficients stand in the workspace.
  void negative_group(std::uint64_t first, std::uint64_t n, std::uint64_t first_query, std::uint64_t n_queries) {
    for (std::uint64_t q = 0; q < n_queries; q += SoftmaxProducts::kStretchQueries) {
      const std::uint64_t n_stretch = std::min(SoftmaxProducts::kStretchQueries, n_queries - q);
      const float* const weights = parts_.scores + q * score_stride_ + first;
      parts_.products.add_negative_gradients(first_query + q, n_stretch, n, weights, score_stride_,
                                             out_.shared.row(first));
      if (out_.shared_bias != nullptr) add_rows(weights, score_stride_, n_stretch, n, out_.shared_bias + first);
    }
  }

  // Shared negatives that the query's user knows score -infinity; how many there were. `highest` of the scores too.
  std::uint64_t mask_known(std::uint64_t q, float* scores, float& highest) const {
    const KnownRows known = known_rows(batch_.known, batch_.users, q);
    std::uint64_t n = 0;
    bool was_highest = false;
    parts_.places.for_each(known, [&](std::uint32_t place) {
      was_highest = was_highest || !(scores[place] < highest);
      scores[place] = kNoScore;
      ++n;
    });
    if (was_highest) highest = row_max(scores, n_padded_);
    return n;
  }

  // The loss of query q and everything that its gradient does not share: `shared` holds its scores of shared negatives
  // over the temperature (softmax: less log_count), of which `highest` is the highest, or is null; they become
  // coefficients.
  void one_query(std::uint64_t q, float* shared, float highest, int thread) {
    const float* const query = batch_.queries.row(q);
    const float* const positive = batch_.positives.row(q);
    float* const query_gradient = out_.queries.row(q);
    float positive_score = dot(query, positive, stride_);
    if (batch_.positive_bias != nullptr) positive_score += batch_.positive_bias[q];
    float* const own = parts_.own_scores + own_floats(own_.n) * static_cast<std::uint64_t>(thread);
    float* const inverse_length = own + own_floats(own_.n) / 2;
    if (own_.n > 0) score_own(q, query, own, inverse_length);

    const Coefficients c = loss_.kind == SoftmaxLossKind::kSoftmax ? softmax(q, positive_score, shared, highest, own)
                                                                   : bpr(q, positive_score, shared, own);
    float weight = batch_.weights == nullptr ? scale_ : scale_ * batch_.weights[q];
    if (batch_.thresholds != nullptr) {
      const float threshold = batch_.thresholds[batch_.users[q] * batch_.threshold_stride];
      weight *= positive_weight(positive_score, threshold, loss_);
    }
    parts_.losses[q] = c.loss * weight;
    if (out_.log_temperature != nullptr) out_.log_temperature[q] = -inverse_ * c.by_inverse * weight;
    if (shared != nullptr) {
      multiply_floats(shared, n_padded_, c.by_weight * weight);
      parts_.products.finish_weights(shared, n_padded_);
    }

    std::fill_n(query_gradient, stride_, 0.0f);
    for (std::uint32_t k = 0; k < own_.n; ++k) {
      own_gradient(q, k, own[k] * c.by_weight * weight, inverse_length[k]);
    }
    const float by_positive = c.by_positive * weight;
    add_multiple(positive, by_positive, stride_, query_gradient);
    float* const positive_gradient = out_.positives.row(q);
    std::fill_n(positive_gradient, stride_, 0.0f);
    add_multiple(query, by_positive, stride_, positive_gradient);
    if (out_.positive_bias != nullptr) out_.positive_bias[q] = by_positive;
  }

  const Row* own_rows(std::uint64_t q) const { return own_.rows + q * own_.n; }
  float own_count(std::uint64_t q, std::uint32_t k) const {
    return own_.log_draws + (own_.log_count == nullptr ? 0.0f : own_.log_count[q * own_.n + k]);
  }

  // As `shared` of one_query.
  void score_own(std::uint64_t q, const float* query, float* scores, float* inverse_length) const {
    const Row* const rows = own_rows(q);
    score_table_rows(query, own_.table, own_.normalize, rows, own_.n, scores, inverse_length);
    for (std::uint32_t k = 0; k < own_.n; ++k) {
      if (rows[k] == kNoRow) continue;
      if (own_.item_bias != nullptr) scores[k] += own_.item_bias[rows[k]];
      scores[k] *= inverse_;
      if (loss_.kind == SoftmaxLossKind::kSoftmax) scores[k] -= own_count(q, k);
    }
  }

  // A score row holds weights afterwards, and by_weight times a weight is its item's dL / d score.
  struct Coefficients {
    float loss = 0, by_positive = 0, by_weight = 0, by_inverse = 0;
  };

  Coefficients softmax(std::uint64_t q, float positive_score, float* shared, float max, float* own) const {
    const bool with_moment = out_.log_temperature != nullptr;
    for (std::uint32_t k = 0; k < own_.n; ++k) max = std::max(max, own[k]);
    ExpSums sums;
    if (max == kNoScore) {  // no negative takes part, unless one is NaN, which a maximum may have passed over
      if (shared != nullptr) sums = exp_row(shared, nullptr, shared_.n(), n_padded_, 0, false);
      std::fill_n(own, own_.n, 0.0f);
      if (std::isnan(sums.sum)) max = sums.sum;
    } else {
      if (shared != nullptr) sums = exp_row(shared, shared_.log_count, shared_.n(), n_padded_, max, with_moment);
      for (std::uint32_t k = 0; k < own_.n; ++k) {
        const float e = std::exp(own[k] - max);
        if (with_moment && e > 0) sums.moment += e * (own[k] + own_count(q, k));
        own[k] = e;
        sums.sum += e;
      }
    }
    const float log_sum = max == kNoScore ? kNoScore : max + std::log(sums.sum);
    const SoftmaxTerms terms = softmax_terms(positive_score, log_sum, inverse_, loss_);
    if (max == kNoScore) return {terms.loss, terms.by_positive, 0, terms.by_inverse};
    return {terms.loss, terms.by_positive, terms.by_log_sum * inverse_ / sums.sum,
            terms.by_inverse + terms.by_log_sum * sums.moment / sums.sum / inverse_};
  }

  Coefficients bpr(std::uint64_t q, float positive_score, float* shared, float* own) const {
    // Weights are relative to the largest.
    float least = std::numeric_limits<float>::infinity();
    if (shared != nullptr) {
      for (std::uint64_t j = 0; j < shared_.n(); ++j) {
        if (shared[j] != kNoScore) least = std::min(least, shared_.log_count == nullptr ? 0.0f : shared_.log_count[j]);
      }
    }
    for (std::uint32_t k = 0; k < own_.n; ++k) {
      if (own[k] != kNoScore) least = std::min(least, own_count(q, k));
    }
    if (least == std::numeric_limits<float>::infinity()) {  // no negative takes part
      if (shared != nullptr) std::fill_n(shared, n_padded_, 0.0f);
      std::fill_n(own, own_.n, 0.0f);
      return {};
    }
    const float logit = positive_score * inverse_;
    float weights = 0;
    BprSums sums;
    if (shared != nullptr) {
      weights = bpr_weight(shared, shared_.log_count, shared_.n(), n_padded_, least);
      sums = bpr_row(shared, shared_.log_count, shared_.n(), n_padded_, logit, least);
    }
    for (std::uint32_t k = 0; k < own_.n; ++k) {
      const bool takes_part = own[k] != kNoScore;
      const float weight = takes_part ? std::exp(least - own_count(q, k)) : 0.0f;
      const float x = takes_part ? own[k] - logit : 0.0f;
      own[k] = weight * sigmoid(x);
      weights += weight;
      sums.loss += weight * softplus(x);
      sums.slope += own[k];
      sums.moment += own[k] * x;
    }
    return {sums.loss / weights, -sums.slope * inverse_ / weights, inverse_ / weights,
            sums.moment / weights / inverse_};
  }

  // Own negative k of query q, given its dL / d score.
  void own_gradient(std::uint64_t q, std::uint32_t k, float slope, float inverse_length) {
    const std::uint64_t n = q * own_.n + k;
    const Row row = own_rows(q)[k];
    if (out_.own_bias != nullptr) out_.own_bias[n] = row == kNoRow ? 0.0f : slope;
    if (row == kNoRow) {
      std::fill_n(out_.own.row(n), stride_, 0.0f);
      return;
    }
    add_table_row_gradient(batch_.queries.row(q), own_.table, own_.normalize, row, inverse_length, slope,
                           out_.queries.row(q), out_.own.row(n));
  }

  const SoftmaxBatch& batch_;
  const SharedNegatives& shared_;
  const OwnNegatives& own_;
  const SoftmaxLoss& loss_;
  const float scale_, inverse_;
  const SoftmaxGradients& out_;
  Parts parts_;
  std::uint64_t stride_;
  std::uint64_t n_padded_;  // shared negatives in whole panels
  std::uint64_t score_stride_;
  std::atomic<std::uint64_t> n_rejected_{0};
};

void check_strides(const SampledSoftmax& op) {
  const std::uint32_t wanted = op.batch.queries.stride;
  const auto check = [&](const char* what, std::uint32_t stride) {
    if (stride == wanted) return;
    throw UsageError("sampled_softmax: " + std::string(what) + " has a stride of " + std::to_string(stride) +
                     ", the queries of " + std::to_string(wanted) + "; use one stride for all");
  };
  check("positives", op.batch.positives.stride);
  if (op.shared.n() > 0) check("the shared negatives' matrix", op.shared.vectors.stride);
  if (op.own.n > 0) check("the table", op.own.table.stride);
  check("the queries' gradient", op.gradients.queries.stride);
  check("the positives' gradient", op.gradients.positives.stride);
  if (op.shared.n() > 0) check("the shared negatives' gradient", op.gradients.shared.stride);
  if (op.own.n > 0) check("the own negatives' gradient", op.gradients.own.stride);
}

}  // namespace

std::uint64_t workspace_bytes(const SampledSoftmax& op, int n_threads) {
  const std::uint64_t n_queries = op.batch.queries.rows, n_shared = op.shared.n();
  return SoftmaxProducts::bytes(n_queries, op.batch.queries.cols, op.batch.queries.stride, op.shared) +
         SharedPlaces::bytes(n_shared) + WorkspaceCutter::bytes<float>(n_queries) +
         WorkspaceCutter::bytes<float>(own_floats(op.own.n) * static_cast<std::uint64_t>(n_threads)) +
         WorkspaceCutter::bytes<float>(block_floats(n_queries, n_shared)) + ItemTiles::kAlignment;
}

void run(const SampledSoftmax& op, std::span<std::byte> workspace, int n_threads) {
  check_score_type(op.shared);
  check_strides(op);
  const std::span<std::byte> memory = aligned_workspace("sampled_softmax", workspace, workspace_bytes(op, n_threads));
  const Parts parts = cut(memory, op, n_threads);
  Step step(op, parts);
  step.run(n_threads);
  if (op.gradients.loss.sum != nullptr) {
    for (std::uint64_t q = 0; q < op.batch.queries.rows; ++q) {
      *op.gradients.loss.place() += static_cast<double>(parts.losses[q]);
    }
  }
  if (op.gradients.n_rejected != nullptr) *op.gradients.n_rejected += step.n_rejected();
}

}  // namespace unfold::cpu
