#include "host/models/mf/mf_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>

#include "unfold/random.hpp"

namespace unfold {

MfModel::Gradients::Gradients(const Arena& arena, std::uint64_t batch_size, std::uint64_t n_rows,
                              const MfParameters& parameters)
    : own_sort(arena, fmt::format("rows of a batch of {}, sorted", batch_size), batch_size),
      other_sort(arena, fmt::format("rows of a batch of {}, sorted", batch_size), batch_size) {
  const std::string name = fmt::format("gradients of a batch of {}", batch_size);
  by_score = arena.array<float>(name, batch_size);
  sums = arena.array<float>(name, n_rows * parameters.user_factors.weight.stride);
  bias_sums = arena.array<float>(name, n_rows);
  const Backend& backend = arena.backend();
  workspace = arena.array<std::byte>(
      "sums of long segments",
      std::max(backend.workspace_bytes(UpdateRows{.table = parameters.user_factors, .sorted = {.n = batch_size}}),
               backend.workspace_bytes(RatingGradients{.parameters = parameters, .batch = {.size = batch_size}})));
}

MfModel::MfModel(const Arena& arena, const MfShape& shape, const RatingLoss& loss)
    : backend_(arena.backend()),
      loss_(loss),
      summed_side_(shape.n_users < shape.n_items ? RatingSide::kUsers : RatingSide::kItems),
      user_factors_(arena, "user.embedding", shape.n_users, shape.dim, shape.table_type, shape.optimizer),
      item_factors_(arena, "item.embedding", shape.n_items, shape.dim, shape.table_type, shape.optimizer),
      user_bias_(ParameterTable::vector(arena, "user.bias", shape.n_users, shape.optimizer)),
      item_bias_(ParameterTable::vector(arena, "item.bias", shape.n_items, shape.optimizer)),
      parameters_{user_factors_.view(), item_factors_.view(), user_bias_.view(), item_bias_.view()},
      scorer_(arena, {.parameters = parameters_, .link = loss_.link, .predicts_ratings = true}) {
  if (shape.deterministic) {
    const std::uint64_t n_rows = std::min<std::uint64_t>(shape.batch_size, std::min(shape.n_users, shape.n_items));
    gradients_ = std::make_unique<Gradients>(arena, shape.batch_size, n_rows, parameters_);
  } else {
    const RatingRuns runs;
    const RatingStep op{.batch = {.size = shape.batch_size, .runs = shape.is_cut ? &runs : nullptr}};
    step_workspace_ = arena.array<std::byte>(fmt::format("workspace of a batch of {}", shape.batch_size),
                                             backend_.workspace_bytes(op));
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
  if (gradients_) return step_in_order(batch, arguments);
  backend_.run(RatingStep{.parameters = parameters_,  // one key for both tables: the places of their roundings differ
                          .batch = batch,
                          .loss = loss_,
                          .step = arguments.optimizer,
                          .squared_error = arguments.loss},
               {step_workspace_.data(), step_workspace_.size()});
}

// The sums of one side are taken first, while no row has changed, and applied last.
void MfModel::step_in_order(const RatingBatch& batch, const TrainingStep& arguments) {
  const bool sums_users = summed_side_ == RatingSide::kUsers;
  const ParameterView& user = parameters_.user_factors;
  const ParameterView& item = parameters_.item_factors;
  const Gradients& g = *gradients_;
  const std::span<std::byte> workspace(g.workspace.data(), g.workspace.size());
  const auto sorted = [&](const RowSort& sort, bool users) {
    return sort.sort(backend_, users ? batch.users : batch.items, batch.size, (users ? user : item).weight.rows);
  };
  const SortedRows own = sorted(g.own_sort, sums_users);
  const TableView& own_table = (sums_users ? user : item).weight;
  const MatrixView<float> sums{g.sums.data(), g.bias_sums.size(), own_table.cols, own_table.stride};
  backend_.run(RatingGradients{.parameters = parameters_,
                               .batch = batch,
                               .loss = loss_,
                               .side = summed_side_,
                               .sorted = own,
                               .by_score = g.by_score.data(),
                               .gradient = sums,
                               .bias_gradient = g.bias_sums.data(),
                               .squared_error = arguments.loss},
               workspace);
  const auto update = [&](bool users, const SortedRows& rows, const RowGradients& gradient, const float* by_bias) {
    UpdateRows op{.table = users ? user : item,
                  .sorted = rows,
                  .gradient = gradient,
                  .step = arguments.optimizer,
                  .bias = users ? parameters_.user_bias : parameters_.item_bias,
                  .bias_gradient = loss_.use_bias ? by_bias : nullptr,
                  .bias_l2 = gradient.is_summed ? 0 : loss_.l2_bias};
    op.step.rounding_table = users ? 0 : 1;
    backend_.run(op, workspace);
  };
  const RowGradients of_other{
      .rows = own_table, .source = sums_users ? batch.users : batch.items, .scale = g.by_score.data(), .l2 = loss_.l2};
  update(!sums_users, sorted(g.other_sort, !sums_users), of_other, g.by_score.data());
  update(sums_users, own, {.rows = sums, .is_summed = true}, g.bias_sums.data());
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
