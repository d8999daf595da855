#include "host/models/mf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/models/table_transfer.hpp"
#include "unfold/random.hpp"

namespace unfold {

MfModel::Table::Table(Backend& backend, std::uint64_t rows, std::uint32_t cols, std::uint32_t stride,
                      TableType type, OptimizerKind kind)
    : weight(backend, rows * stride * element_bytes(type)) {
  const OptimizerStateSize state = optimizer_state_size(kind, rows, stride);
  first = DeviceArray<float>(backend, state.first);
  second = DeviceArray<float>(backend, state.second);
  steps = DeviceArray<std::uint32_t>(backend, state.steps);
  view = {{weight.data(), rows, cols, stride, type}, first.data(), second.data(), steps.data()};
}

MfModel::Gradients::Gradients(Backend& backend, std::uint64_t batch_size, std::uint32_t stride)
    : user(backend, batch_size * stride),
      item(backend, batch_size * stride),
      user_bias(backend, batch_size),
      item_bias(backend, batch_size),
      workspace(backend, backend.update_rows_workspace_bytes(batch_size)) {}

void MfModel::plan(const Backend& backend, const MfShape& shape, MemoryPlan& plan) {
  const std::uint32_t stride = backend.row_stride(shape.dim, shape.table_type);
  const bool on_device = backend.name() != "cpu";
  const auto add = [&](std::string name, std::uint64_t bytes) {
    if (bytes > 0) plan.entries.push_back({std::move(name), bytes, on_device});
  };
  const auto add_table = [&](const char* side, std::uint64_t rows) {
    add(fmt::format("{}.embedding [{}, {}] {}", side, rows, shape.dim, table_type_name(shape.table_type)),
        element_bytes(shape.table_type) * rows * stride);
    add(fmt::format("{}.bias [{}] float32", side, rows), 4 * rows);
    add(fmt::format("{} optimizer state", side), optimizer_state_size(shape.optimizer, rows, stride).bytes() +
                                                     optimizer_state_size(shape.optimizer, rows, 1).bytes());
  };
  add_table("user", shape.n_users);
  add_table("item", shape.n_items);
  if (shape.deterministic) {
    add(fmt::format("gradients of a batch of {}", shape.batch_size), 8 * shape.batch_size * (stride + 1ull));
    add("sort workspace", backend.update_rows_workspace_bytes(shape.batch_size));
  } else {
    add(fmt::format("workspace of a batch of {}", shape.batch_size),
        backend.rating_step_workspace_bytes(shape.batch_size));
  }
  const std::uint64_t rows = std::uint64_t{shape.n_users} + shape.n_items;
  plan.add_host("copy of the best embeddings", 4 * rows * (shape.dim + 1ull));
}

MfModel::MfModel(Backend& backend, const MfShape& shape, const RatingLoss& loss)
    : backend_(backend),
      loss_(loss),
      user_factors_(backend, shape.n_users, shape.dim, backend.row_stride(shape.dim, shape.table_type),
                    shape.table_type, shape.optimizer),
      item_factors_(backend, shape.n_items, shape.dim, backend.row_stride(shape.dim, shape.table_type),
                    shape.table_type, shape.optimizer),
      user_bias_(backend, shape.n_users, 1, 1, TableType::kFloat32, shape.optimizer),
      item_bias_(backend, shape.n_items, 1, 1, TableType::kFloat32, shape.optimizer),
      parameters_{user_factors_.view, item_factors_.view, user_bias_.view, item_bias_.view} {
  if (shape.deterministic) {
    gradients_ = std::make_unique<Gradients>(backend, shape.batch_size, user_factors_.view.weight.stride);
  } else {
    step_workspace_ = DeviceArray<std::byte>(backend, backend.rating_step_workspace_bytes(shape.batch_size));
  }
}

void MfModel::initialize(const RatingView& train, double init_std, std::uint64_t seed) {
  seed_ = seed;
  std::vector<bool> trained_users(user_factors_.view.weight.rows), trained_items(item_factors_.view.weight.rows);
  for (const Row user : train.users) trained_users[user] = true;
  for (const Row item : train.items) trained_items[item] = true;
  initialize_table(user_factors_, trained_users, init_std, seed, RandomPurpose::kInitUser);
  initialize_table(item_factors_, trained_items, init_std, seed, RandomPurpose::kInitItem);
}

void MfModel::initialize_table(const Table& table, const std::vector<bool>& trained, double init_std,
                               std::uint64_t seed, RandomPurpose purpose) {
  const TableView& weight = table.view.weight;
  // Uniform in (-half_width, half_width) has standard deviation half_width / sqrt(3).
  const auto half_width = static_cast<float>(init_std * std::sqrt(3.0 / weight.cols));
  const std::uint64_t chunk = std::max<std::uint64_t>(1, (1u << 20) / weight.stride);
  std::vector<float> staging;
  for (std::uint64_t first = 0; first < weight.rows; first += chunk) {
    const std::uint64_t n = std::min(chunk, weight.rows - first);
    staging.resize(n * weight.stride);
#pragma omp parallel for schedule(static)
    for (std::uint64_t r = 0; r < n; ++r) {
      float* row = &staging[r * weight.stride];
      std::fill(row, row + weight.stride, 0.0f);
      if (!trained[first + r]) continue;
      for (std::uint32_t k = 0; k < weight.cols; k += 4) {
        const RandomBlock random = random_block(seed, purpose, k, first + r);
        for (std::uint32_t j = 0; j < 4 && k + j < weight.cols; ++j) {
          row[k + j] = half_width * (2.0f * uniform_float(random.v[j]) - 1.0f);
        }
      }
    }
    upload_rows(backend_, staging, weight, first);
  }
}

void MfModel::step(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number,
                   double* squared_error) {
  OptimizerStep user_step = step, item_step = step;
  const RandomBlock random = random_block(seed_, RandomPurpose::kRounding, 0, step_number);
  user_step.rounding_key = std::uint64_t{random.v[1]} << 32 | random.v[0];
  item_step.rounding_key = std::uint64_t{random.v[3]} << 32 | random.v[2];
  if (!gradients_) {  // one key for both tables: the places of their roundings differ
    backend_.rating_step(parameters_, batch, loss_, user_step, squared_error,
                         {step_workspace_.data(), step_workspace_.size()});
    return;
  }
  const std::uint32_t dim = user_factors_.view.weight.cols;
  const std::uint32_t stride = user_factors_.view.weight.stride;
  Gradients& g = *gradients_;
  const MatrixView<float> user_gradient{g.user.data(), batch.size, dim, stride};
  const MatrixView<float> item_gradient{g.item.data(), batch.size, dim, stride};
  const MatrixView<float> user_bias_gradient{g.user_bias.data(), batch.size, 1, 1};
  const MatrixView<float> item_bias_gradient{g.item_bias.data(), batch.size, 1, 1};
  backend_.rating_gradients(parameters_, batch, loss_, user_gradient, item_gradient, g.user_bias.data(),
                            g.item_bias.data(), squared_error);
  const std::span<std::byte> workspace(g.workspace.data(), g.workspace.size());
  backend_.update_rows(parameters_.user_factors, batch.users, batch.size, user_gradient, user_step, workspace);
  backend_.update_rows(parameters_.item_factors, batch.items, batch.size, item_gradient, item_step, workspace);
  if (!loss_.use_bias) return;
  backend_.update_rows(parameters_.user_bias, batch.users, batch.size, user_bias_gradient, step, workspace);
  backend_.update_rows(parameters_.item_bias, batch.items, batch.size, item_bias_gradient, step, workspace);
}

void MfModel::download(Model& model) const {
  download_table(backend_, user_factors_.view.weight, model.user_embedding);
  download_table(backend_, item_factors_.view.weight, model.item_embedding);
  model.user_bias.resize(user_bias_.view.weight.rows);
  model.item_bias.resize(item_bias_.view.weight.rows);
  backend_.copy_to_host(model.user_bias.data(), user_bias_.weight.data(), user_bias_.weight.bytes());
  backend_.copy_to_host(model.item_bias.data(), item_bias_.weight.data(), item_bias_.weight.bytes());
  // Scores are trained in units of the ratings' standard deviation; a model without a range predicts its score, so
  // it takes the unit back: biases whole, and each factor of a product its square root.
  const float scale = loss_.has_range ? 1.0f : loss_.scale;
  const float root = std::sqrt(scale);
  for (std::vector<float>* bias : {&model.user_bias, &model.item_bias}) {
    for (float& b : *bias) b *= scale;
  }
  for (HostMatrix* matrix : {&model.user_embedding, &model.item_embedding}) {
    for (float& value : matrix->data) value *= root;
  }
  model.global_bias = loss_.mean * scale;
  model.has_range = loss_.has_range;
  model.range_low = loss_.low;
  model.range_high = loss_.high;
}

}  // namespace unfold
