// What this build is and what it finds on this machine.
#include <hwy/targets.h>

#include "host/ops/bfloat16_products.hpp"
#include "host/threads/processors.hpp"
#include "unfold/version.hpp"
#if UNFOLD_WITH_CUDA
#include "kernels/cuda_devices.hpp"
#endif

namespace unfold {

bool has_cuda_backend() {
#if UNFOLD_WITH_CUDA
  return true;
#else
  return false;
#endif
}

BuildInfo build_info() {
  BuildInfo info;
  info.version = kVersion;
  info.commit = UNFOLD_COMMIT;
  info.compiler = UNFOLD_COMPILER;
  info.build_type = UNFOLD_BUILD_TYPE;
  info.cuda = UNFOLD_CUDA_TEXT;
  // Lower bits are better targets.
  for (std::int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    info.cpu_targets.emplace_back(hwy::TargetName(targets & -targets));
  }
  for (const cpu::Bfloat16Unit unit : cpu::processor_bfloat16_units()) {
    info.cpu_targets.emplace_back(unit == cpu::Bfloat16Unit::kAmx ? "AMX_BF16" : "AVX512_BF16");
  }
  info.threads = usable_processors();
#if UNFOLD_WITH_CUDA
  info.devices = cuda_device_descriptions(info.device_notice);
#endif
  return info;
}

}  // namespace unfold
