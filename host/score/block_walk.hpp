// A walk over users in blocks that keep the scratch of ranking bounded. Each block's query vectors and excluded items
// are in the backend's memory when its turn comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/tables/row_lists.hpp"
#include "unfold/scorer.hpp"

namespace unfold {

struct BlockSize {
  std::uint64_t n_queries = 0, n_targets = 0, n_excluded = 0;
};

// What is asked of each block, and how large blocks may be.
struct BlockNeeds {
  // Items of a user that the op takes beside the excluded ones; empty: none.
  std::function<std::uint64_t(Row)> n_targets;
  // Bytes of arrays beside queries and excluded items, on both sides, and the least workspace of the op.
  std::function<std::uint64_t(const BlockSize&)> array_bytes, workspace_bytes;
  std::uint64_t memory_bytes = std::uint64_t{512} << 20;
  std::uint64_t max_queries = ~std::uint64_t{0};
  // More workspace makes larger tiles, up to this much.
  std::uint64_t tile_bytes = std::uint64_t{64} << 20;
};

// A block when its turn comes. `first`: the place of its first user among all.
struct Block {
  std::uint64_t first = 0;
  std::span<const Row> users;
  MatrixView<const float> queries;
  ItemVectors items;
  RowLists excluded;
  std::span<std::byte> workspace;
};

class BlockWalk {
 public:
  // `excluded` of each user outlives the walk. Requires scorer.query_dim() > 0; of the scorer only shapes are read.
  BlockWalk(const Arena& arena, const std::string& name, const Scorer& scorer, std::vector<Row> users,
            const UserLists& excluded, const BlockNeeds& needs);
  // Where the excluded lists are in the backend's memory already: of all users of the model, who are walked over.
  BlockWalk(const Arena& arena, const std::string& name, const Scorer& scorer, RowLists excluded,
            const BlockNeeds& needs);

  const std::vector<Row>& users() const { return users_; }
  // The largest number of everything that a block holds.
  const BlockSize& largest() const { return largest_; }

  // Calls take(block) for one block after another, in the order of the users.
  void run(Scorer& scorer, const std::function<void(const Block&)>& take);

 private:
  std::uint64_t bytes(const BlockSize& block) const;
  BlockSize size_of(Row user) const;
  void cut();
  void allocate(const Arena& arena, const std::string& name);
  RowLists gather_excluded(std::uint64_t first, std::span<const Row> users);

  BlockNeeds needs_;
  std::uint64_t n_items_;
  std::uint32_t dim_, stride_;
  std::vector<Row> users_;
  const UserLists* excluded_ = nullptr;
  RowLists resident_;
  std::vector<std::uint64_t> ends_;  // of blocks, into users_
  BlockSize largest_;
  DeviceArray<Row> rows_;
  DeviceArray<float> queries_;
  DeviceLists lists_;
  DeviceArray<std::byte> workspace_;
};

}  // namespace unfold
