// How rows become vectors, in float64: those that are looked up, their gradient, and the vectors of negatives.
#pragma once

#include <span>
#include <vector>

#include "host/selfcheck/bounded.hpp"
#include "unfold/softmax_arguments.hpp"

namespace unfold::selfcheck {

// A vector that is scored, and what its row was multiplied by.
struct ReferenceVector {
  std::vector<Bounded> values;
  Bounded scale = 1;
};

inline ReferenceVector reference_vector(std::span<const Bounded> row, bool normalize) {
  ReferenceVector out{{row.begin(), row.end()}, 1};
  if (!normalize) return out;
  BoundedSum squares;
  for (const Bounded& x : row) squares.add(x * x);
  const Bounded squared = squares;
  out.scale = squared.value > 0 ? Bounded(1) / bounded_sqrt(squared) : Bounded(0);
  for (Bounded& x : out.values) x = x * out.scale;
  return out;
}

inline Bounded reference_dot(std::span<const Bounded> a, std::span<const Bounded> b) {
  BoundedSum sum;
  for (std::size_t c = 0; c < a.size(); ++c) sum.add(a[c] * b[c]);
  return sum;
}

// The gradient by the row, given that by its vector, with a penalty of l2/2 |vector|^2.
inline std::vector<Bounded> reference_vector_gradient(const ReferenceVector& vector, bool normalize,
                                                      std::span<const Bounded> gradient, double l2 = 0) {
  std::vector<Bounded> out(gradient.begin(), gradient.end());
  if (!normalize) {
    for (std::size_t c = 0; c < out.size(); ++c) out[c] = out[c] + Bounded(l2) * vector.values[c];
    return out;
  }
  const Bounded along = reference_dot(gradient, vector.values);
  for (std::size_t c = 0; c < out.size(); ++c) out[c] = (out[c] - along * vector.values[c]) * vector.scale;
  return out;
}

inline std::vector<Bounded> reference_row(MatrixView<const float> matrix, std::uint64_t r) {
  return {matrix.row(r), matrix.row(r) + matrix.cols};
}

// What element (n, c) is multiplied by: its own block of four numbers, the column's place in it.
inline Bounded reference_keep(const RowTransform& transform, std::uint64_t n, std::uint32_t c) {
  const RandomKey& key = transform.dropout_key;
  const std::uint64_t purpose = static_cast<std::uint64_t>(RandomPurpose::kDropout) << 32;
  const std::uint64_t block = static_cast<std::uint64_t>(c / 4) << 40;
  const RandomBlock bits = philox(key.seed, key.first_position + n, (purpose | key.step) ^ block);
  if ((bits.v[c % 4] >> 8) * 0x1p-24 < static_cast<double>(transform.dropout)) return 0;
  return transform.dropout > 0 ? Bounded(1) / (Bounded(1) - Bounded(transform.dropout)) : Bounded(1);
}

}  // namespace unfold::selfcheck
