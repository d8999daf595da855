#include "host/data/duplicates.hpp"

#include <algorithm>

namespace unfold {
namespace {

// What is needed of a rating to compare it with others of its user.
struct Occurrence {
  Row item;
  std::uint32_t position;  // in the partition
  std::int64_t time;
};
static_assert(sizeof(Occurrence) == kReplacedBytes);

constexpr std::uint64_t kMaxPartitionRatings = std::uint64_t{1} << 31;

// The finalizer of MurmurHash3 (Appleby): every bit of the pair moves every bit of the result.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDu;
  x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53u;
  return x ^ (x >> 33);
}

bool comes_before(const Occurrence& a, const Occurrence& b) {
  if (a.item != b.item) return a.item < b.item;
  if (a.time != b.time) return a.time < b.time;
  return a.position < b.position;
}

}  // namespace

std::uint64_t pair_partition(Row user, Row item, std::uint64_t n_partitions) {
  if (n_partitions == 1) return 0;
  return mixed((static_cast<std::uint64_t>(user) << 32) | item) % n_partitions;
}

std::vector<bool> find_replaced(RatingSpill& ratings, std::uint64_t partition, std::uint64_t n_users) {
  const auto n_ratings = static_cast<std::size_t>(ratings.size(partition));
  std::vector<std::uint32_t> ends(static_cast<std::size_t>(n_users) + 1, 0);  // ends[u]: where the next of u goes
  ratings.for_each(partition, [&](const Rating& rating) { ++ends[rating.user + std::size_t{1}]; });
  for (std::size_t user = 1; user < ends.size(); ++user) ends[user] += ends[user - 1];

  std::vector<Occurrence> by_user(n_ratings);
  std::uint32_t position = 0;
  ratings.for_each(partition, [&](const Rating& rating) {
    by_user[ends[rating.user]++] = {rating.item, position++, rating.time};
  });

  std::vector<bool> replaced(n_ratings, false);
  std::size_t begin = 0;
  for (std::size_t user = 0; user < n_users; ++user) {
    const std::size_t end = ends[user];
    std::sort(by_user.begin() + static_cast<std::ptrdiff_t>(begin), by_user.begin() + static_cast<std::ptrdiff_t>(end),
              comes_before);
    for (std::size_t n = begin + 1; n < end; ++n) {
      if (by_user[n - 1].item == by_user[n].item) replaced[by_user[n - 1].position] = true;
    }
    begin = end;
  }
  return replaced;
}

std::uint64_t pair_partitions_needed(std::uint64_t n_ratings, std::uint64_t memory_bytes) {
  const std::uint64_t by_memory = n_ratings * kReplacedBytes / std::max<std::uint64_t>(memory_bytes / 4, 1);
  return 1 + std::max(by_memory, n_ratings / kMaxPartitionRatings);
}

RatingSpill partition_by_pair(RatingSpill& ratings, std::uint64_t n_partitions, std::uint64_t memory_bytes,
                              const std::filesystem::path& directory) {
  RatingSpill partitioned(n_partitions, ratings.with_times(), memory_bytes / 4, directory);
  ratings.for_each(0, [&](const Rating& rating) {
    partitioned.append(pair_partition(rating.user, rating.item, n_partitions), rating);
  });
  return partitioned;
}

}  // namespace unfold
