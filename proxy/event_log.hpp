#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "proxy/control.hpp"

namespace sluice::proxy {

/// The newest events, and who wants to hear of them. Control thread only.
class EventLog {
 public:
  static constexpr std::size_t kept = 1024;

  void add(std::string type, std::string body);
  /// Puts what another process had before its own events, whose numbers go on behind those.
  void go_on_from(std::vector<Event> before);
  std::vector<Event> since(std::uint64_t last_id) const;
  /// `listener` is called for every new event until the token is destroyed, which it may do itself.
  std::shared_ptr<void> subscribe(std::function<void(const Event&)> listener);

 private:
  using Listener = std::function<void(const Event&)>;
  std::deque<Event> events_;
  std::vector<std::weak_ptr<Listener>> listeners_;
  std::uint64_t last_id_ = 0;
};

}  // namespace sluice::proxy
