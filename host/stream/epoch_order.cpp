#include "host/stream/epoch_order.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "unfold/random.hpp"

namespace unfold {
namespace {

// An epoch is well mixed by this many blocks; more would only make reading less sequential.
constexpr std::uint64_t kBlocksAnEpoch = 65536;
constexpr std::uint64_t kSmallestBlock = 16, kLargestBlock = 4096;
constexpr std::uint64_t kMostBlock = std::uint64_t{1} << 31;  // that GatherRatings takes

std::uint32_t block_size_of(std::uint64_t n_ratings, std::uint64_t batch_size, const RatingSourceOptions& options) {
  std::uint64_t size = std::min(options.block_size, kMostBlock);
  if (size == 0) size = std::clamp(n_ratings / kBlocksAnEpoch, kSmallestBlock, kLargestBlock);
  // Whole batches are permuted, so they hold whole blocks.
  if (!options.groups.empty()) size = std::gcd(size, batch_size);
  return static_cast<std::uint32_t>(size);
}

}  // namespace

EpochOrder::EpochOrder(std::uint64_t n_ratings, const RatingSourceOptions& options)
    : n_ratings_(n_ratings),
      batch_size_(std::max<std::uint64_t>(1, std::min(options.batch_size, n_ratings))),
      block_size_(block_size_of(n_ratings, batch_size_, options)),
      seed_(options.seed),
      groups_(options.groups) {}

std::uint64_t EpochOrder::size_of(std::uint64_t batch) const {
  return std::min(batch_size_, n_ratings_ - batch * batch_size_);
}

std::vector<std::uint64_t> EpochOrder::batch_sizes(std::uint64_t n_ratings, std::uint64_t batch_size) {
  const std::uint64_t last = (n_ratings - 1) % batch_size + 1;
  if (n_ratings <= batch_size || last == batch_size) return {last};
  return {batch_size, last};
}

std::vector<std::uint32_t> EpochOrder::blocks(std::uint64_t epoch) const {
  std::vector<std::uint32_t> order(n_blocks());
  std::iota(order.begin(), order.end(), 0u);
  if (order.empty() || epoch == 0) return order;
  permute_within_groups(epoch, order);
  const auto last = static_cast<std::uint32_t>(order.size() - 1);
  std::iter_swap(std::find(order.begin(), order.end(), last), order.end() - 1);
  if (!groups_.empty()) permute_batches(epoch, order);
  return order;
}

// Calls swap(a, b) for pairs of [0, n), in an order that makes a random permutation (Fisher and Yates). Permutations of
// an epoch differ by `first`.
template <typename Swap>
void EpochOrder::permute(std::uint64_t epoch, std::uint64_t first, std::uint64_t n, Swap&& swap) const {
  for (; n > 1; --n) {
    const RandomBlock random =
        random_block(seed_, RandomPurpose::kShuffleEpoch, static_cast<std::uint32_t>(epoch), first + n);
    swap(n - 1, uniform_below(random.v[0], random.v[1], n));
  }
}

// Of blocks that hold two groups, each belongs to the one that it begins with.
void EpochOrder::permute_within_groups(std::uint64_t epoch, std::vector<std::uint32_t>& order) const {
  std::uint64_t first = 0;
  for (std::size_t g = 0; g == 0 || g < groups_.size(); ++g) {
    const bool is_last = g + 1 >= groups_.size();
    const std::uint64_t end = is_last ? order.size() : (groups_[g + 1] + block_size_ - 1) / block_size_;
    permute(epoch, first, end - first,
            [&](std::uint64_t a, std::uint64_t b) { std::swap(order[first + a], order[first + b]); });
    first = end;
  }
}

// All but a short one, which stays last.
void EpochOrder::permute_batches(std::uint64_t epoch, std::vector<std::uint32_t>& order) const {
  const std::uint64_t n_blocks_a_batch = batch_size_ / block_size_;
  const auto batch = [&](std::uint64_t n) { return order.begin() + static_cast<std::ptrdiff_t>(n * n_blocks_a_batch); };
  permute(epoch, order.size(), n_ratings_ / batch_size_, [&](std::uint64_t a, std::uint64_t b) {
    if (a != b) std::swap_ranges(batch(a), batch(a + 1), batch(b));
  });
}

}  // namespace unfold
