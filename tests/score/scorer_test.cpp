// A model that scores pairs alone is ranked and listed as one whose scores are products.
#include "unfold/scorer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "host/score/popularity_scorer.hpp"
#include "host/score/product_scorer.hpp"
#include "host/score/top_items.hpp"
#include "tests/eval/eval_support.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kUsers = 40, kItems = 90, kDim = 5;

// Asks another scorer for pairs, and says nothing of products.
class PairsOnly final : public Scorer {
 public:
  explicit PairsOnly(Scorer& scorer) : scorer_(scorer) {}
  std::uint64_t n_users() const override { return scorer_.n_users(); }
  std::uint64_t n_items() const override { return scorer_.n_items(); }
  void score_pairs(const Row* users, const Row* items, std::uint64_t n, float* scores) override {
    scorer_.score_pairs(users, items, n, scores);
  }

 private:
  Scorer& scorer_;
};

// Scores are small whole numbers, so that many are equal and sums are exact; one item's are no numbers.
Model tied_model() {
  Model model = test::empty_model(kUsers, kItems, kDim);
  std::mt19937 random(3);
  const auto draw = [&] { return static_cast<float>(random() % 3) - 1; };
  for (float& x : model.tensors.at("user.embedding").data) x = draw();
  for (float& x : model.tensors.at("item.embedding").data) x = draw();
  for (float& x : model.tensors.at("item.bias").data) x = draw();
  for (float& x : model.tensors.at("user.bias").data) x = draw();
  model.tensors.at("item.bias").data[7] = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::vector<Row>> lists(kUsers);
  for (Row user = 0; user < kUsers; ++user) {
    for (Row item = user % 4; item < kItems; item += 9) lists[user].push_back(item);
  }
  model.seen = test::seen_items(lists, kItems);
  return model;
}

test::Interactions held_out() {
  test::Interactions test;
  for (Row user = 0; user < kUsers; ++user) {
    for (Row item = 4 + user % 4; item < kItems; item += 9) test.add(user, item);
  }
  test.add(3, 7);
  test.add(9, 7);
  return test;
}

TEST(Scorer, PairsAreRankedAsProductsAre) {
  const auto backend = make_cpu_backend(2);
  const Model model = tied_model();
  const test::Interactions test = held_out();
  const std::unique_ptr<Scorer> products = make_scorer(*backend, model);
  PairsOnly pairs(*products);
  const EvaluateOptions options{.cutoffs = {1, 5, 20}, .memory_bytes = 1 << 14};
  const auto metrics = [&](Scorer& scorer) {
    Evaluation e;
    e.has_ranking = true;
    e.ranking = evaluate_ranking(*backend, scorer, test.view(), model.seen, options);
    return e.to_json();
  };
  const nlohmann::ordered_json expected = metrics(*products);
  EXPECT_GT(expected.at("n_users"), 30);
  EXPECT_EQ(metrics(pairs), expected);
}

TEST(Scorer, PairsAreListedAsProductsAre) {
  const auto backend = make_cpu_backend(2);
  const Model model = tied_model();
  const std::unique_ptr<Scorer> products = make_scorer(*backend, model);
  PairsOnly pairs(*products);
  const JoinedLists seen = all_seen(model.seen);
  const auto lists = [&](Scorer& scorer, std::uint32_t k) {
    std::vector<std::vector<std::pair<Row, float>>> all(3);
    TopItems top(Arena(*backend), scorer, {5, 0, 5}, seen, k, 1);
    top.run(scorer, [&](std::uint64_t n, std::span<const Row> items, std::span<const float> scores) {
      for (std::size_t t = 0; t < items.size(); ++t) all[n].emplace_back(items[t], scores[t]);
    });
    return all;
  };
  for (const std::uint32_t k : {1u, 10u, 200u}) {
    const auto expected = lists(*products, k);
    EXPECT_EQ(expected[0].size(), std::min<std::size_t>(k, kItems - model.seen.of(5).size() - 1)) << "one is NaN";
    EXPECT_EQ(expected[0], expected[2]);
    EXPECT_EQ(lists(pairs, k), expected);
  }
}

TEST(Scorer, NormalizedPairsAreCosines) {
  const auto backend = make_cpu_backend(2);
  const Model model = tied_model();
  const std::uint32_t stride = backend->row_stride(kDim);
  const auto upload = [&](const Tensor& matrix, DeviceArray<float>& array) {
    std::vector<float> padded(matrix.rows() * stride);
    for (std::uint64_t r = 0; r < matrix.rows(); ++r) {
      std::copy_n(&matrix.data[r * kDim], kDim, &padded[r * stride]);
    }
    array = DeviceArray<float>(*backend, padded.size());
    array.upload(padded);
    return MatrixView<float>{array.data(), matrix.rows(), kDim, stride};
  };
  DeviceArray<float> users, items;
  ProductTables tables;
  tables.parameters.user_factors.weight = upload(model.tensors.at("user.embedding"), users);
  tables.parameters.item_factors.weight = upload(model.tensors.at("item.embedding"), items);
  tables.normalize = true;
  ProductScorer scorer(Arena(*backend), tables);
  EXPECT_THROW(scorer.predict_ratings(nullptr, nullptr, 0, nullptr), std::logic_error);

  const std::vector<Row> user_rows = {1, 2, 3, kNoRow}, item_rows = {4, 5, kNoRow, 6};
  DeviceArray<Row> device_users(*backend, 4), device_items(*backend, 4);
  const DeviceArray<float> device_scores(*backend, 4);
  device_users.upload(user_rows);
  device_items.upload(item_rows);
  scorer.score_pairs(device_users.data(), device_items.data(), 4, device_scores.data());
  std::vector<float> scores(4);
  device_scores.download(scores);
  for (int n = 0; n < 2; ++n) {
    double product = 0, p2 = 0, q2 = 0;
    for (std::uint32_t k = 0; k < kDim; ++k) {
      const double p = model.tensors.at("user.embedding").data[user_rows[n] * kDim + k];
      const double q = model.tensors.at("item.embedding").data[item_rows[n] * kDim + k];
      product += p * q;
      p2 += p * p;
      q2 += q * q;
    }
    EXPECT_NEAR(scores[n], product / std::sqrt(p2 * q2), 1e-6);
  }
  EXPECT_EQ(scores[2], 0);
  EXPECT_EQ(scores[3], 0);
}

TEST(Scorer, PopularityCountsUsersOfAnItem) {
  const auto backend = make_cpu_backend(1);
  const SeenItems seen = test::seen_items({{0, 2}, {2}, {2, 1}}, 4);
  PopularityScorer popularity(*backend, seen, 4);
  PairsOnly pairs(popularity);
  test::Interactions test;
  test.add(0, 1);
  test.add(1, 3);
  const EvaluateOptions options{.cutoffs = {1}};
  const RankingMetrics by_products = evaluate_ranking(*backend, popularity, test.view(), seen, options);
  const RankingMetrics by_pairs = evaluate_ranking(*backend, pairs, test.view(), seen, options);
  // User 0 may get items 1 and 3: 1 is first. User 1 may get 0, 1 and 3: 3 is last.
  EXPECT_DOUBLE_EQ(by_products.mrr, (1 + 1.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(by_pairs.mrr, by_products.mrr);
}

}  // namespace
}  // namespace unfold
