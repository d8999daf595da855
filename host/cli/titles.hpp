// Titles of items, from the table of --items.
#pragma once

#include <string>

#include "host/cli/progress.hpp"
#include "host/data/item_table.hpp"

namespace unfold::cli {

// Reads the table and tells of items that it leaves out or names twice. Throws DataError.
ItemTable load_titles(const std::string& items, const IdMap& item_ids, Progress& progress);

}  // namespace unfold::cli
