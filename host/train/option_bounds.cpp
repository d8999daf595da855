#include "host/train/option_bounds.hpp"

#include <fmt/format.h>

#include "unfold/op_arguments.hpp"

namespace unfold {
namespace {

struct NamedBounds {
  std::string_view option;
  WholeNumbers bounds;
};

constexpr NamedBounds kBounds[] = {{"dim", {1, 1024}},
                                   {"epochs", {1}},
                                   {"batch-size", {0, (std::uint64_t{1} << 31) - 1}},
                                   {"threads", {0, 256}},
                                   {"n-negatives", {1, 1u << 20}},
                                   {"weight-rank", {0, kMaxTopK}},
                                   {"refresh-epochs", {1}}};

}  // namespace

std::string WholeNumbers::to_string() const {
  if (most == WholeNumbers{}.most) return fmt::format("{} or more", least);
  return fmt::format("{} to {}", least, most);
}

WholeNumbers bounds_of(std::string_view option) {
  for (const NamedBounds& named : kBounds) {
    if (named.option == option) return named.bounds;
  }
  return {};
}

}  // namespace unfold
