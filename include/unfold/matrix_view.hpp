// A row-major matrix that someone else owns. Offsets are 64-bit: row * stride passes 2^31 on real tables.
#pragma once

#include <cstdint>

#include "unfold/host_device.hpp"

namespace unfold {

// A row of a user or item table. Ids are dense and ordered by descending frequency.
using Row = std::uint32_t;

// No row: what a list lacks at its end, a negative that is left out, an id that the model does not know.
inline constexpr Row kNoRow = 0xFFFFFFFFu;

template <typename T>
struct MatrixView {
  T* data = nullptr;         // [rows, stride], row-major
  std::uint64_t rows = 0;    //
  std::uint32_t cols = 0;    // columns in use
  std::uint32_t stride = 0;  // elements from one row to the next, >= cols; columns past cols hold zero

  UNFOLD_HOST_DEVICE T* row(std::uint64_t r) const { return data + r * stride; }
  UNFOLD_HOST_DEVICE std::uint64_t size() const { return rows * stride; }
  operator MatrixView<const T>() const { return {data, rows, cols, stride}; }
};

}  // namespace unfold
