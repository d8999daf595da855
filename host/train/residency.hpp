// Where a run's training ratings are (--resident): on the device from the start, or streamed to it.
#pragma once

#include <memory>
#include <string>

#include "host/tables/arena.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/rating_source.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

// Adds to `plan`, which has all else that the run takes, what the source of its batches does. Whether the ratings are
// resident: "always", "never", or "auto", where they fit with room to spare. For "always" the plan names a remedy.
bool plan_ratings(Backend& backend, MemoryPlan& plan, const std::string& resident, const RatingView& ratings,
                  const RatingSourceOptions& options);

// Threads that read for a stream: where the device has memory of its own the cores that the training thread leaves, up
// to four; where it computes on the host's cores, one. `n_threads`: of the host that the run may use; 0: all.
unsigned n_readers(const Backend& backend, unsigned n_threads);

// `ratings` and the weights in `options` outlive the source.
std::unique_ptr<RatingSource> make_source(const Arena& arena, const RatingView& ratings,
                                          const RatingSourceOptions& options, bool is_resident);

}  // namespace unfold
