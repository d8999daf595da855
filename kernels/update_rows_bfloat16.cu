#include "kernels/update_rows_launch.cuh"

namespace unfold::cuda {
UNFOLD_UPDATE_ROWS_OF(Bfloat16);
}  // namespace unfold::cuda
