// unfold export MODEL --format FORMAT [--out DIR]
#include "unfold/export.hpp"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/titles.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

struct ExportCommand {
  std::string model, out, items;
  std::string format = "npy";
  bool append_bias = false;
  bool overwrite = false;
  bool quiet = false;
};

// "npy, safetensors, faiss (an index of inner products), ... or csv".
std::string formats_text() {
  std::string text = "format of the files";
  for (const ExportFormat& format : export_formats()) {
    if (!format.note.empty()) text += fmt::format("; {}: {}", format.name, format.note);
  }
  return text;
}

Allowed format_names() {
  Allowed allowed;
  for (const ExportFormat& format : export_formats()) allowed.words.push_back(format.name.data());  // literals
  return allowed;
}

int run(const ExportCommand& command) {
  if (!command.items.empty() && command.format != "tensorboard") {
    throw UsageError(fmt::format("--items: titles go into --format tensorboard alone, not into {}", command.format));
  }
  std::string out = command.out;
  if (out.empty()) {
    out = command.model;
    while (out.size() > 1 && out.back() == '/') out.pop_back();
    out += "-" + command.format;
  }
  check_outputs({{"MODEL", command.model}, {"--items", command.items}}, {{"--out", out}}, command.overwrite);
  Progress progress(command.quiet);
  const Model model = load_model(command.model);
  ItemTable titles;
  ExportOptions options{command.append_bias, {}};
  if (!command.items.empty()) {
    titles = load_titles(command.items, model.item_ids, progress);
    options.item_title = [&titles](Row item) { return titles.value(item); };
  }
  export_model(model, command.format, out, command.overwrite, options);
  print_out("{}\n", out);
  return 0;
}

}  // namespace

RunCommand add_export(CLI::App& root) {
  CLI::App& app =
      add_command(root, "export", "write a model's embeddings, biases and ids for other tools",
                  "Prints the folder it wrote. docs/formats.md has the files of each format and how to open them.\n\n"
                  "Examples:\n"
                  "  unfold export model --format npy --out arrays\n"
                  "  unfold export model --format faiss --out index\n"
                  "  unfold export model --format tensorboard --items movies.csv --out board");
  auto command = std::make_shared<ExportCommand>();
  OptionSet options(app);
  options.add_positional(command->model, "MODEL", "folder that unfold train wrote");
  options.add(command->format, "format", formats_text(), format_names());
  options.add(command->append_bias, "append-bias",
              "one more column in each vector: an item's bias, 1 for a user; then user . item is the score that "
              "recommend lists by; faiss always has it");
  options.add(command->items, "items", "tensorboard: a table of items with their titles, which label the items",
              Saved::kYes, "FILE");
  options.add(command->out, "out", "folder to write; absent: MODEL-FORMAT", Saved::kNo, "DIR");
  options.add(command->overwrite, "overwrite", "replace the folder, where it is as an export left it", Saved::kNo);
  options.add(command->quiet, "quiet", kQuietHelp);
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
