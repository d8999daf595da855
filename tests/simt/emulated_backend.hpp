// The CUDA backend of kernels/, its kernels run by the emulator.
#pragma once

#include <memory>

#include "unfold/backend.hpp"

namespace unfold {

std::unique_ptr<Backend> make_emulated_backend(int device = 0);

}  // namespace unfold
