#include "kernels/rating_step_launch.cuh"

namespace unfold::cuda {
UNFOLD_RATING_STEP_OF(Float16);
}  // namespace unfold::cuda
