// Which group each item belongs to: a category, a genre, a shop, or the planted group of synthetic data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "unfold/id_map.hpp"

namespace unfold {

// Stands for the group of an item that has none.
inline constexpr std::uint32_t kNoGroup = 0xFFFFFFFFu;

struct ItemGroups {
  std::vector<std::uint32_t> of_item;  // [n_items], a number below names.size() or kNoGroup
  std::vector<std::string> names;      // ascending: numbers do not depend on the order of items

  std::uint64_t n_without() const;  // items that have no group
};

// A group an item, by name; an empty name is no group.
ItemGroups make_item_groups(const std::vector<std::string>& group_of_item);

// Reads a column (`column` is its name, or a number from 1) of a table of items: CSV, TSV, `;`, `::` or `|`, plain, .gz
// or .zst. Items that the table does not name, or whose value is empty, have no group; ids that `item_ids` lacks are
// passed over. Throws DataError: no such file or column, a line that cannot be read, a table that names none of the
// items.
ItemGroups read_item_groups(const std::filesystem::path& file, const std::string& column, const IdMap& item_ids);

}  // namespace unfold
