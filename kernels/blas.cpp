#include "kernels/blas.hpp"

#include <cublas_v2.h>
#include <fmt/format.h>

#include "unfold/error.hpp"

namespace unfold::cuda {
namespace {

// cuBLAS splits work over scratch that it would otherwise allocate in a call; NVIDIA advises 32 MiB on Hopper.
constexpr std::uint64_t kWorkspaceBytes = std::uint64_t{32} << 20;

void check_blas(cublasStatus_t status, const char* call, int line) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  cudaGetLastError();
  throw DeviceError(fmt::format("kernels/blas.cpp:{}: {} failed: {} ({})", line, call, cublasGetStatusName(status),
                                cublasGetStatusString(status)));
}
#define UNFOLD_BLAS_CHECK(call) check_blas((call), #call, __LINE__)

cublasHandle_t as_handle(void* handle) { return static_cast<cublasHandle_t>(handle); }

}  // namespace

Blas::Blas(cudaStream_t stream) : workspace_(kWorkspaceBytes) {
  cublasHandle_t handle = nullptr;
  UNFOLD_BLAS_CHECK(cublasCreate(&handle));
  handle_ = handle;
  try {
    UNFOLD_BLAS_CHECK(cublasSetStream(handle, stream));
    // After the stream, which resets it.
    UNFOLD_BLAS_CHECK(cublasSetWorkspace(handle, workspace_.data(), workspace_.bytes()));
    UNFOLD_BLAS_CHECK(cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH));
    UNFOLD_BLAS_CHECK(cublasSetAtomicsMode(handle, CUBLAS_ATOMICS_NOT_ALLOWED));
    UNFOLD_BLAS_CHECK(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_HOST));
  } catch (...) {
    cublasDestroy(handle);
    throw;
  }
}

Blas::~Blas() { cublasDestroy(as_handle(handle_)); }

void Blas::scores(MatrixView<const float> queries, MatrixView<const float> items, float* scores,
                  std::uint64_t stride) {
  const float one = 1, zero = 0;
  // cuBLAS is column-major: a row-major [n, dim] is its [dim, n].
  UNFOLD_BLAS_CHECK(cublasSgemm(as_handle(handle_), CUBLAS_OP_T, CUBLAS_OP_N, static_cast<int>(items.rows),
                                static_cast<int>(queries.rows), static_cast<int>(items.cols), &one, items.data,
                                static_cast<int>(items.stride), queries.data, static_cast<int>(queries.stride), &zero,
                                scores, static_cast<int>(stride)));
}

}  // namespace unfold::cuda
