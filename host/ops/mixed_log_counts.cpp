#include <cmath>

#include "host/ops/ops.hpp"

namespace unfold::cpu {

void run(const MixedLogCounts& op, std::span<std::byte> /*workspace*/, int /*n_threads*/) {
  for (std::uint64_t k = 0; k < op.n_given; ++k) ++op.times[op.given[k]];
  for (std::uint64_t k = 0; k < op.n_rows; ++k) {
    op.log_count[k] = std::log(op.expected_draws + static_cast<float>(op.times[op.rows[k]]));
  }
  for (std::uint64_t k = 0; k < op.n_given; ++k) op.times[op.given[k]] = 0;
}

}  // namespace unfold::cpu
