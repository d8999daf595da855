// The best items of each user, in lists on the host.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/score/block_walk.hpp"
#include "host/score/pair_walk.hpp"

namespace unfold {

class TopItems {
 public:
  // Lists of 1 to kMaxTopK items without the user's `excluded` ones, which outlive this. `users` may repeat. Scratch is
  // bounded by memory_bytes, or what one user takes.
  TopItems(const Arena& arena, const Scorer& scorer, std::vector<Row> users, const UserLists& excluded, std::uint32_t k,
           std::uint64_t memory_bytes);

  // Calls take(n, items, scores) for the n-th user and so on, in their order: best first, of equal scores the lower row
  // first; fewer than k where fewer have a number for a score.
  using Take = std::function<void(std::uint64_t n, std::span<const Row> items, std::span<const float> scores)>;
  void run(Scorer& scorer, const Take& take);

 private:
  void list_block(const Block& block, const Take& take);
  void list_pairs(Scorer& scorer, std::uint64_t n, const Take& take);

  Backend& backend_;
  std::uint32_t k_;
  const UserLists& excluded_;
  std::vector<Row> users_;
  std::vector<Row> host_items_;
  std::vector<float> host_scores_;
  // Where scores are products:
  std::optional<BlockWalk> walk_;
  DeviceArray<Row> items_;
  DeviceArray<float> scores_;
  // Else:
  std::optional<PairWalk> pairs_;
};

}  // namespace unfold
