#include "host/data/line_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/data/compressed.hpp"
#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"

namespace unfold {
namespace {

using std::string_literals::operator""s;
using test::data_error;
using test::TempDirectory;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
using Result = LineReader::Result;

class LineReaderTest : public testing::Test {
 protected:
  std::vector<std::string> lines_of(const std::string& text) {
    write_file(file_, text);
    TextSource source(file_);
    LineReader reader(source);
    std::vector<std::string> lines;
    while (reader.next() == Result::kLine) {
      lines.emplace_back(reader.text());
      EXPECT_EQ(reader.number(), lines.size());
    }
    return lines;
  }

  TempDirectory folder_;
  std::filesystem::path file_ = folder_ / "lines";
};

TEST_F(LineReaderTest, TakesBothLineEndsAMarkAndAnOpenLastLine) {
  EXPECT_THAT(lines_of("a\nb\n"), ElementsAre("a", "b"));
  EXPECT_THAT(lines_of("a\r\nb\r\n"), ElementsAre("a", "b"));
  EXPECT_THAT(lines_of("a\n\nb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(lines_of("a\nb\r"), ElementsAre("a", "b"));
  EXPECT_THAT(lines_of("\xef\xbb\xbf"
                       "a\nb"),
              ElementsAre("a", "b"));
  EXPECT_THAT(lines_of("a\r\r\n"), ElementsAre("a\r")) << "one CR belongs to the end, others to the line";
  EXPECT_THAT(lines_of("\n"), ElementsAre(""));
}

TEST_F(LineReaderTest, KeepsLinesWholeAcrossReads) {
  std::string text;
  std::vector<std::string> expected;
  for (int n = 0; n < 300'000; ++n) {
    expected.push_back("line " + std::to_string(n * 7919LL) + std::string(static_cast<std::size_t>(n % 13), 'x'));
    text += expected.back() + (n % 2 == 0 ? "\n" : "\r\n");
  }
  EXPECT_TRUE(lines_of(text) == expected);
}

TEST_F(LineReaderTest, PeekDoesNotConsume) {
  write_file(file_,
             "\xef\xbb\xbf"
             "ab\ncd\n");
  TextSource source(file_);
  LineReader reader(source);
  EXPECT_EQ(reader.peek(4), "ab\nc");
  EXPECT_FALSE(reader.peeked_everything());
  EXPECT_EQ(reader.peek(1000), "ab\ncd\n");
  EXPECT_TRUE(reader.peeked_everything());
  ASSERT_EQ(reader.next(), Result::kLine);
  EXPECT_EQ(reader.text(), "ab");
}

TEST_F(LineReaderTest, FindsNulAndGoesOn) {
  write_file(file_, "a\nb\0c\nd\n"s);
  TextSource source(file_);
  LineReader reader(source);
  ASSERT_EQ(reader.next(), Result::kLine);
  ASSERT_EQ(reader.next(), Result::kNul);
  EXPECT_EQ(reader.number(), 2u);
  EXPECT_EQ(reader.nul_column(), 2u);
  EXPECT_EQ(reader.raw(), "b\0c\n"s);
  ASSERT_EQ(reader.next(), Result::kLine);
  EXPECT_EQ(reader.text(), "d");
  EXPECT_EQ(reader.next(), Result::kEnd);
}

TEST_F(LineReaderTest, BoundsALineExactly) {
  for (const std::string end : {"\n", "\r\n", ""}) {
    write_file(file_, std::string(100, 'x') + end);
    TextSource source(file_);
    LineReader reader(source);
    reader.set_max_line_bytes(100);
    EXPECT_EQ(reader.next(), Result::kLine);
    TextSource again(file_);
    LineReader strict(again);
    strict.set_max_line_bytes(99);
    EXPECT_EQ(strict.next(), Result::kTooLong);
  }
}

TEST_F(LineReaderTest, GivesALongLineInPiecesAndGoesOn) {
  const std::string giant(10'000'000, 'x');
  write_file(file_, "a\n" + giant + "\nb\n");
  for (const bool read_rest : {true, false}) {
    TextSource source(file_);
    LineReader reader(source);
    reader.set_max_line_bytes(1 << 20);
    ASSERT_EQ(reader.next(), Result::kLine);
    ASSERT_EQ(reader.next(), Result::kTooLong);
    EXPECT_LT(reader.raw().size(), std::size_t{5} << 20) << "the line is not held whole";
    std::string seen(reader.raw());
    if (read_rest) {
      for (std::string_view rest = reader.skip_rest(); !rest.empty(); rest = reader.skip_rest()) seen += rest;
      EXPECT_TRUE(seen == giant + "\n");
    }
    ASSERT_EQ(reader.next(), Result::kLine);
    EXPECT_EQ(reader.text(), "b");
    EXPECT_EQ(reader.number(), 3u);
    EXPECT_EQ(reader.next(), Result::kEnd);
  }
}

TEST_F(LineReaderTest, RejectsUtf16AndEmptyText) {
  const auto open = [&] {
    TextSource source(file_);
    LineReader reader(source);
  };
  write_file(file_,
             "\xff\xfe"
             "1\0,\0"s);
  EXPECT_THAT(data_error(open), HasSubstr("is UTF-16 text"));
  write_file(file_,
             "\xfe\xff\0"
             "1"s);
  EXPECT_THAT(data_error(open), HasSubstr("iconv -f UTF-16"));
  write_file(file_, "\xff\xfe\0\0u\0\0\0"s);
  EXPECT_THAT(data_error(open), HasSubstr("iconv -f UTF-32"));
  write_file(file_, "\0\0\xfe\xff\0\0\0u"s);
  EXPECT_THAT(data_error(open), HasSubstr("is UTF-32 text"));
  write_file(file_, "\xef\xbb\xbf");
  EXPECT_THAT(data_error(open), HasSubstr("the file is empty;"));
  write_file(file_, test::gzip(""));
  EXPECT_THAT(data_error(open), HasSubstr("the file is empty after decompression"));
  write_file(file_, test::zstd(""));
  EXPECT_THAT(data_error(open), HasSubstr("the file is empty after decompression"));
}

}  // namespace
}  // namespace unfold
