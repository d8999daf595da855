// A random order for more ratings than memory holds. Each rating's place follows from a random key, which Philox
// draws for its (user, item) pair: the order is the same for any memory and any order of adding.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include "host/data/rating_spill.hpp"

namespace unfold {

class ExternalShuffle {
 public:
  // At most `n_ratings` are added, each pair once. Takes about half of `memory_bytes`; the rest lies in a file
  // without a name in `directory`.
  ExternalShuffle(std::uint64_t n_ratings, bool with_times, std::uint64_t memory_bytes,
                  const std::filesystem::path& directory);

  void add(const Rating& rating);

  // Calls visit(rating) for each rating in random order. Once.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (std::uint64_t bucket = 0; bucket < buckets_.n_partitions(); ++bucket) {
      for (const auto& [key, rating] : sorted(bucket)) visit(rating);
    }
  }

 private:
  struct Keyed {
    std::uint64_t key;
    Rating rating;
  };
  const std::vector<Keyed>& sorted(std::uint64_t bucket);

  RatingSpill buckets_;  // by the keys' high bits
  std::vector<Keyed> sorted_;
};

}  // namespace unfold
