// How many elements of a table are infinite or NaN.
// Formula   *count += elements of rows [0, rows), padding included, that are not finite
// Bytes     element_bytes * stride * rows
#pragma once

#include <cstdint>

#include "unfold/table_view.hpp"

namespace unfold {

struct CountNotFinite {
  ConstTableView table = {};  // [rows, cols], aligned to 16 bytes
  std::uint64_t* count = nullptr;
};

}  // namespace unfold
