#include "unfold/verify.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/io/checksums.hpp"
#include "host/io/folder.hpp"
#include "host/io/json.hpp"
#include "unfold/dataset.hpp"
#include "unfold/error.hpp"
#include "unfold/model.hpp"

namespace unfold {
namespace {

struct Kind {
  const char* name;
  const char* description;  // the file that tells
  void (*open)(const std::filesystem::path& folder);
};

constexpr Kind kKinds[] = {
    {"model", "model.json", [](const std::filesystem::path& folder) { static_cast<void>(load_model(folder)); }},
    {"data set", "dataset.json",
     [](const std::filesystem::path& folder) {
       const Dataset dataset = Dataset::open(folder);
       static_cast<void>(dataset.read_user_ids());
       static_cast<void>(dataset.read_item_ids());
     }},
    {"export", "export.json", [](const std::filesystem::path&) {}},
};

VerifyReport verify(const Folder& folder) {
  for (const Kind& kind : kKinds) {
    if (!folder.has(kind.description)) continue;
    const std::string file = (folder.path() / kind.description).string();
    const nlohmann::ordered_json json = parse_json(folder.map(kind.description).text(), file);
    if (!json.is_object()) throw DataError(fmt::format("{}: is not the description of a {}", file, kind.name));
    VerifyReport report;
    report.kind = kind.name;
    report.has_checksums = n_checksums(json).has_value();
    report.n_files = n_checksums(json).value_or(0);
    report.n_bytes = check_contents(json, folder, "; make it again, or take it from a copy");
    kind.open(folder.path());
    return report;
  }
  throw DataError(
      fmt::format("{}: holds none of model.json, dataset.json and export.json; give a folder that train, "
                  "import or export wrote",
                  folder.path().string()));
}

}  // namespace

VerifyReport verify_folder(const std::filesystem::path& folder) { return read_folder(folder, verify); }

}  // namespace unfold
