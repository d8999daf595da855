#include "host/ops/softmax_products.hpp"

#include <algorithm>

#include "host/ops/item_tiles.hpp"
#include "host/ops/ops.hpp"
#include "host/ops/softmax_kernels.hpp"

namespace unfold::cpu {
namespace {

// The unit that multiplies what the negatives' products may round, where the processor has one.
std::optional<Bfloat16Unit> unit_for(TableType score_type) {
  if (score_type != TableType::kBfloat16 || bfloat16_units().empty()) return std::nullopt;
  return bfloat16_units().front();
}

ProductPanels in_panels(MatrixView<const float> matrix, const std::byte* panels) {
  return panels == nullptr ? panels_of(matrix) : copied_panels(matrix, reinterpret_cast<const float*>(panels));
}

}  // namespace

SoftmaxProducts::SoftmaxProducts(WorkspaceCutter& cutter, MatrixView<const float> queries,
                                 const SharedNegatives& shared, bool sums_weights)
    : queries_(queries),
      vectors_(shared.vectors),
      given_queries_(queries),
      given_vectors_(shared.vectors),
      bias_(shared.bias),
      unit_(unit_for(shared.score_type)),
      rounds_weights_(shared.score_type == TableType::kBfloat16 && (!unit_ || sums_weights)) {
  const std::uint64_t n = shared.n();
  if (n == 0) return;
  if (unit_) {
    const std::uint64_t columns = panels_for(queries.stride);
    panels_ = cutter.take<std::byte>(panels_for(n) * bfloat16_panel_bytes(queries.cols));
    vector_panels_ = cutter.take<std::byte>(columns * bfloat16_panel_bytes(n));
    query_panels_ = cutter.take<std::byte>(columns * bfloat16_panel_bytes(queries.rows));
    return;
  }
  panels_ = cutter.take<std::byte>(panels_for(n) * panel_size(queries.cols) * sizeof(float));
  if (queries.stride >= kPanelsPayFrom) {
    vector_panels_ = cutter.take<std::byte>(panels_size(shared.vectors) * sizeof(float));
    query_panels_ = cutter.take<std::byte>(panels_size(queries) * sizeof(float));
  }
  if (shared.score_type != TableType::kBfloat16) return;
  queries_.data = rounded_queries_ = cutter.take<float>(queries.size());
  vectors_.data = rounded_vectors_ = cutter.take<float>(shared.vectors.size());
}

std::uint64_t SoftmaxProducts::bytes(std::uint64_t n_queries, std::uint32_t dim, std::uint32_t stride,
                                     const SharedNegatives& shared) {
  const std::uint64_t n = shared.n(), columns = panels_for(stride);
  const auto bytes = [](std::uint64_t size) { return WorkspaceCutter::bytes<std::byte>(size); };
  if (n == 0) return 0;
  if (unit_for(shared.score_type)) {
    return bytes(panels_for(n) * bfloat16_panel_bytes(dim)) + bytes(columns * bfloat16_panel_bytes(n)) +
           bytes(columns * bfloat16_panel_bytes(n_queries));
  }
  const MatrixView<const float> queries = {nullptr, n_queries, dim, stride}, vectors = {nullptr, n, dim, stride};
  std::uint64_t total = bytes(panels_for(n) * panel_size(dim) * sizeof(float));
  if (stride >= kPanelsPayFrom) {
    total += bytes(panels_size(vectors) * sizeof(float)) + bytes(panels_size(queries) * sizeof(float));
  }
  if (shared.score_type == TableType::kBfloat16) {
    total += bytes(queries.size() * sizeof(float)) + bytes(vectors.size() * sizeof(float));
  }
  return total;
}

void SoftmaxProducts::round(int n_threads) const {
  const auto rows = [&](MatrixView<const float> from, float* to) {
    for_rows(from.rows, from.stride, n_threads, [&](std::uint64_t first, std::uint64_t last) {
      round_to_bfloat16(from.row(first), (last - first) * from.stride, to + first * from.stride);
    });
  };
  rows(given_queries_, rounded_queries_);
  rows(given_vectors_, rounded_vectors_);
}

void SoftmaxProducts::pack(int n_threads) const {
  if (is_rounded()) round(n_threads);
  if (!unit_) {
    pack_panels(vectors_, bias_, 0, panels_for(vectors_.rows) * kPanelWidth, n_threads,
                reinterpret_cast<float*>(panels_));
    if (vector_panels_ == nullptr) return;
    const auto copy = [&](MatrixView<const float> matrix, std::byte* panels) {
      for_rows(matrix.rows, matrix.stride, n_threads, [&](std::uint64_t first, std::uint64_t last) {
        copy_to_panels(matrix, first, last, reinterpret_cast<float*>(panels));
      });
    };
    copy(vectors_, vector_panels_);
    copy(queries_, query_panels_);
    return;
  }
  const std::uint64_t n_items = panels_for(vectors_.rows), columns = panels_for(queries_.stride);
  const std::uint64_t of_vectors = bfloat16_panel_bytes(vectors_.rows),
                      of_queries = bfloat16_panel_bytes(queries_.rows);
  const int threads = threads_for_rows(2 * vectors_.rows + queries_.rows, queries_.stride, n_threads);
  parallel_for(n_items + 2 * columns, threads, [&](std::uint64_t piece) {
    if (piece < columns) {
      pack_bfloat16_rows(queries_, piece * kPanelWidth, query_panels_ + piece * of_queries);
    } else if (piece < 2 * columns) {
      const std::uint64_t p = piece - columns;
      pack_bfloat16_rows(vectors_, p * kPanelWidth, vector_panels_ + p * of_vectors);
    } else {
      const std::uint64_t p = piece - 2 * columns;
      pack_bfloat16_columns(vectors_, bias_, p * kPanelWidth, panels_ + p * bfloat16_panel_bytes(vectors_.cols));
    }
  });
}

void SoftmaxProducts::score(std::uint64_t first_query, std::uint64_t n_queries, std::uint64_t first, std::uint64_t n,
                            float* scores, std::uint64_t stride) const {
  const ProductRows rows = {queries_.row(first_query), queries_.stride, 1};
  const std::uint32_t dim = queries_.cols;
  const std::uint64_t panel = first / kPanelWidth;
  if (unit_) {
    score_bfloat16_products(*unit_, rows, dim, panels_ + panel * bfloat16_panel_bytes(dim), n / kPanelWidth, scores,
                            stride, n_queries);
  } else {
    score_products(rows, dim, reinterpret_cast<const float*>(panels_) + panel * panel_size(dim), n / kPanelWidth,
                   scores, stride, n_queries);
  }
}

void SoftmaxProducts::finish_weights(float* row, std::uint64_t n) const {
  if (rounds_weights_) round_to_bfloat16(row, n, row);
}

void SoftmaxProducts::add_query_gradients(std::uint64_t n_queries, const float* weights, std::uint64_t stride,
                                          float* out) const {
  const ProductRows rows = {weights, stride, 1};
  const std::uint64_t n = vectors_.rows;
  if (unit_) {
    add_bfloat16_products(*unit_, rows, 0, n, vector_panels_, n, out, vectors_.stride, n_queries, vectors_.stride);
  } else {
    add_products(rows, in_panels(vectors_, vector_panels_), n, out, vectors_.stride, n_queries, vectors_.stride);
  }
}

void SoftmaxProducts::add_negative_gradients(std::uint64_t first_query, std::uint64_t n_queries, std::uint64_t n,
                                             const float* weights, std::uint64_t stride, float* out) const {
  const ProductRows columns = {weights, 1, stride};
  if (unit_) {
    add_bfloat16_products(*unit_, columns, first_query, n_queries, query_panels_, queries_.rows, out, queries_.stride,
                          n, queries_.stride);
    return;
  }
  ProductPanels queries = in_panels(queries_, query_panels_);
  queries.data += first_query * queries.k_step;
  add_products(columns, queries, n_queries, out, queries_.stride, n, queries_.stride);
}

}  // namespace unfold::cpu
