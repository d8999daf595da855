// Streams a data set's ratings to a backend, epoch after epoch: reader threads fill the slots of a ring ahead of the
// compute, so that the device does not wait for data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "unfold/backend.hpp"
#include "unfold/rating_source.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

class Arena;

class RatingStream final : public RatingSource {
 public:
  using MakeSlot = std::function<std::unique_ptr<StreamSlot>(std::uint64_t bytes)>;

  // `ratings` and `backend` outlive the stream. Allocates the ring.
  RatingStream(Backend& backend, const RatingView& ratings, const RatingSourceOptions& options);
  // Where the options leave their number open: 3 slots.
  RatingStream(const MakeSlot& make_slot, const RatingView& ratings, const RatingSourceOptions& options);
  // Takes the ring from an arena, by this name. One that is planned streams nothing.
  RatingStream(const Arena& arena, const std::string& name, const RatingView& ratings,
               const RatingSourceOptions& options);
  ~RatingStream() override;
  RatingStream(const RatingStream&) = delete;
  RatingStream& operator=(const RatingStream&) = delete;

  // Slots of the ring: as the options say, or where they leave it open, 3, and on a device with memory of its own as
  // many as 32 MiB hold, up to 32: where steps are short, the readers have to be more of them ahead.
  static unsigned n_slots(const Backend& backend, std::uint64_t n_ratings, const RatingSourceOptions& options);

  std::uint64_t n_batches() const override;
  // Starts (or restarts) the readers on an epoch.
  void start_epoch(std::uint64_t epoch) override;
  // A call hands the slot of the batch before back to the readers. Rethrows what stopped one of them.
  RatingBatch next() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold
