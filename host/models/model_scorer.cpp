// Items are in the backend's memory, users too once pairs are asked for: a ranking copies the vectors of a block of
// users, so that a few users of many cost little.
#include "unfold/model_scorer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "host/models/model_kinds.hpp"
#include "host/score/product_scorer.hpp"
#include "host/store/product_tensors.hpp"
#include "host/tables/table_transfer.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

void check_kind(const Model& model) {
  const std::vector<std::string>& known = known_model_kinds();
  if (std::ranges::find(known, model.kind) != known.end()) return;
  throw DataError(
      fmt::format("the model's kind is \"{}\"; this program knows {}; a newer unfold wrote it: use that, or \"unfold "
                  "export --format safetensors\", which takes any kind",
                  model.kind, fmt::join(known, ", ")));
}

// Every kind there is.
void check_model(const Model& model) {
  check_kind(model);
  check_product_tensors(model);
}

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

class ModelScorer final : private ItemTables, public ProductScorer {
 public:
  ModelScorer(Backend& backend, const Model& model)
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
#pragma omp parallel for schedule(static)
    for (std::size_t q = 0; q < users.rows.size(); ++q) {
      std::ranges::copy(users_.row(users.rows[q]), vectors_.data() + q * out.stride);
    }
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

Model open_model(const std::filesystem::path& directory) {
  Model model = load_model(directory);
  try {
    check_model(model);
  } catch (const DataError& error) {
    throw DataError(fmt::format("{}: {}", directory.string(), error.what()));
  }
  return model;
}

std::unique_ptr<Scorer> make_scorer(Backend& backend, const Model& model) {
  check_model(model);
  return std::make_unique<ModelScorer>(backend, model);
}

}  // namespace unfold
