// Where a run's training ratings are (--resident): on the device from the start, or streamed to it; on the host's cores
// where they are, or cut ahead for a step's threads.
#pragma once

#include <memory>
#include <string>

#include "host/tables/arena.hpp"
#include "unfold/memory_plan.hpp"
#include "unfold/model_family.hpp"
#include "unfold/rating_source.hpp"
#include "unfold/ratings.hpp"
#include "unfold/train_data.hpp"

namespace unfold {

// Adds to `plan`, which has all else that the run takes, what the source of its batches does. Whether the ratings are
// resident: "always", "never", or "auto", where they fit with room to spare. For "always" the plan names a remedy. Of
// ratings that are cut: whether the lists they are sorted into are in memory, where they fit with room to spare, or in
// a temporary file.
bool plan_ratings(Backend& backend, MemoryPlan& plan, const std::string& resident, const RatingView& ratings,
                  const RatingSourceOptions& options);

// Threads that read for a stream: where the device has memory of its own the cores that the training thread leaves, up
// to four; where it computes on the host's cores, one. `n_threads`: of the host that the run may use; 0: all.
unsigned n_readers(const Backend& backend, unsigned n_threads);

// How the batches of a run's ratings are cut ahead for the threads of its steps (RatingCut); not at all for a family
// that does not take such batches, and on a device with memory of its own.
RatingCut rating_cut(const Backend& backend, const ModelFamily& family, const TrainData& data,
                     std::uint64_t batch_size);

// `ratings` and the weights in `options` outlive the source.
std::unique_ptr<RatingSource> make_source(const Arena& arena, const RatingView& ratings,
                                          const RatingSourceOptions& options, bool is_resident);

}  // namespace unfold
