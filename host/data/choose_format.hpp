// Which kind of text a sample of lines is: the separator of a table, or lists.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/field_splitter.hpp"
#include "unfold/dataset.hpp"

namespace unfold {

// How well the columns that a separator gives fit the roles of a table.
enum class Fit {
  kNone,    // some do not
  kPair,    // two columns, which fit anything, or columns that the user names
  kValues,  // values of ratings or times stand where they should
  kNames,   // a header names users and items
};

// `fit` judges a format. Throws UsageError for a format that is not known, DataError where none can be made out.
Format choose_format(const std::vector<std::string_view>& lines, const FieldRules& rules, const ImportOptions& options,
                     const std::string& source, const std::function<Fit(Format)>& fit);

}  // namespace unfold
