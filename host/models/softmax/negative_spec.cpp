#include "host/models/softmax/negative_spec.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "unfold/error.hpp"
#include "unfold/softmax_arguments.hpp"

namespace unfold {
namespace {

// Of a user with more of them the first ones are looked at.
constexpr std::uint32_t kMostDisliked = 64;

[[noreturn]] void refuse(std::string_view text, std::string_view term, std::string_view why) {
  throw UsageError(fmt::format(
      "--negatives {}: \"{}\" {}; use uniform, popularity:ALPHA, in-batch, mixed:FRACTION or full, a hard kind "
      "(hard:M/N, score-weighted:M/N, adaptive:M/N, mined:M/K, disliked:M), or both as in uniform+hard:8/256",
      text, term, why));
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Of a term "name" or "name:value".
struct Term {
  std::string_view text, name, value;

  explicit Term(std::string_view t) : text(t), name(t.substr(0, t.find(':'))) {
    if (name.size() < t.size()) value = t.substr(name.size() + 1);
  }
  bool has_value() const { return name.size() < text.size(); }
};

std::optional<RandomNegatives> random_kind(std::string_view name) {
  if (name == "uniform") return RandomNegatives::kUniform;
  if (name == "popularity") return RandomNegatives::kPopularity;
  if (name == "in-batch") return RandomNegatives::kInBatch;
  if (name == "mixed") return RandomNegatives::kMixed;
  if (name == "full") return RandomNegatives::kFull;
  return std::nullopt;
}

std::optional<HardNegatives> hard_kind(std::string_view name) {
  if (name == "hard") return HardNegatives::kHardest;
  if (name == "score-weighted") return HardNegatives::kScoreWeighted;
  if (name == "adaptive") return HardNegatives::kAdaptive;
  if (name == "disliked") return HardNegatives::kDisliked;
  if (name == "mined") return HardNegatives::kMined;
  return std::nullopt;
}

void set_random(NegativeSpec& spec, RandomNegatives kind, std::string_view text, const Term& term) {
  if (spec.random != RandomNegatives::kNone) refuse(text, term.text, "is a second random kind");
  spec.random = kind;
  const std::optional<double> value = number<double>(term.value);
  if (kind == RandomNegatives::kPopularity) {
    if (!value || !(*value >= 0) || !std::isfinite(*value)) refuse(text, term.text, "needs an exponent of 0 or more");
    spec.alpha = *value;
  } else if (kind == RandomNegatives::kMixed) {
    if (!value || !(*value > 0 && *value < 1)) refuse(text, term.text, "needs a fraction between 0 and 1");
    spec.in_batch_fraction = *value;
  } else if (term.has_value()) {
    refuse(text, term.text, "takes no value");
  }
}

void set_hard(NegativeSpec& spec, HardNegatives kind, std::string_view text, const Term& term) {
  if (spec.hard != HardNegatives::kNone) refuse(text, term.text, "is a second hard kind");
  spec.hard = kind;
  const std::size_t slash = term.value.find('/');
  // Without M, or without both: what does well in docs/tuning.md.
  std::optional<std::uint32_t> kept = 8, candidates = kind == HardNegatives::kMined ? 50 : 256;
  if (kind == HardNegatives::kDisliked) {
    if (term.has_value()) kept = number<std::uint32_t>(term.value);
    candidates = std::max(kept.value_or(0), kMostDisliked);
  } else if (slash != std::string_view::npos) {
    kept = number<std::uint32_t>(term.value.substr(0, slash));
    candidates = number<std::uint32_t>(term.value.substr(slash + 1));
  } else if (term.has_value()) {
    candidates = number<std::uint32_t>(term.value);
    if (candidates) kept = std::min(*kept, *candidates);
  }
  if (!kept || !candidates || *kept < 1 || *kept > *candidates || *candidates > kMaxCandidates) {
    const char* const numbers = kind == HardNegatives::kDisliked ? "M with 1 <= M"
                                : kind == HardNegatives::kMined  ? "M/K with 1 <= M <= K"
                                                                 : "M/N with 1 <= M <= N";
    refuse(text, term.text, fmt::format("needs {} <= {}", numbers, kMaxCandidates));
  }
  spec.n_hard = *kept;
  spec.n_candidates = *candidates;
}

}  // namespace

NegativeSpec NegativeSpec::parse(std::string_view text) {
  NegativeSpec spec;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    const Term term(text.substr(begin, end - begin));
    if (const auto random = random_kind(term.name)) {
      set_random(spec, *random, text, term);
    } else if (const auto hard = hard_kind(term.name)) {
      set_hard(spec, *hard, text, term);
    } else {
      refuse(text, term.text, "is unknown");
    }
    begin = end + 1;
  }
  return spec;
}

}  // namespace unfold
