// Cosines as products of vectors of length 1. Lengths and quotients are double; an item without a direction has a bias
// that is no number, and so a score that top_k never lists.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "host/query/list_items.hpp"
#include "host/score/product_scorer.hpp"
#include "host/store/product_tensors.hpp"
#include "host/tables/table_transfer.hpp"

namespace unfold {
namespace {

// 0 for an embedding without a direction.
double length_of(std::span<const float> embedding) {
  double sum = 0;
  for (const float x : embedding) sum += double{x} * double{x};
  return std::isfinite(sum) ? std::sqrt(sum) : 0;
}

// Writes the embedding scaled to length 1. False, with nothing written, where it has no direction.
bool write_direction(std::span<const float> embedding, std::span<float> out) {
  const double length = length_of(embedding);
  if (length == 0) return false;
  std::ranges::transform(embedding, out.begin(), [length](float x) { return static_cast<float>(x / length); });
  return true;
}

// All items' directions, a few MiB of rows at a time; `bias` becomes 0, or NaN for an item without one.
void upload_directions(Backend& backend, const Tensor& items, const MatrixView<float>& table,
                       std::vector<float>& bias) {
  bias.assign(table.rows, 0.0f);
  const std::uint64_t n_rows = std::max<std::uint64_t>(1, (std::uint64_t{1} << 20) / table.stride);
  std::vector<float> staging;
  for (std::uint64_t first = 0; first < table.rows; first += n_rows) {
    const std::uint64_t n = std::min(n_rows, table.rows - first);
    staging.assign(n * table.stride, 0.0f);
    for (std::uint64_t r = 0; r < n; ++r) {
      const std::span<float> row(staging.data() + r * table.stride, table.cols);
      if (!write_direction(items.row(first + r), row)) {
        bias[first + r] = std::numeric_limits<float>::quiet_NaN();
      }
    }
    upload_rows(backend, staging, table, first);
  }
}

// Leaves each item out of its own list.
class OwnItem final : public UserLists {
 public:
  std::uint64_t size(Row) const override { return 1; }
  void append(Row item, std::vector<Row>& ids) const override { ids.push_back(item); }
};

}  // namespace

bool has_direction(const Model& model, Row item) { return length_of(item_embedding(model).row(item)) > 0; }

void find_neighbors(Backend& backend, const Model& model, std::span<const Row> items, const QueryOptions& options,
                    const QuerySink& sink) {
  validate(options);
  const Tensor& embedding = item_embedding(model);
  const auto dim = static_cast<std::uint32_t>(embedding.cols());
  const std::uint32_t stride = backend.row_stride(dim);
  DeviceArray<float> directions(backend, embedding.rows() * stride);
  const MatrixView<float> view{directions.data(), embedding.rows(), dim, stride};
  std::vector<float> host_bias;
  upload_directions(backend, embedding, view, host_bias);
  DeviceArray<float> bias(backend, host_bias.size());
  bias.upload(host_bias);

  ProductTables tables;
  tables.parameters.user_factors.weight = tables.parameters.item_factors.weight = view;
  tables.parameters.item_bias.weight = MatrixView<float>{bias.data(), bias.size(), 1, 1};
  ProductScorer scorer(Arena(backend), tables);
  std::vector<ScoredItem> clamped;
  list_items(backend, scorer, items, OwnItem(), options, [&](std::uint64_t n, std::span<const ScoredItem> list) {
    clamped.clear();
    if (!std::isnan(host_bias[items[n]])) clamped.assign(list.begin(), list.end());
    // Rounding may pass 1 by a bit or two.
    for (ScoredItem& item : clamped) item.score = std::clamp(item.score, -1.0f, 1.0f);
    sink(n, clamped);
  });
}

}  // namespace unfold
