#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

/// The command line's side of the admin interface: blocking HTTP/1.1, one connection per call.
namespace sluice::proxy::program {

/// Where the admin interface of a proxy is.
struct AdminEndpoint {
  std::string text;  ///< as the user wrote it
  std::string host;  ///< "" for a unix socket
  std::string port;
  std::string path;  ///< of the unix socket
};

/// Reads "127.0.0.1:9901", "[::1]:9901", "name:9901", "unix:/path", the TCP ones also with
/// "http://" before and "/" behind. The error is a sentence.
core::Result<AdminEndpoint, std::string> parse_endpoint(std::string_view text);

struct AdminOrder {
  std::string method = "GET";
  std::string target = "/";
  std::string body;  ///< JSON; "": none
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<std::chrono::seconds> patience{30};  ///< for an octet to come; none: for ever
};

struct AdminAnswer {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

class AdminClient {
 public:
  AdminClient(AdminEndpoint endpoint, std::string token)
      : endpoint_(std::move(endpoint)), token_(std::move(token)) {}

  /// Makes the call and waits for its answer, whatever its status. The error is a sentence that
  /// says which proxy could not be reached, why, and what to check.
  core::Result<AdminAnswer, std::string> call(const AdminOrder& order) const;

  /// Takes a piece of the body of a 200; false ends the stream.
  using Piece = std::function<bool(std::string_view)>;
  /// The same, but hands over the body of a 200 as it comes. Returns at its end.
  core::Result<AdminAnswer, std::string> stream(const AdminOrder& order, const Piece& piece) const;

 private:
  std::string request_text(const AdminOrder& order) const;
  std::string unreachable(std::string_view why) const;

  AdminEndpoint endpoint_;
  std::string token_;
};

}  // namespace sluice::proxy::program
