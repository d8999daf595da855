#include "host/cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace unfold::cli {
namespace {

constexpr std::size_t kLeastPageWidth = 40;
constexpr std::size_t kUnknownPageWidth = 100;

std::optional<std::size_t> columns_variable() {
  const char* value = std::getenv("COLUMNS");
  if (value == nullptr) return {};
  const std::string_view text = value;
  std::size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  if (error != std::errc() || end != text.data() + text.size() || columns == 0) return {};
  return columns;
}

}  // namespace

std::optional<std::size_t> terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return size.ws_col;
}

std::size_t page_width() {
  std::optional<std::size_t> width = columns_variable();
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO}) {
    if (!width) width = terminal_width(descriptor);
  }
  return std::max(width.value_or(kUnknownPageWidth), kLeastPageWidth);
}

}  // namespace unfold::cli
