// unfold help [COMMAND]
#include <CLI/App.hpp>
#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/streams.hpp"

namespace unfold::cli {
namespace {

int print_page(const CLI::App& root, const std::string& word) {
  const CLI::App* page = &root;
  std::string name = root.get_name();
  if (!word.empty()) {
    const auto found = root.get_subcommands([&word](const CLI::App* app) { return app->get_name() == word; });
    if (found.empty()) fail_unknown_command(root, word);
    page = found.front();
    name += " " + word;
  }
  // Not root.help(), which answers for the command that was parsed: this one.
  print_out("{}", root.get_formatter()->make_help(page, name, CLI::AppFormatMode::Normal));
  return 0;
}

}  // namespace

RunCommand add_help(CLI::App& root) {
  CLI::App* app = root.add_subcommand("help", "print the help page of a command, or of the program");
  app->footer("Example:\n  unfold help train");
  auto word = std::make_shared<std::string>();
  app->add_option("COMMAND", *word, "the command; absent: the program's own page")->type_name("");
  return [&root, word] { return print_page(root, *word); };
}

}  // namespace unfold::cli
