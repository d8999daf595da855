// What the tests of importing share: a data set as a map of its pairs, and the words of an error.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "unfold/dataset.hpp"
#include "unfold/error.hpp"

namespace unfold::test {

// (user id, item id) -> (rating, time).
using Interactions = std::map<std::pair<std::string, std::string>, std::pair<float, std::int64_t>>;

inline Interactions interactions(const Dataset& dataset) {
  const IdMap users = dataset.read_user_ids();
  const IdMap items = dataset.read_item_ids();
  const RatingView ratings = dataset.ratings();
  Interactions result;
  for (std::uint64_t n = 0; n < ratings.size(); ++n) {
    const Rating rating = ratings[n];
    const bool is_new = result
                            .insert({{std::string(users.id(rating.user)), std::string(items.id(rating.item))},
                                     {rating.rating, rating.time}})
                            .second;
    EXPECT_TRUE(is_new) << "pair twice: " << users.id(rating.user) << " " << items.id(rating.item);
  }
  return result;
}

// The message of the DataError that `action` throws; a failure where it throws none.
template <typename Action>
std::string data_error(Action&& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception than DataError: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no exception";
  return "";
}

inline std::size_t count_entries(const std::filesystem::path& directory) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++n;
  return n;
}

}  // namespace unfold::test
