#include "host/map/principal_axes.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "host/threads/thread_pool.hpp"

namespace unfold {
namespace {

// Rows from N(centre, sum over columns d of deviation[d]^2 direction_d direction_d'), with directions that are the
// columns themselves turned by random reflections.
Tensor random_rows(std::uint64_t n, const std::vector<double>& deviations, std::uint64_t seed) {
  const auto dim = static_cast<std::uint32_t>(deviations.size());
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> mirrors(3, std::vector<double>(dim));
  for (auto& mirror : mirrors) {
    double norm = 0;
    for (double& x : mirror) norm += std::pow(x = normal(random), 2);
    for (double& x : mirror) x /= std::sqrt(norm);
  }
  Tensor rows{{n, dim}, {}};
  std::vector<double> row(dim);
  for (std::uint64_t r = 0; r < n; ++r) {
    for (std::uint32_t d = 0; d < dim; ++d) row[d] = 3 + deviations[d] * normal(random);
    for (const auto& mirror : mirrors) {
      double along = 0;
      for (std::uint32_t d = 0; d < dim; ++d) along += row[d] * mirror[d];
      for (std::uint32_t d = 0; d < dim; ++d) row[d] -= 2 * along * mirror[d];
    }
    for (const double x : row) rows.data.push_back(static_cast<float>(x));
  }
  return rows;
}

struct Moments {
  double mean = 0, variance = 0;
};

// Of the rows' places on a direction.
Moments moments_along(const Tensor& rows, const double* direction) {
  Moments moments;
  double squares = 0;
  for (std::uint64_t r = 0; r < rows.rows(); ++r) {
    double place = 0;
    for (std::uint32_t d = 0; d < rows.cols(); ++d) {
      place += direction[d] * static_cast<double>(rows.data[r * rows.cols() + d]);
    }
    moments.mean += place;
    squares += place * place;
  }
  const auto n = static_cast<double>(rows.rows());
  moments.mean /= n;
  moments.variance = squares / n - moments.mean * moments.mean;
  return moments;
}

double total_variance(const Tensor& rows) {
  double total = 0;
  for (std::uint32_t d = 0; d < rows.cols(); ++d) {
    std::vector<double> unit(rows.cols());
    unit[d] = 1;
    total += moments_along(rows, unit.data()).variance;
  }
  return total;
}

double dot(const double* a, const double* b, std::uint32_t n) {
  double sum = 0;
  for (std::uint32_t d = 0; d < n; ++d) sum += a[d] * b[d];
  return sum;
}

TEST(PrincipalAxes, AreOrthonormalAndHoldTheirShare) {
  for (const std::uint32_t dim : {2u, 3u, 16u, 32u, 33u, 100u, 257u}) {
    SCOPED_TRACE(fmt::format("dim {}", dim));
    std::vector<double> deviations(dim);
    for (std::uint32_t d = 0; d < dim; ++d) deviations[d] = 1.0 + 3.0 / (1 + d);
    const Tensor rows = random_rows(700, deviations, dim);
    const PrincipalAxes axes = principal_axes(rows, 2);
    const double* const first = axes.axes.data();
    const double* const second = first + dim;
    EXPECT_NEAR(dot(first, first, dim), 1, 1e-13);
    EXPECT_NEAR(dot(second, second, dim), 1, 1e-13);
    EXPECT_NEAR(dot(first, second, dim), 0, 1e-13);
    const double variance = total_variance(rows);
    EXPECT_NEAR(axes.share[0], moments_along(rows, first).variance / variance, 1e-9);
    EXPECT_NEAR(axes.share[1], moments_along(rows, second).variance / variance, 1e-9);
    EXPECT_GE(axes.share[0], axes.share[1]);
    // Places on the two axes are not correlated, as an eigenvector's are.
    std::vector<double> between(dim);
    for (std::uint32_t d = 0; d < dim; ++d) between[d] = (first[d] + second[d]) / std::sqrt(2.0);
    EXPECT_NEAR(moments_along(rows, between.data()).variance / variance, (axes.share[0] + axes.share[1]) / 2, 1e-9);
    // No random direction beats them, nor one that leaves the first axis a little.
    std::mt19937_64 random(5);
    std::normal_distribution<double> normal;
    for (int n = 0; n < 20; ++n) {
      std::vector<double> direction(dim);
      for (std::uint32_t d = 0; d < dim; ++d) direction[d] = first[d] + 0.1 * normal(random);
      const double norm = std::sqrt(dot(direction.data(), direction.data(), dim));
      for (double& x : direction) x /= norm;
      EXPECT_LE(moments_along(rows, direction.data()).variance / variance, axes.share[0] + 1e-9);
    }
  }
}

TEST(PrincipalAxes, ProjectAboutTheMean) {
  const Tensor rows = random_rows(300, {2, 1, 0.5}, 3);
  const PrincipalAxes axes = principal_axes(rows, 2);
  for (const std::uint32_t a : {0u, 1u}) {
    double sum = 0;
    for (std::uint64_t r = 0; r < rows.rows(); ++r) sum += axes.project(rows.data.data() + r * 3, a, true);
    EXPECT_NEAR(sum / 300, 0, 1e-12);
    const float* const row = rows.data.data();
    EXPECT_NEAR(axes.project(row, a, false) - axes.project(row, a, true),
                dot(axes.axes.data() + a * 3, axes.mean.data(), 3), 1e-12);
  }
}

// Axes that are known: rows on a line, on a plane, one row, one column, all rows equal.
TEST(PrincipalAxes, TakeDegenerateTables) {
  const Tensor line{{4, 3}, {0, 0, 0, 1, 2, -2, 2, 4, -4, 3, 6, -6}};
  const PrincipalAxes on_line = principal_axes(line, 2);
  EXPECT_NEAR(on_line.share[0], 1, 1e-12);
  EXPECT_NEAR(on_line.share[1], 0, 1e-12);
  EXPECT_NEAR(std::abs(on_line.axes[0]), 1.0 / 3, 1e-12);
  EXPECT_NEAR(std::abs(on_line.axes[1]), 2.0 / 3, 1e-12);
  EXPECT_NEAR(on_line.axes[1], -on_line.axes[2], 1e-12);

  const PrincipalAxes one_column = principal_axes({{3, 1}, {1, 2, 4}}, 2);
  EXPECT_DOUBLE_EQ(one_column.share[0], 1);
  EXPECT_EQ(one_column.share[1], 0);
  EXPECT_DOUBLE_EQ(one_column.axes[0], 1);
  EXPECT_EQ(one_column.axes[1], 0);

  for (const Tensor& still : {Tensor{{1, 5}, {1, 2, 3, 4, 5}}, Tensor{{3, 40}, std::vector<float>(120, 7)}}) {
    const PrincipalAxes axes = principal_axes(still, 2);
    EXPECT_EQ(axes.share[0], 0);
    EXPECT_NEAR(dot(axes.axes.data(), axes.axes.data(), still.cols()), 1, 1e-12);
    EXPECT_NEAR(dot(axes.axes.data(), axes.axes.data() + still.cols(), still.cols()), 0, 1e-12);
    EXPECT_EQ(axes.project(still.data.data(), 0, true), 0);
  }
  EXPECT_EQ(principal_axes({{0, 4}, {}}, 2).share[0], 0);
}

TEST(PrincipalAxes, AreTheSameForAnyThreads) {
  const Tensor rows = random_rows(1500, std::vector<double>(70, 1.0), 9);
  const PrincipalAxes one = principal_axes(rows, 2);
  std::vector<PrincipalAxes> five(5);
  parallel_for(five.size(), 5, [&](std::uint64_t n) { five[n] = principal_axes(rows, 2); });
  for (const PrincipalAxes& axes : five) {
    EXPECT_EQ(one.axes, axes.axes);
    EXPECT_EQ(one.share, axes.share);
  }
}

}  // namespace
}  // namespace unfold
