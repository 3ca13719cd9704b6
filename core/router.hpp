#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/head.hpp"
#include "sluice/settings.hpp"

namespace sluice::core {

/// How a host begins that stands for every name below the rest of it.
inline constexpr std::string_view wildcard_prefix = "*.";

/// Finds the route of a request. Exact host before wildcard (longest suffix first) before any; then
/// the longest path prefix on segment borders; then the most conditions (methods and fields); then
/// name order. When the conditions of the best candidate do not hold, the next best is taken, also
/// a shorter path or a wider host.
///
/// Hosts are compared without case, port and trailing dot; "*.example.com" matches every name below
/// example.com, not example.com itself. A request without a host matches only routes for any host.
/// Paths are compared octet by octet, without the query; "/a" holds "/a" and "/a/b", not "/ab";
/// "/a/" holds only what begins with "/a/". "OPTIONS *" matches routes with the path "/", as it
/// asks about the whole server (RFC 9110 section 9.3.7). A list of methods is one condition, each
/// field another; a field holds when one of its lines has exactly the value. Of two routes that are
/// equal in all of this the one with the smaller name wins.
///
/// Cost does not grow with the number of routes: hash look-ups, one per distinct length of a path
/// configured for a host.
class Router {
 public:
  /// The index into `routes` is what match() gives back. Keeps no reference to `routes`.
  explicit Router(std::span<const RouteSettings> routes);
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// Uses authority, path, method and fields of `head`. No allocation.
  std::optional<std::uint32_t> match(const RequestHead& head) const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace sluice::core
