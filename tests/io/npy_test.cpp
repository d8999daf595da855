#include "host/io/npy.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using test::TempDirectory;

std::string message_of_read(const std::filesystem::path& path) {
  try {
    const MappedFile file = MappedFile::open(path);
    npy_column<float>(file);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Npy, HeaderIsWhatNumpyWrites) {
  const std::uint64_t shape[] = {3};
  const std::string header = npy_header("<u4", shape);
  ASSERT_EQ(header.size(), kNpyHeaderBytes);
  EXPECT_EQ(header.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(header.substr(10, 58), "{'descr': '<u4', 'fortran_order': False, 'shape': (3,), } ");
  EXPECT_EQ(header.back(), '\n');
}

TEST(Npy, LargestExtentsFitTheHeader) {
  const std::uint64_t shape[] = {~std::uint64_t{0}, ~std::uint64_t{0}};
  const std::string header = npy_header("<f4", shape);
  EXPECT_EQ(header.size(), kNpyHeaderBytes);
  EXPECT_NE(header.find("(18446744073709551615, 18446744073709551615), }"), std::string::npos);
}

TEST(Npy, MatrixRoundTrip) {
  const TempDirectory directory;
  const std::vector<float> values = {1, -2, 0.1f, 1e-30f, 5, 6};
  const std::uint64_t written[] = {3, 2};
  write_npy<float>(directory / "m.npy", values, written);
  const MappedFile file = MappedFile::open(directory / "m.npy");
  std::vector<std::uint64_t> shape;
  const auto* data = reinterpret_cast<const float*>(npy_data(file, "<f4", sizeof(float), 2, shape));
  EXPECT_EQ(shape, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(std::vector<float>(data, data + 6), values);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % 64, 0u);
}

TEST(Npy, OtherWritersHeadersAreRead) {
  const TempDirectory directory;
  // Format 2.0, keys in another order, no trailing comma.
  const std::string dict = "{'shape': (1,), 'descr': '<f4', 'fortran_order': False}\n";
  std::string bytes("\x93NUMPY\x02\x00", 8);
  bytes += {static_cast<char>(dict.size()), 0, 0, 0};
  bytes += dict + std::string("\x00\x00\x80\x3f", 4);
  test::write_file(directory / "v2.npy", bytes);
  const MappedFile file = MappedFile::open(directory / "v2.npy");
  ASSERT_EQ(npy_column<float>(file).size(), 1u);
  EXPECT_EQ(npy_column<float>(file)[0], 1.0f);
}

TEST(Npy, BadFilesAreNamed) {
  const TempDirectory directory;
  const std::filesystem::path path = directory / "bad.npy";
  const std::vector<float> values = {1, 2, 3};
  const std::uint64_t shape[] = {3};
  write_npy<float>(path, values, shape);
  const std::string good = test::read_file(path);
  EXPECT_EQ(message_of_read(path), "");

  const auto message = [&](const std::string& bytes) {
    test::write_file(path, bytes);
    return message_of_read(path);
  };
  EXPECT_EQ(message(good.substr(0, good.size() - 1)),
            path.string() + ": is truncated: its header announces 12 bytes of data and 11 follow");
  EXPECT_NE(message(good + "x").find("is too long"), std::string::npos);
  EXPECT_NE(message(good.substr(0, 60)).find("is truncated"), std::string::npos);
  EXPECT_NE(message("").find("is not a .npy file"), std::string::npos);
  EXPECT_NE(message("x" + good).find("is not a .npy file"), std::string::npos);
  std::string bytes = good;
  bytes[6] = 9;
  EXPECT_NE(message(bytes).find("format 9 is not known"), std::string::npos);
  const std::uint64_t matrix[] = {3, 1};
  write_npy<float>(path, values, matrix);
  EXPECT_NE(message_of_read(path).find("2 dimensions, not 1"), std::string::npos);
  const std::uint64_t huge[] = {std::uint64_t{1} << 63};
  EXPECT_NE(message(npy_header("<f4", huge)).find("is truncated"), std::string::npos);
}

// Every prefix and every changed byte of a header either reads or throws: nothing else may happen.
TEST(Npy, DamagedHeadersNeverCrash) {
  const TempDirectory directory;
  const std::uint64_t shape[] = {3};
  const std::vector<float> values = {1, 2, 3};
  write_npy<float>(directory / "a.npy", values, shape);
  const std::string good = test::read_file(directory / "a.npy");
  for (std::size_t n = 0; n < kNpyHeaderBytes; ++n) {
    test::write_file(directory / "a.npy", std::string_view(good).substr(0, n));
    EXPECT_NE(message_of_read(directory / "a.npy"), "") << n;
    std::string bytes = good;
    bytes[n] = static_cast<char>(bytes[n] ^ 0x15);
    test::write_file(directory / "a.npy", bytes);
    message_of_read(directory / "a.npy");
  }
}

}  // namespace
}  // namespace unfold
