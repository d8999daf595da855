#include "host/cli/outputs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "host/io/output_rule.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

namespace fs = std::filesystem;

bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  if (fs::equivalent(a, b, ignored)) return true;
  const fs::path whole_a = fs::weakly_canonical(fs::absolute(a), ignored);
  return !whole_a.empty() && whole_a == fs::weakly_canonical(fs::absolute(b), ignored);
}

std::string config_input;

// By their names, whether they exist or not.
bool is_inside(const std::string& path, const std::string& folder) {
  std::error_code ignored;
  const auto whole = [&](const std::string& name) { return fs::weakly_canonical(fs::absolute(name), ignored); };
  const fs::path from_folder = whole(path).lexically_relative(whole(folder));
  return !from_folder.empty() && from_folder != "." && *from_folder.begin() != "..";
}

}  // namespace

bool is_stdout(const std::string& file) { return open_descriptor(file) == STDOUT_FILENO; }

void set_config_input(std::string path) { config_input = std::move(path); }

void check_outputs(const std::vector<NamedFile>& inputs, const std::vector<NamedFile>& outputs, bool overwrite) {
  std::vector<NamedInput> named = {{"--config", config_input}};
  for (const NamedFile& input : inputs) named.push_back({input.name, input.path});
  for (std::size_t n = 0; n < outputs.size(); ++n) {
    if (outputs[n].path.empty()) continue;
    check_output(outputs[n].path, named, overwrite ? Existing::kReplace : Existing::kRefuse);
    for (std::size_t other = 0; other < n; ++other) {
      if (outputs[other].path.empty()) continue;
      for (const auto& [inner, outer] : {std::pair(n, other), std::pair(other, n)}) {
        if (!is_inside(outputs[inner].path, outputs[outer].path)) continue;
        throw UsageError(
            fmt::format("{} {} lies in the folder of {}, which is replaced as a whole; name a place beside it",
                        outputs[inner].name, outputs[inner].path, outputs[outer].name));
      }
      if (!is_same(outputs[n].path, outputs[other].path)) continue;
      throw UsageError(fmt::format("{}: is asked to be both {} and {}; give two names", outputs[n].path,
                                   outputs[other].name, outputs[n].name));
    }
  }
}

}  // namespace unfold::cli
