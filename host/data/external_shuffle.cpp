#include "host/data/external_shuffle.hpp"

#include <algorithm>
#include <tuple>

#include "unfold/random.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kSeed = 0;              // fixed: an import is a function of its file and options
constexpr std::uint64_t kBucketRatings = 4096;  // sorted within the processor's cache
constexpr std::uint64_t kMaxCachedBuckets = 2048;
constexpr std::uint64_t kBytesPerRating = 64;  // twice what sorting takes, as buckets differ in size

RandomBlock draw(const Rating& rating) {
  const std::uint64_t pair = (static_cast<std::uint64_t>(rating.user) << 32) | rating.item;
  return random_block(kSeed, RandomPurpose::kShuffleImport, 0, pair);
}

std::uint64_t bucket_count(std::uint64_t n_ratings, std::uint64_t memory_bytes) {
  const std::uint64_t for_cache = std::min(n_ratings / kBucketRatings, kMaxCachedBuckets);
  const std::uint64_t for_memory = n_ratings * kBytesPerRating / std::max<std::uint64_t>(memory_bytes / 4, 1);
  return 1 + std::max(for_cache, for_memory);
}

}  // namespace

ExternalShuffle::ExternalShuffle(std::uint64_t n_ratings, bool with_times, std::uint64_t memory_bytes,
                                 const std::filesystem::path& directory)
    : buckets_(bucket_count(n_ratings, memory_bytes), with_times, memory_bytes / 4, directory) {}

void ExternalShuffle::add(const Rating& rating) {
  const RandomBlock block = draw(rating);
  buckets_.append(uniform_below(block.v[0], block.v[1], buckets_.n_partitions()), rating);
}

const std::vector<ExternalShuffle::Keyed>& ExternalShuffle::sorted(std::uint64_t bucket) {
  sorted_.clear();
  sorted_.reserve(static_cast<std::size_t>(buckets_.size(bucket)));
  buckets_.for_each(bucket, [&](const Rating& rating) {
    const RandomBlock block = draw(rating);
    sorted_.push_back({(static_cast<std::uint64_t>(block.v[0]) << 32) | block.v[1], rating});
  });
  buckets_.drop(bucket);
  std::sort(sorted_.begin(), sorted_.end(), [](const Keyed& a, const Keyed& b) {
    return std::tie(a.key, a.rating.user, a.rating.item) < std::tie(b.key, b.rating.user, b.rating.item);
  });
  return sorted_;
}

}  // namespace unfold
