// Marks functions that are compiled for the host and, under nvcc, for the device too.
#pragma once

#if defined(__CUDACC__)
#define UNFOLD_HOST_DEVICE __host__ __device__
#else
#define UNFOLD_HOST_DEVICE
#endif
