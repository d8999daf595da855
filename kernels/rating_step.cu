#include "kernels/rating_step_launch.cuh"

namespace unfold::cuda {

void rating_step(const Launch& launch, const MfParameters& parameters, const RatingBatch& batch, const RatingLoss& loss,
                 const OptimizerStep& step, double* squared_error) {
  if (batch.size == 0) return;
  const TableView& user = parameters.user_factors.weight;
  check_vector_table("user_factors", user);
  check_vector_table("item_factors", parameters.item_factors.weight);
  with_element(user.type, [&]<typename Element>() {
    rating_step_of<Element>(launch, parameters, batch, loss, step, squared_error);
  });
}

}  // namespace unfold::cuda
