#include "host/eval/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unfold/error.hpp"

namespace unfold {
namespace {

using Ranks = std::vector<std::uint32_t>;

RankingMetrics of_users(const std::vector<std::uint32_t>& cutoffs, const std::vector<Ranks>& users) {
  MetricMeans means(cutoffs);
  for (const Ranks& ranks : users) means.add_user(ranks);
  return means.means();
}

// Relevant items on ranks 1, 3 and 12.
TEST(Metrics, EqualAHandComputedUser) {
  const RankingMetrics m = of_users({1, 2, 3, 10, 20}, {{1, 3, 12}});
  ASSERT_EQ(m.at_k.size(), 5u);
  const double third = 1.0 / 3;
  EXPECT_DOUBLE_EQ(m.mrr, 1);

  EXPECT_EQ(m.at_k[0].k, 1u);
  EXPECT_DOUBLE_EQ(m.at_k[0].recall, third);
  EXPECT_DOUBLE_EQ(m.at_k[0].precision, 1);
  EXPECT_DOUBLE_EQ(m.at_k[0].hit_rate, 1);
  EXPECT_DOUBLE_EQ(m.at_k[0].ndcg, 1);
  EXPECT_DOUBLE_EQ(m.at_k[0].map, 1);

  // K = 2: the ideal list has two hits, worth 1 + 1/log2(3).
  EXPECT_DOUBLE_EQ(m.at_k[1].recall, third);
  EXPECT_DOUBLE_EQ(m.at_k[1].precision, 0.5);
  EXPECT_DOUBLE_EQ(m.at_k[1].ndcg, 1 / (1 + 1 / std::log2(3.0)));
  EXPECT_DOUBLE_EQ(m.at_k[1].map, 0.5);

  // K = 3: hits on 1 and 3, worth 1 + 1/log2(4), of 1 + 1/log2(3) + 1/2; precision at them 1 and 2/3.
  EXPECT_DOUBLE_EQ(m.at_k[2].recall, 2 * third);
  EXPECT_DOUBLE_EQ(m.at_k[2].precision, 2 * third);
  EXPECT_DOUBLE_EQ(m.at_k[2].ndcg, 1.5 / (1.5 + 1 / std::log2(3.0)));
  EXPECT_DOUBLE_EQ(m.at_k[2].map, (1 + 2 * third) / 3);

  // K = 10: as K = 3, but for precision.
  EXPECT_DOUBLE_EQ(m.at_k[3].recall, 2 * third);
  EXPECT_DOUBLE_EQ(m.at_k[3].precision, 0.2);
  EXPECT_DOUBLE_EQ(m.at_k[3].ndcg, m.at_k[2].ndcg);
  EXPECT_DOUBLE_EQ(m.at_k[3].map, m.at_k[2].map);

  EXPECT_DOUBLE_EQ(m.at_k[4].recall, 1);
  EXPECT_DOUBLE_EQ(m.at_k[4].precision, 0.15);
  EXPECT_DOUBLE_EQ(m.at_k[4].ndcg, (1.5 + 1 / std::log2(13.0)) / (1.5 + 1 / std::log2(3.0)));
  EXPECT_DOUBLE_EQ(m.at_k[4].map, (1 + 2 * third + 0.25) / 3);
}

TEST(Metrics, AreMeansOverUsers) {
  const RankingMetrics m = of_users({10}, {{2}, {11}, {1, 2}});
  EXPECT_EQ(m.n_users, 3u);
  EXPECT_EQ(m.n_test_items, 4u);
  EXPECT_DOUBLE_EQ(m.at_k[0].recall, (1.0 + 0 + 1) / 3);
  EXPECT_DOUBLE_EQ(m.at_k[0].precision, (0.1 + 0 + 0.2) / 3);
  EXPECT_DOUBLE_EQ(m.at_k[0].hit_rate, 2.0 / 3);
  EXPECT_DOUBLE_EQ(m.at_k[0].ndcg, (1 / std::log2(3.0) + 0 + 1) / 3);
  EXPECT_DOUBLE_EQ(m.at_k[0].map, (0.5 + 0 + 1) / 3);
  EXPECT_DOUBLE_EQ(m.mrr, (0.5 + 1.0 / 11 + 1) / 3);
}

TEST(Metrics, AreOneForAPerfectRankingAndZeroForAMiss) {
  for (const std::uint32_t k : {1u, 3u, 5u, 100u}) {
    const RankingMetrics perfect = of_users({k}, {{1, 2, 3, 4, 5}});
    EXPECT_DOUBLE_EQ(perfect.at_k[0].ndcg, 1) << "K " << k;
    EXPECT_DOUBLE_EQ(perfect.at_k[0].map, 1) << "K " << k;
    EXPECT_DOUBLE_EQ(perfect.at_k[0].recall, std::min(k, 5u) / 5.0) << "K " << k;
    const RankingMetrics miss = of_users({k}, {{101, 102}});
    EXPECT_EQ(miss.at_k[0].ndcg, 0) << "K " << k;
    EXPECT_EQ(miss.at_k[0].map, 0) << "K " << k;
    EXPECT_EQ(miss.at_k[0].recall, 0) << "K " << k;
    EXPECT_EQ(miss.at_k[0].hit_rate, 0) << "K " << k;
  }
}

TEST(Metrics, StayWithinOneWhenSeveralItemsShareTheLastRank) {
  const RankingMetrics m = of_users({3}, {{3, 3, 3}});
  EXPECT_LE(m.at_k[0].map, 1);
  EXPECT_LE(m.at_k[0].ndcg, 1);
}

TEST(Metrics, AreZeroWithoutUsers) {
  const RankingMetrics m = of_users({10}, {});
  EXPECT_EQ(m.n_users, 0u);
  EXPECT_EQ(m.at_k[0].recall, 0);
  EXPECT_EQ(m.mrr, 0);
}

TEST(Metrics, RefuseCutoffsThatMeanNothing) {
  EXPECT_THROW(MetricMeans({}), UsageError);
  EXPECT_THROW(MetricMeans({10, 0}), UsageError);
}

TEST(EvaluationJson, NamesEveryMetric) {
  Evaluation e;
  e.has_rating = e.has_ranking = true;
  e.rating = {0.9, 0.7, 100};
  e.rating_baseline = {1.1, 0.8, 100};
  e.ranking.at_k = {{.k = 20, .recall = 0.1, .precision = 0.2, .hit_rate = 0.3, .ndcg = 0.4, .map = 0.5}};
  e.ranking.mrr = 0.6;
  e.ranking.n_users = 7;
  e.ranking_baseline = e.ranking;
  e.ranking_baseline.at_k[0].recall = 0.05;
  e.n_unknown_users = 3;
  const nlohmann::ordered_json json = e.to_json();
  EXPECT_EQ(json.at("rmse"), 0.9);
  EXPECT_EQ(json.at("mae"), 0.7);
  EXPECT_EQ(json.at("n_ratings"), 100);
  EXPECT_EQ(json.at("recall@20"), 0.1);
  EXPECT_EQ(json.at("precision@20"), 0.2);
  EXPECT_EQ(json.at("hit_rate@20"), 0.3);
  EXPECT_EQ(json.at("ndcg@20"), 0.4);
  EXPECT_EQ(json.at("map@20"), 0.5);
  EXPECT_EQ(json.at("mrr"), 0.6);
  EXPECT_EQ(json.at("n_users"), 7);
  EXPECT_EQ(json.at("n_unknown_users"), 3);
  EXPECT_EQ(json.at("popularity").at("rmse"), 1.1);
  EXPECT_EQ(json.at("popularity").at("recall@20"), 0.05);
}

TEST(EvaluationJson, IsNullWhereNothingWasEvaluated) {
  Evaluation e;
  e.has_rating = e.has_ranking = true;
  e.ranking.at_k = e.ranking_baseline.at_k = {{.k = 5}};
  const nlohmann::ordered_json json = e.to_json();
  EXPECT_TRUE(json.at("rmse").is_null());
  EXPECT_TRUE(json.at("ndcg@5").is_null());
  EXPECT_TRUE(json.at("mrr").is_null());
  EXPECT_EQ(json.at("n_users"), 0);
  e.has_rating = false;
  EXPECT_FALSE(e.to_json().contains("rmse"));
}

}  // namespace
}  // namespace unfold
