#include "kernels/predict_ratings.cuh"

#include "kernels/ops.hpp"

namespace unfold::cuda {

void run(const Context& context, const PredictRatings& op, std::span<std::byte> /*workspace*/) {
  if (op.n_pairs == 0) return;
  const TableView& user = op.parameters.user_factors.weight;
  const TableView& item = op.parameters.item_factors.weight;
  check_vector_table("user_factors", user);
  check_vector_table("item_factors", item);
  const unsigned grid = filling_grid(context.launch, op.n_pairs, kPredictThreads / kPredictWidth);
  with_element(user.type, [&]<typename Element>() {
    launch_kernel<predict_ratings_kernel<Element>>(context.launch, {grid, kPredictThreads}, op.parameters, op.users,
                                                   op.items, op.n_pairs, op.link, op.prediction);
  });
}

}  // namespace unfold::cuda
