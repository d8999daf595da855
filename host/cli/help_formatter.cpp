#include "host/cli/help_formatter.hpp"

#include <fmt/format.h>

#include <sstream>

namespace unfold::cli {
namespace {

constexpr std::size_t kTextColumn = 30;
constexpr std::size_t kWidth = 100;

// `name`, then `text` from kTextColumn on, wrapped at kWidth.
std::string two_columns(const std::string& name, const std::string& text) {
  std::string out = "  " + name;
  std::size_t column = out.size();
  if (column + 2 > kTextColumn && !text.empty()) {
    out += '\n';
    column = 0;
  }
  bool first = true;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!first && column + 1 + word.size() > kWidth) {
      out += '\n';
      column = 0;
      first = true;
    }
    const std::size_t gap = first ? kTextColumn - column : 1;
    out += std::string(gap, ' ') + word;
    column += gap + word.size();
    first = false;
  }
  return out + '\n';
}

}  // namespace

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

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string out = "\nUsage: " + (name.empty() ? app->get_name() : name);
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional()) out += " " + option->get_name(true, false);
  }
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional() && option->get_required()) {
      out += fmt::format(" {} {}", option->get_name(false, true), option->get_type_name());
    }
  }
  if (!app->get_subcommands([](const CLI::App*) { return true; }).empty()) out += " COMMAND";
  return out + " [OPTIONS]\n";
}

}  // namespace unfold::cli
