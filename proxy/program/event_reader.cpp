#include "proxy/program/event_reader.hpp"

#include <utility>

namespace sluice::proxy::program {

std::vector<ReceivedEvent> EventReader::feed(std::string_view piece) {
  rest_ += piece;
  std::size_t begin = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos;
       end = rest_.find('\n', begin)) {
    std::string_view line = std::string_view(rest_).substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    take_line(line);
    begin = end + 1;
  }
  rest_.erase(0, begin);
  return std::exchange(complete_, {});
}

void EventReader::take_line(std::string_view line) {
  if (line.empty()) {
    if (!event_.body.empty()) complete_.push_back(std::move(event_));
    event_ = {};
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "id") {
    event_.id = value;
  } else if (name == "event") {
    event_.type = value;
  } else if (name == "data") {
    if (!event_.body.empty()) event_.body += '\n';
    event_.body += value;
  }
}

}  // namespace sluice::proxy::program
