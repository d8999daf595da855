#include "host/data/binary_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "unfold/error.hpp"

namespace unfold {
namespace {

using std::string_view_literals::operator""sv;

constexpr const char* kUnpack = "unpack it and name the ratings file (plain, .gz or .zst)";
constexpr const char* kTables = "write it as CSV and name that, for instance with pandas: .to_csv(FILE, index=False)";
constexpr const char* kEntries = "write its entries as lines of user, item and rating, and name that file";
constexpr const char* kSaveAs = "save the sheet as CSV and name that";
constexpr const char* kNoRatings = "name a text file of ratings";

struct Kind {
  std::size_t offset;
  std::string_view magic;
  const char* name;
  const char* remedy;
  bool could_be_text = false;  // the magic is letters: then a byte that no text has must follow
};

constexpr std::array kKinds = {
    Kind{0, "PAR1"sv, "a Parquet file", kTables, true},
    Kind{0, "SQLite format 3\0"sv, "an SQLite database", "write the table as CSV: sqlite3 -header -csv FILE QUERY"},
    Kind{8, "DUCK"sv, "a DuckDB database", "write the table as CSV: COPY ... TO", true},
    Kind{0, "\x93NUMPY"sv, "a NumPy array (.npy)", kEntries},
    Kind{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file", kTables},
    Kind{0, "MATLAB 5.0 MAT-file"sv, "a MATLAB file (.mat)", kEntries},
    Kind{0, "ARROW1"sv, "an Arrow or Feather file", kTables, true},
    Kind{0, "FEA1"sv, "a Feather file", kTables, true},
    Kind{0, "ORC"sv, "an ORC file", kTables, true},
    Kind{0, "Obj\x01"sv, "an Avro file", kTables},
    Kind{0, "RDX2\n"sv, "an R data file", "write the table with write.csv(..., row.names = FALSE)"},
    Kind{0, "RDX3\n"sv, "an R data file", "write the table with write.csv(..., row.names = FALSE)"},
    Kind{0, "X\n\0\0\0"sv, "an R data file (.rds)", "write the table with write.csv(..., row.names = FALSE)"},
    Kind{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "an Excel workbook (.xls) or another Office file", kSaveAs},
    Kind{0, "\xfd\x37zXZ\0"sv, "compressed with xz", kUnpack},
    Kind{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", kUnpack},
    Kind{0, "Rar!\x1a\x07"sv, "a RAR archive", kUnpack},
    Kind{0, "\x04\x22\x4d\x18"sv, "compressed with lz4", kUnpack},
    Kind{0, "\xff\x06\0\0sNaPpY"sv, "compressed with snappy", kUnpack},
    Kind{0, "\x1f\x9d"sv, "compressed with compress (.Z)", kUnpack},
    Kind{257, "ustar"sv, "a tar archive", kUnpack},
    Kind{0, "\x7f\x45LF"sv, "a program (ELF)", kNoRatings},
    Kind{0, "%PDF-"sv, "a PDF document", kNoRatings},
    Kind{0, "\x89PNG\r\n"sv, "a PNG image", kNoRatings},
    Kind{0, "\xff\xd8\xff"sv, "a JPEG image", kNoRatings},
};

// A zip archive by what lies in it: many programs keep their files in one.
Kind zip_kind(std::string_view head) {
  constexpr std::size_t kNameOffset = 30;
  const auto byte = [&head](std::size_t n) { return n < head.size() ? static_cast<unsigned char>(head[n]) : 0u; };
  const std::string_view first = head.substr(std::min(kNameOffset, head.size()), byte(26) + 256 * byte(27));
  const auto holds = [&head](std::string_view text) { return head.find(text) != std::string_view::npos; };
  if (first.ends_with(".npy")) return {0, {}, "a NumPy archive (.npz)", kEntries};
  if (first.ends_with("data.pkl")) return {0, {}, "a PyTorch file", kEntries};
  if (holds("vnd.oasis.opendocument.spreadsheet")) return {0, {}, "a spreadsheet (.ods)", kSaveAs};
  if (holds("xl/workbook") || holds("xl/worksheets") || holds("xl/_rels")) {
    return {0, {}, "an Excel workbook (.xlsx)", kSaveAs};
  }
  if (holds("[Content_Types].xml")) return {0, {}, "an Office file (.xlsx, .docx)", kSaveAs};
  return {0, {}, "a zip archive", kUnpack};
}

[[noreturn]] void refuse(const Kind& kind, const std::string& name) {
  throw DataError(fmt::format("{}: is {}, which is not read directly; {}", name, kind.name, kind.remedy));
}

}  // namespace

void refuse_binary(std::string_view head, const std::string& name) {
  if (head.starts_with("PK\x03\x04"sv)) refuse(zip_kind(head), name);
  if (head.starts_with("BZh"sv) && head.size() > 4 && head.substr(4).starts_with("1AY&SY"sv)) {
    refuse({0, {}, "compressed with bzip2", kUnpack}, name);
  }
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) {
    refuse({0, {}, "a Python pickle", kTables}, name);
  }
  const bool has_other_bytes = std::ranges::any_of(head, [](char c) { return c >= 0 && c < '\t'; });
  for (const Kind& kind : kKinds) {
    if (kind.could_be_text && !has_other_bytes) continue;
    if (head.size() > kind.offset && head.substr(kind.offset).starts_with(kind.magic)) refuse(kind, name);
  }
}

}  // namespace unfold
