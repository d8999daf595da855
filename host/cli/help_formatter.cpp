#include "host/cli/help_formatter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "host/cli/option_set.hpp"
#include "host/cli/terminal.hpp"

namespace unfold::cli {
namespace {

// Where the text begins: beside short names on a wide page, under the name on a narrow one.
constexpr std::size_t kTextColumn = 30;
constexpr std::size_t kNarrowTextColumn = 6;
constexpr std::size_t kWidePage = 70;

// Appends `text` word by word, from `column` of the line that `out` ends in; lines go on at `indent`.
void append_wrapped(std::string& out, const std::string& text, std::size_t column, std::size_t indent) {
  const std::size_t width = page_width();
  bool first = true;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!first && column + 1 + word.size() > width) {
      out += '\n';
      column = 0;
      first = true;
    }
    const std::size_t gap = !first ? 1 : indent - std::min(indent, column);
    out += std::string(gap, ' ') + word;
    column += gap + word.size();
    first = false;
  }
}

// `name`, then `text` from the text column on.
std::string two_columns(const std::string& name, const std::string& text) {
  const std::size_t indent = page_width() < kWidePage ? kNarrowTextColumn : kTextColumn;
  std::string out = "  " + name.substr(0, name.find_last_not_of(' ') + 1);
  std::size_t column = out.size();
  if (column + 2 > indent && !text.empty()) {
    out += '\n';
    column = 0;
  }
  append_wrapped(out, text, column, indent);
  return out + '\n';
}

// A line that begins with a space is a command to copy. Where it does not fit, it goes on behind a backslash, as a
// shell reads it, with the next option.
void append_command(std::string& out, const std::string& line) {
  constexpr std::size_t kIndent = 2, kNextIndent = 6;
  std::vector<std::string> parts;  // an option and its value are one
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (parts.empty() || word.starts_with('-')) {
      parts.push_back(word);
    } else {
      parts.back() += ' ' + word;
    }
  }
  std::size_t column = 0;
  for (const std::string& part : parts) {
    const std::size_t room = &part == &parts.back() ? 0 : 2;  // for a backslash
    std::string gap(column == 0 ? kIndent : 1, ' ');
    if (column > 0 && column + 1 + part.size() + room > page_width()) {
      gap = " \\\n" + std::string(kNextIndent, ' ');
      column = kNextIndent + part.size();
    } else {
      column += gap.size() + part.size();
    }
    out += gap + part;
  }
}

// Lines of prose, of commands and, behind a tab, of names with their text after another tab; wrapped.
std::string wrap_lines(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('\t')) {
      const std::size_t tab = line.find('\t', 1);
      out += two_columns(line.substr(1, tab - 1), line.substr(tab + 1));
      continue;
    }
    if (line.starts_with(' ')) {
      append_command(out, line);
    } else {
      append_wrapped(out, line, 0, 0);
    }
    out += '\n';
  }
  return out;
}

}  // namespace

std::string HelpFormatter::make_description(const CLI::App* app) const { return wrap_lines(app->get_description()); }

std::string HelpFormatter::make_footer(const CLI::App* app) const { return wrap_lines(app->get_footer()); }

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string name = make_option_name(option, is_positional);
  std::string text = make_option_desc(option);
  if (!is_positional && option->get_type_size() != 0) {
    name += " " + option->get_type_name();
    if (option->get_required()) {
      text += " [required]";
    } else if (!option->get_default_str().empty()) {
      text += " [" + option->get_default_str() + "]";
    }
  }
  return two_columns(name, text);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return two_columns(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const {
  std::string out = CLI::Formatter::make_subcommands(app, mode);
  const CLI::App* root = app->get_parent();
  if (root != nullptr && root->get_config_ptr() != nullptr) out += make_option(root->get_config_ptr(), false);
  return out;
}

std::string HelpFormatter::make_group(std::string group, bool is_positional,
                                      std::vector<const CLI::Option*> options) const {
  if (group == kHiddenGroup) return {};
  return CLI::Formatter::make_group(std::move(group), is_positional, std::move(options));
}

// With one empty line between two groups, where CLI11 has two.
std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::string out = CLI::Formatter::make_help(app, std::move(name), mode);
  for (std::size_t at = out.find("\n\n\n"); at != std::string::npos; at = out.find("\n\n\n", at)) out.erase(at, 1);
  return out;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string out = name.empty() ? app->get_name() : name;
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional()) continue;
    const std::string word = option->get_name(true, false);
    out += option->get_required() ? " " + word : " [" + word + "]";
  }
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional() && option->get_required()) {
      out += fmt::format(" {} {}", option->get_name(false, true), option->get_type_name());
    }
  }
  if (!app->get_subcommands([](const CLI::App*) { return true; }).empty()) out += " COMMAND";
  std::string line = "Usage:";
  append_wrapped(line, out + " [OPTIONS]", line.size(), line.size() + 1);
  return "\n" + line + "\n";
}

}  // namespace unfold::cli
