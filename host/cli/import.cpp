// unfold import DATA [--out DIR]
#include <filesystem>
#include <memory>
#include <vector>

#include "host/cli/commands.hpp"
#include "host/cli/input_options.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "host/io/temporary.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

struct ImportCommand {
  std::vector<std::string> data;
  std::string out;
  InputOptions input;
  bool quiet = false;
  bool json = false;
};

int run(const ImportCommand& command) {
  Progress progress(command.quiet);
  const ImportOptions options = command.input.resolve();
  const std::vector<std::filesystem::path> sources(command.data.begin(), command.data.end());
  std::vector<NamedFile> inputs;
  for (const std::string& source : command.data) inputs.push_back({"DATA", source});
  check_outputs(inputs, {{"--out", command.out}, {"--rejected", command.input.rejected}}, command.input.overwrite);
  const std::string name =
      command.data[0] + (sources.size() == 1 ? "" : fmt::format(" and {} more", sources.size() - 1));
  const ImportProgress callback = import_progress(name, progress);
  catch_interrupts();
  remove_temporary_litter();
  bool was_cached = false;
  const Dataset dataset = [&] {
    if (!command.out.empty()) return import_dataset(sources, command.out, options, callback);
    CachedDataset cached = open_or_import(sources, command.input.cache_directory(), options, callback);
    was_cached = cached.was_cached;
    return std::move(cached.dataset);
  }();
  progress.clear();
  say_report(name, dataset.report(), was_cached, progress);
  if (command.json) {
    nlohmann::ordered_json report = to_json(dataset.report());
    report["directory"] = dataset.directory().string();
    print_out("{}\n", json_page(report));
  } else {
    print_out("{}\n", dataset.directory().string());
  }
  return interrupted() ? kInterruptedExitCode : 0;
}

}  // namespace

RunCommand add_import(CLI::App& root) {
  CLI::App& app =
      add_command(root, "import", "read files of ratings once into a data set that train maps",
                  "Prints the data set's folder.\n\nExample:\n  unfold import ratings.csv.gz --out ratings.unfold");
  auto command = std::make_shared<ImportCommand>();
  OptionSet options(app);
  options.add_positional(command->data, "DATA",
                         "files of ratings, read as one; plain, .gz or .zst, or a pipe (/dev/stdin, with --out)");
  options.add(command->out, "out", "folder to write; absent: into the cache, where train finds it", Saved::kNo, "DIR");
  command->input.add_reading(options);
  command->input.add_keeping(options);
  command->input.add_cache(options);
  options.add(command->input.overwrite, "overwrite", "replace DIR and the file of --rejected where they exist",
              Saved::kNo);
  options.add(command->quiet, "quiet", "no progress and no notices on stderr; warnings and errors remain");
  options.add(command->json, "json", "print what was read, kept and left out as one JSON object");
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
