// cuBLAS, loaded when the first matrix product asks for it: the program starts and trains without it.
#pragma once

#include <cublas_v2.h>

namespace unfold::cuda {

// What kernels/blas.cpp calls of it.
struct CublasLibrary {
  decltype(&::cublasCreate_v2) create;
  decltype(&::cublasDestroy_v2) destroy;
  decltype(&::cublasSetStream_v2) set_stream;
  decltype(&::cublasSetWorkspace_v2) set_workspace;
  decltype(&::cublasSetMathMode) set_math_mode;
  decltype(&::cublasSetAtomicsMode) set_atomics_mode;
  decltype(&::cublasSetPointerMode_v2) set_pointer_mode;
  decltype(&::cublasSgemm_v2) sgemm;
  // Spelt out, because the header overloads the name.
  cublasStatus_t (*gemm_ex)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n, int k,
                            const void* alpha, const void* a, cudaDataType a_type, int lda, const void* b,
                            cudaDataType b_type, int ldb, const void* beta, void* c, cudaDataType c_type, int ldc,
                            cublasComputeType_t, cublasGemmAlgo_t);
  decltype(&::cublasGetStatusName) status_name;
  decltype(&::cublasGetStatusString) status_string;
};

// Looked for in ../lib of the program, where the dynamic linker looks, in $CUDA_HOME, $CUDA_PATH and
// /usr/local/cuda*. Loaded once; the next call tries again where it failed. Throws DeviceError.
const CublasLibrary& cublas();

}  // namespace unfold::cuda
