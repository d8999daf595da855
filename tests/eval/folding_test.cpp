#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "tests/eval/eval_support.hpp"
#include "tests/ops/parity.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using test::Interactions;
using test::kBackends;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct GroupedWorld {
  Model model;
  Interactions test;
  ItemGroups groups;
};

// Groups by name, "" for none.
ItemGroups groups_of(const std::vector<std::string>& names) { return make_item_groups(names); }

// What folding is, said the long way: every list sorted, every pair compared, in double.
struct GroupedBruteForce {
  std::vector<double> folding;  // by cutoff
  double chance = 0, pairwise = 0;
  std::uint64_t n_users = 0, n_pairwise_users = 0;
};

// score_of(user, item)
template <typename Score>
GroupedBruteForce brute_force_of_groups(const GroupedWorld& world, const std::vector<std::uint32_t>& cutoffs,
                                        const Score& score_of) {
  GroupedBruteForce result;
  result.folding.assign(cutoffs.size(), 0);
  const SeenItems& seen = world.model.seen;
  const auto n_items = static_cast<Row>(world.model.tensors.at("item.embedding").rows());
  for (Row user = 0; user < world.model.tensors.at("user.embedding").rows(); ++user) {
    const std::set<Row> trained(seen.items.data() + seen.offsets[user], seen.items.data() + seen.offsets[user + 1]);
    std::set<std::uint32_t> own;
    for (const Row item : trained) own.insert(world.groups.of_item[item]);
    own.erase(kNoGroup);
    if (own.empty()) continue;
    const auto is_other = [&](Row item) {
      return world.groups.of_item[item] != kNoGroup && own.count(world.groups.of_item[item]) == 0;
    };
    std::vector<Row> list;
    double n_unseen = 0, n_others = 0;
    for (Row item = 0; item < n_items; ++item) {
      if (trained.count(item) != 0) continue;
      n_unseen += 1;
      n_others += is_other(item) ? 1 : 0;
      if (!std::isnan(score_of(user, item))) list.push_back(item);
    }
    std::stable_sort(list.begin(), list.end(), [&](Row a, Row b) { return score_of(user, a) > score_of(user, b); });
    if (!list.empty()) {
      ++result.n_users;
      result.chance += n_others / n_unseen;
      for (std::size_t c = 0; c < cutoffs.size(); ++c) {
        const std::size_t n = std::min<std::size_t>(cutoffs[c], list.size());
        const auto n_found = std::count_if(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(n), is_other);
        result.folding[c] += static_cast<double>(n_found) / static_cast<double>(n);
      }
    }
    std::set<Row> relevant;
    for (std::size_t n = 0; n < world.test.users.size(); ++n) {
      const Row item = world.test.items[n];
      if (world.test.users[n] == user && item != kNoRow && trained.count(item) == 0 && world.test.ratings[n] >= 3) {
        relevant.insert(item);
      }
    }
    double n_pairs = 0, n_folded = 0;
    for (const Row target : relevant) {
      for (Row item = 0; item < n_items; ++item) {
        if (!is_other(item) || relevant.count(item) != 0) continue;
        const double of_target = score_of(user, target), of_item = score_of(user, item);
        n_pairs += 1;
        n_folded += std::isnan(of_target) || of_item >= of_target ? 1 : 0;
      }
    }
    if (n_pairs == 0) continue;
    ++result.n_pairwise_users;
    result.pairwise += n_folded / n_pairs;
  }
  const auto n = static_cast<double>(std::max<std::uint64_t>(result.n_users, 1));
  for (double& x : result.folding) x /= n;
  result.chance /= n;
  result.pairwise /= static_cast<double>(std::max<std::uint64_t>(result.n_pairwise_users, 1));
  return result;
}

void expect_equal(const FoldingMetrics& m, const GroupedBruteForce& expected, std::uint64_t n_model_users) {
  EXPECT_EQ(m.n_users, expected.n_users);
  EXPECT_EQ(m.n_users_skipped, n_model_users - expected.n_users);
  EXPECT_EQ(m.n_pairwise_users, expected.n_pairwise_users);
  EXPECT_DOUBLE_EQ(m.chance, expected.chance);
  EXPECT_DOUBLE_EQ(m.pairwise, expected.pairwise);
  ASSERT_EQ(m.at_k.size(), expected.folding.size());
  for (std::size_t c = 0; c < m.at_k.size(); ++c) {
    EXPECT_DOUBLE_EQ(m.at_k[c].folding, expected.folding[c]) << "K " << m.at_k[c].k;
  }
}

// Small integers as factors: scores are exact and tie often. Users have items of several groups, some items have no
// group, some users no training item or all items, some test items are of other groups, some embeddings are no numbers.
GroupedWorld random_grouped_world(std::uint64_t seed, std::uint32_t n_users, std::uint32_t n_items,
                                  std::uint32_t n_groups, bool some_no_numbers) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  GroupedWorld world{test::empty_model(n_users, n_items, 4), {}, {}};
  for (float& x : world.model.tensors.at("user.embedding").data) x = static_cast<float>(below(5)) - 2;
  for (float& x : world.model.tensors.at("item.embedding").data) x = static_cast<float>(below(5)) - 2;
  for (float& x : world.model.tensors.at("item.bias").data) x = static_cast<float>(below(3));
  if (some_no_numbers) {
    for (std::uint32_t k = 0; k < n_items / 4; ++k) world.model.tensors.at("item.bias").data[below(n_items)] = kNaN;
    world.model.tensors.at("user.embedding").data[0] = kNaN;
  }
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < n_items; ++i) names.push_back(below(7) == 0 ? "" : fmt::format("g{}", below(n_groups)));
  world.groups = groups_of(names);
  std::vector<std::vector<Row>> seen(n_users);
  for (Row user = 0; user < n_users; ++user) {
    std::set<Row> items;
    for (std::uint32_t k = user % 5 == 4 ? n_items * 8 : below(4); k > 0; --k) items.insert(below(n_items));
    seen[user].assign(items.begin(), items.end());
    for (std::uint32_t k = below(8); k > 0; --k) {
      world.test.add(user, below(20) == 0 ? kNoRow : below(n_items), static_cast<float>(1 + below(5)));
    }
  }
  world.test.add(kNoRow, 0, 5);
  world.model.seen = test::seen_items(seen, n_items);
  return world;
}

const std::vector<std::uint32_t> kFoldingCutoffs = {1, 3, 20, 1000};

class FoldingParity : public test::BackendParity {};

TEST_P(FoldingParity, EqualsBruteForceOnRandomModels) {
  struct Shape {
    std::uint32_t n_users, n_items, n_groups;
  };
  for (const Shape& shape : {Shape{1, 1, 1}, {3, 2, 2}, {20, 6, 3}, {40, 33, 4}, {60, 200, 10}, {30, 1100, 150}}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(fmt::format("seed {}, {} users, {} items", seed, shape.n_users, shape.n_items));
      const GroupedWorld world =
          random_grouped_world(seed, shape.n_users, shape.n_items, shape.n_groups, seed % 2 == 0);
      const std::unique_ptr<Scorer> scorer = make_scorer(backend(), world.model);
      const EvaluateOptions options{.cutoffs = kFoldingCutoffs, .relevant_rating = 3, .groups = &world.groups};
      const Evaluation e = evaluate(backend(), *scorer, world.test.view(), world.model.seen, false, options);
      ASSERT_TRUE(e.has_folding);
      expect_equal(e.folding,
                   brute_force_of_groups(world, kFoldingCutoffs,
                                         [&](Row u, Row i) { return test::model_score(world.model, u, i); }),
                   shape.n_users);
      std::vector<double> n_users_of(shape.n_items);
      for (const Row item : world.model.seen.items) ++n_users_of[item];
      const GroupedBruteForce popularity =
          brute_force_of_groups(world, kFoldingCutoffs, [&](Row, Row i) { return n_users_of[i]; });
      expect_equal(e.folding_baseline, popularity, shape.n_users);
      EXPECT_EQ(
          e.folding.n_items_without_group,
          static_cast<std::uint64_t>(std::count(world.groups.of_item.begin(), world.groups.of_item.end(), kNoGroup)));
    }
  }
}

UNFOLD_FOR_EVERY_BACKEND(FoldingParity);

TEST(Folding, IsTheSameInSmallBlocksAndForAnyThreads) {
  const GroupedWorld world = random_grouped_world(7, 100, 150, 9, false);
  EvaluateOptions options{.cutoffs = {5, 20}, .groups = &world.groups};
  const auto run = [&](unsigned threads) {
    const auto backend = make_cpu_backend(threads);
    const std::unique_ptr<Scorer> scorer = make_scorer(*backend, world.model);
    return evaluate(*backend, *scorer, world.test.view(), world.model.seen, true, options).to_json();
  };
  const nlohmann::ordered_json expected = run(1);
  EXPECT_GT(expected.at("n_folding_users"), 40);
  EXPECT_GT(expected.at("n_folding_pairwise_users"), 30);
  for (const std::uint64_t memory : {std::uint64_t{1}, std::uint64_t{300} << 10, std::uint64_t{1} << 30}) {
    options.memory_bytes = memory;
    EXPECT_EQ(run(2), expected) << memory << " bytes";
    EXPECT_EQ(run(5), expected) << memory << " bytes";
  }
}

// Items by score: a4 b5 a3 b2 - the example of docs/metrics.md.
TEST(Folding, TheDocumentedExample) {
  GroupedWorld world{test::empty_model(3, 8, 1), {}, groups_of({"a", "a", "a", "a", "b", "b", "c", ""})};
  world.model.tensors.at("user.embedding").data = {1, 1, 1};
  world.model.tensors.at("item.embedding").data = {9, 8, 7, 5, 6, 5, 4, 3};
  world.model.seen = test::seen_items({{0, 1}, {}, {7}}, 8);
  world.test.add(0, 2);
  world.test.add(0, 3);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, world.model);
  const FoldingMetrics m =
      evaluate_folding(*backend, *scorer, world.test.view(), world.model.seen, world.groups, {.cutoffs = {4, 20}});
  // Unseen, best first: 2 (a), 4 (b), 3 (a), 5 (b), 6 (c), 7 (none).
  EXPECT_DOUBLE_EQ(m.at_k[0].folding, 2.0 / 4);
  EXPECT_DOUBLE_EQ(m.at_k[1].folding, 3.0 / 6);
  EXPECT_DOUBLE_EQ(m.chance, 3.0 / 6);
  // 4, 5 and 6 against 2: none. Against 3: 4, and 5 with a tie.
  EXPECT_DOUBLE_EQ(m.pairwise, 2.0 / 6);
  EXPECT_EQ(m.n_users, 1u);
  EXPECT_EQ(m.n_users_skipped, 2u);  // one without a training item, one whose only one has no group
  EXPECT_EQ(m.n_pairwise_users, 1u);
  EXPECT_EQ(m.n_items_without_group, 1u);
}

TEST(Folding, CountsTiesAgainstTheModel) {
  GroupedWorld world{test::empty_model(1, 6, 3), {}, groups_of({"a", "a", "b", "b", "c", "c"})};
  world.model.seen = test::seen_items({{0}}, 6);
  world.test.add(0, 1);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, world.model);
  const FoldingMetrics m = evaluate_folding(*backend, *scorer, world.test.view(), world.model.seen, world.groups, {});
  EXPECT_DOUBLE_EQ(m.pairwise, 1);
  EXPECT_DOUBLE_EQ(m.at_k[0].folding, 4.0 / 5);
}

// Two groups are the user's: their items are never another's, whatever their number.
TEST(Folding, TakesAllGroupsOfAUser) {
  GroupedWorld world{test::empty_model(1, 6, 1), {}, groups_of({"a", "b", "a", "b", "c", "c"})};
  world.model.tensors.at("user.embedding").data = {1};
  world.model.tensors.at("item.embedding").data = {0, 0, 4, 3, 2, 1};
  world.model.seen = test::seen_items({{0, 1}}, 6);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, world.model);
  const FoldingMetrics m = evaluate_folding(*backend, *scorer, {}, world.model.seen, world.groups, {.cutoffs = {2, 3}});
  EXPECT_DOUBLE_EQ(m.at_k[0].folding, 0);
  EXPECT_DOUBLE_EQ(m.at_k[1].folding, 1.0 / 3);
  EXPECT_EQ(m.n_pairwise_users, 0u);
}

TEST(Folding, SaysNullWhereNothingWasMeasured) {
  const GroupedWorld world{test::empty_model(2, 3, 1), {}, groups_of({"a", "b", ""})};
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, world.model);
  const nlohmann::ordered_json json =
      evaluate(*backend, *scorer, {}, world.model.seen, false, {.cutoffs = {5}, .groups = &world.groups}).to_json();
  for (const char* key : {"folding@5", "folding_chance", "folding_pairwise"})
    EXPECT_TRUE(json.at(key).is_null()) << key;
  EXPECT_EQ(json.at("n_folding_users"), 0);
  EXPECT_EQ(json.at("n_folding_users_skipped"), 2);
  EXPECT_TRUE(json.at("popularity").at("folding@5").is_null());
}

TEST(Folding, IsLeftOutWithoutGroups) {
  const Model model = test::empty_model(2, 3, 1);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const Evaluation e = evaluate(*backend, *scorer, {}, model.seen, false, {});
  EXPECT_FALSE(e.has_folding);
  EXPECT_FALSE(e.to_json().contains("folding_chance"));
}

TEST(Folding, RefusesWhatItCannotMeasure) {
  const Model model = test::empty_model(2, 3, 1);
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const auto error_of = [&](const ItemGroups& groups, const EvaluateOptions& options) -> std::string {
    try {
      evaluate_folding(*backend, *scorer, {}, model.seen, groups, options);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  const ItemGroups groups = groups_of({"a", "b", "c"});
  EXPECT_EQ(error_of(groups, {.cutoffs = {1024}}), "");
  EXPECT_EQ(error_of(groups, {.cutoffs = {20, 1025}}), "cutoff 1025 of folding: K is 1 to 1024");
  EXPECT_EQ(error_of(groups, {.cutoffs = {0}}), "cutoff 0 of folding: K is 1 to 1024");
  EXPECT_NE(error_of(groups, {.cutoffs = {}}).find("at least one cutoff"), std::string::npos);
  EXPECT_EQ(error_of(groups_of({"a"}), {}), "folding: groups of 1 items are given for a model of 3 items");
}

TEST(ItemGroups, AreNumberedByName) {
  const ItemGroups groups = groups_of({"toys", "", "books", "toys"});
  EXPECT_EQ(groups.names, (std::vector<std::string>{"books", "toys"}));
  EXPECT_EQ(groups.of_item, (std::vector<std::uint32_t>{1, kNoGroup, 0, 1}));
  EXPECT_EQ(groups.n_without(), 1u);
}

}  // namespace
}  // namespace unfold
