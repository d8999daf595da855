// What decides the sizes of the retrieval model's arrays, and how it trains.
#pragma once

#include <cstdint>
#include <vector>

#include "host/models/softmax/negative_spec.hpp"
#include "unfold/backend.hpp"

namespace unfold {

struct SoftmaxShape {
  std::uint32_t n_users = 0;
  std::uint32_t n_items = 0;
  std::uint32_t dim = 0;
  TableType table_type = TableType::kFloat32;  // of the embeddings; the rest is float32
  TableType score_type = TableType::kFloat32;  // SharedNegatives::score_type
  bool fused = false;                          // SharedNegatives::fused; false where no backend could take it
  OptimizerKind optimizer = OptimizerKind::kAdam;
  std::vector<std::uint64_t> batch_sizes;  // that occur, the largest first
  NegativeSpec negatives;
  std::uint32_t n_negatives = 0;  // random ones: shared by a batch, or of each positive
  bool own_negatives = false;     // each positive has its own: random ones, or with hard ones their candidates
  bool has_bias = false;
  bool is_rated = false;             // ratings tell liked items from others: an item rated low is no known one
  bool has_floor = false;            // low ratings are no positives: a user knows what is one, and no other item
  std::uint32_t threshold_rank = 0;  // K of the weights by the user's K-th best score; 0: no weights

  std::uint64_t batch_size() const { return batch_sizes.front(); }  // the largest
  bool has_hard() const { return negatives.hard != HardNegatives::kNone; }
  bool is_mined() const { return negatives.hard == HardNegatives::kMined; }
  bool is_disliked() const { return negatives.hard == HardNegatives::kDisliked; }
  bool has_lists() const { return is_mined() || is_disliked(); }  // candidates stand in a list of each user's
  std::uint64_t n_in_batch() const;                               // of n_shared
  std::uint64_t n_shared() const;                                 // negatives that a batch shares
  std::uint32_t n_own() const;                                    // negatives of each positive's own
  // Candidates of hard negatives that are drawn: shared by a batch, or of each positive.
  std::uint64_t n_drawn_candidates() const;
  // Rows of the item table that a batch touches: positives, shared negatives, own negatives.
  std::uint64_t n_item_rows() const { return batch_size() + n_shared() + batch_size() * n_own(); }
};

// A temperature at which candidates are drawn alike, whatever they score.
inline constexpr float kNoHardness = 1e30f;

struct SoftmaxSettings {
  SoftmaxLoss loss;
  bool cosine = true;
  float dropout = 0;         // of the query vector
  float l2 = 0;              // penalty l2/2 |v|^2 of a batch's queries, positives and shared negatives, over its size
  float temperature = 0.1f;  // at the start, where it is learned
  bool learn_temperature = false;
  Hardness hardness;                 // kind, M, T, a, b and p
  float hard_weight = 1;             // how many negatives a hard one counts as
  double hard_warmup = 0;            // share of the run before hard negatives join
  std::uint32_t mined_skip = 0;      // best items that are passed over: they may be unknown positives
  std::uint32_t refresh_epochs = 1;  // epochs between two searches for users' best items
  float positive_from = 0;           // where the shape has a floor: the least rating of a positive
  std::uint64_t seed = 1;
};

}  // namespace unfold
