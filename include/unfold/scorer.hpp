// What evaluation and queries ask of a model, whatever it is made of.
#pragma once

#include <cstdint>
#include <span>

#include "unfold/backend.hpp"

namespace unfold {

// Users of a ranking: their rows on the host, and a copy in the backend's memory.
struct UserBlock {
  std::span<const Row> rows;
  const Row* device_rows = nullptr;
};

// Items as they are scored, in the backend's memory.
struct ItemVectors {
  MatrixView<const float> vectors;  // [n_items, dim]
  const float* bias = nullptr;      // [n_items] or null
};

// A score puts the items of a user in order, the highest first. What all items of a user have in common, such as the
// user's bias, is no part of it. Pointers are into the backend's memory; kNoRow stands for an id that the model
// does not know, which adds nothing.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual std::uint64_t n_users() const = 0;
  virtual std::uint64_t n_items() const = 0;

  // scores[n] = the score of (users[n], items[n])
  virtual void score_pairs(const Row* users, const Row* items, std::uint64_t n, float* scores) = 0;

  // Where scores stand for ratings: those of pairs. Else std::logic_error.
  virtual bool predicts_ratings() const { return false; }
  virtual void predict_ratings(const Row* users, const Row* items, std::uint64_t n, float* ratings);

  // Where a score is query . item + bias, a ranking takes both sides' vectors and scores no pairs. query_dim 0: it is
  // not.
  virtual std::uint32_t query_dim() const { return 0; }
  // Elements from one vector to the next.
  virtual std::uint32_t query_stride() const { return 0; }
  // `out` [users.rows.size(), query_dim], padding zeroed.
  virtual void query_vectors(const UserBlock& users, MatrixView<float> out);
  // As they are now. Holds until the model changes.
  virtual ItemVectors item_vectors();
};

}  // namespace unfold
