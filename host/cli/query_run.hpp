// What recommend and neighbors have in common: whom they are asked about, and how lists are shown.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "host/cli/option_set.hpp"
#include "unfold/query.hpp"

namespace unfold::cli {

struct QueryCommand {
  std::string name;  // the command's
  std::string noun;  // what is asked about: "user" or "item"
  std::string model, id, ids, items, out;
  std::string device = "auto";
  std::uint32_t threads = 0;
  QueryOptions query;
  bool include_seen = false, exclude_seen = false;  // of recommend: at most one of them
  bool quiet = false;
  bool json = false;
  bool overwrite = false;

  // The options that come after MODEL, the id and what only one command has.
  void add_common(OptionSet& options);
};

// What a command asks of a model.
using AskModel =
    std::function<void(Backend&, const Model&, std::span<const Row>, const QueryOptions&, const QuerySink&)>;
// Why a row of `noun` has no list, in words that follow its id; empty where it may have one.
using WhyNoList = std::function<std::string(const Model&, Row)>;

// Returns the exit code.
int run_query(const QueryCommand& command, const AskModel& ask, const WhyNoList& why_no_list);

}  // namespace unfold::cli
