#include "host/cli/keep_model.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <optional>
#include <system_error>
#include <vector>

#include "host/io/output_rule.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMostNames = 100;  // of one folder

std::vector<fs::path> second_homes(const fs::path& wanted) {
  std::error_code ignored;
  std::vector<fs::path> folders = {fs::absolute(wanted, ignored).parent_path(), fs::current_path(ignored)};
  if (const char* home = std::getenv("HOME")) folders.emplace_back(home);
  folders.push_back(fs::temp_directory_path(ignored));
  return folders;
}

}  // namespace

KeptModel keep_model(const Model& model, const fs::path& wanted, bool overwrite) {
  std::string trouble;
  const auto try_to_save = [&](const fs::path& path, bool replace) -> std::optional<SavedModel> {
    try {
      return save_model(model, path, replace);
    } catch (const std::exception& error) {
      trouble += (trouble.empty() ? "" : "; ") + std::string(error.what());
      return std::nullopt;
    }
  };
  if (const auto saved = try_to_save(wanted, overwrite)) return {*saved, wanted, {}};
  const std::string reason = trouble;
  for (const fs::path& folder : second_homes(wanted)) {
    if (folder.empty()) continue;
    // Again where another run took the name meanwhile.
    for (int n = 0; n < kMostNames; ++n) {
      const fs::path path = next_free(folder / wanted.filename());
      if (path == wanted) break;  // it was tried
      if (const auto saved = try_to_save(path, false)) return {*saved, path, reason};
      std::error_code ignored;
      if (!fs::exists(fs::symlink_status(path, ignored))) break;
    }
  }
  throw DataError(fmt::format("the trained model could be kept nowhere: {}", trouble));
}

}  // namespace unfold::cli
