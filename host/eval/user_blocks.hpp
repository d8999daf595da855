// Users in blocks that keep the scratch of ranking bounded, and the arrays of a block in the backend's memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/eval/item_scorer.hpp"
#include "host/tables/row_lists.hpp"
#include "unfold/backend.hpp"

namespace unfold {

struct BlockSize {
  std::uint64_t n_queries = 0, n_targets = 0, n_excluded = 0;
};

struct BlockPlan {
  std::vector<Row> users;
  std::vector<std::uint64_t> block_ends;  // into users
  BlockSize largest;                      // the largest number of everything that a block holds

  // Calls take(users of a block) for one block after another.
  template <typename Take>
  void for_each_block(const Take& take) const {
    std::uint64_t begin = 0;
    for (const std::uint64_t end : block_ends) {
      take(std::span<const Row>(users).subspan(begin, end - begin));
      begin = end;
    }
  }
};

// Cuts `users` into blocks of at most memory_bytes (a user at least): `of_user` is what a user adds, `bytes` what a
// block takes.
BlockPlan plan_blocks(std::vector<Row> users, const std::function<BlockSize(Row)>& of_user,
                      const std::function<std::uint64_t(const BlockSize&)>& bytes, std::uint64_t memory_bytes);

// Bytes of a workspace for an op that needs at least `least`, in a block that uses `used` of memory_bytes with it: what
// is left makes the op's tiles larger, as far as that gains anything.
std::uint64_t useful_workspace_bytes(std::uint64_t least, std::uint64_t used, std::uint64_t memory_bytes);

// The query vectors of a block of users.
class BlockQueries {
 public:
  BlockQueries(Backend& backend, const ItemScorer& scorer, std::uint64_t n_queries)
      : backend_(backend),
        scorer_(scorer),
        rows_(backend, n_queries),
        queries_(backend, n_queries * scorer.item_vectors.stride) {}
  static std::uint64_t bytes(const ItemScorer& scorer, std::uint64_t n_queries) {
    return n_queries * (sizeof(float) * scorer.item_vectors.stride + 2 * sizeof(Row));
  }

  MatrixView<const float> gather(std::span<const Row> users);

 private:
  Backend& backend_;
  ItemScorer scorer_;
  DeviceArray<Row> rows_;
  DeviceArray<float> queries_;
  std::vector<Row> host_rows_;
};

}  // namespace unfold
