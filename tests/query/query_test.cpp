// Lists of items against brute force in double precision, on every backend.
#include "unfold/query.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/eval/eval_support.hpp"
#include "tests/ops/parity.hpp"

namespace unfold::test {
namespace {

using Lists = std::vector<std::vector<ScoredItem>>;

class QueryTest : public BackendParity {
 protected:
  // Embeddings and item biases are small whole numbers: every score is exact, and many are equal.
  Model whole_numbers(std::uint32_t n_users, std::uint32_t n_items, std::uint32_t dim) {
    Model model = empty_model(n_users, n_items, dim);
    std::uniform_int_distribution<int> draw(-2, 2);
    for (auto* values : {&model.tensors.at("user.embedding").data, &model.tensors.at("item.embedding").data,
                         &model.tensors.at("item.bias").data}) {
      for (float& value : *values) value = static_cast<float>(draw(random_));
    }
    model.tensors.at("user.bias").data.assign(n_users, 100.0f);  // takes no part
    model.tensors.at("global.bias").data = {1000};
    std::vector<std::vector<Row>> seen(n_users);
    for (std::uint32_t u = 0; u < n_users; ++u) {
      for (Row item = 0; item < n_items; ++item) {
        // Of every tenth user all but a few.
        if (draw(random_) == 2 || (u % 10 == 3 && item > 4)) seen[u].push_back(item);
      }
    }
    model.seen = seen_items(seen, n_items);
    // Item 1 was held out for validation, item 0 for test, of who does not have them in training.
    Interactions validation, test;
    for (Row u = 0; u < n_users; ++u) {
      validation.add(u, 1 % n_items);
      test.add(u, 0);
    }
    model.seen.hold_out(validation.view(), test.view());
    return model;
  }

  Lists ask(const Model& model, const std::vector<Row>& rows, const QueryOptions& options, bool neighbors) {
    Lists lists;
    const auto sink = [&](std::uint64_t n, std::span<const ScoredItem> list) {
      EXPECT_EQ(n, lists.size());
      lists.emplace_back(list.begin(), list.end());
    };
    (neighbors ? find_neighbors : recommend)(backend(), model, rows, options, sink);
    EXPECT_EQ(lists.size(), rows.size());
    return lists;
  }
};

double dot(const Tensor& a, std::uint64_t a_row, const Tensor& b, std::uint64_t b_row) {
  double sum = 0;
  for (std::uint64_t c = 0; c < a.cols(); ++c) sum += double{a.row(a_row)[c]} * double{b.row(b_row)[c]};
  return sum;
}

// Every item that may be listed with its score, best first.
std::vector<std::pair<double, Row>> brute_force(const Model& model, Row user, bool exclude_seen) {
  std::vector<std::pair<double, Row>> scores;
  const Tensor& users = model.tensors.at("user.embedding");
  const Tensor& items = model.tensors.at("item.embedding");
  const Tensor& bias = model.tensors.at("item.bias");
  for (Row item = 0; item < items.rows(); ++item) {
    const SeenItems& seen = model.seen;
    const bool is_seen =
        seen.contains(user, item) || seen.validation.contains(user, item) || seen.test.contains(user, item);
    if (exclude_seen && is_seen) continue;
    scores.emplace_back(dot(users, user, items, item) + double{bias.data[item]}, item);
  }
  std::ranges::sort(scores, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  return scores;
}

TEST_P(QueryTest, RecommendsAsBruteForceDoesTiesIncluded) {
  const Model model = whole_numbers(37, 150, 5);
  std::vector<Row> users;
  for (Row u = 0; u < 37; ++u) users.push_back((u * 7) % 37);
  users.push_back(0);  // again
  for (const bool exclude_seen : {false, true}) {
    for (const std::uint32_t k : {1u, 10u, 200u}) {
      // One block, and a query a block.
      for (const std::uint64_t memory_bytes : {std::uint64_t{64} << 20, std::uint64_t{1}}) {
        const Lists lists = ask(model, users, {k, exclude_seen, memory_bytes}, false);
        for (std::size_t n = 0; n < users.size(); ++n) {
          const auto expected = brute_force(model, users[n], exclude_seen);
          ASSERT_EQ(lists[n].size(), std::min<std::size_t>(k, expected.size())) << users[n];
          for (std::size_t t = 0; t < lists[n].size(); ++t) {
            ASSERT_EQ(lists[n][t].item, expected[t].second) << "user " << users[n] << ", place " << t;
            ASSERT_EQ(double{lists[n][t].score}, expected[t].first);
          }
        }
      }
    }
  }
}

TEST_P(QueryTest, CosinesAreThoseOfBruteForceWithinRounding) {
  constexpr std::uint32_t kItems = 90, kDim = 7, kK = 12;
  Model model = empty_model(1, kItems, kDim);
  std::normal_distribution<float> draw;
  for (Row item = 0; item < kItems; ++item) {
    // Lengths from 1e-20 to 1e20 do not matter.
    const float scale = std::pow(10.0f, static_cast<float>(item % 41) - 20);
    for (std::uint32_t c = 0; c < kDim; ++c)
      model.tensors.at("item.embedding").data[item * kDim + c] = scale * draw(random_);
  }
  const auto cosine = [&](Row a, Row b) {
    const Tensor& m = model.tensors.at("item.embedding");
    return dot(m, a, m, b) / std::sqrt(dot(m, a, m, a) * dot(m, b, m, b));
  };
  // Rounding of both directions, of each product and of each sum; the absolute terms sum to at most 1.
  const double bound = (kDim + 3) * double{std::numeric_limits<float>::epsilon()};
  std::vector<Row> items(kItems);
  for (Row item = 0; item < kItems; ++item) items[item] = item;
  const Lists lists = ask(model, items, {.k = kK}, true);
  for (const Row item : items) {
    std::vector<bool> listed(kItems, false);
    listed[item] = true;
    ASSERT_EQ(lists[item].size(), kK);
    for (const ScoredItem& other : lists[item]) {
      EXPECT_NE(other.item, item);
      EXPECT_NEAR(other.score, cosine(item, other.item), bound);
      EXPECT_LE(std::abs(other.score), 1.0f);
      listed[other.item] = true;
    }
    EXPECT_TRUE(std::ranges::is_sorted(lists[item], std::greater<>(), &ScoredItem::score));
    for (Row other = 0; other < kItems; ++other) {
      if (listed[other]) continue;
      EXPECT_LE(cosine(item, other), double{lists[item].back().score} + bound);
    }
  }
}

TEST_P(QueryTest, AnItemWithoutADirectionHasNoNeighborsAndIsNone) {
  Model model = whole_numbers(1, 6, 3);
  model.tensors.at("item.embedding").data = {1, 0, 0, 0, 0, 0, 1, 1, 0, std::nanf(""), 1, 1, -1, 0, 0, 0, -0.0f, 0};
  for (Row item = 0; item < 6; ++item) {
    EXPECT_EQ(has_direction(model, item), item == 0 || item == 2 || item == 4) << item;
  }
  const Lists lists = ask(model, {0, 1, 3, 4}, {}, true);
  ASSERT_EQ(lists[0].size(), 2u);
  EXPECT_EQ(lists[0][0].item, 2u);
  EXPECT_EQ(lists[0][1].item, 4u);
  EXPECT_EQ(lists[0][1].score, -1.0f);
  EXPECT_TRUE(lists[1].empty());
  EXPECT_TRUE(lists[2].empty());
  EXPECT_EQ(lists[3].size(), 2u);
}

TEST_P(QueryTest, EqualDirectionsComeInRowOrder) {
  Model model = empty_model(1, 5, 2);
  model.tensors.at("item.embedding").data = {3, 4, 0, 1, 6, 8, 3, 4, -3, -4};
  const Lists lists = ask(model, {3}, {}, true);
  ASSERT_EQ(lists[0].size(), 4u);
  for (std::size_t t = 0; t < 4; ++t) EXPECT_EQ(lists[0][t].item, (std::vector<Row>{0, 2, 1, 4})[t]);
}

TEST_P(QueryTest, WhatTheSinkThrowsEndsTheWork) {
  const Model model = whole_numbers(20, 9, 2);
  std::uint64_t n_lists = 0;
  const auto sink = [&](std::uint64_t, std::span<const ScoredItem>) {
    if (++n_lists == 3) throw std::runtime_error("enough");
  };
  const std::vector<Row> users(20, 1);
  EXPECT_THROW(recommend(backend(), model, users, {}, sink), std::runtime_error);
  EXPECT_EQ(n_lists, 3u);
  recommend(backend(), model, {}, {}, sink);
  EXPECT_EQ(n_lists, 3u) << "no users, no lists";
}

TEST_P(QueryTest, RefusesListsOfNoneAndOfTooMany) {
  const Model model = whole_numbers(2, 9, 2);
  const std::vector<Row> rows = {1};
  for (const std::uint32_t k : {0u, kMaxTopK + 1}) {
    const QueryOptions options{.k = k};
    const auto none = [](std::uint64_t, std::span<const ScoredItem>) { FAIL(); };
    EXPECT_THROW(recommend(backend(), model, rows, options, none), UsageError);
    EXPECT_THROW(find_neighbors(backend(), model, rows, options, none), UsageError);
  }
  EXPECT_EQ(ask(model, rows, {.k = kMaxTopK, .exclude_seen = false}, false)[0].size(), 9u);
}

UNFOLD_FOR_EVERY_BACKEND(QueryTest);

}  // namespace
}  // namespace unfold::test
