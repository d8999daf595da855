// Eigenvectors of a small symmetric matrix.
#pragma once

#include <cstdint>
#include <vector>

namespace unfold {

struct SymmetricEigen {
  std::vector<double> values;   // [n], descending
  std::vector<double> vectors;  // [n, n], row v is the unit vector of values[v]
};

// Cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5), for n up to some tens. `matrix` [n, n].
SymmetricEigen symmetric_eigen(std::vector<double> matrix, std::uint32_t n);

}  // namespace unfold
