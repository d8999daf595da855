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

// cuBLAS is column-major: to it a row-major matrix is the transpose, and out^T = b^T a^T.
template <typename T>
cublasOperation_t operation(const Factor<T>& factor) {
  return factor.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}
template <typename T>
int depth(const Factor<T>& a) {
  return static_cast<int>(product_depth(a));
}

template <typename T>
inline constexpr cudaDataType kDataType = CUDA_R_32F;
template <>
inline constexpr cudaDataType kDataType<Bfloat16> = CUDA_R_16BF;

// out = a b + beta out, added up in float32.
template <typename Out>
void multiply(cublasHandle_t handle, const Factor<Bfloat16>& a, const Factor<Bfloat16>& b, float beta,
              MatrixView<Out> out) {
  const float one = 1;
  UNFOLD_BLAS_CHECK(gemm_ex, handle, operation(b), operation(a), static_cast<int>(out.cols), static_cast<int>(out.rows),
                    depth(a), &one, b.matrix.data, CUDA_R_16BF, static_cast<int>(b.matrix.stride), a.matrix.data,
                    CUDA_R_16BF, static_cast<int>(a.matrix.stride), &beta, out.data, kDataType<Out>,
                    static_cast<int>(out.stride), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

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
    // Sums of parts of a product that is written in 16 bits stay in float32 too.
    UNFOLD_BLAS_CHECK(
        set_math_mode, handle,
        static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
    UNFOLD_BLAS_CHECK(set_atomics_mode, handle, CUBLAS_ATOMICS_NOT_ALLOWED);
    UNFOLD_BLAS_CHECK(set_pointer_mode, handle, CUBLAS_POINTER_MODE_HOST);
  } catch (...) {
    library.destroy(handle);
    throw;
  }
  handle_ = handle;
}

void Blas::scores(MatrixView<const float> queries, MatrixView<const float> items, float* scores, std::uint64_t stride) {
  product({queries, false}, {items, true}, false, scores_view(scores, queries, items, stride));
}

void Blas::scores(MatrixView<const Bfloat16> queries, MatrixView<const Bfloat16> items, Bfloat16* scores,
                  std::uint64_t stride) {
  prepare();
  multiply(as_handle(handle_), {queries, false}, {items, true}, 0, scores_view(scores, queries, items, stride));
}

void Blas::product(const Factor<float>& a, const Factor<float>& b, bool adds, MatrixView<float> out) {
  prepare();
  const float one = 1, beta = adds ? 1.0f : 0.0f;
  UNFOLD_BLAS_CHECK(sgemm, as_handle(handle_), operation(b), operation(a), static_cast<int>(out.cols),
                    static_cast<int>(out.rows), depth(a), &one, b.matrix.data, static_cast<int>(b.matrix.stride),
                    a.matrix.data, static_cast<int>(a.matrix.stride), &beta, out.data, static_cast<int>(out.stride));
}

void Blas::product(const Factor<Bfloat16>& a, const Factor<Bfloat16>& b, bool adds, MatrixView<float> out) {
  prepare();
  multiply(as_handle(handle_), a, b, adds ? 1.0f : 0.0f, out);
}

}  // namespace unfold::cuda
