#include <cmath>

#include "host/ops/ops.hpp"

namespace unfold::cpu {

void mixed_log_counts(const Row* given, std::uint64_t n_given, const Row* rows, std::uint64_t n, float expected_draws,
                      std::uint32_t* times, float* log_count) {
  for (std::uint64_t k = 0; k < n_given; ++k) ++times[given[k]];
  for (std::uint64_t k = 0; k < n; ++k) log_count[k] = std::log(expected_draws + static_cast<float>(times[rows[k]]));
  for (std::uint64_t k = 0; k < n_given; ++k) times[given[k]] = 0;
}

}  // namespace unfold::cpu
