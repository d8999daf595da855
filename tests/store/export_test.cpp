#include "unfold/export.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <cstring>
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
  expect_array("user_embedding.npy", model.tensors.at("user.embedding").data, {5, 3});
  expect_array("item_embedding.npy", model.tensors.at("item.embedding").data, {4, 3});
  expect_array("user_bias.npy", model.tensors.at("user.bias").data, {5});
  expect_array("item_bias.npy", model.tensors.at("item.bias").data, {4});
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
  expect_bits(std::span(reinterpret_cast<const float*>(raw.data()), raw.size() / 4),
              model.tensors.at("user.embedding").data);
}

TEST(Export, SafetensorsHoldsTheSameBits) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "safetensors", directory / "out", false);
  const SafetensorsFile file = SafetensorsFile::open(directory / "out/embeddings.safetensors");
  const std::uint64_t users[] = {5, 3}, items[] = {4, 3};
  expect_bits(file.tensor<float>("user.embedding", users), model.tensors.at("user.embedding").data);
  expect_bits(file.tensor<float>("item.embedding", items), model.tensors.at("item.embedding").data);
  expect_bits(file.column<float>("user.bias"), model.tensors.at("user.bias").data);
  expect_bits(file.column<float>("item.bias"), model.tensors.at("item.bias").data);
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
    for (std::uint64_t d = 0; d < 3; ++d)
      expect_bits(fields[d + 1], model.tensors.at("item.embedding").data[row * 3 + d]);
  }
  const std::vector<std::string> bias = lines_of(directory / "out/user_bias.txt");
  EXPECT_EQ(bias[0], "5 1");
  EXPECT_TRUE(bias[2].starts_with("with%20space "));
  expect_bits(split(bias[2], ' ')[1], model.tensors.at("user.bias").data[1]);
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
    expect_bits(fields[0], model.tensors.at("user.bias").data[row]);
    for (std::uint64_t d = 0; d < 3; ++d)
      expect_bits(fields[d + 1], model.tensors.at("user.embedding").data[row * 3 + d]);
  }
  EXPECT_NE(test::read_file(directory / "out/items.csv").find("\n\"ret\rurn\","), std::string::npos);
}

// Of each format that has vectors in text: what stands in the last column, by row.
TEST(Export, AppendsTheBiasAsAColumn) {
  const TempDirectory directory;
  const Model model = small_model();
  const ExportOptions options{.append_bias = true, .item_title = {}};
  for (const char* format : {"npy", "safetensors", "faiss", "word2vec", "tensorboard", "csv"}) {
    export_model(model, format, directory / format, false, options);
    for (const auto& entry : fs::directory_iterator(directory / format)) {
      EXPECT_EQ(entry.path().filename().string().find("bias"), std::string::npos) << entry.path();
    }
  }
  const std::vector<std::string> header = split(lines_of(directory / "csv/items.csv")[0], ',');
  EXPECT_EQ(header, (std::vector<std::string>{"id", "f0", "f1", "f2", "f3"}));
  for (std::uint64_t row = 0; row < 4; ++row) {
    for (const std::string& line : {lines_of(directory / "word2vec/item_embedding.txt")[row + 1],
                                    lines_of(directory / "tensorboard/item_embedding.tsv")[row]}) {
      const std::vector<std::string> fields = split(line, line.find('\t') == std::string::npos ? ' ' : '\t');
      expect_bits(fields.at(fields.size() - 2), model.tensors.at("item.embedding").data[row * 3 + 2]);
      expect_bits(fields.back(), model.tensors.at("item.bias").data[row]);
    }
  }
  EXPECT_EQ(split(lines_of(directory / "word2vec/user_embedding.txt")[1], ' ').back(), "1");
  const SafetensorsFile tensors = SafetensorsFile::open(directory / "safetensors/embeddings.safetensors");
  const std::uint64_t users[] = {5, 4}, items[] = {4, 4};
  EXPECT_EQ(tensors.tensor<float>("user.embedding", users)[3], 1.0f);
  expect_bits(tensors.tensor<float>("item.embedding", items).subspan(7, 1), {model.tensors.at("item.bias").data[1]});
  EXPECT_EQ(tensors.names().size(), 2u);
}

TEST(Export, FaissIndexHoldsItemsWithTheirBias) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "faiss", directory / "out", false);
  const std::string file = test::read_file(directory / "out/items.faiss");
  const std::size_t header = 4 + 4 + 8 + 8 + 8 + 1 + 4 + 8;
  ASSERT_EQ(file.size(), header + 4 * 4 * 4);
  const auto number = [&file](std::size_t at, auto value) {
    std::memcpy(&value, file.data() + at, sizeof value);
    return value;
  };
  EXPECT_EQ(file.substr(0, 4), "IxFI");
  EXPECT_EQ(number(4, std::int32_t{}), 4);   // columns
  EXPECT_EQ(number(8, std::int64_t{}), 4);   // items
  EXPECT_EQ(number(32, std::uint8_t{}), 1);  // trained
  EXPECT_EQ(number(33, std::int32_t{}), 0);  // by inner product
  EXPECT_EQ(number(37, std::uint64_t{}), 16u);
  for (std::uint64_t row = 0; row < 4; ++row) {
    std::vector<float> expected(model.tensors.at("item.embedding").data.begin() + 3 * row,
                                model.tensors.at("item.embedding").data.begin() + 3 * row + 3);
    expected.push_back(model.tensors.at("item.bias").data[row]);
    for (std::uint64_t d = 0; d < 4; ++d) {
      EXPECT_EQ(number(header + 4 * (4 * row + d), std::uint32_t{}), std::bit_cast<std::uint32_t>(expected[d]));
    }
  }
  EXPECT_TRUE(fs::exists(directory / "out/user_embedding.npy"));
  expect_ids(directory / "out", model);
}

TEST(Export, TextWithoutQuotesIsUtf8WhateverTheIds) {
  const TempDirectory directory;
  Model model = small_model();
  IdMap ids;
  // Latin-1; UTF-8 with a no-break space, an ideographic space; a control character; a cut character at the end.
  const std::pair<const char*, const char*> expected[] = {{"caf\xe9", "caf%E9"},
                                                          {"x\xc2\xa0y\xe3\x80\x80", "x%C2%A0y%E3%80%80"},
                                                          {"\x1b[1m\x7f", "%1B[1m%7F"},
                                                          {"\xe2\x82\xac 5\xe2\x82", "\xe2\x82\xac%205%E2%82"}};
  for (const auto& [id, text] : expected) ids.find_or_add(id);
  model.item_ids = std::move(ids);
  const auto title = [](Row row) -> std::string_view { return row == 1 ? "" : "The\tTitle"; };
  export_model(model, "word2vec", directory / "w", false);
  export_model(model, "tensorboard", directory / "t", false, {.append_bias = false, .item_title = title});
  const std::vector<std::string> vectors = lines_of(directory / "w/item_embedding.txt");
  const std::vector<std::string> labels = lines_of(directory / "t/item_metadata.tsv");
  ASSERT_EQ(vectors.size(), 5u);
  ASSERT_EQ(labels.size(), 5u);
  EXPECT_EQ(labels[0], "id\ttitle");
  for (std::size_t row = 0; row < 4; ++row) {
    const std::string id = expected[row].second;
    EXPECT_EQ(split(vectors[row + 1], ' ')[0], id);
    std::string label = id;
    if (row == 3) label.replace(label.find("%20"), 3, " ");
    EXPECT_EQ(labels[row + 1], label + (row == 1 ? "\t" : "\tThe Title"));
  }
}

TEST(Export, TensorboardFilesFitTogether) {
  const TempDirectory directory;
  const Model model = small_model();
  export_model(model, "tensorboard", directory / "out", false);
  // One column of labels has no header, so that there is a line for each vector.
  EXPECT_EQ(lines_of(directory / "out/item_metadata.tsv").size(), 4u);
  EXPECT_EQ(lines_of(directory / "out/user_metadata.tsv").at(1), "with space");
  const std::vector<std::string> vectors = lines_of(directory / "out/user_embedding.tsv");
  ASSERT_EQ(vectors.size(), 5u);
  const std::vector<std::string> fields = split(vectors[4], '\t');
  ASSERT_EQ(fields.size(), 3u);
  for (std::uint64_t d = 0; d < 3; ++d) expect_bits(fields[d], model.tensors.at("user.embedding").data[12 + d]);
  const std::string config = test::read_file(directory / "out/projector_config.pbtxt");
  for (const char* name : {"user_embedding.tsv", "user_metadata.tsv", "item_embedding.tsv", "item_metadata.tsv"}) {
    EXPECT_NE(config.find(fmt::format("\"{}\"", name)), std::string::npos) << config;
  }
  export_model(model, "npy", directory / "out", true);
  EXPECT_FALSE(fs::exists(directory / "out/projector_config.pbtxt"));
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
    EXPECT_NE(
        std::string(error.what()).find("\"hdf5\" is not one of npy, safetensors, faiss, word2vec, tensorboard, csv"),
        std::string::npos);
  }
  EXPECT_TRUE(fs::is_empty(directory.path()));
}

}  // namespace
}  // namespace unfold
