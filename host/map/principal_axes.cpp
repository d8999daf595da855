#include "host/map/principal_axes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "host/map/symmetric_eigen.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

constexpr std::uint32_t kBlock =
    32;                         // vectors iterated together: the distance to the first one left out sets the speed
constexpr int kMaxSteps = 500;  // reached only where eigenvalues are as good as equal; then any axis will do
constexpr double kTolerance = 1e-11;  // of a residual, in units of the largest eigenvalue
constexpr std::uint64_t kStartSeed = 0x6d6170;

double dot(const double* a, const double* b, std::uint32_t n) { return std::inner_product(a, a + n, b, 0.0); }

std::vector<double> mean_of(const HostMatrix& rows) {
  std::vector<double> mean(rows.cols, 0.0);
  for (std::uint64_t r = 0; r < rows.rows; ++r) {
    const float* const row = rows.data.data() + r * rows.cols;
    for (std::uint32_t d = 0; d < rows.cols; ++d) mean[d] += static_cast<double>(row[d]);
  }
  for (double& x : mean) x /= static_cast<double>(std::max<std::uint64_t>(rows.rows, 1));
  return mean;
}

// [dim, dim]. A row of it belongs to one thread, which adds up the table's rows in order, some of them at a time so
// that they stay in the cache.
std::vector<double> covariance_of(const HostMatrix& rows, const std::vector<double>& mean) {
  constexpr std::uint64_t kChunk = 256;
  const std::uint32_t dim = rows.cols;
  std::vector<double> covariance(std::size_t{dim} * dim, 0.0);
  std::vector<double> centred(kChunk * dim);
  for (std::uint64_t begin = 0; begin < rows.rows; begin += kChunk) {
    const std::uint64_t n = std::min(kChunk, rows.rows - begin);
    for (std::uint64_t r = 0; r < n; ++r) {
      const float* const row = rows.data.data() + (begin + r) * dim;
      for (std::uint32_t d = 0; d < dim; ++d) centred[r * dim + d] = static_cast<double>(row[d]) - mean[d];
    }
#pragma omp parallel for schedule(dynamic)
    for (std::uint32_t a = 0; a < dim; ++a) {
      double* const sums = covariance.data() + std::size_t{a} * dim;
      for (std::uint64_t r = 0; r < n; ++r) {
        const double* const row = centred.data() + r * dim;
        for (std::uint32_t b = a; b < dim; ++b) sums[b] += row[a] * row[b];
      }
    }
  }
  const auto n = static_cast<double>(std::max<std::uint64_t>(rows.rows, 1));
  for (std::size_t a = 0; a < dim; ++a) {
    for (std::size_t b = a; b < dim; ++b) {
      covariance[a * dim + b] /= n;
      covariance[b * dim + a] = covariance[a * dim + b];
    }
  }
  return covariance;
}

// Vectors of `dim` elements side by side.
struct Basis {
  std::uint32_t n, dim;
  std::vector<double> data;  // [n, dim]

  Basis(std::uint32_t n_vectors, std::uint32_t n_columns)
      : n(n_vectors), dim(n_columns), data(std::size_t{n_vectors} * n_columns) {}
  double* row(std::uint32_t v) { return data.data() + std::size_t{v} * dim; }
  const double* row(std::uint32_t v) const { return data.data() + std::size_t{v} * dim; }
};

Basis multiply(const std::vector<double>& matrix, const Basis& basis) {
  Basis out(basis.n, basis.dim);
  for (std::uint32_t v = 0; v < basis.n; ++v) {
    for (std::uint32_t a = 0; a < basis.dim; ++a) {
      out.row(v)[a] = dot(matrix.data() + std::size_t{a} * basis.dim, basis.row(v), basis.dim);
    }
  }
  return out;
}

// Random directions, the same each time.
void fill_random(double* vector, std::uint32_t dim, std::uint64_t stream) {
  for (std::uint32_t d = 0; d < dim; ++d) {
    const RandomBlock bits = philox(kStartSeed, d, stream);
    vector[d] = uniform_double(bits.v[0], bits.v[1]) - 0.5;
  }
}

// Gram-Schmidt, twice, so that rounding does not show. A vector that lies in the span of those before it (the matrix
// has a rank below n) is replaced by a random one.
void orthonormalize(Basis& basis) {
  for (std::uint32_t v = 0; v < basis.n; ++v) {
    double* const vector = basis.row(v);
    for (std::uint64_t attempt = 0;; ++attempt) {
      const double before = std::sqrt(dot(vector, vector, basis.dim));
      for (int pass = 0; pass < 2; ++pass) {
        for (std::uint32_t w = 0; w < v; ++w) {
          const double along = dot(vector, basis.row(w), basis.dim);
          for (std::uint32_t d = 0; d < basis.dim; ++d) vector[d] -= along * basis.row(w)[d];
        }
      }
      const double norm = std::sqrt(dot(vector, vector, basis.dim));
      if (norm > 1e-12 * before && norm > 0) {
        for (std::uint32_t d = 0; d < basis.dim; ++d) vector[d] /= norm;
        break;
      }
      fill_random(vector, basis.dim, (attempt + 1) * kBlock + v);
    }
  }
}

// Turns the basis to the eigenvectors of the matrix within its span (Rayleigh-Ritz) and returns their values.
std::vector<double> turn_to_eigenvectors(const std::vector<double>& matrix, Basis& basis) {
  const Basis product = multiply(matrix, basis);
  std::vector<double> small(std::size_t{basis.n} * basis.n);
  for (std::uint32_t v = 0; v < basis.n; ++v) {
    for (std::uint32_t w = 0; w <= v; ++w) {
      small[std::size_t{v} * basis.n + w] = small[std::size_t{w} * basis.n + v] =
          dot(basis.row(v), product.row(w), basis.dim);
    }
  }
  SymmetricEigen eigen = symmetric_eigen(std::move(small), basis.n);
  Basis turned(basis.n, basis.dim);
  for (std::uint32_t v = 0; v < basis.n; ++v) {
    for (std::uint32_t w = 0; w < basis.n; ++w) {
      const double weight = eigen.vectors[std::size_t{v} * basis.n + w];
      for (std::uint32_t d = 0; d < basis.dim; ++d) turned.row(v)[d] += weight * basis.row(w)[d];
    }
  }
  basis = std::move(turned);
  return std::move(eigen.values);
}

// The largest |matrix v - value v| of the first n vectors.
double residual(const std::vector<double>& matrix, const Basis& basis, const std::vector<double>& values,
                std::uint32_t n) {
  Basis leading(n, basis.dim);
  std::copy_n(basis.data.begin(), leading.data.size(), leading.data.begin());
  const Basis product = multiply(matrix, leading);
  double largest = 0;
  for (std::uint32_t v = 0; v < n; ++v) {
    double squares = 0;
    for (std::uint32_t d = 0; d < basis.dim; ++d) {
      squares += std::pow(product.row(v)[d] - values[v] * basis.row(v)[d], 2);
    }
    largest = std::max(largest, std::sqrt(squares));
  }
  return largest;
}

// A sign that does not depend on how the axis was found.
void point_up(double* axis, std::uint32_t dim) {
  const double* const largest =
      std::max_element(axis, axis + dim, [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (*largest < 0) std::transform(axis, axis + dim, axis, [](double x) { return -x; });
}

}  // namespace

double PrincipalAxes::project(const float* row, std::uint32_t a, bool centred) const {
  double sum = 0;
  for (std::size_t d = 0; d < mean.size(); ++d) {
    sum += axes[a * mean.size() + d] * (static_cast<double>(row[d]) - (centred ? mean[d] : 0));
  }
  return sum;
}

PrincipalAxes principal_axes(const HostMatrix& rows, std::uint32_t n_axes) {
  const std::uint32_t dim = rows.cols;
  PrincipalAxes result{mean_of(rows), std::vector<double>(std::size_t{n_axes} * dim, 0.0),
                       std::vector<double>(n_axes, 0.0)};
  const std::vector<double> covariance = covariance_of(rows, result.mean);
  double variance = 0;
  for (std::size_t d = 0; d < dim; ++d) variance += covariance[d * dim + d];

  Basis basis(std::min(dim, std::max(kBlock, n_axes)), dim);
  const std::uint32_t n_found = std::min(n_axes, dim);
  for (std::uint32_t v = 0; v < basis.n; ++v) fill_random(basis.row(v), dim, v);
  orthonormalize(basis);
  std::vector<double> values = turn_to_eigenvectors(covariance, basis);
  for (int step = 0; step < kMaxSteps && basis.n < dim; ++step) {
    if (residual(covariance, basis, values, n_found) <= kTolerance * values[0]) break;
    basis = multiply(covariance, basis);
    orthonormalize(basis);
    values = turn_to_eigenvectors(covariance, basis);
  }
  for (std::uint32_t a = 0; a < n_found; ++a) {
    point_up(basis.row(a), dim);
    std::copy_n(basis.row(a), dim, result.axes.begin() + static_cast<std::ptrdiff_t>(std::size_t{a} * dim));
    if (variance > 0) result.share[a] = values[a] / variance;
  }
  return result;
}

}  // namespace unfold
