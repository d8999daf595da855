// unfold verify FOLDER
#include "unfold/verify.hpp"

#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"

namespace unfold::cli {
namespace {

struct VerifyCommand {
  std::string folder;
  bool json = false;
  bool quiet = false;
};

int run(const VerifyCommand& command) {
  const VerifyReport report = verify_folder(command.folder);
  if (command.json) {
    print_out("{}\n", json_page({{"folder", command.folder},
                                 {"kind", report.kind},
                                 {"checksums", report.has_checksums},
                                 {"n_files", report.n_files},
                                 {"n_bytes", report.n_bytes}}));
  } else if (command.quiet) {
    return 0;
  } else if (report.has_checksums) {
    print_out("{}: {}, {} files of {} bytes are as they were written\n", command.folder, report.kind, report.n_files,
              format_count(report.n_bytes));
  } else {
    print_out("{}: {} without checksums, as it was written before there were any; it opens, and no more is known\n",
              command.folder, report.kind);
  }
  return 0;
}

}  // namespace

RunCommand add_verify(CLI::App& root) {
  CLI::App& app = add_command(root, "verify", "compare a model, data set or export with its checksums",
                              "Reads every byte. A damaged file is an error that names it (exit code 3).\n\n"
                              "Example:\n  unfold verify model");
  auto command = std::make_shared<VerifyCommand>();
  OptionSet options(app);
  options.add_positional(command->folder, "FOLDER", "folder that unfold train, import or export wrote");
  options.add(command->quiet, "quiet", "print nothing where all is well, but what --json asks for; errors remain");
  options.add(command->json, "json", "print one JSON object");
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
