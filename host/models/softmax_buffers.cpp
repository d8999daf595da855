#include "host/models/softmax_buffers.hpp"

#include <algorithm>
#include <type_traits>

namespace unfold {
namespace {

// Scores of a block beyond the least that an op needs: larger tiles.
constexpr std::uint64_t kTileBytes = std::uint64_t{16} << 20;

template <typename T>
constexpr std::uint64_t element_size(const DeviceArray<T>& /*array*/) {
  return sizeof(T);
}

}  // namespace

template <typename Visit>
void SoftmaxBuffers::for_each_array(const SoftmaxShape& shape, bool learn_temperature, std::uint32_t stride,
                                    Visit&& visit) {
  const auto visit_scored = [&](ScoredRows& rows, std::uint64_t n) {
    visit(rows.vectors, n * stride);
    visit(rows.scale, n);
  };
  const std::uint64_t n = shape.batch_size, n_looked_up = n + shape.n_shared(), n_rows = shape.n_item_rows();
  const std::uint64_t n_temperatures = learn_temperature ? n : 0;
  const std::uint64_t n_candidates = shape.n_drawn_candidates();
  const std::uint64_t n_candidate_vectors = shape.own_negatives ? 0 : n_candidates;
  visit(item_rows, n_rows);
  visit_scored(queries, n);
  visit_scored(items, n_looked_up);
  visit(item_bias, shape.has_bias ? n_looked_up : 0);
  visit(query_gradient, n * stride);
  visit(item_gradient, n_rows * stride);
  visit(bias_gradient, shape.has_bias ? n_rows : 0);
  visit(temperature_gradient, n_temperatures);
  visit(zero_rows, n_temperatures);
  visit(shared_log_count, shape.n_shared());
  visit(own_log_count, n * shape.n_own());
  visit(candidates, n_candidates);
  visit(candidate_log_count, n_candidates);
  visit(candidate_bias, shape.has_bias ? n_candidate_vectors : 0);
  visit_scored(candidate_vectors, n_candidate_vectors);
}

SoftmaxBuffers::SoftmaxBuffers(Backend& backend, const SoftmaxShape& shape, bool learn_temperature,
                               std::uint32_t stride)
    : workspace(backend, workspace_bytes(backend, shape)) {
  for_each_array(shape, learn_temperature, stride,
                 [&](auto& array, std::uint64_t n) { array = std::remove_reference_t<decltype(array)>(backend, n); });
}

std::uint64_t SoftmaxBuffers::array_bytes(const SoftmaxShape& shape, bool learn_temperature, std::uint32_t stride) {
  std::uint64_t bytes = 0;
  SoftmaxBuffers().for_each_array(shape, learn_temperature, stride,
                                  [&](const auto& array, std::uint64_t n) { bytes += n * element_size(array); });
  return bytes;
}

std::uint64_t SoftmaxBuffers::workspace_bytes(const Backend& backend, const SoftmaxShape& shape) {
  const std::uint64_t n_shared = shape.n_shared();
  std::uint64_t bytes = backend.sampled_softmax_workspace_bytes(shape.batch_size, n_shared, shape.n_own(), shape.dim,
                                                                shape.score_type) +
                        std::min(kTileBytes, 4 * shape.batch_size * n_shared);
  if (shape.has_hard()) {
    bytes = std::max(
        bytes, backend.select_negatives_workspace_bytes(shape.batch_size, shape.negatives.n_candidates, shape.dim));
  }
  return std::max(bytes, backend.update_rows_workspace_bytes(shape.n_item_rows()));
}

}  // namespace unfold
