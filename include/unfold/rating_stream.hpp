// Streams a data set's ratings to a backend, epoch after epoch: a reader thread fills the slots of a ring ahead
// of the compute, so that the device does not wait for data.
//
// Order. The data set is shuffled once at import. Each epoch permutes blocks of it, keyed by (seed, epoch): reading
// stays sequential, and any epoch can be streamed again without state. With groups, blocks are permuted within their
// group and then whole batches: each holds one group, but for those at a border.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "unfold/backend.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

struct RatingStreamOptions {
  std::uint64_t batch_size = 262144;  // ratings a batch, >= 1
  unsigned n_slots = 3;               // batches in flight, >= 2
  std::uint64_t block_size = 0;       // ratings that stay together when an epoch permutes; 0: 16 to 4096, by the data
  std::uint64_t seed = 1;
  std::vector<std::uint64_t> groups = {};  // ascending from 0: where each group of ratings begins; empty: no groups
  std::span<const float> weights = {};     // of the ratings, streamed with them; they outlive the stream; empty: none
};

class RatingStream {
 public:
  using MakeSlot = std::function<std::unique_ptr<StreamSlot>(std::uint64_t bytes)>;

  // `ratings` and `backend` outlive the stream. Allocates the ring.
  RatingStream(Backend& backend, const RatingView& ratings, const RatingStreamOptions& options);
  RatingStream(const MakeSlot& make_slot, const RatingView& ratings, const RatingStreamOptions& options);
  ~RatingStream();
  RatingStream(const RatingStream&) = delete;
  RatingStream& operator=(const RatingStream&) = delete;

  static std::uint64_t slot_bytes(std::uint64_t batch_size, bool has_weights);
  // The sizes that an epoch's batches of n_ratings > 0 have, each once, the largest first.
  static std::vector<std::uint64_t> batch_sizes(std::uint64_t n_ratings, std::uint64_t batch_size);

  std::uint64_t n_batches() const;  // of an epoch
  // Starts (or restarts) the reader on an epoch.
  void start_epoch(std::uint64_t epoch);
  // The next batch, in device memory, or one of size 0 at the end of the epoch. It stays valid until the next
  // call, which hands its slot back to the reader. Rethrows what stopped the reader.
  RatingBatch next();
  // Time that the device spent on the epoch's batches; the rest of the epoch it had none to work on. After the last
  // batch: waits for the device.
  double busy_seconds();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold
