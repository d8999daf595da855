// unfold export MODEL --format FORMAT [--out DIR]
#include "unfold/export.hpp"

#include <fmt/format.h>

#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/streams.hpp"

namespace unfold::cli {
namespace {

struct ExportCommand {
  std::string model, out;
  std::string format = "npy";
  bool overwrite = false;
};

int run(const ExportCommand& command) {
  std::string out = command.out;
  if (out.empty()) {
    out = command.model;
    while (out.size() > 1 && out.back() == '/') out.pop_back();
    out += "-" + command.format;
  }
  check_outputs({{"MODEL", command.model}}, {{"--out", out}}, command.overwrite);
  export_model(load_model(command.model), command.format, out, command.overwrite);
  print_out("{}\n", out);
  return 0;
}

}  // namespace

RunCommand add_export(CLI::App& root) {
  CLI::App* app = root.add_subcommand("export", "write a model's embeddings, biases and ids for other tools");
  app->footer(
      "Prints the folder it wrote.\n\n"
      "Example:\n"
      "  unfold export model --format npy --out arrays\n"
      "  python3 -c 'import numpy; print(numpy.load(\"arrays/item_embedding.npy\").shape)'");
  auto command = std::make_shared<ExportCommand>();
  OptionSet options(*app);
  options.add_positional(command->model, "MODEL", "folder that unfold train wrote");
  options.add(command->format, "format", "npy, safetensors, word2vec (text) or csv");
  options.add(command->out, "out", "folder to write; absent: MODEL-FORMAT", Saved::kNo, "DIR");
  options.add(command->overwrite, "overwrite", "replace the folder where it exists", Saved::kNo);
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
