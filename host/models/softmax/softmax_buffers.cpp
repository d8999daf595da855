#include "host/models/softmax/softmax_buffers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unfold {
namespace {

// Scores of a block beyond the least that an op needs: larger tiles.
constexpr std::uint64_t kTileBytes = std::uint64_t{16} << 20;
constexpr const char* kSortName = "rows of a batch, sorted";

}  // namespace

SoftmaxBuffers::SoftmaxBuffers(const Arena& arena, const SoftmaxShape& shape, bool learn_temperature,
                               std::uint32_t stride)
    : sort(arena, kSortName, shape.n_item_rows()),
      temperature_sort(arena, kSortName, learn_temperature ? shape.batch_size() : 0) {
  const std::uint64_t n = shape.batch_size(), n_looked_up = n + shape.n_shared(), n_rows = shape.n_item_rows();
  const std::uint64_t n_temperatures = learn_temperature ? n : 0;
  const std::uint64_t n_candidates = shape.n_drawn_candidates();
  const std::uint64_t n_candidate_vectors = shape.own_negatives ? 0 : n_candidates;
  const std::string name = fmt::format("a batch of {}: {} item rows", n, n_rows);
  const auto floats = [&](std::uint64_t size) { return arena.array<float>(name, size); };
  item_rows = arena.array<Row>(name, n_rows);
  queries = ScoredRows(arena, name, n, stride);
  items = ScoredRows(arena, name, n_looked_up, stride);
  item_bias = floats(shape.has_bias ? n_looked_up : 0);
  query_gradient = floats(n * stride);
  item_gradient = floats(n_rows * stride);
  bias_gradient = floats(shape.has_bias ? n_rows : 0);
  temperature_gradient = floats(n_temperatures);
  zero_rows = arena.array<Row>(name, n_temperatures);
  log_count = floats(shape.n_shared() > 0 ? n_looked_up : 0);
  own_log_count = floats(n * shape.n_own());
  candidates = arena.array<Row>(name, n_candidates);
  candidate_log_count = floats(n_candidates);
  candidate_bias = floats(shape.has_bias ? n_candidate_vectors : 0);
  candidate_vectors = ScoredRows(arena, name, n_candidate_vectors, stride);
  workspace = arena.array<std::byte>("workspace of a step", workspace_bytes(arena.backend(), shape));
}

std::uint64_t SoftmaxBuffers::workspace_bytes(const Backend& backend, const SoftmaxShape& shape) {
  const std::uint64_t n_shared = shape.n_shared();
  const std::uint32_t stride = backend.row_stride(shape.dim, shape.table_type);
  const SoftmaxBatch batch{.queries = {nullptr, shape.batch_size(), shape.dim, stride}};
  std::uint64_t bytes =
      backend.workspace_bytes(SampledSoftmax{.batch = batch,
                                             .shared = {.vectors = {nullptr, n_shared, shape.dim, stride},
                                                        .score_type = shape.score_type,
                                                        .fused = shape.fused},
                                             .own = {.n = shape.n_own()}});
  // Bits and sums of larger chunks where nothing else is kept.
  const bool is_fused = shape.fused && backend.has_own_memory();
  bytes += std::min(is_fused ? 2 * kTileBytes : kTileBytes, 4 * shape.batch_size() * n_shared);
  if (shape.has_hard()) {
    bytes = std::max(
        bytes, backend.workspace_bytes(SelectNegatives{.batch = batch, .pool = {.n = shape.negatives.n_candidates}}));
  }
  return std::max(bytes, backend.workspace_bytes(UpdateRows{.sorted = {.n = shape.n_item_rows()}}));
}

}  // namespace unfold
