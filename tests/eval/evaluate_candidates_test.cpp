#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/eval/eval_support.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using ::testing::HasSubstr;

class EvaluateCandidates : public ::testing::Test {
 protected:
  // Item i scores i for user 0 and -i for user 1. Trained on: i1 three times, i2 twice, i3 once.
  EvaluateCandidates() : model_(test::empty_model(3, 6, 1)) {
    model_.tensors.at("user.embedding").data = {1, -1, 0};
    model_.tensors.at("item.embedding").data = {0, 1, 2, 3, 4, 5};
    model_.seen = test::seen_items({{1}, {1, 2}, {1, 2, 3}}, 6);
  }

  Evaluation run(const std::string& text, const std::vector<std::uint32_t>& cutoffs = {1, 2}) {
    test::write_file(file(), text);
    const auto backend = make_cpu_backend(2);
    const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model_);
    return evaluate_candidates(*backend, *scorer, model_, file(), {.cutoffs = cutoffs});
  }
  void expect_failure(const std::string& text, const std::string& part) {
    try {
      run(text);
      FAIL() << "accepted: " << text;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
  std::filesystem::path file() const { return folder_ / "test.negative"; }

  test::TempDirectory folder_;
  Model model_;
};

TEST_F(EvaluateCandidates, RanksTheItemAmongItsNegatives) {
  // User 0: i4 is second of i5 i4 i2. User 1: i3 is second of i0 i3 i4 i5.
  const Evaluation e = run("(u0,i4)\ti5\ti2\n(u1,i3)\ti4\ti5\ti0\n");
  EXPECT_FALSE(e.has_rating);
  EXPECT_TRUE(e.has_ranking);
  EXPECT_EQ(e.ranking.n_users, 2u);
  EXPECT_EQ(e.ranking.n_test_items, 2u);
  EXPECT_DOUBLE_EQ(e.ranking.at_k[0].hit_rate, 0);
  EXPECT_DOUBLE_EQ(e.ranking.at_k[1].hit_rate, 1);
  EXPECT_DOUBLE_EQ(e.ranking.mrr, 0.5);
  // By popularity: i4 (0) behind i2 (2) and i5 (0, a tie); i3 (1) before all others.
  EXPECT_DOUBLE_EQ(e.ranking_baseline.mrr, (1.0 / 3 + 1) / 2);
}

TEST_F(EvaluateCandidates, CountsTiesAgainstTheItem) {
  model_.tensors.at("user.embedding").data = {0, 0, 0};
  EXPECT_DOUBLE_EQ(run("(u0,i4)\ti5\ti2\ti3\n").ranking.mrr, 0.25);
}

TEST_F(EvaluateCandidates, LeavesOutWhatAllItemsOfAUserShare) {
  const Evaluation plain = run("(u0,i4)\ti5\ti2\n(u1,i3)\ti4\ti5\ti0\n");
  // So large that scores with these added would all round to the same number.
  model_.tensors.at("user.bias").data = {1e9f, 1e9f, 0};
  model_.tensors.at("global.bias").data = {1e9f};
  set_rating_range(model_, RatingRange{0, 5});
  EXPECT_EQ(run("(u0,i4)\ti5\ti2\n(u1,i3)\ti4\ti5\ti0\n").to_json(), plain.to_json());
}

TEST_F(EvaluateCandidates, UsesTheItemBias) {
  model_.tensors.at("item.bias").data = {0, 0, 9, 0, 0, 0};
  EXPECT_DOUBLE_EQ(run("(u0,i4)\ti0\ti2\n").ranking.mrr, 0.5);
}

TEST_F(EvaluateCandidates, ScoresUnknownItemsAsNeverTrained) {
  // An unknown item scores 0: behind i4 for user 0, before i4 for user 1. As the test item it is behind i1 for user 0
  // and ties with the other unknown one.
  const Evaluation e = run("(u0,i4)\tnew\ti0\n(u1,i4)\tnew\ti5\n(u0,new)\tother\ti2\n");
  EXPECT_EQ(e.n_unknown_items, 4u);
  EXPECT_EQ(e.ranking.n_users, 3u);
  EXPECT_DOUBLE_EQ(e.ranking.mrr, (1 + 0.5 + 1.0 / 3) / 3);
}

TEST_F(EvaluateCandidates, SkipsAndCountsUnknownUsersAndTrainingItems) {
  const Evaluation e = run("(nobody,i4)\ti5\n(u0,i1)\ti5\n(u0,i4)\ti3\n");
  EXPECT_EQ(e.n_unknown_users, 1u);
  EXPECT_EQ(e.ranking.n_test_in_training, 1u);
  EXPECT_EQ(e.ranking.n_users, 1u);
  EXPECT_EQ(e.ranking.n_users_skipped, 2u);
  EXPECT_DOUBLE_EQ(e.ranking.mrr, 1);
}

// For user 0, i1 is in training and i5 in validation: neither is ranked, and neither competes.
TEST_F(EvaluateCandidates, LeavesOutWhatTheUserHasInTrainingAndValidation) {
  EXPECT_DOUBLE_EQ(run("(u0,i4)\ti5\ti2\n").ranking.mrr, 0.5);
  test::Interactions validation;
  validation.add(0, 5);
  model_.seen.hold_out(validation.view(), {});
  EXPECT_DOUBLE_EQ(run("(u0,i4)\ti5\ti2\n").ranking.mrr, 1);
  model_.tensors.at("user.embedding").data = {-1, -1, -1};
  EXPECT_DOUBLE_EQ(run("(u0,i4)\ti1\ti5\ti2\n").ranking.mrr, 0.5);
  const Evaluation e = run("(u0,i5)\ti2\n(u0,i1)\ti2\n(u0,i4)\ti1\ti5\n(u0,i4)\ti3\n");
  EXPECT_EQ(e.ranking.n_users, 1u);
  EXPECT_EQ(e.ranking.n_users_skipped, 3u) << "of the third, no competitor is left";
  EXPECT_EQ(e.ranking.n_test_in_training, 1u);
  EXPECT_EQ(e.ranking.n_test_in_validation, 1u);
}

TEST_F(EvaluateCandidates, TakesACandidateOnce) {
  EXPECT_DOUBLE_EQ(run("(u0,i3)\ti4\ti4\ti3\ti4\ti2\n").ranking.mrr, 0.5);
}

TEST_F(EvaluateCandidates, AcceptsWhatWritersOfTextDo) {
  const auto expected = run("(u0,i4)\ti5\ti2\n(u1,i3)\ti4\n").to_json();
  EXPECT_EQ(run("\xEF\xBB\xBF(u0,i4)\ti5\ti2\t\r\n\r\n(u1,i3)\ti4").to_json(), expected);
}

TEST_F(EvaluateCandidates, NamesFileAndLineOfWhatItCannotRead) {
  const std::string good = "(u0,i4)\ti5\n";
  expect_failure(good + "u0,i4\ti5\n", file().string() + ":2: \"u0,i4\" is not a pair");
  expect_failure(good + "(u0 i4)\ti5\n", ":2: \"(u0 i4)\" has no comma");
  expect_failure(good + good + "(u0,i4,i5)\ti5\n", ":3: \"(u0,i4,i5)\" has more than one comma");
  expect_failure("(,i4)\ti5\n", ":1: \"(,i4)\" has an empty id");
  expect_failure("(u0,i4)\n", ":1: \"(u0,i4)\" has no negatives");
  expect_failure("(u0,i4)\ti4\n", ":1: \"(u0,i4)\" has no negatives");
  expect_failure("(u0,i4)\ti5\t\ti2\n", ":1: negative 2 is empty");
  expect_failure(fmt::format("{:x<100}\n", ""), "xxx...\" is not a pair");
  expect_failure("", "the file is empty");
  expect_failure("\n \n", "has no lines");
}

TEST_F(EvaluateCandidates, NeedsAFile) {
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model_);
  for (const std::filesystem::path& path : {folder_ / "absent", folder_.path()}) {
    EXPECT_THROW(evaluate_candidates(*backend, *scorer, model_, path, {}), DataError) << path;
  }
}

// Published: HR@10 .4533, NDCG@10 .2542 (Ferrari Dacrema et al., TOIS 2021). Counts tie often, and which way ties go
// is all that may differ.
TEST(EvaluateCandidatesOnMovieLens1M, PopularityIsAsPublished) {
  UNFOLD_REQUIRE_REAL_DATA(train, "ncf-ml-1m/ml-1m.train.pairs");
  UNFOLD_REQUIRE_REAL_DATA(negatives, "ncf-ml-1m/ml-1m.test.negative");
  Model model;
  std::vector<std::vector<Row>> seen;
  std::ifstream in(train);
  for (std::string user, item; in >> user >> item;) {
    const Row u = model.user_ids.find_or_add(user);
    const Row i = model.item_ids.find_or_add(item);
    if (u >= seen.size()) seen.resize(u + 1);
    seen[u].push_back(i);
  }
  ASSERT_EQ(model.user_ids.size(), 6040u);
  model.seen = test::seen_items(seen, model.item_ids.size());
  model.tensors["user.embedding"] = Tensor::zeros({6040, 1});
  model.tensors["item.embedding"] = Tensor::zeros({model.item_ids.size(), 1});
  const auto backend = make_cpu_backend(0);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  const Evaluation e = evaluate_candidates(*backend, *scorer, model, negatives, {.cutoffs = {10}});
  EXPECT_EQ(e.ranking.n_users, 6040u);
  EXPECT_EQ(e.n_unknown_users, 0u);
  RecordProperty("hit_rate_at_10", std::to_string(e.ranking_baseline.at_k[0].hit_rate));
  RecordProperty("ndcg_at_10", std::to_string(e.ranking_baseline.at_k[0].ndcg));
  EXPECT_NEAR(e.ranking_baseline.at_k[0].hit_rate, 0.4533, 0.002);
  EXPECT_NEAR(e.ranking_baseline.at_k[0].ndcg, 0.2542, 0.002);
  // A model that scores all alike finds nothing.
  EXPECT_EQ(e.ranking.at_k[0].hit_rate, 0);
}

}  // namespace
}  // namespace unfold
