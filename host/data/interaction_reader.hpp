// Raw files as a stream of interactions: opens them, finds out their format, and keeps account of every line.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/data/format.hpp"
#include "host/data/line_reader.hpp"
#include "host/data/record_parser.hpp"
#include "host/data/text_source.hpp"
#include "host/io/file.hpp"
#include "host/io/staged.hpp"
#include "unfold/dataset.hpp"

namespace unfold {

// Where rejected lines are; both empty where there are none.
struct RejectedFile {
  std::filesystem::path path;
  ContentHash hash;
};

// The lines that an import leaves out, in a file that appears when there is one, whole or not at all.
class RejectedLines {
 public:
  // Throws UsageError where options.rejected_file is the source, or is there and may not be replaced.
  RejectedLines(const std::vector<std::filesystem::path>& sources, const ImportOptions& options);
  // Removes the file that was committed, unless it is to be kept.
  ~RejectedLines();
  RejectedLines(const RejectedLines&) = delete;
  RejectedLines& operator=(const RejectedLines&) = delete;
  // Part of a line, or all of it, as it stands in the input.
  void write(std::string_view bytes);
  // Ends a last line that has no end.
  void end_line();
  // Puts the file in place.
  RejectedFile commit();
  void keep() { committed_.clear(); }

 private:
  std::filesystem::path target_;
  Existing existing_;
  std::filesystem::path committed_;  // and not to be kept yet
  std::optional<StagedFile> staged_;
  std::optional<FileWriter> writer_;
  bool line_is_open_ = false;
};

class InteractionReader {
 public:
  // Reads `sources` (one or more) one after the other. The first decides the format; where it has a header, the same
  // line at the front of another is passed over. Throws DataError, UsageError.
  InteractionReader(const std::vector<std::filesystem::path>& sources, const ImportOptions& options,
                    const ImportProgress& progress = {});

  // The next interaction; false at the end of the file. Views are valid until the next call. Throws DataError that
  // names file and line for a line that cannot be read, unless on_error is skip.
  bool next(Record& record);

  // Throws a DataError about the present line.
  [[noreturn]] void fail(const std::string& text) const;

  const InputFormat& format() const { return format_; }
  bool has_times() const { return format_.column(Role::kTime) != kNoColumn; }
  // Source, format, columns, and the counts of lines so far; the rest, the rejected file too, is at its defaults.
  const ImportReport& report() const { return report_; }
  // What is wrong with input that ended without an interaction and without a bad line.
  std::string describe_empty() const;
  // "" where no line was rejected, else what was wrong with the first one.
  const std::string& first_error() const { return first_error_; }
  // Of the files' bytes, as hash_files gives it, once next() has returned false.
  ContentHash hash() const;
  // Puts the rejected lines, if any, in place.
  RejectedFile commit_rejected() { return rejected_.commit(); }
  // Their file outlives the reader from here on.
  void keep_rejected() { rejected_.keep(); }

 private:
  bool open_next();
  bool next_line();
  bool parse_line();
  bool parse_joined();
  void note_late_decimals();
  void pass_header();
  std::string remedy() const;
  void handle_bad_line(const std::string& error);
  void report_progress(bool at_end);
  std::string at_line(const std::string& text) const;

  std::vector<std::filesystem::path> sources_;
  std::size_t n_open_ = 1;            // sources opened so far
  bool at_front_ = false;             // of a later source: nothing but comments and blank lines were read of it
  std::vector<ContentHash> hashes_;   // of those read to their end, before the present one
  std::uint64_t bytes_before_ = 0;    // of the same
  std::uint64_t bytes_total_ = 0;     // of all
  std::optional<TextSource> source_;  // the present one
  std::optional<LineReader> lines_;
  InputFormat format_;
  RecordParser parser_;
  RecordParser line_parser_;  // of lines inside a quoted field
  OnError on_error_;
  std::size_t max_line_bytes_;
  RejectedLines rejected_;
  ImportProgress progress_;
  std::chrono::steady_clock::time_point last_progress_;
  ImportReport report_;
  std::string first_error_;
  std::string header_line_;
  std::string line_error_;  // of the present line
};

}  // namespace unfold
