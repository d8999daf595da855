#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/eval/eval_support.hpp"

namespace unfold {
namespace {

using test::Interactions;

// One factor, three users and two items: every prediction can be done by hand.
Model small_model() {
  Model model = test::empty_model(3, 2, 1);
  model.tensors.at("user.embedding").data = {1, -2, 0.5};
  model.tensors.at("item.embedding").data = {0.5, 1};
  model.tensors.at("user.bias").data = {0.25, 0, -0.25};
  model.tensors.at("item.bias").data = {1, -1};
  model.tensors.at("global.bias").data = {3};
  return model;
}

TEST(EvaluateRatings, EqualsHandComputedErrors) {
  const auto backend = make_cpu_backend(2);
  const Model model = small_model();
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  Interactions test;
  test.add(0, 0, 4.75f);  // 3 + 0.25 + 1 + 0.5: no error
  test.add(1, 1, 1);      // 3 + 0 - 1 - 2 = 0: error -1
  test.add(2, 0, 2);      // 3 - 0.25 + 1 + 0.25 = 4: error 2
  const RatingMetrics metrics = evaluate_ratings(*backend, *scorer, test.view());
  EXPECT_EQ(metrics.n, 3u);
  EXPECT_DOUBLE_EQ(metrics.rmse, std::sqrt(5.0 / 3));
  EXPECT_DOUBLE_EQ(metrics.mae, 1);
}

TEST(EvaluateRatings, PredictsUnknownIdsFromWhatIsKnown) {
  const auto backend = make_cpu_backend(1);
  const Model model = small_model();
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  Interactions test;
  test.add(kNoRow, 0, 0);       // 3 + 1
  test.add(2, kNoRow, 0);       // 3 - 0.25
  test.add(kNoRow, kNoRow, 0);  // 3
  EXPECT_DOUBLE_EQ(evaluate_ratings(*backend, *scorer, test.view()).mae, (4 + 2.75 + 3) / 3);
}

TEST(EvaluateRatings, FollowsTheRange) {
  Model model = small_model();
  model.tensors.at("global.bias").data = {0};
  set_rating_range(model, RatingRange{1, 5});
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  Interactions test;
  test.add(kNoRow, kNoRow, 3);  // the middle of the range
  EXPECT_DOUBLE_EQ(evaluate_ratings(*backend, *scorer, test.view()).rmse, 0);
}

TEST(EvaluateRatings, IsEmptyWithoutTestRatings) {
  const auto backend = make_cpu_backend(1);
  const Model model = small_model();
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  EXPECT_EQ(evaluate_ratings(*backend, *scorer, {}).n, 0u);
}

TEST(EvaluateRatings, ShowsPredictionsThatAreNoNumbers) {
  Model model = small_model();
  model.tensors.at("item.bias").data[0] = std::numeric_limits<float>::quiet_NaN();
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  Interactions test;
  test.add(0, 0, 4);
  EXPECT_TRUE(std::isnan(evaluate_ratings(*backend, *scorer, test.view()).rmse));
}

TEST(EvaluateRatings, IsTheSameForAnyNumberOfBatchesAndThreads) {
  Model model = test::empty_model(50, 40, 7);
  for (std::size_t k = 0; k < model.tensors.at("user.embedding").data.size(); ++k) {
    model.tensors.at("user.embedding").data[k] = std::sin(static_cast<float>(k));
  }
  for (std::size_t k = 0; k < model.tensors.at("item.embedding").data.size(); ++k) {
    model.tensors.at("item.embedding").data[k] = std::cos(static_cast<float>(k));
  }
  Interactions test;  // more than one batch of evaluate_ratings
  for (std::uint32_t n = 0; n < (1u << 20) + 12345; ++n) test.add(n % 50, n % 40, static_cast<float>(n % 5));
  double expected = 0;
  {
    const auto backend = make_cpu_backend(1);
    const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
    expected = evaluate_ratings(*backend, *scorer, test.view()).rmse;
    double squared = 0;
    const std::uint64_t n_tail = 12345;
    const RatingView tail = test.view().slice(1u << 20, n_tail);
    squared += std::pow(evaluate_ratings(*backend, *scorer, tail).rmse, 2) * static_cast<double>(n_tail);
    const RatingView head = test.view().slice(0, 1u << 20);
    squared += std::pow(evaluate_ratings(*backend, *scorer, head).rmse, 2) * static_cast<double>(1u << 20);
    EXPECT_NEAR(expected, std::sqrt(squared / static_cast<double>(test.users.size())), 1e-12);
  }
  const auto backend = make_cpu_backend(3);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  EXPECT_EQ(evaluate_ratings(*backend, *scorer, test.view()).rmse, expected);
}

TEST(EvaluateRatings, ComparesWithItemMeans) {
  const Model model = small_model();
  const auto backend = make_cpu_backend(1);
  const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
  SeenItems seen = test::seen_items({{0}, {}, {1}}, 2);
  seen.item_mean_rating = {4, 2};
  seen.mean_rating = 3;
  Interactions test;
  test.add(1, 0, 5);       // item mean 4: error 1
  test.add(0, kNoRow, 6);  // all mean 3: error 3
  test.add(kNoRow, 1, 2);  // item mean 2: none
  const Evaluation e = evaluate(*backend, *scorer, test.view(), seen, true, {.ranking = false});
  EXPECT_TRUE(e.has_rating);
  EXPECT_FALSE(e.has_ranking);
  EXPECT_DOUBLE_EQ(e.rating_baseline.rmse, std::sqrt(10.0 / 3));
  EXPECT_DOUBLE_EQ(e.rating_baseline.mae, 4.0 / 3);
  EXPECT_EQ(e.n_unknown_users, 1u);
  EXPECT_EQ(e.n_unknown_items, 1u);
}

}  // namespace
}  // namespace unfold
