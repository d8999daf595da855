#include "host/cli/scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

// Of a mean over `n`.
std::string number(double value, std::uint64_t n) { return n == 0 ? "-" : fmt::format("{:.4f}", value); }

std::string row(const std::string& name, double model, double baseline, std::uint64_t n) {
  return fmt::format("{:<16} {:>10} {:>12}\n", name, number(model, n), number(baseline, n));
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
      out += row(fmt::format("{}@{}", name, model.at_k[n].k), model.at_k[n].*metric, baseline.at_k[n].*metric,
                 model.n_users);
    }
  }
  return out + row("mrr", model.mrr, baseline.mrr, model.n_users);
}

std::string folding_rows(const FoldingMetrics& model, const FoldingMetrics& baseline) {
  std::string out;
  for (std::size_t n = 0; model.n_users > 0 && n < model.at_k.size(); ++n) {
    out +=
        row(fmt::format("folding@{}", model.at_k[n].k), model.at_k[n].folding, baseline.at_k[n].folding, model.n_users);
    out.back() = ' ';
    out += fmt::format("{:>12.4f}\n", model.chance);
  }
  if (model.n_pairwise_users > 0)
    out += row("folding_pairwise", model.pairwise, baseline.pairwise, model.n_pairwise_users);
  return out;
}

std::string folding_counts(const FoldingMetrics& folding) {
  std::string out = fmt::format("folding: users {} ({} skipped: no training item of a group, or none left to rank)",
                                format_count(folding.n_users), format_count(folding.n_users_skipped));
  if (folding.n_items_without_group > 0) {
    out += fmt::format(", {} items without a group count as of no other group",
                       format_count(folding.n_items_without_group));
  }
  return out + '\n';
}

}  // namespace

void add_group_options(OptionSet& options, std::string& items, std::string& group_column, const std::string& use) {
  options.add(
      items, "items",
      fmt::format("a table of items with a header, whose ids are in a column item, itemId, ... or id, else in the "
                  "first: {}",
                  use),
      Saved::kYes, "FILE");
  options.add(group_column, "group-column", "the column of --items that holds the groups, by name or number from 1",
              Saved::kYes, "NAME");
}

void check_group_options(const std::string& items, const std::string& group_column) {
  if (items.empty() && group_column != kDefaultGroupColumn) {
    throw UsageError(fmt::format("--group-column {} names a column of --items FILE; give that too", group_column));
  }
}

ItemGroups load_groups(const std::string& items, const std::string& group_column, const IdMap& item_ids,
                       Progress& progress) {
  ItemGroups groups = read_item_groups(items, group_column, item_ids);
  progress.say(fmt::format("{}: {} groups in column {}, {} of {} items without one", items,
                           format_count(groups.names.size()), group_column, format_count(groups.n_without()),
                           format_count(groups.of_item.size())));
  return groups;
}

void ScoreOptions::add(OptionSet& options) {
  options.add(at, "at", "cutoffs K of the ranking metrics", Allowed::between(1, kMaxCutoff));
  options.add(
      relevant_rating, "relevant-rating",
      "test items that their user rated lower than X do not count as relevant; absent: all count, or those that "
      "are positives of the model");
  options.add(no_ranking, "no-ranking", "leave out the ranking metrics, which score every item for every user");
  add_group_options(options, items, group_column,
                    "measure folding too, how much items of groups that a user has nothing to do with get in between");
}

EvaluateOptions ScoreOptions::resolve() const {
  EvaluateOptions options;
  options.cutoffs = at;
  std::sort(options.cutoffs.begin(), options.cutoffs.end());
  options.cutoffs.erase(std::unique(options.cutoffs.begin(), options.cutoffs.end()), options.cutoffs.end());
  check_group_options(items, group_column);
  if (!items.empty() && no_ranking) throw UsageError("--items measures folding by ranking; give it or --no-ranking");
  if (!items.empty() && options.cutoffs.back() > kMaxTopK) {
    throw UsageError(
        fmt::format("--at {}: with --items every cutoff is at most {}, the longest list that folding is "
                    "measured on",
                    options.cutoffs.back(), kMaxTopK));
  }
  options.relevant_rating = relevant_rating;
  options.ranking = !no_ranking;
  return options;
}

std::optional<ItemGroups> ScoreOptions::read_groups(const IdMap& item_ids, Progress& progress) const {
  if (items.empty()) return std::nullopt;
  return load_groups(items, group_column, item_ids, progress);
}

void say_unknown_parts(const std::string& name, const Model& model, Progress& progress) {
  if (model.seen.knows_held_out() || !held_something_out(model)) return;
  progress.say(
      fmt::format("note: {} was saved without the items that it held out for validation and test, so those of training "
                  "alone are left out, as it was scored before; train again to have all of them left out",
                  name));
}

bool say_dislikes(const std::string& source, const RatingView& part, const std::string& remedy, Progress& progress) {
  const auto n = std::ranges::count_if(part.ratings, [](float rating) { return !(rating > 0); });
  if (n == 0) return false;
  progress.say(fmt::format("note: {}: {} of {} ratings are 0 or below and not relevant{}", source,
                           format_count(static_cast<std::uint64_t>(n)), format_count(part.size()), remedy));
  return true;
}

void leave_out_dislikes(const std::string& source, const RatingView& test, double least, EvaluateOptions& options,
                        Progress& progress) {
  if (options.relevant_rating || !(least > 0)) return;
  if (!say_dislikes(source, test, "; --relevant-rating X draws the line elsewhere", progress)) return;
  options.relevant_rating = static_cast<double>(std::numeric_limits<float>::denorm_min());
}

void warn_of_scores(const std::string& source, const Evaluation& evaluation, const std::string& remedy,
                    Progress& progress) {
  const std::uint64_t n = evaluation.n_interactions;
  const bool ranks_nothing = evaluation.has_ranking && evaluation.ranking.n_users == 0;
  const bool rates_nothing = evaluation.has_rating && evaluation.rating.n == 0;
  if (ranks_nothing || rates_nothing) {
    std::string reasons;
    const auto add = [&](std::uint64_t count, const char* what) {
      if (count > 0) reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", format_count(count), what);
    };
    add(evaluation.n_unknown_users, "of users that the model does not know");
    add(evaluation.n_unknown_items, "of items that the model does not know");
    add(evaluation.n_in_training, "of pairs that the model was trained on");
    add(evaluation.n_in_validation, "of pairs in the model's validation part");
    if (reasons.empty()) reasons = n == 0 ? "there are none" : "none is relevant, or has a competitor";
    progress.warn(
        fmt::format("unfold: warning: {}: nothing is left to {}, so there are no such scores: of {} test "
                    "interactions, {}",
                    source, ranks_nothing ? "rank" : "rate", format_count(n), reasons));
  }
  const std::uint64_t n_known = evaluation.n_in_training + evaluation.n_in_validation;
  if (n_known == 0) return;
  progress.say(fmt::format(
      "note: {}: {} of {} test interactions ({:.3g}%) are not new to the model: it was trained on {} and "
      "chose its epoch by {}; rankings leave them out{}{}",
      source, format_count(n_known), format_count(n), 100 * static_cast<double>(n_known) / static_cast<double>(n),
      format_count(evaluation.n_in_training), format_count(evaluation.n_in_validation),
      evaluation.has_rating ? ", rmse and mae count them" : "", remedy.empty() ? "" : "; " + remedy));
}

std::string score_table(const Evaluation& evaluation) {
  std::string out = fmt::format("{:<16} {:>10} {:>12}", "", "model", "popularity");
  out += evaluation.has_folding ? fmt::format(" {:>12}\n", "chance") : "\n";
  if (evaluation.has_rating) {
    out += row("rmse", evaluation.rating.rmse, evaluation.rating_baseline.rmse, evaluation.rating.n);
    out += row("mae", evaluation.rating.mae, evaluation.rating_baseline.mae, evaluation.rating.n);
  }
  if (evaluation.has_ranking) out += ranking_rows(evaluation.ranking, evaluation.ranking_baseline);
  if (evaluation.has_folding) out += folding_rows(evaluation.folding, evaluation.folding_baseline);
  if (evaluation.has_rating) out += fmt::format("ratings {}", format_count(evaluation.rating.n));
  if (evaluation.has_ranking) {
    const RankingMetrics& ranking = evaluation.ranking;
    out += fmt::format("{}users {} ({} skipped: no relevant test item), test items {}",
                       evaluation.has_rating ? ", " : "", format_count(ranking.n_users),
                       format_count(ranking.n_users_skipped), format_count(ranking.n_test_items));
    if (ranking.n_test_in_training > 0) {
      out += fmt::format(" ({} more are in training)", format_count(ranking.n_test_in_training));
    }
    if (ranking.n_test_in_validation > 0) {
      out += fmt::format(" ({} more are in validation)", format_count(ranking.n_test_in_validation));
    }
  }
  out += '\n';
  if (evaluation.has_folding) out += folding_counts(evaluation.folding);
  if (evaluation.n_unknown_users + evaluation.n_unknown_items > 0) {
    out += fmt::format("not ranked: {} test ratings of unknown users, {} of unknown items\n",
                       format_count(evaluation.n_unknown_users), format_count(evaluation.n_unknown_items));
  }
  return out;
}

}  // namespace unfold::cli
