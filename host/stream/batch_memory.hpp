// Where a batch's arrays lie in one piece of memory: users, items, ratings and weights, if any, each from a cache line
// on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "unfold/op_arguments.hpp"

namespace unfold {

class BatchMemory {
 public:
  // For batches of up to batch_size ratings.
  BatchMemory(std::uint64_t batch_size, bool has_weights)
      : array_bytes_((batch_size * 4 + 63) / 64 * 64), has_weights_(has_weights) {}

  std::uint64_t bytes() const { return (has_weights_ ? 4 : 3) * array_bytes_; }
  // From rating `first` on.
  RatingArrays arrays(std::byte* memory, std::uint64_t first = 0) const {
    memory += 4 * first;
    return {reinterpret_cast<Row*>(memory), reinterpret_cast<Row*>(memory + array_bytes_),
            reinterpret_cast<float*>(memory + 2 * array_bytes_),
            has_weights_ ? reinterpret_cast<float*>(memory + 3 * array_bytes_) : nullptr};
  }
  RatingBatch batch(const std::byte* memory, std::uint64_t size) const {
    const RatingArrays a = arrays(const_cast<std::byte*>(memory));
    return {a.users, a.items, a.ratings, size, a.weights};
  }

 private:
  std::uint64_t array_bytes_;
  bool has_weights_;
};

}  // namespace unfold
