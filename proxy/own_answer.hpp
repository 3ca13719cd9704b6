#pragma once

#include <string>
#include <string_view>

#include "core/backend.hpp"

namespace sluice::proxy {

/// An answer of the proxy's own (product.md, "What the proxy answers itself").
struct OwnAnswer {
  unsigned status = 500;
  std::string_view detail = {};       ///< one sentence
  std::string_view proxy_error = {};  ///< RFC 9209 section 2.3 error type; "" for none
  std::string_view allow = {};        ///< value of Allow, or ""
  bool retry_after = false;           ///< say Retry-After: 1
};

/// The RFC 9209 error type for a failure on the backend's side.
std::string_view proxy_error_of(core::FailureReason reason);

/// The answer to a request whose last attempt failed for `reason`: 502 or 504.
OwnAnswer answer_for(core::FailureReason reason);

struct OwnAnswerForm {
  bool json = false;          ///< the client asked for JSON
  bool without_body = false;  ///< answers a HEAD
  bool close = false;
  std::string_view request_id;
  std::string_view date;
};

/// Appends the whole answer, head and body.
void write_own_answer(std::string& out, const OwnAnswer& answer, const OwnAnswerForm& form);

}  // namespace sluice::proxy
