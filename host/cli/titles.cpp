#include "host/cli/titles.hpp"

#include <fmt/format.h>

namespace unfold::cli {

ItemTable load_titles(const std::string& items, const IdMap& item_ids, Progress& progress) {
  ItemTable titles = read_item_table(items, item_ids);
  if (titles.n_absent() > 0) {
    progress.say(fmt::format("note: {} of the model's {} items are not in {} and have no title",
                             format_count(titles.n_absent()), format_count(titles.n_items()), items));
  }
  if (titles.n_repeated > 0) {
    progress.say(fmt::format("note: {} lines of {} are about an item that an earlier line names; the first one counts",
                             format_count(titles.n_repeated), items));
  }
  return titles;
}

}  // namespace unfold::cli
