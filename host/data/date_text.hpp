// Dates and times of day in the notations that people write them in. Most are not read as times: they are known so that
// they are not taken for ids.
#pragma once

#include <string_view>

namespace unfold {

// Whether a text is a date, a time of day, or both: 22/01/2019, 1.22.19 10:30, Jan 22 2019, 22-Jan-2019, 12:30:05 PM.
bool is_date_text(std::string_view text);

// Digits that are a date: yyyymmdd, yyyymmddHHMM or yyyymmddHHMMSS of the years from 1900 to 2100.
bool is_compact_date(std::string_view text);

// Six digits that may be a month or a day: yyyymm, and yymmdd.
bool is_compact_month(std::string_view text);
bool is_compact_day(std::string_view text);

}  // namespace unfold
