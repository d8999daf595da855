// What CUB does for the launchers. `scratch` of each holds at least its _scratch_bytes(n).
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "unfold/matrix_view.hpp"

namespace unfold::cuda {

// A stable sort of rows below 2^n_bits, and `numbers` carried along to `order`. All arrays [n].
void sort_by_row(std::span<std::byte> scratch, const Row* rows, Row* sorted_rows, const std::uint32_t* numbers,
                 std::uint32_t* order, std::uint64_t n, int n_bits, cudaStream_t stream);
std::size_t sort_by_row_scratch_bytes(std::uint64_t n);

// starts[0 .. *n_segments): the positions of `sorted_rows` [n] where a row begins that differs from the one before,
// ascending.
void select_starts(std::span<std::byte> scratch, const Row* sorted_rows, std::uint32_t* starts,
                   std::uint32_t* n_segments, std::uint64_t n, cudaStream_t stream);
std::size_t select_starts_scratch_bytes(std::uint64_t n);

// sums[0] += sum of (a[k] - b[k])^2 and sums[1] += sum of |a[k] - b[k]| over k < n, in such an order.
void sum_errors(std::span<std::byte> scratch, const float* a, const float* b, std::uint64_t n, double* sums,
                cudaStream_t stream);
std::size_t sum_errors_scratch_bytes(std::uint64_t n);

}  // namespace unfold::cuda
