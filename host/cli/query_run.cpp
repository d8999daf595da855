#include "host/cli/query_run.hpp"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "host/cli/find_ids.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/open_backend.hpp"
#include "host/cli/outputs.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/query_output.hpp"
#include "host/cli/scores.hpp"
#include "host/cli/titles.hpp"
#include "host/text/escaped.hpp"
#include "unfold/error.hpp"
#include "unfold/model_scorer.hpp"

namespace unfold::cli {
namespace {

void check_usage(const QueryCommand& command) {
  if (command.id.empty() == command.ids.empty()) {
    throw UsageError(fmt::format("{}: give --{} ID or --ids FILE{}", command.name, command.noun,
                                 command.id.empty() ? "" : ", not both"));
  }
  if (command.include_seen && command.exclude_seen) {
    throw UsageError(fmt::format("{}: give --include-seen or --exclude-seen, not both", command.name));
  }
  validate(command.query);
}

ListForm list_form(const QueryCommand& command) {
  if (command.json) return command.ids.empty() ? ListForm::kJson : ListForm::kJsonArray;
  return command.ids.empty() && command.out.empty() ? ListForm::kTable : ListForm::kLines;
}

// The rows of what is asked about, every one of them known. One without a list is an error where it is alone.
std::vector<Row> find_rows(const QueryCommand& command, const IdKind& kind, const Model& model,
                           const WhyNoList& why_no_list, Progress& progress) {
  if (command.ids.empty()) {
    const Row row = find_id(kind, command.id);
    const std::string reason = why_no_list(model, row);
    if (!reason.empty()) throw DataError(fmt::format("{} {} {}", kind.noun, in_quotes(command.id), reason));
    return {row};
  }
  std::vector<Row> rows = read_id_file(kind, command.ids);
  std::uint64_t n_without = 0;
  std::string first;
  for (const Row row : rows) {
    const std::string reason = why_no_list(model, row);
    if (!reason.empty() && n_without++ == 0) first = fmt::format("{} {}", in_quotes(kind.ids.id(row)), reason);
  }
  if (n_without > 0) {
    progress.warn(fmt::format("unfold: no list for {} of the {} {}s in {}: {} {}{}", format_count(n_without),
                              format_count(rows.size()), kind.noun, command.ids, kind.noun, first,
                              n_without > 1 ? ", and so on" : ""));
  }
  return rows;
}

// A list shorter than asked for is never passed over; the table says so itself.
void report(const QueryCommand& command, const ListWriter& writer, ListForm form, Progress& progress) {
  if (form != ListForm::kTable && writer.n_short() > 0) {
    progress.warn(fmt::format("unfold: {} of {} lists have fewer than {} items: no others are left",
                              format_count(writer.n_short()), format_count(writer.n_lists()), command.query.k));
  }
  if (!command.out.empty()) {
    progress.say(fmt::format("{}: {} items for {} {}s", command.out, format_count(writer.n_lines()),
                             format_count(writer.n_lists()), command.noun));
  }
}

}  // namespace

void QueryCommand::add_common(OptionSet& options) {
  options.add(query.k, "k", "items to list", Allowed::between(1, kMaxTopK));
  options.add(items, "items", "a table of items with their titles, to be listed with them: CSV, TSV, ';', '::' or '|'",
              Saved::kYes, "FILE");
  options.add(out, "out",
              fmt::format("file to write, of lines {}, rank, item, score[, title] parted by tabs; absent: a table for "
                          "--{}, lines on stdout for --ids",
                          noun, noun),
              Saved::kNo, "FILE");
  options.add(overwrite, "overwrite", "replace the file of --out where it exists", Saved::kNo);
  options.add(json, "json", "write a JSON object, for --ids an array of them, instead");
  add_device_options(options, device, threads);
  options.add(quiet, "quiet", kQuietHelp);
}

int run_query(const QueryCommand& command, const AskModel& ask, const WhyNoList& why_no_list) {
  check_usage(command);
  Progress progress(command.quiet);
  check_outputs({{"MODEL", command.model}, {"--ids", command.ids}, {"--items", command.items}},
                {{"--out", command.out}}, command.overwrite);
  TextOutput output(command.out, command.overwrite);
  const Model model = open_model(command.model);
  const IdKind kind{command.noun == "user" ? model.user_ids : model.item_ids, command.noun.c_str(), command.model};
  const std::vector<Row> rows = find_rows(command, kind, model, why_no_list, progress);
  std::optional<ItemTable> titles;
  if (!command.items.empty()) titles = load_titles(command.items, model.item_ids, progress);
  QueryOptions query = command.query;
  query.exclude_seen = !command.include_seen;
  if (command.name == "recommend" && query.exclude_seen) say_unknown_parts(command.model, model, progress);
  const std::unique_ptr<Backend> backend = make_backend(command.device, command.threads);
  const ListForm form = list_form(command);
  ListWriter writer(form, command.noun.c_str(), kind.ids, model.item_ids, titles ? &*titles : nullptr, command.query.k,
                    output);
  catch_interrupts();
  if (!command.ids.empty()) {
    progress.say(fmt::format("listing {} of {} items for {} {}s on {}", command.query.k,
                             format_count(model.item_ids.size()), format_count(rows.size()), command.noun,
                             backend_text(*backend)));
  }
  ask(*backend, model, rows, query, [&](std::uint64_t n, std::span<const ScoredItem> list) {
    throw_if_interrupted();
    writer.write(rows[n], list);
  });
  throw_if_interrupted();
  writer.finish();
  output.commit();
  report(command, writer, form, progress);
  return 0;
}

}  // namespace unfold::cli
