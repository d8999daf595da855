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

// Lists of rows, gathered on the host and copied to the backend.
struct DeviceLists {
  DeviceLists(Backend& backend, std::uint64_t n_lists, std::uint64_t n_ids)
      : device_offsets(backend, n_lists + 1), device_ids(backend, n_ids) {}

  void clear() {
    offsets.assign(1, 0);
    ids.clear();
  }
  void append(std::span<const Row> list) {
    ids.insert(ids.end(), list.begin(), list.end());
    offsets.push_back(ids.size());
  }
  RowLists upload() {
    device_offsets.upload(offsets);
    device_ids.upload(ids);
    return {device_offsets.data(), device_ids.data()};
  }

  std::vector<std::uint64_t> offsets;
  std::vector<Row> ids;
  DeviceArray<std::uint64_t> device_offsets;
  DeviceArray<Row> device_ids;
};

}  // namespace unfold
