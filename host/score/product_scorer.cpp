#include "host/score/product_scorer.hpp"

#include <numeric>
#include <vector>

namespace unfold {

ProductScorer::ProductScorer(const Arena& arena, const ProductTables& tables)
    : backend_(arena.backend()), tables_(tables) {
  if (!transforms_items()) return;
  const char* const name = "items as they are scored";
  std::vector<Row> rows(n_items());
  std::iota(rows.begin(), rows.end(), 0u);
  all_items_ = arena.array<Row>(name, rows);
  item_vectors_ = arena.array<float>(name, n_items() * query_stride());
}

bool ProductScorer::transforms_items() const {
  return tables_.normalize || tables_.parameters.item_factors.weight.type != TableType::kFloat32;
}

void ProductScorer::look_up(const ConstTableView& table, const Row* rows, std::uint64_t n,
                            MatrixView<float> out) const {
  RowTransform transform;
  transform.normalize = tables_.normalize;
  backend_.run(LookupRows{.table = table, .rows = rows, .n_rows = n, .out = out, .transform = transform});
}

void ProductScorer::predict_ratings(const Row* users, const Row* items, std::uint64_t n, float* ratings) {
  if (!tables_.predicts_ratings) return Scorer::predict_ratings(users, items, n, ratings);
  backend_.run(PredictRatings{.parameters = tables_.parameters,
                              .users = users,
                              .items = items,
                              .n_pairs = n,
                              .link = tables_.link,
                              .prediction = ratings});
}

void ProductScorer::score_pairs(const Row* users, const Row* items, std::uint64_t n, float* scores) {
  // Item bias and product alone, as in a ranking of all items.
  PredictRatings op{
      .parameters = tables_.parameters, .users = users, .items = items, .n_pairs = n, .prediction = scores};
  op.parameters.user_bias.weight.data = nullptr;
  if (!tables_.normalize) return backend_.run(op);
  // Of a model in training, which is seldom asked this: all users' vectors, for the call.
  std::vector<Row> rows(n_users());
  std::iota(rows.begin(), rows.end(), 0u);
  DeviceArray<Row> all_users(backend_, rows.size());
  all_users.upload(rows);
  const DeviceArray<float> vectors(backend_, n_users() * query_stride());
  const MatrixView<float> normalized{vectors.data(), n_users(), query_dim(), query_stride()};
  query_vectors({rows, all_users.data()}, normalized);
  op.parameters.user_factors.weight = normalized;
  item_vectors();
  op.parameters.item_factors.weight = MatrixView<float>{item_vectors_.data(), n_items(), query_dim(), query_stride()};
  backend_.run(op);
}

void ProductScorer::query_vectors(const UserBlock& users, MatrixView<float> out) {
  look_up(tables_.parameters.user_factors.weight, users.device_rows, users.rows.size(), out);
}

ItemVectors ProductScorer::item_vectors() {
  const TableView& items = tables_.parameters.item_factors.weight;
  MatrixView<const float> vectors = items.as<const float>();
  if (transforms_items()) {
    const MatrixView<float> transformed{item_vectors_.data(), items.rows, items.cols, items.stride};
    look_up(items, all_items_.data(), items.rows, transformed);
    vectors = transformed;
  }
  return {vectors, tables_.parameters.item_bias.weight.as<const float>().data};
}

}  // namespace unfold
