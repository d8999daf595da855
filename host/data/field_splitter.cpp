#include "host/data/field_splitter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/text/escaped.hpp"

namespace unfold {

const char* format_name(Format format) {
  switch (format) {
    case Format::kCsv:
      return "csv";
    case Format::kTsv:
      return "tsv";
    case Format::kDat:
      return "dat";
    case Format::kPipe:
      return "pipe";
    case Format::kSemicolon:
      return "semicolon";
    case Format::kSpace:
      return "space";
    case Format::kAdjacency:
      return "adjacency";
  }
  return "";
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view take_word(std::string_view& text) {
  std::size_t begin = 0;
  while (begin < text.size() && is_blank(text[begin])) ++begin;
  std::size_t end = begin;
  while (end < text.size() && !is_blank(text[end])) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

FieldSplitter::FieldSplitter(Format format, const FieldRules& rules)
    : format_(format), words_(format == Format::kSpace || format == Format::kAdjacency) {
  if (format == Format::kTsv) separator_ = '\t';
  if (format == Format::kPipe) separator_ = '|';
  if (format == Format::kSemicolon) separator_ = ';';
  const bool may_quote =
      format == Format::kCsv || format == Format::kTsv || format == Format::kSemicolon || format == Format::kSpace;
  quotes_ = may_quote && rules.quotes;
  blanks_follow_ = rules.blanks_follow;
}

FieldSplitter::Status FieldSplitter::split(std::string_view line) {
  fields_.clear();
  if (quotes_ && line.find('"') != std::string_view::npos) return split_quoted(line);
  if (words_) {
    split_words(line);
  } else if (format_ == Format::kDat) {
    split_dat(line);
  } else {
    split_plain(line);
  }
  return Status::kOk;
}

bool FieldSplitter::ends_quote(std::string_view text) {
  std::size_t quote = text.find('"');
  while (quote != std::string_view::npos && quote + 1 < text.size() && text[quote + 1] == '"') {
    quote = text.find('"', quote + 2);
  }
  return quote != std::string_view::npos;
}

std::string FieldSplitter::describe(Status status) const {
  const std::string value = in_quotes(fields_.back());
  if (status == Status::kOpenQuote) {
    return fmt::format("column {}: {} begins with a quote that does not end", fields_.size(), value);
  }
  if (fields_.back().find("\\\"") != std::string_view::npos) {
    return fmt::format("column {}: {} holds a quote behind a backslash, and such quotes are written twice: {}",
                       fields_.size(), value, kDoubleQuotes);
  }
  return fmt::format("column {}: {} goes on after its closing quote; a quote inside a quoted field is written twice",
                     fields_.size(), value);
}

void FieldSplitter::split_words(std::string_view line) {
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) fields_.push_back(word);
}

// Where the field begins that stands at `begin` or, where blanks part fields, behind them.
std::size_t FieldSplitter::field_begin(std::string_view line, std::size_t begin) const {
  while (words_ && begin < line.size() && is_blank(line[begin])) ++begin;
  while (blanks_follow_ && begin < line.size() && line[begin] == ' ') ++begin;
  return begin;
}

void FieldSplitter::split_plain(std::string_view line) {
  std::size_t begin = 0;
  for (std::size_t n = 0; n < line.size(); ++n) {
    if (line[n] != separator_) continue;
    fields_.push_back(line.substr(begin, n - begin));
    begin = n + 1;
  }
  fields_.push_back(line.substr(begin));
  if (!blanks_follow_) return;
  for (std::string_view& field : fields_) field.remove_prefix(field_begin(field, 0));
}

void FieldSplitter::split_dat(std::string_view line) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = line.find("::", begin);
    fields_.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return;
    begin = end + 2;
  }
}

FieldSplitter::Status FieldSplitter::split_quoted(std::string_view line) {
  n_unescaped_ = 0;
  std::size_t begin = field_begin(line, 0);
  while (!words_ || begin < line.size()) {
    const auto separator_after = [&](std::size_t from) {
      return std::min(words_ ? line.find_first_of(" \t", from) : line.find(separator_, from), line.size());
    };
    std::size_t end = 0;
    if (begin < line.size() && line[begin] == '"') {
      bool escapes = false;
      std::size_t close = line.find('"', begin + 1);
      while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '"') {
        escapes = true;
        close = line.find('"', close + 2);
      }
      if (close == std::string_view::npos) {
        fields_.push_back(line.substr(begin));
        return Status::kOpenQuote;
      }
      const std::string_view content = line.substr(begin + 1, close - begin - 1);
      fields_.push_back(escapes ? unescape(content) : content);
      end = close + 1;
      if (end < line.size() && !is_separator(line[end])) {
        fields_.back() = line.substr(begin, separator_after(end) - begin);
        return Status::kTextAfterQuote;
      }
    } else {
      end = separator_after(begin);
      fields_.push_back(line.substr(begin, end - begin));
    }
    if (end == line.size()) return Status::kOk;
    begin = field_begin(line, end + 1);
  }
  return Status::kOk;
}

std::string_view FieldSplitter::unescape(std::string_view text) {
  if (n_unescaped_ == unescaped_.size()) unescaped_.push_back(std::make_unique<std::string>());
  std::string& out = *unescaped_[n_unescaped_++];
  out.clear();
  for (std::size_t n = 0; n < text.size(); ++n) {
    out.push_back(text[n]);
    if (text[n] == '"') ++n;
  }
  return out;
}

}  // namespace unfold
