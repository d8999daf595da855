// What nvcc includes before every .cu file, for the emulator: CUDA's words, vector types and device functions.
// Functions take the types that CUDA's take and no others, so that what compiles here compiles there.
#pragma once

#include <cmath>

#include "cuda_runtime_api.h"
#include "device_functions.h"
#include "vector_types.h"
#include "warp_matrix.h"

#define __host__
#define __device__
#define __global__ inline
#define __forceinline__ inline
#define __launch_bounds__(...)

#define threadIdx (::simt::thread_index)
#define blockIdx (::simt::block_index)
#define blockDim (::simt::block_extent)
#define gridDim (::simt::grid_extent)

// Instead of those in kernels/simt.cuh: the declaration's own static is the key to the block's memory.
#define UNFOLD_SHARED_ARRAY(type, name, size) \
  static constinit char name##_key = 0;       \
  auto* const name = static_cast<type*>(::simt::shared_array(&name##_key, sizeof(type) * (size), alignof(type)))
#define UNFOLD_DYNAMIC_SHARED(type, name) auto* const name = static_cast<type*>(::simt::dynamic_shared())
