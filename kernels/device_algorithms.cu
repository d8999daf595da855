#include "kernels/device_algorithms.hpp"

#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include <array>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_select.cuh>

#include "kernels/cuda_check.hpp"

namespace unfold::cuda {
namespace {

using Count = std::int64_t;  // CUB's number of items

// The scratch of n items that an algorithm asks for: `ask` gets the bytes from CUB, which may have to ask the runtime
// about the device. Launchers need them at every step, so each thread remembers those of the last few n.
template <typename Ask>
std::size_t scratch_bytes(std::uint64_t n, const Ask& ask) {
  struct Known {
    int device = -1;
    std::uint64_t n = 0;
    std::size_t bytes = 0;
  };
  thread_local std::array<Known, 8> all_known;  // one a type of `ask`, so one an algorithm
  thread_local std::size_t n_asked = 0;
  int device = 0;
  UNFOLD_CUDA_CHECK(cudaGetDevice(&device));
  for (const Known& known : all_known) {
    if (known.device == device && known.n == n) return known.bytes;
  }
  Known& oldest = all_known[n_asked++ % all_known.size()];
  oldest.device = -1;
  UNFOLD_CUDA_CHECK(ask(oldest.bytes));
  oldest.device = device;
  oldest.n = n;
  return oldest.bytes;
}

// A position where a new row begins.
struct IsStart {
  const Row* sorted_rows;
  __device__ bool operator()(std::uint32_t position) const {
    return position == 0 || sorted_rows[position] != sorted_rows[position - 1];
  }
};

// Element k of what sum_errors adds up; the last is what the sums were before. A reduction reads all of its input
// before it writes, so that it may write over that.
struct ErrorPair {
  double squared, absolute;
};
struct ErrorAt {
  const float* a;
  const float* b;
  std::uint64_t n;
  const ErrorPair* before;
  __device__ ErrorPair operator()(std::uint64_t k) const {
    if (k == n) return *before;
    const double error = static_cast<double>(a[k]) - static_cast<double>(b[k]);
    return {error * error, fabs(error)};
  }
};
struct AddErrors {
  __device__ ErrorPair operator()(const ErrorPair& x, const ErrorPair& y) const {
    return {x.squared + y.squared, x.absolute + y.absolute};
  }
};
cudaError_t reduce_errors(void* scratch, std::size_t& bytes, const ErrorAt& error_at, ErrorPair* sums,
                          cudaStream_t stream) {
  const auto errors = thrust::make_transform_iterator(thrust::counting_iterator<std::uint64_t>(0), error_at);
  return cub::DeviceReduce::Reduce(scratch, bytes, errors, sums, static_cast<Count>(error_at.n + 1), AddErrors(),
                                   ErrorPair{0, 0}, stream);
}

}  // namespace

void sort_by_row(std::span<std::byte> scratch, const Row* rows, Row* sorted_rows, const std::uint32_t* numbers,
                 std::uint32_t* order, std::uint64_t n, int n_bits, cudaStream_t stream) {
  std::size_t bytes = scratch.size();
  UNFOLD_CUDA_CHECK(cub::DeviceRadixSort::SortPairs(scratch.data(), bytes, rows, sorted_rows, numbers, order,
                                                    static_cast<Count>(n), 0, n_bits, stream));
}
std::size_t sort_by_row_scratch_bytes(std::uint64_t n) {
  return scratch_bytes(n, [n](std::size_t& bytes) {
    const Row* rows = nullptr;
    Row* sorted_rows = nullptr;
    return cub::DeviceRadixSort::SortPairs(nullptr, bytes, rows, sorted_rows, rows, sorted_rows, static_cast<Count>(n));
  });
}

void select_starts(std::span<std::byte> scratch, const Row* sorted_rows, std::uint32_t* starts,
                   std::uint32_t* n_segments, std::uint64_t n, cudaStream_t stream) {
  std::size_t bytes = scratch.size();
  UNFOLD_CUDA_CHECK(cub::DeviceSelect::If(scratch.data(), bytes, thrust::counting_iterator<std::uint32_t>(0), starts,
                                          n_segments, static_cast<Count>(n), IsStart{sorted_rows}, stream));
}
std::size_t select_starts_scratch_bytes(std::uint64_t n) {
  return scratch_bytes(n, [n](std::size_t& bytes) {
    std::uint32_t* none = nullptr;
    return cub::DeviceSelect::If(nullptr, bytes, thrust::counting_iterator<std::uint32_t>(0), none, none,
                                 static_cast<Count>(n), IsStart{nullptr});
  });
}

void sum_errors(std::span<std::byte> scratch, const float* a, const float* b, std::uint64_t n, double* sums,
                cudaStream_t stream) {
  std::size_t bytes = scratch.size();
  auto* const pair = reinterpret_cast<ErrorPair*>(sums);
  UNFOLD_CUDA_CHECK(reduce_errors(scratch.data(), bytes, {a, b, n, pair}, pair, stream));
}
std::size_t sum_errors_scratch_bytes(std::uint64_t n) {
  return scratch_bytes(n, [n](std::size_t& bytes) {
    return reduce_errors(nullptr, bytes, {nullptr, nullptr, n, nullptr}, nullptr, nullptr);
  });
}

}  // namespace unfold::cuda
