// The ops between looked-up rows and scored vectors, against the float64 reference.
#include <cmath>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/transform_reference.hpp"

namespace unfold::selfcheck {
namespace {

constexpr RandomKey kDropoutKey{0x9E3779B97F4A7C15u, 7, 1000003};

RowTransform transform_of(float dropout, bool normalize) { return {dropout, kDropoutKey, normalize, 0}; }

// Rows of scores around 1, the third of them zeros, the fifth with a single element that is not zero.
HostTable rows_to_transform(std::mt19937_64& random, std::uint64_t n, std::uint32_t dim, std::uint32_t stride) {
  HostTable rows = random_table(random, n, dim, stride, 2);
  for (std::uint32_t c = 0; c < dim && n > 2; ++c) rows.at(2, c) = 0;
  for (std::uint32_t c = 1; c < dim && n > 4; ++c) rows.at(4, c) = 0;
  return rows;
}

struct Transformed {
  std::vector<float> vectors, scale;
};

Transformed transform(Backend& backend, const RowTransform& transform, const HostTable& rows) {
  const GuardedArray<float> values(backend, rows.values), scale(backend, rows.rows);
  run_op(backend, TransformRows{.transform = transform,
                                .rows = {values.data(), rows.rows, rows.cols, rows.stride},
                                .scale = scale.data()});
  return {values.download(), scale.download()};
}

// Calls visit(transform, rows) for rows of every dim, also with a stride that is longer than it need be.
template <typename Visit>
void for_each_transform(CheckRun& run, Visit&& visit) {
  std::uint32_t number = 0;
  for (const std::uint32_t dim : run.dims) {
    for (const float dropout : {0.0f, 0.3f, 0.95f}) {
      for (const bool normalize : {false, true}) {
        for (const std::uint64_t n : {0u, 1u, 37u}) {
          const std::uint32_t stride = run.backend.row_stride(++number % 3 == 0 ? dim + 40 : dim);
          const Checker::Scope scope("dim {} stride {} dropout {} normalize {} rows {}", dim, stride, dropout,
                                     normalize, n);
          visit(transform_of(dropout, normalize), rows_to_transform(run.random, n, dim, stride));
          if (run.check.failed()) return;
        }
      }
    }
  }
}

std::vector<Bounded> reference_kept_row(const RowTransform& transform, const HostTable& rows, std::uint64_t n) {
  std::vector<Bounded> kept = reference_row(rows.view(), n);
  for (std::uint32_t c = 0; c < rows.cols; ++c) kept[c] = kept[c] * reference_keep(transform, n, c);
  return kept;
}

void transform_rows_drops_and_normalizes(CheckRun& run) {
  for_each_transform(run, [&](const RowTransform& how, const HostTable& rows) {
    const Transformed got = transform(run.backend, how, rows);
    for (std::uint64_t n = 0; n < rows.rows; ++n) {
      const ReferenceVector expected = reference_vector(reference_kept_row(how, rows, n), how.normalize);
      run.check.near(got.scale[n], expected.scale, "scale of row {}", n);
      for (std::uint32_t c = 0; c < rows.stride; ++c) {
        const float value = got.vectors[n * rows.stride + c];
        const bool is_zero = c >= rows.cols || expected.values[c].value == 0;
        const bool equal = is_zero ? run.check.that(value == 0, "row {} column {}: {}, expected 0", n, c, value)
                                   : run.check.near(value, expected.values[c], "row {} column {}", n, c);
        if (!equal) return;
      }
    }
    if (how.dropout == 0 && !how.normalize) run.check.that(same_bits(got.vectors, rows.values), "rows have changed");
  });
}

// What is dropped depends on a row's position in the step, and not on the batch it is in.
void transform_rows_does_not_depend_on_the_batch(CheckRun& run) {
  constexpr std::uint32_t kDim = 50;
  const HostTable rows = rows_to_transform(run.random, 200, kDim, run.backend.row_stride(kDim));
  const RowTransform how = transform_of(0.4f, true);
  const Transformed whole = transform(run.backend, how, rows);
  Transformed parts;
  for (const auto& [first, last] : {std::pair{0u, 1u}, {1u, 130u}, {130u, 200u}}) {
    HostTable part(last - first, rows.cols, rows.stride);
    part.values.assign(rows.values.begin() + first * rows.stride, rows.values.begin() + last * rows.stride);
    RowTransform of_part = how;
    of_part.dropout_key.first_position += first;
    const Transformed got = transform(run.backend, of_part, part);
    parts.vectors.insert(parts.vectors.end(), got.vectors.begin(), got.vectors.end());
    parts.scale.insert(parts.scale.end(), got.scale.begin(), got.scale.end());
  }
  run.check.that(same_bits(parts.vectors, whole.vectors), "other vectors in other batches");
  run.check.that(same_bits(parts.scale, whole.scale), "other scales in other batches");
}

// As many elements are dropped as are asked for, in every column.
void transform_rows_drops_as_many_as_asked(CheckRun& run) {
  constexpr std::uint32_t kDim = 33;
  const std::uint64_t n = run.thorough ? 4000 : 1000;
  HostTable rows(n, kDim, run.backend.row_stride(kDim));
  for (std::uint64_t r = 0; r < n; ++r)
    for (std::uint32_t c = 0; c < kDim; ++c) rows.at(r, c) = 1;
  for (const float dropout : {0.1f, 0.5f}) {
    const Transformed got = transform(run.backend, transform_of(dropout, false), rows);
    for (std::uint32_t c = 0; c < kDim; ++c) {
      double dropped = 0;
      for (std::uint64_t r = 0; r < n; ++r) dropped += got.vectors[r * rows.stride + c] == 0;
      // Binomial; some 6 standard deviations.
      const double p = static_cast<double>(dropout), mean = static_cast<double>(n) * p;
      run.check.near(dropped, {mean, 6 * std::sqrt(mean * (1 - p))}, "dropout {}: dropped of column {}", dropout, c);
    }
  }
}

void transform_rows_gradient_is_that_of_the_rows(CheckRun& run) {
  std::uint32_t number = 0;
  for_each_transform(run, [&](RowTransform how, const HostTable& rows) {
    if (++number % 4 < 2) how.l2 = 0.3f;
    const Checker::Scope scope("l2 {}", how.l2);
    const Transformed forward = transform(run.backend, how, rows);
    const HostTable by_vector = random_table(run.random, rows.rows, rows.cols, rows.stride);
    const GuardedArray<float> vectors(run.backend, forward.vectors), scale(run.backend, forward.scale);
    const GuardedArray<float> gradient(run.backend, by_vector.values);
    run_op(run.backend, TransformRowsGradient{.transform = how,
                                              .vectors = {vectors.data(), rows.rows, rows.cols, rows.stride},
                                              .scale = scale.data(),
                                              .gradient = {gradient.data(), rows.rows, rows.cols, rows.stride}});
    const std::vector<float> got = gradient.download();
    const MatrixView<const float> v{forward.vectors.data(), rows.rows, rows.cols, rows.stride};
    for (std::uint64_t n = 0; n < rows.rows; ++n) {
      const ReferenceVector vector{reference_row(v, n), Bounded(forward.scale[n])};
      const std::vector<Bounded> expected =
          reference_vector_gradient(vector, how.normalize, reference_row(by_vector.view(), n), how.l2);
      for (std::uint32_t c = 0; c < rows.stride; ++c) {
        const float value = got[n * rows.stride + c];
        const Bounded keep = c < rows.cols ? reference_keep(how, n, c) : Bounded(0);
        const bool equal = keep.value == 0 ? run.check.that(value == 0, "row {} column {}: {}, expected 0", n, c, value)
                                           : run.check.near(value, expected[c] * keep, "row {} column {}", n, c);
        if (!equal) return;
      }
    }
  });
}

constexpr OpCheck kTransformRowsChecks[] = {
    {"TransformRowsDropsAndNormalizes", transform_rows_drops_and_normalizes},
    {"TransformRowsDoesNotDependOnTheBatch", transform_rows_does_not_depend_on_the_batch},
    {"TransformRowsDropsAsManyAsAsked", transform_rows_drops_as_many_as_asked},
};
constexpr OpCheck kTransformRowsGradientChecks[] = {
    {"TransformRowsGradientIsThatOfTheRows", transform_rows_gradient_is_that_of_the_rows},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<TransformRows>() {
  return kTransformRowsChecks;
}

template <>
std::span<const OpCheck> checks_of<TransformRowsGradient>() {
  return kTransformRowsGradientChecks;
}

}  // namespace unfold::selfcheck
