#include "host/models/mf/mf_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "unfold/random.hpp"

namespace unfold {

MfModel::Gradients::Gradients(const Arena& arena, std::uint64_t batch_size, std::uint32_t stride)
    : sort(arena, fmt::format("rows of a batch of {}, sorted", batch_size), batch_size) {
  const std::string name = fmt::format("gradients of a batch of {}", batch_size);
  user = arena.array<float>(name, batch_size * stride);
  item = arena.array<float>(name, batch_size * stride);
  user_bias = arena.array<float>(name, batch_size);
  item_bias = arena.array<float>(name, batch_size);
  workspace = arena.array<std::byte>("sums of long segments",
                                     arena.backend().workspace_bytes(UpdateRows{.sorted = {.n = batch_size}}));
}

MfModel::MfModel(const Arena& arena, const MfShape& shape, const RatingLoss& loss)
    : backend_(arena.backend()),
      loss_(loss),
      user_factors_(arena, "user.embedding", shape.n_users, shape.dim, shape.table_type, shape.optimizer),
      item_factors_(arena, "item.embedding", shape.n_items, shape.dim, shape.table_type, shape.optimizer),
      user_bias_(ParameterTable::vector(arena, "user.bias", shape.n_users, shape.optimizer)),
      item_bias_(ParameterTable::vector(arena, "item.bias", shape.n_items, shape.optimizer)),
      parameters_{user_factors_.view(), item_factors_.view(), user_bias_.view(), item_bias_.view()},
      scorer_(arena, {.parameters = parameters_, .link = loss_.link, .predicts_ratings = true}) {
  if (shape.deterministic) {
    gradients_ = std::make_unique<Gradients>(arena, shape.batch_size, user_factors_.view().weight.stride);
  } else {
    step_workspace_ = arena.array<std::byte>(fmt::format("workspace of a batch of {}", shape.batch_size),
                                             backend_.workspace_bytes(RatingStep{.batch = {.size = shape.batch_size}}));
  }
}

void MfModel::initialize(const RatingView& train, double init_std, std::uint64_t seed) {
  user_factors_.initialize(backend_, train.users, init_std, seed, RandomPurpose::kInitUser);
  item_factors_.initialize(backend_, train.items, init_std, seed, RandomPurpose::kInitItem);
}

void MfModel::train_epoch(Epoch& epoch) {
  epoch.for_each_batch([this](const RatingBatch& batch, const TrainingStep& arguments) { step(batch, arguments); });
}

void MfModel::step(const RatingBatch& batch, const TrainingStep& arguments) {
  const OptimizerStep& user_step = arguments.optimizer;
  OptimizerStep item_step = user_step;
  item_step.rounding_table = 1;
  if (!gradients_) {  // one key for both tables: the places of their roundings differ
    backend_.run(RatingStep{.parameters = parameters_,
                            .batch = batch,
                            .loss = loss_,
                            .step = user_step,
                            .squared_error = arguments.loss},
                 {step_workspace_.data(), step_workspace_.size()});
    return;
  }
  const std::uint32_t dim = user_factors_.view().weight.cols;
  const std::uint32_t stride = user_factors_.view().weight.stride;
  Gradients& g = *gradients_;
  const MatrixView<float> user_gradient{g.user.data(), batch.size, dim, stride};
  const MatrixView<float> item_gradient{g.item.data(), batch.size, dim, stride};
  backend_.run(RatingGradients{.parameters = parameters_,
                               .batch = batch,
                               .loss = loss_,
                               .user_gradient = user_gradient,
                               .item_gradient = item_gradient,
                               .user_bias_gradient = g.user_bias.data(),
                               .item_bias_gradient = g.item_bias.data(),
                               .squared_error = arguments.loss});
  const auto update = [&](const ParameterView& table, const ParameterView& bias, const Row* rows,
                          const MatrixView<float>& gradient, const DeviceArray<float>& bias_gradient,
                          const OptimizerStep& table_step) {
    backend_.run(UpdateRows{.table = table,
                            .sorted = g.sort.sort(backend_, rows, batch.size, table.weight.rows),
                            .gradient = gradient,
                            .step = table_step,
                            .bias = bias,
                            .bias_gradient = loss_.use_bias ? bias_gradient.data() : nullptr},
                 {g.workspace.data(), g.workspace.size()});
  };
  update(parameters_.user_factors, parameters_.user_bias, batch.users, user_gradient, g.user_bias, user_step);
  update(parameters_.item_factors, parameters_.item_bias, batch.items, item_gradient, g.item_bias, item_step);
}

double MfModel::epoch_loss(double sum, std::uint64_t n_ratings, std::uint64_t /*n_steps*/) const {
  return std::sqrt(sum / static_cast<double>(n_ratings));
}

std::uint64_t MfModel::host_bytes() const {
  return user_factors_.host_bytes() + item_factors_.host_bytes() + user_bias_.host_bytes() + item_bias_.host_bytes();
}

std::vector<TableView> MfModel::weight_tables() const {
  return {parameters_.user_factors.weight, parameters_.item_factors.weight, parameters_.user_bias.weight,
          parameters_.item_bias.weight};
}

void MfModel::download(Model& model) const {
  // Scores are trained in units of the ratings' standard deviation; a model without a range predicts its score, so
  // it takes the unit back: biases whole, and each factor of a product its square root.
  const RatingLink& link = loss_.link;
  const float scale = link.has_range ? 1.0f : link.scale;
  const auto take = [&](const ParameterTable& table, float unit) {
    for (float& value : table.download(backend_, model.tensors).data) value *= unit;
  };
  take(user_factors_, std::sqrt(scale));
  take(item_factors_, std::sqrt(scale));
  take(user_bias_, scale);
  take(item_bias_, scale);
  model.tensors["global.bias"] = {{1}, {link.mean * scale}};
  set_rating_range(model, link.has_range ? std::optional(RatingRange{link.low, link.high}) : std::nullopt);
}

}  // namespace unfold
