#include "unfold/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "host/io/checksums.hpp"
#include "host/io/file.hpp"
#include "host/io/folder.hpp"
#include "host/io/json.hpp"
#include "host/io/model_tensors.hpp"
#include "host/io/npy.hpp"
#include "host/io/safetensors.hpp"
#include "host/io/staged.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using Line = fmt::basic_memory_buffer<char, 4096>;

// What says that a folder is an export, and of which files.
constexpr const char* kManifest = "export.json";
constexpr const char* kFormatName = "unfold-export";

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

void write_manifest(const std::string& format, const fs::path& directory) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    files.push_back(entry.path().filename().string());
  }
  std::ranges::sort(files);
  nlohmann::ordered_json json = {{"format", kFormatName}, {"format_version", 1}, {"export", format}};
  add_checksums(json, directory, files);
  write_whole_file(directory / kManifest, json.dump(2) + "\n");
}

// Why a folder is not as an export left it, or nothing. What the user put there or changed would be lost.
std::string why_no_export(const fs::path& existing) {
  try {
    const Folder folder = Folder::open(existing);
    if (!folder.has(kManifest)) return fmt::format("it holds no {}", kManifest);
    const nlohmann::ordered_json json = parse_json(folder.map(kManifest).text(), kManifest);
    const bool is_export = json.is_object() && json.contains("format") && json["format"] == kFormatName;
    if (!is_export || !has_checksums(json) || !json.contains("file_bytes")) return fmt::format("its {} is not of an export", kManifest);
    check_contents(json, folder, "");
    for (const fs::directory_entry& entry : fs::directory_iterator(existing)) {
      const std::string name = entry.path().filename().string();
      if (name != kManifest && !json["file_bytes"].contains(name)) return fmt::format("it holds \"{}\"", name);
    }
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

void require_export(const fs::path& given, const fs::path& existing) {
  const std::string reason = why_no_export(existing);
  if (reason.empty()) return;
  throw UsageError(
      fmt::format("{}: is not as an export left it and is not replaced: {}; choose another name, or move away what is "
                  "there",
                  given.string(), reason));
}

}  // namespace

void export_model(const Model& model, const std::string& format, const fs::path& out, bool overwrite) {
  const Format& chosen = find_format(format);
  check_shapes(model);
  std::error_code error;
  if (fs::exists(fs::symlink_status(out, error))) {
    check_output(out, {}, overwrite ? Existing::kReplace : Existing::kRefuse);
    require_export(out, out);
  }
  StagedDirectory staged(out);
  chosen.write(model, staged.path());
  write_manifest(format, staged.path());
  if (overwrite) {
    staged.commit_replacing([&](const fs::path& existing) { require_export(out, existing); });
  } else {
    staged.commit();
  }
}

}  // namespace unfold
