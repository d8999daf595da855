#include "host/data/interaction_reader.hpp"

#include <fmt/format.h>

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

RejectedLines::RejectedLines(const std::filesystem::path& source, const ImportOptions& options)
    : target_(options.rejected_file) {
  const bool is_named = !target_.empty();
  if (!is_named) target_ = source.filename().string() + ".rejected";
  existing_ = !is_named ? Existing::kNextFree : options.overwrite ? Existing::kReplace : Existing::kRefuse;
  const NamedInput inputs[] = {{"DATA", source}};
  if (options.on_error == OnError::kSkip && is_named) check_output(target_, inputs, existing_);
}

RejectedLines::~RejectedLines() {
  std::error_code ignored;
  if (!committed_.empty()) std::filesystem::remove(committed_, ignored);
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

std::filesystem::path RejectedLines::commit() {
  if (!writer_.has_value()) return {};
  writer_->close();
  committed_ = staged_->commit();
  return committed_;
}

std::filesystem::path InteractionReader::commit_rejected() {
  const std::filesystem::path file = rejected_.commit();
  report_.rejected_file = file.string();
  return file;
}

InteractionReader::InteractionReader(const std::filesystem::path& source, const ImportOptions& options,
                                     const ImportProgress& progress)
    : source_(source),
      lines_(source_),
      format_(detect(lines_, options, source_.name())),
      parser_(format_),
      on_error_(options.on_error),
      max_line_bytes_(format_.format == Format::kAdjacency ? kMaxListLineBytes : kMaxTableLineBytes),
      rejected_(source, options),
      progress_(progress),
      last_progress_(std::chrono::steady_clock::now()) {
  lines_.set_max_line_bytes(max_line_bytes_);
  report_.source = source_.name();
  report_.format = format_name(format_.format);
  report_.columns = format_.columns_text();
  report_.has_ratings = format_.column(Role::kRating) != kNoColumn;
  report_.has_times = has_times();
  if (progress_) progress_(source_.raw_bytes_read(), source_.raw_bytes_total());
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
  bool header_due = format_.has_header && report_.n_lines == 0;
  while (true) {
    const LineReader::Result result = lines_.next();
    if (result == LineReader::Result::kEnd) {
      report_progress(true);
      return false;
    }
    if (++report_.n_lines % kLinesPerProgressCheck == 0) report_progress(false);
    if (result == LineReader::Result::kTooLong) {
      handle_bad_line(
          fmt::format("the line is longer than {} bytes, the most a line of this format may have", max_line_bytes_));
    } else if (result == LineReader::Result::kNul) {
      handle_bad_line(fmt::format("byte {} of the line is NUL, which text does not hold (a binary file, or UTF-16?)",
                                  lines_.nul_column()));
    } else if (is_blank_line(lines_.text(), format_.format)) {
      continue;
    } else if (header_due) {
      header_due = false;
    } else if (parser_.parse(lines_.text())) {
      return true;
    } else {
      handle_bad_line(parser_.error());
    }
  }
}

void InteractionReader::handle_bad_line(const std::string& error) {
  if (on_error_ == OnError::kFail) throw DataError(at_line(error) + "; fix the line or pass --on-error skip");
  if (first_error_.empty()) first_error_ = at_line(error);
  ++report_.n_rejected;
  rejected_.write(lines_.raw());
  for (std::string_view rest = lines_.skip_rest(); !rest.empty(); rest = lines_.skip_rest()) rejected_.write(rest);
  rejected_.end_line();
  report_.rejected_file = rejected_.target().string();
}

void InteractionReader::fail(const std::string& text) const { throw DataError(at_line(text)); }

std::string InteractionReader::at_line(const std::string& text) const {
  return fmt::format("{}:{}: {}", source_.name(), lines_.number(), text);
}

void InteractionReader::report_progress(bool at_end) {
  if (!progress_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!at_end && now - last_progress_ < kProgressInterval) return;
  last_progress_ = now;
  progress_(source_.raw_bytes_read(), source_.raw_bytes_total());
}

}  // namespace unfold
