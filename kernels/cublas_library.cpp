#include "kernels/cublas_library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "host/device/shared_library.hpp"

namespace unfold::cuda {
namespace {

namespace fs = std::filesystem;

// Where toolkits put their libraries: the one that is pointed to, the default one, then the newest.
std::vector<fs::path> toolkit_folders() {
  std::vector<fs::path> folders;
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
    if (const char* root = std::getenv(variable)) folders.push_back(fs::path(root) / "lib64");
  }
  folders.emplace_back("/usr/local/cuda/lib64");
  std::vector<fs::path> versions;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/local", ignored)) {
    if (entry.path().filename().string().starts_with("cuda-")) versions.push_back(entry.path() / "lib64");
  }
  std::sort(versions.begin(), versions.end(), std::greater<>());
  folders.insert(folders.end(), versions.begin(), versions.end());
  return folders;
}

template <typename Function>
void bind(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(shared_symbol(library, symbol));
}

CublasLibrary load() {
  const std::string remedy = fmt::format(
      "matrix products on the GPU, as in ranking items, need cuBLAS {0}: install it from the CUDA {0} "
      "toolkit, add its folder to LD_LIBRARY_PATH, or use --device cpu",
      CUBLAS_VER_MAJOR);
  void* const library =
      open_shared_library(fmt::format("libcublas.so.{}", CUBLAS_VER_MAJOR),
                          (program_directory() / "../lib").lexically_normal(), toolkit_folders(), remedy);
  CublasLibrary functions{};
  bind(library, "cublasCreate_v2", functions.create);
  bind(library, "cublasDestroy_v2", functions.destroy);
  bind(library, "cublasSetStream_v2", functions.set_stream);
  bind(library, "cublasSetWorkspace_v2", functions.set_workspace);
  bind(library, "cublasSetMathMode", functions.set_math_mode);
  bind(library, "cublasSetAtomicsMode", functions.set_atomics_mode);
  bind(library, "cublasSetPointerMode_v2", functions.set_pointer_mode);
  bind(library, "cublasSgemm_v2", functions.sgemm);
  bind(library, "cublasGemmEx", functions.gemm_ex);
  bind(library, "cublasGetStatusName", functions.status_name);
  bind(library, "cublasGetStatusString", functions.status_string);
  return functions;
}

}  // namespace

const CublasLibrary& cublas() {
  static const CublasLibrary library = load();
  return library;
}

}  // namespace unfold::cuda
