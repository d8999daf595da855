#include "unfold/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>

#include "host/io/file.hpp"
#include "host/io/model_tensors.hpp"
#include "host/io/npy.hpp"
#include "host/io/safetensors.hpp"
#include "host/io/staged.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Line = fmt::basic_memory_buffer<char, 4096>;

// Every file that an export of any format writes: what may be replaced.
constexpr std::array<std::string_view, 13> kFiles = {
    "user_ids.txt",  "item_ids.txt",  "user_embedding.npy",    "item_embedding.npy", "user_bias.npy",
    "item_bias.npy", "user_bias.txt", "item_bias.txt",         "user_embedding.txt", "item_embedding.txt",
    "users.csv",     "items.csv",     "embeddings.safetensors"};

void append(Line& line, std::string_view text) { line.append(text.data(), text.data() + text.size()); }

// The shortest text that reads back to the same bits.
void append(Line& line, float value) { fmt::format_to(std::back_inserter(line), "{}", value); }

void write_ids(const Model& model, const fs::path& directory) {
  model.user_ids.write(directory / "user_ids.txt");
  model.item_ids.write(directory / "item_ids.txt");
}

void export_npy(const Model& model, const fs::path& directory) {
  const auto write = [&](const char* name, const std::vector<float>& data, std::vector<std::uint64_t> shape) {
    write_npy<float>(directory / name, data, shape);
  };
  const HostMatrix& users = model.user_embedding;
  const HostMatrix& items = model.item_embedding;
  write("user_embedding.npy", users.data, {users.rows, users.cols});
  write("item_embedding.npy", items.data, {items.rows, items.cols});
  write("user_bias.npy", model.user_bias, {users.rows});
  write("item_bias.npy", model.item_bias, {items.rows});
  write_ids(model, directory);
}

void export_safetensors(const Model& model, const fs::path& directory) {
  write_safetensors(directory / "embeddings.safetensors", model_tensors(model));
  write_ids(model, directory);
}

// White space separates fields, so it is percent-encoded in ids, and so is the percent sign.
void append_word2vec_id(Line& line, std::string_view id) {
  for (const char c : id) {
    if (c == ' ' || c == '%' || (c >= '\t' && c <= '\r')) {
      fmt::format_to(std::back_inserter(line), "%{:02X}", c);
    } else {
      line.push_back(c);
    }
  }
}

void write_word2vec(const fs::path& file, const IdMap& ids, std::span<const float> values, std::uint64_t dim) {
  FileWriter writer = FileWriter::create(file);
  writer.write(fmt::format("{} {}\n", ids.size(), dim));
  Line line;
  for (Row row = 0; row < ids.size(); ++row) {
    line.clear();
    append_word2vec_id(line, ids.id(row));
    for (const float value : values.subspan(row * dim, dim)) {
      line.push_back(' ');
      append(line, value);
    }
    line.push_back('\n');
    writer.write(line.data(), line.size());
  }
  writer.close();
}

void export_word2vec(const Model& model, const fs::path& directory) {
  const std::uint64_t dim = model.user_embedding.cols;
  write_word2vec(directory / "user_embedding.txt", model.user_ids, model.user_embedding.data, dim);
  write_word2vec(directory / "item_embedding.txt", model.item_ids, model.item_embedding.data, dim);
  write_word2vec(directory / "user_bias.txt", model.user_ids, model.user_bias, 1);
  write_word2vec(directory / "item_bias.txt", model.item_ids, model.item_bias, 1);
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

void write_csv(const fs::path& file, const IdMap& ids, std::span<const float> bias, const HostMatrix& embedding) {
  FileWriter writer = FileWriter::create(file);
  writer.write("id,bias");
  for (std::uint32_t d = 0; d < embedding.cols; ++d) writer.write(fmt::format(",f{}", d));
  writer.put('\n');
  Line line;
  for (Row row = 0; row < ids.size(); ++row) {
    line.clear();
    append_csv_id(line, ids.id(row));
    line.push_back(',');
    append(line, bias[row]);
    const std::span<const float> values(embedding.data);
    for (const float value : values.subspan(std::uint64_t{row} * embedding.cols, embedding.cols)) {
      line.push_back(',');
      append(line, value);
    }
    line.push_back('\n');
    writer.write(line.data(), line.size());
  }
  writer.close();
}

void export_csv(const Model& model, const fs::path& directory) {
  write_csv(directory / "users.csv", model.user_ids, model.user_bias, model.user_embedding);
  write_csv(directory / "items.csv", model.item_ids, model.item_bias, model.item_embedding);
}

struct Format {
  std::string_view name;
  void (*write)(const Model& model, const fs::path& directory);
};
constexpr Format kFormats[] = {
    {"npy", export_npy}, {"safetensors", export_safetensors}, {"word2vec", export_word2vec}, {"csv", export_csv}};

const Format& find_format(const std::string& name) {
  const auto* found = std::ranges::find(kFormats, name, &Format::name);
  if (found != std::end(kFormats)) return *found;
  throw UsageError(fmt::format("export format \"{}\" is not one of npy, safetensors, word2vec, csv", name));
}

// Only what an export could have written is replaced.
void require_export(const fs::path& given, const fs::path& existing) {
  std::error_code error;
  std::string reason;
  if (!fs::is_directory(existing, error)) reason = "it is not a folder";
  for (fs::directory_iterator entry(existing, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (std::ranges::find(kFiles, name) == kFiles.end()) reason = fmt::format("it holds \"{}\"", name);
  }
  if (reason.empty() && error) reason = error.message();
  if (reason.empty()) return;
  throw UsageError(
      fmt::format("{}: is not an export and is not replaced, as {}; choose another name, or move away what is there",
                  given.string(), reason));
}

}  // namespace

void export_model(const Model& model, const std::string& format, const fs::path& out, bool overwrite) {
  const Format& chosen = find_format(format);
  check_shapes(model);
  std::error_code error;
  if (fs::exists(fs::symlink_status(out, error))) {
    if (!overwrite) {
      throw UsageError(fmt::format("{}: exists already; choose another name or give --overwrite", out.string()));
    }
    require_export(out, out);
  }
  StagedDirectory staged(out);
  chosen.write(model, staged.path());
  if (overwrite) {
    staged.commit_replacing([&](const fs::path& existing) { require_export(out, existing); });
  } else {
    staged.commit();
  }
}

}  // namespace unfold
