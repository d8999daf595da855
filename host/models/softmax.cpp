#include "host/models/softmax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/models/table_transfer.hpp"
#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

// Users whose best items are looked for at once.
constexpr std::uint64_t kBlockUsers = 4096;
// Scores of a block beyond the least that an op needs: larger tiles.
constexpr std::uint64_t kTileBytes = std::uint64_t{16} << 20;

std::vector<bool> occurring(std::span<const Row> rows, std::uint32_t n) {
  std::vector<bool> occurs(n);
  for (const Row row : rows) occurs[row] = true;
  return occurs;
}

// What the ops of a step need one after another, with larger tiles of scores than the least.
std::uint64_t step_workspace_bytes(const Backend& backend, const SoftmaxShape& shape) {
  std::uint64_t bytes = backend.sampled_softmax_workspace_bytes(shape.batch_size, shape.n_shared(), shape.n_own(),
                                                                shape.dim) +
                        std::min(kTileBytes, 4 * shape.batch_size * shape.n_shared());
  if (shape.has_hard()) {
    bytes = std::max(bytes, backend.select_negatives_workspace_bytes(shape.batch_size, shape.negatives.n_candidates,
                                                                     shape.dim));
  }
  return std::max(bytes, backend.update_rows_workspace_bytes(shape.n_item_rows()));
}

double mean_rating(const RatingView& train) {
  double sum = 0;
  for (const float rating : train.ratings) sum += static_cast<double>(rating);
  return sum / static_cast<double>(train.size());
}

// What a user knows, so that it is never a negative: all that occurs, or with weights or disliked negatives what is rated at least the mean. A
// lower rating says that the user met the item and that others are better.
SeenItems known_items(const RatingView& train, const SoftmaxShape& shape) {
  if (!shape.has_weights && !shape.is_disliked()) return SeenItems::from_ratings(train, shape.n_users, shape.n_items);
  const double mean = mean_rating(train);
  std::vector<Row> users, items;
  std::vector<float> ratings;
  for (std::uint64_t n = 0; n < train.size(); ++n) {
    if (static_cast<double>(train.ratings[n]) < mean) continue;
    users.push_back(train.users[n]);
    items.push_back(train.items[n]);
    ratings.push_back(train.ratings[n]);
  }
  return SeenItems::from_ratings({users, items, ratings, {}}, shape.n_users, shape.n_items);
}

}  // namespace

std::uint64_t SoftmaxShape::n_in_batch() const {
  const bool has_in_batch = negatives.random == RandomNegatives::kInBatch || negatives.random == RandomNegatives::kMixed;
  return has_in_batch ? batch_size : 0;
}

std::uint64_t SoftmaxShape::n_shared() const {
  switch (negatives.random) {
    case RandomNegatives::kNone: return 0;
    case RandomNegatives::kFull: return n_items;
    case RandomNegatives::kInBatch: return batch_size;
    case RandomNegatives::kMixed: {  // as many uniform ones as leave the in-batch ones their fraction
      const double share = negatives.in_batch_fraction;
      return batch_size + static_cast<std::uint64_t>(std::llround(static_cast<double>(batch_size) * (1 - share) / share));
    }
    case RandomNegatives::kUniform:
    case RandomNegatives::kPopularity: break;
  }
  return own_negatives && !has_hard() ? 0 : n_negatives;
}

std::uint32_t SoftmaxShape::n_own() const {
  if (has_hard()) return negatives.n_hard;
  return own_negatives ? n_negatives : 0;
}

std::uint64_t SoftmaxShape::n_drawn_candidates() const {
  if (!has_hard() || has_lists()) return 0;
  return negatives.n_candidates * (own_negatives ? batch_size : 1);
}

SoftmaxModel::Buffers::Buffers(Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings,
                               std::uint32_t stride)
    : item_rows(backend, shape.n_item_rows()),
      queries(backend, shape.batch_size * stride),
      items(backend, (shape.batch_size + shape.n_shared()) * stride),
      query_scale(backend, shape.batch_size),
      item_scale(backend, shape.batch_size + shape.n_shared()),
      item_bias(backend, shape.has_bias ? shape.batch_size + shape.n_shared() : 0),
      query_gradient(backend, shape.batch_size * stride),
      item_gradient(backend, shape.n_item_rows() * stride),
      bias_gradient(backend, shape.has_bias ? shape.n_item_rows() : 0),
      temperature_gradient(backend, settings.learn_temperature ? shape.batch_size : 0),
      shared_log_count(backend, shape.n_shared()),
      own_log_count(backend, shape.batch_size * shape.n_own()),
      candidates(backend, shape.n_drawn_candidates()),
      zero_rows(backend, settings.learn_temperature ? shape.batch_size : 0),
      candidate_log_count(backend, shape.n_drawn_candidates()) {
  if (shape.has_hard() && !shape.own_negatives && !shape.has_lists()) {
    candidate_vectors = DeviceArray<float>(backend, shape.negatives.n_candidates * stride);
    candidate_scale = DeviceArray<float>(backend, shape.negatives.n_candidates);
    candidate_bias = DeviceArray<float>(backend, shape.has_bias ? shape.negatives.n_candidates : 0);
  }
  workspace = DeviceArray<std::byte>(backend, step_workspace_bytes(backend, shape));
}

SoftmaxModel::BestItems::BestItems(Backend& backend, std::uint64_t n_users, std::uint32_t rank)
    : k(rank), items(backend, n_users * rank), scores(backend, n_users * rank) {}

void SoftmaxModel::plan(const Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings,
                        MemoryPlan& plan) {
  const std::uint32_t stride = backend.row_stride(shape.dim, shape.table_type);
  const std::uint64_t row = 4 * std::uint64_t{stride};
  const bool on_device = backend.name() != "cpu";
  const auto add = [&](std::string name, std::uint64_t bytes) {
    if (bytes > 0) plan.entries.push_back({std::move(name), bytes, on_device});
  };
  const auto add_table = [&](const char* name, std::uint64_t rows) {
    add(fmt::format("{}.embedding [{}, {}] {}", name, rows, shape.dim, table_type_name(shape.table_type)),
        element_bytes(shape.table_type) * rows * stride);
    add(fmt::format("{} optimizer state", name), optimizer_state_size(shape.optimizer, rows, stride).bytes());
  };
  add_table("user", shape.n_users);
  add_table("item", shape.n_items);
  add(fmt::format("item.bias [{}] float32 and its state", shape.n_items),
      shape.has_bias ? 4 * shape.n_items + optimizer_state_size(shape.optimizer, shape.n_items, 1).bytes() : 0);
  add(fmt::format("users' training items, {}", shape.n_positives),
      4 * shape.n_positives + 8 * (std::uint64_t{shape.n_users} + 1));
  if (shape.negatives.random == RandomNegatives::kPopularity) {
    add("alias table of popularity", 12 * std::uint64_t{shape.n_items} + 4 * std::uint64_t{shape.n_users});
  }
  add("log counts of shared negatives", shape.n_shared() > 0 ? 8 * std::uint64_t{shape.n_items} : 0);

  const std::uint64_t n_looked_up = shape.batch_size + shape.n_shared();
  std::uint64_t batch = shape.batch_size * (2 * row + 4) + n_looked_up * (row + 4) + shape.n_item_rows() * (row + 4) +
                        4 * shape.n_shared() + 4 * shape.batch_size * shape.n_own() + 8 * shape.n_drawn_candidates();
  if (shape.has_bias) batch += 4 * (n_looked_up + shape.n_item_rows());
  if (settings.learn_temperature) batch += 8 * shape.batch_size;
  if (shape.has_hard() && !shape.own_negatives && !shape.has_lists()) batch += shape.negatives.n_candidates * (row + 8);
  add(fmt::format("a batch of {}: {} item rows", shape.batch_size, shape.n_item_rows()), batch);
  add("workspace of a step", step_workspace_bytes(backend, shape));
  add("vectors for rankings",
      std::uint64_t{shape.n_items} * row + 4 * std::max<std::uint64_t>(shape.n_items, shape.n_users) +
          (settings.cosine && shape.has_bias ? shape.n_users * row : 0));
  const std::uint32_t skip = shape.is_mined() ? settings.mined_skip : 0;
  const std::uint32_t k = shape.has_lists() ? skip + shape.negatives.n_candidates : 0;
  const std::uint64_t most = std::max(shape.is_mined() ? k : 0, shape.threshold_rank);
  add("users' lists of items", 8 * std::uint64_t{shape.n_users} * (k + shape.threshold_rank));
  if (most > 0) {
    add("search of a block of users",
        std::min<std::uint64_t>(kBlockUsers, shape.n_users) * (row + 4) + kTileBytes +
            backend.top_k_workspace_bytes(std::min<std::uint64_t>(kBlockUsers, shape.n_users), shape.n_items,
                                          static_cast<std::uint32_t>(most)));
  }
  plan.add_host("copy of the best embeddings",
                4 * (std::uint64_t{shape.n_users} + shape.n_items) * (shape.dim + 1ull));
  plan.add_host("users' training items", 4 * shape.n_positives + 8 * (std::uint64_t{shape.n_users} + 1));
}

SoftmaxModel::SoftmaxModel(Backend& backend, const SoftmaxShape& shape, const SoftmaxSettings& settings,
                           const RatingView& train, double init_std)
    : backend_(backend),
      shape_(shape),
      settings_(settings),
      stride_(backend.row_stride(shape.dim, shape.table_type)),
      users_(backend, shape.n_users, shape.dim, stride_, shape.table_type, shape.optimizer),
      items_(backend, shape.n_items, shape.dim, stride_, shape.table_type, shape.optimizer),
      item_bias_(backend, shape.has_bias ? shape.n_items : 0, 1, 1, TableType::kFloat32, shape.optimizer),
      log_temperature_(backend, 1, 1, 1, TableType::kFloat32, shape.optimizer),
      seen_(SeenItems::from_ratings(train, shape.n_users, shape.n_items)),
      known_(known_items(train, shape)),
      known_offsets_(backend, known_.offsets.size()),
      known_ids_(backend, known_.items.size()),
      n_rejected_(backend, 1),
      buffers_(backend, shape, settings, stride_),
      scored_items_(backend, std::uint64_t{shape.n_items} * stride_),
      scored_scale_(backend, std::max(shape.n_items, shape.n_users)),
      scored_users_(backend, settings.cosine && shape.has_bias ? std::uint64_t{shape.n_users} * stride_ : 0),
      all_rows_(backend, std::max(shape.n_users, shape.n_items)) {
  users_.initialize(backend, occurring(train.users, shape.n_users), init_std, settings.seed, RandomPurpose::kInitUser);
  items_.initialize(backend, occurring(train.items, shape.n_items), init_std, settings.seed, RandomPurpose::kInitItem);
  const float log_temperature = std::log(settings.temperature);
  backend.copy_to_device(log_temperature_.view().weight.data, &log_temperature, sizeof(float));
  known_offsets_.upload(known_.offsets);
  known_ids_.upload(known_.items);
  std::vector<Row> rows(all_rows_.size());
  std::iota(rows.begin(), rows.end(), 0u);
  all_rows_.upload(rows);
  const std::vector<std::uint64_t> counts = training_counts(seen_, shape.n_items);
  build_sampler(counts);
  upload_log_counts(counts);
  std::uint32_t most = shape.threshold_rank;
  if (shape.threshold_rank > 0) thresholds_ = std::make_unique<BestItems>(backend, shape.n_users, shape.threshold_rank);
  if (shape.is_mined()) {
    mined_ = std::make_unique<BestItems>(backend, shape.n_users, settings.mined_skip + shape.negatives.n_candidates);
    most = std::max(most, mined_->k);
  }
  if (shape.is_disliked()) {
    mined_ = std::make_unique<BestItems>(backend, shape.n_users, shape.negatives.n_candidates);
    list_disliked(train);
  }
  if (most == 0) return;
  const std::uint64_t n_block = std::min<std::uint64_t>(kBlockUsers, shape.n_users);
  block_queries_ = DeviceArray<float>(backend, n_block * stride_);
  block_scale_ = DeviceArray<float>(backend, n_block);
  block_workspace_ =
      DeviceArray<std::byte>(backend, backend.top_k_workspace_bytes(n_block, shape.n_items, most) + kTileBytes);
}

// What each user rated below the mean, up to n_candidates of it.
void SoftmaxModel::list_disliked(const RatingView& train) {
  const std::uint32_t k = mined_->k;
  std::vector<Row> lists(std::uint64_t{shape_.n_users} * k, kUnknownRow);
  std::vector<std::uint32_t> sizes(shape_.n_users);
  const double mean = mean_rating(train);
  for (std::uint64_t n = 0; n < train.size(); ++n) {
    std::uint32_t& size = sizes[train.users[n]];
    if (static_cast<double>(train.ratings[n]) >= mean || size == k) continue;
    lists[train.users[n] * std::uint64_t{k} + size++] = train.items[n];
  }
  mined_->items.upload(lists);
}

void SoftmaxModel::build_sampler(const std::vector<std::uint64_t>& counts) {
  sampler_.n_items = shape_.n_items;
  if (shape_.negatives.random != RandomNegatives::kPopularity) return;
  const AliasTable table = build_alias_table(popularity_weights(counts, shape_.negatives.alpha));
  alias_threshold_ = DeviceArray<std::uint32_t>(backend_, table.size());
  alias_ = DeviceArray<Row>(backend_, table.size());
  log_q_ = DeviceArray<float>(backend_, table.size());
  log_unknown_mass_ = DeviceArray<float>(backend_, shape_.n_users);
  alias_threshold_.upload(table.thresholds);
  alias_.upload(table.aliases);
  log_q_.upload(table.log_q);
  log_unknown_mass_.upload(log_unknown_masses(table, known_.offsets, known_.items));
  sampler_ = {shape_.n_items, alias_threshold_.data(), alias_.data(), log_q_.data(), log_unknown_mass_.data()};
}

// How often each item is expected among the shared negatives: draws times probability, and for in-batch ones the size of
// the batch times the item's share of the positives.
void SoftmaxModel::upload_log_counts(const std::vector<std::uint64_t>& counts) {
  if (shape_.n_shared() == 0 || shape_.negatives.random == RandomNegatives::kFull) return;
  std::vector<float> q(shape_.n_items, -std::log(static_cast<float>(shape_.n_items)));
  if (log_q_.size() > 0) log_q_.download(q);
  const double n_drawn = static_cast<double>(shape_.n_shared() - shape_.n_in_batch());
  const std::uint64_t last = (shape_.n_positives - 1) % shape_.batch_size + 1;
  const double total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  for (std::size_t b = 0; b < log_count_.size(); ++b) {
    const double in_batch = shape_.n_in_batch() == 0 ? 0 : static_cast<double>(b == 0 ? shape_.batch_size : last);
    std::vector<float> log_count(shape_.n_items);
    for (std::uint32_t i = 0; i < shape_.n_items; ++i) {
      const double expected = n_drawn * std::exp(static_cast<double>(q[i])) + in_batch * static_cast<double>(counts[i]) / total;
      log_count[i] = static_cast<float>(std::log(expected));
    }
    log_count_[b] = DeviceArray<float>(backend_, shape_.n_items);
    log_count_[b].upload(log_count);
  }
}

RandomKey SoftmaxModel::key(Draw draw, std::uint64_t step_number) const {
  // Draws for one purpose differ by seed from those for another; steps past 2^32 do too.
  const std::uint64_t stream = (step_number >> 32) << 8 | static_cast<std::uint64_t>(draw);
  return {settings_.seed + stream * 0x9E3779B97F4A7C15ull, static_cast<std::uint32_t>(step_number), 0};
}

RowTransform SoftmaxModel::transform(bool with_dropout, std::uint64_t step_number) const {
  return {with_dropout ? settings_.dropout : 0, key(Draw::kDropout, step_number), settings_.cosine};
}

MatrixView<float> SoftmaxModel::rows_of(const DeviceArray<float>& array, std::uint64_t n) const {
  return {array.data(), n, shape_.dim, stride_};
}

void SoftmaxModel::begin_epoch(std::uint32_t epoch, double progress) {
  const bool was_hard = hard_now_;
  // Disliked items are no guess that could mislead, and mined ones alone leave nothing else to begin with.
  const bool begins_hard =
      shape_.is_disliked() || (shape_.is_mined() && shape_.negatives.random == RandomNegatives::kNone);
  hard_now_ = shape_.has_hard() && (begins_hard || progress >= settings_.hard_warmup);
  const bool is_due = (epoch - 1) % settings_.refresh_epochs == 0;
  if (shape_.is_mined() && hard_now_ && (is_due || !was_hard)) refresh(*mined_, true);
  if (thresholds_ && (is_due || epoch == 1)) refresh(*thresholds_, false);
  n_rejected_.zero();
  n_drawn_ = 0;
}

MatrixView<const float> SoftmaxModel::scored_items() {
  const MatrixView<float> items = rows_of(scored_items_, shape_.n_items);
  backend_.lookup_rows(items_.view().weight, all_rows_.data(), shape_.n_items, items);
  backend_.transform_rows(transform(false, 0), items, scored_scale_.data());
  return items;
}

void SoftmaxModel::refresh(BestItems& best, bool with_known) {
  const MatrixView<const float> items = scored_items();
  const float* const bias = shape_.has_bias ? item_bias_.view().weight.as<float>().data : nullptr;
  for (std::uint64_t first = 0; first < shape_.n_users; first += kBlockUsers) {
    const std::uint64_t n = std::min<std::uint64_t>(kBlockUsers, shape_.n_users - first);
    const MatrixView<float> queries = rows_of(block_queries_, n);
    backend_.lookup_rows(users_.view().weight, all_rows_.data() + first, n, queries);
    backend_.transform_rows(transform(false, 0), queries, block_scale_.data());
    const RowLists excluded = with_known ? RowLists{known_offsets_.data() + first, known_ids_.data()} : RowLists{};
    backend_.top_k(queries, items, bias, excluded, best.k, best.items.data() + first * best.k,
                   best.scores.data() + first * best.k, {block_workspace_.data(), block_workspace_.size()});
  }
}

// The rows of negatives that the batch shares, and how often each is expected.
SharedNegatives SoftmaxModel::draw_shared(const RatingBatch& batch, std::uint64_t step_number) {
  const std::uint64_t n_in_batch = shape_.n_in_batch() == 0 ? 0 : batch.size;
  const std::uint64_t n_drawn = shape_.n_shared() - shape_.n_in_batch();
  const std::uint64_t n = n_in_batch + n_drawn;
  if (n == 0) return {};
  Row* const rows = buffers_.item_rows.data() + batch.size;
  backend_.copy_on_device(rows, batch.items, sizeof(Row) * n_in_batch);
  if (shape_.negatives.random == RandomNegatives::kFull) {
    backend_.copy_on_device(rows, all_rows_.data(), sizeof(Row) * n);
  } else {
    backend_.draw_negatives(sampler_, key(Draw::kShared, step_number), nullptr, 1, static_cast<std::uint32_t>(n_drawn),
                            {}, rows + n_in_batch, nullptr, n_rejected_.data());
    const DeviceArray<float>& log_count = log_count_[batch.size == shape_.batch_size ? 0 : 1];
    const MatrixView<const float> table{log_count.data(), shape_.n_items, 1, 1};
    backend_.lookup_rows(table, rows, n, {buffers_.shared_log_count.data(), n, 1, 1});
  }
  n_drawn_ += n * batch.size;
  SharedNegatives shared;
  shared.vectors = {buffers_.items.data() + batch.size * stride_, n, shape_.dim, stride_};
  shared.rows = rows;
  shared.log_count = shape_.negatives.random == RandomNegatives::kFull ? nullptr : buffers_.shared_log_count.data();
  shared.bias = shape_.has_bias ? buffers_.item_bias.data() + batch.size : nullptr;
  return shared;
}

// The candidates of the batch's hard negatives.
CandidatePool SoftmaxModel::draw_candidates(const RatingBatch& batch, std::uint64_t step_number) {
  CandidatePool pool;
  pool.n = shape_.negatives.n_candidates;
  pool.table = items_.view().weight;
  pool.normalize = settings_.cosine;
  pool.item_bias = shape_.has_bias ? item_bias_.view().weight.as<float>().data : nullptr;
  if (mined_) {
    pool.rows = mined_->items.data() + (shape_.is_mined() ? settings_.mined_skip : 0);
    pool.row_stride = mined_->k;
    pool.lists = batch.users;
    return pool;
  }
  const RandomKey draw = key(Draw::kCandidates, step_number);
  pool.rows = buffers_.candidates.data();
  pool.row_stride = pool.n;
  pool.log_count = buffers_.candidate_log_count.data();
  pool.log_draws = std::log(static_cast<float>(pool.n));
  if (shape_.own_negatives) {
    backend_.draw_negatives(sampler_, draw, batch.users, batch.size, pool.n, known(), buffers_.candidates.data(),
                            buffers_.candidate_log_count.data(), n_rejected_.data());
    return pool;
  }
  backend_.draw_negatives(sampler_, draw, nullptr, 1, pool.n, {}, buffers_.candidates.data(),
                          buffers_.candidate_log_count.data(), n_rejected_.data());
  look_up_items(buffers_.candidates.data(), pool.n, buffers_.candidate_vectors, buffers_.candidate_scale,
                buffers_.candidate_bias);
  pool.vectors = rows_of(buffers_.candidate_vectors, pool.n);
  pool.bias = shape_.has_bias ? buffers_.candidate_bias.data() : nullptr;
  return pool;
}

void SoftmaxModel::look_up_items(Row* rows, std::uint64_t n, const DeviceArray<float>& vectors,
                                 const DeviceArray<float>& scale, const DeviceArray<float>& bias) {
  backend_.lookup_rows(items_.view().weight, rows, n, rows_of(vectors, n));
  backend_.transform_rows(transform(false, 0), rows_of(vectors, n), scale.data());
  if (shape_.has_bias) backend_.lookup_rows(item_bias_.view().weight, rows, n, {bias.data(), n, 1, 1});
}

// Each positive's own negatives, written to `rows`: random ones, or hard ones chosen from candidates.
PrivateNegatives SoftmaxModel::choose_own(const RatingBatch& batch, const SoftmaxBatch& softmax_batch, Row* rows,
                                          std::uint64_t step_number) {
  PrivateNegatives own;
  if (shape_.n_own() == 0 || (shape_.is_mined() && !hard_now_)) return own;
  own.n = shape_.n_own();
  own.table = items_.view().weight;
  own.normalize = settings_.cosine;
  own.rows = rows;
  own.log_count = buffers_.own_log_count.data();
  own.item_bias = shape_.has_bias ? item_bias_.view().weight.as<float>().data : nullptr;
  n_drawn_ += batch.size * own.n;
  if (!shape_.has_hard()) {
    own.log_draws = std::log(static_cast<float>(own.n));
    backend_.draw_negatives(sampler_, key(Draw::kOwn, step_number), batch.users, batch.size, own.n, known(), rows,
                            buffers_.own_log_count.data(), n_rejected_.data());
    return own;
  }
  own.log_draws = -std::log(settings_.hard_weight);
  Hardness hardness = settings_.hardness;
  hardness.key = key(Draw::kSelection, step_number);
  if (!hard_now_) {  // any of the candidates
    hardness.kind = HardnessKind::kScoreWeighted;
    hardness.temperature = kNoHardness;
  }
  backend_.select_negatives(softmax_batch, draw_candidates(batch, step_number), hardness, rows,
                            buffers_.own_log_count.data(), {buffers_.workspace.data(), buffers_.workspace.size()});
  return own;
}

void SoftmaxModel::step(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number,
                        double* loss) {
  const std::uint64_t n = batch.size;
  Row* const rows = buffers_.item_rows.data();
  backend_.copy_on_device(rows, batch.items, sizeof(Row) * n);
  SharedNegatives shared = draw_shared(batch, step_number);
  look_up_items(rows, n + shared.n(), buffers_.items, buffers_.item_scale, buffers_.item_bias);
  const MatrixView<float> queries = rows_of(buffers_.queries, n);
  backend_.lookup_rows(users_.view().weight, batch.users, n, queries);
  backend_.transform_rows(transform(true, step_number), queries, buffers_.query_scale.data());

  SoftmaxBatch softmax_batch;
  softmax_batch.queries = queries;
  softmax_batch.positives = rows_of(buffers_.items, n);
  softmax_batch.positive_bias = shape_.has_bias ? buffers_.item_bias.data() : nullptr;
  softmax_batch.weights = shape_.has_weights ? batch.ratings : nullptr;
  softmax_batch.users = batch.users;
  softmax_batch.known = known();
  softmax_batch.log_temperature = log_temperature_.view().weight.as<float>().data;
  if (thresholds_) {
    softmax_batch.thresholds = thresholds_->scores.data() + (thresholds_->k - 1);
    softmax_batch.threshold_stride = thresholds_->k;
  }
  const PrivateNegatives own = choose_own(batch, softmax_batch, rows + n + shared.n(), step_number);

  const std::uint64_t n_item_rows = n + shared.n() + n * own.n;
  const std::uint64_t first_own = n + shared.n();
  SoftmaxGradients gradients;
  gradients.queries = rows_of(buffers_.query_gradient, n);
  gradients.positives = rows_of(buffers_.item_gradient, n);
  gradients.shared = {buffers_.item_gradient.data() + n * stride_, shared.n(), shape_.dim, stride_};
  gradients.own = {buffers_.item_gradient.data() + first_own * stride_, n * own.n, shape_.dim, stride_};
  if (shape_.has_bias) {
    gradients.positive_bias = buffers_.bias_gradient.data();
    gradients.shared_bias = buffers_.bias_gradient.data() + n;
    gradients.own_bias = buffers_.bias_gradient.data() + first_own;
  }
  gradients.log_temperature = settings_.learn_temperature ? buffers_.temperature_gradient.data() : nullptr;
  gradients.loss = loss;
  gradients.n_rejected = n_rejected_.data();
  backend_.sampled_softmax(softmax_batch, shared, own, settings_.loss, 1.0f / static_cast<float>(n), gradients,
                           {buffers_.workspace.data(), buffers_.workspace.size()});

  backend_.transform_rows_gradient(transform(true, step_number), queries, buffers_.query_scale.data(),
                                   gradients.queries);
  backend_.transform_rows_gradient(transform(false, 0), rows_of(buffers_.items, first_own), buffers_.item_scale.data(),
                                   rows_of(buffers_.item_gradient, first_own));
  update(batch, step, step_number, n_item_rows);
}

void SoftmaxModel::update(const RatingBatch& batch, const OptimizerStep& step, std::uint64_t step_number,
                          std::uint64_t n_item_rows) {
  OptimizerStep user_step = step, item_step = step;
  const RoundingKeys keys = rounding_keys(settings_.seed, step_number);
  user_step.rounding_key = keys.user;
  item_step.rounding_key = keys.item;
  const std::span<std::byte> workspace(buffers_.workspace.data(), buffers_.workspace.size());
  backend_.update_rows(users_.view(), batch.users, batch.size, rows_of(buffers_.query_gradient, batch.size), user_step,
                       workspace);
  const Row* const rows = buffers_.item_rows.data();
  backend_.update_rows(items_.view(), rows, n_item_rows, rows_of(buffers_.item_gradient, n_item_rows), item_step,
                       workspace);
  if (shape_.has_bias) {
    backend_.update_rows(item_bias_.view(), rows, n_item_rows, {buffers_.bias_gradient.data(), n_item_rows, 1, 1}, step,
                         workspace);
  }
  if (settings_.learn_temperature) {
    backend_.update_rows(log_temperature_.view(), buffers_.zero_rows.data(), batch.size,
                         {buffers_.temperature_gradient.data(), batch.size, 1, 1}, step, workspace);
  }
}

double SoftmaxModel::epoch_loss(double sum, std::uint64_t /*n_ratings*/, std::uint64_t n_steps) const {
  return sum / static_cast<double>(n_steps);
}

void SoftmaxModel::describe_epoch(nlohmann::ordered_json& line) {
  std::uint64_t n_rejected = 0;
  n_rejected_.download({&n_rejected, 1});
  line["negatives"] = n_drawn_;
  line["rejected"] = n_rejected;
  if (!settings_.learn_temperature) return;
  float log_temperature = 0;
  backend_.copy_to_host(&log_temperature, log_temperature_.view().weight.data, sizeof(float));
  line["temperature"] = std::exp(static_cast<double>(log_temperature));
}

double SoftmaxModel::validate(const RatingView& validation, nlohmann::ordered_json& line) {
  EvaluateOptions options;
  options.cutoffs = {20};
  if (!validation_items_) {
    validation_items_ = collect_test_items(validation, seen_, shape_.n_users, options.relevant_rating);
  }
  // The length of a user's vector does not change his ranking, unless biases are added to the products.
  ConstTableView users = users_.view().weight;
  if (scored_users_.size() > 0) {
    const MatrixView<float> scored = rows_of(scored_users_, shape_.n_users);
    backend_.lookup_rows(users, all_rows_.data(), shape_.n_users, scored);
    backend_.transform_rows(transform(false, 0), scored, scored_scale_.data());
    users = scored;
  }
  const ItemScorer scorer{.user_vectors = users,
                          .item_vectors = scored_items(),
                          .item_bias = shape_.has_bias ? item_bias_.view().weight.as<float>().data : nullptr,
                          .one_query = false};
  const RankingMetrics metrics = rank_test_items(backend_, scorer, *validation_items_, seen_, options);
  line["validation_recall@20"] = metrics.at_k[0].recall;
  line["validation_ndcg@20"] = metrics.at_k[0].ndcg;
  return -metrics.at_k[0].ndcg;
}

void SoftmaxModel::download(Model& model) const {
  model.kind = "softmax";
  download_table(backend_, users_.view().weight, model.user_embedding);
  download_table(backend_, items_.view().weight, model.item_embedding);
  model.user_bias.assign(shape_.n_users, 0.0f);
  model.item_bias.assign(shape_.n_items, 0.0f);
  if (shape_.has_bias) {
    backend_.copy_to_host(model.item_bias.data(), item_bias_.view().weight.data, 4 * model.item_bias.size());
  }
  model.global_bias = 0;
  if (!settings_.cosine) return;
  // A product of the written rows is the score.
  for (HostMatrix* matrix : {&model.user_embedding, &model.item_embedding}) {
#pragma omp parallel for schedule(static)
    for (std::uint64_t r = 0; r < matrix->rows; ++r) {
      float* const row = &matrix->data[r * matrix->cols];
      double squares = 0;
      for (std::uint32_t c = 0; c < matrix->cols; ++c) squares += static_cast<double>(row[c]) * static_cast<double>(row[c]);
      const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
      for (std::uint32_t c = 0; c < matrix->cols; ++c) row[c] = static_cast<float>(static_cast<double>(row[c]) * scale);
    }
  }
}

}  // namespace unfold
