#include "host/data/interaction_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "unfold/error.hpp"

namespace unfold {
namespace {

constexpr std::size_t kMaxTableLineBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxListLineBytes = std::size_t{1} << 28;
constexpr std::uint64_t kLinesPerProgressCheck = 4096;
constexpr std::chrono::milliseconds kProgressInterval{300};

InputFormat detect(LineReader& lines, const ImportOptions& options, const std::string& source) {
  const std::string_view sample = lines.peek(kSampleBytes);
  return detect_format(sample, lines.peeked_everything(), options, source);
}

bool is_blank_line(std::string_view line, Format format) {
  const bool words = format == Format::kSpace || format == Format::kAdjacency;
  return line.empty() || (words && line.find_first_not_of(" \t") == std::string_view::npos);
}

}  // namespace

RejectedLines::RejectedLines(const std::vector<std::filesystem::path>& sources, const ImportOptions& options)
    : target_(options.rejected_file) {
  const bool is_named = !target_.empty();
  if (!is_named) target_ = sources.front().filename().string() + ".rejected";
  existing_ = !is_named ? Existing::kNextFree : options.overwrite ? Existing::kReplace : Existing::kRefuse;
  std::vector<NamedInput> inputs;
  for (const std::filesystem::path& source : sources) inputs.push_back({"input", source});
  if (options.on_error == OnError::kSkip && is_named) check_output(target_, inputs, existing_);
}

RejectedLines::~RejectedLines() {
  std::error_code ignored;
  if (!committed_.empty() && open_descriptor(committed_) < 0) std::filesystem::remove(committed_, ignored);
}

void RejectedLines::write(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!writer_.has_value()) {
    staged_.emplace(target_, existing_);
    writer_.emplace(FileWriter::create(staged_->path()));
  }
  writer_->write(bytes);
  line_is_open_ = bytes.back() != '\n';
}

void RejectedLines::end_line() {
  if (line_is_open_) write("\n");
}

RejectedFile RejectedLines::commit() {
  if (!writer_.has_value()) return {};
  writer_->close();
  // Of the lines before they go: a descriptor cannot be read again.
  const ContentHash hash = hash_file(staged_->path());
  committed_ = staged_->commit();
  return {committed_, hash};
}

InteractionReader::InteractionReader(const std::vector<std::filesystem::path>& sources, const ImportOptions& options,
                                     const ImportProgress& progress)
    : sources_(sources),
      source_(std::in_place, sources.at(0)),
      lines_(std::in_place, *source_),
      format_(detect(*lines_, options, source_->name())),
      parser_(format_),
      line_parser_(format_),
      on_error_(options.on_error),
      max_line_bytes_(format_.format == Format::kAdjacency ? kMaxListLineBytes : kMaxTableLineBytes),
      rejected_(sources_, options),
      progress_(progress),
      last_progress_(std::chrono::steady_clock::now()) {
  lines_->set_max_line_bytes(max_line_bytes_);
  for (const std::filesystem::path& source : sources) {
    std::error_code error;
    const std::uint64_t bytes = std::filesystem::file_size(source, error);
    bytes_total_ += error ? 0 : bytes;  // of a pipe nobody knows
  }
  report_.source = source_->name();
  if (sources.size() > 1) report_.source += fmt::format(" and {} more", sources.size() - 1);
  report_.format = format_name(format_.format);
  report_.columns = format_.columns_text();
  report_.has_ratings = format_.column(Role::kRating) != kNoColumn;
  report_.has_times = has_times();
  report_.notes = format_.notes;
  if (progress_) progress_(source_->raw_bytes_read(), bytes_total_);
}

ContentHash InteractionReader::hash() const {
  std::vector<ContentHash> hashes = hashes_;
  hashes.push_back(source_->hash());
  return combined_hash(hashes);
}

std::string InteractionReader::describe_empty() const {
  if (!header_line_.empty()) return "no ratings: nothing follows the line with the columns' names";
  return fmt::format("no ratings in {} {}; one interaction is the least", report_.n_lines,
                     report_.n_lines == 1 ? "line" : "lines");
}

// Goes on to the next source; false where there is none.
bool InteractionReader::open_next() {
  if (n_open_ == sources_.size()) return false;
  hashes_.push_back(source_->hash());
  bytes_before_ += source_->raw_bytes_read();
  lines_.reset();
  lines_.emplace(source_.emplace(sources_[n_open_++]));
  lines_->set_max_line_bytes(max_line_bytes_);
  at_front_ = true;
  return true;
}

bool InteractionReader::next(Record& record) {
  while (!parser_.next(record)) {
    if (!next_line()) return false;
  }
  ++report_.n_parsed;
  return true;
}

// Goes on to the next line that could be parsed.
bool InteractionReader::next_line() {
  bool header_due = format_.has_header && !format_.header_is_comment && report_.n_lines == 0;
  while (true) {
    const LineReader::Result result = lines_->next();
    if (result == LineReader::Result::kEnd) {
      if (open_next()) continue;
      report_progress(true);
      note_late_decimals();
      return false;
    }
    if (++report_.n_lines % kLinesPerProgressCheck == 0) report_progress(false);
    if (result == LineReader::Result::kTooLong) {
      handle_bad_line(
          fmt::format("the line is longer than {} bytes, the most a line of this format may have", max_line_bytes_));
    } else if (result == LineReader::Result::kNul) {
      handle_bad_line(fmt::format("byte {} of the line is NUL, which text does not hold (a binary file, or UTF-16?)",
                                  lines_->nul_column()));
    } else if (is_blank_line(lines_->text(), format_.format)) {
      continue;
    } else if (format_.comment != '\0' && lines_->text()[0] == format_.comment) {
      ++report_.n_comments;
    } else if (header_due) {
      header_due = false;
      header_line_ = lines_->text();
      pass_header();
    } else if (std::exchange(at_front_, false) && !header_line_.empty() && line_parser_.is_heading(lines_->text())) {
      if (lines_->text() != header_line_) {
        fail(fmt::format("names other columns than the first line of {}; import it apart", sources_[0].string()));
      }
      pass_header();
    } else if (parse_line()) {
      return true;
    } else {
      handle_bad_line(line_error_);
    }
  }
}

// Of ids that are written as decimals from somewhere behind the sample on.
void InteractionReader::note_late_decimals() {
  for (const Role role : {Role::kUser, Role::kItem}) {
    if (parser_.has_whole_decimals(role)) format_.note_whole_ids(role, "7.0");
  }
  report_.notes = format_.notes;
}

// The lines of a header whose names hold line breaks.
void InteractionReader::pass_header() {
  bool open = !parser_.parse(lines_->text()) && parser_.is_open();
  while (open && lines_->extend()) open = !parser_.parse(lines_->text()) && parser_.is_open();
  report_.n_lines += lines_->n_joined() - 1;
}

bool InteractionReader::parse_line() {
  if (parser_.parse(lines_->text())) return true;
  line_error_ = parser_.error();
  return parser_.is_open() && parse_joined();
}

// Reads a record whose quoted field goes on in the lines after. A line in it that is a record by itself speaks for a
// quote that is none: joining would lose it without a word.
bool InteractionReader::parse_joined() {
  std::size_t bytes = lines_->text().size();
  while (lines_->extend()) {
    const std::string_view more = lines_->text().substr(bytes);
    bytes = lines_->text().size();
    const std::string_view line = more.substr(std::min(more.find_first_not_of("\r\n"), more.size()));
    if (!format_.quotes_are_sure && line_parser_.parse(line)) {
      line_error_ += fmt::format(
          "; it would hold line {}, a record by itself (quotes around fields with line breaks: "
          "--quote double)",
          lines_->number() + lines_->n_joined() - 1);
      break;
    }
    if (!FieldSplitter::ends_quote(more)) continue;
    if (parser_.parse(lines_->text())) {
      report_.n_lines += lines_->n_joined() - 1;
      return true;
    }
    if (!parser_.is_open() || parser_.is_too_long()) {
      if (!parser_.is_open()) line_error_ = parser_.error();
      break;
    }
  }
  lines_->give_back();
  return false;
}

// A bad line among good ones is to be mended; where many are bad, the file is not laid out as it was taken to be.
std::string InteractionReader::remedy() const {
  if (format_.n_misfits < 3 || 10 * format_.n_misfits < format_.n_sampled) {
    return "; fix the line or pass --on-error skip";
  }
  return fmt::format(
      "; of the first {} lines, {} cannot be read as {} with columns {}: say how the file is laid out (--format, "
      "--columns, --header, --quote), or pass --on-error skip to leave such lines out",
      format_.n_sampled, format_.n_misfits, report_.format, report_.columns);
}

void InteractionReader::handle_bad_line(const std::string& error) {
  if (parser_.names_other_columns()) fail(error);
  if (on_error_ == OnError::kFail) throw DataError(at_line(error) + remedy());
  if (first_error_.empty()) first_error_ = at_line(error);
  ++report_.n_rejected;
  rejected_.write(lines_->raw());
  for (std::string_view rest = lines_->skip_rest(); !rest.empty(); rest = lines_->skip_rest()) rejected_.write(rest);
  rejected_.end_line();
}

void InteractionReader::fail(const std::string& text) const { throw DataError(at_line(text)); }

std::string InteractionReader::at_line(const std::string& text) const {
  return fmt::format("{}:{}: {}", source_->name(), lines_->number(), text);
}

void InteractionReader::report_progress(bool at_end) {
  if (!progress_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!at_end && now - last_progress_ < kProgressInterval) return;
  last_progress_ = now;
  progress_(bytes_before_ + source_->raw_bytes_read(), bytes_total_);
}

}  // namespace unfold
