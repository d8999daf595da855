// Sums of squared and absolute errors, slice by slice in a fixed order.
#include <cmath>

#include "host/ops/ops.hpp"

namespace unfold::cpu {

void run(const RatingErrorSums& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const std::uint64_t n = op.n_ratings;
  // At most this many slices, so that their sums fit on the stack; their bounds depend on n alone.
  constexpr std::uint64_t kMaxSlices = 256;
  const std::uint64_t slice = (n + kMaxSlices - 1) / kMaxSlices;
  if (slice == 0) return;
  const std::uint64_t n_slices = (n + slice - 1) / slice;
  double squared[kMaxSlices], absolute[kMaxSlices];
  parallel_slices(n, slice, threads_for(n, n_threads), [&](std::uint64_t first, std::uint64_t last) {
    double slice_squared = 0, slice_absolute = 0;
    for (std::uint64_t k = first; k < last; ++k) {
      const double error = static_cast<double>(op.prediction[k]) - static_cast<double>(op.rating[k]);
      slice_squared += error * error;
      slice_absolute += std::abs(error);
    }
    squared[first / slice] = slice_squared;
    absolute[first / slice] = slice_absolute;
  });
  for (std::uint64_t s = 0; s < n_slices; ++s) {
    op.sums[0] += squared[s];
    op.sums[1] += absolute[s];
  }
}

}  // namespace unfold::cpu
