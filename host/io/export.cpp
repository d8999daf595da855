#include "unfold/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <system_error>

#include "host/io/export_formats.hpp"
#include "host/io/model_tensors.hpp"
#include "host/io/staged.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

// Every file that an export of any format writes: what may be replaced.
constexpr std::array<std::string_view, 19> kFiles = {
    "user_ids.txt",       "item_ids.txt",      "user_embedding.npy",     "item_embedding.npy",    "user_bias.npy",
    "item_bias.npy",      "user_bias.txt",     "item_bias.txt",          "user_embedding.txt",    "item_embedding.txt",
    "users.csv",          "items.csv",         "embeddings.safetensors", "items.faiss",           "user_embedding.tsv",
    "item_embedding.tsv", "user_metadata.tsv", "item_metadata.tsv",      "projector_config.pbtxt"};

struct Format {
  std::string_view name;
  void (*write)(const ExportContent& content, const fs::path& directory);
};
constexpr Format kFormats[] = {
    {"npy", export_npy},           {"safetensors", export_safetensors}, {"faiss", export_faiss},
    {"word2vec", export_word2vec}, {"tensorboard", export_tensorboard}, {"csv", export_csv}};

const Format& find_format(const std::string& name) {
  const auto* found = std::ranges::find(kFormats, name, &Format::name);
  if (found != std::end(kFormats)) return *found;
  throw UsageError(
      fmt::format("export format \"{}\" is not one of npy, safetensors, faiss, word2vec, tensorboard, csv", name));
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

void export_model(const Model& model, const std::string& format, const fs::path& out, bool overwrite,
                  const ExportOptions& options) {
  const Format& chosen = find_format(format);
  ExportOptions resolved = options;
  resolved.append_bias |= format == "faiss";
  check_shapes(model);
  std::error_code error;
  if (fs::exists(fs::symlink_status(out, error))) {
    if (!overwrite) {
      throw UsageError(fmt::format("{}: exists already; choose another name or give --overwrite", out.string()));
    }
    require_export(out, out);
  }
  StagedDirectory staged(out);
  chosen.write(export_content(model, resolved), staged.path());
  if (overwrite) {
    staged.commit_replacing([&](const fs::path& existing) { require_export(out, existing); });
  } else {
    staged.commit();
  }
}

}  // namespace unfold
