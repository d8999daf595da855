// CUB for the emulated backend, as its documentation has it: the scratch is overwritten, and a sort looks at the bits
// that it was told of.
#include "kernels/device_algorithms.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace unfold::cuda {
namespace {

constexpr std::size_t kScratchBytesAnItem = 8;

// What CUB launches (CCCL 3.0, dispatch_radix_sort.cuh, dispatch_select_if.cuh, dispatch_reduce.cuh), memsets included:
// a sort of one tile is one kernel; a longer one takes a histogram, its scan and two sets, then a set and a kernel for
// each digit of eight bits. A selection initializes its tiles and sweeps. A reduction has a second kernel where one
// block cannot do it.
std::uint64_t launches_of_sort(std::uint64_t n, int n_bits) {
  constexpr std::uint64_t kTile = 256 * 19;
  return n <= kTile ? 1 : 4 + 2 * ((static_cast<std::uint64_t>(n_bits) + 7) / 8);
}
constexpr std::uint64_t kLaunchesOfSelect = 2;
std::uint64_t launches_of_reduce(std::uint64_t n) { return n <= 256 * 16 ? 1 : 2; }

std::size_t scratch_bytes(std::uint64_t n) { return 256 + n * kScratchBytesAnItem; }

void use(std::span<std::byte> scratch, std::uint64_t n) {
  if (scratch.size() < scratch_bytes(n)) throw std::runtime_error("the scratch is too small");
  std::memset(scratch.data(), 0xFF, scratch_bytes(n));
}

}  // namespace

void sort_by_row(std::span<std::byte> scratch, const Row* rows, Row* sorted_rows, const std::uint32_t* numbers,
                 std::uint32_t* order, std::uint64_t n, int n_bits, cudaStream_t stream) {
  simt::enqueue(
      stream, "sort_by_row",
      [=] {
        use(scratch, n);
        const std::uint64_t mask = (std::uint64_t{1} << n_bits) - 1;
        std::vector<std::uint64_t> places(n);
        std::iota(places.begin(), places.end(), 0u);
        std::stable_sort(places.begin(), places.end(),
                         [&](auto a, auto b) { return (rows[a] & mask) < (rows[b] & mask); });
        for (std::uint64_t k = 0; k < n; ++k) {
          sorted_rows[k] = rows[places[k]];
          order[k] = numbers[places[k]];
        }
      },
      launches_of_sort(n, n_bits));
}
std::size_t sort_by_row_scratch_bytes(std::uint64_t n) { return scratch_bytes(n); }

void select_starts(std::span<std::byte> scratch, const Row* sorted_rows, std::uint32_t* starts,
                   std::uint32_t* n_segments, std::uint64_t n, cudaStream_t stream) {
  simt::enqueue(
      stream, "select_starts",
      [=] {
        use(scratch, n);
        std::uint32_t count = 0;
        for (std::uint64_t k = 0; k < n; ++k) {
          if (k == 0 || sorted_rows[k] != sorted_rows[k - 1]) starts[count++] = static_cast<std::uint32_t>(k);
        }
        *n_segments = count;
      },
      kLaunchesOfSelect);
}
std::size_t select_starts_scratch_bytes(std::uint64_t n) { return scratch_bytes(n); }

void sum_errors(std::span<std::byte> scratch, const float* a, const float* b, std::uint64_t n, double* sums,
                cudaStream_t stream) {
  simt::enqueue(
      stream, "sum_errors",
      [=] {
        use(scratch, n);
        double squared = 0, absolute = 0;
        for (std::uint64_t k = 0; k < n; ++k) {
          const double error = static_cast<double>(a[k]) - static_cast<double>(b[k]);
          squared += error * error;
          absolute += std::abs(error);
        }
        sums[0] += squared;
        sums[1] += absolute;
      },
      launches_of_reduce(n + 1));
}
std::size_t sum_errors_scratch_bytes(std::uint64_t n) { return scratch_bytes(n); }

}  // namespace unfold::cuda
