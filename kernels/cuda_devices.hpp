// What GPUs there are, and why there are none. Compiles without CUDA's headers.
#pragma once

#include <string>
#include <vector>

namespace unfold {

// A line a device, as Backend::description. Empty where none can be used; then `notice` says why and what to do.
std::vector<std::string> cuda_device_descriptions(std::string& notice);

namespace cuda {

// "NVIDIA H200, 140 GiB, driver 580.65.06". Throws DeviceError.
std::string device_description(int device);

// The number of devices. Throws DeviceError saying why there is none, and what to do.
int require_devices();

// Throws DeviceError where there is no such device or it is too old for this build.
void require_device(int device);

}  // namespace cuda
}  // namespace unfold
