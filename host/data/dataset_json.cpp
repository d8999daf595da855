#include "host/data/dataset_json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "host/io/checksums.hpp"
#include "host/io/file.hpp"
#include "host/io/json.hpp"
#include "unfold/error.hpp"

namespace unfold {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "unfold-dataset";

// Calls visit(key, field) for every field of the report: writing and reading share the one list.
template <typename Report, typename Visit>
void visit_report(Report& report, Visit&& visit) {
  visit("source", report.source);
  visit("source_format", report.format);
  visit("columns", report.columns);
  visit("has_ratings", report.has_ratings);
  visit("has_times", report.has_times);
  visit("n_lines", report.n_lines);
  visit("n_parsed", report.n_parsed);
  visit("n_rejected", report.n_rejected);
  visit("rejected_file", report.rejected_file);
  visit("n_duplicates", report.n_duplicates);
  visit("n_below_minimum", report.n_below_minimum);
  visit("n_ratings", report.n_ratings);
  visit("n_users", report.n_users);
  visit("n_items", report.n_items);
  visit("rating_min", report.rating_min);
  visit("rating_max", report.rating_max);
  visit("rating_mean", report.rating_mean);
}

// Calls visit(key, field) for the fields that a data set written before may lack.
template <typename Report, typename Visit>
void visit_added(Report& report, Visit&& visit) {
  visit("n_comments", report.n_comments);
  visit("notes", report.notes);
}

Json options_json(const ImportOptions& options) {
  Json json;
  json["format"] = options.format;
  json["columns"] = options.columns;
  json["header"] = options.header;
  json["quote"] = options.quote;
  json["min_user_ratings"] = options.min_user_ratings;
  json["min_item_ratings"] = options.min_item_ratings;
  json["on_error"] = options.on_error == OnError::kSkip ? "skip" : "fail";
  json["max_ids"] = options.max_ids;
  return json;
}

// Paths and names of columns may be any bytes; what is not UTF-8 becomes U+FFFD.
std::string dump(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::vector<std::string> dataset_files(bool has_times) {
  std::vector<std::string> files = {"user.npy", "item.npy", "rating.npy", kUserIdsFile, kItemIdsFile};
  if (has_times) files.emplace_back("time.npy");
  return files;
}

std::string canonical_options(const ImportOptions& options) {
  // Not through JSON text for the columns: its replacement of bytes that are not UTF-8 would make names equal.
  ImportOptions others = options;
  others.columns.clear();
  std::string text = dump(options_json(others), -1);
  for (const auto& [role, column] : options.columns) text += fmt::format("\n{}={}", role, column);
  return text;
}

void write_dataset_json(const std::filesystem::path& directory, const ImportReport& report,
                        const std::string& source_hash, const std::string& rejected_hash,
                        const ImportOptions& options) {
  Json json;
  json["format"] = kFormat;
  json["format_version"] = kDatasetVersion;
  visit_report(report, [&](const char* key, const auto& field) { json[key] = field; });
  visit_added(report, [&](const char* key, const auto& field) { json[key] = field; });
  json["source_xxh3_128"] = source_hash;
  json["rejected_xxh3_128"] = rejected_hash;
  json["user_ids_bytes"] = std::filesystem::file_size(directory / kUserIdsFile);
  json["item_ids_bytes"] = std::filesystem::file_size(directory / kItemIdsFile);
  add_checksums(json, directory, dataset_files(report.has_times));
  json["options"] = options_json(options);
  write_whole_file(directory / kDatasetFile, dump(json, 2) + "\n");
}

DatasetDescription read_dataset_json(const Folder& folder) {
  const std::filesystem::path file = folder.path() / kDatasetFile;
  DatasetDescription description;
  description.json = parse_json(folder.map(kDatasetFile).text(), file.string() + ": cannot be read");
  const Json& json = description.json;
  try {
    if (json.at("format").get<std::string>() != kFormat) {
      throw DataError(fmt::format("{}: is of another program; import the ratings again", file.string()));
    }
    const auto version = json.at("format_version").get<std::int64_t>();
    if (version != kDatasetVersion) {
      throw DataError(fmt::format("{}: has format version {}, and this program reads {}; import the ratings again",
                                  file.string(), version, kDatasetVersion));
    }
    visit_report(description.report, [&](const char* key, auto& field) { json.at(key).get_to(field); });
    visit_added(description.report, [&](const char* key, auto& field) {
      if (json.contains(key)) json.at(key).get_to(field);
    });
    json.at("source_xxh3_128").get_to(description.source_hash);
    description.rejected_hash = json.value("rejected_xxh3_128", "");
    json.at("user_ids_bytes").get_to(description.user_ids_bytes);
    json.at("item_ids_bytes").get_to(description.item_ids_bytes);
  } catch (const nlohmann::json::exception& error) {
    // Behind the library's number of the error: key 'n_users' not found.
    const std::string_view text = error.what();
    throw DataError(fmt::format("{}: cannot be read: {}; import the ratings again", file.string(),
                                text.substr(text.find(' ') + 1)));
  }
  return description;
}

}  // namespace unfold
