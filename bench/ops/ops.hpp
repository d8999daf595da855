// The list of ops that are timed: each registers its benchmarks once the device is chosen. What tells most comes first:
// a run that is cut short has that.
#pragma once

#define UNFOLD_BENCHMARKS(X) \
  X(rating_step)             \
  X(update_rows)             \
  X(lookup_rows)             \
  X(sampled_softmax)         \
  X(top_k)                   \
  X(select_negatives)        \
  X(draw_negatives)          \
  X(pool_rows)               \
  X(rank_targets)            \
  X(rating_gradients)        \
  X(predict_ratings)         \
  X(transform_rows)          \
  X(mixed_log_counts)        \
  X(rating_error_sums)

namespace unfold::bench {

#define UNFOLD_BENCHMARK(op) void register_##op();
UNFOLD_BENCHMARKS(UNFOLD_BENCHMARK)
#undef UNFOLD_BENCHMARK

}  // namespace unfold::bench
