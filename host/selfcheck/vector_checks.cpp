// Looked-up rows, as they are and as the vectors that are scored, against the float64 reference.
#include <cmath>
#include <numeric>

#include "host/selfcheck/op_inputs.hpp"
#include "host/selfcheck/rounding_checks.hpp"
#include "host/selfcheck/transform_reference.hpp"

namespace unfold::selfcheck {
namespace {

void lookup_rows_copies_rows_and_zeroes_padding(CheckRun& run, TableType type) {
  constexpr std::uint64_t kTableRows = 37;
  for (const std::uint32_t dim : run.dims) {
    const HostTable table = random_table(run.random, kTableRows, dim, run.backend.row_stride(dim, type), 1, type);
    const GuardedArray<std::byte> device(run.backend, table.bytes());
    const ConstTableView view(device.data(), kTableRows, dim, table.stride, type);
    for (const std::uint64_t n : {0u, 1u, 2u, 257u}) {
      const std::vector<Row> rows = random_rows(run.random, kTableRows, n);
      const GuardedArray<Row> device_rows(run.backend, rows);
      for (const std::uint32_t stride : {dim, table.stride, table.stride + 4, dim + 3}) {
        const Checker::Scope scope("dim {} rows {} stride {}", dim, n, stride);
        const GuardedArray<float> out(run.backend, n * stride);
        run_op(run.backend,
               LookupRows{.table = view, .rows = device_rows.data(), .n_rows = n, .out = {out.data(), n, dim, stride}});
        const std::vector<float> got = out.download();
        for (std::uint64_t r = 0; r < n; ++r)
          for (std::uint32_t c = 0; c < stride; ++c)
            if (!run.check.that(same_bits(got[r * stride + c], c < dim ? table.at(rows[r], c) : 0.0f),
                                "row {} column {}", r, c))
              return;
      }
    }
  }
}

constexpr RandomKey kDropoutKey{0x9E3779B97F4A7C15u, 7, 1000003};

RowTransform transform_of(float dropout, bool normalize) { return {dropout, kDropoutKey, normalize, 0}; }

// Rows of scores around 1, the third of them zeros, the fifth with a single element that is not zero.
HostTable rows_to_transform(std::mt19937_64& random, std::uint64_t n, std::uint32_t dim, std::uint32_t stride,
                            TableType type = TableType::kFloat32) {
  HostTable rows = random_table(random, n, dim, stride, 2, type);
  for (std::uint32_t c = 0; c < dim && n > 2; ++c) rows.at(2, c) = 0;
  for (std::uint32_t c = 1; c < dim && n > 4; ++c) rows.at(4, c) = 0;
  return rows;
}

struct Transformed {
  std::vector<float> vectors, scale;
};

// All rows of `table`, as vectors.
Transformed transform(Backend& backend, const RowTransform& transform, const HostTable& table) {
  const std::uint64_t n = table.rows;
  std::vector<Row> numbers(n);
  std::iota(numbers.begin(), numbers.end(), Row{0});
  const GuardedArray<Row> rows(backend, numbers);
  const GuardedArray<std::byte> values(backend, table.bytes());
  const GuardedArray<float> out(backend, n * table.stride), scale(backend, n);
  run_op(backend, LookupRows{.table = {values.data(), n, table.cols, table.stride, table.type},
                             .rows = rows.data(),
                             .n_rows = n,
                             .out = {out.data(), n, table.cols, table.stride},
                             .transform = transform,
                             .scale = scale.data()});
  return {out.download(), scale.download()};
}

// Calls visit(transform, rows) for rows of every dim, also with a stride that is longer than it need be.
template <typename Visit>
void for_each_transform(CheckRun& run, TableType type, Visit&& visit) {
  std::uint32_t number = 0;
  for (const std::uint32_t dim : run.dims) {
    for (const float dropout : {0.0f, 0.3f, 0.95f}) {
      for (const bool normalize : {false, true}) {
        for (const std::uint64_t n : {0u, 1u, 37u}) {
          const std::uint32_t stride = run.backend.row_stride(++number % 3 == 0 ? dim + 40 : dim, type);
          const Checker::Scope scope("dim {} stride {} dropout {} normalize {} rows {}", dim, stride, dropout,
                                     normalize, n);
          visit(transform_of(dropout, normalize), rows_to_transform(run.random, n, dim, stride, type));
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

void lookup_rows_drops_and_normalizes(CheckRun& run, TableType type) {
  for_each_transform(run, type, [&](const RowTransform& how, const HostTable& rows) {
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
void lookup_rows_does_not_depend_on_the_batch(CheckRun& run) {
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
void lookup_rows_drops_as_many_as_asked(CheckRun& run) {
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
  for_each_transform(run, TableType::kFloat32, [&](RowTransform how, const HostTable& rows) {
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

// Biases and log counts come with the rows, and change nothing of them.
void lookup_rows_gathers_numbers(CheckRun& run) {
  constexpr std::uint64_t kTableRows = 37, kLookedUp = 257;
  for (const TableType type : {TableType::kFloat32, TableType::kBfloat16}) {
    for (const std::uint32_t dim : {1u, 33u, 128u}) {
      const Checker::Scope scope("type {} dim {}", table_type_name(type), dim);
      const HostTable table = random_table(run.random, kTableRows, dim, run.backend.row_stride(dim, type), 1, type);
      const HostTable first = random_table(run.random, kTableRows, 1, 1),
                      second = random_table(run.random, kTableRows, 1, 1);
      const std::vector<Row> rows = random_rows(run.random, kTableRows, kLookedUp);
      const GuardedArray<std::byte> device(run.backend, table.bytes());
      const GuardedArray<Row> device_rows(run.backend, rows);
      const GuardedArray<float> device_first(run.backend, first.values), device_second(run.backend, second.values);
      for (const int which : {1, 2, 3}) {
        const GuardedArray<float> out(run.backend, kLookedUp * table.stride), a(run.backend, kLookedUp),
            b(run.backend, kLookedUp);
        const RowNumbers none;
        run_op(run.backend, LookupRows{.table = {device.data(), kTableRows, dim, table.stride, type},
                                       .rows = device_rows.data(),
                                       .n_rows = kLookedUp,
                                       .out = {out.data(), kLookedUp, dim, table.stride},
                                       .numbers = {which % 2 == 1 ? RowNumbers{device_first.data(), a.data()} : none,
                                                   which >= 2 ? RowNumbers{device_second.data(), b.data()} : none}});
        const std::vector<float> got = out.download(), got_a = a.download(), got_b = b.download();
        for (std::uint64_t n = 0; n < kLookedUp; ++n) {
          if (which % 2 == 1) run.check.that(got_a[n] == first.values[rows[n]], "first number of {}", n);
          if (which >= 2) run.check.that(got_b[n] == second.values[rows[n]], "second number of {}", n);
          for (std::uint32_t c = 0; c < table.stride; ++c)
            run.check.that(got[n * table.stride + c] == (c < dim ? table.at(rows[n], c) : 0.0f), "row {} column {}", n,
                           c);
        }
      }
    }
  }
}

constexpr OpCheck kLookupRowsChecks[] = {
    {"LookupRowsCopiesRowsAndZeroesPadding", in_float32<lookup_rows_copies_rows_and_zeroes_padding>},
    {"LookupRowsWidens16Bits", in_16_bits<lookup_rows_copies_rows_and_zeroes_padding>},
    {"LookupRowsDropsAndNormalizes", in_float32<lookup_rows_drops_and_normalizes>},
    {"LookupRowsDropsAndNormalizes16Bits", in_16_bits<lookup_rows_drops_and_normalizes>},
    {"LookupRowsDoesNotDependOnTheBatch", lookup_rows_does_not_depend_on_the_batch},
    {"LookupRowsDropsAsManyAsAsked", lookup_rows_drops_as_many_as_asked},
    {"LookupRowsGathersNumbers", lookup_rows_gathers_numbers},
};
constexpr OpCheck kTransformRowsGradientChecks[] = {
    {"TransformRowsGradientIsThatOfTheRows", transform_rows_gradient_is_that_of_the_rows},
};

}  // namespace

template <>
std::span<const OpCheck> checks_of<LookupRows>() {
  return kLookupRowsChecks;
}

template <>
std::span<const OpCheck> checks_of<TransformRowsGradient>() {
  return kTransformRowsGradientChecks;
}

}  // namespace unfold::selfcheck
