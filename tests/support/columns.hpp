// Ratings that a test makes up, column by column.
#pragma once

#include <vector>

#include "unfold/ratings.hpp"

namespace unfold::test {

struct Columns {
  std::vector<Row> users, items;
  std::vector<float> ratings;

  void add(Row user, Row item, float rating = 1) {
    users.push_back(user);
    items.push_back(item);
    ratings.push_back(rating);
  }
  RatingView view() const { return {users, items, ratings, {}}; }
};

// The same in temporary files, from rows.
inline Ratings columns_of(const std::vector<Rating>& rows, bool with_times = true) {
  RatingWriter writer = RatingWriter::temporary(with_times);
  for (const Rating& row : rows) writer.append(row);
  return writer.finish();
}

}  // namespace unfold::test
