#include "host/map/principal_axes.hpp"

// Products on one thread, so that sums do not depend on how many there are.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Dense>
#include <algorithm>

namespace unfold {
namespace {

using Index = Eigen::Index;
using Table = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

// Calls take(rows, as double) for some rows after others, so that no copy of the whole table is made.
template <typename Take>
void for_each_chunk(const Table& table, const Take& take) {
  constexpr Index kChunk = 1024;
  for (Index begin = 0; begin < table.rows(); begin += kChunk) {
    take(table.middleRows(begin, std::min(kChunk, table.rows() - begin)).cast<double>());
  }
}

// A sign that does not depend on how the axis was found: the largest element is positive.
Eigen::VectorXd pointing_up(const Eigen::VectorXd& axis) {
  Index largest = 0;
  axis.cwiseAbs().maxCoeff(&largest);
  return axis[largest] < 0 ? Eigen::VectorXd(-axis) : axis;
}

}  // namespace

double PrincipalAxes::project(const float* row, std::uint32_t a, bool centred) const {
  double sum = 0;
  for (std::size_t d = 0; d < mean.size(); ++d) {
    sum += axes[a * mean.size() + d] * (static_cast<double>(row[d]) - (centred ? mean[d] : 0));
  }
  return sum;
}

PrincipalAxes principal_axes(const Tensor& rows, std::uint32_t n_axes) {
  const auto dim = static_cast<Index>(rows.cols());
  const Table table(rows.data.data(), static_cast<Index>(rows.rows()), dim);
  const auto n_rows = static_cast<double>(std::max<std::uint64_t>(rows.rows(), 1));
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(dim);
  for_each_chunk(table, [&](const Eigen::MatrixXd& chunk) { mean += chunk.colwise().sum(); });
  mean /= n_rows;
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(dim, dim);
  for_each_chunk(table, [&](Eigen::MatrixXd chunk) {
    chunk.rowwise() -= mean;
    covariance.selfadjointView<Eigen::Lower>().rankUpdate(chunk.transpose());
  });
  covariance /= n_rows;
  const double variance = covariance.trace();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(covariance);  // values ascend

  PrincipalAxes result{
      {mean.begin(), mean.end()}, std::vector<double>(n_axes * rows.cols(), 0.0), std::vector<double>(n_axes, 0.0)};
  for (std::uint32_t a = 0; a < std::min<std::uint64_t>(n_axes, rows.cols()); ++a) {
    const Index n = dim - 1 - a;
    const Eigen::VectorXd axis = pointing_up(eigen.eigenvectors().col(n));
    std::copy(axis.begin(), axis.end(), result.axes.begin() + static_cast<std::ptrdiff_t>(a * dim));
    if (variance > 0) result.share[a] = std::max(0.0, eigen.eigenvalues()[n]) / variance;
  }
  return result;
}

}  // namespace unfold
