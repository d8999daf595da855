#include "host/models/model_kinds.hpp"

namespace unfold {

const std::vector<std::string>& known_model_kinds() {
  static const std::vector<std::string> kinds = {"mf", "softmax"};
  return kinds;
}

}  // namespace unfold
