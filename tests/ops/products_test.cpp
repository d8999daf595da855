// Products in tiles against sums in float64, and against themselves in other tiles.
#include "host/ops/products.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "host/ops/bfloat16_products.hpp"
#include "host/ops/item_tiles.hpp"
#include "unfold/float16.hpp"

namespace unfold::cpu {
namespace {

constexpr float kUntouched = 12345;

template <typename T>
struct AlignedArray {
  explicit AlignedArray(std::size_t n) : storage(n + 64 / sizeof(T)) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data());
    data = storage.data() + (64 - address % 64) % 64 / sizeof(T);
  }
  AlignedArray(const AlignedArray&) = delete;
  AlignedArray& operator=(const AlignedArray&) = delete;

  std::vector<T> storage;
  T* data;
};

// A product's shape. Of A either rows or columns lie side by side; B has n_columns, of which panels of 32 are full.
struct Shape {
  std::size_t n_rows, n_k, n_columns;
  bool by_columns;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const std::size_t n_rows : {1, 5, 6, 13, 16, 17, 32, 33, 48, 77}) {
    for (const std::size_t n_k : {1, 2, 31, 32, 33, 64, 100, 300}) {
      for (const std::size_t n_columns : {16, 32, 48, 64, 96}) {
        for (const bool by_columns : {false, true}) all.push_back({n_rows, n_k, n_columns, by_columns});
      }
    }
  }
  return all;
}

class ProductCase {
 public:
  // Of small integers, whose sums are exact in any order and type, or of numbers between -1 and 1.
  ProductCase(const Shape& s, bool exact)
      : shape(s),
        a_step((s.by_columns ? s.n_rows : s.n_k) + 16),
        out_step(s.n_columns + 16),
        a((s.by_columns ? s.n_k : s.n_rows) * a_step),
        b(s.n_k * s.n_columns),
        bias(s.n_columns),
        out(s.n_rows * out_step) {
    std::mt19937 random(static_cast<std::uint32_t>(s.n_rows * 1000003 + s.n_k * 1009 + s.n_columns));
    const auto draw = [&] {
      return exact ? static_cast<float>(std::uniform_int_distribution<int>(-9, 9)(random))
                   : std::uniform_real_distribution<float>(-1, 1)(random);
    };
    for (float& x : a.storage) x = kUntouched;  // what is beside a product is not read into it
    for (std::size_t r = 0; r < s.n_rows; ++r) {
      for (std::size_t k = 0; k < s.n_k; ++k) a.data[place(r, k)] = draw();
    }
    for (std::size_t n = 0; n < s.n_k * s.n_columns; ++n) b.data[n] = draw();
    for (float& x : bias) x = draw();
    for (float& x : out.storage) x = kUntouched;
  }

  ProductRows rows() const { return {a.data, s_row(), s_k()}; }
  MatrixView<const float> b_rows() const {
    return {b.data, shape.n_k, static_cast<std::uint32_t>(shape.n_columns),
            static_cast<std::uint32_t>(shape.n_columns)};
  }
  float weight(std::size_t r, std::size_t k) const { return a.data[place(r, k)]; }
  float result(std::size_t r, std::size_t c) const { return out.data[r * out_step + c]; }

  Shape shape;
  std::size_t a_step, out_step;
  AlignedArray<float> a, b;
  std::vector<float> bias;
  AlignedArray<float> out;

 private:
  std::size_t s_row() const { return shape.by_columns ? 1 : a_step; }
  std::size_t s_k() const { return shape.by_columns ? a_step : 1; }
  std::size_t place(std::size_t r, std::size_t k) const { return r * s_row() + k * s_k(); }
};

// Every number against its sum in float64, plus `start`; outside the product nothing is written.
template <typename Round>
void expect_sums(const ProductCase& c, const std::vector<float>& starts, bool exact, const Round& round) {
  const Shape& s = c.shape;
  for (std::size_t r = 0; r < s.n_rows; ++r) {
    for (std::size_t column = 0; column < c.out_step; ++column) {
      if (column >= s.n_columns) {
        ASSERT_EQ(c.result(r, column), kUntouched) << "row " << r << " column " << column;
        continue;
      }
      double sum = static_cast<double>(starts[column]), size = std::abs(sum);
      for (std::size_t k = 0; k < s.n_k; ++k) {
        const double term =
            static_cast<double>(round(c.weight(r, k))) * static_cast<double>(round(c.b.data[k * s.n_columns + column]));
        sum += term;
        size += std::abs(term);
      }
      const double bound = exact ? 0 : 0x1p-24 * static_cast<double>(s.n_k + 2) * size;
      ASSERT_NEAR(static_cast<double>(c.result(r, column)), sum, bound)
          << s.n_rows << " x " << s.n_k << " x " << s.n_columns << (s.by_columns ? " by columns" : "") << ": row " << r
          << " column " << column;
    }
  }
}

// Items whose scores are the columns of B.
MatrixView<const float> transposed(const ProductCase& c, AlignedArray<float>& memory, std::size_t stride) {
  for (std::size_t k = 0; k < c.shape.n_k; ++k) {
    for (std::size_t i = 0; i < c.shape.n_columns; ++i) {
      memory.data[i * stride + k] = c.b.data[k * c.shape.n_columns + i];
    }
  }
  return {memory.data, c.shape.n_columns, static_cast<std::uint32_t>(c.shape.n_k), static_cast<std::uint32_t>(stride)};
}

template <typename Body>
void for_each_case(const Body& body) {
  for (const Shape& shape : shapes()) {
    for (const bool exact : {true, false}) {
      ProductCase c(shape, exact);
      body(c, exact);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

float as_it_is(float x) { return x; }
float to_nearest(float x) { return to_float(round_nearest<Bfloat16>(x)); }

TEST(Products, AddToWhatIsThere) {
  for_each_case([](ProductCase& c, bool exact) {
    const Shape& s = c.shape;
    for (std::size_t r = 0; r < s.n_rows; ++r) std::copy_n(c.bias.data(), s.n_columns, c.out.data + r * c.out_step);
    add_products(c.rows(), panels_of(c.b_rows()), s.n_k, c.out.data, c.out_step, s.n_rows, s.n_columns);
    expect_sums(c, c.bias, exact, as_it_is);
  });
}

TEST(Products, ScoreByPanels) {
  for_each_case([](ProductCase& c, bool exact) {
    const Shape& s = c.shape;
    if (s.n_columns % kPanelWidth != 0) return;
    AlignedArray<float> items(s.n_columns * s.n_k), panels(s.n_columns / kPanelWidth * panel_size(s.n_k));
    pack_panels(transposed(c, items, s.n_k), c.bias.data(), 0, s.n_columns, 1, panels.data);
    score_products(c.rows(), static_cast<std::uint32_t>(s.n_k), panels.data, s.n_columns / kPanelWidth, c.out.data,
                   c.out_step, s.n_rows);
    expect_sums(c, c.bias, exact, as_it_is);
  });
}

TEST(Products, BitsDoNotDependOnWhereTheFactorLies) {
  for_each_case([](ProductCase& c, bool) {
    const Shape& s = c.shape;
    const MatrixView<const float> b = c.b_rows();
    AlignedArray<float> panels(panels_size(b)), again(s.n_rows * c.out_step);
    std::ranges::fill(again.storage, kUntouched);
    copy_to_panels(b, 0, s.n_k / 2, panels.data);
    copy_to_panels(b, s.n_k / 2, s.n_k, panels.data);
    for (float* out : {c.out.data, again.data}) {
      const ProductPanels factor = out == again.data ? copied_panels(b, panels.data) : panels_of(b);
      add_products(c.rows(), factor, s.n_k, out, c.out_step, s.n_rows, s.n_columns);
    }
    ASSERT_TRUE(std::equal(again.data, again.data + s.n_rows * c.out_step, c.out.data));
  });
}

TEST(Products, BitsDoNotDependOnTheTile) {
  for (const Shape& shape : {Shape{48, 300, 96, false}, Shape{48, 300, 96, true}}) {
    ProductCase whole(shape, false), single(shape, false);
    for (ProductCase* c : {&whole, &single}) std::fill_n(c->out.data, shape.n_rows * c->out_step, 0.5f);
    const ProductPanels b = panels_of(whole.b_rows());
    add_products(whole.rows(), b, shape.n_k, whole.out.data, whole.out_step, shape.n_rows, shape.n_columns);
    for (std::size_t r = 0; r < shape.n_rows; ++r) {
      ProductRows row = single.rows();
      row.data += r * row.row_step;
      for (std::size_t c = 0; c < shape.n_columns; c += 16) {
        ProductPanels columns = b;
        columns.data += c;
        add_products(row, columns, shape.n_k, single.out.data + r * single.out_step + c, single.out_step, 1, 16);
      }
    }
    EXPECT_TRUE(std::equal(whole.out.data, whole.out.data + shape.n_rows * whole.out_step, single.out.data));
  }
}

// On machines without such a unit there is nothing to run.
TEST(Bfloat16Products, AddToWhatIsThere) {
  for (const Bfloat16Unit unit : bfloat16_units()) {
    for_each_case([unit](ProductCase& c, bool exact) {
      const Shape& s = c.shape;
      const std::size_t n_panels = (s.n_columns + kPanelWidth - 1) / kPanelWidth;
      const std::uint64_t bytes = bfloat16_panel_bytes(s.n_k);
      AlignedArray<std::byte> panels(n_panels * bytes);
      for (std::size_t p = 0; p < n_panels; ++p) {
        pack_bfloat16_rows(c.b_rows(), p * kPanelWidth, panels.data + p * bytes);
      }
      for (std::size_t r = 0; r < s.n_rows; ++r) std::copy_n(c.bias.data(), s.n_columns, c.out.data + r * c.out_step);
      // In two stretches of k where there is more than one.
      for (std::size_t k = 0; k < s.n_k; k += 64) {
        ProductRows rows = c.rows();
        rows.data += k * rows.k_step;
        const std::size_t n = k == 64 ? s.n_k - k : std::min<std::size_t>(64, s.n_k - k);
        add_bfloat16_products(unit, rows, k, n, panels.data, s.n_k, c.out.data, c.out_step, s.n_rows, s.n_columns);
        if (k == 64) break;
      }
      expect_sums(c, c.bias, exact, to_nearest);
    });
  }
}

TEST(Bfloat16Products, ScoreByPanels) {
  for (const Bfloat16Unit unit : bfloat16_units()) {
    for_each_case([unit](ProductCase& c, bool exact) {
      const Shape& s = c.shape;
      if (s.n_columns % kPanelWidth != 0) return;
      const std::uint64_t bytes = bfloat16_panel_bytes(s.n_k);
      AlignedArray<float> items(s.n_columns * s.n_k);
      const MatrixView<const float> rows = transposed(c, items, s.n_k);
      AlignedArray<std::byte> panels(s.n_columns / kPanelWidth * bytes);
      for (std::size_t p = 0; p < s.n_columns / kPanelWidth; ++p) {
        pack_bfloat16_columns(rows, c.bias.data(), p * kPanelWidth, panels.data + p * bytes);
      }
      score_bfloat16_products(unit, c.rows(), s.n_k, panels.data, s.n_columns / kPanelWidth, c.out.data, c.out_step,
                              s.n_rows);
      expect_sums(c, c.bias, exact, to_nearest);
    });
  }
}

}  // namespace
}  // namespace unfold::cpu
