#include "host/train/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "host/train/option_bounds.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

struct NamedOptimizer {
  std::string_view name;
  OptimizerKind kind;
};
constexpr std::array<NamedOptimizer, 4> kOptimizers = {{{"sgd", OptimizerKind::kSgd},
                                                        {"adagrad", OptimizerKind::kAdagrad},
                                                        {"rowwise-adagrad", OptimizerKind::kRowwiseAdagrad},
                                                        {"adam", OptimizerKind::kAdam}}};
constexpr std::array<TableType, 3> kTableTypes = {TableType::kFloat32, TableType::kFloat16, TableType::kBfloat16};
constexpr std::array<TableType, 2> kScoreTypes = {TableType::kFloat32, TableType::kBfloat16};
constexpr std::array<std::string_view, 5> kSchedules = {"constant", "exponential", "linear", "cosine", "one-cycle"};
constexpr std::array<std::string_view, 2> kModels = {"mf", "softmax"};
constexpr std::array<std::string_view, 3> kLosses = {"softmax", "bsl", "bpr"};
constexpr std::array<std::string_view, 2> kScores = {"cosine", "dot"};

template <std::size_t kSize>
bool is_one_of(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::optional<TableType> named_type(std::span<const TableType> types, std::string_view name) {
  const auto type = std::ranges::find(types, name, table_type_name);
  return type == types.end() ? std::nullopt : std::optional(*type);
}

TableType required_type(std::span<const TableType> types, std::string_view option, std::string_view name) {
  if (const auto type = named_type(types, name)) return *type;
  throw UsageError(fmt::format("--{} {}: unknown", option, name));
}

std::optional<float> parse_float(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool is_positive(double x) { return std::isfinite(x) && x > 0; }

struct Range {
  float low, high;
};

// "LO:HI" with LO < HI, both finite.
std::optional<Range> parse_range(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<float> low = parse_float(text.substr(0, colon)), high = parse_float(text.substr(colon + 1));
  if (!low || !high || *low >= *high) return std::nullopt;
  return Range{*low, *high};
}

[[noreturn]] void refuse(std::string_view name, const std::string& value, std::string_view allowed) {
  throw UsageError(fmt::format("--{} {}: {}", name, value, allowed));
}

// Bounds the predictions. Throws UsageError where a rating lies outside.
void set_range(RatingLoss& loss, const Range& range, double mean, const TrainOptions& o, const RatingView& train) {
  const auto [lowest, highest] = std::ranges::minmax_element(train.ratings);
  if (*lowest < range.low || *highest > range.high) {
    throw UsageError(fmt::format("--rating-range {}: the ratings go from {} to {}; widen the range to hold them",
                                 o.rating_range, *lowest, *highest));
  }
  loss.has_range = true;
  loss.low = range.low;
  loss.high = range.high;
  // The score whose prediction is the mean rating; kept off the ends, where it would be infinite.
  const double share = std::clamp((mean - range.low) / (range.high - range.low), 0.001, 0.999);
  loss.mean = static_cast<float>(std::log(share / (1 - share)));
}

struct RatingMoments {
  double mean;
  double variance;  // 1 where all ratings are equal
};

// Squares of what model mf computes with ratings, and their inverses, are float32.
constexpr double kLargestRating = 1e15, kLeastDeviation = 1e-15;

void check_scale(const RatingMoments& moments, std::span<const float> ratings) {
  const auto [lowest, highest] = std::ranges::minmax(ratings);
  const double largest = std::max(std::abs(static_cast<double>(lowest)), std::abs(static_cast<double>(highest)));
  const double deviation = std::sqrt(moments.variance);
  if (largest <= kLargestRating && deviation >= kLeastDeviation) return;
  throw DataError(fmt::format(
      "ratings go from {} to {}, with a standard deviation of {:.3g}: too {} to be computed with in float32 "
      "(up to {:g}, with a deviation from {:g}); bring them to another unit, such as 1 to 5",
      lowest, highest, deviation, largest > kLargestRating ? "large" : "small", kLargestRating, kLeastDeviation));
}

RatingMoments rating_moments(std::span<const float> ratings) {
  const auto n = static_cast<double>(ratings.size());
  double sum = 0, sum_of_squares = 0;
  for (const float rating : ratings) sum += static_cast<double>(rating);
  const double mean = sum / n;
  for (const float rating : ratings) sum_of_squares += std::pow(static_cast<double>(rating) - mean, 2);
  return {mean, sum_of_squares > 0 ? sum_of_squares / n : 1};
}

// The more items, the higher the best negatives score, and the lower the temperature that looks at them: a fit to the
// best temperatures of catalogues of 1,700 to 41,000 items (docs/tuning.md).
double resolved_temperature(const TrainOptions& o, std::uint32_t n_items) {
  if (o.temperature > 0) return o.temperature;
  return o.score == "dot" ? 1 : std::min(0.3, 1.4 / std::pow(n_items, 0.25));
}

// Cosine from `from` to `to` as x goes from 0 to 1.
double cosine(double from, double to, double x) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * x));
}

}  // namespace

namespace {

void require(bool ok, std::string_view name, const auto& value, std::string_view allowed) {
  if (!ok) refuse(name, fmt::format("{}", value), allowed);
}

// Options that are whole numbers; bool is one to the compiler alone.
void validate_whole_numbers(const TrainOptions& o) {
  visit_train_options(o, [](const auto& field, const char* name, const char*) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_integral_v<Field> && !std::is_same_v<Field, bool>) {
      require(bounds_of(name).hold(field), name, field, "use " + bounds_of(name).to_string());
    }
  });
}

void validate_softmax(const TrainOptions& o) {
  require(is_one_of(kLosses, o.loss), "loss", o.loss, "use softmax, bsl or bpr");
  require(is_one_of(kScores, o.score), "score", o.score, "use cosine or dot");
  require(named_type(kScoreTypes, o.score_type).has_value(), "score-type", o.score_type, "use float32 or bfloat16");
  require(o.temperature == 0 || is_positive(o.temperature), "temperature", o.temperature,
          "use a number over 0, or 0 to have it chosen");
  require(o.positive_temperature == 0 || is_positive(o.positive_temperature), "positive-temperature",
          o.positive_temperature, "use a number over 0, or 0 for that of --temperature");
  require(is_positive(o.negative_weight), "negative-weight", o.negative_weight, "use a number over 0");
  require(is_positive(o.rating_weight), "rating-weight", o.rating_weight, "use a number over 0");
  require(o.positive_from.empty() || parse_float(o.positive_from), "positive-from", o.positive_from,
          "use a rating, such as 4, or nothing to have it taken from the scale");
  require(o.dropout >= 0 && o.dropout < 1, "dropout", o.dropout, "use 0 or more, below 1");
  require(o.user_balance >= 0 && o.user_balance <= 1, "user-balance", o.user_balance, "use 0 to 1");
  require(o.denominator_items == 0 || (o.positive_in_denominator && o.loss != "bpr"), "denominator-items",
          o.denominator_items, "it weighs negatives against the positive: add --positive-in-denominator, and no bpr");
  require(o.l2 == 0 || o.score == "dot", "l2", o.l2,
          "a cosine does not feel an L2 penalty; use --dropout and 0 here, or --score dot");
  require(o.l2_bias == -1, "l2-bias", o.l2_bias, "model softmax has no penalty of biases; leave it out");
  require(o.rating_range.empty(), "rating-range", o.rating_range, "model softmax predicts no ratings; leave it out");
  require(o.hard_warmup >= 0 && o.hard_warmup < 1, "hard-warmup", o.hard_warmup, "use 0 or more, below 1");
  require(is_positive(o.hard_weight), "hard-weight", o.hard_weight, "use a number over 0");
  require(is_positive(o.hard_temperature), "hard-temperature", o.hard_temperature, "use a number over 0");
  require(std::isfinite(o.adaptive_alpha), "adaptive-alpha", o.adaptive_alpha, "use a number");
  require(is_positive(o.adaptive_beta), "adaptive-beta", o.adaptive_beta, "use a number over 0");
  require(std::isfinite(o.adaptive_power), "adaptive-power", o.adaptive_power, "use a number");
  require(is_positive(o.weight_temperature), "weight-temperature", o.weight_temperature, "use a number over 0");
  const NegativeSpec negatives = NegativeSpec::parse(o.negatives);
  if (negatives.hard == HardNegatives::kMined) {
    require(o.mined_skip + std::uint64_t{negatives.n_candidates} <= kMaxTopK, "mined-skip", o.mined_skip,
            fmt::format("with K of mined:M/K it may come to {}", kMaxTopK));
  }
  const bool needs_draws = negatives.random == RandomNegatives::kInBatch ||
                           negatives.random == RandomNegatives::kMixed || negatives.random == RandomNegatives::kFull;
  require(!(o.own_negatives && needs_draws && negatives.hard == HardNegatives::kNone), "own-negatives", o.own_negatives,
          "in-batch, mixed and full negatives are shared by nature; leave it out");
}

}  // namespace

void validate(const TrainOptions& o) {
  require(is_one_of(kModels, o.model), "model", o.model, "use mf or softmax");
  validate_whole_numbers(o);
  require(named_type(kTableTypes, o.table_type).has_value(), "table-type", o.table_type,
          "use float32, float16 or bfloat16");
  require(std::ranges::any_of(kOptimizers, [&](const NamedOptimizer& n) { return n.name == o.optimizer; }), "optimizer",
          o.optimizer, "use sgd, adagrad, rowwise-adagrad or adam");
  require(is_one_of(kSchedules, o.schedule), "schedule", o.schedule,
          "use constant, exponential, linear, cosine or one-cycle");
  require(std::isfinite(o.learning_rate) && o.learning_rate > 0, "learning-rate", o.learning_rate,
          "use a number over 0");
  require(o.learning_rate_decay > 0 && o.learning_rate_decay <= 1, "learning-rate-decay", o.learning_rate_decay,
          "use a number over 0, up to 1");
  require(o.warmup > 0 && o.warmup < 1, "warmup", o.warmup, "use a number between 0 and 1");
  require(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "use 0 or more, below 1");
  require(o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "use 0 or more, below 1");
  require(std::isfinite(o.epsilon) && o.epsilon > 0, "epsilon", o.epsilon, "use a number over 0");
  require(std::isfinite(o.l2) && o.l2 >= 0, "l2", o.l2, "use 0 or more");
  require(o.l2_bias == -1 || (std::isfinite(o.l2_bias) && o.l2_bias >= 0), "l2-bias", o.l2_bias,
          "use 0 or more, or -1 for the value of --l2");
  require(o.rating_range.empty() || parse_range(o.rating_range), "rating-range", o.rating_range,
          "use LO:HI with LO < HI, such as 0:5.5");
  require(std::isfinite(o.init_std) && o.init_std >= 0, "init-std", o.init_std, "use 0 or more");
  if (o.model == "softmax") return validate_softmax(o);
  require(o.positive_from.empty(), "positive-from", o.positive_from,
          "model mf predicts ratings and learns from all of them; leave it out, or use --model softmax");
}

std::optional<float> positive_threshold(const TrainOptions& o, const RatingView& ratings) {
  if (o.model != "softmax") return std::nullopt;
  if (!o.positive_from.empty()) return parse_float(o.positive_from);
  if (ratings.size() == 0) return std::nullopt;
  const auto [lowest, highest] = std::ranges::minmax(ratings.ratings);
  if (lowest > 0 || lowest == highest) return std::nullopt;
  float least = std::numeric_limits<float>::infinity();
  for (const float rating : ratings.ratings) {
    if (rating > 0) least = std::min(least, rating);
  }
  if (std::isfinite(least)) return least;
  throw DataError(
      fmt::format("ratings go from {} to {}, and for model softmax those of 0 and below say no, so nothing is left to "
                  "learn from; say with --positive-from X from which rating on an item was liked",
                  lowest, highest));
}

TrainOptions TrainOptions::defaults(const std::string& model) {
  TrainOptions o;
  o.model = model;
  if (model == "mf") return o;
  if (model != "softmax") refuse("model", model, "use mf or softmax");
  o.dim = 64;
  o.epochs = 80;
  o.optimizer = "adam";
  o.learning_rate = 0.01;
  o.schedule = "cosine";
  o.beta2 = 0.999;
  o.l2 = 0;
  o.patience = 20;
  return o;
}

SoftmaxSettings softmax_settings(const TrainOptions& o, std::uint32_t n_items) {
  const double temperature = resolved_temperature(o, n_items);
  SoftmaxSettings settings;
  SoftmaxLoss& loss = settings.loss;
  loss.kind = o.loss == "bpr" ? SoftmaxLossKind::kBpr : SoftmaxLossKind::kSoftmax;
  loss.positive_in_denominator = o.positive_in_denominator;
  if (o.loss == "bsl") {
    loss.negative_weight = static_cast<float>(o.negative_weight);
    if (o.positive_temperature > 0) loss.positive_ratio = static_cast<float>(temperature / o.positive_temperature);
  }
  if (o.denominator_items > 0) {
    loss.log_denominator_share = static_cast<float>(std::log(o.denominator_items / static_cast<double>(n_items)));
  }
  loss.weight_temperature = static_cast<float>(o.weight_temperature);
  settings.cosine = o.score == "cosine";
  settings.dropout = static_cast<float>(o.dropout);
  settings.l2 = static_cast<float>(o.l2);
  settings.temperature = static_cast<float>(temperature);
  settings.learn_temperature = o.learn_temperature;
  const NegativeSpec negatives = NegativeSpec::parse(o.negatives);
  Hardness& hardness = settings.hardness;
  hardness.n_kept = negatives.n_hard;
  hardness.temperature = static_cast<float>(o.hard_temperature);
  hardness.alpha = static_cast<float>(o.adaptive_alpha);
  hardness.beta = static_cast<float>(o.adaptive_beta);
  hardness.power = static_cast<float>(o.adaptive_power);
  hardness.kind = negatives.hard == HardNegatives::kAdaptive ? HardnessKind::kAdaptive : HardnessKind::kHardest;
  if (negatives.hard == HardNegatives::kScoreWeighted) hardness.kind = HardnessKind::kScoreWeighted;
  if (negatives.hard == HardNegatives::kMined || negatives.hard == HardNegatives::kDisliked) {  // any of the list
    hardness.kind = HardnessKind::kScoreWeighted;
    hardness.temperature = kNoHardness;
  }
  settings.hard_weight = static_cast<float>(o.hard_weight);
  settings.hard_warmup = o.hard_warmup;
  settings.mined_skip = o.mined_skip;
  settings.refresh_epochs = o.refresh_epochs;
  settings.seed = o.seed;
  return settings;
}

nlohmann::ordered_json to_json(const TrainOptions& options) {
  nlohmann::ordered_json json;
  visit_train_options(options, [&](const auto& field, const char* name, const char*) { json[name] = field; });
  return json;
}

ScheduleValue scheduled(const TrainOptions& o, double progress) {
  if (o.schedule == "exponential") {
    const double epoch = std::floor(progress * o.epochs);
    return {o.learning_rate * std::pow(o.learning_rate_decay, epoch), o.beta1};
  }
  if (o.schedule == "linear") return {o.learning_rate * (1 - progress), o.beta1};
  if (o.schedule == "cosine") return {cosine(o.learning_rate, 0, progress), o.beta1};
  if (o.schedule == "one-cycle") {
    // Smith and Topin, Super-Convergence, 2018, with fastai's cosines: the rate from 1/25 of the peak to the peak to
    // 1e-5 of it; momentum the other way, from beta1 + 0.05 to beta1 - 0.05 and back.
    const double high = std::min(0.99, o.beta1 + 0.05), low = std::max(0.0, o.beta1 - 0.05);
    if (progress < o.warmup) {
      const double x = progress / o.warmup;
      return {cosine(o.learning_rate / 25, o.learning_rate, x), cosine(high, low, x)};
    }
    const double x = (progress - o.warmup) / (1 - o.warmup);
    return {cosine(o.learning_rate, o.learning_rate * 1e-5, x), cosine(low, high, x)};
  }
  return {o.learning_rate, o.beta1};
}

OptimizerKind optimizer_kind(const TrainOptions& options) {
  for (const NamedOptimizer& n : kOptimizers) {
    if (n.name == options.optimizer) return n.kind;
  }
  throw UsageError(fmt::format("--optimizer {}: unknown", options.optimizer));
}

TableType table_type(const TrainOptions& options) {
  return required_type(kTableTypes, "table-type", options.table_type);
}

TableType score_type(const TrainOptions& options) {
  return required_type(kScoreTypes, "score-type", options.score_type);
}

RatingLoss rating_loss(const TrainOptions& o, const RatingView& train) {
  const RatingMoments moments = rating_moments(train.ratings);
  check_scale(moments, train.ratings);
  const auto [mean, variance] = moments;
  RatingLoss loss;
  loss.scale = static_cast<float>(std::sqrt(variance));
  loss.inverse_variance = static_cast<float>(1 / variance);
  loss.mean = static_cast<float>(mean / std::sqrt(variance));
  loss.l2 = static_cast<float>(o.l2);
  loss.l2_bias = static_cast<float>(o.l2_bias < 0 ? o.l2 : o.l2_bias);
  loss.use_bias = !o.no_bias;
  if (const std::optional<Range> range = parse_range(o.rating_range)) set_range(loss, *range, mean, o, train);
  return loss;
}

std::vector<float> positive_weights(const TrainOptions& o, const RatingView& train) {
  if (o.model != "softmax" || (o.rating_weight == 1 && o.user_balance == 0)) return {};
  const auto [mean, variance] = rating_moments(train.ratings);
  const double deviation = std::sqrt(variance);
  std::vector<std::uint64_t> n_positives(std::uint64_t{std::ranges::max(train.users)} + 1);
  for (const Row user : train.users) ++n_positives[user];
  double total = 0;
  std::vector<float> weights(train.size());
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double weight = std::pow(o.rating_weight, (static_cast<double>(train.ratings[k]) - mean) / deviation) *
                          std::pow(static_cast<double>(n_positives[train.users[k]]), -o.user_balance);
    weights[k] = static_cast<float>(weight);
    total += weight;
  }
  const double scale = static_cast<double>(weights.size()) / total;
  for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) * scale);
  return weights;
}

std::uint64_t resolved_batch_size(const TrainOptions& o, std::uint64_t n_ratings) {
  if (o.batch_size > 0) return std::min(o.batch_size, n_ratings);
  if (o.model == "softmax") return std::min<std::uint64_t>(n_ratings, 1024);
  // Batches are cheap enough from here on, and an epoch has enough of them for the schedule to move smoothly. The
  // deterministic update sums a batch's gradients before it applies them, so its batches stay small.
  const std::uint64_t lowest = o.deterministic ? 256 : 1024;
  const std::uint64_t highest = o.deterministic ? 4096 : 262144;
  return std::min(n_ratings, std::clamp(n_ratings / 64, lowest, highest));
}

}  // namespace unfold
