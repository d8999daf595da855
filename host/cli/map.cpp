// unfold map MODEL --out FILE
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "host/cli/commands.hpp"
#include "host/cli/option_set.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/scores.hpp"
#include "host/cli/streams.hpp"
#include "unfold/embedding_map.hpp"
#include "unfold/model_scorer.hpp"

namespace unfold::cli {
namespace {

struct MapCommand {
  std::string model, out, items, title;
  std::string group_column = kDefaultGroupColumn;
  EmbeddingMapOptions options;
  bool quiet = false;
};

int run(MapCommand& command) {
  check_group_options(command.items, command.group_column);
  check_outputs({{"MODEL", command.model}, {"--items", command.items}}, {{"--out", command.out}},
                command.options.overwrite);
  Progress progress(command.quiet);
  const Model model = open_model(command.model);
  std::optional<ItemGroups> groups;
  if (!command.items.empty()) groups = load_groups(command.items, command.group_column, model.item_ids, progress);
  EmbeddingMapOptions& options = command.options;
  options.group_label = command.group_column;
  options.title = command.title;
  if (options.title.empty()) {
    options.title = fmt::format("Embeddings of {}", std::filesystem::path(command.model).lexically_normal().string());
  }
  const EmbeddingMapReport report = write_embedding_map(model, groups ? &*groups : nullptr, options, command.out);
  progress.say(fmt::format("{} items and {} users drawn; two components hold {:.1f}% of the items' variance",
                           format_count(report.n_items_drawn), format_count(report.n_users_drawn),
                           100 * (report.variance_share[0] + report.variance_share[1])));
  if (!is_stdout(command.out)) print_out("{}\n", command.out);
  return 0;
}

}  // namespace

RunCommand add_map(CLI::App& root) {
  CLI::App& app = add_command(
      root, "map", "draw a model's embeddings as a picture, coloured by group",
      "A circle an item, in the plane of the items' two leading principal components: groups that a model tells apart "
      "stand apart, and groups that it folds lie on top of each other. Prints the name of the SVG file it wrote.\n\n"
      "Example:\n  unfold map model --out map.svg --items items.tsv --group-column category");
  auto command = std::make_shared<MapCommand>();
  OptionSet options(app);
  options.add_positional(command->model, "MODEL", "folder that unfold train wrote");
  options.add_required(command->out, "out", "FILE", "SVG file to write");
  add_group_options(options, command->items, command->group_column, "the colours of the items");
  options.add(command->options.users, "users",
              "draw users too, as crosses, coloured where all their training items are of one group");
  options.add(command->options.max_points, "max-points",
              "draw a random sample of this many items (and users) where there are more");
  options.add(command->title, "title", "over the picture; absent: the model's folder");
  options.add(command->options.overwrite, "overwrite", "replace FILE where it exists", Saved::kNo);
  options.add(command->quiet, "quiet", kQuietHelp);
  return [command] { return run(*command); };
}

}  // namespace unfold::cli
