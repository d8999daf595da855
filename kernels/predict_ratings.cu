#include "kernels/predict_ratings.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void predict_ratings(const Launch& launch, const MfParameters& parameters, const Row* users, const Row* items,
                     std::uint64_t n, const RatingLoss& loss, float* prediction) {
  if (n == 0) return;
  const TableView& user = parameters.user_factors.weight;
  const TableView& item = parameters.item_factors.weight;
  check_vector_table("user_factors", user);
  check_vector_table("item_factors", item);
  const unsigned grid = filling_grid(launch, n, kPredictThreads / kPredictWidth);
  with_element(user.type, [&]<typename Element>() {
    launch_kernel<predict_ratings_kernel<Element>>(launch, {grid, kPredictThreads}, parameters, users, items, n, loss,
                                                   prediction);
  });
}

}  // namespace unfold::cuda
