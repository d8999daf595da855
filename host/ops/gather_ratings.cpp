// Gathers a batch by blocks: what lies together is copied together.
#include <algorithm>
#include <cstring>

#include "host/ops/ops.hpp"

namespace unfold::cpu {
namespace {

// Ratings that a thread copies in about the time that ops of rows take for a row (threads_for).
constexpr std::uint64_t kRatingsAPiece = 16;

// Ratings [begin, end) of the batch.
void gather_slice(const GatherRatings& op, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const std::uint64_t place = op.first + begin, within = place % op.block_size;
    const std::uint64_t from = std::uint64_t{op.block_order[place / op.block_size]} * op.block_size + within;
    const std::uint64_t n = std::min(op.block_size - within, end - begin);
    std::memcpy(op.out.users + begin, op.all.users + from, sizeof(Row) * n);
    std::memcpy(op.out.items + begin, op.all.items + from, sizeof(Row) * n);
    std::memcpy(op.out.ratings + begin, op.all.ratings + from, sizeof(float) * n);
    if (op.out.weights != nullptr) std::memcpy(op.out.weights + begin, op.all.weights + from, sizeof(float) * n);
    begin += n;
  }
}

}  // namespace

void run(const GatherRatings& op, std::span<std::byte> /*workspace*/, int n_threads) {
  const std::uint64_t n = op.n_ratings;
  constexpr std::uint64_t kSlice = 1024 * kRatingsAPiece;
  parallel_slices(n, kSlice, threads_for(n / kRatingsAPiece, n_threads),
                  [&](std::uint64_t first, std::uint64_t last) { gather_slice(op, first, last); });
}

}  // namespace unfold::cpu
