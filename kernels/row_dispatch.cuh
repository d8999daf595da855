// From a table's dimension and optimizer, known at run time, to the kernel compiled for them. For launchers.
#pragma once

#include <type_traits>

#include "kernels/launch.hpp"
#include "kernels/row_slice.cuh"
#include "unfold/optimizer.hpp"

namespace unfold::cuda {

// The shapes that a kernel is compiled for. Where an op has a kernel a shape, type and optimizer, compiling them takes
// longer than all else, and the shapes of the shortest and of long rows are few models': with kFew, rows of up to 16
// columns of float32 (32 of 16 bits) and of 257 to 512 run in the next shape up, where half of the lanes, or of what
// each holds, is idle. That takes up to twice the instructions a row, and no more memory. With kLeast so do rows of 17
// to 32 columns of float32.
enum class ShapeSet { kAll, kFew, kLeast };

// Calls launch(RowShape<...>()) with the shape for `dim` columns of an Element: the fewest lanes that need hold no more
// than two float4 each, or eight elements of 16 bits, so that a warp has several rows in flight (8 lanes still read
// whole 128-byte lines), and beyond a full warp more of them a lane.
template <typename Element, ShapeSet kShapes = ShapeSet::kAll, typename LaunchShape>
void dispatch_shape(std::uint32_t dim, LaunchShape&& launch) {
  constexpr bool kAll = kShapes == ShapeSet::kAll;
  if constexpr (sizeof(Element) == 2) {
    if constexpr (kAll) {
      if (dim <= 32) return launch(RowShape<4, 1, 8>());
    }
    if (dim <= 64) return launch(RowShape<8, 1, 8>());
    if (dim <= 128) return launch(RowShape<16, 1, 8>());
    if (dim <= 256) return launch(RowShape<32, 1, 8>());
    if constexpr (kAll) {
      if (dim <= 512) return launch(RowShape<32, 2, 8>());
    }
    launch(RowShape<32, 4, 8>());
  } else {
    if constexpr (kAll) {
      if (dim <= 16) return launch(RowShape<4, 1, 4>());
    }
    if constexpr (kShapes != ShapeSet::kLeast) {
      if (dim <= 32) return launch(RowShape<8, 1, 4>());
    }
    if (dim <= 64) return launch(RowShape<8, 2, 4>());
    if (dim <= 128) return launch(RowShape<16, 2, 4>());
    if (dim <= 256) return launch(RowShape<32, 2, 4>());
    if constexpr (kAll) {
      if (dim <= 512) return launch(RowShape<32, 4, 4>());
    }
    launch(RowShape<32, 8, 4>());
  }
}

// Calls launch(std::integral_constant<OptimizerKind, kind>()).
template <typename LaunchKind>
void dispatch_optimizer(OptimizerKind kind, LaunchKind&& launch) {
  switch (kind) {
    case OptimizerKind::kSgd:
      return launch(std::integral_constant<OptimizerKind, OptimizerKind::kSgd>());
    case OptimizerKind::kAdagrad:
      return launch(std::integral_constant<OptimizerKind, OptimizerKind::kAdagrad>());
    case OptimizerKind::kRowwiseAdagrad:
      return launch(std::integral_constant<OptimizerKind, OptimizerKind::kRowwiseAdagrad>());
    case OptimizerKind::kAdam:
      return launch(std::integral_constant<OptimizerKind, OptimizerKind::kAdam>());
  }
}

}  // namespace unfold::cuda
