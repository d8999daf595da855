// The random bits of stochastic rounding: uniform in every column, and alike in no two columns, rows, ratings and
// steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "host/selfcheck/sampling_reference.hpp"
#include "unfold/float16.hpp"
#include "unfold/optimizer.hpp"
#include "unfold/step_variables.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kKey = 0x452821E638D01377u;
constexpr std::size_t kPlaceColumns = 8, kColumns = 2 * kPlaceColumns;

// The bits of a block's columns, those of place 2 * number first and those of 2 * number + 1 after them.
using Draw = std::array<std::uint32_t, kColumns>;
Draw draw(std::uint64_t key, std::uint64_t number, std::uint32_t block) {
  Draw out;
  for (std::size_t c = 0; c < kColumns; ++c) {
    const RandomBlock random = rounding_bits(key, 2 * number + c / kPlaceColumns, block);
    out[c] = random.v[c % kPlaceColumns / 2] >> 16 * (c % 2) & 0xFFFFu;
  }
  return out;
}

void expect_probabilities(const std::vector<double>& counts, const std::vector<double>& probabilities) {
  const selfcheck::ChiSquare test = selfcheck::chi_square(counts, probabilities);
  EXPECT_EQ(test.freedom, static_cast<double>(counts.size() - 1));
  EXPECT_LE(test.statistic, selfcheck::chi_square_limit(test.freedom));
}

TEST(RoundingBits, EveryColumnIsUniform) {
  constexpr std::size_t kValues = 0x10000;
  std::vector<std::vector<double>> counts(kColumns, std::vector<double>(kValues));
  for (std::uint64_t n = 0; n < 16 * kValues; ++n) {
    const Draw bits = draw(kKey, n / 16, static_cast<std::uint32_t>(n % 16));
    for (std::size_t c = 0; c < kColumns; ++c) counts[c][bits[c]] += 1;
  }
  for (std::size_t c = 0; c < kColumns; ++c) {
    SCOPED_TRACE(c);
    expect_probabilities(counts[c], std::vector<double>(kValues, 1.0 / kValues));
  }
}

// How often four bits of one number come with the same four of another. `lowest` is the first of them.
class PairCounts {
 public:
  explicit PairCounts(int lowest) : lowest_(lowest) {}
  void add(std::uint32_t a, std::uint32_t b) { counts_[(a >> lowest_ & 15) << 4 | (b >> lowest_ & 15)] += 1; }
  void expect_independent() const { expect_probabilities(counts_, std::vector<double>(256, 1.0 / 256)); }

 private:
  int lowest_;
  std::vector<double> counts_ = std::vector<double>(256);
};

constexpr std::uint64_t kPairDraws = 1 << 16;

// Columns of the two rows of a rating: all bits within a row, and the upper 8 between rows.
TEST(RoundingBits, ColumnsOfARatingAreIndependent) {
  for (const int lowest : {0, 4, 8, 12}) {
    const auto first_partner = [lowest](std::size_t c) { return lowest < 8 ? c / kPlaceColumns * kPlaceColumns : 0; };
    std::vector<std::vector<PairCounts>> pairs;
    for (std::size_t c = 0; c < kColumns; ++c) pairs.emplace_back(c, PairCounts(lowest));
    for (std::uint64_t n = 0; n < kPairDraws; ++n) {
      const Draw bits = draw(kKey, n / 4, static_cast<std::uint32_t>(n % 4));
      for (std::size_t c = 0; c < kColumns; ++c)
        for (std::size_t other = first_partner(c); other < c; ++other) pairs[c][other].add(bits[c], bits[other]);
    }
    for (std::size_t c = 0; c < kColumns; ++c) {
      for (std::size_t other = first_partner(c); other < c; ++other) {
        SCOPED_TRACE(testing::Message() << "columns " << c << " and " << other << ", bits from " << lowest);
        pairs[c][other].expect_independent();
      }
    }
  }
}

// A column and the same one of the next block, the next rating, the next step and the other table.
TEST(RoundingBits, NeighboursAreIndependent) {
  constexpr std::size_t kNeighbours = 4;
  for (const int lowest : {0, 4, 8, 12}) {
    std::vector<PairCounts> pairs(kNeighbours * kColumns, PairCounts(lowest));
    for (std::uint64_t n = 0; n < kPairDraws; ++n) {
      const std::uint64_t step = n / 64, number = n / 8 % 8;
      const auto block = static_cast<std::uint32_t>(n % 8);
      const auto keys_of = [](std::uint64_t of) { return step_variables(5, of, 0, 0, 0); };
      const StepVariables now = keys_of(step), next = keys_of(step + 1);
      const std::uint64_t user = now.rounding_keys[0], item = now.rounding_keys[1];
      const Draw bits = draw(user, number, block);
      const Draw others[kNeighbours] = {draw(user, number, block + 1), draw(user, number + 1, block),
                                        draw(next.rounding_keys[0], number, block), draw(item, number, block)};
      for (std::size_t k = 0; k < kNeighbours; ++k)
        for (std::size_t c = 0; c < kColumns; ++c) pairs[k * kColumns + c].add(bits[c], others[k][c]);
    }
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      SCOPED_TRACE(testing::Message() << "neighbour " << k / kColumns << ", column " << k % kColumns);
      pairs[k].expect_independent();
    }
  }
}

// The draws' lower bits of each column are the upper ones of which other.
std::array<std::size_t, kColumns> lenders(const std::vector<Draw>& draws) {
  std::array<std::size_t, kColumns> out{};
  for (std::size_t c = 0; c < kColumns; ++c) {
    std::size_t n_lenders = 0;
    for (std::size_t other = 0; other < kColumns; ++other) {
      const auto lends = [&](const Draw& bits) { return (bits[c] & 0xFFu) == bits[other] >> 8; };
      if (!std::ranges::all_of(draws, lends)) continue;
      out[c] = other;
      ++n_lenders;
    }
    EXPECT_EQ(n_lenders, 1u) << "column " << c;
  }
  return out;
}

TEST(RoundingBits, SharedBitsHardlyTieRoundings) {
  std::vector<Draw> draws;
  for (std::uint64_t n = 0; n < 4 * kPairDraws; ++n) draws.push_back(draw(kKey, n, 0));
  const auto n_draws = static_cast<double>(draws.size());
  const std::array<std::size_t, kColumns> lender = lenders(draws);
  for (std::size_t c = 0; c < kColumns; ++c) {
    EXPECT_NE(lender[c] / kPlaceColumns, c / kPlaceColumns) << "within a row";
    EXPECT_NE(lender[c] % kPlaceColumns, c % kPlaceColumns) << "within a column";
  }
  // How far above 1 both weights are, in units of a bfloat16's last bit there: how often they are rounded up.
  for (const float p : {0.5f, 0.25f, 0x1.4p-2f, 0x1p-9f, 0x1p-12f}) {
    for (const float q : {0.5f, 0.75f, 0x1.fp-1f, 0x1p-4f}) {
      const auto is_up = [](float part, std::uint32_t bits) {
        return to_float(round_stochastic<Bfloat16>(1 + part * 0x1p-7f, bits)) > 1;
      };
      const double up = p, other_up = q;
      for (std::size_t c = 0; c < kColumns; ++c) {
        SCOPED_TRACE(testing::Message() << "column " << c << ", parts " << p << " and " << q);
        std::vector<double> counts(4);
        for (const Draw& bits : draws) counts[2 * is_up(p, bits[c]) + is_up(q, bits[lender[c]])] += 1;
        const double covariance = counts[3] / n_draws - up * other_up;
        const double spread = std::sqrt(std::min(up, other_up) / n_draws);  // of the first term, at most
        EXPECT_LE(std::abs(covariance), 0x1p-10 + 6 * spread);
        const double deviations = std::sqrt(up * (1 - up) * other_up * (1 - other_up));
        EXPECT_LE(std::abs(covariance), 0x1p-4 * deviations + 6 * spread);
        if (up < 0x1p-8) continue;
        expect_probabilities(counts,
                             {(1 - up) * (1 - other_up), (1 - up) * other_up, up * (1 - other_up), up * other_up});
      }
    }
  }
}

}  // namespace
}  // namespace unfold
