// What this build is.
#pragma once

#include <string>
#include <vector>

namespace unfold {

inline constexpr const char* kVersion = "0.1.0";

struct BuildInfo {
  std::string version;     // "0.1.0"
  std::string commit;      // short hash, "" outside a checkout
  std::string compiler;    // "GCC 12.2.0"
  std::string build_type;  // "Release"
  std::string cuda;        // "13.0, sm_80 sm_90" or "" for a build without CUDA
  // SIMD targets this CPU supports, best first: "AVX3", "AVX2"...; then what multiplies bfloat16: "AMX_BF16",
  // "AVX512_BF16".
  std::vector<std::string> cpu_targets;
  unsigned threads = 0;              // threads the process may use
  std::vector<std::string> devices;  // GPUs, as Backend::description
  std::string device_notice;         // why there is no GPU, where the build has CUDA
};
BuildInfo build_info();

// Whether this build can use a GPU.
bool has_cuda_backend();

}  // namespace unfold
