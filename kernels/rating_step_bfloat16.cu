#include "kernels/rating_step_launch.cuh"

namespace unfold::cuda {
UNFOLD_RATING_STEP_OF(Bfloat16);
}  // namespace unfold::cuda
