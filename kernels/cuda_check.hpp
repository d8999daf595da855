// Checks of CUDA calls. A failure throws DeviceError with file, line, call and error name, and clears the
// error that CUDA keeps per thread, so that the next check reports its own.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace unfold::cuda {

void check(cudaError_t status, const char* call, const char* file, int line);

// For allocations: `what` ("device memory"), and with cudaErrorMemoryAllocation the bytes wanted and free.
void check_allocation(cudaError_t status, const char* what, std::uint64_t bytes, const char* file, int line);

}  // namespace unfold::cuda

#define UNFOLD_CUDA_CHECK(call) ::unfold::cuda::check((call), #call, __FILE__, __LINE__)
