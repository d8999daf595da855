#include "host/models/softmax/softmax_model.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "host/threads/thread_pool.hpp"

namespace unfold {
namespace {

// Length of a user's list of candidates; 0 where there are none.
std::uint32_t list_length(const SoftmaxShape& shape, const SoftmaxSettings& settings) {
  if (!shape.has_lists()) return 0;
  return shape.negatives.n_candidates + (shape.is_mined() ? settings.mined_skip : 0);
}

// `seen` is of all ratings. Where low ones are no positives, those of the others decide what a user knows.
NegativeSource make_source(const Arena& arena, const SoftmaxShape& shape, const RatingView& positives,
                           const SeenItems& seen) {
  if (!shape.has_floor) return {arena, shape, positives, seen};
  return {arena, shape, positives, SeenItems::from_ratings(positives, shape.n_users, shape.n_items)};
}

// Rows of length 1, so that a product of two is a cosine. A row of zeros stays zero.
void normalize_rows(Tensor& matrix) {
  const std::uint64_t cols = matrix.cols();
  constexpr std::uint64_t kSlice = 256;
  parallel_slices(matrix.rows(), kSlice, all_threads(), [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t r = first; r < last; ++r) {
      const std::span<float> row(&matrix.data[r * cols], cols);
      double squares = 0;
      for (const float x : row) squares += static_cast<double>(x) * static_cast<double>(x);
      const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
      for (float& x : row) x = static_cast<float>(static_cast<double>(x) * scale);
    }
  });
}

}  // namespace

SoftmaxModel::SoftmaxModel(const Arena& arena, const SoftmaxShape& shape, const SoftmaxSettings& settings,
                           const RatingView& positives, const SeenItems& seen)
    : backend_(arena.backend()),
      shape_(shape),
      settings_(settings),
      stride_(backend_.row_stride(shape.dim, shape.table_type)),
      n_positives_(positives.size()),
      users_(arena, "user.embedding", shape.n_users, shape.dim, shape.table_type, shape.optimizer),
      items_(arena, "item.embedding", shape.n_items, shape.dim, shape.table_type, shape.optimizer),
      item_bias_(ParameterTable::vector(arena, "item.bias", shape.has_bias ? shape.n_items : 0, shape.optimizer)),
      log_temperature_(ParameterTable::vector(arena, "temperature", 1, shape.optimizer)),
      source_(make_source(arena, shape, positives, seen)),
      buffers_(arena, shape, settings.learn_temperature, stride_),
      scorer_(arena, product_tables()) {
  const std::string name = "users' lists of items";
  if (shape.threshold_rank > 0) thresholds_.emplace(arena, name, scorer_, shape.threshold_rank, RowLists{}, true);
  if (shape.has_lists()) {
    hard_lists_.emplace(arena, name, scorer_, list_length(shape, settings), source_.known(), shape.is_mined());
  }
}

ProductTables SoftmaxModel::product_tables() const {
  ProductTables tables;
  tables.parameters.user_factors = users_.view();
  tables.parameters.item_factors = items_.view();
  tables.parameters.item_bias = item_bias_.view();
  tables.normalize = settings_.cosine;
  return tables;
}

void SoftmaxModel::initialize(const RatingView& positives, const RatingView& train, float mean_rating,
                              double init_std) {
  users_.initialize(backend_, positives.users, init_std, settings_.seed, RandomPurpose::kInitUser);
  items_.initialize(backend_, positives.items, init_std, settings_.seed, RandomPurpose::kInitItem);
  const float log_temperature = std::log(settings_.temperature);
  backend_.copy_to_device(log_temperature_.view().weight.data, &log_temperature, sizeof(float));
  temperature_rows_ = buffers_.temperature_sort.sort(backend_, buffers_.zero_rows.data(), buffers_.zero_rows.size(), 1);
  if (!shape_.is_disliked()) return;
  const float liked_from = shape_.has_floor ? settings_.positive_from : mean_rating;
  hard_lists_->items().upload(disliked_items(train, static_cast<double>(liked_from), shape_.n_users, hard_lists_->k()));
}

RowTransform SoftmaxModel::dropout(const RandomKey& key) const { return {settings_.dropout, key, settings_.cosine}; }

const float* SoftmaxModel::item_bias_table() const {
  return shape_.has_bias ? item_bias_.view().weight.as<float>().data : nullptr;
}

void SoftmaxModel::train_epoch(Epoch& epoch) {
  begin_epoch(epoch.number(), epoch.progress());
  const std::uint64_t version = hard_now_ ? 1 : 0;
  epoch.for_each_batch([this](const RatingBatch& batch, const TrainingStep& arguments) { step(batch, arguments); },
                       version);
}

void SoftmaxModel::begin_epoch(std::uint32_t epoch, double progress) {
  const bool was_hard = hard_now_;
  // Disliked items are no guess that could mislead, and mined ones alone leave nothing else to begin with.
  const bool begins_hard =
      shape_.is_disliked() || (shape_.is_mined() && shape_.negatives.random == RandomNegatives::kNone);
  hard_now_ = shape_.has_hard() && (begins_hard || progress >= settings_.hard_warmup);
  const bool is_due = (epoch - 1) % settings_.refresh_epochs == 0;
  const bool mines = shape_.is_mined() && hard_now_ && (is_due || !was_hard);
  const bool takes_thresholds = thresholds_ && is_due;
  if (mines) hard_lists_->find(scorer_);
  if (takes_thresholds) thresholds_->find(scorer_);
  source_.n_rejected().zero();
}

std::uint32_t SoftmaxModel::n_own_now() const { return shape_.is_mined() && !hard_now_ ? 0 : shape_.n_own(); }

std::uint64_t SoftmaxModel::count_negatives() const {
  const std::uint64_t n_full = n_positives_ / shape_.batch_size(), n_last = n_positives_ % shape_.batch_size();
  const auto of_batch = [&](std::uint64_t n) { return n * (source_.n_shared(n) + n_own_now()); };
  return n_full * of_batch(shape_.batch_size()) + of_batch(n_last);
}

MatrixView<float> SoftmaxModel::look_up_items(const Row* rows, std::uint64_t n, const ScoredRows& vectors,
                                              const DeviceArray<float>& bias, const RowNumbers& log_counts) {
  RowTransform transform;
  transform.normalize = settings_.cosine;
  return vectors.look_up(backend_, items_.view().weight, rows, n, transform, {item_bias_table(), bias.data()},
                         log_counts);
}

// The candidates of the batch's hard negatives.
CandidatePool SoftmaxModel::draw_candidates(const RatingBatch& batch, const RandomKey& key) {
  CandidatePool pool;
  pool.n = shape_.negatives.n_candidates;
  pool.table = items_.view().weight;
  pool.normalize = settings_.cosine;
  pool.item_bias = item_bias_table();
  if (hard_lists_) {
    pool.rows = hard_lists_->items().data() + (hard_lists_->k() - pool.n);
    pool.row_stride = hard_lists_->k();
    pool.lists = batch.users;
    return pool;
  }
  Row* const rows = buffers_.candidates.data();
  float* const log_q = buffers_.candidate_log_count.data();
  pool.rows = rows;
  pool.row_stride = pool.n;
  pool.log_count = log_q;
  pool.log_draws = std::log(static_cast<float>(pool.n));
  if (shape_.own_negatives) {
    source_.draw_own(batch, key, pool.n, rows, log_q);
    return pool;
  }
  source_.draw_any(key, pool.n, rows, log_q);
  pool.vectors = look_up_items(rows, pool.n, buffers_.candidate_vectors, buffers_.candidate_bias, {});
  pool.bias = shape_.has_bias ? buffers_.candidate_bias.data() : nullptr;
  return pool;
}

// Each positive's own negatives, written to `rows`: random ones, or hard ones chosen from candidates.
OwnNegatives SoftmaxModel::choose_own(const RatingBatch& batch, const SoftmaxBatch& softmax_batch, Row* rows,
                                      const StepKeys& keys) {
  OwnNegatives own;
  own.n = n_own_now();
  if (own.n == 0) return own;
  own.table = items_.view().weight;
  own.normalize = settings_.cosine;
  own.rows = rows;
  own.log_count = buffers_.own_log_count.data();
  own.item_bias = item_bias_table();
  if (!shape_.has_hard()) {
    own.log_draws = std::log(static_cast<float>(own.n));
    source_.draw_own(batch, keys.own, own.n, rows, buffers_.own_log_count.data());
    return own;
  }
  own.log_draws = -std::log(settings_.hard_weight);
  Hardness hardness = settings_.hardness;
  hardness.key = keys.selection;
  if (!hard_now_) {  // any of the candidates
    hardness.kind = HardnessKind::kScoreWeighted;
    hardness.temperature = kNoHardness;
  }
  backend_.run(SelectNegatives{.batch = softmax_batch,
                               .pool = draw_candidates(batch, keys.candidates),
                               .hardness = hardness,
                               .rows = rows,
                               .log_count = buffers_.own_log_count.data()},
               workspace());
  return own;
}

SoftmaxGradients SoftmaxModel::gradients(std::uint64_t n_queries, std::uint64_t n_shared, std::uint32_t n_own,
                                         const StepSum& loss) {
  const auto rows = [&](const DeviceArray<float>& array, std::uint64_t first, std::uint64_t n) {
    return MatrixView<float>{array.data() + first * stride_, n, shape_.dim, stride_};
  };
  const std::uint64_t first_own = n_queries + n_shared;
  SoftmaxGradients to;
  to.queries = rows(buffers_.query_gradient, 0, n_queries);
  to.positives = rows(buffers_.item_gradient, 0, n_queries);
  to.shared = rows(buffers_.item_gradient, n_queries, n_shared);
  to.own = rows(buffers_.item_gradient, first_own, n_queries * n_own);
  if (shape_.has_bias) {
    to.positive_bias = buffers_.bias_gradient.data();
    to.shared_bias = buffers_.bias_gradient.data() + n_queries;
    to.own_bias = buffers_.bias_gradient.data() + first_own;
  }
  to.log_temperature = settings_.learn_temperature ? buffers_.temperature_gradient.data() : nullptr;
  to.loss = loss;
  to.n_rejected = source_.n_rejected().data();
  return to;
}

void SoftmaxModel::step(const RatingBatch& batch, const TrainingStep& arguments) {
  const std::uint64_t n = batch.size;
  Row* const rows = buffers_.item_rows.data();
  backend_.copy_on_device(rows, batch.items, sizeof(Row) * n);
  const StepKeys keys = step_keys(settings_.seed, arguments.now);
  const std::uint64_t n_shared = source_.draw_shared(batch, keys.shared, rows + n);
  const std::uint64_t first_own = n + n_shared;
  SortedRows sorted;  // for the mask of known negatives and, where no own ones follow, for the update
  if (n_shared > 0 || shape_.n_own() == 0) sorted = buffers_.sort.sort(backend_, rows, first_own, shape_.n_items);
  const MatrixView<float> items = look_up_items(rows, first_own, buffers_.items, buffers_.item_bias,
                                                {source_.log_counts(batch), buffers_.log_count.data()});
  source_.count_mixed(batch, rows + n, n_shared, buffers_.log_count.data() + n);
  const MatrixView<float> queries =
      buffers_.queries.look_up(backend_, users_.view().weight, batch.users, n, dropout(keys.dropout));

  SoftmaxBatch softmax_batch;
  softmax_batch.queries = queries;
  softmax_batch.positives = {items.data, n, shape_.dim, stride_};
  softmax_batch.positive_bias = shape_.has_bias ? buffers_.item_bias.data() : nullptr;
  softmax_batch.weights = batch.weights;
  softmax_batch.users = batch.users;
  softmax_batch.known = source_.known();
  softmax_batch.log_temperature = log_temperature_.view().weight.as<float>().data;
  if (thresholds_) {
    softmax_batch.thresholds = thresholds_->scores().data() + (thresholds_->k() - 1);
    softmax_batch.threshold_stride = thresholds_->k();
  }
  SharedNegatives shared;
  if (n_shared > 0) {
    const bool is_full = shape_.negatives.random == RandomNegatives::kFull;
    shared.vectors = {items.data + n * stride_, n_shared, shape_.dim, stride_};
    shared.rows = rows + n;
    shared.sorted = sorted;
    shared.first_sorted = n;
    shared.log_count = is_full ? nullptr : buffers_.log_count.data() + n;
    shared.bias = shape_.has_bias ? buffers_.item_bias.data() + n : nullptr;
    shared.score_type = shape_.score_type;
    shared.fused = shape_.fused;
  }
  const OwnNegatives own = choose_own(batch, softmax_batch, rows + first_own, keys);

  const SoftmaxGradients to = gradients(n, n_shared, own.n, arguments.loss);
  backend_.run(SampledSoftmax{.batch = softmax_batch,
                              .shared = shared,
                              .own = own,
                              .loss = settings_.loss,
                              .scale = 1.0f / static_cast<float>(n),
                              .gradients = to},
               workspace());
  RowTransform of_queries = dropout(keys.dropout), of_items;
  of_items.normalize = settings_.cosine;
  of_queries.l2 = of_items.l2 = settings_.l2 / static_cast<float>(n);
  backend_.run(TransformRowsGradient{
      .transform = of_queries, .vectors = queries, .scale = buffers_.queries.scale.data(), .gradient = to.queries});
  backend_.run(TransformRowsGradient{.transform = of_items,
                                     .vectors = items,
                                     .scale = buffers_.items.scale.data(),
                                     .gradient = {to.positives.data, first_own, shape_.dim, stride_}});
  if (own.n > 0 || sorted.n == 0) sorted = buffers_.sort.sort(backend_, rows, first_own + n * own.n, shape_.n_items);
  update(batch, arguments.optimizer, sorted);
}

void SoftmaxModel::update(const RatingBatch& batch, const OptimizerStep& user_step, const SortedRows& items) {
  OptimizerStep item_step = user_step;
  item_step.rounding_table = 1;
  const auto update_by = [&](const DeviceArray<float>& gradient, UpdateRows op) {
    const TableView& table = op.table.weight;
    op.gradient.rows = MatrixView<const float>{gradient.data(), op.sorted.n, table.cols, table.stride};
    backend_.run(op, workspace());
  };
  UpdateRows of_items{.table = items_.view(), .sorted = items, .step = item_step};
  if (shape_.has_bias) {
    of_items.bias = item_bias_.view();
    of_items.bias_gradient = buffers_.bias_gradient.data();
  }
  update_by(buffers_.item_gradient, of_items);
  const SortedRows users = buffers_.sort.sort(backend_, batch.users, batch.size, shape_.n_users);
  update_by(buffers_.query_gradient, {.table = users_.view(), .sorted = users, .step = user_step});
  if (!settings_.learn_temperature) return;
  SortedRows temperatures = temperature_rows_;
  temperatures.n = batch.size;
  update_by(buffers_.temperature_gradient,
            {.table = log_temperature_.view(), .sorted = temperatures, .step = user_step});
}

void SoftmaxModel::describe_epoch(nlohmann::ordered_json& line) {
  std::uint64_t n_rejected = 0;
  source_.n_rejected().download({&n_rejected, 1});
  line["negatives"] = count_negatives();
  line["rejected"] = n_rejected;
  float log_temperature = 0;
  backend_.copy_to_host(&log_temperature, log_temperature_.view().weight.data, sizeof(float));
  line["temperature"] = std::exp(static_cast<double>(log_temperature));
}

std::uint64_t SoftmaxModel::host_bytes() const {
  const std::uint64_t biases = sizeof(float) * (users_.view().weight.rows + items_.view().weight.rows);
  return users_.host_bytes() + items_.host_bytes() + biases;
}

std::vector<TableView> SoftmaxModel::weight_tables() const {
  return {users_.view().weight, items_.view().weight, item_bias_.view().weight};
}

void SoftmaxModel::download(Model& model) const {
  Tensor& users = users_.download(backend_, model.tensors);
  Tensor& items = items_.download(backend_, model.tensors);
  model.tensors["user.bias"] = Tensor::zeros({shape_.n_users});
  model.tensors["item.bias"] = Tensor::zeros({shape_.n_items});
  if (shape_.has_bias) item_bias_.download(backend_, model.tensors);
  model.tensors["global.bias"] = Tensor::zeros({1});
  if (!settings_.cosine) return;
  normalize_rows(users);
  normalize_rows(items);
}

}  // namespace unfold
