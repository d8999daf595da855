// What the CPU adds to top_k, and the key that both backends select by.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "host/ops/ops.hpp"
#include "unfold/error.hpp"
#include "unfold/score_key.hpp"

namespace unfold {
namespace {

TEST(ScoreKey, OrdersByScoreAndThenByLowerRow) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::vector<float> ascending = {-kInf, -3e38f, -2, -1e-45f, 0, 1e-45f, 0.5f, 2, 3e38f, kInf};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (const Row row : {Row{0}, Row{7}, kNoRow - 1}) {
      const std::uint64_t key = score_key(ascending[i], row);
      EXPECT_EQ(score_of_key(key), ascending[i]);
      EXPECT_EQ(row_of_key(key), row);
      EXPECT_GT(key, kNoScoreKey);
      EXPECT_TRUE(i == 0 || key > score_key(ascending[i - 1], 0));
    }
    EXPECT_GT(score_key(ascending[i], 3), score_key(ascending[i], 4));
  }
  EXPECT_EQ(score_key(-0.0f, 3), score_key(0.0f, 3));
  EXPECT_EQ(score_key(std::nanf(""), 3), kNoScoreKey);
  EXPECT_EQ(row_of_key(kNoScoreKey), kNoRow);
  EXPECT_EQ(score_of_key(kNoScoreKey), -kInf);
}

struct TopKCase {
  std::uint64_t n_queries = 101, n_items = 2503;
  std::uint32_t dim = 200, k = 30;
  std::vector<float> queries, items;

  TopKCase() : queries(n_queries * dim), items(n_items * dim) {
    std::mt19937_64 random(5);
    std::normal_distribution<float> draw;
    std::generate(queries.begin(), queries.end(), [&] { return draw(random); });
    std::generate(items.begin(), items.end(), [&] { return draw(random); });
  }
  TopK op() const {
    return {.queries = {queries.data(), n_queries, dim, dim}, .items = {items.data(), n_items, dim, dim}, .k = k};
  }
  std::vector<Row> select(int n_threads, std::uint64_t bytes) const {
    std::vector<Row> out(n_queries * k);
    std::vector<float> scores(n_queries * k);
    std::vector<std::byte> workspace(bytes, std::byte{0xFF});
    TopK into = op();
    into.out_items = out.data();
    into.out_scores = scores.data();
    cpu::run(into, workspace, n_threads);
    return out;
  }
  std::uint64_t bytes() const { return cpu::workspace_bytes(op(), 1); }
};

TEST(TopKTest, IsEqualForAnyWorkspaceAndThreads) {
  const TopKCase c;
  const std::vector<Row> expected = c.select(1, c.bytes());
  for (const int n_threads : {1, 2, 3, 8}) {
    for (const std::uint64_t extra : {0, 1, 63, 100000, 8 << 20}) {
      ASSERT_EQ(c.select(n_threads, c.bytes() + extra), expected)
          << n_threads << " threads, " << extra << " more bytes";
    }
  }
}

TEST(TopKTest, RefusesAWorkspaceThatIsTooSmall) {
  const TopKCase c;
  EXPECT_THROW(c.select(1, c.bytes() - 1), DeviceError);
  EXPECT_THROW(c.select(1, 0), DeviceError);
}

}  // namespace
}  // namespace unfold
