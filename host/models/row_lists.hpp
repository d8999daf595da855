// Lists of items for ops, and where they come from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/model.hpp"

namespace unfold {

// A user's training items, ascending; none where `seen` is empty.
inline std::span<const Row> training_items(const SeenItems& seen, std::uint64_t user) {
  if (seen.offsets.empty()) return {};
  return {seen.items.data() + seen.offsets[user], seen.items.data() + seen.offsets[user + 1]};
}

// A list of item rows for each user: what a ranking leaves out.
class UserLists {
 public:
  virtual ~UserLists() = default;
  virtual std::uint64_t size(Row user) const = 0;
  // Adds the user's list, ascending and distinct, at the end of `ids`.
  virtual void append(Row user, std::vector<Row>& ids) const = 0;
};

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

// Lists of rows, gathered on the host and copied to the backend.
class DeviceLists {
 public:
  DeviceLists(Backend& backend, std::uint64_t n_lists, std::uint64_t n_ids)
      : device_offsets_(backend, n_lists + 1), device_ids_(backend, n_ids) {}
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
