// Scores that are products of two tables' rows.
#pragma once

#include <cstdint>

#include "host/tables/arena.hpp"
#include "unfold/rating_loss.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

// score = p_u . q_i + b_i, of rows of length 1 where `normalize`.
struct ProductTables {
  MfParameters parameters;  // weights only; the biases' data may be null: 0
  RatingLink link;          // from scores to ratings
  bool predicts_ratings = false;
  bool normalize = false;  // then there are no ratings
};

class ProductScorer : public Scorer {
 public:
  // The tables outlive this.
  ProductScorer(const Arena& arena, const ProductTables& tables);

  std::uint64_t n_users() const override { return tables_.parameters.user_factors.weight.rows; }
  std::uint64_t n_items() const override { return tables_.parameters.item_factors.weight.rows; }
  void score_pairs(const Row* users, const Row* items, std::uint64_t n, float* scores) override;
  bool predicts_ratings() const override { return tables_.predicts_ratings; }
  void predict_ratings(const Row* users, const Row* items, std::uint64_t n, float* ratings) override;
  std::uint32_t query_dim() const override { return tables_.parameters.item_factors.weight.cols; }
  std::uint32_t query_stride() const override { return tables_.parameters.item_factors.weight.stride; }
  void query_vectors(const UserBlock& users, MatrixView<float> out) override;
  ItemVectors item_vectors() override;

 protected:
  Backend& backend() const { return backend_; }
  ProductTables& tables() { return tables_; }

 private:
  // Whether items are scored by other numbers than stand in their table.
  bool transforms_items() const;
  void look_up(const ConstTableView& table, const Row* rows, std::uint64_t n, MatrixView<float> out) const;

  Backend& backend_;
  ProductTables tables_;
  DeviceArray<Row> all_items_;  // where they are transformed
  DeviceArray<float> item_vectors_;
};

}  // namespace unfold
