#include <thrust/iterator/counting_iterator.h>

#include <bit>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_select.cuh>

#include "kernels/ops.hpp"
#include "kernels/row_dispatch.cuh"
#include "kernels/update_rows.cuh"
#include "kernels/workspace.hpp"

namespace unfold::cuda {
namespace {

// A position where a new row begins.
struct IsStart {
  const Row* sorted_rows;
  __device__ bool operator()(std::uint32_t position) const {
    return position == 0 || sorted_rows[position] != sorted_rows[position - 1];
  }
};

using Count = std::int64_t;  // CUB's number of items

cudaError_t sort_by_row(void* scratch, std::size_t& scratch_bytes, const Row* rows, Row* sorted_rows,
                        const std::uint32_t* numbers, std::uint32_t* order, std::uint64_t n, int n_bits,
                        cudaStream_t stream) {
  return cub::DeviceRadixSort::SortPairs(scratch, scratch_bytes, rows, sorted_rows, numbers, order,
                                         static_cast<Count>(n), 0, n_bits, stream);
}

cudaError_t select_starts(void* scratch, std::size_t& scratch_bytes, const Row* sorted_rows, std::uint32_t* starts,
                          std::uint32_t* n_segments, std::uint64_t n, cudaStream_t stream) {
  return cub::DeviceSelect::If(scratch, scratch_bytes, thrust::counting_iterator<std::uint32_t>(0), starts, n_segments,
                               static_cast<Count>(n), IsStart{sorted_rows}, stream);
}

std::size_t cub_scratch_bytes(std::uint64_t n) {
  std::size_t sort = 0, select = 0;
  UNFOLD_CUDA_CHECK(sort_by_row(nullptr, sort, nullptr, nullptr, nullptr, nullptr, n, 32, nullptr));
  UNFOLD_CUDA_CHECK(select_starts(nullptr, select, nullptr, nullptr, nullptr, n, nullptr));
  return sort > select ? sort : select;
}

// The workspace in parts. starts holds 0, 1, 2, ... until the sort has carried them to order.
struct Parts {
  Row* sorted_rows;
  std::uint32_t *order, *starts, *n_segments;
  float* chunk_sums;
  std::byte* cub_scratch;
};
Parts cut(Workspace& workspace, std::uint64_t n_rows, std::uint64_t sum_stride, std::size_t cub_bytes) {
  Parts parts = {};
  parts.sorted_rows = workspace.take<Row>(n_rows);
  parts.order = workspace.take<std::uint32_t>(n_rows);
  parts.starts = workspace.take<std::uint32_t>(n_rows);
  parts.n_segments = workspace.take<std::uint32_t>(1);
  parts.chunk_sums = workspace.take<float>(chunk_slots(n_rows) * sum_stride);
  parts.cub_scratch = workspace.take<std::byte>(cub_bytes);
  return parts;
}

SortedBatch sort_batch(const Launch& launch, const Parts& parts, std::size_t cub_bytes, const Row* rows,
                       std::uint64_t n_rows, std::uint64_t n_table_rows) {
  const unsigned grid = filling_grid(launch, n_rows, kUpdateThreads);
  number_positions_kernel<<<grid, kUpdateThreads, 0, launch.stream>>>(parts.starts, n_rows);
  UNFOLD_CUDA_CHECK_LAUNCH();
  const int n_bits = n_table_rows > 1 ? static_cast<int>(std::bit_width(n_table_rows - 1)) : 1;
  UNFOLD_CUDA_CHECK(sort_by_row(parts.cub_scratch, cub_bytes, rows, parts.sorted_rows, parts.starts, parts.order,
                                n_rows, n_bits, launch.stream));
  UNFOLD_CUDA_CHECK(select_starts(parts.cub_scratch, cub_bytes, parts.sorted_rows, parts.starts, parts.n_segments,
                                  n_rows, launch.stream));
  return {parts.sorted_rows, parts.order, parts.starts, parts.n_segments, n_rows};
}

template <OptimizerKind kKind, typename Shape>
void launch_update(const Launch& launch, const ParameterView& table, const SortedBatch& batch,
                   MatrixView<const float> gradient, const OptimizerStep& step, float* chunk_sums) {
  constexpr std::uint64_t kGroupsABlock = kUpdateThreads / Shape::kWidth;
  const unsigned chunk_grid = filling_grid(launch, chunk_slots(batch.n_rows), kGroupsABlock);
  sum_chunks_kernel<Shape><<<chunk_grid, kUpdateThreads, 0, launch.stream>>>(batch, gradient, chunk_sums);
  UNFOLD_CUDA_CHECK_LAUNCH();
  const unsigned grid = filling_grid(launch, std::min(batch.n_rows, table.weight.rows), kGroupsABlock);
  update_segments_kernel<kKind, Shape>
      <<<grid, kUpdateThreads, 0, launch.stream>>>(table, batch, gradient, chunk_sums, step);
  UNFOLD_CUDA_CHECK_LAUNCH();
}

}  // namespace

void update_rows(const Launch& launch, const ParameterView& table, const Row* rows, std::uint64_t n_rows,
                 MatrixView<const float> gradient, const OptimizerStep& step, std::span<std::byte> workspace) {
  if (n_rows == 0) return;
  const MatrixView<float>& weight = table.weight;
  const bool is_scalar = weight.cols == 1 && weight.stride == 1 && gradient.stride == 1;
  if (!is_scalar) {
    check_vector_table("table", weight.data, weight.cols, weight.stride);
    check_vector_table("gradient", gradient.data, gradient.cols, gradient.stride);
  }
  Workspace memory(workspace);
  const std::size_t cub_bytes = cub_scratch_bytes(n_rows);
  const Parts parts = cut(memory, n_rows, (weight.cols + 3u) / 4u * 4u, cub_bytes);
  check_workspace("update_rows", memory, workspace.size());
  const SortedBatch batch = sort_batch(launch, parts, cub_bytes, rows, n_rows, weight.rows);
  dispatch_optimizer(step.kind, [&](auto kind) {
    constexpr OptimizerKind kKind = decltype(kind)::value;
    if (is_scalar) {
      return launch_update<kKind, ScalarShape>(launch, table, batch, gradient, step, parts.chunk_sums);
    }
    dispatch_shape(weight.cols, [&](auto shape) {
      launch_update<kKind, decltype(shape)>(launch, table, batch, gradient, step, parts.chunk_sums);
    });
  });
}

std::uint64_t update_rows_workspace_bytes(std::uint64_t n_rows) {
  if (n_rows == 0) return 0;
  Workspace none;
  cut(none, n_rows, kMaxDim, cub_scratch_bytes(n_rows));
  return none.used_bytes();
}

}  // namespace unfold::cuda
