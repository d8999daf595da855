// unfold neighbors MODEL --item ID
#include <memory>

#include "host/cli/commands.hpp"
#include "host/cli/query_run.hpp"

namespace unfold::cli {
namespace {

std::string why_no_list(const Model& model, Row item) {
  if (has_direction(model, item)) return {};
  return "has an embedding of length 0 or without numbers (was it ever trained?), so it has no direction and no "
         "neighbors";
}

}  // namespace

RunCommand add_neighbors(CLI::App& root) {
  CLI::App& app = add_command(
      root, "neighbors", "list the items whose embeddings are most like an item's",
      "Exact over all items. The score is the cosine of the two embeddings; the item itself is left out.\n\n"
      "Example:\n"
      "  unfold neighbors model --item 50 --items movies.csv\n"
      "  unfold neighbors model --ids items.txt -k 5 --out neighbors.tsv");
  auto command = std::make_shared<QueryCommand>();
  command->name = "neighbors";
  command->noun = "item";
  OptionSet options(app);
  options.add_positional(command->model, "MODEL", "folder that unfold train wrote");
  options.add(command->id, "item", "the item, by the id that the ratings have", Saved::kYes, "ID");
  options.add(command->ids, "ids", "a file of items' ids, one a line, instead of --item", Saved::kYes, "FILE");
  command->add_common(options);
  return [command] { return run_query(*command, find_neighbors, why_no_list); };
}

}  // namespace unfold::cli
