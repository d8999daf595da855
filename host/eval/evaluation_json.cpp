#include <fmt/format.h>

#include "unfold/evaluate.hpp"

namespace unfold {
namespace {

using nlohmann::ordered_json;

// A mean over nothing is null; so is a number that is not finite, which JSON cannot hold.
ordered_json mean(double value, std::uint64_t n) { return n == 0 ? ordered_json(nullptr) : ordered_json(value); }

void add_rating(ordered_json& json, const RatingMetrics& metrics) {
  json["rmse"] = mean(metrics.rmse, metrics.n);
  json["mae"] = mean(metrics.mae, metrics.n);
  json["n_ratings"] = metrics.n;
}

void add_ranking(ordered_json& json, const RankingMetrics& metrics) {
  for (const RankingMetrics::AtK& at_k : metrics.at_k) {
    const auto add = [&](const char* name, double value) {
      json[fmt::format("{}@{}", name, at_k.k)] = mean(value, metrics.n_users);
    };
    add("recall", at_k.recall);
    add("precision", at_k.precision);
    add("hit_rate", at_k.hit_rate);
    add("ndcg", at_k.ndcg);
    add("map", at_k.map);
  }
  json["mrr"] = mean(metrics.mrr, metrics.n_users);
  json["n_users"] = metrics.n_users;
  json["n_users_skipped"] = metrics.n_users_skipped;
  json["n_test_items"] = metrics.n_test_items;
  json["n_test_in_training"] = metrics.n_test_in_training;
  json["n_test_in_validation"] = metrics.n_test_in_validation;
}

void add_folding(ordered_json& json, const FoldingMetrics& metrics) {
  for (const FoldingMetrics::AtK& at_k : metrics.at_k) {
    json[fmt::format("folding@{}", at_k.k)] = mean(at_k.folding, metrics.n_users);
  }
  json["folding_chance"] = mean(metrics.chance, metrics.n_users);
  json["folding_pairwise"] = mean(metrics.pairwise, metrics.n_pairwise_users);
  json["n_folding_users"] = metrics.n_users;
  json["n_folding_users_skipped"] = metrics.n_users_skipped;
  json["n_folding_pairwise_users"] = metrics.n_pairwise_users;
  json["n_items_without_group"] = metrics.n_items_without_group;
}

}  // namespace

ordered_json Evaluation::to_json() const {
  ordered_json json = ordered_json::object();
  ordered_json popularity = ordered_json::object();
  if (has_rating) {
    add_rating(json, rating);
    add_rating(popularity, rating_baseline);
  }
  if (has_ranking) {
    add_ranking(json, ranking);
    add_ranking(popularity, ranking_baseline);
  }
  if (has_folding) {
    add_folding(json, folding);
    add_folding(popularity, folding_baseline);
  }
  json["n_interactions"] = n_interactions;
  json["n_unknown_users"] = n_unknown_users;
  json["n_unknown_items"] = n_unknown_items;
  json["n_in_training"] = n_in_training;
  json["n_in_validation"] = n_in_validation;
  json["popularity"] = std::move(popularity);
  return json;
}

}  // namespace unfold
