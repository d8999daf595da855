#include "host/data/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "tests/data/import_support.hpp"

namespace unfold {
namespace {

using test::data_error;
using testing::HasSubstr;

std::string describe(const InputFormat& format) {
  return std::string(format_name(format.format)) + (format.has_header ? " header " : " ") + format.columns_text();
}

std::string detect(const std::string& text, const ImportOptions& options = {}) {
  return describe(detect_format(text, true, options, "f.csv"));
}

std::string detect_error(const std::string& text, const ImportOptions& options = {}) {
  return data_error([&] { detect_format(text, true, options, "f.csv"); });
}

ImportOptions with_columns(std::map<std::string, std::string> columns) {
  ImportOptions options;
  options.columns = std::move(columns);
  return options;
}

TEST(FormatTest, TellsSeparators) {
  EXPECT_EQ(detect("1,2,3.5\n1,3,4\n"), "csv user=1,item=2,rating=3");
  EXPECT_EQ(detect("1\t2\t3\n1\t3\t4\n"), "tsv user=1,item=2,rating=3");
  EXPECT_EQ(detect("1::1193::5::978300760\n1::661::3::978302109\n"), "dat user=1,item=2,rating=3,time=4");
  EXPECT_EQ(detect("1|2|3\n1|3|4\n"), "pipe user=1,item=2,rating=3");
  EXPECT_EQ(detect("1;2;3\n1;3;4\n"), "semicolon user=1,item=2,rating=3");
  EXPECT_EQ(detect("1 2\n1 3\n"), "space user=1,item=2");
  EXPECT_EQ(detect(" 1  2\t3\n1 3 4 \n2 5 1\n"), "space user=1,item=2,rating=3");
  EXPECT_EQ(detect("0 1 2 3\n1 7\n2 4 5 6 7 8\n"), "adjacency user item item ...");
}

TEST(FormatTest, AFewBadLinesDoNotHideTheFormat) {
  EXPECT_EQ(detect("1,2,3\n1,3\n1,4,5\n"), "csv user=1,item=2,rating=3");
  EXPECT_EQ(detect("1 2 3\n1 3 4\n2 1\n2 2 5\n"), "space user=1,item=2,rating=3");
  EXPECT_EQ(detect("1,a b,3\n1,b c,3\n2,c d\n"), "csv user=1,item=2,rating=3") << "blanks are in every line, too";
}

TEST(FormatTest, PrefersTheSeparatorThatGivesMoreColumns) {
  EXPECT_EQ(detect("1;2;3,5\n1;3;4,0\n"), "semicolon user=1,item=2,rating=3");
  EXPECT_EQ(detect("\"a;b\",\"c\",1\n\"a;c\",\"d\",2\n"), "csv user=1,item=2,rating=3");
  EXPECT_EQ(detect("user,item,date\n1,2,2020-01-01 10:00:00\n"), "csv header user=user,item=item,time=date");
}

TEST(FormatTest, FindsRolesByNameInAnySpelling) {
  EXPECT_EQ(detect("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n"),
            "csv header user=userId,item=movieId,rating=rating,time=timestamp");
  EXPECT_EQ(detect("rating,title,asin,parent_asin,user_id,timestamp\n5,x,B1,B2,AE,1600000000\n"),
            "csv header user=user_id,item=parent_asin,rating=rating,time=timestamp");
  EXPECT_EQ(detect("\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"276725\";\"034545104X\";\"0\"\n"),
            "semicolon header user=User-ID,item=ISBN,rating=Book-Rating");
  EXPECT_EQ(detect("userID\tartistID\tweight\n2\t51\t13883\n"), "tsv header user=userID,item=artistID");
  EXPECT_EQ(detect("user item rating when who\n1 2 3 4 5\n"), "space header user=user,item=item,rating=rating");
  EXPECT_EQ(detect("userid,itemid,rating,Time,Location\n1,t1,2,Weekday,Home\n2,t2,3,NA,NA\n"),
            "csv header user=userid,item=itemid,rating=rating")
      << "these times are no times";
}

TEST(FormatTest, TellsAHeaderFromData) {
  EXPECT_EQ(detect("alice,book1\nbob,book2\n"), "csv user=1,item=2");
  EXPECT_EQ(detect("alice,book\nbob,app\n"), "csv user=1,item=2") << "one known word is no header";
  EXPECT_EQ(detect("user,item\nalice,book1\n"), "csv header user=user,item=item");
  EXPECT_EQ(detect("user,item\n"), "csv header user=user,item=item");
  ImportOptions options;
  options.header = "no";
  EXPECT_EQ(detect("user,item\nalice,book1\n", options), "csv user=1,item=2");
  options.header = "yes";
  options.columns = {{"user", "1"}, {"item", "2"}};
  EXPECT_EQ(detect("1,2\n3,4\n", options), "csv header user=1,item=2");
  EXPECT_THAT(detect_error("reader,text,points\n1,2,3\n"),
              HasSubstr("the columns are \"reader\", \"text\", \"points\"; say which is which"));
}

TEST(FormatTest, ThirdColumnIsARatingOrATime) {
  EXPECT_EQ(detect("1,2,964982703\n1,3,964981247\n"), "csv user=1,item=2,time=3");
  EXPECT_EQ(detect("1,2,964982703\n1,3,5\n"), "csv user=1,item=2,rating=3");
  EXPECT_EQ(detect("1,2,2020-01-31\n1,3,2020-02-01\n"), "csv user=1,item=2,time=3");
  EXPECT_EQ(detect("1,2,3,7\n1,3,4,8\n"), "csv user=1,item=2,rating=3,time=4");
}

TEST(FormatTest, ManyColumnsWithoutAHeaderNeedToLookRight) {
  EXPECT_EQ(detect("1,2,3,964982703,x\n1,3,4,964982703,y\n"), "csv user=1,item=2,rating=3,time=4");
  EXPECT_THAT(detect_error("1|24|M|technician|85711\n2|53|F|other|94043\n"),
              HasSubstr("5 columns, no header, and columns 3 and 4 do not look like rating and time"));
  EXPECT_THAT(detect_error("(0,25)\t1064\t174\t2791\t3373\n(1,133)\t1072\t3154\t3368\t3644\n"),
              HasSubstr("--columns user=1,item=2"));
  EXPECT_EQ(detect("1|24|M|technician|85711\n", with_columns({{"user", "1"}, {"item", "4"}})), "pipe user=1,item=4");
}

TEST(FormatTest, EqualListsAreAskedAbout) {
  EXPECT_THAT(detect_error("0 1 2 3 4\n1 2 3 4 5\n"), HasSubstr("pass --format space or --format adjacency"));
  ImportOptions options;
  options.format = "adjacency";
  EXPECT_EQ(detect("0 1 2 3 4\n1 2 3 4 5\n", options), "adjacency user item item ...");
  EXPECT_EQ(detect("0 1 2 3 4 5 6\n"), "adjacency user item item ...");
}

TEST(FormatTest, OptionsOverride) {
  const std::string text = "userId,movieId,stars,when\n1,2,3,4\n";
  EXPECT_EQ(detect(text, with_columns({{"user", "movieId"}, {"item", "1"}})), "csv header user=movieId,item=userId")
      << "naming users and items says all";
  EXPECT_EQ(detect(text, with_columns({{"rating", "when"}})), "csv header user=userId,item=movieId,rating=when");
  EXPECT_EQ(detect(text, with_columns({{"time", "WHEN"}})),
            "csv header user=userId,item=movieId,rating=stars,time=when");
  EXPECT_EQ(detect("a,b,c\n1,2,3\n", with_columns({{"user", "b"}, {"item", "c"}})), "csv header user=b,item=c");
  EXPECT_EQ(detect("9,1,2\n9,1,3\n", with_columns({{"user", "2"}, {"item", "3"}})), "csv user=2,item=3");
  ImportOptions options;
  options.format = "semicolon";
  EXPECT_EQ(detect("a,1;b,1\nc,1;d,1\n", options), "semicolon user=1,item=2");
}

TEST(FormatTest, ListsTheColumnsWhereOneIsMissing) {
  const std::string text = "userId,movieId,rating\n1,2,3\n";
  EXPECT_EQ(detect_error(text, with_columns({{"rating", "stars"}})),
            "f.csv: there is no column \"stars\" (asked for by --columns rating=stars); the columns are \"userId\", "
            "\"movieId\", \"rating\"");
  EXPECT_THAT(detect_error("1,2,3\n", with_columns({{"user", "4"}})),
              HasSubstr("there is no column \"4\" (asked for by --columns user=4); the columns are 1 to 3"));
  EXPECT_THAT(detect_error("1,2,3\n", with_columns({{"user", "0"}})), HasSubstr("there is no column \"0\""));
  EXPECT_THAT(detect_error("1,2,3\n", with_columns({{"user", "userId"}})), HasSubstr("is no header"));
  EXPECT_THAT(detect_error(text, with_columns({{"user", "1"}, {"item", "userId"}})), HasSubstr("two roles"));
}

TEST(FormatTest, RejectsUnknownWordsAsUsage) {
  EXPECT_THROW(detect("1,2\n", with_columns({{"usr", "1"}})), UsageError);
  ImportOptions options;
  options.format = "xml";
  EXPECT_THROW(detect("1,2\n", options), UsageError);
  options = {};
  options.header = "maybe";
  EXPECT_THROW(detect("1,2\n", options), UsageError);
  options = with_columns({{"user", "1"}});
  options.format = "adjacency";
  EXPECT_THROW(detect("1 2\n", options), UsageError);
}

TEST(FormatTest, SaysWhatItCannotMakeOut) {
  EXPECT_THAT(detect_error("\n\n \n"), HasSubstr("only blank lines"));
  EXPECT_THAT(detect_error("hello\nworld\n"), HasSubstr("most lines hold one value"));
  ImportOptions options;
  options.format = "tsv";
  EXPECT_THAT(detect_error("1,2\n3,4\n", options), HasSubstr("read as tsv, most lines hold one column"));
  const std::string endless(kSampleBytes, 'x');
  EXPECT_THAT(data_error([&] { detect_format(endless + "," + endless, false, {}, "f.csv"); }),
              HasSubstr("f.csv:1: no line ends in the first"));
}

TEST(FormatTest, AHeaderMayBeLongerThanTheLines) {
  const InputFormat format = detect_format("user,item,rating,time\n1,2,3\n1,3,4\n", true, {}, "f.csv");
  EXPECT_EQ(describe(format), "csv header user=user,item=item,rating=rating");
  EXPECT_EQ(format.n_columns, 4u) << "every line is then reported against the header";
}

TEST(FormatTest, LooksAtWholeLinesOnly) {
  const InputFormat format = detect_format("1,2,3\n1,3,4\n1,4", false, {}, "f.csv");
  EXPECT_EQ(describe(format), "csv user=1,item=2,rating=3");
  EXPECT_EQ(format.n_columns, 3u);
}

}  // namespace
}  // namespace unfold
