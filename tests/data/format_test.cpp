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
using testing::ElementsAre;
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

TEST(FormatTest, TakesTheSeparatorThatPartsTheLinesEvenly) {
  EXPECT_EQ(detect("user\tplace\trating\nu\tRome, Lazio, Italy, Europe\t1\nv\tBonn, NRW, Germany, Europe\t2\n",
                   with_columns({{"item", "place"}})),
            "tsv header user=user,item=place,rating=rating");
  EXPECT_EQ(detect("u,http://a/?x=1;y=2;z=3;t=4,5\nv,http://b/?x=1;y=2;z=3;t=4,3\n"), "csv user=1,item=2,rating=3");
  EXPECT_EQ(detect("Rome, Italy\tu\nBonn, Germany\tv\nUlm\tu\n"), "tsv user=1,item=2") << "one name has no comma";
  std::string titles = "user,item,rating\n";
  for (int n = 0; n < 40; ++n) titles += "u" + std::to_string(n % 7) + ",a|b|c|d|" + std::to_string(n) + ",3\n";
  EXPECT_EQ(detect(titles), "csv header user=user,item=item,rating=rating") << "all lines but the header have 5 bars";
}

TEST(FormatTest, AmongEvenSeparatorsTakesTheOneWhoseValuesFit) {
  EXPECT_EQ(detect("1;2;3,5\n1;3;4,0\n"), "semicolon user=1,item=2,rating=3");
  EXPECT_THAT(detect_error("1::Heat (1995)::Action|Crime\n2::Casino (1995)::Drama|Crime\n"),
              HasSubstr("3 columns, no header"))
      << "bars part each line in two, which fits anything";
  EXPECT_THAT(detect_error("movieId,title,genres\n1,Heat,Action|Crime\n2,Casino,Drama|Crime\n"),
              HasSubstr("no column for the users"));
  EXPECT_EQ(detect("u,http://a/?x=1;y=2\nv,http://b/?x=1;y=2\n", with_columns({{"user", "1"}, {"item", "2"}})),
            "csv user=1,item=2");
  EXPECT_EQ(detect("1 2 3,5\n1 3 4,0\n"), "space user=1,item=2,rating=3");
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
  EXPECT_EQ(detect("userID\tartistID\tweight\n2\t51\t13883\n"), "tsv header user=userID,item=artistID,rating=weight");
  EXPECT_EQ(detect("uid,song,play_count\na,b,7\n"), "csv header user=uid,item=song,rating=play_count");
  EXPECT_EQ(detect("user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t2\t3\t978300760\n"),
            "tsv header user=user_id:token,item=item_id:token,rating=rating:float,time=timestamp:float");
  EXPECT_EQ(detect("user item rating when who\n1 2 3 4 5\n"), "space header user=user,item=item,rating=rating");
}

TEST(FormatTest, AColumnNamedTimeOrRatingThatCannotBeReadIsAnError) {
  EXPECT_EQ(detect_error("userid,itemid,rating,Time\n1,t1,2,Weekday\n2,t2,3,NA\n"),
            "f.csv: column 'Time': \"Weekday\" is not a time (Unix seconds, or a date like 2020-01-31 or "
            "2020-01-31T23:59:59Z); mend the column, or say which columns to read without it: --columns "
            "user=userid,item=itemid,rating=rating");
  EXPECT_THAT(detect_error("user,item,score\n1,2,good\n1,3,bad\n"),
              HasSubstr("column 'score': \"good\" is not a number; mend the column"));
  EXPECT_THAT(detect_error("user,item,date\n1,2,20200131\n1,3,20200201\n"),
              HasSubstr("column 'date': \"20200131\" looks like a date without dashes"));
  EXPECT_EQ(detect("user,item,time,timestamp\n1,2,noon,978300760\n1,3,dawn,978300761\n"),
            "csv header user=user,item=item,time=timestamp")
      << "another column that tells the time can be read";
  EXPECT_EQ(detect("user,item,date\n1,2,2019-10-01 00:00:00 UTC\n"), "csv header user=user,item=item,time=date");
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
  EXPECT_THAT(detect_error("1,2,pop\n1,3,rock\n"), HasSubstr("column 3 looks neither like ratings nor like times"));
}

TEST(FormatTest, PositionsGiveRolesOnlyWhereTheValuesFit) {
  const std::string remedy = "; say which is which by their numbers: --columns user=N,item=N";
  EXPECT_THAT(detect_error("1,2,3,7\n1,3,4,8\n"),
              HasSubstr("4 columns, no header, and column 4 does not look like times (\"7\")" + remedy));
  EXPECT_THAT(detect_error("7,2014-04-02T10:50:09.277Z,214536502,0\n7,2014-04-02T10:54:09Z,214536500,0\n"),
              HasSubstr("column 2 looks like times"));
  EXPECT_THAT(detect_error("978300760,u,i\n978300761,u,j\n978300769,v,i\n978300770,v,j\n978300780,w,j\n"),
              HasSubstr("--columns user=1,item=2"));
  EXPECT_THAT(detect_error("1609459200,u\n1609459260,u\n1609459320,v\n1609459380,w\n1609459440,v\n"),
              HasSubstr("column 1 looks like times (\"1609459200\")" + remedy));
  EXPECT_THAT(detect_error("0,31,5\n1,31,6\n2,32,5\n3,33,7\n4,33,5\n"),
              HasSubstr("column 1 looks like the lines' numbers (\"0\", ...)" + remedy));
  ImportOptions known;
  known.known_ids = true;
  EXPECT_EQ(detect("0,31,5\n1,31,6\n2,32,5\n3,33,7\n4,33,5\n", known), "csv user=1,item=2,rating=3")
      << "a test file has each user once";
  EXPECT_EQ(detect("0,31,5\n1,31,6\n2,32,5\n3,33,7\n4,33,5\n", with_columns({{"user", "1"}, {"item", "2"}})),
            "csv user=1,item=2");
  EXPECT_THAT(detect_error("B00005N7P0,A2SUAM1J3GNN3B,5.0,1367193600\n0439886341,A1UH21GLZTYYR5,1.0,1367193601\n"),
              HasSubstr("look like a product and a customer of Amazon"));
  std::string stars;
  for (int n = 0; n < 60; ++n) stars += std::to_string(n * 7 % 19) + "," + std::to_string(1 + n % 5) + ",2005-09-06\n";
  EXPECT_THAT(detect_error(stars), HasSubstr("column 2 looks like ratings"));
}

TEST(FormatTest, NamesColumnsOfNumbersThatAreNotRead) {
  const auto notes = [](const std::string& text) { return detect_format(text, true, {}, "f.csv").notes; };
  EXPECT_THAT(
      notes("user,item,hours,genre,price\n1,2,3.5,rpg,10\n1,3,4,rpg,12\n"),
      ElementsAre("columns of numbers that are not read: hours, price; every rating is 1 (--columns rating=NAME "
                  "reads one)"));
  EXPECT_THAT(notes("user,item,rating,useful\n1,2,3,0\n1,3,4,2\n"),
              ElementsAre("columns of numbers that are not read: useful"));
  EXPECT_THAT(notes("user,item,time\n1,2,0829\n1,3,1111\n"),
              ElementsAre("column 'time': numbers like \"0829\" are taken for seconds since 1970"));
  EXPECT_THAT(notes(",user,item\n0,a,b\n1,a,c\n"), ElementsAre()) << "the lines' numbers of pandas";
  EXPECT_THAT(notes("user,item\n1.0,7.0\n2.0,8.0\n"),
              ElementsAre(HasSubstr("column 'user': ids are whole numbers written as decimals (\"1.0\")"),
                          HasSubstr("column 'item'")));
}

TEST(FormatTest, TrailingSeparatorsBeginNoColumn) {
  EXPECT_EQ(detect("user,item,rating,\n1,2,3,\n1,3,4,\n"), "csv header user=user,item=item,rating=rating");
  EXPECT_EQ(detect("1,2,3,\n1,3,4,\n"), "csv user=1,item=2,rating=3");
  EXPECT_EQ(detect("1::2::3::\n1::3::4::\n"), "dat user=1,item=2,rating=3");
  EXPECT_EQ(detect_format("user,item,rating,\n1,2,3\n1,3,4\n", true, {}, "f.csv").n_columns, 3u);
  EXPECT_EQ(detect_format("user,item,rating\n1,2,3,\n1,3,4,\n", true, {}, "f.csv").n_columns, 3u);
}

TEST(FormatTest, RowNamesOfRHaveNoName) {
  const std::string table = "\"user\" \"item\" \"rating\"\n\"1\" \"u\" \"i\" 5\n\"2\" \"u\" \"j\" 4\n";
  const InputFormat format = detect_format(table, true, {}, "f.csv");
  EXPECT_EQ(describe(format), "space header user=user,item=item,rating=rating");
  EXPECT_EQ(format.column(Role::kUser), 1);
}

TEST(FormatTest, CommentsAreNoData) {
  EXPECT_EQ(detect("% bip weighted\n% 3 2 2\n1 2 5 978300760\n1 3 4 978300761\n"),
            "space user=1,item=2,rating=3,time=4");
  EXPECT_EQ(detect("# FromNodeId\tToNodeId\n1\t2\n1\t3\n"), "tsv user=1,item=2");
  EXPECT_EQ(detect("#item,user,rating\ni,u,5\nj,u,4\n"), "csv header user=user,item=item,rating=rating")
      << "a comment may name the columns";
  EXPECT_EQ(detect("#1,#5\n#1,#6\n#2,#5\n"), "csv user=1,item=2") << "all lines begin so: ids";
}

TEST(FormatTest, ListsLookLikeLists) {
  EXPECT_EQ(detect("0 16 18 0\n1 18 7 2 0 1\n2 \n3 4 11\n4 3\n"), "adjacency user item item ...");
  EXPECT_THAT(detect_error("It was the best of times\nit was the worst\nof times it was\nthe age of wisdom it\n"),
              HasSubstr("neither columns nor lists"));
  EXPECT_THAT(detect_error("3 5 9\n3 7\n3 9 12 15 20\n4 5\n3 5 7 9\n4 11 12 13 14 15\n"),
              HasSubstr("each user on one line"))
      << "baskets: no users";
  EXPECT_THAT(detect_error("root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin user:/bin:/no\nsys:x:3:3:sys:/dev:/no\n"),
              HasSubstr("lines hold 7 columns parted by ':', which is not read"));
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
