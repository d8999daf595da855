#include "host/train/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <string_view>
#include <type_traits>

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
constexpr std::array<std::string_view, 4> kSchedules = {"constant", "exponential", "linear", "one-cycle"};

struct Range {
  float low, high;
};

// "LO:HI" with LO < HI, both finite.
std::optional<Range> parse_range(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view part) -> std::optional<float> {
    float value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || !std::isfinite(value)) return std::nullopt;
    return value;
  };
  const std::optional<float> low = number(text.substr(0, colon)), high = number(text.substr(colon + 1));
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

// Cosine from `from` to `to` as x goes from 0 to 1.
double cosine(double from, double to, double x) { return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * x)); }

}  // namespace

void validate(const TrainOptions& o) {
  const auto require = [](bool ok, std::string_view name, const auto& value, std::string_view allowed) {
    if (!ok) refuse(name, fmt::format("{}", value), allowed);
  };
  require(o.model == "mf", "model", o.model, "this version trains 'mf'");
  require(o.dim >= 1 && o.dim <= 1024, "dim", o.dim, "use 1 to 1024");
  require(std::ranges::find(kTableTypes, o.table_type, table_type_name) != kTableTypes.end(), "table-type", o.table_type,
          "use float32, float16 or bfloat16");
  require(o.epochs >= 1, "epochs", o.epochs, "use 1 or more");
  require(std::ranges::any_of(kOptimizers, [&](const NamedOptimizer& n) { return n.name == o.optimizer; }), "optimizer",
          o.optimizer, "use sgd, adagrad, rowwise-adagrad or adam");
  require(std::ranges::find(kSchedules, o.schedule) != kSchedules.end(), "schedule", o.schedule,
          "use constant, exponential, linear or one-cycle");
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
  require(o.batch_size < (std::uint64_t{1} << 31), "batch-size", o.batch_size, "use less than 2147483648");
  require(o.threads <= 256, "threads", o.threads, "use 0 to 256");
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
  const auto* const type = std::ranges::find(kTableTypes, options.table_type, table_type_name);
  if (type == kTableTypes.end()) throw UsageError(fmt::format("--table-type {}: unknown", options.table_type));
  return *type;
}

RatingLoss rating_loss(const TrainOptions& o, const RatingView& train) {
  const auto n = static_cast<double>(train.size());
  double sum = 0, sum_of_squares = 0;
  for (const float rating : train.ratings) sum += static_cast<double>(rating);
  const double mean = sum / n;
  for (const float rating : train.ratings) sum_of_squares += std::pow(static_cast<double>(rating) - mean, 2);
  const double variance = sum_of_squares > 0 ? sum_of_squares / n : 1;
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

std::uint64_t resolved_batch_size(const TrainOptions& o, std::uint64_t n_ratings) {
  if (o.batch_size > 0) return std::min(o.batch_size, n_ratings);
  // Batches are cheap enough from here on, and an epoch has enough of them for the schedule to move smoothly. The
  // deterministic update sums a batch's gradients before it applies them, so its batches stay small.
  const std::uint64_t lowest = o.deterministic ? 256 : 1024;
  const std::uint64_t highest = o.deterministic ? 4096 : 262144;
  return std::min(n_ratings, std::clamp(n_ratings / 64, lowest, highest));
}

}  // namespace unfold
