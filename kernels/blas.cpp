#include "kernels/blas.hpp"

#include <fmt/format.h>

#include "kernels/cublas_library.hpp"
#include "unfold/error.hpp"

namespace unfold::cuda {
namespace {

// cuBLAS splits work over scratch that it would otherwise allocate in a call; NVIDIA advises 32 MiB on Hopper.
constexpr std::uint64_t kWorkspaceBytes = std::uint64_t{32} << 20;

void check_blas(cublasStatus_t status, const char* call, int line) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  cudaGetLastError();
  throw DeviceError(fmt::format("kernels/blas.cpp:{}: cuBLAS {} failed: {} ({})", line, call,
                                cublas().status_name(status), cublas().status_string(status)));
}
#define UNFOLD_BLAS_CHECK(function, ...) check_blas(cublas().function(__VA_ARGS__), #function, __LINE__)

cublasHandle_t as_handle(void* handle) { return static_cast<cublasHandle_t>(handle); }

}  // namespace

Blas::Blas(cudaStream_t stream) : stream_(stream) {}

Blas::~Blas() {
  if (handle_ != nullptr) cublas().destroy(as_handle(handle_));
}

void Blas::prepare() {
  if (handle_ != nullptr) return;
  const CublasLibrary& library = cublas();
  if (workspace_.data() == nullptr) workspace_ = DeviceMemory(kWorkspaceBytes);
  cublasHandle_t handle = nullptr;
  UNFOLD_BLAS_CHECK(create, &handle);
  try {
    UNFOLD_BLAS_CHECK(set_stream, handle, stream_);
    // After the stream, which resets it.
    UNFOLD_BLAS_CHECK(set_workspace, handle, workspace_.data(), workspace_.bytes());
    UNFOLD_BLAS_CHECK(set_math_mode, handle, CUBLAS_DEFAULT_MATH);
    UNFOLD_BLAS_CHECK(set_atomics_mode, handle, CUBLAS_ATOMICS_NOT_ALLOWED);
    UNFOLD_BLAS_CHECK(set_pointer_mode, handle, CUBLAS_POINTER_MODE_HOST);
  } catch (...) {
    library.destroy(handle);
    throw;
  }
  handle_ = handle;
}

void Blas::scores(MatrixView<const float> queries, MatrixView<const float> items, float* scores,
                  std::uint64_t stride) {
  product({queries, false}, {items, true}, false,
          {scores, queries.rows, static_cast<std::uint32_t>(items.rows), static_cast<std::uint32_t>(stride)});
}

void Blas::product(const Factor& a, const Factor& b, bool adds, MatrixView<float> out) {
  prepare();
  const float one = 1, beta = adds ? 1.0f : 0.0f;
  const auto operation = [](const Factor& factor) { return factor.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  const std::uint64_t depth = a.transposed ? a.matrix.rows : a.matrix.cols;
  // cuBLAS is column-major: to it a row-major matrix is the transpose, and out^T = b^T a^T.
  UNFOLD_BLAS_CHECK(sgemm, as_handle(handle_), operation(b), operation(a), static_cast<int>(out.cols),
                    static_cast<int>(out.rows), static_cast<int>(depth), &one, b.matrix.data,
                    static_cast<int>(b.matrix.stride), a.matrix.data, static_cast<int>(a.matrix.stride), &beta,
                    out.data, static_cast<int>(out.stride));
}

}  // namespace unfold::cuda
