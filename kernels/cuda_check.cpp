#include "kernels/cuda_check.hpp"

#include <fmt/format.h>

#include <cstring>

#include "kernels/launch.hpp"
#include "unfold/error.hpp"
#include "unfold/memory_plan.hpp"

namespace unfold::cuda {
namespace {

// "kernels/lookup_rows.cu", however the compiler was given the path.
const char* short_path(const char* file) {
  const char* found = std::strstr(file, "kernels/");
  return found != nullptr ? found : file;
}

}  // namespace

void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears it
  throw DeviceError(fmt::format("{}:{}: {} failed: {} ({})", short_path(file), line, call, cudaGetErrorName(status),
                                cudaGetErrorString(status)));
}

void check_allocation(cudaError_t status, const char* what, std::uint64_t bytes, const char* file, int line) {
  if (status != cudaErrorMemoryAllocation) {
    return check(status, fmt::format("allocating {} of {}", format_bytes(bytes), what).c_str(), file, line);
  }
  cudaGetLastError();
  std::size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) cudaGetLastError();
  throw DeviceError(
      fmt::format("{}:{}: not enough {}: {} wanted; the device has {} of {} free, the host {}. Lower "
                  "the dimension or the batch size, or use --device cpu",
                  short_path(file), line, what, format_bytes(bytes), format_bytes(free), format_bytes(total),
                  format_bytes(available_host_bytes())));
}

void check_vector_table(const char* what, const ConstTableView& table) {
  if (table.cols > kMaxDim) {
    throw UsageError(fmt::format("{} has {} columns; the CUDA backend takes 1 to {}", what, table.cols, kMaxDim));
  }
  if (table.row_bytes() % 16 != 0 || reinterpret_cast<std::uintptr_t>(table.data) % 16 != 0) {
    throw UsageError(
        fmt::format("{} has stride {} at address {}; the CUDA backend takes strides that are a multiple "
                    "of {} elements of {} (Backend::row_stride), aligned to 16 bytes",
                    what, table.stride, table.data, 16 / element_bytes(table.type), table_type_name(table.type)));
  }
}

void check_same_stride(const char* what, const MatrixView<const float>& matrix, std::uint32_t stride) {
  if (matrix.data == nullptr || matrix.rows == 0 || matrix.stride == stride) return;
  throw UsageError(
      fmt::format("{} has stride {}, and the queries have {}; both must be the same", what, matrix.stride, stride));
}

}  // namespace unfold::cuda
