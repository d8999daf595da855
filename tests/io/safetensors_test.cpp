#include "host/io/safetensors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using test::TempDirectory;

const std::vector<float> kFloats = {1, -2.5f, 1e-40f, 4, 5, 6};
const std::vector<std::uint32_t> kRows = {7, 0xFFFFFFFF, 9};
const std::vector<std::uint64_t> kOffsets = {0, std::uint64_t{1} << 40};

std::string sample() {
  const TempDirectory directory;
  write_safetensors(directory / "a",
                    {tensor_view<float>("floats", kFloats, {2, 3}), tensor_view<std::uint32_t>("rows", kRows, {3}),
                     tensor_view<std::uint64_t>("offsets", kOffsets, {2}), tensor_view<float>("none", {}, {0, 3})});
  return test::read_file(directory / "a");
}

// A file with this header and `n` bytes of data.
std::string file_with(const std::string& header, std::size_t n) {
  std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(n, '\0');
}

std::string message_of_open(const std::string& bytes) {
  const TempDirectory directory;
  test::write_file(directory / "bad.safetensors", bytes);
  try {
    SafetensorsFile::open(directory / "bad.safetensors");
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("bad.safetensors: "), std::string::npos);
    return error.what();
  }
  return "";
}

TEST(Safetensors, RoundTrip) {
  const TempDirectory directory;
  test::write_file(directory / "a", sample());
  const SafetensorsFile file = SafetensorsFile::open(directory / "a");
  EXPECT_EQ(file.names(), (std::vector<std::string>{"offsets", "floats", "rows", "none"}));
  const std::uint64_t matrix[] = {2, 3}, none[] = {0, 3};
  EXPECT_TRUE(std::ranges::equal(file.tensor<float>("floats", matrix), kFloats));
  EXPECT_TRUE(std::ranges::equal(file.column<std::uint32_t>("rows"), kRows));
  EXPECT_TRUE(std::ranges::equal(file.column<std::uint64_t>("offsets"), kOffsets));
  EXPECT_EQ(file.tensor<float>("none", none).size(), 0u);
  EXPECT_TRUE(std::ranges::equal(file.shape("floats"), matrix));
  EXPECT_THROW(file.shape("float"), DataError);
}

TEST(Safetensors, ATensorMayBeOneNumber) {
  const TempDirectory directory;
  const std::vector<float> one = {2.5f};
  write_safetensors(directory / "a", {tensor_view<float>("one", one, {})});
  const SafetensorsFile file = SafetensorsFile::open(directory / "a");
  EXPECT_TRUE(file.shape("one").empty());
  EXPECT_EQ(file.tensor<float>("one", {})[0], 2.5f);
}

TEST(Safetensors, BytesAreTheFormats) {
  const std::string bytes = sample();
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_EQ(bytes.substr(8, 68), R"({"offsets":{"dtype":"U64","shape":[2],"data_offsets":[0,16]},"floats)");
  EXPECT_EQ(bytes.size(), 8 + length + 16 + 24 + 12);
}

TEST(Safetensors, OtherTypesAndShapesAreRefused) {
  const TempDirectory directory;
  test::write_file(directory / "a", sample());
  const SafetensorsFile file = SafetensorsFile::open(directory / "a");
  const std::uint64_t turned[] = {3, 2}, matrix[] = {2, 3};
  EXPECT_THROW(file.tensor<float>("floats", turned), DataError);
  EXPECT_THROW(file.tensor<std::uint32_t>("floats", matrix), DataError);
  EXPECT_THROW(file.tensor<float>("float", matrix), DataError);
  EXPECT_THROW(file.column<float>("floats"), DataError);
}

TEST(Safetensors, EveryTruncationIsSeen) {
  const std::string good = sample();
  EXPECT_EQ(message_of_open(good), "");
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_NE(message_of_open(good.substr(0, n)), "") << n;
  EXPECT_NE(message_of_open(good + "x"), "");
}

TEST(Safetensors, DamagedHeadersNeverCrash) {
  const std::string good = sample();
  for (std::size_t n = 0; n < good.size() - 52; ++n) {
    for (const char change : {'\x01', '\x10', '\xff'}) {
      std::string bytes = good;
      bytes[n] = static_cast<char>(bytes[n] ^ change);
      message_of_open(bytes);
    }
  }
}

TEST(Safetensors, BadLayoutsAreNamed) {
  const auto tensor = [](const char* name, const char* type, const char* shape, const char* offsets) {
    return std::string("\"") + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
  };
  const auto message = [&](const std::string& body, std::size_t n_bytes) {
    std::string header = "{" + body + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return message_of_open(file_with(header, n_bytes));
  };
  EXPECT_EQ(message(tensor("a", "F32", "[2]", "[0,8]") + ",\"__metadata__\":{\"k\":\"v\"}", 8), "");
  const struct {
    std::string body;
    std::size_t n_bytes;
    const char* words;
  } cases[] = {
      {tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "F32", "[2]", "[4,12]"), 12,
       "the one before it ends at 8"},
      {tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "F32", "[1]", "[12,16]"), 16, "begins at byte 12"},
      {tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("a", "F32", "[2]", "[8,16]"), 16, "has the key \"a\" twice"},
      {tensor("a", "F32", "[2]", "[0,8]"), 12, "its tensors end at byte 8"},
      {tensor("a", "F32", "[2]", "[0,8]"), 4, "truncated"},
      {tensor("a", "F32", "[2]", "[8,0]"), 8, "truncated"},
      {tensor("a", "F32", "[3]", "[0,8]"), 8, "does not fit"},
      {tensor("a", "F32", "[4611686018427387904,4]", "[0,0]"), 0, "does not fit"},
      {tensor("a", "BF16", "[4]", "[0,8]"), 8, "F32, U32 and U64"},
      {tensor("a", "F32", "[1]", "[0,4]") + "," + tensor("b", "U64", "[1]", "[4,12]"), 12, "not aligned"},
      {tensor("a", "F32", "[-2]", "[0,8]"), 8, "lacks a valid"},
      {tensor("a", "F32", "[2.0]", "[0,8]"), 8, "lacks a valid"},
      {tensor("a", "F32", "[2]", "[0,8,16]"), 8, "lacks a valid"},
      {"\"a\":{\"dtype\":\"F32\"}", 8, "lacks a valid"},
      {"\"a\":3", 8, "lacks a valid"},
      {"\"a\"", 8, "not valid JSON"},
  };
  for (const auto& [body, n_bytes, words] : cases) {
    EXPECT_NE(message(body, n_bytes).find(words), std::string::npos) << body << ": " << message(body, n_bytes);
  }
  EXPECT_NE(message_of_open("").find("before its header"), std::string::npos);
  EXPECT_NE(message_of_open(std::string(8, '\xff')).find("is announced"), std::string::npos);
}

}  // namespace
}  // namespace unfold
