#include "unfold/tensors.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "unfold/error.hpp"

namespace unfold {
namespace {

TEST(Tensors, AMatrixIsTheFirstExtentAndTheRest) {
  const Tensor cube{{2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
  EXPECT_EQ(cube.rows(), 2u);
  EXPECT_EQ(cube.cols(), 6u);
  EXPECT_EQ(cube.row(1)[0], 6);
  const Tensor one{{}, {4}};
  EXPECT_EQ(one.rows(), 1u);
  EXPECT_EQ(one.cols(), 1u);
  EXPECT_EQ(n_elements({}), 1u);
  EXPECT_EQ(Tensor::zeros({3}).data, (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(shape_text(cube.shape), "[2, 3, 2]");
  EXPECT_EQ(shape_text(one.shape), "[]");
  const std::vector<std::uint64_t> vast(2, std::uint64_t{1} << 40);
  EXPECT_THROW(n_elements(vast), std::length_error);
}

TEST(Tensors, ASetKeepsItsOrderAndItsPlaces) {
  TensorSet set;
  Tensor& first = set["z"];
  for (int n = 0; n < 100; ++n) set[std::to_string(n)];
  first.data = {1};
  EXPECT_EQ(set.at("z").data, std::vector<float>{1});
  EXPECT_EQ(&set["z"], &first);
  EXPECT_EQ(set.begin()->name, "z");
  EXPECT_EQ(set.size(), 101u);
  EXPECT_EQ(set.find("a"), nullptr);
}

TEST(Tensors, WhatIsMissingIsNamedWithWhatThereIs) {
  TensorSet set;
  const auto message = [&set] {
    try {
      set.at("item.embedding");
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message(), "there is no tensor \"item.embedding\", and no other");
  set["decoder.weight"] = Tensor::zeros({2, 2});
  set["decoder.bias"] = Tensor::zeros({2});
  EXPECT_EQ(message(), "there is no tensor \"item.embedding\", but decoder.weight, decoder.bias");
}

}  // namespace
}  // namespace unfold
