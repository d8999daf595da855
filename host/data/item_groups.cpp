#include "unfold/item_groups.hpp"

#include <algorithm>

#include "host/data/item_table.hpp"

namespace unfold {

std::uint64_t ItemGroups::n_without() const {
  return static_cast<std::uint64_t>(std::count(of_item.begin(), of_item.end(), kNoGroup));
}

ItemGroups make_item_groups(const std::vector<std::string>& group_of_item) {
  ItemGroups groups;
  for (const std::string& name : group_of_item) {
    if (!name.empty()) groups.names.push_back(name);
  }
  std::sort(groups.names.begin(), groups.names.end());
  groups.names.erase(std::unique(groups.names.begin(), groups.names.end()), groups.names.end());
  for (const std::string& name : group_of_item) {
    const auto found = std::lower_bound(groups.names.begin(), groups.names.end(), name);
    groups.of_item.push_back(name.empty() ? kNoGroup : static_cast<std::uint32_t>(found - groups.names.begin()));
  }
  return groups;
}

ItemGroups read_item_groups(const std::filesystem::path& file, const std::string& column, const IdMap& item_ids) {
  const ItemTable table = read_item_table(file, item_ids, column);
  std::vector<std::string> group_of_item(item_ids.size());
  for (Row item = 0; item < item_ids.size(); ++item) group_of_item[item] = table.value(item);
  return make_item_groups(group_of_item);
}

}  // namespace unfold
