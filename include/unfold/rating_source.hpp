// Where a run's batches come from, epoch after epoch: ratings that are streamed to the device, or that stay there.
//
// Order. The data set is shuffled once at import. Each epoch permutes blocks of it, keyed by (seed, epoch): reading
// stays sequential, and any epoch can be had again without state. With groups, blocks are permuted within their group
// and then whole batches: each holds one group, but for those at a border. Every source has the same order, but for
// those that cut batches ahead for a step's threads: they have an order of their own (host/stream/cut_ratings.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unfold/op_arguments.hpp"

namespace unfold {

// For whom batches are cut ahead (RatingRuns).
struct RatingCut {
  std::uint64_t n_users = 0, n_items = 0;
  std::uint64_t row_bytes = 0;  // of a row of either table, with its optimizer state; 0: batches are not cut
  std::uint32_t n_parts = 1;    // threads that a step runs on, >= 1
};

struct RatingSourceOptions {
  std::uint64_t batch_size = 262144;  // ratings a batch, >= 1
  unsigned n_slots = 0;               // of a stream: batches in flight, >= 2; 0: 3 to 32, by their size and the device
  std::uint64_t block_size = 0;       // ratings that stay together when an epoch permutes; 0: 16 to 4096, by the data
  std::uint64_t seed = 1;
  std::vector<std::uint64_t> groups = {};  // ascending from 0: where each group of ratings begins; empty: no groups
  std::span<const float> weights = {};     // of the ratings, which go with them; they outlive the source; empty: none
  unsigned n_readers = 1;                  // threads that read for a stream, >= 1
  RatingCut cut = {};                      // of a source that cuts
};

class RatingSource {
 public:
  virtual ~RatingSource() = default;

  virtual std::uint64_t n_batches() const = 0;  // of an epoch
  // Starts, or starts again, on an epoch. They count from 1; epoch 0 has the ratings in the order of the data.
  virtual void start_epoch(std::uint64_t epoch) = 0;
  // The next batch, in device memory, or one of size 0 at the end of the epoch. It stays valid until the next call.
  virtual RatingBatch next() = 0;
};

}  // namespace unfold
