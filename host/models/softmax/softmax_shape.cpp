#include "host/models/softmax/softmax_shape.hpp"

#include <cmath>

namespace unfold {

std::uint64_t SoftmaxShape::n_in_batch() const {
  const bool has_in_batch =
      negatives.random == RandomNegatives::kInBatch || negatives.random == RandomNegatives::kMixed;
  return has_in_batch ? batch_size() : 0;
}

std::uint64_t SoftmaxShape::n_shared() const {
  switch (negatives.random) {
    case RandomNegatives::kNone:
      return 0;
    case RandomNegatives::kFull:
      return n_items;
    case RandomNegatives::kInBatch:
      return batch_size();
    case RandomNegatives::kMixed: {  // as many uniform ones as leave the in-batch ones their fraction
      const double share = negatives.in_batch_fraction;
      return batch_size() +
             static_cast<std::uint64_t>(std::llround(static_cast<double>(batch_size()) * (1 - share) / share));
    }
    case RandomNegatives::kUniform:
    case RandomNegatives::kPopularity:
      break;
  }
  return own_negatives && !has_hard() ? 0 : n_negatives;
}

std::uint32_t SoftmaxShape::n_own() const {
  if (has_hard()) return negatives.n_hard;
  return own_negatives ? n_negatives : 0;
}

std::uint64_t SoftmaxShape::n_drawn_candidates() const {
  if (!has_hard() || has_lists()) return 0;
  return negatives.n_candidates * (own_negatives ? batch_size() : 1);
}

}  // namespace unfold
