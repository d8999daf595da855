// Ratings that steps on the CPU read where they are, in the order of rating_lists.hpp: an epoch's batches are runs of
// arrays that were sorted once, and nothing is copied.
//
// Order. An epoch goes through the rounds of all stages in an order of its own, and through a list by blocks of ratings
// in an order of its own, as EpochOrder has it. The lists of a round are taken in turn, a rating of each, so batches
// have the size that was asked for wherever a round ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/io/temporary_map.hpp"
#include "host/stream/epoch_order.hpp"
#include "host/stream/rating_lists.hpp"
#include "host/tables/arena.hpp"
#include "unfold/rating_source.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

class CutRatings final : public RatingSource {
 public:
  // The lists in the arena's memory, or, where there is no room for that, in a temporary file. Where there is one list
  // alone, `ratings` are read where they are and outlive this; else they are not read afterwards.
  CutRatings(const Arena& arena, const RatingView& ratings, const RatingSourceOptions& options, bool in_memory);

  // Bytes of the lists; 0 where the ratings are read where they are.
  static std::uint64_t bytes(std::uint64_t n_ratings, const RatingCut& cut);

  std::uint64_t n_batches() const override { return order_.n_batches(); }
  void start_epoch(std::uint64_t epoch) override;
  RatingBatch next() override;

 private:
  // A list of the present round.
  struct Part {
    std::uint64_t begin = 0, size = 0;  // in the arrays
    std::uint64_t block_size = 1;       //
    std::uint64_t n_taken = 0;          // of its ratings
    std::vector<std::uint32_t> blocks;  // in the epoch's order
  };
  void start_round();
  void take(std::uint64_t n);
  std::vector<std::uint64_t> shares(std::uint64_t n) const;
  void add_runs(Part& part, std::uint64_t end);

  RatingSourceOptions options_;
  EpochOrder order_;
  DeviceArray<std::byte> memory_;
  TemporaryMap file_;
  RatingArrays lists_;                 // of the arrays that batches refer to
  std::vector<std::uint64_t> starts_;  // [n_lists + 1]
  std::uint64_t n_rounds_ = 0;

  std::uint64_t epoch_ = 0, n_batches_taken_ = 0;
  std::vector<std::uint32_t> rounds_;  // in the epoch's order
  std::size_t next_round_ = 0;
  std::uint64_t round_size_ = 0, n_taken_ = 0;  // of the present round
  std::vector<Part> parts_;
  // Of the present batch.
  std::vector<RatingRun> runs_;
  std::vector<std::uint64_t> ends_;
  std::uint64_t place_ = 0;
  RatingRuns cut_;
};

}  // namespace unfold
