#include "host/cli/scores.hpp"

#include <algorithm>

#include "host/cli/progress.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

std::string row(const std::string& name, double model, double baseline) {
  return fmt::format("{:<14} {:>10.4f} {:>12.4f}\n", name, model, baseline);
}

std::string ranking_rows(const RankingMetrics& model, const RankingMetrics& baseline) {
  using AtK = RankingMetrics::AtK;
  static constexpr std::pair<const char*, double AtK::*> kMetrics[] = {{"recall", &AtK::recall},
                                                                       {"precision", &AtK::precision},
                                                                       {"hit_rate", &AtK::hit_rate},
                                                                       {"ndcg", &AtK::ndcg},
                                                                       {"map", &AtK::map}};
  std::string out;
  for (const auto& [name, metric] : kMetrics) {
    for (std::size_t n = 0; n < model.at_k.size(); ++n) {
      out += row(fmt::format("{}@{}", name, model.at_k[n].k), model.at_k[n].*metric, baseline.at_k[n].*metric);
    }
  }
  return out + row("mrr", model.mrr, baseline.mrr);
}

}  // namespace

void ScoreOptions::add(OptionSet& options) {
  options.add(at, "at", "cutoffs K of the ranking metrics, each >= 1");
  options.add(relevant_rating, "relevant-rating",
              "test items that their user rated lower than X do not count as relevant; absent: all count");
  options.add(no_ranking, "no-ranking", "leave out the ranking metrics, which score every item for every user");
}

EvaluateOptions ScoreOptions::resolve() const {
  EvaluateOptions options;
  options.cutoffs = at;
  std::sort(options.cutoffs.begin(), options.cutoffs.end());
  options.cutoffs.erase(std::unique(options.cutoffs.begin(), options.cutoffs.end()), options.cutoffs.end());
  if (options.cutoffs.empty() || options.cutoffs.front() == 0) throw UsageError("--at: every cutoff is 1 or more");
  if (relevant_rating) options.relevant_rating = *relevant_rating;
  options.ranking = !no_ranking;
  return options;
}

std::string score_table(const Evaluation& evaluation) {
  std::string out = fmt::format("{:<14} {:>10} {:>12}\n", "", "model", "popularity");
  if (evaluation.has_rating) {
    out += row("rmse", evaluation.rating.rmse, evaluation.rating_baseline.rmse);
    out += row("mae", evaluation.rating.mae, evaluation.rating_baseline.mae);
  }
  if (evaluation.has_ranking) out += ranking_rows(evaluation.ranking, evaluation.ranking_baseline);
  if (evaluation.has_rating) out += fmt::format("ratings {}", format_count(evaluation.rating.n));
  if (evaluation.has_ranking) {
    const RankingMetrics& ranking = evaluation.ranking;
    out += fmt::format("{}users {} ({} skipped: no relevant test item), test items {}",
                       evaluation.has_rating ? ", " : "", format_count(ranking.n_users),
                       format_count(ranking.n_users_skipped), format_count(ranking.n_test_items));
    if (ranking.n_test_in_training > 0) {
      out += fmt::format(" ({} more are in training)", format_count(ranking.n_test_in_training));
    }
  }
  out += '\n';
  if (evaluation.n_unknown_users + evaluation.n_unknown_items > 0) {
    out += fmt::format("not ranked: {} test ratings of unknown users, {} of unknown items\n",
                       format_count(evaluation.n_unknown_users), format_count(evaluation.n_unknown_items));
  }
  return out;
}

}  // namespace unfold::cli
