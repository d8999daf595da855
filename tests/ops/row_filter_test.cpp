// The filter that finds out which known items may be among the negatives.
#include "host/ops/row_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace unfold::test {
namespace {

using cpu::RowFilter;

std::vector<Row> random_filter_rows(std::mt19937_64& random, std::size_t n) {
  std::vector<Row> rows(n);
  for (Row& row : rows) row = static_cast<Row>(random());
  return rows;
}

// Whatever the numbers of rows on both sides: vectors, rests of vectors, none.
TEST(RowFilter, FindsAllThatItHoldsInOrder) {
  std::mt19937_64 random(1);
  for (const std::size_t n_held : {1, 2, 3, 31, 500, 4097}) {
    for (const std::size_t n : {0, 1, 7, 16, 33, 256}) {
      const std::vector<Row> held = random_filter_rows(random, n_held);
      std::vector<std::uint32_t> bits(RowFilter::n_words(n_held), 0xFFFFFFFFu);
      const RowFilter filter(held, bits.data());
      std::vector<Row> rows = random_filter_rows(random, n);
      for (std::size_t k = 0; k < n; k += 3) rows[k] = held[random() % n_held];
      std::vector<Row> found(n + RowFilter::kSlack);
      found.resize(filter.find(rows, found.data()));
      // What was found is a part of the rows in their order, and misses none that the set holds.
      auto at = found.begin();
      for (const Row row : rows) {
        const bool is_found = at != found.end() && *at == row;
        EXPECT_TRUE(is_found || std::ranges::find(held, row) == held.end()) << n_held << " " << n << " row " << row;
        if (is_found) ++at;
      }
      EXPECT_EQ(at, found.end());
    }
  }
}

TEST(RowFilter, SeldomFindsOthers) {
  constexpr std::size_t kRows = 512, kOthers = 200000;
  std::vector<Row> held(kRows), others(kOthers);
  for (std::size_t k = 0; k < kRows; ++k) held[k] = static_cast<Row>(80 * k);
  for (std::size_t k = 0; k < kOthers; ++k) others[k] = static_cast<Row>(80 * (k / 79) + k % 79 + 1);
  std::vector<std::uint32_t> bits(RowFilter::n_words(kRows));
  const RowFilter filter(held, bits.data());
  std::vector<Row> found(kOthers + RowFilter::kSlack);
  EXPECT_LE(filter.find(others, found.data()), kOthers / 128);
}

}  // namespace
}  // namespace unfold::test
