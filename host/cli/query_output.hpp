// The lists that recommend and neighbors print: a table for people, tab-separated lines, or JSON.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "host/cli/text_output.hpp"
#include "host/data/item_table.hpp"
#include "unfold/query.hpp"

namespace unfold::cli {

enum class ListForm {
  kTable,      // of one query
  kLines,      // subject, rank, item, score[, title] for each item listed
  kJson,       // one object
  kJsonArray,  // of such objects, one a line
};

class ListWriter {
 public:
  // `noun` is what is asked about, "user" or "item", with ids `subjects`; `titles` may be null.
  ListWriter(ListForm form, const char* noun, const IdMap& subjects, const IdMap& items, const ItemTable* titles,
             std::uint32_t k, TextOutput& output);

  void write(Row subject, std::span<const ScoredItem> list);
  // What comes after the last list.
  void finish();

  std::uint64_t n_lists() const { return n_lists_; }
  std::uint64_t n_lines() const { return n_lines_; }
  // Lists of fewer than k items.
  std::uint64_t n_short() const { return n_short_; }

 private:
  void write_table(Row subject, std::span<const ScoredItem> list);
  void write_lines(Row subject, std::span<const ScoredItem> list);
  void write_json(Row subject, std::span<const ScoredItem> list);

  ListForm form_;
  const char* noun_;
  const IdMap& subjects_;
  const IdMap& items_;
  const ItemTable* titles_;
  std::uint32_t k_;
  TextOutput& output_;
  std::string text_;
  std::uint64_t n_lists_ = 0, n_lines_ = 0, n_short_ = 0;
};

}  // namespace unfold::cli
