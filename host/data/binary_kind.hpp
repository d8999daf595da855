// Files that hold no text, known by their first bytes.
#pragma once

#include <string>
#include <string_view>

namespace unfold {

// Throws DataError that says what the file is and how its content becomes text, where `head`, the first bytes of the
// file or of what it decompresses to, is of a known kind that is not read: Parquet, SQLite, NumPy, Excel, archives, ...
void refuse_binary(std::string_view head, const std::string& name);

}  // namespace unfold
