#include "kernels/update_rows_atomic_launch.cuh"

namespace unfold::cuda {
UNFOLD_UPDATE_ROWS_ATOMIC_OF(Bfloat16);
}  // namespace unfold::cuda
