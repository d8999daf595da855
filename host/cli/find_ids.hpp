// The rows of ids that a user names, one or a file of them.
#pragma once

#include <string>
#include <vector>

#include "unfold/id_map.hpp"

namespace unfold::cli {

// What the ids are of, for messages.
struct IdKind {
  const IdMap& ids;
  const char* noun;   // "user", "item"
  std::string model;  // where they are known
};

// Throws DataError that names the nearest known ids.
Row find_id(const IdKind& kind, const std::string& id);

// The rows of the ids in a file, plain, .gz or .zst, one a line, in its order; blank lines are passed over. Throws
// DataError: a file that cannot be read or holds no id; the first line whose id is not known, and how many more there
// are.
std::vector<Row> read_id_file(const IdKind& kind, const std::string& file);

}  // namespace unfold::cli
