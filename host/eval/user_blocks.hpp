// Users in blocks that keep the scratch of ranking bounded, and the arrays of a block in the backend's memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/eval/item_scorer.hpp"
#include "unfold/backend.hpp"

namespace unfold {

// A list of item rows for each user: what a ranking leaves out.
class UserLists {
 public:
  virtual ~UserLists() = default;
  virtual std::uint64_t size(Row user) const = 0;
  // Adds the user's list, ascending and distinct, at the end of `ids`.
  virtual void append(Row user, std::vector<Row>& ids) const = 0;
};

// A user's training items, ascending; none where `seen` is empty.
std::span<const Row> training_items(const SeenItems& seen, std::uint64_t user);

class TrainingLists : public UserLists {
 public:
  explicit TrainingLists(const SeenItems& seen) : seen_(seen) {}
  std::uint64_t size(Row user) const override { return training_items(seen_, user).size(); }
  void append(Row user, std::vector<Row>& ids) const override {
    const std::span<const Row> list = training_items(seen_, user);
    ids.insert(ids.end(), list.begin(), list.end());
  }

 private:
  const SeenItems& seen_;
};

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

// Lists of rows, gathered on the host and copied to the backend.
class DeviceLists {
 public:
  DeviceLists(Backend& backend, std::uint64_t n_lists, std::uint64_t n_ids)
      : device_offsets_(backend, n_lists + 1), device_ids_(backend, n_ids) {}
  static std::uint64_t bytes(std::uint64_t n_lists, std::uint64_t n_ids) {
    return 2 * (n_lists * sizeof(std::uint64_t) + n_ids * sizeof(Row));
  }

  void clear();
  void append(std::span<const Row> list);
  void append(const UserLists& lists, Row user);
  std::uint64_t n_ids() const { return ids_.size(); }
  RowLists upload();

 private:
  std::vector<std::uint64_t> offsets_ = {0};
  std::vector<Row> ids_;
  DeviceArray<std::uint64_t> device_offsets_;
  DeviceArray<Row> device_ids_;
};

// The query vectors of a block of users.
class BlockQueries {
 public:
  BlockQueries(Backend& backend, const ItemScorer& scorer, std::uint64_t n_queries)
      : backend_(backend),
        scorer_(scorer),
        rows_(backend, n_queries),
        queries_(backend, n_queries * scorer.user_vectors.stride) {}
  static std::uint64_t bytes(const ItemScorer& scorer, std::uint64_t n_queries) {
    return n_queries * (sizeof(float) * scorer.user_vectors.stride + 2 * sizeof(Row));
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
