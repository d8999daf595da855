#include "host/tables/table_transfer.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

MatrixView<float> upload_factors(Backend& backend, const HostMatrix& factors, DeviceArray<float>& array) {
  const std::uint32_t stride = backend.row_stride(factors.cols);
  array = DeviceArray<float>(backend, factors.rows * stride);
  const MatrixView<float> view{array.data(), factors.rows, factors.cols, stride};
  upload_table(backend, factors, view);
  return view;
}

MatrixView<float> upload_bias(Backend& backend, const std::vector<float>& bias, DeviceArray<float>& array) {
  array = DeviceArray<float>(backend, bias.size());
  array.upload(bias);
  return {array.data(), bias.size(), 1, 1};
}

}  // namespace

UploadedModel::UploadedModel(Backend& backend, const Model& model) {
  MfParameters& parameters = tables_.parameters;
  parameters.user_factors.weight = upload_factors(backend, model.user_embedding, user_factors_);
  parameters.item_factors.weight = upload_factors(backend, model.item_embedding, item_factors_);
  parameters.user_bias.weight = upload_bias(backend, model.user_bias, user_bias_);
  parameters.item_bias.weight = upload_bias(backend, model.item_bias, item_bias_);
  tables_.loss.mean = model.global_bias;
  tables_.loss.has_range = model.has_range;
  tables_.loss.low = model.range_low;
  tables_.loss.high = model.range_high;
}

ScoringTables UploadedModel::tables() const { return tables_; }

}  // namespace unfold
