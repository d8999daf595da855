#include "host/data/item_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/data/column_names.hpp"
#include "host/data/column_roles.hpp"
#include "host/data/column_values.hpp"
#include "host/data/line_reader.hpp"
#include "host/data/number.hpp"
#include "host/text/escaped.hpp"
#include "host/text/utf8.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr const char* kContent = "items, one a line, with columns";

using Names = std::vector<std::string>;

// kNoColumn where no name tells. A first column that may be the ids is; "artist" further back may be anything.
int find_id_column(const Names& header) {
  const Names first(header.begin(), header.begin() + 1);
  const auto any = [](int) { return true; };
  if (normalized_name(first[0]) == "id" || find_column_of(first, Role::kItem, any) != kNoColumn) return 0;
  const int named = find_column_of(header, Role::kItem, any);
  return named != kNoColumn ? named : find_named_column(header, "id");
}

int find_title_column(const Names& header, int id_column) {
  for (const auto& is_title : {+[](const std::string& name) { return name == "title" || name == "name"; },
                               +[](const std::string& name) { return name.ends_with("title"); },
                               +[](const std::string& name) { return name.ends_with("name"); }}) {
    for (int n = 0; n < static_cast<int>(header.size()); ++n) {
      if (n != id_column && is_title(normalized_name(header[static_cast<std::size_t>(n)]))) return n;
    }
  }
  return kNoColumn;
}

bool has_item_header(const SampleTable& table, const std::string& wanted, const std::string& source) {
  if (std::any_of(table.first.begin(), table.first.end(), is_number)) return false;
  const Names first(table.first.begin(), table.first.end());
  if (!wanted.empty() && find_named_column(first, wanted) != kNoColumn) return true;
  const int id_column = find_id_column(first);
  if (id_column != kNoColumn && find_title_column(first, id_column) != kNoColumn) return true;
  return has_header(table, {}, source);
}

Format choose_item_format(const std::vector<std::string_view>& lines, const std::string& source) {
  // Genres parted by '|' can part the lines evenly, but not the header.
  for (const Format format : even_separators(lines)) {
    if (count_columns({lines.front()}, format).modal == count_columns(lines, format).modal) return format;
  }
  const ColumnCounts words = count_columns(lines, Format::kSpace);
  if (words.distinct == 1 && words.modal >= 2) return Format::kSpace;
  throw DataError(
      fmt::format("{}: no separator gives the first line and most others the same number of columns; known are "
                  "',', ';', '|', '::' and tabs",
                  source));
}

class ItemTableReader {
 public:
  ItemTableReader(const std::filesystem::path& file, const std::string& wanted)
      : source_(file, kContent), lines_(source_), layout_(detect(wanted)), splitter_(layout_.format) {
    id_column_ = layout_.has_header ? std::max(find_id_column(layout_.header), 0) : 0;
    value_column_ = find_value_column(wanted);
  }

  ItemTable read(const IdMap& item_ids) {
    ItemTable table(item_ids.size());
    table.column = layout_.has_header ? escaped(layout_.header[static_cast<std::size_t>(value_column_)])
                                      : fmt::format("column {}", value_column_ + 1);
    bool header_due = layout_.has_header;
    while (next_line()) {
      if (header_due) {
        header_due = false;
        continue;
      }
      const Row item = item_ids.find(field(id_column_));
      if (item == kNoRow) {
        ++table.n_unknown;
        continue;
      }
      const std::string_view value = field(value_column_);
      const bool is_new = is_utf8(value) ? table.add(item, value) : table.add(item, utf8_of_latin1(value));
      if (!is_new) ++table.n_repeated;
    }
    if (table.n_absent() < table.n_items()) return table;
    throw DataError(fmt::format(
        "{}: none of its {} lines is about an item of the model; their ids were read from {}; name the right column "
        "item_id in a header",
        source_.name(), table.n_unknown,
        layout_.has_header ? fmt::format("column {}", in_quotes(layout_.header[static_cast<std::size_t>(id_column_)]))
                           : fmt::format("column {}", id_column_ + 1)));
  }

 private:
  InputFormat detect(const std::string& wanted) {
    const std::string_view sample = lines_.peek(kSampleBytes);
    const std::vector<std::string_view> lines = sample_lines(sample, lines_.peeked_everything());
    if (lines.empty()) throw DataError(fmt::format("{}: only blank lines; the file should hold {}", name(), kContent));
    InputFormat layout;
    layout.format = choose_item_format(lines, name());
    const std::size_t n_columns = count_columns(lines, layout.format).modal;
    std::vector<FieldSplitter> splitters;
    const SampleTable table = split_table(lines, layout.format, {}, n_columns, splitters);
    layout.has_header = has_item_header(table, wanted, name());
    layout.n_columns = n_columns;
    if (layout.has_header) layout.header.assign(table.first.begin(), table.first.end());
    return layout;
  }

  int find_value_column(const std::string& wanted) const {
    int column = kNoColumn;
    std::size_t number = 0;
    if (wanted.empty()) {
      column = find_title_column(layout_.header, id_column_);
      if (column == kNoColumn) column = id_column_ == 0 ? 1 : 0;
    } else {
      column = find_named_column(layout_.header, wanted);
      if (column == kNoColumn && parse_column_number(wanted, number) && number >= 1 && number <= layout_.n_columns) {
        column = static_cast<int>(number - 1);
      }
    }
    if (column != kNoColumn) return column;
    throw DataError(fmt::format("{}: there is no column {}; {}; --group-column NAME chooses", name(), in_quotes(wanted),
                                list_columns(layout_)));
  }

  // False at the end of the file.
  bool next_line() {
    while (true) {
      switch (lines_.next()) {
        case LineReader::Result::kEnd:
          return false;
        case LineReader::Result::kTooLong:
          fail("the line is longer than 1 MiB, the most it may have");
        case LineReader::Result::kNul:
          fail(fmt::format("byte {} of the line is NUL, which text does not hold", lines_.nul_column()));
        case LineReader::Result::kLine:
          break;
      }
      if (lines_.text().find_first_not_of(" \t") == std::string_view::npos) continue;
      FieldSplitter::Status status = splitter_.split(lines_.text());
      while (status == FieldSplitter::Status::kOpenQuote && lines_.extend()) status = splitter_.split(lines_.text());
      if (status != FieldSplitter::Status::kOk) fail(splitter_.describe(status));
      const std::size_t n = splitter_.fields().size();
      if (n != layout_.n_columns) {
        fail(fmt::format("{} {} where {} are expected; a separator inside a value needs quotes around the value", n,
                         n == 1 ? "column" : "columns", layout_.n_columns));
      }
      return true;
    }
  }

  [[noreturn]] void fail(const std::string& text) const {
    throw DataError(fmt::format("{}:{}: {}", name(), lines_.number(), text));
  }
  std::string_view field(int column) const { return splitter_.fields()[static_cast<std::size_t>(column)]; }
  const std::string& name() const { return source_.name(); }

  TextSource source_;
  LineReader lines_;
  InputFormat layout_;
  FieldSplitter splitter_;
  int id_column_ = 0;
  int value_column_ = 1;
};

}  // namespace

std::string_view ItemTable::value(Row item) const {
  const Place& place = values_[item];
  if (place.begin == kAbsent) return {};
  return std::string_view(text_).substr(place.begin, place.size);
}

bool ItemTable::add(Row item, std::string_view value) {
  if (has(item)) return false;
  values_[item] = {text_.size(), value.size()};
  text_ += value;
  ++n_named_;
  return true;
}

ItemTable read_item_table(const std::filesystem::path& file, const IdMap& item_ids, const std::string& wanted) {
  return ItemTableReader(file, wanted).read(item_ids);
}

}  // namespace unfold
