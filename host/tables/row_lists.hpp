// Lists of items for ops, and where they come from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/tables/arena.hpp"
#include "unfold/backend.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

// A list of item rows for each user: what a ranking leaves out.
class UserLists {
 public:
  virtual ~UserLists() = default;
  virtual std::uint64_t size(Row user) const = 0;
  // Adds the user's list, ascending and distinct, at the end of `ids`.
  virtual void append(Row user, std::vector<Row>& ids) const = 0;
};

// Several sets of lists in one. They share no pair, so that sizes add up.
class JoinedLists : public UserLists {
 public:
  explicit JoinedLists(std::vector<const ItemLists*> parts) : parts_(std::move(parts)) {}
  std::uint64_t size(Row user) const override {
    std::uint64_t size = 0;
    for (const ItemLists* part : parts_) size += part->of(user).size();
    return size;
  }
  void append(Row user, std::vector<Row>& ids) const override {
    const auto first = static_cast<std::ptrdiff_t>(ids.size());
    for (const ItemLists* part : parts_) {
      const std::span<const Row> list = part->of(user);
      const auto middle = static_cast<std::ptrdiff_t>(ids.size());
      ids.insert(ids.end(), list.begin(), list.end());
      std::inplace_merge(ids.begin() + first, ids.begin() + middle, ids.end());
    }
  }

 private:
  std::vector<const ItemLists*> parts_;
};

// What test scores leave out: a user's training and validation items. `seen` outlives the result.
inline JoinedLists masked_in_test(const SeenItems& seen) { return JoinedLists({&seen, &seen.validation}); }
// What a list for a user leaves out: all of the user's items.
inline JoinedLists all_seen(const SeenItems& seen) { return JoinedLists({&seen, &seen.validation, &seen.test}); }

// Lists of rows, gathered on the host and copied to the backend.
class DeviceLists {
 public:
  DeviceLists() = default;
  DeviceLists(const Arena& arena, const std::string& name, std::uint64_t n_lists, std::uint64_t n_ids)
      : device_offsets_(arena.array<std::uint64_t>(name, n_lists + 1)), device_ids_(arena.array<Row>(name, n_ids)) {}
  // Of both copies.
  static std::uint64_t bytes(std::uint64_t n_lists, std::uint64_t n_ids) {
    return 2 * (n_lists * sizeof(std::uint64_t) + n_ids * sizeof(Row));
  }

  void clear() {
    offsets_.assign(1, 0);
    ids_.clear();
  }
  void append(std::span<const Row> list) {
    ids_.insert(ids_.end(), list.begin(), list.end());
    offsets_.push_back(ids_.size());
  }
  void append(const UserLists& lists, Row user) {
    lists.append(user, ids_);
    offsets_.push_back(ids_.size());
  }
  std::uint64_t n_ids() const { return ids_.size(); }
  RowLists upload() {
    device_offsets_.upload(offsets_);
    device_ids_.upload(ids_);
    return {device_offsets_.data(), device_ids_.data()};
  }

 private:
  std::vector<std::uint64_t> offsets_ = {0};
  std::vector<Row> ids_;
  DeviceArray<std::uint64_t> device_offsets_;
  DeviceArray<Row> device_ids_;
};

}  // namespace unfold
