#include "proxy/event_log.hpp"

#include <algorithm>
#include <utility>

namespace sluice::proxy {

void EventLog::add(std::string type, std::string body) {
  events_.push_back({++last_id_, std::move(type), std::move(body)});
  if (events_.size() > kept) events_.pop_front();
  const Event event = events_.back();
  std::erase_if(listeners_, [](const std::weak_ptr<Listener>& weak) { return weak.expired(); });
  const std::vector<std::weak_ptr<Listener>> called = listeners_;
  for (const std::weak_ptr<Listener>& weak : called) {
    if (const std::shared_ptr<Listener> listener = weak.lock()) (*listener)(event);
  }
}

void EventLog::go_on_from(std::vector<Event> before) {
  if (!before.empty()) last_id_ += before.back().id;
  for (Event& own : events_) {
    if (!before.empty()) own.id += before.back().id;
  }
  events_.insert(events_.begin(), before.begin(), before.end());
  while (events_.size() > kept) events_.pop_front();
}

std::vector<Event> EventLog::since(std::uint64_t last_id) const {
  const auto first = std::find_if(events_.begin(), events_.end(),
                                  [&](const Event& event) { return event.id > last_id; });
  return {first, events_.end()};
}

std::shared_ptr<void> EventLog::subscribe(std::function<void(const Event&)> listener) {
  auto token = std::make_shared<Listener>(std::move(listener));
  listeners_.push_back(token);
  return token;
}

}  // namespace sluice::proxy
