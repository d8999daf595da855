#include "kernels/rating_step_launch.cuh"

namespace unfold::cuda {

void run(const Context& context, const RatingStep& op, std::span<std::byte> /*workspace*/) {
  if (op.batch.size == 0) return;
  const TableView& user = op.parameters.user_factors.weight;
  check_vector_table("user_factors", user);
  check_vector_table("item_factors", op.parameters.item_factors.weight);
  with_element(user.type, [&]<typename Element>() { rating_step_of<Element>(context.launch, op); });
}

}  // namespace unfold::cuda
