#include "host/data/date_text.hpp"

#include <gtest/gtest.h>

namespace unfold {
namespace {

TEST(DateTextTest, KnowsTheUsualNotations) {
  for (const char* text : {"22/01/2019",
                           "1/22/2019",
                           "22.01.2019",
                           "01-22-2019",
                           "2019/01/22",
                           "2019.1.22",
                           "22/01/19",
                           "1/2/19",
                           "22-01-19",
                           "22-Jan-2019",
                           "Jan 22 2019",
                           "January 22, 2019",
                           "22nd May 2019",
                           "May 2019",
                           "12:30",
                           "12:30:05",
                           "12:30:05.123",
                           "9:05 AM",
                           "22/01/2019 12:30",
                           "2019/01/22 12:30:05 UTC",
                           "Thu Oct 17 10:00:00 2019",
                           "Thu, 17 Oct 2019 10:00:00 +0200",
                           "22/Jan/2019:10:30:00 +0000",
                           "11/11/2019 9:05:58 AM"}) {
    EXPECT_TRUE(is_date_text(text)) << text;
  }
}

TEST(DateTextTest, IdsAreNoDates) {
  for (const char* text : {"",           "7",
                           "2019",       "u17",
                           "1.2.3",      "10.0.0.1",
                           "12-34",      "12-34-5678",
                           "45/13/2019", "25:00",
                           "12:7",       "12:75",
                           "May",        "April",
                           "march on",   "978-0-306",
                           "B0002",      "1:23:45:67 x",
                           "2019-2020",  "https://example.org/2019/01/22",
                           "a@b.org",    "22/01/2019 u1",
                           "- - -"}) {
    EXPECT_FALSE(is_date_text(text)) << text;
  }
}

TEST(DateTextTest, DigitsMayBeDates) {
  for (const char* text : {"20190122", "201901221030", "20190122103059"}) EXPECT_TRUE(is_compact_date(text)) << text;
  for (const char* text : {"20191322", "2019012", "18990122", "201901222530", "978300760000", "2019-1-2"}) {
    EXPECT_FALSE(is_compact_date(text)) << text;
  }
  EXPECT_TRUE(is_compact_month("201912"));
  EXPECT_FALSE(is_compact_month("201913"));
  EXPECT_TRUE(is_compact_day("191231"));
  EXPECT_FALSE(is_compact_day("191232"));
}

}  // namespace
}  // namespace unfold
