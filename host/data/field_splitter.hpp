// One line of an input file to its fields, for each kind of text that is read.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace unfold {

// How the fields of a line are told apart.
enum class Format {
  kCsv,        // ',', with quotes
  kTsv,        // tab, with quotes
  kDat,        // "::", as in MovieLens 1M and 10M
  kPipe,       // '|'
  kSemicolon,  // ';', with quotes
  kSpace,      // spaces and tabs, any number, with quotes
  kAdjacency,  // the same; a user and then the user's items
};

// "csv", "tsv", "dat", "pipe", "semicolon", "space", "adjacency".
const char* format_name(Format format);

// True for the spaces and tabs that part the fields of kSpace and kAdjacency.
inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The text without blanks before and after it.
std::string_view without_blanks(std::string_view text);

// Takes the first word off a text whose words are parted by blanks; empty where there is none.
std::string_view take_word(std::string_view& text);

// What makes two quotes of one behind a backslash.
inline constexpr const char* kDoubleQuotes = "sed 's/\\\\\"/\"\"/g' FILE > ratings.csv";

// How the fields of one file are written, beside their separator.
struct FieldRules {
  bool quotes = true;          // false: '"' is a character like any other
  bool blanks_follow = false;  // blanks behind a separator belong to it
};

class FieldSplitter {
 public:
  enum class Status {
    kOk,
    kOpenQuote,       // a quoted field does not end in the text
    kTextAfterQuote,  // something other than a separator follows a quoted field
  };

  explicit FieldSplitter(Format format, const FieldRules& rules = {});

  // Quotes as in RFC 4180: a field that begins with '"' ends with one, "" in it stands for '"', and separators and line
  // ends in it are part of it. A '"' further back in a field is a character like any other. Fields keep their blanks.
  Status split(std::string_view line);
  // Whether a text that goes on inside a quoted field ends it.
  static bool ends_quote(std::string_view text);
  // Views of the line or of this splitter, valid until the next split.
  const std::vector<std::string_view>& fields() const { return fields_; }
  // What is wrong with the line that the last split found not kOk, for messages.
  std::string describe(Status status) const;

 private:
  void split_plain(std::string_view line);
  void split_words(std::string_view line);
  Status split_quoted(std::string_view line);
  std::size_t field_begin(std::string_view line, std::size_t begin) const;
  bool is_separator(char c) const { return words_ ? is_blank(c) : c == separator_; }
  void split_dat(std::string_view line);
  std::string_view unescape(std::string_view text);

  Format format_;
  char separator_ = ',';
  bool quotes_ = false;
  bool words_ = false;  // fields are parted by any number of blanks
  bool blanks_follow_ = false;
  std::vector<std::string_view> fields_;
  std::vector<std::unique_ptr<std::string>> unescaped_;  // fields that held ""
  std::size_t n_unescaped_ = 0;
};

}  // namespace unfold
