// A table of items beside a model: one of its columns (titles, groups) by the model's rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "unfold/id_map.hpp"

namespace unfold {

class ItemTable {
 public:
  ItemTable() = default;
  explicit ItemTable(std::uint64_t n_items) : values_(n_items) {}

  std::uint64_t n_items() const { return values_.size(); }
  // Whether the table names the item; item < n_items().
  bool has(Row item) const { return values_[item].begin != kAbsent; }
  // The item's value, UTF-8; empty for an item that the table does not name. Valid as long as the table.
  std::string_view value(Row item) const;
  // False, and nothing changes, where the item has one.
  bool add(Row item, std::string_view value);

  // Items of the model that the table does not name.
  std::uint64_t n_absent() const { return n_items() - n_named_; }

  std::string column;            // what was read: "title", or "column 2" where there is no header
  std::uint64_t n_unknown = 0;   // lines about items that the model does not know
  std::uint64_t n_repeated = 0;  // lines about an item that an earlier line names; the first one counts

 private:
  static constexpr std::uint64_t kAbsent = ~std::uint64_t{0};
  struct Place {
    std::uint64_t begin = kAbsent;
    std::uint64_t size = 0;
  };
  std::string text_;  // all values, one after the other
  std::vector<Place> values_;
  std::uint64_t n_named_ = 0;
};

// Reads CSV, TSV, `;`, `::` or `|`, with or without a header, plain, .gz or .zst; docs/query.md has the rules. The ids
// are in the column named item, itemId, movieId, ... or id, else in the first; `wanted` is the name of another column,
// or its number from 1, and empty for the titles: a column whose name is or ends in title or name, else the first
// beside the ids. Ids are compared as bytes; values that are not UTF-8 are taken for Latin-1.
// Throws DataError: a file or line that cannot be read, no such column, no line about an item of the model.
ItemTable read_item_table(const std::filesystem::path& file, const IdMap& item_ids, const std::string& wanted = {});

}  // namespace unfold
