// The order of an epoch: which blocks of ratings follow each other, and how batches cut that order.
#pragma once

#include <cstdint>
#include <vector>

#include "unfold/rating_source.hpp"

namespace unfold {

class EpochOrder {
 public:
  EpochOrder(std::uint64_t n_ratings, const RatingSourceOptions& options);

  std::uint64_t n_ratings() const { return n_ratings_; }
  std::uint64_t batch_size() const { return batch_size_; }  // of all but a last one, which may be short
  std::uint64_t n_batches() const { return (n_ratings_ + batch_size_ - 1) / batch_size_; }
  std::uint64_t size_of(std::uint64_t batch) const;
  std::uint32_t block_size() const { return block_size_; }
  std::uint64_t n_blocks() const { return (n_ratings_ + block_size_ - 1) / block_size_; }

  // The numbers of the blocks in the order of `epoch`, a short block last, so that every other stands at a multiple of
  // the block size. It depends on nothing but what was given above; epoch 0 leaves them as they are.
  std::vector<std::uint32_t> blocks(std::uint64_t epoch) const;

  // The sizes that an epoch's batches of n_ratings > 0 have, each once, the largest first.
  static std::vector<std::uint64_t> batch_sizes(std::uint64_t n_ratings, std::uint64_t batch_size);

 private:
  void permute_within_groups(std::uint64_t epoch, std::vector<std::uint32_t>& order) const;
  void permute_batches(std::uint64_t epoch, std::vector<std::uint32_t>& order) const;
  template <typename Swap>
  void permute(std::uint64_t epoch, std::uint64_t first, std::uint64_t n, Swap&& swap) const;

  std::uint64_t n_ratings_, batch_size_;
  std::uint32_t block_size_;
  std::uint64_t seed_;
  std::vector<std::uint64_t> groups_;
};

}  // namespace unfold
