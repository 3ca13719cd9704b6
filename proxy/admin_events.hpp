#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/admin_message.hpp"
#include "proxy/control.hpp"

/// The event stream (server-sent events, WHATWG HTML section 9.2) without its socket.
namespace sluice::proxy {

/// One event as id, event and data lines.
std::string event_text(const Event& event);

/// What one reader still has to get: first the kept events behind the id it names, then the new
/// ones. When some of them are no longer kept, or the id is of an earlier process, an event "gap"
/// without id comes first. Lives on the control thread; subscribed for as long as it lives.
class EventFeed {
 public:
  /// `wake` is called when something new may be taken. At most `backlog` new events wait; one more
  /// makes the feed overrun and it takes nothing further.
  EventFeed(Control& control, EventWish wish, std::size_t backlog, std::function<void()> wake);
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  /// Everything that waits, as text; "" when nothing does.
  std::string take();
  bool overrun() const { return overrun_; }

 private:
  void resume(const Control& control, std::uint64_t after);
  bool wants(const Event& event) const;
  void push(const Event& event);

  EventWish wish_;
  std::size_t backlog_;
  std::function<void()> wake_;
  std::string text_;
  std::size_t waiting_ = 0;  ///< new events in text_
  bool overrun_ = false;
  std::shared_ptr<void> subscription_;  ///< last: ends before what its listener uses
};

}  // namespace sluice::proxy
