#include "core/hop.hpp"
#include "core/octets.hpp"

namespace sluice::core {

std::string_view cookie_value(const Fields& fields, std::string_view name) {
  std::string_view value;
  bool found = false;
  for (const Field& field : fields) {
    if (field.id != FieldId::cookie) continue;
    each_element(field.value, ';', [&](std::string_view pair) {
      const std::size_t equals = pair.find('=');
      if (found || equals == std::string_view::npos) return;
      if (trim_blanks(pair.substr(0, equals)) != name) return;
      value = trim_blanks(pair.substr(equals + 1));
      found = true;
    });
    if (found) break;
  }
  return value;
}

}  // namespace sluice::core
