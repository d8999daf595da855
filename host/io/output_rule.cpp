#include "host/io/output_rule.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "unfold/error.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;

// Whether a path, with its links followed, lies in a folder.
bool lies_in(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path), error);
  const fs::path prefix = error ? fs::path() : fs::canonical(folder, error);
  if (error) return false;
  return std::mismatch(prefix.begin(), prefix.end(), whole.begin(), whole.end()).first == prefix.end();
}

}  // namespace

void check_output(const fs::path& output, std::span<const NamedInput> inputs, Existing existing) {
  std::error_code ignored;
  const bool is_descriptor = open_descriptor(output) >= 0;
  if (is_descriptor && !fs::is_regular_file(output, ignored)) return;
  for (const NamedInput& input : inputs) {
    if (input.path.empty()) continue;
    if (fs::equivalent(output, input.path, ignored)) {
      throw UsageError(fmt::format("{}: is the {} of this command and is not written over; choose another name",
                                   output.string(), input.name));
    }
    if (fs::is_directory(input.path, ignored) && lies_in(output, input.path)) {
      throw UsageError(
          fmt::format("{}: lies in {}, the {} of this command, where nothing else is written; choose "
                      "another name",
                      output.string(), input.path.string(), input.name));
    }
  }
  if (existing != Existing::kRefuse || is_descriptor || !fs::exists(fs::symlink_status(output, ignored))) return;
  const fs::file_status status = fs::status(output, ignored);
  if (fs::is_fifo(status) || fs::is_character_file(status) || fs::is_socket(status)) return;
  throw UsageError(fmt::format("{}: exists already; choose another name or give --overwrite", output.string()));
}

int open_descriptor(const fs::path& path) {
  const std::string text = path.string();
  int number = text == "/dev/stdin" ? 0 : text == "/dev/stdout" ? 1 : text == "/dev/stderr" ? 2 : -1;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!text.starts_with(folder)) continue;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + folder.size(), end, number);
    if (error != std::errc() || rest != end) number = -1;
  }
  return number >= 0 && ::fcntl(number, F_GETFD) >= 0 ? number : -1;
}

fs::path numbered(const fs::path& path, unsigned number) {
  return number == 1 ? path : fs::path(fmt::format("{}.{}", path.string(), number));
}

fs::path next_free(const fs::path& path) {
  std::error_code ignored;
  unsigned number = 1;
  while (fs::exists(fs::symlink_status(numbered(path, number), ignored))) ++number;
  return numbered(path, number);
}

}  // namespace unfold
