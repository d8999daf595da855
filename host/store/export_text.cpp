// Exports as text: word2vec, TensorBoard's projector, CSV.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "host/io/file.hpp"
#include "host/store/export_formats.hpp"
#include "host/text/utf8.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Line = fmt::basic_memory_buffer<char, 4096>;

void append(Line& line, std::string_view text) { line.append(text.data(), text.data() + text.size()); }

// The shortest text that reads back to the same bits.
void append(Line& line, float value) { fmt::format_to(std::back_inserter(line), "{}", value); }

void append_percent(Line& line, std::string_view bytes) {
  for (const char c : bytes) fmt::format_to(std::back_inserter(line), "%{:02X}", static_cast<unsigned char>(c));
}

// Every character beyond ASCII that Unicode calls white space, in UTF-8.
bool is_wide_space(std::string_view character) {
  static constexpr std::array<std::string_view, 8> kSpaces = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80",
                                                              "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
                                                              "\xE2\x81\x9F", "\xE3\x80\x80"};
  if (std::ranges::find(kSpaces, character) != kSpaces.end()) return true;
  return character >= "\xE2\x80\x80" && character <= "\xE2\x80\x8A";
}

// An id as a field of UTF-8 text without quoting. Percent-encoded are control characters, bytes that are not UTF-8, the
// percent sign, and white space unless `keep_spaces` (then the space itself stays).
void append_plain_id(Line& line, std::string_view id, bool keep_spaces) {
  while (!id.empty()) {
    const auto first = static_cast<unsigned char>(id[0]);
    const std::size_t length = first < 0x80 ? 1 : multibyte_length(id);
    const std::string_view character = id.substr(0, std::max<std::size_t>(1, length));
    const bool is_plain_ascii = first > ' ' && first < 0x7F && first != '%';
    const bool is_kept_space = keep_spaces && first == ' ';
    if (is_plain_ascii || is_kept_space || (length > 1 && !is_wide_space(character))) {
      append(line, character);
    } else {
      append_percent(line, character);
    }
    id.remove_prefix(character.size());
  }
}

void append_separated(Line& line, std::span<const float> values, char separator) {
  for (std::size_t d = 0; d < values.size(); ++d) {
    if (d > 0) line.push_back(separator);
    append(line, values[d]);
  }
}

void write_line(FileWriter& writer, Line& line) {
  line.push_back('\n');
  writer.write(line.data(), line.size());
  line.clear();
}

void write_word2vec(const fs::path& file, const IdMap& ids, std::span<const float> values, std::uint64_t dim) {
  FileWriter writer = FileWriter::create(file);
  writer.write(fmt::format("{} {}\n", ids.size(), dim));
  Line line;
  for (Row row = 0; row < ids.size(); ++row) {
    append_plain_id(line, ids.id(row), false);
    line.push_back(' ');
    append_separated(line, values.subspan(row * dim, dim), ' ');
    write_line(writer, line);
  }
  writer.close();
}

// A title in a table of tabs: no tab, no end of line.
void append_title(Line& line, std::string_view title) {
  for (const char c : title) {
    const auto byte = static_cast<unsigned char>(c);
    line.push_back(byte < ' ' || byte == 0x7F ? ' ' : c);
  }
}

void write_vectors(const fs::path& file, const ExportTable& table) {
  FileWriter writer = FileWriter::create(file);
  Line line;
  for (Row row = 0; row < table.ids.size(); ++row) {
    append_separated(line, table.vector(row), '\t');
    write_line(writer, line);
  }
  writer.close();
}

// The projector takes a first line for names where there are two columns or more, and for a row where there is one.
void write_metadata(const fs::path& file, const IdMap& ids, const std::function<std::string_view(Row)>& title) {
  FileWriter writer = FileWriter::create(file);
  if (title) writer.write("id\ttitle\n");
  Line line;
  for (Row row = 0; row < ids.size(); ++row) {
    append_plain_id(line, ids.id(row), true);
    if (title) {
      line.push_back('\t');
      append_title(line, title(row));
    }
    write_line(writer, line);
  }
  writer.close();
}

// A field as RFC 4180 has it: in quotes, with its own quotes doubled, where it holds a separator.
void append_csv_id(Line& line, std::string_view id) {
  if (id.find_first_of(",\"\r\n") == std::string_view::npos) return append(line, id);
  line.push_back('"');
  for (const char c : id) {
    if (c == '"') line.push_back('"');
    line.push_back(c);
  }
  line.push_back('"');
}

void write_csv(const fs::path& file, const ExportTable& table) {
  const bool has_bias = !table.bias.empty();
  FileWriter writer = FileWriter::create(file);
  writer.write(has_bias ? "id,bias" : "id");
  for (std::uint32_t d = 0; d < table.dim; ++d) writer.write(fmt::format(",f{}", d));
  writer.put('\n');
  Line line;
  for (Row row = 0; row < table.ids.size(); ++row) {
    append_csv_id(line, table.ids.id(row));
    line.push_back(',');
    if (has_bias) {
      append(line, table.bias[row]);
      line.push_back(',');
    }
    append_separated(line, table.vector(row), ',');
    write_line(writer, line);
  }
  writer.close();
}

}  // namespace

void export_word2vec(const Model& model, const ExportOptions& options, const fs::path& directory) {
  const auto write = [&directory](const std::string& noun, const ExportTable& table) {
    write_word2vec(directory / (noun + "_embedding.txt"), table.ids, table.vectors, table.dim);
    if (!table.bias.empty()) write_word2vec(directory / (noun + "_bias.txt"), table.ids, table.bias, 1);
  };
  const ExportTables tables = export_tables(model, options);
  write("user", tables.users);
  write("item", tables.items);
}

void export_tensorboard(const Model& model, const ExportOptions& options, const fs::path& directory) {
  const ExportTables tables = export_tables(model, options);
  std::string config;
  const auto write = [&](const std::string& noun, const ExportTable& table,
                         const std::function<std::string_view(Row)>& title) {
    write_vectors(directory / (noun + "_embedding.tsv"), table);
    write_metadata(directory / (noun + "_metadata.tsv"), table.ids, title);
    config += fmt::format(
        "embeddings {{\n  tensor_name: \"{0}s\"\n  tensor_path: \"{0}_embedding.tsv\"\n"
        "  metadata_path: \"{0}_metadata.tsv\"\n}}\n",
        noun);
  };
  write("item", tables.items, options.item_title);
  write("user", tables.users, {});
  write_whole_file(directory / "projector_config.pbtxt", config);
}

void export_csv(const Model& model, const ExportOptions& options, const fs::path& directory) {
  const ExportTables tables = export_tables(model, options);
  write_csv(directory / "users.csv", tables.users);
  write_csv(directory / "items.csv", tables.items);
}

}  // namespace unfold
