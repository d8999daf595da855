#include "kernels/cuda_devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "kernels/cuda_check.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace cuda {
namespace {

constexpr int kLeastMajor = 8;  // compute capability; the kernels are compiled for 8.0 and newer

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

// The driver's own number, "580.65.06", from the line that its kernel module shows; else the CUDA version that it
// supports.
std::string driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line, word;
  std::getline(file, line);
  std::istringstream words(line);
  while (words >> word) {
    const bool is_number = word.find_first_not_of("0123456789.") == std::string::npos;
    if (is_number && word.find('.') != std::string::npos) return word;
  }
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess) cudaGetLastError();
  return "for CUDA " + version_text(version);
}

std::string driver_problem(cudaError_t status) {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess) cudaGetLastError();
  const std::string name = cudaGetErrorName(status);
  if (status == cudaErrorInsufficientDriver && driver == 0) {
    return fmt::format("no NVIDIA driver was found ({}); install one for CUDA {} or newer, or use --device cpu", name,
                       version_text(CUDART_VERSION));
  }
  if (status == cudaErrorInsufficientDriver) {
    return fmt::format(
        "the NVIDIA driver is for CUDA {} ({}), and this build needs {} or newer; update the driver, or "
        "use --device cpu",
        version_text(driver), name, version_text(CUDART_VERSION));
  }
  if (status == cudaErrorNoDevice) {
    return fmt::format(
        "the NVIDIA driver shows no GPU ({}); see nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device "
        "cpu",
        name);
  }
  return fmt::format("CUDA does not start: {} ({}); see nvidia-smi, or use --device cpu", cudaGetErrorString(status),
                     name);
}

}  // namespace

int require_devices() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError();
    throw DeviceError(driver_problem(status));
  }
  if (count == 0) throw DeviceError(driver_problem(cudaErrorNoDevice));
  return count;
}

void require_device(int device) {
  const int count = require_devices();
  if (device < 0 || device >= count) {
    throw DeviceError(fmt::format("cuda:{} is not here; this machine has cuda:0{}", device,
                                  count > 1 ? fmt::format(" to cuda:{}", count - 1) : std::string()));
  }
  cudaDeviceProp properties;
  UNFOLD_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  if (properties.major < kLeastMajor) {
    throw DeviceError(
        fmt::format("cuda:{} ({}) has compute capability {}.{}, and this build needs {}.0 or newer; use "
                    "--device cpu",
                    device, properties.name, properties.major, properties.minor, kLeastMajor));
  }
}

std::string device_description(int device) {
  cudaDeviceProp properties;
  UNFOLD_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  const double gib = static_cast<double>(properties.totalGlobalMem) / (1 << 30);
  return fmt::format("{}, {:.0f} GiB, driver {}", properties.name, gib, driver_version());
}

}  // namespace cuda

std::vector<std::string> cuda_device_descriptions(std::string& notice) {
  std::vector<std::string> descriptions;
  try {
    const int count = cuda::require_devices();
    for (int device = 0; device < count; ++device) descriptions.push_back(cuda::device_description(device));
  } catch (const DeviceError& error) {
    descriptions.clear();
    notice = error.what();
  }
  return descriptions;
}

}  // namespace unfold
