#include "core/backend.hpp"

namespace sluice::core {

std::string_view to_string(FailureReason reason) {
  switch (reason) {
    case FailureReason::connect_refused:
      return "connect_refused";
    case FailureReason::connect_failed:
      return "connect_failed";
    case FailureReason::connect_timeout:
      return "connect_timeout";
    case FailureReason::name_unresolved:
      return "name_unresolved";
    case FailureReason::reset:
      return "reset";
    case FailureReason::first_byte_timeout:
      return "first_byte_timeout";
    case FailureReason::idle_timeout:
      return "idle_timeout";
    case FailureReason::bad_response:
      return "bad_response";
    case FailureReason::count_:
      break;
  }
  return "unknown";
}

}  // namespace sluice::core
