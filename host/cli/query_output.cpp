#include "host/cli/query_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "host/cli/text.hpp"

namespace unfold::cli {
namespace {

// A field that reads back as it was where fields are parted by tabs: quotes as in RFC 4180.
void append_field(std::string& line, std::string_view field) {
  if (field.find_first_of("\t\r") == std::string_view::npos && !field.starts_with('"')) {
    line += field;
    return;
  }
  line += '"';
  for (const char c : field) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

// The number that prints as the float does; null for what is none.
nlohmann::ordered_json json_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  return std::stod(fmt::format("{}", value));
}

// Decimals that show five digits of the largest score, so that a list's scores stand below each other.
int decimals_for(std::span<const ScoredItem> list) {
  float largest = 0;
  for (const ScoredItem& item : list) largest = std::max(largest, std::abs(item.score));
  if (!std::isfinite(largest) || largest == 0) return 4;
  return std::clamp(4 - static_cast<int>(std::floor(std::log10(largest))), 0, 9);
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, text_width(text)), ' ');
}

}  // namespace

ListWriter::ListWriter(ListForm form, const char* noun, const IdMap& subjects, const IdMap& items,
                       const ItemTable* titles, std::uint32_t k, TextOutput& output)
    : form_(form), noun_(noun), subjects_(subjects), items_(items), titles_(titles), k_(k), output_(output) {}

void ListWriter::write(Row subject, std::span<const ScoredItem> list) {
  text_.clear();
  switch (form_) {
    case ListForm::kTable:
      write_table(subject, list);
      break;
    case ListForm::kLines:
      write_lines(subject, list);
      break;
    case ListForm::kJson:
    case ListForm::kJsonArray:
      write_json(subject, list);
      break;
  }
  output_.write(text_);
  ++n_lists_;
  n_lines_ += list.size();
  n_short_ += list.size() < k_ ? 1 : 0;
}

void ListWriter::finish() {
  if (form_ == ListForm::kJsonArray) output_.write(n_lists_ == 0 ? "[]\n" : "\n]\n");
  if (form_ == ListForm::kJson) output_.write("\n");
}

void ListWriter::write_table(Row subject, std::span<const ScoredItem> list) {
  text_ += fmt::format("{} {}", noun_, terminal_text(subjects_.id(subject)));
  if (titles_ != nullptr && &subjects_ == &items_ && titles_->has(subject)) {
    text_ += fmt::format(" {}", terminal_text(titles_->value(subject)));
  }
  text_ += '\n';
  const int decimals = decimals_for(list);
  std::size_t width = 4;
  for (const ScoredItem& item : list) width = std::max(width, text_width(terminal_text(items_.id(item.item))));
  if (!list.empty()) {
    text_ += fmt::format("rank  {}  {:>9}{}\n", padded("item", width), "score", titles_ == nullptr ? "" : "  title");
  }
  for (std::size_t n = 0; n < list.size(); ++n) {
    text_ += fmt::format("{:>4}  {}  {:>9.{}f}", n + 1, padded(terminal_text(items_.id(list[n].item)), width),
                         list[n].score, decimals);
    if (titles_ != nullptr && titles_->has(list[n].item)) text_ += "  " + terminal_text(titles_->value(list[n].item));
    text_ += '\n';
  }
  if (list.size() < k_) text_ += fmt::format("{} of {} listed: no other item is left\n", list.size(), k_);
}

void ListWriter::write_lines(Row subject, std::span<const ScoredItem> list) {
  for (std::size_t n = 0; n < list.size(); ++n) {
    append_field(text_, subjects_.id(subject));
    fmt::format_to(std::back_inserter(text_), "\t{}\t", n + 1);
    append_field(text_, items_.id(list[n].item));
    fmt::format_to(std::back_inserter(text_), "\t{}", list[n].score);
    if (titles_ != nullptr) {
      text_ += '\t';
      append_field(text_, titles_->value(list[n].item));
    }
    text_ += '\n';
  }
}

void ListWriter::write_json(Row subject, std::span<const ScoredItem> list) {
  const auto title = [this](Row item) {
    return titles_->has(item) ? nlohmann::ordered_json(std::string(titles_->value(item))) : nullptr;
  };
  nlohmann::ordered_json json;
  json[noun_] = std::string(subjects_.id(subject));
  if (titles_ != nullptr && &subjects_ == &items_) json["title"] = title(subject);
  json["k"] = k_;
  json["n_listed"] = list.size();
  json["items"] = nlohmann::ordered_json::array();
  for (std::size_t n = 0; n < list.size(); ++n) {
    nlohmann::ordered_json item = {
        {"rank", n + 1}, {"item", std::string(items_.id(list[n].item))}, {"score", json_number(list[n].score)}};
    if (titles_ != nullptr) item["title"] = title(list[n].item);
    json["items"].push_back(std::move(item));
  }
  if (form_ == ListForm::kJson) {
    text_ = json_page(json);
  } else {
    text_ = (n_lists_ == 0 ? "[\n" : ",\n") + json_line(json);
  }
}

}  // namespace unfold::cli
