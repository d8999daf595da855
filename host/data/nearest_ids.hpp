// The known ids nearest to one that is not known.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "unfold/id_map.hpp"

namespace unfold {

// The rows of at most `n` ids near one that is not known, the nearest first, of equally near ones the lower row (the
// more frequent id). Of ids that differ in blanks around them or zeros in front, or that go on where `id` ends, too.
// Takes 10 to 400 ns an id of the map, the most where ids begin as this one does.
std::vector<Row> nearest_ids(std::string_view id, const IdMap& ids, std::size_t n);

}  // namespace unfold
