#include "unfold/export.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/npy.hpp"
#include "host/io/safetensors.hpp"
#include "tests/support/small_model.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using test::small_model;
using test::TempDirectory;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines = split(test::read_file(file), '\n');
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  return lines;
}

// Reading the text back must give the same bits, which == would not tell for zeros.
void expect_bits(const std::string& text, float expected) {
  EXPECT_EQ(std::bit_cast<std::uint32_t>(std::strtof(text.c_str(), nullptr)), std::bit_cast<std::uint32_t>(expected))
      << text;
}

void expect_bits(std::span<const float> found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected[i])) << i;
  }
}

void expect_ids(const fs::path& directory, const Model& model) {
  EXPECT_EQ(lines_of(directory / "user_ids.txt").at(4), model.user_ids.id(4));
  EXPECT_EQ(lines_of(directory / "item_ids.txt").at(2), model.item_ids.id(2));
}

TEST(Export, NpyHoldsTheSameBits) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "npy", directory / "out", false);
  const auto expect_array = [&](const char* name, const std::vector<float>& expected,
                                std::vector<std::uint64_t> shape) {
    const MappedFile file = MappedFile::open(directory / "out" / name);
    std::vector<std::uint64_t> found;
    const auto* data = reinterpret_cast<const float*>(
        npy_data(file, "<f4", sizeof(float), static_cast<unsigned>(shape.size()), found));
    EXPECT_EQ(found, shape);
    expect_bits(std::span(data, expected.size()), expected);
  };
  expect_array("user_embedding.npy", model.user_embedding.data, {5, 3});
  expect_array("item_embedding.npy", model.item_embedding.data, {4, 3});
  expect_array("user_bias.npy", model.user_bias, {5});
  expect_array("item_bias.npy", model.item_bias, {4});
  expect_ids(directory / "out", model);
}

TEST(Export, NumpyOpensNpy) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "/usr/bin/python3 has no numpy; install python3-numpy to check the arrays with it";
  }
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "npy", directory / "out", false);
  const std::string script =
      "import numpy, sys\n"
      "users = numpy.load('user_embedding.npy', mmap_mode='r')\n"
      "assert users.shape == (5, 3) and users.dtype == numpy.float32 and users.flags.c_contiguous\n"
      "assert numpy.load('item_bias.npy').shape == (4,)\n"
      "ids = open('item_ids.txt', encoding='utf-8', newline='\\n').read().split('\\n')[:-1]\n"
      "assert ids[1] == 'tab\\there' and len(ids) == 4\n"
      "users.tofile('users.raw')\n";
  test::write_file(directory / "out/check.py", script);
  const std::string command = "cd '" + (directory / "out").string() + "' && /usr/bin/python3 check.py";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string raw = test::read_file(directory / "out/users.raw");
  expect_bits(std::span(reinterpret_cast<const float*>(raw.data()), raw.size() / 4), model.user_embedding.data);
}

TEST(Export, SafetensorsHoldsTheSameBits) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "safetensors", directory / "out", false);
  const SafetensorsFile file = SafetensorsFile::open(directory / "out/embeddings.safetensors");
  const std::uint64_t users[] = {5, 3}, items[] = {4, 3};
  expect_bits(file.tensor<float>("user.embedding", users), model.user_embedding.data);
  expect_bits(file.tensor<float>("item.embedding", items), model.item_embedding.data);
  expect_bits(file.column<float>("user.bias"), model.user_bias);
  expect_bits(file.column<float>("item.bias"), model.item_bias);
  EXPECT_EQ(file.column<float>("global.bias")[0], 3.7f);
  expect_ids(directory / "out", model);
}

TEST(Export, Word2vecReadsBack) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "word2vec", directory / "out", false);
  const std::vector<std::string> lines = lines_of(directory / "out/item_embedding.txt");
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], "4 3");
  const char* ids[] = {"100%25", "tab%09here", "ret%0Durn", "\xc3\xa9t\xc3\xa9"};
  for (std::uint64_t row = 0; row < 4; ++row) {
    const std::vector<std::string> fields = split(lines[row + 1], ' ');
    ASSERT_EQ(fields.size(), 4u);
    EXPECT_EQ(fields[0], ids[row]);
    for (std::uint64_t d = 0; d < 3; ++d) expect_bits(fields[d + 1], model.item_embedding.data[row * 3 + d]);
  }
  const std::vector<std::string> bias = lines_of(directory / "out/user_bias.txt");
  EXPECT_EQ(bias[0], "5 1");
  EXPECT_TRUE(bias[2].starts_with("with%20space "));
  expect_bits(split(bias[2], ' ')[1], model.user_bias[1]);
}

TEST(Export, CsvReadsBack) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "csv", directory / "out", false);
  const std::vector<std::string> lines = lines_of(directory / "out/users.csv");
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0], "id,bias,f0,f1,f2");
  const std::string ids[] = {"plain", "with space", "\"com,ma\"", "\"quo\"\"te\"", "\xff\xfe bytes"};
  for (std::uint64_t row = 0; row < 5; ++row) {
    ASSERT_TRUE(lines[row + 1].starts_with(ids[row] + ",")) << lines[row + 1];
    const std::vector<std::string> fields = split(std::string_view(lines[row + 1]).substr(ids[row].size() + 1), ',');
    ASSERT_EQ(fields.size(), 4u);
    expect_bits(fields[0], model.user_bias[row]);
    for (std::uint64_t d = 0; d < 3; ++d) expect_bits(fields[d + 1], model.user_embedding.data[row * 3 + d]);
  }
  EXPECT_NE(test::read_file(directory / "out/items.csv").find("\n\"ret\rurn\","), std::string::npos);
}

TEST(Export, ReplacesOnlyExports) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "npy", directory / "out", false);
  EXPECT_THROW(export_model(model, "csv", directory / "out", false), UsageError);
  EXPECT_TRUE(fs::exists(directory / "out/user_bias.npy"));
  export_model(model, "csv", directory / "out", true);
  EXPECT_FALSE(fs::exists(directory / "out/user_bias.npy"));
  EXPECT_TRUE(fs::exists(directory / "out/users.csv"));
  test::write_file(directory / "out/mine.txt", "mine");
  EXPECT_THROW(export_model(model, "npy", directory / "out", true), UsageError);
  EXPECT_EQ(test::read_file(directory / "out/mine.txt"), "mine");
  fs::remove(directory / "out/mine.txt");
  // Files of an export's names, and an export's file that was changed, are the user's.
  fs::create_directory(directory / "own");
  test::write_file(directory / "own/users.csv", "id,name\n");
  EXPECT_THROW(export_model(model, "csv", directory / "own", true), UsageError);
  EXPECT_EQ(test::read_file(directory / "own/users.csv"), "id,name\n");
  test::write_file(directory / "out/users.csv", test::read_file(directory / "out/users.csv") + "note\n");
  EXPECT_THROW(export_model(model, "csv", directory / "out", true), UsageError);
  test::write_file(directory / "file", "text");
  EXPECT_THROW(export_model(model, "npy", directory / "file", true), UsageError);
  // A model is no export: it would be lost.
  save_model(model, directory / "model", false);
  EXPECT_THROW(export_model(model, "npy", directory / "model", true), UsageError);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()), 4);
}

TEST(Export, UnknownFormatIsAUsageError) {
  const TempDirectory directory;
  try {
    export_model(small_model(), "hdf5", directory / "out", false);
    FAIL() << "hdf5 is no format";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("\"hdf5\" is not one of npy, safetensors, word2vec, csv"),
              std::string::npos);
  }
  EXPECT_TRUE(fs::is_empty(directory.path()));
}

}  // namespace
}  // namespace unfold
