#include "unfold/scorer.hpp"

#include <stdexcept>

namespace unfold {

void Scorer::predict_ratings(const Row* /*users*/, const Row* /*items*/, std::uint64_t /*n*/, float* /*ratings*/) {
  throw std::logic_error("the scores of this model are no ratings");
}

void Scorer::query_vectors(const UserBlock& /*users*/, MatrixView<float> /*out*/) {
  throw std::logic_error("the scores of this model are no products");
}

ItemVectors Scorer::item_vectors() { throw std::logic_error("the scores of this model are no products"); }

}  // namespace unfold
