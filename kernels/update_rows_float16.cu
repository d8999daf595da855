#include "kernels/update_rows_launch.cuh"

namespace unfold::cuda {
UNFOLD_UPDATE_ROWS_OF(Float16);
}  // namespace unfold::cuda
