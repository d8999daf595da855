// Files of well-known kinds: read as what they are, or refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/data/compressed.hpp"
#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/dataset.hpp"

namespace unfold {
namespace {

using std::string_literals::operator""s;
using test::data_error;
using test::Interactions;
using test::interactions;
using test::TempDirectory;
using test::write_file;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class LayoutsTest : public testing::Test {
 protected:
  Dataset read(const std::string& text, const ImportOptions& options = {}) {
    write_file(folder_ / "f", text);
    std::filesystem::remove_all(folder_ / "out");
    return import_dataset(folder_ / "f", folder_ / "out", options);
  }
  Interactions pairs(const std::string& text, const ImportOptions& options = {}) {
    return interactions(read(text, options));
  }
  std::string refusal(const std::string& text, const ImportOptions& options = {}) {
    write_file(folder_ / "f", text);
    std::filesystem::remove_all(folder_ / "out");
    return data_error([&] { import_dataset(folder_ / "f", folder_ / "out", options); });
  }
  void expect_refused(const std::string& text, const std::string& words) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr(words), Not(HasSubstr("fix the line")))) << text.substr(0, 100);
  }
  static ImportOptions with_columns(std::map<std::string, std::string> columns) {
    ImportOptions options;
    options.columns = std::move(columns);
    return options;
  }

  TempDirectory folder_;
};

auto rated(const char* user, const char* item, float rating, std::int64_t time = 0) {
  return Pair(Pair(user, item), Pair(rating, time));
}

TEST_F(LayoutsTest, BinaryFilesAreNamed) {
  const std::string rest(600, '\x07');
  for (const auto& [bytes, name] : std::vector<std::pair<std::string, std::string>>{
           {"PAR1" + rest, "a Parquet file"},
           {"SQLite format 3\0"s + rest, "an SQLite database"},
           {"\x93NUMPY\x01" + rest, "a NumPy array (.npy)"},
           {"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0data.npy"s + rest,
            "a NumPy archive (.npz)"},
           {"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml"s + rest +
                "xl/workbook.xml",
            "an Excel workbook (.xlsx)"},
           {"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.csv"s + rest, "a zip archive"},
           {"\x89HDF\r\n\x1a\n" + rest, "an HDF5 file"},
           {"ARROW1\0\0"s + rest, "an Arrow or Feather file"},
           {"\x80\x04\x95" + rest, "a Python pickle"},
           {std::string(257, 'x') + "ustar" + rest, "a tar archive"}}) {
    expect_refused(bytes, "is " + name + ", which is not read");
    expect_refused(test::gzip(bytes), "is " + name);
  }
  std::string unknown;
  for (int n = 0; n < 50; ++n) unknown += "\x01\0\x02\x03 record\n"s;
  expect_refused(unknown, "holds NUL bytes");
}

TEST_F(LayoutsTest, OtherLayoutsAreNamed) {
  expect_refused("%%MatrixMarket matrix coordinate real general\n% made by hand\n3 3 2\n1 1 5\n2 3 4\n",
                 "Matrix Market");
  expect_refused("{\"user\": \"u\", \"item\": \"i\"}\n{\"user\": \"u\", \"item\": \"j\"}\n", "JSON");
  expect_refused("[\n  {\"user\": 1, \"item\": 2}\n]\n", "JSON");
  expect_refused("{u'username': u'x', u'product_id': u'1'}\n", "JSON");
  expect_refused("1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n885013,4,2005-10-19\n", "Netflix");
  expect_refused("0|2\n550452\t90\t3811\t13:24:00\n323933\t0\t3811\t13:24:00\n", "KDD Cup");
  expect_refused("5 0:1 7:1\n3 1:1 8:1\n4 1:1 7:1\n", "libsvm");
  expect_refused("1 0:0:1 1:7:1\n0 0:1:1 1:8:1\n", "libsvm");
  expect_refused(
      "product/productId: B001\nreview/userId: A1\nreview/score: 5.0\n\nproduct/productId: B002\n"
      "review/userId: A2\nreview/score: 1.0\n",
      "records of several lines");
  expect_refused("-- dump\nCREATE TABLE r (u int);\nINSERT INTO r VALUES (1,2,3),(4,5,6);\n", "SQL");
  expect_refused("[1,2,5]\n[1,3,4]\n", "JSON");
  for (const std::string& table :
       {"| user | item |\n|------|------|\n| 1 | 2 |\n| 3 | 4 |\n"s, "user | item\n---|---\n1 | 2\n"s,
        " user | item \n------+------\n    1 |    2\n(1 row)\n"s,
        "+------+------+\n| user | item |\n+------+------+\n|    1 |    2 |\n+------+------+\n"s}) {
    expect_refused(table, "a table drawn with dashes and bars");
  }
  expect_refused("<!DOCTYPE html>\n<html><body>404</body></html>\n", "HTML");
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS");
}

TEST_F(LayoutsTest, KnownDataSetsThatNeedAWordAreAskedAbout) {
  expect_refused("151603712,Fallout 4,purchase,1.0,0\n151603712,Fallout 4,play,87.0,0\n", "--columns");
  expect_refused("0\t2010-10-19T23:55:27Z\t30.23\t-97.79\t22847\n0\t2010-10-18T22:17:43Z\t30.26\t-97.76\t420315\n",
                 "--columns");
  expect_refused("user_1\t2009-05-04T23:08:57Z\tf1b1\tDeep Dish\t\tFuck\nuser_1\t2009-05-04T13:54:10Z\ta7f7\tA\t\tB\n",
                 "--columns");
  expect_refused("1\tU13\t11/11/2019 9:05:58 AM\tN55 N42\tN55-1 N35-0\n2\tU91\t11/12/2019 6:11:30 PM\tN60\tN39-0\n",
                 "--columns");
  expect_refused("74,-7.82,8.79,-9.66,99\n100,4.08,-0.29,6.36,4.37\n49,99,99,99,99\n", "--columns");
  EXPECT_THAT(pairs("0\t2010-10-19T23:55:27Z\t30.23\t-97.79\t22847\n0\t2010-10-18T22:17:43Z\t30.26\t-97.76\t420315\n",
                    with_columns({{"user", "1"}, {"item", "5"}})),
              UnorderedElementsAre(rated("0", "22847", 1), rated("0", "420315", 1)));
}

TEST_F(LayoutsTest, KnownDataSetsAreRead) {
  EXPECT_THAT(pairs("t_dat,customer_id,article_id,price,sales_channel_id\n2018-09-20,c1,0663713001,0.05,2\n"),
              UnorderedElementsAre(rated("c1", "0663713001", 1, 1537401600)));
  EXPECT_THAT(pairs("user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
                    "0,3649,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.27\n"),
              UnorderedElementsAre(rated("0", "3649", 1, 1593878903)));
  EXPECT_THAT(pairs("sessionId;userId;itemId;timeframe;eventdate\n1;71;8206;526309;2016-05-09\n"),
              UnorderedElementsAre(rated("71", "8206", 1, 1462752000)));
  EXPECT_THAT(pairs("user_id,book_id,is_read,rating,is_reviewed\n0,948,1,5,0\n0,947,1,4,1\n"),
              UnorderedElementsAre(rated("0", "948", 5), rated("0", "947", 4)));
  EXPECT_THAT(pairs("userId,movieId,tag,timestamp\n15,339,sandra 'boring' bullock,1138537770\n"),
              UnorderedElementsAre(rated("15", "339", 1, 1138537770)));
}

TEST_F(LayoutsTest, QuotedFieldsMayHoldLineBreaks) {
  EXPECT_THAT(pairs("user,item,rating,text\nu,i,3,\"one\ntwo, \"\"three\"\"\n\nfour\"\nu,j,4,\"x\"\n"),
              UnorderedElementsAre(rated("u", "i", 3), rated("u", "j", 4)));
  EXPECT_THAT(pairs("user,item,\"the\nrating\",rating\r\nu,i,\"1\r\n2\",3\r\nu,j,1,4\r\n"),
              UnorderedElementsAre(rated("u", "i", 3), rated("u", "j", 4)));
  const Dataset dataset = read("user,item,text\nu,i,\"a\nb\"\nu,j,c\n");
  EXPECT_EQ(dataset.report().n_lines, 4u);
}

TEST_F(LayoutsTest, AnOpenQuoteSwallowsNoLines) {
  const std::string text = "u1\tm\t5\nu1\t\"open\t4\nu2\tm\t3\nu3\tn\t2\nu4\t12\"\t1\n";
  EXPECT_THAT(refusal(text), AllOf(HasSubstr("f:2: column 2: "), HasSubstr("it would hold line 3, a record by itself"),
                                   HasSubstr("--quote none")));
  ImportOptions options;
  options.quote = "none";
  EXPECT_THAT(pairs(text, options),
              UnorderedElementsAre(rated("u1", "m", 5), rated("u1", "\"open", 4), rated("u2", "m", 3),
                                   rated("u3", "n", 2), rated("u4", "12\"", 1)));
  options.quote = "double";
  EXPECT_THAT(refusal(text, options), HasSubstr("holds a line break, which no id may"));
  options = {};
  options.on_error = OnError::kSkip;
  options.rejected_file = folder_ / "rejected";
  EXPECT_EQ(pairs(text, options).size(), 4u) << "the line with the quote alone is left out";
  EXPECT_THAT(refusal("u1,a,5\nu1,\"weird al\" y,4\n"), HasSubstr("--quote none"));
}

TEST_F(LayoutsTest, OtherLineEndsBlanksAndComments) {
  EXPECT_THAT(pairs("user,item,rating\ru,i,3\ru,j,4\r"), UnorderedElementsAre(rated("u", "i", 3), rated("u", "j", 4)));
  EXPECT_THAT(pairs("user, item, rating\nu, i, 3\nu, \"j\", 4\n"),
              UnorderedElementsAre(rated("u", "i", 3), rated("u", "j", 4)));
  const Dataset dataset =
      read("# a\n# b\n1 2 3\n# c\n1 3 4\n1 4 4\n1 5 4\n1 6 4\n1 7 4\n1 8 4\n1 9 4\n1 10 4\n1 11 4\n");
  EXPECT_EQ(dataset.report().n_comments, 3u);
  EXPECT_EQ(dataset.report().n_parsed, 10u);
  EXPECT_THAT(pairs("user,item\n1.0,7.0\n2.0,8.0\n"), UnorderedElementsAre(rated("1", "7", 1), rated("2", "8", 1)));
}

TEST_F(LayoutsTest, MissingIdsAreNoUsers) {
  for (const std::string missing :
       {"NA",  "NULL", "null", "Null", "NaN",    "nan", "NAN",       "None", "none", "NaT",
        "nil", "N/A",  "n/a",  "#N/A", "#NULL!", "-",   "undefined", "\\N",  "<NA>", "(null)"}) {
    EXPECT_THAT(refusal("user,item,rating\nu,i,3\n" + missing + ",j,4\n"),
                HasSubstr("f:3: column 'user': " + testing::PrintToString(missing) + " stands for a missing user id"));
  }
  EXPECT_EQ(pairs("user,item\nNAT,NINA\nNane,nanana\nNat,Na\n--,nullable\n#1,<N>\n").size(), 5u);
}

TEST_F(LayoutsTest, LineEndsAndQuotesThatAreMixedAreNamed) {
  expect_refused("user,item\r1,2\r1,3\n2,2\r2,5\n", "the ends of lines mix CR and LF");
  expect_refused("user,item\r\r\n1,2\r\r\n1,3\r\r\n", "the ends of lines mix CR and LF");
  EXPECT_THAT(refusal("user,item\n1,2\n1,3\n1,4\n2,2\r2,5\n"),
              HasSubstr("f:5: 3 columns where 2 are expected (it holds CR"));
  expect_refused("user,item\nu,\"it\\\"em\"\nv,\"a \\\"b, c\\\" d\"\n",
                 "quotes in quoted fields stand behind backslashes");
  const std::string good = "user,item\n1,2\n1,3\n1,4\n1,5\n1,6\n1,7\n1,8\n1,9\n1,10\n1,11\n";
  EXPECT_THAT(refusal(good + "u,\"it\\\"em\"\n"),
              AllOf(HasSubstr("f:12: column 2: "), HasSubstr("a quote behind a backslash")));
  EXPECT_EQ(pairs("user,item\nu,\"C:\\\"\nv,\"D:\\\"\n").size(), 2u);
}

TEST_F(LayoutsTest, WholeNumbersAreOneIdInBothSpellings) {
  const Dataset dataset = read("user,item\n7,1\n7.0,2\n8,1.0\n");
  EXPECT_THAT(interactions(dataset), UnorderedElementsAre(rated("7", "1", 1), rated("7", "2", 1), rated("8", "1", 1)));
  EXPECT_THAT(dataset.report().notes, ElementsAre(HasSubstr("column 'user': ids are whole numbers written as decimals"),
                                                  HasSubstr("column 'item'")));
  std::string text = "user,item\n";
  for (int n = 0; n < 3000; ++n) text += std::to_string(n) + ",i\n";
  const Dataset late = read(text + "7.0,j\n7.5,j\n");
  EXPECT_EQ(late.n_users(), 3001u) << "behind the sample, too";
  EXPECT_THAT(late.report().notes, ElementsAre(HasSubstr("read without .0")));
  EXPECT_EQ(read("user,item\n7,1\n7.0,2\nu8,1\n").n_users(), 3u) << "not all are numbers";
}

TEST_F(LayoutsTest, NumbersThatLostDigitsAreNoIds) {
  for (const std::string cut : {"1.23457E+11", "1.2e+10", "1E+05"}) {
    EXPECT_THAT(refusal("user,item,rating\nu,i,3\n" + cut + ",j,4\n"),
                HasSubstr("f:3: column 'user': \"" + cut + "\" is no"));
  }
  EXPECT_EQ(pairs("user,item\nE+11,1E11\n1.2E+1a,x1E+11\n").size(), 2u);
}

TEST_F(LayoutsTest, TimesAreOfOneUnit) {
  const std::string seconds = "user,item,time\nu,i,1600000000\nu,j,1600000001\nu,k,0\nu,l,2020-01-31\n";
  EXPECT_EQ(pairs(seconds).size(), 4u);
  EXPECT_THAT(refusal(seconds + "v,i,1600000000123\n"),
              HasSubstr("f:6: column 'time': \"1600000000123\" counts milliseconds, and most times in the column count "
                        "seconds"));
  const std::string milliseconds = "user,item,time\nu,i,1600000000000\nu,j,1600000001000\n";
  EXPECT_EQ(pairs(milliseconds).size(), 2u);
  EXPECT_THAT(refusal(milliseconds + "v,i,1600000000\n"), HasSubstr("counts seconds, and most"));
}

TEST_F(LayoutsTest, AWrongLayoutIsNoBadLine) {
  std::string text = "user,item,rating\n";
  for (int n = 0; n < 20; ++n) text += "u" + std::to_string(n % 4) + ",i" + std::to_string(n) + ",3\n";
  EXPECT_THAT(refusal(text + "u,i,x\n"), HasSubstr("fix the line or pass --on-error skip"));
  for (int n = 0; n < 9; ++n) text += "NA,i,3\n";
  EXPECT_THAT(refusal(text), AllOf(HasSubstr("of the first 29 lines, 9 cannot be read as csv with columns"),
                                   HasSubstr("--on-error skip"), Not(HasSubstr("fix the line"))));
  EXPECT_THAT(refusal("user,item,rating\nu,i,3\nu,j,4\nuser,item,rating\nv,i,2\n"),
              HasSubstr("f:4: the line with the columns' names stands here again"));
}

TEST_F(LayoutsTest, ReportsKeepTheirNotes) {
  const Dataset dataset = read("user,item,hours\nu,i,3\n");
  EXPECT_THAT(dataset.report().notes, ElementsAre(HasSubstr("hours")));
  EXPECT_EQ(Dataset::open(folder_ / "out").report().notes, dataset.report().notes);
}

}  // namespace
}  // namespace unfold
