#include "proxy/admin_events.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

std::string gap_text(std::uint64_t after, std::uint64_t next) {
  JsonWriter json;
  json.open_object().key("after").number(after).key("next").number(next).close_object();
  return "event: gap\ndata: " + json.str() + "\n\n";
}

}  // namespace

std::string event_text(const Event& event) {
  std::string text = "id: " + std::to_string(event.id) + "\nevent: " + event.type + "\n";
  std::string_view rest = event.body;
  do {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    text += "data: ";
    text += line;
    text += '\n';
  } while (!rest.empty());
  text += '\n';
  return text;
}

EventFeed::EventFeed(Control& control, EventWish wish, std::size_t backlog,
                     std::function<void()> wake)
    : wish_(std::move(wish)), backlog_(backlog), wake_(std::move(wake)) {
  if (wish_.after) resume(control, *wish_.after);
  subscription_ = control.subscribe([this](const Event& event) { push(event); });
}

std::string EventFeed::take() {
  waiting_ = 0;
  return std::exchange(text_, {});
}

void EventFeed::resume(const Control& control, std::uint64_t after) {
  std::vector<Event> kept = control.events_since(after);
  if (kept.empty() && after > 0) {
    kept = control.events_since(0);
    const bool up_to_date = !kept.empty() && kept.back().id == after;
    if (up_to_date || kept.empty()) return;
  }
  if (kept.empty()) return;
  if (kept.front().id != after + 1 && after != 0) text_ += gap_text(after, kept.front().id);
  for (const Event& event : kept)
    if (wants(event)) text_ += event_text(event);
}

bool EventFeed::wants(const Event& event) const {
  return wish_.types.empty() ||
         std::find(wish_.types.begin(), wish_.types.end(), event.type) != wish_.types.end();
}

void EventFeed::push(const Event& event) {
  if (overrun_ || !wants(event)) return;
  if (waiting_ == backlog_) {
    overrun_ = true;
  } else {
    text_ += event_text(event);
    ++waiting_;
  }
  wake_();
}

}  // namespace sluice::proxy
