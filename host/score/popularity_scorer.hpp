// Items by training count, for everyone alike: the baseline of rankings.
#pragma once

#include <cstdint>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/scorer.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

class PopularityScorer final : public Scorer {
 public:
  // For the users of `seen`.
  PopularityScorer(Backend& backend, const SeenItems& seen, std::uint64_t n_items);

  std::uint64_t n_users() const override { return n_users_; }
  std::uint64_t n_items() const override { return levels_.size(); }
  void score_pairs(const Row* users, const Row* items, std::uint64_t n, float* scores) override;
  std::uint32_t query_dim() const override { return 1; }
  std::uint32_t query_stride() const override { return stride_; }
  void query_vectors(const UserBlock& users, MatrixView<float> out) override;
  ItemVectors item_vectors() override;

 private:
  Backend& backend_;
  std::uint64_t n_users_;
  std::uint32_t stride_;
  // An item's score is the place of its count among the distinct counts: there are few of those, so a float holds the
  // place exactly where it might not hold the count.
  std::vector<float> levels_;
  DeviceArray<float> vectors_;
};

}  // namespace unfold
