#include "host/data/record_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/data/number.hpp"
#include "host/text/escaped.hpp"

namespace unfold {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;

InputFormat table(Format format, std::vector<std::string> header, std::array<int, 4> columns) {
  InputFormat result;
  result.format = format;
  result.n_columns = header.size();
  result.has_header = !header.empty() && !header[0].empty();
  if (result.has_header) result.header = std::move(header);
  result.columns = columns;
  return result;
}

const InputFormat kCsv = table(Format::kCsv, {"userId", "movieId", "rating", "time"}, {0, 1, 2, 3});

std::string parse_error(const InputFormat& format, const std::string& line) {
  RecordParser parser(format);
  EXPECT_FALSE(parser.parse(line)) << line;
  Record record;
  EXPECT_FALSE(parser.next(record)) << "a bad line holds nothing";
  return parser.error();
}

Record parse_one(RecordParser& parser, const std::string& line) {
  EXPECT_TRUE(parser.parse(line)) << parser.error();
  Record record, more;
  EXPECT_TRUE(parser.next(record));
  EXPECT_FALSE(parser.next(more));
  return record;
}

std::vector<std::string> split(Format format, const std::string& line) {
  FieldSplitter splitter(format);
  EXPECT_EQ(splitter.split(line), FieldSplitter::Status::kOk) << line;
  return {splitter.fields().begin(), splitter.fields().end()};
}

TEST(RecordParserTest, ReadsTheColumnsOfEachRole) {
  RecordParser parser(table(Format::kTsv, {"", "", "", "", ""}, {3, 1, 4, 0}));
  const std::string line = "12\titem\tx\tuser\t4.5";
  const Record record = parse_one(parser, line);
  EXPECT_EQ(record.user, "user");
  EXPECT_EQ(record.item, "item");
  EXPECT_EQ(record.rating, 4.5f);
  EXPECT_EQ(record.time, 12);
}

TEST(RecordParserTest, IdsAreBytesAsTheyStand) {
  RecordParser parser(table(Format::kCsv, {"", ""}, {0, 1, kNoColumn, kNoColumn}));
  const std::string line = " a ,\xff\xfe\x80";
  const Record record = parse_one(parser, line);
  EXPECT_EQ(record.user, " a ");
  EXPECT_EQ(record.item, "\xff\xfe\x80");
  EXPECT_EQ(record.rating, 1.0f);
  EXPECT_EQ(record.time, 0);
}

TEST(RecordParserTest, QuotesFollowRfc4180) {
  EXPECT_THAT(split(Format::kCsv, R"("a,b",c,"")"), ElementsAre("a,b", "c", ""));
  EXPECT_THAT(split(Format::kCsv, R"("say ""hi""","""",x)"), ElementsAre("say \"hi\"", "\"", "x"));
  EXPECT_THAT(split(Format::kCsv, R"(5" disk,x")"), ElementsAre("5\" disk", "x\""));
  EXPECT_THAT(split(Format::kSemicolon, R"("a;b";c)"), ElementsAre("a;b", "c"));
  EXPECT_THAT(split(Format::kTsv, "\"a\tb\"\tc"), ElementsAre("a\tb", "c"));
  EXPECT_THAT(split(Format::kPipe, R"("a|b"|c)"), ElementsAre("\"a", "b\"", "c")) << "no quotes in this format";
  EXPECT_THAT(split(Format::kCsv, "a,,"), ElementsAre("a", "", ""));
  EXPECT_THAT(split(Format::kCsv, "\"a\","), ElementsAre("a", ""));
  EXPECT_THAT(split(Format::kDat, "a::b:c::"), ElementsAre("a", "b:c", ""));
  EXPECT_THAT(split(Format::kSpace, " a \t b  "), ElementsAre("a", "b"));
  EXPECT_THAT(split(Format::kSpace, " \"a b\" \t c\"d "), ElementsAre("a b", "c\"d"));
  EXPECT_THAT(parse_error(kCsv, "1,\"2,3,4"),
              HasSubstr("column 2: \"\\\"2,3,4\" begins with a quote that does not end; "
                        "where quotes are characters like any other, pass --quote none"));
  EXPECT_THAT(parse_error(kCsv, "1,\"2\"x,3,4"), HasSubstr("column 2: \"\\\"2\\\"x\" goes on after its closing quote"));
}

TEST(RecordParserTest, QuotesMayBeCharactersLikeAnyOther) {
  FieldSplitter splitter(Format::kTsv, {.quotes = false, .blanks_follow = false});
  EXPECT_EQ(splitter.split("\"weird al\" yankovic\t\"b"), FieldSplitter::Status::kOk);
  EXPECT_THAT(splitter.fields(), ElementsAre("\"weird al\" yankovic", "\"b"));
}

TEST(RecordParserTest, BlanksBehindSeparatorsMayBelongToThem) {
  FieldSplitter splitter(Format::kCsv, {.quotes = true, .blanks_follow = true});
  EXPECT_EQ(splitter.split("a b,  c, \"d, e\",f"), FieldSplitter::Status::kOk);
  EXPECT_THAT(splitter.fields(), ElementsAre("a b", "c", "d, e", "f"));
}

TEST(RecordParserTest, TellsWhereAQuoteEnds) {
  EXPECT_TRUE(FieldSplitter::ends_quote("more\",x"));
  EXPECT_TRUE(FieldSplitter::ends_quote("\"\"\""));
  EXPECT_FALSE(FieldSplitter::ends_quote("a \"\"word\"\" more"));
  EXPECT_FALSE(FieldSplitter::ends_quote(""));
}

TEST(RecordParserTest, ASeparatorAtTheEndBeginsNoColumn) {
  RecordParser parser(kCsv);
  const std::string line = "1,2,3,4,";
  EXPECT_EQ(parse_one(parser, line).time, 4);
}

TEST(RecordParserTest, MissingAndRepeatedNames) {
  EXPECT_EQ(parse_error(kCsv, "NULL,2,3,4"), "column 'userId': \"NULL\" stands for a missing user id");
  EXPECT_EQ(parse_error(kCsv, "1,nan,3,4"), "column 'movieId': \"nan\" stands for a missing item id");
  EXPECT_EQ(parse_error(kCsv, "userId,movieId,rating,time"), "the line with the columns' names stands here again");
  EXPECT_THAT(parse_error(kCsv, "1,2,\"3,5\",4"), HasSubstr("\"3,5\" is not a number; write a decimal point"));
}

TEST(RecordParserTest, UnescapedFieldsStayApart) {
  RecordParser parser(kCsv);
  const std::string first = R"("a""1","b""1",1,1)", second = R"("a""2","b""2",2,2)";
  EXPECT_EQ(parse_one(parser, first).user, "a\"1");
  const Record record = parse_one(parser, second);
  EXPECT_EQ(record.user, "a\"2");
  EXPECT_EQ(record.item, "b\"2");
}

TEST(RecordParserTest, ListsHoldOneInteractionAnItem) {
  InputFormat format;
  format.format = Format::kAdjacency;
  format.columns = {0, 1, kNoColumn, kNoColumn};
  RecordParser parser(format);
  const std::string line = " u  1 2\t3 ";
  ASSERT_TRUE(parser.parse(line));
  Record record;
  std::vector<std::string> items;
  while (parser.next(record)) {
    EXPECT_EQ(record.user, "u");
    items.emplace_back(record.item);
  }
  EXPECT_THAT(items, ElementsAre("1", "2", "3"));
  ASSERT_TRUE(parser.parse("u"));
  EXPECT_FALSE(parser.next(record)) << "a user without items";
}

TEST(RecordParserTest, ErrorsNameColumnAndValue) {
  EXPECT_EQ(parse_error(kCsv, "1,2,abc,4"), "column 'rating': \"abc\" is not a number");
  EXPECT_EQ(parse_error(kCsv, "1,2,,4"), "column 'rating': \"\" is not a number");
  EXPECT_EQ(parse_error(kCsv, "1,2,NaN,4"), "column 'rating': \"NaN\" is not a finite number");
  EXPECT_EQ(parse_error(kCsv, "1,2,-inf,4"), "column 'rating': \"-inf\" is not a finite number");
  EXPECT_EQ(parse_error(kCsv, "1,2,1e39,4"), "column 'rating': \"1e39\" is not a finite number");
  EXPECT_EQ(parse_error(kCsv, "1,2,3x,4"), "column 'rating': \"3x\" is not a number");
  EXPECT_EQ(parse_error(kCsv, ",2,3,4"), "column 'userId': the user id is empty");
  EXPECT_EQ(parse_error(kCsv, "1,\"\",3,4"), "column 'movieId': the item id is empty");
  EXPECT_EQ(parse_error(kCsv, "1,2,3"), "3 columns where 4 are expected");
  EXPECT_EQ(parse_error(kCsv, "1,2,3,4,5"), "5 columns where 4 are expected");
  EXPECT_EQ(parse_error(kCsv, "1"), "1 column where 4 are expected");
  EXPECT_THAT(parse_error(kCsv, "1,2,3,soon"), HasSubstr("column 'time': \"soon\" is not a time"));
  const InputFormat numbered = table(Format::kSpace, {"", "", ""}, {0, 1, 2, kNoColumn});
  EXPECT_EQ(parse_error(numbered, "1 2 abc"), "column 3 (rating): \"abc\" is not a number");
  EXPECT_THAT(parse_error(numbered, "1 2 3 4 5"), HasSubstr("5 columns where 3 are expected (for lists of items"));
}

TEST(RecordParserTest, ValuesInMessagesAreShortAndPrintable) {
  EXPECT_EQ(in_quotes(std::string(100, 'x')), '"' + std::string(60, 'x') + "...\"");
  EXPECT_EQ(in_quotes("a\tb\x01\"\\\x7f"), R"("a\x09b\x01\"\\\x7f")");
  EXPECT_EQ(in_quotes("Amélie 愛 🎬"), "\"Amélie 愛 🎬\"");
  EXPECT_EQ(in_quotes("\xff\xc3(\xe2\x82\xc0\x80\xed\xa0\x80"), R"("\xff\xc3(\xe2\x82\xc0\x80\xed\xa0\x80")");
  EXPECT_EQ(in_quotes(std::string(59, 'x') + "é"), '"' + std::string(59, 'x') + "...\"") << "no half characters";
  EXPECT_EQ(in_quotes("a\0b"s), R"("a\x00b")");
}

TEST(NumberTest, ReadsRatings) {
  const auto value = [](std::string_view text) {
    float result = 0;
    EXPECT_EQ(parse_rating(text, result), NumberStatus::kOk) << text;
    return result;
  };
  EXPECT_EQ(value("4"), 4.0f);
  EXPECT_EQ(value("+4.5"), 4.5f);
  EXPECT_EQ(value("-.5"), -0.5f);
  EXPECT_EQ(value(" 3 "), 3.0f);
  EXPECT_EQ(value("1e2"), 100.0f);
  EXPECT_EQ(value("0.1"), 0.1f);
  float ignored = 0;
  for (const char* text : {"", " ", "+", "-", "+-4", "--4", "4,5", "0x10", "4 5", "1e", "five"}) {
    EXPECT_EQ(parse_rating(text, ignored), NumberStatus::kNotANumber) << text;
  }
  for (const char* text : {"nan", "NaN", "inf", "-Infinity", "1e400"}) {
    EXPECT_EQ(parse_rating(text, ignored), NumberStatus::kNotFinite) << text;
  }
}

TEST(NumberTest, ReadsTimes) {
  const auto value = [](std::string_view text) {
    std::int64_t result = 0;
    EXPECT_TRUE(parse_time(text, result)) << text;
    return result;
  };
  EXPECT_EQ(value("964982703"), 964982703);
  EXPECT_EQ(value("-5"), -5);
  EXPECT_EQ(value("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(value("1.5"), 1);
  EXPECT_EQ(value("-1.5"), -2);
  EXPECT_EQ(value("1.6e9"), 1600000000);
  EXPECT_EQ(value("1970-01-01"), 0);
  EXPECT_EQ(value("2000-02-29T12:34:56Z"), 951827696);
  EXPECT_EQ(value("2000-02-29 12:34:56.789"), 951827696);
  EXPECT_EQ(value("2000-02-29T12:34"), 951827640);
  EXPECT_EQ(value("2000-02-29T14:34:56+02:00"), 951827696);
  EXPECT_EQ(value("2000-02-29T07:04:56-0530"), 951827696);
  EXPECT_EQ(value("1969-12-31T23:59:59"), -1);
  std::int64_t ignored = 0;
  for (const char* text : {"", "NA", "2001-02-29", "2000-13-01", "2000-1-1", "2000-01-01T25:00", "2000-01-01T10",
                           "2000-01-01T10:00:00X", "2000-01-01T10:00:00.", "nan", "inf", "1e300", "12:00"}) {
    EXPECT_FALSE(parse_time(text, ignored)) << text;
  }
}

}  // namespace
}  // namespace unfold
