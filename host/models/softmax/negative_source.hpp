// Where a run's negatives come from: what users know, random draws with their expected counts, lists of disliked items.
#pragma once

#include <cstdint>
#include <vector>

#include "host/models/softmax/softmax_shape.hpp"
#include "host/tables/arena.hpp"
#include "unfold/backend.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

// The keys of all that a step draws. One op draws several of them, so each has another seed.
struct StepKeys {
  RandomKey shared, own, candidates;  // negatives
  RandomKey dropout;                  // of the query vectors
  RandomKey selection;                // of hard negatives among their candidates
};
StepKeys step_keys(std::uint64_t seed, const StepVariables* now);

class NegativeSource {
 public:
  // `seen` is of `positives`. With weights or disliked negatives, and no floor of the positives, a user knows what he
  // rated at least the mean: a lower rating says that he met the item and that others are better. Else he knows all of
  // his positives.
  NegativeSource(const Arena& arena, const SoftmaxShape& shape, const RatingView& positives, const SeenItems& seen);

  // Items that are never a user's negatives, [n_users] lists.
  RowLists known() const { return {known_offsets_.data(), known_ids_.data()}; }

  // The rows of the negatives that the batch shares, [shape.n_shared()] or fewer: returns how many. Where some are
  // in-batch and none drawn, the batch has one of shape.batch_sizes.
  std::uint64_t draw_shared(const RatingBatch& batch, const RandomKey& key, Row* rows);
  // How many it makes for a batch of n_queries.
  std::uint64_t n_shared(std::uint64_t n_queries) const;
  // Of each item, the log of how often it is expected among these [n_items]; null where that depends on what the batch
  // holds, or is once.
  const float* log_counts(const RatingBatch& batch) const;
  // Where it depends on that: of the n negatives in `rows` [n], as draw_shared made them.
  void count_mixed(const RatingBatch& batch, const Row* rows, std::uint64_t n, float* log_count);
  // `n` for each query of the batch that its user does not know: rows and log probabilities [batch.size, n].
  void draw_own(const RatingBatch& batch, const RandomKey& key, std::uint32_t n, Row* rows, float* log_q);
  // `n`, whoever knows them: rows and log probabilities [n], the latter where they are not null.
  void draw_any(const RandomKey& key, std::uint32_t n, Row* rows, float* log_q);

  // Draws that were known to their user; ops add to it. Zeroed by the caller.
  DeviceArray<std::uint64_t>& n_rejected() { return n_rejected_; }

 private:
  // Gives the log probability of each item.
  std::vector<float> build_sampler(const Arena& arena, const SeenItems& known,
                                   const std::vector<std::uint64_t>& counts);
  void build_log_counts(const Arena& arena, const std::vector<std::uint64_t>& counts, const std::vector<float>& log_q);

  Backend& backend_;
  SoftmaxShape shape_;
  DeviceArray<std::uint64_t> known_offsets_;
  DeviceArray<Row> known_ids_;
  NegativeSampler sampler_;  // uniform, or by popularity:
  DeviceArray<std::uint32_t> alias_threshold_;
  DeviceArray<Row> alias_;
  DeviceArray<float> log_q_, log_unknown_mass_;
  // [n_items] log of how often an item is expected among the shared negatives: of any batch where all are drawn, of
  // each of shape.batch_sizes where all are in-batch. Where there are both, it depends on what the batch holds.
  std::vector<DeviceArray<float>> log_counts_;
  DeviceArray<std::uint32_t> times_;  // [n_items] scratch for that
  DeviceArray<Row> all_items_;        // for the full softmax
  DeviceArray<std::uint64_t> n_rejected_;
};

// What each user rated below the mean, `n` of it at most: [n_users, n], filled up with kNoRow.
std::vector<Row> disliked_items(const RatingView& train, double mean, std::uint32_t n_users, std::uint32_t n);

}  // namespace unfold
