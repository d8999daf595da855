#include "host/data/item_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/text/utf8.hpp"
#include "tests/data/compressed.hpp"
#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"

namespace unfold {
namespace {

using test::data_error;
using testing::AllOf;
using testing::HasSubstr;

class ItemTableTest : public testing::Test {
 protected:
  IdMap ids(std::initializer_list<const char*> names) const {
    IdMap map;
    for (const char* name : names) map.find_or_add(name);
    return map;
  }
  ItemTable read(const std::string& text, const IdMap& item_ids, const std::string& wanted = {}) const {
    test::write_file(folder_ / "items", text);
    return read_item_table(folder_ / "items", item_ids, wanted);
  }
  // The values in row order, parted by '/'; '-' for an item that is absent.
  std::string values(const std::string& text, const IdMap& item_ids, const std::string& wanted = {}) const {
    const ItemTable table = read(text, item_ids, wanted);
    std::string out;
    for (Row item = 0; item < table.n_items(); ++item) {
      if (item > 0) out += '/';
      out += table.has(item) ? table.value(item) : "-";
    }
    return out;
  }
  std::string error(const std::string& text, const std::string& wanted = {}) const {
    const IdMap item_ids = ids({"1", "2"});
    return data_error([&] { read(text, item_ids, wanted); });
  }

  test::TempDirectory folder_;
};

TEST_F(ItemTableTest, ReadsQuotedTitlesAndCountsWhatIsNotThere) {
  const ItemTable table = read(
      "movieId,title,genres\r\n"
      "11,\"American President, The (1995)\",Comedy|Drama|Romance|War\r\n"
      "7789,\"11'09\"\"01 - September 11 (2002)\",Drama\r\n"
      "\r\n"
      "5,,x\r\n"
      "11,again,x\r\n"
      "99,not in the model,a|b",
      ids({"7789", "5", "11", "3"}));
  EXPECT_EQ(table.column, "title");
  EXPECT_EQ(table.value(0), "11'09\"01 - September 11 (2002)");
  EXPECT_TRUE(table.has(1));
  EXPECT_EQ(table.value(1), "");
  EXPECT_EQ(table.value(2), "American President, The (1995)");
  EXPECT_FALSE(table.has(3));
  EXPECT_EQ(table.value(3), "");
  EXPECT_EQ(table.n_items(), 4u);
  EXPECT_EQ(table.n_absent(), 1u);
  EXPECT_EQ(table.n_unknown, 1u);
  EXPECT_EQ(table.n_repeated, 1u);
}

TEST_F(ItemTableTest, ReadsTheLayoutsOfMovieLens) {
  const IdMap item_ids = ids({"2", "1"});
  EXPECT_EQ(values("1|Toy Story, a (1995)|01-Jan-1995||http://x|0|1\n2|GoldenEye (1995)|01-Jan-1995||http://y|1|0\n",
                   item_ids),
            "GoldenEye (1995)/Toy Story, a (1995)");
  EXPECT_EQ(values("1::Toy Story (1995)::Animation|Comedy\n2::Jumanji (1995)::Adventure|Fantasy\n", item_ids),
            "Jumanji (1995)/Toy Story (1995)");
  EXPECT_EQ(values("movieId,title,genres\n1,A,a|b|c|d|e\n2,B,a|b|c|d|e\n", item_ids), "B/A")
      << "more '|' than commas on most lines";
}

TEST_F(ItemTableTest, TakesOtherEncodingsForLatin1) {
  const IdMap item_ids = ids({"1", "2"});
  EXPECT_EQ(values("1|Mis\xe9rables|x\n2|\xc3\x89t\xc3\xa9|x\n", item_ids), "Mis\xc3\xa9rables/\xc3\x89t\xc3\xa9");
}

TEST_F(ItemTableTest, FindsColumnsByNameAndByPlace) {
  const IdMap item_ids = ids({"a", "b"});
  EXPECT_EQ(values("title\titem_id\nA\ta\nB\tb\n", item_ids), "A/B");
  EXPECT_EQ(values("id,year,Movie-Title,artist\na,1,A,x\nb,2,B,y\n", item_ids), "A/B");
  EXPECT_EQ(values("artist,label_name,name\na,x,A\nb,y,B\n", item_ids), "A/B");
  EXPECT_EQ(values("a;A\nb;B\n", item_ids), "A/B") << "no header";
  EXPECT_EQ(values("code,words\na,A\nb,B\n", item_ids), "A/B") << "an unknown id does no harm";
  EXPECT_EQ(values("a 3\nb 4\n", item_ids), "3/4");
}

TEST_F(ItemTableTest, ReadsAnotherColumnOnRequest) {
  const IdMap item_ids = ids({"a", "b", "c"});
  const std::string text = "item,title,Group\na,A,7\nb,B,9\n";
  EXPECT_EQ(values(text, item_ids, "group"), "7/9/-");
  EXPECT_EQ(values(text, item_ids, "3"), "7/9/-");
  EXPECT_EQ(values("item,group\na,x\nb,y\n", item_ids, "group"), "x/y/-") << "one known name and the wanted one";
  EXPECT_EQ(values("a,x,1\nb,y,2\n", item_ids, "3"), "1/2/-");
  EXPECT_EQ(read("a,x,1\nb,y,2\n", item_ids, "3").column, "column 3");
  EXPECT_THAT(error("item,title\n1,A\n", "group"), HasSubstr("items: there is no column \"group\"; the columns are "
                                                             "\"item\", \"title\""));
  EXPECT_THAT(error("1,A\n2,B\n", "group"), HasSubstr("the columns are 1 to 2, and there is no header"));
  EXPECT_THAT(error("1,A\n2,B\n", "3"), AllOf(HasSubstr("there is no column \"3\""), HasSubstr("--group-column")));
}

TEST_F(ItemTableTest, ReadsCompressedFiles) {
  const IdMap item_ids = ids({"1"});
  for (const std::string& bytes : {test::gzip("item,title\n1,A\n"), test::zstd("item,title\n1,A\n")}) {
    EXPECT_EQ(values(bytes, item_ids), "A");
  }
}

TEST_F(ItemTableTest, SaysWhereALineIsWrong) {
  EXPECT_THAT(error("item,title\n1,A\n2,B, the second\n"), HasSubstr("items:3: 3 columns where 2 are expected"));
  EXPECT_THAT(error("item,title\n1,A\n2,B\n2\n"), HasSubstr("items:4: 1 column where 2"));
  EXPECT_THAT(error("item,title\n1,A\n2,\"B\n"), HasSubstr("items:3: column 2: \"\\\"B\" begins with a quote"));
  EXPECT_THAT(error(std::string("item,title\n1,A\n2,\0\n", 18)), HasSubstr("items:3: byte 3 of the line is NUL"));
  EXPECT_THAT(error(""), HasSubstr("the file is empty; it should hold items"));
  EXPECT_THAT(error("\n\n"), HasSubstr("only blank lines"));
  EXPECT_THAT(error("one\ntwo\n"), HasSubstr("no separator"));
  EXPECT_THAT(error("item,title\n7,A\n8,B\n"),
              HasSubstr("none of its 2 lines is about an item of the model; their ids were read from column \"item\""));
  const IdMap item_ids = ids({"1"});
  EXPECT_THAT(data_error([&] { read_item_table(folder_ / "absent", item_ids); }), HasSubstr("no such file"));
  EXPECT_THAT(data_error([&] { read_item_table(folder_.path(), item_ids); }), HasSubstr("is a directory"));
}

TEST_F(ItemTableTest, ReadsRealTables) {
  UNFOLD_REQUIRE_REAL_DATA(latest, "ml-latest-small/movies.csv");
  const ItemTable movies = read_item_table(latest, ids({"11", "7789", "nothing"}));
  EXPECT_EQ(movies.value(0), "American President, The (1995)");
  EXPECT_EQ(movies.value(1), "11'09\"01 - September 11 (2002)");
  EXPECT_EQ(movies.n_unknown, 9740u);
  EXPECT_EQ(movies.n_absent(), 1u);
  UNFOLD_REQUIRE_REAL_DATA(older, "ml-100k/u.item");
  const ItemTable items = read_item_table(older, ids({"1", "543"}));
  EXPECT_EQ(items.value(0), "Toy Story (1995)");
  EXPECT_EQ(items.value(1), "Mis\xc3\xa9rables, Les (1995)");
  EXPECT_EQ(items.n_unknown, 1680u);
}

TEST(Utf8Test, TellsWellFormedText) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xac"));
  for (const char* text : {"\xe9", "a\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
  EXPECT_EQ(utf8_of_latin1("\xa3\xff!"), "\xc2\xa3\xc3\xbf!");
}

}  // namespace
}  // namespace unfold
