// Repeated (user, item) pairs: of each, the last by time stays, and among equal times the last in the file.
#pragma once

#include <cstdint>
#include <vector>

#include "host/data/rating_spill.hpp"

namespace unfold {

// Bytes that find_replaced takes for a rating of the partition.
inline constexpr std::uint64_t kReplacedBytes = 16;

// The partition of a pair, the same for equal pairs.
std::uint64_t pair_partition(Row user, Row item, std::uint64_t n_partitions);

// For each rating of a partition, in its order: whether another of the same pair replaces it. Rows of users are below
// `n_users`; a partition holds fewer than 2^32 ratings.
std::vector<bool> find_replaced(RatingSpill& ratings, std::uint64_t partition, std::uint64_t n_users);

// Partitions that `n_ratings` need, so that find_replaced takes no more than about a quarter of `memory_bytes`.
std::uint64_t pair_partitions_needed(std::uint64_t n_ratings, std::uint64_t memory_bytes);

// The ratings of partition 0 in `n_partitions` by pair, in the order they came.
RatingSpill partition_by_pair(RatingSpill& ratings, std::uint64_t n_partitions, std::uint64_t memory_bytes,
                              const std::filesystem::path& directory);

}  // namespace unfold
