#include "unfold/export.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include "host/io/checksums.hpp"
#include "host/io/file.hpp"
#include "host/io/folder.hpp"
#include "host/io/json.hpp"
#include "host/io/staged.hpp"
#include "host/store/export_formats.hpp"
#include "host/store/model_tensors.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

// What says that a folder is an export, and of which files.
constexpr const char* kManifest = "export.json";
constexpr const char* kFormatName = "unfold-export";

struct Format : ExportFormat {
  ExportWriter* write;
};
constexpr Format kFormats[] = {{{"npy", ""}, export_npy},
                               {{"safetensors", ""}, export_safetensors},
                               {{"faiss", "an index of inner products"}, export_faiss},
                               {{"word2vec", "text"}, export_word2vec},
                               {{"tensorboard", "its projector"}, export_tensorboard},
                               {{"csv", ""}, export_csv}};

const Format& find_format(const std::string& name) {
  const auto* found = std::ranges::find(kFormats, name, &Format::name);
  if (found != std::end(kFormats)) return *found;
  std::vector<std::string_view> names;
  for (const Format& format : kFormats) names.push_back(format.name);
  throw UsageError(fmt::format("export format \"{}\" is not one of {}", name, fmt::join(names, ", ")));
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
    if (!is_export || !n_checksums(json) || !json.contains("file_bytes"))
      return fmt::format("its {} is not of an export", kManifest);
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

std::vector<ExportFormat> export_formats() { return {std::begin(kFormats), std::end(kFormats)}; }

void export_model(const Model& model, const std::string& format, const fs::path& out, bool overwrite,
                  const ExportOptions& options) {
  const Format& chosen = find_format(format);
  ExportOptions resolved = options;
  resolved.append_bias |= format == "faiss";
  check_shapes(model);
  std::error_code error;
  if (fs::exists(fs::symlink_status(out, error))) {
    check_output(out, {}, overwrite ? Existing::kReplace : Existing::kRefuse);
    require_export(out, out);
  }
  StagedDirectory staged(out);
  chosen.write(model, resolved, staged.path());
  write_manifest(format, staged.path());
  if (overwrite) {
    staged.commit_replacing([&](const fs::path& existing) { require_export(out, existing); });
  } else {
    staged.commit();
  }
}

}  // namespace unfold
