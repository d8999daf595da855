// A matrix in host memory.
#pragma once

#include <cstdint>
#include <vector>

namespace unfold {

// [rows, cols], row-major, without padding.
struct HostMatrix {
  std::uint64_t rows = 0;
  std::uint32_t cols = 0;
  std::vector<float> data;
};

}  // namespace unfold
