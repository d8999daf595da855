#include "host/map/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unfold {
namespace {

constexpr int kMaxSweeps = 60;  // some ten are enough: convergence is quadratic

// The rotation in the plane of p and q that makes element (p, q) zero, applied to the matrix from both sides and to the
// vectors from the left.
void rotate(std::vector<double>& matrix, std::vector<double>& vectors, std::uint32_t n, std::uint32_t p,
            std::uint32_t q) {
  const auto at = [&](std::uint32_t row, std::uint32_t col) -> double& { return matrix[std::size_t{row} * n + col]; };
  const double theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
  const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
  const double cosine = 1 / std::hypot(t, 1.0), sine = t * cosine;
  const auto turn = [&](double& a, double& b) {
    const double old_a = a;
    a = cosine * old_a - sine * b;
    b = sine * old_a + cosine * b;
  };
  for (std::uint32_t k = 0; k < n; ++k) turn(at(k, p), at(k, q));
  for (std::uint32_t k = 0; k < n; ++k) turn(at(p, k), at(q, k));
  at(p, q) = at(q, p) = 0;
  for (std::uint32_t k = 0; k < n; ++k) turn(vectors[std::size_t{p} * n + k], vectors[std::size_t{q} * n + k]);
}

}  // namespace

SymmetricEigen symmetric_eigen(std::vector<double> matrix, std::uint32_t n) {
  std::vector<double> vectors(std::size_t{n} * n, 0.0);
  for (std::uint32_t i = 0; i < n; ++i) vectors[std::size_t{i} * n + i] = 1;
  const double norm = std::sqrt(std::inner_product(matrix.begin(), matrix.end(), matrix.begin(), 0.0));
  bool rotated = true;
  for (int sweep = 0; rotated && sweep < kMaxSweeps; ++sweep) {
    rotated = false;
    for (std::uint32_t p = 0; p < n; ++p) {
      for (std::uint32_t q = p + 1; q < n; ++q) {
        if (std::abs(matrix[std::size_t{p} * n + q]) <= 1e-17 * norm) continue;
        rotate(matrix, vectors, n, p, q);
        rotated = true;
      }
    }
  }
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  const auto value = [&](std::uint32_t i) { return matrix[std::size_t{i} * n + i]; };
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return value(a) > value(b); });
  SymmetricEigen eigen;
  for (const std::uint32_t i : order) {
    eigen.values.push_back(value(i));
    const auto row = vectors.begin() + static_cast<std::ptrdiff_t>(std::size_t{i} * n);
    eigen.vectors.insert(eigen.vectors.end(), row, row + n);
  }
  return eigen;
}

}  // namespace unfold
