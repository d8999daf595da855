// The choice of a device by name.
#include <fmt/format.h>

#include <charconv>

#include "host/ops/ops.hpp"
#include "unfold/backend.hpp"
#include "unfold/error.hpp"

namespace unfold {

#if !UNFOLD_WITH_CUDA
std::unique_ptr<Backend> make_cuda_backend(int) {
  throw DeviceError(
      "this build has no CUDA backend; configure with -DUNFOLD_CUDA=ON on a machine with the CUDA toolkit, or use "
      "--device cpu");
}
#endif

namespace {

void check_threads(unsigned threads) {
  constexpr unsigned kMost = cpu::kMaxThreads;
  if (threads > kMost) {
    throw UsageError(fmt::format("--threads {}: use 1 to {}, or 0 for all that the process may use", threads, kMost));
  }
}

int device_number(const std::string& device) {
  if (device == "cuda") return 0;
  int number = -1;
  const char* first = device.data() + 5;
  const char* last = device.data() + device.size();
  const auto [end, error] = std::from_chars(first, last, number);
  if (error != std::errc() || end != last || number < 0) {
    throw UsageError(fmt::format("device '{}': use auto, cpu, cuda, or cuda:N with N a device number from 0", device));
  }
  return number;
}

}  // namespace

std::unique_ptr<Backend> make_backend(const std::string& device, unsigned threads,
                                      const std::function<void(const std::string&)>& notice) {
  check_threads(threads);
  if (device == "cpu") return make_cpu_backend(threads);
  if (device == "cuda" || device.starts_with("cuda:")) return make_cuda_backend(device_number(device));
  if (device != "auto") {
    throw UsageError(fmt::format("device '{}': use auto, cpu, cuda, or cuda:N", device));
  }
#if UNFOLD_WITH_CUDA
  try {
    return make_cuda_backend(0);
  } catch (const DeviceError& error) {
    if (notice) notice(fmt::format("no GPU ({}); using the CPU", error.what()));
  }
#else
  static_cast<void>(notice);
#endif
  return make_cpu_backend(threads);
}

}  // namespace unfold
