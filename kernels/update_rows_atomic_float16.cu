#include "kernels/update_rows_atomic_launch.cuh"

namespace unfold::cuda {
UNFOLD_UPDATE_ROWS_ATOMIC_OF(Float16);
}  // namespace unfold::cuda
