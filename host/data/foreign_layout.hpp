// Texts of ratings that are laid out in a way that is known and not read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace unfold {

// Throws DataError that names the layout and how columns are made of it: JSON, Matrix Market, libsvm, the blocks of the
// Netflix prize, SQL, HTML, ... `lines`: the first of the text, none blank, at least one.
void refuse_foreign_layout(const std::vector<std::string_view>& lines, const std::string& source);

}  // namespace unfold
