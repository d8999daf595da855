// Tables that a careless reader takes for users, items and ratings: each is asked about, and none of the ordinary ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/data/format.hpp"
#include "tests/data/import_support.hpp"

namespace unfold {
namespace {

using test::data_error;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

InputFormat format_of(const std::string& text, const ImportOptions& options = {}) {
  return detect_format(text, true, options, "f");
}

std::string columns(const std::string& text, const ImportOptions& options = {}) {
  return format_of(text, options).columns_text();
}

std::string refusal(const std::string& text) {
  return data_error([&] { format_of(text); });
}

// `n` lines, each made of its number.
std::string lines(int n, const std::function<std::string(int)>& line) {
  std::string text;
  for (int i = 0; i < n; ++i) text += line(i) + "\n";
  return text;
}

std::string number(int n, int count, int first = 1) { return std::to_string(first + (n * 7919 + n / 3) % count); }

// "Column N looks like WHAT", and what to say.
void expect_asked(const std::string& text, const std::string& words) {
  EXPECT_THAT(refusal(text), AllOf(HasSubstr(words), HasSubstr("--columns user=N,item=N"))) << text.substr(0, 80);
}

TEST(MisreadingsTest, RatingsAreNoUsers) {
  const auto whole = [](int n) { return number(n, 5) + "," + number(n, 40, 1) + "," + number(n, 300, 100); };
  expect_asked(lines(60, whole), "column 1 looks like ratings");
  expect_asked(lines(60, [&](int n) { return whole(n) + ",97830" + number(n, 900, 1000); }), "column 1 looks like");
  expect_asked(lines(8, [](int n) { return number(n, 4) + ".5,u" + number(n, 5) + "," + number(n, 9); }),
               "column 1 looks like ratings or other measures");
  EXPECT_EQ(columns(lines(60, [](int n) { return number(n, 4) + "," + number(n, 300) + "," + number(n, 5); })),
            "user=1,item=2,rating=3")
      << "four users";
  EXPECT_EQ(columns(lines(60, [](int n) { return "1," + number(n, 300) + "," + number(n, 90); })),
            "user=1,item=2,rating=3")
      << "one user's plays";
  EXPECT_EQ(
      columns(lines(90, [](int n) { return std::to_string(1 + n / 9) + "," + number(n, 300) + "," + number(n, 90); })),
      "user=1,item=2,rating=3")
      << "the first users of many";
  EXPECT_EQ(
      columns(lines(90, [](int n) { return number(n, 300) + "," + std::to_string(1 + n / 30) + "," + number(n, 90); })),
      "user=1,item=2,rating=3")
      << "the first items of many";
}

TEST(MisreadingsTest, EventsAndConstantsAreNoItems) {
  const std::vector<std::string> events = {"view", "add_to_cart", "Purchase"};
  expect_asked(lines(9, [&](int n) { return number(n, 5) + "," + events[n % 3] + "," + number(n, 30); }),
               "column 2 looks like what users did");
  expect_asked(lines(9, [&](int n) { return events[n % 3] + "," + number(n, 5) + "," + number(n, 30); }),
               "column 1 looks like what users did");
  expect_asked(lines(9, [](int n) { return "u" + number(n, 5) + ",like"; }), "column 2 looks like what users did");
  expect_asked(lines(9, [](int n) { return "u" + number(n, 5) + ",web," + number(n, 30); }),
               "column 2 holds the same in every line (\"web\")");
  EXPECT_EQ(columns(lines(9, [](int n) { return "u" + number(n, 5) + ",web"; })), "user=1,item=2");
  EXPECT_EQ(columns(lines(9, [](int n) { return "u" + number(n, 5) + ",i1," + number(n, 30); })),
            "user=1,item=2,rating=3")
      << "the first item of many";
}

TEST(MisreadingsTest, DatesAreNoIdsAndNoRatings) {
  for (const char* date : {"22/01/2019", "22.01.2019", "01-22-2019", "12:30:05", "Jan 22 2019", "22/01/2019 12:30"}) {
    expect_asked(lines(3, [&](int n) { return "u" + number(n, 5) + "\t" + date + "\t5"; }),
                 "column 2 looks like times");
    expect_asked(lines(3, [&](int n) { return date + std::string("\tu") + number(n, 5); }),
                 "column 1 looks like times");
  }
  const auto day = [](int n) { return std::to_string(20190101 + 100 * (n % 12) + n % 28); };
  const auto month = [](int n) { return std::to_string(201801 + 100 * (n % 2) + n % 12); };
  expect_asked(lines(9, [&](int n) { return number(n, 9) + "," + day(n); }), "column 2 looks like times");
  expect_asked(lines(9, [&](int n) { return number(n, 9) + "," + month(n); }), "column 2 looks like times");
  expect_asked(lines(9, [&](int n) { return "u,i" + number(n, 5) + "," + day(n); }), "column 3 looks like times");
  expect_asked(lines(9, [&](int n) { return "u,i" + number(n, 5) + "," + month(n); }), "column 3 looks like times");
  expect_asked(lines(9, [&](int n) { return "u,i" + number(n, 5) + "," + day(n) + "1030"; }),
               "looks like a date without dashes");
  EXPECT_THAT(
      refusal("user,item,time\n" + lines(9, [&](int n) { return "u,i" + number(n, 5) + "," + day(n) + "103059"; })),
      HasSubstr("column 'time': \"20190101103059\" looks like a date without dashes"));
  EXPECT_EQ(columns(lines(9, [](int n) { return std::to_string(200001 + n) + ",i"; })), "user=1,item=2")
      << "ids that count up";
}

TEST(MisreadingsTest, TimesAreNoRatings) {
  EXPECT_THAT(refusal("user,item,rating\nu,i,1600000000\nu,j,1600000001\n"),
              HasSubstr("column 'rating': \"1600000000\" looks like a time and not like a rating"));
  EXPECT_THAT(refusal("user,item,score\nu,i,1600000000123\n"), HasSubstr("looks like a time"));
  EXPECT_EQ(columns("user,item,plays\nu,i,1600000000\nu,j,12\n"), "user=user,item=item,rating=plays");
}

TEST(MisreadingsTest, ListsAreNoIds) {
  for (const char* text :
       {"17\t5|9|12\n18\t7\n", "17,\"[5, 9]\"\n", "17\t5 9 12\n18\t4 6\n", "17;5,9,12\n18;4,6\n",
        "17;5,9,12\n18;4,6,7\n", "u1\ti5,i9\nu2\ti7,i8\n", "5,9\tu1\n7,3,4\tu2\n", "user\titem\n1\t5 9\n2\t7\n",
        "user,items\n1,\"['a', 'b']\"\n", "user,item\n1,\"{5,9}\"\n2,\"{7,8,1}\"\n"}) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr("holds lists of ids"), HasSubstr("--format adjacency"))) << text;
  }
  EXPECT_THAT(refusal("0,5,9,12\n1,7\n2,8,9\n3,8,9,4,5\n4,1,2,3,4,5\n"), HasSubstr("lists of a user and the user's"));
  ImportOptions options;
  options.columns = {{"user", "1"}, {"item", "2"}};
  EXPECT_EQ(columns("17\t5|9|12\n18\t7\n", options), "user=1,item=2") << "the user says so";
  for (const char* text :
       {"u1\tRome, Italy\nu2\tBonn, Germany\n", "u1,AC/DC|Live\nu2,a|b|c\n", "u1\tSW1A 1AA\nu2\tM1 1AE\n",
        "u1\thttp://a/?x=1|2\nu2\thttp://b/?x=1\n", "u1\t(500) Days of Summer\nu2\t[Rec] 2\n",
        "u1\t2 Fast 2\nu2\tSe7en\n",
        "u1\t{6F9619FF-8B86-D011-B42D-00CF4FC964FF}\nu2\t{6F9619FF-8B86-D011-B42D-00CF4FC964FE}\n"}) {
    EXPECT_EQ(columns(text), "user=1,item=2") << text;
  }
}

TEST(MisreadingsTest, CommentsNameColumnsHoweverParted) {
  const std::string data = "i1\tu1\t5\ni2\tu1\t4\n";
  for (const char* comment : {"# item user rating\n", "# item, user, rating\n", "# columns: item, user, rating\n",
                              "# item\tuser\trating\n# made in 2020\n", "# Each line: item id, user id, rating\n"}) {
    const InputFormat format = format_of(comment + data);
    EXPECT_EQ(format.column(Role::kUser), 1) << comment;
    EXPECT_EQ(format.column(Role::kRating), 2) << comment;
  }
  EXPECT_EQ(format_of("# item user opinion\n" + data).columns_text(), "user=user,item=item");
  for (const std::string names : {"item, user", "item user when why", "item, user, opinion, day"}) {
    EXPECT_THAT(refusal("# " + names + "\n" + data),
                HasSubstr("a comment names items before users (\"" + names + "\")"));
  }
  for (const char* comment : {"# movie ratings by user\n", "# user, item\n", "# from a shop\n"}) {
    EXPECT_EQ(columns(comment + data), "user=1,item=2,rating=3") << comment;
  }
  ImportOptions options;
  options.columns = {{"user", "2"}, {"item", "1"}};
  EXPECT_EQ(columns("# item, user\n" + data, options), "user=2,item=1");
}

TEST(MisreadingsTest, RunningTextIsNoTable) {
  for (const char* text : {"Dear Sir or Madam, I write to you today\nthe roof is leaking, as you know well\n",
                           "the cat sat on the mat\tand then it went away\nthe dog came in later\tto look for it\n"}) {
    expect_asked(text, "the lines look like running text");
  }
  EXPECT_EQ(columns("The Rolling Stones,Paint It Black\nThe Rolling Stones,You Can't Always Get\nABBA,SOS\n"),
            "user=1,item=2");
  EXPECT_EQ(columns("John Smith,The Lord of the Rings\nMary Major,War and Peace\n"), "user=1,item=2");
}

TEST(MisreadingsTest, OfTwoNamesTheIdIsReadAndTheOtherNamed) {
  const auto columns_and_notes = [](const std::string& header) {
    const InputFormat format = format_of(header + "\na1,b1,c1\na2,b2,c2\n");
    EXPECT_THAT(format.notes, Contains(HasSubstr("could, too, and is not read"))) << header;
    return format.columns_text();
  };
  EXPECT_EQ(columns_and_notes("user,artist,track"), "user=user,item=artist");
  EXPECT_EQ(columns_and_notes("customer,customer_id,item"), "user=customer_id,item=item");
  EXPECT_EQ(columns_and_notes("user,product,product_id"), "user=user,item=product_id");
  EXPECT_EQ(columns_and_notes("user,book,isbn"), "user=user,item=isbn");
  EXPECT_THAT(
      format_of("user,product,product_id\nu,soap,7\n").notes,
      ElementsAre("column 'product_id' holds the items; column 'product' could, too, and is not read (--columns "
                  "item=product)"));
}

TEST(MisreadingsTest, ANoteSaysThatNamedIdsLookLikeTimes) {
  EXPECT_THAT(format_of("user,item\nu,22/01/2019\nv,23/01/2019\n").notes,
              ElementsAre("column 'item': the item ids look like times (\"22/01/2019\")"));
}

TEST(MisreadingsTest, OrdinaryTablesAreReadWithoutAQuestion) {
  for (const char* text :
       {"196\t242\t3\t881250949\n186\t302\t3\t891717742\n", "1::1193::5::978300760\n", "1,31,2.5,1260759144\n",
        "A2SUAM1J3GNN3B,B00005N7P0,5.0,1367193600\n", "1488844,1,3\n822109,1,5\n", "1488844,1,3,2005-09-06\n",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301,i-7,1\n", "a@b.org,https://example.org/2019/01/22/x,4\n",
        "u1\tthe beatles\t7\nu2\tthe the\t1\n", "0\t22847\n0\t420315\n", "u1\t10.0.0.1\nu2\t10.0.0.2\n"}) {
    EXPECT_THAT(format_of(text).notes, IsEmpty()) << text;
    EXPECT_EQ(columns(text).substr(0, 13), "user=1,item=2") << text;
  }
}

}  // namespace
}  // namespace unfold
