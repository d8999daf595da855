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
  const int n_slices = threads_for(n / kRatingsAPiece, n_threads);
  if (n_slices == 1) return gather_slice(op, 0, n);
  const auto bound = [&](int slice) {
    return n * static_cast<std::uint64_t>(slice) / static_cast<std::uint64_t>(n_slices);
  };
#pragma omp parallel for num_threads(n_slices) schedule(static)
  for (int slice = 0; slice < n_slices; ++slice) gather_slice(op, bound(slice), bound(slice + 1));
}

}  // namespace unfold::cpu
