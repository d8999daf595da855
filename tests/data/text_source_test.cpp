#include "host/data/text_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <string>

#include "tests/data/compressed.hpp"
#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"

namespace unfold {
namespace {

using test::data_error;
using test::gzip;
using test::TempDirectory;
using test::write_file;
using testing::HasSubstr;

std::string read_all(TextSource& source, std::size_t piece) {
  std::string text;
  std::string buffer(piece, '\0');
  while (const std::size_t bytes = source.read(buffer.data(), buffer.size())) text.append(buffer, 0, bytes);
  EXPECT_EQ(source.read(buffer.data(), buffer.size()), 0u) << "the end stays the end";
  return text;
}

std::string read_file_text(const std::filesystem::path& file, std::size_t piece = 65536) {
  TextSource source(file);
  return read_all(source, piece);
}

// Longer than the buffers, and not compressible to nothing.
std::string long_text() {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < 1'500'000) text += std::to_string(random()) + "," + std::to_string(random() % 100) + "\n";
  return text;
}

class TextSourceTest : public testing::Test {
 protected:
  TempDirectory folder_;
  std::filesystem::path file_ = folder_ / "ratings";
};

TEST_F(TextSourceTest, ReadsEachCompressionForAnyPieceSize) {
  const std::string text = long_text();
  for (const std::string& bytes : {text, gzip(text), test::zstd(text)}) {
    write_file(file_, bytes);
    for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{4099}}) {
      EXPECT_TRUE(read_file_text(file_, piece) == text);
    }
  }
  write_file(file_, gzip("ab\ncd\n"));
  EXPECT_EQ(read_file_text(file_, 1), "ab\ncd\n");
  write_file(file_, test::zstd("ab\ncd\n"));
  EXPECT_EQ(read_file_text(file_, 1), "ab\ncd\n");
}

TEST_F(TextSourceTest, NamesTheCompressionAndCountsRawBytes) {
  const std::string bytes = gzip(long_text());
  write_file(file_, bytes);
  TextSource source(file_);
  EXPECT_STREQ(source.compression(), "gzip");
  read_all(source, 4096);
  EXPECT_EQ(source.raw_bytes_read(), bytes.size());
  EXPECT_EQ(source.hash(), hash_text(bytes));
  EXPECT_EQ(hash_file(file_), hash_text(bytes));
}

TEST_F(TextSourceTest, JoinsMembersAndFrames) {
  write_file(file_, gzip("a\n") + gzip("") + gzip("b\n"));
  EXPECT_EQ(read_file_text(file_), "a\nb\n");
  write_file(file_, gzip("a\n") + std::string(700, '\0'));
  EXPECT_EQ(read_file_text(file_), "a\n") << "zeros after the last member are padding";
  write_file(file_, test::zstd("a\n") + test::zstd("") + test::zstd("b\n"));
  EXPECT_EQ(read_file_text(file_), "a\nb\n");
  const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0xyz", 11);
  write_file(file_, skippable + test::zstd("a\n"));
  EXPECT_EQ(read_file_text(file_), "a\n");
}

TEST_F(TextSourceTest, ReportsTruncationAtEveryLength) {
  for (const std::string& bytes : {gzip("1,2,3\n4,5,6\n"), test::zstd("1,2,3\n4,5,6\n")}) {
    for (std::size_t length = 4; length < bytes.size(); ++length) {
      write_file(file_, bytes.substr(0, length));
      const std::string error = data_error([&] { read_file_text(file_); });
      EXPECT_THAT(error, HasSubstr("ends early: " + std::to_string(length) + " compressed bytes gave")) << length;
      EXPECT_THAT(error, HasSubstr(file_.string()));
    }
  }
}

TEST_F(TextSourceTest, ReportsCorruption) {
  const std::string text = long_text();
  for (std::string bytes : {gzip(text), test::zstd(text)}) {
    for (std::size_t n = bytes.size() / 2; n < bytes.size() / 2 + 64; ++n) bytes[n] = static_cast<char>(~bytes[n]);
    write_file(file_, bytes);
    EXPECT_THAT(data_error([&] { read_file_text(file_); }), HasSubstr("corrupt"));
  }
  write_file(file_, gzip("a\n") + "rubbish");
  EXPECT_THAT(data_error([&] { read_file_text(file_); }), HasSubstr("the gzip data is corrupt"));
  // The checksum in the trailer.
  std::string bytes = gzip("1,2,3\n");
  bytes[bytes.size() - 6] = static_cast<char>(~bytes[bytes.size() - 6]);
  write_file(file_, bytes);
  EXPECT_THAT(data_error([&] { read_file_text(file_); }), HasSubstr("incorrect data check"));
}

TEST_F(TextSourceTest, RejectsWhatIsNoFile) {
  EXPECT_THAT(data_error([&] { TextSource source(folder_ / "absent.csv"); }), HasSubstr("absent.csv: no such file"));
  EXPECT_THAT(data_error([&] { TextSource source(folder_.path()); }), HasSubstr("is a directory"));
  EXPECT_THAT(data_error([&] { TextSource source("/dev/null"); }), HasSubstr("is a terminal or device"));
  write_file(file_, "");
  EXPECT_THAT(data_error([&] { TextSource source(file_); }), HasSubstr("the file is empty"));
}

TEST_F(TextSourceTest, RejectsAFileWithoutPermission) {
  write_file(file_, "1,2\n");
  ASSERT_EQ(chmod(file_.c_str(), 0), 0);
  if (access(file_.c_str(), R_OK) == 0) GTEST_SKIP() << "this user may read any file";
  EXPECT_THAT(data_error([&] { TextSource source(file_); }), HasSubstr("no permission to read it"));
}

TEST_F(TextSourceTest, NamesArchivesThatItDoesNotRead) {
  using std::string_literals::operator""s;
  write_file(file_, "PK\x03\x04....");
  EXPECT_THAT(data_error([&] { TextSource source(file_); }), HasSubstr("is a zip archive"));
  write_file(file_, "\xfd"s + "7zXZ\0...."s);
  EXPECT_THAT(data_error([&] { TextSource source(file_); }), HasSubstr("compressed with xz"));
  write_file(file_, "BZh91AY&SY....");
  EXPECT_THAT(data_error([&] { TextSource source(file_); }), HasSubstr("compressed with bzip2"));
  write_file(file_, "BZh1,2\n");
  EXPECT_EQ(read_file_text(file_), "BZh1,2\n") << "an id that begins like bzip2's magic";
}

}  // namespace
}  // namespace unfold
