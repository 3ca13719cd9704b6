#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "tests/support/message.hpp"

namespace sluice::support {

/// An answer of the admin interface.
struct AdminAnswer {
  unsigned status = 0;
  Fields fields;
  std::string text;
  boost::json::value json;  ///< null when the body is no JSON

  /// The value at an RFC 6901 pointer, or null.
  const boost::json::value& at(std::string_view pointer) const;
  /// The same as a number or text; -1 and "" when there is none.
  std::int64_t number(std::string_view pointer) const;
  std::string string(std::string_view pointer) const;
};
std::ostream& operator<<(std::ostream& out, const AdminAnswer& answer);

/// The admin interface at `address`, a connection per call. Throws Failure when no answer comes.
class AdminClient {
 public:
  explicit AdminClient(std::string address, std::string token = "")
      : address_(std::move(address)), token_(std::move(token)) {}

  AdminAnswer get(std::string_view path) const { return call("GET", path); }
  AdminAnswer put(std::string_view path, std::string_view body,
                  std::string_view fields = "") const {
    return call("PUT", path, body, fields);
  }
  AdminAnswer post(std::string_view path, std::string_view body = "{}") const {
    return call("POST", path, body);
  }
  AdminAnswer remove(std::string_view path, std::string_view body = "") const {
    return call("DELETE", path, body);
  }
  AdminAnswer call(std::string_view method, std::string_view path, std::string_view body = "",
                   std::string_view fields = "") const;

  /// PUT /v1/routes/{route}/split with the weights of pools v1 and v2.
  AdminAnswer split(std::string_view weight_v1, std::string_view weight_v2,
                    std::string_view route = "all") const;

  /// The sum of the samples of `name` in GET /metrics whose labels contain all of `labels`
  /// (`pool="v1"`); 0 when there are none.
  double metric(std::string_view name, std::initializer_list<std::string_view> labels = {}) const;

 private:
  std::string address_;
  std::string token_;
};

}  // namespace sluice::support
