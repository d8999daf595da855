#include "host/models/product_model.hpp"

#include <algorithm>
#include <vector>

#include "host/score/product_scorer.hpp"
#include "host/store/product_tensors.hpp"
#include "host/tables/table_transfer.hpp"
#include "host/threads/thread_pool.hpp"

namespace unfold {
namespace {

// The biases' tensor, or null data where there is none.
MatrixView<float> upload(Backend& backend, const Tensor* bias, DeviceArray<float>& array) {
  if (bias == nullptr) return {};
  array = DeviceArray<float>(backend, bias->data.size());
  array.upload(bias->data);
  return {array.data(), bias->data.size(), 1, 1};
}

MatrixView<float> upload(Backend& backend, const Tensor& factors, DeviceArray<float>& array) {
  const auto dim = static_cast<std::uint32_t>(factors.cols());
  const std::uint32_t stride = backend.row_stride(dim);
  array = DeviceArray<float>(backend, factors.rows() * stride);
  const MatrixView<float> view{array.data(), factors.rows(), dim, stride};
  upload_table(backend, factors, view);
  return view;
}

// The item tables, made before the scorer that reads them.
struct ItemTables {
  DeviceArray<float> item_factors, item_bias;
  ProductTables tables;

  ItemTables(Backend& backend, const Model& model) {
    MfParameters& parameters = tables.parameters;
    parameters.item_factors.weight = upload(backend, item_embedding(model), item_factors);
    parameters.item_bias.weight = upload(backend, unfold::item_bias(model), item_bias);
    parameters.user_factors.weight = parameters.item_factors.weight;
    parameters.user_factors.weight.data = nullptr;
    parameters.user_factors.weight.rows = user_embedding(model).rows();
    tables.link.mean = global_bias(model);
    if (const std::optional<RatingRange> range = rating_range(model)) {
      tables.link.has_range = true;
      tables.link.low = range->low;
      tables.link.high = range->high;
    }
    tables.predicts_ratings = predicts_ratings(model);
  }
};

class StoredProductScorer final : private ItemTables, public ProductScorer {
 public:
  StoredProductScorer(Backend& backend, const Model& model)
      : ItemTables(backend, model),
        ProductScorer(Arena(backend), ItemTables::tables),
        model_(model),
        users_(user_embedding(model)) {}

  void score_pairs(const Row* users, const Row* items, std::uint64_t n, float* scores) override {
    upload_users();
    ProductScorer::score_pairs(users, items, n, scores);
  }
  void predict_ratings(const Row* users, const Row* items, std::uint64_t n, float* ratings) override {
    upload_users();
    ProductScorer::predict_ratings(users, items, n, ratings);
  }
  void query_vectors(const UserBlock& users, MatrixView<float> out) override {
    vectors_.assign(out.size(), 0.0f);
    parallel_slices(users.rows.size(), 256, all_threads(), [&](std::uint64_t first, std::uint64_t last) {
      for (std::uint64_t q = first; q < last; ++q) {
        std::ranges::copy(users_.row(users.rows[q]), vectors_.data() + q * out.stride);
      }
    });
    backend().copy_to_device(out.data, vectors_.data(), sizeof(float) * vectors_.size());
  }

 private:
  void upload_users() {
    if (user_factors_.size() > 0) return;
    MfParameters& parameters = ProductScorer::tables().parameters;
    parameters.user_factors.weight = upload(backend(), users_, user_factors_);
    parameters.user_bias.weight = upload(backend(), user_bias(model_), user_bias_);
  }

  const Model& model_;
  const Tensor& users_;
  DeviceArray<float> user_factors_, user_bias_;
  std::vector<float> vectors_;
};

}  // namespace

std::unique_ptr<Scorer> make_product_scorer(Backend& backend, const Model& model) {
  return std::make_unique<StoredProductScorer>(backend, model);
}

}  // namespace unfold
