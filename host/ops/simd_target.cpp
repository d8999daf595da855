// Which SIMD target run-time dispatch picks on this CPU.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "host/ops/simd_target.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "host/ops/ops.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace unfold::cpu::HWY_NAMESPACE {
const char* target_name() { return hwy::TargetName(HWY_TARGET); }
}  // namespace unfold::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unfold::cpu {
HWY_EXPORT(target_name);
const char* simd_target() { return HWY_DYNAMIC_DISPATCH(target_name)(); }
}  // namespace unfold::cpu
#endif
