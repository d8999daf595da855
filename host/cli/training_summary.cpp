#include "host/cli/training_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace unfold::cli {
namespace {

std::string why_it_ended(const TrainResult& result, const TrainOptions& options) {
  const auto n_done =
      std::ranges::count_if(result.model.history, [](const auto& line) { return !line.contains("refit"); });
  switch (result.outcome) {
    case TrainOutcome::kFinished:
      return options.epochs == 1 ? "trained for 1 epoch" : fmt::format("trained for all {} epochs", options.epochs);
    case TrainOutcome::kEarlyStopped:
      return fmt::format("stopped after epoch {} of {}: no better validation score in {} epochs (--patience {})",
                         n_done, options.epochs, options.patience, options.patience);
    case TrainOutcome::kInterrupted:
      return fmt::format("interrupted in epoch {} of {}", n_done + 1, options.epochs);
    case TrainOutcome::kDiverged:
      return fmt::format("stopped after epoch {} of {}: the loss is not finite any more", n_done, options.epochs);
  }
  return "";
}

const nlohmann::ordered_json* history_line(const TrainResult& result, std::uint32_t epoch) {
  for (const nlohmann::ordered_json& line : result.model.history) {
    if (line.value("epoch", 0u) == epoch && !line.contains("refit")) return &line;
  }
  return nullptr;
}

}  // namespace

std::string validation_text(const nlohmann::ordered_json& line) {
  static constexpr std::string_view kPrefix = "validation_";
  static constexpr std::array<const char*, 4> kScores = {"validation_rmse", "validation_mae", "validation_recall@20",
                                                         "validation_ndcg@20"};
  std::string text;
  for (const char* key : kScores) {
    if (!line.contains(key) || !line[key].is_number()) continue;
    text +=
        fmt::format("{}{} {:.4f}", text.empty() ? "validation " : "  ", key + kPrefix.size(), line[key].get<double>());
  }
  return text;
}

std::string training_summary(const TrainResult& result, const TrainOptions& options) {
  const std::string ended = why_it_ended(result, options);
  if (!result.has_model) return ended;
  const nlohmann::ordered_json* line = history_line(result, result.best_epoch);
  const std::string scores = line == nullptr ? "" : validation_text(*line);
  if (!scores.empty()) {
    return fmt::format("{}\nkept epoch {}, the best: {}{}", ended, result.best_epoch, scores,
                       result.refitted ? "; trained again with the validation part, for as many epochs" : "");
  }
  if (result.outcome == TrainOutcome::kInterrupted) {
    return fmt::format("{}\nkept the model as it was in epoch {}", ended, result.best_epoch);
  }
  if (result.outcome == TrainOutcome::kDiverged) return fmt::format("{}\nkept epoch {}", ended, result.best_epoch);
  return fmt::format("{}\nkept epoch {}, the last; {}", ended, result.best_epoch,
                     result.unscored ? "nothing of the validation part could be scored, so it chose none"
                                     : "a validation part (--validation) would choose the best");
}

}  // namespace unfold::cli
