// Items are in the backend's memory, users too once pairs are asked for: a ranking copies the vectors of a block of
// users, so that a few users of many cost little.
#include "unfold/model_scorer.hpp"

#include <algorithm>
#include <vector>

#include "host/score/product_scorer.hpp"
#include "host/tables/table_transfer.hpp"

namespace unfold {
namespace {

MatrixView<float> upload(Backend& backend, const HostMatrix& factors, DeviceArray<float>& array) {
  const std::uint32_t stride = backend.row_stride(factors.cols);
  array = DeviceArray<float>(backend, factors.rows * stride);
  const MatrixView<float> view{array.data(), factors.rows, factors.cols, stride};
  upload_table(backend, factors, view);
  return view;
}

MatrixView<float> upload(Backend& backend, const std::vector<float>& bias, DeviceArray<float>& array) {
  array = DeviceArray<float>(backend, bias.size());
  array.upload(bias);
  return {array.data(), bias.size(), 1, 1};
}

// The item tables, made before the scorer that reads them.
struct ItemTables {
  DeviceArray<float> item_factors, item_bias;
  ProductTables tables;

  ItemTables(Backend& backend, const Model& model) {
    MfParameters& parameters = tables.parameters;
    parameters.item_factors.weight = upload(backend, model.item_embedding, item_factors);
    parameters.item_bias.weight = upload(backend, model.item_bias, item_bias);
    parameters.user_factors.weight = parameters.item_factors.weight;
    parameters.user_factors.weight.data = nullptr;
    parameters.user_factors.weight.rows = model.user_embedding.rows;
    tables.link.mean = model.global_bias;
    tables.link.has_range = model.has_range;
    tables.link.low = model.range_low;
    tables.link.high = model.range_high;
    tables.predicts_ratings = predicts_ratings(model);
  }
};

class ModelScorer final : private ItemTables, public ProductScorer {
 public:
  ModelScorer(Backend& backend, const Model& model)
      : ItemTables(backend, model), ProductScorer(Arena(backend), ItemTables::tables), model_(model) {}

  void score_pairs(const Row* users, const Row* items, std::uint64_t n, float* scores) override {
    upload_users();
    ProductScorer::score_pairs(users, items, n, scores);
  }
  void predict_ratings(const Row* users, const Row* items, std::uint64_t n, float* ratings) override {
    upload_users();
    ProductScorer::predict_ratings(users, items, n, ratings);
  }
  void query_vectors(const UserBlock& users, MatrixView<float> out) override {
    const HostMatrix& factors = model_.user_embedding;
    vectors_.assign(out.size(), 0.0f);
#pragma omp parallel for schedule(static)
    for (std::size_t q = 0; q < users.rows.size(); ++q) {
      const float* const from = factors.data.data() + users.rows[q] * std::uint64_t{factors.cols};
      std::copy_n(from, factors.cols, vectors_.data() + q * out.stride);
    }
    backend().copy_to_device(out.data, vectors_.data(), sizeof(float) * vectors_.size());
  }

 private:
  void upload_users() {
    if (user_factors_.size() > 0) return;
    MfParameters& parameters = ProductScorer::tables().parameters;
    parameters.user_factors.weight = upload(backend(), model_.user_embedding, user_factors_);
    parameters.user_bias.weight = upload(backend(), model_.user_bias, user_bias_);
  }

  const Model& model_;
  DeviceArray<float> user_factors_, user_bias_;
  std::vector<float> vectors_;
};

}  // namespace

std::unique_ptr<Scorer> make_scorer(Backend& backend, const Model& model) {
  return std::make_unique<ModelScorer>(backend, model);
}

}  // namespace unfold
