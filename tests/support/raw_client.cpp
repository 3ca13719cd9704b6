#include "tests/support/raw_client.hpp"

namespace sluice::support {

std::string request_text(std::string_view method, std::string_view target, std::string_view fields,
                         std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: test.example\r\n");
  text.append(fields);
  if (!body.empty()) text.append("Content-Length: " + std::to_string(body.size()) + "\r\n");
  return text.append("\r\n").append(body);
}

}  // namespace sluice::support
