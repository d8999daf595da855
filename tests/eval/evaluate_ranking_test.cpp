#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "tests/eval/eval_support.hpp"

namespace unfold {
namespace {

using test::Interactions;

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

// What a ranking is, said the long way: items are sorted into a list, worst luck first among equals, and metrics are
// read off the list position by position.
struct BruteForce {
  std::uint64_t n_users = 0;
  std::map<std::uint32_t, double> recall, precision, hit_rate, ndcg, map;
  double mrr = 0;

  void add_user(const std::vector<double>& score, const std::set<Row>& relevant, const std::set<Row>& masked,
                const std::vector<std::uint32_t>& cutoffs) {
    std::vector<Row> list;
    for (Row i = 0; i < score.size(); ++i) {
      if (masked.count(i) == 0) list.push_back(i);
    }
    std::sort(list.begin(), list.end(), [&](Row a, Row b) {
      if (score[a] != score[b]) return score[a] > score[b];
      if (relevant.count(a) != relevant.count(b)) return relevant.count(a) < relevant.count(b);
      return a < b;
    });
    ++n_users;
    for (std::size_t p = 0; p < list.size(); ++p) {
      if (relevant.count(list[p]) == 0) continue;
      mrr += 1.0 / static_cast<double>(p + 1);
      break;
    }
    for (const std::uint32_t k : cutoffs) add_list(list, relevant, k);
  }

  void add_list(const std::vector<Row>& list, const std::set<Row>& relevant, std::uint32_t k) {
    double hits = 0, dcg = 0, ideal = 0, precisions = 0;
    for (std::uint32_t p = 0; p < std::min<std::size_t>(k, list.size()); ++p) {
      if (relevant.count(list[p]) == 0) continue;
      hits += 1;
      dcg += 1 / std::log2(p + 2.0);
      precisions += hits / (p + 1.0);
    }
    const auto n_relevant = static_cast<double>(relevant.size());
    for (std::uint32_t p = 0; p < k && p < relevant.size(); ++p) ideal += 1 / std::log2(p + 2.0);
    recall[k] += hits / n_relevant;
    precision[k] += hits / k;
    hit_rate[k] += hits > 0 ? 1 : 0;
    ndcg[k] += dcg / ideal;
    map[k] += precisions / std::min<double>(k, n_relevant);
  }

  void expect_equal(const RankingMetrics& m) const {
    ASSERT_EQ(m.n_users, n_users);
    if (n_users == 0) return;
    const auto n = static_cast<double>(n_users);
    EXPECT_DOUBLE_EQ(m.mrr, mrr / n);
    for (const RankingMetrics::AtK& at_k : m.at_k) {
      SCOPED_TRACE(fmt::format("K {}", at_k.k));
      EXPECT_DOUBLE_EQ(at_k.recall, recall.at(at_k.k) / n);
      EXPECT_DOUBLE_EQ(at_k.precision, precision.at(at_k.k) / n);
      EXPECT_DOUBLE_EQ(at_k.hit_rate, hit_rate.at(at_k.k) / n);
      EXPECT_DOUBLE_EQ(at_k.ndcg, ndcg.at(at_k.k) / n);
      EXPECT_DOUBLE_EQ(at_k.map, map.at(at_k.k) / n);
    }
  }
};

struct World {
  Model model;
  Interactions test;
  double relevant_rating = 3;
};

// Small integers as factors: scores are exact and tie often. Pairs repeat, ids are unknown, some test items are in
// training, some ratings are too low, and every fourth user has no test items.
World random_world(std::uint64_t seed, std::uint32_t n_users, std::uint32_t n_items, std::uint32_t dim) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  World world{test::empty_model(n_users, n_items, dim), {}};
  for (float& x : world.model.tensors.at("user.embedding").data) x = static_cast<float>(below(5)) - 2;
  for (float& x : world.model.tensors.at("item.embedding").data) x = static_cast<float>(below(5)) - 2;
  for (float& x : world.model.tensors.at("item.bias").data) x = static_cast<float>(below(3));
  for (float& x : world.model.tensors.at("user.bias").data) x = static_cast<float>(below(100));
  world.model.tensors.at("global.bias").data = {3.7f};
  std::vector<std::vector<Row>> seen(n_users);
  for (Row u = 0; u < n_users; ++u) {
    std::set<Row> items;
    for (std::uint32_t k = below(n_items); k > 0; --k) items.insert(below(n_items));
    if (items.size() < n_items) seen[u].assign(items.begin(), items.end());
    if (u % 4 == 3) continue;
    for (std::uint32_t k = below(12); k > 0; --k) {
      world.test.add(u, below(20) == 0 ? kNoRow : below(n_items), static_cast<float>(1 + below(5)));
      if (below(5) == 0) world.test.add(u, world.test.items.back(), 5);
    }
  }
  world.test.add(kNoRow, 0, 5);
  world.model.seen = test::seen_items(seen, n_items);
  Interactions validation;
  for (Row u = 0; u < n_users; u += 2) {
    for (std::uint32_t k = below(6); k > 0 && seen[u].size() + 6 < n_items; --k) validation.add(u, below(n_items));
  }
  world.model.seen.hold_out(validation.view(), {});
  return world;
}

// score(user, item)
template <typename Score>
BruteForce brute_force(const World& world, const std::vector<std::uint32_t>& cutoffs, const Score& score) {
  BruteForce result;
  const SeenItems& seen = world.model.seen;
  for (Row u = 0; u < world.model.tensors.at("user.embedding").rows(); ++u) {
    std::set<Row> masked;
    for (Row item = 0; item < world.model.tensors.at("item.embedding").rows(); ++item) {
      if (seen.contains(u, item) || seen.validation.contains(u, item)) masked.insert(item);
    }
    std::set<Row> relevant;
    for (std::size_t n = 0; n < world.test.users.size(); ++n) {
      const Row item = world.test.items[n];
      if (world.test.users[n] != u || item == kNoRow || masked.count(item) != 0) continue;
      if (world.test.ratings[n] >= world.relevant_rating) relevant.insert(item);
    }
    if (relevant.empty()) continue;
    std::vector<double> scores;
    for (Row i = 0; i < world.model.tensors.at("item.embedding").rows(); ++i) scores.push_back(score(u, i));
    result.add_user(scores, relevant, masked, cutoffs);
  }
  return result;
}

double popularity_score(const Model& model, Row item) {
  return static_cast<double>(std::count(model.seen.items.begin(), model.seen.items.end(), item));
}

const std::vector<std::uint32_t> kCutoffs = {1, 3, 10, 1000};

struct RankingShape {
  std::uint32_t n_users, n_items, dim;
};

TEST(EvaluateRanking, EqualsBruteForceOnRandomModels) {
  const auto backend = make_cpu_backend(2);
  for (const RankingShape& shape : {RankingShape{1, 2, 1}, {10, 5, 3}, {40, 33, 4}, {60, 200, 16}, {25, 700, 33}}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(fmt::format("seed {}, {} users", seed, shape.n_users));
      const World world = random_world(seed, shape.n_users, shape.n_items, shape.dim);
      const std::unique_ptr<Scorer> scorer = make_scorer(*backend, world.model);
      const EvaluateOptions options{.cutoffs = kCutoffs, .relevant_rating = world.relevant_rating};
      const Evaluation e = evaluate(*backend, *scorer, world.test.view(), world.model.seen, false, options);
      EXPECT_FALSE(e.has_rating);
      brute_force(world, kCutoffs, [&](Row u, Row i) {
        return test::model_score(world.model, u, i);
      }).expect_equal(e.ranking);
      brute_force(world, kCutoffs, [&](Row, Row i) {
        return popularity_score(world.model, i);
      }).expect_equal(e.ranking_baseline);
      EXPECT_EQ(e.ranking.n_users + e.ranking.n_users_skipped, shape.n_users);
    }
  }
}

TEST(EvaluateRanking, IsTheSameInSmallBlocksAndForAnyThreads) {
  const World world = random_world(7, 300, 150, 8);
  EvaluateOptions options{.cutoffs = {5, 20}, .relevant_rating = world.relevant_rating};
  const auto run = [&](unsigned threads) {
    const auto backend = make_cpu_backend(threads);
    const std::unique_ptr<Scorer> scorer = make_scorer(*backend, world.model);
    return evaluate(*backend, *scorer, world.test.view(), world.model.seen, true, options).to_json();
  };
  const nlohmann::ordered_json expected = run(1);
  EXPECT_GT(expected.at("n_users"), 100);
  for (const std::uint64_t memory : {std::uint64_t{1}, std::uint64_t{300} << 10, std::uint64_t{1} << 30}) {
    options.memory_bytes = memory;
    EXPECT_EQ(run(2), expected) << memory << " bytes";
    EXPECT_EQ(run(5), expected) << memory << " bytes";
  }
}

// 10 items that all score alike; one is masked, two are relevant: they share the end of the list.
TEST(EvaluateRanking, NeverFlattersAModelThatScoresAllAlike) {
  Model model = test::empty_model(1, 10, 4);
  model.seen = test::seen_items({{0}}, 10);
  Interactions test;
  test.add(0, 1);
  test.add(0, 5);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const RankingMetrics m = evaluate_ranking(*backend, *scorer, test.view(), model.seen, {.cutoffs = {7, 8, 9}});
  EXPECT_DOUBLE_EQ(m.at_k[0].recall, 0);
  EXPECT_DOUBLE_EQ(m.at_k[1].recall, 0.5);
  EXPECT_DOUBLE_EQ(m.at_k[2].recall, 1);
  EXPECT_DOUBLE_EQ(m.mrr, 1.0 / 8);
}

TEST(EvaluateRanking, CountsWhatItLeavesOut) {
  Model model = test::empty_model(4, 5, 2);
  model.seen = test::seen_items({{0, 1}, {2}, {}, {}}, 5);
  Interactions test;
  test.add(0, 1, 5);       // in training
  test.add(0, 1, 5);       // the same again
  test.add(0, 2, 5);       // counts
  test.add(0, 2, 5);       // counts once
  test.add(1, 3, 1);       // not relevant
  test.add(2, kNoRow, 5);  // unknown item
  test.add(kNoRow, 3, 5);  // unknown user
  test.add(kNoRow, kNoRow, 5);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const Evaluation e = evaluate(*backend, *scorer, test.view(), model.seen, false, {.relevant_rating = 4});
  EXPECT_EQ(e.ranking.n_users, 1u);
  EXPECT_EQ(e.ranking.n_users_skipped, 3u);
  EXPECT_EQ(e.ranking.n_test_items, 1u);
  EXPECT_EQ(e.ranking.n_test_in_training, 1u);
  EXPECT_EQ(e.n_unknown_users, 2u);
  EXPECT_EQ(e.n_unknown_items, 2u);
  EXPECT_EQ(e.ranking_baseline.n_test_items, 1u);
}

// Items 0 to 5 score 5 to 0. Item 0 is in training, 1 in validation: neither competes, and neither is a test item.
TEST(EvaluateRanking, MasksTrainingAndValidation) {
  Model model = test::empty_model(1, 6, 1);
  model.tensors.at("user.embedding").data = {1};
  model.tensors.at("item.embedding").data = {5, 4, 3, 2, 1, 0};
  model.seen = test::seen_items({{0}}, 6);
  Interactions validation, test;
  validation.add(0, 1);
  for (const Row item : {0, 1, 3}) test.add(0, item);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const auto run = [&] { return evaluate(*backend, *scorer, test.view(), model.seen, false, {}); };
  EXPECT_DOUBLE_EQ(run().ranking.mrr, 1) << "item 1 is a test item, the best of two";
  model.seen.hold_out(validation.view(), {});
  const Evaluation e = run();
  EXPECT_DOUBLE_EQ(e.ranking.mrr, 0.5) << "of items 2 to 5, item 3 is second";
  EXPECT_DOUBLE_EQ(e.ranking_baseline.mrr, 0.25) << "none of them is in training: all tie";
  EXPECT_EQ(e.ranking.n_test_items, 1u);
  EXPECT_EQ(e.ranking.n_test_in_training, 1u);
  EXPECT_EQ(e.ranking.n_test_in_validation, 1u);
  EXPECT_EQ(e.n_interactions, 3u);
  EXPECT_EQ(e.n_in_training, 1u);
  EXPECT_EQ(e.n_in_validation, 1u);
}

TEST(EvaluateRanking, SaysNothingWithoutTestItems) {
  const Model model = test::empty_model(3, 5, 2);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const RankingMetrics m = evaluate_ranking(*backend, *scorer, {}, model.seen, {});
  EXPECT_EQ(m.n_users, 0u);
  EXPECT_EQ(m.n_users_skipped, 3u);
}

TEST(EvaluateRanking, PutsScoresThatAreNoNumbersLast) {
  Model model = test::empty_model(2, 4, 1);
  model.tensors.at("user.embedding").data = {1, static_cast<float>(kNoNumber)};
  model.tensors.at("item.embedding").data = {3, static_cast<float>(kNoNumber), 2, 1};
  Interactions test;
  test.add(0, 1);
  test.add(1, 0);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const RankingMetrics m = evaluate_ranking(*backend, *scorer, test.view(), model.seen, {.cutoffs = {3}});
  EXPECT_EQ(m.n_users, 2u);
  EXPECT_DOUBLE_EQ(m.mrr, 0.25);
  EXPECT_DOUBLE_EQ(m.at_k[0].hit_rate, 0);
}

TEST(EvaluateRanking, PopularityCountsBeyondWhatAFloatHolds) {
  // Two items whose counts differ by one past 2^24: the more popular one ranks higher.
  constexpr std::uint32_t kCount = (1u << 24) + 1;
  Model model = test::empty_model(1, 3, 1);
  model.seen.items.assign(kCount, 1);
  model.seen.items.insert(model.seen.items.end(), kCount - 1, 0);
  model.seen.offsets = {0, 0};  // none of them is the user's own
  Interactions test;
  test.add(0, 1);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const Evaluation e = evaluate(*backend, *scorer, test.view(), model.seen, false, {});
  EXPECT_DOUBLE_EQ(e.ranking_baseline.mrr, 1);
}

}  // namespace
}  // namespace unfold
