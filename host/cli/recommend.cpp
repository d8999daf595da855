// unfold recommend MODEL --user ID
#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/query_run.hpp"

namespace unfold::cli {

RunCommand add_recommend(CLI::App& root) {
  CLI::App& app = add_command(root, "recommend", "list the items that a model scores highest for a user",
                              "Exact over all items. The score is user . item + item bias, by which evaluate ranks.\n\n"
                              "Example:\n"
                              "  unfold recommend model --user 42 -k 20 --items movies.csv\n"
                              "  unfold recommend model --ids users.txt --out top10.tsv");
  auto command = std::make_shared<QueryCommand>();
  command->name = "recommend";
  command->noun = "user";
  OptionSet options(app);
  options.add_positional(command->model, "MODEL", "folder that unfold train wrote");
  options.add(command->id, "user", "the user, by the id that the ratings have", Saved::kYes, "ID");
  options.add(command->ids, "ids", "a file of users' ids, one a line, instead of --user", Saved::kYes, "FILE");
  options.add(command->include_seen, "include-seen",
              "list items too that the user has in the data: in training, validation or test");
  options.add(command->exclude_seen, "exclude-seen", "leave them out: the default");
  command->add_common(options);
  return [command] { return run_query(*command, recommend, [](const Model&, Row) { return std::string(); }); };
}

}  // namespace unfold::cli
