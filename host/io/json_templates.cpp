#include "host/io/json_templates.hpp"

UNFOLD_JSON_TEMPLATES()

#if defined(UNFOLD_JSON_DETAILS)
namespace nlohmann::detail {
UNFOLD_JSON_DETAILS()
}  // namespace nlohmann::detail
#endif
