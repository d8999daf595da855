// Ratings that stay in the device's memory: copied there once, and gathered batch by batch in the order of each epoch,
// which is a stream's. An epoch moves 4 bytes a block to the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include "host/stream/batch_memory.hpp"
#include "host/stream/epoch_order.hpp"
#include "host/tables/arena.hpp"
#include "unfold/rating_source.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

class ResidentRatings final : public RatingSource {
 public:
  // Copies `ratings` and their weights: neither is read afterwards.
  ResidentRatings(const Arena& arena, const RatingView& ratings, const RatingSourceOptions& options);

  std::uint64_t n_batches() const override { return order_.n_batches(); }
  void start_epoch(std::uint64_t epoch) override;
  // Every batch is gathered into the same memory, so it has the same addresses.
  RatingBatch next() override;

 private:
  void copy_all(const Arena& arena, const RatingView& ratings, const RatingSourceOptions& options);
  std::vector<std::uint32_t> blocks_of(std::uint64_t epoch);
  RatingBatch all() const;

  Backend& backend_;
  EpochOrder order_;
  BatchMemory layout_;
  DeviceArray<Row> users_, items_;
  DeviceArray<float> ratings_, weights_;
  DeviceArray<std::uint32_t> block_order_;
  DeviceArray<std::byte> batch_;
  std::uint64_t n_taken_ = 0;
  std::uint64_t next_epoch_ = 0;                         // that next_blocks_ are of
  std::future<std::vector<std::uint32_t>> next_blocks_;  // made while the device works on the epoch before
};

}  // namespace unfold
